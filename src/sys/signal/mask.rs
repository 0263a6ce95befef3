//! Holding every signal back from the first moment on, and what the process
//! was started with.

use std::io;
use std::sync::OnceLock;

use libc::{c_int, c_void};

use super::send::check_syscall;
use crate::signal::{Arch, Signal, SignalSet};
use crate::sys::process::spawn::InheritedSignalState;

/// A signal set as the kernel takes it, the C library's own signals included,
/// which that leaves out of every mask it is given.
pub(super) type KernelSigset = [u64; 2];

/// How many bytes of it the kernel reads.
pub(super) const KERNEL_SIGSET_SIZE: usize = Arch::NATIVE.max_signal_number() as usize / 8;

/// The signal state that this process was started in.
#[derive(Clone, Copy, Debug)]
pub struct StartupSignalState {
    /// What was blocked.
    pub blocked: SignalSet,
    /// The same, and two dispositions, for commands of hooks.
    pub inherited: InheritedSignalState,
}

static STARTUP_STATE: OnceLock<StartupSignalState> = OnceLock::new();

/// Blocks every signal that can be blocked, and remembers what it was like
/// before. A second call does nothing but tell that.
///
/// # Errors
/// What rt_sigprocmask(2) says.
pub fn block_all() -> io::Result<StartupSignalState> {
    if let Some(start) = STARTUP_STATE.get() {
        return Ok(*start);
    }
    let inherited = InheritedSignalState::current();
    let mask = change_mask(libc::SIG_BLOCK, SignalSet::all(Arch::NATIVE))?;
    Ok(*STARTUP_STATE.get_or_init(|| StartupSignalState { blocked: mask, inherited }))
}

/// Whether a signal is pending for this process or this thread.
pub fn is_pending(signal: Signal) -> bool {
    let mut pending: KernelSigset = [0; 2];
    // SAFETY: the mask is at least as long as is said, and is ours alone.
    let answer = unsafe {
        libc::syscall(libc::SYS_rt_sigpending, (&raw mut pending).cast::<c_void>(), KERNEL_SIGSET_SIZE)
    };
    let bits = u128::from(pending[0]) | u128::from(pending[1]) << 64;
    answer == 0 && SignalSet::from_bits(bits).contains(signal)
}

/// Takes it back, if it has been done.
pub fn restore_mask() {
    if let Some(start) = STARTUP_STATE.get() {
        let _ = change_mask(libc::SIG_SETMASK, start.blocked);
    }
}

/// Changes the mask of this thread by rt_sigprocmask(2); gives what it was.
/// It allocates nothing and is a system call alone, so that it may stand
/// between fork and exec.
pub(in crate::sys) fn change_mask(how: c_int, set: SignalSet) -> io::Result<SignalSet> {
    let (new, mut old): (KernelSigset, KernelSigset) = (to_kernel_sigset(set), [0; 2]);
    // SAFETY: both masks are at least as long as is said, outlive the call, and
    // only the second is written to.
    check_syscall(unsafe {
        let old: *mut c_void = (&raw mut old).cast();
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            how,
            (&raw const new).cast::<c_void>(),
            old,
            KERNEL_SIGSET_SIZE,
        )
    })?;
    Ok(SignalSet::from_bits(u128::from(old[0]) | u128::from(old[1]) << 64))
}

pub(super) fn to_kernel_sigset(set: SignalSet) -> KernelSigset {
    [set.bits() as u64, (set.bits() >> 64) as u64]
}

/// What is done with a signal, set by rt_sigaction(2): signal(3) refuses the C
/// library's own. Where the kernel refuses it, nothing changes.
pub(in crate::sys) fn set_disposition(signal: Signal, disposition: libc::sighandler_t) {
    // A kernel sigaction: a handler first, then (but on mips, where the flags
    // come first, and both are of the same size) flags, restorer and mask.
    let mut action = [0usize; 8];
    action[usize::from(cfg!(any(target_arch = "mips", target_arch = "mips64")))] = disposition;
    // SAFETY: the action is longer than any architecture's and is read only;
    // SIG_DFL and SIG_IGN, which alone are passed here, are valid for any signal.
    unsafe {
        let none = std::ptr::null_mut::<c_void>();
        libc::syscall(
            libc::SYS_rt_sigaction,
            c_int::from(signal.get()),
            &raw const action,
            none,
            KERNEL_SIGSET_SIZE,
        )
    };
}

/// A signalfd(2) of these signals.
pub(super) fn open_signalfd(set: SignalSet) -> io::Result<c_int> {
    let mask = to_kernel_sigset(set);
    // SAFETY: the mask is as long as is said and outlives the call.
    let answer = unsafe {
        let mask = (&raw const mask).cast::<c_void>();
        libc::syscall(
            libc::SYS_signalfd4,
            -1,
            mask,
            KERNEL_SIGSET_SIZE,
            libc::SFD_CLOEXEC | libc::SFD_NONBLOCK,
        )
    };
    check_syscall(answer)?;
    c_int::try_from(answer).map_err(io::Error::other)
}

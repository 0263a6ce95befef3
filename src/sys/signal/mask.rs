//! The signal mask and the dispositions of this process, and their state at start.

use std::io;
use std::sync::OnceLock;

use libc::{c_int, c_void};

use super::send::check_syscall;
use crate::signal::{Arch, Signal, SignalSet};
use crate::sys::process::spawn::InheritedSignalState;

/// A signal set in the format of the kernel. It can contain the internal signals of
/// the C library, which the functions of the C library remove from every mask.
pub(super) type KernelSigset = [u64; 2];

/// The number of bytes of a [`KernelSigset`] that the kernel reads.
pub(super) const KERNEL_SIGSET_SIZE: usize = Arch::NATIVE.max_signal_number() as usize / 8;

/// The signal state of this process at its start.
#[derive(Clone, Copy, Debug)]
pub struct StartupSignalState {
    /// The blocked signals.
    pub blocked: SignalSet,
    /// The mask and two dispositions, for the commands of hooks.
    pub inherited: InheritedSignalState,
}

static STARTUP_STATE: OnceLock<StartupSignalState> = OnceLock::new();

/// Blocks every signal that can be blocked, saves the previous state and returns it.
/// A second call only returns the saved state.
///
/// # Errors
/// The errors of rt_sigprocmask(2).
pub fn block_all() -> io::Result<StartupSignalState> {
    if let Some(state) = STARTUP_STATE.get() {
        return Ok(*state);
    }
    let inherited = InheritedSignalState::current();
    let blocked = change_mask(libc::SIG_BLOCK, SignalSet::all(Arch::NATIVE))?;
    Ok(*STARTUP_STATE.get_or_init(|| StartupSignalState { blocked, inherited }))
}

/// Whether a signal is pending for this process or this thread.
pub fn is_pending(signal: Signal) -> bool {
    let mut pending: KernelSigset = [0; 2];
    // SAFETY: the mask is at least as long as the size argument, and nothing else
    // uses it during the call.
    let result = unsafe {
        libc::syscall(libc::SYS_rt_sigpending, (&raw mut pending).cast::<c_void>(), KERNEL_SIGSET_SIZE)
    };
    let bits = u128::from(pending[0]) | u128::from(pending[1]) << 64;
    result == 0 && SignalSet::from_bits(bits).contains(signal)
}

/// Restores the signal mask saved by [`block_all`], if any.
pub fn restore_mask() {
    if let Some(state) = STARTUP_STATE.get() {
        let _ = change_mask(libc::SIG_SETMASK, state.blocked);
    }
}

/// Changes the mask of this thread by rt_sigprocmask(2) and returns the previous
/// one. Only makes a system call and does not allocate, so it may be called between
/// fork and exec.
pub(in crate::sys) fn change_mask(how: c_int, set: SignalSet) -> io::Result<SignalSet> {
    let (new, mut old): (KernelSigset, KernelSigset) = (to_kernel_sigset(set), [0; 2]);
    // SAFETY: both masks are at least as long as the size argument and outlive the
    // call, which writes only to the second.
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

/// Sets the disposition of a signal by rt_sigaction(2), because signal(3) rejects the
/// internal signals of the C library. Ignores errors of the kernel.
pub(in crate::sys) fn set_disposition(signal: Signal, disposition: libc::sighandler_t) {
    // A kernel sigaction: handler, flags, restorer and mask. On mips the flags come
    // before the handler, and both have the same size.
    let mut action = [0usize; 8];
    action[usize::from(cfg!(any(target_arch = "mips", target_arch = "mips64")))] = disposition;
    // SAFETY: the action is at least as long as that of any architecture, and the call
    // only reads it. All callers pass SIG_DFL or SIG_IGN, which are valid for any
    // signal.
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

/// Opens a signalfd(2) for these signals.
pub(super) fn open_signalfd(set: SignalSet) -> io::Result<c_int> {
    let mask = to_kernel_sigset(set);
    // SAFETY: the mask is at least as long as the size argument and outlives the call.
    let result = unsafe {
        let mask = (&raw const mask).cast::<c_void>();
        libc::syscall(
            libc::SYS_signalfd4,
            -1,
            mask,
            KERNEL_SIGSET_SIZE,
            libc::SFD_CLOEXEC | libc::SFD_NONBLOCK,
        )
    };
    check_syscall(result)?;
    c_int::try_from(result).map_err(io::Error::other)
}

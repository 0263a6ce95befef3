//! Helper processes that do a part of the work of sigtool, and memory that both share.
//! If the helper blocks, sigtool does not.
//!
//! A helper is started by clone(2) without an exit signal: a wait for other children
//! does not find it, and no SIGCHLD reports its exit. Its work must neither allocate
//! nor take a lock, because sigtool may have threads.

use std::ffi::{c_int, c_long};
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use libc::pid_t;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::getppid;

use crate::signal::{Arch, SignalSet};
use crate::sys::signal::mask;
use crate::sys::signal::send::check_syscall;

/// Blocks every signal in the calling thread until it is dropped.
pub(in crate::sys) struct BlockedSignals(SignalSet);

impl BlockedSignals {
    pub(in crate::sys) fn block_all() -> io::Result<BlockedSignals> {
        mask::change_mask(libc::SIG_BLOCK, SignalSet::all(Arch::NATIVE)).map(BlockedSignals)
    }

    /// The signal mask before.
    pub(in crate::sys) fn previous_mask(&self) -> SignalSet {
        self.0
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        let _ = mask::change_mask(libc::SIG_SETMASK, self.0);
    }
}

/// Starts a child that calls `work` and exits.
///
/// # Errors
/// The errors of clone(2).
pub(in crate::sys) fn start(flags: c_int, work: impl FnOnce()) -> io::Result<pid_t> {
    // SAFETY: without a stack and CLONE_VM, clone(2) acts as fork(2). The child calls
    // nothing that allocates or locks, and never returns from this function.
    let result = unsafe { libc::syscall(libc::SYS_clone, c_long::from(flags), 0, 0, 0, 0) };
    check_syscall(result)?;
    if result == 0 {
        // Exits also if the work panics, so that no code of the caller runs.
        let _exit = ExitOnDrop;
        work();
    }
    pid_t::try_from(result).map_err(io::Error::other)
}

/// Kills a child of [`start`] that has not been reaped.
pub(in crate::sys) fn kill_child(child: pid_t) {
    // SAFETY: the arguments of kill(2) are plain numbers. The child has not been
    // reaped, so the PID is still its own.
    unsafe { libc::kill(child, libc::SIGKILL) };
}

/// Reaps a child of [`start`] if it has exited, and returns whether it has.
pub(in crate::sys) fn try_reap(child: pid_t) -> bool {
    // SAFETY: a null status is valid for waitpid(2).
    unsafe { libc::waitpid(child, std::ptr::null_mut(), libc::__WALL | libc::WNOHANG) != 0 }
}

/// Kills a child of [`start`]. With `wait`, waits until it has exited, which takes long
/// only if it is in an uninterruptible sleep.
pub(in crate::sys) fn kill_and_reap(child: pid_t, wait: bool) {
    let options = if wait { libc::__WALL } else { libc::__WALL | libc::WNOHANG };
    // SAFETY: the arguments of both calls are plain numbers and a valid null status.
    // The child has not been reaped, so the PID is still its own.
    unsafe {
        libc::kill(child, libc::SIGKILL);
        while libc::waitpid(child, std::ptr::null_mut(), options) < 0
            && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
        {}
    }
}

/// Makes the kernel kill this child when its parent exits.
pub(in crate::sys) fn exit_with_parent(parent: pid_t) {
    let _ = set_pdeathsig(Signal::SIGKILL);
    // The parent may have exited before the call.
    if getppid().as_raw() != parent {
        // SAFETY: _exit(2) does not return, and runs no code of the caller.
        unsafe { libc::_exit(0) }
    }
}

/// Waits while the number in shared memory is `expected`: until [`futex_wake`], a
/// handled signal or the end of the time.
pub(in crate::sys) fn futex_wait(futex: &AtomicU32, expected: u32, time: Option<Duration>) {
    let timeout = time.map(|time| libc::timespec {
        tv_sec: time.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: time.subsec_nanos().into(),
    });
    let timeout = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: the number and the timeout, which may be null, outlive the call.
    unsafe { libc::syscall(libc::SYS_futex, futex.as_ptr(), libc::FUTEX_WAIT, expected, timeout) };
}

/// Wakes the process that waits in [`futex_wait`] for a change of the number.
pub(in crate::sys) fn futex_wake(futex: &AtomicU32) {
    // SAFETY: the number outlives the call, which uses only its address.
    unsafe { libc::syscall(libc::SYS_futex, futex.as_ptr(), libc::FUTEX_WAKE, 1) };
}

struct ExitOnDrop;

impl Drop for ExitOnDrop {
    fn drop(&mut self) {
        // SAFETY: _exit(2) does not return, and runs no code of the caller.
        unsafe { libc::_exit(0) }
    }
}

/// Closes the inherited descriptors, so that this child does not keep pipes of sigtool
/// open after sigtool has exited.
pub(in crate::sys) fn close_all_except(keep: Option<c_int>) {
    let close = |first: c_int, last: c_long| {
        // SAFETY: the arguments of close_range(2), since Linux 5.9, are plain numbers.
        // This child does not use the descriptors that it closes.
        unsafe { libc::syscall(libc::SYS_close_range, c_long::from(first), last, 0) };
    };
    match keep {
        None => close(0, c_long::from(u32::MAX)),
        Some(keep) => {
            if keep > 0 {
                close(0, c_long::from(keep - 1));
            }
            close(keep + 1, c_long::from(u32::MAX));
        }
    }
}

/// A type for shared memory: zeroes are a valid value, and no value depends on the
/// process.
///
/// # Safety
/// Any bytes must be a valid value.
pub(in crate::sys) unsafe trait PlainData {}

/// Memory that a helper writes and that its parent reads after the helper has exited.
/// Both may use atomic fields at any time.
#[derive(Debug)]
pub(in crate::sys) struct SharedMemory<T: PlainData>(NonNull<T>);

impl<T: PlainData> SharedMemory<T> {
    /// Maps zeroed memory and allocates all its pages now, so that no later access waits
    /// for a page.
    pub(in crate::sys) fn new() -> io::Result<SharedMemory<T>> {
        SharedMemory::map(libc::MAP_POPULATE)
    }

    /// Maps zeroed memory and allocates each page on its first use. For large memory that
    /// may stay unused.
    pub(in crate::sys) fn new_on_demand() -> io::Result<SharedMemory<T>> {
        SharedMemory::map(0)
    }

    fn map(extra_flags: c_int) -> io::Result<SharedMemory<T>> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS | extra_flags;
        // SAFETY: the kernel maps new anonymous memory at an unused address.
        let memory = unsafe { libc::mmap(std::ptr::null_mut(), size_of::<T>(), protection, flags, -1, 0) };
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        NonNull::new(memory.cast()).map(SharedMemory).ok_or(io::ErrorKind::OutOfMemory.into())
    }

    pub(in crate::sys) fn get(&self) -> &T {
        // SAFETY: the memory has the size of T and the alignment of a page, and any bytes
        // are a valid T. Only the helper writes fields that are not atomic, and either it
        // has exited or it is the caller.
        unsafe { self.0.as_ref() }
    }

    /// The memory for the helper, which may write to it.
    pub(in crate::sys) fn get_mut(&mut self) -> &mut T {
        // SAFETY: as in `get`. The parent does not read while the helper runs.
        unsafe { self.0.as_mut() }
    }
}

impl<T: PlainData> Drop for SharedMemory<T> {
    fn drop(&mut self) {
        // SAFETY: `map` has mapped this memory with this size, and nothing borrows it.
        unsafe { libc::munmap(self.0.as_ptr().cast(), size_of::<T>()) };
    }
}

//! Child processes that do a part of sigtool's work, and the memory that both
//! share: what blocks in such a process does not block sigtool.
//!
//! A child is started by clone(2) without an exit signal: waiting for other
//! children does not meet it, and no SIGCHLD reports it. Its work may neither
//! allocate nor take a lock, because sigtool may have threads.

use std::ffi::{c_int, c_long};
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use libc::pid_t;

use crate::signal::{Arch, SignalSet};
use crate::sys::signal::mask;
use crate::sys::signal::send::check_syscall;

/// Every signal held back from the calling thread, until this is dropped.
pub(in crate::sys) struct BlockedSignals(SignalSet);

impl BlockedSignals {
    pub(in crate::sys) fn block_all() -> io::Result<BlockedSignals> {
        mask::change_mask(libc::SIG_BLOCK, SignalSet::all(Arch::NATIVE)).map(BlockedSignals)
    }

    /// What was held back before.
    pub(in crate::sys) fn previous_mask(&self) -> SignalSet {
        self.0
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        let _ = mask::change_mask(libc::SIG_SETMASK, self.0);
    }
}

/// Starts a child that does the work and ends.
///
/// # Errors
/// The errors of clone(2).
pub(in crate::sys) fn start(flags: c_int, work: impl FnOnce()) -> io::Result<pid_t> {
    // SAFETY: without a stack and CLONE_VM, clone(2) is fork(2). The child calls
    // nothing that allocates or locks, and never returns from this block.
    let answer = unsafe { libc::syscall(libc::SYS_clone, c_long::from(flags), 0, 0, 0, 0) };
    check_syscall(answer)?;
    if answer == 0 {
        // Also where the work panics: nothing of the caller's may be run.
        let _end = ExitOnDrop;
        work();
    }
    pid_t::try_from(answer).map_err(io::Error::other)
}

/// Kills a child of [`start`] that has not been waited for.
pub(in crate::sys) fn kill_child(child: pid_t) {
    // SAFETY: kill(2) takes plain numbers; the child has not been waited for, so
    // the number is its own.
    unsafe { libc::kill(child, libc::SIGKILL) };
}

/// Whether a child of [`start`] has ended; waits for it then, and not otherwise.
pub(in crate::sys) fn try_reap(child: pid_t) -> bool {
    // SAFETY: waitpid(2) may be given a null status.
    unsafe { libc::waitpid(child, std::ptr::null_mut(), libc::__WALL | libc::WNOHANG) != 0 }
}

/// Kills a child of [`start`]. `wait`: until it has ended, which it does at once unless
/// it sleeps uninterruptibly.
pub(in crate::sys) fn kill_and_reap(child: pid_t, wait: bool) {
    let options = if wait { libc::__WALL } else { libc::__WALL | libc::WNOHANG };
    // SAFETY: both calls take plain numbers, or a null status; the child has not
    // been waited for, so the number is its own.
    unsafe {
        libc::kill(child, libc::SIGKILL);
        while libc::waitpid(child, std::ptr::null_mut(), options) < 0
            && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
        {}
    }
}

/// Ends this child with its parent, by a signal that cannot be blocked.
pub(in crate::sys) fn exit_with_parent(parent: pid_t) {
    // SAFETY: both calls take plain numbers or nothing.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        // It may have ended before that was said.
        if libc::getppid() != parent {
            libc::_exit(0);
        }
    }
}

/// Waits while the number in shared memory is `expected`: until it is woken, a
/// signal is handled or the time is over.
pub(in crate::sys) fn futex_wait(futex: &AtomicU32, expected: u32, time: Option<Duration>) {
    let time = time.map(|time| libc::timespec {
        tv_sec: time.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: time.subsec_nanos().into(),
    });
    let time = time.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: the number and the time outlive the call.
    unsafe { libc::syscall(libc::SYS_futex, futex.as_ptr(), libc::FUTEX_WAIT, expected, time) };
}

/// Wakes the process that waits for the number to change.
pub(in crate::sys) fn futex_wake(futex: &AtomicU32) {
    // SAFETY: the number outlives the call, which takes its address only.
    unsafe { libc::syscall(libc::SYS_futex, futex.as_ptr(), libc::FUTEX_WAKE, 1) };
}

struct ExitOnDrop;

impl Drop for ExitOnDrop {
    fn drop(&mut self) {
        // SAFETY: _exit(2) does not return, and runs nothing of the caller's.
        unsafe { libc::_exit(0) }
    }
}

/// Closes what was inherited, so that no pipe of sigtool's outlives it here.
pub(in crate::sys) fn close_all_except(keep: Option<c_int>) {
    let close = |first: c_int, last: c_long| {
        // SAFETY: close_range(2), since Linux 5.9, takes plain numbers; whatever
        // it closes is not used in this process.
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

/// What zeroes are a value of, and which holds nothing that means something in
/// one process only.
///
/// # Safety
/// Any bytes must be a valid value.
pub(in crate::sys) unsafe trait PlainData {}

/// Memory that a helper writes and its parent reads, once the helper has ended;
/// what is atomic, both may at any time.
#[derive(Debug)]
pub(in crate::sys) struct SharedMemory<T: PlainData>(NonNull<T>);

impl<T: PlainData> SharedMemory<T> {
    /// Zeroes; all there from the start, so that no page is awaited later.
    pub(in crate::sys) fn new() -> io::Result<SharedMemory<T>> {
        SharedMemory::map(libc::MAP_POPULATE)
    }

    /// Zeroes, for what is large and may never be used: a page is there once it is.
    pub(in crate::sys) fn new_on_demand() -> io::Result<SharedMemory<T>> {
        SharedMemory::map(0)
    }

    fn map(more: c_int) -> io::Result<SharedMemory<T>> {
        let (protection, flags) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS | more);
        // SAFETY: new memory, of no file, wherever the kernel likes.
        let memory = unsafe { libc::mmap(std::ptr::null_mut(), size_of::<T>(), protection, flags, -1, 0) };
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        NonNull::new(memory.cast()).map(SharedMemory).ok_or(io::ErrorKind::OutOfMemory.into())
    }

    pub(in crate::sys) fn get(&self) -> &T {
        // SAFETY: the memory is as large and as aligned (to a page) as it must
        // be, and any bytes are valid. What is not atomic the helper alone writes,
        // and it has ended, or is who looks.
        unsafe { self.0.as_ref() }
    }

    /// In the helper.
    pub(in crate::sys) fn get_mut(&mut self) -> &mut T {
        // SAFETY: as above; the parent does not look while the helper lives.
        unsafe { self.0.as_mut() }
    }
}

impl<T: PlainData> Drop for SharedMemory<T> {
    fn drop(&mut self) {
        // SAFETY: it was mapped so, and nothing borrows it any more.
        unsafe { libc::munmap(self.0.as_ptr().cast(), size_of::<T>()) };
    }
}

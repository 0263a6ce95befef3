//! The helper process: it traces in sigtool's stead, so that what hangs, or is
//! interrupted, is not sigtool.
//!
//! It is a child by clone(2) without an exit signal: nobody who waits for other
//! children meets it, and no SIGCHLD tells of it. What it does may neither
//! allocate nor take a lock, for sigtool may have threads.

use std::ffi::{c_int, c_long};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU32;
use std::time::{Duration, Instant};

use libc::pid_t;
use nix::poll::{PollFd, PollFlags};

use super::patience::{self, Word};
use crate::signal::{Arch, SignalSet};
use crate::sys::deliver::check;
use crate::sys::hold;
use crate::sys::pidfd::{PidFd, poll_until};
use crate::sys::signalfd::SignalFd;

/// Every signal held back from the calling thread, until this is dropped.
pub(super) struct Held(SignalSet);

impl Held {
    pub(super) fn all() -> io::Result<Held> {
        hold::change(libc::SIG_BLOCK, SignalSet::all(Arch::NATIVE)).map(Held)
    }

    /// What was held back before.
    pub(super) fn before(&self) -> SignalSet {
        self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = hold::change(libc::SIG_SETMASK, self.0);
    }
}

/// How long a helper that was told to give up is waited for.
const TO_GIVE_UP: Duration = Duration::from_millis(60);
/// The time between two tests whether a helper has ended, once it should have.
const PAUSE: Duration = Duration::from_micros(200);

/// A helper that has not been waited for.
#[derive(Debug)]
pub(super) struct Helper(pid_t);

impl Helper {
    /// Starts one that does the work and ends. It leads a session of its own,
    /// blocks what the caller blocks, and has no descriptor open but one.
    pub(super) fn start(_held: &Held, keep: Option<c_int>, work: impl FnOnce()) -> io::Result<Helper> {
        // SAFETY: without flags and a stack clone(2) is fork(2). The child calls
        // nothing that allocates or locks, and never returns from this block.
        let answer = unsafe { libc::syscall(libc::SYS_clone, 0, 0, 0, 0, 0) };
        check(answer)?;
        if answer == 0 {
            // Also where the work panics: nothing of the caller's may be run.
            let _end = End;
            // SAFETY: setsid(2) takes nothing.
            unsafe { libc::setsid() };
            close_all_but(keep);
            work();
        }
        pid_t::try_from(answer).map(Helper).map_err(io::Error::other)
    }

    /// Waits for its end until the deadline. If a signal comes that will end sigtool
    /// as soon as it is unblocked, the helper is told to give up.
    ///
    /// Returns whether the helper has ended. If it has not, the thread that it
    /// stopped is in an uninterruptible sleep within an injected call; it is left
    /// behind and ends by itself.
    pub(super) fn wait(self, held: &Held, word: &Word, end: Instant) -> bool {
        let last = match self.is_outrun(held, end) {
            Ok(true) => {
                word.say();
                end.min(Instant::now() + TO_GIVE_UP)
            }
            // Without a descriptor, its end is found out below.
            Ok(false) | Err(_) => end,
        };
        while !self.is_reaped() {
            if Instant::now() >= last {
                return false;
            }
            std::thread::sleep(PAUSE);
        }
        true
    }

    /// Whether such a signal comes before its end, and before the deadline.
    fn is_outrun(&self, held: &Held, end: Instant) -> io::Result<bool> {
        let own = PidFd::open(self.0.cast_unsigned())?;
        let signals = SignalFd::open(patience::deadly(held))?;
        let mut waited = [own.as_fd(), signals.as_fd()].map(|each| PollFd::new(each, PollFlags::POLLIN));
        poll_until(&mut waited, Some(end.saturating_duration_since(Instant::now())))?;
        let is_ready = |fd: &PollFd<'_>| fd.revents().is_some_and(|events| !events.is_empty());
        Ok(!is_ready(&waited[0]) && is_ready(&waited[1]))
    }

    /// Whether it has ended, and could be waited for.
    fn is_reaped(&self) -> bool {
        // SAFETY: waitpid(2) may be given a null status; the child is ours, and
        // waited for only here.
        unsafe { libc::waitpid(self.0, std::ptr::null_mut(), libc::__WALL | libc::WNOHANG) != 0 }
    }

    fn reap(&self) {
        // SAFETY: waitpid(2) may be given a null status; the child is ours, and
        // waited for only here.
        while unsafe { libc::waitpid(self.0, std::ptr::null_mut(), libc::__WALL) } < 0
            && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
        {}
    }

    /// Interrupts what it waits in, once it has a [`tick`].
    pub(super) fn wake(&self) {
        // SAFETY: kill(2) takes plain numbers; the child has not been waited for,
        // so the number is its own.
        unsafe { libc::kill(self.0, libc::SIGALRM) };
    }

    /// Ends it; only where it may be ended at any moment.
    pub(super) fn end(&self) {
        // SAFETY: kill(2) takes plain numbers; the child has not been waited for,
        // so the number is its own.
        unsafe { libc::kill(self.0, libc::SIGKILL) };
        self.reap();
    }
}

/// Starts a child of a helper that shares the helper's descriptors and does its
/// work until [`end_child`], or until the helper ends.
pub(super) fn start_sharing_descriptors(work: impl FnOnce()) -> io::Result<pid_t> {
    // SAFETY: getpid(2) takes nothing. Without a stack and CLONE_VM, clone(2) is
    // fork(2). The child calls nothing that allocates or locks, and never returns
    // from this block.
    let (parent, answer) =
        unsafe { (libc::getpid(), libc::syscall(libc::SYS_clone, libc::CLONE_FILES, 0, 0, 0, 0)) };
    check(answer)?;
    if answer == 0 {
        let _end = End;
        end_with_parent(parent);
        work();
    }
    pid_t::try_from(answer).map_err(io::Error::other)
}

/// Whether such a child has ended. It still must be waited for.
pub(super) fn is_ended(child: pid_t) -> bool {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT | libc::__WALL;
    // SAFETY: waitid(2) fills in a whole siginfo_t, or leaves its zeroes, which
    // are valid; the PID is of the variant that it sets.
    unsafe {
        libc::waitid(libc::P_PID, child.cast_unsigned(), info.as_mut_ptr(), options) == 0
            && info.assume_init().si_pid() == child
    }
}

/// Kills such a child. `wait`: until it has ended, which it does at once unless
/// it sleeps uninterruptibly.
pub(super) fn end_child(child: pid_t, wait: bool) {
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

/// Waits while the number in shared memory is `expected`: until it is woken, a
/// signal is handled or the time is over.
pub(super) fn futex_wait(futex: &AtomicU32, expected: u32, time: Option<Duration>) {
    let time = time.map(|time| libc::timespec {
        tv_sec: time.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: time.subsec_nanos().into(),
    });
    let time = time.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: the number and the time outlive the call.
    unsafe { libc::syscall(libc::SYS_futex, futex.as_ptr(), libc::FUTEX_WAIT, expected, time) };
}

/// Wakes the process that waits for the number to change.
pub(super) fn futex_wake(futex: &AtomicU32) {
    // SAFETY: the number outlives the call, which takes its address only.
    unsafe { libc::syscall(libc::SYS_futex, futex.as_ptr(), libc::FUTEX_WAKE, 1) };
}

struct End;

impl Drop for End {
    fn drop(&mut self) {
        // SAFETY: _exit(2) does not return, and runs nothing of the caller's.
        unsafe { libc::_exit(0) }
    }
}

/// Closes what was inherited, so that no pipe of sigtool's outlives it here.
fn close_all_but(keep: Option<c_int>) {
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

extern "C" fn nothing(_: c_int) {}

/// Has what waits interrupted, once after the first time and then again and
/// again; in a helper only, whose timer and SIGALRM are its own.
pub(super) fn tick(first: Duration, then: Duration) {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: zeroes are a valid sigaction, without SA_RESTART and with an empty
    // mask; the handler does nothing.
    unsafe {
        (*action.as_mut_ptr()).sa_sigaction = nothing as *const () as libc::sighandler_t;
        libc::sigaction(libc::SIGALRM, action.as_ptr(), std::ptr::null_mut());
    }
    let alarm = crate::signal::Signal::new(libc::SIGALRM as u8).into_iter().collect();
    let _ = hold::change(libc::SIG_UNBLOCK, alarm);
    set_timer(first, then);
}

/// The same timer, set anew.
pub(super) fn set_timer(first: Duration, then: Duration) {
    let time = |time: Duration| libc::timeval {
        tv_sec: time.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        // 0 would be no timer at all.
        tv_usec: time.subsec_micros().max(1).into(),
    };
    let timer = libc::itimerval { it_value: time(first), it_interval: time(then) };
    // SAFETY: the timer outlives the call, and the old one is not asked for.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) };
}

/// Ends this helper with its parent, by a signal that cannot be blocked.
pub(super) fn end_with_parent(parent: pid_t) {
    // SAFETY: both calls take plain numbers or nothing.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        // It may have ended before that was said.
        if libc::getppid() != parent {
            libc::_exit(0);
        }
    }
}

/// What zeroes are a value of, and which holds nothing that means something in
/// one process only.
///
/// # Safety
/// Any bytes must be a valid value.
pub(super) unsafe trait Plain {}

/// Memory that a helper writes and its parent reads, once the helper has ended;
/// what is atomic, both may at any time.
#[derive(Debug)]
pub(super) struct Shared<T: Plain>(NonNull<T>);

impl<T: Plain> Shared<T> {
    /// Zeroes; all there from the start, so that no page is awaited later.
    pub(super) fn new() -> io::Result<Shared<T>> {
        Shared::map(libc::MAP_POPULATE)
    }

    /// Zeroes, for what is large and may never be used: a page is there once it is.
    pub(super) fn on_demand() -> io::Result<Shared<T>> {
        Shared::map(0)
    }

    fn map(more: c_int) -> io::Result<Shared<T>> {
        let (protection, flags) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS | more);
        // SAFETY: new memory, of no file, wherever the kernel likes.
        let memory = unsafe { libc::mmap(std::ptr::null_mut(), size_of::<T>(), protection, flags, -1, 0) };
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        NonNull::new(memory.cast()).map(Shared).ok_or(io::ErrorKind::OutOfMemory.into())
    }

    pub(super) fn get(&self) -> &T {
        // SAFETY: the memory is as large and as aligned (to a page) as it must
        // be, and any bytes are valid. What is not atomic the helper alone writes,
        // and it has ended, or is who looks.
        unsafe { self.0.as_ref() }
    }

    /// In the helper.
    pub(super) fn get_mut(&mut self) -> &mut T {
        // SAFETY: as above; the parent does not look while the helper lives.
        unsafe { self.0.as_mut() }
    }
}

impl<T: Plain> Drop for Shared<T> {
    fn drop(&mut self) {
        // SAFETY: it was mapped so, and nothing borrows it any more.
        unsafe { libc::munmap(self.0.as_ptr().cast(), size_of::<T>()) };
    }
}

//! The helper process: it traces in sigtool's stead, so that what hangs, or is
//! interrupted, is not sigtool.
//!
//! It is a child by clone(2) without an exit signal: nobody who waits for other
//! children meets it, and no SIGCHLD tells of it. What it does may neither
//! allocate nor take a lock, for sigtool may have threads.

use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use libc::pid_t;
use nix::poll::{PollFd, PollFlags};

use super::deadline::{self, CancelFlag};
use crate::sys::process::fork;
pub(super) use crate::sys::process::fork::{
    BlockedSignals, PlainData, SharedMemory, exit_with_parent, futex_wait, futex_wake, kill_and_reap,
};
use crate::sys::process::pidfd::{PidFd, poll_with_timeout};
use crate::sys::signal::mask;
use crate::sys::signal::signalfd::SignalFd;

/// How long a helper that was told to give up is waited for.
const CANCEL_GRACE: Duration = Duration::from_millis(60);
/// The time between two tests whether a helper has ended, once it should have.
const REAP_INTERVAL: Duration = Duration::from_micros(200);

/// A helper that has not been waited for.
#[derive(Debug)]
pub(super) struct HelperProcess(pid_t);

impl HelperProcess {
    /// Starts one that does the work and ends. It leads a session of its own,
    /// blocks what the caller blocks, and has no descriptor open but one.
    pub(super) fn start(
        _held: &BlockedSignals,
        keep: Option<c_int>,
        work: impl FnOnce(),
    ) -> io::Result<HelperProcess> {
        fork::start(0, || {
            // SAFETY: setsid(2) takes nothing.
            unsafe { libc::setsid() };
            fork::close_all_except(keep);
            work();
        })
        .map(HelperProcess)
    }

    /// Waits for its end until the deadline. If a signal comes that will end sigtool
    /// as soon as it is unblocked, the helper is told to give up.
    ///
    /// Returns whether the helper has ended. If it has not, the thread that it
    /// stopped is in an uninterruptible sleep within an injected call; it is left
    /// behind and ends by itself.
    pub(super) fn wait(self, held: &BlockedSignals, word: &CancelFlag, end: Instant) -> bool {
        let last = match self.fatal_signal_arrives(held, end) {
            Ok(true) => {
                word.cancel();
                end.min(Instant::now() + CANCEL_GRACE)
            }
            // Without a descriptor, its end is found out below.
            Ok(false) | Err(_) => end,
        };
        while !self.try_reap() {
            if Instant::now() >= last {
                return false;
            }
            std::thread::sleep(REAP_INTERVAL);
        }
        true
    }

    /// Whether such a signal comes before its end, and before the deadline.
    fn fatal_signal_arrives(&self, held: &BlockedSignals, end: Instant) -> io::Result<bool> {
        let own = PidFd::open(self.0.cast_unsigned())?;
        let signals = SignalFd::open(deadline::fatal_signals(held))?;
        let mut waited = [own.as_fd(), signals.as_fd()].map(|each| PollFd::new(each, PollFlags::POLLIN));
        poll_with_timeout(&mut waited, Some(end.saturating_duration_since(Instant::now())))?;
        let is_ready = |fd: &PollFd<'_>| fd.revents().is_some_and(|events| !events.is_empty());
        Ok(!is_ready(&waited[0]) && is_ready(&waited[1]))
    }

    /// Whether it has ended, and could be waited for.
    fn try_reap(&self) -> bool {
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

    /// Interrupts what it waits in, once it has a [`start_interrupt_timer`].
    pub(super) fn interrupt(&self) {
        // SAFETY: kill(2) takes plain numbers; the child has not been waited for,
        // so the number is its own.
        unsafe { libc::kill(self.0, libc::SIGALRM) };
    }

    /// Ends it; only where it may be ended at any moment.
    pub(super) fn kill(&self) {
        // SAFETY: kill(2) takes plain numbers; the child has not been waited for,
        // so the number is its own.
        unsafe { libc::kill(self.0, libc::SIGKILL) };
        self.reap();
    }
}

/// Starts a child of a helper that shares the helper's descriptors and does its
/// work until [`kill_and_reap`], or until the helper ends.
pub(super) fn start_sharing_descriptors(work: impl FnOnce()) -> io::Result<pid_t> {
    // SAFETY: getpid(2) takes nothing.
    let parent = unsafe { libc::getpid() };
    fork::start(libc::CLONE_FILES, || {
        exit_with_parent(parent);
        work();
    })
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

extern "C" fn empty_handler(_: c_int) {}

/// Has what waits interrupted, once after the first time and then again and
/// again; in a helper only, whose timer and SIGALRM are its own.
pub(super) fn start_interrupt_timer(first: Duration, then: Duration) {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: zeroes are a valid sigaction, without SA_RESTART and with an empty
    // mask; the handler does nothing.
    unsafe {
        (*action.as_mut_ptr()).sa_sigaction = empty_handler as *const () as libc::sighandler_t;
        libc::sigaction(libc::SIGALRM, action.as_ptr(), std::ptr::null_mut());
    }
    let alarm = crate::signal::Signal::new(libc::SIGALRM as u8).into_iter().collect();
    let _ = mask::change_mask(libc::SIG_UNBLOCK, alarm);
    set_interrupt_timer(first, then);
}

/// The same timer, set anew.
pub(super) fn set_interrupt_timer(first: Duration, then: Duration) {
    let time = |time: Duration| libc::timeval {
        tv_sec: time.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        // 0 would be no timer at all.
        tv_usec: time.subsec_micros().max(1).into(),
    };
    let timer = libc::itimerval { it_value: time(first), it_interval: time(then) };
    // SAFETY: the timer outlives the call, and the old one is not asked for.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) };
}

//! The helper process that traces on behalf of sigtool: the helper, and not sigtool,
//! blocks or is interrupted.
//!
//! It is a child of [`fork::start`]: its work may neither allocate nor take a lock.

use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use libc::pid_t;
use nix::poll::{PollFd, PollFlags};

use super::deadline::CancelFlag;
use crate::sys::process::fork;
pub(super) use crate::sys::process::fork::{
    BlockedSignals, PlainData, SharedMemory, exit_with_parent, futex_wait, futex_wake, kill_and_reap,
};
use crate::sys::process::pidfd::{PidFd, poll_with_timeout};
use crate::sys::signal::mask;
use crate::sys::signal::signalfd::SignalFd;

/// How long sigtool waits for a helper after cancelling it.
const CANCEL_GRACE: Duration = Duration::from_millis(60);
/// Interval between two checks whether a helper has exited, once it should have.
const REAP_INTERVAL: Duration = Duration::from_micros(200);

/// A helper that has not been reaped.
#[derive(Debug)]
pub(super) struct HelperProcess(pid_t);

impl HelperProcess {
    /// Starts a helper that does the work and exits. It leads its own session,
    /// keeps the caller's signal mask, and closes every descriptor except `keep`.
    pub(super) fn start(
        _signals: &BlockedSignals,
        keep: Option<c_int>,
        work: impl FnOnce(),
    ) -> io::Result<HelperProcess> {
        fork::start(0, || {
            // SAFETY: setsid(2) takes no arguments.
            unsafe { libc::setsid() };
            fork::close_all_except(keep);
            work();
        })
        .map(HelperProcess)
    }

    /// Waits until the helper exits or the deadline expires. Cancels the helper if
    /// a signal arrives that will end sigtool as soon as it is unblocked.
    ///
    /// Returns whether the helper has exited. If it has not, the thread that it
    /// stopped is in an uninterruptible sleep within an injected call. The helper
    /// is left behind and exits by itself.
    pub(super) fn wait(self, fatal: Option<&SignalFd>, cancel: &CancelFlag, deadline: Instant) -> bool {
        let end = match self.fatal_signal_arrives(fatal, deadline) {
            Ok(true) => {
                cancel.cancel();
                deadline.min(Instant::now() + CANCEL_GRACE)
            }
            // Without a descriptor, the loop below detects the exit.
            Ok(false) | Err(_) => deadline,
        };
        while !fork::try_reap(self.0) {
            if Instant::now() >= end {
                return false;
            }
            std::thread::sleep(REAP_INTERVAL);
        }
        true
    }

    /// Whether a fatal signal arrives before the helper exits and before the
    /// deadline.
    fn fatal_signal_arrives(&self, fatal: Option<&SignalFd>, deadline: Instant) -> io::Result<bool> {
        let helper = PidFd::open(self.0.cast_unsigned())?;
        let fatal = fatal.ok_or(io::ErrorKind::NotFound)?;
        let mut polled = [helper.as_fd(), fatal.as_fd()].map(|each| PollFd::new(each, PollFlags::POLLIN));
        poll_with_timeout(&mut polled, Some(deadline.saturating_duration_since(Instant::now())))?;
        let is_ready = |fd: &PollFd<'_>| fd.revents().is_some_and(|events| !events.is_empty());
        Ok(!is_ready(&polled[0]) && is_ready(&polled[1]))
    }

    /// Interrupts a blocking call of a helper that called
    /// [`start_interrupt_timer`].
    pub(super) fn interrupt(&self) {
        // SAFETY: kill(2) takes plain numbers; the child has not been reaped, so
        // the PID is still its own.
        unsafe { libc::kill(self.0, libc::SIGALRM) };
    }

    /// Kills and reaps a helper that may exit at any moment.
    pub(super) fn kill(&self) {
        kill_and_reap(self.0, true);
    }
}

/// Starts a child of a helper that shares the helper's descriptors. It works until
/// [`kill_and_reap`], or until the helper exits.
pub(super) fn start_sharing_descriptors(work: impl FnOnce()) -> io::Result<pid_t> {
    // SAFETY: getpid(2) takes no arguments.
    let parent = unsafe { libc::getpid() };
    fork::start(libc::CLONE_FILES, || {
        exit_with_parent(parent);
        work();
    })
}

/// Whether a child of [`start_sharing_descriptors`] has exited. It must still be
/// reaped.
pub(super) fn is_ended(child: pid_t) -> bool {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT | libc::__WALL;
    // SAFETY: waitid(2) fills in a whole siginfo_t or leaves the zeroes, which are
    // valid; the PID is a field of the variant that it sets.
    unsafe {
        libc::waitid(libc::P_PID, child.cast_unsigned(), info.as_mut_ptr(), options) == 0
            && info.assume_init().si_pid() == child
    }
}

extern "C" fn empty_handler(_: c_int) {}

/// Interrupts blocking calls after `first` and then every `then`. Only for a
/// helper, because it uses the timer and SIGALRM of the process.
pub(super) fn start_interrupt_timer(first: Duration, interval: Duration) {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: zeroes are a valid sigaction, without SA_RESTART and with an empty
    // mask; the handler does nothing.
    unsafe {
        (*action.as_mut_ptr()).sa_sigaction = empty_handler as *const () as libc::sighandler_t;
        libc::sigaction(libc::SIGALRM, action.as_ptr(), std::ptr::null_mut());
    }
    let alarm = crate::signal::Signal::new(libc::SIGALRM as u8).into_iter().collect();
    let _ = mask::change_mask(libc::SIG_UNBLOCK, alarm);
    set_interrupt_timer(first, interval);
}

/// Sets the interval timer that sends SIGALRM.
pub(super) fn set_interrupt_timer(first: Duration, interval: Duration) {
    let time = |time: Duration| libc::timeval {
        tv_sec: time.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        // 0 would disarm the timer.
        tv_usec: time.subsec_micros().max(1).into(),
    };
    let timer = libc::itimerval { it_value: time(first), it_interval: time(interval) };
    // SAFETY: the timer outlives the call; a null pointer for the old timer is
    // allowed.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) };
}

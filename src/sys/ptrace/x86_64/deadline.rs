//! The limits of a helper's work: a deadline, and a flag by which sigtool cancels
//! it.

use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use crate::signal::table::DefaultAction;
use crate::signal::{Arch, Signal, SignalSet};
use crate::sys::process::fork::{BlockedSignals, PlainData, SharedMemory};

/// Flag in memory that sigtool shares with its helper: set if the helper must give
/// up.
pub(super) struct CancelFlag(SharedMemory<AtomicU32>);

// SAFETY: a number, for which every value is valid.
unsafe impl PlainData for AtomicU32 {}

impl CancelFlag {
    pub(super) fn new() -> io::Result<CancelFlag> {
        SharedMemory::new().map(CancelFlag)
    }

    pub(super) fn cancel(&self) {
        self.0.get().store(1, Ordering::Relaxed);
    }

    fn is_cancelled(&self) -> bool {
        self.0.get().load(Ordering::Relaxed) != 0
    }
}

/// Limit for waits before the helper has changed anything in the target. What the
/// helper has changed it restores, however long that takes.
#[derive(Clone, Copy)]
pub(super) struct Deadline<'a> {
    pub(super) end: Instant,
    /// Cancels the wait before `end`.
    pub(super) cancel: &'a CancelFlag,
}

impl Deadline<'_> {
    /// Whether the deadline has passed or the wait was cancelled. Checked after
    /// each interrupt of the timer.
    pub(super) fn is_expired(&self) -> bool {
        self.cancel.is_cancelled() || Instant::now() >= self.end
    }
}

/// Returns the signals that end sigtool as soon as they are unblocked.
pub(super) fn fatal_signals(signals: &BlockedSignals) -> SignalSet {
    // No signal is fatal for the init process of a PID namespace
    // (pid_namespaces(7)).
    if std::process::id() == 1 {
        return SignalSet::EMPTY;
    }
    let is_fatal = |signal: &Signal| {
        // All real-time signals end a process by default.
        let standard = Arch::NATIVE.standard_signal(*signal);
        let ends_process = standard
            .is_none_or(|standard| matches!(standard.action, DefaultAction::Term | DefaultAction::Core));
        ends_process
            && !signal.is_reserved_by_libc()
            && !signals.previous_mask().contains(*signal)
            && has_default_action(*signal)
    };
    SignalSet::all(Arch::NATIVE).iter().filter(is_fatal).collect()
}

/// Whether the disposition of a signal is the default.
fn has_default_action(signal: Signal) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null new action only queries; zeroes are a valid sigaction if the
    // call fails.
    let action = unsafe {
        libc::sigaction(c_int::from(signal.get()), std::ptr::null(), action.as_mut_ptr());
        action.assume_init()
    };
    action.sa_sigaction == libc::SIG_DFL
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sys::signal::mask;

    #[test]
    fn deadline_expires_with_time_or_cancel() {
        let cancel = CancelFlag::new().expect("memory");
        let now = Instant::now();
        let later = Deadline { end: now + Duration::from_secs(1000), cancel: &cancel };
        assert!(!later.is_expired() && Deadline { end: now, cancel: &cancel }.is_expired());
        cancel.cancel();
        assert!(later.is_expired());
    }

    #[test]
    fn blocked_and_harmless_signals_are_not_fatal() {
        let usr2 = Signal::new(libc::SIGUSR2 as u8).expect("a signal");
        // Affects only this thread.
        let before = mask::change_mask(libc::SIG_BLOCK, SignalSet::from_iter([usr2])).expect("blocked");
        let ignored = Signal::new(50).expect("a signal");
        mask::set_disposition(ignored, libc::SIG_IGN);
        let blocked = BlockedSignals::block_all().expect("blocked");
        let fatal = fatal_signals(&blocked);
        drop(blocked);
        mask::set_disposition(ignored, libc::SIG_DFL);
        mask::change_mask(libc::SIG_SETMASK, before).expect("restored");
        let is_fatal = |number: i32| fatal.contains(Signal::new(number as u8).expect("a signal"));
        assert!(is_fatal(libc::SIGUSR1) && is_fatal(40), "{fatal:?}");
        for number in [libc::SIGUSR2, libc::SIGCHLD, libc::SIGWINCH, libc::SIGTSTP, libc::SIGCONT, 32, 50] {
            assert!(!is_fatal(number), "{number}");
        }
    }
}

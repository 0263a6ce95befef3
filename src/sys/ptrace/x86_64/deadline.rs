//! How long a helper goes on: until its time is up, or sigtool has been told to
//! end.

use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use super::helper::{BlockedSignals, PlainData, SharedMemory};
use crate::signal::table::DefaultAction;
use crate::signal::{Arch, Signal, SignalSet};

/// What sigtool says to its helper, in memory that both have: give up.
pub(super) struct CancelFlag(SharedMemory<AtomicU32>);

// SAFETY: a number, of which every value is valid.
unsafe impl PlainData for AtomicU32 {}

impl CancelFlag {
    /// Not said yet.
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

/// Until when the helper waits for what it has not changed yet. What it has
/// changed it restores, however long that takes.
#[derive(Clone, Copy)]
pub(super) struct Deadline<'a> {
    /// When its time is up.
    pub(super) end: Instant,
    /// Whether it is to give up before.
    pub(super) cancel: &'a CancelFlag,
}

impl Deadline<'_> {
    /// Whether it is at its end. Asked after each tick.
    pub(super) fn is_expired(&self) -> bool {
        self.cancel.is_cancelled() || Instant::now() >= self.end
    }
}

/// The signals that end sigtool as soon as they are not held back any more.
pub(super) fn fatal_signals(held: &BlockedSignals) -> SignalSet {
    // To the init of a pid namespace none is (pid_namespaces(7)).
    if std::process::id() == 1 {
        return SignalSet::EMPTY;
    }
    let is_deadly = |signal: &Signal| {
        // All real-time signals do.
        let facts = Arch::NATIVE.standard_signal(*signal);
        let ends =
            facts.is_none_or(|facts| matches!(facts.action, DefaultAction::Term | DefaultAction::Core));
        ends && !signal.is_reserved_by_libc()
            && !held.previous_mask().contains(*signal)
            && has_default_action(*signal)
    };
    SignalSet::all(Arch::NATIVE).iter().filter(is_deadly).collect()
}

/// Whether nothing was set to be done with a signal, by sigaction(2).
fn has_default_action(signal: Signal) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null new action only asks; zeroes are valid where it fails.
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
        let word = CancelFlag::new().expect("memory");
        let now = Instant::now();
        let long = Deadline { end: now + Duration::from_secs(1000), cancel: &word };
        assert!(!long.is_expired() && Deadline { end: now, cancel: &word }.is_expired());
        word.cancel();
        assert!(long.is_expired());
    }

    #[test]
    fn blocked_and_harmless_signals_are_not_fatal() {
        let usr2 = Signal::new(libc::SIGUSR2 as u8).expect("a signal");
        // Of this thread alone.
        let before = mask::change_mask(libc::SIG_BLOCK, SignalSet::from_iter([usr2])).expect("blocked");
        let ignored = Signal::new(50).expect("a signal");
        mask::set_disposition(ignored, libc::SIG_IGN);
        let held = BlockedSignals::block_all().expect("held");
        let deadly = fatal_signals(&held);
        drop(held);
        mask::set_disposition(ignored, libc::SIG_DFL);
        mask::change_mask(libc::SIG_SETMASK, before).expect("as it was");
        let has = |number: i32| deadly.contains(Signal::new(number as u8).expect("a signal"));
        assert!(has(libc::SIGUSR1) && has(40), "{deadly:?}");
        for number in [libc::SIGUSR2, libc::SIGCHLD, libc::SIGWINCH, libc::SIGTSTP, libc::SIGCONT, 32, 50] {
            assert!(!has(number), "{number}");
        }
    }
}

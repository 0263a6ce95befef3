//! How long a helper goes on: until its time is up, or sigtool has been told to
//! end.

use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use super::helper::{Held, Plain, Shared};
use crate::signal::table::Action;
use crate::signal::{Arch, Signal, SignalSet};

/// What sigtool says to its helper, in memory that both have: give up.
pub(super) struct Word(Shared<AtomicU32>);

// SAFETY: a number, of which every value is valid.
unsafe impl Plain for AtomicU32 {}

impl Word {
    /// Not said yet.
    pub(super) fn new() -> io::Result<Word> {
        Shared::new().map(Word)
    }

    pub(super) fn say(&self) {
        self.0.get().store(1, Ordering::Relaxed);
    }

    fn is_said(&self) -> bool {
        self.0.get().load(Ordering::Relaxed) != 0
    }
}

/// Until when the helper waits for what it has not changed yet. What it has
/// changed it restores, however long that takes.
#[derive(Clone, Copy)]
pub(super) struct Patience<'a> {
    /// When its time is up.
    pub(super) end: Instant,
    /// Whether it is to give up before.
    pub(super) word: &'a Word,
}

impl Patience<'_> {
    /// Whether it is at its end. Asked after each tick.
    pub(super) fn is_over(&self) -> bool {
        self.word.is_said() || Instant::now() >= self.end
    }
}

/// The signals that end sigtool as soon as they are not held back any more.
pub(super) fn deadly(held: &Held) -> SignalSet {
    // To the init of a pid namespace none is (pid_namespaces(7)).
    if std::process::id() == 1 {
        return SignalSet::EMPTY;
    }
    let is_deadly = |signal: &Signal| {
        // All real-time signals do.
        let facts = Arch::NATIVE.facts(*signal);
        let ends = facts.is_none_or(|facts| matches!(facts.action, Action::Term | Action::Core));
        ends && !signal.is_of_c_library() && !held.before().contains(*signal) && is_default(*signal)
    };
    SignalSet::all(Arch::NATIVE).iter().filter(is_deadly).collect()
}

/// Whether nothing was set to be done with a signal, by sigaction(2).
fn is_default(signal: Signal) -> bool {
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
    use crate::sys::hold;

    #[test]
    fn it_ends_with_time_or_a_word() {
        let word = Word::new().expect("memory");
        let now = Instant::now();
        let long = Patience { end: now + Duration::from_secs(1000), word: &word };
        assert!(!long.is_over() && Patience { end: now, word: &word }.is_over());
        word.say();
        assert!(long.is_over());
    }

    #[test]
    fn what_is_held_back_anyway_or_does_nothing_is_not_deadly() {
        let usr2 = Signal::new(libc::SIGUSR2 as u8).expect("a signal");
        // Of this thread alone.
        let before = hold::change(libc::SIG_BLOCK, SignalSet::from_iter([usr2])).expect("blocked");
        let ignored = Signal::new(50).expect("a signal");
        hold::dispose(ignored, libc::SIG_IGN);
        let held = Held::all().expect("held");
        let deadly = deadly(&held);
        drop(held);
        hold::dispose(ignored, libc::SIG_DFL);
        hold::change(libc::SIG_SETMASK, before).expect("as it was");
        let has = |number: i32| deadly.contains(Signal::new(number as u8).expect("a signal"));
        assert!(has(libc::SIGUSR1) && has(40), "{deadly:?}");
        for number in [libc::SIGUSR2, libc::SIGCHLD, libc::SIGWINCH, libc::SIGTSTP, libc::SIGCONT, 32, 50] {
            assert!(!has(number), "{number}");
        }
    }
}

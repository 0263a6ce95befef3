//! The sets of a process, turned into what is so for each signal. Pure.

use super::Process;
use crate::proc::{State, Threads};
use crate::signal::table::REALTIME_ACTION;
use crate::signal::{Action, Arch, Signal, SignalSet};

/// What is so for one signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The signal.
    pub signal: Signal,
    /// Its disposition.
    pub disposition: Disposition,
    /// Whether it is blocked.
    pub blocked: Blocked,
    /// For whom it is pending.
    pub pending: Pending,
}

/// What the process does with a signal (signal(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The default action, which is this.
    Default(Action),
    /// Nothing.
    Ignored,
    /// It runs a handler.
    Caught,
    /// A line that would tell is missing.
    Unknown,
}

/// Whether a signal is blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// By no thread.
    No,
    /// By every thread, or by the one that is looked at.
    Yes,
    /// By some of the threads.
    Some {
        /// That many block it.
        threads: usize,
        /// Of that many.
        of: usize,
    },
    /// By the main thread; what the others do is not known from its text.
    Main,
    /// Not by the main thread, so not by all.
    NotAll,
    /// A line that would tell is missing.
    Unknown,
}

/// For whom a signal is pending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// For the process: any thread may take it.
    pub process: bool,
    /// For these threads alone; 0 where a text does not tell the id.
    pub threads: Vec<u32>,
    /// Whether a line that would tell is missing, and none tells so.
    pub unknown: bool,
}

impl Process {
    /// The signals that every thread blocks; of a text of several threads, what
    /// its main thread does. `None` if unknown, as where that has ended.
    pub fn blocked(&self) -> Option<SignalSet> {
        match &self.threads {
            Some(threads) => Some(threads.blocked_by_all()),
            None if self.is_partial() && self.leader_ended() => None,
            None => self.status.blocked,
        }
    }

    /// Whether only a text is known, which speaks for one thread of several.
    pub fn is_partial(&self) -> bool {
        let several = self.status.threads.is_some_and(|count| count > 1);
        self.threads.is_none() && self.thread.is_none() && several
    }

    /// Whether the main thread has ended and others live.
    pub fn leader_ended(&self) -> bool {
        let several = self.status.threads.is_some_and(|count| count > 1);
        several && self.status.state.is_some_and(State::is_ended)
    }

    /// The signals pending for the process or for a thread; `None` if a line
    /// that would tell is missing (`grep Sig` leaves ShdPnd out) and none is
    /// found in the other.
    pub fn pending(&self) -> Option<SignalSet> {
        let own = match &self.threads {
            Some(threads) => Some(threads.pending()),
            None => self.status.pending,
        };
        let found = own.unwrap_or_default() | self.status.shared_pending.unwrap_or_default();
        let complete = own.is_some() && self.status.shared_pending.is_some() && !self.is_partial();
        (complete || !found.is_empty()).then_some(found)
    }

    /// A row for each signal that is in any set; for every signal if `full`.
    pub fn rows(&self, full: bool) -> Vec<Row> {
        let shown = if full { SignalSet::all(self.status.arch) } else { self.mentioned() };
        shown.iter().map(|signal| self.row(signal)).collect()
    }

    /// How many threads the answers rest on.
    pub fn known_threads(&self) -> usize {
        self.threads.as_ref().map_or(1, Threads::count)
    }

    /// The signals in any set.
    fn mentioned(&self) -> SignalSet {
        let blocked = match &self.threads {
            Some(threads) => threads.blocked_by_any(),
            None => self.status.blocked.unwrap_or_default(),
        };
        [self.pending(), self.status.ignored, self.status.caught]
            .into_iter()
            .flatten()
            .fold(blocked, |all, set| all | set)
    }

    fn row(&self, signal: Signal) -> Row {
        Row {
            signal,
            disposition: self.disposition(signal),
            blocked: self.blocks(signal),
            pending: self.pending_for(signal),
        }
    }

    fn disposition(&self, signal: Signal) -> Disposition {
        let is_in = |set: Option<SignalSet>| set.map(|set| set.contains(signal));
        match (is_in(self.status.ignored), is_in(self.status.caught)) {
            (_, Some(true)) => Disposition::Caught,
            (Some(true), _) => Disposition::Ignored,
            (Some(false), Some(false)) => Disposition::Default(action(signal, self.status.arch)),
            _ => Disposition::Unknown,
        }
    }

    fn blocks(&self, signal: Signal) -> Blocked {
        if let Some(threads) = &self.threads {
            return match (threads.blocking(signal), threads.count()) {
                (0, _) => Blocked::No,
                (count, of) if count == of => Blocked::Yes,
                (threads, of) => Blocked::Some { threads, of },
            };
        }
        match self.status.blocked.map(|set| set.contains(signal)) {
            Some(_) if self.is_partial() && self.leader_ended() => Blocked::Unknown,
            Some(true) if self.is_partial() => Blocked::Main,
            Some(false) if self.is_partial() => Blocked::NotAll,
            Some(true) => Blocked::Yes,
            Some(false) => Blocked::No,
            None => Blocked::Unknown,
        }
    }

    fn pending_for(&self, signal: Signal) -> Pending {
        let is_in = |set: Option<SignalSet>| set.is_some_and(|set| set.contains(signal));
        let process = is_in(self.status.shared_pending);
        let threads: Vec<u32> = match &self.threads {
            Some(threads) => threads.pending_for(signal).collect(),
            None if is_in(self.status.pending) => vec![self.status.pid.unwrap_or(0)],
            None => Vec::new(),
        };
        let told = process || !threads.is_empty();
        let missing = self.status.shared_pending.is_none() || self.status.pending.is_none();
        let unknown = !told && (missing || self.is_partial());
        Pending { process, threads, unknown }
    }
}

/// The default action of any signal.
pub(super) fn action(signal: Signal, arch: Arch) -> Action {
    arch.facts(signal).map_or(REALTIME_ACTION, |facts| facts.action)
}

#[cfg(test)]
mod tests {
    use super::super::count::tests::process;
    use super::*;
    use crate::proc::task::sample as task;

    fn row(process: &Process, number: u8) -> Row {
        process.row(Signal::new(number).unwrap())
    }

    /// Only the signal lines, with any blanks between: the input of a person
    /// who has nothing else.
    const LINES: &str = "SigQ: 3/96365\nSigPnd:   0000000000000000\n  ShdPnd: 0000000000004000\n\n\
        SigBlk:\t0000000000010000\nSigIgn: 0000000000001000  \nSigCgt: 0000000180004007\n";

    #[test]
    fn signal_lines_alone_are_enough() {
        let found = process(LINES, None);
        let numbers: Vec<u8> = found.rows(false).iter().map(|row| row.signal.get()).collect();
        assert_eq!(numbers, [1, 2, 3, 13, 15, 17, 32, 33]);
        let term = row(&found, 15);
        assert_eq!(term.disposition, Disposition::Caught);
        assert_eq!(term.pending, Pending { process: true, threads: vec![], unknown: false });
        assert_eq!(term.blocked, Blocked::No);
        let chld = row(&found, 17);
        assert_eq!((chld.disposition, chld.blocked), (Disposition::Default(Action::Ign), Blocked::Yes));
        assert_eq!(row(&found, 13).disposition, Disposition::Ignored);
        assert_eq!(row(&found, 33).disposition, Disposition::Caught);
    }

    #[test]
    fn full_means_every_signal() {
        assert_eq!(process(LINES, None).rows(true).len(), 64);
    }

    #[test]
    fn blocked_is_said_of_threads_together() {
        let threads = vec![task(5, b'S', 0, 0b11), task(6, b'S', 0b100, 0b01), task(7, b'S', 0b100, 0b01)];
        let found = process(LINES, Some(threads));
        assert_eq!(row(&found, 1).blocked, Blocked::Yes);
        assert_eq!(row(&found, 2).blocked, Blocked::Some { threads: 1, of: 3 });
        assert_eq!(row(&found, 17).blocked, Blocked::No, "the threads are what counts");
        assert_eq!(row(&found, 3).pending.threads, [6, 7]);
        assert_eq!(found.blocked().map(SignalSet::bits), Some(0b01));
        assert_eq!(found.pending().map(SignalSet::bits), Some(0x4000 | 0b100));
    }

    #[test]
    fn a_text_of_the_main_thread_does_not_speak_for_the_others() {
        let found = process(&format!("Threads:\t3\n{LINES}"), None);
        assert_eq!(row(&found, 17).blocked, Blocked::Main);
        assert_eq!(row(&found, 1).blocked, Blocked::NotAll);
        assert!(row(&found, 1).pending.unknown);
        let dead = process(&format!("State:\tZ (zombie)\nThreads:\t3\n{LINES}"), None);
        assert_eq!((row(&dead, 17).blocked, dead.blocked()), (Blocked::Unknown, None));
    }

    #[test]
    fn what_is_missing_is_unknown() {
        let found = process("SigCgt: 0000000000000001\n", None);
        assert_eq!(row(&found, 1).disposition, Disposition::Caught);
        assert_eq!(row(&found, 2).disposition, Disposition::Unknown);
        assert_eq!(row(&found, 1).blocked, Blocked::Unknown);
        assert!(row(&found, 1).pending.unknown);
        assert_eq!((found.blocked(), found.pending()), (None, None));
    }
}

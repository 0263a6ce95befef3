//! State of each signal, derived from the signal sets of a process. Pure.

use super::DecodedProcess;
use crate::procfs::{TaskState, Threads};
use crate::signal::table::REALTIME_DEFAULT_ACTION;
use crate::signal::{Arch, DefaultAction, Signal, SignalSet};

/// The state of one signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalRow {
    /// The signal.
    pub signal: Signal,
    /// Its disposition.
    pub disposition: RowDisposition,
    /// The threads that block it.
    pub blocked: BlockedStatus,
    /// The process or threads for which it is pending.
    pub pending: PendingStatus,
}

/// The disposition of a signal (signal(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowDisposition {
    /// The default action.
    Default(DefaultAction),
    /// Ignored.
    Ignored,
    /// A handler catches it.
    Caught,
    /// Unknown, because a line of the status is missing.
    Unknown,
}

/// The threads that block a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockedStatus {
    /// No thread.
    ByNone,
    /// Every thread, or the single thread that is shown.
    ByAll,
    /// Some of the threads.
    BySome {
        /// The number of threads that block it.
        threads: usize,
        /// The number of all threads.
        total: usize,
    },
    /// The main thread. The status text does not show the others.
    ByMainThread,
    /// Not the main thread, so not every thread.
    NotByMainThread,
    /// Unknown, because a line of the status is missing.
    Unknown,
}

/// The process or threads for which a signal is pending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PendingStatus {
    /// True if it is pending for the process, so any thread may receive it.
    pub for_process: bool,
    /// The TIDs of the threads for which it is pending; 0 if the text does not
    /// contain the TID.
    pub for_threads: Vec<u32>,
    /// True if a line is missing and the other lines do not show the signal as
    /// pending.
    pub is_unknown: bool,
}

impl DecodedProcess {
    /// Returns the signals that every thread blocks. If only the text of the main
    /// thread is known, returns the signals that it blocks, or `None` if it has
    /// exited.
    pub fn blocked(&self) -> Option<SignalSet> {
        match &self.threads {
            Some(threads) => Some(threads.blocked_by_all()),
            None if self.is_partial() && self.leader_exited() => None,
            None => self.status.blocked,
        }
    }

    /// Returns true if only the status text of one of several threads is known.
    pub fn is_partial(&self) -> bool {
        let has_several_threads = self.status.thread_count.is_some_and(|count| count > 1);
        self.threads.is_none() && self.tid.is_none() && has_several_threads
    }

    /// Returns true if the main thread has exited but other threads are still
    /// running.
    pub fn leader_exited(&self) -> bool {
        let has_several_threads = self.status.thread_count.is_some_and(|count| count > 1);
        has_several_threads && self.status.state.is_some_and(TaskState::has_exited)
    }

    /// Returns the signals pending for the process or for a thread. `None` if a
    /// line is missing (`grep Sig` omits ShdPnd) and the others show no pending
    /// signal.
    pub fn pending(&self) -> Option<SignalSet> {
        let thread_pending = match &self.threads {
            Some(threads) => Some(threads.pending_for_any()),
            None => self.status.pending,
        };
        let pending = thread_pending.unwrap_or_default() | self.status.shared_pending.unwrap_or_default();
        let is_complete =
            thread_pending.is_some() && self.status.shared_pending.is_some() && !self.is_partial();
        (is_complete || !pending.is_empty()).then_some(pending)
    }

    /// Returns a row for each signal that is in any set, or for every signal if
    /// `full`.
    pub fn rows(&self, full: bool) -> Vec<SignalRow> {
        let signals = if full { SignalSet::all(self.status.arch) } else { self.signals_in_any_set() };
        signals.iter().map(|signal| self.row(signal)).collect()
    }

    /// Returns the number of threads whose state is known.
    pub fn known_thread_count(&self) -> usize {
        self.threads.as_ref().map_or(1, Threads::live_count)
    }

    /// Returns the signals that are in any set.
    fn signals_in_any_set(&self) -> SignalSet {
        let blocked = match &self.threads {
            Some(threads) => threads.blocked_by_any(),
            None => self.status.blocked.unwrap_or_default(),
        };
        [self.pending(), self.status.ignored, self.status.caught]
            .into_iter()
            .flatten()
            .fold(blocked, |all, set| all | set)
    }

    fn row(&self, signal: Signal) -> SignalRow {
        SignalRow {
            signal,
            disposition: self.disposition(signal),
            blocked: self.blocked_status(signal),
            pending: self.pending_status(signal),
        }
    }

    fn disposition(&self, signal: Signal) -> RowDisposition {
        let is_in = |set: Option<SignalSet>| set.map(|set| set.contains(signal));
        match (is_in(self.status.ignored), is_in(self.status.caught)) {
            (_, Some(true)) => RowDisposition::Caught,
            (Some(true), _) => RowDisposition::Ignored,
            (Some(false), Some(false)) => RowDisposition::Default(default_action(signal, self.status.arch)),
            _ => RowDisposition::Unknown,
        }
    }

    fn blocked_status(&self, signal: Signal) -> BlockedStatus {
        if let Some(threads) = &self.threads {
            return match (threads.count_blocking(signal), threads.live_count()) {
                (0, _) => BlockedStatus::ByNone,
                (count, total) if count == total => BlockedStatus::ByAll,
                (threads, total) => BlockedStatus::BySome { threads, total },
            };
        }
        match self.status.blocked.map(|set| set.contains(signal)) {
            Some(_) if self.is_partial() && self.leader_exited() => BlockedStatus::Unknown,
            Some(true) if self.is_partial() => BlockedStatus::ByMainThread,
            Some(false) if self.is_partial() => BlockedStatus::NotByMainThread,
            Some(true) => BlockedStatus::ByAll,
            Some(false) => BlockedStatus::ByNone,
            None => BlockedStatus::Unknown,
        }
    }

    fn pending_status(&self, signal: Signal) -> PendingStatus {
        let is_in = |set: Option<SignalSet>| set.is_some_and(|set| set.contains(signal));
        let for_process = is_in(self.status.shared_pending);
        let for_threads: Vec<u32> = match &self.threads {
            Some(threads) => threads.tids_with_pending(signal).collect(),
            None if is_in(self.status.pending) => vec![self.status.pid.unwrap_or(0)],
            None => Vec::new(),
        };
        let is_pending = for_process || !for_threads.is_empty();
        let has_missing_line = self.status.shared_pending.is_none() || self.status.pending.is_none();
        let is_unknown = !is_pending && (has_missing_line || self.is_partial());
        PendingStatus { for_process, for_threads, is_unknown }
    }
}

/// Returns the default action of any signal.
pub(super) fn default_action(signal: Signal, arch: Arch) -> DefaultAction {
    arch.standard_signal(signal).map_or(REALTIME_DEFAULT_ACTION, |info| info.action)
}

#[cfg(test)]
mod tests {
    use super::super::metrics::counts::tests::parse_process;
    use super::*;
    use crate::procfs::task::test_thread as task;

    fn row(process: &DecodedProcess, number: u8) -> SignalRow {
        process.row(Signal::new(number).unwrap())
    }

    /// Only the signal lines with any blanks, as users copy them into a bug
    /// report.
    const SIGNAL_LINES: &str = "SigQ: 3/96365\nSigPnd:   0000000000000000\n  ShdPnd: 0000000000004000\n\n\
        SigBlk:\t0000000000010000\nSigIgn: 0000000000001000  \nSigCgt: 0000000180004007\n";

    #[test]
    fn accepts_signal_lines_alone() {
        let process = parse_process(SIGNAL_LINES, None);
        let numbers: Vec<u8> = process.rows(false).iter().map(|row| row.signal.get()).collect();
        assert_eq!(numbers, [1, 2, 3, 13, 15, 17, 32, 33]);
        let term = row(&process, 15);
        assert_eq!(term.disposition, RowDisposition::Caught);
        assert_eq!(term.pending, PendingStatus { for_process: true, for_threads: vec![], is_unknown: false });
        assert_eq!(term.blocked, BlockedStatus::ByNone);
        let chld = row(&process, 17);
        assert_eq!(
            (chld.disposition, chld.blocked),
            (RowDisposition::Default(DefaultAction::Ign), BlockedStatus::ByAll)
        );
        assert_eq!(row(&process, 13).disposition, RowDisposition::Ignored);
        assert_eq!(row(&process, 33).disposition, RowDisposition::Caught);
    }

    #[test]
    fn full_lists_every_signal() {
        assert_eq!(parse_process(SIGNAL_LINES, None).rows(true).len(), 64);
    }

    #[test]
    fn blocked_combines_all_threads() {
        let threads = vec![task(5, b'S', 0, 0b11), task(6, b'S', 0b100, 0b01), task(7, b'S', 0b100, 0b01)];
        let process = parse_process(SIGNAL_LINES, Some(threads));
        assert_eq!(row(&process, 1).blocked, BlockedStatus::ByAll);
        assert_eq!(row(&process, 2).blocked, BlockedStatus::BySome { threads: 1, total: 3 });
        assert_eq!(row(&process, 17).blocked, BlockedStatus::ByNone, "the threads are what counts");
        assert_eq!(row(&process, 3).pending.for_threads, [6, 7]);
        assert_eq!(process.blocked().map(SignalSet::bits), Some(0b01));
        assert_eq!(process.pending().map(SignalSet::bits), Some(0x4000 | 0b100));
    }

    #[test]
    fn main_thread_text_leaves_other_threads_unknown() {
        let process = parse_process(&format!("Threads:\t3\n{SIGNAL_LINES}"), None);
        assert_eq!(row(&process, 17).blocked, BlockedStatus::ByMainThread);
        assert_eq!(row(&process, 1).blocked, BlockedStatus::NotByMainThread);
        assert!(row(&process, 1).pending.is_unknown);
        let zombie = parse_process(&format!("State:\tZ (zombie)\nThreads:\t3\n{SIGNAL_LINES}"), None);
        assert_eq!((row(&zombie, 17).blocked, zombie.blocked()), (BlockedStatus::Unknown, None));
    }

    #[test]
    fn missing_line_is_unknown() {
        let process = parse_process("SigCgt: 0000000000000001\n", None);
        assert_eq!(row(&process, 1).disposition, RowDisposition::Caught);
        assert_eq!(row(&process, 2).disposition, RowDisposition::Unknown);
        assert_eq!(row(&process, 1).blocked, BlockedStatus::Unknown);
        assert!(row(&process, 1).pending.is_unknown);
        assert_eq!((process.blocked(), process.pending()), (None, None));
    }
}

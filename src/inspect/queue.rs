//! The pending signals of a process: those with a queue entry that was read, and those
//! without one.

use std::cell::OnceCell;

use super::claimed_sender::ClaimedSenderLookup;
use super::report::{IncompleteQueue, PendingEntry};
use crate::procfs::{PosixTimer, ProcRoot, ProcStatus};
use crate::signal::siginfo::SignalOrigin;
use crate::signal::{QueuedSignal, Siginfo, Signal, SignalSet};

/// Converts queue entries to pending signals, and looks up the processes and timers that
/// they name.
pub(super) fn resolve_entries(
    root: &ProcRoot,
    pid: u32,
    status: &ProcStatus,
    queue: &[QueuedSignal],
) -> Vec<PendingEntry> {
    let mut senders = ClaimedSenderLookup::new(root, pid, status);
    let timers = OnceCell::new();
    let timers = || timers.get_or_init(|| root.posix_timers(pid).unwrap_or_default());
    let timer = |id: u32| timers().iter().find(|timer: &&PosixTimer| timer.id == id).copied();
    let entry = |queued: &QueuedSignal| PendingEntry {
        // The kernel sets the overrun of a timer when the signal is delivered. A value in a
        // pending signal is meaningless or forged.
        siginfo: Some(Siginfo { overrun: 0, ..queued.siginfo }),
        claimed_sender: senders.claimed_sender(&queued.siginfo),
        timer: match queued.siginfo.origin() {
            SignalOrigin::Timer { id, .. } => timer(id),
            _ => None,
        },
        ..PendingEntry::without_siginfo(queued.siginfo.signal, queued.tid)
    };
    queue.iter().map(entry).collect()
}

/// Returns the pending signals without an entry among those that were read: no siginfo was
/// queued, or the entry was not read.
pub(super) fn entries_without_siginfo(
    queue: &[QueuedSignal],
    pending: &[(Option<u32>, SignalSet)],
    incomplete: Option<IncompleteQueue>,
) -> Vec<PendingEntry> {
    let entries_of = |tid: Option<u32>| queue.iter().filter(move |queued| queued.tid == tid);
    let is_complete = |tid: Option<u32>| match incomplete {
        None => true,
        Some(IncompleteQueue::ChangedWhileReading) => false,
        Some(IncompleteQueue::PerQueueLimit(limit)) => entries_of(tid).count() < limit as usize,
        // The queues are read one after another, so only the last one is cut.
        Some(IncompleteQueue::TotalLimit(_)) => {
            entries_of(tid).next().is_some() && queue.last().is_some_and(|last| last.tid != tid)
        }
    };
    let without_entry = |(tid, set): &(Option<u32>, SignalSet)| {
        let (tid, is_unread) = (*tid, !is_complete(*tid));
        let has_entry = |signal: &Signal| entries_of(tid).any(|queued| queued.siginfo.signal == *signal);
        let signals: Vec<Signal> = set.iter().filter(|signal| !has_entry(signal)).collect();
        signals
            .into_iter()
            .map(move |signal| PendingEntry { is_unread, ..PendingEntry::without_siginfo(signal, tid) })
    };
    pending.iter().flat_map(without_entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Arch;

    const REALTIME_SIGNAL: u8 = 40;

    fn queued_signal(number: u8, tid: Option<u32>) -> QueuedSignal {
        QueuedSignal { siginfo: Siginfo::from_signal(Signal::new(number).unwrap()), tid }
    }

    /// Returns the signals without an entry if TERM and 40 are pending for the process and
    /// for thread 7: signal number, TID, and `true` if the entry was not read.
    fn without_entry(
        queue: &[QueuedSignal],
        incomplete: Option<IncompleteQueue>,
    ) -> Vec<(u8, Option<u32>, bool)> {
        let set = SignalSet::parse("TERM,40", Arch::NATIVE).unwrap();
        let entries = entries_without_siginfo(queue, &[(None, set), (Some(7), set)], incomplete);
        entries.iter().map(|entry| (entry.signal.get(), entry.tid, entry.is_unread)).collect()
    }

    #[test]
    fn timer_overrun_is_omitted_while_signal_is_pending() {
        let (root, pid) = (ProcRoot::default(), std::process::id());
        let siginfo = Siginfo {
            code: -2,
            timer_id: 9,
            overrun: 7,
            value: 5,
            ..queued_signal(REALTIME_SIGNAL, None).siginfo
        };
        let entries =
            resolve_entries(&root, pid, &root.own_status().unwrap(), &[QueuedSignal { siginfo, tid: None }]);
        let pending = entries[0].siginfo.unwrap();
        assert_eq!((pending.description().as_str(), pending.value), ("a POSIX timer expired", 5));
        assert_eq!(
            siginfo.description(),
            "a POSIX timer expired, and 7 times more meanwhile",
            "when it is delivered"
        );
    }

    #[test]
    fn pending_signals_beyond_read_limit_are_listed() {
        let shared = vec![queued_signal(REALTIME_SIGNAL, None); 3];
        let both = [shared.clone(), vec![queued_signal(REALTIME_SIGNAL, Some(7))]].concat();
        let complete = [(15, None, false), (15, Some(7), false)];
        assert_eq!(without_entry(&both, None), complete);
        assert_eq!(
            without_entry(&both, Some(IncompleteQueue::ChangedWhileReading)),
            [(15, None, true), (15, Some(7), true)]
        );
        // Three entries of each queue are read.
        let entries = without_entry(&both, Some(IncompleteQueue::PerQueueLimit(3)));
        assert_eq!(entries, [(15, None, true), (15, Some(7), false)]);
        // Three or four entries of both queues are read.
        let entries = without_entry(&shared, Some(IncompleteQueue::TotalLimit(3)));
        assert_eq!(entries, [(15, None, true), (15, Some(7), true), (REALTIME_SIGNAL, Some(7), true)]);
        let entries = without_entry(&both, Some(IncompleteQueue::TotalLimit(4)));
        assert_eq!(entries, [(15, None, false), (15, Some(7), true)]);
    }
}

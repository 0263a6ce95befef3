//! What waits for a process: the entries that were read, and what is pending
//! without one.

use std::cell::OnceCell;

use super::claimed_sender::ClaimedSenderLookup;
use super::report::{IncompleteQueue, PendingEntry};
use crate::procfs::{PosixTimer, ProcRoot, ProcStatus};
use crate::signal::siginfo::SignalOrigin;
use crate::signal::{QueuedSignal, Siginfo, Signal, SignalSet};

/// The entries of a process's queues, with the processes and timers that they
/// name.
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
        // How often a timer has expired meanwhile is counted when its signal is
        // taken: what is there before means nothing, or is forged.
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

/// What is pending without an entry among those that were read: nothing was
/// queued with it, or its entry was not reached.
pub(super) fn entries_without_siginfo(
    queue: &[QueuedSignal],
    pending: &[(Option<u32>, SignalSet)],
    cut: Option<IncompleteQueue>,
) -> Vec<PendingEntry> {
    let of = |thread: Option<u32>| queue.iter().filter(move |queued| queued.tid == thread);
    let is_whole = |thread: Option<u32>| match cut {
        None => true,
        Some(IncompleteQueue::ChangedWhileReading) => false,
        Some(IncompleteQueue::PerQueueLimit(most)) => of(thread).count() < most as usize,
        // They are read one after another.
        Some(IncompleteQueue::TotalLimit(_)) => {
            of(thread).next().is_some() && queue.last().is_some_and(|last| last.tid != thread)
        }
    };
    let left = |(thread, set): &(Option<u32>, SignalSet)| {
        let (thread, unread) = (*thread, !is_whole(*thread));
        let is_read = |signal: &Signal| of(thread).any(|queued| queued.siginfo.signal == *signal);
        let left: Vec<Signal> = set.iter().filter(|signal| !is_read(signal)).collect();
        left.into_iter().map(move |signal| PendingEntry {
            is_unread: unread,
            ..PendingEntry::without_siginfo(signal, thread)
        })
    };
    pending.iter().flat_map(left).collect()
}

impl PendingEntry {
    /// A signal that is pending, of which nothing else is known.
    fn without_siginfo(signal: Signal, thread: Option<u32>) -> PendingEntry {
        PendingEntry {
            signal,
            tid: thread,
            siginfo: None,
            is_unread: false,
            claimed_sender: None,
            timer: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Arch;

    const REALTIME_SIGNAL: u8 = 40;

    fn queued_signal(number: u8, thread: Option<u32>) -> QueuedSignal {
        QueuedSignal { siginfo: Siginfo::from_signal(Signal::new(number).unwrap()), tid: thread }
    }

    /// What is left of `TERM RT` pending for the process and for thread 7, of
    /// these queues: number, thread, whether it is unread.
    fn remaining(queue: &[QueuedSignal], cut: Option<IncompleteQueue>) -> Vec<(u8, Option<u32>, bool)> {
        let set = SignalSet::parse("TERM,40", Arch::NATIVE).unwrap();
        let left = entries_without_siginfo(queue, &[(None, set), (Some(7), set)], cut);
        left.iter().map(|entry| (entry.signal.get(), entry.tid, entry.is_unread)).collect()
    }

    #[test]
    fn timer_overrun_is_omitted_while_signal_is_pending() {
        let (root, pid) = (ProcRoot::default(), std::process::id());
        let info = Siginfo {
            code: -2,
            timer_id: 9,
            overrun: 7,
            value: 5,
            ..queued_signal(REALTIME_SIGNAL, None).siginfo
        };
        let entries = resolve_entries(
            &root,
            pid,
            &root.own_status().unwrap(),
            &[QueuedSignal { siginfo: info, tid: None }],
        );
        let told = entries[0].siginfo.unwrap();
        assert_eq!((told.description().as_str(), told.value), ("a POSIX timer expired", 5));
        assert_eq!(info.description(), "a POSIX timer expired (overrun count 7)", "once it is taken");
    }

    #[test]
    fn pending_signals_beyond_read_limit_are_listed() {
        let shared = vec![queued_signal(REALTIME_SIGNAL, None); 3];
        let both = [shared.clone(), vec![queued_signal(REALTIME_SIGNAL, Some(7))]].concat();
        let whole = [(15, None, false), (15, Some(7), false)];
        assert_eq!(remaining(&both, None), whole);
        assert_eq!(
            remaining(&both, Some(IncompleteQueue::ChangedWhileReading)),
            [(15, None, true), (15, Some(7), true)]
        );
        // Three of each queue are read.
        let cut = remaining(&both, Some(IncompleteQueue::PerQueueLimit(3)));
        assert_eq!(cut, [(15, None, true), (15, Some(7), false)]);
        // Three, or four, of both are read.
        let cut = remaining(&shared, Some(IncompleteQueue::TotalLimit(3)));
        assert_eq!(cut, [(15, None, true), (15, Some(7), true), (REALTIME_SIGNAL, Some(7), true)]);
        let cut = remaining(&both, Some(IncompleteQueue::TotalLimit(4)));
        assert_eq!(cut, [(15, None, false), (15, Some(7), true)]);
    }
}

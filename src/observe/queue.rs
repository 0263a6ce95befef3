//! What waits for a process: the entries that were read, and what is pending
//! without one.

use std::cell::OnceCell;

use super::inside::{Cut, Entry};
use super::sender::Senders;
use crate::proc::{Root, Status, Timer};
use crate::signal::info::Origin;
use crate::signal::{Info, Queued, Signal, SignalSet};

/// The entries of a process's queues, with the processes and timers that they
/// name.
pub(super) fn read(root: &Root, pid: u32, status: &Status, queue: &[Queued]) -> Vec<Entry> {
    let mut senders = Senders::of(root, pid, status);
    let timers = OnceCell::new();
    let timers = || timers.get_or_init(|| root.posix_timers(pid).unwrap_or_default());
    let timer = |id: u32| timers().iter().find(|timer: &&Timer| timer.id == id).copied();
    let entry = |queued: &Queued| Entry {
        // How often a timer has expired meanwhile is counted when its signal is
        // taken: what is there before means nothing, or is forged.
        info: Some(Info { overrun: 0, ..queued.info }),
        claimed: senders.claimed(&queued.info),
        timer: match queued.info.origin() {
            Origin::Timer { id, .. } => timer(id),
            _ => None,
        },
        ..Entry::bare(queued.info.signal, queued.thread)
    };
    queue.iter().map(entry).collect()
}

/// What is pending without an entry among those that were read: nothing was
/// queued with it, or its entry was not reached.
pub(super) fn rest(queue: &[Queued], pending: &[(Option<u32>, SignalSet)], cut: Option<Cut>) -> Vec<Entry> {
    let of = |thread: Option<u32>| queue.iter().filter(move |queued| queued.thread == thread);
    let is_whole = |thread: Option<u32>| match cut {
        None => true,
        Some(Cut::Changed) => false,
        Some(Cut::Limit(most)) => of(thread).count() < most as usize,
        // They are read one after another.
        Some(Cut::LimitOfAll(_)) => {
            of(thread).next().is_some() && queue.last().is_some_and(|last| last.thread != thread)
        }
    };
    let left = |(thread, set): &(Option<u32>, SignalSet)| {
        let (thread, unread) = (*thread, !is_whole(*thread));
        let is_read = |signal: &Signal| of(thread).any(|queued| queued.info.signal == *signal);
        let left: Vec<Signal> = set.iter().filter(|signal| !is_read(signal)).collect();
        left.into_iter().map(move |signal| Entry { unread, ..Entry::bare(signal, thread) })
    };
    pending.iter().flat_map(left).collect()
}

impl Entry {
    /// A signal that is pending, of which nothing else is known.
    fn bare(signal: Signal, thread: Option<u32>) -> Entry {
        Entry { signal, thread, info: None, unread: false, claimed: None, timer: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Arch;

    const RT: u8 = 40;

    fn queued(number: u8, thread: Option<u32>) -> Queued {
        Queued { info: Info::bare(Signal::new(number).unwrap()), thread }
    }

    /// What is left of `TERM RT` pending for the process and for thread 7, of
    /// these queues: number, thread, whether it is unread.
    fn left(queue: &[Queued], cut: Option<Cut>) -> Vec<(u8, Option<u32>, bool)> {
        let set = SignalSet::parse("TERM,40", Arch::NATIVE).unwrap();
        let left = rest(queue, &[(None, set), (Some(7), set)], cut);
        left.iter().map(|entry| (entry.signal.get(), entry.thread, entry.unread)).collect()
    }

    #[test]
    fn how_often_a_timer_has_expired_is_not_told_while_that_is_pending() {
        let (root, pid) = (Root::default(), std::process::id());
        let info = Info { code: -2, timer: 9, overrun: 7, value: 5, ..queued(RT, None).info };
        let entries = read(&root, pid, &root.own_status().unwrap(), &[Queued { info, thread: None }]);
        let told = entries[0].info.unwrap();
        assert_eq!((told.words().as_str(), told.value), ("a POSIX timer expired", 5));
        assert_eq!(info.words(), "a POSIX timer expired, and 7 times more meanwhile", "once it is taken");
    }

    #[test]
    fn what_is_pending_behind_a_cut_is_there() {
        let shared = vec![queued(RT, None); 3];
        let both = [shared.clone(), vec![queued(RT, Some(7))]].concat();
        let whole = [(15, None, false), (15, Some(7), false)];
        assert_eq!(left(&both, None), whole);
        assert_eq!(left(&both, Some(Cut::Changed)), [(15, None, true), (15, Some(7), true)]);
        // Three of each queue are read.
        let cut = left(&both, Some(Cut::Limit(3)));
        assert_eq!(cut, [(15, None, true), (15, Some(7), false)]);
        // Three, or four, of both are read.
        let cut = left(&shared, Some(Cut::LimitOfAll(3)));
        assert_eq!(cut, [(15, None, true), (15, Some(7), true), (RT, Some(7), true)]);
        let cut = left(&both, Some(Cut::LimitOfAll(4)));
        assert_eq!(cut, [(15, None, false), (15, Some(7), true)]);
    }
}

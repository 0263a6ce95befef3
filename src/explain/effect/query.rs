//! One case of the rules: a process, a signal, and the questions that the
//! rules ask of them.

use super::predict::SendSpec;
use crate::procfs::{ProcessSnapshot, TaskState, Thread, Threads, WaitReason};
use crate::signal::consts::{STOP, TSTP, TTIN, TTOU};
use crate::signal::table::REALTIME_DEFAULT_ACTION;
use crate::signal::{Arch, DefaultAction, SignalSet};

/// A signal that is sent to a process.
pub(super) struct EffectQuery<'a> {
    pub(in crate::explain) snapshot: &'a ProcessSnapshot,
    pub(in crate::explain) threads: &'a Threads,
    pub(super) send: SendSpec,
    /// It has just been continued, and the signal waited for that.
    pub(super) is_continued: bool,
}

impl EffectQuery<'_> {
    pub(super) fn disposition(&self) -> Option<Disposition> {
        let (signal, status) = (self.send.signal, &self.snapshot.status);
        let (ignored, caught) = (status.ignored?, status.caught?);
        Some(match signal {
            _ if caught.contains(signal) => Disposition::Caught,
            _ if ignored.contains(signal) => Disposition::Ignored,
            _ => Disposition::Default(
                Arch::NATIVE.standard_signal(signal).map_or(REALTIME_DEFAULT_ACTION, |facts| facts.action),
            ),
        })
    }

    /// The threads that may take it.
    pub(super) fn eligible_threads(&self) -> impl Iterator<Item = &Thread> {
        let only = self.send.tid;
        self.live_threads().filter(move |task| only.is_none_or(|tid| task.tid == tid))
    }

    pub(super) fn live_threads(&self) -> impl Iterator<Item = &Thread> {
        self.threads.live()
    }

    /// The main thread, dead or alive.
    pub(super) fn leader(&self) -> Option<&Thread> {
        let pid = self.snapshot.status.tgid.or(self.snapshot.status.pid);
        self.threads.iter().find(|task| Some(task.tid) == pid)
    }

    /// Whose mask decides whether an ignored signal is dropped at once: the
    /// thread's, or the main thread's, even a dead one's.
    pub(super) fn target_thread(&self) -> Option<&Thread> {
        match self.send.tid {
            Some(tid) => self.threads.iter().find(|task| task.tid == tid),
            None => self.leader().or_else(|| self.threads.iter().next()),
        }
    }

    /// Whether a thread blocks it, or did before sigwait(3) took it out.
    pub(super) fn blocks_signal(&self, task: &Thread) -> bool {
        task.blocked.contains(self.send.signal) || self.waits_in_sigwait(task)
    }

    /// Whether a thread waits for it in sigwait(3).
    pub(super) fn waits_in_sigwait(&self, task: &Thread) -> bool {
        matches!(self.snapshot.wait_reason(task.tid), WaitReason::Sigwait(set) if set.contains(self.send.signal))
    }

    /// Whether the signal is for a thread that has ended while others live.
    pub(super) fn targets_exited_thread(&self) -> bool {
        self.send.tid.is_some_and(|tid| self.live_threads().all(|task| task.tid != tid))
    }

    /// The descriptor of the signalfd from which a thread reads the signal.
    pub(super) fn signalfd_read_by(&self, task: &Thread) -> Option<u32> {
        match self.snapshot.wait_reason(task.tid) {
            WaitReason::Signalfd(descriptor, set) if set.contains(self.send.signal) => Some(descriptor),
            _ => None,
        }
    }

    /// Whether it may wait for the signal, unseen.
    pub(super) fn may_be_in_sigwait(&self, task: &Thread) -> bool {
        let open = !task.blocked.contains(self.send.signal) && state_letter(task) == 'S';
        open && self.snapshot.wait_reason(task.tid) == WaitReason::Unknown && self.snapshot.threads.is_some()
    }

    /// Whether the signal is one of the four that CONT takes back.
    pub(super) fn is_stop_signal(&self) -> bool {
        matches!(self.send.signal, STOP | TSTP | TTIN | TTOU)
    }

    /// Whether it is stopped, or is so but for threads that still sleep too
    /// deeply to stop.
    pub(in crate::explain) fn is_stopped(&self) -> bool {
        let stopped = |task: &Thread| task.state.is_some_and(TaskState::is_stopped);
        self.live_threads().any(stopped)
            && self.live_threads().all(|task| stopped(task) || is_uninterruptible(task))
    }

    /// Whether a thread has been told of a signal and sleeps on: the kernel
    /// then asks others (`wants_signal`).
    pub(super) fn has_unhandled_signal(&self, task: &Thread) -> bool {
        let shared = self.snapshot.status.shared_pending.unwrap_or_default();
        is_uninterruptible(task) && !((task.pending | shared) - task.blocked).is_empty()
    }

    /// The init of its own pid namespace, which no default action ends.
    pub(in crate::explain) fn is_init(&self) -> bool {
        let status = &self.snapshot.status;
        status.namespace_pids.last().or(status.tgid.as_ref()) == Some(&1)
    }

    /// Whether even KILL and STOP are dropped: an init, and the sender does not
    /// sit in an outer namespace.
    pub(super) fn is_unkillable(&self) -> bool {
        self.is_init() && (self.snapshot.status.namespace_pids.len() < 2 || self.snapshot.is_global_init)
    }

    pub(in crate::explain) fn tracer(&self) -> Option<u32> {
        self.snapshot.status.tracer_pid.or_else(|| self.live_threads().find_map(|task| task.tracer_pid))
    }

    pub(in crate::explain) fn pending_signals(&self) -> SignalSet {
        let own = self.live_threads().fold(SignalSet::EMPTY, |all, task| all | task.pending);
        own | self.snapshot.status.shared_pending.unwrap_or_default()
    }

    /// Whether it is pending in the queue that it would go to.
    pub(super) fn is_already_pending(&self) -> bool {
        match self.send.tid {
            Some(tid) => self.threads.tids_with_pending(self.send.signal).any(|id| id == tid),
            None => self.snapshot.status.shared_pending.is_some_and(|set| set.contains(self.send.signal)),
        }
    }

    /// A standard signal is queued once only (signal(7)).
    pub(super) fn would_merge(&self) -> bool {
        self.is_already_pending() && !self.send.signal.is_realtime()
    }

    pub(super) fn is_queue_full(&self) -> bool {
        self.snapshot.status.queue_usage.is_some_and(|queue| queue.used >= queue.limit)
    }
}

/// What the process does with the signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disposition {
    Caught,
    Ignored,
    Default(DefaultAction),
}

impl Disposition {
    /// Whether it does nothing, so that the kernel need not queue it.
    pub(super) fn discards_signal(self, init: bool) -> bool {
        match self {
            Disposition::Caught => false,
            Disposition::Ignored | Disposition::Default(DefaultAction::Ign | DefaultAction::Cont) => true,
            Disposition::Default(_) => init,
        }
    }
}

pub(super) fn state_letter(task: &Thread) -> char {
    task.state.map_or('S', TaskState::letter)
}

/// Whether it is in an uninterruptible sleep.
pub(super) fn is_uninterruptible(task: &Thread) -> bool {
    task.is_uninterruptible()
}

//! One case of the rules: a process, a signal, and the questions that the
//! rules ask of them.

use super::judge::Sending;
use crate::proc::{Situation, State, Task, Threads, Wait};
use crate::signal::known::{STOP, TSTP, TTIN, TTOU};
use crate::signal::table::REALTIME_ACTION;
use crate::signal::{Action, Arch, SignalSet};

/// A signal that is sent to a process.
pub(super) struct Case<'a> {
    pub(super) situation: &'a Situation,
    pub(super) threads: &'a Threads,
    pub(super) sending: Sending,
    /// It has just been continued, and the signal waited for that.
    pub(super) is_resumed: bool,
}

impl Case<'_> {
    pub(super) fn disposition(&self) -> Option<Disposition> {
        let (signal, status) = (self.sending.signal, &self.situation.status);
        let (ignored, caught) = (status.ignored?, status.caught?);
        Some(match signal {
            _ if caught.contains(signal) => Disposition::Caught,
            _ if ignored.contains(signal) => Disposition::Ignored,
            _ => {
                Disposition::Default(Arch::NATIVE.facts(signal).map_or(REALTIME_ACTION, |facts| facts.action))
            }
        })
    }

    /// The threads that may take it.
    pub(super) fn candidates(&self) -> impl Iterator<Item = &Task> {
        let only = self.sending.thread;
        self.live().filter(move |task| only.is_none_or(|tid| task.tid == tid))
    }

    pub(super) fn live(&self) -> impl Iterator<Item = &Task> {
        self.threads.live()
    }

    /// The main thread, dead or alive.
    pub(super) fn leader(&self) -> Option<&Task> {
        let pid = self.situation.status.tgid.or(self.situation.status.pid);
        self.threads.iter().find(|task| Some(task.tid) == pid)
    }

    /// Whose mask decides whether an ignored signal is dropped at once: the
    /// thread's, or the main thread's, even a dead one's.
    pub(super) fn receiver(&self) -> Option<&Task> {
        match self.sending.thread {
            Some(tid) => self.threads.iter().find(|task| task.tid == tid),
            None => self.leader().or_else(|| self.threads.iter().next()),
        }
    }

    /// Whether a thread blocks it, or did before sigwait(3) took it out.
    pub(super) fn holds(&self, task: &Task) -> bool {
        task.blocked.contains(self.sending.signal) || self.awaits(task)
    }

    /// Whether a thread waits for it in sigwait(3).
    pub(super) fn awaits(&self, task: &Task) -> bool {
        matches!(self.situation.wait(task.tid), Wait::Sigwait(set) if set.contains(self.sending.signal))
    }

    /// Whether the signal is for a thread that has ended while others live.
    pub(super) fn is_for_ended_thread(&self) -> bool {
        self.sending.thread.is_some_and(|tid| self.live().all(|task| task.tid != tid))
    }

    /// The descriptor of the signalfd from which a thread reads the signal.
    pub(super) fn reads(&self, task: &Task) -> Option<u32> {
        match self.situation.wait(task.tid) {
            Wait::Signalfd(descriptor, set) if set.contains(self.sending.signal) => Some(descriptor),
            _ => None,
        }
    }

    /// Whether it may wait for the signal, unseen.
    pub(super) fn may_wait(&self, task: &Task) -> bool {
        let open = !task.blocked.contains(self.sending.signal) && letter(task) == 'S';
        open && self.situation.wait(task.tid) == Wait::Unknown && self.situation.threads.is_some()
    }

    /// Whether the signal is one of the four that CONT takes back.
    pub(super) fn is_stop(&self) -> bool {
        matches!(self.sending.signal, STOP | TSTP | TTIN | TTOU)
    }

    /// Whether it is stopped, or is so but for threads that still sleep too
    /// deeply to stop.
    pub(super) fn is_stopped(&self) -> bool {
        let stopped = |task: &Task| task.state.is_some_and(State::is_stopped);
        self.live().any(stopped) && self.live().all(|task| stopped(task) || is_asleep(task))
    }

    /// Whether a thread has been told of a signal and sleeps on: the kernel
    /// then asks others (`wants_signal`).
    pub(super) fn is_busy(&self, task: &Task) -> bool {
        let shared = self.situation.status.shared_pending.unwrap_or_default();
        is_asleep(task) && !((task.pending | shared) - task.blocked).is_empty()
    }

    /// The init of its own pid namespace, which no default action ends.
    pub(super) fn is_init(&self) -> bool {
        let status = &self.situation.status;
        status.namespace_pids.last().or(status.tgid.as_ref()) == Some(&1)
    }

    /// Whether even KILL and STOP are dropped: an init, and the sender does not
    /// sit in an outer namespace.
    pub(super) fn is_protected(&self) -> bool {
        self.is_init() && (self.situation.status.namespace_pids.len() < 2 || self.situation.is_global_init)
    }

    pub(super) fn tracer(&self) -> Option<u32> {
        self.situation.status.tracer.or_else(|| self.live().find_map(|task| task.tracer))
    }

    pub(super) fn all_pending(&self) -> SignalSet {
        let own = self.live().fold(SignalSet::EMPTY, |all, task| all | task.pending);
        own | self.situation.status.shared_pending.unwrap_or_default()
    }

    /// Whether it is pending in the queue that it would go to.
    pub(super) fn is_pending(&self) -> bool {
        match self.sending.thread {
            Some(tid) => self.threads.pending_for(self.sending.signal).any(|id| id == tid),
            None => self.situation.status.shared_pending.is_some_and(|set| set.contains(self.sending.signal)),
        }
    }

    /// A standard signal is queued once only (signal(7)).
    pub(super) fn is_merged(&self) -> bool {
        self.is_pending() && !self.sending.signal.is_realtime()
    }

    pub(super) fn is_queue_full(&self) -> bool {
        self.situation.status.queue.is_some_and(|queue| queue.used >= queue.limit)
    }
}

/// What the process does with the signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disposition {
    Caught,
    Ignored,
    Default(Action),
}

impl Disposition {
    /// Whether it does nothing, so that the kernel need not queue it.
    pub(super) fn is_nothing(self, init: bool) -> bool {
        match self {
            Disposition::Caught => false,
            Disposition::Ignored | Disposition::Default(Action::Ign | Action::Cont) => true,
            Disposition::Default(_) => init,
        }
    }
}

pub(super) fn letter(task: &Task) -> char {
    task.state.map_or('S', State::letter)
}

/// Whether it is in an uninterruptible sleep.
pub(super) fn is_asleep(task: &Task) -> bool {
    task.is_asleep()
}

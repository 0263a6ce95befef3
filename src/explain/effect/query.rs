//! The input of a prediction: a process, a signal, and the properties of both that
//! the rules in [`predict`](super::predict) need.

use crate::procfs::{ProcessSnapshot, TaskState, Thread, Threads, WaitReason};
use crate::signal::consts::{STOP, TSTP, TTIN, TTOU};
use crate::signal::table::REALTIME_DEFAULT_ACTION;
use crate::signal::{Arch, DefaultAction, Signal, SignalSet};

/// A signal to be sent, and the way it is sent. Both decide the effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendSpec {
    /// The signal.
    pub signal: Signal,
    /// The target thread; `None` for the whole process.
    pub tid: Option<u32>,
    /// `true` if a value is sent with the signal, as sigqueue(3) does.
    pub has_value: bool,
}

impl SendSpec {
    /// Returns a signal to a whole process, as kill(2) sends it.
    pub const fn to_process(signal: Signal) -> SendSpec {
        SendSpec { signal, tid: None, has_value: false }
    }
}

/// A signal to be sent to a process in a known state.
pub(super) struct EffectQuery<'a> {
    pub(in crate::explain) snapshot: &'a ProcessSnapshot,
    pub(in crate::explain) threads: &'a Threads,
    pub(super) send: SendSpec,
    /// `true` if the process was just continued and the signal was pending until then.
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

    /// Returns the threads that may take the signal.
    pub(super) fn eligible_threads(&self) -> impl Iterator<Item = &Thread> {
        let target_tid = self.send.tid;
        self.live_threads().filter(move |thread| target_tid.is_none_or(|tid| thread.tid == tid))
    }

    pub(super) fn live_threads(&self) -> impl Iterator<Item = &Thread> {
        self.threads.live()
    }

    /// Returns the main thread, even if it has exited.
    pub(super) fn leader(&self) -> Option<&Thread> {
        let pid = self.snapshot.status.tgid.or(self.snapshot.status.pid);
        self.threads.iter().find(|thread| Some(thread.tid) == pid)
    }

    /// Returns the thread whose mask decides if an ignored signal is dropped at once:
    /// the target thread, else the main thread, even if it has exited.
    pub(super) fn target_thread(&self) -> Option<&Thread> {
        match self.send.tid {
            Some(tid) => self.threads.iter().find(|thread| thread.tid == tid),
            None => self.leader().or_else(|| self.threads.iter().next()),
        }
    }

    /// Returns `true` if the thread blocks the signal, or did so before sigwait(3)
    /// removed it from the mask.
    pub(super) fn blocks_signal(&self, thread: &Thread) -> bool {
        thread.blocked.contains(self.send.signal) || self.waits_in_sigwait(thread)
    }

    /// Returns `true` if the thread waits for the signal in sigwait(3).
    pub(super) fn waits_in_sigwait(&self, thread: &Thread) -> bool {
        matches!(self.snapshot.wait_reason(thread.tid), WaitReason::Sigwait(set) if set.contains(self.send.signal))
    }

    /// Returns `true` if the target thread has exited while other threads run.
    pub(super) fn targets_exited_thread(&self) -> bool {
        self.send.tid.is_some_and(|tid| self.live_threads().all(|thread| thread.tid != tid))
    }

    /// Returns the descriptor of the signalfd from which the thread reads the signal.
    pub(super) fn signalfd_read_by(&self, thread: &Thread) -> Option<u32> {
        match self.snapshot.wait_reason(thread.tid) {
            WaitReason::Signalfd(descriptor, set) if set.contains(self.send.signal) => Some(descriptor),
            _ => None,
        }
    }

    /// Returns `true` if the thread may wait for the signal in sigwait(3), but
    /// permission to check is missing.
    pub(super) fn may_be_in_sigwait(&self, thread: &Thread) -> bool {
        let may_wait = !thread.blocked.contains(self.send.signal) && state_letter(thread) == 'S';
        may_wait
            && self.snapshot.wait_reason(thread.tid) == WaitReason::Unknown
            && self.snapshot.threads.is_some()
    }

    /// Returns `true` if the signal is one of the four stop signals, which CONT discards.
    pub(super) fn is_stop_signal(&self) -> bool {
        matches!(self.send.signal, STOP | TSTP | TTIN | TTOU)
    }

    /// Returns `true` if all threads are stopped, except threads in an uninterruptible
    /// sleep, which cannot stop yet.
    pub(in crate::explain) fn is_stopped(&self) -> bool {
        let is_stopped = |thread: &Thread| thread.state.is_some_and(TaskState::is_stopped);
        self.live_threads().any(is_stopped)
            && self.live_threads().all(|thread| is_stopped(thread) || thread.is_uninterruptible())
    }

    /// Returns `true` if the thread has an unblocked pending signal and is still in an
    /// uninterruptible sleep. The kernel then wakes another thread (`wants_signal`).
    pub(super) fn has_unhandled_signal(&self, thread: &Thread) -> bool {
        let shared = self.snapshot.status.shared_pending.unwrap_or_default();
        thread.is_uninterruptible() && !((thread.pending | shared) - thread.blocked).is_empty()
    }

    /// Returns `true` if the process is the init of its PID namespace. No default action
    /// terminates it.
    pub(in crate::explain) fn is_init(&self) -> bool {
        let status = &self.snapshot.status;
        status.namespace_pids.last().or(status.tgid.as_ref()) == Some(&1)
    }

    /// Returns `true` if the kernel drops even KILL and STOP: the process is an init and
    /// the sender is not in an outer namespace.
    pub(super) fn is_unkillable(&self) -> bool {
        self.is_init() && (self.snapshot.status.namespace_pids.len() < 2 || self.snapshot.is_global_init)
    }

    pub(in crate::explain) fn tracer(&self) -> Option<u32> {
        self.snapshot.status.tracer_pid.or_else(|| self.live_threads().find_map(|thread| thread.tracer_pid))
    }

    pub(in crate::explain) fn pending_signals(&self) -> SignalSet {
        let thread_pending = self.live_threads().fold(SignalSet::EMPTY, |all, thread| all | thread.pending);
        thread_pending | self.snapshot.status.shared_pending.unwrap_or_default()
    }

    /// Returns `true` if the signal is pending in the queue that it would be added to.
    pub(super) fn is_already_pending(&self) -> bool {
        match self.send.tid {
            Some(tid) => {
                self.threads.tids_with_pending(self.send.signal).any(|pending_tid| pending_tid == tid)
            }
            None => self.snapshot.status.shared_pending.is_some_and(|set| set.contains(self.send.signal)),
        }
    }

    /// Returns `true` if the kernel merges the signal with a pending one: it queues a
    /// standard signal only once (signal(7)).
    pub(super) fn would_merge(&self) -> bool {
        self.is_already_pending() && !self.send.signal.is_realtime()
    }

    pub(super) fn is_queue_full(&self) -> bool {
        self.snapshot.status.queue_usage.is_some_and(|queue| queue.used >= queue.limit)
    }
}

/// The disposition of the signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disposition {
    Caught,
    Ignored,
    Default(DefaultAction),
}

impl Disposition {
    /// Returns `true` if the signal would have no effect, so that the kernel need not
    /// queue it.
    pub(super) fn discards_signal(self, is_init: bool) -> bool {
        match self {
            Disposition::Caught => false,
            Disposition::Ignored | Disposition::Default(DefaultAction::Ign | DefaultAction::Cont) => true,
            Disposition::Default(_) => is_init,
        }
    }
}

pub(super) fn state_letter(thread: &Thread) -> char {
    thread.state.map_or('S', TaskState::letter)
}

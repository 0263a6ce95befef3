//! The rules by which the kernel decides the effect of a signal, applied to a
//! snapshot of /proc (kernel/signal.c: `prepare_signal`, `sig_ignored`,
//! `complete_signal`, `get_signal`).

use super::query::{Disposition, EffectQuery, SendSpec, state_letter};
use super::{DropReason, Effect, NoEffectReason, PendingReason, UnknownReason};
use crate::procfs::{FreezerState, ProcessSnapshot, Thread, Threads, WaitReason, process_has_exited};
use crate::signal::DefaultAction;
use crate::signal::consts::{CONT, KILL, STOP};

/// Predicts the effect on the process if the signal is sent now.
pub fn predict_effect(snapshot: &ProcessSnapshot, send: SendSpec) -> Effect {
    let (threads, others_unread) = match &snapshot.threads {
        Some(threads) => (threads.clone(), false),
        None => {
            let is_multithreaded = snapshot.status.thread_count.is_some_and(|count| count > 1);
            (Threads::new(Thread::from_status(&snapshot.status).into_iter().collect()), is_multithreaded)
        }
    };
    let effect = EffectQuery { snapshot, threads: &threads, send, is_continued: false }.predict();
    // The status of one thread says nothing about the masks of the others.
    if others_unread && !matches!(effect, Effect::Unknown { .. }) {
        return Effect::unknown(UnknownReason::OtherThreadsUnread, Some(effect));
    }
    effect
}

/// Combines the effects on the threads that can take the signal into one, because it
/// is unknown which thread takes it.
fn merge_outcomes(mut outcomes: Vec<Effect>) -> Effect {
    let is_sigwait = |effect: &Effect| matches!(effect, Effect::TakenBySigwait { .. });
    let is_signalfd = |effect: &Effect| matches!(effect, Effect::ReadBySignalfd { .. });
    let first = outcomes[0].clone();
    if outcomes.iter().all(|effect| *effect == first) {
        return first;
    }
    if outcomes.iter().all(is_sigwait) {
        return Effect::TakenBySigwait { tid: None };
    }
    if outcomes.iter().all(is_signalfd) {
        return first;
    }
    let likely = outcomes.iter().position(|effect| !is_sigwait(effect) && !is_signalfd(effect));
    let likely = likely.or(outcomes.iter().position(|effect| !is_sigwait(effect))).unwrap_or(0);
    Effect::unknown(UnknownReason::CompetingThreads, Some(outcomes.swap_remove(likely)))
}

impl EffectQuery<'_> {
    fn predict(&self) -> Effect {
        let status = &self.snapshot.status;
        if self.threads.iter().next().is_none() {
            return Effect::unknown(UnknownReason::MissingStatusLines, None);
        }
        if process_has_exited(status, self.snapshot.threads.as_ref()) {
            return Effect::NoEffect(NoEffectReason::Zombie { parent_pid: status.parent_pid.unwrap_or(0) });
        }
        if status.is_kernel_thread == Some(true) {
            return match status.ignored {
                Some(ignored) if ignored.contains(self.send.signal) => {
                    Effect::NoEffect(NoEffectReason::KernelThread)
                }
                _ => Effect::unknown(UnknownReason::KernelThread, None),
            };
        }
        if self.pending_signals().contains(KILL) {
            return Effect::NoEffect(NoEffectReason::Dying);
        }
        if self.targets_exited_thread() {
            return Effect::NoEffect(NoEffectReason::ThreadExited);
        }
        match self.send.signal {
            KILL => self.predict_kill(),
            STOP => self.predict_stop(),
            CONT if self.is_stopped() => self.predict_cont(),
            _ => self.predict_other_signal(),
        }
    }

    fn predict_kill(&self) -> Effect {
        if self.is_unkillable() {
            return Effect::Dropped(DropReason::InitWithoutHandler);
        }
        let kill = Effect::Terminates { by_kill: true, core_dump: None };
        if self.snapshot.freezer_state == FreezerState::V1 {
            return self.pending_effect(PendingReason::Frozen, Some(kill));
        }
        self.terminate_threads(kill)
    }

    /// Returns the effect of a signal that ends all threads. An uninterruptible sleep of
    /// any thread delays the end, or may delay it if the kind of sleep is unknown.
    fn terminate_threads(&self, effect: Effect) -> Effect {
        let mut sleeping = self.live_threads().filter(|thread| thread.is_uninterruptible());
        match self.threads.all_killable() {
            Some(true) => effect,
            Some(false) => self.after_wakeup(sleeping.find(|thread| thread.killable == Some(false)), effect),
            None if sleeping.next().is_some() => {
                Effect::unknown(UnknownReason::SleepKindUnknown, Some(effect))
            }
            None => effect,
        }
    }

    fn predict_stop(&self) -> Effect {
        if self.is_unkillable() {
            return Effect::Dropped(DropReason::InitWithoutHandler);
        }
        if self.is_stopped() {
            return Effect::NoEffect(NoEffectReason::AlreadyStopped);
        }
        self.predict_queued(false)
    }

    fn predict_other_signal(&self) -> Effect {
        let Some(disposition) = self.disposition() else {
            return Effect::unknown(UnknownReason::MissingStatusLines, None);
        };
        let Some(target) = self.target_thread() else {
            return Effect::unknown(UnknownReason::MissingStatusLines, None);
        };
        let is_blocked = self.blocks_signal(target);
        if disposition.discards_signal(self.is_init()) && !is_blocked && target.tracer_pid.is_none() {
            let effect = self.disposition_effect(disposition);
            return match self.may_be_in_sigwait(target) {
                true => Effect::unknown(UnknownReason::SigwaitUnreadable, Some(effect)),
                false => effect,
            };
        }
        // If the queue is full, sending a real-time signal fails. Only kill(2) sends it
        // without a queue entry.
        if self.is_queue_full() && self.send.signal.is_realtime() {
            if self.send.has_value || self.send.tid.is_some() {
                return Effect::QueueFull;
            }
            if self.is_already_pending() {
                return Effect::Dropped(DropReason::QueueFull);
            }
        }
        self.predict_queued(is_blocked)
    }

    /// Predicts the effect of a signal that is in the queue. `is_blocked` says if the
    /// target thread blocks it.
    pub(super) fn predict_queued(&self, is_blocked: bool) -> Effect {
        let signal = self.send.signal;
        let unblocked: Vec<&Thread> =
            self.eligible_threads().filter(|thread| !thread.blocked.contains(signal)).collect();
        if unblocked.is_empty() {
            return self.predict_blocked();
        }
        if let Some(tracer) = self.tracer() {
            return Effect::Traced { tracer };
        }
        let is_stopped = self.is_stopped();
        let merged = self.would_merge();
        let is_woken = |thread: &&Thread| {
            !is_stopped && state_letter(thread) != 'T' && (merged || !self.has_unhandled_signal(thread))
        };
        let wakeable: Vec<&Thread> = unblocked.iter().copied().filter(is_woken).collect();
        let leader_tid = self.leader().map(|leader| leader.tid);
        // The kernel tries the main thread first, then any other (`complete_signal`).
        let takers = match wakeable.iter().find(|thread| Some(thread.tid) == leader_tid) {
            Some(leader) => vec![*leader],
            None if wakeable.is_empty() => unblocked,
            None => wakeable,
        };
        let mut outcomes: Vec<Effect> =
            takers.iter().map(|thread| self.effect_on_thread(thread, is_blocked)).collect();
        // A signal that terminates a running process does so before another thread can
        // take it. Otherwise the kernel also wakes the readers of a signalfd.
        let is_delayed = is_stopped || self.is_continued;
        if is_delayed
            || !outcomes.iter().all(|effect| matches!(effect, Effect::Terminates { core_dump: None, .. }))
        {
            let others =
                self.eligible_threads().filter(|thread| takers.iter().all(|taker| taker.tid != thread.tid));
            outcomes.extend(others.filter_map(|thread| self.effect_on_waiting_thread(thread)));
        }
        let outcome = merge_outcomes(outcomes);
        match (is_stopped, self.is_stop_signal()) {
            (false, _) => outcome,
            (true, true) => self
                .pending_effect(PendingReason::Stopped, Some(Effect::Dropped(DropReason::DiscardedByCont))),
            (true, false) => self.pending_effect(PendingReason::Stopped, Some(outcome)),
        }
    }

    /// Returns the effect if a thread takes the signal that waits for it and that the
    /// kernel did not choose. A thread stopped in sigwait(3) has its mask back, and waits
    /// again when it is continued.
    fn effect_on_waiting_thread(&self, thread: &Thread) -> Option<Effect> {
        if self.waits_in_sigwait(thread) && thread.blocked.contains(self.send.signal) {
            return Some(Effect::TakenBySigwait { tid: Some(thread.tid) });
        }
        // A thread stopped in sigsuspend(2) does not keep its temporary mask either.
        if self.is_stopped() && self.snapshot.wait_reason(thread.tid) == WaitReason::Sigsuspend {
            return self.disposition().map(|disposition| self.disposition_effect(disposition));
        }
        self.signalfd_read_by(thread).map(|descriptor| Effect::ReadBySignalfd { descriptor })
    }

    /// Returns the effect if this thread takes the signal.
    fn effect_on_thread(&self, thread: &Thread, is_blocked: bool) -> Effect {
        if self.waits_in_sigwait(thread) {
            return Effect::TakenBySigwait { tid: Some(thread.tid) };
        }
        let Some(disposition) = self.disposition() else {
            return Effect::unknown(UnknownReason::MissingStatusLines, None);
        };
        let effect = self.disposition_effect(disposition);
        // A thread that reads a signalfd takes the signal there before the kernel
        // delivers it, unless the thread was stopped in that call.
        if let Some(descriptor) = self.signalfd_read_by(thread)
            && state_letter(thread) == 'S'
            && !self.is_continued
            && !matches!(effect, Effect::Terminates { core_dump: None, .. })
        {
            return Effect::ReadBySignalfd { descriptor };
        }
        // If this thread cannot take the signal yet, the first thread to wake takes it.
        let another_waits =
            self.eligible_threads().any(|other| other.tid != thread.tid && self.waits_in_sigwait(other));
        let effect = match effect {
            Effect::Terminates { core_dump: None, .. } if self.snapshot.freezer_state != FreezerState::V1 => {
                self.terminate_threads(effect)
            }
            // A signal that dumps core does not act like KILL until a thread takes it
            // (`complete_signal`).
            Effect::Terminates { .. }
                if self.snapshot.freezer_state == FreezerState::NotFrozen && !thread.is_uninterruptible() =>
            {
                self.terminate_threads(effect)
            }
            // It was queued because it was blocked. The thread that dequeues it ignores it.
            Effect::Ignored { .. } | Effect::Dropped(_) if is_blocked => effect,
            _ if thread.is_uninterruptible() && another_waits => self
                .after_wakeup(Some(thread), Effect::unknown(UnknownReason::CompetingThreads, Some(effect))),
            _ => self.after_wakeup(Some(thread), effect),
        };
        if self.may_be_in_sigwait(thread) {
            Effect::unknown(UnknownReason::SigwaitUnreadable, Some(effect))
        } else {
            effect
        }
    }

    /// Returns the effect of a disposition once a thread takes the signal.
    pub(super) fn disposition_effect(&self, disposition: Disposition) -> Effect {
        match disposition {
            Disposition::Caught => Effect::RunsHandler,
            Disposition::Ignored => Effect::Ignored { by_default: false },
            Disposition::Default(DefaultAction::Ign | DefaultAction::Cont) => {
                Effect::Ignored { by_default: true }
            }
            Disposition::Default(DefaultAction::Stop) if self.send.signal == STOP => Effect::Stops,
            Disposition::Default(_) if self.is_init() => Effect::Dropped(DropReason::InitWithoutHandler),
            Disposition::Default(DefaultAction::Term) => {
                Effect::Terminates { by_kill: false, core_dump: None }
            }
            Disposition::Default(DefaultAction::Core) => {
                Effect::Terminates { by_kill: false, core_dump: Some(self.snapshot.core_dump) }
            }
            Disposition::Default(DefaultAction::Stop) => match self.snapshot.group_is_orphaned {
                Some(true) => Effect::Dropped(DropReason::OrphanedGroup),
                Some(false) => Effect::Stops,
                None => Effect::unknown(UnknownReason::OrphanedGroupUnknown, Some(Effect::Stops)),
            },
        }
    }

    /// Predicts the effect of a signal that every eligible thread blocks.
    fn predict_blocked(&self) -> Effect {
        let signal = self.send.signal;
        let mut signalfds = self.snapshot.signalfds.iter().flatten().filter(|(_, set)| set.contains(signal));
        if let (Some((descriptor, _)), false) = (signalfds.next(), self.would_merge()) {
            return Effect::ReadBySignalfd { descriptor: *descriptor };
        }
        let reason = match self.send.tid {
            Some(_) => PendingReason::BlockedByThread,
            None => PendingReason::Blocked { thread_count: self.threads.live_count() },
        };
        self.pending_effect(reason, None)
    }

    fn pending_effect(&self, reason: PendingReason, eventual_effect: Option<Effect>) -> Effect {
        let eventual_effect = eventual_effect.map(Box::new);
        Effect::Pending { reason, merged: self.would_merge(), eventual_effect }
    }

    /// Returns the effect, delayed if the thread cannot take the signal yet: it is frozen
    /// or in an uninterruptible sleep.
    fn after_wakeup(&self, thread: Option<&Thread>, effect: Effect) -> Effect {
        match thread.filter(|thread| thread.is_uninterruptible()) {
            _ if self.snapshot.freezer_state != FreezerState::NotFrozen => {
                self.pending_effect(PendingReason::Frozen, Some(effect))
            }
            Some(thread) => {
                self.pending_effect(PendingReason::UninterruptibleSleep { tid: thread.tid }, Some(effect))
            }
            None => effect,
        }
    }
}

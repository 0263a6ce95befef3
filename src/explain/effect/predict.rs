//! The rules by which the kernel decides what a signal does, applied to what
//! /proc tells (kernel/signal.c: `prepare_signal`, `sig_ignored`,
//! `complete_signal`, `get_signal`).

use super::query::{Disposition, EffectQuery, is_uninterruptible, state_letter};
use super::{DropReason, Effect, NoEffectReason, PendingReason, UnknownReason};
use crate::procfs::{FreezerState, ProcessSnapshot, Thread, Threads, WaitReason, process_has_exited};
use crate::signal::consts::{CONT, KILL, STOP};
use crate::signal::{DefaultAction, Signal};

/// What is sent: how it is queued decides what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendSpec {
    /// The signal.
    pub signal: Signal,
    /// For this thread alone.
    pub tid: Option<u32>,
    /// With a value, as sigqueue(3) does.
    pub has_value: bool,
}

impl SendSpec {
    /// The signal to the process as a whole, as kill(2) sends it.
    pub const fn to_process(signal: Signal) -> SendSpec {
        SendSpec { signal, tid: None, has_value: false }
    }
}

/// What sending does to the process, if it is done now.
pub fn predict_effect(situation: &ProcessSnapshot, sending: SendSpec) -> Effect {
    let (known, partial) = match &situation.threads {
        Some(threads) => (threads.clone(), false),
        None => {
            let several = situation.status.thread_count.is_some_and(|count| count > 1);
            (Threads::new(Thread::from_status(&situation.status).into_iter().collect()), several)
        }
    };
    let case = EffectQuery { snapshot: situation, threads: &known, send: sending, is_continued: false };
    let effect = case.predict();
    // A zombie main thread tells nothing of the others; else it speaks for itself.
    if partial && !matches!(effect, Effect::Unknown { .. }) {
        return unknown_effect(UnknownReason::OtherThreadsUnread, Some(effect));
    }
    effect
}

pub(in crate::explain) fn unknown_effect(why: UnknownReason, likely: Option<Effect>) -> Effect {
    Effect::Unknown { reason: why, likely: likely.map(Box::new) }
}

/// What happens where one of these does, and nobody knows which.
fn merge_outcomes(mut outcomes: Vec<Effect>) -> Effect {
    let waits = |each: &Effect| matches!(each, Effect::TakenBySigwait { .. });
    let takes = |each: &Effect| waits(each) || matches!(each, Effect::ReadBySignalfd { .. });
    let first = outcomes[0].clone();
    if outcomes.iter().all(|each| *each == first) {
        return first;
    }
    if outcomes.iter().all(waits) {
        return Effect::TakenBySigwait { tid: None };
    }
    if outcomes.iter().all(|each| matches!(each, Effect::ReadBySignalfd { .. })) {
        return first;
    }
    let likely = outcomes.iter().position(|each| !takes(each));
    let likely = likely.or(outcomes.iter().position(|each| !waits(each))).unwrap_or(0);
    unknown_effect(UnknownReason::CompetingThreads, Some(outcomes.swap_remove(likely)))
}

impl EffectQuery<'_> {
    fn predict(&self) -> Effect {
        let status = &self.snapshot.status;
        if self.threads.iter().next().is_none() {
            return unknown_effect(UnknownReason::MissingStatusLines, None);
        }
        if process_has_exited(status, self.snapshot.threads.as_ref()) {
            return Effect::NoEffect(NoEffectReason::Zombie { parent_pid: status.parent_pid.unwrap_or(0) });
        }
        if status.is_kernel_thread == Some(true) {
            return match status.ignored {
                Some(ignored) if ignored.contains(self.send.signal) => {
                    Effect::NoEffect(NoEffectReason::KernelThread)
                }
                _ => unknown_effect(UnknownReason::KernelThread, None),
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
        let kills = Effect::Terminates { by_kill: true, core_dump: None };
        if self.snapshot.freezer_state == FreezerState::V1 {
            return self.pending_effect(PendingReason::Frozen, Some(kills));
        }
        self.terminate_threads(kills)
    }

    /// What ends all threads: an uninterruptible sleep of any may keep it from
    /// ending, or does so, where its kind is known.
    fn terminate_threads(&self, effect: Effect) -> Effect {
        let mut asleep = self.live_threads().filter(|task| is_uninterruptible(task));
        match self.threads.all_killable() {
            Some(true) => effect,
            Some(false) => self.after_wakeup(asleep.find(|task| task.killable == Some(false)), effect),
            None if asleep.next().is_some() => unknown_effect(UnknownReason::SleepKindUnknown, Some(effect)),
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
            return unknown_effect(UnknownReason::MissingStatusLines, None);
        };
        let Some(receiver) = self.target_thread() else {
            return unknown_effect(UnknownReason::MissingStatusLines, None);
        };
        let held = self.blocks_signal(receiver);
        if disposition.discards_signal(self.is_init()) && !held && receiver.tracer_pid.is_none() {
            let effect = self.disposition_effect(disposition);
            return match self.may_be_in_sigwait(receiver) {
                true => unknown_effect(UnknownReason::SigwaitUnreadable, Some(effect)),
                false => effect,
            };
        }
        // Where the queue is full, a real-time signal gets none, or no place: only
        // kill(2) goes on without.
        if self.is_queue_full() && self.send.signal.is_realtime() {
            if self.send.has_value || self.send.tid.is_some() {
                return Effect::QueueFull;
            }
            if self.is_already_pending() {
                return Effect::Dropped(DropReason::QueueFull);
            }
        }
        self.predict_queued(held)
    }

    /// What becomes of it once it is in the queue.
    pub(super) fn predict_queued(&self, held: bool) -> Effect {
        let signal = self.send.signal;
        let open: Vec<&Thread> =
            self.eligible_threads().filter(|task| !task.blocked.contains(signal)).collect();
        if open.is_empty() {
            return self.predict_blocked();
        }
        if let Some(tracer) = self.tracer() {
            return Effect::Traced { tracer };
        }
        let stopped = self.is_stopped();
        let merged = self.would_merge();
        let asked = |task: &&Thread| {
            !stopped && state_letter(task) != 'T' && (merged || !self.has_unhandled_signal(task))
        };
        let awake: Vec<&Thread> = open.iter().copied().filter(asked).collect();
        let leader = self.leader();
        // The main thread is asked first, then any other (`complete_signal`).
        let takers = match awake.iter().find(|task| Some(task.tid) == leader.map(|leader| leader.tid)) {
            Some(leader) => vec![*leader],
            None if awake.is_empty() => open,
            None => awake.clone(),
        };
        let mut outcomes: Vec<Effect> = takers.iter().map(|task| self.effect_on_thread(task, held)).collect();
        // What ends the process, if it is not stopped, does so before anybody can
        // take it. Else those who read it from a signalfd are woken, too.
        let late = stopped || self.is_continued;
        if late || !outcomes.iter().all(|each| matches!(each, Effect::Terminates { core_dump: None, .. })) {
            let others =
                self.eligible_threads().filter(|task| takers.iter().all(|taker| taker.tid != task.tid));
            outcomes.extend(others.filter_map(|task| self.effect_on_waiting_thread(task)));
        }
        let outcome = merge_outcomes(outcomes);
        match (stopped, self.is_stop_signal()) {
            (false, _) => outcome,
            (true, true) => self
                .pending_effect(PendingReason::Stopped, Some(Effect::Dropped(DropReason::DiscardedByCont))),
            (true, false) => self.pending_effect(PendingReason::Stopped, Some(outcome)),
        }
    }

    /// What a thread does that waits for the signal and is not the one that
    /// the kernel has chosen. Stopped in sigwait(3) it has its mask back, and
    /// waits again once it is continued.
    fn effect_on_waiting_thread(&self, task: &Thread) -> Option<Effect> {
        if self.waits_in_sigwait(task) && task.blocked.contains(self.send.signal) {
            return Some(Effect::TakenBySigwait { tid: Some(task.tid) });
        }
        // Nor does it keep the mask that it has in sigsuspend(2).
        if self.is_stopped() && self.snapshot.wait_reason(task.tid) == WaitReason::Sigsuspend {
            return self.disposition().map(|disposition| self.disposition_effect(disposition));
        }
        self.signalfd_read_by(task).map(|descriptor| Effect::ReadBySignalfd { descriptor })
    }

    /// What happens where this thread takes it.
    fn effect_on_thread(&self, task: &Thread, held: bool) -> Effect {
        if self.waits_in_sigwait(task) {
            return Effect::TakenBySigwait { tid: Some(task.tid) };
        }
        let Some(disposition) = self.disposition() else {
            return unknown_effect(UnknownReason::MissingStatusLines, None);
        };
        let effect = self.disposition_effect(disposition);
        // It reads before it looks at what else is to be done with the signal;
        // not so once it has been stopped in it.
        if let Some(descriptor) = self.signalfd_read_by(task)
            && state_letter(task) == 'S'
            && !self.is_continued
            && !matches!(effect, Effect::Terminates { core_dump: None, .. })
        {
            return Effect::ReadBySignalfd { descriptor };
        }
        // Left lying until it wakes, it goes to whoever wakes first.
        let others =
            self.eligible_threads().any(|other| other.tid != task.tid && self.waits_in_sigwait(other));
        let effect = match effect {
            Effect::Terminates { core_dump: None, .. } if self.snapshot.freezer_state != FreezerState::V1 => {
                self.terminate_threads(effect)
            }
            // What dumps core is no KILL until it is taken (`complete_signal`).
            Effect::Terminates { .. }
                if self.snapshot.freezer_state == FreezerState::NotFrozen && !is_uninterruptible(task) =>
            {
                self.terminate_threads(effect)
            }
            // Ignored after all: by the thread that takes it out of the queue.
            Effect::Ignored { .. } | Effect::Dropped(_) if held => effect,
            _ if is_uninterruptible(task) && others => {
                self.after_wakeup(Some(task), unknown_effect(UnknownReason::CompetingThreads, Some(effect)))
            }
            _ => self.after_wakeup(Some(task), effect),
        };
        if self.may_be_in_sigwait(task) {
            unknown_effect(UnknownReason::SigwaitUnreadable, Some(effect))
        } else {
            effect
        }
    }

    /// What the disposition does, wherever it is done.
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
                None => unknown_effect(UnknownReason::OrphanedGroupUnknown, Some(Effect::Stops)),
            },
        }
    }

    /// Every thread that could take it blocks it.
    fn predict_blocked(&self) -> Effect {
        let signal = self.send.signal;
        let readers = self.snapshot.signalfds.iter().flatten();
        let mut readers = readers.filter(|(_, set)| set.contains(signal));
        if let (Some((descriptor, _)), false) = (readers.next(), self.would_merge()) {
            return Effect::ReadBySignalfd { descriptor: *descriptor };
        }
        let held = match self.send.tid {
            Some(_) => PendingReason::BlockedByThread,
            None => PendingReason::Blocked { thread_count: self.threads.live_count() },
        };
        self.pending_effect(held, None)
    }

    fn pending_effect(&self, held: PendingReason, then: Option<Effect>) -> Effect {
        Effect::Pending { reason: held, merged: self.would_merge(), eventual_effect: then.map(Box::new) }
    }

    /// The effect, once the thread can take it.
    fn after_wakeup(&self, task: Option<&Thread>, effect: Effect) -> Effect {
        match task.filter(|task| is_uninterruptible(task)) {
            _ if self.snapshot.freezer_state != FreezerState::NotFrozen => {
                self.pending_effect(PendingReason::Frozen, Some(effect))
            }
            Some(task) => {
                self.pending_effect(PendingReason::UninterruptibleSleep { tid: task.tid }, Some(effect))
            }
            None => effect,
        }
    }
}

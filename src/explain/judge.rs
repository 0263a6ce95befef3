//! The rules by which the kernel decides what a signal does, applied to what
//! /proc tells (kernel/signal.c: `prepare_signal`, `sig_ignored`,
//! `complete_signal`, `get_signal`).

use super::case::{Case, Disposition, is_asleep, letter};
use super::effect::{Dropped, Effect, Held, Nothing, Why};
use crate::proc::{Freezer, Situation, Task, Threads, Wait, has_ended};
use crate::signal::known::{CONT, KILL, STOP};
use crate::signal::{Action, Signal};

/// What is sent: how it is queued decides what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sending {
    /// The signal.
    pub signal: Signal,
    /// For this thread alone.
    pub thread: Option<u32>,
    /// With a value, as sigqueue(3) does.
    pub queued: bool,
}

impl Sending {
    /// The signal to the process as a whole, as kill(2) sends it.
    pub const fn plain(signal: Signal) -> Sending {
        Sending { signal, thread: None, queued: false }
    }
}

/// What sending does to the process, if it is done now.
pub fn effect(situation: &Situation, sending: Sending) -> Effect {
    let (known, partial) = match &situation.threads {
        Some(threads) => (threads.clone(), false),
        None => {
            let several = situation.status.threads.is_some_and(|count| count > 1);
            (Threads::new(Task::of(&situation.status).into_iter().collect()), several)
        }
    };
    let case = Case { situation, threads: &known, sending, is_resumed: false };
    let effect = case.judge();
    // A zombie main thread tells nothing of the others; else it speaks for itself.
    if partial && !matches!(effect, Effect::Unknown { .. }) {
        return unknown(Why::OtherThreads, Some(effect));
    }
    effect
}

pub(super) fn unknown(why: Why, likely: Option<Effect>) -> Effect {
    Effect::Unknown { why, likely: likely.map(Box::new) }
}

/// What happens where one of these does, and nobody knows which.
fn one_of(mut outcomes: Vec<Effect>) -> Effect {
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
    unknown(Why::Threads, Some(outcomes.swap_remove(likely)))
}

impl Case<'_> {
    fn judge(&self) -> Effect {
        let status = &self.situation.status;
        if self.threads.iter().next().is_none() {
            return unknown(Why::Lines, None);
        }
        if has_ended(status, self.situation.threads.as_ref()) {
            return Effect::Nothing(Nothing::Zombie { parent: status.parent.unwrap_or(0) });
        }
        if status.kernel_thread == Some(true) {
            return match status.ignored {
                Some(ignored) if ignored.contains(self.sending.signal) => {
                    Effect::Nothing(Nothing::KernelThread)
                }
                _ => unknown(Why::KernelThread, None),
            };
        }
        if self.all_pending().contains(KILL) {
            return Effect::Nothing(Nothing::Dying);
        }
        if self.is_for_ended_thread() {
            return Effect::Nothing(Nothing::ThreadEnded);
        }
        match self.sending.signal {
            KILL => self.kill(),
            STOP => self.stop(),
            CONT if self.is_stopped() => self.cont(),
            _ => self.ordinary(),
        }
    }

    fn kill(&self) -> Effect {
        if self.is_protected() {
            return Effect::Dropped(Dropped::Init);
        }
        let kills = Effect::Terminates { kill: true, core: None };
        if self.situation.freezer == Freezer::One {
            return self.pending(Held::Frozen, Some(kills));
        }
        self.ends(kills)
    }

    /// What ends all threads: an uninterruptible sleep of any may keep it from
    /// ending, or does so, where its kind is known.
    fn ends(&self, effect: Effect) -> Effect {
        let mut asleep = self.live().filter(|task| is_asleep(task));
        match self.threads.are_killable() {
            Some(true) => effect,
            Some(false) => self.once_awake(asleep.find(|task| task.killable == Some(false)), effect),
            None if asleep.next().is_some() => unknown(Why::Sleep, Some(effect)),
            None => effect,
        }
    }

    fn stop(&self) -> Effect {
        if self.is_protected() {
            return Effect::Dropped(Dropped::Init);
        }
        if self.is_stopped() {
            return Effect::Nothing(Nothing::Stopped);
        }
        self.delivered(false)
    }

    fn ordinary(&self) -> Effect {
        let Some(disposition) = self.disposition() else { return unknown(Why::Lines, None) };
        let Some(receiver) = self.receiver() else { return unknown(Why::Lines, None) };
        let held = self.holds(receiver);
        if disposition.is_nothing(self.is_init()) && !held && receiver.tracer.is_none() {
            let effect = self.outcome(disposition);
            return match self.may_wait(receiver) {
                true => unknown(Why::Sigwait, Some(effect)),
                false => effect,
            };
        }
        // Where the queue is full, a real-time signal gets none, or no place: only
        // kill(2) goes on without.
        if self.is_queue_full() && self.sending.signal.is_realtime() {
            if self.sending.queued || self.sending.thread.is_some() {
                return Effect::QueueFull;
            }
            if self.is_pending() {
                return Effect::Dropped(Dropped::QueueFull);
            }
        }
        self.delivered(held)
    }

    /// What becomes of it once it is in the queue.
    pub(super) fn delivered(&self, held: bool) -> Effect {
        let signal = self.sending.signal;
        let open: Vec<&Task> = self.candidates().filter(|task| !task.blocked.contains(signal)).collect();
        if open.is_empty() {
            return self.blocked();
        }
        if let Some(tracer) = self.tracer() {
            return Effect::Traced { tracer };
        }
        let stopped = self.is_stopped();
        let merged = self.is_merged();
        let asked = |task: &&Task| !stopped && letter(task) != 'T' && (merged || !self.is_busy(task));
        let awake: Vec<&Task> = open.iter().copied().filter(asked).collect();
        let leader = self.leader();
        // The main thread is asked first, then any other (`complete_signal`).
        let takers = match awake.iter().find(|task| Some(task.tid) == leader.map(|leader| leader.tid)) {
            Some(leader) => vec![*leader],
            None if awake.is_empty() => open,
            None => awake.clone(),
        };
        let mut outcomes: Vec<Effect> = takers.iter().map(|task| self.taken_by(task, held)).collect();
        // What ends the process, if it is not stopped, does so before anybody can
        // take it. Else those who read it from a signalfd are woken, too.
        let late = stopped || self.is_resumed;
        if late || !outcomes.iter().all(|each| matches!(each, Effect::Terminates { core: None, .. })) {
            let others = self.candidates().filter(|task| takers.iter().all(|taker| taker.tid != task.tid));
            outcomes.extend(others.filter_map(|task| self.waited_for(task)));
        }
        let outcome = one_of(outcomes);
        match (stopped, self.is_stop()) {
            (false, _) => outcome,
            (true, true) => self.pending(Held::Stopped, Some(Effect::Dropped(Dropped::Continued))),
            (true, false) => self.pending(Held::Stopped, Some(outcome)),
        }
    }

    /// What a thread does that waits for the signal and is not the one that
    /// the kernel has chosen. Stopped in sigwait(3) it has its mask back, and
    /// waits again once it is continued.
    fn waited_for(&self, task: &Task) -> Option<Effect> {
        if self.awaits(task) && task.blocked.contains(self.sending.signal) {
            return Some(Effect::TakenBySigwait { tid: Some(task.tid) });
        }
        // Nor does it keep the mask that it has in sigsuspend(2).
        if self.is_stopped() && self.situation.wait(task.tid) == Wait::Sigsuspend {
            return self.disposition().map(|disposition| self.outcome(disposition));
        }
        self.reads(task).map(|descriptor| Effect::ReadBySignalfd { descriptor })
    }

    /// What happens where this thread takes it.
    fn taken_by(&self, task: &Task, held: bool) -> Effect {
        if self.awaits(task) {
            return Effect::TakenBySigwait { tid: Some(task.tid) };
        }
        let Some(disposition) = self.disposition() else { return unknown(Why::Lines, None) };
        let effect = self.outcome(disposition);
        // It reads before it looks at what else is to be done with the signal;
        // not so once it has been stopped in it.
        if let Some(descriptor) = self.reads(task)
            && letter(task) == 'S'
            && !self.is_resumed
            && !matches!(effect, Effect::Terminates { core: None, .. })
        {
            return Effect::ReadBySignalfd { descriptor };
        }
        // Left lying until it wakes, it goes to whoever wakes first.
        let others = self.candidates().any(|other| other.tid != task.tid && self.awaits(other));
        let effect = match effect {
            Effect::Terminates { core: None, .. } if self.situation.freezer != Freezer::One => {
                self.ends(effect)
            }
            // What dumps core is no KILL until it is taken (`complete_signal`).
            Effect::Terminates { .. } if self.situation.freezer == Freezer::No && !is_asleep(task) => {
                self.ends(effect)
            }
            // Ignored after all: by the thread that takes it out of the queue.
            Effect::Ignored { .. } | Effect::Dropped(_) if held => effect,
            _ if is_asleep(task) && others => {
                self.once_awake(Some(task), unknown(Why::Threads, Some(effect)))
            }
            _ => self.once_awake(Some(task), effect),
        };
        if self.may_wait(task) { unknown(Why::Sigwait, Some(effect)) } else { effect }
    }

    /// What the disposition does, wherever it is done.
    pub(super) fn outcome(&self, disposition: Disposition) -> Effect {
        match disposition {
            Disposition::Caught => Effect::RunsHandler,
            Disposition::Ignored => Effect::Ignored { by_default: false },
            Disposition::Default(Action::Ign | Action::Cont) => Effect::Ignored { by_default: true },
            Disposition::Default(Action::Stop) if self.sending.signal == STOP => Effect::Stops,
            Disposition::Default(_) if self.is_init() => Effect::Dropped(Dropped::Init),
            Disposition::Default(Action::Term) => Effect::Terminates { kill: false, core: None },
            Disposition::Default(Action::Core) => {
                Effect::Terminates { kill: false, core: Some(self.situation.core) }
            }
            Disposition::Default(Action::Stop) => match self.situation.orphaned {
                Some(true) => Effect::Dropped(Dropped::Orphaned),
                Some(false) => Effect::Stops,
                None => unknown(Why::Group, Some(Effect::Stops)),
            },
        }
    }

    /// Every thread that could take it blocks it.
    fn blocked(&self) -> Effect {
        let signal = self.sending.signal;
        let readers = self.situation.signalfds.iter().flatten();
        let mut readers = readers.filter(|(_, set)| set.contains(signal));
        if let (Some((descriptor, _)), false) = (readers.next(), self.is_merged()) {
            return Effect::ReadBySignalfd { descriptor: *descriptor };
        }
        let held = match self.sending.thread {
            Some(_) => Held::BlockedByThread,
            None => Held::Blocked { threads: self.threads.count() },
        };
        self.pending(held, None)
    }

    fn pending(&self, held: Held, then: Option<Effect>) -> Effect {
        Effect::Pending { held, merged: self.is_merged(), then: then.map(Box::new) }
    }

    /// The effect, once the thread can take it.
    fn once_awake(&self, task: Option<&Task>, effect: Effect) -> Effect {
        match task.filter(|task| is_asleep(task)) {
            _ if self.situation.freezer != Freezer::No => self.pending(Held::Frozen, Some(effect)),
            Some(task) => self.pending(Held::Sleeping { tid: task.tid }, Some(effect)),
            None => effect,
        }
    }
}

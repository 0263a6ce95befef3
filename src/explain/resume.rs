//! What CONT does to a stopped process: it lets all that has waited through.

use super::case::{Case, Disposition, letter};
use super::effect::{Effect, Why};
use super::judge::{Sending, unknown};
use crate::proc::{State, Task, Threads, Wait};
use crate::signal::Signal;

impl Case<'_> {
    pub(super) fn cont(&self) -> Effect {
        if self.live().any(|task| letter(task) == 't') {
            return self.tracer().map_or(unknown(Why::Lines, None), |tracer| Effect::Traced { tracer });
        }
        // As it will be then: nothing stops it, and pending stops are taken back.
        let running = self.threads.iter().map(|task| match letter(task) {
            'T' => Task { state: Some(State::new(b'S')), ..task.clone() },
            _ => task.clone(),
        });
        let running = Threads::new(running.collect());
        let own = self.resumed(&running, self.sending);
        let handler = self.disposition() == Some(Disposition::Caught);
        let runs = handler && matches!(own.likely(), Effect::RunsHandler);
        let ends: Vec<(Signal, Effect)> = self
            .all_pending()
            .iter()
            .flat_map(|signal| self.queues(signal).map(move |thread| (signal, thread)))
            .map(|(signal, thread)| {
                (signal, self.resumed(&running, Sending { thread, ..Sending::plain(signal) }))
            })
            .filter(|(_, effect)| matches!(effect.likely(), Effect::Terminates { .. }))
            .collect();
        let certain = ends.iter().find(|(_, effect)| matches!(effect, Effect::Terminates { .. }));
        let ended_by = certain.or(ends.first()).map(|(signal, _)| *signal);
        let effect = Effect::Continues { handler: runs, ended_by };
        let unsure = ends.first().filter(|_| certain.is_none()).map(|(_, effect)| effect);
        match (unsure, &own) {
            (Some(Effect::Unknown { why, .. }), _) => unknown(*why, Some(effect)),
            (_, Effect::Unknown { why, .. }) if handler && certain.is_none() => unknown(*why, Some(effect)),
            _ => effect,
        }
    }

    /// The queues in which a signal is pending: the process's, and those of
    /// threads.
    fn queues(&self, signal: Signal) -> impl Iterator<Item = Option<u32>> {
        let shared = self.situation.status.shared_pending.is_some_and(|set| set.contains(signal));
        let own = self.live().filter(move |task| task.pending.contains(signal));
        shared.then_some(None).into_iter().chain(own.map(|task| Some(task.tid)))
    }

    /// What becomes of a queued signal once the process runs.
    fn resumed(&self, running: &Threads, sending: Sending) -> Effect {
        let case = Case { situation: self.situation, threads: running, sending, is_resumed: true };
        let held = case.receiver().is_some_and(|task| case.holds(task));
        let effect = case.delivered(held);
        // Who is stopped in sigsuspend(2) leaves it, and has its own mask then.
        let suspends = |task: &Task| self.situation.wait(task.tid) == Wait::Sigsuspend;
        let blocked = matches!(effect, Effect::Pending { .. } | Effect::ReadBySignalfd { .. });
        match case.disposition() {
            Some(disposition) if blocked && case.candidates().any(suspends) => {
                unknown(Why::Mask, Some(case.outcome(disposition)))
            }
            _ => effect,
        }
    }
}

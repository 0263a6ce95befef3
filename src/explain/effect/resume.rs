//! What CONT does to a stopped process: it lets all that has waited through.

use super::predict::{SendSpec, unknown_effect};
use super::query::{Disposition, EffectQuery, state_letter};
use super::{Effect, UnknownReason};
use crate::procfs::{TaskState, Thread, Threads, WaitReason};
use crate::signal::Signal;

impl EffectQuery<'_> {
    pub(super) fn predict_cont(&self) -> Effect {
        if self.live_threads().any(|task| state_letter(task) == 't') {
            return self.tracer().map_or(unknown_effect(UnknownReason::MissingStatusLines, None), |tracer| {
                Effect::Traced { tracer }
            });
        }
        // As it will be then: nothing stops it, and pending stops are taken back.
        let running = self.threads.iter().map(|task| match state_letter(task) {
            'T' => Thread { state: Some(TaskState::from_letter(b'S')), ..task.clone() },
            _ => task.clone(),
        });
        let running = Threads::new(running.collect());
        let own = self.predict_after_cont(&running, self.send);
        let handler = self.disposition() == Some(Disposition::Caught);
        let runs = handler && matches!(own.most_likely(), Effect::RunsHandler);
        let ends: Vec<(Signal, Effect)> = self
            .pending_signals()
            .iter()
            .flat_map(|signal| self.queues_containing(signal).map(move |thread| (signal, thread)))
            .map(|(signal, thread)| {
                (
                    signal,
                    self.predict_after_cont(
                        &running,
                        SendSpec { tid: thread, ..SendSpec::to_process(signal) },
                    ),
                )
            })
            .filter(|(_, effect)| matches!(effect.most_likely(), Effect::Terminates { .. }))
            .collect();
        let certain = ends.iter().find(|(_, effect)| matches!(effect, Effect::Terminates { .. }));
        let ended_by = certain.or(ends.first()).map(|(signal, _)| *signal);
        let effect = Effect::Continues { runs_handler: runs, terminated_by: ended_by };
        let unsure = ends.first().filter(|_| certain.is_none()).map(|(_, effect)| effect);
        match (unsure, &own) {
            (Some(Effect::Unknown { reason: why, .. }), _) => unknown_effect(*why, Some(effect)),
            (_, Effect::Unknown { reason: why, .. }) if handler && certain.is_none() => {
                unknown_effect(*why, Some(effect))
            }
            _ => effect,
        }
    }

    /// The queues in which a signal is pending: the process's, and those of
    /// threads.
    fn queues_containing(&self, signal: Signal) -> impl Iterator<Item = Option<u32>> {
        let shared = self.snapshot.status.shared_pending.is_some_and(|set| set.contains(signal));
        let own = self.live_threads().filter(move |task| task.pending.contains(signal));
        shared.then_some(None).into_iter().chain(own.map(|task| Some(task.tid)))
    }

    /// What becomes of a queued signal once the process runs.
    fn predict_after_cont(&self, running: &Threads, sending: SendSpec) -> Effect {
        let case =
            EffectQuery { snapshot: self.snapshot, threads: running, send: sending, is_continued: true };
        let held = case.target_thread().is_some_and(|task| case.blocks_signal(task));
        let effect = case.predict_queued(held);
        // Who is stopped in sigsuspend(2) leaves it, and has its own mask then.
        let suspends = |task: &Thread| self.snapshot.wait_reason(task.tid) == WaitReason::Sigsuspend;
        let blocked = matches!(effect, Effect::Pending { .. } | Effect::ReadBySignalfd { .. });
        match case.disposition() {
            Some(disposition) if blocked && case.eligible_threads().any(suspends) => {
                unknown_effect(UnknownReason::MaskAfterSigsuspend, Some(case.disposition_effect(disposition)))
            }
            _ => effect,
        }
    }
}

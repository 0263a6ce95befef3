//! The effect of CONT on a stopped process: it discards pending stop signals and
//! releases all other pending signals.

use super::query::{Disposition, EffectQuery, SendSpec, state_letter};
use super::{Effect, UnknownReason};
use crate::procfs::{TaskState, Thread, Threads, WaitReason};
use crate::signal::Signal;

impl EffectQuery<'_> {
    pub(super) fn predict_cont(&self) -> Effect {
        if self.live_threads().any(|thread| state_letter(thread) == 't') {
            return self
                .tracer()
                .map_or(Effect::unknown(UnknownReason::MissingStatusLines, None), |tracer| Effect::Traced {
                    tracer,
                });
        }
        // The threads as they will be after CONT: no longer stopped.
        let continued = self.threads.iter().map(|thread| match state_letter(thread) {
            'T' => Thread { state: Some(TaskState::from_letter(b'S')), ..thread.clone() },
            _ => thread.clone(),
        });
        let continued = Threads::new(continued.collect());
        let cont_effect = self.predict_after_cont(&continued, self.send);
        let has_handler = self.disposition() == Some(Disposition::Caught);
        let runs_handler = has_handler && matches!(cont_effect.most_likely(), Effect::RunsHandler);
        let fatal: Vec<(Signal, Effect)> = self
            .pending_signals()
            .iter()
            .flat_map(|signal| self.queues_containing(signal).map(move |tid| (signal, tid)))
            .map(|(signal, tid)| {
                let send = SendSpec { tid, ..SendSpec::to_process(signal) };
                (signal, self.predict_after_cont(&continued, send))
            })
            .filter(|(_, effect)| matches!(effect.most_likely(), Effect::Terminates { .. }))
            .collect();
        let certain = fatal.iter().find(|(_, effect)| matches!(effect, Effect::Terminates { .. }));
        let terminated_by = certain.or(fatal.first()).map(|(signal, _)| *signal);
        let effect = Effect::Continues { runs_handler, terminated_by };
        let uncertain = fatal.first().filter(|_| certain.is_none()).map(|(_, effect)| effect);
        match (uncertain, &cont_effect) {
            (Some(Effect::Unknown { reason, .. }), _) => Effect::unknown(*reason, Some(effect)),
            (_, Effect::Unknown { reason, .. }) if has_handler && certain.is_none() => {
                Effect::unknown(*reason, Some(effect))
            }
            _ => effect,
        }
    }

    /// Returns the queues in which a signal is pending: `None` for that of the process,
    /// a TID for that of a thread.
    fn queues_containing(&self, signal: Signal) -> impl Iterator<Item = Option<u32>> {
        let in_shared_queue = self.snapshot.status.shared_pending.is_some_and(|set| set.contains(signal));
        let threads = self.live_threads().filter(move |thread| thread.pending.contains(signal));
        in_shared_queue.then_some(None).into_iter().chain(threads.map(|thread| Some(thread.tid)))
    }

    /// Predicts the effect of a queued signal once the process is continued.
    fn predict_after_cont(&self, continued: &Threads, send: SendSpec) -> Effect {
        let query = EffectQuery { snapshot: self.snapshot, threads: continued, send, is_continued: true };
        let is_blocked = query.target_thread().is_some_and(|thread| query.blocks_signal(thread));
        let effect = query.predict_queued(is_blocked);
        // A thread stopped in sigsuspend(2) returns from it and restores its own mask.
        let in_sigsuspend = |thread: &Thread| self.snapshot.wait_reason(thread.tid) == WaitReason::Sigsuspend;
        let stays_pending = matches!(effect, Effect::Pending { .. } | Effect::ReadBySignalfd { .. });
        match query.disposition() {
            Some(disposition) if stays_pending && query.eligible_threads().any(in_sigsuspend) => {
                let likely = query.disposition_effect(disposition);
                Effect::unknown(UnknownReason::MaskAfterSigsuspend, Some(likely))
            }
            _ => effect,
        }
    }
}

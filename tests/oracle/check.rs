//! Compares the prediction of a signal's effect with what happened.

use std::os::unix::process::ExitStatusExt;

use sigtool::explain::SendSpec;
use sigtool::explain::effect::{DropReason, Effect, NoEffectReason, PendingReason, UnknownReason};
use sigtool::procfs::{CoreDumpPrediction, ProcessSnapshot, Thread, WaitReason};
use sigtool::signal::Signal;

use super::observe::{Observation, Rest};
use super::parse_signal;

pub enum Verdict {
    Right,
    /// The prediction was right, and the target cannot be tried again.
    Ended,
    Wrong(String),
}

impl Verdict {
    fn of(is_correct: bool, reason: &str) -> Verdict {
        if is_correct { Verdict::Right } else { Verdict::Wrong(reason.to_owned()) }
    }
}

/// Returns the kind that a trial is counted under.
pub fn kind(predicted: &Effect) -> String {
    match predicted {
        Effect::Pending { reason, merged: false, .. } => match reason {
            PendingReason::Blocked { .. } | PendingReason::BlockedByThread => "pending: blocked".to_owned(),
            PendingReason::Stopped => "pending: stopped".to_owned(),
            PendingReason::UninterruptibleSleep { .. } => "pending: sleeping".to_owned(),
            PendingReason::Frozen => "pending: frozen".to_owned(),
        },
        Effect::Unknown { reason, .. } => format!("unknown: {reason:?}"),
        other => other.id().to_owned(),
    }
}

/// Checks that the signal had the predicted effect and no other.
pub fn verdict(
    snapshot: &ProcessSnapshot,
    spec: SendSpec,
    predicted: &Effect,
    observed: &Observation,
) -> Verdict {
    if is_released(snapshot, spec, observed) {
        return Verdict::Ended;
    }
    let refused = observed.error.is_some();
    if refused != matches!(predicted, Effect::QueueFull) {
        return Verdict::of(false, "the system call");
    }
    match predicted {
        Effect::Unknown { likely: Some(_), .. } => Verdict::of(
            matches_unknown(spec, predicted, observed),
            "neither what is likely nor an alternative",
        ),
        _ => Verdict::of(matches(spec, predicted, observed), "not what was predicted"),
    }
}

/// Returns true if the likely effect happened, or an alternative that one of
/// the reasons for the uncertainty names. Everything else is wrong.
fn matches_unknown(spec: SendSpec, predicted: &Effect, observed: &Observation) -> bool {
    let Effect::Unknown { reason, likely: Some(likely) } = predicted else {
        return matches(spec, predicted, observed);
    };
    // CONT continues the process in any case; only what happens next is
    // uncertain.
    if let continues @ Effect::Continues { .. } = likely.most_likely() {
        let runs =
            [true, false].map(|handler| Effect::Continues { runs_handler: handler, terminated_by: None });
        return runs.iter().chain([continues]).any(|effect| matches(spec, effect, observed));
    }
    let alternative = match reason {
        UnknownReason::CompetingThreads | UnknownReason::SigwaitUnreadable => {
            was_waited_for(spec, observed) && is_alive(observed)
        }
        UnknownReason::SleepKindUnknown => observed.pending.1 && is_alive(observed),
        UnknownReason::OrphanedGroupUnknown => {
            matches(spec, &Effect::Dropped(DropReason::OrphanedGroup), observed)
        }
        _ => false,
    };
    alternative || matches_unknown(spec, likely, observed)
}

/// Returns true if a thread that waited for the signal got it.
fn was_waited_for(spec: SendSpec, observed: &Observation) -> bool {
    ["took", "read"].iter().any(|event| observed.was(event, spec.signal, None))
}

fn is_alive(observed: &Observation) -> bool {
    observed.ended.is_none()
}

/// Returns true if another signal, which was pending before, terminated or
/// stopped the process. A thread that wakes in sigsuspend(2) gets back its own
/// mask, which /proc did not show. Signals that are pending for a thread in state
/// D are taken by any thread that wakes.
fn is_released(snapshot: &ProcessSnapshot, spec: SendSpec, observed: &Observation) -> bool {
    let ended = observed.ended.and_then(|status| status.signal());
    let has_stopped = (observed.before, observed.after) == (Rest::Asleep, Rest::Stopped);
    let is_effect_of = |by: &Signal| match ended {
        Some(number) => number == i32::from(by.get()),
        None => has_stopped && ["TSTP", "TTIN", "TTOU"].map(parse_signal).contains(by),
    };
    let shared = snapshot.status.shared_pending.unwrap_or_default();
    let keeps_pending = |task: &Thread| {
        let asleep = task.state.is_some_and(|state| state.letter() == 'D');
        let suspended = matches!(snapshot.wait_reason(task.tid), WaitReason::Sigsuspend);
        let mut pending = (shared | task.pending).iter().filter(|by| *by != spec.signal);
        (suspended || asleep) && pending.any(|by| is_effect_of(&by))
    };
    snapshot.threads.iter().flat_map(|threads| threads.live()).any(keeps_pending)
}

/// Returns true if the signal had no visible effect, except on the queue.
fn is_unaffected(spec: SendSpec, observed: &Observation) -> bool {
    is_alive(observed) && observed.before == observed.after && !observed.was_taken(spec.signal)
}

fn matches(spec: SendSpec, predicted: &Effect, observed: &Observation) -> bool {
    let signal = spec.signal;
    let is_terminated_by = |number: u8, core: Option<CoreDumpPrediction>| {
        observed.ended.is_some_and(|status| {
            let dumped = status.core_dumped()
                && matches!(
                    core,
                    None | Some(CoreDumpPrediction::DisabledByLimit | CoreDumpPrediction::NotDumpable)
                );
            status.signal() == Some(i32::from(number)) && !dumped
        })
    };
    match predicted {
        Effect::Terminates { core_dump: core, .. } => is_terminated_by(signal.get(), *core),
        Effect::Stops => {
            is_alive(observed) && (observed.before, observed.after) == (Rest::Asleep, Rest::Stopped)
        }
        Effect::Continues { terminated_by: Some(by), .. } => is_terminated_by(by.get(), None),
        Effect::Continues { runs_handler: handler, terminated_by: None } => {
            is_alive(observed)
                && (observed.before, observed.after) == (Rest::Stopped, Rest::Asleep)
                && observed.was("handled", signal, None) == *handler
        }
        Effect::RunsHandler => {
            is_alive(observed)
                && observed.was("handled", signal, spec.tid)
                && observed.before == observed.after
        }
        Effect::TakenBySigwait { tid } => {
            is_alive(observed) && observed.was("took", signal, *tid) && observed.before == observed.after
        }
        Effect::ReadBySignalfd { .. } => {
            let read = observed.was("read", signal, None);
            is_alive(observed) && observed.before == observed.after && (read || observed.pending.1)
        }
        Effect::Pending { merged, .. } => {
            let was = observed.pending.0 && !signal.is_realtime();
            is_unaffected(spec, observed) && observed.pending.1 && *merged == was
        }
        Effect::Dropped(DropReason::QueueFull) => {
            is_unaffected(spec, observed) && observed.pending == (true, true)
        }
        Effect::Ignored { .. } | Effect::Dropped(_) => {
            is_unaffected(spec, observed) && (!observed.pending.1 || observed.pending.0)
        }
        Effect::QueueFull => is_unaffected(spec, observed) && observed.error == Some(libc::EAGAIN),
        Effect::NoEffect(NoEffectReason::Zombie { .. }) => {
            (observed.before, observed.after) == (Rest::Dead, Rest::Dead)
        }
        Effect::NoEffect(NoEffectReason::ThreadExited) => is_unaffected(spec, observed),
        Effect::NoEffect(NoEffectReason::AlreadyStopped) => {
            is_unaffected(spec, observed) && observed.after == Rest::Stopped && signal == parse_signal("STOP")
        }
        Effect::Traced { .. } | Effect::NoEffect(_) | Effect::NullSignal | Effect::Unknown { .. } => false,
    }
}

/// Checks the effect predicted for the time when the signal is no longer kept
/// pending. Another pending signal may have terminated the process first.
pub fn eventual_verdict(spec: SendSpec, eventual: &Effect, observed: &Observation) -> Verdict {
    let signal = spec.signal;
    let ended = observed.ended.and_then(|status| status.signal());
    let is_correct = match eventual {
        Effect::Terminates { .. } => ended.is_some(),
        _ if ended.is_some_and(|by| by != i32::from(signal.get())) => true,
        Effect::Unknown { reason: UnknownReason::CompetingThreads, likely: Some(likely) } => {
            // One thread may still sleep while another takes the signal now.
            let now = if let Effect::Pending { eventual_effect: Some(eventual), .. } = &**likely {
                eventual
            } else {
                likely
            };
            let does = |effect| !matches!(self::eventual_verdict(spec, effect, observed), Verdict::Wrong(_));
            was_waited_for(spec, observed) || does(likely) || does(now)
        }
        Effect::Unknown { reason: UnknownReason::SleepKindUnknown, likely: Some(likely) } => {
            is_alive(observed) || matches!(self::eventual_verdict(spec, likely, observed), Verdict::Ended)
        }
        // In an orphaned process group the kernel drops the stop signal.
        Effect::Unknown { reason: UnknownReason::OrphanedGroupUnknown, likely: Some(likely) } => {
            (ended.is_none() && observed.after == Rest::Asleep && !observed.was_taken(signal))
                || matches!(self::eventual_verdict(spec, likely, observed), Verdict::Right)
        }
        Effect::RunsHandler => observed.was("handled", signal, spec.tid),
        Effect::TakenBySigwait { tid } => observed.was("took", signal, *tid),
        Effect::Stops => observed.after == Rest::Stopped,
        Effect::Pending { .. } | Effect::Ignored { .. } | Effect::Dropped(_) => {
            ended.is_none() && !observed.was_taken(signal)
        }
        _ => false,
    };
    match is_correct {
        true if ended.is_some() => Verdict::Ended,
        is_correct => Verdict::of(is_correct, &format!("eventually: {observed:?}")),
    }
}

//! Compares the prediction of a signal's effect with what happened.

use std::os::unix::process::ExitStatusExt;

use sigtool::explain::SendSpec;
use sigtool::explain::effect::{DropReason, Effect, NoEffectReason, PendingReason, UnknownReason};
use sigtool::procfs::{CoreDumpPrediction, ProcessSnapshot, Thread, WaitReason};
use sigtool::signal::Signal;

use super::named;
use super::observe::{Observation, Rest};

pub enum Verdict {
    Right,
    /// The prediction was right, and the target cannot be tried again.
    Ended,
    Wrong(String),
}

impl Verdict {
    fn of(right: bool, why: &str) -> Verdict {
        if right { Verdict::Right } else { Verdict::Wrong(why.to_owned()) }
    }
}

/// Returns the kind that a trial is counted under.
pub fn kind(predicted: &Effect) -> String {
    match predicted {
        Effect::Pending { reason: held, merged: false, .. } => match held {
            PendingReason::Blocked { .. } | PendingReason::BlockedByThread => "pending: blocked".to_owned(),
            PendingReason::Stopped => "pending: stopped".to_owned(),
            PendingReason::UninterruptibleSleep { .. } => "pending: sleeping".to_owned(),
            PendingReason::Frozen => "pending: frozen".to_owned(),
        },
        Effect::Unknown { reason: why, .. } => format!("unknown: {why:?}"),
        other => other.id().to_owned(),
    }
}

/// Checks that the signal had the predicted effect and no other.
pub fn verdict(
    situation: &ProcessSnapshot,
    sending: SendSpec,
    predicted: &Effect,
    observed: &Observation,
) -> Verdict {
    if is_released(situation, sending, observed) {
        return Verdict::Ended;
    }
    let refused = observed.error.is_some();
    if refused != matches!(predicted, Effect::QueueFull) {
        return Verdict::of(false, "the system call");
    }
    match predicted {
        Effect::Unknown { likely: Some(_), .. } => Verdict::of(
            matches_unknown(sending, predicted, observed),
            "neither what is likely nor an alternative",
        ),
        _ => Verdict::of(matches(sending, predicted, observed), "not what was predicted"),
    }
}

/// Returns true if the likely effect happened, or an alternative that one of
/// the reasons for the uncertainty names. Everything else is wrong.
fn matches_unknown(sending: SendSpec, predicted: &Effect, observed: &Observation) -> bool {
    let Effect::Unknown { reason: why, likely: Some(likely) } = predicted else {
        return matches(sending, predicted, observed);
    };
    // CONT continues the process in any case; only what happens next is
    // uncertain.
    if let continues @ Effect::Continues { .. } = likely.most_likely() {
        let runs =
            [true, false].map(|handler| Effect::Continues { runs_handler: handler, terminated_by: None });
        return runs.iter().chain([continues]).any(|effect| matches(sending, effect, observed));
    }
    let alternative = match why {
        UnknownReason::CompetingThreads | UnknownReason::SigwaitUnreadable => {
            was_waited_for(sending, observed) && lives(observed)
        }
        UnknownReason::SleepKindUnknown => observed.pending.1 && lives(observed),
        UnknownReason::OrphanedGroupUnknown => {
            matches(sending, &Effect::Dropped(DropReason::OrphanedGroup), observed)
        }
        _ => false,
    };
    alternative || matches_unknown(sending, likely, observed)
}

/// Returns true if a thread that waited for the signal got it.
fn was_waited_for(sending: SendSpec, observed: &Observation) -> bool {
    ["took", "read"].iter().any(|what| observed.was(what, sending.signal, None))
}

fn lives(observed: &Observation) -> bool {
    observed.ended.is_none()
}

/// Returns true if another signal, which was pending before, terminated or
/// stopped the process. A thread that wakes in sigsuspend(2) gets back its own
/// mask, which /proc did not show. Signals that are pending for a thread in state
/// D are taken by any thread that wakes.
fn is_released(situation: &ProcessSnapshot, sending: SendSpec, observed: &Observation) -> bool {
    let ended = observed.ended.and_then(|status| status.signal());
    let has_stopped = (observed.before, observed.after) == (Rest::Asleep, Rest::Stopped);
    let did = |by: &Signal| match ended {
        Some(number) => number == i32::from(by.get()),
        None => has_stopped && ["TSTP", "TTIN", "TTOU"].map(named).contains(by),
    };
    let shared = situation.status.shared_pending.unwrap_or_default();
    let held_back = |task: &Thread| {
        let asleep = task.state.is_some_and(|state| state.letter() == 'D');
        let suspended = matches!(situation.wait_reason(task.tid), WaitReason::Sigsuspend);
        let mut waits = (shared | task.pending).iter().filter(|by| *by != sending.signal);
        (suspended || asleep) && waits.any(|by| did(&by))
    };
    situation.threads.iter().flat_map(|threads| threads.live()).any(held_back)
}

/// Returns true if the signal had no visible effect, except on the queue.
fn unmoved(sending: SendSpec, observed: &Observation) -> bool {
    lives(observed) && observed.before == observed.after && !observed.was_taken(sending.signal)
}

fn matches(sending: SendSpec, predicted: &Effect, observed: &Observation) -> bool {
    let signal = sending.signal;
    let ended_by = |number: u8, core: Option<CoreDumpPrediction>| {
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
        Effect::Terminates { core_dump: core, .. } => ended_by(signal.get(), *core),
        Effect::Stops => {
            lives(observed) && (observed.before, observed.after) == (Rest::Asleep, Rest::Stopped)
        }
        Effect::Continues { terminated_by: Some(by), .. } => ended_by(by.get(), None),
        Effect::Continues { runs_handler: handler, terminated_by: None } => {
            lives(observed)
                && (observed.before, observed.after) == (Rest::Stopped, Rest::Asleep)
                && observed.was("handled", signal, None) == *handler
        }
        Effect::RunsHandler => {
            lives(observed)
                && observed.was("handled", signal, sending.tid)
                && observed.before == observed.after
        }
        Effect::TakenBySigwait { tid } => {
            lives(observed) && observed.was("took", signal, *tid) && observed.before == observed.after
        }
        Effect::ReadBySignalfd { .. } => {
            let read = observed.was("read", signal, None);
            lives(observed) && observed.before == observed.after && (read || observed.pending.1)
        }
        Effect::Pending { merged, .. } => {
            let was = observed.pending.0 && !signal.is_realtime();
            unmoved(sending, observed) && observed.pending.1 && *merged == was
        }
        Effect::Dropped(DropReason::QueueFull) => {
            unmoved(sending, observed) && observed.pending == (true, true)
        }
        Effect::Ignored { .. } | Effect::Dropped(_) => {
            unmoved(sending, observed) && (!observed.pending.1 || observed.pending.0)
        }
        Effect::QueueFull => unmoved(sending, observed) && observed.error == Some(libc::EAGAIN),
        Effect::NoEffect(NoEffectReason::Zombie { .. }) => {
            (observed.before, observed.after) == (Rest::Dead, Rest::Dead)
        }
        Effect::NoEffect(NoEffectReason::ThreadExited) => unmoved(sending, observed),
        Effect::NoEffect(NoEffectReason::AlreadyStopped) => {
            unmoved(sending, observed) && observed.after == Rest::Stopped && signal == named("STOP")
        }
        Effect::Traced { .. } | Effect::NoEffect(_) | Effect::NullSignal | Effect::Unknown { .. } => false,
    }
}

/// Checks the effect predicted for the time when the signal is no longer kept
/// pending. Another pending signal may have terminated the process first.
pub fn then(sending: SendSpec, then: &Effect, observed: &Observation) -> Verdict {
    let signal = sending.signal;
    let ended = observed.ended.and_then(|status| status.signal());
    let right = match then {
        Effect::Terminates { .. } => ended.is_some(),
        _ if ended.is_some_and(|by| by != i32::from(signal.get())) => true,
        Effect::Unknown { reason: UnknownReason::CompetingThreads, likely: Some(likely) } => {
            // One thread may still sleep while another takes the signal now.
            let now = if let Effect::Pending { eventual_effect: Some(then), .. } = &**likely {
                then
            } else {
                likely
            };
            let does = |effect| !matches!(self::then(sending, effect, observed), Verdict::Wrong(_));
            was_waited_for(sending, observed) || does(likely) || does(now)
        }
        Effect::Unknown { reason: UnknownReason::SleepKindUnknown, likely: Some(likely) } => {
            lives(observed) || matches!(self::then(sending, likely, observed), Verdict::Ended)
        }
        // In an orphaned process group the kernel drops the stop signal.
        Effect::Unknown { reason: UnknownReason::OrphanedGroupUnknown, likely: Some(likely) } => {
            (ended.is_none() && observed.after == Rest::Asleep && !observed.was_taken(signal))
                || matches!(self::then(sending, likely, observed), Verdict::Right)
        }
        Effect::RunsHandler => observed.was("handled", signal, sending.tid),
        Effect::TakenBySigwait { tid } => observed.was("took", signal, *tid),
        Effect::Stops => observed.after == Rest::Stopped,
        Effect::Pending { .. } | Effect::Ignored { .. } | Effect::Dropped(_) => {
            ended.is_none() && !observed.was_taken(signal)
        }
        _ => false,
    };
    match right {
        true if ended.is_some() => Verdict::Ended,
        right => Verdict::of(right, &format!("then: {observed:?}")),
    }
}

//! Whether what happened is what was predicted.

use std::os::unix::process::ExitStatusExt;

use sigtool::explain::Sending;
use sigtool::explain::effect::{Dropped, Effect, Held, Nothing, Why};
use sigtool::proc::{CoreDump, Situation, Task, Wait};
use sigtool::signal::Signal;

use super::named;
use super::observe::{Observation, Rest};

pub enum Verdict {
    Right,
    /// Right, and there is nothing more to try.
    Ended,
    Wrong(String),
}

impl Verdict {
    fn of(right: bool, why: &str) -> Verdict {
        if right { Verdict::Right } else { Verdict::Wrong(why.to_owned()) }
    }
}

/// What a trial is counted as.
pub fn kind(predicted: &Effect) -> String {
    match predicted {
        Effect::Pending { held, merged: false, .. } => match held {
            Held::Blocked { .. } | Held::BlockedByThread => "pending: blocked".to_owned(),
            Held::Stopped => "pending: stopped".to_owned(),
            Held::Sleeping { .. } => "pending: sleeping".to_owned(),
            Held::Frozen => "pending: frozen".to_owned(),
        },
        Effect::Unknown { why, .. } => format!("unknown: {why:?}"),
        other => other.id().to_owned(),
    }
}

/// Whether the signal did what was predicted, and nothing else.
pub fn verdict(
    situation: &Situation,
    sending: Sending,
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

/// Whether what is likely happened, or an alternative that one of the reasons
/// for the uncertainty names. Nothing else is right.
fn matches_unknown(sending: Sending, predicted: &Effect, observed: &Observation) -> bool {
    let Effect::Unknown { why, likely: Some(likely) } = predicted else {
        return matches(sending, predicted, observed);
    };
    // CONT continues the process in any case; what happens next is uncertain.
    if let continues @ Effect::Continues { .. } = likely.likely() {
        let runs = [true, false].map(|handler| Effect::Continues { handler, ended_by: None });
        return runs.iter().chain([continues]).any(|effect| matches(sending, effect, observed));
    }
    let alternative = match why {
        Why::Threads | Why::Sigwait => was_waited_for(sending, observed) && lives(observed),
        Why::Sleep => observed.pending.1 && lives(observed),
        Why::Group => matches(sending, &Effect::Dropped(Dropped::Orphaned), observed),
        _ => false,
    };
    alternative || matches_unknown(sending, likely, observed)
}

/// Whether a thread that waited for the signal got it.
fn was_waited_for(sending: Sending, observed: &Observation) -> bool {
    ["took", "read"].iter().any(|what| observed.was(what, sending.signal, None))
}

fn lives(observed: &Observation) -> bool {
    observed.ended.is_none()
}

/// Whether another signal, which was pending before, has ended or stopped the
/// process. A thread that is woken in sigsuspend(2) gets its own mask back, which
/// nobody could see; and what waits for a thread in state D goes to any that
/// wakes.
fn is_released(situation: &Situation, sending: Sending, observed: &Observation) -> bool {
    let ended = observed.ended.and_then(|status| status.signal());
    let has_stopped = (observed.before, observed.after) == (Rest::Asleep, Rest::Stopped);
    let did = |by: &Signal| match ended {
        Some(number) => number == i32::from(by.get()),
        None => has_stopped && ["TSTP", "TTIN", "TTOU"].map(named).contains(by),
    };
    let shared = situation.status.shared_pending.unwrap_or_default();
    let held_back = |task: &Task| {
        let asleep = task.state.is_some_and(|state| state.letter() == 'D');
        let suspended = matches!(situation.wait(task.tid), Wait::Sigsuspend);
        let mut waits = (shared | task.pending).iter().filter(|by| *by != sending.signal);
        (suspended || asleep) && waits.any(|by| did(&by))
    };
    situation.threads.iter().flat_map(|threads| threads.live()).any(held_back)
}

/// Whether nothing at all is to be seen of the signal, the queue apart.
fn unmoved(sending: Sending, observed: &Observation) -> bool {
    lives(observed) && observed.before == observed.after && !observed.was_taken(sending.signal)
}

fn matches(sending: Sending, predicted: &Effect, observed: &Observation) -> bool {
    let signal = sending.signal;
    let ended_by = |number: u8, core: Option<CoreDump>| {
        observed.ended.is_some_and(|status| {
            let dumped =
                status.core_dumped() && matches!(core, None | Some(CoreDump::Limit | CoreDump::NotDumpable));
            status.signal() == Some(i32::from(number)) && !dumped
        })
    };
    match predicted {
        Effect::Terminates { core, .. } => ended_by(signal.get(), *core),
        Effect::Stops => {
            lives(observed) && (observed.before, observed.after) == (Rest::Asleep, Rest::Stopped)
        }
        Effect::Continues { ended_by: Some(by), .. } => ended_by(by.get(), None),
        Effect::Continues { handler, ended_by: None } => {
            lives(observed)
                && (observed.before, observed.after) == (Rest::Stopped, Rest::Asleep)
                && observed.was("handled", signal, None) == *handler
        }
        Effect::RunsHandler => {
            lives(observed)
                && observed.was("handled", signal, sending.thread)
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
        Effect::Dropped(Dropped::QueueFull) => unmoved(sending, observed) && observed.pending == (true, true),
        Effect::Ignored { .. } | Effect::Dropped(_) => {
            unmoved(sending, observed) && (!observed.pending.1 || observed.pending.0)
        }
        Effect::QueueFull => unmoved(sending, observed) && observed.error == Some(libc::EAGAIN),
        Effect::Nothing(Nothing::Zombie { .. }) => {
            (observed.before, observed.after) == (Rest::Dead, Rest::Dead)
        }
        Effect::Nothing(Nothing::ThreadEnded) => unmoved(sending, observed),
        Effect::Nothing(Nothing::Stopped) => {
            unmoved(sending, observed) && observed.after == Rest::Stopped && signal == named("STOP")
        }
        Effect::Traced { .. } | Effect::Nothing(_) | Effect::Checked | Effect::Unknown { .. } => false,
    }
}

/// Whether a signal did what was said of the time when nothing would hold it
/// back any more. Another one that waited may have ended the process first.
pub fn then(sending: Sending, then: &Effect, observed: &Observation) -> Verdict {
    let signal = sending.signal;
    let ended = observed.ended.and_then(|status| status.signal());
    let right = match then {
        Effect::Terminates { .. } => ended.is_some(),
        _ if ended.is_some_and(|by| by != i32::from(signal.get())) => true,
        Effect::Unknown { why: Why::Threads, likely: Some(likely) } => {
            // One thread may yet sleep, and another does it now.
            let now = if let Effect::Pending { then: Some(then), .. } = &**likely { then } else { likely };
            let does = |effect| !matches!(self::then(sending, effect, observed), Verdict::Wrong(_));
            was_waited_for(sending, observed) || does(likely) || does(now)
        }
        Effect::Unknown { why: Why::Sleep, likely: Some(likely) } => {
            lives(observed) || matches!(self::then(sending, likely, observed), Verdict::Ended)
        }
        // In an orphaned process group the kernel drops the stop.
        Effect::Unknown { why: Why::Group, likely: Some(likely) } => {
            (ended.is_none() && observed.after == Rest::Asleep && !observed.was_taken(signal))
                || matches!(self::then(sending, likely, observed), Verdict::Right)
        }
        Effect::RunsHandler => observed.was("handled", signal, sending.thread),
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

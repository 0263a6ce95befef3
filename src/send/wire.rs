//! The JSON of `send`: types of its own, whose field names are a contract.

use std::io;
use std::time::Duration;

use serde::Serialize;

use super::{Attempt, Done, Fate, Report, Request};
use crate::explain::Effect;
use crate::out::Out;
use crate::signal::exit::Ending;
use crate::signal::{Arch, Signal};

/// Writes a report as one document.
pub(super) fn show(report: &Report, request: &Request, out: &mut Out<'_>) -> io::Result<()> {
    out.json(&Document {
        signal: name(report.signal),
        number: report.signal.map_or(0, Signal::get),
        value: report.value,
        dry_run: request.options.dry_run,
        then: request
            .options
            .wait
            .iter()
            .flat_map(|wait| &wait.then)
            .filter_map(|then| name(Some(then.signal)))
            .collect(),
        targets: report.attempts.iter().map(|attempt| object(attempt, report)).collect(),
    })
}

/// `signal` is null for the null signal, whose number is 0.
#[derive(Serialize)]
struct Document<'a> {
    signal: Option<String>,
    number: u8,
    value: Option<i32>,
    /// Whether nothing was to be sent.
    dry_run: bool,
    /// What is to follow, to those that are alive.
    then: Vec<String>,
    targets: Vec<TargetObject<'a>>,
}

#[derive(Serialize)]
struct TargetObject<'a> {
    /// As it was written.
    target: &'a str,
    pid: Option<u32>,
    tid: Option<u32>,
    group: Option<u32>,
    name: Option<String>,
    uid: Option<u32>,
    signal: Option<String>,
    sent: bool,
    /// Null where it was sent.
    error: Option<ErrorObject>,
    /// What the signal does to the process, looked up before it was sent; null
    /// for a group, and where it cannot be looked up.
    effect: Option<EffectObject>,
    /// Null where nothing was waited for.
    outcome: Option<OutcomeObject>,
}

#[derive(Serialize)]
struct EffectObject {
    id: &'static str,
    /// What it is if nothing speaks against it, where `id` is unknown.
    likely: Option<&'static str>,
    text: String,
}

#[derive(Serialize)]
struct OutcomeObject {
    ended: bool,
    /// From the first signal to the end, or to the last look.
    milliseconds: u64,
    /// Null where it lives, was killed, or nothing tells.
    status: Option<u8>,
    /// The signal that killed it.
    killed_by: Option<String>,
    core: Option<bool>,
    /// Why it is alive.
    reason: Option<ErrorObject>,
    /// The signals that followed.
    then: Vec<ThenObject>,
}

#[derive(Serialize)]
struct ThenObject {
    signal: String,
    milliseconds: u64,
    sent: bool,
}

#[derive(Serialize)]
struct ErrorObject {
    id: &'static str,
    message: String,
}

fn object<'a>(attempt: &'a Attempt, report: &Report) -> TargetObject<'a> {
    TargetObject {
        target: &attempt.written,
        pid: attempt.pid,
        tid: attempt.tid,
        group: attempt.group,
        name: attempt.name.as_ref().map(|name| String::from_utf8_lossy(name).into_owned()),
        uid: attempt.uid,
        signal: name(report.signal),
        sent: matches!(attempt.result, Ok(Done::Sent)),
        error: match &attempt.result {
            Ok(Done::Declined) => Some(ErrorObject { id: "declined", message: "not wanted".to_owned() }),
            Ok(_) => None,
            Err(refusal) => {
                Some(ErrorObject { id: refusal.id(), message: refusal.of(attempt, report.own_uids) })
            }
        },
        effect: attempt.effect.as_ref().map(effect),
        outcome: attempt.fate.as_ref().map(|fate| outcome(fate, attempt)),
    }
}

fn effect(effect: &Effect) -> EffectObject {
    let likely = Some(effect.likely().id()).filter(|id| *id != effect.id());
    EffectObject { id: effect.id(), likely, text: effect.to_string() }
}

fn outcome(fate: &Fate, attempt: &Attempt) -> OutcomeObject {
    let milliseconds = |time: &Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let (Fate::Ended { after, .. } | Fate::Alive { after, .. }) = fate;
    let none = OutcomeObject {
        ended: false,
        milliseconds: milliseconds(after),
        status: None,
        killed_by: None,
        core: None,
        reason: None,
        then: attempt
            .followed
            .iter()
            .map(|next| ThenObject {
                signal: name(Some(next.signal)).unwrap_or_default(),
                milliseconds: milliseconds(&next.after),
                sent: next.sent,
            })
            .collect(),
    };
    match fate {
        Fate::Alive { why, .. } => {
            let reason = why.as_ref().map(|why| ErrorObject { id: why.id(), message: why.to_string() });
            OutcomeObject { reason, ..none }
        }
        Fate::Ended { ending: None, .. } => OutcomeObject { ended: true, ..none },
        Fate::Ended { ending: Some(Ending::Exited(status)), .. } => {
            OutcomeObject { ended: true, status: Some(*status), ..none }
        }
        Fate::Ended { ending: Some(Ending::Killed { signal, core }), .. } => {
            OutcomeObject { ended: true, killed_by: name(Some(*signal)), core: Some(*core), ..none }
        }
    }
}

fn name(signal: Option<Signal>) -> Option<String> {
    signal.map(|signal| Arch::NATIVE.name(signal).to_string())
}

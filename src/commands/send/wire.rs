//! The JSON of `send`: types of its own, whose field names are a contract.

use std::io;
use std::time::Duration;

use serde::Serialize;

use super::{SendAttempt, SendOutcome, SendReport, SendRequest, WaitOutcome};
use crate::explain::Effect;
use crate::out::ReportWriter;
use crate::signal::exit_status::Termination;
use crate::signal::{Arch, Signal};

/// Writes a report as one document.
pub(super) fn write_json(
    report: &SendReport,
    request: &SendRequest,
    out: &mut ReportWriter<'_>,
) -> io::Result<()> {
    out.write_json(&SendDocument {
        signal: signal_name(report.signal),
        number: report.signal.map_or(0, Signal::get),
        value: report.value,
        dry_run: request.options.dry_run,
        then: request
            .options
            .wait
            .iter()
            .flat_map(|wait| &wait.escalations)
            .filter_map(|then| signal_name(Some(then.signal)))
            .collect(),
        targets: report.attempts.iter().map(|attempt| target_object(attempt, report)).collect(),
    })
}

/// `signal` is null for the null signal, whose number is 0.
#[derive(Serialize)]
struct SendDocument<'a> {
    signal: Option<String>,
    number: u8,
    value: Option<i32>,
    /// Whether nothing was to be sent.
    dry_run: bool,
    /// What is to follow, to those that are alive.
    then: Vec<String>,
    targets: Vec<SendTargetObject<'a>>,
}

#[derive(Serialize)]
struct SendTargetObject<'a> {
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
    error: Option<ReasonObject>,
    /// What the signal does to the process, looked up before it was sent; null
    /// for a group, and where it cannot be looked up.
    effect: Option<EffectObject>,
    /// Null where nothing was waited for.
    outcome: Option<WaitOutcomeObject>,
}

#[derive(Serialize)]
struct EffectObject {
    id: &'static str,
    /// What it is if nothing speaks against it, where `id` is unknown.
    likely: Option<&'static str>,
    text: String,
}

#[derive(Serialize)]
struct WaitOutcomeObject {
    ended: bool,
    /// From the first signal to the end, or to the last look.
    milliseconds: u64,
    /// Null where it lives, was killed, or nothing tells.
    status: Option<u8>,
    /// The signal that killed it.
    killed_by: Option<String>,
    core: Option<bool>,
    /// Why it is alive.
    reason: Option<ReasonObject>,
    /// The signals that followed.
    then: Vec<EscalationObject>,
}

#[derive(Serialize)]
struct EscalationObject {
    signal: String,
    milliseconds: u64,
    sent: bool,
}

#[derive(Serialize)]
struct ReasonObject {
    id: &'static str,
    message: String,
}

fn target_object<'a>(attempt: &'a SendAttempt, report: &SendReport) -> SendTargetObject<'a> {
    SendTargetObject {
        target: &attempt.operand,
        pid: attempt.pid,
        tid: attempt.tid,
        group: attempt.group,
        name: attempt.name.as_ref().map(|name| String::from_utf8_lossy(name).into_owned()),
        uid: attempt.uid,
        signal: signal_name(report.signal),
        sent: matches!(attempt.result, Ok(SendOutcome::Sent)),
        error: match &attempt.result {
            Ok(SendOutcome::Declined) => {
                Some(ReasonObject { id: "declined", message: "not wanted".to_owned() })
            }
            Ok(_) => None,
            Err(refusal) => Some(ReasonObject {
                id: refusal.id(),
                message: refusal.message_for(attempt, report.own_uids),
            }),
        },
        effect: attempt.effect.as_ref().map(effect_object),
        outcome: attempt.wait_outcome.as_ref().map(|fate| wait_outcome_object(fate, attempt)),
    }
}

fn effect_object(effect: &Effect) -> EffectObject {
    let likely = Some(effect.most_likely().id()).filter(|id| *id != effect.id());
    EffectObject { id: effect.id(), likely, text: effect.to_string() }
}

fn wait_outcome_object(fate: &WaitOutcome, attempt: &SendAttempt) -> WaitOutcomeObject {
    let milliseconds = |time: &Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let (WaitOutcome::Exited { elapsed: after, .. } | WaitOutcome::Alive { elapsed: after, .. }) = fate;
    let none = WaitOutcomeObject {
        ended: false,
        milliseconds: milliseconds(after),
        status: None,
        killed_by: None,
        core: None,
        reason: None,
        then: attempt
            .escalations
            .iter()
            .map(|next| EscalationObject {
                signal: signal_name(Some(next.signal)).unwrap_or_default(),
                milliseconds: milliseconds(&next.elapsed),
                sent: next.sent,
            })
            .collect(),
    };
    match fate {
        WaitOutcome::Alive { reason: why, .. } => {
            let reason = why.as_ref().map(|why| ReasonObject { id: why.id(), message: why.to_string() });
            WaitOutcomeObject { reason, ..none }
        }
        WaitOutcome::Exited { termination: None, .. } => WaitOutcomeObject { ended: true, ..none },
        WaitOutcome::Exited { termination: Some(Termination::Exited(status)), .. } => {
            WaitOutcomeObject { ended: true, status: Some(*status), ..none }
        }
        WaitOutcome::Exited {
            termination: Some(Termination::Killed { signal, core_dumped: core }), ..
        } => WaitOutcomeObject {
            ended: true,
            killed_by: signal_name(Some(*signal)),
            core: Some(*core),
            ..none
        },
    }
}

fn signal_name(signal: Option<Signal>) -> Option<String> {
    signal.map(|signal| Arch::NATIVE.signal_name(signal).to_string())
}

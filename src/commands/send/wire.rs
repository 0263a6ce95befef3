//! The JSON output of `send`. Its field names are stable.

use std::io;
use std::time::Duration;

use serde::Serialize;

use super::{SendAttempt, SendOutcome, SendReport, SendRequest, WaitOutcome};
use crate::explain::Effect;
use crate::out::ReportWriter;
use crate::signal::exit_status::Termination;
use crate::signal::{Arch, Signal};

/// Writes a report as one JSON document.
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
            .filter_map(|escalation| signal_name(Some(escalation.signal)))
            .collect(),
        targets: report.attempts.iter().map(|attempt| target_object(attempt, report)).collect(),
    })
}

/// The document. `signal` is null for the null signal, whose number is 0.
#[derive(Serialize)]
struct SendDocument<'a> {
    signal: Option<String>,
    number: u8,
    value: Option<i32>,
    dry_run: bool,
    /// The signals of `--then`.
    then: Vec<String>,
    targets: Vec<SendTargetObject<'a>>,
}

#[derive(Serialize)]
struct SendTargetObject<'a> {
    /// The operand as typed.
    target: &'a str,
    pid: Option<u32>,
    tid: Option<u32>,
    group: Option<u32>,
    name: Option<String>,
    uid: Option<u32>,
    signal: Option<String>,
    sent: bool,
    /// Null if the signal was sent.
    error: Option<ReasonObject>,
    /// The effect predicted before the signal was sent; null for a group, and if
    /// it cannot be predicted.
    effect: Option<EffectObject>,
    /// Null without `--wait`.
    outcome: Option<WaitOutcomeObject>,
}

#[derive(Serialize)]
struct EffectObject {
    id: &'static str,
    /// The most likely effect, if `id` is unknown.
    likely: Option<&'static str>,
    text: String,
}

#[derive(Serialize)]
struct WaitOutcomeObject {
    ended: bool,
    /// From the first signal to the exit or to the last timeout.
    milliseconds: u64,
    /// Null if the process is alive, was killed, or its exit status is unknown.
    status: Option<u8>,
    /// The signal that killed the process.
    killed_by: Option<String>,
    core: Option<bool>,
    /// The reason that the process is alive.
    reason: Option<ReasonObject>,
    /// The signals of `--then` that were sent.
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
                Some(ReasonObject { id: "declined", message: "the user declined".to_owned() })
            }
            Ok(_) => None,
            Err(error) => {
                Some(ReasonObject { id: error.id(), message: error.message_for(attempt, report.own_uids) })
            }
        },
        effect: attempt.effect.as_ref().map(effect_object),
        outcome: attempt.wait_outcome.as_ref().map(|outcome| wait_outcome_object(outcome, attempt)),
    }
}

fn effect_object(effect: &Effect) -> EffectObject {
    let likely = Some(effect.most_likely().id()).filter(|id| *id != effect.id());
    EffectObject { id: effect.id(), likely, text: effect.to_string() }
}

fn wait_outcome_object(outcome: &WaitOutcome, attempt: &SendAttempt) -> WaitOutcomeObject {
    let milliseconds = |elapsed: &Duration| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    let (WaitOutcome::Exited { elapsed, .. } | WaitOutcome::Alive { elapsed, .. }) = outcome;
    let base = WaitOutcomeObject {
        ended: false,
        milliseconds: milliseconds(elapsed),
        status: None,
        killed_by: None,
        core: None,
        reason: None,
        then: attempt
            .escalations
            .iter()
            .map(|escalation| EscalationObject {
                signal: signal_name(Some(escalation.signal)).unwrap_or_default(),
                milliseconds: milliseconds(&escalation.elapsed),
                sent: escalation.sent,
            })
            .collect(),
    };
    match outcome {
        WaitOutcome::Alive { reason, .. } => {
            let reason =
                reason.as_ref().map(|reason| ReasonObject { id: reason.id(), message: reason.to_string() });
            WaitOutcomeObject { reason, ..base }
        }
        WaitOutcome::Exited { termination: None, .. } => WaitOutcomeObject { ended: true, ..base },
        WaitOutcome::Exited { termination: Some(Termination::Exited(status)), .. } => {
            WaitOutcomeObject { ended: true, status: Some(*status), ..base }
        }
        WaitOutcome::Exited { termination: Some(Termination::Killed { signal, core_dumped }), .. } => {
            WaitOutcomeObject {
                ended: true,
                killed_by: signal_name(Some(*signal)),
                core: Some(*core_dumped),
                ..base
            }
        }
    }
}

fn signal_name(signal: Option<Signal>) -> Option<String> {
    signal.map(|signal| Arch::NATIVE.signal_name(signal).to_string())
}

//! The JSON of `send`: types of its own, whose field names are a contract.

use std::io;

use serde::Serialize;

use super::{Attempt, Done, Report};
use crate::out::Out;
use crate::signal::{Arch, Signal};

/// Writes a report as one document.
pub(super) fn show(report: &Report, out: &mut Out<'_>) -> io::Result<()> {
    out.json(&Document {
        signal: name(report.signal),
        number: report.signal.map_or(0, Signal::get),
        value: report.value,
        targets: report.attempts.iter().map(|attempt| object(attempt, report)).collect(),
    })
}

/// `signal` is null for the null signal, whose number is 0.
#[derive(Serialize)]
struct Document<'a> {
    signal: Option<String>,
    number: u8,
    value: Option<i32>,
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
        error: attempt
            .result
            .as_ref()
            .err()
            .map(|refusal| ErrorObject { id: refusal.id(), message: refusal.of(attempt, report.own_uids) }),
    }
}

fn name(signal: Option<Signal>) -> Option<String> {
    signal.map(|signal| Arch::NATIVE.name(signal).to_string())
}

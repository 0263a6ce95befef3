//! What was sent and what was not, shown.

use std::io;

use super::{Attempt, Done, Extras, Refusal, Report, Sending, wire};
use crate::out::{Format, Out, escape};
use crate::signal::{Arch, Signal};

/// Shows a report. What went well is silent, as with kill(1), unless asked for.
pub(super) fn show(report: &Report, extras: &Extras, out: &mut Out<'_>) -> io::Result<()> {
    if extras.print_pids {
        let printed = report.attempts.iter().filter(|attempt| matches!(attempt.result, Ok(Done::Printed)));
        return printed.map(|attempt| &attempt.written).try_for_each(|written| out.line(written));
    }
    if out.format() == Format::Json { wire::show(report, out) } else { Ok(()) }
}

/// Tells of a signal that went out, at once.
pub(super) fn sending(sending: &Sending, out: &mut Out<'_>) -> io::Result<()> {
    let Sending { to, signal, timeout } = sending;
    let after = if *timeout { "timeout, " } else { "" };
    out.line(&format!("{after}sending signal {} to pid {to}", signal.map_or(0, Signal::get)))?;
    out.flush()
}

/// A line for each target that could not be signalled.
pub(super) fn complaints(report: &Report, extras: &Extras) -> Vec<String> {
    let refused =
        report.attempts.iter().filter_map(|attempt| Some((attempt, attempt.result.as_ref().err()?)));
    refused
        .map(|(attempt, refusal)| match extras.as_kill {
            true => as_kill(attempt, refusal),
            false => as_sigtool(attempt, refusal, report),
        })
        .collect()
}

/// In the words that kill(1) uses everywhere.
fn as_kill(attempt: &Attempt, refusal: &Refusal) -> String {
    match refusal {
        Refusal::NoHandler => format!("not signalling {}: it has no handler for the signal", attempt.written),
        Refusal::ForeignProc => format!("cannot find process \"{}\": {refusal}", attempt.written),
        Refusal::NoTarget => format!("'{}': invalid process ID", attempt.written),
        Refusal::NoName => format!("cannot find process \"{}\"", attempt.written),
        _ => format!("sending signal to {} failed: {}", attempt.written, refusal.as_strerror()),
    }
}

/// `1234 (nginx, uid 33): TERM not sent: operation not permitted (you are uid 1000)`.
fn as_sigtool(attempt: &Attempt, refusal: &Refusal, report: &Report) -> String {
    let name = attempt.name.as_ref().map(|name| escape(name).into_owned());
    let about: Vec<String> = name.into_iter().chain(attempt.uid.map(|uid| format!("uid {uid}"))).collect();
    let about = if about.is_empty() { String::new() } else { format!(" ({})", about.join(", ")) };
    let unsent = match report.signal {
        Some(signal) => format!("{} not sent: ", Arch::NATIVE.name(signal)),
        None => String::new(),
    };
    let reason = refusal.of(attempt, report.own_uids);
    format!("{}{about}: {unsent}{reason}", attempt.written)
}

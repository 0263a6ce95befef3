//! The text output of `send`: the plan of a dry run, progress, prompts and error messages.

use std::fmt::Write;
use std::io;

use super::{ProgressEvent, SendAttempt, SendError, SendOutcome, SendReport, SendRequest, WaitOutcome, wire};
use crate::duration;
use crate::out::{Cell, Column, Grid, Meaning, OutputFormat, ReportWriter, escape_name};
use crate::signal::{Arch, Signal};

/// Prints a report. As with kill(1), success prints nothing by default.
pub(super) fn print_report(
    report: &SendReport,
    request: &SendRequest,
    out: &mut ReportWriter<'_>,
) -> io::Result<()> {
    if request.kill_options.print_pids {
        let mut to_print =
            report.attempts.iter().filter(|attempt| matches!(attempt.result, Ok(SendOutcome::PidPrinted)));
        return to_print.try_for_each(|attempt| out.write_line(&attempt.operand));
    }
    if out.format() == OutputFormat::Json {
        return wire::write_json(report, request, out);
    }
    if request.options.dry_run && !report.attempts.is_empty() {
        return out.write_grid(&dry_run_grid(report));
    }
    Ok(())
}

/// The plan of a dry run, one row per target.
fn dry_run_grid(report: &SendReport) -> Grid {
    let mut grid = Grid::new(vec![
        Column::right("PID"),
        Column::no_wrap("NAME"),
        Column::right("UID"),
        Column::no_wrap("SIGNAL"),
        Column::left("EFFECT"),
    ]);
    for attempt in &report.attempts {
        let effect = match (&attempt.result, &attempt.effect) {
            (Err(error), _) => Cell::new(
                format!("not sent: {}", error.message_for(attempt, report.own_uids)),
                Meaning::Danger,
            ),
            (Ok(_), Some(effect)) => Cell::new(effect.to_string(), Meaning::from_effect_id(effect.id())),
            (Ok(_), None) => Cell::new("unknown: its status cannot be read in this /proc", Meaning::Unknown),
        };
        grid.push_row([
            Cell::new(pid_label(attempt), Meaning::Subject),
            attempt.name.as_ref().map_or_else(Cell::absent, |name| Cell::plain(displayed_name(name))),
            attempt.uid.map_or_else(Cell::absent, |uid| Cell::plain(uid.to_string())),
            Cell::plain(signal_name(report.signal)),
            effect,
        ]);
    }
    grid
}

/// The line on stdout for an event, if there is one: kill(1)'s own, or that of
/// `--verbose`.
pub(super) fn stdout_line(event: &ProgressEvent<'_>, request: &SendRequest) -> Option<String> {
    match event {
        ProgressEvent::KillSending { target, signal, after_timeout } => {
            let prefix = if *after_timeout { "timeout, " } else { "" };
            Some(format!("{prefix}sending signal {} to pid {target}", signal.map_or(0, Signal::get)))
        }
        ProgressEvent::Sent(attempt) if request.options.verbose => {
            let sent = match request.signal {
                Some(signal) => format!("{} sent", Arch::NATIVE.signal_name(signal)),
                None => "may be signalled".to_owned(),
            };
            let effect = attempt.effect.as_ref().filter(|_| request.signal.is_some());
            Some(match effect {
                Some(effect) => format!("{}: {sent}: {effect}", target_label(attempt)),
                None => format!("{}: {sent}", target_label(attempt)),
            })
        }
        ProgressEvent::WaitUpdate(attempt) if request.options.verbose => match &attempt.wait_outcome {
            Some(WaitOutcome::Exited { elapsed, termination }) => {
                let termination = match termination {
                    Some(termination) => termination.to_string(),
                    None => "how cannot be told (that takes Linux 6.15, or its zombie)".to_owned(),
                };
                let elapsed = duration::format_millis(*elapsed);
                Some(format!("{}: ended after {elapsed}: {termination}", target_label(attempt)))
            }
            _ => None,
        },
        _ => None,
    }
}

/// The line on stderr for an event, if there is one: why a process is still alive,
/// and which signal follows.
pub(super) fn stderr_line(event: &ProgressEvent<'_>, request: &SendRequest) -> Option<String> {
    match event {
        ProgressEvent::WaitUpdate(attempt) => match &attempt.wait_outcome {
            Some(WaitOutcome::Alive { elapsed, reason }) => {
                let reason = match reason {
                    Some(reason) => reason.to_string(),
                    None => "its status cannot be read".to_owned(),
                };
                let elapsed = duration::format_millis(*elapsed);
                Some(format!("{}: alive after {elapsed}: {reason}", target_label(attempt)))
            }
            _ => None,
        },
        ProgressEvent::Escalating(signal, count) if !request.kill_options.kill_compatible => {
            let targets = if *count == 1 { "it".to_owned() } else { format!("these {count}") };
            Some(format!("{} to {targets}", Arch::NATIVE.signal_name(*signal)))
        }
        _ => None,
    }
}

/// The prompt of `--interactive`.
pub(super) fn confirm_prompt(attempt: &SendAttempt, request: &SendRequest) -> String {
    let mut text = format!("{}: {}", target_label(attempt), signal_name(request.signal));
    if let Some(effect) = &attempt.effect {
        let _ = write!(text, ": {effect}");
    }
    if let Some(escalations) = escalations_text(request) {
        let _ = write!(text, "; {escalations}");
    }
    text.push_str(". Send it? [y/N/q] ");
    text
}

/// The signals of `--then`: `then INT after 5s, KILL after 1s, if it is alive`.
fn escalations_text(request: &SendRequest) -> Option<String> {
    let wait = request.options.wait.as_ref().filter(|wait| !wait.escalations.is_empty())?;
    let mut delay = wait.timeout;
    let mut parts = Vec::new();
    for escalation in &wait.escalations {
        let name = Arch::NATIVE.signal_name(escalation.signal);
        parts.push(match delay {
            Some(delay) => format!("{name} after {}", duration::format_millis(delay)),
            None => format!("{name} never"),
        });
        delay = escalation.timeout;
    }
    Some(format!("then {}, if it is alive", parts.join(", ")))
}

/// The warnings of the selection, and one line per target that was not signalled.
pub(super) fn error_lines(report: &SendReport, request: &SendRequest) -> Vec<String> {
    if request.options.dry_run {
        // The plan contains the errors.
        let escalations = escalations_text(request).filter(|_| !report.attempts.is_empty());
        return report.warnings.iter().cloned().chain(escalations).collect();
    }
    let failures =
        report.attempts.iter().filter_map(|attempt| Some((attempt, attempt.result.as_ref().err()?)));
    let lines = failures.map(|(attempt, error)| match request.kill_options.kill_compatible {
        true => kill_error_line(attempt, error),
        false => send_error_line(attempt, error, report),
    });
    report.warnings.iter().cloned().chain(lines).collect()
}

/// The error message that every kill(1) prints.
fn kill_error_line(attempt: &SendAttempt, error: &SendError) -> String {
    match error {
        SendError::NoHandler => {
            format!("not signalling {}: it has no handler for the signal", attempt.operand)
        }
        SendError::ForeignPidNamespace => format!("cannot find process \"{}\": {error}", attempt.operand),
        SendError::InvalidTarget => format!("'{}': invalid process ID", attempt.operand),
        SendError::NameNotFound => format!("cannot find process \"{}\"", attempt.operand),
        _ => format!("sending signal to {} failed: {}", attempt.operand, error.to_strerror()),
    }
}

/// `1234 (nginx, uid 33): TERM not sent: operation not permitted (you are uid 1000)`.
fn send_error_line(attempt: &SendAttempt, error: &SendError, report: &SendReport) -> String {
    let prefix = match report.signal {
        Some(signal) => format!("{} not sent: ", Arch::NATIVE.signal_name(signal)),
        None => String::new(),
    };
    let reason = error.message_for(attempt, report.own_uids);
    format!("{}: {prefix}{reason}", target_label(attempt))
}

/// `1234 (nginx, uid 33)`.
fn target_label(attempt: &SendAttempt) -> String {
    let name = attempt.name.as_ref().map(|name| displayed_name(name));
    let details: Vec<String> = name.into_iter().chain(attempt.uid.map(|uid| format!("uid {uid}"))).collect();
    // For a member of a group, its own PID.
    let target = match (attempt.group, attempt.pid) {
        (Some(_), Some(pid)) => pid.to_string(),
        _ => attempt.operand.clone(),
    };
    if details.is_empty() { target } else { format!("{target} ({})", details.join(", ")) }
}

/// The PID, with the TID of a thread; the operand if there is no PID.
fn pid_label(attempt: &SendAttempt) -> String {
    match (attempt.pid, attempt.tid) {
        (Some(pid), Some(tid)) => format!("{pid}/{tid}"),
        (Some(pid), None) => pid.to_string(),
        _ => attempt.operand.clone(),
    }
}

fn displayed_name(name: &[u8]) -> String {
    if name.is_empty() { "''".to_owned() } else { escape_name(name).into_owned() }
}

fn signal_name(signal: Option<Signal>) -> String {
    signal.map_or("0".to_owned(), |signal| Arch::NATIVE.signal_name(signal).to_string())
}

//! What was sent and what was not, shown.

use std::fmt::Write;
use std::io;
use std::time::Duration;

use super::{ProgressEvent, SendAttempt, SendError, SendOutcome, SendReport, SendRequest, WaitOutcome, wire};
use crate::out::{Cell, Column, Grid, Meaning, OutputFormat, ReportWriter, escape_name};
use crate::signal::{Arch, Signal};

/// Shows a report. What went well is silent, as with kill(1), unless asked for.
pub(super) fn print_report(
    report: &SendReport,
    request: &SendRequest,
    out: &mut ReportWriter<'_>,
) -> io::Result<()> {
    if request.kill_options.print_pids {
        let printed =
            report.attempts.iter().filter(|attempt| matches!(attempt.result, Ok(SendOutcome::PidPrinted)));
        return printed.map(|attempt| &attempt.operand).try_for_each(|written| out.write_line(written));
    }
    if out.format() == OutputFormat::Json {
        return wire::write_json(report, request, out);
    }
    if request.options.dry_run && !report.attempts.is_empty() {
        return out.write_grid(&dry_run_grid(report));
    }
    Ok(())
}

/// What would be done, a row a target.
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
            (Err(refusal), _) => Cell::new(
                format!("not sent: {}", refusal.message_for(attempt, report.own_uids)),
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

/// A line for whoever reads the output: under kill(1)'s name as it words it,
/// else with --verbose.
pub(super) fn stdout_line(news: &ProgressEvent<'_>, request: &SendRequest) -> Option<String> {
    match news {
        ProgressEvent::KillSending { target: to, signal, after_timeout: timeout } => {
            let after = if *timeout { "timeout, " } else { "" };
            Some(format!("{after}sending signal {} to pid {to}", signal.map_or(0, Signal::get)))
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
            Some(WaitOutcome::Exited { elapsed: after, termination: ending }) => {
                let how = match ending {
                    Some(ending) => ending.to_string(),
                    None => "how cannot be told (that takes Linux 6.15, or its zombie)".to_owned(),
                };
                Some(format!("{}: ended after {}: {how}", target_label(attempt), format_elapsed(*after)))
            }
            _ => None,
        },
        _ => None,
    }
}

/// A line on standard error: why a process is still alive, and what follows.
pub(super) fn stderr_line(news: &ProgressEvent<'_>, request: &SendRequest) -> Option<String> {
    match news {
        ProgressEvent::WaitUpdate(attempt) => match &attempt.wait_outcome {
            Some(WaitOutcome::Alive { elapsed: after, reason: why }) => {
                let why = match why {
                    Some(why) => why.to_string(),
                    None => "its status cannot be read".to_owned(),
                };
                Some(format!("{}: alive after {}: {why}", target_label(attempt), format_elapsed(*after)))
            }
            _ => None,
        },
        ProgressEvent::Escalating(signal, count) if !request.kill_options.kill_compatible => {
            let whom = if *count == 1 { "it".to_owned() } else { format!("these {count}") };
            Some(format!("{} to {whom}", Arch::NATIVE.signal_name(*signal)))
        }
        _ => None,
    }
}

/// The question of --interactive.
pub(super) fn confirm_prompt(attempt: &SendAttempt, request: &SendRequest) -> String {
    let mut text = format!("{}: {}", target_label(attempt), signal_name(request.signal));
    if let Some(effect) = &attempt.effect {
        let _ = write!(text, ": {effect}");
    }
    if let Some(then) = escalations_text(request) {
        let _ = write!(text, "; {then}");
    }
    text.push_str(". Send it? [y/N/q] ");
    text
}

/// What is to follow: `then INT after 5s, KILL after 1s, if it is alive`.
fn escalations_text(request: &SendRequest) -> Option<String> {
    let wait = request.options.wait.as_ref().filter(|wait| !wait.escalations.is_empty())?;
    let mut after = wait.timeout;
    let mut parts = Vec::new();
    for then in &wait.escalations {
        let name = Arch::NATIVE.signal_name(then.signal);
        parts.push(match after {
            Some(after) => format!("{name} after {}", format_elapsed(after)),
            None => format!("{name} never"),
        });
        after = then.timeout;
    }
    Some(format!("then {}, if it is alive", parts.join(", ")))
}

/// A line for each target that could not be signalled.
pub(super) fn error_lines(report: &SendReport, request: &SendRequest) -> Vec<String> {
    if request.options.dry_run {
        // They stand in the plan.
        let then = escalations_text(request).filter(|_| !report.attempts.is_empty());
        return report.warnings.iter().cloned().chain(then).collect();
    }
    let refused =
        report.attempts.iter().filter_map(|attempt| Some((attempt, attempt.result.as_ref().err()?)));
    let refused = refused.map(|(attempt, refusal)| match request.kill_options.kill_compatible {
        true => kill_error_line(attempt, refusal),
        false => send_error_line(attempt, refusal, report),
    });
    report.warnings.iter().cloned().chain(refused).collect()
}

/// In the words that kill(1) uses everywhere.
fn kill_error_line(attempt: &SendAttempt, refusal: &SendError) -> String {
    match refusal {
        SendError::NoHandler => {
            format!("not signalling {}: it has no handler for the signal", attempt.operand)
        }
        SendError::ForeignPidNamespace => format!("cannot find process \"{}\": {refusal}", attempt.operand),
        SendError::InvalidTarget => format!("'{}': invalid process ID", attempt.operand),
        SendError::NameNotFound => format!("cannot find process \"{}\"", attempt.operand),
        _ => format!("sending signal to {} failed: {}", attempt.operand, refusal.to_strerror()),
    }
}

/// `1234 (nginx, uid 33): TERM not sent: operation not permitted (you are uid 1000)`.
fn send_error_line(attempt: &SendAttempt, refusal: &SendError, report: &SendReport) -> String {
    let unsent = match report.signal {
        Some(signal) => format!("{} not sent: ", Arch::NATIVE.signal_name(signal)),
        None => String::new(),
    };
    let reason = refusal.message_for(attempt, report.own_uids);
    format!("{}: {unsent}{reason}", target_label(attempt))
}

/// `1234 (nginx, uid 33)`.
fn target_label(attempt: &SendAttempt) -> String {
    let name = attempt.name.as_ref().map(|name| displayed_name(name));
    let about: Vec<String> = name.into_iter().chain(attempt.uid.map(|uid| format!("uid {uid}"))).collect();
    // Of a group, the member.
    let who = match (attempt.group, attempt.pid) {
        (Some(_), Some(pid)) => pid.to_string(),
        _ => attempt.operand.clone(),
    };
    if about.is_empty() { who } else { format!("{who} ({})", about.join(", ")) }
}

/// The process, or the thread of it; a group where no process is meant.
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

/// `12 ms`, `2.5 s`.
fn format_elapsed(time: Duration) -> String {
    match time.as_millis() {
        millis @ 0..1000 => format!("{millis} ms"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

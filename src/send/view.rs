//! What was sent and what was not, shown.

use std::fmt::Write;
use std::io;
use std::time::Duration;

use super::{Attempt, Done, Fate, News, Refusal, Report, Request, wire};
use crate::out::{Cell, Column, Format, Grid, Meaning, Out, escape};
use crate::signal::{Arch, Signal};

/// Shows a report. What went well is silent, as with kill(1), unless asked for.
pub(super) fn show(report: &Report, request: &Request, out: &mut Out<'_>) -> io::Result<()> {
    if request.extras.print_pids {
        let printed = report.attempts.iter().filter(|attempt| matches!(attempt.result, Ok(Done::Printed)));
        return printed.map(|attempt| &attempt.written).try_for_each(|written| out.line(written));
    }
    if out.format() == Format::Json {
        return wire::show(report, request, out);
    }
    if request.options.dry_run && !report.attempts.is_empty() {
        return out.grid(&plan(report));
    }
    Ok(())
}

/// What would be done, a row a target.
fn plan(report: &Report) -> Grid {
    let mut grid = Grid::new(vec![
        Column::right("PID"),
        Column::word("NAME"),
        Column::right("UID"),
        Column::word("SIGNAL"),
        Column::left("EFFECT"),
    ]);
    for attempt in &report.attempts {
        let effect = match (&attempt.result, &attempt.effect) {
            (Err(refusal), _) => {
                Cell::new(format!("not sent: {}", refusal.of(attempt, report.own_uids)), Meaning::Grave)
            }
            (Ok(_), Some(effect)) => Cell::new(effect.to_string(), Meaning::of_effect(effect.id())),
            (Ok(_), None) => Cell::new("unknown: its status cannot be read in this /proc", Meaning::Unknown),
        };
        grid.row([
            Cell::new(who(attempt), Meaning::Subject),
            attempt.name.as_ref().map_or_else(Cell::nothing, |name| Cell::plain(shown(name))),
            attempt.uid.map_or_else(Cell::nothing, |uid| Cell::plain(uid.to_string())),
            Cell::plain(signal_name(report.signal)),
            effect,
        ]);
    }
    grid
}

/// A line for whoever reads the output: under kill(1)'s name as it words it,
/// else with --verbose.
pub(super) fn line(news: &News<'_>, request: &Request) -> Option<String> {
    match news {
        News::Sending { to, signal, timeout } => {
            let after = if *timeout { "timeout, " } else { "" };
            Some(format!("{after}sending signal {} to pid {to}", signal.map_or(0, Signal::get)))
        }
        News::Sent(attempt) if request.options.verbose => {
            let sent = match request.signal {
                Some(signal) => format!("{} sent", Arch::NATIVE.name(signal)),
                None => "may be signalled".to_owned(),
            };
            let effect = attempt.effect.as_ref().filter(|_| request.signal.is_some());
            Some(match effect {
                Some(effect) => format!("{}: {sent}: {effect}", about(attempt)),
                None => format!("{}: {sent}", about(attempt)),
            })
        }
        News::Fate(attempt) if request.options.verbose => match &attempt.fate {
            Some(Fate::Ended { after, ending }) => {
                let how = match ending {
                    Some(ending) => ending.to_string(),
                    None => "how cannot be told (that takes Linux 6.15, or its zombie)".to_owned(),
                };
                Some(format!("{}: ended after {}: {how}", about(attempt), time(*after)))
            }
            _ => None,
        },
        _ => None,
    }
}

/// A line on standard error: why a process is still alive, and what follows.
pub(super) fn note(news: &News<'_>, request: &Request) -> Option<String> {
    match news {
        News::Fate(attempt) => match &attempt.fate {
            Some(Fate::Alive { after, why }) => {
                let why = match why {
                    Some(why) => why.to_string(),
                    None => "its status cannot be read".to_owned(),
                };
                Some(format!("{}: alive after {}: {why}", about(attempt), time(*after)))
            }
            _ => None,
        },
        News::Then(signal, count) if !request.extras.as_kill => {
            let whom = if *count == 1 { "it".to_owned() } else { format!("these {count}") };
            Some(format!("{} to {whom}", Arch::NATIVE.name(*signal)))
        }
        _ => None,
    }
}

/// The question of --interactive.
pub(super) fn question(attempt: &Attempt, request: &Request) -> String {
    let mut text = format!("{}: {}", about(attempt), signal_name(request.signal));
    if let Some(effect) = &attempt.effect {
        let _ = write!(text, ": {effect}");
    }
    if let Some(then) = then(request) {
        let _ = write!(text, "; {then}");
    }
    text.push_str(". Send it? [y/N/q] ");
    text
}

/// What is to follow: `then INT after 5s, KILL after 1s, if it is alive`.
fn then(request: &Request) -> Option<String> {
    let wait = request.options.wait.as_ref().filter(|wait| !wait.then.is_empty())?;
    let mut after = wait.time;
    let mut parts = Vec::new();
    for then in &wait.then {
        let name = Arch::NATIVE.name(then.signal);
        parts.push(match after {
            Some(after) => format!("{name} after {}", time(after)),
            None => format!("{name} never"),
        });
        after = then.time;
    }
    Some(format!("then {}, if it is alive", parts.join(", ")))
}

/// A line for each target that could not be signalled.
pub(super) fn complaints(report: &Report, request: &Request) -> Vec<String> {
    if request.options.dry_run {
        // They stand in the plan.
        let then = then(request).filter(|_| !report.attempts.is_empty());
        return report.warnings.iter().cloned().chain(then).collect();
    }
    let refused =
        report.attempts.iter().filter_map(|attempt| Some((attempt, attempt.result.as_ref().err()?)));
    let refused = refused.map(|(attempt, refusal)| match request.extras.as_kill {
        true => as_kill(attempt, refusal),
        false => as_sigtool(attempt, refusal, report),
    });
    report.warnings.iter().cloned().chain(refused).collect()
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
    let unsent = match report.signal {
        Some(signal) => format!("{} not sent: ", Arch::NATIVE.name(signal)),
        None => String::new(),
    };
    let reason = refusal.of(attempt, report.own_uids);
    format!("{}: {unsent}{reason}", about(attempt))
}

/// `1234 (nginx, uid 33)`.
fn about(attempt: &Attempt) -> String {
    let name = attempt.name.as_ref().map(|name| shown(name));
    let about: Vec<String> = name.into_iter().chain(attempt.uid.map(|uid| format!("uid {uid}"))).collect();
    // Of a group, the member.
    let who = match (attempt.group, attempt.pid) {
        (Some(_), Some(pid)) => pid.to_string(),
        _ => attempt.written.clone(),
    };
    if about.is_empty() { who } else { format!("{who} ({})", about.join(", ")) }
}

/// The process, or the thread of it; a group where no process is meant.
fn who(attempt: &Attempt) -> String {
    match (attempt.pid, attempt.tid) {
        (Some(pid), Some(tid)) => format!("{pid}/{tid}"),
        (Some(pid), None) => pid.to_string(),
        _ => attempt.written.clone(),
    }
}

fn shown(name: &[u8]) -> String {
    if name.is_empty() { "''".to_owned() } else { escape(name).into_owned() }
}

fn signal_name(signal: Option<Signal>) -> String {
    signal.map_or("0".to_owned(), |signal| Arch::NATIVE.name(signal).to_string())
}

/// `12 ms`, `2.5 s`.
fn time(time: Duration) -> String {
    match time.as_millis() {
        millis @ 0..1000 => format!("{millis} ms"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

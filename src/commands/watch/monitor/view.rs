//! What is observed, a line each.

use std::borrow::Cow;
use std::io;
use std::time::Duration;

use super::diff::{self, ProcessChange};
use super::{MonitorEvent, MonitorEventKind, signal_text, wire};
use crate::commands::watch::cells::format_time;
use crate::explain::requirement::SignalSetKind;
use crate::inspect::events;
use crate::out::{Cell, Meaning, OutputFormat, OutputSettings, ReportWriter, StreamColumn, escape_name};
use crate::procfs::{ProcessSnapshot, Thread, Threads};
use crate::signal::{Arch, SignalSet};

/// Below this width the name is left out, for the event.
const MIN_WIDTH_WITH_NAME: u16 = 72;
/// And below this one the time has seconds alone.
const MIN_WIDTH_WITH_MICROSECONDS: u16 = 50;

/// The columns; on a terminal the time is that of the day, for the width.
fn columns(settings: OutputSettings) -> impl Iterator<Item = StreamColumn> {
    let time = match settings.format {
        OutputFormat::Table if settings.width < MIN_WIDTH_WITH_MICROSECONDS => 8,
        OutputFormat::Table => 16,
        _ => 27,
    };
    let name = (!is_narrow(settings)).then_some(StreamColumn { title: "NAME", width: 15 });
    let first = [StreamColumn { title: "TIME", width: time }, StreamColumn { title: "PID", width: 7 }];
    first.into_iter().chain(name).chain([StreamColumn { title: "EVENT", width: 0 }])
}

fn is_narrow(settings: OutputSettings) -> bool {
    settings.format == OutputFormat::Table && settings.width < MIN_WIDTH_WITH_NAME
}

/// The line above all others.
pub(super) fn print_header(out: &mut ReportWriter<'_>) -> io::Result<()> {
    let columns: Vec<StreamColumn> = columns(out.settings()).collect();
    out.write_stream_header(&columns)
}

/// One event.
pub(super) fn print_event(event: &MonitorEvent<'_>, out: &mut ReportWriter<'_>) -> io::Result<()> {
    let settings = out.settings();
    if settings.format == OutputFormat::Json {
        return match &event.kind {
            MonitorEventKind::KernelEvent(events::ThreadEvent {
                kind: events::ThreadEventKind::Lost(count),
                ..
            }) => out.write_json_line(&crate::commands::watch::wire::lost_count_object(event.time, *count)),
            _ => out.write_json_line(&wire::monitor_event_object(event)),
        };
    }
    // That is a note, for people.
    if matches!(event.kind, MonitorEventKind::TracerStops(_)) {
        return Ok(());
    }
    let columns: Vec<StreamColumn> = columns(settings).collect();
    let mut time = format_time(event.time, settings.format);
    time.truncate(columns[0].width);
    let name = || match escape_name(event.name).into_owned() {
        none if none.is_empty() => Cell::absent(),
        name => Cell::new(name, Meaning::Subject),
    };
    let first = [Cell::new(time, Meaning::Absent), Cell::plain(event.pid.to_string())];
    let name = (!is_narrow(settings)).then(name);
    out.write_stream_row(&columns, first.into_iter().chain(name).chain([event_cell(event.pid, &event.kind)]))
}

fn event_cell(pid: u32, what: &MonitorEventKind<'_>) -> Cell {
    match what {
        MonitorEventKind::Start { snapshot: look, threads } => {
            Cell::plain(initial_state_text(look, *threads))
        }
        MonitorEventKind::InitialThread(task) => {
            Cell::plain(format!("thread {}: {}", task.tid, thread_text(task)))
        }
        MonitorEventKind::Change(change) => self::change_cell(change),
        MonitorEventKind::KernelEvent(event) => kernel_event_cell(event),
        MonitorEventKind::TracerStops(_) => Cell::absent(),
        MonitorEventKind::Exited(Some(ending), killer) => {
            let by = killer.map_or(String::new(), |killer| signal_text::fatal_signal_text(killer, Some(pid)));
            Cell::new(format!("{ending}{by}"), Meaning::Danger)
        }
        MonitorEventKind::Exited(None, _) => {
            Cell::new("ended; how cannot be told (that takes Linux 6.15, or its zombie)", Meaning::Unknown)
        }
    }
}

/// `1234 (worker) stood still 17 times, at most 41 us, 0.4 ms in all`.
pub(super) fn tracer_stops_text(pid: u32, name: &[u8], stops: &events::StopStats) -> String {
    let events::StopStats { count, longest, total } = *stops;
    let how = match count {
        0 => "never stood still".to_owned(),
        1 => format!("stood still once, for {}", format_span(longest)),
        _ => format!(
            "stood still {count} times, at most {}, {} in all",
            format_span(longest),
            format_span(total)
        ),
    };
    format!("{pid} ({}) {how}", escape_name(name))
}

/// `41 us`, `0.4 ms`, `1.5 s`.
fn format_span(time: Duration) -> String {
    match time.as_micros() {
        micros @ ..100 => format!("{micros} us"),
        ..999_950 => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

fn kernel_event_cell(event: &events::ThreadEvent) -> Cell {
    let events::ThreadEvent { pid, tid, kind: what, .. } = event;
    let thread = tid.filter(|_| tid != pid);
    let number = tid.unwrap_or(0);
    match what {
        events::ThreadEventKind::Generation(sent) => signal_text::generated_cell(sent, *tid),
        events::ThreadEventKind::Delivery(delivered) => signal_text::delivered_cell(delivered, *pid, thread),
        events::ThreadEventKind::NewThread => Cell::plain(format!("thread {number} is new")),
        events::ThreadEventKind::Exec => Cell::plain("executes another program"),
        // A change of state tells it.
        events::ThreadEventKind::JobControlStop(signal) => {
            Cell::new(format!("stopped by {}", Arch::NATIVE.signal_name(*signal)), Meaning::Pending)
        }
        events::ThreadEventKind::Exited(ending) => {
            let how = ending.map_or("ended".to_owned(), |ending| ending.to_string());
            Cell::plain(format!("thread {number}: {how}"))
        }
        events::ThreadEventKind::Lost(count) => {
            Cell::new(format!("{count} events are lost"), Meaning::Danger)
        }
    }
}

/// `state S (sleeping), 1 thread; ignored QUIT; caught TERM`.
fn initial_state_text(look: &ProcessSnapshot, threads: bool) -> String {
    let state = diff::process_state(look).map_or("state unknown".to_owned(), |state| {
        format!("state {} ({})", state.letter(), state.description())
    });
    let mut text = match look.threads.as_ref().filter(|_| threads).map(Threads::live_count) {
        Some(1) => format!("{state}, 1 thread"),
        Some(count) => format!("{state}, {count} threads"),
        None => state,
    };
    for set in [SignalSetKind::Pending, SignalSetKind::Blocked, SignalSetKind::Ignored, SignalSetKind::Caught]
    {
        match diff::set_members(look, set, threads) {
            None if threads && set == SignalSetKind::Blocked => {}
            Some(signals) if signals.is_empty() => {}
            Some(signals) => text += &format!("; {} {}", set.as_str(), signal_names(signals)),
            None => text += &format!("; {} unknown", set.as_str()),
        }
    }
    text
}

/// `pending USR1; blocked TERM`.
fn thread_text(task: &Thread) -> String {
    let sets = [(SignalSetKind::Pending, task.pending), (SignalSetKind::Blocked, task.blocked)];
    let held = sets.into_iter().filter(|(_, signals)| !signals.is_empty());
    let texts: Vec<String> =
        held.map(|(set, signals)| format!("{} {}", set.as_str(), signal_names(signals))).collect();
    if texts.is_empty() { "nothing pending or blocked".to_owned() } else { texts.join("; ") }
}

fn change_cell(change: &ProcessChange) -> Cell {
    match change {
        ProcessChange::SetChanged { tid, is_added: added, set, signals } => {
            let sign = if *added { '+' } else { '-' };
            let text = format!("{sign}{} {}", set.as_str(), signal_names(*signals));
            let meaning = match set {
                _ if !added => Meaning::Plain,
                SignalSetKind::Pending | SignalSetKind::Blocked => Meaning::Pending,
                SignalSetKind::Ignored => Meaning::Ignored,
                SignalSetKind::Caught => Meaning::Handled,
                SignalSetKind::Default => Meaning::Plain,
            };
            Cell::new(tid.map_or(text.clone(), |tid| format!("thread {tid}: {text}")), meaning)
        }
        ProcessChange::StateChanged { from, to, stop_signal: by } => {
            let words = by.map_or(to.description().to_owned(), |by| {
                format!("stopped by {}", Arch::NATIVE.signal_name(by))
            });
            let text = format!("state {} -> {} ({words})", from.letter(), to.letter());
            Cell::new(text, if to.is_stopped() { Meaning::Pending } else { Meaning::Plain })
        }
        ProcessChange::NameChanged { from, to } => {
            Cell::plain(format!("name {} -> {}", escape_name(from.as_bytes()), escape_name(to.as_bytes())))
        }
        ProcessChange::ThreadStarted(task) => {
            Cell::plain(format!("thread {} started: {}", task.tid, thread_text(task)))
        }
        ProcessChange::ThreadExited(tid) => Cell::plain(format!("thread {tid} ended")),
    }
}

fn signal_names(signals: SignalSet) -> Cow<'static, str> {
    signals.display(Arch::NATIVE).to_string().into()
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn printed_exit(width: u16) -> String {
        let settings =
            OutputSettings { format: OutputFormat::Table, width, color: false, indent_json: false };
        let mut text = Vec::new();
        let mut out = ReportWriter::new(&mut text, settings);
        let ended = MonitorEvent {
            time: SystemTime::UNIX_EPOCH,
            pid: 4_000_000,
            name: b"server",
            kind: MonitorEventKind::Exited(None, None),
        };
        print_header(&mut out)
            .and_then(|()| print_event(&ended, &mut out))
            .and_then(|()| out.finish())
            .unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn event_column_fits_narrow_terminal() {
        for width in [200, 80, 72, 60, 50, 40, 30] {
            let text = printed_exit(width);
            assert!(text.lines().all(|line| line.len() <= usize::from(width)), "{width}:\n{text}");
        }
        assert_eq!(printed_exit(40).lines().take(2).last(), Some("00:00:00  4000000  ended; how cannot be"));
        assert!(printed_exit(80).contains("00:00:00.000000Z  4000000  server"));
    }

    #[test]
    fn tracer_stops_text_is_a_sentence() {
        let said = |count, longest, total| {
            let (longest, total) = (Duration::from_micros(longest), Duration::from_micros(total));
            tracer_stops_text(7, b"wor\nker", &events::StopStats { count, longest, total })
        };
        assert_eq!(said(0, 0, 0), "7 (wor\\nker) never stood still");
        assert_eq!(said(1, 41, 41), "7 (wor\\nker) stood still once, for 41 us");
        assert_eq!(said(17, 41, 400), "7 (wor\\nker) stood still 17 times, at most 41 us, 0.4 ms in all");
        assert_eq!(said(9, 100, 999_960), "7 (wor\\nker) stood still 9 times, at most 0.1 ms, 1.0 s in all");
    }
}

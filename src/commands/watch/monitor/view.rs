//! The rows of `watch --pid` as table and plain text: one event per line.

use std::borrow::Cow;
use std::io;

use super::event::{InitialState, MonitorEvent, MonitorEventKind, ProcessChange};
use super::signal_text;
use crate::commands::watch::cells::format_time;
use crate::explain::requirement::SignalSetKind;
use crate::inspect::events::{ThreadEvent, ThreadEventKind};
use crate::out::{Cell, Meaning, OutputFormat, OutputSettings, ReportWriter, StreamColumn, escape_name};
use crate::procfs::Thread;
use crate::signal::{Arch, SignalSet};

/// Minimum width of a terminal for the column of the name.
const MIN_WIDTH_WITH_NAME: u16 = 72;
/// Minimum width of a terminal for a time with microseconds.
const MIN_WIDTH_WITH_MICROSECONDS: u16 = 50;

/// Returns the columns. A table has a shorter time, without the date.
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

/// Prints the column titles.
pub(super) fn print_header(out: &mut ReportWriter<'_>) -> io::Result<()> {
    let columns: Vec<StreamColumn> = columns(out.settings()).collect();
    out.write_stream_header(&columns)
}

/// Prints an event as a row.
pub(super) fn print_event(event: &MonitorEvent, out: &mut ReportWriter<'_>) -> io::Result<()> {
    // A note on standard error reports the stops.
    if matches!(event.kind, MonitorEventKind::TracerStops(_)) {
        return Ok(());
    }
    let settings = out.settings();
    let columns: Vec<StreamColumn> = columns(settings).collect();
    let mut time = format_time(event.time, settings.format);
    time.truncate(columns[0].width);
    let name = || match event.name.as_slice() {
        [] => Cell::absent(),
        name => Cell::new(escape_name(name).into_owned(), Meaning::Subject),
    };
    let first = [Cell::new(time, Meaning::Absent), Cell::plain(event.pid.to_string())];
    let name = (!is_narrow(settings)).then(name);
    out.write_stream_row(&columns, first.into_iter().chain(name).chain([event_cell(event)]))
}

fn event_cell(event: &MonitorEvent) -> Cell {
    match &event.kind {
        MonitorEventKind::Start(state) => Cell::plain(initial_state_text(state)),
        MonitorEventKind::InitialThread(task) => {
            Cell::plain(format!("thread {}: {}", task.tid, thread_text(task)))
        }
        MonitorEventKind::Change(change) => change_cell(change),
        MonitorEventKind::Kernel(event) => kernel_event_cell(event),
        MonitorEventKind::TracerStops(_) => Cell::absent(),
        MonitorEventKind::Exited { termination: Some(termination), fatal_signal } => {
            let sender = fatal_signal.as_deref().map_or(String::new(), |fatal_signal| {
                signal_text::fatal_signal_text(fatal_signal, Some(event.pid))
            });
            Cell::new(format!("{termination}{sender}"), Meaning::Danger)
        }
        MonitorEventKind::Exited { termination: None, .. } => {
            Cell::new("exited, exit status unknown (Linux 6.15 or later reports it)", Meaning::Unknown)
        }
    }
}

fn kernel_event_cell(event: &ThreadEvent) -> Cell {
    let (pid, tid) = (event.pid, event.tid);
    let shown_tid = tid.unwrap_or(0);
    match &event.kind {
        ThreadEventKind::Generation(generation) => signal_text::generated_cell(generation, tid),
        ThreadEventKind::Delivery(delivery) => {
            signal_text::delivered_cell(delivery, pid, tid.filter(|_| tid != pid))
        }
        ThreadEventKind::NewThread => Cell::plain(format!("thread {shown_tid} started")),
        ThreadEventKind::Exec => Cell::plain("executes another program"),
        // The event loop turns a stop of a monitored process into a change.
        ThreadEventKind::JobControlStop(signal) => {
            Cell::new(format!("stopped by {}", Arch::NATIVE.signal_name(*signal)), Meaning::Pending)
        }
        ThreadEventKind::Exited(termination) => {
            let text = termination.map_or("exited".to_owned(), |termination| termination.to_string());
            Cell::plain(format!("thread {shown_tid}: {text}"))
        }
        ThreadEventKind::Lost(count) => {
            Cell::new(format!("lost {count} events (buffer full)"), Meaning::Danger)
        }
    }
}

/// `state S (sleeping), 1 thread; ignored QUIT; caught TERM`.
fn initial_state_text(initial: &InitialState) -> String {
    let mut text = initial.state.map_or("state unknown".to_owned(), |state| {
        format!("state {} ({})", state.letter(), state.description())
    });
    match initial.thread_count {
        Some(1) => text += ", 1 thread",
        Some(count) => text += &format!(", {count} threads"),
        None => {}
    }
    let sets = [
        (SignalSetKind::Pending, Some(initial.pending)),
        (SignalSetKind::Blocked, initial.blocked),
        (SignalSetKind::Ignored, Some(initial.ignored)),
        (SignalSetKind::Caught, Some(initial.caught)),
    ];
    for (set, signals) in sets.into_iter().filter_map(|(set, signals)| Some((set, signals?))) {
        match signals {
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
    let non_empty = sets.into_iter().filter(|(_, signals)| !signals.is_empty());
    let texts: Vec<String> =
        non_empty.map(|(set, signals)| format!("{} {}", set.as_str(), signal_names(signals))).collect();
    if texts.is_empty() { "nothing pending or blocked".to_owned() } else { texts.join("; ") }
}

fn change_cell(change: &ProcessChange) -> Cell {
    match change {
        ProcessChange::SetChanged { tid, is_added, set, signals } => {
            let sign = if *is_added { '+' } else { '-' };
            let text = format!("{sign}{} {}", set.as_str(), signal_names(*signals));
            let meaning = match set {
                _ if !is_added => Meaning::Plain,
                SignalSetKind::Pending | SignalSetKind::Blocked => Meaning::Pending,
                SignalSetKind::Ignored => Meaning::Ignored,
                SignalSetKind::Caught => Meaning::Handled,
                SignalSetKind::Default => Meaning::Plain,
            };
            Cell::new(tid.map_or(text.clone(), |tid| format!("thread {tid}: {text}")), meaning)
        }
        ProcessChange::StateChanged { from, to, stop_signal } => {
            let reason = stop_signal.map_or(to.description().to_owned(), |signal| {
                format!("stopped by {}", Arch::NATIVE.signal_name(signal))
            });
            let text = format!("state {} -> {} ({reason})", from.letter(), to.letter());
            Cell::new(text, if to.is_stopped() { Meaning::Pending } else { Meaning::Plain })
        }
        ProcessChange::NameChanged { from, to } => {
            Cell::plain(format!("name {} -> {}", escape_name(from.as_bytes()), escape_name(to.as_bytes())))
        }
        ProcessChange::ThreadStarted(task) => {
            Cell::plain(format!("thread {} started: {}", task.tid, thread_text(task)))
        }
        ProcessChange::ThreadExited(tid) => Cell::plain(format!("thread {tid} exited")),
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
        let event = MonitorEvent {
            time: SystemTime::UNIX_EPOCH,
            pid: 4_000_000,
            name: b"server".to_vec(),
            kind: MonitorEventKind::Exited { termination: None, fatal_signal: None },
        };
        print_header(&mut out)
            .and_then(|()| print_event(&event, &mut out))
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
        assert_eq!(printed_exit(40).lines().take(2).last(), Some("00:00:00  4000000  exited, exit status"));
        assert!(printed_exit(80).contains("00:00:00.000000Z  4000000  server"));
    }
}

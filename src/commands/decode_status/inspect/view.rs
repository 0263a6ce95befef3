//! Tables of handlers and pending signals.

use std::io;

use super::{InspectOptions, handler_text, library_text, unavailable_text};
use crate::commands::decode_status::cells::{ids_cell, process_name_cell, signal_label};
use crate::commands::decode_status::{DecodeReport, DecodedProcess};
use crate::duration;
use crate::inspect::{
    ClaimedSender, CodeLocation, Handler, IncompleteQueue, Inspection, PendingEntry, Provenance, Region,
};
use crate::out::{Cell, Column, Fields, Grid, Meaning, ReportWriter, escape_name, shorten_middle};
use crate::procfs::Threads;
use crate::signal::siginfo::SignalOrigin;
use crate::signal::siginfo_fields::SiginfoFields;
use crate::signal::{Arch, Siginfo};

/// Adds the backend, its cost and the values that could not be read to the
/// header.
pub(in crate::commands::decode_status) fn add_provenance(
    process: &DecodedProcess,
    options: Option<InspectOptions>,
    header: &mut Fields,
) {
    let (Some(options), Some(inspection)) = (options, &process.inspection) else { return };
    let Some(provenance) = &inspection.provenance else {
        let reason = match options {
            _ if process.has_exited() => "the process has exited",
            InspectOptions { handlers: true, queue: true, .. } => "no signal is caught or pending",
            InspectOptions { handlers: true, .. } => "no signal is caught",
            _ => "no signal is pending",
        };
        return header.push("Seen by", Cell::plain(format!("/proc only ({reason})")));
    };
    let Provenance { backend, stop_duration, unavailable, fallback_reason } = provenance;
    let cost = match stop_duration.is_zero() {
        true => "the process was not stopped".to_owned(),
        false => format!("the process was stopped for {}", duration::format_micros_or_millis(*stop_duration)),
    };
    let fallback_reason = fallback_reason.as_ref().map_or(String::new(), |reason| format!(" ({reason})"));
    header.push("Seen by", Cell::plain(format!("{}; {cost}{fallback_reason}", backend.display_name())));
    for value in unavailable {
        header.push("Not seen", Cell::new(unavailable_text(value), Meaning::Unknown));
    }
}

impl DecodedProcess {
    fn has_exited(&self) -> bool {
        self.threads.as_ref().is_some_and(Threads::all_exited)
    }
}

/// Prints the inspection of one process, one table for each option.
pub(in crate::commands::decode_status) fn print_process(
    process: &DecodedProcess,
    report: &DecodeReport,
    out: &mut ReportWriter<'_>,
) -> io::Result<()> {
    let (Some(options), Some(inspection)) = (report.inspect, &process.inspection) else { return Ok(()) };
    if process.has_exited() {
        return out.write_sentence(
            "The process has exited, so no handler will run and no pending signal will be delivered.",
        );
    }
    let processes = std::slice::from_ref(process);
    let name_width = |max_width| if report.full { usize::MAX } else { max_width };
    if options.handlers {
        match inspection.handlers.as_deref() {
            None => {}
            Some([]) => out.write_sentence("No signal is caught.")?,
            Some(_) => {
                out.write_grid_or_cards(|max_width| {
                    handler_grid(processes, report.full, false, name_width(max_width))
                })?;
            }
        }
    }
    if options.queue {
        match inspection.queue.as_deref() {
            None => {}
            Some([]) => out.write_sentence("No signal is pending.")?,
            Some(_) => {
                out.write_grid_or_cards(|max_width| queue_grid(processes, false, name_width(max_width)))?;
            }
        }
        match inspection.incomplete {
            Some(IncompleteQueue::PerQueueLimit(limit)) => {
                out.write_line(&format!(
                    "More signals are queued (only the first {limit} entries of each queue were read)."
                ))?;
            }
            Some(IncompleteQueue::TotalLimit(limit)) => {
                out.write_line(&format!(
                    "More signals are queued (only the first {limit} entries of all queues together were read)."
                ))?;
            }
            Some(IncompleteQueue::ChangedWhileReading) | None => {}
        }
    }
    Ok(())
}

/// Prints the inspection of several processes, one table for each option.
pub(in crate::commands::decode_status) fn print_processes(
    options: InspectOptions,
    processes: &[DecodedProcess],
    out: &mut ReportWriter<'_>,
) -> io::Result<()> {
    // Processes that could not be inspected are reported as errors, not here.
    let inspections = || processes.iter().map(|process| process.inspection.as_ref());
    let is_zero = |count: fn(&Inspection) -> usize| inspections().flatten().map(count).sum::<usize>() == 0;
    let all_inspected = inspections().all(|inspection| inspection.is_some());
    if options.handlers {
        match is_zero(|inspection| inspection.handlers.as_ref().map_or(0, Vec::len)) {
            true if all_inspected => out.write_sentence("No signal is caught.")?,
            true => {}
            false => out.write_grid_or_cards(|max_width| handler_grid(processes, false, true, max_width))?,
        }
    }
    if options.queue {
        match is_zero(|inspection| inspection.queue.as_ref().map_or(0, Vec::len)) {
            true if all_inspected => out.write_sentence("No signal is pending.")?,
            true => {}
            false => out.write_grid_or_cards(|max_width| queue_grid(processes, true, max_width))?,
        }
    }
    Ok(())
}

/// Creates a grid. If there are several processes, its first columns identify
/// them.
fn grid_with_process_columns(columns: &[Column], several: bool) -> Grid {
    let process = [Column::right("PID"), Column::no_wrap("NAME")];
    let first = if several { &process[..] } else { &[] };
    Grid::new(first.iter().chain(columns).copied().collect())
}

fn process_cells(process: &DecodedProcess, several: bool) -> Vec<Cell> {
    if several { vec![ids_cell(process), process_name_cell(process)] } else { Vec::new() }
}

/// Returns the table of handlers. `max_width` is the maximum width of a name in
/// columns.
fn handler_grid(processes: &[DecodedProcess], full: bool, several: bool, max_width: usize) -> Grid {
    let mut columns = vec![
        Column::right("NUM"),
        Column::left("SIGNAL"),
        Column::left("HANDLER"),
        Column::left("LIBRARY"),
        Column::left("FLAGS"),
        Column::left("MASK"),
    ];
    if full {
        columns.extend([Column::left("ADDRESS"), Column::left("RESTORER")]);
    }
    let mut grid = grid_with_process_columns(&columns, several);
    for process in processes {
        let handlers = process.inspection.iter().flat_map(|inspection| inspection.handlers.iter().flatten());
        for handler in handlers {
            let mut cells = process_cells(process, several);
            cells.extend(handler_cells(handler, full, max_width));
            grid.push_row(cells);
        }
    }
    grid
}

fn handler_cells(handler: &Handler, full: bool, max_width: usize) -> Vec<Cell> {
    let Handler { signal, action, location, restorer_location } = handler;
    // Every handler has a restorer, so the flag adds no information.
    let flags = action.flag_names().into_iter().filter(|flag| full || flag != "RESTORER").collect::<Vec<_>>();
    let meaning = if location.faults_when_called() { Meaning::Danger } else { Meaning::Handled };
    let mut cells = vec![
        Cell::plain(signal.get().to_string()),
        Cell::new(signal_label(*signal, Arch::NATIVE), Meaning::Subject),
        Cell::new(handler_text(location, max_width), meaning),
        library_cell(location, max_width),
        if flags.is_empty() { Cell::absent() } else { Cell::plain(flags.join(" ")) },
        if action.mask.is_empty() {
            Cell::absent()
        } else {
            Cell::new(action.mask.display(Arch::NATIVE).to_string(), Meaning::Pending)
        },
    ];
    if full {
        cells.push(Cell::plain(format!("0x{:x}", location.address)));
        cells.push(
            restorer_location
                .as_ref()
                .map_or_else(Cell::absent, |location| Cell::plain(handler_text(location, max_width))),
        );
    }
    cells
}

/// Returns the library or other memory region that contains the handler.
fn library_cell(location: &CodeLocation, max_width: usize) -> Cell {
    let text = match &location.region {
        Region::File { is_deleted, .. } => {
            let name = shorten_middle(&library_text(location.region_name().unwrap_or_default()), max_width);
            format!("{name}{}", if *is_deleted { " (deleted)" } else { "" })
        }
        Region::KernelNamed(name) => escape_name(name).into_owned(),
        Region::Anonymous => "[anon]".to_owned(),
        Region::Unmapped => return Cell::new("unmapped", Meaning::Danger),
        Region::Kernel => "[kernel]".to_owned(),
        Region::Unknown => return Cell::new("unknown", Meaning::Unknown),
    };
    if location.faults_when_called() {
        Cell::new(format!("{text} (no code)"), Meaning::Danger)
    } else {
        Cell::plain(text)
    }
}

fn queue_grid(processes: &[DecodedProcess], several: bool, max_width: usize) -> Grid {
    let columns = [
        Column::right("NUM"),
        Column::left("SIGNAL"),
        Column::left("FOR"),
        Column::left("SENDER"),
        Column::left("VALUE"),
        Column::left("CODE"),
    ];
    let mut grid = grid_with_process_columns(&columns, several);
    for process in processes {
        let Some(inspection) = &process.inspection else { continue };
        for entry in inspection.queue.iter().flatten() {
            let mut cells = process_cells(process, several);
            let thread = entry.tid.map_or("process".to_owned(), |tid| format!("thread {tid}"));
            cells.extend([
                Cell::plain(entry.signal.get().to_string()),
                Cell::new(signal_label(entry.signal, Arch::NATIVE), Meaning::Subject),
                Cell::plain(thread),
                sender_cell(entry, max_width),
                entry.siginfo.as_ref().map_or_else(Cell::absent, value_cell),
                code_cell(entry, inspection.incomplete),
            ]);
            grid.push_row(cells);
        }
    }
    grid
}

/// Returns the reason why the signal was generated, or the reason why that is
/// unknown.
fn code_cell(entry: &PendingEntry, incomplete: Option<IncompleteQueue>) -> Cell {
    let unknown = |text: String| Cell::new(text, Meaning::Unknown);
    if let Some(siginfo) = &entry.siginfo {
        return Cell::plain(siginfo.description());
    }
    if !entry.is_unread {
        return unknown("no siginfo was queued with it".to_owned());
    }
    let reason = match incomplete {
        Some(IncompleteQueue::PerQueueLimit(limit)) => format!("the queue has more than {limit} entries"),
        Some(IncompleteQueue::TotalLimit(limit)) => {
            format!("its queues have more than {limit} entries together")
        }
        Some(IncompleteQueue::ChangedWhileReading) | None => "the queue changed while it was read".to_owned(),
    };
    unknown(format!("pending, but its entry was not read ({reason})"))
}

/// Returns the claimed sender, which is unverified.
fn sender_cell(entry: &PendingEntry, max_width: usize) -> Cell {
    if entry.is_unread {
        return Cell::new("not read", Meaning::Unknown);
    }
    let Some(siginfo) = &entry.siginfo else { return Cell::new("lost", Meaning::Unknown) };
    let claim_cell = |text: String| Cell::new(format!("claims {text}"), Meaning::Pending);
    match (&entry.claimed_sender, siginfo.origin()) {
        (Some(claimed), _) => claim_cell(claimed_process_text(claimed, max_width)),
        (None, SignalOrigin::Timer { id, .. }) => {
            let clock = entry.timer.and_then(|timer| timer.clock_name());
            claim_cell(format!("timer {id}{}", clock.map_or(String::new(), |clock| format!(" ({clock})"))))
        }
        (None, SignalOrigin::OutsideNamespace { siginfo_lost: true, .. }) => {
            Cell::new("lost", Meaning::Unknown)
        }
        (None, SignalOrigin::OutsideNamespace { .. }) => {
            claim_cell("the kernel or outside process".to_owned())
        }
        _ => claim_cell("kernel".to_owned()),
    }
}

/// Returns a text such as `812 (deploy.sh) uid 1000`.
fn claimed_process_text(claimed: &ClaimedSender, max_width: usize) -> String {
    let ClaimedSender { inner_pid, pid, uid, name, is_child } = claimed;
    let prefix = if *is_child { "child " } else { "" };
    match (pid, name) {
        (Some(pid), Some(name)) => {
            format!("{prefix}{pid} ({}) uid {uid}", shorten_middle(&escape_name(name), max_width))
        }
        (Some(pid), None) => format!("{prefix}{pid} (exited) uid {uid}"),
        (None, _) => format!("{prefix}{inner_pid} in its PID namespace, uid {uid}"),
    }
}

fn value_cell(siginfo: &Siginfo) -> Cell {
    SiginfoFields::from_siginfo(siginfo)
        .value
        .map_or_else(Cell::absent, |value| Cell::plain(value.to_string()))
}

//! Handlers and queues, shown.

use std::io;

use super::{InspectOptions, handler_text, library_text, unavailable_text};
use crate::commands::decode_status::cells::{format_stop_time, ids_cell, process_name_cell, signal_label};
use crate::commands::decode_status::{DecodeReport, DecodedProcess};
use crate::inspect::{
    ClaimedSender, CodeLocation, Handler, IncompleteQueue, Inspection, PendingEntry, Provenance, Region,
};
use crate::out::{Cell, Column, Fields, Grid, Meaning, ReportWriter, escape_name, shorten_middle};
use crate::procfs::Threads;
use crate::signal::siginfo::SignalOrigin;
use crate::signal::siginfo_fields::SiginfoFields;
use crate::signal::{Arch, Siginfo};

/// How it was seen, what could not be, and what that cost.
pub(in crate::commands::decode_status) fn add_provenance(
    process: &DecodedProcess,
    asked: Option<InspectOptions>,
    header: &mut Fields,
) {
    let (Some(asked), Some(inside)) = (asked, &process.inspection) else { return };
    let Some(means) = &inside.provenance else {
        let nothing = match asked {
            _ if process.has_exited() => "the process has exited",
            InspectOptions { handlers: true, queue: true, .. } => "no signal is caught or pending",
            InspectOptions { handlers: true, .. } => "no signal is caught",
            _ => "no signal is pending",
        };
        return header.push("Seen by", Cell::plain(format!("/proc only ({nothing})")));
    };
    let Provenance { backend: used, stop_duration: stopped, unavailable: unseen, fallback_reason: instead } =
        means;
    let cost = match stopped.is_zero() {
        true => "the process was not stopped".to_owned(),
        false => format!("the process was stopped for {}", format_stop_time(*stopped)),
    };
    let instead = instead.as_ref().map_or(String::new(), |why| format!(" ({why})"));
    header.push("Seen by", Cell::plain(format!("{}; {cost}{instead}", used.display_name())));
    for what in unseen {
        header.push("Not seen", Cell::new(unavailable_text(what), Meaning::Unknown));
    }
}

impl DecodedProcess {
    fn has_exited(&self) -> bool {
        self.threads.as_ref().is_some_and(Threads::all_exited)
    }
}

/// What was asked of one process, a table each.
pub(in crate::commands::decode_status) fn print_process(
    process: &DecodedProcess,
    report: &DecodeReport,
    out: &mut ReportWriter<'_>,
) -> io::Result<()> {
    let (Some(asked), Some(inside)) = (report.inspect, &process.inspection) else { return Ok(()) };
    if process.has_exited() {
        return out.write_sentence(
            "The process has exited, so no handler will run and no pending signal will be delivered.",
        );
    }
    let all = std::slice::from_ref(process);
    let fit = |most| if report.full { usize::MAX } else { most };
    if asked.handlers {
        match inside.handlers.as_deref() {
            None => {}
            Some([]) => out.write_sentence("No signal is caught.")?,
            Some(_) => {
                out.write_grid_or_cards(|most| handler_grid(all, report.full, false, fit(most)))?;
            }
        }
    }
    if asked.queue {
        match inside.queue.as_deref() {
            None => {}
            Some([]) => out.write_sentence("No signal is pending.")?,
            Some(_) => {
                out.write_grid_or_cards(|most| queue_grid(all, false, fit(most)))?;
            }
        }
        match inside.incomplete {
            Some(IncompleteQueue::PerQueueLimit(most)) => {
                out.write_line(&format!(
                    "More signals are queued (only the first {most} entries of each queue were read)."
                ))?;
            }
            Some(IncompleteQueue::TotalLimit(most)) => {
                out.write_line(&format!(
                    "More signals are queued (only the first {most} entries of all queues together were read)."
                ))?;
            }
            Some(IncompleteQueue::ChangedWhileReading) | None => {}
        }
    }
    Ok(())
}

/// What was asked of several processes, one table for all.
pub(in crate::commands::decode_status) fn print_processes(
    asked: InspectOptions,
    processes: &[DecodedProcess],
    out: &mut ReportWriter<'_>,
) -> io::Result<()> {
    // Of those that could not be seen nothing is said here.
    let seen = || processes.iter().map(|process| process.inspection.as_ref());
    let none = |count: fn(&Inspection) -> usize| seen().flatten().map(count).sum::<usize>() == 0;
    let all = seen().all(|inside| inside.is_some());
    if asked.handlers {
        match none(|inside| inside.handlers.as_ref().map_or(0, Vec::len)) {
            true if all => out.write_sentence("No signal is caught.")?,
            true => {}
            false => out.write_grid_or_cards(|most| handler_grid(processes, false, true, most))?,
        }
    }
    if asked.queue {
        match none(|inside| inside.queue.as_ref().map_or(0, Vec::len)) {
            true if all => out.write_sentence("No signal is pending.")?,
            true => {}
            false => out.write_grid_or_cards(|most| queue_grid(processes, true, most))?,
        }
    }
    Ok(())
}

/// The columns that tell processes apart.
fn grid_with_process_columns(columns: &[Column], several: bool) -> Grid {
    let process = [Column::right("PID"), Column::no_wrap("NAME")];
    let first = if several { &process[..] } else { &[] };
    Grid::new(first.iter().chain(columns).copied().collect())
}

fn process_cells(process: &DecodedProcess, several: bool) -> Vec<Cell> {
    if several { vec![ids_cell(process), process_name_cell(process)] } else { Vec::new() }
}

/// `most`: in so many columns a name has to fit.
fn handler_grid(processes: &[DecodedProcess], full: bool, several: bool, most: usize) -> Grid {
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
        let handlers = process.inspection.iter().flat_map(|inside| inside.handlers.iter().flatten());
        for handler in handlers {
            let mut cells = process_cells(process, several);
            cells.extend(handler_cells(handler, full, most));
            grid.push_row(cells);
        }
    }
    grid
}

fn handler_cells(handler: &Handler, full: bool, most: usize) -> Vec<Cell> {
    let Handler { signal, action, location: place, restorer_location: restorer } = handler;
    // Every handler has a restorer: that is no news.
    let flags = action.flag_names().into_iter().filter(|flag| full || flag != "RESTORER").collect::<Vec<_>>();
    let meaning = if place.faults_when_called() { Meaning::Danger } else { Meaning::Handled };
    let mut cells = vec![
        Cell::plain(signal.get().to_string()),
        Cell::new(signal_label(*signal, Arch::NATIVE), Meaning::Subject),
        Cell::new(handler_text(place, most), meaning),
        library_cell(place, most),
        if flags.is_empty() { Cell::absent() } else { Cell::plain(flags.join(" ")) },
        if action.mask.is_empty() {
            Cell::absent()
        } else {
            Cell::new(action.mask.display(Arch::NATIVE).to_string(), Meaning::Pending)
        },
    ];
    if full {
        cells.push(Cell::plain(format!("0x{:x}", place.address)));
        cells.push(
            restorer.as_ref().map_or_else(Cell::absent, |place| Cell::plain(handler_text(place, most))),
        );
    }
    cells
}

/// What the handler lies in.
fn library_cell(place: &CodeLocation, most: usize) -> Cell {
    let words = match &place.region {
        Region::File { is_deleted: deleted, .. } => {
            let name = shorten_middle(&library_text(place.region_name().unwrap_or_default()), most);
            format!("{name}{}", if *deleted { " (deleted)" } else { "" })
        }
        Region::KernelNamed(name) => escape_name(name).into_owned(),
        Region::Anonymous => "[anon]".to_owned(),
        Region::Unmapped => return Cell::new("unmapped", Meaning::Danger),
        Region::Kernel => "[kernel]".to_owned(),
        Region::Unknown => return Cell::new("unknown", Meaning::Unknown),
    };
    if place.faults_when_called() {
        Cell::new(format!("{words} (no code)"), Meaning::Danger)
    } else {
        Cell::plain(words)
    }
}

fn queue_grid(processes: &[DecodedProcess], several: bool, most: usize) -> Grid {
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
        let Some(inside) = &process.inspection else { continue };
        for entry in inside.queue.iter().flatten() {
            let mut cells = process_cells(process, several);
            let thread = entry.tid.map_or("process".to_owned(), |tid| format!("thread {tid}"));
            cells.extend([
                Cell::plain(entry.signal.get().to_string()),
                Cell::new(signal_label(entry.signal, Arch::NATIVE), Meaning::Subject),
                Cell::plain(thread),
                sender_cell(entry, most),
                entry.siginfo.as_ref().map_or_else(Cell::absent, value_cell),
                code_cell(entry, inside.incomplete),
            ]);
            grid.push_row(cells);
        }
    }
    grid
}

/// Why it was generated, or why that is not known.
fn code_cell(entry: &PendingEntry, cut: Option<IncompleteQueue>) -> Cell {
    let unknown = |text: String| Cell::new(text, Meaning::Unknown);
    if let Some(info) = &entry.siginfo {
        return Cell::plain(info.description());
    }
    if !entry.is_unread {
        return unknown("no siginfo was queued with it".to_owned());
    }
    let why = match cut {
        Some(IncompleteQueue::PerQueueLimit(most)) => format!("the queue has more than {most} entries"),
        Some(IncompleteQueue::TotalLimit(most)) => {
            format!("its queues have more than {most} entries together")
        }
        Some(IncompleteQueue::ChangedWhileReading) | None => "the queue changed while it was read".to_owned(),
    };
    unknown(format!("pending, but its entry was not read ({why})"))
}

/// Whom it says that it is from; nobody vouches for that.
fn sender_cell(entry: &PendingEntry, most: usize) -> Cell {
    if entry.is_unread {
        return Cell::new("not read", Meaning::Unknown);
    }
    let Some(info) = &entry.siginfo else { return Cell::new("lost", Meaning::Unknown) };
    let claims = |text: String| Cell::new(format!("claims {text}"), Meaning::Pending);
    match (&entry.claimed_sender, info.origin()) {
        (Some(claimed), _) => claims(claimed_process_text(claimed, most)),
        (None, SignalOrigin::Timer { id, .. }) => {
            let clock = entry.timer.and_then(|timer| timer.clock_name());
            claims(format!("timer {id}{}", clock.map_or(String::new(), |clock| format!(" ({clock})"))))
        }
        (None, SignalOrigin::OutsideNamespace { siginfo_lost: true, .. }) => {
            Cell::new("lost", Meaning::Unknown)
        }
        (None, SignalOrigin::OutsideNamespace { .. }) => claims("the kernel or outside process".to_owned()),
        _ => claims("kernel".to_owned()),
    }
}

/// `812 (deploy.sh) uid 1000`.
fn claimed_process_text(claimed: &ClaimedSender, most: usize) -> String {
    let ClaimedSender { inner_pid: number, pid, uid, name, is_child: child } = claimed;
    let child = if *child { "child " } else { "" };
    match (pid, name) {
        (Some(pid), Some(name)) => {
            format!("{child}{pid} ({}) uid {uid}", shorten_middle(&escape_name(name), most))
        }
        (Some(pid), None) => format!("{child}{pid} (exited) uid {uid}"),
        (None, _) => format!("{child}{number} in its PID namespace, uid {uid}"),
    }
}

fn value_cell(info: &Siginfo) -> Cell {
    SiginfoFields::from_siginfo(info).value.map_or_else(Cell::absent, |value| Cell::plain(value.to_string()))
}

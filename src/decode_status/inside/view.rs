//! Handlers and queues, shown.

use std::io;
use std::time::Duration;

use super::{Asked, handler_text, library_text, unseen_text};
use crate::decode_status::view::{ids, process_name, signal_name};
use crate::decode_status::{Process, Report};
use crate::observe::{Area, Claimed, Cut, Entry, Handler, Inside, Means, Place};
use crate::out::{Cell, Column, Fields, Grid, Meaning, Out, escape, shorten};
use crate::proc::Threads;
use crate::signal::details::Details;
use crate::signal::info::Origin;
use crate::signal::{Arch, Info};

/// How it was seen, what could not be, and what that cost.
pub(in crate::decode_status) fn means(process: &Process, asked: Option<Asked>, header: &mut Fields) {
    let (Some(asked), Some(inside)) = (asked, &process.inside) else { return };
    let Some(means) = &inside.means else {
        let nothing = match asked {
            _ if process.has_ended() => "it has ended",
            Asked { handlers: true, queue: true, .. } => "nothing is caught or pending",
            Asked { handlers: true, .. } => "nothing is caught",
            _ => "nothing is pending",
        };
        return header.add("Seen by", Cell::plain(format!("/proc alone: {nothing}")));
    };
    let Means { used, stopped, unseen, instead } = means;
    let cost = match stopped.is_zero() {
        true => "it was not stopped".to_owned(),
        false => format!("it was stopped for {}", duration(*stopped)),
    };
    let instead = instead.as_ref().map_or(String::new(), |why| format!(" ({why})"));
    header.add("Seen by", Cell::plain(format!("{}: {cost}{instead}", used.name())));
    for what in unseen {
        header.add("Not seen", Cell::new(unseen_text(what), Meaning::Unknown));
    }
}

impl Process {
    fn has_ended(&self) -> bool {
        self.threads.as_ref().is_some_and(Threads::are_ended)
    }
}

/// Microseconds, as they are for people.
pub(super) fn duration(time: Duration) -> String {
    match time.as_micros() {
        micros @ ..10_000 => format!("{micros} us"),
        micros => format!("{} ms", micros / 1000),
    }
}

/// What was asked of one process, a table each.
pub(in crate::decode_status) fn show(
    process: &Process,
    report: &Report,
    out: &mut Out<'_>,
) -> io::Result<()> {
    let (Some(asked), Some(inside)) = (report.inside, &process.inside) else { return Ok(()) };
    if process.has_ended() {
        return out.sentence("It has ended: no handler runs, and nothing is taken from a queue.");
    }
    let all = std::slice::from_ref(process);
    let fit = |most| if report.full { usize::MAX } else { most };
    if asked.handlers {
        match inside.handlers.as_deref() {
            None => {}
            Some([]) => out.sentence("No signal is caught.")?,
            Some(_) => {
                out.grid_or_cards(|most| handler_rows(all, report.full, false, fit(most)))?;
            }
        }
    }
    if asked.queue {
        match inside.queue.as_deref() {
            None => {}
            Some([]) => out.sentence("No signal is pending.")?,
            Some(_) => {
                out.grid_or_cards(|most| queue_rows(all, false, fit(most)))?;
            }
        }
        match inside.cut {
            Some(Cut::Limit(most)) => {
                out.line(&format!("More is queued: only the first {most} entries of a queue are read."))?;
            }
            Some(Cut::LimitOfAll(most)) => {
                out.line(&format!("More is queued: only the first {most} entries of all queues are read."))?;
            }
            Some(Cut::Changed) | None => {}
        }
    }
    Ok(())
}

/// What was asked of several processes, one table for all.
pub(in crate::decode_status) fn rows(
    asked: Asked,
    processes: &[Process],
    out: &mut Out<'_>,
) -> io::Result<()> {
    // Of those that could not be seen nothing is said here.
    let seen = || processes.iter().map(|process| process.inside.as_ref());
    let none = |count: fn(&Inside) -> usize| seen().flatten().map(count).sum::<usize>() == 0;
    let all = seen().all(|inside| inside.is_some());
    if asked.handlers {
        match none(|inside| inside.handlers.as_ref().map_or(0, Vec::len)) {
            true if all => out.sentence("No signal is caught.")?,
            true => {}
            false => out.grid_or_cards(|most| handler_rows(processes, false, true, most))?,
        }
    }
    if asked.queue {
        match none(|inside| inside.queue.as_ref().map_or(0, Vec::len)) {
            true if all => out.sentence("No signal is pending.")?,
            true => {}
            false => out.grid_or_cards(|most| queue_rows(processes, true, most))?,
        }
    }
    Ok(())
}

/// The columns that tell processes apart.
fn with_process(columns: &[Column], several: bool) -> Grid {
    let process = [Column::right("PID"), Column::word("NAME")];
    let first = if several { &process[..] } else { &[] };
    Grid::new(first.iter().chain(columns).copied().collect())
}

fn of_process(process: &Process, several: bool) -> Vec<Cell> {
    if several { vec![ids(process), process_name(process)] } else { Vec::new() }
}

/// `most`: in so many columns a name has to fit.
fn handler_rows(processes: &[Process], full: bool, several: bool, most: usize) -> Grid {
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
    let mut grid = with_process(&columns, several);
    for process in processes {
        let handlers = process.inside.iter().flat_map(|inside| inside.handlers.iter().flatten());
        for handler in handlers {
            let mut cells = of_process(process, several);
            cells.extend(handler_cells(handler, full, most));
            grid.row(cells);
        }
    }
    grid
}

fn handler_cells(handler: &Handler, full: bool, most: usize) -> Vec<Cell> {
    let Handler { signal, action, place, restorer } = handler;
    // Every handler has a restorer: that is no news.
    let flags = action.flag_names().into_iter().filter(|flag| full || flag != "RESTORER").collect::<Vec<_>>();
    let meaning = if place.is_fatal() { Meaning::Grave } else { Meaning::Handled };
    let mut cells = vec![
        Cell::plain(signal.get().to_string()),
        Cell::new(signal_name(*signal, Arch::NATIVE), Meaning::Subject),
        Cell::new(handler_text(place, most), meaning),
        library(place, most),
        if flags.is_empty() { Cell::nothing() } else { Cell::plain(flags.join(" ")) },
        if action.mask.is_empty() {
            Cell::nothing()
        } else {
            Cell::new(action.mask.text(Arch::NATIVE).to_string(), Meaning::Held)
        },
    ];
    if full {
        cells.push(Cell::plain(format!("0x{:x}", place.address)));
        cells.push(
            restorer.as_ref().map_or_else(Cell::nothing, |place| Cell::plain(handler_text(place, most))),
        );
    }
    cells
}

/// What the handler lies in.
fn library(place: &Place, most: usize) -> Cell {
    let words = match &place.area {
        Area::File { deleted, .. } => {
            let name = shorten(&library_text(place.library().unwrap_or_default()), most);
            format!("{name}{}", if *deleted { " (deleted)" } else { "" })
        }
        Area::Named(name) => escape(name).into_owned(),
        Area::Anonymous => "[anon]".to_owned(),
        Area::Unmapped => return Cell::new("unmapped", Meaning::Grave),
        Area::Kernel => "[kernel]".to_owned(),
        Area::Unknown => return Cell::new("unknown", Meaning::Unknown),
    };
    if place.is_fatal() {
        Cell::new(format!("{words} (no code)"), Meaning::Grave)
    } else {
        Cell::plain(words)
    }
}

fn queue_rows(processes: &[Process], several: bool, most: usize) -> Grid {
    let columns = [
        Column::right("NUM"),
        Column::left("SIGNAL"),
        Column::left("FOR"),
        Column::left("SENDER"),
        Column::left("VALUE"),
        Column::left("CODE"),
    ];
    let mut grid = with_process(&columns, several);
    for process in processes {
        let Some(inside) = &process.inside else { continue };
        for entry in inside.queue.iter().flatten() {
            let mut cells = of_process(process, several);
            let thread = entry.thread.map_or("process".to_owned(), |tid| format!("thread {tid}"));
            cells.extend([
                Cell::plain(entry.signal.get().to_string()),
                Cell::new(signal_name(entry.signal, Arch::NATIVE), Meaning::Subject),
                Cell::plain(thread),
                sender(entry, most),
                entry.info.as_ref().map_or_else(Cell::nothing, value),
                reason(entry, inside.cut),
            ]);
            grid.row(cells);
        }
    }
    grid
}

/// Why it was generated, or why that is not known.
fn reason(entry: &Entry, cut: Option<Cut>) -> Cell {
    let unknown = |text: String| Cell::new(text, Meaning::Unknown);
    if let Some(info) = &entry.info {
        return Cell::plain(info.words());
    }
    if !entry.unread {
        return unknown("nothing was queued with it".to_owned());
    }
    let why = match cut {
        Some(Cut::Limit(most)) => format!("the queue is longer than {most}"),
        Some(Cut::LimitOfAll(most)) => format!("its queues hold more than {most} in all"),
        Some(Cut::Changed) | None => "the queue has changed meanwhile".to_owned(),
    };
    unknown(format!("pending; its entry was not read ({why})"))
}

/// Whom it says that it is from; nobody vouches for that.
fn sender(entry: &Entry, most: usize) -> Cell {
    if entry.unread {
        return Cell::new("not read", Meaning::Unknown);
    }
    let Some(info) = &entry.info else { return Cell::new("lost", Meaning::Unknown) };
    let claims = |text: String| Cell::new(format!("claims {text}"), Meaning::Held);
    match (&entry.claimed, info.origin()) {
        (Some(claimed), _) => claims(claimed_text(claimed, most)),
        (None, Origin::Timer { id, .. }) => {
            let clock = entry.timer.and_then(|timer| timer.clock_name());
            claims(format!("timer {id}{}", clock.map_or(String::new(), |clock| format!(" ({clock})"))))
        }
        (None, Origin::Outside { lost: true, .. }) => Cell::new("lost", Meaning::Unknown),
        (None, Origin::Outside { .. }) => claims("outside or kernel".to_owned()),
        _ => claims("kernel".to_owned()),
    }
}

/// `812 (deploy.sh) uid 1000`.
fn claimed_text(claimed: &Claimed, most: usize) -> String {
    let Claimed { number, pid, uid, name, child } = claimed;
    let child = if *child { "child " } else { "" };
    match (pid, name) {
        (Some(pid), Some(name)) => {
            format!("{child}{pid} ({}) uid {uid}", shorten(&escape(name), most))
        }
        (Some(pid), None) => format!("{child}{pid} (exited) uid {uid}"),
        (None, _) => format!("{child}{number} in its pid namespace, uid {uid}"),
    }
}

fn value(info: &Info) -> Cell {
    Details::of(info).value.map_or_else(Cell::nothing, |value| Cell::plain(value.to_string()))
}

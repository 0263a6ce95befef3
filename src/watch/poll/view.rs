//! What is observed, a line each.

use std::borrow::Cow;
use std::io;

use super::change::{self, Change};
use super::{Event, What, wire};
use crate::explain::require::Set;
use crate::out::{Cell, Format, Meaning, Out, StreamColumn, escape};
use crate::proc::{Situation, Task};
use crate::signal::{Arch, SignalSet};
use crate::watch::view::time;

/// The columns; on a terminal the time is that of the day, for the width.
fn columns(format: Format) -> [StreamColumn; 4] {
    [
        StreamColumn { title: "TIME", width: if format == Format::Table { 16 } else { 27 } },
        StreamColumn { title: "PID", width: 7 },
        StreamColumn { title: "NAME", width: 15 },
        StreamColumn { title: "EVENT", width: 0 },
    ]
}

/// The line above all others.
pub(super) fn header(out: &mut Out<'_>) -> io::Result<()> {
    out.stream_header(&columns(out.format()))
}

/// One event.
pub(super) fn event(event: &Event<'_>, out: &mut Out<'_>) -> io::Result<()> {
    let format = out.format();
    if format == Format::Json {
        return out.json_line(&wire::event(event));
    }
    let name = escape(event.name).into_owned();
    let cells = [
        Cell::new(time(event.time, format), Meaning::Nothing),
        Cell::plain(event.pid.to_string()),
        if name.is_empty() { Cell::nothing() } else { Cell::new(name, Meaning::Subject) },
        what(&event.what),
    ];
    out.stream_row(&columns(format), cells)
}

fn what(what: &What<'_>) -> Cell {
    match what {
        What::Start { look, threads } => Cell::plain(start(look, *threads)),
        What::Thread(task) => Cell::plain(format!("thread {}: {}", task.tid, thread(task))),
        What::Change(change) => self::change(change),
        What::End(Some(ending)) => Cell::new(ending.to_string(), Meaning::Grave),
        What::End(None) => {
            Cell::new("ended; how cannot be told (that takes Linux 6.15, or its zombie)", Meaning::Unknown)
        }
    }
}

/// `state S (sleeping), 1 thread; ignored QUIT; caught TERM`.
fn start(look: &Situation, threads: bool) -> String {
    let state = change::state(look)
        .map_or("state unknown".to_owned(), |state| format!("state {} ({})", state.letter(), state.words()));
    let count = look.threads.as_ref().map_or(0, |threads| threads.count());
    let noun = if count == 1 { "thread" } else { "threads" };
    let mut text = format!("{state}, {count} {noun}");
    for set in [Set::Pending, Set::Blocked, Set::Ignored, Set::Caught] {
        match change::members(look, set, threads) {
            Some(signals) if signals.is_empty() => {}
            Some(signals) => text += &format!("; {} {}", set.word(), names(signals)),
            None => text += &format!("; {} unknown", set.word()),
        }
    }
    text
}

fn thread(task: &Task) -> String {
    let state = task.state.map_or("state unknown".to_owned(), |state| format!("state {}", state.letter()));
    let sets = [(Set::Pending, task.pending), (Set::Blocked, task.blocked)];
    let held = sets.into_iter().filter(|(_, signals)| !signals.is_empty());
    held.fold(state, |text, (set, signals)| format!("{text}; {} {}", set.word(), names(signals)))
}

fn change(change: &Change) -> Cell {
    match change {
        Change::Set { tid, added, set, signals } => {
            let sign = if *added { '+' } else { '-' };
            let text = format!("{sign}{} {}", set.word(), names(*signals));
            let meaning = match set {
                _ if !added => Meaning::Plain,
                Set::Pending | Set::Blocked => Meaning::Held,
                Set::Ignored => Meaning::Ignored,
                Set::Caught => Meaning::Handled,
                Set::Default => Meaning::Plain,
            };
            Cell::new(tid.map_or(text.clone(), |tid| format!("thread {tid}: {text}")), meaning)
        }
        Change::State { from, to } => {
            let text = format!("state {} -> {} ({})", from.letter(), to.letter(), to.words());
            Cell::new(text, if to.is_stopped() { Meaning::Held } else { Meaning::Plain })
        }
        Change::ThreadStarted(task) => Cell::plain(format!("thread {} started: {}", task.tid, thread(task))),
        Change::ThreadEnded(tid) => Cell::plain(format!("thread {tid} ended")),
    }
}

fn names(signals: SignalSet) -> Cow<'static, str> {
    signals.text(Arch::NATIVE).to_string().into()
}

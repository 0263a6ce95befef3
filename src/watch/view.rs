//! Signals as they arrive, a line each.

use std::borrow::Cow;
use std::io;
use std::time::SystemTime;

use super::{Event, Sender, wire};
use crate::out::{Cell, Format, Meaning, Out, StreamColumn, escape};
use crate::signal::Arch;
use crate::signal::info::Origin;

/// The columns; on a terminal the time is that of the day, for the width.
fn columns(format: Format) -> [StreamColumn; 5] {
    let (time, sender) = if format == Format::Table { (16, 24) } else { (27, 28) };
    [
        StreamColumn { title: "TIME", width: time },
        StreamColumn { title: "SIGNAL", width: 8 },
        StreamColumn { title: "SENDER", width: sender },
        StreamColumn { title: "VALUE", width: 5 },
        StreamColumn { title: "CODE", width: 0 },
    ]
}

/// The line above all others.
pub(super) fn header(out: &mut Out<'_>) -> io::Result<()> {
    out.stream_header(&columns(out.format()))
}

/// One signal.
pub(super) fn event(event: &Event, out: &mut Out<'_>) -> io::Result<()> {
    if out.format() == Format::Json {
        return out.json_line(&wire::event(event));
    }
    let info = &event.info;
    let origin = info.origin();
    let cells = [
        Cell::new(time(event.time, out.format()), Meaning::Nothing),
        Cell::new(Arch::NATIVE.name(info.signal).to_string(), Meaning::Subject),
        sender(event, origin),
        value(origin),
        Cell::plain(info.words()),
    ];
    out.stream_row(&columns(out.format()), cells)
}

/// UTC, as RFC 3339 has it; on a terminal without the day.
pub(super) fn time(time: SystemTime, format: Format) -> String {
    let whole = humantime::format_rfc3339_micros(time).to_string();
    match (format, whole.split_once('T')) {
        (Format::Table, Some((_, time))) => time.to_owned(),
        _ => whole,
    }
}

pub(super) fn sender(event: &Event, origin: Origin) -> Cell {
    let claimed = !event.info.is_verified();
    match (origin, &event.sender) {
        (_, Some(sender)) => process(sender),
        (Origin::Timer { id, .. }, _) if claimed => Cell::new(format!("claims timer {id}"), Meaning::Held),
        (Origin::Outside { lost: false, .. }, _) if claimed => Cell::new("claims nobody", Meaning::Held),
        _ if claimed => Cell::new("claims kernel", Meaning::Held),
        (Origin::Child { pid, uid, .. }, _) => Cell::plain(format!("child {pid} uid {uid}")),
        (Origin::Timer { id, .. }, _) => Cell::plain(format!("timer {id}")),
        (Origin::Outside { lost: true, .. }, _) => Cell::new("lost", Meaning::Unknown),
        (Origin::Outside { .. }, _) => Cell::new("outside or kernel", Meaning::Unknown),
        _ => Cell::plain("kernel"),
    }
}

/// `1234 (bash) uid 1000`, with `claims` before it where nobody vouches for it.
fn process(sender: &Sender) -> Cell {
    let name = match &sender.name {
        Some(name) => escape(name),
        None => Cow::Borrowed("exited"),
    };
    let claims = if sender.verified { "" } else { "claims " };
    let text = format!("{claims}{} ({name}) uid {}", sender.pid, sender.uid);
    Cell::new(text, if sender.verified { Meaning::Handled } else { Meaning::Held })
}

pub(super) fn value(origin: Origin) -> Cell {
    match origin {
        Origin::Process { value: Some(value), .. }
        | Origin::Outside { value: Some(value), .. }
        | Origin::Timer { value, .. } => Cell::plain(value.to_string()),
        _ => Cell::nothing(),
    }
}

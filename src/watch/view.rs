//! Signals as they arrive, a line each.

use std::borrow::Cow;
use std::io;

use super::{Event, Sender, wire};
use crate::out::{Cell, Format, Meaning, Out, StreamColumn, escape};
use crate::signal::Arch;
use crate::signal::info::Origin;

const COLUMNS: [StreamColumn; 5] = [
    StreamColumn { title: "TIME", width: 27 },
    StreamColumn { title: "SIGNAL", width: 8 },
    StreamColumn { title: "SENDER", width: 28 },
    StreamColumn { title: "VALUE", width: 6 },
    StreamColumn { title: "CODE", width: 0 },
];

/// The line above all others; JSON has none.
pub(super) fn header(out: &mut Out<'_>) -> io::Result<()> {
    match out.format() {
        Format::Json => Ok(()),
        _ => out.stream_header(&COLUMNS),
    }
}

/// One signal.
pub(super) fn event(event: &Event, out: &mut Out<'_>) -> io::Result<()> {
    if out.format() == Format::Json {
        return out.json_line(&wire::event(event));
    }
    let info = &event.info;
    let origin = info.origin();
    let cells = [
        Cell::new(humantime::format_rfc3339_micros(event.time).to_string(), Meaning::Nothing),
        Cell::new(Arch::NATIVE.name(info.signal).to_string(), Meaning::Subject),
        sender(event, origin),
        value(origin),
        code(event, origin),
    ];
    out.stream_row(&COLUMNS, cells)
}

fn sender(event: &Event, origin: Origin) -> Cell {
    match (origin, &event.sender) {
        (_, Some(sender)) => process(sender),
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

fn value(origin: Origin) -> Cell {
    match origin {
        Origin::Process { value: Some(value), .. }
        | Origin::Outside { value: Some(value), .. }
        | Origin::Timer { value, .. } => Cell::plain(value.to_string()),
        _ => Cell::nothing(),
    }
}

fn code(event: &Event, origin: Origin) -> Cell {
    let words = match event.info.code() {
        Some(code) => code.meaning.to_owned(),
        None => format!("code {}", event.info.code),
    };
    let more = match origin {
        Origin::Child { status, .. } if event.info.code == CLD_EXITED => format!(" with status {status}"),
        Origin::Child { status, .. } => format!(": {}", signal_name(status)),
        Origin::Timer { overrun, .. } if overrun > 0 => format!(", and {overrun} times more meanwhile"),
        Origin::Fault { address } => format!(", at 0x{address:x}"),
        Origin::Syscall { number, address } => format!(": number {number}, at 0x{address:x}"),
        Origin::Descriptor { descriptor, .. } => format!(", descriptor {descriptor}"),
        _ => return Cell::plain(words),
    };
    Cell::plain(words + &more)
}

/// si_code of a child that exited; its status is a number then, else a signal.
const CLD_EXITED: i32 = 1;

fn signal_name(number: i32) -> String {
    let signal = u8::try_from(number).ok().and_then(|number| Arch::NATIVE.signal(number));
    signal.map_or_else(|| number.to_string(), |signal| Arch::NATIVE.name(signal).to_string())
}

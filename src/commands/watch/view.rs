//! Signals as they arrive, a line each.

use std::borrow::Cow;
use std::io;
use std::time::SystemTime;

use super::{ReceivedSignal, SignalSender, wire};
use crate::out::{Cell, Meaning, OutputFormat, ReportWriter, StreamColumn, escape_name};
use crate::signal::Arch;
use crate::signal::siginfo::SignalOrigin;

/// The columns; on a terminal the time is that of the day, for the width.
fn columns(format: OutputFormat) -> [StreamColumn; 5] {
    let (time, sender) = if format == OutputFormat::Table { (16, 24) } else { (27, 28) };
    [
        StreamColumn { title: "TIME", width: time },
        StreamColumn { title: "SIGNAL", width: 8 },
        StreamColumn { title: "SENDER", width: sender },
        StreamColumn { title: "VALUE", width: 5 },
        StreamColumn { title: "CODE", width: 0 },
    ]
}

/// The line above all others.
pub(super) fn print_header(out: &mut ReportWriter<'_>) -> io::Result<()> {
    out.write_stream_header(&columns(out.format()))
}

/// One signal.
pub(super) fn print_signal(event: &ReceivedSignal, out: &mut ReportWriter<'_>) -> io::Result<()> {
    if out.format() == OutputFormat::Json {
        return out.write_json_line(&wire::received_signal_object(event));
    }
    let info = &event.siginfo;
    let origin = info.origin();
    let cells = [
        Cell::new(format_time(event.time, out.format()), Meaning::Absent),
        Cell::new(Arch::NATIVE.signal_name(info.signal).to_string(), Meaning::Subject),
        sender_cell(event, origin),
        value_cell(origin),
        Cell::plain(info.description()),
    ];
    out.write_stream_row(&columns(out.format()), cells)
}

/// UTC, as RFC 3339 has it; on a terminal without the day.
pub(super) fn format_time(time: SystemTime, format: OutputFormat) -> String {
    let whole = humantime::format_rfc3339_micros(time).to_string();
    match (format, whole.split_once('T')) {
        (OutputFormat::Table, Some((_, time))) => time.to_owned(),
        _ => whole,
    }
}

pub(super) fn sender_cell(event: &ReceivedSignal, origin: SignalOrigin) -> Cell {
    let claimed = !event.siginfo.is_verified();
    match (origin, &event.sender) {
        (_, Some(sender)) => sender_process_cell(sender),
        (SignalOrigin::Timer { id, .. }, _) if claimed => {
            Cell::new(format!("claims timer {id}"), Meaning::Pending)
        }
        (SignalOrigin::OutsideNamespace { siginfo_lost: false, .. }, _) if claimed => {
            Cell::new("claims nobody", Meaning::Pending)
        }
        _ if claimed => Cell::new("claims kernel", Meaning::Pending),
        (SignalOrigin::Child { pid, uid, .. }, _) => Cell::plain(format!("child {pid} uid {uid}")),
        (SignalOrigin::Timer { id, .. }, _) => Cell::plain(format!("timer {id}")),
        (SignalOrigin::OutsideNamespace { siginfo_lost: true, .. }, _) => Cell::new("lost", Meaning::Unknown),
        (SignalOrigin::OutsideNamespace { .. }, _) => Cell::new("outside or kernel", Meaning::Unknown),
        _ => Cell::plain("kernel"),
    }
}

/// `1234 (bash) uid 1000`, with `claims` before it where nobody vouches for it.
fn sender_process_cell(sender: &SignalSender) -> Cell {
    let name = match &sender.name {
        Some(name) => escape_name(name),
        None => Cow::Borrowed("exited"),
    };
    let claims = if sender.verified { "" } else { "claims " };
    let text = format!("{claims}{} ({name}) uid {}", sender.pid, sender.uid);
    Cell::new(text, if sender.verified { Meaning::Handled } else { Meaning::Pending })
}

pub(super) fn value_cell(origin: SignalOrigin) -> Cell {
    match origin {
        SignalOrigin::Process { value: Some(value), .. }
        | SignalOrigin::OutsideNamespace { value: Some(value), .. }
        | SignalOrigin::Timer { value, .. } => Cell::plain(value.to_string()),
        _ => Cell::absent(),
    }
}

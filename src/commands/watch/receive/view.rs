//! Prints received signals as table rows or JSON Lines.

use std::io;

use crate::commands::watch::cells::{format_time, sender_cell, value_cell};
use crate::commands::watch::{ReceivedSignal, wire};
use crate::out::{Cell, Meaning, OutputFormat, ReportWriter, StreamColumn};
use crate::signal::Arch;

/// The columns. A table has no date in the time column, to save width.
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

/// Prints the column titles.
pub(super) fn print_header(out: &mut ReportWriter<'_>) -> io::Result<()> {
    out.write_stream_header(&columns(out.format()))
}

/// Prints one signal.
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

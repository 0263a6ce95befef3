//! Table cells for the time, sender and value of a received signal.

use std::borrow::Cow;
use std::time::SystemTime;

use super::{ReceivedSignal, SignalSender};
use crate::out::{Cell, Meaning, OutputFormat, escape_name};
use crate::signal::siginfo::SignalOrigin;

/// Formats a time in UTC as in RFC 3339, in a table without the date.
pub(super) fn format_time(time: SystemTime, format: OutputFormat) -> String {
    let date_and_time = humantime::format_rfc3339_micros(time).to_string();
    match (format, date_and_time.split_once('T')) {
        (OutputFormat::Table, Some((_, time))) => time.to_owned(),
        _ => date_and_time,
    }
}

/// The sender, with `claims` in front if it is unverified.
pub(super) fn sender_cell(event: &ReceivedSignal, origin: SignalOrigin) -> Cell {
    let is_claimed = !event.siginfo.is_verified();
    match (origin, &event.sender) {
        (_, Some(sender)) => sender_process_cell(sender),
        (SignalOrigin::Timer { id, .. }, _) if is_claimed => {
            Cell::new(format!("claims timer {id}"), Meaning::Pending)
        }
        (SignalOrigin::OutsideNamespace { siginfo_lost: false, .. }, _) if is_claimed => {
            Cell::new("claims PID 0", Meaning::Pending)
        }
        _ if is_claimed => Cell::new("claims kernel", Meaning::Pending),
        (SignalOrigin::Child { pid, uid, .. }, _) => Cell::plain(format!("child {pid} uid {uid}")),
        (SignalOrigin::Timer { id, .. }, _) => Cell::plain(format!("timer {id}")),
        (SignalOrigin::OutsideNamespace { siginfo_lost: true, .. }, _) => Cell::new("lost", Meaning::Unknown),
        (SignalOrigin::OutsideNamespace { .. }, _) => Cell::new("kernel or other PID ns", Meaning::Unknown),
        _ => Cell::plain("kernel"),
    }
}

/// Formats a process as `1234 (bash) uid 1000`, with `claims` in front if it is unverified.
fn sender_process_cell(sender: &SignalSender) -> Cell {
    let name = match &sender.name {
        Some(name) => escape_name(name),
        None => Cow::Borrowed("exited"),
    };
    let claims = if sender.verified { "" } else { "claims " };
    let text = format!("{claims}{} ({name}) uid {}", sender.pid, sender.uid);
    Cell::new(text, if sender.verified { Meaning::Handled } else { Meaning::Pending })
}

/// The value of sigqueue(3) or of a timer.
pub(super) fn value_cell(origin: SignalOrigin) -> Cell {
    match origin {
        SignalOrigin::Process { value: Some(value), .. }
        | SignalOrigin::OutsideNamespace { value: Some(value), .. }
        | SignalOrigin::Timer { value, .. } => Cell::plain(value.to_string()),
        _ => Cell::absent(),
    }
}

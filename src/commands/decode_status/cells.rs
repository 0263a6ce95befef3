//! Cells and texts that several views of decode-status share.

use super::DecodedProcess;
use crate::out::{Cell, Meaning, escape_name};
use crate::procfs::ProcStatus;
use crate::signal::{Arch, Signal};

/// A PID, or TID, with a name if there is one: `1234 (nginx)`.
pub(super) fn pid_with_name(name: &Option<String>, number: &str) -> String {
    match name {
        Some(name) => format!("{number} ({name})"),
        None => number.to_owned(),
    }
}

/// A signal's name; the C library's own signals are marked as such.
pub(super) fn signal_label(signal: Signal, arch: Arch) -> String {
    let name = arch.signal_name(signal);
    if signal.is_reserved_by_libc() { format!("{name} (C library)") } else { name.to_string() }
}

/// The PID, and the TID if one thread is shown.
pub(super) fn ids_cell(process: &DecodedProcess) -> Cell {
    match (process.status.tgid.or(process.status.pid), process.tid) {
        (Some(pid), Some(tid)) => Cell::new(format!("{pid}/{tid}"), Meaning::Subject),
        (Some(pid), None) => Cell::new(pid.to_string(), Meaning::Subject),
        _ => Cell::absent(),
    }
}

/// The letter of the state.
pub(super) fn state_cell(status: &ProcStatus) -> Cell {
    status.state.map_or_else(Cell::absent, |state| Cell::plain(state.letter().to_string()))
}

/// The name, or the file that a text without a name was read from.
pub(super) fn process_name_cell(process: &DecodedProcess) -> Cell {
    let name = process.status.name.as_ref().map(|name| name.as_bytes());
    match name.or(process.source_file.as_deref()) {
        Some(name) if !name.is_empty() => Cell::plain(escape_name(name).into_owned()),
        _ => Cell::absent(),
    }
}

/// A process as a message names it: `1234 (nginx, uid 33)`.
pub(super) fn process_label(process: &DecodedProcess) -> String {
    let status = &process.status;
    let pid = status.tgid.or(status.pid).unwrap_or(0);
    let name = status.name.as_ref().map(|name| escape_name(name.as_bytes()).into_owned());
    let uid = status.uids.map(|(_, effective)| format!("uid {effective}"));
    let known: Vec<String> = name.into_iter().chain(uid).collect();
    if known.is_empty() { pid.to_string() } else { format!("{pid} ({})", known.join(", ")) }
}

/// A name as a JSON string; invalid UTF-8 becomes U+FFFD.
pub(super) fn lossy_string(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

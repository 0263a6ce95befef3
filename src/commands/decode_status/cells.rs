//! Table cells and texts that several views of decode-status share.

use super::DecodedProcess;
use crate::out::{Cell, Meaning, escape_name};
use crate::procfs::ProcStatus;
use crate::signal::{Arch, Signal};

/// Returns a PID or TID with the name, if any: `1234 (nginx)`.
pub(super) fn pid_with_name(name: &Option<String>, id: &str) -> String {
    match name {
        Some(name) => format!("{id} ({name})"),
        None => id.to_owned(),
    }
}

/// Returns the name of a signal, with a mark if the C library reserves it.
pub(super) fn signal_label(signal: Signal, arch: Arch) -> String {
    let name = arch.signal_name(signal);
    if signal.is_reserved_by_libc() { format!("{name} (C library)") } else { name.to_string() }
}

/// Returns the PID, and the TID if a single thread is shown.
pub(super) fn ids_cell(process: &DecodedProcess) -> Cell {
    match (process.status.tgid.or(process.status.pid), process.tid) {
        (Some(pid), Some(tid)) => Cell::new(format!("{pid}/{tid}"), Meaning::Subject),
        (Some(pid), None) => Cell::new(pid.to_string(), Meaning::Subject),
        _ => Cell::absent(),
    }
}

/// Returns the letter of the state.
pub(super) fn state_cell(status: &ProcStatus) -> Cell {
    status.state.map_or_else(Cell::absent, |state| Cell::plain(state.letter().to_string()))
}

/// Returns the name, or the file that contained a status without a name.
pub(super) fn process_name_cell(process: &DecodedProcess) -> Cell {
    let name = process.status.name.as_ref().map(|name| name.as_bytes());
    match name.or(process.source_file.as_deref()) {
        Some(name) if !name.is_empty() => Cell::plain(escape_name(name).into_owned()),
        _ => Cell::absent(),
    }
}

/// Returns a process for use in a message: `1234 (nginx, uid 33)`.
pub(super) fn process_label(process: &DecodedProcess) -> String {
    let status = &process.status;
    let pid = status.tgid.or(status.pid).unwrap_or(0);
    let name = status.name.as_ref().map(|name| escape_name(name.as_bytes()).into_owned());
    let uid = status.uids.map(|(_, effective)| format!("uid {effective}"));
    let details: Vec<String> = name.into_iter().chain(uid).collect();
    if details.is_empty() { pid.to_string() } else { format!("{pid} ({})", details.join(", ")) }
}

/// Returns a name as a JSON string. Invalid UTF-8 becomes U+FFFD.
pub(super) fn lossy_string(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

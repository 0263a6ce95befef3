//! Whether this machine's /proc has the numbers that system calls take.

use std::io;

use super::SelectError;
use crate::procfs::ProcRoot;

/// Whether a process that /proc shows is the one that system calls mean by its
/// number. A /proc that is not this machine's own is not asked.
///
/// # Errors
/// [`SelectError::ForeignProc`] where /proc is that of another pid namespace;
/// [`SelectError::ProcUnreadable`] where nothing is mounted there.
pub fn check_native_proc(root: &ProcRoot) -> Result<(), SelectError> {
    if !root.is_native() || root.own_pid().is_ok_and(|own| own == std::process::id()) {
        return Ok(());
    }
    let listing = |error| SelectError::ProcUnreadable(root.directory().to_owned(), error);
    match root.pids().map_err(listing)?.is_empty() {
        true => Err(listing(io::Error::other("it is not mounted"))),
        false => Err(SelectError::ForeignProc),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_native_proc_accepts_other_root() {
        assert!(check_native_proc(&ProcRoot::default()).is_ok());
        assert!(check_native_proc(&ProcRoot::new("/nowhere")).is_ok());
    }
}

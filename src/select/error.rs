//! The reasons why processes could not be selected.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::pidfile::PidfileError;
use crate::error::message_without_errno;
use crate::exit::ExitStatus;
use crate::procfs::ProcReadError;

/// The reason why a selection failed.
#[derive(Debug)]
pub enum SelectError {
    /// /proc belongs to another PID namespace: its PIDs are not those that system
    /// calls take.
    ForeignProc,
    /// /proc itself cannot be read.
    ProcUnreadable(PathBuf, io::Error),
    /// A `--pidfile` does not name a running process.
    BadPidfile(PathBuf, PidfileError),
    /// The PID namespace of the process given with `--ns` cannot be read.
    NamespaceUnreadable(u32, ProcReadError),
    /// A list of sockets, for `--port`, cannot be read.
    SocketsUnreadable(PathBuf, io::Error),
    /// More processes match than `--at-most` allows.
    TooManyMatches {
        /// The number of processes, including descendants.
        count: usize,
        /// The limit.
        at_most: usize,
    },
}

impl SelectError {
    /// The exit status of a command that fails with this error.
    pub fn exit_status(&self) -> ExitStatus {
        match self {
            SelectError::TooManyMatches { .. } => ExitStatus::Failure,
            _ => ExitStatus::Unreadable,
        }
    }
}

impl fmt::Display for SelectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SelectError::ForeignProc => f.write_str(
                "/proc is that of another pid namespace, with other process numbers: mount this one's own there \
                 (unshare --mount-proc)",
            ),
            SelectError::ProcUnreadable(directory, error) => {
                write!(f, "{}: no processes can be read: {}", display_path(directory), message_without_errno(error))
            }
            SelectError::BadPidfile(file, error) => write!(f, "--pidfile {}: {error}", display_path(file)),
            SelectError::NamespaceUnreadable(pid, ProcReadError::PermissionDenied) => write!(
                f,
                "--ns {pid}: its namespace may not be read: it is another user's, and that takes CAP_SYS_PTRACE"
            ),
            SelectError::NamespaceUnreadable(pid, error) => write!(f, "--ns {pid}: {error}"),
            SelectError::SocketsUnreadable(file, error) => write!(f, "--port: {}: {}", display_path(file), message_without_errno(error)),
            SelectError::TooManyMatches { count, at_most } => {
                let verb_phrase = if *count == 1 { "process matches" } else { "processes match" };
                write!(f, "{count} {verb_phrase}, and --at-most is {at_most}")
            }
        }
    }
}

impl std::error::Error for SelectError {}

/// A path as one line of text.
pub(super) fn display_path(path: &Path) -> String {
    path.to_string_lossy().replace(char::is_control, "?")
}

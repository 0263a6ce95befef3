//! Why nothing could be chosen.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::pidfile::PidfileError;
use crate::error::message_without_errno;
use crate::procfs::ProcReadError;

/// Why a selection could not be made.
#[derive(Debug)]
pub enum SelectError {
    /// /proc is that of another pid namespace: its numbers are not those that
    /// signals are sent by.
    ForeignProc,
    /// /proc itself cannot be read.
    ProcUnreadable(PathBuf, io::Error),
    /// A `--pidfile` names no process that it could mean.
    BadPidfile(PathBuf, PidfileError),
    /// The pid namespace of the process that `--ns` names cannot be read.
    NamespaceUnreadable(u32, ProcReadError),
    /// A list of sockets, for `--port`, cannot be read.
    SocketsUnreadable(PathBuf, io::Error),
    /// More than `--at-most` were found.
    TooManyMatches {
        /// How many, descendants included.
        count: usize,
        /// The limit.
        at_most: usize,
    },
}

impl SelectError {
    /// Whether a process or a file that was named could not be read, or tells
    /// nothing: exit status 3.
    pub fn is_unreadable(&self) -> bool {
        !matches!(self, SelectError::TooManyMatches { .. })
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
            SelectError::TooManyMatches { count: found, at_most } => {
                let matching = if *found == 1 { "process matches" } else { "processes match" };
                write!(f, "{found} {matching}, and --at-most is {at_most}")
            }
        }
    }
}

impl std::error::Error for SelectError {}

/// A path in one line of text.
pub(super) fn display_path(path: &Path) -> String {
    path.to_string_lossy().replace(char::is_control, "?")
}

//! Why nothing could be chosen.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::pidfile::PidfileError;
use crate::proc::ReadError;
use crate::proc::reader::bare;

/// Why a selection could not be made.
#[derive(Debug)]
pub enum SelectError {
    /// /proc is that of another pid namespace: its numbers are not those that
    /// signals are sent by.
    ForeignProc,
    /// /proc itself cannot be read.
    Proc(PathBuf, io::Error),
    /// A `--pidfile` names no process that it could mean.
    Pidfile(PathBuf, PidfileError),
    /// The pid namespace of the process that `--ns` names cannot be read.
    Namespace(u32, ReadError),
    /// A list of sockets, for `--port`, cannot be read.
    Sockets(PathBuf, io::Error),
    /// More than `--at-most` were found.
    TooMany {
        /// How many, descendants included.
        found: usize,
        /// The limit.
        at_most: usize,
    },
}

impl SelectError {
    /// Whether a process or a file that was named could not be read, or tells
    /// nothing: exit status 3.
    pub fn is_unreadable(&self) -> bool {
        !matches!(self, SelectError::TooMany { .. })
    }
}

impl fmt::Display for SelectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SelectError::ForeignProc => f.write_str(
                "/proc is that of another pid namespace, with other process numbers: mount this one's own there \
                 (unshare --mount-proc)",
            ),
            SelectError::Proc(directory, error) => {
                write!(f, "{}: no processes can be read: {}", shown(directory), bare(error))
            }
            SelectError::Pidfile(file, error) => write!(f, "--pidfile {}: {error}", shown(file)),
            SelectError::Namespace(pid, ReadError::Denied) => write!(
                f,
                "--ns {pid}: its namespace may not be read: it is another user's, and that takes CAP_SYS_PTRACE"
            ),
            SelectError::Namespace(pid, error) => write!(f, "--ns {pid}: {error}"),
            SelectError::Sockets(file, error) => write!(f, "--port: {}: {}", shown(file), bare(error)),
            SelectError::TooMany { found, at_most } => {
                let matching = if *found == 1 { "process matches" } else { "processes match" };
                write!(f, "{found} {matching}, and --at-most is {at_most}")
            }
        }
    }
}

impl std::error::Error for SelectError {}

/// A path in one line of text.
pub(super) fn shown(path: &Path) -> String {
    path.to_string_lossy().replace(char::is_control, "?")
}

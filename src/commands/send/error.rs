//! The error of sending a signal to one target.

use std::fmt;
use std::io;

use super::SendAttempt;
use crate::sys::errno::{EAGAIN, EPERM, ESRCH};
use crate::sys::process::pidfd::Unavailable;

/// The reason that a target was not signalled. [`SendError::id`] is stable.
#[derive(Debug)]
pub enum SendError {
    /// No process has the PID (ESRCH).
    NotFound,
    /// The sender lacks the permission (EPERM).
    PermissionDenied,
    /// The signal queue of the target's user is full (EAGAIN; RLIMIT_SIGPENDING).
    QueueFull,
    /// Another process has the PID, because the inode of its pidfd differs.
    PidReused {
        /// The inode of that process.
        inode: u64,
    },
    /// The PID is the TID of a thread of this process.
    IsThread(u32),
    /// No process has the name.
    NameNotFound,
    /// The process does not match the criteria.
    NotSelected,
    /// The process exited, or no longer matches, since the user was asked.
    ChangedDuringPrompt,
    /// sigtool is the only member of the group.
    OnlySelfInGroup,
    /// A handler is required, and the process has none for the signal.
    NoHandler,
    /// /proc belongs to another PID namespace, so its PIDs cannot be used.
    ForeignPidNamespace,
    /// Sending failed for some or all members of a group.
    GroupMembers {
        /// The number of members that were not signalled.
        failed: usize,
        /// The number of members.
        total: usize,
        /// The error of the first of them.
        cause: Box<SendError>,
    },
    /// The target needs a pidfd, and a system call for it is not available.
    NoPidfd(Unavailable),
    /// The target is PID:INODE, and all pidfds share one inode (before Linux 6.9).
    SharedInode,
    /// The operand is not a target.
    InvalidTarget,
    /// Any other error of the system call.
    Other(io::Error),
}

impl From<io::Error> for SendError {
    fn from(error: io::Error) -> SendError {
        match error.raw_os_error() {
            Some(ESRCH) => SendError::NotFound,
            Some(EPERM) => SendError::PermissionDenied,
            Some(EAGAIN) => SendError::QueueFull,
            _ => SendError::Other(error),
        }
    }
}

impl SendError {
    /// Whether some members of the group were signalled.
    pub fn is_partial(&self) -> bool {
        matches!(self, SendError::GroupMembers { failed, total, .. } if failed < total)
    }

    /// The stable identifier, as in JSON.
    pub const fn id(&self) -> &'static str {
        match self {
            SendError::NotFound => "gone",
            SendError::PermissionDenied => "denied",
            SendError::QueueFull => "queue-full",
            SendError::PidReused { .. } => "reused",
            SendError::IsThread(_) => "thread",
            SendError::NameNotFound => "no-name",
            SendError::NotSelected => "no-match",
            SendError::ChangedDuringPrompt => "no-longer",
            SendError::OnlySelfInGroup => "only-ourselves",
            SendError::NoHandler => "no-handler",
            SendError::ForeignPidNamespace => "foreign-proc",
            SendError::GroupMembers { .. } => "members",
            SendError::NoPidfd(_) => "no-pidfd",
            SendError::SharedInode => "shared-inode",
            SendError::InvalidTarget => "no-target",
            SendError::Other(_) => "other",
        }
    }

    /// The message for the kind of target that `attempt` has. `own_uids` are the
    /// real and the effective UID of sigtool.
    pub fn message_for(&self, attempt: &SendAttempt, own_uids: (u32, u32)) -> String {
        match (self, attempt.group, attempt.tid) {
            (SendError::NotFound, Some(_), _) => "no such process group".to_owned(),
            (SendError::NotFound, _, Some(_)) => "no such thread in this process".to_owned(),
            (SendError::PermissionDenied, ..) => {
                format!(
                    "{self} ({}; signalling another user's process requires CAP_KILL)",
                    describe_own_uids(own_uids)
                )
            }
            (SendError::IsThread(process), ..) => {
                format!("{self} (to signal only the thread, use {process}/{})", attempt.operand)
            }
            _ => self.to_string(),
        }
    }

    /// The message of strerror(3), which every kill(1) prints.
    pub fn to_strerror(&self) -> String {
        match self {
            SendError::NotFound | SendError::PidReused { .. } | SendError::IsThread(_) => {
                "No such process".to_owned()
            }
            SendError::PermissionDenied => "Operation not permitted".to_owned(),
            SendError::QueueFull => "Resource temporarily unavailable".to_owned(),
            _ => self.to_string(),
        }
    }
}

fn describe_own_uids(uids: (u32, u32)) -> String {
    match uids {
        (real, effective) if real == effective => format!("you are uid {real}"),
        (real, effective) => format!("you are uid {real} with effective uid {effective}"),
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::NotFound => f.write_str("no such process"),
            SendError::PermissionDenied => f.write_str("operation not permitted"),
            SendError::QueueFull => f.write_str(
                "the signal queue of its user is full (the limit is RLIMIT_SIGPENDING, ulimit -i)",
            ),
            SendError::PidReused { inode } => {
                write!(f, "a different process has this PID now, with pidfd inode {inode}")
            }
            SendError::IsThread(process) => {
                write!(f, "it is a thread of process {process}")
            }
            SendError::NameNotFound => f.write_str("no process has this name"),
            SendError::NotSelected => f.write_str("it does not match the selection options"),
            SendError::ChangedDuringPrompt => f.write_str("it exited or no longer matches"),
            SendError::OnlySelfInGroup => f.write_str("sigtool is the only process in the group"),
            SendError::NoHandler => f.write_str("it has no handler for the signal"),
            SendError::ForeignPidNamespace => {
                f.write_str("/proc belongs to a different PID namespace, so its PIDs cannot be used")
            }
            SendError::GroupMembers { failed, total, cause } => {
                write!(f, "{failed} of {total} processes were not signalled ({cause})")
            }
            SendError::NoPidfd(unavailable) => {
                write!(f, "{unavailable}, and the PID may belong to another process now")
            }
            SendError::SharedInode => {
                f.write_str("PID:INODE needs Linux 6.9 (on older kernels, all pidfds share one inode)")
            }
            SendError::InvalidTarget => f.write_str("invalid PID"),
            SendError::Other(error) => f.write_str(&crate::error::message_without_errno(error)),
        }
    }
}

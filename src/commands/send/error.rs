//! Why a signal could not be sent.

use std::fmt;
use std::io;

use super::SendAttempt;
use crate::sys::errno::{EAGAIN, EPERM, ESRCH};
use crate::sys::process::pidfd::Unavailable;

/// A reason, with an identifier that programs can rely on.
#[derive(Debug)]
pub enum SendError {
    /// There is nobody of that number (ESRCH).
    NotFound,
    /// It is not ours to signal (EPERM).
    PermissionDenied,
    /// Its user's queue is full (EAGAIN; RLIMIT_SIGPENDING).
    QueueFull,
    /// The number now means another process than the inode says.
    PidReused {
        /// The inode it has now.
        inode: u64,
    },
    /// The number is a thread's; this is its process.
    IsThread(u32),
    /// No process has the name.
    NameNotFound,
    /// It is not among those that the criteria choose.
    NotSelected,
    /// It was what is meant when it was asked about, and is not any more.
    ChangedDuringPrompt,
    /// The group has no member but sigtool itself.
    OnlySelfInGroup,
    /// It does not catch the signal, which was required.
    NoHandler,
    /// What /proc says is of another pid namespace: its numbers mean others.
    ForeignPidNamespace,
    /// Some of a group's processes got it, others did not.
    GroupMembers {
        /// So many did not.
        failed: usize,
        /// Of so many.
        total: usize,
        /// Why the first of them did not.
        cause: Box<SendError>,
    },
    /// It must be held by a pidfd, and a system call for that is missing.
    NoPidfd(Unavailable),
    /// It is named by the inode of its pidfd, and all pidfds have the same here.
    SharedInode,
    /// The operand is no target.
    InvalidTarget,
    /// Anything else.
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
    /// Whether something was signalled nevertheless.
    pub fn is_partial(&self) -> bool {
        matches!(self, SendError::GroupMembers { failed, total, .. } if failed < total)
    }

    /// The identifier.
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

    /// The reason in words that fit the kind of target, for a sender of these
    /// users, the real and the effective one.
    pub fn message_for(&self, attempt: &SendAttempt, own_uids: (u32, u32)) -> String {
        match (self, attempt.group, attempt.tid) {
            (SendError::NotFound, Some(_), _) => "no such process group".to_owned(),
            (SendError::NotFound, _, Some(_)) => "no such thread of this process".to_owned(),
            (SendError::PermissionDenied, ..) => {
                format!("{self} ({}): another user's takes CAP_KILL", describe_own_uids(own_uids))
            }
            (SendError::IsThread(process), ..) => {
                format!("{self}; for the thread alone write {process}/{}", attempt.operand)
            }
            _ => self.to_string(),
        }
    }

    /// The reason in the words of strerror(3), which all of kill(1) print.
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
        (real, effective) => format!("you are uid {real}, with the rights of uid {effective}"),
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::NotFound => f.write_str("no such process"),
            SendError::PermissionDenied => f.write_str("operation not permitted"),
            SendError::QueueFull => f.write_str(
                "the signal queue of its user is full, by its own limit (RLIMIT_SIGPENDING, ulimit -i)",
            ),
            SendError::PidReused { inode } => {
                write!(f, "not the process that is meant: its inode is {inode}")
            }
            SendError::IsThread(process) => {
                write!(f, "it is a thread of process {process}, not a process")
            }
            SendError::NameNotFound => f.write_str("no process has this name"),
            SendError::NotSelected => f.write_str("it does not match the options that select"),
            SendError::ChangedDuringPrompt => f.write_str("it has ended, or is not what was meant any more"),
            SendError::OnlySelfInGroup => f.write_str("nobody is in it but sigtool itself"),
            SendError::NoHandler => f.write_str("it has no handler for the signal"),
            SendError::ForeignPidNamespace => {
                f.write_str("the /proc here is of another pid namespace: its numbers are others'")
            }
            SendError::GroupMembers { failed, total: of, cause } => {
                write!(f, "{failed} of {of} processes did not get it: {cause}")
            }
            SendError::NoPidfd(missing) => {
                write!(f, "{missing}, and a PID alone may mean another process by now")
            }
            SendError::SharedInode => {
                f.write_str("PID:INODE needs Linux 6.9 (before, all pidfds share one inode)")
            }
            SendError::InvalidTarget => f.write_str("not a process id"),
            SendError::Other(error) => f.write_str(&crate::error::message_without_errno(error)),
        }
    }
}

//! Why a signal could not be sent.

use std::fmt;
use std::io;

use super::Attempt;
use crate::sys::errno::{EAGAIN, EPERM, ESRCH};
use crate::sys::pidfd::Unavailable;

/// A reason, with an identifier that programs can rely on.
#[derive(Debug)]
pub enum Refusal {
    /// There is nobody of that number (ESRCH).
    Gone,
    /// It is not ours to signal (EPERM).
    Denied,
    /// Its user's queue is full (EAGAIN; RLIMIT_SIGPENDING).
    QueueFull,
    /// The number now means another process than the inode says.
    Reused {
        /// The inode it has now.
        inode: u64,
    },
    /// The number is a thread's; this is its process.
    Thread(u32),
    /// No process has the name.
    NoName,
    /// It is not among those that the criteria choose.
    NoMatch,
    /// It was what is meant when it was asked about, and is not any more.
    NoLonger,
    /// The group has no member but sigtool itself.
    OnlyOurselves,
    /// It does not catch the signal, which was required.
    NoHandler,
    /// What /proc says is of another pid namespace: its numbers mean others.
    ForeignProc,
    /// Some of a group's processes got it, others did not.
    Members {
        /// So many did not.
        failed: usize,
        /// Of so many.
        of: usize,
        /// Why the first of them did not.
        cause: Box<Refusal>,
    },
    /// It must be held by a pidfd, and a system call for that is missing.
    NoPidfd(Unavailable),
    /// It is named by the inode of its pidfd, and all pidfds have the same here.
    SharedInode,
    /// The operand is no target.
    NoTarget,
    /// Anything else.
    Other(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Refusal {
        match error.raw_os_error() {
            Some(ESRCH) => Refusal::Gone,
            Some(EPERM) => Refusal::Denied,
            Some(EAGAIN) => Refusal::QueueFull,
            _ => Refusal::Other(error),
        }
    }
}

impl Refusal {
    /// Whether something was signalled nevertheless.
    pub fn is_partial(&self) -> bool {
        matches!(self, Refusal::Members { failed, of, .. } if failed < of)
    }

    /// The identifier.
    pub const fn id(&self) -> &'static str {
        match self {
            Refusal::Gone => "gone",
            Refusal::Denied => "denied",
            Refusal::QueueFull => "queue-full",
            Refusal::Reused { .. } => "reused",
            Refusal::Thread(_) => "thread",
            Refusal::NoName => "no-name",
            Refusal::NoMatch => "no-match",
            Refusal::NoLonger => "no-longer",
            Refusal::OnlyOurselves => "only-ourselves",
            Refusal::NoHandler => "no-handler",
            Refusal::ForeignProc => "foreign-proc",
            Refusal::Members { .. } => "members",
            Refusal::NoPidfd(_) => "no-pidfd",
            Refusal::SharedInode => "shared-inode",
            Refusal::NoTarget => "no-target",
            Refusal::Other(_) => "other",
        }
    }

    /// The reason in words that fit the kind of target, for a sender of these
    /// users, the real and the effective one.
    pub fn of(&self, attempt: &Attempt, own_uids: (u32, u32)) -> String {
        match (self, attempt.group, attempt.tid) {
            (Refusal::Gone, Some(_), _) => "no such process group".to_owned(),
            (Refusal::Gone, _, Some(_)) => "no such thread of this process".to_owned(),
            (Refusal::Denied, ..) => format!("{self} ({}): another user's takes CAP_KILL", who(own_uids)),
            (Refusal::Thread(process), ..) => {
                format!("{self}; for the thread alone write {process}/{}", attempt.written)
            }
            _ => self.to_string(),
        }
    }

    /// The reason in the words of strerror(3), which all of kill(1) print.
    pub fn as_strerror(&self) -> String {
        match self {
            Refusal::Gone | Refusal::Reused { .. } | Refusal::Thread(_) => "No such process".to_owned(),
            Refusal::Denied => "Operation not permitted".to_owned(),
            Refusal::QueueFull => "Resource temporarily unavailable".to_owned(),
            _ => self.to_string(),
        }
    }
}

fn who(uids: (u32, u32)) -> String {
    match uids {
        (real, effective) if real == effective => format!("you are uid {real}"),
        (real, effective) => format!("you are uid {real}, with the rights of uid {effective}"),
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Gone => f.write_str("no such process"),
            Refusal::Denied => f.write_str("operation not permitted"),
            Refusal::QueueFull => f.write_str(
                "the signal queue of its user is full, by its own limit (RLIMIT_SIGPENDING, ulimit -i)",
            ),
            Refusal::Reused { inode } => {
                write!(f, "not the process that is meant: its inode is {inode}")
            }
            Refusal::Thread(process) => {
                write!(f, "it is a thread of process {process}, not a process")
            }
            Refusal::NoName => f.write_str("no process has this name"),
            Refusal::NoMatch => f.write_str("it does not match the options that select"),
            Refusal::NoLonger => f.write_str("it has ended, or is not what was meant any more"),
            Refusal::OnlyOurselves => f.write_str("nobody is in it but sigtool itself"),
            Refusal::NoHandler => f.write_str("it has no handler for the signal"),
            Refusal::ForeignProc => {
                f.write_str("the /proc here is of another pid namespace: its numbers are others'")
            }
            Refusal::Members { failed, of, cause } => {
                write!(f, "{failed} of {of} processes did not get it: {cause}")
            }
            Refusal::NoPidfd(missing) => {
                write!(f, "{missing}, and a PID alone may mean another process by now")
            }
            Refusal::SharedInode => {
                f.write_str("PID:INODE needs Linux 6.9 (before, all pidfds share one inode)")
            }
            Refusal::NoTarget => f.write_str("not a process id"),
            Refusal::Other(error) => f.write_str(&crate::error::bare(error)),
        }
    }
}

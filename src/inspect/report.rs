//! What was seen inside a process, as plain values.

use std::time::Duration;

use super::claimed_sender::ClaimedSender;
use super::symbols::location::CodeLocation;
use crate::procfs::PosixTimer;
use crate::signal::{Sigaction, Siginfo, Signal};

/// What was seen. What was not asked for is `None`.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    /// How it was seen; `None` where /proc had told already that there is
    /// nothing to see.
    pub provenance: Option<Provenance>,
    /// Its handlers, by the numbers of the signals.
    pub handlers: Option<Vec<Handler>>,
    /// What waits: for the process, then for each thread, in the order in which
    /// it came.
    pub queue: Option<Vec<PendingEntry>>,
    /// Why the queue is not whole, if it is not.
    pub incomplete: Option<IncompleteQueue>,
    /// Its threads in an uninterruptible sleep, and whether KILL ends that; none
    /// where the means does not tell.
    pub uninterruptible_threads: Vec<(u32, bool)>,
}

/// A signal that is caught, and by what.
#[derive(Clone, Debug)]
pub struct Handler {
    /// The signal.
    pub signal: Signal,
    /// Its action.
    pub action: Sigaction,
    /// Where the handler lies.
    pub location: CodeLocation,
    /// Where it returns to; `None` where the kernel chooses.
    pub restorer_location: Option<CodeLocation>,
}

/// A signal that is pending.
#[derive(Clone, Debug)]
pub struct PendingEntry {
    /// The signal.
    pub signal: Signal,
    /// The thread it is pending for; `None` for the process.
    pub tid: Option<u32>,
    /// What was queued with it: *claims*. `None` where nothing was, or it was
    /// lost: the queue was full, or it is KILL, with which the kernel keeps
    /// nothing (`__send_signal_locked` in kernel/signal.c). A timer's overrun is
    /// not known yet, and 0.
    pub siginfo: Option<Siginfo>,
    /// Whether it is known to be pending alone: its entry, if it has one, was not
    /// reached in a queue that is cut.
    pub is_unread: bool,
    /// The process that it names.
    pub claimed_sender: Option<ClaimedSender>,
    /// The POSIX timer of this process that it names.
    pub timer: Option<PosixTimer>,
}

/// Why a queue was not seen whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncompleteQueue {
    /// It is longer than what is read of each: so many entries.
    PerQueueLimit(u32),
    /// All queues of the process together are longer than what is read of them:
    /// so many entries.
    TotalLimit(u32),
    /// It changed while it was read, each time anew.
    ChangedWhileReading,
}

/// How it was seen, and what that cost.
#[derive(Clone, Debug)]
pub struct Provenance {
    /// Which means.
    pub backend: Backend,
    /// How long the target stood still.
    pub stop_duration: Duration,
    /// What could not be seen.
    pub unavailable: Vec<Unavailable>,
    /// Why BPF, which comes first, was not used.
    pub fallback_reason: Option<String>,
}

/// Something that could not be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// In a few words.
    Description(String),
    /// The symbols of a file.
    Symbols {
        /// Its name, without its folders.
        file_name: Vec<u8>,
        /// Why, in a few words.
        reason: &'static str,
    },
}

/// A means of looking inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// An iterator over tasks, in the kernel.
    Bpf,
    /// ptrace(2).
    Ptrace,
}

impl Backend {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Backend::Bpf => "bpf",
            Backend::Ptrace => "ptrace",
        }
    }

    /// Its name, in a sentence.
    pub const fn display_name(self) -> &'static str {
        match self {
            Backend::Bpf => "BPF",
            Backend::Ptrace => "ptrace",
        }
    }
}

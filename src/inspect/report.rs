//! The result of an inspection, as plain values.

use std::time::Duration;

use super::backend::Backend;
use super::claimed_sender::ClaimedSender;
use super::symbols::location::CodeLocation;
use crate::procfs::PosixTimer;
use crate::signal::{Sigaction, Siginfo, Signal};

/// The result of an inspection. A part that was not requested is `None`.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    /// The backend and its limits; `None` if /proc already shows that there is nothing to
    /// read.
    pub provenance: Option<Provenance>,
    /// The handlers, sorted by signal number.
    pub handlers: Option<Vec<Handler>>,
    /// The pending signals: those of the process, then those of each thread, in the order
    /// in which they were queued.
    pub queue: Option<Vec<PendingEntry>>,
    /// The reason why the queue is incomplete, if it is.
    pub incomplete: Option<IncompleteQueue>,
    /// The threads in an uninterruptible sleep, each with `true` if KILL interrupts the
    /// sleep. Empty if the backend cannot read this.
    pub uninterruptible_threads: Vec<(u32, bool)>,
}

/// A caught signal and its handler.
#[derive(Clone, Debug)]
pub struct Handler {
    /// The signal.
    pub signal: Signal,
    /// The action set by sigaction(2).
    pub action: Sigaction,
    /// The location of the handler.
    pub location: CodeLocation,
    /// The location of the restorer, to which the handler returns; `None` if the kernel
    /// chooses it.
    pub restorer_location: Option<CodeLocation>,
}

/// A signal that is pending.
#[derive(Clone, Debug)]
pub struct PendingEntry {
    /// The signal.
    pub signal: Signal,
    /// The TID of the thread for which it is pending; `None` for the process.
    pub tid: Option<u32>,
    /// The siginfo that was queued with it, an unverified claim. `None` if none was queued,
    /// because the queue was full or because the signal is KILL
    /// (`__send_signal_locked` in kernel/signal.c). The overrun of a timer is not known
    /// yet, so it is 0.
    pub siginfo: Option<Siginfo>,
    /// `true` if its entry, if it has one, was not read because the queue is incomplete.
    pub is_unread: bool,
    /// The process that the siginfo names.
    pub claimed_sender: Option<ClaimedSender>,
    /// The POSIX timer of the target that the siginfo names.
    pub timer: Option<PosixTimer>,
}

/// The reason why a queue is incomplete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncompleteQueue {
    /// The queue has more entries than are read of each queue (the limit).
    PerQueueLimit(u32),
    /// All queues of the process together have more entries than are read of them (the
    /// limit).
    TotalLimit(u32),
    /// The queue changed during every attempt to read it.
    ChangedWhileReading,
}

/// The backend of an inspection, its limits and its cost.
#[derive(Clone, Debug)]
pub struct Provenance {
    /// The backend.
    pub backend: Backend,
    /// The time for which the target was stopped.
    pub stop_duration: Duration,
    /// The information that could not be read.
    pub unavailable: Vec<Unavailable>,
    /// The reason why BPF, the first choice, was not used.
    pub fallback_reason: Option<String>,
}

/// Information that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// A phrase that describes it.
    Description(String),
    /// The symbols of a file.
    Symbols {
        /// The file name, without directories.
        file_name: Vec<u8>,
        /// The reason, as a phrase.
        reason: &'static str,
    },
}

impl Provenance {
    pub(super) fn new(backend: Backend) -> Provenance {
        Provenance { backend, stop_duration: Duration::ZERO, unavailable: Vec::new(), fallback_reason: None }
    }
}

impl PendingEntry {
    /// Returns a pending signal of which nothing else is known.
    pub(super) fn without_siginfo(signal: Signal, tid: Option<u32>) -> PendingEntry {
        PendingEntry { signal, tid, siginfo: None, is_unread: false, claimed_sender: None, timer: None }
    }
}

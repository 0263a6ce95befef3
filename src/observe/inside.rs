//! What was seen inside a process, as plain values.

use std::time::Duration;

use super::place::Place;
use super::sender::Claimed;
use crate::proc::Timer;
use crate::signal::{Info, Sigaction, Signal};

/// What was seen. What was not asked for is `None`.
#[derive(Clone, Debug, Default)]
pub struct Inside {
    /// How it was seen; `None` where /proc had told already that there is
    /// nothing to see.
    pub means: Option<Means>,
    /// Its handlers, by the numbers of the signals.
    pub handlers: Option<Vec<Handler>>,
    /// What waits: for the process, then for each thread, in the order in which
    /// it came.
    pub queue: Option<Vec<Entry>>,
    /// Why the queue is not whole, if it is not.
    pub cut: Option<Cut>,
    /// Its threads in an uninterruptible sleep, and whether KILL ends that; none
    /// where the means does not tell.
    pub sleeps: Vec<(u32, bool)>,
}

/// A signal that is caught, and by what.
#[derive(Clone, Debug)]
pub struct Handler {
    /// The signal.
    pub signal: Signal,
    /// Its action.
    pub action: Sigaction,
    /// Where the handler lies.
    pub place: Place,
    /// Where it returns to; `None` where the kernel chooses.
    pub restorer: Option<Place>,
}

/// A signal that is pending.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The signal.
    pub signal: Signal,
    /// The thread it is pending for; `None` for the process.
    pub thread: Option<u32>,
    /// What was queued with it: *claims*. `None` where nothing was, or it was
    /// lost: the queue was full, or it is KILL, with which the kernel keeps
    /// nothing (`__send_signal_locked` in kernel/signal.c). A timer's overrun is
    /// not known yet, and 0.
    pub info: Option<Info>,
    /// Whether it is known to be pending alone: its entry, if it has one, was not
    /// reached in a queue that is cut.
    pub unread: bool,
    /// The process that it names.
    pub claimed: Option<Claimed>,
    /// The POSIX timer of this process that it names.
    pub timer: Option<Timer>,
}

/// Why a queue was not seen whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It is longer than what is read of each: so many entries.
    Limit(u32),
    /// All queues of the process together are longer than what is read of them:
    /// so many entries.
    LimitOfAll(u32),
    /// It changed while it was read, each time anew.
    Changed,
}

/// How it was seen, and what that cost.
#[derive(Clone, Debug)]
pub struct Means {
    /// Which means.
    pub used: Used,
    /// How long the target stood still.
    pub stopped: Duration,
    /// What could not be seen.
    pub unseen: Vec<Unseen>,
    /// Why BPF, which comes first, was not used.
    pub instead: Option<String>,
}

/// Something that could not be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unseen {
    /// In a few words.
    Words(String),
    /// The symbols of a file.
    Symbols {
        /// Its name, without its folders.
        library: Vec<u8>,
        /// Why, in a few words.
        why: &'static str,
    },
}

/// A means of looking inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Used {
    /// An iterator over tasks, in the kernel.
    Bpf,
    /// ptrace(2).
    Ptrace,
}

impl Used {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Used::Bpf => "bpf",
            Used::Ptrace => "ptrace",
        }
    }

    /// Its name, in a sentence.
    pub const fn name(self) -> &'static str {
        match self {
            Used::Bpf => "BPF",
            Used::Ptrace => "ptrace",
        }
    }
}

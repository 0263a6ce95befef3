//! Events that a tracer reports.

use std::time::{Duration, SystemTime};

use crate::signal::exit_status::Termination;
use crate::signal::{Siginfo, Signal};

/// An event of a traced process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TracerEvent {
    /// Time at which the tracer saw the event, in real time.
    pub time: SystemTime,
    /// Thread that the event happened to.
    pub tid: u32,
    /// Details of the event.
    pub kind: TracerEventKind,
}

/// Kind of a [`TracerEvent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TracerEventKind {
    /// A signal is delivered, even if it is ignored. PIDs are those of the target's
    /// PID namespace. The sender is unverified.
    Delivered(Siginfo),
    /// The thread was created.
    ThreadCreated,
    /// The thread executes another program. From now on it is the only thread, and
    /// its TID is the PID of the process.
    Exec {
        /// TID before the exec.
        former_tid: u32,
    },
    /// The thread exited. The exit of the main thread is the exit of the process
    /// and the last event.
    Exited(Option<Termination>),
    /// This signal stopped the process (job control).
    Stopped(Signal),
    /// Number of events before this one that were dropped because the reader was
    /// too slow.
    Lost(u64),
}

/// Cost of tracing for a process: the stops of its threads, each from the time when
/// the tracer saw it until the thread continued.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StopStats {
    /// Number of stops.
    pub count: u64,
    /// Longest stop.
    pub longest: Duration,
    /// Sum of all stops.
    pub total: Duration,
}

//! What a tracer tells.

use std::time::{Duration, SystemTime};

use crate::signal::exit_status::Termination;
use crate::signal::{Siginfo, Signal};

/// Something that happened to a traced process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TracerEvent {
    /// When the tracer saw it, in real time.
    pub time: SystemTime,
    /// The thread that it happened to.
    pub tid: u32,
    /// What it was.
    pub kind: TracerEventKind,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TracerEventKind {
    /// A signal is delivered, also one that is ignored. Process numbers are those
    /// of the target's pid namespace; what it tells of its sender is claimed.
    Delivered(Siginfo),
    /// The thread is new.
    ThreadCreated,
    /// It executes another program; from now on it is the only thread, and has
    /// the number of the process.
    Exec {
        /// The number it had.
        former_tid: u32,
    },
    /// It has ended. The main thread's end is that of the process, and the last
    /// to be told.
    Exited(Option<Termination>),
    /// This signal has stopped the process, as job control does.
    Stopped(Signal),
    /// So many events before this one are lost: nobody took them.
    Lost(u64),
}

/// What tracing has cost a process: how often a thread of it stood still, from
/// when the tracer saw that until it let the thread go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StopStats {
    /// How often.
    pub count: u64,
    /// The longest time.
    pub longest: Duration,
    /// All of them together.
    pub total: Duration,
}

//! What a tracer tells.

use std::time::SystemTime;

use crate::signal::Info;
use crate::signal::exit::Ending;

/// Something that happened to a traced process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// When the tracer saw it, in real time.
    pub time: SystemTime,
    /// The thread that it happened to.
    pub tid: u32,
    /// What it was.
    pub what: What,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A signal is delivered, also one that is ignored. Process numbers are those
    /// of the target's pid namespace; what it tells of its sender is claimed.
    Delivered(Info),
    /// The thread is new.
    Thread,
    /// It executes another program; from now on it is the only thread, and has
    /// the number of the process.
    Exec {
        /// The number it had.
        former: u32,
    },
    /// It has ended. The main thread's end is that of the process, and the last
    /// to be told.
    Ended(Option<Ending>),
    /// So many events before this one are lost: nobody took them.
    Lost(u64),
}

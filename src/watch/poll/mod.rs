//! `sigtool watch --pid`: look at other processes again and again, and tell
//! what has changed.

pub mod args;
mod change;
mod hold;
pub mod live;
mod observe;
mod process;
mod signal;
mod view;
mod wire;

use std::time::{Duration, SystemTime};

use change::Change;
use live::Killer;

use crate::error::{Failure, Outcome};
use crate::explain::Requirement;
use crate::observe::events;
use crate::out::Out;
use crate::proc::{Situation, Task};
use crate::select::Selection;
use crate::signal::exit::Ending;
use crate::watch::notes::Notes;
use crate::watch::outlet::Outlet;

/// What is asked.
#[derive(Debug)]
pub struct Request {
    /// The processes, by number; none where criteria alone choose.
    pub pids: Vec<u32>,
    /// What they must be.
    pub selection: Selection,
    /// From one look to the next.
    pub interval: Duration,
    /// Whether each thread is told of.
    pub threads: bool,
    /// End once every process meets all of these.
    pub until: Vec<Requirement>,
    /// Which signals are told, as they happen.
    pub live: live::Asked,
    /// End after this many changes.
    pub count: Option<u64>,
    /// End after this time.
    pub timeout: Option<Duration>,
}

/// Something to tell of a process.
#[derive(Debug)]
struct Event<'a> {
    time: SystemTime,
    pid: u32,
    /// What it calls itself.
    name: &'a [u8],
    what: What<'a>,
}

/// What there is to tell.
#[derive(Debug)]
enum What<'a> {
    /// How it is at the start.
    Start {
        /// What was found.
        look: &'a Situation,
        /// Whether each thread is told of by itself.
        threads: bool,
    },
    /// How one of its threads is at the start.
    Thread(&'a Task),
    /// A change.
    Change(&'a Change),
    /// A signal, or what else happened meanwhile.
    Happened(&'a events::Event),
    /// How long it stood still to be seen.
    StoodStill(events::Stops),
    /// It has ended; how, where that can be told, and by whose signal.
    End(Option<Ending>, Option<&'a Killer>),
}

/// Observes until the end that was asked for.
///
/// # Errors
/// A selection that cannot be made, a process that is not there, output that
/// cannot be written, and a kernel that refuses.
pub(super) fn run(
    request: &Request,
    out: &mut Out<'_>,
    outlet: &Outlet,
    notes: &mut Notes,
) -> Result<Outcome, Failure> {
    observe::observe(request, out, outlet, notes)
}

//! `sigtool watch --pid`: look at other processes again and again, and tell
//! what has changed.

pub mod args;
mod diff;
mod event_loop;
pub mod events;
mod open;
mod process;
mod signal_text;
mod view;
mod wire;

use std::time::{Duration, SystemTime};

use diff::ProcessChange;
use events::FatalSignal;

use crate::commands::watch::output::{LosslessStdout, StderrNotes};
use crate::error::{CommandOutcome, Failure};
use crate::explain::Requirement;
use crate::out::ReportWriter;
use crate::procfs::{ProcessSnapshot, Thread};
use crate::select::Selection;
use crate::signal::exit_status::Termination;

/// What is asked.
#[derive(Debug)]
pub struct MonitorRequest {
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
    pub events: events::EventFilter,
    /// End after this many changes.
    pub count: Option<u64>,
    /// End after this time.
    pub timeout: Option<Duration>,
}

/// Something to tell of a process.
#[derive(Debug)]
struct MonitorEvent<'a> {
    time: SystemTime,
    pid: u32,
    /// What it calls itself.
    name: &'a [u8],
    kind: MonitorEventKind<'a>,
}

/// What there is to tell.
#[derive(Debug)]
enum MonitorEventKind<'a> {
    /// How it is at the start.
    Start {
        /// What was found.
        snapshot: &'a ProcessSnapshot,
        /// Whether each thread is told of by itself.
        threads: bool,
    },
    /// How one of its threads is at the start.
    InitialThread(&'a Thread),
    /// A change.
    Change(&'a ProcessChange),
    /// A signal, or what else happened meanwhile.
    KernelEvent(&'a crate::inspect::events::ThreadEvent),
    /// How long it stood still to be seen.
    TracerStops(crate::inspect::events::StopStats),
    /// It has ended; how, where that can be told, and by whose signal.
    Exited(Option<Termination>, Option<&'a FatalSignal>),
}

/// Observes until the end that was asked for.
///
/// # Errors
/// A selection that cannot be made, a process that is not there, output that
/// cannot be written, and a kernel that refuses.
pub(super) fn run(
    request: &MonitorRequest,
    out: &mut ReportWriter<'_>,
    outlet: &LosslessStdout,
    notes: &mut StderrNotes,
) -> Result<CommandOutcome, Failure> {
    event_loop::monitor(request, out, outlet, notes)
}

//! `sigtool watch --pid`: samples other processes, collects their events, and
//! reports both until the end condition is met.
//!
//! `sampler` and `events` return values of the model in `event`; `emitter`
//! prints them.

pub mod args;
mod diff;
mod emitter;
mod event;
mod event_loop;
pub mod events;
mod open;
mod pid_list;
mod process;
mod sampler;
mod signal_text;
mod view;
mod wire;

use std::time::Duration;

use crate::commands::watch::output::LosslessStdout;
use crate::commands::watch::output::StderrNotes;
use crate::error::{CommandOutcome, Failure};
use crate::explain::Requirement;
use crate::out::ReportWriter;
use crate::select::Selection;

/// The processes to monitor, and how.
#[derive(Debug)]
pub struct MonitorRequest {
    /// PIDs; empty if only `selection` selects processes.
    pub pids: Vec<u32>,
    /// Criteria that every process must match.
    pub selection: Selection,
    /// Time between two samples.
    pub interval: Duration,
    /// Report each thread separately.
    pub threads: bool,
    /// End when every process meets all of these.
    pub until: Vec<Requirement>,
    /// The events to report between samples.
    pub events: events::EventFilter,
    /// End after this number of events.
    pub count: Option<u64>,
    /// End after this time.
    pub timeout: Option<Duration>,
}

/// Monitors processes until the end condition is met. `out` writes to `stdout`.
///
/// # Errors
/// A failed write to standard output, or a failed system call. Processes that
/// cannot be selected or monitored are part of the outcome.
pub(super) fn run(
    request: &MonitorRequest,
    out: &mut ReportWriter<'_>,
    stdout: &LosslessStdout,
    notes: &mut StderrNotes,
) -> Result<CommandOutcome, Failure> {
    event_loop::monitor(request, emitter::Emitter::new(out, stdout, notes, request.count))
}

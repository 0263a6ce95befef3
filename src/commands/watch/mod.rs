//! `sigtool watch`: receive signals, tell who sent them, run commands on them;
//! or observe other processes.

pub mod args;
mod hooks;
pub mod monitor;
mod output;
mod receive;
mod sender;
pub mod supervise;
mod view;
mod wire;

use std::time::{Duration, SystemTime};

pub use sender::SignalSender;
pub use supervise::block_signals_early;

use crate::error::{CommandOutcome, Failure};
use crate::out::ReportWriter;
use crate::signal::consts::{HUP, INT, TERM};
use crate::signal::{Arch, Siginfo, Signal, SignalSet};
use crate::sys::signal::{mask, signalfd};
use output::notes::StderrNotes;
use output::stdout::BufferedStdout;

/// What is asked.
#[derive(Debug)]
pub struct WatchRequest {
    /// The signals that were named, as operands and in hooks; they are watched,
    /// and none of them ends the watch.
    pub named_signals: SignalSet,
    /// Whether everything else that can be caught is watched too.
    pub all_signals: bool,
    /// What to run.
    pub hooks: Vec<Hook>,
    /// What becomes of arrivals while a command runs.
    pub burst: BurstPolicy,
    /// End after this many signals.
    pub count: Option<u64>,
    /// End after this time.
    pub timeout: Option<Duration>,
    /// What is run under it; it is that to which all this happens then.
    pub supervise: Option<supervise::SuperviseOptions>,
    /// Whom to observe, instead of receiving.
    pub monitor: Option<Box<monitor::MonitorRequest>>,
}

/// A command to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// On this signal; at the end where there is none.
    pub trigger: Option<Signal>,
    /// For `sh -c`.
    pub command: String,
}

/// What becomes of arrivals while a command runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BurstPolicy {
    /// Their commands run one after another, in the order of arrival.
    #[default]
    Queue,
    /// No command is run for a signal whose command is still running.
    Drop,
    /// Their commands run at once.
    Parallel,
}

/// A signal that was received.
#[derive(Debug)]
pub struct ReceivedSignal {
    /// When it was read.
    pub time: SystemTime,
    /// All that the kernel tells of it.
    pub siginfo: Siginfo,
    /// Who sent it, where a process did.
    pub sender: Option<SignalSender>,
}

impl WatchRequest {
    /// The signals that are watched: what cannot be caught is left out, and so
    /// are the C library's own.
    pub fn watched_signals(&self) -> SignalSet {
        let all = Arch::NATIVE.signals().filter(|signal| is_catchable(*signal));
        if self.all_signals { all.collect::<SignalSet>() | self.named_signals } else { self.named_signals }
    }
}

/// Whether a signal can be received here.
pub(crate) fn is_catchable(signal: Signal) -> bool {
    let own = signal.is_reserved_by_libc();
    !own && Arch::NATIVE.standard_signal(signal).is_none_or(|facts| facts.is_catchable())
}

/// The signals that end a watch: TERM, and INT and HUP where they were not
/// ignored on entry, as in the background of a script and under nohup.
fn termination_signals() -> SignalSet {
    let heeded = [INT, HUP].into_iter().filter(|signal| !signalfd::is_ignored(*signal));
    heeded.chain([TERM]).collect()
}

/// Receives, or observes others, until the end that was asked for. What is for
/// people goes to standard error at once: that it is ready, and what goes wrong.
///
/// # Errors
/// Output that cannot be written, and a kernel that refuses.
pub fn run(request: &WatchRequest, out: &ReportWriter<'_>) -> Result<CommandOutcome, Failure> {
    if let Some(plan) = &request.supervise {
        return supervise::run(request, plan, out);
    }
    mask::restore_mask();
    let mut notes = StderrNotes::stderr();
    let (outlet, settings) = (BufferedStdout::stdout(), out.settings());
    let mut sink = &outlet;
    let mut out = ReportWriter::new(&mut sink, settings);
    let outcome = match &request.monitor {
        Some(observe) => monitor::run(observe, &mut out, &outlet, &mut notes),
        None => receive::receive(request, &mut out, &outlet, &mut notes),
    };
    // Nothing waits for the reader of these, either.
    let outcome = outcome.unwrap_or_else(CommandOutcome::from);
    outcome.error_messages.iter().for_each(|text| notes.write_error(text));
    notes.finish();
    Ok(CommandOutcome { error_messages: Vec::new(), ..outcome })
}

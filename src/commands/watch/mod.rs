//! `sigtool watch` has three modes. `receive` reports the signals that sigtool
//! receives, `supervise` runs a command and forwards signals to it, and `monitor`
//! reports changes of other processes. The other modules are shared by the modes.

pub(crate) mod args;
mod cells;
mod hooks;
pub mod monitor;
mod output;
mod parse;
mod receive;
mod sender;
pub mod supervise;
mod wire;

use std::time::{Duration, SystemTime};

pub use sender::SignalSender;
pub use supervise::block_signals_early;

use crate::error::{CommandOutcome, Failure};
use crate::out::ReportWriter;
use crate::signal::consts::{HUP, INT, TERM};
use crate::signal::{Arch, Siginfo, Signal, SignalSet};
use crate::sys::signal::{mask, signalfd};
use output::{LosslessStdout, StderrNotes};

/// A request of `sigtool watch`. It selects supervising if `supervise` is set,
/// monitoring if `monitor` is set, and otherwise receiving.
#[derive(Debug)]
pub struct WatchRequest {
    /// The signals named as operands and in hooks. They are reported and none of
    /// them ends the command.
    pub named_signals: SignalSet,
    /// Whether all other signals that can be caught are reported too.
    pub all_signals: bool,
    /// The commands to run when signals arrive or at exit.
    pub hooks: Vec<Hook>,
    /// The policy for signals that arrive while a hook runs.
    pub burst: BurstPolicy,
    /// The number of signals or changes after which the command ends.
    pub count: Option<u64>,
    /// The time after which the command ends.
    pub timeout: Option<Duration>,
    /// The command to supervise.
    pub supervise: Option<supervise::SuperviseOptions>,
    /// The processes to monitor.
    pub monitor: Option<Box<monitor::MonitorRequest>>,
}

/// A command that runs when a signal arrives or at exit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The signal, or `None` for exit.
    pub trigger: Option<Signal>,
    /// The argument of `sh -c`.
    pub command: String,
}

/// The policy for signals that arrive while a hook runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BurstPolicy {
    /// Hooks run one after another, in the order of the signals.
    #[default]
    Queue,
    /// No hook starts for a signal while a hook of the same signal runs.
    Drop,
    /// Hooks start immediately.
    Parallel,
}

/// A signal that was received.
#[derive(Debug)]
pub struct ReceivedSignal {
    /// The time of the read.
    pub time: SystemTime,
    /// The siginfo from the kernel.
    pub siginfo: Siginfo,
    /// The sender, if it is a process.
    pub sender: Option<SignalSender>,
}

impl WatchRequest {
    /// Returns the signals to report, without those that cannot be caught and those
    /// that the C library reserves.
    pub fn watched_signals(&self) -> SignalSet {
        let catchable = Arch::NATIVE.signals().filter(|signal| is_catchable(*signal));
        if self.all_signals {
            catchable.collect::<SignalSet>() | self.named_signals
        } else {
            self.named_signals
        }
    }
}

/// Whether a signal can be caught and is not reserved by the C library.
pub(crate) fn is_catchable(signal: Signal) -> bool {
    let is_reserved = signal.is_reserved_by_libc();
    !is_reserved && Arch::NATIVE.standard_signal(signal).is_none_or(|facts| facts.is_catchable())
}

/// Returns the signals that end the command: TERM, and INT and HUP unless they were
/// ignored on entry, as in the background of a script and under nohup.
fn termination_signals() -> SignalSet {
    let not_ignored = [INT, HUP].into_iter().filter(|signal| !signalfd::is_ignored(*signal));
    not_ignored.chain([TERM]).collect()
}

/// Runs the mode that the request selects. Messages for people go to standard error
/// immediately.
///
/// # Errors
/// Output that cannot be written, and failed system calls.
pub fn run(request: &WatchRequest, out: &ReportWriter<'_>) -> Result<CommandOutcome, Failure> {
    if let Some(options) = &request.supervise {
        return supervise::run(request, options, out);
    }
    mask::restore_mask();
    let mut notes = StderrNotes::stderr();
    let (stdout, settings) = (LosslessStdout::stdout(), out.settings());
    let mut sink = &stdout;
    let mut out = ReportWriter::new(&mut sink, settings);
    let outcome = match &request.monitor {
        Some(monitor) => monitor::run(monitor, &mut out, &stdout, &mut notes),
        None => receive::run(request, &mut out, &stdout, &mut notes),
    };
    // Errors are written without blocking too, so they are not left to the caller.
    let outcome = outcome.unwrap_or_else(CommandOutcome::from);
    outcome.error_messages.iter().for_each(|text| notes.write_error(text));
    notes.finish();
    Ok(CommandOutcome { error_messages: Vec::new(), ..outcome })
}

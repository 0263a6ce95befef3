//! `sigtool send`: a signal to what was named or chosen, and to nothing else.

mod arg_order;
pub mod args;
mod dispatch;
mod error;
mod group;
mod pidfd;
mod preflight;
mod progress;
mod selected;
mod target;
mod view;
mod wait;
mod wire;

use std::io::{IsTerminal, Write};
use std::time::Duration;

pub use error::SendError;
pub use target::{ParseTargetError, SendTarget};

use crate::error::{CommandOutcome, Failure};
use crate::exit::ExitStatus;
use crate::explain::Effect;
use crate::explain::effect::survivor::SurvivalReason;
use crate::out::{OutputFormat, ReportWriter};
use crate::select::Selection;
use crate::signal::Signal;
use crate::signal::exit_status::Termination;
use crate::sys::process::pidfd::PidFd;

/// What is asked.
#[derive(Debug, Default)]
pub struct SendRequest {
    /// The signal; `None` is the null signal, which only checks.
    pub signal: Option<Signal>,
    /// The value it is queued with.
    pub value: Option<i32>,
    /// Whom for, each as it was written.
    pub targets: Vec<(String, SendTarget)>,
    /// Whom for, by criteria; where processes are named, those of them.
    pub selection: Selection,
    /// What is to be done beside sending.
    pub options: SendOptions,
    /// What only kill(1) can ask for.
    pub kill_options: KillOptions,
}

/// What is to be done beside sending.
#[derive(Debug, Default)]
pub struct SendOptions {
    /// Say what the signal would do, and send nothing.
    pub dry_run: bool,
    /// Ask before each target.
    pub interactive: bool,
    /// Say what the signal does, and what became of it.
    pub verbose: bool,
    /// Only to processes that catch the signal.
    pub require_handler: bool,
    /// Wait for the targets to end, and how long.
    pub wait: Option<WaitOptions>,
}

/// How long is waited for targets to end, and what follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitOptions {
    /// So long; `None` is for ever.
    pub timeout: Option<Duration>,
    /// Signals to those still alive then, each with the time after it.
    pub escalations: Vec<Escalation>,
}

/// A signal to what is alive when the time has run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Escalation {
    /// The signal.
    pub signal: Signal,
    /// So long is waited again; `None` is for ever.
    pub timeout: Option<Duration>,
}

/// What only kill(1) can ask for.
#[derive(Debug, Default)]
pub struct KillOptions {
    /// Whether messages are worded as kill(1) words them, and a thread's
    /// number does for its process, as with kill(2).
    pub kill_compatible: bool,
    /// Signals to those still alive some time after the one before.
    pub timeouts: Vec<KillTimeout>,
    /// Print the numbers, and send nothing.
    pub print_pids: bool,
    /// Names mean processes of every user, not only of the own one.
    pub any_user: bool,
    /// Say what is sent to whom, as kill(1) words it.
    pub verbose: bool,
    /// Operands that are no targets: told as failures, the others are tried.
    pub invalid_operands: Vec<String>,
}

/// A signal to what is still alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KillTimeout {
    /// This long after the signal before.
    pub delay: Duration,
    /// The signal.
    pub signal: Option<Signal>,
}

/// What was done.
#[derive(Debug)]
pub struct SendReport {
    /// The signal.
    pub signal: Option<Signal>,
    /// The value it was queued with.
    pub value: Option<i32>,
    /// One attempt a target; several where a name means several processes.
    pub attempts: Vec<SendAttempt>,
    /// Who sent: the real and the effective user.
    pub own_uids: (u32, u32),
    /// What is to be known of how the targets were chosen.
    pub warnings: Vec<String>,
}

/// One target, and what became of it.
#[derive(Debug)]
pub struct SendAttempt {
    /// The target as it was written.
    pub operand: String,
    /// The process; `None` for a group, everybody, or a name without one.
    pub pid: Option<u32>,
    /// The thread, where one was meant.
    pub tid: Option<u32>,
    /// The group, where one was meant.
    pub group: Option<u32>,
    /// The name of the process, where it was looked up.
    pub name: Option<Vec<u8>>,
    /// Its effective user, where it was looked up.
    pub uid: Option<u32>,
    /// What the signal does to it, where that was looked up, before sending.
    pub effect: Option<Effect>,
    /// What came of it.
    pub result: Result<SendOutcome, SendError>,
    /// What was waited for.
    pub wait_outcome: Option<WaitOutcome>,
    /// What followed the signal.
    pub escalations: Vec<EscalationResult>,
    /// It, held, where it is still of interest.
    pidfd: Option<PidFd>,
}

/// A further signal to a process that was alive when a time had run out.
#[derive(Debug)]
pub struct EscalationResult {
    /// The signal.
    pub signal: Signal,
    /// So long after the first one.
    pub elapsed: Duration,
    /// Whether it could be sent.
    pub sent: bool,
}

/// What became of a process that was waited for.
#[derive(Clone, Debug)]
pub enum WaitOutcome {
    /// It has ended.
    Exited {
        /// So long after the first signal.
        elapsed: Duration,
        /// How; `None` where the kernel does not tell.
        termination: Option<Termination>,
    },
    /// It was alive at the end.
    Alive {
        /// So long after the first signal.
        elapsed: Duration,
        /// Why; `None` where it could not be read.
        reason: Option<SurvivalReason>,
    },
}

/// What was done for a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// The signal was sent.
    Sent,
    /// Nothing but printing its number was wanted.
    PidPrinted,
    /// It would be sent.
    WouldSend,
    /// Whoever was asked did not want it sent.
    Declined,
}

/// Something to be told at once.
#[derive(Debug)]
pub enum ProgressEvent<'a> {
    /// A signal went out, as kill(1) tells it.
    KillSending {
        /// Whom to, as a number: a process, -PGID, 0, -1.
        target: String,
        /// The signal.
        signal: Option<Signal>,
        /// Whether a time had run out before it.
        after_timeout: bool,
    },
    /// A target was signalled.
    Sent(&'a SendAttempt),
    /// A process that was waited for has its fate, for now.
    WaitUpdate(&'a SendAttempt),
    /// A further signal goes to those that are alive.
    Escalating(Signal, usize),
}

/// Sends and reports. `notes` is for people, at once: questions, progress, and
/// why a process is still alive.
///
/// # Errors
/// Usage that only now turns out to be wrong, and output that cannot be
/// written. What could not be sent is a complaint of the outcome.
pub fn run(
    request: &SendRequest,
    out: &mut ReportWriter<'_>,
    notes: &mut dyn Write,
) -> Result<CommandOutcome, Failure> {
    let options = &request.options;
    if options.interactive && !options.dry_run && !std::io::stdin().is_terminal() {
        return Err(Failure::usage_error(
            "--interactive: standard input is no terminal, so nobody can be asked",
        ));
    }
    let json = out.format() == OutputFormat::Json;
    let mut teller = progress::ProgressReporter::new(request, out, notes);
    let report = dispatch::dispatch(request, json, &mut teller)?;
    teller.finish()?;
    view::print_report(&report, request, out)?;
    Ok(CommandOutcome {
        exit_status: exit_status(&report),
        error_messages: view::error_lines(&report, request),
    })
}

/// The status of it all: a time that ran out tells more than some failure does,
/// unless nothing was signalled.
fn exit_status(report: &SendReport) -> ExitStatus {
    if report.attempts.is_empty()
        || report
            .attempts
            .iter()
            .all(|attempt| attempt.result.as_ref().is_ok_and(|done| *done == SendOutcome::Declined))
    {
        return ExitStatus::Failure;
    }
    let failures = report.attempts.iter().filter_map(|attempt| attempt.result.as_ref().err());
    let alive =
        report.attempts.iter().any(|attempt| matches!(attempt.wait_outcome, Some(WaitOutcome::Alive { .. })));
    match ExitStatus::from_attempts(report.attempts.len(), failures.clone().count()) {
        ExitStatus::Failure if failures.clone().any(SendError::is_partial) => ExitStatus::Partial,
        ExitStatus::Failure => ExitStatus::Failure,
        _ if alive => ExitStatus::TimedOut,
        exit => exit,
    }
}

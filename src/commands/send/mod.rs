//! `sigtool send`: sends a signal to exactly the processes that the user names or selects.

mod arg_order;
pub(crate) mod args;
mod dispatch;
mod error;
mod group;
mod pidfd;
mod preflight;
mod proc_lookup;
mod progress;
mod selected;
mod sender;
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

/// The parsed command line of `send`, or of kill(1).
#[derive(Debug, Default)]
pub struct SendRequest {
    /// The signal; `None` is the null signal, which only checks for permission.
    pub signal: Option<Signal>,
    /// The value to queue the signal with.
    pub value: Option<i32>,
    /// The targets, each with its operand as typed.
    pub targets: Vec<(String, SendTarget)>,
    /// The criteria; if processes are named, only those that match them are signalled.
    pub selection: Selection,
    /// The options of `send`.
    pub options: SendOptions,
    /// The options that only kill(1) has.
    pub kill_options: KillOptions,
}

/// The options of `send`, except those that name the signal and the targets.
#[derive(Debug, Default)]
pub struct SendOptions {
    /// Print the effect of the signal and send nothing.
    pub dry_run: bool,
    /// Ask the user before each target.
    pub interactive: bool,
    /// Print the effect of the signal and the fate of each target.
    pub verbose: bool,
    /// Signal only processes that catch the signal.
    pub require_handler: bool,
    /// Wait for the targets to exit.
    pub wait: Option<WaitOptions>,
}

/// The timeout of a wait, and the signals that follow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitOptions {
    /// The timeout of the first wait; `None` means no timeout.
    pub timeout: Option<Duration>,
    /// The signals to the targets that are still alive, in order.
    pub escalations: Vec<Escalation>,
}

/// A signal to the targets that are alive when the wait times out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Escalation {
    /// The signal.
    pub signal: Signal,
    /// The timeout of the wait that follows; `None` means no timeout.
    pub timeout: Option<Duration>,
}

/// The options that only kill(1) has.
#[derive(Debug, Default)]
pub struct KillOptions {
    /// Whether messages are worded as in kill(1), and a TID stands for its
    /// process, as in kill(2).
    pub kill_compatible: bool,
    /// The signals to the targets that are still alive after a delay, in order.
    pub timeouts: Vec<KillTimeout>,
    /// Print the PIDs and send nothing.
    pub print_pids: bool,
    /// Match names against the processes of every user, not only of the own one.
    pub any_user: bool,
    /// Print each signal and its target, worded as in kill(1).
    pub verbose: bool,
    /// Operands that are not targets; they are reported as failures and do not stop the others.
    pub invalid_operands: Vec<String>,
}

/// A signal of `kill --timeout`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KillTimeout {
    /// The delay after the previous signal.
    pub delay: Duration,
    /// The signal; `None` is the null signal.
    pub signal: Option<Signal>,
}

/// The result of a request.
#[derive(Debug)]
pub struct SendReport {
    /// The signal; `None` is the null signal.
    pub signal: Option<Signal>,
    /// The value that the signal was queued with.
    pub value: Option<i32>,
    /// One attempt per target; several if a target stands for several processes.
    pub attempts: Vec<SendAttempt>,
    /// The real and the effective UID of sigtool.
    pub own_uids: (u32, u32),
    /// Warnings from the selection of the targets.
    pub warnings: Vec<String>,
}

/// An attempt to signal one target, and its result.
#[derive(Debug)]
pub struct SendAttempt {
    /// The target as typed.
    pub operand: String,
    /// The process; `None` for a group, for -1, or for a name that no process has.
    pub pid: Option<u32>,
    /// The thread, if the target is one.
    pub tid: Option<u32>,
    /// The process group, if the target is one.
    pub group: Option<u32>,
    /// The name of the process, if it was read.
    pub name: Option<Vec<u8>>,
    /// The effective UID of the process, if it was read.
    pub uid: Option<u32>,
    /// The effect of the signal, if it was predicted before the signal was sent.
    pub effect: Option<Effect>,
    /// The result of sending.
    pub result: Result<SendOutcome, SendError>,
    /// The result of waiting.
    pub wait_outcome: Option<WaitOutcome>,
    /// The signals sent after a wait timed out.
    pub escalations: Vec<EscalationResult>,
    /// The pidfd, if sigtool waits for the process.
    pidfd: Option<PidFd>,
}

impl SendAttempt {
    /// An attempt that has not been made yet.
    fn new(operand: &str, pid: Option<u32>) -> SendAttempt {
        SendAttempt {
            operand: operand.to_owned(),
            pid,
            tid: None,
            group: None,
            name: None,
            uid: None,
            effect: None,
            result: Ok(SendOutcome::PidPrinted),
            wait_outcome: None,
            escalations: Vec::new(),
            pidfd: None,
        }
    }

    /// An attempt that failed before anything was sent.
    fn failed(operand: &str, pid: Option<u32>, error: SendError) -> SendAttempt {
        SendAttempt { result: Err(error), ..SendAttempt::new(operand, pid) }
    }
}

/// A signal that was sent because a wait timed out.
#[derive(Debug)]
pub struct EscalationResult {
    /// The signal.
    pub signal: Signal,
    /// The time since the first signal.
    pub elapsed: Duration,
    /// Whether sending succeeded.
    pub sent: bool,
}

/// The result of waiting for a process.
#[derive(Clone, Debug)]
pub enum WaitOutcome {
    /// The process exited.
    Exited {
        /// The time since the first signal.
        elapsed: Duration,
        /// The exit status or signal; `None` if the kernel does not report it.
        termination: Option<Termination>,
    },
    /// The process was alive when the wait timed out.
    Alive {
        /// The time since the first signal.
        elapsed: Duration,
        /// The reason; `None` if the status of the process could not be read.
        reason: Option<SurvivalReason>,
    },
}

/// The success of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// The signal was sent.
    Sent,
    /// Nothing was sent: the request only prints PIDs.
    PidPrinted,
    /// Nothing was sent: the request is a dry run.
    WouldSend,
    /// Nothing was sent: the user declined.
    Declined,
}

/// An event that is reported when it happens.
#[derive(Debug)]
pub enum ProgressEvent<'a> {
    /// A signal was sent; kill(1) reports it with `--verbose`.
    KillSending {
        /// The target as a number: PID, TID, -PGID or -1.
        target: String,
        /// The signal.
        signal: Option<Signal>,
        /// Whether the signal follows a timeout.
        after_timeout: bool,
    },
    /// A target was signalled.
    Sent(&'a SendAttempt),
    /// A wait for a target ended: the process exited, or the wait timed out.
    WaitUpdate(&'a SendAttempt),
    /// A further signal goes to this number of targets that are alive.
    Escalating(Signal, usize),
}

/// Sends the signal and prints the report. Prompts, progress, and the reasons
/// why a process is still alive go to `stderr` immediately.
///
/// # Errors
/// A usage error that depends on the system, and output that cannot be
/// written. A target that could not be signalled is an error message of the
/// outcome instead.
pub fn run(
    request: &SendRequest,
    out: &mut ReportWriter<'_>,
    stderr: &mut dyn Write,
) -> Result<CommandOutcome, Failure> {
    let options = &request.options;
    if options.interactive && !options.dry_run && !std::io::stdin().is_terminal() {
        return Err(Failure::usage_error("--interactive: standard input is not a terminal"));
    }
    let json = out.format() == OutputFormat::Json;
    let mut reporter = progress::ProgressReporter::new(request, out, stderr);
    let report = dispatch::dispatch(request, json, &mut reporter)?;
    reporter.finish()?;
    view::print_report(&report, request, out)?;
    Ok(CommandOutcome {
        exit_status: exit_status(&report),
        error_messages: view::error_lines(&report, request),
    })
}

/// The exit status of a report. A timeout takes precedence over a partial
/// failure.
fn exit_status(report: &SendReport) -> ExitStatus {
    if report.attempts.is_empty()
        || report
            .attempts
            .iter()
            .all(|attempt| attempt.result.as_ref().is_ok_and(|outcome| *outcome == SendOutcome::Declined))
    {
        return ExitStatus::Failure;
    }
    let failures = report.attempts.iter().filter_map(|attempt| attempt.result.as_ref().err());
    let timed_out =
        report.attempts.iter().any(|attempt| matches!(attempt.wait_outcome, Some(WaitOutcome::Alive { .. })));
    match ExitStatus::from_attempts(report.attempts.len(), failures.clone().count()) {
        ExitStatus::Failure if failures.clone().any(SendError::is_partial) => ExitStatus::Partial,
        ExitStatus::Failure => ExitStatus::Failure,
        _ if timed_out => ExitStatus::TimedOut,
        exit_status => exit_status,
    }
}

//! `sigtool watch -- COMMAND`: runs a command and forwards signals to it.

pub(super) mod args;
mod job;
mod log;
mod policy;
mod supervisor;
mod target;
mod wire;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use supervisor::Supervisor;

use super::WatchRequest;
use crate::commands::watch::hooks::HookRunner;
use crate::commands::watch::output::LineDroppingWriter;
use crate::error::{CommandOutcome, Failure, message_without_errno};
use crate::exit::ExitStatus;
use crate::out::{ReportWriter, escape_name};
use crate::signal::consts::CHLD;
use crate::signal::{Signal, SignalSet};
use crate::sys::process::child::{self, ChildSignalState, SpawnError};
use crate::sys::process::pidfd::{check_calls, wait_for_exits};
use crate::sys::process::spawn::InheritedSignalState;
use crate::sys::signal::mask;
use crate::sys::signal::signalfd::{self, SignalFd};

/// The command to supervise and the rules for forwarding signals to it.
#[derive(Debug)]
pub struct SuperviseOptions {
    /// The command and its arguments; not empty.
    pub argv: Vec<OsString>,
    /// Pairs of a received signal and the signal to forward instead.
    pub mappings: Vec<(Signal, Signal)>,
    /// Signals that are not forwarded.
    pub dropped: SignalSet,
    /// Signals that the command ignores at its start.
    pub ignored: SignalSet,
    /// Signals that the command blocks at its start, in addition to inherited ones.
    pub blocked: SignalSet,
    /// Signals that have their default disposition when the command starts.
    pub defaulted: SignalSet,
    /// Whether the command leads its own process group, which gets the signals.
    pub own_group: bool,
    /// Whether sigtool adopts descendants whose parents exit.
    pub adopts_orphans: bool,
    /// Whether sigtool waits for all descendants.
    pub waits_for_all: bool,
    /// The time from TERM, which is sent at the timeout, to KILL.
    pub kill_after: Option<Duration>,
    /// The destination of the log.
    pub log: LogDestination,
}

impl SuperviseOptions {
    /// Creates options with default values.
    pub fn new(argv: Vec<OsString>) -> SuperviseOptions {
        SuperviseOptions {
            argv,
            mappings: Vec::new(),
            dropped: SignalSet::EMPTY,
            ignored: SignalSet::EMPTY,
            blocked: SignalSet::EMPTY,
            defaulted: SignalSet::EMPTY,
            own_group: false,
            adopts_orphans: false,
            waits_for_all: false,
            kill_after: None,
            log: LogDestination::Stderr,
        }
    }
}

/// The destination of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogDestination {
    /// Standard error, without signals that the terminal sends to the whole process
    /// group.
    Stderr,
    /// A file, which is appended to.
    File(PathBuf),
    /// No log.
    Disabled,
}

/// Blocks every signal if there is a command to supervise, so that no signal is lost
/// before the arguments are parsed.
pub fn block_signals_early(command: Option<&[OsString]>) {
    if command.is_some() {
        // `run` blocks the signals again and reports an error.
        let _ = mask::block_all();
    }
}

/// Runs the command until it exits.
pub(super) fn run(
    request: &WatchRequest,
    options: &SuperviseOptions,
    out: &ReportWriter<'_>,
) -> Result<CommandOutcome, Failure> {
    // Checked before the start: without pidfds sigtool could not wait for the command.
    check_calls().map_err(|missing| Failure {
        exit_status: ExitStatus::InternalError,
        cause: anyhow::anyhow!("cannot run a command: {missing}"),
    })?;
    let initial = mask::block_all().map_err(io_failure("cannot block signals"))?;
    // If CHLD were ignored, the kernel would not report exits of children.
    signalfd::set_default_disposition(CHLD);
    if options.adopts_orphans {
        child::become_subreaper().map_err(io_failure("cannot adopt descendants"))?;
    }
    let signal_fd = SignalFd::open(SignalSet::all(crate::signal::Arch::NATIVE))
        .map_err(io_failure("cannot receive signals"))?;
    let format = out.format();
    let stderr = LineDroppingWriter::stderr(log::dropped_formatter(format));
    let mut sink = log::open_sink(&options.log, &stderr, format)?;
    let log = log::SuperviseLog::new(&mut sink, &options.log, out.settings());
    let mut job = job::CommandJob::new(options.own_group);
    let inherited_ignored =
        if initial.inherited.ignores_sigchld() { [CHLD].into_iter().collect() } else { SignalSet::EMPTY };
    let state = ChildSignalState {
        blocked: initial.blocked | options.blocked,
        default_signals: options.defaulted,
        ignored: (inherited_ignored - options.defaulted) | options.ignored,
    };
    let pid = match child::spawn(&options.argv, state, options.own_group, job.foreground_terminal()) {
        Ok(pid) => pid,
        Err(error) => return Ok(spawn_failure_outcome(request, options, initial.inherited, error)),
    };
    job.set_started(pid);
    let supervisor = Supervisor::new(request, options, pid, initial.inherited, signal_fd, log, job, stderr);
    let exit = supervisor.map_err(io_failure("cannot open a pidfd for the command"))?.run()?;
    Ok(CommandOutcome { exit_status: exit, error_messages: Vec::new() })
}

/// Returns the outcome after the command could not be started, and runs the exit hooks.
fn spawn_failure_outcome(
    request: &WatchRequest,
    options: &SuperviseOptions,
    inherited: InheritedSignalState,
    error: SpawnError,
) -> CommandOutcome {
    let name = escape_name(options.argv[0].as_encoded_bytes());
    let (exit, error) = match error {
        SpawnError::ExecFailed(error) if error.kind() == io::ErrorKind::NotFound => {
            (ExitStatus::CommandNotFound, error)
        }
        SpawnError::ExecFailed(error) => (ExitStatus::CommandNotExecutable, error),
        SpawnError::ForkFailed(error) => (ExitStatus::InternalError, error),
    };
    let mut error_messages = vec![format!("{name}: {}", message_without_errno(&error))];
    let mut runner = HookRunner::new(request, inherited, false);
    for hook in request.hooks.iter().filter(|hook| hook.trigger.is_none()) {
        error_messages.extend(runner.run_exit_hook(hook, exit.code()).err());
        while !runner.is_idle() {
            let pidfds: Vec<_> = runner.pidfds().collect();
            if wait_for_exits(&pidfds, None).is_err() {
                break;
            }
            error_messages.extend(runner.reap().err());
        }
    }
    CommandOutcome { exit_status: exit, error_messages }
}

/// Converts an error to an internal error. `problem`: the operation that failed.
fn io_failure(problem: &str) -> impl FnOnce(io::Error) -> Failure {
    let problem = problem.to_owned();
    move |error| Failure {
        exit_status: ExitStatus::InternalError,
        cause: anyhow::anyhow!("{problem}: {}", message_without_errno(&error)),
    }
}

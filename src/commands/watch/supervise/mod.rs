//! `sigtool watch -- COMMAND`: a command, and every signal on to it.

pub mod args;
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

use super::WatchRequest;
use crate::commands::watch::hooks::HookRunner;
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

/// What is run, and what becomes of signals on their way to it.
#[derive(Debug)]
pub struct SuperviseOptions {
    /// The command and its arguments; there is at least one word.
    pub argv: Vec<OsString>,
    /// What arrives as the first goes on as the second.
    pub mappings: Vec<(Signal, Signal)>,
    /// What does not go on.
    pub dropped: SignalSet,
    /// What the command ignores, whatever was inherited.
    pub ignored: SignalSet,
    /// What it blocks, beside what was inherited.
    pub blocked: SignalSet,
    /// What it does not ignore, whatever was inherited.
    pub defaulted: SignalSet,
    /// Whether it leads a process group of its own, which signals go to.
    pub own_group: bool,
    /// Whether descendants are adopted when their parents end.
    pub adopts_orphans: bool,
    /// Whether all descendants are waited for.
    pub waits_for_all: bool,
    /// After the time has run out and TERM has been sent: KILL, after this.
    pub kill_after: Option<Duration>,
    /// Where what was received is told.
    pub log: LogDestination,
}

impl SuperviseOptions {
    /// To run this, with nothing else asked for.
    pub fn new(words: Vec<OsString>) -> SuperviseOptions {
        SuperviseOptions {
            argv: words,
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

/// Where what was received is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogDestination {
    /// On standard error, but for what the terminal sends to everybody.
    Stderr,
    /// Appended to this file.
    File(PathBuf),
    /// Nowhere.
    Disabled,
}

/// Blocks every signal, where a command is to be run: one that comes before the
/// arguments are understood is not lost.
pub fn block_signals_early(command: Option<&[OsString]>) {
    if command.is_some() {
        // Where it fails, it fails again when it is needed, and is told.
        let _ = mask::block_all();
    }
}

/// Runs the command to its end.
pub(super) fn run(
    request: &WatchRequest,
    plan: &SuperviseOptions,
    out: &ReportWriter<'_>,
) -> Result<CommandOutcome, Failure> {
    // Before the command is started: nothing would receive its end.
    check_calls().map_err(|missing| Failure {
        exit_status: ExitStatus::InternalError,
        cause: anyhow::anyhow!("running a command needs pidfds: {missing}"),
    })?;
    let start = mask::block_all().map_err(io_failure("blocking signals"))?;
    // Where CHLD was ignored, the ends of children would not be told.
    signalfd::set_default_disposition(CHLD);
    if plan.adopts_orphans {
        child::become_subreaper().map_err(io_failure("--reap"))?;
    }
    let signals =
        SignalFd::open(SignalSet::all(crate::signal::Arch::NATIVE)).map_err(io_failure("signalfd"))?;
    let format = out.format();
    let stderr = super::output::queue::LineQueue::stderr(log::dropped_formatter(format));
    let mut sink = log::open_sink(&plan.log, &stderr, format)?;
    let log = log::SuperviseLog::new(&mut sink, &plan.log, out.settings());
    let mut job = job::CommandJob::new(plan.own_group);
    let keep =
        if start.inherited.ignores_sigchld() { [CHLD].into_iter().collect() } else { SignalSet::EMPTY };
    let state = ChildSignalState {
        blocked: start.blocked | plan.blocked,
        default_signals: plan.defaulted,
        ignored: (keep - plan.defaulted) | plan.ignored,
    };
    let pid = match child::spawn(&plan.argv, state, plan.own_group, job.foreground_terminal()) {
        Ok(pid) => pid,
        Err(error) => return Ok(spawn_failure_outcome(request, plan, start.inherited, error)),
    };
    job.set_started(pid);
    let parent = supervisor::Supervisor::new(request, plan, pid, start.inherited, signals, log, job, stderr);
    let exit = parent.map_err(io_failure("pidfd_open"))?.run()?;
    Ok(CommandOutcome { exit_status: exit, error_messages: Vec::new() })
}

/// The command could not be executed, or there was no process for it: that is
/// told, and the commands of the end run all the same.
fn spawn_failure_outcome(
    request: &WatchRequest,
    plan: &SuperviseOptions,
    inherited: InheritedSignalState,
    error: SpawnError,
) -> CommandOutcome {
    let name = escape_name(plan.argv[0].as_encoded_bytes());
    let (exit, error) = match error {
        SpawnError::ExecFailed(error) if error.kind() == io::ErrorKind::NotFound => {
            (ExitStatus::CommandNotFound, error)
        }
        SpawnError::ExecFailed(error) => (ExitStatus::CommandNotExecutable, error),
        SpawnError::ForkFailed(error) => (ExitStatus::InternalError, error),
    };
    let mut complaints = vec![format!("{name}: {}", message_without_errno(&error))];
    let mut runner = HookRunner::new(request, inherited, false);
    for hook in request.hooks.iter().filter(|hook| hook.trigger.is_none()) {
        complaints.extend(runner.run_exit_hook(hook, exit.code()).err());
        while !runner.is_idle() {
            let held: Vec<_> = runner.pidfds().collect();
            if wait_for_exits(&held, None).is_err() {
                break;
            }
            complaints.extend(runner.reap().err());
        }
    }
    CommandOutcome { exit_status: exit, error_messages: complaints }
}

/// A failure of sigtool's own.
fn io_failure(what: &str) -> impl FnOnce(io::Error) -> Failure {
    let what = what.to_owned();
    move |error| Failure {
        exit_status: ExitStatus::InternalError,
        cause: anyhow::anyhow!("{what}: {}", message_without_errno(&error)),
    }
}

//! `sigtool watch -- COMMAND`: a command, and every signal on to it.

pub mod args;
pub(super) mod backlog;
mod fate;
mod job;
mod log;
mod parent;
mod target;
mod wire;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::Request;
use crate::error::{Failure, Outcome, bare};
use crate::exit::Exit;
use crate::out::{Out, escape};
use crate::signal::known::CHLD;
use crate::signal::{Signal, SignalSet};
use crate::sys::child::{self, NotStarted, State};
use crate::sys::hold;
use crate::sys::pidfd::{check_calls, wait_for_ends};
use crate::sys::signalfd::{self, SignalFd};
use crate::sys::spawn::Inherited;
use crate::watch::run::Runner;

/// What is run, and what becomes of signals on their way to it.
#[derive(Debug)]
pub struct Plan {
    /// The command and its arguments; there is at least one word.
    pub words: Vec<OsString>,
    /// What arrives as the first goes on as the second.
    pub maps: Vec<(Signal, Signal)>,
    /// What does not go on.
    pub drops: SignalSet,
    /// What the command ignores, whatever was inherited.
    pub ignore: SignalSet,
    /// What it blocks, beside what was inherited.
    pub block: SignalSet,
    /// What it does not ignore, whatever was inherited.
    pub default: SignalSet,
    /// Whether it leads a process group of its own, which signals go to.
    pub group: bool,
    /// Whether descendants are adopted when their parents end.
    pub reap: bool,
    /// Whether all descendants are waited for.
    pub wait_all: bool,
    /// After the time has run out and TERM has been sent: KILL, after this.
    pub kill_after: Option<Duration>,
    /// Where what was received is told.
    pub log: LogTo,
}

impl Plan {
    /// To run this, with nothing else asked for.
    pub fn of(words: Vec<OsString>) -> Plan {
        Plan {
            words,
            maps: Vec::new(),
            drops: SignalSet::EMPTY,
            ignore: SignalSet::EMPTY,
            block: SignalSet::EMPTY,
            default: SignalSet::EMPTY,
            group: false,
            reap: false,
            wait_all: false,
            kill_after: None,
            log: LogTo::Stderr,
        }
    }
}

/// Where what was received is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTo {
    /// On standard error, but for what the terminal sends to everybody.
    Stderr,
    /// Appended to this file.
    File(PathBuf),
    /// Nowhere.
    Nowhere,
}

/// Blocks every signal, where a command is to be run: one that comes before the
/// arguments are understood is not lost.
pub fn hold_early(command: Option<&[OsString]>) {
    if command.is_some() {
        // Where it fails, it fails again when it is needed, and is told.
        let _ = hold::hold_all();
    }
}

/// Runs the command to its end.
pub(super) fn run(request: &Request, plan: &Plan, out: &Out<'_>) -> Result<Outcome, Failure> {
    // Before the command is started: nothing would receive its end.
    check_calls().map_err(|missing| Failure {
        exit: Exit::Failed,
        cause: anyhow::anyhow!("running a command needs pidfds: {missing}"),
    })?;
    let start = hold::hold_all().map_err(failed("blocking signals"))?;
    // Where CHLD was ignored, the ends of children would not be told.
    signalfd::set_default(CHLD);
    if plan.reap {
        child::become_reaper().map_err(failed("--reap"))?;
    }
    let signals = SignalFd::open(SignalSet::all(crate::signal::Arch::NATIVE)).map_err(failed("signalfd"))?;
    let format = out.format();
    let stderr = backlog::Backlog::stderr(log::lost(format));
    let mut sink = log::sink(&plan.log, &stderr, format)?;
    let log = log::Log::new(&mut sink, &plan.log, out.settings());
    let mut job = job::Job::new(plan.group);
    let keep = if start.inherited.ignores_child() { [CHLD].into_iter().collect() } else { SignalSet::EMPTY };
    let state = State {
        mask: start.mask | plan.block,
        default: plan.default,
        ignore: (keep - plan.default) | plan.ignore,
    };
    let pid = match child::start(&plan.words, state, plan.group, job.foreground()) {
        Ok(pid) => pid,
        Err(error) => return Ok(not_started(request, plan, start.inherited, error)),
    };
    job.began(pid);
    let parent = parent::Parent::new(request, plan, pid, start.inherited, signals, log, job, stderr);
    let exit = parent.map_err(failed("pidfd_open"))?.until_the_end()?;
    Ok(Outcome { exit, complaints: Vec::new() })
}

/// The command could not be executed, or there was no process for it: that is
/// told, and the commands of the end run all the same.
fn not_started(request: &Request, plan: &Plan, inherited: Inherited, error: NotStarted) -> Outcome {
    let name = escape(plan.words[0].as_encoded_bytes());
    let (exit, error) = match error {
        NotStarted::Exec(error) if error.kind() == io::ErrorKind::NotFound => (Exit::NotFound, error),
        NotStarted::Exec(error) => (Exit::NotExecutable, error),
        NotStarted::Fork(error) => (Exit::Failed, error),
    };
    let mut complaints = vec![format!("{name}: {}", bare(&error))];
    let mut runner = Runner::new(request, inherited, false);
    for hook in request.hooks.iter().filter(|hook| hook.on.is_none()) {
        complaints.extend(runner.at_end(hook, exit.code()).err());
        while !runner.is_idle() {
            let held: Vec<_> = runner.held().collect();
            if wait_for_ends(&held, None).is_err() {
                break;
            }
            complaints.extend(runner.reap().err());
        }
    }
    Outcome { exit, complaints }
}

/// A failure of sigtool's own.
fn failed(what: &str) -> impl FnOnce(io::Error) -> Failure {
    let what = what.to_owned();
    move |error| Failure { exit: Exit::Failed, cause: anyhow::anyhow!("{what}: {}", bare(&error)) }
}

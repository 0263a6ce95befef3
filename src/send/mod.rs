//! `sigtool send`: a signal to what was named or chosen, and to nothing else.

pub mod args;
mod argv;
mod choose;
mod consent;
mod deliver;
mod group;
mod pidfd;
mod refusal;
mod target;
mod teller;
mod view;
mod wait;
mod wire;

use std::io::{IsTerminal, Write};
use std::time::Duration;

pub use refusal::Refusal;
pub use target::{Target, TargetError};

use crate::error::{Failure, Outcome};
use crate::exit::Exit;
use crate::explain::Effect;
use crate::explain::alive::Alive;
use crate::out::{Format, Out};
use crate::select::Selection;
use crate::signal::Signal;
use crate::signal::exit::Ending;
use crate::sys::pidfd::PidFd;

/// What is asked.
#[derive(Debug, Default)]
pub struct Request {
    /// The signal; `None` is the null signal, which only checks.
    pub signal: Option<Signal>,
    /// The value it is queued with.
    pub value: Option<i32>,
    /// Whom for, each as it was written.
    pub targets: Vec<(String, Target)>,
    /// Whom for, by criteria; where processes are named, those of them.
    pub selection: Selection,
    /// What is to be done beside sending.
    pub options: Options,
    /// What only kill(1) can ask for.
    pub extras: Extras,
}

/// What is to be done beside sending.
#[derive(Debug, Default)]
pub struct Options {
    /// Say what the signal would do, and send nothing.
    pub dry_run: bool,
    /// Ask before each target.
    pub interactive: bool,
    /// Say what the signal does, and what became of it.
    pub verbose: bool,
    /// Only to processes that catch the signal.
    pub require_handler: bool,
    /// Wait for the targets to end, and how long.
    pub wait: Option<Wait>,
}

/// How long is waited for targets to end, and what follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// So long; `None` is for ever.
    pub time: Option<Duration>,
    /// Signals to those still alive then, each with the time after it.
    pub then: Vec<Then>,
}

/// A signal to what is alive when the time has run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Then {
    /// The signal.
    pub signal: Signal,
    /// So long is waited again; `None` is for ever.
    pub time: Option<Duration>,
}

/// What only kill(1) can ask for.
#[derive(Debug, Default)]
pub struct Extras {
    /// Whether messages are worded as kill(1) words them, and a thread's
    /// number does for its process, as with kill(2).
    pub as_kill: bool,
    /// Signals to those still alive some time after the one before.
    pub follow_ups: Vec<FollowUp>,
    /// Print the numbers, and send nothing.
    pub print_pids: bool,
    /// Names mean processes of every user, not only of the own one.
    pub any_user: bool,
    /// Say what is sent to whom, as kill(1) words it.
    pub verbose: bool,
    /// Operands that are no targets: told as failures, the others are tried.
    pub rejected: Vec<String>,
}

/// A signal to what is still alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowUp {
    /// This long after the signal before.
    pub after: Duration,
    /// The signal.
    pub signal: Option<Signal>,
}

/// What was done.
#[derive(Debug)]
pub struct Report {
    /// The signal.
    pub signal: Option<Signal>,
    /// The value it was queued with.
    pub value: Option<i32>,
    /// One attempt a target; several where a name means several processes.
    pub attempts: Vec<Attempt>,
    /// Who sent: the real and the effective user.
    pub own_uids: (u32, u32),
    /// What is to be known of how the targets were chosen.
    pub warnings: Vec<String>,
}

/// One target, and what became of it.
#[derive(Debug)]
pub struct Attempt {
    /// The target as it was written.
    pub written: String,
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
    pub result: Result<Done, Refusal>,
    /// What was waited for.
    pub fate: Option<Fate>,
    /// What followed the signal.
    pub followed: Vec<Followed>,
    /// It, held, where it is still of interest.
    held: Option<PidFd>,
}

/// A further signal to a process that was alive when a time had run out.
#[derive(Debug)]
pub struct Followed {
    /// The signal.
    pub signal: Signal,
    /// So long after the first one.
    pub after: Duration,
    /// Whether it could be sent.
    pub sent: bool,
}

/// What became of a process that was waited for.
#[derive(Clone, Debug)]
pub enum Fate {
    /// It has ended.
    Ended {
        /// So long after the first signal.
        after: Duration,
        /// How; `None` where the kernel does not tell.
        ending: Option<Ending>,
    },
    /// It was alive at the end.
    Alive {
        /// So long after the first signal.
        after: Duration,
        /// Why; `None` where it could not be read.
        why: Option<Alive>,
    },
}

/// What was done for a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// The signal was sent.
    Sent,
    /// Nothing but printing its number was wanted.
    Printed,
    /// It would be sent.
    Planned,
    /// Whoever was asked did not want it sent.
    Declined,
}

/// Something to be told at once.
#[derive(Debug)]
pub enum News<'a> {
    /// A signal went out, as kill(1) tells it.
    Sending {
        /// Whom to, as a number: a process, -PGID, 0, -1.
        to: String,
        /// The signal.
        signal: Option<Signal>,
        /// Whether a time had run out before it.
        timeout: bool,
    },
    /// A target was signalled.
    Sent(&'a Attempt),
    /// A process that was waited for has its fate, for now.
    Fate(&'a Attempt),
    /// A further signal goes to those that are alive.
    Then(Signal, usize),
}

/// Sends and reports. `notes` is for people, at once: questions, progress, and
/// why a process is still alive.
///
/// # Errors
/// Usage that only now turns out to be wrong, and output that cannot be
/// written. What could not be sent is a complaint of the outcome.
pub fn run(request: &Request, out: &mut Out<'_>, notes: &mut dyn Write) -> Result<Outcome, Failure> {
    let options = &request.options;
    if options.interactive && !options.dry_run && !std::io::stdin().is_terminal() {
        return Err(Failure::usage("--interactive: standard input is no terminal, so nobody can be asked"));
    }
    let json = out.format() == Format::Json;
    let mut teller = teller::Teller::new(request, out, notes);
    let report = deliver::deliver(request, json, &mut teller)?;
    teller.finish()?;
    view::show(&report, request, out)?;
    Ok(Outcome { exit: exit(&report), complaints: view::complaints(&report, request) })
}

/// The status of it all: a time that ran out tells more than some failure does,
/// unless nothing was signalled.
fn exit(report: &Report) -> Exit {
    if report.attempts.is_empty()
        || report
            .attempts
            .iter()
            .all(|attempt| attempt.result.as_ref().is_ok_and(|done| *done == Done::Declined))
    {
        return Exit::No;
    }
    let failures = report.attempts.iter().filter_map(|attempt| attempt.result.as_ref().err());
    let alive = report.attempts.iter().any(|attempt| matches!(attempt.fate, Some(Fate::Alive { .. })));
    match Exit::of_attempts(report.attempts.len(), failures.clone().count()) {
        Exit::No if failures.clone().any(Refusal::is_partial) => Exit::Partial,
        Exit::No => Exit::No,
        _ if alive => Exit::TimedOut,
        exit => exit,
    }
}

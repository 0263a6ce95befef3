//! `sigtool send`: a signal to what was named, and to nothing else.

pub mod args;
mod argv;
mod deliver;
mod refusal;
mod target;
mod view;
mod wire;

use std::time::Duration;

pub use refusal::Refusal;
pub use target::{Target, TargetError};

use crate::error::{Failure, Outcome};
use crate::exit::Exit;
use crate::out::{Format, Out};
use crate::signal::Signal;

/// What is asked.
#[derive(Debug)]
pub struct Request {
    /// The signal; `None` is the null signal, which only checks.
    pub signal: Option<Signal>,
    /// The value it is queued with.
    pub value: Option<i32>,
    /// Whom for, each as it was written.
    pub targets: Vec<(String, Target)>,
    /// What only kill(1) can ask for.
    pub extras: Extras,
}

/// What only kill(1) can ask for.
#[derive(Debug, Default)]
pub struct Extras {
    /// Whether messages are worded as kill(1) words them, and a thread's
    /// number does for its process, as with kill(2).
    pub as_kill: bool,
    /// Signals to those still alive some time after the one before.
    pub follow_ups: Vec<FollowUp>,
    /// Only to processes that catch the signal.
    pub require_handler: bool,
    /// Print the numbers, and send nothing.
    pub print_pids: bool,
    /// Names mean processes of every user, not only of the own one.
    pub any_user: bool,
    /// Say what is sent to whom.
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
    /// What came of it.
    pub result: Result<Done, Refusal>,
}

/// What was done for a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// The signal was sent.
    Sent,
    /// Nothing but printing its number was wanted.
    Printed,
}

/// A signal that went out.
#[derive(Clone, Debug)]
pub struct Sending {
    /// Whom to, as a number: a process, -PGID, 0, -1.
    pub to: String,
    /// The signal.
    pub signal: Option<Signal>,
    /// Whether a time had run out before it.
    pub timeout: bool,
}

/// Sends and reports.
///
/// # Errors
/// Output that cannot be written. What could not be sent is a complaint of the
/// outcome.
pub fn run(request: &Request, out: &mut Out<'_>) -> Result<Outcome, Failure> {
    let named = out.format() == Format::Json;
    let mut written = Ok(());
    let report = deliver::deliver(request, named, &mut |sending| {
        // Told at once: what follows may be some time away.
        if request.extras.verbose && written.is_ok() {
            written = view::sending(&sending, out);
        }
    });
    written?;
    view::show(&report, &request.extras, out)?;
    let failures = report.attempts.iter().filter_map(|attempt| attempt.result.as_ref().err());
    let exit = match Exit::of_attempts(report.attempts.len(), failures.clone().count()) {
        Exit::No if failures.clone().any(Refusal::is_partial) => Exit::Partial,
        exit => exit,
    };
    Ok(Outcome { exit, complaints: view::complaints(&report, &request.extras) })
}

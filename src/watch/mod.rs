//! `sigtool watch`: receive signals, tell who sent them, run commands on them;
//! or observe other processes.

pub mod args;
pub mod command;
mod notes;
mod outlet;
pub mod poll;
mod receive;
mod run;
mod sender;
mod view;
mod wire;

use std::time::{Duration, SystemTime};

pub use command::hold_early;
pub use sender::Sender;

use crate::error::{Failure, Outcome};
use crate::out::Out;
use crate::signal::known::{HUP, INT, TERM};
use crate::signal::{Arch, Info, Signal, SignalSet};
use crate::sys::{hold, signalfd};
use notes::Notes;
use outlet::Outlet;

/// What is asked.
#[derive(Debug)]
pub struct Request {
    /// The signals that were named, as operands and in hooks; they are watched,
    /// and none of them ends the watch.
    pub named: SignalSet,
    /// Whether everything else that can be caught is watched too.
    pub all: bool,
    /// What to run.
    pub hooks: Vec<Hook>,
    /// What becomes of arrivals while a command runs.
    pub burst: Burst,
    /// End after this many signals.
    pub count: Option<u64>,
    /// End after this time.
    pub timeout: Option<Duration>,
    /// What is run under it; it is that to which all this happens then.
    pub command: Option<command::Plan>,
    /// Whom to observe, instead of receiving.
    pub observe: Option<Box<poll::Request>>,
}

/// A command to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// On this signal; at the end where there is none.
    pub on: Option<Signal>,
    /// For `sh -c`.
    pub command: String,
}

/// What becomes of arrivals while a command runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Burst {
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
pub struct Event {
    /// When it was read.
    pub time: SystemTime,
    /// All that the kernel tells of it.
    pub info: Info,
    /// Who sent it, where a process did.
    pub sender: Option<Sender>,
}

impl Request {
    /// The signals that are watched: what cannot be caught is left out, and so
    /// are the C library's own.
    pub fn watched(&self) -> SignalSet {
        let all = Arch::NATIVE.signals().filter(|signal| is_catchable(*signal));
        if self.all { all.collect::<SignalSet>() | self.named } else { self.named }
    }
}

/// Whether a signal can be received here.
pub(super) fn is_catchable(signal: Signal) -> bool {
    let own = signal.is_of_c_library();
    !own && Arch::NATIVE.facts(signal).is_none_or(|facts| facts.catchable())
}

/// The signals that end a watch: TERM, and INT and HUP where they were not
/// ignored on entry, as in the background of a script and under nohup.
fn ending() -> SignalSet {
    let heeded = [INT, HUP].into_iter().filter(|signal| !signalfd::is_ignored(*signal));
    heeded.chain([TERM]).collect()
}

/// Receives, or observes others, until the end that was asked for. What is for
/// people goes to standard error at once: that it is ready, and what goes wrong.
///
/// # Errors
/// Output that cannot be written, and a kernel that refuses.
pub fn run(request: &Request, out: &Out<'_>) -> Result<Outcome, Failure> {
    if let Some(plan) = &request.command {
        return command::run(request, plan, out);
    }
    hold::release();
    let mut notes = Notes::stderr();
    let (outlet, settings) = (Outlet::stdout(), out.settings());
    let mut sink = &outlet;
    let mut out = Out::new(&mut sink, settings);
    let outcome = match &request.observe {
        Some(observe) => poll::run(observe, &mut out, &outlet, &mut notes),
        None => receive::receive(request, &mut out, &outlet, &mut notes),
    };
    // Nothing waits for the reader of these, either.
    let outcome = outcome.unwrap_or_else(Outcome::from);
    outcome.complaints.iter().for_each(|text| notes.complain(text));
    notes.finish();
    Ok(Outcome { complaints: Vec::new(), ..outcome })
}

//! `sigtool decode-status`: which signals a process blocks, ignores, catches,
//! and has pending.

pub mod args;
mod find;
mod rows;
mod view;
mod wire;

use std::path::PathBuf;

pub use rows::{Blocked, Disposition, Pending, Row};

use crate::error::{Failure, Outcome};
use crate::exit::Exit;
use crate::out::Out;
use crate::proc::{Root, Status, Threads};
use crate::signal::{Arch, SignalSet};

/// What is asked.
#[derive(Debug)]
pub struct Request {
    /// Whose signals.
    pub targets: Vec<Target>,
    /// Masks without a name.
    pub masks: Vec<BareMask>,
    /// The /proc that processes are read from.
    pub root: Root,
    /// Whether each thread is shown.
    pub threads: bool,
    /// Whether signals in no set are shown.
    pub full: bool,
}

impl Request {
    /// The plain question about these targets, on this machine.
    pub fn of(targets: Vec<Target>) -> Request {
        Request { targets, masks: Vec::new(), root: Root::default(), threads: false, full: false }
    }
}

/// Whose signals are asked for.
#[derive(Debug)]
pub enum Target {
    /// A process; also a thread id, of which /proc knows the process.
    Process(u32),
    /// A thread of a process.
    Thread(u32, u32),
    /// sigtool itself.
    Own,
    /// The text on standard input.
    Stdin,
    /// The text of a file.
    File(PathBuf),
    /// A status put together from masks on the command line.
    Given(Box<Status>),
}

/// A mask that belongs to no process.
#[derive(Clone, Copy, Debug)]
pub struct BareMask {
    /// Its members.
    pub set: SignalSet,
    /// Whose numbering it is in.
    pub arch: Arch,
}

/// What was found.
#[derive(Debug)]
pub struct Report {
    /// The processes, in the order they were asked for.
    pub processes: Vec<Process>,
    /// The bare masks.
    pub masks: Vec<BareMask>,
    /// The targets that could not be read.
    pub problems: Vec<Problem>,
    /// Whether each thread is shown.
    pub threads: bool,
    /// Whether signals in no set are shown.
    pub full: bool,
}

/// A process, or one thread of it.
#[derive(Debug)]
pub struct Process {
    /// What its status says.
    pub status: Status,
    /// The thread, if one is looked at and not the process as a whole.
    pub thread: Option<u32>,
    /// Its threads; `None` where only a text is known, which is one thread's.
    pub threads: Option<Threads>,
    /// The name of its parent.
    pub parent_name: Option<Vec<u8>>,
    /// The name of its tracer.
    pub tracer_name: Option<Vec<u8>>,
    /// The name of its effective user.
    pub user: Option<String>,
    /// The file it was found in; `None` for a live process.
    pub file: Option<Vec<u8>>,
}

/// A target that could not be read, and why.
#[derive(Debug)]
pub struct Problem {
    /// The target, as it was named.
    pub target: String,
    /// The reason.
    pub reason: String,
}

/// Finds and prints.
///
/// # Errors
/// Output that cannot be written. What cannot be read is a complaint of the
/// outcome, whose status says so.
pub fn run(request: &Request, out: &mut Out<'_>) -> Result<Outcome, Failure> {
    let report = find::report(request);
    view::show(&report, out)?;
    let complaints: Vec<String> =
        report.problems.iter().map(|problem| format!("{}: {}", problem.target, problem.reason)).collect();
    let exit = if complaints.is_empty() { Exit::Done } else { Exit::Unreadable };
    Ok(Outcome { exit, complaints })
}

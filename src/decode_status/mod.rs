//! `sigtool decode-status`: which signals a process blocks, ignores, catches,
//! and has pending.

pub mod args;
mod count;
mod find;
mod fleet;
mod inside;
mod prometheus;
mod rows;
mod sort;
mod verdict;
mod view;
mod wire;

use std::fmt;
use std::path::PathBuf;

pub use inside::Asked;
pub use rows::{Blocked, Disposition, Pending, Row};
pub use sort::{Key, Sort};

use find::Chosen;

use crate::error::{Failure, Outcome};
use crate::exit::Exit;
use crate::explain::{Effect, Finding, Requirement};
use crate::observe::Inside;
use crate::out::{Format, Out, escape};
use crate::proc::{Root, Status, Threads};
use crate::select::Selection;
use crate::signal::{Arch, Signal, SignalSet};

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
    /// The processes that are chosen, of the targets if there are any.
    pub selection: Option<Selection>,
    /// Whether only process ids are wanted.
    pub pids: bool,
    /// The signal whose effect is asked for.
    pub signal: Option<Signal>,
    /// What each process must meet.
    pub requirements: Vec<Requirement>,
    /// Whether nothing but errors is to be printed.
    pub quiet: bool,
    /// The signals that are counted for Prometheus; `None` for the usual ones.
    pub signals: Option<SignalSet>,
    /// What is to be seen inside of each.
    pub inside: Option<Asked>,
    /// The order of the processes; else as they are named, or by number.
    pub sort: Option<Sort>,
}

/// As it was named.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Process(pid) => write!(f, "{pid}"),
            Target::Thread(pid, tid) => write!(f, "{pid}/{tid}"),
            Target::Own => f.write_str("self"),
            Target::Stdin => f.write_str("-"),
            Target::File(path) => write!(f, "--file {}", escape(path.as_os_str().as_encoded_bytes())),
            Target::Given(_) => f.write_str("--mask"),
        }
    }
}

impl Request {
    /// The plain question about these targets, on this machine.
    pub fn of(targets: Vec<Target>) -> Request {
        Request {
            targets,
            masks: Vec::new(),
            root: Root::default(),
            threads: false,
            full: false,
            selection: None,
            pids: false,
            signal: None,
            requirements: Vec::new(),
            quiet: false,
            signals: None,
            inside: None,
            sort: None,
        }
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

impl Target {
    /// The numbers of process and thread that it is named by; `None` for a text.
    fn numbers(&self) -> Option<(Option<u32>, Option<u32>)> {
        match self {
            Target::Process(pid) => Some((Some(*pid), None)),
            Target::Thread(pid, tid) => Some((Some(*pid), Some(*tid))),
            Target::Own => Some((None, None)),
            Target::Stdin | Target::File(_) | Target::Given(_) => None,
        }
    }
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
    /// Whether the processes were chosen, so that one alone is a row, too.
    pub chosen: bool,
    /// The signal whose effect was asked for.
    pub signal: Option<Signal>,
    /// How many requirements each process was held against.
    pub requirements: usize,
    /// What was to be seen inside of each.
    pub inside: Option<Asked>,
}

impl Report {
    /// Whether each process is shown by itself, with a header, and not in a row.
    pub fn is_in_full(&self) -> bool {
        self.full || (self.processes.len() == 1 && !self.chosen)
    }
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
    /// What the signal that was asked for does to it.
    pub effect: Option<Effect>,
    /// What is wrong or surprising; looked for only where a process is shown in
    /// full.
    pub findings: Vec<Finding>,
    /// The requirements that it does not meet, a sentence each.
    pub unmet: Vec<String>,
    /// What was seen inside of it, if that was asked and possible.
    pub inside: Option<Inside>,
}

impl Process {
    /// Whether findings were looked for.
    pub fn was_explained(&self, report: &Report) -> bool {
        report.is_in_full() && self.thread.is_none()
    }
}

/// A target that could not be read, and why.
#[derive(Debug)]
pub struct Problem {
    /// The target, as it was named.
    pub target: String,
    /// The reason.
    pub reason: String,
}

/// What is said where nothing was found.
const NO_MATCH: &str = "no process matches";

/// Finds and prints.
///
/// # Errors
/// A selection that cannot be made, and output that cannot be written. What
/// cannot be read is a complaint of the outcome, whose status says so.
pub fn run(request: &Request, out: &mut Out<'_>) -> Result<Outcome, Failure> {
    if out.format() == Format::Prometheus {
        return fleet::run(request, out);
    }
    let mut warnings = Vec::new();
    let mut report = match &request.selection {
        None => find::report(request),
        Some(selection) => {
            if request.pids && request.requirements.is_empty() {
                let Chosen { found, mut warnings, problems } = find::pids(request, selection)?;
                if found.is_empty() && warnings.is_empty() && problems.is_empty() {
                    warnings.push(NO_MATCH.to_owned());
                }
                if !request.quiet {
                    view::pids(&found, out)?;
                }
                return Ok(outcome(&problems, warnings, found.is_empty()));
            }
            // Rows have no room for names other than its own.
            let names = request.full || out.format() == Format::Json;
            let mut chosen = find::chosen(request, selection, names)?;
            warnings.append(&mut chosen.warnings);
            let report = chosen.found;
            if report.processes.is_empty() && warnings.is_empty() && report.problems.is_empty() {
                warnings.push(NO_MATCH.to_owned());
            }
            report
        }
    };
    if let Some(sort) = request.sort {
        sort.apply(&mut report.processes);
    }
    if !request.quiet {
        view::show(&report, out)?;
    }
    let none = request.selection.is_some() && report.processes.is_empty();
    warnings.extend(inside::notes(&report));
    let unmet = report.processes.iter().any(|process| !process.unmet.is_empty());
    Ok(outcome(&report.problems, warnings, none || unmet))
}

fn outcome(problems: &[Problem], mut complaints: Vec<String>, none: bool) -> Outcome {
    let exit = match problems {
        [] if none => Exit::No,
        [] => Exit::Done,
        _ => Exit::Unreadable,
    };
    complaints.extend(problems.iter().map(|problem| format!("{}: {}", problem.target, problem.reason)));
    Outcome { exit, complaints }
}

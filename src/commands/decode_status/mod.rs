//! `sigtool decode-status`: which signals a process blocks, ignores, catches,
//! and has pending.

pub mod args;
mod cells;
mod collect;
mod explanation;
mod inspect;
mod metrics;
mod signal_rows;
mod sort;
mod view;
mod wire;

use std::fmt;
use std::path::PathBuf;

pub use inspect::InspectOptions;
pub use signal_rows::{BlockedStatus, PendingStatus, RowDisposition, SignalRow};
pub use sort::{SortKey, SortOrder};

use collect::Collected;

use crate::error::{CommandOutcome, Failure};
use crate::exit::ExitStatus;
use crate::explain::{Effect, Finding, Requirement};
use crate::inspect::Inspection;
use crate::out::{OutputFormat, ReportWriter, escape_name};
use crate::procfs::{ProcRoot, ProcStatus, Threads};
use crate::select::Selection;
use crate::signal::{Arch, Signal, SignalSet};

/// What is asked.
#[derive(Debug)]
pub struct DecodeRequest {
    /// Whose signals.
    pub targets: Vec<DecodeTarget>,
    /// Masks without a name.
    pub masks: Vec<BareMask>,
    /// The /proc that processes are read from.
    pub proc_root: ProcRoot,
    /// Whether each thread is shown.
    pub threads: bool,
    /// Whether signals in no set are shown.
    pub full: bool,
    /// The processes that are chosen, of the targets if there are any.
    pub selection: Option<Selection>,
    /// Whether only process ids are wanted.
    pub pids_only: bool,
    /// The signal whose effect is asked for.
    pub effect_signal: Option<Signal>,
    /// What each process must meet.
    pub requirements: Vec<Requirement>,
    /// Whether nothing but errors is to be printed.
    pub quiet: bool,
    /// The signals that are counted for Prometheus; `None` for the usual ones.
    pub counted_signals: Option<SignalSet>,
    /// What is to be seen inside of each.
    pub inspect: Option<InspectOptions>,
    /// The order of the processes; else as they are named, or by number.
    pub order: Option<SortOrder>,
}

/// As it was named.
impl fmt::Display for DecodeTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeTarget::Process(pid) => write!(f, "{pid}"),
            DecodeTarget::Thread(pid, tid) => write!(f, "{pid}/{tid}"),
            DecodeTarget::OwnProcess => f.write_str("self"),
            DecodeTarget::Stdin => f.write_str("-"),
            DecodeTarget::File(path) => {
                write!(f, "--file {}", escape_name(path.as_os_str().as_encoded_bytes()))
            }
            DecodeTarget::MaskStatus(_) => f.write_str("--mask"),
        }
    }
}

impl DecodeRequest {
    /// The plain question about these targets, on this machine.
    pub fn new(targets: Vec<DecodeTarget>) -> DecodeRequest {
        DecodeRequest {
            targets,
            masks: Vec::new(),
            proc_root: ProcRoot::default(),
            threads: false,
            full: false,
            selection: None,
            pids_only: false,
            effect_signal: None,
            requirements: Vec::new(),
            quiet: false,
            counted_signals: None,
            inspect: None,
            order: None,
        }
    }
}

/// Whose signals are asked for.
#[derive(Debug)]
pub enum DecodeTarget {
    /// A process; also a thread id, of which /proc knows the process.
    Process(u32),
    /// A thread of a process.
    Thread(u32, u32),
    /// sigtool itself.
    OwnProcess,
    /// The text on standard input.
    Stdin,
    /// The text of a file.
    File(PathBuf),
    /// A status put together from masks on the command line.
    MaskStatus(Box<ProcStatus>),
}

impl DecodeTarget {
    /// The numbers of process and thread that it is named by; `None` for a text.
    fn ids(&self) -> Option<(Option<u32>, Option<u32>)> {
        match self {
            DecodeTarget::Process(pid) => Some((Some(*pid), None)),
            DecodeTarget::Thread(pid, tid) => Some((Some(*pid), Some(*tid))),
            DecodeTarget::OwnProcess => Some((None, None)),
            DecodeTarget::Stdin | DecodeTarget::File(_) | DecodeTarget::MaskStatus(_) => None,
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
pub struct DecodeReport {
    /// The processes, in the order they were asked for.
    pub processes: Vec<DecodedProcess>,
    /// The bare masks.
    pub masks: Vec<BareMask>,
    /// The targets that could not be read.
    pub errors: Vec<DecodeError>,
    /// Whether each thread is shown.
    pub threads: bool,
    /// Whether signals in no set are shown.
    pub full: bool,
    /// Whether the processes were chosen, so that one alone is a row, too.
    pub is_selection: bool,
    /// The signal whose effect was asked for.
    pub effect_signal: Option<Signal>,
    /// How many requirements each process was held against.
    pub requirement_count: usize,
    /// What was to be seen inside of each.
    pub inspect: Option<InspectOptions>,
}

impl DecodeReport {
    /// Whether each process is shown by itself, with a header, and not in a row.
    pub fn is_detailed(&self) -> bool {
        self.full || (self.processes.len() == 1 && !self.is_selection)
    }
}

/// A process, or one thread of it.
#[derive(Debug)]
pub struct DecodedProcess {
    /// What its status says.
    pub status: ProcStatus,
    /// The thread, if one is looked at and not the process as a whole.
    pub tid: Option<u32>,
    /// Its threads; `None` where only a text is known, which is one thread's.
    pub threads: Option<Threads>,
    /// The name of its parent.
    pub parent_name: Option<Vec<u8>>,
    /// The name of its tracer.
    pub tracer_name: Option<Vec<u8>>,
    /// The name of its effective user.
    pub user: Option<String>,
    /// The file it was found in; `None` for a live process.
    pub source_file: Option<Vec<u8>>,
    /// What the signal that was asked for does to it.
    pub effect: Option<Effect>,
    /// What is wrong or surprising; looked for only where a process is shown in
    /// full.
    pub findings: Vec<Finding>,
    /// The requirements that it does not meet, a sentence each.
    pub unmet_requirements: Vec<String>,
    /// What was seen inside of it, if that was asked and possible.
    pub inspection: Option<Inspection>,
}

impl DecodedProcess {
    /// Whether findings were looked for.
    pub fn has_findings_checked(&self, report: &DecodeReport) -> bool {
        report.is_detailed() && self.tid.is_none()
    }
}

/// A target that could not be read, and why.
#[derive(Debug)]
pub struct DecodeError {
    /// The target, as it was named.
    pub target: String,
    /// The reason.
    pub reason: String,
}

/// What is said where nothing was found.
const NO_MATCH_MESSAGE: &str = "no process matches";

/// Finds and prints.
///
/// # Errors
/// A selection that cannot be made, and output that cannot be written. What
/// cannot be read is a complaint of the outcome, whose status says so.
pub fn run(request: &DecodeRequest, out: &mut ReportWriter<'_>) -> Result<CommandOutcome, Failure> {
    if out.format() == OutputFormat::Prometheus {
        return metrics::run(request, out);
    }
    let mut warnings = Vec::new();
    let mut report = match &request.selection {
        None => collect::collect_targets(request),
        Some(selection) => {
            if request.pids_only && request.requirements.is_empty() {
                let Collected { found, mut warnings, errors: problems } =
                    collect::select_pids(request, selection)?;
                if found.is_empty() && warnings.is_empty() && problems.is_empty() {
                    warnings.push(NO_MATCH_MESSAGE.to_owned());
                }
                if !request.quiet {
                    view::print_pids(&found, out)?;
                }
                return Ok(command_outcome(&problems, warnings, found.is_empty()));
            }
            // Rows have no room for names other than its own.
            let names = request.full || out.format() == OutputFormat::Json;
            let mut chosen = collect::collect_selected(request, selection, names)?;
            warnings.append(&mut chosen.warnings);
            let report = chosen.found;
            if report.processes.is_empty() && warnings.is_empty() && report.errors.is_empty() {
                warnings.push(NO_MATCH_MESSAGE.to_owned());
            }
            report
        }
    };
    if let Some(sort) = request.order {
        sort.sort(&mut report.processes);
    }
    if !request.quiet {
        view::print_report(&report, out)?;
    }
    let none = request.selection.is_some() && report.processes.is_empty();
    warnings.extend(inspect::provenance_notes(&report));
    let unmet = report.processes.iter().any(|process| !process.unmet_requirements.is_empty());
    Ok(command_outcome(&report.errors, warnings, none || unmet))
}

fn command_outcome(problems: &[DecodeError], mut complaints: Vec<String>, none: bool) -> CommandOutcome {
    let exit = match problems {
        [] if none => ExitStatus::Failure,
        [] => ExitStatus::Success,
        _ => ExitStatus::Unreadable,
    };
    complaints.extend(problems.iter().map(|problem| format!("{}: {}", problem.target, problem.reason)));
    CommandOutcome { exit_status: exit, error_messages: complaints }
}

//! `sigtool decode-status`: shows the signals that a process blocks, ignores,
//! catches, and has pending.

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

/// The request made by the command line.
#[derive(Debug)]
pub struct DecodeRequest {
    /// The processes, threads, texts and named masks to decode.
    pub targets: Vec<DecodeTarget>,
    /// The masks without a name.
    pub masks: Vec<BareMask>,
    /// The /proc that contains the processes.
    pub proc_root: ProcRoot,
    /// Shows each thread.
    pub threads: bool,
    /// Also shows signals that are in no set.
    pub full: bool,
    /// The criteria for processes, applied to the targets if there are any.
    pub selection: Option<Selection>,
    /// Prints only the PIDs.
    pub pids_only: bool,
    /// The signal whose effect is predicted.
    pub effect_signal: Option<Signal>,
    /// The requirements that each process must meet.
    pub requirements: Vec<Requirement>,
    /// Prints only errors.
    pub quiet: bool,
    /// The signals to count for Prometheus; `None` for the default ones.
    pub counted_signals: Option<SignalSet>,
    /// The options of an inspection, if requested.
    pub inspect: Option<InspectOptions>,
    /// The order of the processes. By default targets keep their order, and
    /// selected processes are sorted by PID.
    pub order: Option<SortOrder>,
}

/// Formats a target as the user typed it.
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
    /// Creates a request for some targets with default options.
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

/// A process, thread, text or mask to decode.
#[derive(Debug)]
pub enum DecodeTarget {
    /// A process by its PID. A TID is accepted too, because /proc shows the
    /// process of each thread.
    Process(u32),
    /// A thread by PID and TID.
    Thread(u32, u32),
    /// The sigtool process.
    OwnProcess,
    /// The text on standard input.
    Stdin,
    /// The text of a file.
    File(PathBuf),
    /// A status built from masks on the command line.
    MaskStatus(Box<ProcStatus>),
}

impl DecodeTarget {
    /// Returns the PID and TID of the target; `None` for a text.
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
    /// The signals in the mask.
    pub set: SignalSet,
    /// The architecture that determines the signal numbers.
    pub arch: Arch,
}

/// The decoded processes and masks.
#[derive(Debug)]
pub struct DecodeReport {
    /// The processes in the order of output.
    pub processes: Vec<DecodedProcess>,
    /// The masks without a name.
    pub masks: Vec<BareMask>,
    /// The targets that could not be read.
    pub errors: Vec<DecodeError>,
    /// Shows each thread.
    pub threads: bool,
    /// Also shows signals that are in no set.
    pub full: bool,
    /// True if the processes were selected. Even a single one is then shown as a
    /// row.
    pub is_selection: bool,
    /// The signal whose effect is predicted.
    pub effect_signal: Option<Signal>,
    /// The number of requirements that each process was checked against.
    pub requirement_count: usize,
    /// The options of an inspection, if requested.
    pub inspect: Option<InspectOptions>,
}

impl DecodeReport {
    /// Returns true if each process is shown with a header instead of as a row.
    pub fn is_detailed(&self) -> bool {
        self.full || (self.processes.len() == 1 && !self.is_selection)
    }
}

/// A process, or one thread of it.
#[derive(Debug)]
pub struct DecodedProcess {
    /// Its status file.
    pub status: ProcStatus,
    /// The TID, if a single thread is shown instead of the whole process.
    pub tid: Option<u32>,
    /// Its threads; `None` if only the status text of one thread is known.
    pub threads: Option<Threads>,
    /// The name of its parent.
    pub parent_name: Option<Vec<u8>>,
    /// The name of its tracer.
    pub tracer_name: Option<Vec<u8>>,
    /// The name of its effective user.
    pub user: Option<String>,
    /// The file that contained its status; `None` for a live process.
    pub source_file: Option<Vec<u8>>,
    /// The predicted effect of the requested signal.
    pub effect: Option<Effect>,
    /// Problems and surprising facts. Collected only if the process is shown with
    /// a header.
    pub findings: Vec<Finding>,
    /// The requirements that it does not meet, one sentence each.
    pub unmet_requirements: Vec<String>,
    /// The result of its inspection, if requested and possible.
    pub inspection: Option<Inspection>,
}

impl DecodedProcess {
    /// Returns true if the findings were collected.
    pub fn has_findings_checked(&self, report: &DecodeReport) -> bool {
        report.is_detailed() && self.tid.is_none()
    }
}

/// A target that could not be read, and the reason.
#[derive(Debug)]
pub struct DecodeError {
    /// The target as the user typed it.
    pub target: String,
    /// The reason.
    pub reason: String,
}

/// Warning if the selection finds no process.
const NO_MATCH_MESSAGE: &str = "no process matches";

/// Collects the processes and prints the report.
///
/// # Errors
/// A selection that fails, and output that cannot be written. Targets that cannot
/// be read are errors of the outcome, which determine its exit status.
pub fn run(request: &DecodeRequest, out: &mut ReportWriter<'_>) -> Result<CommandOutcome, Failure> {
    if out.format() == OutputFormat::Prometheus {
        return metrics::run(request, out);
    }
    let mut warnings = Vec::new();
    let mut report = match &request.selection {
        None => collect::collect_targets(request),
        Some(selection) => {
            if request.pids_only && request.requirements.is_empty() {
                let Collected { found, mut warnings, errors } = collect::select_pids(request, selection)?;
                if found.is_empty() && warnings.is_empty() && errors.is_empty() {
                    warnings.push(NO_MATCH_MESSAGE.to_owned());
                }
                if !request.quiet {
                    view::print_pids(&found, out)?;
                }
                return Ok(command_outcome(&errors, warnings, found.is_empty()));
            }
            // Rows show only the name of the process itself.
            let needs_names = request.full || out.format() == OutputFormat::Json;
            let mut selected = collect::collect_selected(request, selection, needs_names)?;
            warnings.append(&mut selected.warnings);
            let report = selected.found;
            if report.processes.is_empty() && warnings.is_empty() && report.errors.is_empty() {
                warnings.push(NO_MATCH_MESSAGE.to_owned());
            }
            report
        }
    };
    if let Some(order) = request.order {
        order.sort(&mut report.processes);
    }
    if !request.quiet {
        view::print_report(&report, out)?;
    }
    let is_empty_selection = request.selection.is_some() && report.processes.is_empty();
    warnings.extend(inspect::provenance_notes(&report));
    let has_unmet_requirements =
        report.processes.iter().any(|process| !process.unmet_requirements.is_empty());
    Ok(command_outcome(&report.errors, warnings, is_empty_selection || has_unmet_requirements))
}

fn command_outcome(errors: &[DecodeError], mut messages: Vec<String>, is_failure: bool) -> CommandOutcome {
    let exit_status = match errors {
        [] if is_failure => ExitStatus::Failure,
        [] => ExitStatus::Success,
        _ => ExitStatus::Unreadable,
    };
    messages.extend(errors.iter().map(|error| format!("{}: {}", error.target, error.reason)));
    CommandOutcome { exit_status, error_messages: messages }
}

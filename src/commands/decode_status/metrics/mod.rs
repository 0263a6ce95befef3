//! A whole machine in numbers, for `--format prometheus`.
//!
//! Unlike elsewhere, what is counted has no name looked up and is not kept: the
//! memory is the same however many processes there are.

pub(super) mod counts;
mod prometheus;

use super::{DecodeError, DecodeRequest, DecodedProcess, collect, command_outcome};
use crate::error::{CommandOutcome, Failure};
use crate::out::ReportWriter;
use crate::procfs::{ProcReadError, ProcReader, ProcRoot, ProcStatus};
use crate::select::{self, Selection};
use crate::signal::{Arch, SignalSet};
use counts::{DEFAULT_SIGNALS, ProcessCounts};

/// Counts and prints. Where no process matches, that is what the numbers say,
/// and no failure: a series must not stay as it was because of it.
///
/// # Errors
/// As [`super::run`] says.
pub(super) fn run(request: &DecodeRequest, out: &mut ReportWriter<'_>) -> Result<CommandOutcome, Failure> {
    // The usual ones are names; a test reads them.
    let usual = || SignalSet::parse(DEFAULT_SIGNALS, Arch::NATIVE).unwrap_or_default();
    let mut counts = ProcessCounts::new(request.counted_signals.unwrap_or_else(usual));
    let (problems, warnings) = match &request.selection {
        Some(selection) => count_selected(request, selection, &mut counts)?,
        None => (count_targets(request, &mut counts), Vec::new()),
    };
    counts.unreadable += problems.len() as u64;
    prometheus::print_metrics(&counts, out)?;
    Ok(command_outcome(&problems, warnings, false))
}

/// Counts what was named, processes and texts.
fn count_targets(request: &DecodeRequest, counts: &mut ProcessCounts) -> Vec<DecodeError> {
    let mut report = collect::collect_targets(request);
    for process in &report.processes {
        counts.add(process);
        if let (Some(tid), None) = (process.tid, &process.source_file) {
            let reason = "a thread is not counted separately (give its PID)".to_owned();
            report.errors.push(DecodeError { target: tid.to_string(), reason });
        }
    }
    report.errors
}

/// Counts what was chosen: of the targets, or of everything but sigtool and
/// kernel threads.
fn count_selected(
    request: &DecodeRequest,
    selection: &Selection,
    counts: &mut ProcessCounts,
) -> Result<(Vec<DecodeError>, Vec<String>), Failure> {
    let root = &request.proc_root;
    let collect::Collected { found, mut warnings, errors: problems } =
        collect::select_pids(request, selection)?;
    let mut pids: Vec<u32> = found.iter().map(|found| found.pid).collect();
    let mut files = ProcReader::new(root);
    if request.targets.is_empty() {
        let line = select::ancestors(root);
        // A selection spares them, for it may be one of whom to signal.
        if let Ok(more) = selection.find_processes(root, Some(&line)) {
            let above: Vec<u32> = more.processes.iter().map(|found| found.pid).collect();
            let highest =
                line.iter().rposition(|pid| above.contains(pid)).filter(|_| selection.includes_descendants);
            pids.extend(&line[..highest.unwrap_or(0)]);
            pids.extend(above);
            for warning in more.warnings {
                if !warnings.contains(&warning) {
                    warnings.push(warning);
                }
            }
        }
        pids.sort_unstable();
        pids.dedup();
        let hidden = |pid: &u32| matches!(files.stat(*pid), Err(ProcReadError::PermissionDenied));
        let listed = root.pids().unwrap_or_default().into_iter();
        let denied = listed.filter(|pid| pids.binary_search(pid).is_err()).filter(hidden).count();
        counts.unreadable += denied as u64;
    }
    for pid in pids {
        match files.status(pid).and_then(|status| read_process(root, pid, status)) {
            Ok(process) => counts.add(&process),
            Err(ProcReadError::Gone) => {}
            Err(_) => counts.unreadable += 1,
        }
    }
    Ok((problems, warnings))
}

fn read_process(root: &ProcRoot, pid: u32, status: ProcStatus) -> Result<DecodedProcess, ProcReadError> {
    let threads = root.threads(pid, &status)?;
    Ok(DecodedProcess { threads: Some(threads), ..collect::process_from_status(status, None) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_signals_parse() {
        assert_eq!(SignalSet::parse(DEFAULT_SIGNALS, Arch::NATIVE).map(SignalSet::len), Ok(8));
    }
}

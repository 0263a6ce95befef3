//! Machine-wide counters for `--format prometheus`.
//!
//! Processes are counted without storing them or reading other names, so the
//! memory does not grow with their number.

pub(super) mod counts;
mod prometheus;

use super::{DecodeError, DecodeRequest, DecodedProcess, collect, command_outcome};
use crate::error::{CommandOutcome, Failure};
use crate::out::ReportWriter;
use crate::procfs::{ProcReadError, ProcReader, ProcRoot, ProcStatus};
use crate::select::{self, Selection};
use crate::signal::{Arch, SignalSet};
use counts::{DEFAULT_SIGNALS, ProcessCounts};

/// Counts processes and prints the counters. It is not a failure if no process
/// matches: the counters are then 0. Without output the collector would keep
/// reporting the old values.
///
/// # Errors
/// See [`super::run`].
pub(super) fn run(request: &DecodeRequest, out: &mut ReportWriter<'_>) -> Result<CommandOutcome, Failure> {
    // A test verifies that the default names parse.
    let default_signals = || SignalSet::parse(DEFAULT_SIGNALS, Arch::NATIVE).unwrap_or_default();
    let mut counts = ProcessCounts::new(request.counted_signals.unwrap_or_else(default_signals));
    let (errors, warnings) = match &request.selection {
        Some(selection) => count_selected(request, selection, &mut counts)?,
        None => (count_targets(request, &mut counts), Vec::new()),
    };
    counts.unreadable += errors.len() as u64;
    prometheus::print_metrics(&counts, out)?;
    Ok(command_outcome(&errors, warnings, false))
}

/// Counts the targets: processes and texts.
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

/// Counts the selected processes: among the targets, or all except sigtool and
/// kernel threads.
fn count_selected(
    request: &DecodeRequest,
    selection: &Selection,
    counts: &mut ProcessCounts,
) -> Result<(Vec<DecodeError>, Vec<String>), Failure> {
    let root = &request.proc_root;
    let collect::Collected { found, mut warnings, errors } = collect::select_pids(request, selection)?;
    let mut pids: Vec<u32> = found.iter().map(|found| found.pid).collect();
    let mut reader = ProcReader::new(root);
    if request.targets.is_empty() {
        let ancestors = select::ancestors(root);
        // A selection excludes the ancestors of sigtool, because it may choose
        // the processes to signal. The metrics include them.
        if let Ok(selected) = selection.find_processes(root, Some(&ancestors)) {
            let selected_ancestors: Vec<u32> = selected.processes.iter().map(|found| found.pid).collect();
            let highest = ancestors
                .iter()
                .rposition(|pid| selected_ancestors.contains(pid))
                .filter(|_| selection.includes_descendants);
            pids.extend(&ancestors[..highest.unwrap_or(0)]);
            pids.extend(selected_ancestors);
            for warning in selected.warnings {
                if !warnings.contains(&warning) {
                    warnings.push(warning);
                }
            }
        }
        pids.sort_unstable();
        pids.dedup();
        let is_hidden = |pid: &u32| matches!(reader.stat(*pid), Err(ProcReadError::PermissionDenied));
        let all_pids = root.pids().unwrap_or_default().into_iter();
        let hidden_count = all_pids.filter(|pid| pids.binary_search(pid).is_err()).filter(is_hidden).count();
        counts.unreadable += hidden_count as u64;
    }
    for pid in pids {
        match reader.status(pid).and_then(|status| read_process(root, pid, status)) {
            Ok(process) => counts.add(&process),
            Err(ProcReadError::Gone) => {}
            Err(_) => counts.unreadable += 1,
        }
    }
    Ok((errors, warnings))
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

//! A whole machine in numbers, for `--format prometheus`.
//!
//! Unlike elsewhere, what is counted has no name looked up and is not kept: the
//! memory is the same however many processes there are.

use super::count::{Counts, USUAL};
use super::{Problem, Process, Request, find, outcome, prometheus};
use crate::error::{Failure, Outcome};
use crate::out::Out;
use crate::proc::{Files, ReadError, Root, Status};
use crate::select::{self, Selection};
use crate::signal::{Arch, SignalSet};

/// Counts and prints. Where no process matches, that is what the numbers say,
/// and no failure: a series must not stay as it was because of it.
///
/// # Errors
/// As [`super::run`] says.
pub(super) fn run(request: &Request, out: &mut Out<'_>) -> Result<Outcome, Failure> {
    // The usual ones are names; a test reads them.
    let usual = || SignalSet::parse(USUAL, Arch::NATIVE).unwrap_or_default();
    let mut counts = Counts::of(request.signals.unwrap_or_else(usual));
    let (problems, warnings) = match &request.selection {
        Some(selection) => chosen(request, selection, &mut counts)?,
        None => (named(request, &mut counts), Vec::new()),
    };
    counts.unreadable += problems.len() as u64;
    prometheus::show(&counts, out)?;
    Ok(outcome(&problems, warnings, false))
}

/// Counts what was named, processes and texts.
fn named(request: &Request, counts: &mut Counts) -> Vec<Problem> {
    let mut report = find::report(request);
    for process in &report.processes {
        counts.add(process);
        if let (Some(tid), None) = (process.thread, &process.file) {
            let reason = "a thread, which is not counted by itself".to_owned();
            report.problems.push(Problem { target: tid.to_string(), reason });
        }
    }
    report.problems
}

/// Counts what was chosen: of the targets, or of everything but sigtool and
/// kernel threads.
fn chosen(
    request: &Request,
    selection: &Selection,
    counts: &mut Counts,
) -> Result<(Vec<Problem>, Vec<String>), Failure> {
    let root = &request.root;
    let find::Chosen { found, mut warnings, problems } = find::pids(request, selection)?;
    let mut pids: Vec<u32> = found.iter().map(|found| found.pid).collect();
    let mut files = Files::new(root);
    if request.targets.is_empty() {
        let line = select::ancestors(root);
        // A selection spares them, for it may be one of whom to signal.
        if let Ok(more) = selection.find(root, Some(&line)) {
            let above: Vec<u32> = more.found.iter().map(|found| found.pid).collect();
            let highest = line.iter().rposition(|pid| above.contains(pid)).filter(|_| selection.tree);
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
        let hidden = |pid: &u32| matches!(files.stat(*pid), Err(ReadError::Denied));
        let listed = root.pids().unwrap_or_default().into_iter();
        let denied = listed.filter(|pid| pids.binary_search(pid).is_err()).filter(hidden).count();
        counts.unreadable += denied as u64;
    }
    for pid in pids {
        match files.status(pid).and_then(|status| live(root, pid, status)) {
            Ok(process) => counts.add(&process),
            Err(ReadError::Gone) => {}
            Err(_) => counts.unreadable += 1,
        }
    }
    Ok((problems, warnings))
}

fn live(root: &Root, pid: u32, status: Status) -> Result<Process, ReadError> {
    let threads = root.threads(pid, &status)?;
    Ok(Process { threads: Some(threads), ..find::bare(status, None) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_signals_are_signals() {
        assert_eq!(SignalSet::parse(USUAL, Arch::NATIVE).map(SignalSet::len), Ok(8));
    }
}

//! Findings: problems, surprises and notes about the signal handling of a process,
//! derived from a snapshot of /proc.

mod context;
mod dispositions;
mod exit;
pub mod finding;
pub(super) mod handlers;
mod pending;
mod program;
mod queue;
mod senders;
mod stop;
mod unreadable;
mod wait;

use crate::procfs::context::ProcessContext;
use crate::procfs::snapshot::ProcessSnapshot;
use context::FindingContext;
use finding::Finding;

/// Returns all findings about a process, the most severe first.
pub fn collect_findings(snapshot: &ProcessSnapshot, context: &ProcessContext) -> Vec<Finding> {
    let process = FindingContext { snapshot, status: &snapshot.status, context };
    let mut findings = exit::exit_findings(&process);
    findings.extend(pending::blocked_findings(&process));
    findings.extend(stop::sleep_finding(&process));
    findings.extend(stop::stop_findings(&process));
    findings.extend(dispositions::init_finding(&process));
    findings.extend(dispositions::ignored_signal_findings(&process));
    findings.extend(wait::wait_findings(&process));
    findings.extend(program::program_finding(&process));
    findings.extend(unreadable::unreadable_findings(&process));
    findings.extend(queue::queue_finding(&snapshot.status, context));
    findings.sort_by_key(|finding| finding.severity);
    findings
}

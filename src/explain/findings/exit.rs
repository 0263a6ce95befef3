//! Findings about a process that has exited, is exiting, or has lost its main thread.

use super::context::FindingContext;
use super::finding::{Finding, FindingId, Severity, format_process};
use crate::procfs::context::ParentInfo;
use crate::procfs::{FreezerState, TaskState};
use crate::signal::SignalSet;
use crate::signal::consts::{CHLD, KILL};
use crate::signal::exit_status::Termination;

/// Finds that the process is a zombie, is about to exit, or has no main thread.
pub(super) fn exit_findings(process: &FindingContext<'_>) -> Vec<Finding> {
    if process.is_zombie() {
        return vec![zombie_finding(process)];
    }
    let mut findings = Vec::new();
    if process.pending_signals().contains(KILL) {
        let explanation = match process.snapshot.freezer_state {
            FreezerState::V1 => "KILL is pending: it ends once its control group is thawed",
            _ => "KILL is pending: it ends as soon as what it sleeps in lets it",
        };
        findings.push(Finding::new(FindingId::Dying, Severity::Problem, "it is dying", explanation, None));
    }
    let is_multithreaded = process.status.thread_count.is_some_and(|count| count > 1);
    if is_multithreaded && process.status.state.is_some_and(TaskState::has_exited) {
        let explanation = "it looks like a zombie, but its other threads run, and take signals; the mask of the main \
                       thread counts no more";
        findings.push(Finding::new(
            FindingId::LeaderExited,
            Severity::Warning,
            "its main thread has ended, others live",
            explanation,
            None,
        ));
    }
    findings
}

fn zombie_finding(process: &FindingContext<'_>) -> Finding {
    let summary = match process.context.termination {
        Some(exited @ Termination::Exited(_)) => format!("it is a zombie: it {exited}"),
        Some(killed) => format!("it is a zombie: it was {killed}"),
        None => "it is a zombie".to_owned(),
    };
    if let Some(tracer) = process.status.tracer_pid {
        let tracer = format_process(tracer, process.context.tracer_name.as_ref());
        let explanation = format!(
            "its tracer {tracer} has to reap it first, then its parent; no signal does anything to it"
        );
        return Finding::new(FindingId::Zombie, Severity::Problem, summary, explanation, None);
    }
    let parent_pid = process.status.parent_pid.unwrap_or(0);
    let explanation = if parent_pid == 0 {
        "its parent, outside this pid namespace, has not called wait(2); no signal does anything to it"
            .to_owned()
    } else {
        let parent = process.context.parent.as_ref();
        let name = format_process(parent_pid, parent.and_then(|parent| parent.name.as_ref()));
        let chld_handling = parent.map(chld_handling).unwrap_or_default();
        let other_zombies = match process.context.zombie_count {
            Some(count @ 2..) => format!("; it has {count} zombies"),
            _ => String::new(),
        };
        format!(
            "its parent {name} has not called wait(2) for it{chld_handling}{other_zombies}; no signal does anything to a zombie"
        )
    };
    let advice = (parent_pid > 1)
        .then(|| format!("make the parent reap it, or end the parent: sigtool send {parent_pid}"));
    Finding::new(FindingId::Zombie, Severity::Problem, summary, explanation, advice)
}

/// Describes what the parent does with CHLD, which the kernel sends to it when a child
/// exits.
fn chld_handling(parent: &ParentInfo) -> &'static str {
    let has_chld = |set: Option<SignalSet>| set.is_some_and(|set| set.contains(CHLD));
    match parent {
        _ if parent.state.is_some_and(TaskState::is_stopped) => "; the parent is stopped",
        _ if has_chld(parent.caught) => "; the parent catches CHLD",
        _ if has_chld(parent.blocked) => "; the parent blocks CHLD",
        _ if has_chld(parent.ignored) => "; the parent ignores CHLD, and did not when this one ended",
        _ => "; the parent leaves CHLD at its default, and is to call wait(2) by itself",
    }
}

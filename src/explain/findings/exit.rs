//! Findings about a process that has exited, is exiting, or has lost its main thread.

use super::context::FindingContext;
use super::finding::{Finding, FindingId, Severity, format_process};
use crate::procfs::context::ParentInfo;
use crate::procfs::{FreezerState, TaskState};
use crate::signal::SignalSet;
use crate::signal::consts::{CHLD, KILL};

/// Finds that the process is a zombie, is about to exit, or has no main thread.
pub(super) fn exit_findings(process: &FindingContext<'_>) -> Vec<Finding> {
    if process.is_zombie() {
        return vec![zombie_finding(process)];
    }
    let mut findings = Vec::new();
    if process.pending_signals().contains(KILL) {
        let explanation = match process.snapshot.freezer_state {
            FreezerState::V1 => "It will exit when its control group is thawed",
            _ => "It will exit when the system call that it is blocked in returns",
        };
        let summary = "KILL is pending, but it has not exited yet";
        findings.push(Finding::new(FindingId::Dying, Severity::Problem, summary, explanation, None));
    }
    let is_multithreaded = process.status.thread_count.is_some_and(|count| count > 1);
    if is_multithreaded && process.status.state.is_some_and(TaskState::has_exited) {
        let explanation = "It looks like a zombie, but its other threads still receive signals. The main thread's mask no longer matters";
        findings.push(Finding::new(
            FindingId::LeaderExited,
            Severity::Warning,
            "Its main thread has exited, but other threads are still running",
            explanation,
            None,
        ));
    }
    findings
}

fn zombie_finding(process: &FindingContext<'_>) -> Finding {
    let summary = match process.context.termination {
        Some(termination) => format!("It is a zombie ({termination})"),
        None => "It is a zombie".to_owned(),
    };
    if let Some(tracer) = process.status.tracer_pid {
        let tracer = format_process(tracer, process.context.tracer_name.as_ref());
        let explanation = format!(
            "Its tracer {tracer} must reap it first, then its parent. Signals have no effect on a zombie"
        );
        return Finding::new(FindingId::Zombie, Severity::Problem, summary, explanation, None);
    }
    let parent_pid = process.status.parent_pid.unwrap_or(0);
    let explanation = if parent_pid == 0 {
        "Its parent, outside this PID namespace, has not called wait(2). Signals have no effect on a zombie"
            .to_owned()
    } else {
        let parent = process.context.parent.as_ref();
        let name = format_process(parent_pid, parent.and_then(|parent| parent.name.as_ref()));
        let chld_handling = parent.map(chld_handling).unwrap_or_default();
        let other_zombies = match process.context.zombie_count {
            Some(count @ 2..) => format!(". The parent has {count} zombie children"),
            _ => String::new(),
        };
        format!(
            "Its parent {name} has not called wait(2){chld_handling}{other_zombies}. Signals have no effect on a zombie"
        )
    };
    let advice = (parent_pid > 1).then(|| {
        format!("Make the parent call wait(2), or terminate the parent with 'sigtool send {parent_pid}'")
    });
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
        _ if has_chld(parent.ignored) => {
            "; the parent ignores CHLD now, but did not when this process exited"
        }
        _ => "; the parent has no handler for CHLD",
    }
}

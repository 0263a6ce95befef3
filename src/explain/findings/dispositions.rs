//! Findings about dispositions: signals that the process ignores, and an init without a
//! handler for TERM.

use super::context::FindingContext;
use super::finding::{Finding, FindingId, Severity, signal_set};
use crate::procfs::WaitReason;
use crate::signal::SignalSet;
use crate::signal::consts::{CHLD, HUP, INT, PIPE, QUIT, TERM, XFSZ};

/// Finds that the init of a PID namespace has no handler for TERM.
pub(super) fn init_finding(process: &FindingContext<'_>) -> Option<Finding> {
    let caught = process.status.caught?;
    let is_container_init = process.is_init() && !process.snapshot.is_global_init;
    if !is_container_init || (caught | process.signals_read_without_handler()).contains(TERM) {
        return None;
    }
    let summary = "It is the init of a PID namespace and has no handler for TERM";
    let explanation = "The kernel drops signals that an init does not handle, so 'docker stop' waits its full 10 s timeout and then kills it";
    let advice = "Add a handler for TERM, or run it under an init that forwards TERM".to_owned();
    Some(Finding::new(
        FindingId::InitWithoutTermHandler,
        Severity::Problem,
        summary,
        explanation,
        Some(advice),
    ))
}

/// Finds ignored signals that change the behaviour of the process or of its children.
pub(super) fn ignored_signal_findings(process: &FindingContext<'_>) -> Vec<Finding> {
    let (Some(ignored), false) = (process.status.ignored, process.is_zombie() || process.is_kernel_thread())
    else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let mut add = |id, severity, summary: &str, explanation: &str| {
        findings.push(Finding::new(id, severity, summary, explanation, None));
    };
    if ignored.contains(TERM) {
        let explanation = "A request to terminate has no effect. This is normal for an interactive shell. Its children may also ignore TERM";
        add(FindingId::TermIgnored, Severity::Warning, "It ignores TERM", explanation);
    }
    if ignored.contains(HUP) {
        let explanation = "It keeps running when its terminal closes. It was probably started with nohup(1)";
        add(FindingId::HupIgnored, Severity::Note, "It ignores HUP", explanation);
    }
    if ignored.contains(INT) && ignored.contains(QUIT) {
        let explanation = match waits_in_system3(process) {
            true => "It probably waits in system(3) for a command",
            false => {
                "Ctrl-C has no effect. A shell without job control, such as a script, probably started it with &"
            }
        };
        add(FindingId::IntQuitIgnored, Severity::Note, "It ignores INT and QUIT", explanation);
    }
    if ignored.contains(PIPE) && ignored.contains(XFSZ) {
        let explanation = "Writing to a closed pipe fails with EPIPE instead of killing it. It is probably Python or Node.js, or one of them started it";
        add(FindingId::PipeIgnored, Severity::Note, "It ignores PIPE and XFSZ", explanation);
    } else if ignored.contains(PIPE) {
        let explanation =
            "Writing to a closed pipe fails with EPIPE instead of killing it. Its children inherit this";
        add(FindingId::PipeIgnored, Severity::Note, "It ignores PIPE", explanation);
    }
    if ignored.contains(CHLD) {
        let explanation =
            "The kernel reaps its children, so wait(2) fails with ECHILD. Its children inherit this";
        add(FindingId::ChldIgnored, Severity::Warning, "It ignores CHLD", explanation);
    }
    findings
}

/// Returns `true` if a thread waits in system(3), which ignores INT and QUIT, blocks CHLD
/// and waits for one child by its PID (POSIX, `system`). A shell that waits also blocks
/// CHLD for that moment, but it waits for any child.
fn waits_in_system3(process: &FindingContext<'_>) -> bool {
    // If the PID is unreadable, the disposition of CHLD decides: a shell catches CHLD to
    // learn of its jobs.
    let catches_chld = process.status.caught.unwrap_or_default().contains(CHLD);
    let is_system3 = |reason: WaitReason, blocked: SignalSet| match reason {
        WaitReason::Child(Some(_)) => blocked.contains(CHLD),
        WaitReason::Child(None) | WaitReason::Unknown => blocked == signal_set(&[CHLD]) && !catches_chld,
        _ => false,
    };
    match &process.snapshot.threads {
        Some(threads) => {
            threads.live().any(|thread| is_system3(process.snapshot.wait_reason(thread.tid), thread.blocked))
        }
        None => {
            process.blocked_by_all_threads().is_some_and(|blocked| is_system3(WaitReason::Unknown, blocked))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::collect_findings;
    use super::*;
    use crate::procfs::context::ProcessContext;
    use crate::procfs::task::test_thread;
    use crate::procfs::{ProcessSnapshot, Threads};

    /// Returns the cause that is reported for a process that ignores INT and QUIT:
    /// `system` or `&`.
    fn interrupt_finding_cause(
        blocked: &[SignalSet],
        wait_reasons: &[WaitReason],
        caught: SignalSet,
    ) -> &'static str {
        let threads = (7..).zip(blocked).map(|(tid, blocked)| test_thread(tid, b'S', 0, blocked.bits()));
        let mut snapshot = ProcessSnapshot {
            threads: Some(Threads::new(threads.collect())),
            wait_reasons: (7..).zip(wait_reasons.iter().copied()).collect(),
            ..ProcessSnapshot::default()
        };
        snapshot.status.ignored = Some(signal_set(&[INT, QUIT]));
        snapshot.status.caught = Some(caught);
        let findings = collect_findings(&snapshot, &ProcessContext::default());
        let finding = findings
            .iter()
            .find(|finding| finding.id == FindingId::IntQuitIgnored)
            .expect("the process ignores INT and QUIT");
        if finding.explanation.contains("system(3)") { "system" } else { "&" }
    }

    #[test]
    fn system3_is_distinguished_from_waiting_shell() {
        let (chld, none) = (signal_set(&[CHLD]), SignalSet::EMPTY);
        for (blocked, reason, caught, expected) in [
            (chld, WaitReason::Child(Some(8)), none, "system"),
            (chld | signal_set(&[TERM]), WaitReason::Child(Some(8)), none, "system"),
            (chld, WaitReason::Child(Some(8)), chld, "system"),
            (none, WaitReason::Child(Some(8)), none, "&"),
            // bash in `wait`.
            (chld, WaitReason::Other, chld, "&"),
            (chld, WaitReason::Other, none, "&"),
            // The system call is unreadable.
            (chld, WaitReason::Child(None), none, "system"),
            (chld, WaitReason::Unknown, none, "system"),
            (chld, WaitReason::Child(None), chld, "&"),
            (chld | signal_set(&[TERM]), WaitReason::Unknown, none, "&"),
        ] {
            assert_eq!(
                interrupt_finding_cause(&[blocked], &[reason], caught),
                expected,
                "{blocked:?} {reason:?} {caught:?}"
            );
        }
        let wait_reasons = [WaitReason::Other, WaitReason::Child(Some(8))];
        assert_eq!(
            interrupt_finding_cause(&[none, chld], &wait_reasons, none),
            "system",
            "one thread of two"
        );
    }
}

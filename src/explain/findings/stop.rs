//! Findings about a process that does not run: it sleeps uninterruptibly, is stopped,
//! traced or frozen.

use super::context::FindingContext;
use super::finding::{Finding, FindingId, Severity, format_process, signals_are};
use crate::procfs::{FreezerState, Threads};
use crate::signal::Arch;

/// Finds a thread in an uninterruptible sleep.
pub(super) fn sleep_finding(process: &FindingContext<'_>) -> Option<Finding> {
    // A process that the freezer of cgroup version 1 has frozen appears to be in such a
    // sleep. It has its own finding.
    let is_frozen = process.snapshot.freezer_state == FreezerState::V1;
    let sleep = process.context.sleep_location.as_ref().filter(|_| !is_frozen)?;
    let location = match (sleep.syscall, &sleep.wchan) {
        (Some(call), Some(channel)) => format!(" in system call {call} (kernel function {channel})"),
        (Some(call), None) => format!(" in system call {call}"),
        (None, Some(channel)) => format!(" in kernel function {channel}"),
        (None, None) => String::new(),
    };
    let is_vfork = |name: &String| name.contains("vfork") || name.contains("kernel_clone");
    let likely = match sleep.wchan.as_ref().is_some_and(is_vfork) {
        true => "It probably waits for the child of its vfork(2) to call execve(2) or exit. ",
        false => "",
    };
    let end = match process.snapshot.threads.as_ref().and_then(Threads::all_killable) {
        Some(true) => {
            "KILL, or any signal whose default action terminates it, kills it immediately. Other signals stay pending until the sleep ends"
        }
        Some(false) => "All signals, including KILL, stay pending until the sleep ends",
        None => {
            "Signals stay pending until the sleep ends, but KILL may kill it immediately (/proc does not show the kind of sleep)"
        }
    };
    Some(Finding::new(
        FindingId::UninterruptibleSleep,
        Severity::Problem,
        format!("A thread is in an uninterruptible sleep (D){location}"),
        format!("{likely}{end}"),
        None,
    ))
}

/// Finds that the process is traced, stopped or frozen.
pub(super) fn stop_findings(process: &FindingContext<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(tracer) = process.status.tracer_pid {
        let tracer = format_process(tracer, process.context.tracer_name.as_ref());
        let explanation = "The tracer intercepts every signal except KILL and decides whether to deliver it";
        findings.push(Finding::new(
            FindingId::Traced,
            Severity::Warning,
            format!("It is traced by {tracer}"),
            explanation,
            None,
        ));
    }
    match process.status.state.map(|state| state.letter()) {
        Some('T') => findings.push(job_control_stop_finding(process)),
        Some('t') => findings.push(tracer_stop_finding(process)),
        _ => {}
    }
    let explanation = match process.snapshot.freezer_state {
        FreezerState::NotFrozen => return findings,
        FreezerState::V2 => {
            "KILL, or any signal whose default action terminates it, still kills it. Other signals stay pending until it is thawed"
        }
        FreezerState::V1 => "All signals, including KILL, stay pending until it is thawed",
    };
    findings.push(Finding::new(
        FindingId::Frozen,
        Severity::Problem,
        "Its control group is frozen",
        explanation,
        None,
    ));
    findings
}

fn job_control_stop_finding(process: &FindingContext<'_>) -> Finding {
    let stop_signal =
        process.context.stop_signal.map(|signal| format!(" by {}", Arch::NATIVE.signal_name(signal)));
    let pending = process.pending_signals() - process.blocked_by_all_threads().unwrap_or_default();
    let pending = match pending.is_empty() {
        true => String::new(),
        false => format!(". {} pending now", signals_are(pending)),
    };
    let advice =
        process.context.is_live.then(|| format!("Continue it with 'sigtool send -CONT {}'", process.pid()));
    Finding::new(
        FindingId::Stopped,
        Severity::Problem,
        format!("It is stopped{}", stop_signal.unwrap_or_default()),
        format!("All signals except KILL and CONT stay pending until it is continued{pending}"),
        advice,
    )
}

fn tracer_stop_finding(process: &FindingContext<'_>) -> Finding {
    let pending = match process.pending_signals().is_empty() {
        true => String::new(),
        false => format!(". {} pending now", signals_are(process.pending_signals())),
    };
    Finding::new(
        FindingId::Stopped,
        Severity::Problem,
        "It is stopped by its tracer",
        format!("It stays stopped until the tracer resumes it{pending}"),
        None,
    )
}

#[cfg(test)]
mod tests {
    use super::super::collect_findings;
    use super::*;
    use crate::procfs::context::{ProcessContext, SleepLocation};
    use crate::procfs::task::test_thread;
    use crate::procfs::{ProcessSnapshot, Thread};

    #[test]
    fn sleep_finding_states_whether_kill_ends_the_sleep() {
        let explanation = |killable: &[Option<bool>]| {
            let threads = (7..)
                .zip(killable)
                .map(|(tid, killable)| Thread { killable: *killable, ..test_thread(tid, b'D', 0, 0) });
            let threads = Some(Threads::new(threads.collect()));
            let snapshot = ProcessSnapshot { threads, ..ProcessSnapshot::default() };
            let context = ProcessContext {
                sleep_location: Some(SleepLocation::default()),
                ..ProcessContext::default()
            };
            let sleep = collect_findings(&snapshot, &context)
                .into_iter()
                .find(|finding| finding.id == FindingId::UninterruptibleSleep)
                .expect("the sleep is found");
            sleep.explanation
        };
        assert_eq!(
            explanation(&[Some(true), Some(true)]),
            "KILL, or any signal whose default action terminates it, kills it immediately. Other signals stay pending until the sleep ends"
        );
        assert_eq!(
            explanation(&[Some(true), Some(false), None]),
            "All signals, including KILL, stay pending until the sleep ends"
        );
        for killable in [&[None][..], &[Some(true), None]] {
            assert!(explanation(killable).contains("/proc does not show the kind of sleep"), "{killable:?}");
        }
    }
}

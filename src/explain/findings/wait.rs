//! Findings about signals that a program takes without a handler: in sigwait(3), in
//! sigsuspend(2), or from a signalfd.

use super::context::FindingContext;
use super::finding::{Finding, FindingId, Severity, signal_names};
use crate::procfs::WaitReason;

pub(super) fn wait_findings(process: &FindingContext<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let first_waiting = |is_wanted: fn(&WaitReason) -> bool| {
        process.snapshot.wait_reasons.iter().find(move |(_, reason)| is_wanted(reason))
    };
    if let Some((tid, WaitReason::Sigwait(set))) =
        first_waiting(|reason| matches!(reason, WaitReason::Sigwait(_)))
    {
        let summary = format!("Thread {tid} waits in sigwait(3) for {}", signal_names(*set));
        let explanation = "sigwait(3) receives these signals, and neither a handler nor the default action runs. The kernel shows them as \
             unblocked meanwhile";
        findings.push(Finding::new(FindingId::Sigwait, Severity::Note, summary, explanation, None));
    }
    if let Some((tid, _)) = first_waiting(|reason| *reason == WaitReason::Sigsuspend) {
        let summary = format!("Thread {tid} waits in sigsuspend(2)");
        let explanation = "This mask is temporary; the previous one is restored when sigsuspend returns";
        findings.push(Finding::new(FindingId::Sigsuspend, Severity::Note, summary, explanation, None));
    }
    for (descriptor, set) in process.snapshot.signalfds.iter().flatten() {
        let summary = format!("Descriptor {descriptor} is a signalfd for {}", signal_names(*set));
        let explanation =
            "While these signals are blocked, it can read them from the signalfd instead of handling them";
        findings.push(Finding::new(FindingId::Signalfd, Severity::Note, summary, explanation, None));
    }
    findings
}

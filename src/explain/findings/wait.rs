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
        let summary = format!("thread {tid} waits in sigwait(3) for {}", signal_names(*set));
        let explanation = "the kernel shows these as unblocked meanwhile; whichever comes is taken there, and no handler \
                       or default action follows";
        findings.push(Finding::new(FindingId::Sigwait, Severity::Note, summary, explanation, None));
    }
    if let Some((tid, _)) = first_waiting(|reason| *reason == WaitReason::Sigsuspend) {
        let summary = format!("thread {tid} waits in sigsuspend(2)");
        let explanation = "its mask is a temporary one, and another when it goes on";
        findings.push(Finding::new(FindingId::Sigsuspend, Severity::Note, summary, explanation, None));
    }
    for (descriptor, set) in process.snapshot.signalfds.iter().flatten() {
        let summary = format!("descriptor {descriptor} is a signalfd of {}", signal_names(*set));
        let explanation = "it may read these there, instead of handling them, as long as they are blocked";
        findings.push(Finding::new(FindingId::Signalfd, Severity::Note, summary, explanation, None));
    }
    findings
}

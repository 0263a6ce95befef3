//! Findings about signals that are pending or blocked by every thread.

use super::context::FindingContext;
use super::finding::{Finding, FindingId, Severity, format_process, signal_names, signal_set};
use super::senders::describe_senders;
use crate::signal::SignalSet;
use crate::signal::consts::{CHLD, CONT, HUP, INT, QUIT, TERM, URG, WINCH};

/// Finds signals that are stuck in a queue, and masks that block TERM or come from the
/// parent.
pub(super) fn blocked_findings(process: &FindingContext<'_>) -> Vec<Finding> {
    let (Some(blocked), false) = (process.blocked_by_all_threads(), process.is_zombie()) else {
        return Vec::new();
    };
    let readable = process.signals_read_without_handler();
    let (ignored, caught) =
        (process.status.ignored.unwrap_or_default(), process.status.caught.unwrap_or_default());
    // The kernel drops an ignored signal when it is unblocked, so the program misses
    // nothing.
    let harmless = (signal_set(&[CHLD, URG, WINCH, CONT]) - caught) | ignored;
    let stuck = (process.pending_signals() & blocked) - process.signals_being_read() - harmless;
    let mut findings = stuck_signal_findings(process, stuck, readable);
    if blocked.contains(TERM) && !(readable | stuck).contains(TERM) {
        let explanation = "TERM would stay pending, so a request to terminate has no effect";
        findings.push(Finding::new(
            FindingId::TermBlocked,
            Severity::Warning,
            "Every thread blocks TERM",
            explanation,
            None,
        ));
    }
    findings.extend(inherited_mask_finding(process, blocked));
    findings
}

/// Finds pending signals that no thread will take: at most one finding for requests to
/// exit, one for other signals, one for signals that a signalfd can read.
fn stuck_signal_findings(
    process: &FindingContext<'_>,
    stuck: SignalSet,
    readable: SignalSet,
) -> Vec<Finding> {
    let exit_requests = signal_set(&[TERM, INT, HUP, QUIT]);
    // The process may have a signalfd that sigtool may not see.
    let signalfds_unknown = process.snapshot.threads.is_some() && process.snapshot.signalfds.is_none();
    let (stuck_readable, unreadable) = (stuck & readable, stuck - readable);
    let exit_severity = if signalfds_unknown { Severity::Warning } else { Severity::Problem };
    let mut findings = Vec::new();
    for (signals, severity) in [
        (unreadable & exit_requests, exit_severity),
        (unreadable - exit_requests, Severity::Warning),
        (stuck_readable, Severity::Warning),
    ] {
        if signals.is_empty() {
            continue;
        }
        let (verb, they, them) =
            if signals.len() == 1 { ("is", "It", "it") } else { ("are", "They", "them") };
        let consequence = if signals == stuck_readable {
            format!("The process has a signalfd for {them} but has not read {them}")
        } else if signalfds_unknown {
            format!(
                "{they} will not be handled until a thread unblocks {them} or reads {them} from a signalfd \
                 (no permission to check for a signalfd)"
            )
        } else {
            format!("{they} will not be handled until a thread unblocks {them}")
        };
        let senders = describe_senders(process.context, signals);
        let explanation = consequence + &senders;
        let names = signal_names(signals);
        let blockers = match process.snapshot.threads.as_ref().map_or(1, |threads| threads.live_count()) {
            1 => String::new(),
            count => format!(" by all {count} threads"),
        };
        let pid = process.pid();
        let advice = (severity == Severity::Problem && process.context.is_live && !process.is_init()).then(|| {
            format!(
                "Wait until the process unblocks {names}, or kill it with 'sigtool send -KILL {pid}' (KILL cannot be blocked)"
            )
        });
        let summary = format!("{names} {verb} pending but blocked{blockers}");
        findings.push(Finding::new(FindingId::PendingBlocked, severity, summary, explanation, advice));
    }
    findings
}

/// Finds that the process probably inherited its mask from its parent.
fn inherited_mask_finding(process: &FindingContext<'_>, blocked: SignalSet) -> Option<Finding> {
    // A shell blocks CHLD for a moment while it waits. Its children do not inherit that.
    let without_chld = |set: SignalSet| set - signal_set(&[CHLD]);
    let mask = without_chld(blocked);
    let is_same = |set: SignalSet| without_chld(set) == mask && !mask.is_empty();
    let parent = process.context.parent.as_ref().filter(|parent| parent.blocked.is_some_and(is_same))?;
    let name = format_process(parent.pid, parent.name.as_ref());
    let explanation = format!(
        "It probably inherited {} from its parent {name}, which blocks the same signals. fork(2) and execve(2) keep the mask",
        signal_names(mask)
    );
    let advice = "Restore the signal mask in the parent before it starts children".to_owned();
    Some(Finding::new(
        FindingId::MaskInherited,
        Severity::Warning,
        "Its signal mask equals its parent's",
        explanation,
        Some(advice),
    ))
}

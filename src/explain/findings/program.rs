//! The finding about the kind of program: a kernel thread, a Go program, or one whose C
//! library catches its own signals.

use super::context::FindingContext;
use super::finding::{Finding, FindingId, Severity, signal_names};
use crate::signal::SignalSet;
use crate::signal::consts::URG;

pub(super) fn program_finding(process: &FindingContext<'_>) -> Option<Finding> {
    let note = |id, summary: String, explanation: &str| {
        Some(Finding::new(id, Severity::Note, summary, explanation, None))
    };
    if process.is_kernel_thread() {
        let explanation = "it takes no signals but those that its own code asks for; it cannot be ended";
        return note(FindingId::KernelThread, "it is a kernel thread".to_owned(), explanation);
    }
    let caught = process.status.caught.unwrap_or_default();
    if matches_go_runtime(caught) {
        let explanation = "the Go runtime catches all it can, and interrupts its threads by URG many times a second: that is \
                       no fault";
        return note(FindingId::GoRuntime, "it is likely a Go program".to_owned(), explanation);
    }
    let libc_signals: SignalSet = caught.iter().filter(|signal| signal.is_reserved_by_libc()).collect();
    if libc_signals.is_empty() {
        return None;
    }
    let summary = format!("it catches {}, the C library's own", signal_names(libc_signals));
    let explanation = "the C library uses 32 to cancel threads and 33 to change the user of all of them";
    note(FindingId::LibcSignals, summary, explanation)
}

/// Returns `true` if these caught signals are those of the Go runtime: it catches all
/// signals that it can, including URG, which it uses to interrupt its threads.
pub(super) fn matches_go_runtime(caught: SignalSet) -> bool {
    caught.contains(URG) && caught.len() >= 50
}

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
        let explanation = "It receives only signals that its own code allows, and it cannot be killed";
        return note(FindingId::KernelThread, "It is a kernel thread".to_owned(), explanation);
    }
    let caught = process.status.caught.unwrap_or_default();
    if matches_go_runtime(caught) {
        let explanation = "The Go runtime catches all signals that it can, and preempts its threads with URG many times a \
                           second. This is normal";
        return note(FindingId::GoRuntime, "It is probably a Go program".to_owned(), explanation);
    }
    let libc_signals: SignalSet = caught.iter().filter(|signal| signal.is_reserved_by_libc()).collect();
    if libc_signals.is_empty() {
        return None;
    }
    let summary = format!("It catches {}, which the C library reserves", signal_names(libc_signals));
    let explanation =
        "The C library uses 32 to cancel threads and 33 to change the user and group IDs of all threads";
    note(FindingId::LibcSignals, summary, explanation)
}

/// Returns `true` if these caught signals are those of the Go runtime: it catches all
/// signals that it can, including URG, which it uses to interrupt its threads.
pub(super) fn matches_go_runtime(caught: SignalSet) -> bool {
    caught.contains(URG) && caught.len() >= 50
}

//! The JSON Lines of a command's log: an event, and what was done with it.

use std::time::SystemTime;

use serde::Serialize;

use super::policy::{ForwardOutcome, NotForwardedReason};
use crate::commands::watch::ReceivedSignal;
use crate::commands::watch::wire::{self, ReceivedSignalObject};
use crate::signal::Arch;

/// A signal that was received, and what became of it.
#[derive(Serialize)]
pub(super) struct LogEntryObject<'a> {
    #[serde(flatten)]
    event: ReceivedSignalObject<'a>,
    /// What it went on as; null where it did not.
    forwarded: Option<String>,
    /// Why it did not; or why sigtool has sent it itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// An entry as an object.
pub(super) fn log_entry_object<'a>(event: &'a ReceivedSignal, fate: &ForwardOutcome) -> LogEntryObject<'a> {
    let (forwarded, reason) = match fate {
        ForwardOutcome::Forwarded(signal) => (Some(Arch::NATIVE.signal_name(*signal).to_string()), None),
        ForwardOutcome::SentOnTimeout => {
            (Some(Arch::NATIVE.signal_name(event.siginfo.signal).to_string()), Some("timeout"))
        }
        ForwardOutcome::NotForwarded(NotForwardedReason::Dropped) => (None, Some("dropped")),
        ForwardOutcome::NotForwarded(NotForwardedReason::SentByTerminal) => (None, Some("terminal")),
        ForwardOutcome::NotForwarded(NotForwardedReason::CommandExited) => (None, Some("ended")),
        ForwardOutcome::NotForwarded(NotForwardedReason::Failed(_)) => (None, Some("failed")),
    };
    LogEntryObject { event: wire::received_signal_object(event), forwarded, reason }
}

/// So many lines were not written, for nobody read them in time; one line of
/// JSON.
pub(super) fn dropped_lines_json(count: u64) -> String {
    serde_json::to_string(&wire::lost_count_object(SystemTime::now(), count)).unwrap_or_default()
}

//! The JSON Lines of the log of a supervised command.

use std::time::SystemTime;

use serde::Serialize;

use super::policy::{ForwardOutcome, NotForwardedReason};
use crate::commands::watch::ReceivedSignal;
use crate::commands::watch::wire::{self, ReceivedSignalObject};
use crate::signal::Arch;

/// A received signal and the outcome of forwarding it.
#[derive(Serialize)]
pub(super) struct LogEntryObject<'a> {
    #[serde(flatten)]
    event: ReceivedSignalObject<'a>,
    /// The signal that was forwarded, or null if none was.
    forwarded: Option<String>,
    /// The reason why it was not forwarded, or why sigtool sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

pub(super) fn log_entry_object<'a>(
    event: &'a ReceivedSignal,
    outcome: &ForwardOutcome,
) -> LogEntryObject<'a> {
    let (forwarded, reason) = match outcome {
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

/// Returns the JSON notice about dropped lines.
pub(super) fn dropped_lines_json(count: u64) -> String {
    serde_json::to_string(&wire::lost_count_object(SystemTime::now(), count)).unwrap_or_default()
}

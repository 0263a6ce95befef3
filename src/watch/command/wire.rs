//! The JSON Lines of a command's log: an event, and what was done with it.

use std::time::SystemTime;

use serde::Serialize;

use super::fate::{Fate, Why};
use crate::signal::Arch;
use crate::watch::Event;
use crate::watch::wire::{self, EventObject};

/// A signal that was received, and what became of it.
#[derive(Serialize)]
pub(super) struct LogObject<'a> {
    #[serde(flatten)]
    event: EventObject<'a>,
    /// What it went on as; null where it did not.
    forwarded: Option<String>,
    /// Why it did not; or why sigtool has sent it itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// An entry as an object.
pub(super) fn entry<'a>(event: &'a Event, fate: &Fate) -> LogObject<'a> {
    let (forwarded, reason) = match fate {
        Fate::Forwarded(signal) => (Some(Arch::NATIVE.name(*signal).to_string()), None),
        Fate::Sent => (Some(Arch::NATIVE.name(event.info.signal).to_string()), Some("timeout")),
        Fate::Kept(Why::Dropped) => (None, Some("dropped")),
        Fate::Kept(Why::Terminal) => (None, Some("terminal")),
        Fate::Kept(Why::Ended) => (None, Some("ended")),
        Fate::Kept(Why::Failed(_)) => (None, Some("failed")),
    };
    LogObject { event: wire::event(event), forwarded, reason }
}

/// So many lines were not written, for nobody read them in time; one line of
/// JSON.
pub(super) fn lost(count: u64) -> String {
    serde_json::to_string(&wire::lost(SystemTime::now(), count)).unwrap_or_default()
}

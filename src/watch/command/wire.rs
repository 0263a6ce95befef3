//! The JSON Lines of a command's log: an event, and what was done with it.

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

/// What stands in the place of entries that nobody read in time.
#[derive(Serialize)]
struct LostObject {
    time: String,
    /// How many lines there were.
    lost: u64,
}

/// So many lines were not written; one line of JSON.
pub(super) fn lost(count: u64) -> String {
    let time = humantime::format_rfc3339_micros(std::time::SystemTime::now()).to_string();
    serde_json::to_string(&LostObject { time, lost: count }).unwrap_or_default()
}

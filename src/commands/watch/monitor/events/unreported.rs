//! Count of the events that could not be printed before the exit, because the
//! reader of the output was too slow.

use crate::commands::watch::monitor::event::FatalSignal;
use crate::commands::watch::monitor::signal_text;
use crate::inspect::events::{ThreadEvent, ThreadEventKind};
use crate::out::escape_name;
use crate::signal::consts::KILL;

/// Maximum number of KILL signals to report separately.
const MAX_NAMED_KILLS: usize = 10;

/// The events that were not printed.
#[derive(Debug, Default)]
pub(in crate::commands::watch::monitor) struct UnreportedEvents {
    count: u64,
    /// Number of events that the backend lost.
    lost_count: u64,
    /// Targets and senders of the first KILL signals.
    named_kills: Vec<String>,
    /// Number of further KILL signals.
    other_kills: u64,
}

impl UnreportedEvents {
    pub(in crate::commands::watch::monitor) fn add(&mut self, event: &ThreadEvent) {
        match &event.kind {
            ThreadEventKind::Lost(lost) => {
                self.lost_count += lost;
                return;
            }
            ThreadEventKind::Generation(generation)
                if generation.siginfo.signal == KILL && self.named_kills.len() < MAX_NAMED_KILLS =>
            {
                let name = escape_name(event.thread_name.as_deref().unwrap_or_default());
                let fatal_signal = FatalSignal::Generated(generation.clone());
                let sender = signal_text::fatal_signal_text(&fatal_signal, event.pid);
                self.named_kills.push(format!("KILL to {} ({name}){sender}", event.pid.unwrap_or(0)));
            }
            ThreadEventKind::Generation(generation) if generation.siginfo.signal == KILL => {
                self.other_kills += 1;
            }
            _ => {}
        }
        self.count += 1;
    }

    /// Returns the lines for standard error; none if every event was printed.
    pub(in crate::commands::watch::monitor) fn to_notes(&self) -> Vec<String> {
        let UnreportedEvents { count, lost_count, named_kills, other_kills } = self;
        let events = |count: u64| if count == 1 { "event" } else { "events" };
        let mut notes = Vec::new();
        if *count > 0 {
            notes.push(format!("dropped {count} {} (reader too slow)", events(*count)));
        }
        notes.extend(named_kills.iter().map(|kill| format!("the dropped events include {kill}")));
        if *other_kills > 0 {
            notes.push(format!("the dropped events include {other_kills} more KILL signals"));
        }
        if *lost_count > 0 {
            notes.push(format!("lost {lost_count} {} (buffer full)", events(*lost_count)));
        }
        notes
    }
}

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
                self.named_kills.push(format!("{} ({name}): KILL{sender}", event.pid.unwrap_or(0)));
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
        let signals = |count: u64| if count == 1 { "signal was" } else { "signals were" };
        let mut notes = Vec::new();
        if *count > 0 {
            notes.push(format!("{count} {} seen, and are not told any more", signals(*count)));
        }
        notes.extend(named_kills.iter().map(|kill| format!("among them, for {kill}")));
        if *other_kills > 0 {
            notes.push(format!("and KILL {other_kills} times more"));
        }
        if *lost_count > 0 {
            notes.push(format!("{lost_count} {} lost: there was no room for them", signals(*lost_count)));
        }
        notes
    }
}

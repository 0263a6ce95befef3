//! Lines for people on standard error, which nothing waits for.

use std::io::Write;
use std::time::Duration;

use super::queue::LineQueue;
use crate::out::escape_message;

/// How often what waits is tried again.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// Standard error. Nobody is left to tell where it cannot be written.
#[derive(Debug)]
pub(in crate::commands::watch) struct StderrNotes(LineQueue);

impl StderrNotes {
    /// Nothing is written yet.
    pub(in crate::commands::watch) fn stderr() -> StderrNotes {
        StderrNotes(LineQueue::stderr(|lost| {
            format!("watch: not written, for nobody read them in time: {lost} lines\n")
        }))
    }

    /// A line of what goes on.
    pub(in crate::commands::watch) fn write_note(&mut self, text: &str) {
        let _ = self.0.write_all(format!("watch: {}\n", escape_message(text)).as_bytes());
    }

    /// A line of what has gone wrong.
    pub(in crate::commands::watch) fn write_error(&mut self, text: &str) {
        let _ = self.0.write_all(format!("sigtool: {}\n", escape_message(text)).as_bytes());
    }

    /// That so many bytes of what is written somewhere are given up, if any are.
    pub(in crate::commands::watch) fn note_unwritten(&mut self, of: &str, bytes: usize) {
        if let Some(text) = unwritten_text(of, bytes) {
            self.write_note(&text);
        }
    }

    /// Tries again what waits; gives how long to wait at most before the next
    /// time, of the time that is left (`None`: for ever).
    pub(in crate::commands::watch) fn write_pending(&self, left: Option<Duration>) -> Option<Duration> {
        let _ = self.0.write_pending();
        if self.0.has_pending() {
            Some(left.map_or(RETRY_INTERVAL, |left| left.min(RETRY_INTERVAL)))
        } else {
            left
        }
    }

    /// Writes what waits, before the end; what nobody takes is given up.
    pub(in crate::commands::watch) fn finish(&self) {
        let _ = self.0.flush_at_exit();
    }
}

/// How it is told that so many bytes of what is written somewhere are given up;
/// `None` where none are.
pub(in crate::commands::watch) fn unwritten_text(of: &str, bytes: usize) -> Option<String> {
    (bytes > 0).then(|| format!("{of}: {bytes} bytes not written, for nobody read them in time"))
}

//! Messages for people on standard error, written without blocking.

use std::fmt::Display;
use std::io::Write;
use std::time::Duration;

use super::LineDroppingWriter;
use crate::out::escape_message;

/// The time between two attempts to write pending messages.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// Standard error. Errors of write(2) are ignored: no other stream could report
/// them.
#[derive(Debug)]
pub(in crate::commands::watch) struct StderrNotes(LineDroppingWriter);

impl StderrNotes {
    pub(in crate::commands::watch) fn stderr() -> StderrNotes {
        StderrNotes(LineDroppingWriter::stderr(dropped_lines_note))
    }

    /// Writes a line about the progress of the command.
    pub(in crate::commands::watch) fn write_note(&mut self, text: &str) {
        let _ = self.0.write_all(format!("watch: {}\n", escape_message(text)).as_bytes());
    }

    /// Writes a line about an error.
    pub(in crate::commands::watch) fn write_error(&mut self, text: &str) {
        let _ = self.0.write_all(format!("sigtool: {}\n", escape_message(text)).as_bytes());
    }

    /// Writes a note with the number of unwritten bytes of a stream, if it is not 0.
    pub(in crate::commands::watch) fn note_unwritten(&mut self, stream: &str, bytes: usize) {
        if let Some(text) = unwritten_text(stream, bytes) {
            self.write_note(&text);
        }
    }

    /// Writes pending lines that fit. Returns the timeout of the next wait: `timeout`,
    /// shortened if lines are still pending (`None`: no timeout).
    pub(in crate::commands::watch) fn write_pending(&self, timeout: Option<Duration>) -> Option<Duration> {
        let _ = self.0.write_pending();
        if self.0.has_pending() {
            Some(timeout.map_or(RETRY_INTERVAL, |timeout| timeout.min(RETRY_INTERVAL)))
        } else {
            timeout
        }
    }

    /// Writes pending lines before exit. Lines that are not read in time are lost.
    pub(in crate::commands::watch) fn finish(&self) {
        let _ = self.0.flush_at_exit();
    }
}

/// Returns a count with its noun, in the plural unless it is 1.
pub(in crate::commands::watch) fn counted<N: Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    let plural = if count == N::from(1) { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// Returns the line that takes the place of dropped lines.
pub(in crate::commands::watch) fn dropped_lines_note(count: u64) -> String {
    format!("watch: dropped {} (reader too slow)\n", counted(count, "line"))
}

/// Returns the message about unwritten bytes of a stream, or `None` if there are none.
pub(in crate::commands::watch) fn unwritten_text(stream: &str, bytes: usize) -> Option<String> {
    (bytes > 0).then(|| format!("dropped {} of {stream} (reader too slow)", counted(bytes, "byte")))
}

//! Lines for people on standard error, which nothing waits for.

use std::io::Write;
use std::time::Duration;

use super::command::backlog::Backlog;
use crate::out::escape_line;

/// How often what waits is tried again.
const AGAIN: Duration = Duration::from_millis(100);

/// Standard error. Nobody is left to tell where it cannot be written.
#[derive(Debug)]
pub(super) struct Notes(Backlog);

impl Notes {
    /// Nothing is written yet.
    pub(super) fn stderr() -> Notes {
        Notes(Backlog::stderr(|lost| {
            format!("watch: not written, for nobody read them in time: {lost} lines\n")
        }))
    }

    /// A line of what goes on.
    pub(super) fn note(&mut self, text: &str) {
        let _ = self.0.write_all(format!("watch: {}\n", escape_line(text)).as_bytes());
    }

    /// A line of what has gone wrong.
    pub(super) fn complain(&mut self, text: &str) {
        let _ = self.0.write_all(format!("sigtool: {}\n", escape_line(text)).as_bytes());
    }

    /// That so many bytes of what is written somewhere are given up, if any are.
    pub(super) fn lost(&mut self, of: &str, bytes: usize) {
        if let Some(text) = lost(of, bytes) {
            self.note(&text);
        }
    }

    /// Tries again what waits; gives how long to wait at most before the next
    /// time, of the time that is left (`None`: for ever).
    pub(super) fn catch_up(&self, left: Option<Duration>) -> Option<Duration> {
        let _ = self.0.catch_up();
        if self.0.has_waiting() { Some(left.map_or(AGAIN, |left| left.min(AGAIN))) } else { left }
    }

    /// Writes what waits, before the end; what nobody takes is given up.
    pub(super) fn finish(&self) {
        let _ = self.0.finish();
    }
}

/// How it is told that so many bytes of what is written somewhere are given up;
/// `None` where none are.
pub(super) fn lost(of: &str, bytes: usize) -> Option<String> {
    (bytes > 0).then(|| format!("{of}: {bytes} bytes not written, for nobody read them in time"))
}

//! The output of `watch --pid`: events on standard output, notes on standard
//! error. Neither waits for a slow reader. All uses of the non-blocking writers
//! are in this file.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::event::MonitorEvent;
use super::{view, wire};
use crate::commands::watch::output::LosslessStdout;
use crate::commands::watch::output::StderrNotes;
use crate::exit::ExitStatus;
use crate::out::{OutputFormat, ReportWriter};
use crate::signal::Siginfo;
use crate::sys::signal::signalfd::SignalFd;

pub(super) use crate::commands::watch::output::WatchEnd;

/// Prints events until --count is reached, and notes.
pub(super) struct Emitter<'a, 'o> {
    out: &'a mut ReportWriter<'o>,
    stdout: &'a LosslessStdout,
    notes: &'a mut StderrNotes,
    /// Number of events that --count still allows; `None` without a limit.
    remaining: Option<u64>,
}

impl<'a, 'o> Emitter<'a, 'o> {
    /// `out` writes to `stdout`. `count`: the value of --count.
    pub(super) fn new(
        out: &'a mut ReportWriter<'o>,
        stdout: &'a LosslessStdout,
        notes: &'a mut StderrNotes,
        count: Option<u64>,
    ) -> Emitter<'a, 'o> {
        Emitter { out, stdout, notes, remaining: count }
    }

    /// Prints the column titles.
    pub(super) fn print_header(&mut self) -> io::Result<()> {
        view::print_header(self.out)
    }

    /// Prints an event, unless --count is reached.
    pub(super) fn emit(&mut self, event: &MonitorEvent) -> io::Result<()> {
        if event.kind.is_counted() {
            if self.is_count_reached() {
                return Ok(());
            }
            self.remaining = self.remaining.map(|remaining| remaining - 1);
        }
        match self.out.format() {
            OutputFormat::Json => wire::print_event(event, self.out),
            _ => view::print_event(event, self.out),
        }
    }

    /// Returns the number of events that --count still allows.
    pub(super) fn remaining(&self) -> Option<u64> {
        self.remaining
    }

    pub(super) fn is_count_reached(&self) -> bool {
        self.remaining == Some(0)
    }

    /// Passes the printed events on to standard output.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Prints a note on standard error.
    pub(super) fn note(&mut self, text: &str) {
        self.notes.write_note(text);
    }

    /// Returns whether standard output has unwritten bytes because its reader is
    /// slow.
    pub(super) fn has_pending(&self) -> bool {
        self.stdout.has_pending()
    }

    /// Returns and clears the last error of standard output.
    ///
    /// # Errors
    /// `BrokenPipe` if the reader closed standard output, or an error of write(2).
    pub(super) fn take_error(&self) -> io::Result<()> {
        self.stdout.take_error()
    }

    /// Retries unwritten notes. Returns `timeout`, shortened if some of them must
    /// be retried again.
    pub(super) fn retry_notes(&self, timeout: Option<Duration>) -> Option<Duration> {
        self.notes.write_pending(timeout)
    }

    /// Waits until a descriptor is readable or the timeout expires (`None`: no
    /// timeout), or until pending output was written or failed. Returns whether a
    /// descriptor is readable.
    ///
    /// # Errors
    /// An error of poll(2). [`Emitter::take_error`] returns those of the output.
    pub(super) fn wait(
        &self,
        signal_fd: &SignalFd,
        others: &[BorrowedFd<'_>],
        timeout: Option<Duration>,
    ) -> io::Result<bool> {
        self.stdout.wait(signal_fd.as_fd(), others, timeout)
    }

    /// Writes pending output before the exit, and a note if some was dropped.
    /// Returns the exit status, which a signal or the deadline may change.
    ///
    /// # Errors
    /// An error of poll(2), of the signalfd or of standard output.
    pub(super) fn finish(
        &mut self,
        end: WatchEnd,
        deadline: Option<Instant>,
        signal_fd: &mut SignalFd,
    ) -> io::Result<ExitStatus> {
        let status_of = |info: &Siginfo| ExitStatus::KilledBySignal(info.signal.get());
        let (status, dropped_bytes) = self.stdout.flush_at_exit(end, deadline, signal_fd, status_of)?;
        self.notes.note_unwritten("standard output", dropped_bytes);
        Ok(status)
    }
}

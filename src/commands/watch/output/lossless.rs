//! Standard output of `watch`. It keeps every byte, never blocks, and does not
//! delay the end of the command if the reader is slow.

use std::cell::RefCell;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::buffer::NonblockingBuffer;
use crate::exit::ExitStatus;
use crate::signal::Siginfo;
use crate::sys::io::nonblocking::NonblockingWriter;
use crate::sys::process::pidfd::wait_readable;
use crate::sys::signal::signalfd::SignalFd;

/// The longest time that an interrupted command waits for pending output.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

/// The reason why a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands::watch) enum WatchEnd {
    /// The command has reported all that it waited for.
    Completed(ExitStatus),
    /// A signal or the timeout ends the command.
    Interrupted(ExitStatus),
}

/// Standard output with the lossless policy: every byte that does not fit stays in
/// the buffer.
///
/// The buffer has no limit. The producer checks [`has_pending`](Self::has_pending)
/// first and pauses while bytes are pending, so that new events stay in the kernel's
/// queue or in the monitored processes. The first error closes the writer.
#[derive(Debug)]
pub(in crate::commands::watch) struct LosslessStdout(RefCell<State>);

#[derive(Debug)]
struct State {
    buffer: NonblockingBuffer,
    /// The error of a wait, until `take_error` returns it.
    error: Option<io::Error>,
    /// Whether an error has occurred. Then nothing more is written.
    is_closed: bool,
}

impl LosslessStdout {
    pub(in crate::commands::watch) fn stdout() -> LosslessStdout {
        LosslessStdout::new(NonblockingWriter::stdout())
    }

    fn new(writer: NonblockingWriter) -> LosslessStdout {
        let buffer = NonblockingBuffer::new(writer);
        LosslessStdout(RefCell::new(State { buffer, error: None, is_closed: false }))
    }

    /// Whether bytes are not written yet.
    pub(in crate::commands::watch) fn has_pending(&self) -> bool {
        self.0.borrow().buffer.has_pending()
    }

    /// Waits until a descriptor is readable, pending bytes can be written, the
    /// reader closes its end, or the timeout passes (`None`: no timeout). Writes
    /// pending bytes that fit. Returns whether a descriptor was ready.
    ///
    /// [`take_error`](Self::take_error) returns the error of the writer.
    ///
    /// # Errors
    /// The error of poll(2).
    pub(in crate::commands::watch) fn wait(
        &self,
        first: BorrowedFd<'_>,
        others: &[BorrowedFd<'_>],
        timeout: Option<Duration>,
    ) -> io::Result<bool> {
        let mut state = self.0.borrow_mut();
        if state.is_closed {
            return wait_readable(first, others, timeout);
        }
        let has_pending = state.buffer.has_pending();
        let polled = state.buffer.writer().wait_with_readers(first, others, has_pending, timeout)?;
        if polled.reader_gone {
            state.close(io::ErrorKind::BrokenPipe.into());
        } else if has_pending && let Err(error) = state.buffer.write_pending() {
            state.close(error);
        }
        Ok(polled.ready)
    }

    /// Returns the error that a wait has found, once.
    ///
    /// # Errors
    /// The error of write(2), or `BrokenPipe` if the reader has closed its end.
    pub(in crate::commands::watch) fn take_error(&self) -> io::Result<()> {
        self.0.borrow_mut().error.take().map_or(Ok(()), Err)
    }

    /// Writes pending bytes before exit. Returns the exit status and the number of
    /// bytes that were not written.
    ///
    /// An interrupted command waits at most [`FLUSH_TIMEOUT`]. A completed command
    /// waits until the deadline or until `signal_fd` receives a signal, for which
    /// `status_for` returns the exit status; from then on it counts as interrupted.
    ///
    /// # Errors
    /// The errors of poll(2), of reading `signal_fd`, and of write(2).
    pub(in crate::commands::watch) fn flush_at_exit(
        &self,
        end: WatchEnd,
        deadline: Option<Instant>,
        signal_fd: &mut SignalFd,
        status_for: impl Fn(&Siginfo) -> ExitStatus,
    ) -> io::Result<(ExitStatus, usize)> {
        let flush_deadline = || Some(Instant::now() + FLUSH_TIMEOUT);
        let (mut exit, mut deadline, mut is_interrupted) = match end {
            WatchEnd::Completed(exit) => (exit, deadline, false),
            WatchEnd::Interrupted(exit) => (exit, flush_deadline(), true),
        };
        let mut received = Vec::new();
        while self.has_pending() {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                if is_interrupted {
                    break;
                }
                (exit, deadline, is_interrupted) = (ExitStatus::TimedOut, flush_deadline(), true);
            }
            self.wait(signal_fd.as_fd(), &[], left)?;
            self.take_error()?;
            signal_fd.read(&mut received)?;
            if let Some(info) = received.first() {
                if is_interrupted {
                    break;
                }
                (exit, deadline, is_interrupted) = (status_for(info), flush_deadline(), true);
                received.clear();
            }
        }
        Ok((exit, self.0.borrow().buffer.pending_bytes()))
    }
}

impl State {
    fn close(&mut self, error: io::Error) {
        self.buffer.clear();
        self.error = Some(error);
        self.is_closed = true;
    }
}

/// A write accepts all bytes; those that do not fit become pending. It fails if an
/// earlier error has closed the writer.
impl Write for &LosslessStdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.borrow_mut();
        if state.is_closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let result = state.buffer.write_or_append(bytes);
        state.is_closed = result.is_err();
        result.map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::commands::watch::output::drop_lines::tests::open_fifo;

    #[test]
    fn lossless_writer_keeps_every_byte_for_a_slow_reader() {
        let (writer, mut reader) = open_fifo("lossless");
        let stdout = LosslessStdout::new(writer);
        let text: Vec<u8> = (0..1 << 18).flat_map(|number: u32| number.to_be_bytes()).collect();
        for part in text.chunks(1000) {
            (&stdout).write_all(part).expect("a lossless writer accepts all bytes");
        }
        assert!(stdout.has_pending());
        let (never_ready, _open) = std::io::pipe().expect("create a pipe");
        let mut received = Vec::new();
        let mut part = vec![0; 1 << 16];
        while stdout.has_pending() {
            let count = reader.read(&mut part).expect("read the FIFO");
            received.extend_from_slice(&part[..count]);
            stdout.wait(never_ready.as_fd(), &[], Some(Duration::ZERO)).expect("poll");
        }
        assert!(stdout.take_error().is_ok());
        drop(stdout);
        reader.read_to_end(&mut received).expect("read the rest");
        assert!(received == text);
    }
}

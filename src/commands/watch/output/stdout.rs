//! Standard output of what goes on for long: nothing waits for its reader, and
//! whatever ends it ends it, read or not.

use std::cell::RefCell;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use crate::exit::ExitStatus;
use crate::signal::Siginfo;
use crate::sys::io::nonblocking::NonblockingWriter;
use crate::sys::io::stdio::without_sigpipe;
use crate::sys::process::pidfd::wait_readable;
use crate::sys::signal::signalfd::SignalFd;

/// How long an end that was asked for is put off for what waits to be written.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

/// How a watch ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands::watch) enum WatchEnd {
    /// What it went on for is there.
    Completed(ExitStatus),
    /// A signal asks for it, or the time is up.
    Interrupted(ExitStatus),
}

/// What is written, and waits to be. Who writes looks first whether something
/// waits, and lets the rest wait where it is: in the kernel's queue, or in the
/// processes that are looked at.
#[derive(Debug)]
pub(in crate::commands::watch) struct BufferedStdout {
    writer: NonblockingWriter,
    state: RefCell<StdoutState>,
}

#[derive(Debug, Default)]
struct StdoutState {
    pending: Vec<u8>,
    /// What is wrong, until it is told.
    error: Option<io::Error>,
    /// Whether nothing is written any more.
    closed: bool,
}

impl BufferedStdout {
    /// Standard output.
    pub(in crate::commands::watch) fn stdout() -> BufferedStdout {
        BufferedStdout { writer: NonblockingWriter::stdout(), state: RefCell::default() }
    }

    /// Whether something waits to be written.
    pub(in crate::commands::watch) fn has_pending(&self) -> bool {
        !self.state.borrow().pending.is_empty()
    }

    /// Waits until one of the descriptors can be read, there is room for what
    /// waits, which is written then, or the time is up (`None`: for ever); also
    /// until nobody reads any more, which [`BufferedStdout::take_error`] tells. Gives whether
    /// something came before the time was up.
    ///
    /// # Errors
    /// What poll(2) says.
    pub(in crate::commands::watch) fn wait(
        &self,
        first: BorrowedFd<'_>,
        others: &[BorrowedFd<'_>],
        time: Option<Duration>,
    ) -> io::Result<bool> {
        let mut kept = self.state.borrow_mut();
        if kept.closed {
            return wait_readable(first, others, time);
        }
        let behind = !kept.pending.is_empty();
        let came = self.writer.wait_with_readers(first, others, behind, time)?;
        if came.reader_gone {
            kept.set_error(io::ErrorKind::BrokenPipe.into());
        } else if behind && let Err(error) = kept.write_pending(&self.writer) {
            kept.set_error(error);
        }
        Ok(came.ready)
    }

    /// Whether all is well.
    ///
    /// # Errors
    /// Once, that nobody reads any more, or what write(2) has said.
    pub(in crate::commands::watch) fn take_error(&self) -> io::Result<()> {
        self.state.borrow_mut().error.take().map_or(Ok(()), Err)
    }

    /// Writes what waits, before the end. An end that was asked for is put off
    /// for so long at most; another one until the time is up, or a signal asks
    /// for it, as `by` reads it. Gives the exit status, and how many bytes are
    /// given up.
    ///
    /// # Errors
    /// What poll(2), the reading of signals, and write(2) say.
    pub(in crate::commands::watch) fn flush_at_exit(
        &self,
        end: WatchEnd,
        time: Option<Instant>,
        asked: &mut SignalFd,
        by: impl Fn(&Siginfo) -> ExitStatus,
    ) -> io::Result<(ExitStatus, usize)> {
        let hurry = || Some(Instant::now() + FLUSH_TIMEOUT);
        let (mut exit, mut time, mut hurried) = match end {
            WatchEnd::Completed(exit) => (exit, time, false),
            WatchEnd::Interrupted(exit) => (exit, hurry(), true),
        };
        let mut received = Vec::new();
        while self.has_pending() {
            let left = time.map(|time| time.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                if hurried {
                    break;
                }
                (exit, time, hurried) = (ExitStatus::TimedOut, hurry(), true);
            }
            self.wait(asked.as_fd(), &[], left)?;
            self.take_error()?;
            asked.read(&mut received)?;
            if let Some(info) = received.first() {
                if hurried {
                    break;
                }
                (exit, time, hurried) = (by(info), hurry(), true);
                received.clear();
            }
        }
        Ok((exit, self.state.borrow().pending.len()))
    }
}

impl StdoutState {
    fn set_error(&mut self, error: io::Error) {
        *self = StdoutState { pending: Vec::new(), error: Some(error), closed: true };
    }

    /// Writes what there is room for.
    fn write_pending(&mut self, to: &NonblockingWriter) -> io::Result<()> {
        let written = write_available(to, &self.pending)?;
        self.pending.drain(..written);
        Ok(())
    }
}

/// Writes what there is room for; gives how much that was.
fn write_available(to: &NonblockingWriter, bytes: &[u8]) -> io::Result<usize> {
    let mut written = 0;
    while written < bytes.len() {
        match without_sigpipe(|| to.write(&bytes[written..])) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}

/// All of it is taken; it may wait.
impl Write for &BufferedStdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut kept = self.state.borrow_mut();
        if kept.closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        // What has once been refused is tried again when there is room.
        let written = if kept.pending.is_empty() {
            let written = write_available(&self.writer, bytes);
            kept.closed = written.is_err();
            written?
        } else {
            0
        };
        kept.pending.extend_from_slice(&bytes[written..]);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! Standard output of what goes on for long: nothing waits for its reader, and
//! whatever ends it ends it, read or not.

use std::cell::RefCell;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use crate::exit::Exit;
use crate::signal::Info;
use crate::sys::pidfd::wait_for_any;
use crate::sys::signalfd::SignalFd;
use crate::sys::stdio::sparing_pipe;
use crate::sys::unwaiting::Unwaiting;

/// How long an end that was asked for is put off for what waits to be written.
const AT_THE_END: Duration = Duration::from_millis(500);

/// How a watch ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// What it went on for is there.
    Reached(Exit),
    /// A signal asks for it, or the time is up.
    Asked(Exit),
}

/// What is written, and waits to be. Who writes looks first whether something
/// waits, and lets the rest wait where it is: in the kernel's queue, or in the
/// processes that are looked at.
#[derive(Debug)]
pub(super) struct Outlet {
    to: Unwaiting,
    kept: RefCell<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    waiting: Vec<u8>,
    /// What is wrong, until it is told.
    error: Option<io::Error>,
    /// Whether nothing is written any more.
    closed: bool,
}

impl Outlet {
    /// Standard output.
    pub(super) fn stdout() -> Outlet {
        Outlet { to: Unwaiting::stdout(), kept: RefCell::default() }
    }

    /// Whether something waits to be written.
    pub(super) fn is_behind(&self) -> bool {
        !self.kept.borrow().waiting.is_empty()
    }

    /// Waits until one of the descriptors can be read, there is room for what
    /// waits, which is written then, or the time is up (`None`: for ever); also
    /// until nobody reads any more, which [`Outlet::check`] tells. Gives whether
    /// something came before the time was up.
    ///
    /// # Errors
    /// What poll(2) says.
    pub(super) fn wait(
        &self,
        first: BorrowedFd<'_>,
        others: &[BorrowedFd<'_>],
        time: Option<Duration>,
    ) -> io::Result<bool> {
        let mut kept = self.kept.borrow_mut();
        if kept.closed {
            return wait_for_any(first, others, time);
        }
        let behind = !kept.waiting.is_empty();
        let came = self.to.wait_beside(first, others, behind, time)?;
        if came.gone {
            kept.fail(io::ErrorKind::BrokenPipe.into());
        } else if behind && let Err(error) = kept.catch_up(&self.to) {
            kept.fail(error);
        }
        Ok(came.any)
    }

    /// Whether all is well.
    ///
    /// # Errors
    /// Once, that nobody reads any more, or what write(2) has said.
    pub(super) fn check(&self) -> io::Result<()> {
        self.kept.borrow_mut().error.take().map_or(Ok(()), Err)
    }

    /// Writes what waits, before the end. An end that was asked for is put off
    /// for so long at most; another one until the time is up, or a signal asks
    /// for it, as `by` reads it. Gives the exit status, and how many bytes are
    /// given up.
    ///
    /// # Errors
    /// What poll(2), the reading of signals, and write(2) say.
    pub(super) fn settle(
        &self,
        end: End,
        time: Option<Instant>,
        asked: &mut SignalFd,
        by: impl Fn(&Info) -> Exit,
    ) -> io::Result<(Exit, usize)> {
        let hurry = || Some(Instant::now() + AT_THE_END);
        let (mut exit, mut time, mut hurried) = match end {
            End::Reached(exit) => (exit, time, false),
            End::Asked(exit) => (exit, hurry(), true),
        };
        let mut received = Vec::new();
        while self.is_behind() {
            let left = time.map(|time| time.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                if hurried {
                    break;
                }
                (exit, time, hurried) = (Exit::TimedOut, hurry(), true);
            }
            self.wait(asked.as_fd(), &[], left)?;
            self.check()?;
            asked.read(&mut received)?;
            if let Some(info) = received.first() {
                if hurried {
                    break;
                }
                (exit, time, hurried) = (by(info), hurry(), true);
                received.clear();
            }
        }
        Ok((exit, self.kept.borrow().waiting.len()))
    }
}

impl Kept {
    fn fail(&mut self, error: io::Error) {
        *self = Kept { waiting: Vec::new(), error: Some(error), closed: true };
    }

    /// Writes what there is room for.
    fn catch_up(&mut self, to: &Unwaiting) -> io::Result<()> {
        let written = write(to, &self.waiting)?;
        self.waiting.drain(..written);
        Ok(())
    }
}

/// Writes what there is room for; gives how much that was.
fn write(to: &Unwaiting, bytes: &[u8]) -> io::Result<usize> {
    let mut written = 0;
    while written < bytes.len() {
        match sparing_pipe(|| to.put(&bytes[written..])) {
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
impl Write for &Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut kept = self.kept.borrow_mut();
        if kept.closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        // What has once been refused is tried again when there is room.
        let written = if kept.waiting.is_empty() {
            let written = write(&self.to, bytes);
            kept.closed = written.is_err();
            written?
        } else {
            0
        };
        kept.waiting.extend_from_slice(&bytes[written..]);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

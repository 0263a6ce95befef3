//! Writers for standard output and standard error that survive SIGPIPE.

use std::fs::File;
use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;

use nix::sys::signal::{SigSet, SigmaskHow, Signal};

/// Descriptor 1 or 2. Every write is a system call, so callers buffer.
///
/// A write to a pipe without a reader fails with EPIPE, and SIGPIPE does not
/// terminate sigtool: it is blocked during the write and then discarded. Neither its
/// disposition nor the mask differs in reports or in the commands that sigtool runs.
#[derive(Debug)]
pub struct StdStream(ManuallyDrop<File>);

impl StdStream {
    /// A writer for standard output.
    pub fn stdout() -> StdStream {
        StdStream::from_descriptor(libc::STDOUT_FILENO)
    }

    /// A writer for standard error.
    pub fn stderr() -> StdStream {
        StdStream::from_descriptor(libc::STDERR_FILENO)
    }

    fn from_descriptor(descriptor: i32) -> StdStream {
        // SAFETY: the descriptor stays open for the life of the process (the C main
        // ensures that it is open), and ManuallyDrop never closes it.
        StdStream(ManuallyDrop::new(unsafe { File::from_raw_fd(descriptor) }))
    }
}

impl Write for StdStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        without_sigpipe(|| self.0.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Calls `write` with SIGPIPE blocked, and discards the SIGPIPE that a write to a
/// pipe without a reader generates.
///
/// # Errors
/// The errors of `write` and of sigprocmask(2).
pub fn without_sigpipe(write: impl FnOnce() -> io::Result<usize>) -> io::Result<usize> {
    let mut sigpipe = SigSet::empty();
    sigpipe.add(Signal::SIGPIPE);
    let previous_mask = sigpipe.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let was_pending = previous_mask.contains(Signal::SIGPIPE) && is_pending(Signal::SIGPIPE);
    let result = write();
    let broken = result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
    if broken && !was_pending {
        discard_pending(&sigpipe);
    }
    previous_mask.thread_set_mask()?;
    result
}

/// Whether the signal is pending for this thread or the process.
fn is_pending(signal: Signal) -> bool {
    let mut pending = SigSet::empty();
    // SAFETY: SigSet is a transparent wrapper of sigset_t. sigpending(2) fills in a
    // whole one, and nothing else uses `pending` during the call.
    let result = unsafe { libc::sigpending((&raw mut pending).cast()) };
    result == 0 && pending.contains(signal)
}

/// Removes one pending signal of the set, if there is one.
fn discard_pending(set: &SigSet) {
    let timeout = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let raw: &libc::sigset_t = set.as_ref();
    // SAFETY: both pointers are to values that outlive the call. A null siginfo is
    // allowed (sigtimedwait(2)).
    unsafe { libc::sigtimedwait(raw, std::ptr::null_mut(), &raw const timeout) };
}

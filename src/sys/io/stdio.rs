//! Standard output and standard error, written without dying of it.

use std::fs::File;
use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;

use nix::sys::signal::{SigSet, SigmaskHow, Signal};

/// Descriptor 1 or 2. Every write is a system call: buffer it.
///
/// A write to a pipe that nobody reads gives EPIPE, and SIGPIPE does not end
/// us: it is blocked for the length of the write and taken back, so neither
/// its disposition nor the mask is changed for what sigtool looks at or runs.
#[derive(Debug)]
pub struct StdStream(ManuallyDrop<File>);

impl StdStream {
    /// Standard output.
    pub fn stdout() -> StdStream {
        StdStream::from_descriptor(libc::STDOUT_FILENO)
    }

    /// Standard error.
    pub fn stderr() -> StdStream {
        StdStream::from_descriptor(libc::STDERR_FILENO)
    }

    fn from_descriptor(descriptor: i32) -> StdStream {
        // SAFETY: the descriptor stays open for the life of the process (the C
        // main sees to it), and ManuallyDrop never closes it.
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

/// Writes, and takes the SIGPIPE back that a write to what nobody reads gives.
///
/// # Errors
/// What is written gives, or sigprocmask(2).
pub fn without_sigpipe(write: impl FnOnce() -> io::Result<usize>) -> io::Result<usize> {
    let mut pipe = SigSet::empty();
    pipe.add(Signal::SIGPIPE);
    let before = pipe.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let was_pending = before.contains(Signal::SIGPIPE) && is_pending(Signal::SIGPIPE);
    let written = write();
    let broken = written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
    if broken && !was_pending {
        discard_pending(&pipe);
    }
    before.thread_set_mask()?;
    written
}

/// Whether the signal is pending for this thread or the process.
fn is_pending(signal: Signal) -> bool {
    let mut pending = SigSet::empty();
    // SAFETY: SigSet is a transparent wrapper of sigset_t; sigpending(2) fills
    // a whole one in, and `pending` is ours alone meanwhile.
    let answered = unsafe { libc::sigpending((&raw mut pending).cast()) };
    answered == 0 && pending.contains(signal)
}

/// Removes a signal that is pending for this thread, if there is one.
fn discard_pending(set: &SigSet) {
    let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let raw: &libc::sigset_t = set.as_ref();
    // SAFETY: both pointers are of values that outlive the call; a null
    // siginfo is allowed (sigtimedwait(2)).
    unsafe { libc::sigtimedwait(raw, std::ptr::null_mut(), &raw const at_once) };
}

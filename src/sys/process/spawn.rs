//! Starting of other programs in the signal state that sigtool has inherited.

use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// The signal mask and the dispositions of SIGPIPE and SIGCHLD, which std::process, or
/// `watch`, would change for a new program.
#[derive(Clone, Copy)]
pub struct InheritedSignalState {
    mask: libc::sigset_t,
    ignores_sigpipe: bool,
    ignores_sigchld: bool,
}

impl std::fmt::Debug for InheritedSignalState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InheritedSignalState")
            .field("ignores_sigpipe", &self.ignores_sigpipe)
            .finish_non_exhaustive()
    }
}

impl InheritedSignalState {
    /// Reads the state of the calling thread.
    pub fn current() -> InheritedSignalState {
        let mut mask = MaybeUninit::<libc::sigset_t>::zeroed();
        let mut sigpipe = MaybeUninit::<libc::sigaction>::zeroed();
        let mut sigchld = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: with a null new set and null new actions the calls only read the current
        // ones. They fill in whole structures, and zeroes are valid if a call fails.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, std::ptr::null(), mask.as_mut_ptr());
            libc::sigaction(libc::SIGPIPE, std::ptr::null(), sigpipe.as_mut_ptr());
            libc::sigaction(libc::SIGCHLD, std::ptr::null(), sigchld.as_mut_ptr());
            InheritedSignalState {
                mask: mask.assume_init(),
                ignores_sigpipe: sigpipe.assume_init().sa_sigaction == libc::SIG_IGN,
                ignores_sigchld: sigchld.assume_init().sa_sigaction == libc::SIG_IGN,
            }
        }
    }

    /// Whether SIGCHLD was ignored, so that the kernel reaps children.
    pub fn ignores_sigchld(self) -> bool {
        self.ignores_sigchld
    }

    /// Makes a command start in this state. std then uses fork(2) instead of
    /// posix_spawn(3), with which the internal signals of the C library stay ignored.
    pub fn apply_to(self, command: &mut Command) -> &mut Command {
        let restore = move || {
            // SAFETY: these calls are async-signal-safe (signal-safety(7)), as is required
            // between fork and exec. The mask outlives its call.
            unsafe {
                if self.ignores_sigpipe {
                    libc::signal(libc::SIGPIPE, libc::SIG_IGN);
                }
                if self.ignores_sigchld {
                    libc::signal(libc::SIGCHLD, libc::SIG_IGN);
                }
                libc::sigprocmask(libc::SIG_SETMASK, &raw const self.mask, std::ptr::null_mut());
            }
            Ok(())
        };
        // SAFETY: the closure only makes the calls above.
        unsafe { command.pre_exec(restore) }
    }
}

/// The standard output of a command. `None` if the command fails, or exceeds the time
/// or the length in bytes; then it is killed.
pub fn output_with_limits(command: &mut Command, time: Duration, max_length: usize) -> Option<Vec<u8>> {
    let command = InheritedSignalState::current().apply_to(command);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let output =
        child.stdout.take().and_then(|mut stdout| read_with_limits(&mut stdout, time, max_length).ok());
    if output.is_none() {
        // The child has not been reaped, so its PID cannot be reused.
        let _ = child.kill();
    }
    let status = child.wait().ok()?;
    output.filter(|_| status.success())
}

fn read_with_limits(
    source: &mut (impl Read + std::os::fd::AsFd),
    time: Duration,
    max_length: usize,
) -> io::Result<Vec<u8>> {
    let deadline = Instant::now() + time;
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let rest = deadline.saturating_duration_since(Instant::now());
        let mut polled = [PollFd::new(source.as_fd(), PollFlags::POLLIN)];
        let timeout = PollTimeout::try_from(rest).unwrap_or(PollTimeout::MAX);
        if poll(&mut polled, timeout)? == 0 || text.len() > max_length {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match source.read(&mut buffer)? {
            0 => return Ok(text),
            count => text.extend_from_slice(&buffer[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Option<Vec<u8>> {
        output_with_limits(Command::new("sh").args(["-c", script]), Duration::from_millis(300), 1 << 16)
    }

    #[test]
    fn output_returns_stdout() {
        assert_eq!(shell("echo here").as_deref(), Some(&b"here\n"[..]));
        assert_eq!(shell("echo here; exit 2"), None);
        assert_eq!(output_with_limits(&mut Command::new("/nowhere"), Duration::from_secs(1), 10), None);
    }

    #[test]
    fn output_kills_command_on_timeout() {
        assert_eq!(shell("exec sleep 1000"), None);
        assert_eq!(shell("exec yes"), None);
    }
}

//! Starting other programs in the signal state that sigtool was started in.

use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// The mask and the dispositions of SIGPIPE and SIGCHLD that this process has
/// now: what std's way of starting a program, or `watch`, would not pass on as
/// it is.
#[derive(Clone, Copy)]
pub struct InheritedSignalState {
    mask: libc::sigset_t,
    ignores_sigpipe: bool,
    ignores_sigchld: bool,
}

impl std::fmt::Debug for InheritedSignalState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inherited").field("ignores_pipe", &self.ignores_sigpipe).finish_non_exhaustive()
    }
}

impl InheritedSignalState {
    /// Looks at the calling thread.
    pub fn current() -> InheritedSignalState {
        let mut mask = MaybeUninit::<libc::sigset_t>::zeroed();
        let mut pipe = MaybeUninit::<libc::sigaction>::zeroed();
        let mut child = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: a null new set and a null new action only ask; both answers
        // are filled in whole, and zeroes are valid where the call fails.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, std::ptr::null(), mask.as_mut_ptr());
            libc::sigaction(libc::SIGPIPE, std::ptr::null(), pipe.as_mut_ptr());
            libc::sigaction(libc::SIGCHLD, std::ptr::null(), child.as_mut_ptr());
            let ignores_pipe = pipe.assume_init().sa_sigaction == libc::SIG_IGN;
            let ignores_child = child.assume_init().sa_sigaction == libc::SIG_IGN;
            InheritedSignalState {
                mask: mask.assume_init(),
                ignores_sigpipe: ignores_pipe,
                ignores_sigchld: ignores_child,
            }
        }
    }

    /// Whether SIGCHLD was ignored, so that children were not to be waited for.
    pub fn ignores_sigchld(self) -> bool {
        self.ignores_sigchld
    }

    /// Makes a command start in this state. It is forked then, not spawned by
    /// the C library, which would leave its own two signals ignored.
    pub fn apply_to(self, command: &mut Command) -> &mut Command {
        let restore = move || {
            // SAFETY: these calls are async-signal-safe (signal-safety(7)), as
            // they must be between fork and exec; the mask outlives its call.
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
        // SAFETY: the closure does nothing but the calls above.
        unsafe { command.pre_exec(restore) }
    }
}

/// What a command prints, if it ends well, within the time and the length.
pub fn output_with_limits(command: &mut Command, time: Duration, most: usize) -> Option<Vec<u8>> {
    let command = InheritedSignalState::current().apply_to(command);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let read = child.stdout.take().and_then(|mut stdout| read_with_limits(&mut stdout, time, most).ok());
    if read.is_none() {
        // It is ours, and not waited for yet: the number cannot be another's.
        let _ = child.kill();
    }
    let status = child.wait().ok()?;
    read.filter(|_| status.success())
}

fn read_with_limits(
    from: &mut (impl Read + std::os::fd::AsFd),
    time: Duration,
    most: usize,
) -> io::Result<Vec<u8>> {
    let end = Instant::now() + time;
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let mut waited = [PollFd::new(from.as_fd(), PollFlags::POLLIN)];
        let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        if poll(&mut waited, left)? == 0 || text.len() > most {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match from.read(&mut buffer)? {
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

//! What is sent by pidfd, and what by a PID where pidfds cannot be used.
//!
//! A seccomp filter that is older than pidfds refuses their system calls. A
//! process that was named by its PID is then signalled by kill(2), which never
//! meant more than that number. Everything else needs the pidfd: a process that
//! was selected, or is waited for, may have ended, and its PID may mean another.

use std::io;

use super::dispatch::Dispatcher;
use super::{SendAttempt, SendError, SendOutcome, SendTarget};
use crate::error::Failure;
use crate::exit::ExitStatus;
use crate::signal::Signal;
use crate::sys::errno::NOT_A_THREAD_GROUP_LEADER;
use crate::sys::process::pidfd::{PidFd, Unavailable, check_calls};
use crate::sys::signal::send as system;

/// Whether a held process is the one that is meant.
pub(super) type PidfdCheck<'a> = &'a dyn Fn(&PidFd) -> Result<(), SendError>;

/// Whether a held process is the one that is meant, if there is a doubt.
pub(super) fn run_check(check: Option<PidfdCheck<'_>>, held: &PidFd) -> Result<(), SendError> {
    check.map_or(Ok(()), |check| check(held))
}

/// Sends to a held process. Where that is not possible by its pidfd, by its
/// number, if one is given.
pub(super) fn send_through(
    held: &PidFd,
    number: Option<u32>,
    signal: Option<Signal>,
    value: Option<i32>,
) -> Result<(), SendError> {
    let Err(error) = held.send(signal, value) else { return Ok(()) };
    match (Unavailable::by_sending(&error), number) {
        (None, _) => Err(error.into()),
        (Some(_), Some(_)) if held.poll_hangup() => Err(SendError::NotFound),
        (Some(_), Some(number)) => Ok(system::to_pid(number, signal, value)?),
        (Some(missing), None) => Err(SendError::NoPidfd(missing)),
    }
}

impl Dispatcher<'_, '_, '_> {
    /// Refuses, before anything is sent, what cannot be done as it was meant.
    ///
    /// # Errors
    /// The system call that is missing; and that inodes do not distinguish
    /// processes.
    pub(super) fn check_pidfds(&self) -> Result<(), Failure> {
        let request = self.request;
        let needs = if !request.selection.is_noop() {
            "selecting processes"
        } else if request.options.wait.is_some() {
            "--wait"
        } else if !request.kill_options.timeouts.is_empty() {
            "--timeout"
        } else {
            // kill(1) tries every operand, and fails for this one alone.
            let inode = request.targets.iter().find(|(_, target)| matches!(target, SendTarget::PidInode(..)));
            return inode.filter(|_| !request.kill_options.kill_compatible).map_or(Ok(()), |(written, _)| {
                check_pidfd_inodes().map_err(|cause| match cause {
                    SendError::SharedInode => {
                        Failure::usage_error(format!("{written}: {cause}; nothing was sent"))
                    }
                    cause => pidfd_failure(&format!("{written}: {cause}")),
                })
            });
        };
        check_calls().map_err(|missing| pidfd_failure(&format!("{needs} needs pidfds: {missing}")))
    }

    /// Sends to a process that cannot be held. `by_number`: its number alone is
    /// what is meant.
    pub(super) fn send_without_pidfd(
        &mut self,
        pid: u32,
        error: io::Error,
        attempt: &mut SendAttempt,
        by_number: bool,
    ) -> Result<SendOutcome, SendError> {
        let missing = Unavailable::by_opening(&error);
        if missing.is_none()
            && !error.raw_os_error().is_some_and(|code| NOT_A_THREAD_GROUP_LEADER.contains(&code))
        {
            return Err(error.into());
        }
        // kill(1) has always taken the number of a thread for its process.
        let thread_of = self.process_of_thread(pid);
        match (missing, thread_of) {
            (Some(missing), _) if !by_number => return Err(SendError::NoPidfd(missing)),
            (None, None) => return Err(SendError::NotFound),
            (_, Some(process)) if !by_number || !self.request.kill_options.kill_compatible => {
                return Err(SendError::IsThread(process));
            }
            _ => {}
        }
        let start = |delivery: &Self| delivery.proc_root.stat(pid).ok().and_then(|stat| stat.start_ticks);
        let before = start(self);
        let may_be_sent = || system::to_pid(pid, None, None).map_err(SendError::from);
        if let Some(done) = self.preflight(attempt, may_be_sent)? {
            return Ok(done);
        }
        if self.request.options.interactive && start(self) != before {
            return Err(SendError::ChangedDuringPrompt);
        }
        // What follows goes to the process, whose thread this is.
        let held = thread_of.and_then(|process| PidFd::open(process).ok());
        system::to_pid(pid, self.request.signal, self.request.value)?;
        self.report_sent(attempt);
        attempt.pidfd = held.filter(|_| self.keeps_pidfds());
        Ok(SendOutcome::Sent)
    }
}

/// Whether the inodes of pidfds distinguish processes.
fn check_pidfd_inodes() -> Result<(), SendError> {
    check_calls().map_err(SendError::NoPidfd)?;
    match PidFd::open(std::process::id())?.inode() {
        Ok(Some(_)) => Ok(()),
        // What cannot be checked is not believed.
        Ok(None) | Err(_) => Err(SendError::SharedInode),
    }
}

fn pidfd_failure(cause: &str) -> Failure {
    Failure { exit_status: ExitStatus::InternalError, cause: anyhow::anyhow!("{cause}; nothing was sent") }
}

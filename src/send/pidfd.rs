//! What is sent by pidfd, and what by a PID where pidfds cannot be used.
//!
//! A seccomp filter that is older than pidfds refuses their system calls. A
//! process that was named by its PID is then signalled by kill(2), which never
//! meant more than that number. Everything else needs the pidfd: a process that
//! was selected, or is waited for, may have ended, and its PID may mean another.

use std::io;

use super::deliver::Delivery;
use super::{Attempt, Done, Refusal, Target};
use crate::error::Failure;
use crate::exit::Exit;
use crate::signal::Signal;
use crate::sys::deliver as system;
use crate::sys::errno::NOT_A_PROCESS;
use crate::sys::pidfd::{PidFd, Unavailable, check_calls};

/// Whether a held process is the one that is meant.
pub(super) type Check<'a> = &'a dyn Fn(&PidFd) -> Result<(), Refusal>;

/// Whether a held process is the one that is meant, if there is a doubt.
pub(super) fn confirm(check: Option<Check<'_>>, held: &PidFd) -> Result<(), Refusal> {
    check.map_or(Ok(()), |check| check(held))
}

/// Sends to a held process. Where that is not possible by its pidfd, by its
/// number, if one is given.
pub(super) fn send_through(
    held: &PidFd,
    number: Option<u32>,
    signal: Option<Signal>,
    value: Option<i32>,
) -> Result<(), Refusal> {
    let Err(error) = held.send(signal, value) else { return Ok(()) };
    match (Unavailable::by_sending(&error), number) {
        (None, _) => Err(error.into()),
        (Some(_), Some(_)) if held.is_reaped() => Err(Refusal::Gone),
        (Some(_), Some(number)) => Ok(system::to_number(number, signal, value)?),
        (Some(missing), None) => Err(Refusal::NoPidfd(missing)),
    }
}

impl Delivery<'_, '_, '_> {
    /// Refuses, before anything is sent, what cannot be done as it was meant.
    ///
    /// # Errors
    /// The system call that is missing; and that inodes do not distinguish
    /// processes.
    pub(super) fn check_pidfds(&self) -> Result<(), Failure> {
        let request = self.request;
        let needs = if !request.selection.is_whole() {
            "selecting processes"
        } else if request.options.wait.is_some() {
            "--wait"
        } else if !request.extras.follow_ups.is_empty() {
            "--timeout"
        } else {
            // kill(1) tries every operand, and fails for this one alone.
            let inode = request.targets.iter().find(|(_, target)| matches!(target, Target::Inode(..)));
            return inode.filter(|_| !request.extras.as_kill).map_or(Ok(()), |(written, _)| {
                check_inodes().map_err(|cause| match cause {
                    Refusal::SharedInode => Failure::usage(format!("{written}: {cause}; nothing was sent")),
                    cause => failed(&format!("{written}: {cause}")),
                })
            });
        };
        check_calls().map_err(|missing| failed(&format!("{needs} needs pidfds: {missing}")))
    }

    /// Sends to a process that cannot be held. `by_number`: its number alone is
    /// what is meant.
    pub(super) fn without_descriptor(
        &mut self,
        pid: u32,
        error: io::Error,
        attempt: &mut Attempt,
        by_number: bool,
    ) -> Result<Done, Refusal> {
        let missing = Unavailable::by_opening(&error);
        if missing.is_none() && !error.raw_os_error().is_some_and(|code| NOT_A_PROCESS.contains(&code)) {
            return Err(error.into());
        }
        // kill(1) has always taken the number of a thread for its process.
        let thread_of = self.process_of(pid);
        match (missing, thread_of) {
            (Some(missing), _) if !by_number => return Err(Refusal::NoPidfd(missing)),
            (None, None) => return Err(Refusal::Gone),
            (_, Some(process)) if !by_number || !self.request.extras.as_kill => {
                return Err(Refusal::Thread(process));
            }
            _ => {}
        }
        let start = |delivery: &Self| delivery.root.stat(pid).ok().and_then(|stat| stat.start);
        let before = start(self);
        let may_be_sent = || system::to_number(pid, None, None).map_err(Refusal::from);
        if let Some(done) = self.consider(attempt, may_be_sent)? {
            return Ok(done);
        }
        if self.request.options.interactive && start(self) != before {
            return Err(Refusal::NoLonger);
        }
        // What follows goes to the process, whose thread this is.
        let held = thread_of.and_then(|process| PidFd::open(process).ok());
        system::to_number(pid, self.request.signal, self.request.value)?;
        self.sent(attempt);
        attempt.held = held.filter(|_| self.is_followed());
        Ok(Done::Sent)
    }
}

/// Whether the inodes of pidfds distinguish processes.
fn check_inodes() -> Result<(), Refusal> {
    check_calls().map_err(Refusal::NoPidfd)?;
    match PidFd::open(std::process::id())?.inode() {
        Ok(Some(_)) => Ok(()),
        // What cannot be checked is not believed.
        Ok(None) | Err(_) => Err(Refusal::SharedInode),
    }
}

fn failed(cause: &str) -> Failure {
    Failure { exit: Exit::Failed, cause: anyhow::anyhow!("{cause}; nothing was sent") }
}

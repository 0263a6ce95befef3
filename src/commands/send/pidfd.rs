//! Sending through pidfds, and the fallback to PIDs.
//!
//! A seccomp filter written before pidfds existed rejects their system calls. A
//! process that the user named by PID is then signalled with kill(2), because
//! the user named nothing but that PID. Selecting and waiting need the pidfd:
//! the process may have exited, and another process may have its PID.

use super::{SendError, SendRequest, SendTarget};
use crate::error::Failure;
use crate::exit::ExitStatus;
use crate::signal::Signal;
use crate::sys::process::pidfd::{PidFd, Unavailable, check_calls};
use crate::sys::signal::send as syscall;

/// Checks that an open pidfd refers to the intended process.
pub(super) type PidfdCheck<'a> = &'a dyn Fn(&PidFd) -> Result<(), SendError>;

/// Runs the check, if there is one.
pub(super) fn run_check(check: Option<PidfdCheck<'_>>, pidfd: &PidFd) -> Result<(), SendError> {
    check.map_or(Ok(()), |check| check(pidfd))
}

/// Sends through a pidfd. If pidfd_send_signal(2) is not available, sends to the
/// PID, if one is passed.
pub(super) fn send_through(
    pidfd: &PidFd,
    fallback_pid: Option<u32>,
    signal: Option<Signal>,
    value: Option<i32>,
) -> Result<(), SendError> {
    let Err(error) = pidfd.send(signal, value) else { return Ok(()) };
    match (Unavailable::by_sending(&error), fallback_pid) {
        (None, _) => Err(error.into()),
        (Some(_), Some(_)) if pidfd.poll_hangup() => Err(SendError::NotFound),
        (Some(_), Some(pid)) => Ok(syscall::to_pid(pid, signal, value)?),
        (Some(unavailable), None) => Err(SendError::NoPidfd(unavailable)),
    }
}

/// Whether sigtool keeps the pidfds of the targets after it has sent the signal.
pub(super) fn keeps_pidfds(request: &SendRequest) -> bool {
    let SendRequest { options, kill_options, .. } = request;
    (options.wait.is_some() && !options.dry_run) || !kill_options.timeouts.is_empty()
}

/// Rejects a request that needs pidfds if they are not available.
///
/// # Errors
/// The unavailable system call; or a PID:INODE target while all pidfds share one
/// inode.
pub(super) fn check_pidfds(request: &SendRequest) -> Result<(), Failure> {
    let feature = if !request.selection.is_noop() {
        "selecting processes"
    } else if request.options.wait.is_some() {
        "--wait"
    } else if !request.kill_options.timeouts.is_empty() {
        "--timeout"
    } else {
        // kill(1) tries every operand, so there only this operand fails.
        let target = request.targets.iter().find(|(_, target)| matches!(target, SendTarget::PidInode(..)));
        return target.filter(|_| !request.kill_options.kill_compatible).map_or(Ok(()), |(operand, _)| {
            check_pidfd_inodes().map_err(|error| match error {
                SendError::SharedInode => {
                    Failure::usage_error(format!("{operand}: {error}; nothing was sent"))
                }
                error => pidfd_failure(&format!("{operand}: {error}")),
            })
        });
    };
    check_calls().map_err(|unavailable| pidfd_failure(&format!("{feature} needs pidfds, but {unavailable}")))
}

/// Checks that each process has a pidfd inode of its own.
fn check_pidfd_inodes() -> Result<(), SendError> {
    check_calls().map_err(SendError::NoPidfd)?;
    match PidFd::open(std::process::id())?.inode() {
        Ok(Some(_)) => Ok(()),
        // An inode that cannot be read cannot be compared.
        Ok(None) | Err(_) => Err(SendError::SharedInode),
    }
}

fn pidfd_failure(cause: &str) -> Failure {
    Failure { exit_status: ExitStatus::InternalError, cause: anyhow::anyhow!("{cause}; nothing was sent") }
}

/// Checks that sigtool can open one pidfd per process.
///
/// # Errors
/// The limit on open files, if it is too low.
pub(super) fn check_open_file_limit(process_count: usize, max_open_files: u64) -> Result<(), Failure> {
    /// Standard streams, the files of /proc, and a reserve.
    const OTHER_FILES: u64 = 24;
    if process_count as u64 + OTHER_FILES <= max_open_files {
        return Ok(());
    }
    Err(Failure {
        exit_status: ExitStatus::InternalError,
        cause: anyhow::anyhow!(
            "cannot wait for {process_count} processes with a limit of {max_open_files} open files (raise \
             RLIMIT_NOFILE, ulimit -Hn); nothing was sent"
        ),
    })
}

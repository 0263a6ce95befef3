//! Sends the signal to a process group, or to all processes (-1).

use std::collections::HashSet;

use super::sender::TargetSender;
use super::{SendAttempt, SendError, SendOutcome};
use crate::sys::process;
use crate::sys::process::pidfd::{PidFd, check_calls};
use crate::sys::signal::send as syscall;

/// Signals a group, or all processes if `group` is `None`. A single kill(2) does
/// it, unless the options need each process by itself.
pub(super) fn send_to_group(
    sender: &mut TargetSender<'_, '_, '_>,
    operand: &str,
    group: Option<u32>,
    attempts: &mut Vec<SendAttempt>,
) {
    let options = &sender.request.options;
    let one_by_one = sender.predicts_effects || options.require_handler || options.wait.is_some();
    // kill(1) does not check the members of a group for a handler.
    if options.require_handler && sender.request.kill_options.kill_compatible {
        return attempts.push(SendAttempt::failed(operand, None, SendError::NoHandler));
    }
    if one_by_one {
        return send_to_members(sender, operand, group, attempts);
    }
    let mut attempt = SendAttempt { group, ..SendAttempt::new(operand, None) };
    attempt.result = send_at_once(sender, group).map(|()| SendOutcome::Sent);
    if attempt.result.is_ok() {
        sender.report_sent(&attempt);
    }
    attempts.push(attempt);
}

fn send_at_once(sender: &TargetSender<'_, '_, '_>, group: Option<u32>) -> Result<(), SendError> {
    match (group, sender.request.value) {
        (None, _) => Ok(syscall::to_all(sender.request.signal)?),
        (Some(group), None) => Ok(syscall::to_group(group, sender.request.signal)?),
        (Some(group), Some(value)) => queue_to_group(sender, group, value),
    }
}

/// Signals each member except sigtool itself. Lists /proc again until no new
/// member appears.
fn send_to_members(
    sender: &mut TargetSender<'_, '_, '_>,
    operand: &str,
    group: Option<u32>,
    attempts: &mut Vec<SendAttempt>,
) {
    if !sender.proc.is_native() {
        return attempts.push(SendAttempt::failed(operand, None, SendError::ForeignPidNamespace));
    }
    const MAX_PASSES: usize = 16;
    let (count_before, mut seen) = (attempts.len(), HashSet::new());
    for _ in 0..MAX_PASSES {
        let mut pids = sender.proc.root.pids().unwrap_or_default();
        pids.retain(|pid| *pid != std::process::id() && !seen.contains(pid) && is_member(*pid, group));
        if pids.is_empty() || (sender.request.options.dry_run && !seen.is_empty()) {
            break;
        }
        pids.sort_unstable();
        for pid in pids {
            seen.insert(pid);
            // The process may have left the group before its pidfd was opened.
            let check_member =
                |_: &PidFd| if is_member(pid, group) { Ok(()) } else { Err(SendError::NotFound) };
            let attempt = SendAttempt { group, ..SendAttempt::new(operand, Some(pid)) };
            let attempt = sender.send_to_process(attempt, Some(&check_member));
            if !matches!(attempt.result, Err(SendError::NotFound)) {
                attempts.push(attempt);
            }
        }
    }
    if attempts.len() == count_before {
        let is_own_group = is_member(std::process::id(), group);
        let error = if is_own_group { SendError::OnlySelfInGroup } else { SendError::NotFound };
        attempts.push(SendAttempt { group, ..SendAttempt::failed(operand, None, error) });
    }
}

/// Queues the signal with a value: through the pidfd of the group leader, which
/// Linux 6.9 and later accept for the group (PIDFD_SIGNAL_PROCESS_GROUP), or to
/// each member.
fn queue_to_group(sender: &TargetSender<'_, '_, '_>, group: u32, value: i32) -> Result<(), SendError> {
    let signal = sender.request.signal;
    if PidFd::open(group).is_ok_and(|leader| leader.send_to_group(signal, Some(value)).is_ok()) {
        return Ok(());
    }
    check_calls().map_err(SendError::NoPidfd)?;
    // /proc may belong to another PID namespace, so it yields only candidates;
    // getpgid(2) decides which of them are members.
    let candidates = sender.proc.root.pids().map_err(SendError::from)?;
    let (mut total, mut failed, mut first_error) = (0, 0, None);
    for pid in candidates.into_iter().filter(|pid| is_member(*pid, Some(group))) {
        let Ok(pidfd) = PidFd::open(pid) else { continue };
        // The process may have left the group before its pidfd was opened.
        if is_member(pid, Some(group)) {
            total += 1;
            if let Err(error) = pidfd.send(signal, Some(value)) {
                failed += 1;
                first_error.get_or_insert(SendError::from(error));
            }
        }
    }
    match first_error {
        None if total == 0 => Err(SendError::NotFound),
        None => Ok(()),
        Some(error) => Err(SendError::GroupMembers { failed, total, cause: Box::new(error) }),
    }
}

/// Whether a process belongs to the group, or is a target of -1 if `group` is
/// `None`. The PIDs are those that system calls use.
fn is_member(pid: u32, group: Option<u32>) -> bool {
    match group {
        Some(group) => process::process_group_of(pid) == Some(group),
        // kill(2): PID -1 signals every process except init.
        None => pid != 1,
    }
}

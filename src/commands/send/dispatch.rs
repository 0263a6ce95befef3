//! Carries out a request: sends to every target in turn, then waits if
//! requested.

use std::time::Instant;

use super::group::send_to_group;
use super::pidfd::{check_open_file_limit, check_pidfds};
use super::progress::ProgressReporter;
use super::selected::send_to_selected;
use super::sender::TargetSender;
use super::{SendAttempt, SendError, SendReport, SendRequest, SendTarget, wait};
use crate::error::Failure;
use crate::procfs::ProcStatus;
use crate::sys::process;
use crate::sys::process::pidfd::PidFd;
use crate::sys::signal::send as syscall;

/// Sends to every target and waits if requested.
///
/// `json`: the output needs the name, the UID and the effect of every target, not
/// only of those that fail.
///
/// # Errors
/// A request that cannot be carried out as a whole; nothing was sent then.
pub(super) fn dispatch(
    request: &SendRequest,
    json: bool,
    reporter: &mut ProgressReporter<'_, '_>,
) -> Result<SendReport, Failure> {
    let needs_pidfds = request.options.wait.is_some() || !request.kill_options.timeouts.is_empty();
    let max_open_files = if needs_pidfds { process::raise_open_file_limit() } else { u64::MAX };
    check_open_file_limit(request.targets.len(), max_open_files)?;
    check_pidfds(request)?;
    let start = Instant::now();
    let mut sender = TargetSender::new(request, json, reporter);
    let (mut attempts, warnings) = match request.selection.is_noop() {
        true => (send_to_targets(&mut sender), Vec::new()),
        false => send_to_selected(&mut sender, max_open_files)?,
    };
    if !request.options.dry_run {
        wait::send_kill_timeouts(&mut attempts, request, reporter);
        if let Some(options) = &request.options.wait {
            wait::wait_and_escalate(&mut attempts, request, options, start, reporter);
        }
    }
    let own_uids = (syscall::own_uid(), syscall::effective_uid());
    Ok(SendReport { signal: request.signal, value: request.value, attempts, own_uids, warnings })
}

fn send_to_targets(sender: &mut TargetSender<'_, '_, '_>) -> Vec<SendAttempt> {
    let request = sender.request;
    let mut attempts: Vec<SendAttempt> = Vec::with_capacity(request.targets.len());
    // The own group comes last, because the signal may kill sigtool.
    let is_own_group = |target: &SendTarget| match target {
        _ if request.kill_options.print_pids => false,
        SendTarget::OwnGroup => true,
        SendTarget::Group(group) => *group == syscall::own_process_group(),
        _ => false,
    };
    let (last, first): (Vec<_>, Vec<_>) =
        request.targets.iter().partition(|(_, target)| is_own_group(target));
    for (operand, target) in first {
        send_to_target(sender, operand, target, &mut attempts);
    }
    let invalid = request.kill_options.invalid_operands.iter();
    attempts.extend(invalid.map(|operand| SendAttempt::failed(operand, None, SendError::InvalidTarget)));
    for (operand, target) in last {
        send_to_target(sender, operand, target, &mut attempts);
    }
    attempts
}

fn send_to_target(
    sender: &mut TargetSender<'_, '_, '_>,
    operand: &str,
    target: &SendTarget,
    attempts: &mut Vec<SendAttempt>,
) {
    if sender.request.kill_options.print_pids && !matches!(target, SendTarget::Name(_)) {
        return attempts.push(SendAttempt::new(operand, None));
    }
    match target {
        SendTarget::Process(pid) => {
            attempts.push(sender.send_to_process(SendAttempt::new(operand, Some(*pid)), None))
        }
        SendTarget::PidInode(pid, inode) => {
            let check_inode = |pidfd: &PidFd| match pidfd.inode()? {
                Some(current) if current == *inode => Ok(()),
                Some(inode) => Err(SendError::PidReused { inode }),
                None => Err(SendError::SharedInode),
            };
            let attempt = SendAttempt::new(operand, Some(*pid));
            attempts.push(sender.send_to_process(attempt, Some(&check_inode)));
        }
        SendTarget::Thread(pid, tid) => attempts.push(sender.send_to_thread(operand, *pid, *tid)),
        SendTarget::Group(group) => send_to_group(sender, operand, Some(*group), attempts),
        SendTarget::OwnGroup => send_to_group(sender, operand, Some(syscall::own_process_group()), attempts),
        SendTarget::Broadcast => send_to_group(sender, operand, None, attempts),
        SendTarget::Name(name) => send_to_name(sender, operand, name, attempts),
    }
}

/// Signals every process that has the name and belongs to the own user, or to
/// any user if requested.
fn send_to_name(
    sender: &mut TargetSender<'_, '_, '_>,
    operand: &str,
    name: &[u8],
    attempts: &mut Vec<SendAttempt>,
) {
    if !sender.proc.is_native() {
        return attempts.push(SendAttempt::failed(operand, None, SendError::ForeignPidNamespace));
    }
    let own_uid = syscall::own_uid();
    let any_user = sender.request.kill_options.any_user;
    let status_matches = |status: &ProcStatus| {
        let same_name = status.name.as_ref().is_some_and(|candidate| candidate.as_bytes() == name);
        same_name && (any_user || status.uids.is_some_and(|(real, _)| real == own_uid))
    };
    let root = sender.proc.root.clone();
    let matches = |pid: u32| root.status(pid).is_ok_and(|status| status_matches(&status));
    let mut pids = root.pids().unwrap_or_default();
    pids.retain(|pid| *pid != std::process::id() && matches(*pid));
    pids.sort_unstable();
    if pids.is_empty() {
        return attempts.push(SendAttempt::failed(operand, None, SendError::NameNotFound));
    }
    if sender.request.kill_options.print_pids {
        return attempts.extend(pids.iter().map(|pid| SendAttempt::new(&pid.to_string(), None)));
    }
    for pid in pids {
        // Another process may have got the PID before its pidfd was opened.
        let check_name = |_: &PidFd| if matches(pid) { Ok(()) } else { Err(SendError::NotFound) };
        let attempt = SendAttempt::new(&pid.to_string(), Some(pid));
        attempts.push(sender.send_to_process(attempt, Some(&check_name)));
    }
}

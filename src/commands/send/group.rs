//! Process groups, and everybody.

use std::collections::HashSet;

use super::dispatch::Dispatcher;
use super::{SendAttempt, SendError, SendOutcome};
use crate::sys::process;
use crate::sys::process::pidfd::{PidFd, check_calls};
use crate::sys::signal::send as system;

impl Dispatcher<'_, '_, '_> {
    /// To a group, or to everybody: at once, as the kernel does it, or to one
    /// after another where each is to be looked at.
    pub(super) fn send_to_group(
        &mut self,
        written: &str,
        group: Option<u32>,
        attempts: &mut Vec<SendAttempt>,
    ) {
        let options = &self.request.options;
        let singly = self.predicts_effects || options.require_handler || options.wait.is_some();
        // kill(1) asks nobody of a group whether it has a handler.
        if options.require_handler && self.request.kill_options.kill_compatible {
            return attempts.push(SendAttempt::failed(written, None, SendError::NoHandler));
        }
        if singly {
            return self.send_to_members(written, group, attempts);
        }
        let mut attempt = SendAttempt { group, ..SendAttempt::new(written, None) };
        attempt.result = self.kill_group(group).map(|()| SendOutcome::Sent);
        if attempt.result.is_ok() {
            self.report_sent(&attempt);
        }
        attempts.push(attempt);
    }

    /// Sends to a group, or to everybody, at once.
    fn kill_group(&self, group: Option<u32>) -> Result<(), SendError> {
        match (group, self.request.value) {
            (None, _) => Ok(system::to_all(self.request.signal)?),
            (Some(group), None) => Ok(system::to_group(group, self.request.signal)?),
            (Some(group), Some(value)) => self.queue_to_group(group, value),
        }
    }

    /// To each member that /proc shows, until it shows no further one; sigtool
    /// itself is left out.
    fn send_to_members(&mut self, written: &str, group: Option<u32>, attempts: &mut Vec<SendAttempt>) {
        if !self.has_native_proc() {
            return attempts.push(SendAttempt::failed(written, None, SendError::ForeignPidNamespace));
        }
        const PASSES: usize = 16;
        let (before, mut known) = (attempts.len(), HashSet::new());
        for _ in 0..PASSES {
            let mut pids = self.proc_root.pids().unwrap_or_default();
            pids.retain(|pid| *pid != std::process::id() && !known.contains(pid) && is_member(*pid, group));
            if pids.is_empty() || (self.request.options.dry_run && !known.is_empty()) {
                break;
            }
            pids.sort_unstable();
            for pid in pids {
                known.insert(pid);
                // Held by now: is it still a member?
                let still = |_: &PidFd| if is_member(pid, group) { Ok(()) } else { Err(SendError::NotFound) };
                let attempt = SendAttempt { group, ..SendAttempt::new(written, Some(pid)) };
                let attempt = self.send_to_process(attempt, Some(&still));
                if !matches!(attempt.result, Err(SendError::NotFound)) {
                    attempts.push(attempt);
                }
            }
        }
        if attempts.len() == before {
            let only_own = is_member(std::process::id(), group);
            let refusal = if only_own { SendError::OnlySelfInGroup } else { SendError::NotFound };
            attempts.push(SendAttempt { group, ..SendAttempt::failed(written, None, refusal) });
        }
    }

    /// With a value: through the leader's descriptor, which newer kernels take
    /// for the group (6.9); else to each member.
    fn queue_to_group(&self, group: u32, value: i32) -> Result<(), SendError> {
        let signal = self.request.signal;
        if PidFd::open(group).is_ok_and(|leader| leader.send_to_group(signal, Some(value)).is_ok()) {
            return Ok(());
        }
        check_calls().map_err(SendError::NoPidfd)?;
        // /proc only proposes: who is a member is asked of the kernel, for
        // this /proc may be of another pid namespace.
        let is_member = |pid: u32| is_member(pid, Some(group));
        let pids = self.proc_root.pids().map_err(SendError::from)?;
        let (mut of, mut failed, mut cause) = (0, 0, None);
        for pid in pids.into_iter().filter(|pid| is_member(*pid)) {
            let Ok(held) = PidFd::open(pid) else { continue };
            // Held now: is it still the member that was found?
            if is_member(pid) {
                of += 1;
                if let Err(error) = held.send(signal, Some(value)) {
                    failed += 1;
                    cause.get_or_insert(SendError::from(error));
                }
            }
        }
        match cause {
            None if of == 0 => Err(SendError::NotFound),
            None => Ok(()),
            Some(cause) => Err(SendError::GroupMembers { failed, total: of, cause: Box::new(cause) }),
        }
    }
}

/// Whether a process is of a group, or of everybody, in the numbers that
/// signals are sent by.
fn is_member(pid: u32, group: Option<u32>) -> bool {
    match group {
        Some(group) => process::process_group_of(pid) == Some(group),
        // Everybody is all but the init (kill(2), pid -1).
        None => pid != 1,
    }
}

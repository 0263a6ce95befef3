//! Targets by criteria: chosen, and looked at again once they are held.

use super::dispatch::Dispatcher;
use super::{SendAttempt, SendError, SendRequest, SendTarget};
use crate::error::Failure;
use crate::exit::ExitStatus;
use crate::select::{self, SelectError, SelectedProcess, SelectionResult};
use crate::signal::consts::{KILL, STOP};
use crate::sys::process::pidfd::PidFd;

impl Dispatcher<'_, '_, '_> {
    /// To those that the criteria choose, of the named processes or of all.
    pub(super) fn send_to_selected(&mut self) -> Result<(Vec<SendAttempt>, Vec<String>), Failure> {
        let selection = &self.request.selection;
        let named = self.target_pids()?;
        let among = if named.is_empty() { None } else { Some(named.as_slice()) };
        let refused = |error: SelectError| Failure {
            exit_status: if error.is_unreadable() { ExitStatus::Unreadable } else { ExitStatus::Failure },
            cause: anyhow::anyhow!("{error}; nothing was sent"),
        };
        let SelectionResult { processes: mut found, mut warnings } =
            selection.find_processes(&self.proc_root, among).map_err(refused)?;
        if self.keeps_pidfds() {
            self.check_open_file_limit(found.len())?;
        }
        // The named ones first, in their order.
        let place =
            |found: &SelectedProcess| named.iter().position(|pid| *pid == found.pid).unwrap_or(usize::MAX);
        found.sort_by_key(|each| (place(each), each.pid));
        let mut attempts: Vec<SendAttempt> = Vec::new();
        for pid in named.iter().filter(|pid| !found.iter().any(|each| each.pid == **pid)) {
            let refusal =
                if self.proc_root.stat(*pid).is_ok() { SendError::NotSelected } else { SendError::NotFound };
            let mut attempt = SendAttempt::failed(&pid.to_string(), Some(*pid), refusal);
            self.add_name_and_uid(&mut attempt, true);
            attempts.push(attempt);
        }
        self.stop_tree(&mut found);
        self.send_to_matches(&found, &named, &mut attempts);
        self.send_to_new_children(found, &mut attempts);
        if attempts.is_empty() && warnings.is_empty() {
            warnings.push("no process matches; nothing was sent".to_owned());
        }
        Ok((attempts, warnings))
    }

    /// Each is held, and then looked at again: only if it is still what was
    /// found, it gets the signal. Those that have ended meanwhile are left out,
    /// unless they were named.
    fn send_to_matches(&mut self, found: &[SelectedProcess], named: &[u32], attempts: &mut Vec<SendAttempt>) {
        let (selection, root) = (&self.request.selection, self.proc_root.clone());
        for each in found {
            let still = |_: &PidFd| {
                if selection.revalidate(&root, each) { Ok(()) } else { Err(SendError::NotFound) }
            };
            let attempt = SendAttempt::new(&each.pid.to_string(), Some(each.pid));
            let attempt = self.send_to_process(attempt, Some(&still));
            if named.contains(&each.pid) || !matches!(attempt.result, Err(SendError::NotFound)) {
                attempts.push(attempt);
            }
        }
    }

    /// A tree that is to be killed is stopped first: a child that is born between
    /// the last look and its parent's end would belong to nobody of it.
    fn stop_tree(&self, found: &mut Vec<SelectedProcess>) {
        const PASSES: usize = 64;
        let SendRequest { options, selection, signal, .. } = self.request;
        let kills_tree = selection.includes_descendants && *signal == Some(KILL);
        if !kills_tree || options.dry_run || options.interactive || options.require_handler {
            return;
        }
        let mut new = found.clone();
        for _ in 0..PASSES {
            for each in &new {
                // Who has ended, or may not be signalled, will be told of later.
                if let Ok(held) = PidFd::open(each.pid)
                    && selection.revalidate(&self.proc_root, each)
                {
                    let _ = held.send(Some(STOP), None);
                }
            }
            let pids: Vec<u32> = found.iter().map(|found| found.pid).collect();
            let born = select::descendants(&self.proc_root, found, &pids).unwrap_or_default();
            if born.is_empty() {
                return;
            }
            found.extend(&born);
            new = born;
        }
    }

    /// With --tree: to the children that were born while the others were being
    /// signalled.
    fn send_to_new_children(&mut self, mut known: Vec<SelectedProcess>, attempts: &mut Vec<SendAttempt>) {
        const PASSES: usize = 16;
        if !self.request.selection.includes_descendants || self.request.options.dry_run {
            return;
        }
        for _ in 0..PASSES {
            let pids: Vec<u32> = known.iter().map(|found| found.pid).collect();
            let Ok(new) = select::descendants(&self.proc_root, &known, &pids) else { return };
            if new.is_empty() {
                return;
            }
            self.send_to_matches(&new, &[], attempts);
            known.extend(new);
        }
    }

    /// The processes that criteria are to be looked for among.
    fn target_pids(&self) -> Result<Vec<u32>, Failure> {
        let pid = |(written, target): &(String, SendTarget)| match target {
            SendTarget::Process(pid) => Ok(*pid),
            _ => Err(Failure::usage_error(format!(
                "{written}: --tree and the options that select go with a PID, or without any target"
            ))),
        };
        self.request.targets.iter().map(pid).collect()
    }
}

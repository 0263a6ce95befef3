//! Targets by criteria: chosen, and looked at again once they are held.

use super::deliver::Delivery;
use super::{Attempt, Refusal, Request, Target};
use crate::error::Failure;
use crate::exit::Exit;
use crate::select::{self, Choice, Found, SelectError};
use crate::signal::known::{KILL, STOP};
use crate::sys::pidfd::PidFd;

impl Delivery<'_, '_, '_> {
    /// To those that the criteria choose, of the named processes or of all.
    pub(super) fn signal_chosen(&mut self) -> Result<(Vec<Attempt>, Vec<String>), Failure> {
        let selection = &self.request.selection;
        let named = self.named_processes()?;
        let among = if named.is_empty() { None } else { Some(named.as_slice()) };
        let refused = |error: SelectError| Failure {
            exit: if error.is_unreadable() { Exit::Unreadable } else { Exit::No },
            cause: anyhow::anyhow!("{error}; nothing was sent"),
        };
        let Choice { mut found, mut warnings } = selection.find(&self.root, among).map_err(refused)?;
        if self.is_followed() {
            self.check_descriptors(found.len())?;
        }
        // The named ones first, in their order.
        let place = |found: &Found| named.iter().position(|pid| *pid == found.pid).unwrap_or(usize::MAX);
        found.sort_by_key(|each| (place(each), each.pid));
        let mut attempts: Vec<Attempt> = Vec::new();
        for pid in named.iter().filter(|pid| !found.iter().any(|each| each.pid == **pid)) {
            let refusal = if self.root.stat(*pid).is_ok() { Refusal::NoMatch } else { Refusal::Gone };
            let mut attempt = Attempt::refused(&pid.to_string(), Some(*pid), refusal);
            self.describe(&mut attempt, true);
            attempts.push(attempt);
        }
        self.settle(&mut found);
        self.signal_found(&found, &named, &mut attempts);
        self.signal_newborn(found, &mut attempts);
        if attempts.is_empty() && warnings.is_empty() {
            warnings.push("no process matches; nothing was sent".to_owned());
        }
        Ok((attempts, warnings))
    }

    /// Each is held, and then looked at again: only if it is still what was
    /// found, it gets the signal. Those that have ended meanwhile are left out,
    /// unless they were named.
    fn signal_found(&mut self, found: &[Found], named: &[u32], attempts: &mut Vec<Attempt>) {
        let (selection, root) = (&self.request.selection, self.root.clone());
        for each in found {
            let still = |_: &PidFd| {
                if selection.still_means(&root, each) { Ok(()) } else { Err(Refusal::Gone) }
            };
            let attempt = Attempt::of(&each.pid.to_string(), Some(each.pid));
            let attempt = self.process(attempt, Some(&still));
            if named.contains(&each.pid) || !matches!(attempt.result, Err(Refusal::Gone)) {
                attempts.push(attempt);
            }
        }
    }

    /// A tree that is to be killed is stopped first: a child that is born between
    /// the last look and its parent's end would belong to nobody of it.
    fn settle(&self, found: &mut Vec<Found>) {
        const PASSES: usize = 64;
        let Request { options, selection, signal, .. } = self.request;
        let kills_tree = selection.tree && *signal == Some(KILL);
        if !kills_tree || options.dry_run || options.interactive || options.require_handler {
            return;
        }
        let mut new = found.clone();
        for _ in 0..PASSES {
            for each in &new {
                // Who has ended, or may not be signalled, will be told of later.
                if let Ok(held) = PidFd::open(each.pid)
                    && selection.still_means(&self.root, each)
                {
                    let _ = held.send(Some(STOP), None);
                }
            }
            let pids: Vec<u32> = found.iter().map(|found| found.pid).collect();
            let born = select::descendants(&self.root, found, &pids).unwrap_or_default();
            if born.is_empty() {
                return;
            }
            found.extend(&born);
            new = born;
        }
    }

    /// With --tree: to the children that were born while the others were being
    /// signalled.
    fn signal_newborn(&mut self, mut known: Vec<Found>, attempts: &mut Vec<Attempt>) {
        const PASSES: usize = 16;
        if !self.request.selection.tree || self.request.options.dry_run {
            return;
        }
        for _ in 0..PASSES {
            let pids: Vec<u32> = known.iter().map(|found| found.pid).collect();
            let Ok(new) = select::descendants(&self.root, &known, &pids) else { return };
            if new.is_empty() {
                return;
            }
            self.signal_found(&new, &[], attempts);
            known.extend(new);
        }
    }

    /// The processes that criteria are to be looked for among.
    fn named_processes(&self) -> Result<Vec<u32>, Failure> {
        let pid = |(written, target): &(String, Target)| match target {
            Target::Process(pid) => Ok(*pid),
            _ => Err(Failure::usage(format!(
                "{written}: --tree and the options that select go with a PID, or without any target"
            ))),
        };
        self.request.targets.iter().map(pid).collect()
    }
}

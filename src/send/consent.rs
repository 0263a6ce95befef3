//! Between the choice of a target and its signal: what it would do, whether it
//! is wanted, and how targets are chosen by criteria.

use super::deliver::Delivery;
use super::teller::Answer;
use super::{Attempt, Done, Refusal, Request, Target};
use crate::error::Failure;
use crate::exit::Exit;
use crate::explain::{self, Effect, Sending};
use crate::select::{self, Choice, Found};
use crate::signal::known::{CONT, KILL, STOP};
use crate::sys::deliver as system;
use crate::sys::pidfd::PidFd;

impl Delivery<'_, '_, '_> {
    /// Looks at what the signal would do to the target and whether it is
    /// wanted. `None`: it is to be sent.
    pub(super) fn consider(
        &mut self,
        attempt: &mut Attempt,
        may_be_sent: impl FnOnce() -> Result<(), Refusal>,
    ) -> Result<Option<Done>, Refusal> {
        let options = &self.request.options;
        if self.quit {
            return Ok(Some(Done::Declined));
        }
        if self.effects {
            attempt.effect = self.effect(attempt);
        }
        if options.require_handler && !self.has_handler(attempt) {
            return Err(Refusal::NoHandler);
        }
        if !options.dry_run && !options.interactive {
            return Ok(None);
        }
        // Asking and planning are for what can be sent.
        match may_be_sent() {
            Err(Refusal::Denied) if self.may_be_continued(attempt) => {}
            Err(refusal) => return Err(refusal),
            Ok(()) => {}
        }
        if options.dry_run {
            return match attempt.effect {
                Some(Effect::QueueFull) => Err(Refusal::QueueFull),
                _ => Ok(Some(Done::Planned)),
            };
        }
        match self.teller.ask(attempt) {
            Answer::Yes => Ok(None),
            Answer::No => Ok(Some(Done::Declined)),
            Answer::Quit => {
                self.quit = true;
                Ok(Some(Done::Declined))
            }
        }
    }

    /// What the signal does to the target if it is sent now.
    fn effect(&self, attempt: &Attempt) -> Option<Effect> {
        let Some(signal) = self.request.signal else { return Some(Effect::Checked) };
        let pid = attempt.pid.filter(|_| self.is_ours())?;
        let situation = self.root.situation(pid, Some(signal)).ok()?;
        let queued = self.request.value.is_some();
        Some(explain::effect(&situation, Sending { signal, thread: attempt.tid, queued }))
    }

    /// Whether the process catches the signal; the null signal needs no handler.
    fn has_handler(&self, attempt: &Attempt) -> bool {
        let (Some(signal), Some(pid)) = (self.request.signal, attempt.pid) else { return true };
        let caught = self.described(pid).and_then(|status| status.caught);
        caught.is_some_and(|caught| caught.contains(signal))
    }

    /// CONT may be sent to everybody of the own session (kill(2)).
    fn may_be_continued(&self, attempt: &Attempt) -> bool {
        let session = |pid: u32| self.root.stat(pid).ok().map(|stat| stat.session);
        self.request.signal == Some(CONT)
            && self.is_ours()
            && attempt.pid.and_then(session).is_some_and(|of| Some(of) == session(std::process::id()))
    }

    /// To those that the criteria choose, of the named processes or of all.
    pub(super) fn signal_chosen(&mut self) -> Result<(Vec<Attempt>, Vec<String>), Failure> {
        let selection = &self.request.selection;
        let named = self.named_processes()?;
        let among = if named.is_empty() { None } else { Some(named.as_slice()) };
        let refused = |error: select::SelectError| Failure {
            exit: if error.is_unreadable() { Exit::Unreadable } else { Exit::No },
            cause: anyhow::anyhow!("{error}; nothing was sent"),
        };
        let Choice { mut found, mut warnings } = selection.find(&self.root, among).map_err(refused)?;
        if self.is_followed() {
            self.check_count(found.len())?;
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
            let still = || {
                if selection.still_means(&root, each) { Ok(()) } else { Err(Refusal::Gone) }
            };
            let attempt = Attempt::of(&each.pid.to_string(), Some(each.pid));
            let attempt = self.process(attempt, |_| still());
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
        let kills = *signal == Some(KILL);
        if !selection.tree || !kills || options.dry_run || options.interactive || options.require_handler {
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

    /// Whether so many descriptors may be open: each process that is waited for
    /// takes one.
    pub(super) fn check_descriptors(&self, most: u64) -> Result<(), Failure> {
        self.check_against(self.request.targets.len(), most)
    }

    fn check_count(&self, count: usize) -> Result<(), Failure> {
        self.check_against(count, crate::sys::process::raise_descriptor_limit())
    }

    fn check_against(&self, count: usize, most: u64) -> Result<(), Failure> {
        // What is open anyhow, and the files of /proc.
        const OTHERS: u64 = 24;
        if count as u64 + OTHERS <= most {
            return Ok(());
        }
        Err(Failure {
            exit: Exit::Failed,
            cause: anyhow::anyhow!(
                "{count} processes cannot be waited for: only {most} descriptors may be open (RLIMIT_NOFILE, \
                 ulimit -Hn); nothing was sent"
            ),
        })
    }

    /// The own number: sigtool does not signal itself one by one.
    pub(super) fn is_own(pid: u32) -> bool {
        pid == std::process::id()
    }

    /// The group of a process, in the numbers that signals are sent by.
    pub(super) fn is_member(pid: u32, group: Option<u32>) -> bool {
        match group {
            Some(group) => crate::sys::process::group_of(pid) == Some(group),
            // Everybody is all but the init (kill(2), pid -1).
            None => pid != 1,
        }
    }

    /// Sends to a group, or to everybody, at once.
    pub(super) fn at_once(&self, group: Option<u32>) -> Result<(), Refusal> {
        match (group, self.request.value) {
            (None, _) => Ok(system::to_all(self.request.signal)?),
            (Some(group), None) => Ok(system::to_group(group, self.request.signal)?),
            (Some(group), Some(value)) => self.queue_to_group(group, value),
        }
    }
}

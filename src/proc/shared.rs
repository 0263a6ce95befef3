//! What several processes share of what decides about a signal: looked up once.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

use super::freezer::{self, Freezer};
use super::{Files, ReadMemory, Root, Situation, Stat, Status, Threads, Wait, gather, has_ended};
use crate::signal::known::{CONT, TSTP, TTIN, TTOU};
use crate::signal::{Action, Arch, Signal, SignalSet};

/// Signals that an orphaned process group drops (`get_signal` in
/// kernel/signal.c).
const OF_TERMINALS: [Signal; 3] = [TSTP, TTIN, TTOU];

/// What the processes of a /proc share, control groups and process groups, as
/// it was when first asked for: to be kept only as long as one answer takes.
/// Several threads may ask.
#[derive(Debug)]
pub struct Shared<'a> {
    root: &'a Root,
    read: ReadMemory,
    /// By the text of /proc/PID/cgroup.
    freezers: Mutex<HashMap<Vec<u8>, Freezer>>,
    groups: OnceLock<Option<Groups>>,
}

impl Shared<'_> {
    /// Nothing is looked up yet. `read` reads the memory of the processes.
    pub fn new(root: &Root, read: ReadMemory) -> Shared<'_> {
        Shared { root, read, freezers: Mutex::default(), groups: OnceLock::new() }
    }

    /// Looks at a process whose status and threads have just been read: at
    /// what decides what this signal does to it, or, without one, at everything.
    pub fn situation(&self, pid: u32, status: Status, threads: Threads, signal: Option<Signal>) -> Situation {
        let root = self.root;
        let pid = status.tgid.unwrap_or(pid);
        let asked = |of: SignalSet| signal.is_none_or(|signal| of.contains(signal));
        let mut situation = Situation { status, ..Situation::default() };
        // A thread in sigwait(3) does not show what it waits for as blocked; who
        // reads a signalfd may do so while another thread would take the signal.
        // CONT lets others through.
        if signal == Some(CONT) || signal.is_none_or(|signal| !threads.blocked_by_all().contains(signal)) {
            situation.waits = self.waits(pid, &threads);
        }
        if asked(threads.blocked_by_any()) {
            situation.signalfds = root.signalfds(pid, self.read);
        }
        situation.threads = Some(threads);
        situation.freezer = self.freezer(pid);
        if signal.is_some_and(|signal| OF_TERMINALS.contains(&signal)) {
            situation.orphaned = self.is_orphaned(pid);
        }
        let facts = signal.and_then(|signal| Arch::NATIVE.facts(signal));
        if facts.is_some_and(|facts| facts.action == Action::Core) {
            situation.core = root.core_dump(pid, &situation.status);
        }
        situation.is_global_init = pid == 1 && root.is_first_namespace();
        situation
    }

    /// What its threads wait in.
    fn waits(&self, pid: u32, threads: &Threads) -> Vec<(u32, Wait)> {
        let tasks: Vec<_> = threads.live().collect();
        let indices: Vec<u32> = (0..).take(tasks.len()).collect();
        gather(self.root, &indices, |_, index| {
            let task = tasks.get(usize::try_from(index).ok()?)?;
            Some((task.tid, self.root.wait(pid, task.tid, task.state, self.read)))
        })
    }

    fn freezer(&self, pid: u32) -> Freezer {
        let Some(text) = self.root.file(&format!("{pid}/cgroup")).ok().filter(|_| self.root.is_native())
        else {
            return Freezer::No;
        };
        let mut freezers = self.freezers.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(known) = freezers.get(&text) {
            return *known;
        }
        let frozen = |(path, freezer): &(_, Freezer)| {
            std::fs::read(path).is_ok_and(|text| freezer::is_frozen(&text, *freezer))
        };
        let found =
            freezer::files(&text).into_iter().find(frozen).map_or(Freezer::No, |(_, freezer)| freezer);
        freezers.insert(text, found);
        found
    }

    /// Whether no member of the process's group has a parent in another group
    /// of the same session (`will_become_orphaned_pgrp` in kernel/exit.c).
    fn is_orphaned(&self, pid: u32) -> Option<bool> {
        let own = self.root.stat(pid).ok()?;
        // 0: the group is outside our pid namespace, and so are its members.
        if own.group == 0 {
            return None;
        }
        let groups = self.groups.get_or_init(|| Groups::read(self.root)).as_ref()?;
        groups.is_orphaned(own.group)
    }
}

/// All process groups.
#[derive(Debug)]
struct Groups {
    people: HashMap<u32, Stat>,
    members: HashMap<u32, Vec<u32>>,
    /// Whether each is orphaned, once asked.
    orphaned: Mutex<HashMap<u32, Option<bool>>>,
    first_namespace: bool,
}

impl Groups {
    fn read(root: &Root) -> Option<Groups> {
        // One whose main thread alone has ended is alive.
        let is_ended = |files: &mut Files, stat: &Stat| {
            stat.state.is_ended() && files.status(stat.pid).map_or(true, |status| has_ended(&status, None))
        };
        let people = gather(root, &root.pids().ok()?, |files, pid| {
            let stat = files.stat(pid).ok()?;
            let ended = is_ended(files, &stat);
            Some((stat, ended))
        });
        let mut members: HashMap<u32, Vec<u32>> = HashMap::new();
        for (stat, _) in people.iter().filter(|(_, ended)| !ended) {
            members.entry(stat.group).or_default().push(stat.pid);
        }
        let people = people.into_iter().map(|(stat, _)| (stat.pid, stat)).collect();
        let first_namespace = root.is_first_namespace();
        Some(Groups { people, members, orphaned: Mutex::default(), first_namespace })
    }

    fn is_orphaned(&self, group: u32) -> Option<bool> {
        let mut known = self.orphaned.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *known.entry(group).or_insert_with(|| self.find_orphaned(group))
    }

    fn find_orphaned(&self, group: u32) -> Option<bool> {
        let members = self.members.get(&group).into_iter().flatten();
        for member in members.filter_map(|pid| self.people.get(pid)) {
            if self.first_namespace && member.parent == 1 {
                continue;
            }
            // A parent outside our pid namespace cannot be asked.
            let parent = self.people.get(&member.parent).filter(|_| member.parent != 0)?;
            if parent.group != group && parent.session == member.session {
                return Some(false);
            }
        }
        Some(true)
    }
}

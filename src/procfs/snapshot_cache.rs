//! Cache of facts that several process snapshots share: freezer states and
//! process groups.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

use super::freezer::{self, FreezerState};
use super::{
    ProcReader, ProcRoot, ProcStat, ProcStatus, ProcessSnapshot, ReadMemory, Threads, WaitReason,
    par_map_ids, process_has_exited,
};
use crate::signal::consts::{CONT, TSTP, TTIN, TTOU};
use crate::signal::{Arch, DefaultAction, Signal, SignalSet};

/// Signals that an orphaned process group discards (`get_signal` in
/// kernel/signal.c).
const TERMINAL_STOP_SIGNALS: [Signal; 3] = [TSTP, TTIN, TTOU];

/// Facts that the processes of a /proc share, as they were at the first query.
/// The cache becomes stale, so it must not live longer than one report. Several
/// threads may use it.
#[derive(Debug)]
pub struct SnapshotCache<'a> {
    root: &'a ProcRoot,
    read: ReadMemory,
    /// Freezer states by the text of /proc/PID/cgroup.
    freezers: Mutex<HashMap<Vec<u8>, FreezerState>>,
    process_groups: OnceLock<Option<ProcessGroups>>,
}

impl SnapshotCache<'_> {
    /// Creates an empty cache. `read` reads files that can block.
    pub fn new(root: &ProcRoot, read: ReadMemory) -> SnapshotCache<'_> {
        SnapshotCache { root, read, freezers: Mutex::default(), process_groups: OnceLock::new() }
    }

    /// Takes a snapshot of a process whose status and threads were just read. It
    /// contains what determines the effect of `signal`, or of every signal if it
    /// is `None`.
    pub fn snapshot(
        &self,
        pid: u32,
        status: ProcStatus,
        threads: Threads,
        signal: Option<Signal>,
    ) -> ProcessSnapshot {
        let root = self.root;
        let pid = status.tgid.unwrap_or(pid);
        let concerns = |set: SignalSet| signal.is_none_or(|signal| set.contains(signal));
        let mut snapshot = ProcessSnapshot { status, ..ProcessSnapshot::default() };
        // The wait reasons are needed unless every thread blocks the signal. A
        // thread in sigwait(3) does not show its set as blocked. A thread can read
        // a signalfd while another thread would receive the signal. CONT releases
        // other pending signals.
        if signal == Some(CONT) || signal.is_none_or(|signal| !threads.blocked_by_all().contains(signal)) {
            snapshot.wait_reasons = self.wait_reasons(pid, &threads);
        }
        if concerns(threads.blocked_by_any()) {
            snapshot.signalfds = root.signalfds(pid, self.read);
        }
        snapshot.threads = Some(threads);
        snapshot.freezer_state = self.freezer_state(pid);
        if signal.is_some_and(|signal| TERMINAL_STOP_SIGNALS.contains(&signal)) {
            snapshot.group_is_orphaned = self.is_orphaned(pid);
        }
        let info = signal.and_then(|signal| Arch::NATIVE.standard_signal(signal));
        if info.is_some_and(|info| info.action == DefaultAction::Core) {
            snapshot.core_dump = root.predict_core_dump(pid, &snapshot.status);
        }
        snapshot.is_global_init = pid == 1 && root.is_initial_pid_namespace();
        snapshot
    }

    /// Reads the wait reasons of its threads.
    fn wait_reasons(&self, pid: u32, threads: &Threads) -> Vec<(u32, WaitReason)> {
        let live_threads: Vec<_> = threads.live().collect();
        let indices: Vec<u32> = (0..).take(live_threads.len()).collect();
        par_map_ids(self.root, &indices, |_, index| {
            let thread = live_threads.get(usize::try_from(index).ok()?)?;
            Some((thread.tid, self.root.wait_reason(pid, thread.tid, thread.state, self.read)))
        })
    }

    fn freezer_state(&self, pid: u32) -> FreezerState {
        let Some(text) = self.root.read_file(&format!("{pid}/cgroup")).ok().filter(|_| self.root.is_native())
        else {
            return FreezerState::NotFrozen;
        };
        let mut freezers = self.freezers.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(state) = freezers.get(&text) {
            return *state;
        }
        let is_frozen = |(path, freezer): &(_, FreezerState)| {
            std::fs::read(path).is_ok_and(|text| freezer::is_frozen(&text, *freezer))
        };
        let state = freezer::state_files(&text)
            .into_iter()
            .find(is_frozen)
            .map_or(FreezerState::NotFrozen, |(_, freezer)| freezer);
        freezers.insert(text, state);
        state
    }

    /// Returns true if no member of the process's group has a parent in another
    /// group of the same session (`will_become_orphaned_pgrp` in kernel/exit.c).
    fn is_orphaned(&self, pid: u32) -> Option<bool> {
        let own = self.root.stat(pid).ok()?;
        // 0 means that the group and its members are outside our PID namespace.
        if own.process_group == 0 {
            return None;
        }
        let groups = self.process_groups.get_or_init(|| ProcessGroups::read(self.root)).as_ref()?;
        groups.is_orphaned(own.process_group)
    }
}

/// All processes with their process groups.
#[derive(Debug)]
struct ProcessGroups {
    processes: HashMap<u32, ProcStat>,
    members: HashMap<u32, Vec<u32>>,
    /// The computed results, by process group.
    orphaned_cache: Mutex<HashMap<u32, Option<bool>>>,
    is_initial_namespace: bool,
}

impl ProcessGroups {
    fn read(root: &ProcRoot) -> Option<ProcessGroups> {
        // A process whose main thread has exited is alive while other threads
        // run.
        let has_exited = |reader: &mut ProcReader, stat: &ProcStat| {
            stat.state.has_exited()
                && reader.status(stat.pid).map_or(true, |status| process_has_exited(&status, None))
        };
        let processes = par_map_ids(root, &root.pids().ok()?, |reader, pid| {
            let stat = reader.stat(pid).ok()?;
            let exited = has_exited(reader, &stat);
            Some((stat, exited))
        });
        let mut members: HashMap<u32, Vec<u32>> = HashMap::new();
        for (stat, _) in processes.iter().filter(|(_, exited)| !exited) {
            members.entry(stat.process_group).or_default().push(stat.pid);
        }
        let processes = processes.into_iter().map(|(stat, _)| (stat.pid, stat)).collect();
        let is_initial_namespace = root.is_initial_pid_namespace();
        Some(ProcessGroups { processes, members, orphaned_cache: Mutex::default(), is_initial_namespace })
    }

    fn is_orphaned(&self, group: u32) -> Option<bool> {
        let mut cache = self.orphaned_cache.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *cache.entry(group).or_insert_with(|| self.compute_orphaned(group))
    }

    fn compute_orphaned(&self, group: u32) -> Option<bool> {
        let members = self.members.get(&group).into_iter().flatten();
        for member in members.filter_map(|pid| self.processes.get(pid)) {
            if self.is_initial_namespace && member.parent_pid == 1 {
                continue;
            }
            // The session of a parent outside our PID namespace is unknown.
            let parent = self.processes.get(&member.parent_pid).filter(|_| member.parent_pid != 0)?;
            if parent.process_group != group && parent.session == member.session {
                return Some(false);
            }
        }
        Some(true)
    }
}

//! The criteria by which processes are selected.

use std::path::PathBuf;
use std::time::Duration;

use regex_lite::Regex;

use crate::procfs::net::{BoundSocket, Protocol};
use crate::procfs::{ProcStat, ProcStatus, TaskState, Threads};
use crate::signal::SignalSet;

/// The criteria. All that are given must match. Of several values of one
/// criterion, one must match. An empty list, or `None`, means that the criterion
/// is not given.
#[derive(Clone, Debug, Default)]
pub struct Criteria {
    /// `--name`: the full name, exact.
    pub names: Vec<Vec<u8>>,
    /// `--match`: expressions searched in the command line.
    pub patterns: Vec<Regex>,
    /// `--user`: the effective user.
    pub users: Vec<u32>,
    /// `--gid`: the effective group.
    pub gids: Vec<u32>,
    /// `--pgrp`: the process group.
    pub process_groups: Vec<u32>,
    /// `--parent`.
    pub parents: Vec<u32>,
    /// `--session`.
    pub sessions: Vec<u32>,
    /// `--tty`: the terminal's device number, 0 for none (see
    /// [`ProcStat::terminal_device`]).
    pub terminals: Vec<u32>,
    /// `--cgroup`: in the form of `procfs::cgroup::normalize`.
    pub cgroups: Vec<Vec<u8>>,
    /// `--ns`: processes whose PID namespace the process must be in.
    pub pid_namespaces_of: Vec<u32>,
    /// `--state`.
    pub states: Vec<TaskState>,
    /// `--older`: the minimum time since the start.
    pub min_age: Option<Duration>,
    /// `--newer`: the time since the start must be shorter.
    pub max_age: Option<Duration>,
    /// `--oldest`, `--newest`: one of the processes that match all other
    /// criteria.
    pub pick: Option<AgePick>,
    /// `--pidfile`: files whose first word is the PID.
    pub pidfiles: Vec<PathBuf>,
    /// `--port`.
    pub ports: Vec<PortCriterion>,
    /// `--catches`: the process catches these.
    pub catches: Option<SignalSetCriterion>,
    /// `--ignores`: the process ignores these.
    pub ignores: Option<SignalSetCriterion>,
    /// `--blocks`: every thread blocks these.
    pub blocks: Option<SignalSetCriterion>,
    /// `--pending`: these are pending for the process or for one of its threads.
    pub pending: Option<SignalSetCriterion>,
}

/// The process that is selected of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgePick {
    /// The one that started first; of several started at once, the lowest PID.
    Oldest,
    /// The one that started last; of several started at once, the highest PID.
    Newest,
}

/// A port that a socket listens on or is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortCriterion {
    /// The protocol; `None` for any.
    pub protocol: Option<Protocol>,
    /// The port number.
    pub number: u16,
}

impl PortCriterion {
    /// Whether the socket is at this port.
    pub fn matches(self, socket: &BoundSocket) -> bool {
        self.number == socket.port && self.protocol.is_none_or(|protocol| protocol == socket.protocol)
    }
}

/// The signals that a set must contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalSetCriterion {
    /// At least one signal.
    Any,
    /// No signal.
    None,
    /// All of these.
    All(SignalSet),
}

impl SignalSetCriterion {
    /// Whether the set matches.
    pub fn matches(self, set: SignalSet) -> bool {
        match self {
            SignalSetCriterion::Any => !set.is_empty(),
            SignalSetCriterion::None => set.is_empty(),
            SignalSetCriterion::All(expected) => expected & set == expected,
        }
    }
}

/// Whether a criterion matches: it is not given, or one of its values was found.
fn matches_any<T: PartialEq>(expected: &[T], found: Option<T>) -> bool {
    expected.is_empty() || found.is_some_and(|found| expected.contains(&found))
}

impl Criteria {
    /// Whether no criterion is given. The oldest or newest of all processes is
    /// not a criterion: it would be an init, or the process that happened to
    /// start last.
    pub fn is_empty(&self) -> bool {
        !self.needs_stat()
            && !self.needs_status()
            && self.names.is_empty()
            && self.patterns.is_empty()
            && self.cgroups.is_empty()
            && self.pid_namespaces_of.is_empty()
            && self.pidfiles.is_empty()
            && self.ports.is_empty()
    }

    /// Whether a stat file is needed to check the criteria.
    pub(super) fn needs_stat(&self) -> bool {
        let lists = [&self.process_groups, &self.parents, &self.sessions, &self.terminals];
        lists.iter().any(|list| !list.is_empty())
            || !self.states.is_empty()
            || self.min_age.is_some()
            || self.max_age.is_some()
    }

    /// Whether a status file is needed to check the criteria.
    pub(super) fn needs_status(&self) -> bool {
        !self.users.is_empty()
            || !self.gids.is_empty()
            || self.catches.is_some()
            || self.ignores.is_some()
            || self.needs_threads()
    }

    /// Whether the threads are needed to check the criteria.
    pub(super) fn needs_threads(&self) -> bool {
        self.blocks.is_some() || self.pending.is_some()
    }

    /// Whether all criteria match that a stat file decides, except the age.
    pub(super) fn matches_stat(&self, stat: &ProcStat) -> bool {
        matches_any(&self.process_groups, Some(stat.process_group))
            && matches_any(&self.parents, Some(stat.parent_pid))
            && matches_any(&self.sessions, Some(stat.session))
            && matches_any(&self.terminals, stat.terminal_device)
            && matches_any(&self.states, Some(stat.state))
    }

    /// Whether the age, in clock ticks, matches.
    pub(super) fn matches_age(&self, ticks: u64, per_second: u64) -> bool {
        let to_ticks =
            |limit: Duration| limit.as_micros().saturating_mul(per_second.into()).div_ceil(1_000_000);
        self.min_age.is_none_or(|min_age| u128::from(ticks) >= to_ticks(min_age))
            && self.max_age.is_none_or(|max_age| u128::from(ticks) < to_ticks(max_age))
    }

    /// Whether all criteria match that a status file decides alone. A set that is
    /// missing in the file matches nothing.
    pub(super) fn matches_status(&self, status: &ProcStatus) -> bool {
        let set_matches = |expected: Option<SignalSetCriterion>, set: Option<SignalSet>| {
            expected.is_none_or(|expected| set.is_some_and(|set| expected.matches(set)))
        };
        matches_any(&self.users, status.uids.map(|(_, effective)| effective))
            && matches_any(&self.gids, status.gids.map(|(_, effective)| effective))
            && set_matches(self.catches, status.caught)
            && set_matches(self.ignores, status.ignored)
    }

    /// Whether all criteria match that the threads and the status decide
    /// together.
    pub(super) fn matches_threads(&self, status: &ProcStatus, threads: &Threads) -> bool {
        let pending = threads.pending_for_any() | status.shared_pending.unwrap_or_default();
        self.blocks.is_none_or(|expected| expected.matches(threads.blocked_by_all()))
            && self.pending.is_none_or(|expected| expected.matches(pending))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::procfs::task::test_thread as thread;

    fn parse_stat(text: &str) -> ProcStat {
        ProcStat::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn criterion_matches_any_of_its_values() {
        let stat = parse_stat("9 (x) T 1 7 5 34816 -1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 4000");
        let matches = |set: &dyn Fn(&mut Criteria)| {
            let mut criteria = Criteria::default();
            set(&mut criteria);
            assert!(criteria.needs_stat() && !criteria.needs_status() && !criteria.is_empty());
            criteria.matches_stat(&stat)
        };
        assert!(matches(&|c| c.process_groups = vec![6, 7]) && !matches(&|c| c.process_groups = vec![6]));
        assert!(matches(&|c| c.parents = vec![1]) && !matches(&|c| c.parents = vec![9]));
        assert!(matches(&|c| c.sessions = vec![5]) && !matches(&|c| c.sessions = vec![0]));
        assert!(matches(&|c| c.terminals = vec![34816]) && !matches(&|c| c.terminals = vec![0]));
        assert!(
            matches(&|c| c.states = vec![TaskState::from_letter(b'T')])
                && !matches(&|c| c.states = vec![TaskState::from_letter(b't')])
        );
        assert!(!matches(&|c| (c.process_groups, c.parents) = (vec![7], vec![2])), "all must hold");
        assert!(Criteria::default().is_empty() && Criteria::default().matches_stat(&stat));
    }

    #[test]
    fn older_is_inclusive_and_newer_is_exclusive() {
        let older = Criteria { min_age: Some(Duration::from_millis(1500)), ..Criteria::default() };
        let newer = Criteria { max_age: Some(Duration::from_millis(1500)), ..Criteria::default() };
        for (ticks, is_older) in [(0, false), (149, false), (150, true), (u64::MAX, true)] {
            assert_eq!(older.matches_age(ticks, 100), is_older, "{ticks}");
            assert_eq!(newer.matches_age(ticks, 100), !is_older, "{ticks}");
        }
        let never = Criteria { min_age: Some(Duration::MAX), ..Criteria::default() };
        assert!(!never.matches_age(u64::MAX, 100));
    }

    #[test]
    fn set_criterion_requires_all_signals() {
        let set = SignalSet::from_bits;
        for (expected, bits, matches) in [
            (SignalSetCriterion::Any, 0, false),
            (SignalSetCriterion::Any, 4, true),
            (SignalSetCriterion::None, 0, true),
            (SignalSetCriterion::None, 4, false),
            (SignalSetCriterion::All(set(0b110)), 0b111, true),
            (SignalSetCriterion::All(set(0b110)), 0b101, false),
        ] {
            assert_eq!(expected.matches(set(bits)), matches, "{expected:?} {bits}");
        }
    }

    #[test]
    fn status_and_threads_match_users_and_signal_sets() {
        let text = b"Pid:\t9\nUid:\t1\t2\t2\t2\nGid:\t3\t4\t4\t4\nShdPnd:\t0000000000000004\nSigPnd:\t0\nSigBlk:\t0\nSigIgn:\t0000000000000001\nSigCgt:\t0000000000000002\n";
        let text = String::from_utf8_lossy(text).replace("\t0\n", "\t0000000000000000\n");
        let status = ProcStatus::parse(text.as_bytes()).unwrap();
        let all_of = |bits| Some(SignalSetCriterion::All(SignalSet::from_bits(bits)));
        let base = Criteria::default;
        for (criteria, matches) in [
            (Criteria { users: vec![2], ..base() }, true),
            (Criteria { users: vec![1], ..base() }, false),
            (Criteria { gids: vec![9, 4], ..base() }, true),
            (Criteria { gids: vec![3], ..base() }, false),
            (Criteria { catches: all_of(2), ..base() }, true),
            (Criteria { catches: all_of(1), ..base() }, false),
            (Criteria { ignores: all_of(1), ..base() }, true),
            (Criteria { ignores: Some(SignalSetCriterion::None), ..base() }, false),
        ] {
            assert!(criteria.needs_status());
            assert_eq!(criteria.matches_status(&status), matches, "{criteria:?}");
        }
        let threads = Threads::new(vec![thread(9, b'S', 0, 0b11), thread(10, b'S', 8, 0b10)]);
        for (criteria, matches) in [
            (Criteria { blocks: all_of(2), ..base() }, true),
            (Criteria { blocks: all_of(1), ..base() }, false),
            (Criteria { pending: all_of(4), ..base() }, true),
            (Criteria { pending: all_of(12), ..base() }, true),
            (Criteria { pending: all_of(1), ..base() }, false),
        ] {
            assert!(criteria.needs_threads() && criteria.matches_status(&status));
            assert_eq!(criteria.matches_threads(&status, &threads), matches, "{criteria:?}");
        }
    }

    #[test]
    fn port_criterion_matches_protocol() {
        let socket = BoundSocket { protocol: Protocol::Udp, port: 53, inode: 1, uid: 0 };
        let port = |protocol, number| PortCriterion { protocol, number }.matches(&socket);
        assert!(port(None, 53) && port(Some(Protocol::Udp), 53));
        assert!(!port(Some(Protocol::Tcp), 53) && !port(None, 54));
    }
}

//! What a process must be to be chosen.

use std::path::PathBuf;
use std::time::Duration;

use regex_lite::Regex;

use crate::proc::net::{Protocol, Socket};
use crate::proc::{Stat, State, Status, Threads};
use crate::signal::SignalSet;

/// The criteria. Each that is given must hold; of several values of one, any
/// does. Empty, or `None`: not given.
#[derive(Clone, Debug, Default)]
pub struct Criteria {
    /// `--name`: the whole name, exactly.
    pub names: Vec<Vec<u8>>,
    /// `--match`: within the command line.
    pub patterns: Vec<Regex>,
    /// `--user`: the effective user.
    pub users: Vec<u32>,
    /// `--gid`: the effective group.
    pub gids: Vec<u32>,
    /// `--pgrp`: the process group.
    pub groups: Vec<u32>,
    /// `--parent`.
    pub parents: Vec<u32>,
    /// `--session`.
    pub sessions: Vec<u32>,
    /// `--tty`: the terminal's device number, 0 for none (see
    /// [`Stat::terminal`]).
    pub terminals: Vec<u32>,
    /// `--cgroup`: in the form of [`crate::proc::cgroup::group`].
    pub cgroups: Vec<Vec<u8>>,
    /// `--ns`: processes whose pid namespace it must be in.
    pub namespaces_of: Vec<u32>,
    /// `--state`.
    pub states: Vec<State>,
    /// `--older`: started at least so long ago.
    pub older: Option<Duration>,
    /// `--newer`: started less than so long ago.
    pub newer: Option<Duration>,
    /// `--oldest`, `--newest`: one of those for which all else holds.
    pub pick: Option<Pick>,
    /// `--pidfile`: files whose first word is its number.
    pub pidfiles: Vec<PathBuf>,
    /// `--port`.
    pub ports: Vec<Port>,
    /// `--catches`: the disposition of these is caught.
    pub catches: Option<Wanted>,
    /// `--ignores`: the disposition of these is ignored.
    pub ignores: Option<Wanted>,
    /// `--blocks`: every thread blocks these.
    pub blocks: Option<Wanted>,
    /// `--pending`: for the process or for any thread of it.
    pub pending: Option<Wanted>,
}

/// Which one of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// Started first; of several started at once, the lowest number.
    Oldest,
    /// Started last; of several started at once, the highest number.
    Newest,
}

/// A port that something waits at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    /// Of this protocol only; `None` for any.
    pub protocol: Option<Protocol>,
    /// The number.
    pub number: u16,
}

impl Port {
    /// Whether a socket waits there.
    pub fn is_of(self, socket: &Socket) -> bool {
        self.number == socket.port && self.protocol.is_none_or(|protocol| protocol == socket.protocol)
    }
}

/// What a set of signals must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Any signal at all.
    Any,
    /// No signal.
    None,
    /// All of these.
    All(SignalSet),
}

impl Wanted {
    /// Whether the set is such.
    pub fn holds(self, set: SignalSet) -> bool {
        match self {
            Wanted::Any => !set.is_empty(),
            Wanted::None => set.is_empty(),
            Wanted::All(wanted) => wanted & set == wanted,
        }
    }
}

/// Whether a criterion that takes any of its values holds.
fn any<T: PartialEq>(wanted: &[T], found: Option<T>) -> bool {
    wanted.is_empty() || found.is_some_and(|found| wanted.contains(&found))
}

impl Criteria {
    /// Whether none is given. The oldest or newest of all is no criterion by
    /// itself: it would be an init, or whatever was started last.
    pub fn is_empty(&self) -> bool {
        !self.asks_stat()
            && !self.asks_status()
            && self.names.is_empty()
            && self.patterns.is_empty()
            && self.cgroups.is_empty()
            && self.namespaces_of.is_empty()
            && self.pidfiles.is_empty()
            && self.ports.is_empty()
    }

    /// Whether a stat file tells of any that is given.
    pub(super) fn asks_stat(&self) -> bool {
        let lists = [&self.groups, &self.parents, &self.sessions, &self.terminals];
        lists.iter().any(|list| !list.is_empty())
            || !self.states.is_empty()
            || self.older.is_some()
            || self.newer.is_some()
    }

    /// Whether a status file tells of any that is given.
    pub(super) fn asks_status(&self) -> bool {
        !self.users.is_empty()
            || !self.gids.is_empty()
            || self.catches.is_some()
            || self.ignores.is_some()
            || self.asks_threads()
    }

    /// Whether the threads tell of any that is given.
    pub(super) fn asks_threads(&self) -> bool {
        self.blocks.is_some() || self.pending.is_some()
    }

    /// Whether all hold that a stat file tells of, but for the age.
    pub(super) fn fits_stat(&self, stat: &Stat) -> bool {
        any(&self.groups, Some(stat.group))
            && any(&self.parents, Some(stat.parent))
            && any(&self.sessions, Some(stat.session))
            && any(&self.terminals, stat.terminal)
            && any(&self.states, Some(stat.state))
    }

    /// Whether the age, in clock ticks, is what is asked for.
    pub(super) fn fits_age(&self, ticks: u64, per_second: u64) -> bool {
        let age = |limit: Duration| limit.as_micros().saturating_mul(per_second.into()).div_ceil(1_000_000);
        self.older.is_none_or(|older| u128::from(ticks) >= age(older))
            && self.newer.is_none_or(|newer| u128::from(ticks) < age(newer))
    }

    /// Whether all hold that a status file tells of by itself. A set that the
    /// file lacks fits nothing.
    pub(super) fn fits_status(&self, status: &Status) -> bool {
        let fits = |wanted: Option<Wanted>, set: Option<SignalSet>| {
            wanted.is_none_or(|wanted| set.is_some_and(|set| wanted.holds(set)))
        };
        any(&self.users, status.uids.map(|(_, effective)| effective))
            && any(&self.gids, status.gids.map(|(_, effective)| effective))
            && fits(self.catches, status.caught)
            && fits(self.ignores, status.ignored)
    }

    /// Whether all hold that the threads tell of, together with the status.
    pub(super) fn fits_threads(&self, status: &Status, threads: &Threads) -> bool {
        let pending = threads.pending() | status.shared_pending.unwrap_or_default();
        self.blocks.is_none_or(|wanted| wanted.holds(threads.blocked_by_all()))
            && self.pending.is_none_or(|wanted| wanted.holds(pending))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proc::task::sample as task;

    fn stat(text: &str) -> Stat {
        Stat::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn any_value_of_each_criterion_does() {
        let process = stat("9 (x) T 1 7 5 34816 -1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 4000");
        let fits = |set: &dyn Fn(&mut Criteria)| {
            let mut criteria = Criteria::default();
            set(&mut criteria);
            assert!(criteria.asks_stat() && !criteria.asks_status() && !criteria.is_empty());
            criteria.fits_stat(&process)
        };
        assert!(fits(&|c| c.groups = vec![6, 7]) && !fits(&|c| c.groups = vec![6]));
        assert!(fits(&|c| c.parents = vec![1]) && !fits(&|c| c.parents = vec![9]));
        assert!(fits(&|c| c.sessions = vec![5]) && !fits(&|c| c.sessions = vec![0]));
        assert!(fits(&|c| c.terminals = vec![34816]) && !fits(&|c| c.terminals = vec![0]));
        assert!(
            fits(&|c| c.states = vec![State::new(b'T')]) && !fits(&|c| c.states = vec![State::new(b't')])
        );
        assert!(!fits(&|c| (c.groups, c.parents) = (vec![7], vec![2])), "all must hold");
        assert!(Criteria::default().is_empty() && Criteria::default().fits_stat(&process));
    }

    #[test]
    fn ages_are_at_least_or_less_than() {
        let older = Criteria { older: Some(Duration::from_millis(1500)), ..Criteria::default() };
        let newer = Criteria { newer: Some(Duration::from_millis(1500)), ..Criteria::default() };
        for (ticks, is_older) in [(0, false), (149, false), (150, true), (u64::MAX, true)] {
            assert_eq!(older.fits_age(ticks, 100), is_older, "{ticks}");
            assert_eq!(newer.fits_age(ticks, 100), !is_older, "{ticks}");
        }
        let ever = Criteria { older: Some(Duration::MAX), ..Criteria::default() };
        assert!(!ever.fits_age(u64::MAX, 100));
    }

    #[test]
    fn all_signals_named_must_be_in_the_set() {
        let set = SignalSet::from_bits;
        for (wanted, found, holds) in [
            (Wanted::Any, 0, false),
            (Wanted::Any, 4, true),
            (Wanted::None, 0, true),
            (Wanted::None, 4, false),
            (Wanted::All(set(0b110)), 0b111, true),
            (Wanted::All(set(0b110)), 0b101, false),
        ] {
            assert_eq!(wanted.holds(set(found)), holds, "{wanted:?} {found}");
        }
    }

    #[test]
    fn status_and_threads_tell_of_users_and_sets() {
        let text = b"Pid:\t9\nUid:\t1\t2\t2\t2\nGid:\t3\t4\t4\t4\nShdPnd:\t0000000000000004\nSigPnd:\t0\nSigBlk:\t0\nSigIgn:\t0000000000000001\nSigCgt:\t0000000000000002\n";
        let text = String::from_utf8_lossy(text).replace("\t0\n", "\t0000000000000000\n");
        let status = Status::parse(text.as_bytes()).unwrap();
        let one = |bits| Some(Wanted::All(SignalSet::from_bits(bits)));
        let base = Criteria::default;
        for (criteria, fits) in [
            (Criteria { users: vec![2], ..base() }, true),
            (Criteria { users: vec![1], ..base() }, false),
            (Criteria { gids: vec![9, 4], ..base() }, true),
            (Criteria { gids: vec![3], ..base() }, false),
            (Criteria { catches: one(2), ..base() }, true),
            (Criteria { catches: one(1), ..base() }, false),
            (Criteria { ignores: one(1), ..base() }, true),
            (Criteria { ignores: Some(Wanted::None), ..base() }, false),
        ] {
            assert!(criteria.asks_status());
            assert_eq!(criteria.fits_status(&status), fits, "{criteria:?}");
        }
        let threads = Threads::new(vec![task(9, b'S', 0, 0b11), task(10, b'S', 8, 0b10)]);
        for (criteria, fits) in [
            (Criteria { blocks: one(2), ..base() }, true),
            (Criteria { blocks: one(1), ..base() }, false),
            (Criteria { pending: one(4), ..base() }, true),
            (Criteria { pending: one(12), ..base() }, true),
            (Criteria { pending: one(1), ..base() }, false),
        ] {
            assert!(criteria.asks_threads() && criteria.fits_status(&status));
            assert_eq!(criteria.fits_threads(&status, &threads), fits, "{criteria:?}");
        }
    }

    #[test]
    fn a_port_may_be_of_one_protocol() {
        let socket = Socket { protocol: Protocol::Udp, port: 53, inode: 1, uid: 0 };
        let port = |protocol, number| Port { protocol, number }.is_of(&socket);
        assert!(port(None, 53) && port(Some(Protocol::Udp), 53));
        assert!(!port(Some(Protocol::Tcp), 53) && !port(None, 54));
    }
}

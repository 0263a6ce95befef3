//! Numbers that a process is told, of its own pid and user namespaces, as ours
//! have them.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::claimed_sender::ClaimedSender;
use crate::procfs::{ProcReader, ProcRoot, ProcStatus};
use crate::signal::Siginfo;
use crate::signal::siginfo::SignalOrigin;

/// So long a number that nobody has is not looked for again: who had it has
/// exited, and another one gets it only after all others were given out.
const MISSING_PID_TTL: Duration = Duration::from_secs(1);

/// What translates the numbers of one target.
#[derive(Debug)]
pub(super) struct NamespaceIdMap {
    /// Its pid namespace, where that lies within ours.
    nested_namespace: Option<NestedPidNamespace>,
    /// Users of its user namespace in ours: inside, outside, how many; none where
    /// they are the same.
    uid_ranges: Vec<[u32; 3]>,
}

/// A pid namespace within ours.
#[derive(Debug)]
struct NestedPidNamespace {
    /// How many namespaces its processes have a number in, ours being the first.
    depth: usize,
    /// What tells it from others.
    namespace_link: Option<PathBuf>,
    /// Our numbers by its own, as they were found.
    outer_pid_by_inner: HashMap<u32, u32>,
    /// Those of its own that are right, of what is asked at one time.
    confirmed_pids: HashSet<u32>,
    /// Those that nobody had, and since when that is kept.
    missing_pids: (Instant, HashSet<u32>),
    /// Whether all were read for what is asked now.
    is_scanned: bool,
}

impl NamespaceIdMap {
    /// Of the process that this is the status of. It may end then: what its
    /// namespace is, is known.
    pub(super) fn new(root: &ProcRoot, pid: u32, target: &ProcStatus) -> NamespaceIdMap {
        // Its own numbers from our namespace inwards: one of them means ours.
        let depth = target.namespace_pids.len();
        let within = (depth > 1).then(|| NestedPidNamespace {
            depth,
            namespace_link: ProcReader::new(root).read_link(pid, "ns/pid").ok(),
            outer_pid_by_inner: HashMap::new(),
            confirmed_pids: HashSet::new(),
            missing_pids: (Instant::now(), HashSet::new()),
            is_scanned: false,
        });
        NamespaceIdMap { nested_namespace: within, uid_ranges: read_uid_map(root, pid).unwrap_or_default() }
    }

    /// What is asked from now on is of a later time: numbers may be those of
    /// others by then.
    pub(super) fn expire(&mut self) {
        if let Some(within) = &mut self.nested_namespace {
            within.confirmed_pids.clear();
            within.is_scanned = false;
        }
    }

    /// Whom a signal names, without a name; `None` where it names nobody.
    pub(super) fn claimed_sender(&mut self, root: &ProcRoot, info: &Siginfo) -> Option<ClaimedSender> {
        let (number, uid, child) = match info.origin() {
            SignalOrigin::Process { pid, uid, .. } => (pid, uid, false),
            SignalOrigin::Child { pid, uid, .. } => (pid, uid, true),
            _ => return None,
        };
        let pid = match &mut self.nested_namespace {
            None => Some(number),
            Some(within) => within.outer_pid(root, number),
        };
        Some(ClaimedSender {
            inner_pid: number,
            pid,
            uid: map_uid(&self.uid_ranges, uid),
            name: None,
            is_child: child,
        })
    }
}

impl NestedPidNamespace {
    /// Our number of who has this one; `None` where nobody who lives has.
    fn outer_pid(&mut self, root: &ProcRoot, number: u32) -> Option<u32> {
        let known = self.outer_pid_by_inner.get(&number).copied();
        if self.is_scanned || self.confirmed_pids.contains(&number) {
            return known;
        }
        let (since, unknown) = &mut self.missing_pids;
        if since.elapsed() > MISSING_PID_TTL {
            unknown.clear();
        }
        if unknown.contains(&number) {
            return None;
        }
        let namespace = self.namespace_link.as_deref()?;
        let mut files = ProcReader::new(root);
        if let Some(pid) = known.filter(|pid| innermost_pid(&mut files, *pid, self.depth) == Some(number))
            && is_in_pid_namespace(&mut files, pid, namespace)
        {
            self.confirmed_pids.insert(number);
            return Some(pid);
        }
        let pids = root.pids().unwrap_or_default().into_iter();
        let numbered = pids.filter_map(|pid| {
            let number = innermost_pid(&mut files, pid, self.depth)?;
            is_in_pid_namespace(&mut files, pid, namespace).then_some((number, pid))
        });
        self.outer_pid_by_inner = numbered.collect();
        self.is_scanned = true;
        let found = self.outer_pid_by_inner.get(&number).copied();
        if found.is_none() {
            if unknown.is_empty() {
                *since = Instant::now();
            }
            unknown.insert(number);
        }
        found
    }
}

/// The innermost number of a process that has so many.
fn innermost_pid(files: &mut ProcReader, pid: u32, depth: usize) -> Option<u32> {
    let numbers = files.status(pid).ok()?.namespace_pids;
    numbers.last().copied().filter(|_| numbers.len() == depth)
}

/// Whether a process is of this namespace.
fn is_in_pid_namespace(files: &mut ProcReader, pid: u32, namespace: &Path) -> bool {
    files.read_link(pid, "ns/pid").is_ok_and(|own| own == namespace)
}

/// The users of a target's user namespace, where that is not ours: si_uid is told
/// to the target in its own (`send_signal_locked` in kernel/signal.c), and uid_map
/// tells the users outside as its reader has them (user_namespaces(7)).
fn read_uid_map(root: &ProcRoot, target: u32) -> Option<Vec<[u32; 3]>> {
    let mut files = ProcReader::new(root);
    let own = files.read_link(std::process::id(), "ns/user").ok()?;
    if files.read_link(target, "ns/user").ok()? == own {
        return None;
    }
    let text = std::fs::read_to_string(root.directory().join(format!("{target}/uid_map"))).ok()?;
    Some(parse_uid_map(&text))
}

/// The lines of a uid_map.
fn parse_uid_map(text: &str) -> Vec<[u32; 3]> {
    let range = |line: &str| {
        let numbers: Vec<u32> = line.split_whitespace().map_while(|word| word.parse().ok()).collect();
        numbers.try_into().ok()
    };
    text.lines().filter_map(range).collect()
}

/// A user as we number him; as it is where no range has him.
fn map_uid(users: &[[u32; 3]], uid: u32) -> u32 {
    let found = users.iter().find_map(|[inside, outside, count]| {
        let at = uid.checked_sub(*inside).filter(|at| at < count)?;
        outside.checked_add(at)
    });
    found.unwrap_or(uid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Signal;

    /// No process has these.
    const UNUSED_PID: u32 = 4_194_305;
    const INNER_PID: u32 = 4_194_306;
    const STALE_INNER_PID: u32 = 4_194_307;

    /// As if our own namespace were one within another, in which we were one
    /// number and some process that has exited another.
    fn nested_map(pid: u32) -> NamespaceIdMap {
        let within = NestedPidNamespace {
            depth: 1,
            namespace_link: ProcReader::new(&ProcRoot::default()).read_link(pid, "ns/pid").ok(),
            outer_pid_by_inner: HashMap::from([(INNER_PID, pid), (STALE_INNER_PID, UNUSED_PID)]),
            confirmed_pids: HashSet::from([INNER_PID]),
            missing_pids: (Instant::now(), HashSet::new()),
            is_scanned: false,
        };
        NamespaceIdMap { nested_namespace: Some(within), uid_ranges: Vec::new() }
    }

    fn claimed_pid(numbers: &mut NamespaceIdMap, pid: u32) -> Option<u32> {
        let info = Siginfo { pid, ..Siginfo::from_signal(Signal::new(15).unwrap()) };
        numbers.claimed_sender(&ProcRoot::default(), &info).expect("it names somebody").pid
    }

    #[test]
    fn pids_of_nested_namespace_are_translated() {
        let pid = std::process::id();
        let mut numbers = nested_map(pid);
        assert_eq!(claimed_pid(&mut numbers, INNER_PID), Some(pid), "as it was found");
        assert_eq!(claimed_pid(&mut numbers, STALE_INNER_PID), None, "who had it has exited");
        // At another time all are looked at anew, and nobody has it.
        numbers.expire();
        assert_eq!(claimed_pid(&mut numbers, INNER_PID), None);
        assert_eq!(claimed_pid(&mut numbers, pid), Some(pid));
    }

    #[test]
    fn missing_pid_is_not_searched_again() {
        let pid = std::process::id();
        let mut numbers = nested_map(pid);
        assert_eq!(claimed_pid(&mut numbers, UNUSED_PID), None);
        numbers.expire();
        assert_eq!(claimed_pid(&mut numbers, UNUSED_PID), None);
        assert!(numbers.nested_namespace.as_ref().is_some_and(|within| !within.is_scanned));
        assert_eq!(claimed_pid(&mut numbers, pid), Some(pid), "another one is");
    }

    #[test]
    fn pids_of_same_namespace_are_unchanged() {
        let root = ProcRoot::default();
        let own = root.own_status().unwrap();
        let mut numbers = NamespaceIdMap::new(&root, std::process::id(), &own);
        let info = Siginfo { pid: UNUSED_PID, uid: 12, ..Siginfo::from_signal(Signal::new(15).unwrap()) };
        let found = numbers.claimed_sender(&root, &info).expect("it names somebody");
        let expected =
            ClaimedSender { inner_pid: info.pid, pid: Some(info.pid), uid: 12, name: None, is_child: false };
        assert_eq!(found, expected);
        assert_eq!(
            numbers.claimed_sender(&root, &Siginfo { code: -2, ..info }),
            None,
            "a timer has no sender"
        );
        let child = Siginfo { code: 1, ..Siginfo { signal: Signal::new(17).unwrap(), ..info } };
        assert!(numbers.claimed_sender(&root, &child).is_some_and(|claimed| claimed.is_child));
    }

    #[test]
    fn uids_of_nested_namespace_are_translated() {
        let users = parse_uid_map("         0       1000          1\n         1     100000      65536\n");
        assert_eq!(users, [[0, 1000, 1], [1, 100_000, 65536]]);
        let told = [0, 1, 65536, 65537].map(|uid| map_uid(&users, uid));
        assert_eq!(told, [1000, 100_000, 165_535, 65537]);
        assert_eq!(map_uid(&[], 7), 7);
        assert_eq!(super::read_uid_map(&ProcRoot::default(), std::process::id()), None, "the same namespace");
    }
}

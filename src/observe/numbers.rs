//! Numbers that a process is told, of its own pid and user namespaces, as ours
//! have them.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::sender::Claimed;
use crate::proc::{Files, Root, Status};
use crate::signal::Info;
use crate::signal::info::Origin;

/// So long a number that nobody has is not looked for again: who had it has
/// exited, and another one gets it only after all others were given out.
const UNKNOWN: Duration = Duration::from_secs(1);

/// What translates the numbers of one target.
#[derive(Debug)]
pub(super) struct Numbers {
    /// Its pid namespace, where that lies within ours.
    within: Option<Within>,
    /// Users of its user namespace in ours: inside, outside, how many; none where
    /// they are the same.
    users: Vec<[u32; 3]>,
}

/// A pid namespace within ours.
#[derive(Debug)]
struct Within {
    /// How many namespaces its processes have a number in, ours being the first.
    depth: usize,
    /// What tells it from others.
    namespace: Option<PathBuf>,
    /// Our numbers by its own, as they were found.
    pids: HashMap<u32, u32>,
    /// Those of its own that are right, of what is asked at one time.
    right: HashSet<u32>,
    /// Those that nobody had, and since when that is kept.
    unknown: (Instant, HashSet<u32>),
    /// Whether all were read for what is asked now.
    is_read: bool,
}

impl Numbers {
    /// Of the process that this is the status of. It may end then: what its
    /// namespace is, is known.
    pub(super) fn of(root: &Root, pid: u32, target: &Status) -> Numbers {
        // Its own numbers from our namespace inwards: one of them means ours.
        let depth = target.namespace_pids.len();
        let within = (depth > 1).then(|| Within {
            depth,
            namespace: Files::new(root).link(pid, "ns/pid").ok(),
            pids: HashMap::new(),
            right: HashSet::new(),
            unknown: (Instant::now(), HashSet::new()),
            is_read: false,
        });
        Numbers { within, users: users(root, pid).unwrap_or_default() }
    }

    /// What is asked from now on is of a later time: numbers may be those of
    /// others by then.
    pub(super) fn again(&mut self) {
        if let Some(within) = &mut self.within {
            within.right.clear();
            within.is_read = false;
        }
    }

    /// Whom a signal names, without a name; `None` where it names nobody.
    pub(super) fn claimed(&mut self, root: &Root, info: &Info) -> Option<Claimed> {
        let (number, uid, child) = match info.origin() {
            Origin::Process { pid, uid, .. } => (pid, uid, false),
            Origin::Child { pid, uid, .. } => (pid, uid, true),
            _ => return None,
        };
        let pid = match &mut self.within {
            None => Some(number),
            Some(within) => within.pid(root, number),
        };
        Some(Claimed { number, pid, uid: outside(&self.users, uid), name: None, child })
    }
}

impl Within {
    /// Our number of who has this one; `None` where nobody who lives has.
    fn pid(&mut self, root: &Root, number: u32) -> Option<u32> {
        let known = self.pids.get(&number).copied();
        if self.is_read || self.right.contains(&number) {
            return known;
        }
        let (since, unknown) = &mut self.unknown;
        if since.elapsed() > UNKNOWN {
            unknown.clear();
        }
        if unknown.contains(&number) {
            return None;
        }
        let namespace = self.namespace.as_deref()?;
        let mut files = Files::new(root);
        if let Some(pid) = known.filter(|pid| number_of(&mut files, *pid, self.depth) == Some(number))
            && is_in(&mut files, pid, namespace)
        {
            self.right.insert(number);
            return Some(pid);
        }
        let pids = root.pids().unwrap_or_default().into_iter();
        let numbered = pids.filter_map(|pid| {
            let number = number_of(&mut files, pid, self.depth)?;
            is_in(&mut files, pid, namespace).then_some((number, pid))
        });
        self.pids = numbered.collect();
        self.is_read = true;
        let found = self.pids.get(&number).copied();
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
fn number_of(files: &mut Files, pid: u32, depth: usize) -> Option<u32> {
    let numbers = files.status(pid).ok()?.namespace_pids;
    numbers.last().copied().filter(|_| numbers.len() == depth)
}

/// Whether a process is of this namespace.
fn is_in(files: &mut Files, pid: u32, namespace: &Path) -> bool {
    files.link(pid, "ns/pid").is_ok_and(|own| own == namespace)
}

/// The users of a target's user namespace, where that is not ours: si_uid is told
/// to the target in its own (`send_signal_locked` in kernel/signal.c), and uid_map
/// tells the users outside as its reader has them (user_namespaces(7)).
fn users(root: &Root, target: u32) -> Option<Vec<[u32; 3]>> {
    let mut files = Files::new(root);
    let own = files.link(std::process::id(), "ns/user").ok()?;
    if files.link(target, "ns/user").ok()? == own {
        return None;
    }
    let text = std::fs::read_to_string(root.directory().join(format!("{target}/uid_map"))).ok()?;
    Some(ranges(&text))
}

/// The lines of a uid_map.
fn ranges(text: &str) -> Vec<[u32; 3]> {
    let range = |line: &str| {
        let numbers: Vec<u32> = line.split_whitespace().map_while(|word| word.parse().ok()).collect();
        numbers.try_into().ok()
    };
    text.lines().filter_map(range).collect()
}

/// A user as we number him; as it is where no range has him.
fn outside(users: &[[u32; 3]], uid: u32) -> u32 {
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
    const NOBODY: u32 = 4_194_305;
    const NUMBER: u32 = 4_194_306;
    const OTHER: u32 = 4_194_307;

    /// As if our own namespace were one within another, in which we were one
    /// number and some process that has exited another.
    fn within(pid: u32) -> Numbers {
        let within = Within {
            depth: 1,
            namespace: Files::new(&Root::default()).link(pid, "ns/pid").ok(),
            pids: HashMap::from([(NUMBER, pid), (OTHER, NOBODY)]),
            right: HashSet::from([NUMBER]),
            unknown: (Instant::now(), HashSet::new()),
            is_read: false,
        };
        Numbers { within: Some(within), users: Vec::new() }
    }

    fn claimed(numbers: &mut Numbers, pid: u32) -> Option<u32> {
        let info = Info { pid, ..Info::bare(Signal::new(15).unwrap()) };
        numbers.claimed(&Root::default(), &info).expect("it names somebody").pid
    }

    #[test]
    fn numbers_of_another_namespace_are_translated() {
        let pid = std::process::id();
        let mut numbers = within(pid);
        assert_eq!(claimed(&mut numbers, NUMBER), Some(pid), "as it was found");
        assert_eq!(claimed(&mut numbers, OTHER), None, "who had it has exited");
        // At another time all are looked at anew, and nobody has it.
        numbers.again();
        assert_eq!(claimed(&mut numbers, NUMBER), None);
        assert_eq!(claimed(&mut numbers, pid), Some(pid));
    }

    #[test]
    fn who_has_exited_is_not_looked_for_again_and_again() {
        let pid = std::process::id();
        let mut numbers = within(pid);
        assert_eq!(claimed(&mut numbers, NOBODY), None);
        numbers.again();
        assert_eq!(claimed(&mut numbers, NOBODY), None);
        assert!(numbers.within.as_ref().is_some_and(|within| !within.is_read));
        assert_eq!(claimed(&mut numbers, pid), Some(pid), "another one is");
    }

    #[test]
    fn numbers_of_the_same_namespace_are_ours() {
        let root = Root::default();
        let own = root.own_status().unwrap();
        let mut numbers = Numbers::of(&root, std::process::id(), &own);
        let info = Info { pid: NOBODY, uid: 12, ..Info::bare(Signal::new(15).unwrap()) };
        let found = numbers.claimed(&root, &info).expect("it names somebody");
        let expected = Claimed { number: info.pid, pid: Some(info.pid), uid: 12, name: None, child: false };
        assert_eq!(found, expected);
        assert_eq!(numbers.claimed(&root, &Info { code: -2, ..info }), None, "a timer has no sender");
        let child = Info { code: 1, ..Info { signal: Signal::new(17).unwrap(), ..info } };
        assert!(numbers.claimed(&root, &child).is_some_and(|claimed| claimed.child));
    }

    #[test]
    fn users_of_another_namespace_are_translated() {
        let users = ranges("         0       1000          1\n         1     100000      65536\n");
        assert_eq!(users, [[0, 1000, 1], [1, 100_000, 65536]]);
        let told = [0, 1, 65536, 65537].map(|uid| outside(&users, uid));
        assert_eq!(told, [1000, 100_000, 165_535, 65537]);
        assert_eq!(outside(&[], 7), 7);
        assert_eq!(super::users(&Root::default(), std::process::id()), None, "the same namespace");
    }
}

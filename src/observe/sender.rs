//! Who a pending signal says that it is from.
//!
//! Its number is one of the target's pid namespace, and any process may have
//! that number by now: what is found here is a claim, with a name to it.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::proc::{Files, Root, Status, has_ended};
use crate::signal::Info;
use crate::signal::info::Origin;

/// A process that a signal names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Its number as the target's pid namespace has it.
    pub number: u32,
    /// Its number in ours; `None` where no living process has the other one.
    pub pid: Option<u32>,
    /// Its real user when it sent, as our user namespace numbers it where that is
    /// known.
    pub uid: u32,
    /// Its name; `None` where no such process lives. Its user may
    /// be another by now, so that says nothing.
    pub name: Option<Vec<u8>>,
    /// Whether it is the child that the signal tells of, and no sender.
    pub child: bool,
}

/// Looks up the processes that signals of one target name.
pub(super) struct Senders<'a> {
    root: &'a Root,
    /// Numbers of the target's namespace in ours; `None` where they are the same.
    numbers: Option<HashMap<u32, u32>>,
    names: HashMap<u32, Option<Vec<u8>>>,
    /// Users of the target's user namespace in ours: inside, outside, how many;
    /// none where they are the same.
    users: Vec<[u32; 3]>,
}

impl Senders<'_> {
    /// Of the process that this is the status of.
    pub(super) fn of<'a>(root: &'a Root, pid: u32, target: &Status) -> Senders<'a> {
        // Its own numbers from our namespace inwards: one of them means ours.
        let depth = target.namespace_pids.len();
        let numbers = (depth > 1).then(|| numbers(root, pid, depth));
        Senders { root, numbers, names: HashMap::new(), users: users(root, pid).unwrap_or_default() }
    }

    /// Whom a signal names; `None` where it names nobody.
    pub(super) fn claimed(&mut self, info: &Info) -> Option<Claimed> {
        let (number, uid, child) = match info.origin() {
            Origin::Process { pid, uid, .. } => (pid, uid, false),
            Origin::Child { pid, uid, .. } => (pid, uid, true),
            _ => return None,
        };
        let pid = match &self.numbers {
            None => Some(number),
            Some(numbers) => numbers.get(&number).copied(),
        };
        let name = pid.and_then(|pid| self.look(pid));
        Some(Claimed { number, pid, uid: outside(&self.users, uid), name, child })
    }

    /// The name of a process that lives.
    fn look(&mut self, pid: u32) -> Option<Vec<u8>> {
        let root = self.root;
        let read = || {
            let status = root.status(pid).ok()?;
            let ended = has_ended(&status, None);
            let name = status.name.filter(|_| !ended && status.tgid == Some(pid))?;
            Some(name.as_bytes().to_vec())
        };
        self.names.entry(pid).or_insert_with(read).clone()
    }
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

/// The processes of a target's pid namespace, by their numbers there.
fn numbers(root: &Root, target: u32, depth: usize) -> HashMap<u32, u32> {
    let mut files = Files::new(root);
    let mut namespace = |pid: u32| -> Option<PathBuf> { files.link(pid, "ns/pid").ok() };
    let Some(own) = namespace(target) else { return HashMap::new() };
    let pids = root.pids().unwrap_or_default().into_iter();
    let number = |pid: u32| {
        let inner = root.status(pid).ok()?.namespace_pids;
        let number = inner.last().copied().filter(|_| inner.len() == depth)?;
        (namespace(pid)? == own).then_some((number, pid))
    };
    pids.filter_map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Signal;

    fn sent(pid: u32, uid: u32, code: i32) -> Info {
        Info { pid, uid, code, ..Info::bare(Signal::new(15).unwrap()) }
    }

    #[test]
    fn who_lives_has_a_name() {
        let root = Root::default();
        let own = root.own_status().unwrap();
        let pid = std::process::id();
        let (real, _) = own.uids.unwrap();
        let mut senders = Senders { root: &root, numbers: None, names: HashMap::new(), users: Vec::new() };
        let claimed = senders.claimed(&sent(pid, real, 0)).unwrap();
        assert_eq!((claimed.pid, claimed.number, claimed.child), (Some(pid), pid, false));
        assert_eq!(claimed.name.as_deref(), own.name.as_ref().map(|name| name.as_bytes()));
        let changed = senders.claimed(&sent(pid, real + 1, -1)).unwrap();
        assert_eq!((changed.uid, changed.name), (real + 1, claimed.name), "its user changed since");
        assert_eq!(senders.claimed(&sent(4_194_305, 0, 0)).unwrap().name, None);
        assert_eq!(senders.claimed(&sent(0, 0, 0)), None);
        assert_eq!(senders.claimed(&sent(pid, real, -2)), None, "a timer has no sender");
    }

    #[test]
    fn users_of_another_namespace_are_translated() {
        let users = ranges("         0       1000          1\n         1     100000      65536\n");
        assert_eq!(users, [[0, 1000, 1], [1, 100_000, 65536]]);
        let told = [0, 1, 65536, 65537].map(|uid| outside(&users, uid));
        assert_eq!(told, [1000, 100_000, 165_535, 65537]);
        assert_eq!(outside(&[], 7), 7);
        assert_eq!(users_of_own(), None, "the same namespace");
    }

    fn users_of_own() -> Option<Vec<[u32; 3]>> {
        users(&Root::default(), std::process::id())
    }

    #[test]
    fn numbers_of_another_namespace_are_translated() {
        let root = Root::default();
        let pid = std::process::id();
        let numbers = Some(HashMap::from([(7, pid)]));
        let mut senders = Senders { root: &root, numbers, names: HashMap::new(), users: Vec::new() };
        assert_eq!(senders.claimed(&sent(7, 0, 0)).unwrap().pid, Some(pid));
        let unknown = senders.claimed(&sent(8, 0, 0)).unwrap();
        assert_eq!((unknown.pid, unknown.name), (None, None));
    }
}

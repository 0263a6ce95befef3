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
    /// Its real user.
    pub uid: u32,
    /// Its name; `None` where no such process of this user lives.
    pub name: Option<Vec<u8>>,
    /// Whether it is the child that the signal tells of, and no sender.
    pub child: bool,
}

/// Looks up the processes that signals of one target name.
pub(super) struct Senders<'a> {
    root: &'a Root,
    /// Numbers of the target's namespace in ours; `None` where they are the same.
    numbers: Option<HashMap<u32, u32>>,
    names: HashMap<u32, Option<(u32, Vec<u8>)>>,
}

impl Senders<'_> {
    /// Of the process that this is the status of.
    pub(super) fn of<'a>(root: &'a Root, pid: u32, target: &Status) -> Senders<'a> {
        // Its own numbers from our namespace inwards: one of them means ours.
        let depth = target.namespace_pids.len();
        let numbers = (depth > 1).then(|| numbers(root, pid, depth));
        Senders { root, numbers, names: HashMap::new() }
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
        let known = pid.and_then(|pid| self.look(pid));
        // Another user's has taken the number over.
        let name = known.filter(|(real, _)| *real == uid).map(|(_, name)| name);
        Some(Claimed { number, pid, uid, name, child })
    }

    /// The real user and the name of a process that lives.
    fn look(&mut self, pid: u32) -> Option<(u32, Vec<u8>)> {
        let root = self.root;
        let read = || {
            let status = root.status(pid).ok()?;
            let ended = has_ended(&status, None);
            let (real, _) = status.uids.filter(|_| !ended && status.tgid == Some(pid))?;
            Some((real, status.name?.as_bytes().to_vec()))
        };
        self.names.entry(pid).or_insert_with(read).clone()
    }
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
        let mut senders = Senders { root: &root, numbers: None, names: HashMap::new() };
        let claimed = senders.claimed(&sent(pid, real, 0)).unwrap();
        assert_eq!((claimed.pid, claimed.number, claimed.child), (Some(pid), pid, false));
        assert_eq!(claimed.name.as_deref(), own.name.as_ref().map(|name| name.as_bytes()));
        assert_eq!(senders.claimed(&sent(pid, real + 1, -1)).unwrap().name, None, "another user's");
        assert_eq!(senders.claimed(&sent(4_194_305, 0, 0)).unwrap().name, None);
        assert_eq!(senders.claimed(&sent(0, 0, 0)), None);
        assert_eq!(senders.claimed(&sent(pid, real, -2)), None, "a timer has no sender");
    }

    #[test]
    fn numbers_of_another_namespace_are_translated() {
        let root = Root::default();
        let pid = std::process::id();
        let numbers = Some(HashMap::from([(7, pid)]));
        let mut senders = Senders { root: &root, numbers, names: HashMap::new() };
        assert_eq!(senders.claimed(&sent(7, 0, 0)).unwrap().pid, Some(pid));
        let unknown = senders.claimed(&sent(8, 0, 0)).unwrap();
        assert_eq!((unknown.pid, unknown.name), (None, None));
    }
}

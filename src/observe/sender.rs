//! Who a pending signal says that it is from.
//!
//! Its number is one of the target's pid namespace, and any process may have
//! that number by now: what is found here is a claim, with a name to it.

use std::collections::HashMap;

use super::numbers::Numbers;
use crate::proc::{Root, Status, has_ended};
use crate::signal::Info;

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
    /// Its name; `None` where no such process lives, or nobody has looked yet. Its
    /// user may be another by now, so that says nothing.
    pub name: Option<Vec<u8>>,
    /// Whether it is the child that the signal tells of, and no sender.
    pub child: bool,
}

/// Looks up the processes that signals of one target name.
pub(super) struct Senders<'a> {
    root: &'a Root,
    numbers: Numbers,
    names: HashMap<u32, Option<Vec<u8>>>,
}

impl Senders<'_> {
    /// Of the process that this is the status of.
    pub(super) fn of<'a>(root: &'a Root, pid: u32, target: &Status) -> Senders<'a> {
        Senders { root, numbers: Numbers::of(root, pid, target), names: HashMap::new() }
    }

    /// Whom a signal names; `None` where it names nobody.
    pub(super) fn claimed(&mut self, info: &Info) -> Option<Claimed> {
        let claimed = self.numbers.claimed(self.root, info)?;
        let name = claimed.pid.and_then(|pid| self.look(pid));
        Some(Claimed { name, ..claimed })
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
        let mut senders = Senders::of(&root, pid, &own);
        let claimed = senders.claimed(&sent(pid, real, 0)).unwrap();
        assert_eq!((claimed.pid, claimed.number, claimed.child), (Some(pid), pid, false));
        assert_eq!(claimed.name.as_deref(), own.name.as_ref().map(|name| name.as_bytes()));
        let changed = senders.claimed(&sent(pid, real + 1, -1)).unwrap();
        assert_eq!((changed.uid, changed.name), (real + 1, claimed.name), "its user changed since");
        assert_eq!(senders.claimed(&sent(4_194_305, 0, 0)).unwrap().name, None);
        assert_eq!(senders.claimed(&sent(0, 0, 0)), None);
        assert_eq!(senders.claimed(&sent(pid, real, -2)), None, "a timer has no sender");
    }
}

//! Who a pending signal says that it is from.
//!
//! Its number is one of the target's pid namespace, and any process may have
//! that number by now: what is found here is a claim, with a name to it.

use std::collections::HashMap;

use super::id_map::NamespaceIdMap;
use crate::procfs::{ProcRoot, ProcStatus, process_has_exited};
use crate::signal::Siginfo;

/// A process that a signal names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedSender {
    /// Its number as the target's pid namespace has it.
    pub inner_pid: u32,
    /// Its number in ours; `None` where no living process has the other one.
    pub pid: Option<u32>,
    /// Its real user when it sent, as our user namespace numbers it where that is
    /// known.
    pub uid: u32,
    /// Its name; `None` where no such process lives, or nobody has looked yet. Its
    /// user may be another by now, so that says nothing.
    pub name: Option<Vec<u8>>,
    /// Whether it is the child that the signal tells of, and no sender.
    pub is_child: bool,
}

/// Looks up the processes that signals of one target name.
pub(super) struct ClaimedSenderLookup<'a> {
    root: &'a ProcRoot,
    id_map: NamespaceIdMap,
    name_by_pid: HashMap<u32, Option<Vec<u8>>>,
}

impl ClaimedSenderLookup<'_> {
    /// Of the process that this is the status of.
    pub(super) fn new<'a>(root: &'a ProcRoot, pid: u32, target: &ProcStatus) -> ClaimedSenderLookup<'a> {
        ClaimedSenderLookup {
            root,
            id_map: NamespaceIdMap::new(root, pid, target),
            name_by_pid: HashMap::new(),
        }
    }

    /// Whom a signal names; `None` where it names nobody.
    pub(super) fn claimed_sender(&mut self, info: &Siginfo) -> Option<ClaimedSender> {
        let claimed = self.id_map.claimed_sender(self.root, info)?;
        let name = claimed.pid.and_then(|pid| self.process_name(pid));
        Some(ClaimedSender { name, ..claimed })
    }

    /// The name of a process that lives.
    fn process_name(&mut self, pid: u32) -> Option<Vec<u8>> {
        let root = self.root;
        let read = || {
            let status = root.status(pid).ok()?;
            let ended = process_has_exited(&status, None);
            let name = status.name.filter(|_| !ended && status.tgid == Some(pid))?;
            Some(name.as_bytes().to_vec())
        };
        self.name_by_pid.entry(pid).or_insert_with(read).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Signal;

    fn siginfo_from(pid: u32, uid: u32, code: i32) -> Siginfo {
        Siginfo { pid, uid, code, ..Siginfo::from_signal(Signal::new(15).unwrap()) }
    }

    #[test]
    fn running_sender_has_name() {
        let root = ProcRoot::default();
        let own = root.own_status().unwrap();
        let pid = std::process::id();
        let (real, _) = own.uids.unwrap();
        let mut senders = ClaimedSenderLookup::new(&root, pid, &own);
        let claimed = senders.claimed_sender(&siginfo_from(pid, real, 0)).unwrap();
        assert_eq!((claimed.pid, claimed.inner_pid, claimed.is_child), (Some(pid), pid, false));
        assert_eq!(claimed.name.as_deref(), own.name.as_ref().map(|name| name.as_bytes()));
        let changed = senders.claimed_sender(&siginfo_from(pid, real + 1, -1)).unwrap();
        assert_eq!((changed.uid, changed.name), (real + 1, claimed.name), "its user changed since");
        assert_eq!(senders.claimed_sender(&siginfo_from(4_194_305, 0, 0)).unwrap().name, None);
        assert_eq!(senders.claimed_sender(&siginfo_from(0, 0, 0)), None);
        assert_eq!(senders.claimed_sender(&siginfo_from(pid, real, -2)), None, "a timer has no sender");
    }
}

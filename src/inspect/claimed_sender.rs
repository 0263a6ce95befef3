//! The process that a pending or delivered signal names as its sender.
//!
//! The siginfo contains a PID of the target's PID namespace. The sender may have exited
//! since, and another process may have its PID now. So the result is a claim.

use std::collections::HashMap;

use super::id_map::NamespaceIdMap;
use crate::procfs::{ProcRoot, ProcStatus, process_has_exited};
use crate::signal::Siginfo;
use crate::signal::siginfo::SignalOrigin;

/// A process that a signal names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedSender {
    /// Its PID in the target's PID namespace.
    pub inner_pid: u32,
    /// Its PID in our namespace; `None` if no running process has the inner PID.
    pub pid: Option<u32>,
    /// The real UID of the sender when it sent the signal. It is a UID of our user
    /// namespace if the UID map of the target is readable.
    pub uid: u32,
    /// The name of the process that has this PID now. `None` if no such process runs, or if
    /// the name was not looked up.
    pub name: Option<Vec<u8>>,
    /// `true` if the process is the child that the signal reports, and not a sender.
    pub is_child: bool,
}

impl ClaimedSender {
    /// Returns the process that a siginfo names, without its name. Returns `None` if the
    /// siginfo names no process.
    pub(super) fn from_siginfo(
        root: &ProcRoot,
        id_map: &mut NamespaceIdMap,
        siginfo: &Siginfo,
    ) -> Option<ClaimedSender> {
        let (inner_pid, uid, is_child) = match siginfo.origin() {
            SignalOrigin::Process { pid, uid, .. } => (pid, uid, false),
            SignalOrigin::Child { pid, uid, .. } => (pid, uid, true),
            _ => return None,
        };
        let (pid, uid) = (id_map.outer_pid(root, inner_pid), id_map.outer_uid(uid));
        Some(ClaimedSender { inner_pid, pid, uid, name: None, is_child })
    }
}

/// Looks up the processes that the signals of one target name.
pub(super) struct ClaimedSenderLookup<'a> {
    root: &'a ProcRoot,
    id_map: NamespaceIdMap,
    name_by_pid: HashMap<u32, Option<Vec<u8>>>,
}

impl ClaimedSenderLookup<'_> {
    /// Returns a lookup for the target with this PID and status.
    pub(super) fn new<'a>(root: &'a ProcRoot, pid: u32, status: &ProcStatus) -> ClaimedSenderLookup<'a> {
        ClaimedSenderLookup {
            root,
            id_map: NamespaceIdMap::new(root, pid, status),
            name_by_pid: HashMap::new(),
        }
    }

    /// Returns the process that a siginfo names, or `None` if it names no process.
    pub(super) fn claimed_sender(&mut self, siginfo: &Siginfo) -> Option<ClaimedSender> {
        let claimed = ClaimedSender::from_siginfo(self.root, &mut self.id_map, siginfo)?;
        let name = claimed.pid.and_then(|pid| self.process_name(pid));
        Some(ClaimedSender { name, ..claimed })
    }

    /// Returns the name of a running process.
    fn process_name(&mut self, pid: u32) -> Option<Vec<u8>> {
        let root = self.root;
        let read = || {
            let status = root.status(pid).ok()?;
            let has_exited = process_has_exited(&status, None);
            let name = status.name.filter(|_| !has_exited && status.tgid == Some(pid))?;
            Some(name.as_bytes().to_vec())
        };
        self.name_by_pid.entry(pid).or_insert_with(read).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Signal;

    /// A PID that no process has.
    const UNUSED_PID: u32 = 4_194_305;

    fn siginfo_from(pid: u32, uid: u32, code: i32) -> Siginfo {
        Siginfo { pid, uid, code, ..Siginfo::from_signal(Signal::new(15).unwrap()) }
    }

    #[test]
    fn running_sender_has_name() {
        let root = ProcRoot::default();
        let own = root.own_status().unwrap();
        let pid = std::process::id();
        let (real_uid, _) = own.uids.unwrap();
        let mut senders = ClaimedSenderLookup::new(&root, pid, &own);
        let claimed = senders.claimed_sender(&siginfo_from(pid, real_uid, 0)).unwrap();
        assert_eq!((claimed.pid, claimed.inner_pid, claimed.is_child), (Some(pid), pid, false));
        assert_eq!(claimed.name.as_deref(), own.name.as_ref().map(|name| name.as_bytes()));
        let changed = senders.claimed_sender(&siginfo_from(pid, real_uid + 1, -1)).unwrap();
        assert_eq!((changed.uid, changed.name), (real_uid + 1, claimed.name), "its UID has changed since");
        assert_eq!(senders.claimed_sender(&siginfo_from(UNUSED_PID, 0, 0)).unwrap().name, None);
        assert_eq!(senders.claimed_sender(&siginfo_from(0, 0, 0)), None);
        assert_eq!(senders.claimed_sender(&siginfo_from(pid, real_uid, -2)), None, "a timer has no sender");
    }

    #[test]
    fn siginfo_of_same_namespace_is_unchanged() {
        let root = ProcRoot::default();
        let own = root.own_status().unwrap();
        let mut id_map = NamespaceIdMap::new(&root, std::process::id(), &own);
        let siginfo = siginfo_from(UNUSED_PID, 12, 0);
        let claimed = ClaimedSender::from_siginfo(&root, &mut id_map, &siginfo);
        let expected = ClaimedSender {
            inner_pid: UNUSED_PID,
            pid: Some(UNUSED_PID),
            uid: 12,
            name: None,
            is_child: false,
        };
        assert_eq!(claimed, Some(expected));
        let timer = Siginfo { code: -2, ..siginfo };
        assert_eq!(ClaimedSender::from_siginfo(&root, &mut id_map, &timer), None, "a timer has no sender");
        let child = Siginfo { code: 1, ..Siginfo { signal: Signal::new(17).unwrap(), ..siginfo } };
        let claimed = ClaimedSender::from_siginfo(&root, &mut id_map, &child);
        assert!(claimed.is_some_and(|claimed| claimed.is_child));
    }
}

//! Reads the names, UIDs and states of targets from /proc, if the PIDs there
//! are those that system calls use.

use std::cell::OnceCell;

use super::SendAttempt;
use crate::procfs::{ProcRoot, ProcStatus};
use crate::select;

/// /proc, and whether it belongs to the PID namespace of sigtool.
pub(super) struct ProcLookup {
    pub(super) root: ProcRoot,
    /// Read on first use, because most requests do not need /proc.
    is_native: OnceCell<bool>,
}

impl ProcLookup {
    pub(super) fn new() -> ProcLookup {
        ProcLookup { root: ProcRoot::default(), is_native: OnceCell::new() }
    }

    /// Whether sigtool has the same PID in /proc as in getpid(2). If not, /proc
    /// belongs to another PID namespace.
    pub(super) fn is_native(&self) -> bool {
        let own_pid = || self.root.own_status().ok().and_then(|status| status.tgid);
        *self.is_native.get_or_init(|| own_pid() == Some(std::process::id()))
    }

    /// The status of a process or a thread; `None` if it cannot be read, or
    /// /proc belongs to another PID namespace.
    pub(super) fn status(&self, pid: u32) -> Option<ProcStatus> {
        if self.is_native() { self.root.status(pid).ok() } else { None }
    }

    /// The process of a thread; `None` for a thread group leader.
    pub(super) fn process_of_thread(&self, tid: u32) -> Option<u32> {
        self.status(tid)?.tgid.filter(|tgid| *tgid != tid)
    }

    /// Adds the name and the UID of the target, unless it has them already.
    pub(super) fn add_name_and_uid(&self, attempt: &mut SendAttempt) {
        let pid = attempt.pid.filter(|_| attempt.name.is_none());
        if let Some(status) = pid.and_then(|pid| self.status(pid)) {
            attempt.name = status
                .name
                .map(|name| select::full_name(&self.root, status.tgid.unwrap_or(0), name.as_bytes()));
            attempt.uid = status.uids.map(|(_, effective)| effective);
        }
    }
}

//! Senders of signals: the name of a process, read before its PID is reused.

use std::collections::HashMap;
use std::time::Duration;

use crate::procfs::ProcRoot;
use crate::signal::Siginfo;
use crate::signal::siginfo::SignalOrigin;
use crate::sys::process::boot_ticks;
use crate::sys::process::pidfd::PidFd;

/// A process that sent a signal, or claims to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalSender {
    /// The PID in the PID namespace of sigtool.
    pub pid: u32,
    /// The real UID.
    pub uid: u32,
    /// The name, or `None` if the process has exited.
    pub name: Option<Vec<u8>>,
    /// Whether the kernel has set PID and UID; otherwise they can be forged.
    pub verified: bool,
}

/// A cache of process names by PID. An entry is valid until its pidfd reports that
/// the process has exited.
#[derive(Debug)]
pub(super) struct SenderNameCache {
    proc_root: ProcRoot,
    cached: HashMap<u32, CachedName>,
    batch: u64,
}

#[derive(Debug)]
struct CachedName {
    pidfd: PidFd,
    name: Vec<u8>,
    /// The last batch in which the process was alive.
    last_alive_batch: u64,
}

/// The largest number of entries. Each has one open pidfd.
const MAX_CACHED: usize = 256;

impl SenderNameCache {
    pub(super) fn new() -> SenderNameCache {
        SenderNameCache { proc_root: ProcRoot::default(), cached: HashMap::new(), batch: 0 }
    }

    /// Starts a batch of signals. Each process is checked once per batch.
    pub(super) fn next_batch(&mut self) {
        self.batch += 1;
    }

    /// Returns the sender of a signal, if it is a process.
    pub(super) fn resolve_sender(&mut self, info: &Siginfo) -> Option<SignalSender> {
        match info.origin() {
            SignalOrigin::Process { pid, uid, verified, .. } => {
                Some(SignalSender { pid, uid, name: self.resolve(pid), verified })
            }
            _ => None,
        }
    }

    /// Returns the name of a process, or `None` if it has exited.
    pub(super) fn resolve(&mut self, pid: u32) -> Option<Vec<u8>> {
        if let Some(cached) = self.cached.get_mut(&pid) {
            if cached.last_alive_batch == self.batch {
                return Some(cached.name.clone());
            }
            if !cached.pidfd.wait_for_exit(Duration::ZERO).unwrap_or(true) {
                cached.last_alive_batch = self.batch;
                return Some(cached.name.clone());
            }
            self.cached.remove(&pid);
        }
        // The pidfd is opened first. If the process is still alive after the read,
        // /proc described this process. A process that started after the signal
        // arrived is not the sender.
        let arrived = boot_ticks();
        let pidfd = PidFd::open(pid).ok()?;
        let stat = self.proc_root.stat(pid).ok()?;
        let has_exited = stat.state.has_exited() || pidfd.wait_for_exit(Duration::ZERO).unwrap_or(true);
        if has_exited || stat.start_ticks.is_some_and(|start| start > arrived) {
            return None;
        }
        let name = stat.name.as_bytes().to_vec();
        if self.cached.len() == MAX_CACHED {
            self.cached.clear();
        }
        self.cached.insert(pid, CachedName { pidfd, name: name.clone(), last_alive_batch: self.batch });
        Some(name)
    }
}

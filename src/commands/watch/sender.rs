//! Who sent a signal: a name for a number, before it is another's.

use std::collections::HashMap;
use std::time::Duration;

use crate::procfs::ProcRoot;
use crate::sys::process::boot_ticks;
use crate::sys::process::pidfd::PidFd;

/// A process that sent a signal, or claims to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalSender {
    /// Its number, in our pid namespace.
    pub pid: u32,
    /// Its real user.
    pub uid: u32,
    /// Its name; `None` where it has exited.
    pub name: Option<Vec<u8>>,
    /// Whether the kernel vouches for number and user.
    pub verified: bool,
}

/// The names found so far. A name is good for as long as its process lives,
/// which its pidfd tells.
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
    /// The batch in which it was last seen alive.
    last_alive_batch: u64,
}

/// So many processes are held at once; a descriptor each.
const MAX_CACHED: usize = 256;

impl SenderNameCache {
    pub(super) fn new() -> SenderNameCache {
        SenderNameCache { proc_root: ProcRoot::default(), cached: HashMap::new(), batch: 0 }
    }

    /// Another batch of signals: who is known is to be looked at again.
    pub(super) fn next_batch(&mut self) {
        self.batch += 1;
    }

    /// The name of the process of this number; `None` where it has exited.
    pub(super) fn resolve(&mut self, pid: u32) -> Option<Vec<u8>> {
        if let Some(known) = self.cached.get_mut(&pid) {
            if known.last_alive_batch == self.batch {
                return Some(known.name.clone());
            }
            if !known.pidfd.wait_for_exit(Duration::ZERO).unwrap_or(true) {
                known.last_alive_batch = self.batch;
                return Some(known.name.clone());
            }
            self.cached.remove(&pid);
        }
        // Held first, so that what /proc says is this process's, if it lives
        // on; one that was started after its signal arrived is not the sender.
        let arrived = boot_ticks();
        let held = PidFd::open(pid).ok()?;
        let stat = self.proc_root.stat(pid).ok()?;
        let gone = stat.state.has_exited() || held.wait_for_exit(Duration::ZERO).unwrap_or(true);
        if gone || stat.start_ticks.is_some_and(|start| start > arrived) {
            return None;
        }
        let name = stat.name.as_bytes().to_vec();
        if self.cached.len() == MAX_CACHED {
            self.cached.clear();
        }
        self.cached.insert(pid, CachedName { pidfd: held, name: name.clone(), last_alive_batch: self.batch });
        Some(name)
    }
}

//! Translation of PIDs and UIDs from the namespaces of a target to our own.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::procfs::{ProcReader, ProcRoot, ProcStatus};

/// The time for which a PID that no process has is not searched again. The process that
/// had it has exited, and the kernel assigns all other PIDs before it reuses this one.
const MISSING_PID_TTL: Duration = Duration::from_secs(1);

/// Translates the PIDs and UIDs in signals to one target.
#[derive(Debug)]
pub(super) struct NamespaceIdMap {
    /// The target's PID namespace, if it is nested in ours.
    nested_namespace: Option<NestedPidNamespace>,
    /// The ranges of the target's UID map: first inner UID, first outer UID, length. Empty
    /// if the target is in our user namespace.
    uid_ranges: Vec<[u32; 3]>,
}

/// A PID namespace that is nested in ours.
#[derive(Debug)]
struct NestedPidNamespace {
    /// The number of namespaces in which its processes have a PID, starting with ours.
    depth: usize,
    /// The target of the link `ns/pid`, which identifies the namespace.
    namespace_link: Option<PathBuf>,
    /// Our PIDs by inner PID, from the last scan.
    outer_pid_by_inner: HashMap<u32, u32>,
    /// The inner PIDs in `outer_pid_by_inner` that were verified since the last
    /// [`NamespaceIdMap::expire`].
    confirmed_pids: HashSet<u32>,
    /// The inner PIDs that no process had, and the time of the first of these searches.
    missing_pids: (Instant, HashSet<u32>),
    /// `true` if all processes were scanned since the last [`NamespaceIdMap::expire`].
    is_scanned: bool,
}

impl NamespaceIdMap {
    /// Returns the map for the target with this PID and status. The map stays usable after
    /// the target has exited.
    pub(super) fn new(root: &ProcRoot, pid: u32, status: &ProcStatus) -> NamespaceIdMap {
        // NSpid lists the PIDs from our namespace inwards. One PID means our namespace.
        let depth = status.namespace_pids.len();
        let nested_namespace = (depth > 1).then(|| NestedPidNamespace {
            depth,
            namespace_link: ProcReader::new(root).read_link(pid, "ns/pid").ok(),
            outer_pid_by_inner: HashMap::new(),
            confirmed_pids: HashSet::new(),
            missing_pids: (Instant::now(), HashSet::new()),
            is_scanned: false,
        });
        NamespaceIdMap { nested_namespace, uid_ranges: read_uid_map(root, pid).unwrap_or_default() }
    }

    /// Verifies PIDs again from now on, because other processes may have them.
    pub(super) fn expire(&mut self) {
        if let Some(namespace) = &mut self.nested_namespace {
            namespace.confirmed_pids.clear();
            namespace.is_scanned = false;
        }
    }

    /// Returns our PID for a PID of the target's namespace. Returns `None` if the namespace
    /// is nested and no running process has the PID.
    pub(super) fn outer_pid(&mut self, root: &ProcRoot, inner_pid: u32) -> Option<u32> {
        match &mut self.nested_namespace {
            None => Some(inner_pid),
            Some(namespace) => namespace.outer_pid(root, inner_pid),
        }
    }

    /// Returns our UID for a UID of the target's namespace. A UID outside all ranges is
    /// returned unchanged.
    pub(super) fn outer_uid(&self, inner_uid: u32) -> u32 {
        map_uid(&self.uid_ranges, inner_uid)
    }
}

impl NestedPidNamespace {
    fn outer_pid(&mut self, root: &ProcRoot, inner_pid: u32) -> Option<u32> {
        let cached = self.outer_pid_by_inner.get(&inner_pid).copied();
        if self.is_scanned || self.confirmed_pids.contains(&inner_pid) {
            return cached;
        }
        let (missing_since, missing) = &mut self.missing_pids;
        if missing_since.elapsed() > MISSING_PID_TTL {
            missing.clear();
        }
        if missing.contains(&inner_pid) {
            return None;
        }
        let namespace = self.namespace_link.as_deref()?;
        let mut reader = ProcReader::new(root);
        if let Some(pid) =
            cached.filter(|pid| innermost_pid(&mut reader, *pid, self.depth) == Some(inner_pid))
            && is_in_pid_namespace(&mut reader, pid, namespace)
        {
            self.confirmed_pids.insert(inner_pid);
            return Some(pid);
        }
        let pids = root.pids().unwrap_or_default().into_iter();
        let inner_and_outer = pids.filter_map(|pid| {
            let inner_pid = innermost_pid(&mut reader, pid, self.depth)?;
            is_in_pid_namespace(&mut reader, pid, namespace).then_some((inner_pid, pid))
        });
        self.outer_pid_by_inner = inner_and_outer.collect();
        self.is_scanned = true;
        let found = self.outer_pid_by_inner.get(&inner_pid).copied();
        if found.is_none() {
            if missing.is_empty() {
                *missing_since = Instant::now();
            }
            missing.insert(inner_pid);
        }
        found
    }
}

/// Returns the innermost PID of a process, if the process has a PID in `depth` namespaces.
fn innermost_pid(reader: &mut ProcReader, pid: u32, depth: usize) -> Option<u32> {
    let namespace_pids = reader.status(pid).ok()?.namespace_pids;
    namespace_pids.last().copied().filter(|_| namespace_pids.len() == depth)
}

fn is_in_pid_namespace(reader: &mut ProcReader, pid: u32, namespace: &Path) -> bool {
    reader.read_link(pid, "ns/pid").is_ok_and(|link| link == namespace)
}

/// Reads the UID map of a target that is in another user namespace. si_uid is a UID of the
/// target's namespace (`send_signal_locked` in kernel/signal.c), and uid_map shows the outer
/// UIDs as the reader's namespace has them (user_namespaces(7)).
fn read_uid_map(root: &ProcRoot, target: u32) -> Option<Vec<[u32; 3]>> {
    let mut reader = ProcReader::new(root);
    let own_namespace = reader.read_link(std::process::id(), "ns/user").ok()?;
    if reader.read_link(target, "ns/user").ok()? == own_namespace {
        return None;
    }
    let text = std::fs::read_to_string(root.directory().join(format!("{target}/uid_map"))).ok()?;
    Some(parse_uid_map(&text))
}

/// Parses the ranges of a uid_map.
fn parse_uid_map(text: &str) -> Vec<[u32; 3]> {
    let range = |line: &str| {
        let fields: Vec<u32> = line.split_whitespace().map_while(|field| field.parse().ok()).collect();
        fields.try_into().ok()
    };
    text.lines().filter_map(range).collect()
}

fn map_uid(ranges: &[[u32; 3]], uid: u32) -> u32 {
    let mapped = ranges.iter().find_map(|[inner, outer, length]| {
        let offset = uid.checked_sub(*inner).filter(|offset| offset < length)?;
        outer.checked_add(offset)
    });
    mapped.unwrap_or(uid)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PIDs that no process has.
    const UNUSED_PID: u32 = 4_194_305;
    const INNER_PID: u32 = 4_194_306;
    const STALE_INNER_PID: u32 = 4_194_307;

    /// Returns a map that treats our own namespace as nested. In it this process has
    /// `INNER_PID`, and a process that has exited has `STALE_INNER_PID`.
    fn nested_map(pid: u32) -> NamespaceIdMap {
        let namespace = NestedPidNamespace {
            depth: 1,
            namespace_link: ProcReader::new(&ProcRoot::default()).read_link(pid, "ns/pid").ok(),
            outer_pid_by_inner: HashMap::from([(INNER_PID, pid), (STALE_INNER_PID, UNUSED_PID)]),
            confirmed_pids: HashSet::from([INNER_PID]),
            missing_pids: (Instant::now(), HashSet::new()),
            is_scanned: false,
        };
        NamespaceIdMap { nested_namespace: Some(namespace), uid_ranges: Vec::new() }
    }

    fn outer_pid(id_map: &mut NamespaceIdMap, inner_pid: u32) -> Option<u32> {
        id_map.outer_pid(&ProcRoot::default(), inner_pid)
    }

    #[test]
    fn pids_of_nested_namespace_are_translated() {
        let pid = std::process::id();
        let mut id_map = nested_map(pid);
        assert_eq!(outer_pid(&mut id_map, INNER_PID), Some(pid), "it is confirmed");
        assert_eq!(outer_pid(&mut id_map, STALE_INNER_PID), None, "that process has exited");
        // A new scan finds that no process has this PID.
        id_map.expire();
        assert_eq!(outer_pid(&mut id_map, INNER_PID), None);
        assert_eq!(outer_pid(&mut id_map, pid), Some(pid));
    }

    #[test]
    fn missing_pid_is_not_searched_again() {
        let pid = std::process::id();
        let mut id_map = nested_map(pid);
        assert_eq!(outer_pid(&mut id_map, UNUSED_PID), None);
        id_map.expire();
        assert_eq!(outer_pid(&mut id_map, UNUSED_PID), None);
        assert!(id_map.nested_namespace.as_ref().is_some_and(|namespace| !namespace.is_scanned));
        assert_eq!(outer_pid(&mut id_map, pid), Some(pid), "another PID is searched");
    }

    #[test]
    fn pids_of_same_namespace_are_unchanged() {
        let root = ProcRoot::default();
        let own = root.own_status().unwrap();
        let mut id_map = NamespaceIdMap::new(&root, std::process::id(), &own);
        assert_eq!(id_map.outer_pid(&root, UNUSED_PID), Some(UNUSED_PID));
        assert_eq!(id_map.outer_uid(12), 12);
    }

    #[test]
    fn uids_of_nested_namespace_are_translated() {
        let ranges = parse_uid_map("         0       1000          1\n         1     100000      65536\n");
        assert_eq!(ranges, [[0, 1000, 1], [1, 100_000, 65536]]);
        let mapped = [0, 1, 65536, 65537].map(|uid| map_uid(&ranges, uid));
        assert_eq!(mapped, [1000, 100_000, 165_535, 65537]);
        assert_eq!(map_uid(&[], 7), 7);
        assert_eq!(read_uid_map(&ProcRoot::default(), std::process::id()), None, "the same namespace");
    }
}

//! Ancestors and descendants.

use std::collections::HashMap;
use std::io;

use super::SelectedProcess;
use crate::procfs::{ProcRoot, par_map_ids};

/// The maximum number of passes over /proc that search for new descendants. One
/// pass is usually enough; a process that forks faster than we scan is not fully
/// caught.
const MAX_PASSES: usize = 64;

/// The maximum length of a chain of ancestors. A chain that is read while it
/// changes could contain a cycle.
const MAX_ANCESTORS: usize = 1 << 16;

/// This process and its ancestors, by their PIDs in this /proc; empty if /proc
/// does not show this process. A hidden process (hidepid) ends the chain.
pub(super) fn self_and_ancestors(root: &ProcRoot) -> Vec<u32> {
    let mut chain = Vec::new();
    let mut next = root.own_pid().ok();
    while let Some(pid) = next.filter(|pid| *pid != 0 && chain.len() < MAX_ANCESTORS && !chain.contains(pid))
    {
        chain.push(pid);
        next = root.stat(pid).ok().map(|stat| stat.parent_pid);
    }
    chain
}

/// The ancestors of this process, nearest first; empty if /proc does not show
/// this process.
pub fn ancestors(root: &ProcRoot) -> Vec<u32> {
    self_and_ancestors(root).into_iter().skip(1).collect()
}

/// The descendants of these processes that are not yet known, sorted by PID.
/// Passes over /proc are repeated until none finds a new one, so processes that
/// are forked meanwhile are found while their parent lives. Excludes sigtool, its
/// ancestors and kernel threads.
///
/// # Errors
/// The errors of listing /proc.
pub fn descendants(
    root: &ProcRoot,
    roots: &[SelectedProcess],
    known: &[u32],
) -> io::Result<Vec<SelectedProcess>> {
    let excluded = self_and_ancestors(root);
    let own_pid = excluded.first().copied();
    let mut members: HashMap<u32, u64> = roots.iter().map(|found| (found.pid, found.start_ticks)).collect();
    let mut added = Vec::new();
    for _ in 0..MAX_PASSES {
        let count_before = added.len();
        for node in new_descendants(&members, &read_nodes(root)?, own_pid) {
            members.insert(node.pid, node.start);
            if !node.is_kernel_thread && !known.contains(&node.pid) && !excluded.contains(&node.pid) {
                added.push(SelectedProcess {
                    pid: node.pid,
                    start_ticks: node.start,
                    is_added_by_tree: true,
                });
            }
        }
        if added.len() == count_before {
            break;
        }
    }
    added.sort_by_key(|found| found.pid);
    Ok(added)
}

/// The properties of a process that determine its place in the tree.
#[derive(Clone, Copy)]
struct ProcNode {
    pid: u32,
    parent: u32,
    start: u64,
    is_kernel_thread: bool,
}

fn read_nodes(root: &ProcRoot) -> io::Result<Vec<ProcNode>> {
    Ok(par_map_ids(root, &root.pids()?, |reader, pid| {
        let stat = reader.stat(pid).ok()?;
        Some(ProcNode {
            pid,
            parent: stat.parent_pid,
            start: stat.start_ticks?,
            is_kernel_thread: stat.is_kernel_thread(),
        })
    }))
}

/// The descendants of the members that do not belong to it yet, by PID and start
/// time. A member whose PID has been reused has no children. Children of `own_pid`
/// are ignored.
fn new_descendants(members: &HashMap<u32, u64>, nodes: &[ProcNode], own_pid: Option<u32>) -> Vec<ProcNode> {
    let mut by_parent: HashMap<u32, Vec<&ProcNode>> = HashMap::new();
    for node in nodes {
        by_parent.entry(node.parent).or_default().push(node);
    }
    let is_member = |node: &&ProcNode| members.get(&node.pid) == Some(&node.start);
    let mut parents: Vec<u32> = nodes.iter().filter(is_member).map(|node| node.pid).collect();
    let mut added: HashMap<u32, ProcNode> = HashMap::new();
    while let Some(parent) = parents.pop() {
        if Some(parent) == own_pid {
            continue;
        }
        for child in by_parent.get(&parent).into_iter().flatten().copied() {
            if !is_member(&child) && added.insert(child.pid, *child).is_none() {
                parents.push(child.pid);
            }
        }
    }
    added.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(pid: u32, parent: u32, start: u64) -> ProcNode {
        ProcNode { pid, parent, start, is_kernel_thread: false }
    }

    #[test]
    fn descendants_of_all_generations_are_found() {
        let nodes = [node(1, 0, 0), node(5, 1, 10), node(6, 5, 11), node(7, 6, 12), node(8, 1, 13)];
        let new_pids = |members: &[(u32, u64)], own_pid| {
            let mut pids: Vec<u32> = new_descendants(&members.iter().copied().collect(), &nodes, own_pid)
                .iter()
                .map(|node| node.pid)
                .collect();
            pids.sort_unstable();
            pids
        };
        assert_eq!(new_pids(&[(5, 10)], None), [6, 7]);
        assert_eq!(new_pids(&[(5, 10), (6, 11)], None), [7]);
        assert_eq!(new_pids(&[(1, 0)], Some(5)), [5, 8], "not the children of sigtool");
        assert!(new_pids(&[(5, 9)], None).is_empty(), "the number is another's now");
        assert!(new_pids(&[(99, 0)], None).is_empty() && new_pids(&[], None).is_empty());
    }

    #[test]
    fn parent_cycle_terminates() {
        let cycle = [node(5, 6, 1), node(6, 5, 1)];
        assert_eq!(new_descendants(&HashMap::from([(5, 1)]), &cycle, None).len(), 1);
    }

    /// The parent of the test process, unless it is outside the PID namespace.
    fn own_parent() -> Option<u32> {
        let stat = ProcRoot::default().stat(std::process::id()).expect("our own");
        Some(stat.parent_pid).filter(|parent| *parent != 0)
    }

    #[test]
    fn self_and_ancestors_starts_with_own_pid() {
        let chain = self_and_ancestors(&ProcRoot::default());
        assert_eq!(chain.first(), Some(&std::process::id()));
        assert_eq!(chain.get(1).copied(), own_parent());
        assert!(self_and_ancestors(&ProcRoot::new("/nowhere")).is_empty());
    }

    #[test]
    fn ancestors_excludes_own_pid() {
        let chain = ancestors(&ProcRoot::default());
        assert!(!chain.contains(&std::process::id()));
        assert_eq!(chain.first().copied(), own_parent());
        assert!(ancestors(&ProcRoot::new("/nowhere")).is_empty());
    }
}

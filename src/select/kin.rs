//! Ancestors and descendants.

use std::collections::HashMap;
use std::io;

use super::Found;
use crate::proc::{Root, gather};

/// How often new descendants are looked for: one pass is enough for those that
/// are there, and what starts others faster than this is not outrun.
const PASSES: usize = 64;

/// More generations than there are processes do not exist; a chain that is read
/// while it changes could have a ring in it.
const GENERATIONS: usize = 1 << 16;

/// This process and its ancestors, by their numbers in this /proc; none where
/// it does not show this process. What is hidden (hidepid) ends the chain.
pub(super) fn own_line(root: &Root) -> Vec<u32> {
    let mut line = Vec::new();
    let mut next = root.own_pid().ok();
    while let Some(pid) = next.filter(|pid| *pid != 0 && line.len() < GENERATIONS && !line.contains(pid)) {
        line.push(pid);
        next = root.stat(pid).ok().map(|stat| stat.parent);
    }
    line
}

/// The ancestors of this process, the nearest first; none where this /proc does
/// not show it.
pub fn ancestors(root: &Root) -> Vec<u32> {
    own_line(root).into_iter().skip(1).collect()
}

/// The descendants of these processes that are not among the known ones,
/// looked for until a pass over /proc finds no new one: those too that are
/// born meanwhile, as long as their parent lives. Never sigtool, its ancestors
/// or kernel threads. Sorted by number.
///
/// # Errors
/// What listing the processes says.
pub fn descendants(root: &Root, of: &[Found], known: &[u32]) -> io::Result<Vec<Found>> {
    let spared = own_line(root);
    let own = spared.first().copied();
    let mut family: HashMap<u32, u64> = of.iter().map(|found| (found.pid, found.start)).collect();
    let mut born = Vec::new();
    for _ in 0..PASSES {
        let before = born.len();
        for person in children(&family, &people(root)?, own) {
            family.insert(person.pid, person.start);
            if !person.kernel && !known.contains(&person.pid) && !spared.contains(&person.pid) {
                born.push(Found { pid: person.pid, start: person.start, by_tree: true });
            }
        }
        if born.len() == before {
            break;
        }
    }
    born.sort_by_key(|found| found.pid);
    Ok(born)
}

/// What of a process makes its place in the family.
#[derive(Clone, Copy)]
struct Person {
    pid: u32,
    parent: u32,
    start: u64,
    kernel: bool,
}

fn people(root: &Root) -> io::Result<Vec<Person>> {
    Ok(gather(root, &root.pids()?, |files, pid| {
        let stat = files.stat(pid).ok()?;
        Some(Person { pid, parent: stat.parent, start: stat.start?, kernel: stat.is_kernel_thread() })
    }))
}

/// Whoever descends from the family, by number and start, and is not of it yet.
/// A member whose number is another's by now has no children; `own` has none
/// that are looked for.
fn children(family: &HashMap<u32, u64>, people: &[Person], own: Option<u32>) -> Vec<Person> {
    let mut by_parent: HashMap<u32, Vec<&Person>> = HashMap::new();
    for person in people {
        by_parent.entry(person.parent).or_default().push(person);
    }
    let is_member = |person: &&Person| family.get(&person.pid) == Some(&person.start);
    let mut parents: Vec<u32> = people.iter().filter(is_member).map(|person| person.pid).collect();
    let mut found: HashMap<u32, Person> = HashMap::new();
    while let Some(parent) = parents.pop() {
        if Some(parent) == own {
            continue;
        }
        for child in by_parent.get(&parent).into_iter().flatten().copied() {
            if !is_member(&child) && found.insert(child.pid, *child).is_none() {
                parents.push(child.pid);
            }
        }
    }
    found.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(pid: u32, parent: u32, start: u64) -> Person {
        Person { pid, parent, start, kernel: false }
    }

    #[test]
    fn children_of_children_are_found() {
        let people =
            [person(1, 0, 0), person(5, 1, 10), person(6, 5, 11), person(7, 6, 12), person(8, 1, 13)];
        let of = |family: &[(u32, u64)], own| {
            let mut pids: Vec<u32> = children(&family.iter().copied().collect(), &people, own)
                .iter()
                .map(|person| person.pid)
                .collect();
            pids.sort_unstable();
            pids
        };
        assert_eq!(of(&[(5, 10)], None), [6, 7]);
        assert_eq!(of(&[(5, 10), (6, 11)], None), [7]);
        assert_eq!(of(&[(1, 0)], Some(5)), [5, 8], "not the children of sigtool");
        assert!(of(&[(5, 9)], None).is_empty(), "the number is another's now");
        assert!(of(&[(99, 0)], None).is_empty() && of(&[], None).is_empty());
    }

    #[test]
    fn rings_end() {
        let ring = [person(5, 6, 1), person(6, 5, 1)];
        assert_eq!(children(&HashMap::from([(5, 1)]), &ring, None).len(), 1);
    }

    /// The parent of the test process, unless it is outside the PID namespace.
    fn own_parent() -> Option<u32> {
        let own = Root::default().stat(std::process::id()).expect("our own");
        Some(own.parent).filter(|parent| *parent != 0)
    }

    #[test]
    fn the_own_line_begins_here_and_goes_up() {
        let line = own_line(&Root::default());
        assert_eq!(line.first(), Some(&std::process::id()));
        assert_eq!(line.get(1).copied(), own_parent());
        assert!(own_line(&Root::at("/nowhere")).is_empty());
    }

    #[test]
    fn ancestors_are_all_but_oneself() {
        let line = ancestors(&Root::default());
        assert!(!line.contains(&std::process::id()));
        assert_eq!(line.first().copied(), own_parent());
        assert!(ancestors(&Root::at("/nowhere")).is_empty());
    }
}

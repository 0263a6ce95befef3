//! Choosing processes by what they are, instead of naming them by number.
//!
//! [`Selection::find`] reads only the files that the criteria need. What it
//! finds may have ended, and its number be another's, at any time after: hold
//! it by a pidfd, then ask [`Selection::still_means`].

pub mod args;

mod criteria;
mod error;
mod gather;
mod given;
mod kin;
mod look;
mod name;
mod pidfile;
mod resolve;
#[cfg(test)]
mod tests;
mod words;

use std::io;

pub use criteria::{Criteria, Pick, Port, Wanted};
pub use error::SelectError;
pub use kin::descendants;
pub use pidfile::PidfileError;

use crate::proc::net::Socket;
use crate::proc::{Files, ReadError, Root};
use given::Given;
use look::{Look, Now, Seen};

/// What is to be chosen.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// What a process must be.
    pub criteria: Criteria,
    /// `--tree`: also every descendant of those.
    pub tree: bool,
    /// `--at-most`: finding more is an error.
    pub at_most: Option<usize>,
}

/// What was chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// The processes, by number.
    pub found: Vec<Found>,
    /// What could not be seen, a line each.
    pub warnings: Vec<String>,
}

/// A process that was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its number.
    pub pid: u32,
    /// When it was started, in clock ticks since boot.
    pub start: u64,
    /// Whether it is chosen only as a descendant of a match.
    pub by_tree: bool,
}

impl Selection {
    /// Whether there is no criterion at all; `--tree` and `--at-most` are none.
    pub fn is_empty(&self) -> bool {
        self.criteria.is_empty()
    }

    /// Whether it leaves what is named as it is: nothing of it is given.
    pub fn is_whole(&self) -> bool {
        self.is_empty() && self.criteria.pick.is_none() && !self.tree && self.at_most.is_none()
    }

    /// The processes for which every criterion holds: all of them where there
    /// is none. `among`: only of these, which were named; `None` is every one.
    ///
    /// Never this process, nor an ancestor of it, nor a kernel thread, unless
    /// named. A number named that is no process's, or a thread's, is not found.
    ///
    /// # Errors
    /// See [`SelectError`].
    pub fn find(&self, root: &Root, among: Option<&[u32]>) -> Result<Choice, SelectError> {
        let listing = |error| SelectError::Proc(root.directory().to_owned(), error);
        let spared = kin::own_line(root);
        if root.is_native() && spared.first() != Some(&std::process::id()) {
            // Where nothing is mounted, that is what is wrong.
            return match root.pids().map_err(listing)?.is_empty() {
                true => Err(listing(io::Error::other("it is not mounted"))),
                false => Err(SelectError::ForeignProc),
            };
        }
        let given = Given::read(root, &self.criteria)?;
        let mut pids = match among {
            Some(named) => named.iter().copied().filter(|pid| leads(root, *pid).unwrap_or(false)).collect(),
            None => root.pids().map_err(listing)?,
        };
        if among.is_none() {
            pids.retain(|pid| !spared.contains(pid));
        }
        if let Some(only) = &given.pids {
            pids.retain(|pid| only.contains(pid));
        }
        pids.sort_unstable();
        pids.dedup();
        let criteria = &self.criteria;
        let now = (criteria.older.is_some() || criteria.newer.is_some()).then(Now::read);
        let look = Look { root, criteria, given: &given, now, named: among };
        let seen = gather::gather(root, &pids, |files, pid| look.at(files, pid));
        let warnings = self.warnings(&given, &seen);
        let mut found: Vec<Found> = seen.into_iter().filter_map(found).collect();
        found.sort_by_key(|found| found.pid);
        if let Some(pick) = criteria.pick {
            let by_age = |found: &&Found| (found.start, found.pid);
            let one = match pick {
                Pick::Oldest => found.iter().min_by_key(by_age),
                Pick::Newest => found.iter().max_by_key(by_age),
            };
            found = one.copied().into_iter().collect();
        }
        if self.tree && !found.is_empty() {
            let known: Vec<u32> = found.iter().map(|found| found.pid).collect();
            found.extend(descendants(root, &found, &known).map_err(listing)?);
            found.sort_by_key(|found| found.pid);
        }
        match self.at_most {
            Some(at_most) if found.len() > at_most => {
                Err(SelectError::TooMany { found: found.len(), at_most })
            }
            _ => Ok(Choice { found, warnings }),
        }
    }

    /// Whether a process that was found still is what it was: the same, by its
    /// start, and every criterion holds, by its files as they are now. To be
    /// asked while it is held by a pidfd. Its age was right when it was found,
    /// and whether it is the oldest is not asked again. A descendant need only
    /// be the same: it stays one when its parent ends.
    pub fn still_means(&self, root: &Root, found: &Found) -> bool {
        if found.by_tree {
            return root.stat(found.pid).is_ok_and(|stat| stat.start == Some(found.start));
        }
        let Ok(given) = Given::read(root, &self.criteria) else { return false };
        let named = [found.pid];
        let look = Look { root, criteria: &self.criteria, given: &given, now: None, named: Some(&named) };
        let seen = look.at(&mut Files::new(root), found.pid);
        matches!(seen, Some(Seen::Match(again, _)) if again == *found)
    }

    /// What could not be seen of processes that may have been meant.
    fn warnings(&self, given: &Given, seen: &[Seen]) -> Vec<String> {
        let count = |is: fn(&Seen) -> bool| seen.iter().filter(|seen| is(seen)).count();
        let namespaces = count(|seen| matches!(seen, Seen::NamespaceDenied));
        let sockets = count(|seen| matches!(seen, Seen::SocketsDenied));
        let mut warnings = Vec::new();
        if namespaces > 0 {
            warnings.push(format!(
                "--ns: {namespaces} left out: the namespaces of other users' processes may not be read, which takes \
                 CAP_SYS_PTRACE",
            ));
        }
        let held = |socket: &Socket| {
            seen.iter().any(|seen| matches!(seen, Seen::Match(_, held) if held.contains(&socket.inode)))
        };
        let unheld = given.sockets.iter().flatten().filter(|socket| !held(socket));
        for socket in unheld.filter(|_| sockets > 0) {
            let warning = format!(
                "--port {}:{}: it has a socket, made by uid {}, and who holds it cannot be seen: the descriptors of \
                 {sockets} processes of other users may not be read, which takes CAP_SYS_PTRACE",
                socket.protocol.name(),
                socket.port,
                socket.uid
            );
            // IPv4 and IPv6 say the same.
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        warnings
    }
}

fn found(seen: Seen) -> Option<Found> {
    match seen {
        Seen::Match(found, _) => Some(found),
        Seen::NamespaceDenied | Seen::SocketsDenied => None,
    }
}

/// Whether the number is a process's, and not that of another thread of one:
/// /proc has both.
fn leads(root: &Root, pid: u32) -> Result<bool, ReadError> {
    match root.status(pid) {
        Ok(status) => Ok(status.tgid.is_none_or(|tgid| tgid == pid)),
        // A kernel whose status has no signal lines has the process all the same.
        Err(ReadError::Malformed(_)) => Ok(true),
        Err(error) => Err(error),
    }
}

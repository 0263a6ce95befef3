//! Choosing processes by what they are, instead of naming them by number.
//!
//! [`Selection::find`] reads only the files that the criteria need. What it
//! finds may have ended, and its number be another's, at any time after: hold
//! it by a pidfd, then ask [`Selection::still_means`], and, where it has ended,
//! [`ending`].

pub mod args;

mod criteria;
mod ending;
mod error;
mod given;
mod kin;
mod look;
mod mounted;
mod name;
mod pidfile;
mod resolve;
#[cfg(test)]
mod tests;
mod words;

use std::io;

pub use criteria::{Criteria, Pick, Port, Wanted};
pub use ending::ending;
pub use error::SelectError;
pub use kin::{ancestors, descendants};
pub use mounted::check_proc;
pub use pidfile::PidfileError;

use crate::proc::net::Socket;
use crate::proc::{Files, ReadError, Root, Status, Threads, gather};
use crate::sys::reader;
use given::Given;
use look::{Look, Match, Now, Seen, Take};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
        let (matches, warnings) = self.matches::<()>(root, among, true, None)?;
        Ok(Choice { found: matches.into_iter().map(|found| found.found).collect(), warnings })
    }

    /// The same processes, and what is made of each, with its status and its
    /// threads as they were when it was chosen: no status is read twice, as
    /// far as that can be. Sorted by number; also what could not be seen, a
    /// line each.
    ///
    /// # Errors
    /// See [`SelectError`].
    pub fn read<T: Send>(
        &self,
        root: &Root,
        among: Option<&[u32]>,
        take: impl Fn(Status, Threads) -> T + Sync,
    ) -> Result<(Vec<T>, Vec<String>), SelectError> {
        if self.is_whole() && among.is_none() {
            // Everybody: nothing is asked but who is a kernel thread.
            let (pids, _) = self.candidates(root, None)?;
            let everybody = gather(root, &pids, |files, pid| {
                let status = files.status(pid).ok()?;
                let kernel = match status.kernel_thread {
                    Some(told) => told,
                    None => files.stat(pid).ok()?.is_kernel_thread(),
                };
                let threads = if kernel { None } else { files.threads(pid, &status).ok() };
                threads.map(|threads| take(status, threads))
            });
            return Ok((everybody, Vec::new()));
        }
        // Of all that match only one is read.
        let picks = self.criteria.pick.is_some();
        let needs_start = picks || self.tree;
        let (matches, warnings) = self.matches(root, among, needs_start, (!picks).then_some(&take))?;
        let unread = matches.iter().filter(|found| found.taken.is_none());
        let unread: Vec<u32> = unread.map(|found| found.found.pid).collect();
        let mut rest = gather(root, &unread, |files, pid| {
            let status = files.status(pid).ok()?;
            let threads = files.threads(pid, &status).ok()?;
            Some((pid, take(status, threads)))
        })
        .into_iter()
        .peekable();
        let taken = matches.into_iter().filter_map(|Match { found, taken, .. }| {
            taken.or_else(|| rest.next_if(|(pid, _)| *pid == found.pid).map(|(_, taken)| taken))
        });
        Ok((taken.collect(), warnings))
    }

    /// Who matches, sorted by number; and the warnings.
    fn matches<T: Send>(
        &self,
        root: &Root,
        among: Option<&[u32]>,
        start: bool,
        take: Option<Take<'_, T>>,
    ) -> Result<(Vec<Match<T>>, Vec<String>), SelectError> {
        let listing = |error| SelectError::Proc(root.directory().to_owned(), error);
        let (pids, given) = self.candidates(root, among)?;
        let criteria = &self.criteria;
        let now = (criteria.older.is_some() || criteria.newer.is_some()).then(Now::read);
        let look = Look { criteria, given: &given, now, named: among, start, take };
        let seen = gather(root, &pids, |files, pid| look.at(files, pid));
        let warnings = self.warnings(&given, &seen);
        let mut found: Vec<Match<T>> = seen.into_iter().filter_map(found).collect();
        if let Some(pick) = criteria.pick {
            let by_age = |found: &Match<T>| (found.found.start, found.found.pid);
            let one = match pick {
                Pick::Oldest => found.into_iter().min_by_key(by_age),
                Pick::Newest => found.into_iter().max_by_key(by_age),
            };
            found = one.into_iter().collect();
        }
        if self.tree && !found.is_empty() {
            let family: Vec<Found> = found.iter().map(|found| found.found).collect();
            let known: Vec<u32> = family.iter().map(|found| found.pid).collect();
            let born = descendants(root, &family, &known).map_err(listing)?.into_iter();
            found.extend(born.map(|found| Match { found, sockets: Vec::new(), taken: None }));
            found.sort_by_key(|found| found.found.pid);
        }
        match self.at_most {
            Some(at_most) if found.len() > at_most => {
                Err(SelectError::TooMany { found: found.len(), at_most })
            }
            _ => Ok((found, warnings)),
        }
    }

    /// Who may be chosen, sorted by number, and what the criteria point to.
    fn candidates(&self, root: &Root, among: Option<&[u32]>) -> Result<(Vec<u32>, Given), SelectError> {
        let listing = |error| SelectError::Proc(root.directory().to_owned(), error);
        check_proc(root)?;
        let spared = kin::own_line(root);
        let given = Given::read(root, &self.criteria)?;
        let mut pids = match among {
            Some(named) => named.iter().copied().filter(|pid| leads(root, *pid).unwrap_or(false)).collect(),
            None => match root.pids().map_err(listing)? {
                none if none.is_empty() => {
                    return Err(listing(io::Error::other("it has no process: it is no mounted /proc")));
                }
                pids => pids,
            },
        };
        if among.is_none() {
            pids.retain(|pid| !spared.contains(pid));
        }
        if let Some(only) = &given.pids {
            pids.retain(|pid| only.contains(pid));
        }
        pids.sort_unstable();
        pids.dedup();
        Ok((pids, given))
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
        let look: Look<'_, ()> = Look {
            criteria: &self.criteria,
            given: &given,
            now: None,
            named: Some(&named),
            start: true,
            take: None,
        };
        let seen = look.at(&mut Files::new(root), found.pid);
        matches!(seen, Some(Seen::Match(again)) if again.found == *found)
    }

    /// What could not be seen of processes that may have been meant.
    fn warnings<T>(&self, given: &Given, seen: &[Seen<T>]) -> Vec<String> {
        let count = |is: fn(&Seen<T>) -> bool| seen.iter().filter(|seen| is(seen)).count();
        let namespaces = count(|seen| matches!(seen, Seen::NamespaceDenied));
        let sockets = count(|seen| matches!(seen, Seen::SocketsDenied));
        let mut warnings = Vec::new();
        if namespaces > 0 {
            warnings.push(format!(
                "--ns: {namespaces} left out: the namespaces of other users' processes may not be read, which takes \
                 CAP_SYS_PTRACE",
            ));
        }
        warnings.extend(unexamined(seen));
        let held = |socket: &Socket| {
            seen.iter()
                .any(|seen| matches!(seen, Seen::Match(found) if found.sockets.contains(&socket.inode)))
        };
        let unheld = given.sockets.iter().flatten().filter(|socket| !held(socket));
        for socket in unheld.filter(|_| sockets > 0) {
            let warning = format!(
                "--port {}:{}: it has a socket, made by uid {}, and who holds it cannot be seen: the descriptors of \
                 {sockets} other users' processes may not be read, which takes CAP_SYS_PTRACE",
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

fn found<T>(seen: Seen<T>) -> Option<Match<T>> {
    match seen {
        Seen::Match(found) => Some(found),
        Seen::NamespaceDenied | Seen::SocketsDenied | Seen::NoCommandLine(_) => None,
    }
}

/// The processes whose command lines could not be read, in a line for each reason.
fn unexamined<T>(seen: &[Seen<T>]) -> Vec<String> {
    let errors = seen.iter().filter_map(|seen| match seen {
        Seen::NoCommandLine(error) => Some(error),
        _ => None,
    });
    let (late, failed): (Vec<_>, Vec<_>) = errors.partition(|error| matches!(error, ReadError::Timeout));
    let line = |count: usize, reason: &str| match count {
        1 => format!("1 process not examined: its command line {reason}"),
        _ => format!("{count} processes not examined: their command lines {reason}"),
    };
    let late = (!late.is_empty()).then(|| line(late.len(), "did not arrive in time"));
    let failed = failed.first().map(|error| line(failed.len(), &format!("could not be read: {error}")));
    late.into_iter().chain(failed).collect()
}

/// The whole name of a process whose name the kernel may have cut; its comm
/// where nothing tells more.
pub fn whole_name(root: &Root, pid: u32, comm: &[u8]) -> Vec<u8> {
    if !name::is_cut(comm) {
        return comm.to_vec();
    }
    let mut files = Files::new(root);
    let program = files.link(pid, "exe").ok();
    let arguments = files.arguments(pid, reader::read).map(<[u8]>::to_vec).unwrap_or_default();
    let names = name::whole(comm, &arguments, program.as_deref());
    names.first().map_or_else(|| comm.to_vec(), |name| name.to_vec())
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

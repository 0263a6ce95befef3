//! Selects processes by their properties instead of by PID.
//!
//! [`Selection::find_processes`] reads only the files that the criteria need. A
//! process that it finds can exit at any time, and its PID can be reused. To be
//! safe, open a pidfd, then call [`Selection::revalidate`]; if the process has
//! exited, see [`crate::select`].

pub mod args;

mod criteria;
mod error;
pub(crate) mod full_name;
mod inputs;
mod lookup;
mod matcher;
mod parse;
mod pidfile;
#[cfg(test)]
mod tests;
mod tree;

use std::io;

pub use criteria::{AgePick, Criteria, PortCriterion, SignalSetCriterion};
pub use error::SelectError;
pub use pidfile::PidfileError;
pub use tree::{ancestors, descendants};

use crate::procfs::net::BoundSocket;
use crate::procfs::{ProcReadError, ProcReader, ProcRoot, ProcStatus, Threads, par_map_ids};
use crate::signal::exit_status::Termination;
use crate::sys::errno::EPERM;
use crate::sys::process::pidfd::{PidFd, Unavailable};
use crate::sys::reader;
use inputs::ResolvedInputs;
use matcher::{AgeClock, MatchOutcome, MatchedProcess, Matcher, ReadMatch};

/// The criteria and options of one selection.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// The criteria that a process must match.
    pub criteria: Criteria,
    /// `--tree`: also select every descendant.
    pub includes_descendants: bool,
    /// `--at-most`: more matches are an error.
    pub at_most: Option<usize>,
}

/// The result of a selection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SelectionResult {
    /// The processes, sorted by PID.
    pub processes: Vec<SelectedProcess>,
    /// What could not be examined, one line each.
    pub warnings: Vec<String>,
}

/// A selected process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SelectedProcess {
    /// Its PID.
    pub pid: u32,
    /// Its start time, in clock ticks since boot.
    pub start_ticks: u64,
    /// Whether it was selected only as a descendant of a match.
    pub is_added_by_tree: bool,
}

impl Selection {
    /// Whether no criterion is given; `--tree` and `--at-most` do not count.
    pub fn is_empty(&self) -> bool {
        self.criteria.is_empty()
    }

    /// Whether no option is given, so that named processes stay as they are.
    pub fn is_noop(&self) -> bool {
        self.is_empty()
            && self.criteria.pick.is_none()
            && !self.includes_descendants
            && self.at_most.is_none()
    }

    /// Finds the processes that match all criteria; all processes if there are
    /// none. `among` limits the search to named PIDs.
    ///
    /// This process, its ancestors and kernel threads are never selected, unless
    /// named. A PID that does not exist, or is a TID, is not found.
    ///
    /// # Errors
    /// See [`SelectError`].
    pub fn find_processes(
        &self,
        root: &ProcRoot,
        among: Option<&[u32]>,
    ) -> Result<SelectionResult, SelectError> {
        let (matches, warnings) = self.find_matches::<()>(root, among, true, None)?;
        Ok(SelectionResult { processes: matches.into_iter().map(|found| found.process).collect(), warnings })
    }

    /// Finds the same processes, and makes a value of each from its status and
    /// threads at that time: where possible, no status is read twice. The values
    /// are sorted by PID. Also returns what could not be examined, one line each.
    ///
    /// # Errors
    /// See [`SelectError`].
    pub fn read_matches<T: Send>(
        &self,
        root: &ProcRoot,
        among: Option<&[u32]>,
        take: impl Fn(ProcStatus, Threads) -> T + Sync,
    ) -> Result<(Vec<T>, Vec<String>), SelectError> {
        if self.is_noop() && among.is_none() {
            // All processes are selected: only kernel threads must be recognized.
            let (pids, _) = self.candidate_pids(root, None)?;
            let everybody = par_map_ids(root, &pids, |files, pid| {
                let status = files.status(pid).ok()?;
                let kernel = match status.is_kernel_thread {
                    Some(told) => told,
                    None => files.stat(pid).ok()?.is_kernel_thread(),
                };
                let threads = if kernel { None } else { files.threads(pid, &status).ok() };
                threads.map(|threads| take(status, threads))
            });
            return Ok((everybody, Vec::new()));
        }
        // Of all that match, only one is read.
        let picks = self.criteria.pick.is_some();
        let needs_start = picks || self.includes_descendants;
        let (matches, warnings) = self.find_matches(root, among, needs_start, (!picks).then_some(&take))?;
        let unread = matches.iter().filter(|found| found.value.is_none());
        let unread: Vec<u32> = unread.map(|found| found.process.pid).collect();
        let mut rest = par_map_ids(root, &unread, |files, pid| {
            let status = files.status(pid).ok()?;
            let threads = files.threads(pid, &status).ok()?;
            Some((pid, take(status, threads)))
        })
        .into_iter()
        .peekable();
        let taken =
            matches.into_iter().filter_map(|MatchedProcess { process: found, value: taken, .. }| {
                taken.or_else(|| rest.next_if(|(pid, _)| *pid == found.pid).map(|(_, taken)| taken))
            });
        Ok((taken.collect(), warnings))
    }

    /// The matches, sorted by PID, and the warnings.
    fn find_matches<T: Send>(
        &self,
        root: &ProcRoot,
        among: Option<&[u32]>,
        start: bool,
        take: Option<ReadMatch<'_, T>>,
    ) -> Result<(Vec<MatchedProcess<T>>, Vec<String>), SelectError> {
        let listing = |error| SelectError::ProcUnreadable(root.directory().to_owned(), error);
        let (pids, given) = self.candidate_pids(root, among)?;
        let criteria = &self.criteria;
        let now = (criteria.min_age.is_some() || criteria.max_age.is_some()).then(AgeClock::read);
        let look = Matcher {
            criteria,
            inputs: &given,
            age_clock: now,
            named_pids: among,
            needs_start: start,
            read_match: take,
        };
        let seen = par_map_ids(root, &pids, |files, pid| look.check(files, pid));
        let warnings = self.warnings(&given, &seen);
        let mut found: Vec<MatchedProcess<T>> = seen.into_iter().filter_map(into_match).collect();
        if let Some(pick) = criteria.pick {
            let by_age = |found: &MatchedProcess<T>| (found.process.start_ticks, found.process.pid);
            let one = match pick {
                AgePick::Oldest => found.into_iter().min_by_key(by_age),
                AgePick::Newest => found.into_iter().max_by_key(by_age),
            };
            found = one.into_iter().collect();
        }
        if self.includes_descendants && !found.is_empty() {
            let family: Vec<SelectedProcess> = found.iter().map(|found| found.process).collect();
            let known: Vec<u32> = family.iter().map(|found| found.pid).collect();
            let born = descendants(root, &family, &known).map_err(listing)?.into_iter();
            found.extend(born.map(|found| MatchedProcess {
                process: found,
                socket_inodes: Vec::new(),
                value: None,
            }));
            found.sort_by_key(|found| found.process.pid);
        }
        match self.at_most {
            Some(at_most) if found.len() > at_most => {
                Err(SelectError::TooManyMatches { count: found.len(), at_most })
            }
            _ => Ok((found, warnings)),
        }
    }

    /// The PIDs that may be selected, sorted, and the inputs of the criteria.
    fn candidate_pids(
        &self,
        root: &ProcRoot,
        among: Option<&[u32]>,
    ) -> Result<(Vec<u32>, ResolvedInputs), SelectError> {
        let listing = |error| SelectError::ProcUnreadable(root.directory().to_owned(), error);
        check_native_proc(root)?;
        let spared = tree::self_and_ancestors(root);
        let given = ResolvedInputs::resolve(root, &self.criteria)?;
        let mut pids = match among {
            Some(named) => named
                .iter()
                .copied()
                .filter(|pid| is_thread_group_leader(root, *pid).unwrap_or(false))
                .collect(),
            None => match root.pids().map_err(listing)? {
                none if none.is_empty() => {
                    return Err(listing(io::Error::other(
                        "it contains no processes, so it is not a mounted proc file system",
                    )));
                }
                pids => pids,
            },
        };
        if among.is_none() {
            pids.retain(|pid| !spared.contains(pid));
        }
        if let Some(only) = &given.pidfile_pids {
            pids.retain(|pid| only.contains(pid));
        }
        pids.sort_unstable();
        pids.dedup();
        Ok((pids, given))
    }

    /// Whether a selected process is still the same, by its start time, and still
    /// matches all criteria. Call it while a pidfd of the process is open. The
    /// age was checked before, and so was whether the process is the oldest or
    /// newest. A descendant must only be the same process: it stays selected if
    /// its parent exits.
    pub fn revalidate(&self, root: &ProcRoot, found: &SelectedProcess) -> bool {
        if found.is_added_by_tree {
            return root.stat(found.pid).is_ok_and(|stat| stat.start_ticks == Some(found.start_ticks));
        }
        let Ok(given) = ResolvedInputs::resolve(root, &self.criteria) else { return false };
        let named = [found.pid];
        let look: Matcher<'_, ()> = Matcher {
            criteria: &self.criteria,
            inputs: &given,
            age_clock: None,
            named_pids: Some(&named),
            needs_start: true,
            read_match: None,
        };
        let seen = look.check(&mut ProcReader::new(root), found.pid);
        matches!(seen, Some(MatchOutcome::Match(again)) if again.process == *found)
    }

    /// Warnings about processes that could not be examined and may match.
    fn warnings<T>(&self, given: &ResolvedInputs, seen: &[MatchOutcome<T>]) -> Vec<String> {
        let count = |is: fn(&MatchOutcome<T>) -> bool| seen.iter().filter(|seen| is(seen)).count();
        let namespaces = count(|seen| matches!(seen, MatchOutcome::NamespaceDenied));
        let sockets = count(|seen| matches!(seen, MatchOutcome::SocketsDenied));
        let mut warnings = Vec::new();
        if namespaces > 0 {
            warnings.push(format!(
                "--ns: skipped {} (cannot read the PID namespaces of other users; run as root; needs CAP_SYS_PTRACE)",
                process_count(namespaces)
            ));
        }
        warnings.extend(unexamined(seen));
        let held = |socket: &BoundSocket| {
            seen.iter()
                .any(|seen| matches!(seen, MatchOutcome::Match(found) if found.socket_inodes.contains(&socket.inode)))
        };
        let unheld = given.port_sockets.iter().flatten().filter(|socket| !held(socket));
        for socket in unheld.filter(|_| sockets > 0) {
            let warning = format!(
                "--port {}:{}: cannot find the process of a socket that uid {} created, because the descriptors of {} \
                 of other users cannot be read (run as root; needs CAP_SYS_PTRACE)",
                socket.protocol.name(),
                socket.port,
                socket.uid,
                process_count(sockets)
            );
            // The warnings for IPv4 and IPv6 may be equal.
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        warnings
    }
}

fn into_match<T>(seen: MatchOutcome<T>) -> Option<MatchedProcess<T>> {
    match seen {
        MatchOutcome::Match(found) => Some(found),
        MatchOutcome::NamespaceDenied | MatchOutcome::SocketsDenied | MatchOutcome::NoCommandLine(_) => None,
    }
}

/// The processes whose command lines could not be read, one line for each reason.
fn unexamined<T>(seen: &[MatchOutcome<T>]) -> Vec<String> {
    let errors = seen.iter().filter_map(|seen| match seen {
        MatchOutcome::NoCommandLine(error) => Some(error),
        _ => None,
    });
    let (late, failed): (Vec<_>, Vec<_>) = errors.partition(|error| matches!(error, ProcReadError::Timeout));
    let line = |count: usize, reason: &str| {
        format!("skipped {}: cannot read the command line ({reason})", process_count(count))
    };
    let late = (!late.is_empty()).then(|| line(late.len(), "timeout"));
    let failed = failed.first().map(|error| line(failed.len(), &error.to_string()));
    late.into_iter().chain(failed).collect()
}

/// `1 process`, `2 processes`.
fn process_count(count: usize) -> String {
    if count == 1 { "1 process".to_owned() } else { format!("{count} processes") }
}

/// The full name of a process whose comm may have been cut; its comm if no other
/// source completes it.
pub fn full_name(root: &ProcRoot, pid: u32, comm: &[u8]) -> Vec<u8> {
    if !full_name::may_be_truncated(comm) {
        return comm.to_vec();
    }
    let mut files = ProcReader::new(root);
    let program = files.read_link(pid, "exe").ok();
    let arguments = files.arguments(pid, reader::read).map(<[u8]>::to_vec).unwrap_or_default();
    let names = full_name::full_names(comm, &arguments, program.as_deref());
    names.first().map_or_else(|| comm.to_vec(), |name| name.to_vec())
}

/// Whether the number is a PID and not the TID of another thread: /proc has both.
fn is_thread_group_leader(root: &ProcRoot, pid: u32) -> Result<bool, ProcReadError> {
    match root.status(pid) {
        Ok(status) => Ok(status.tgid.is_none_or(|tgid| tgid == pid)),
        // The process exists, even if its status has no signal lines.
        Err(ProcReadError::Malformed(_)) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Returns how a process ended, by its PID and its pidfd: as the kernel records
/// it when it is reaped, or as its zombie shows it. `None` if neither is
/// available.
pub fn read_termination(pid: u32, held: &PidFd) -> Option<Termination> {
    let kept = || held.termination().ok().flatten();
    kept().or_else(|| {
        let told = ProcRoot::default().zombie_wait_status(pid);
        // The process was not reaped before the zombie was read, so the zombie is
        // this process. For another user's process the error is EPERM.
        let unreaped = held.send(None, None).map_or_else(
            |error| error.raw_os_error() == Some(EPERM) && Unavailable::by_sending(&error).is_none(),
            |()| true,
        );
        told.filter(|_| unreaped).and_then(Termination::from_wait_status).or_else(kept)
    })
}

/// Checks that the PIDs in /proc are those that system calls take. Another root
/// than /proc is not checked.
///
/// # Errors
/// [`SelectError::ForeignProc`] if /proc belongs to another PID namespace;
/// [`SelectError::ProcUnreadable`] if nothing is mounted there.
pub fn check_native_proc(root: &ProcRoot) -> Result<(), SelectError> {
    if !root.is_native() || root.own_pid().is_ok_and(|own| own == std::process::id()) {
        return Ok(());
    }
    let listing = |error| SelectError::ProcUnreadable(root.directory().to_owned(), error);
    match root.pids().map_err(listing)?.is_empty() {
        true => Err(listing(io::Error::other("not mounted"))),
        false => Err(SelectError::ForeignProc),
    }
}

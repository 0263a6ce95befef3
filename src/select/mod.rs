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
use crate::sys::io::reader;
use crate::sys::process::pidfd::{PidFd, Unavailable};
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
    /// none. `candidates` limits the search to named PIDs.
    ///
    /// This process, its ancestors and kernel threads are never selected, unless
    /// named. A PID that does not exist, or is a TID, is not found.
    ///
    /// # Errors
    /// See [`SelectError`].
    pub fn find_processes(
        &self,
        root: &ProcRoot,
        candidates: Option<&[u32]>,
    ) -> Result<SelectionResult, SelectError> {
        let (matches, warnings) = self.find_matches::<()>(root, candidates, true, None)?;
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
        candidates: Option<&[u32]>,
        to_value: impl Fn(ProcStatus, Threads) -> T + Sync,
    ) -> Result<(Vec<T>, Vec<String>), SelectError> {
        if self.is_noop() && candidates.is_none() {
            // All processes are selected: only kernel threads must be recognized.
            let (pids, _) = self.candidate_pids(root, None)?;
            let values = par_map_ids(root, &pids, |reader, pid| {
                let status = reader.status(pid).ok()?;
                let is_kernel_thread = match status.is_kernel_thread {
                    Some(flag) => flag,
                    None => reader.stat(pid).ok()?.is_kernel_thread(),
                };
                let threads = if is_kernel_thread { None } else { reader.threads(pid, &status).ok() };
                threads.map(|threads| to_value(status, threads))
            });
            return Ok((values, Vec::new()));
        }
        // Of all that match, only one is read.
        let has_pick = self.criteria.pick.is_some();
        let needs_start = has_pick || self.includes_descendants;
        let (matches, warnings) =
            self.find_matches(root, candidates, needs_start, (!has_pick).then_some(&to_value))?;
        let unread = matches.iter().filter(|found| found.value.is_none());
        let unread_pids: Vec<u32> = unread.map(|found| found.process.pid).collect();
        let mut late_values = par_map_ids(root, &unread_pids, |reader, pid| {
            let status = reader.status(pid).ok()?;
            let threads = reader.threads(pid, &status).ok()?;
            Some((pid, to_value(status, threads)))
        })
        .into_iter()
        .peekable();
        let values = matches.into_iter().filter_map(|MatchedProcess { process: found, value, .. }| {
            value.or_else(|| late_values.next_if(|(pid, _)| *pid == found.pid).map(|(_, value)| value))
        });
        Ok((values.collect(), warnings))
    }

    /// The matches, sorted by PID, and the warnings.
    fn find_matches<T: Send>(
        &self,
        root: &ProcRoot,
        candidates: Option<&[u32]>,
        needs_start: bool,
        read_match: Option<ReadMatch<'_, T>>,
    ) -> Result<(Vec<MatchedProcess<T>>, Vec<String>), SelectError> {
        let proc_error = |error| SelectError::ProcUnreadable(root.directory().to_owned(), error);
        let (pids, inputs) = self.candidate_pids(root, candidates)?;
        let criteria = &self.criteria;
        let age_clock = (criteria.min_age.is_some() || criteria.max_age.is_some()).then(AgeClock::read);
        let matcher =
            Matcher { criteria, inputs: &inputs, age_clock, named_pids: candidates, needs_start, read_match };
        let outcomes = par_map_ids(root, &pids, |reader, pid| matcher.check(reader, pid));
        let warnings = self.warnings(&inputs, &outcomes);
        let mut found: Vec<MatchedProcess<T>> = outcomes.into_iter().filter_map(into_match).collect();
        if let Some(pick) = criteria.pick {
            let start_and_pid = |found: &MatchedProcess<T>| (found.process.start_ticks, found.process.pid);
            let picked = match pick {
                AgePick::Oldest => found.into_iter().min_by_key(start_and_pid),
                AgePick::Newest => found.into_iter().max_by_key(start_and_pid),
            };
            found = picked.into_iter().collect();
        }
        if self.includes_descendants && !found.is_empty() {
            let roots: Vec<SelectedProcess> = found.iter().map(|found| found.process).collect();
            let known_pids: Vec<u32> = roots.iter().map(|found| found.pid).collect();
            let added = descendants(root, &roots, &known_pids).map_err(proc_error)?.into_iter();
            found.extend(added.map(|found| MatchedProcess {
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
        candidates: Option<&[u32]>,
    ) -> Result<(Vec<u32>, ResolvedInputs), SelectError> {
        let proc_error = |error| SelectError::ProcUnreadable(root.directory().to_owned(), error);
        check_native_proc(root)?;
        let excluded = tree::self_and_ancestors(root);
        let inputs = ResolvedInputs::resolve(root, &self.criteria)?;
        let mut pids = match candidates {
            Some(named_pids) => named_pids
                .iter()
                .copied()
                .filter(|pid| is_thread_group_leader(root, *pid).unwrap_or(false))
                .collect(),
            None => match root.pids().map_err(proc_error)? {
                pids if pids.is_empty() => {
                    return Err(proc_error(io::Error::other("it has no process: it is no mounted /proc")));
                }
                pids => pids,
            },
        };
        if candidates.is_none() {
            pids.retain(|pid| !excluded.contains(pid));
        }
        if let Some(only) = &inputs.pidfile_pids {
            pids.retain(|pid| only.contains(pid));
        }
        pids.sort_unstable();
        pids.dedup();
        Ok((pids, inputs))
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
        let Ok(inputs) = ResolvedInputs::resolve(root, &self.criteria) else { return false };
        let named_pids = [found.pid];
        let matcher: Matcher<'_, ()> = Matcher {
            criteria: &self.criteria,
            inputs: &inputs,
            age_clock: None,
            named_pids: Some(&named_pids),
            needs_start: true,
            read_match: None,
        };
        let outcome = matcher.check(&mut ProcReader::new(root), found.pid);
        matches!(outcome, Some(MatchOutcome::Match(current)) if current.process == *found)
    }

    /// Warnings about processes that could not be examined and may match.
    fn warnings<T>(&self, inputs: &ResolvedInputs, outcomes: &[MatchOutcome<T>]) -> Vec<String> {
        let count = |predicate: fn(&MatchOutcome<T>) -> bool| {
            outcomes.iter().filter(|outcome| predicate(outcome)).count()
        };
        let namespace_count = count(|outcome| matches!(outcome, MatchOutcome::NamespaceDenied));
        let socket_count = count(|outcome| matches!(outcome, MatchOutcome::SocketsDenied));
        let mut warnings = Vec::new();
        if namespace_count > 0 {
            warnings.push(format!(
                "--ns: {namespace_count} left out: the namespaces of other users' processes may not be read, which takes \
                 CAP_SYS_PTRACE",
            ));
        }
        warnings.extend(unexamined(outcomes));
        let has_owner = |socket: &BoundSocket| {
            outcomes.iter()
                .any(|outcome| matches!(outcome, MatchOutcome::Match(found) if found.socket_inodes.contains(&socket.inode)))
        };
        let ownerless = inputs.port_sockets.iter().flatten().filter(|socket| !has_owner(socket));
        for socket in ownerless.filter(|_| socket_count > 0) {
            let warning = format!(
                "--port {}:{}: it has a socket, made by uid {}, and who holds it cannot be seen: the descriptors of \
                 {socket_count} other users' processes may not be read, which takes CAP_SYS_PTRACE",
                socket.protocol.name(),
                socket.port,
                socket.uid
            );
            // The warnings for IPv4 and IPv6 may be equal.
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        warnings
    }
}

fn into_match<T>(outcome: MatchOutcome<T>) -> Option<MatchedProcess<T>> {
    match outcome {
        MatchOutcome::Match(found) => Some(found),
        MatchOutcome::NamespaceDenied | MatchOutcome::SocketsDenied | MatchOutcome::NoCommandLine(_) => None,
    }
}

/// The processes whose command lines could not be read, one line for each reason.
fn unexamined<T>(outcomes: &[MatchOutcome<T>]) -> Vec<String> {
    let errors = outcomes.iter().filter_map(|outcome| match outcome {
        MatchOutcome::NoCommandLine(error) => Some(error),
        _ => None,
    });
    let (timeouts, failures): (Vec<_>, Vec<_>) =
        errors.partition(|error| matches!(error, ProcReadError::Timeout));
    let line = |count: usize, reason: &str| match count {
        1 => format!("1 process not examined: its command line {reason}"),
        _ => format!("{count} processes not examined: their command lines {reason}"),
    };
    let timeouts = (!timeouts.is_empty()).then(|| line(timeouts.len(), "did not arrive in time"));
    let failures = failures.first().map(|error| line(failures.len(), &format!("could not be read: {error}")));
    timeouts.into_iter().chain(failures).collect()
}

/// The full name of a process whose comm may have been cut; its comm if no other
/// source completes it.
pub fn full_name(root: &ProcRoot, pid: u32, comm: &[u8]) -> Vec<u8> {
    if !full_name::may_be_truncated(comm) {
        return comm.to_vec();
    }
    let mut reader = ProcReader::new(root);
    let program = reader.read_link(pid, "exe").ok();
    let arguments = reader.arguments(pid, reader::read).map(<[u8]>::to_vec).unwrap_or_default();
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
pub fn read_termination(pid: u32, pidfd: &PidFd) -> Option<Termination> {
    let from_kernel = || pidfd.termination().ok().flatten();
    from_kernel().or_else(|| {
        let zombie_status = ProcRoot::default().zombie_wait_status(pid);
        // The process was not reaped before the zombie was read, so the zombie is
        // this process. For another user's process the error is EPERM.
        let is_unreaped = pidfd.send(None, None).map_or_else(
            |error| error.raw_os_error() == Some(EPERM) && Unavailable::by_sending(&error).is_none(),
            |()| true,
        );
        zombie_status.filter(|_| is_unreaped).and_then(Termination::from_wait_status).or_else(from_kernel)
    })
}

/// Checks that the PIDs in /proc are those that system calls take. Another root
/// than /proc is not checked.
///
/// # Errors
/// [`SelectError::ForeignProc`] if /proc belongs to another PID namespace;
/// [`SelectError::ProcUnreadable`] if nothing is mounted there.
pub fn check_native_proc(root: &ProcRoot) -> Result<(), SelectError> {
    if !root.is_native() || root.own_pid().is_ok_and(|own_pid| own_pid == std::process::id()) {
        return Ok(());
    }
    let proc_error = |error| SelectError::ProcUnreadable(root.directory().to_owned(), error);
    match root.pids().map_err(proc_error)?.is_empty() {
        true => Err(proc_error(io::Error::other("it is not mounted"))),
        false => Err(SelectError::ForeignProc),
    }
}

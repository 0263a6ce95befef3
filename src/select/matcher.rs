//! Checks whether one process matches all criteria. The cheapest files are read
//! first, and no others than needed.

use super::inputs::ResolvedInputs;
use super::{Criteria, SelectedProcess, full_name};
use crate::procfs::{ProcReadError, ProcReader, ProcStat, ProcStatus, Threads, cgroup};
use crate::sys::{io::reader, process};

/// The clock that ages are computed with.
#[derive(Clone, Copy, Debug)]
pub(super) struct AgeClock {
    boot_ticks: u64,
    ticks_per_second: u64,
}

impl AgeClock {
    pub(super) fn read() -> AgeClock {
        AgeClock { boot_ticks: process::boot_ticks(), ticks_per_second: process::ticks_per_second() }
    }
}

/// A function that makes a value of a matching process from its status and
/// threads.
pub(super) type ReadMatch<'a, T> = &'a (dyn Fn(ProcStatus, Threads) -> T + Sync);

/// A check of processes against criteria.
#[derive(Clone, Copy)]
pub(super) struct Matcher<'a, T> {
    pub(super) criteria: &'a Criteria,
    pub(super) inputs: &'a ResolvedInputs,
    /// `None` if no criterion needs the age.
    pub(super) age_clock: Option<AgeClock>,
    /// The PIDs that were named; only these may be kernel threads.
    pub(super) named_pids: Option<&'a [u32]>,
    /// Whether the start time is needed; otherwise it is 0.
    pub(super) needs_start: bool,
    /// `None` if only the PIDs are needed.
    pub(super) read_match: Option<ReadMatch<'a, T>>,
}

/// The result of checking one process, if it must be reported.
pub(super) enum MatchOutcome<T> {
    /// All criteria match.
    Match(MatchedProcess<T>),
    /// All other criteria match, but the PID namespace may not be read.
    NamespaceDenied,
    /// All other criteria match, but the descriptors may not be read.
    SocketsDenied,
    /// All other criteria match, but the command line could not be read.
    NoCommandLine(ProcReadError),
}

/// A process that matches all criteria.
pub(super) struct MatchedProcess<T> {
    pub(super) process: SelectedProcess,
    /// The inodes of its sockets at the ports.
    pub(super) socket_inodes: Vec<u64>,
    /// The value that was made of it, if requested.
    pub(super) value: Option<T>,
}

impl<T> Matcher<'_, T> {
    /// Checks a process. Returns `None` for a process that does not match, has
    /// exited or is hidden.
    pub(super) fn check(&self, reader: &mut ProcReader, pid: u32) -> Option<MatchOutcome<T>> {
        self.try_check(reader, pid).ok().flatten()
    }

    fn try_check(&self, reader: &mut ProcReader, pid: u32) -> Result<Option<MatchOutcome<T>>, ProcReadError> {
        let criteria = self.criteria;
        if self.inputs.pidfile_pids.as_ref().is_some_and(|pids| !pids.contains(&pid)) {
            return Ok(None);
        }
        if !criteria.names.is_empty() {
            let comm = reader.comm(pid)?;
            if !criteria.names.iter().any(|name| full_name::may_match(comm, name)) {
                return Ok(None);
            }
        }
        let mut stat = None;
        if criteria.needs_stat() {
            let candidate = reader.stat(pid)?;
            if !self.matches_stat(&candidate) {
                return Ok(None);
            }
            stat = Some(candidate);
        }
        let mut status = None;
        if criteria.needs_status() {
            let candidate = reader.status(pid)?;
            if !criteria.matches_status(&candidate) {
                return Ok(None);
            }
            status = Some(candidate);
        }
        let mut command_line_error = None;
        match self.matches_name_and_command_line(reader, pid) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            // Another criterion may exclude the process.
            Err(error @ (ProcReadError::Timeout | ProcReadError::Io(_))) => command_line_error = Some(error),
            Err(error) => return Err(error),
        }
        if status.is_none() && self.read_match.is_some() {
            status = Some(reader.status(pid)?);
        }
        // On new kernels, the status marks kernel threads.
        let status_kernel_flag = status.as_ref().and_then(|status| status.is_kernel_thread);
        if stat.is_none() && (self.needs_start || status_kernel_flag.is_none()) {
            stat = Some(reader.stat(pid)?);
        }
        let is_kernel_thread =
            stat.as_ref().map_or(status_kernel_flag == Some(true), ProcStat::is_kernel_thread);
        if is_kernel_thread && !self.named_pids.is_some_and(|named_pids| named_pids.contains(&pid)) {
            return Ok(None);
        }
        let start_ticks = match (self.needs_start, &stat) {
            (true, Some(stat)) => stat.start_ticks.ok_or(ProcReadError::Gone)?,
            _ => 0,
        };
        let candidate = SelectedProcess { pid, start_ticks, is_added_by_tree: false };
        let mut threads = None;
        if let Some(status) =
            status.as_ref().filter(|_| criteria.needs_threads() || self.read_match.is_some())
        {
            let all_threads = reader.threads(pid, status)?;
            if !criteria.matches_threads(status, &all_threads) {
                return Ok(None);
            }
            threads = Some(all_threads);
        }
        if !criteria.cgroups.is_empty() {
            let text = reader.read(pid, "cgroup")?;
            if !criteria.cgroups.iter().any(|group| cgroup::is_within(text, group)) {
                return Ok(None);
            }
        }
        if let Some(namespaces) = &self.inputs.pid_namespace_links {
            match reader.read_link(pid, "ns/pid") {
                Ok(link) if namespaces.contains(&link) => {}
                Err(ProcReadError::PermissionDenied) => return Ok(Some(MatchOutcome::NamespaceDenied)),
                _ => return Ok(None),
            }
        }
        let Some(sockets) = self.open_port_sockets(reader, pid)? else { return Ok(None) };
        let Some(sockets) = sockets else { return Ok(Some(MatchOutcome::SocketsDenied)) };
        if let Some(error) = command_line_error {
            return Ok(Some(MatchOutcome::NoCommandLine(error)));
        }
        let value = self
            .read_match
            .zip(status.zip(threads))
            .map(|(read_match, (status, threads))| read_match(status, threads));
        Ok(Some(MatchOutcome::Match(MatchedProcess { process: candidate, socket_inodes: sockets, value })))
    }

    fn matches_stat(&self, stat: &ProcStat) -> bool {
        let matches_age = |clock: AgeClock| {
            let age = clock.boot_ticks.saturating_sub(stat.start_ticks.unwrap_or(clock.boot_ticks));
            self.criteria.matches_age(age, clock.ticks_per_second)
        };
        self.criteria.matches_stat(stat) && self.age_clock.is_none_or(matches_age)
    }

    /// Checks the criteria that may need the command line.
    fn matches_name_and_command_line(
        &self,
        reader: &mut ProcReader,
        pid: u32,
    ) -> Result<bool, ProcReadError> {
        Ok(self.matches_name(reader, pid)? && self.matches_command_line(reader, pid)?)
    }

    fn matches_name(&self, reader: &mut ProcReader, pid: u32) -> Result<bool, ProcReadError> {
        let names = &self.criteria.names;
        if names.is_empty() {
            return Ok(true);
        }
        let comm = reader.comm(pid)?.to_vec();
        if !full_name::may_be_truncated(&comm) {
            return Ok(names.contains(&comm));
        }
        // The executable of another user's process may not be readable; its
        // arguments are.
        let program = reader.read_link(pid, "exe").ok();
        let matches = full_name::full_names(&comm, reader.arguments(pid, reader::read)?, program.as_deref())
            .into_iter()
            .any(|full_name| names.iter().any(|name| name == full_name));
        Ok(matches)
    }

    fn matches_command_line(&self, reader: &mut ProcReader, pid: u32) -> Result<bool, ProcReadError> {
        let patterns = &self.criteria.patterns;
        if patterns.is_empty() {
            return Ok(true);
        }
        let line = reader.command_line(pid, reader::read)?;
        if !line.is_empty() {
            return Ok(patterns.iter().any(|pattern| pattern.is_match(&line)));
        }
        let comm = String::from_utf8_lossy(reader.comm(pid)?);
        Ok(patterns.iter().any(|pattern| pattern.is_match(&comm)))
    }

    /// Checks the last criterion: which of its sockets are at one of the ports.
    /// Returns `None` if the process must have such a socket and has none. The
    /// inner value is `None` if its descriptors may not be read.
    fn open_port_sockets(
        &self,
        reader: &mut ProcReader,
        pid: u32,
    ) -> Result<Option<Option<Vec<u64>>>, ProcReadError> {
        let Some(sockets) = &self.inputs.port_sockets else { return Ok(Some(Some(Vec::new()))) };
        if sockets.is_empty() {
            return Ok(None);
        }
        match reader.socket_inodes(pid) {
            Ok(mut inodes) => {
                inodes.retain(|inode| sockets.iter().any(|socket| socket.inode == *inode));
                Ok((!inodes.is_empty()).then_some(Some(inodes)))
            }
            Err(ProcReadError::PermissionDenied) => Ok(Some(None)),
            Err(error) => Err(error),
        }
    }
}

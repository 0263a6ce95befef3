//! A look at one process: whether every criterion holds, by as few files as
//! that takes, the cheapest first.

use super::given::Given;
use super::{Criteria, Found, name};
use crate::proc::cgroup;
use crate::proc::{Files, ReadError, Root, Stat, Status, Threads};
use crate::sys::clock;

/// The time that ages are told by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    ticks: u64,
    per_second: u64,
}

impl Now {
    pub(super) fn read() -> Now {
        Now { ticks: clock::boot_ticks(), per_second: clock::ticks_per_second() }
    }
}

/// How processes are looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look<'a> {
    pub(super) root: &'a Root,
    pub(super) criteria: &'a Criteria,
    pub(super) given: &'a Given,
    /// `None`: the age is of no matter.
    pub(super) now: Option<Now>,
    /// The processes that were named, of which a kernel thread may be one.
    pub(super) named: Option<&'a [u32]>,
}

/// What of a process is worth telling.
#[derive(Clone, Debug)]
pub(super) enum Seen {
    /// Everything holds. The inodes are those of its sockets at the ports.
    Match(Found, Vec<u64>),
    /// All that could be read holds, but its namespace may not be read.
    NamespaceDenied,
    /// All that could be read holds, but its descriptors may not be read.
    SocketsDenied,
}

impl Look<'_> {
    /// Looks at a process. What ends meanwhile, or is hidden, is not seen.
    pub(super) fn at(&self, files: &mut Files, pid: u32) -> Option<Seen> {
        self.seen(files, pid).ok().flatten()
    }

    fn seen(&self, files: &mut Files, pid: u32) -> Result<Option<Seen>, ReadError> {
        let asked = self.criteria;
        if self.given.pids.as_ref().is_some_and(|pids| !pids.contains(&pid)) {
            return Ok(None);
        }
        if !asked.names.is_empty() {
            let comm = files.comm(pid)?;
            if !asked.names.iter().any(|name| name::may_be(comm, name)) {
                return Ok(None);
            }
        }
        let mut stat = None;
        if asked.asks_stat() {
            let found = files.stat(pid)?;
            if !self.fits_stat(&found) {
                return Ok(None);
            }
            stat = Some(found);
        }
        let mut status = None;
        if asked.asks_status() {
            let found = files.status(pid)?;
            if !asked.fits_status(&found) {
                return Ok(None);
            }
            status = Some(found);
        }
        if !self.has_name(files, pid)? || !self.has_pattern(files, pid)? {
            return Ok(None);
        }
        let stat = stat.map_or_else(|| files.stat(pid), Ok)?;
        if stat.is_kernel_thread() && !self.named.is_some_and(|named| named.contains(&pid)) {
            return Ok(None);
        }
        let start = stat.start.ok_or(ReadError::Gone)?;
        let found = Found { pid, start, by_tree: false };
        if let Some(status) = status.filter(|_| asked.asks_threads())
            && !self.fits_threads(pid, &status)?
        {
            return Ok(None);
        }
        if !asked.cgroups.is_empty() {
            let text = files.read(pid, "cgroup")?;
            if !asked.cgroups.iter().any(|group| cgroup::is_within(text, group)) {
                return Ok(None);
            }
        }
        if let Some(namespaces) = &self.given.namespaces {
            match files.link(pid, "ns/pid") {
                Ok(link) if namespaces.contains(&link) => {}
                Err(ReadError::Denied) => return Ok(Some(Seen::NamespaceDenied)),
                _ => return Ok(None),
            }
        }
        self.holder(files, found)
    }

    fn fits_stat(&self, stat: &Stat) -> bool {
        let fits_age = |now: Now| {
            let age = now.ticks.saturating_sub(stat.start.unwrap_or(now.ticks));
            self.criteria.fits_age(age, now.per_second)
        };
        self.criteria.fits_stat(stat) && self.now.is_none_or(fits_age)
    }

    fn has_name(&self, files: &mut Files, pid: u32) -> Result<bool, ReadError> {
        let names = &self.criteria.names;
        if names.is_empty() {
            return Ok(true);
        }
        let comm = files.comm(pid)?.to_vec();
        if !name::is_cut(&comm) {
            return Ok(names.contains(&comm));
        }
        // Another user's program may not be read; its arguments may.
        let program = files.link(pid, "exe").ok();
        let whole = name::whole(&comm, files.arguments(pid)?, program.as_deref())
            .into_iter()
            .any(|whole| names.iter().any(|name| name == whole));
        Ok(whole)
    }

    fn has_pattern(&self, files: &mut Files, pid: u32) -> Result<bool, ReadError> {
        let patterns = &self.criteria.patterns;
        if patterns.is_empty() {
            return Ok(true);
        }
        let line = files.command_line(pid)?;
        if !line.is_empty() {
            return Ok(patterns.iter().any(|pattern| pattern.is_match(&line)));
        }
        let comm = String::from_utf8_lossy(files.comm(pid)?);
        Ok(patterns.iter().any(|pattern| pattern.is_match(&comm)))
    }

    fn fits_threads(&self, pid: u32, status: &Status) -> Result<bool, ReadError> {
        let threads: Threads = self.root.threads(pid, status)?;
        Ok(self.criteria.fits_threads(status, &threads))
    }

    /// The last of the questions: whether it holds a socket at one of the ports.
    fn holder(&self, files: &mut Files, found: Found) -> Result<Option<Seen>, ReadError> {
        let Some(sockets) = &self.given.sockets else { return Ok(Some(Seen::Match(found, Vec::new()))) };
        if sockets.is_empty() {
            return Ok(None);
        }
        match files.sockets(found.pid) {
            Ok(mut held) => {
                held.retain(|inode| sockets.iter().any(|socket| socket.inode == *inode));
                Ok((!held.is_empty()).then_some(Seen::Match(found, held)))
            }
            Err(ReadError::Denied) => Ok(Some(Seen::SocketsDenied)),
            Err(error) => Err(error),
        }
    }
}

//! A look at one process: whether every criterion holds, by as few files as
//! that takes, the cheapest first.

use super::given::Given;
use super::{Criteria, Found, name};
use crate::proc::cgroup;
use crate::proc::{Files, ReadError, Stat, Status, Threads};
use crate::sys::{clock, reader};

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

/// What is made of a process that is chosen, of its status and threads.
pub(super) type Take<'a, T> = &'a (dyn Fn(Status, Threads) -> T + Sync);

/// How processes are looked at.
#[derive(Clone, Copy)]
pub(super) struct Look<'a, T> {
    pub(super) criteria: &'a Criteria,
    pub(super) given: &'a Given,
    /// `None`: the age is of no matter.
    pub(super) now: Option<Now>,
    /// The processes that were named, of which a kernel thread may be one.
    pub(super) named: Option<&'a [u32]>,
    /// Whether its start is needed; it is 0 otherwise.
    pub(super) start: bool,
    /// `None`: who is chosen is of interest, and nothing more.
    pub(super) take: Option<Take<'a, T>>,
}

/// What of a process is worth telling.
pub(super) enum Seen<T> {
    /// Everything holds.
    Match(Match<T>),
    /// All that could be read holds, but its namespace may not be read.
    NamespaceDenied,
    /// All that could be read holds, but its descriptors may not be read.
    SocketsDenied,
    /// All that could be read holds, but its command line could not be read.
    NoCommandLine(ReadError),
}

/// A process for which everything holds.
pub(super) struct Match<T> {
    pub(super) found: Found,
    /// The inodes of its sockets at the ports.
    pub(super) sockets: Vec<u64>,
    /// What was made of it, where that was asked.
    pub(super) taken: Option<T>,
}

impl<T> Look<'_, T> {
    /// Looks at a process. What ends meanwhile, or is hidden, is not seen.
    pub(super) fn at(&self, files: &mut Files, pid: u32) -> Option<Seen<T>> {
        self.seen(files, pid).ok().flatten()
    }

    fn seen(&self, files: &mut Files, pid: u32) -> Result<Option<Seen<T>>, ReadError> {
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
        let mut unread = None;
        match self.has_words(files, pid) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            // The other criteria may exclude it.
            Err(error @ (ReadError::Timeout | ReadError::Io(_))) => unread = Some(error),
            Err(error) => return Err(error),
        }
        if status.is_none() && self.take.is_some() {
            status = Some(files.status(pid)?);
        }
        // The status tells of kernel threads, too, where the kernel is new.
        let told = status.as_ref().and_then(|status| status.kernel_thread);
        if stat.is_none() && (self.start || told.is_none()) {
            stat = Some(files.stat(pid)?);
        }
        let is_kernel_thread = stat.as_ref().map_or(told == Some(true), Stat::is_kernel_thread);
        if is_kernel_thread && !self.named.is_some_and(|named| named.contains(&pid)) {
            return Ok(None);
        }
        let start = match (self.start, &stat) {
            (true, Some(stat)) => stat.start.ok_or(ReadError::Gone)?,
            _ => 0,
        };
        let found = Found { pid, start, by_tree: false };
        let mut threads = None;
        if let Some(status) = status.as_ref().filter(|_| asked.asks_threads() || self.take.is_some()) {
            let read = files.threads(pid, status)?;
            if !asked.fits_threads(status, &read) {
                return Ok(None);
            }
            threads = Some(read);
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
        let Some(sockets) = self.held(files, pid)? else { return Ok(None) };
        let Some(sockets) = sockets else { return Ok(Some(Seen::SocketsDenied)) };
        if let Some(error) = unread {
            return Ok(Some(Seen::NoCommandLine(error)));
        }
        let taken = self.take.zip(status.zip(threads)).map(|(take, (status, threads))| take(status, threads));
        Ok(Some(Seen::Match(Match { found, sockets, taken })))
    }

    fn fits_stat(&self, stat: &Stat) -> bool {
        let fits_age = |now: Now| {
            let age = now.ticks.saturating_sub(stat.start.unwrap_or(now.ticks));
            self.criteria.fits_age(age, now.per_second)
        };
        self.criteria.fits_stat(stat) && self.now.is_none_or(fits_age)
    }

    /// The criteria that may take its command line.
    fn has_words(&self, files: &mut Files, pid: u32) -> Result<bool, ReadError> {
        Ok(self.has_name(files, pid)? && self.has_pattern(files, pid)?)
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
        let whole = name::whole(&comm, files.arguments(pid, reader::read)?, program.as_deref())
            .into_iter()
            .any(|whole| names.iter().any(|name| name == whole));
        Ok(whole)
    }

    fn has_pattern(&self, files: &mut Files, pid: u32) -> Result<bool, ReadError> {
        let patterns = &self.criteria.patterns;
        if patterns.is_empty() {
            return Ok(true);
        }
        let line = files.command_line(pid, reader::read)?;
        if !line.is_empty() {
            return Ok(patterns.iter().any(|pattern| pattern.is_match(&line)));
        }
        let comm = String::from_utf8_lossy(files.comm(pid)?);
        Ok(patterns.iter().any(|pattern| pattern.is_match(&comm)))
    }

    /// The last of the questions: which sockets at one of the ports it holds.
    /// `None` if it should hold one and does not; within, `None` where its
    /// descriptors may not be read.
    fn held(&self, files: &mut Files, pid: u32) -> Result<Option<Option<Vec<u64>>>, ReadError> {
        let Some(sockets) = &self.given.sockets else { return Ok(Some(Some(Vec::new()))) };
        if sockets.is_empty() {
            return Ok(None);
        }
        match files.sockets(pid) {
            Ok(mut held) => {
                held.retain(|inode| sockets.iter().any(|socket| socket.inode == *inode));
                Ok((!held.is_empty()).then_some(Some(held)))
            }
            Err(ReadError::Denied) => Ok(Some(None)),
            Err(error) => Err(error),
        }
    }
}

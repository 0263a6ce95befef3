//! A /proc mounted at any directory, and errors of reading it.

use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::status::ParseStatusError;
use super::{ProcReader, ProcStat, ProcStatus, Threads, files};
use crate::error::message_without_errno;

/// A mounted /proc: of this machine, or of another one such as the host of a
/// container.
#[derive(Clone, Debug)]
pub struct ProcRoot {
    directory: PathBuf,
    native: bool,
}

/// A function that reads a file which a process can make block forever, because
/// the text comes from the memory of the process or needs a lock that it can
/// keep. The function must return within a deadline.
///
/// It reads at most `limit` bytes from `offset` into `buffer`, which grows if
/// necessary, and returns the number of bytes. Such files must not be read in any
/// other way.
pub type ReadMemory = fn(path: &Path, offset: u64, buffer: &mut Vec<u8>, limit: usize) -> io::Result<usize>;

/// The reason why a file of a process could not be read.
#[derive(Debug)]
pub enum ProcReadError {
    /// The process or thread does not exist, or no longer exists.
    Gone,
    /// The kernel denies access because /proc is mounted with hidepid (proc(5))
    /// or because of a security module.
    PermissionDenied,
    /// The memory of the process was not available within the deadline.
    Timeout,
    /// The text is malformed.
    Malformed(ParseStatusError),
    /// Any other error.
    Io(io::Error),
}

impl From<io::Error> for ProcReadError {
    /// Converts an I/O error. If a process exits in the meantime, open(2) fails
    /// with ENOENT and read(2) with ESRCH (fs/proc/base.c).
    fn from(error: io::Error) -> ProcReadError {
        // `io::ErrorKind` has no variant for ESRCH. It is 3 on every
        // architecture.
        const ESRCH: i32 = 3;
        match error.kind() {
            io::ErrorKind::NotFound => ProcReadError::Gone,
            io::ErrorKind::PermissionDenied => ProcReadError::PermissionDenied,
            io::ErrorKind::TimedOut => ProcReadError::Timeout,
            _ if error.raw_os_error() == Some(ESRCH) => ProcReadError::Gone,
            _ => ProcReadError::Io(error),
        }
    }
}

impl fmt::Display for ProcReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProcReadError::Gone => f.write_str("no such process"),
            ProcReadError::PermissionDenied => f.write_str(
                "permission denied because it belongs to another user and /proc is mounted with hidepid (run as root)",
            ),
            ProcReadError::Timeout => f.write_str("reading its memory timed out"),
            ProcReadError::Malformed(error) => error.fmt(f),
            ProcReadError::Io(error) => f.write_str(&message_without_errno(error)),
        }
    }
}

impl Default for ProcRoot {
    fn default() -> ProcRoot {
        ProcRoot { directory: PathBuf::from("/proc"), native: true }
    }
}

impl ProcRoot {
    /// Creates a root for the /proc mounted at a directory.
    pub fn new(directory: impl Into<PathBuf>) -> ProcRoot {
        ProcRoot { directory: directory.into(), native: false }
    }

    /// Returns true if it is this machine's own /proc. Only then are its PIDs and
    /// UIDs valid for system calls and for /etc/passwd.
    pub fn is_native(&self) -> bool {
        self.native
    }

    /// Returns its mount point.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Reads the status file of a process. Per-thread lines are those of its main
    /// thread.
    ///
    /// # Errors
    /// See [`ProcReadError`].
    pub fn status(&self, pid: u32) -> Result<ProcStatus, ProcReadError> {
        self.read_status(&format!("{pid}/status"))
    }

    /// Reads the status file of the calling process.
    ///
    /// # Errors
    /// See [`ProcReadError`].
    pub fn own_status(&self) -> Result<ProcStatus, ProcReadError> {
        self.read_status("self/status")
    }

    /// Returns the PID of the calling process in this /proc.
    ///
    /// # Errors
    /// [`ProcReadError::Gone`] if it has none, because this is the /proc of
    /// another PID namespace or not a /proc.
    pub fn own_pid(&self) -> Result<u32, ProcReadError> {
        let link = fs::read_link(self.directory.join("self"))?;
        link.to_str().and_then(|number| number.parse().ok()).ok_or(ProcReadError::Gone)
    }

    /// Reads the status file of one thread.
    ///
    /// # Errors
    /// See [`ProcReadError`]. A thread of another process is reported as
    /// [`ProcReadError::Gone`].
    pub fn thread_status(&self, pid: u32, tid: u32) -> Result<ProcStatus, ProcReadError> {
        self.read_status(&format!("{pid}/task/{tid}/status"))
    }

    /// Reads the stat file of a process.
    ///
    /// # Errors
    /// See [`ProcReadError`].
    pub fn stat(&self, pid: u32) -> Result<ProcStat, ProcReadError> {
        let text = read_path(&self.directory.join(format!("{pid}/stat")))?;
        // A malformed stat file means that the process is exiting.
        ProcStat::parse(&text).ok_or(ProcReadError::Gone)
    }

    /// Reads a whole file.
    ///
    /// # Errors
    /// Errors of open(2) and read(2).
    pub fn read_file(&self, path: &str) -> io::Result<Vec<u8>> {
        read_path(&self.directory.join(path))
    }

    /// Reads a whole sequence file, of which the kernel returns at most a page
    /// with each read (`seq_read_iter` in fs/seq_file.c).
    ///
    /// # Errors
    /// Errors of open(2) and read(2), and an error if the file has `limit` bytes
    /// or more.
    pub fn read_seq_file(&self, path: &str, limit: u64) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        let file = fs::File::open(self.directory.join(path))?;
        match file.take(limit).read_to_end(&mut text)? as u64 {
            length if length == limit => Err(io::Error::other("too large for a file in /proc")),
            _ => Ok(text),
        }
    }

    /// Returns the PIDs of all processes in any order.
    ///
    /// # Errors
    /// Errors of opening and reading the directory.
    pub fn pids(&self) -> io::Result<Vec<u32>> {
        files::numeric_entries(fs::read_dir(&self.directory)?)
    }

    /// Reads all threads of a process whose status was just read. Threads that
    /// exit in the meantime are skipped.
    ///
    /// # Errors
    /// See [`ProcReadError`].
    pub fn threads(&self, pid: u32, main: &ProcStatus) -> Result<Threads, ProcReadError> {
        ProcReader::new(self).threads(pid, main)
    }

    fn read_status(&self, path: &str) -> Result<ProcStatus, ProcReadError> {
        let text = read_path(&self.directory.join(path))?;
        ProcStatus::parse(&text).map_err(ProcReadError::Malformed)
    }
}

fn read_path(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = vec![0; 8192];
    let length = files::read_into(path, &mut text)?;
    text.truncate(length);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_own_process() {
        let root = ProcRoot::default();
        let status = root.status(std::process::id()).unwrap();
        assert_eq!(status.tgid, Some(std::process::id()));
        assert_eq!(root.own_pid().unwrap(), std::process::id());
        let threads = root.threads(std::process::id(), &status).unwrap();
        assert!(threads.iter().any(|task| task.tid == std::process::id()));
    }

    #[test]
    fn root_reports_missing_process_as_gone() {
        assert!(matches!(ProcRoot::default().status(4_194_305), Err(ProcReadError::Gone)));
        assert!(matches!(ProcRoot::new("/nowhere").status(1), Err(ProcReadError::Gone)));
        assert!(matches!(ProcRoot::new("/nowhere").own_pid(), Err(ProcReadError::Gone)));
    }

    #[test]
    fn reads_file_larger_than_buffer() {
        let directory = std::env::temp_dir().join(format!("sigtool-root-{}", std::process::id()));
        fs::create_dir_all(directory.join("1")).unwrap();
        let groups = "1000 ".repeat(5000);
        fs::write(directory.join("1/status"), format!("Groups:\t{groups}\nSigBlk:\t0000000000000001\n"))
            .unwrap();
        let status = ProcRoot::new(&directory).status(1);
        fs::remove_dir_all(&directory).unwrap();
        assert_eq!(status.unwrap().blocked.map(|set| set.bits()), Some(1));
    }
}

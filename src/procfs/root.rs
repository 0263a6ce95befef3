//! Reading a /proc, wherever it is mounted.

use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::status::ParseStatusError;
use super::{ProcReader, ProcStat, ProcStatus, Threads, files};

/// A mounted /proc: this machine's, or another one's (a host's, in a container).
#[derive(Clone, Debug)]
pub struct ProcRoot {
    directory: PathBuf,
    native: bool,
}

/// Reads a file that a process can make block for ever, because its text comes from
/// the memory of the process or takes a lock of it: this must end within a deadline.
/// From an offset on, at most so many bytes are read into the buffer, which grows if
/// needed; their number is returned. Such files are read in no other way.
pub type ReadMemory = fn(path: &Path, offset: u64, buffer: &mut Vec<u8>, most: usize) -> io::Result<usize>;

/// Why something of a process could not be read.
#[derive(Debug)]
pub enum ProcReadError {
    /// There is no such process or thread, or none any more.
    Gone,
    /// The kernel refuses: /proc is mounted with hidepid (proc(5)), or a
    /// security module forbids it.
    PermissionDenied,
    /// Memory of the process did not arrive in time.
    Timeout,
    /// What was read makes no sense.
    Malformed(ParseStatusError),
    /// Anything else.
    Io(io::Error),
}

impl From<io::Error> for ProcReadError {
    /// A process that ends meanwhile gives ENOENT on opening and ESRCH on
    /// reading (fs/proc/base.c).
    fn from(error: io::Error) -> ProcReadError {
        // ESRCH, which io::ErrorKind has no word for; 3 on every architecture.
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

/// What an error of the system says, without the number that std puts behind.
pub fn message_without_errno(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error ").next().unwrap_or_default().to_owned()
}

impl Default for ProcRoot {
    fn default() -> ProcRoot {
        ProcRoot { directory: PathBuf::from("/proc"), native: true }
    }
}

impl ProcRoot {
    /// The /proc mounted at a directory.
    pub fn new(directory: impl Into<PathBuf>) -> ProcRoot {
        ProcRoot { directory: directory.into(), native: false }
    }

    /// Whether it is this machine's own: only then do its numbers mean
    /// anything to system calls and to /etc/passwd.
    pub fn is_native(&self) -> bool {
        self.native
    }

    /// Where it is mounted.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The status of a process; of its main thread, where lines are a thread's.
    ///
    /// # Errors
    /// See [`ProcReadError`].
    pub fn status(&self, pid: u32) -> Result<ProcStatus, ProcReadError> {
        self.read_status(&format!("{pid}/status"))
    }

    /// The status of the reading process itself.
    ///
    /// # Errors
    /// See [`ProcReadError`].
    pub fn own_status(&self) -> Result<ProcStatus, ProcReadError> {
        self.read_status("self/status")
    }

    /// The number that the reading process itself has in this /proc.
    ///
    /// # Errors
    /// [`ProcReadError::Gone`] where it has none: another pid namespace's /proc, or
    /// a directory that is none.
    pub fn own_pid(&self) -> Result<u32, ProcReadError> {
        let link = fs::read_link(self.directory.join("self"))?;
        link.to_str().and_then(|number| number.parse().ok()).ok_or(ProcReadError::Gone)
    }

    /// The status of one thread.
    ///
    /// # Errors
    /// See [`ProcReadError`]; a thread of another process is gone, too.
    pub fn thread_status(&self, pid: u32, tid: u32) -> Result<ProcStatus, ProcReadError> {
        self.read_status(&format!("{pid}/task/{tid}/status"))
    }

    /// The stat file of a process.
    ///
    /// # Errors
    /// See [`ProcReadError`].
    pub fn stat(&self, pid: u32) -> Result<ProcStat, ProcReadError> {
        let text = read_path(&self.directory.join(format!("{pid}/stat")))?;
        // A text that is no stat file is one of a process just gone.
        ProcStat::parse(&text).ok_or(ProcReadError::Gone)
    }

    /// A file of it, whole.
    ///
    /// # Errors
    /// What opening and reading say.
    pub fn read_file(&self, path: &str) -> io::Result<Vec<u8>> {
        read_path(&self.directory.join(path))
    }

    /// A file that lists things: it comes in pieces, a page at most with each
    /// read (`seq_read_iter` in fs/seq_file.c), and ends where nothing follows.
    ///
    /// # Errors
    /// What opening and reading say, and that it is as long as `longest`.
    pub fn read_seq_file(&self, path: &str, longest: u64) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        let file = fs::File::open(self.directory.join(path))?;
        match file.take(longest).read_to_end(&mut text)? as u64 {
            length if length == longest => Err(io::Error::other("too large for a file in /proc")),
            _ => Ok(text),
        }
    }

    /// The numbers of all processes there are, in any order.
    ///
    /// # Errors
    /// What opening the directory says.
    pub fn pids(&self) -> io::Result<Vec<u32>> {
        files::numeric_entries(fs::read_dir(&self.directory)?)
    }

    /// All threads of a process whose status has just been read. Those that
    /// end meanwhile are left out.
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
    fn missing_process_is_gone() {
        assert!(matches!(ProcRoot::default().status(4_194_305), Err(ProcReadError::Gone)));
        assert!(matches!(ProcRoot::new("/nowhere").status(1), Err(ProcReadError::Gone)));
        assert!(matches!(ProcRoot::new("/nowhere").own_pid(), Err(ProcReadError::Gone)));
    }

    #[test]
    fn reads_file_larger_than_buffer() {
        let directory = std::env::temp_dir().join(format!("sigtool-reader-{}", std::process::id()));
        fs::create_dir_all(directory.join("1")).unwrap();
        let groups = "1000 ".repeat(5000);
        fs::write(directory.join("1/status"), format!("Groups:\t{groups}\nSigBlk:\t0000000000000001\n"))
            .unwrap();
        let status = ProcRoot::new(&directory).status(1);
        fs::remove_dir_all(&directory).unwrap();
        assert_eq!(status.unwrap().blocked.map(|set| set.bits()), Some(1));
    }
}

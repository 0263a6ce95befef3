//! Reader for the files of many processes. It reuses one path and one buffer, so
//! that skipping a process costs three system calls and no memory.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{ProcReadError, ProcRoot, ProcStat, ProcStatus, ReadMemory, Thread, Threads, parallel};

/// Upper bound for any file of a process: 65536 groups make a status file of 700
/// KiB, and a command line has at most a few megabytes (execve(2)).
const MAX_FILE_SIZE: usize = 1 << 24;

const TOO_LONG: &str = "too large for a file in /proc";

/// A reader for the files of processes. Each thread needs its own.
#[derive(Debug)]
pub struct ProcReader {
    root: ProcRoot,
    path: Vec<u8>,
    /// The length of the directory and its slash, which remain in `path`.
    prefix_length: usize,
    buffer: Vec<u8>,
}

impl ProcReader {
    /// Creates a reader for a /proc.
    pub fn new(root: &ProcRoot) -> ProcReader {
        let mut path = root.directory().as_os_str().as_bytes().to_vec();
        path.push(b'/');
        ProcReader { root: root.clone(), prefix_length: path.len(), path, buffer: Vec::new() }
    }

    /// Reads a whole file of a process, if the kernel returns it with one read.
    ///
    /// # Errors
    /// See [`ProcReadError`].
    pub fn read(&mut self, pid: u32, file: &str) -> Result<&[u8], ProcReadError> {
        self.set_path(pid, file);
        let length = read_into(Path::new(OsStr::from_bytes(&self.path)), &mut self.buffer)?;
        Ok(&self.buffer[..length])
    }

    /// Reads /proc/PID/comm, the name of a process, without the line feed.
    ///
    /// # Errors
    /// See [`ProcReadError`].
    pub fn comm(&mut self, pid: u32) -> Result<&[u8], ProcReadError> {
        let text = self.read(pid, "comm")?;
        Ok(text.strip_suffix(b"\n").unwrap_or(text))
    }

    /// Reads the stat file of a process.
    ///
    /// # Errors
    /// See [`ProcReadError`]. A malformed file is reported as
    /// [`ProcReadError::Gone`], because the process is exiting.
    pub fn stat(&mut self, pid: u32) -> Result<ProcStat, ProcReadError> {
        ProcStat::parse(self.read(pid, "stat")?).ok_or(ProcReadError::Gone)
    }

    /// Reads the status file of a process.
    ///
    /// # Errors
    /// See [`ProcReadError`].
    pub fn status(&mut self, pid: u32) -> Result<ProcStatus, ProcReadError> {
        ProcStatus::parse(self.read(pid, "status")?).map_err(ProcReadError::Malformed)
    }

    /// Reads all threads of a process whose status was just read. Threads that
    /// exit in the meantime are skipped.
    ///
    /// # Errors
    /// See [`ProcReadError`].
    pub fn threads(&mut self, pid: u32, main: &ProcStatus) -> Result<Threads, ProcReadError> {
        if main.thread_count == Some(1) {
            return Ok(Threads::new(Thread::from_status(main).into_iter().collect()));
        }
        self.set_path(pid, "task");
        let mut tids = numeric_entries(fs::read_dir(self.path())?)?;
        tids.sort_unstable();
        let read_thread = |reader: &mut ProcReader, tid: u32| match reader.thread_status(pid, tid) {
            Ok(status) => Thread::from_status(&status).map(Ok),
            Err(ProcReadError::Gone) => None,
            Err(error) => Some(Err(error)),
        };
        let threads = match tids.len() {
            parallel::PARALLEL_THRESHOLD.. => {
                parallel::par_map_ids(&self.root, &tids, read_thread).into_iter().collect()
            }
            _ => tids.iter().filter_map(|tid| read_thread(self, *tid)).collect::<Result<Vec<Thread>, _>>(),
        }?;
        // The task directory is empty if the process has just exited.
        if threads.is_empty() { Err(ProcReadError::Gone) } else { Ok(Threads::new(threads)) }
    }

    /// Reads the status file of one thread.
    ///
    /// # Errors
    /// See [`ProcReadError`]. A thread of another process is reported as
    /// [`ProcReadError::Gone`].
    pub fn thread_status(&mut self, pid: u32, tid: u32) -> Result<ProcStatus, ProcReadError> {
        self.path.truncate(self.prefix_length);
        // Writing to a vector cannot fail.
        let _ = write!(self.path, "{pid}/task/{tid}/status");
        let length = read_into(Path::new(OsStr::from_bytes(&self.path)), &mut self.buffer)?;
        ProcStatus::parse(&self.buffer[..length]).map_err(ProcReadError::Malformed)
    }

    /// Reads the arguments of a process, separated by NUL, without the NULs at
    /// the end. Empty for a zombie and for a kernel thread.
    ///
    /// # Errors
    /// See [`ProcReadError`].
    pub fn arguments(&mut self, pid: u32, read: ReadMemory) -> Result<&[u8], ProcReadError> {
        let length = self.read_arguments(pid, read)?;
        Ok(&self.buffer[..length])
    }

    /// Reads the arguments joined by single blanks. Invalid UTF-8 is replaced by
    /// U+FFFD.
    ///
    /// # Errors
    /// See [`ProcReadError`].
    pub fn command_line(&mut self, pid: u32, read: ReadMemory) -> Result<Cow<'_, str>, ProcReadError> {
        let length = self.read_arguments(pid, read)?;
        let text = &mut self.buffer[..length];
        text.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b' ');
        Ok(String::from_utf8_lossy(text))
    }

    /// Reads the target of a symbolic link of a process.
    ///
    /// # Errors
    /// See [`ProcReadError`].
    pub fn read_link(&mut self, pid: u32, link: &str) -> Result<PathBuf, ProcReadError> {
        self.set_path(pid, link);
        Ok(fs::read_link(self.path())?)
    }

    /// Reads the inodes of all sockets that a process has open.
    ///
    /// # Errors
    /// See [`ProcReadError`]; [`ProcReadError::PermissionDenied`] if it belongs
    /// to another user.
    pub fn socket_inodes(&mut self, pid: u32) -> Result<Vec<u64>, ProcReadError> {
        self.set_path(pid, "fd");
        let mut sockets = Vec::new();
        for entry in fs::read_dir(self.path())? {
            // A descriptor that was closed in the meantime is skipped.
            let Ok(link) = entry.and_then(|entry| fs::read_link(entry.path())) else { continue };
            sockets.extend(socket_inode(link.as_os_str().as_encoded_bytes()));
        }
        Ok(sockets)
    }

    fn read_arguments(&mut self, pid: u32, read: ReadMemory) -> Result<usize, ProcReadError> {
        self.set_path(pid, "cmdline");
        let path = Path::new(OsStr::from_bytes(&self.path));
        let length = read(path, 0, &mut self.buffer, MAX_FILE_SIZE)?;
        if length == MAX_FILE_SIZE {
            return Err(io::Error::other(TOO_LONG).into());
        }
        let text = &self.buffer[..length];
        Ok(text.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1))
    }

    fn set_path(&mut self, pid: u32, file: &str) {
        self.path.truncate(self.prefix_length);
        // Writing to a vector cannot fail.
        let _ = write!(self.path, "{pid}/{file}");
    }

    fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.path))
    }
}

/// Returns the directory entries that are numbers: PIDs or TIDs.
pub(super) fn numeric_entries(entries: fs::ReadDir) -> io::Result<Vec<u32>> {
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
    entries.filter_map(|entry| entry.map(number).transpose()).collect()
}

/// Parses the inode of a link such as `socket:[12345]` (proc_pid_fd(5)).
fn socket_inode(link: &[u8]) -> Option<u64> {
    let digits = link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Reads a file of /proc into a buffer and returns its length. The kernel returns
/// the whole file with one read, unless it is larger than the buffer (a long list
/// of groups).
pub(super) fn read_into(path: &Path, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let mut file = File::open(path)?;
    let mut length = 0;
    loop {
        length += read_more(&mut file, buffer, length)?;
        if length < buffer.len() {
            return Ok(length);
        }
    }
}

/// Reads once after the first `length` bytes of the buffer, which grows if it is
/// full.
fn read_more(file: &mut File, buffer: &mut Vec<u8>, length: usize) -> io::Result<usize> {
    if length >= MAX_FILE_SIZE {
        return Err(io::Error::other(TOO_LONG));
    }
    if length == buffer.len() {
        buffer.resize((length * 2).max(8192), 0);
    }
    file.read(&mut buffer[length..])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads without a deadline, because the memory of this process is available.
    fn read_without_deadline(path: &Path, _: u64, buffer: &mut Vec<u8>, _: usize) -> io::Result<usize> {
        *buffer = fs::read(path)?;
        Ok(buffer.len())
    }

    #[test]
    fn reads_files_of_own_process() {
        let (mut reader, pid) = (ProcReader::new(&ProcRoot::default()), std::process::id());
        let stat = reader.stat(pid).unwrap();
        assert_eq!(reader.comm(pid).unwrap(), stat.name.as_bytes());
        assert_eq!(reader.status(pid).unwrap().tgid, Some(pid));
        let program = std::env::args().next().unwrap();
        assert!(reader.arguments(pid, read_without_deadline).unwrap().starts_with(program.as_bytes()));
        assert!(reader.command_line(pid, read_without_deadline).unwrap().starts_with(&program));
        assert!(reader.read_link(pid, "ns/pid").unwrap().to_string_lossy().starts_with("pid:["));
    }

    #[test]
    fn reader_reports_missing_process_as_gone() {
        let mut reader = ProcReader::new(&ProcRoot::default());
        assert!(matches!(reader.comm(4_194_305), Err(ProcReadError::Gone)));
        assert!(matches!(reader.socket_inodes(4_194_305), Err(ProcReadError::Gone)));
        assert!(matches!(ProcReader::new(&ProcRoot::new("/nowhere")).stat(1), Err(ProcReadError::Gone)));
    }

    #[test]
    fn socket_inode_accepts_only_sockets() {
        for (link, inode) in [
            (&b"socket:[123]"[..], Some(123)),
            (b"pipe:[123]", None),
            (b"/tmp/socket:[123]", None),
            (b"socket:[x]", None),
            (b"socket:[1", None),
        ] {
            assert_eq!(socket_inode(link), inode);
        }
    }
}

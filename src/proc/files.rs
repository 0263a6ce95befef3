//! Files of many processes, one after another: one path and one buffer for all
//! of them, so that a process that is passed over costs three system calls and
//! no memory.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{ReadError, ReadMemory, Root, Stat, Status, Task, Threads, gather};

/// Longer than any file of a process: 65536 groups make a status of 700 KiB,
/// and a command line has at most a few megabytes (execve(2)).
const LONGEST_FILE: usize = 1 << 24;

const TOO_LONG: &str = "too long for a file of /proc/PID";

/// A reader of the files of processes; for one thread.
#[derive(Debug)]
pub struct Files {
    root: Root,
    path: Vec<u8>,
    /// The length of the directory and its slash, which stay in the path.
    directory: usize,
    buffer: Vec<u8>,
}

impl Files {
    /// A reader of a /proc.
    pub fn new(root: &Root) -> Files {
        let mut path = root.directory().as_os_str().as_bytes().to_vec();
        path.push(b'/');
        Files { root: root.clone(), directory: path.len(), path, buffer: Vec::new() }
    }

    /// A file of a process: all of it, where the kernel gives it with one read.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn read(&mut self, pid: u32, file: &str) -> Result<&[u8], ReadError> {
        self.go(pid, file);
        let length = fill(Path::new(OsStr::from_bytes(&self.path)), &mut self.buffer)?;
        Ok(&self.buffer[..length])
    }

    /// The name of a process as /proc/PID/comm has it, without the line feed.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn comm(&mut self, pid: u32) -> Result<&[u8], ReadError> {
        let text = self.read(pid, "comm")?;
        Ok(text.strip_suffix(b"\n").unwrap_or(text))
    }

    /// The stat file of a process.
    ///
    /// # Errors
    /// See [`ReadError`]; a text that is no stat file is one of a process just
    /// gone.
    pub fn stat(&mut self, pid: u32) -> Result<Stat, ReadError> {
        Stat::parse(self.read(pid, "stat")?).ok_or(ReadError::Gone)
    }

    /// The status of a process.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn status(&mut self, pid: u32) -> Result<Status, ReadError> {
        Status::parse(self.read(pid, "status")?).map_err(ReadError::Malformed)
    }

    /// All threads of a process whose status has just been read. Those that
    /// end meanwhile are left out.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn threads(&mut self, pid: u32, main: &Status) -> Result<Threads, ReadError> {
        if main.threads == Some(1) {
            return Ok(Threads::new(Task::of(main).into_iter().collect()));
        }
        self.go(pid, "task");
        let mut ids = numbers(fs::read_dir(self.path())?)?;
        ids.sort_unstable();
        let look = |files: &mut Files, tid: u32| match files.thread_status(pid, tid) {
            Ok(status) => Task::of(&status).map(Ok),
            Err(ReadError::Gone) => None,
            Err(error) => Some(Err(error)),
        };
        let tasks = match ids.len() {
            gather::ENOUGH.. => gather::gather(&self.root, &ids, look).into_iter().collect(),
            _ => ids.iter().filter_map(|tid| look(self, *tid)).collect::<Result<Vec<Task>, _>>(),
        }?;
        // A directory that lists nothing is that of a process just gone.
        if tasks.is_empty() { Err(ReadError::Gone) } else { Ok(Threads::new(tasks)) }
    }

    /// The status of one thread.
    ///
    /// # Errors
    /// See [`ReadError`]; a thread of another process is gone, too.
    pub fn thread_status(&mut self, pid: u32, tid: u32) -> Result<Status, ReadError> {
        self.path.truncate(self.directory);
        // Writing to a vector does not fail.
        let _ = write!(self.path, "{pid}/task/{tid}/status");
        let length = fill(Path::new(OsStr::from_bytes(&self.path)), &mut self.buffer)?;
        Status::parse(&self.buffer[..length]).map_err(ReadError::Malformed)
    }

    /// The arguments of a process, each ended by a NUL; those that stand at the
    /// end are left out. Empty for a zombie and for a kernel thread.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn arguments(&mut self, pid: u32, read: ReadMemory) -> Result<&[u8], ReadError> {
        let length = self.fill_arguments(pid, read)?;
        Ok(&self.buffer[..length])
    }

    /// The arguments joined by single blanks; what is no UTF-8 is replaced.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn command_line(&mut self, pid: u32, read: ReadMemory) -> Result<Cow<'_, str>, ReadError> {
        let length = self.fill_arguments(pid, read)?;
        let text = &mut self.buffer[..length];
        text.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b' ');
        Ok(String::from_utf8_lossy(text))
    }

    /// Where a link of a process points to.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn link(&mut self, pid: u32, link: &str) -> Result<PathBuf, ReadError> {
        self.go(pid, link);
        Ok(fs::read_link(self.path())?)
    }

    /// The inodes of the sockets among a process's descriptors.
    ///
    /// # Errors
    /// See [`ReadError`]; [`ReadError::Denied`] where it is another user's.
    pub fn sockets(&mut self, pid: u32) -> Result<Vec<u64>, ReadError> {
        self.go(pid, "fd");
        let mut sockets = Vec::new();
        for entry in fs::read_dir(self.path())? {
            // One that is closed meanwhile is none.
            let Ok(link) = entry.and_then(|entry| fs::read_link(entry.path())) else { continue };
            sockets.extend(socket_inode(link.as_os_str().as_encoded_bytes()));
        }
        Ok(sockets)
    }

    fn fill_arguments(&mut self, pid: u32, read: ReadMemory) -> Result<usize, ReadError> {
        self.go(pid, "cmdline");
        let path = Path::new(OsStr::from_bytes(&self.path));
        let length = read(path, 0, &mut self.buffer, LONGEST_FILE)?;
        if length == LONGEST_FILE {
            return Err(io::Error::other(TOO_LONG).into());
        }
        let text = &self.buffer[..length];
        Ok(text.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1))
    }

    fn go(&mut self, pid: u32, file: &str) {
        self.path.truncate(self.directory);
        // Writing to a vector does not fail.
        let _ = write!(self.path, "{pid}/{file}");
    }

    fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.path))
    }
}

/// The entries of a directory that are numbers: processes, or threads.
pub(super) fn numbers(entries: fs::ReadDir) -> io::Result<Vec<u32>> {
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
    entries.filter_map(|entry| entry.map(number).transpose()).collect()
}

/// The inode in a link such as `socket:[12345]` (proc_pid_fd(5)).
fn socket_inode(link: &[u8]) -> Option<u64> {
    let digits = link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Reads a file of /proc into a buffer, with one read: the kernel gives all of
/// it at once, unless it is larger than the buffer (a long list of groups).
/// Gives its length.
pub(super) fn fill(path: &Path, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let mut file = File::open(path)?;
    let mut length = 0;
    loop {
        length += read_on(&mut file, buffer, length)?;
        if length < buffer.len() {
            return Ok(length);
        }
    }
}

/// One read behind what the buffer holds already, which grows where it is full.
fn read_on(file: &mut File, buffer: &mut Vec<u8>, length: usize) -> io::Result<usize> {
    if length >= LONGEST_FILE {
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

    /// Of this process, whose memory arrives.
    fn at_once(path: &Path, _: u64, buffer: &mut Vec<u8>, _: usize) -> io::Result<usize> {
        *buffer = fs::read(path)?;
        Ok(buffer.len())
    }

    #[test]
    fn this_process_is_read_piece_by_piece() {
        let (mut files, pid) = (Files::new(&Root::default()), std::process::id());
        let stat = files.stat(pid).unwrap();
        assert_eq!(files.comm(pid).unwrap(), stat.name.as_bytes());
        assert_eq!(files.status(pid).unwrap().tgid, Some(pid));
        let first = std::env::args().next().unwrap();
        assert!(files.arguments(pid, at_once).unwrap().starts_with(first.as_bytes()));
        assert!(files.command_line(pid, at_once).unwrap().starts_with(&first));
        assert!(files.link(pid, "ns/pid").unwrap().to_string_lossy().starts_with("pid:["));
    }

    #[test]
    fn what_is_not_there_is_gone() {
        let mut files = Files::new(&Root::default());
        assert!(matches!(files.comm(4_194_305), Err(ReadError::Gone)));
        assert!(matches!(files.sockets(4_194_305), Err(ReadError::Gone)));
        assert!(matches!(Files::new(&Root::at("/nowhere")).stat(1), Err(ReadError::Gone)));
    }

    #[test]
    fn only_sockets_have_a_sockets_inode() {
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

//! Access to /proc without allocation, for forked helpers.

use std::ffi::{CStr, c_int};
use std::io::{self, Cursor, Write};

use libc::pid_t;

use crate::sys::signal::send::check_syscall;

/// Buffer for one file, allocated before a helper is forked.
pub(super) struct ThreadFileReader(Box<[u8]>);

impl ThreadFileReader {
    pub(super) fn new() -> ThreadFileReader {
        // A status file has 1.5 KiB, plus about 7 bytes for each group.
        ThreadFileReader(vec![0; 32 << 10].into_boxed_slice())
    }

    /// Reads a file of a thread's directory in /proc, truncated to the size of the
    /// buffer.
    pub(super) fn read(&mut self, pid: pid_t, tid: pid_t, name: &str) -> io::Result<&[u8]> {
        let file = open(pid, tid, name, 0)?;
        let mut length = 0;
        let result = loop {
            let free = &mut self.0[length..];
            // SAFETY: the pointer and the length are those of a slice that is
            // borrowed mutably.
            let count = unsafe { libc::read(file, free.as_mut_ptr().cast(), free.len()) };
            match usize::try_from(count) {
                Ok(0) => break Ok(()),
                Ok(count) => length += count,
                Err(_) => break Err(io::Error::last_os_error()),
            }
        };
        close(file);
        result.map(|()| &self.0[..length])
    }

    /// Reads the status of a thread.
    pub(super) fn status(&mut self, pid: pid_t, tid: pid_t) -> io::Result<ThreadStatus> {
        self.read(pid, tid, "status").map(ThreadStatus::parse)
    }
}

/// Whether the thread belongs to the process.
pub(super) fn is_thread(pid: pid_t, tid: pid_t) -> bool {
    open(pid, tid, "", libc::O_PATH).map(close).is_ok()
}

/// Opens a file of a thread's directory in /proc.
pub(super) fn open(pid: pid_t, tid: pid_t, name: &str, flags: c_int) -> io::Result<c_int> {
    open_path(&path(pid, tid, name)?, flags)
}

/// Returns the path of a file of a thread's directory in /proc, as a C string.
fn path(pid: pid_t, tid: pid_t, name: &str) -> io::Result<[u8; 64]> {
    let mut path = Cursor::new([0u8; 64]);
    write!(path, "/proc/{pid}/task/{tid}/{name}\0")?;
    Ok(path.into_inner())
}

/// Returns the user namespace of a thread, as the link in /proc names it; zeroes if
/// the link is not readable.
pub(super) fn user_namespace(pid: pid_t, tid: pid_t) -> [u8; 32] {
    let mut link = [0; 32];
    let Ok(path) = path(pid, tid, "ns/user") else { return link };
    // SAFETY: the path is a C string; the pointer and the length are those of an
    // array that is borrowed mutably.
    unsafe { libc::readlink(path.as_ptr().cast(), link.as_mut_ptr().cast(), link.len()) };
    link
}

/// Whether a process is in state R: running, or waiting for a processor.
pub(super) fn is_runnable(pid: pid_t) -> bool {
    let Ok(file) = open(pid, pid, "stat", 0) else { return false };
    let mut text = [0; 128];
    let length = read_at(file, 0, &mut text).unwrap_or(0);
    close(file);
    // The name before the state can contain any byte, so the last parenthesis
    // counts.
    let name_end = text[..length].iter().rposition(|byte| *byte == b')');
    name_end.is_some_and(|end| text.get(end + 2) == Some(&b'R'))
}

/// Reads from a file at an offset.
pub(super) fn read_at(file: c_int, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the pointer and the length are those of a slice that is borrowed
    // mutably.
    let count = unsafe { libc::pread(file, buffer.as_mut_ptr().cast(), buffer.len(), offset as libc::off_t) };
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}

/// Writes to a file at an offset.
pub(super) fn write_at(file: c_int, offset: u64, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: the pointer and the length are those of a slice, which is only read.
    let count = unsafe { libc::pwrite(file, bytes.as_ptr().cast(), bytes.len(), offset as libc::off_t) };
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}

/// Opens the directory of a process's threads.
pub(super) fn open_task_dir(pid: pid_t) -> io::Result<c_int> {
    let mut path = Cursor::new([0u8; 64]);
    write!(path, "/proc/{pid}/task\0")?;
    open_path(path.get_ref(), libc::O_DIRECTORY)
}

/// Reads the next numeric names of a directory; `None` at its end.
pub(super) fn read_dir_numbers(
    directory: c_int,
    buffer: &mut [u8],
) -> io::Result<Option<impl Iterator<Item = pid_t>>> {
    /// Offsets of the length and of the name in struct linux_dirent64.
    const LENGTH: usize = 16;
    const NAME: usize = 19;
    // SAFETY: the pointer and the length are those of a slice that is borrowed
    // mutably.
    let count = unsafe { libc::syscall(libc::SYS_getdents64, directory, buffer.as_mut_ptr(), buffer.len()) };
    check_syscall(count)?;
    let mut rest = buffer.get(..usize::try_from(count).unwrap_or(0)).unwrap_or_default();
    if rest.is_empty() {
        return Ok(None);
    }
    let names = std::iter::from_fn(move || {
        let length = rest.get(LENGTH..NAME - 1)?;
        let length = usize::from(u16::from_ne_bytes([length[0], length[1]]));
        let (entry, after) = rest.split_at_checked(length).filter(|(entry, _)| entry.len() > NAME)?;
        rest = after;
        entry[NAME..].split(|byte| *byte == 0).next()
    });
    // "." and ".." are not numbers.
    Ok(Some(names.filter_map(|name| std::str::from_utf8(name).ok()?.parse().ok())))
}

/// Opens a path that ends with a NUL.
fn open_path(path: &[u8], flags: c_int) -> io::Result<c_int> {
    let path = CStr::from_bytes_until_nul(path).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: the path is a C string.
    let file = unsafe { libc::open(path.as_ptr(), libc::O_CLOEXEC | flags) };
    check_syscall(file.into()).map(|()| file)
}

pub(super) fn close(file: c_int) {
    // SAFETY: the descriptor was opened in this module, and is not used again.
    unsafe { libc::close(file) };
}

/// Fields of a status file (proc_pid_status(5)); 0 if a line is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ThreadStatus {
    pub(super) state: u8,
    pub(super) tracer: u32,
    /// Real, effective and saved IDs.
    pub(super) uids: [u32; 3],
    pub(super) gids: [u32; 3],
    pub(super) is_kernel_thread: bool,
    pub(super) pending: u64,
    pub(super) shared_pending: u64,
    pub(super) blocked: u64,
    pub(super) ignored: u64,
    pub(super) caught: u64,
    pub(super) permitted: u64,
    pub(super) effective: u64,
    pub(super) is_filtered: bool,
}

impl ThreadStatus {
    pub(super) fn parse(text: &[u8]) -> ThreadStatus {
        let mut status = ThreadStatus::default();
        for line in text.split(|byte| *byte == b'\n') {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
            let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
            match name {
                b"State" => status.state = value.first().copied().unwrap_or(0),
                b"TracerPid" => status.tracer = parse_number(value, 10) as u32,
                b"Uid" => status.uids = parse_ids(value),
                b"Gid" => status.gids = parse_ids(value),
                b"Kthread" => status.is_kernel_thread = value == b"1",
                b"SigPnd" => status.pending = parse_number(value, 16),
                b"ShdPnd" => status.shared_pending = parse_number(value, 16),
                b"SigBlk" => status.blocked = parse_number(value, 16),
                b"SigIgn" => status.ignored = parse_number(value, 16),
                b"SigCgt" => status.caught = parse_number(value, 16),
                b"CapPrm" => status.permitted = parse_number(value, 16),
                b"CapEff" => status.effective = parse_number(value, 16),
                b"Seccomp" => status.is_filtered = parse_number(value, 10) != 0,
                _ => {}
            }
        }
        status
    }

    /// Whether the thread has exited.
    pub(super) fn has_exited(&self) -> bool {
        matches!(self.state, b'Z' | b'X')
    }
}

fn parse_ids(value: &[u8]) -> [u32; 3] {
    let mut ids = [0; 3];
    let fields = value.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
    ids.iter_mut().zip(fields).for_each(|(id, field)| *id = parse_number(field, 10) as u32);
    ids
}

/// Parses digits; 0 if they are not a number.
pub(super) fn parse_number(digits: &[u8], radix: u32) -> u64 {
    let text = std::str::from_utf8(digits).unwrap_or_default();
    u64::from_str_radix(text, radix).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_parsed() {
        let text =
            b"Name:\ta:\tb\nState:\tS (sleeping)\nTracerPid:\t12\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\n\
            Kthread:\t1\nSigPnd:\t0000000000000001\nShdPnd:\t0000000000004000\nSeccomp:\t2\n";
        let status = ThreadStatus::parse(text);
        assert_eq!((status.state, status.tracer, status.uids, status.gids), (b'S', 12, [1, 2, 3], [5, 6, 7]));
        assert_eq!((status.pending, status.shared_pending), (1, 0x4000));
        assert!(status.is_kernel_thread && status.is_filtered && !status.has_exited());
        assert_eq!(ThreadStatus::parse(b""), ThreadStatus::default());
        assert_eq!(ThreadStatus::parse(b"SigPnd:\tzz\nState:"), ThreadStatus::default());
    }

    #[test]
    fn thread_belongs_to_its_process_only() {
        let own = pid_t::try_from(std::process::id()).expect("a pid");
        assert!(is_thread(own, own));
        assert!(!is_thread(own, 1));
        let status = ThreadFileReader::new().status(own, own).expect("our own");
        assert!(!status.has_exited() && !status.is_kernel_thread);
        assert!(ThreadFileReader::new().status(own, 4_194_305).is_err());
    }

    #[test]
    fn read_dir_numbers_lists_threads() {
        let own = pid_t::try_from(std::process::id()).expect("a pid");
        let directory = open_task_dir(own).expect("ours");
        let mut buffer = vec![0; 4096];
        let mut found = Vec::new();
        while let Some(entries) = read_dir_numbers(directory, &mut buffer).expect("a directory") {
            found.extend(entries);
        }
        close(directory);
        assert!(found.contains(&own), "{found:?}");
        assert!(open_task_dir(4_194_305).is_err());
    }
}

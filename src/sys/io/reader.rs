//! A helper process that reads files which a target can make block for ever.
//!
//! A page of a target's memory may never arrive, because the target itself
//! (userfaultfd(2)) or a file server (FUSE) provides it. A process that reads the
//! page through /proc/PID/mem waits for it, and cannot always be killed. A thread of
//! the target that waits for such a page holds the memory lock of the target, and
//! reads of /proc/PID/cmdline and /proc/PID/maps wait for the lock. An epoll(7)
//! descriptor can block reads of its fdinfo in the same way.
//!
//! Therefore a helper process reads such files, one for each thread that needs them.
//! If it misses the deadline, it is killed and abandoned.

use std::cell::{RefCell, UnsafeCell};
use std::ffi::c_int;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use libc::pid_t;

use crate::sys::process::fork::{self, BlockedSignals, PlainData, SharedMemory, futex_wait, futex_wake};

/// The time that the reader may be blocked in one file. A page that was swapped out
/// arrives within that time.
const BLOCKED_TIMEOUT: Duration = Duration::from_millis(250);
/// The time that one file may take if the reader is not blocked but gets no CPU.
const STARVED_TIMEOUT: Duration = Duration::from_secs(3);
/// The total time that the readers of this process may be blocked. After that all
/// reads fail, so that the delays of many such targets do not add up.
const TOTAL_BLOCKED_TIMEOUT: Duration = Duration::from_secs(2);
/// The interval of checks of the state of a reader that has not answered.
const WAIT_SLICE: Duration = Duration::from_millis(20);
/// The time to wait for the exit of an abandoned reader.
const END_TIMEOUT: Duration = Duration::from_millis(10);
/// The interval of checks whether a killed reader has exited.
const END_POLL_INTERVAL: Duration = Duration::from_micros(50);
/// The greatest number of bytes in one answer.
const CHUNK_SIZE: usize = 64 << 10;
/// PATH_MAX, with its NUL.
const MAX_PATH_SIZE: usize = 4096;

/// The microseconds that the readers were blocked in total.
static BLOCKED_MICROS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static READER: RefCell<Option<ReaderProcess>> = const { RefCell::new(None) };
}

/// Reads a file from an offset to its end, at most `limit` bytes. Fills the buffer
/// from its beginning and extends it if needed. Returns the number of bytes read.
///
/// # Errors
/// The errors of open(2) and read(2); [`io::ErrorKind::TimedOut`] if the contents did
/// not arrive in time; an error if no reader can be started.
pub fn read(path: &Path, offset: u64, buffer: &mut Vec<u8>, limit: usize) -> io::Result<usize> {
    if BLOCKED_MICROS.load(Ordering::Relaxed) >= TOTAL_BLOCKED_TIMEOUT.as_micros() as u64 {
        return Err(io::ErrorKind::TimedOut.into());
    }
    READER.with_borrow_mut(|slot| {
        // A second attempt if another process has killed the reader.
        for _ in 0..2 {
            let mut reader = slot.take().map_or_else(ReaderProcess::start, Ok).map_err(start_error)?;
            match reader.read(path, offset, buffer, limit) {
                Ok(answer) => {
                    *slot = Some(reader);
                    return answer;
                }
                Err(ReaderFault::TimedOut) => return Err(io::ErrorKind::TimedOut.into()),
                Err(ReaderFault::Killed) => {}
            }
        }
        Err(io::Error::other("the process that reads it was killed"))
    })
}

fn start_error(error: io::Error) -> io::Error {
    io::Error::other(format!("no process can be started to read it: {error}"))
}

/// A request and its answer, in memory that both processes share. sigtool owns it
/// while `requested` and `done` are equal; otherwise the reader owns it.
#[repr(C)]
struct ReadBoard {
    /// The number of the latest request.
    requested: AtomicU32,
    /// The number of the latest request that was answered.
    done: AtomicU32,
    /// 1 to open the file, 0 to continue reading the open one.
    opens: AtomicU32,
    /// The greatest number of bytes to read.
    limit: AtomicU32,
    offset: AtomicU64,
    /// The number of bytes read.
    count: AtomicU32,
    /// The error of open(2) or read(2); 0 if they succeeded.
    error: AtomicI32,
    path: UnsafeCell<[u8; MAX_PATH_SIZE]>,
    data: UnsafeCell<[u8; CHUNK_SIZE]>,
}

// SAFETY: the fields are numbers and bytes, for which every value is valid.
unsafe impl PlainData for ReadBoard {}

/// The reason why a reader does not answer.
#[derive(Debug, PartialEq, Eq)]
enum ReaderFault {
    /// It missed the deadline.
    TimedOut,
    /// It was killed.
    Killed,
}

/// A single-threaded process that reads files.
struct ReaderProcess {
    board: SharedMemory<ReadBoard>,
    child: pid_t,
    is_abandoned: bool,
}

impl ReaderProcess {
    fn start() -> io::Result<ReaderProcess> {
        let board: SharedMemory<ReadBoard> = SharedMemory::new()?;
        // The reader inherits the mask and blocks every signal, so that a signal to the
        // process group of sigtool does not affect it.
        let blocked = BlockedSignals::block_all()?;
        // SAFETY: getpid(2) has no arguments.
        let parent = unsafe { libc::getpid() };
        let child = fork::start(0, || {
            fork::exit_with_parent(parent);
            // SAFETY: setsid(2) has no arguments.
            unsafe { libc::setsid() };
            fork::close_all_except(None);
            serve(board.get());
        })?;
        drop(blocked);
        Ok(ReaderProcess { board, child, is_abandoned: false })
    }

    /// Reads a file. The inner result is that of the system calls.
    fn read(
        &mut self,
        path: &Path,
        offset: u64,
        buffer: &mut Vec<u8>,
        limit: usize,
    ) -> Result<io::Result<usize>, ReaderFault> {
        let path = path.as_os_str().as_bytes();
        if path.len() >= MAX_PATH_SIZE || path.contains(&0) {
            return Ok(Err(io::ErrorKind::InvalidInput.into()));
        }
        let board = self.board.get();
        // SAFETY: the last request was answered, so this process owns the cell. The
        // length was checked above.
        unsafe {
            let cell = &mut *board.path.get();
            cell[..path.len()].copy_from_slice(path);
            cell[path.len()] = 0;
        }
        board.offset.store(offset, Ordering::Relaxed);
        board.opens.store(1, Ordering::Relaxed);
        let mut wait = ReadWait::new();
        let mut length = 0;
        loop {
            let chunk = CHUNK_SIZE.min(limit - length);
            self.board.get().limit.store(chunk as u32, Ordering::Relaxed);
            self.request(&mut wait)?;
            let board = self.board.get();
            match board.error.load(Ordering::Relaxed) {
                0 => {}
                error => return Ok(Err(io::Error::from_raw_os_error(error))),
            }
            let count = (board.count.load(Ordering::Relaxed) as usize).min(chunk);
            if buffer.len() < length + count {
                buffer.resize((length + count).max(buffer.len() * 2).max(8192), 0);
            }
            // SAFETY: the request was answered, so this process owns the cell.
            let data = unsafe { &*board.data.get() };
            buffer[length..length + count].copy_from_slice(&data[..count]);
            length += count;
            if count < chunk || length == limit {
                return Ok(Ok(length));
            }
            board.opens.store(0, Ordering::Relaxed);
        }
    }

    /// Passes the request to the reader and waits for its answer.
    fn request(&mut self, wait: &mut ReadWait) -> Result<(), ReaderFault> {
        let board = self.board.get();
        let number = board.requested.load(Ordering::Relaxed).wrapping_add(1);
        board.requested.store(number, Ordering::Release);
        futex_wake(&board.requested);
        let mut slice = Instant::now();
        loop {
            let done = board.done.load(Ordering::Acquire);
            if done == number {
                return Ok(());
            }
            let rest = WAIT_SLICE.saturating_sub(slice.elapsed());
            if !rest.is_zero() {
                futex_wait(&board.done, done, Some(rest));
                continue;
            }
            let fault = match state_of(self.child) {
                Some(b'Z' | b'X') => Some(ReaderFault::Killed),
                state => wait.is_expired(state, slice.elapsed()).then_some(ReaderFault::TimedOut),
            };
            if let Some(fault) = fault {
                self.is_abandoned = fault == ReaderFault::TimedOut;
                return Err(fault);
            }
            slice = Instant::now();
        }
    }
}

impl Drop for ReaderProcess {
    fn drop(&mut self) {
        // A reader that waits for a lock exits at once; one that waits for a page may not.
        let end = Instant::now() + END_TIMEOUT;
        fork::kill_child(self.child);
        while !(fork::try_reap(self.child) || self.is_abandoned && Instant::now() >= end) {
            std::thread::sleep(END_POLL_INTERVAL);
        }
    }
}

/// The time that the reader has needed for one file.
struct ReadWait {
    begin: Instant,
    blocked: Duration,
}

impl ReadWait {
    fn new() -> ReadWait {
        ReadWait { begin: Instant::now(), blocked: Duration::ZERO }
    }

    /// Adds the time since the last check, during which the reader was in this state,
    /// and returns whether the reader has missed its deadline.
    fn is_expired(&mut self, state: Option<u8>, time: Duration) -> bool {
        // A reader that gets no CPU is not blocked.
        if state != Some(b'R') {
            self.blocked += time;
            BLOCKED_MICROS.fetch_add(time.as_micros() as u64, Ordering::Relaxed);
        }
        self.blocked >= BLOCKED_TIMEOUT || self.begin.elapsed() >= STARVED_TIMEOUT
    }
}

/// The state of a child from /proc/PID/stat.
fn state_of(child: pid_t) -> Option<u8> {
    let text = std::fs::read(format!("/proc/{child}/stat")).ok()?;
    let name_end = text.iter().rposition(|byte| *byte == b')')?;
    text.get(name_end + 2).copied()
}

/// Answers requests in the reader process until it is killed.
fn serve(board: &ReadBoard) {
    let (mut last, mut file) = (0, -1);
    loop {
        let requested = board.requested.load(Ordering::Acquire);
        if requested == last {
            futex_wait(&board.requested, last, None);
            continue;
        }
        last = requested;
        let limit = (board.limit.load(Ordering::Relaxed) as usize).min(CHUNK_SIZE);
        // SAFETY: a request was made and not answered, so this process owns both
        // cells.
        let (path, data) = unsafe { (&*board.path.get(), &mut (&mut *board.data.get())[..limit]) };
        let opens = board.opens.load(Ordering::Relaxed) != 0;
        if opens && file >= 0 {
            close(file);
            file = -1;
        }
        let opened = match opens {
            false => Ok(()),
            true => open(path, board.offset.load(Ordering::Relaxed)).map(|opened| file = opened),
        };
        let answer = opened.and_then(|()| fill(file, data));
        // After a full answer the file may have more data.
        if file >= 0 && answer != Ok(CHUNK_SIZE) {
            close(file);
            file = -1;
        }
        board.count.store(answer.unwrap_or(0) as u32, Ordering::Relaxed);
        board.error.store(answer.err().unwrap_or(0), Ordering::Relaxed);
        board.done.store(requested, Ordering::Release);
        futex_wake(&board.done);
    }
}

/// Opens a file at an offset.
fn open(path: &[u8; MAX_PATH_SIZE], offset: u64) -> Result<c_int, c_int> {
    // SAFETY: the path ends with a NUL, which sigtool has written.
    let file = unsafe { libc::open(path.as_ptr().cast(), libc::O_RDONLY | libc::O_CLOEXEC) };
    if file < 0 {
        return Err(errno());
    }
    // SAFETY: the arguments of lseek64(2) are plain numbers.
    if offset != 0 && unsafe { libc::lseek64(file, offset as libc::off64_t, libc::SEEK_SET) } < 0 {
        let error = errno();
        close(file);
        return Err(error);
    }
    Ok(file)
}

/// Reads until the buffer is full or the file ends. The kernel returns a long file
/// of /proc in pieces.
fn fill(file: c_int, data: &mut [u8]) -> Result<usize, c_int> {
    let mut length = 0;
    while length < data.len() {
        let rest = &mut data[length..];
        // SAFETY: the pointer and the length are those of the buffer, which nothing
        // else uses during the call.
        match unsafe { libc::read(file, rest.as_mut_ptr().cast(), rest.len()) } {
            0 => break,
            count => length += usize::try_from(count).map_err(|_| errno())?,
        }
    }
    Ok(length)
}

fn close(file: c_int) {
    // SAFETY: this module has opened the descriptor, and does not use it again.
    unsafe { libc::close(file) };
}

/// The error of the last system call. Does not allocate.
fn errno() -> c_int {
    io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_returns_files_of_any_length() {
        let path = std::env::temp_dir().join(format!("sigtool-read-{}", std::process::id()));
        let mut buffer = Vec::new();
        for length in [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 5 * CHUNK_SIZE, 5 * CHUNK_SIZE + 7] {
            let bytes: Vec<u8> = (0..length).map(|index| (index % 251) as u8).collect();
            std::fs::write(&path, &bytes).expect("a file");
            assert_eq!(read(&path, 0, &mut buffer, 1 << 24).expect("it is there"), length);
            assert!(buffer[..length] == bytes);
            let rest = length.saturating_sub(3);
            assert_eq!(read(&path, 3, &mut buffer, 1 << 24).expect("it is there"), rest);
            assert!(buffer[..rest] == bytes[length - rest..]);
            let limit = length.min(CHUNK_SIZE + 1);
            assert_eq!(read(&path, 0, &mut buffer, limit).expect("it is there"), limit);
        }
        std::fs::remove_file(&path).expect("it is there");
    }

    #[test]
    fn read_reports_system_call_errors() {
        let (mut buffer, none) = (Vec::new(), Path::new("/nowhere"));
        let error = |path: &Path, buffer: &mut Vec<u8>| read(path, 0, buffer, 9).expect_err("no file").kind();
        assert_eq!(error(none, &mut buffer), io::ErrorKind::NotFound);
        assert_eq!(error(Path::new("/"), &mut buffer), io::ErrorKind::IsADirectory);
        let long = "x".repeat(5000);
        assert_eq!(error(Path::new(&long), &mut buffer), io::ErrorKind::InvalidInput);
        assert!(read(Path::new("/proc/self/comm"), 0, &mut buffer, 99).is_ok());
    }

    #[test]
    fn read_restarts_killed_reader() {
        let (mut buffer, path) = (Vec::new(), Path::new("/proc/sys/kernel/ostype"));
        for _ in 0..3 {
            assert_eq!(read(path, 0, &mut buffer, 99).expect("it is there"), 6);
            assert_eq!(&buffer[..6], b"Linux\n");
            let child = READER.with_borrow(|reader| reader.as_ref().map(|reader| reader.child));
            // SAFETY: the arguments of kill(2) are plain numbers, and the child has not
            // been reaped.
            unsafe { libc::kill(child.expect("a reader"), libc::SIGKILL) };
        }
    }

    #[test]
    fn blocked_reader_is_abandoned() {
        let path = std::env::temp_dir().join(format!("sigtool-fifo-{}", std::process::id()));
        let name = std::ffi::CString::new(path.as_os_str().as_bytes()).expect("no NUL");
        // SAFETY: the path is a C string.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        let (mut buffer, mut reader) = (Vec::new(), ReaderProcess::start().expect("a process"));
        // No process ever opens it for writing.
        assert_eq!(
            reader.read(&path, 0, &mut buffer, 9).map_err(|fault| fault == ReaderFault::TimedOut).err(),
            Some(true)
        );
        assert!(reader.is_abandoned);
        std::fs::remove_file(&path).expect("it is there");
        assert!(BLOCKED_MICROS.load(Ordering::Relaxed) >= 250_000);
    }
}

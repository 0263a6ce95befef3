//! Pidfiles: files that hold the PID of a process.
//!
//! A pidfile can outlive its process, and the PID can be reused.

use std::fmt;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::error::message_without_errno;
use crate::procfs::{PID_MAX_LIMIT, ProcReadError, ProcRoot};
use crate::sys::io::file::RegularFile;
use crate::sys::process;

/// The maximum size of a pidfile. The one of PostgreSQL has eight lines.
const MAX_PIDFILE_BYTES: usize = 4096;

/// The tolerance when times are compared: file times advance in ticks, and start
/// times of processes have a resolution of 10 ms.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(2);

/// The reason why a pidfile does not name a running process.
#[derive(Debug)]
pub enum PidfileError {
    /// It cannot be read.
    Io(io::Error),
    /// It is not a regular file, but for example a directory, a pipe or a device.
    NotRegularFile,
    /// It is empty.
    Empty,
    /// It is too long for a pidfile.
    TooLong,
    /// Its first word is not a PID.
    InvalidPid(String),
    /// There is no such process.
    NoSuchProcess(u32),
    /// The process has exited and was not waited for.
    Zombie(u32),
    /// The number is a TID.
    NotThreadGroupLeader(u32),
    /// The process was started after the file was written.
    StartedAfterWrite(u32, Duration),
    /// The files of the process in /proc cannot be read.
    Unreadable(u32, ProcReadError),
}

impl fmt::Display for PidfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PidfileError::Io(error) => f.write_str(&message_without_errno(error)),
            PidfileError::NotRegularFile => f.write_str("malformed: not a regular file"),
            PidfileError::Empty => f.write_str("malformed: empty"),
            PidfileError::TooLong => {
                write!(f, "malformed: more than {MAX_PIDFILE_BYTES} bytes are no pidfile")
            }
            PidfileError::InvalidPid(word) => {
                write!(f, "malformed: '{word}' is not a process id: they go from 1 to {PID_MAX_LIMIT}")
            }
            PidfileError::NoSuchProcess(pid) => write!(f, "stale: there is no process {pid}"),
            PidfileError::Zombie(pid) => write!(f, "stale: process {pid} has ended (a zombie)"),
            PidfileError::NotThreadGroupLeader(pid) => write!(f, "stale: {pid} is the number of a thread"),
            PidfileError::StartedAfterWrite(pid, by) => write!(
                f,
                "stale: process {pid} was started {} s after the file was last written",
                by.as_secs()
            ),
            PidfileError::Unreadable(pid, error) => write!(f, "process {pid}: {error}"),
        }
    }
}

/// Returns the PID of the process that a pidfile names.
///
/// # Errors
/// See [`PidfileError`].
pub(super) fn read_pid(root: &ProcRoot, path: &Path) -> Result<u32, PidfileError> {
    // Opening a FIFO would wait for its writer, and wake a waiting writer.
    let regular_file = RegularFile::find(path).map_err(|error| match error.raw_os_error() {
        Some(_) => PidfileError::Io(error),
        None => PidfileError::NotRegularFile,
    })?;
    let mut text = Vec::new();
    let file = regular_file.open().map_err(PidfileError::Io)?;
    file.take(MAX_PIDFILE_BYTES as u64 + 1).read_to_end(&mut text).map_err(PidfileError::Io)?;
    let pid = parse_pid(&text)?;
    let unreadable = |error| match error {
        ProcReadError::Gone => PidfileError::NoSuchProcess(pid),
        error => PidfileError::Unreadable(pid, error),
    };
    let stat = root.stat(pid).map_err(unreadable)?;
    if stat.state.has_exited() {
        return Err(PidfileError::Zombie(pid));
    }
    if !super::is_thread_group_leader(root, pid).map_err(unreadable)? {
        return Err(PidfileError::NotThreadGroupLeader(pid));
    }
    let modified = regular_file.metadata.modified().map_err(PidfileError::Io)?;
    let start_ticks = stat.start_ticks.ok_or(PidfileError::NoSuchProcess(pid))?;
    let age = Duration::from_millis(
        process::boot_ticks().saturating_sub(start_ticks).saturating_mul(1000) / process::ticks_per_second(),
    );
    // `None` if the result is before the epoch of the clock; then nothing is
    // known.
    match SystemTime::now().checked_sub(age).and_then(|start_time| start_time.duration_since(modified).ok()) {
        Some(delay) if delay > CLOCK_TOLERANCE => Err(PidfileError::StartedAfterWrite(pid, delay)),
        _ => Ok(pid),
    }
}

/// Parses the PID, the first word of a pidfile.
fn parse_pid(text: &[u8]) -> Result<u32, PidfileError> {
    if text.len() > MAX_PIDFILE_BYTES {
        return Err(PidfileError::TooLong);
    }
    let mut words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let word = words.next().ok_or(PidfileError::Empty)?;
    super::parse::pid(word).ok_or_else(|| {
        let prefix = &word[..word.len().min(20)];
        PidfileError::InvalidPid(String::from_utf8_lossy(prefix).replace(char::is_control, "?"))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pidfile_pid_is_first_word() {
        for text in ["1234", "1234\n", "  1234 nginx\n", "1234\n/var/lib/postgresql\n5432\n", "0001234"] {
            assert_eq!(parse_pid(text.as_bytes()).unwrap(), 1234, "{text}");
        }
        let long = " ".repeat(5000);
        for (text, message) in [
            ("", "malformed: empty"),
            (" \n", "malformed: empty"),
            ("0", "malformed: '0' is not a process id: they go from 1 to 4194304"),
            ("-1", "malformed: '-1' is not a process id: they go from 1 to 4194304"),
            ("+12", "malformed: '+12' is not a process id: they go from 1 to 4194304"),
            ("4294967297", "malformed: '4294967297' is not a process id: they go from 1 to 4194304"),
            ("nginx: 12", "malformed: 'nginx:' is not a process id: they go from 1 to 4194304"),
            (&long, "malformed: more than 4096 bytes are no pidfile"),
        ] {
            assert_eq!(parse_pid(text.as_bytes()).unwrap_err().to_string(), message);
        }
    }

    proptest! {
        #[test]
        fn pidfile_parser_accepts_any_bytes(text in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(pid) = parse_pid(&text) {
                prop_assert!((1..=PID_MAX_LIMIT).contains(&pid));
            }
        }
    }
}

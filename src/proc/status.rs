//! /proc/PID/status: text to value.

use std::fmt;

use super::{ProcessName, State, name};
use crate::signal::mask::{self, ParseMaskError};
use crate::signal::{Arch, SignalSet};

/// What a status file says. Only the signal lines are needed; what is missing
/// is `None`, because the file may come from another machine or a bug report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// `Name`.
    pub name: Option<ProcessName>,
    /// `State`.
    pub state: Option<State>,
    /// `Tgid`: the process.
    pub tgid: Option<u32>,
    /// `Pid`: the thread; the main thread's is the process's.
    pub pid: Option<u32>,
    /// `PPid`; 0 where the parent is outside the pid namespace, or there is none.
    pub parent: Option<u32>,
    /// `TracerPid`, if there is a tracer.
    pub tracer: Option<u32>,
    /// `Uid`: real and effective.
    pub uids: Option<(u32, u32)>,
    /// `Gid`: real and effective.
    pub gids: Option<(u32, u32)>,
    /// `NSpid`: its number in each pid namespace, the reader's first.
    pub namespace_pids: Vec<u32>,
    /// `Threads`.
    pub threads: Option<u32>,
    /// `Kthread`, which newer kernels have (about 6.8).
    pub kernel_thread: Option<bool>,
    /// `SigQ`.
    pub queue: Option<Queue>,
    /// `SigPnd`: pending for this thread.
    pub pending: Option<SignalSet>,
    /// `ShdPnd`: pending for the process.
    pub shared_pending: Option<SignalSet>,
    /// `SigBlk`: blocked by this thread.
    pub blocked: Option<SignalSet>,
    /// `SigIgn`: ignored by the process.
    pub ignored: Option<SignalSet>,
    /// `SigCgt`: caught by the process.
    pub caught: Option<SignalSet>,
    /// Whose numbering the sets are in: 32 digits are mips's.
    pub arch: Arch,
}

impl Default for Status {
    fn default() -> Status {
        Status {
            name: None,
            state: None,
            tgid: None,
            pid: None,
            parent: None,
            tracer: None,
            uids: None,
            gids: None,
            namespace_pids: Vec::new(),
            threads: None,
            kernel_thread: None,
            queue: None,
            pending: None,
            shared_pending: None,
            blocked: None,
            ignored: None,
            caught: None,
            arch: Arch::NATIVE,
        }
    }
}

/// `SigQ`: how many signals are queued for the real uid, over all of its
/// processes, and how many this process may bring it to (RLIMIT_SIGPENDING).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Queued, POSIX timers included.
    pub used: u64,
    /// The limit.
    pub limit: u64,
}

/// A set line of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetLine {
    /// `SigPnd`.
    Pending,
    /// `ShdPnd`.
    SharedPending,
    /// `SigBlk`.
    Blocked,
    /// `SigIgn`.
    Ignored,
    /// `SigCgt`.
    Caught,
}

impl SetLine {
    /// All of them, in the file's order.
    pub const ALL: [SetLine; 5] =
        [SetLine::Pending, SetLine::SharedPending, SetLine::Blocked, SetLine::Ignored, SetLine::Caught];

    /// The key in the file.
    pub const fn key(self) -> &'static str {
        match self {
            SetLine::Pending => "SigPnd",
            SetLine::SharedPending => "ShdPnd",
            SetLine::Blocked => "SigBlk",
            SetLine::Ignored => "SigIgn",
            SetLine::Caught => "SigCgt",
        }
    }

    /// The line of this key, in any case.
    pub fn by_key(key: &str) -> Option<SetLine> {
        SetLine::ALL.into_iter().find(|line| line.key().eq_ignore_ascii_case(key))
    }
}

impl Status {
    /// The set of a line, if the file has it.
    pub const fn set(&self, line: SetLine) -> Option<SignalSet> {
        match line {
            SetLine::Pending => self.pending,
            SetLine::SharedPending => self.shared_pending,
            SetLine::Blocked => self.blocked,
            SetLine::Ignored => self.ignored,
            SetLine::Caught => self.caught,
        }
    }

    /// Puts a set in its place.
    pub const fn put(&mut self, line: SetLine, set: SignalSet) {
        let place = match line {
            SetLine::Pending => &mut self.pending,
            SetLine::SharedPending => &mut self.shared_pending,
            SetLine::Blocked => &mut self.blocked,
            SetLine::Ignored => &mut self.ignored,
            SetLine::Caught => &mut self.caught,
        };
        *place = Some(set);
    }

    /// The set lines that are missing.
    pub fn missing(&self) -> impl Iterator<Item = SetLine> {
        SetLine::ALL.into_iter().filter(|line| self.set(*line).is_none())
    }

    /// Reads one status file, as the kernel prints it or as people pass it on:
    /// any blanks around keys and values, CRLF, empty lines, other lines.
    ///
    /// # Errors
    /// The first signal line that is wrong; [`ParseStatusError::NoSets`] where
    /// there is none at all.
    pub fn parse(text: &[u8]) -> Result<Status, ParseStatusError> {
        let mut status = Status::default();
        for line in text.split(|byte| *byte == b'\n').filter(|line| may_tell(line)) {
            if let Some((key, value)) = key_value(line) {
                status.take(key, value)?;
                if key == SetLine::Caught.key().as_bytes() && status.is_whole() {
                    break;
                }
            }
        }
        name::drop_line_end(&mut status.name, || name::ends_lines_with_cr(text));
        status.checked()
    }

    /// Whether all is read that the kernel prints: behind it as much follows
    /// again that is of no interest.
    fn is_whole(&self) -> bool {
        let ids = self.pid.is_some() && self.uids.is_some() && self.threads.is_some();
        ids && self.queue.is_some() && self.missing().next().is_none()
    }

    /// Itself, if it has any signal set.
    pub(super) fn checked(self) -> Result<Status, ParseStatusError> {
        if self.missing().count() == SetLine::ALL.len() {
            return Err(ParseStatusError::NoSets);
        }
        Ok(self)
    }

    /// Takes one line in. Lines of no interest are passed over, and so are
    /// those with a value that is not understood, but for the signal sets:
    /// those are what the file is read for.
    pub(super) fn take(&mut self, key: &[u8], value: &[u8]) -> Result<(), ParseStatusError> {
        match key {
            b"Name" => self.name = Some(ProcessName::from_status(value)),
            b"State" => self.state = value.first().map(|letter| State::new(*letter)),
            b"Tgid" => self.tgid = number(value),
            b"Pid" => self.pid = number(value),
            b"PPid" => self.parent = number(value),
            b"TracerPid" => self.tracer = number(value).filter(|tracer| *tracer != 0),
            b"Uid" => self.uids = first_two(value),
            b"Gid" => self.gids = first_two(value),
            b"NSpid" => self.namespace_pids = words(value).map_while(number).collect(),
            b"Threads" => self.threads = number(value),
            b"Kthread" => self.kernel_thread = number::<u8>(value).map(|flag| flag == 1),
            b"SigQ" => {
                let mut parts = value.split(|byte| *byte == b'/').map(<[u8]>::trim_ascii).map(number);
                let (used, limit) = (parts.next().flatten(), parts.next().flatten());
                self.queue = used.zip(limit).map(|(used, limit)| Queue { used, limit });
            }
            _ => return self.take_set(key, value),
        }
        Ok(())
    }

    fn take_set(&mut self, key: &[u8], value: &[u8]) -> Result<(), ParseStatusError> {
        let known = SetLine::ALL.into_iter().find(|line| line.key().as_bytes() == key);
        let Some(line) = known else { return Ok(()) };
        let (set, arch) = mask::parse_whole(value).map_err(|cause| ParseStatusError::Mask { line, cause })?;
        let first = self.missing().count() == SetLine::ALL.len();
        if !first && arch != self.arch {
            return Err(ParseStatusError::Mixed { line });
        }
        self.arch = arch;
        self.put(line, set);
        Ok(())
    }
}

/// Whether a line may be one of those that are read: by its first byte, as most
/// are not. A blank tells nothing.
fn may_tell(line: &[u8]) -> bool {
    line.first().is_some_and(|first| b"NSTPUGK".contains(first) || first.is_ascii_whitespace())
}

/// The key and the value of a line; `None` where it has no colon.
pub(super) fn key_value(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let key = line[..colon].trim_ascii();
    let value = &line[colon + 1..];
    // The kernel puts one tab after the colon and ends the line with a line
    // feed; a name's own blanks at its ends are part of it.
    let value = match key {
        b"Name" => value.strip_prefix(b"\t").unwrap_or(value.trim_ascii_start()),
        _ => value.trim_ascii(),
    };
    Some((key, value))
}

fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// Real and effective, of the four ids of a `Uid:` or `Gid:` line.
fn first_two(value: &[u8]) -> Option<(u32, u32)> {
    let mut ids = words(value).map(number);
    ids.next().flatten().zip(ids.next().flatten())
}

fn number<T: std::str::FromStr>(digits: &[u8]) -> Option<T> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Why a text is no status file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseStatusError {
    /// There is nothing in it.
    Empty,
    /// There is no signal line.
    NoSets,
    /// A signal line has no whole mask.
    Mask {
        /// The line.
        line: SetLine,
        /// What is wrong.
        cause: ParseMaskError,
    },
    /// A signal line has another width than those before it.
    Mixed {
        /// The line.
        line: SetLine,
    },
}

impl fmt::Display for ParseStatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParseStatusError::Empty => f.write_str("empty: no lines of /proc/PID/status"),
            ParseStatusError::NoSets => f.write_str(
                "no signal lines (SigPnd, ShdPnd, SigBlk, SigIgn, SigCgt): not a whole status file, or one of \
                 gVisor, which leaves them out",
            ),
            ParseStatusError::Mask { line, cause } => write!(f, "{}: {cause}", line.key()),
            ParseStatusError::Mixed { line } => {
                write!(f, "{}: masks of 16 and of 32 digits in one status", line.key())
            }
        }
    }
}

impl std::error::Error for ParseStatusError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// A status file as it was captured.
    macro_rules! captured {
        ($name:literal) => {
            Status::parse(include_bytes!(concat!("../../tests/data/status/", $name)))
        };
    }

    fn bits(set: Option<SignalSet>) -> Option<u128> {
        set.map(SignalSet::bits)
    }

    #[test]
    fn a_shell_is_read_whole() {
        let status = captured!("bash").unwrap();
        assert_eq!(status.name.as_ref().map(ProcessName::as_bytes), Some(&b"bash"[..]));
        assert_eq!(status.state.map(State::letter), Some('R'));
        assert_eq!((status.tgid, status.pid, status.parent), (Some(6476), Some(6476), Some(6474)));
        assert_eq!((status.tracer, status.uids, status.gids), (None, Some((0, 0)), Some((0, 0))));
        assert_eq!(status.namespace_pids, [6476]);
        assert_eq!((status.threads, status.kernel_thread), (Some(1), Some(false)));
        assert_eq!(status.queue, Some(Queue { used: 0, limit: 96551 }));
        assert_eq!((bits(status.pending), bits(status.shared_pending)), (Some(0), Some(0)));
        assert_eq!((bits(status.blocked), bits(status.ignored)), (Some(0), Some(0x38_4004)));
        assert_eq!(bits(status.caught), Some(0x4b81_3efb));
        assert_eq!(status.missing().count(), 0);
        assert_eq!(captured!("crlf").unwrap(), status, "CRLF changes nothing");
    }

    #[test]
    fn kinds_of_processes_are_told() {
        assert_eq!(captured!("kernel-thread").unwrap().kernel_thread, Some(true));
        assert_eq!(bits(captured!("kernel-thread").unwrap().ignored), Some(u64::MAX.into()));
        assert_eq!(captured!("java").unwrap().threads, Some(20));
        let stopped = captured!("stopped").unwrap();
        assert_eq!(stopped.state.map(State::letter), Some('T'));
        assert_eq!((bits(stopped.shared_pending), bits(stopped.blocked)), (Some(0x4000), Some(0x4000)));
        let zombie = captured!("zombie").unwrap();
        assert!(zombie.state.is_some_and(State::is_ended) && zombie.caught.is_some());
        let leader = captured!("leader-exited").unwrap();
        assert_eq!((leader.state.map(State::letter), leader.threads), (Some('Z'), Some(3)));
    }

    #[test]
    fn names_are_the_bytes_that_the_process_chose() {
        for (status, name) in [
            (captured!("name-spaces"), &b"a b  c"[..]),
            (captured!("name-colon"), b"SigBlk: 1"),
            (captured!("name-parenthesis"), b"sh) S 1 (x"),
            (captured!("name-newline"), b"two\nlines"),
            (captured!("name-escape"), b"\x1b[31mred\x1b[0m"),
            (captured!("name-cut-utf8"), b"f\xc3\xbcnfzehnBytes\xc3"),
            (captured!("name-backslash"), b"back\\slash\\n"),
        ] {
            let status = status.unwrap();
            assert_eq!(status.name.as_ref().map(ProcessName::as_bytes), Some(name));
            assert_eq!(bits(status.blocked), Some(0), "the name is not taken for a line");
        }
    }

    #[test]
    fn masks_of_32_digits_are_of_mips() {
        let status = captured!("mips").unwrap();
        assert_eq!(status.arch, Arch::Mips);
        assert_eq!(bits(status.shared_pending), Some(1 << 17));
        assert_eq!(bits(status.blocked), Some(1 << 126 | 1 << 15));
    }

    #[test]
    fn what_is_no_whole_status_is_an_error() {
        assert_eq!(captured!("gvisor"), Err(ParseStatusError::NoSets));
        assert_eq!(captured!("empty"), Err(ParseStatusError::NoSets));
        let cause = ParseMaskError::NotWhole(8);
        assert_eq!(captured!("cut-short"), Err(ParseStatusError::Mask { line: SetLine::Caught, cause }));
        let mixed = format!("SigBlk: {:016}\nSigIgn: {:032}\n", 0, 0);
        assert_eq!(Status::parse(mixed.as_bytes()), Err(ParseStatusError::Mixed { line: SetLine::Ignored }));
    }

    #[test]
    fn signal_lines_are_enough_with_any_blanks() {
        let status = captured!("signal-lines").unwrap();
        assert_eq!(status.queue, Some(Queue { used: 3, limit: 96365 }));
        assert_eq!(bits(status.shared_pending), Some(0x4000));
        assert_eq!(bits(status.caught), Some(0x1_8000_4007));
        assert_eq!((status.name, status.pid, status.state), (None, None, None));
    }

    #[test]
    fn other_lines_that_make_no_sense_do_not_spoil_the_rest() {
        let status = Status::parse(b"Pid: x\nUid: 1\nSigQ: 5\nThreads:\nState:\nSigBlk: 0000000000000001\n");
        let expected = Status { blocked: Some(SignalSet::from_bits(1)), ..Status::default() };
        assert_eq!(status, Ok(expected));
    }
}

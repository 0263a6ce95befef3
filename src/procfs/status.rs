//! Parser of /proc/PID/status.

use std::fmt;

use super::{ProcessName, TaskState, name};
use crate::signal::hex_mask::{self, ParseMaskError};
use crate::signal::{Arch, SignalSet};

/// The fields of a status file. A missing field is `None`, because the file may
/// come from another machine or a bug report. Only one signal line is required.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcStatus {
    /// `Name`.
    pub name: Option<ProcessName>,
    /// `State`.
    pub state: Option<TaskState>,
    /// `Tgid`: the PID of the process.
    pub tgid: Option<u32>,
    /// `Pid`: the TID; for the main thread it equals `Tgid`.
    pub pid: Option<u32>,
    /// `PPid`; 0 if the parent is outside the PID namespace or does not exist.
    pub parent_pid: Option<u32>,
    /// `TracerPid`, if there is a tracer.
    pub tracer_pid: Option<u32>,
    /// `Uid`: real and effective.
    pub uids: Option<(u32, u32)>,
    /// `Gid`: real and effective.
    pub gids: Option<(u32, u32)>,
    /// `NSpid`: its PID in each PID namespace, starting with that of the reader.
    pub namespace_pids: Vec<u32>,
    /// `Threads`.
    pub thread_count: Option<u32>,
    /// `Kthread`, which newer kernels print (since about 6.8).
    pub is_kernel_thread: Option<bool>,
    /// `SigQ`.
    pub queue_usage: Option<QueueUsage>,
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
    /// The architecture that determines the signal numbers: masks of 32 digits
    /// come from mips.
    pub arch: Arch,
}

impl Default for ProcStatus {
    fn default() -> ProcStatus {
        ProcStatus {
            name: None,
            state: None,
            tgid: None,
            pid: None,
            parent_pid: None,
            tracer_pid: None,
            uids: None,
            gids: None,
            namespace_pids: Vec::new(),
            thread_count: None,
            is_kernel_thread: None,
            queue_usage: None,
            pending: None,
            shared_pending: None,
            blocked: None,
            ignored: None,
            caught: None,
            arch: Arch::NATIVE,
        }
    }
}

/// `SigQ`: the number of signals queued for the real UID over all of its
/// processes, and the number up to which this process may queue
/// (RLIMIT_SIGPENDING).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueUsage {
    /// Queued signals, including POSIX timers.
    pub used: u64,
    pub limit: u64,
}

/// A line of the file that contains a signal set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalSetLine {
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

impl SignalSetLine {
    /// All lines in the order of the file.
    pub const ALL: [SignalSetLine; 5] = [
        SignalSetLine::Pending,
        SignalSetLine::SharedPending,
        SignalSetLine::Blocked,
        SignalSetLine::Ignored,
        SignalSetLine::Caught,
    ];

    /// Returns the key in the file.
    pub const fn key(self) -> &'static str {
        match self {
            SignalSetLine::Pending => "SigPnd",
            SignalSetLine::SharedPending => "ShdPnd",
            SignalSetLine::Blocked => "SigBlk",
            SignalSetLine::Ignored => "SigIgn",
            SignalSetLine::Caught => "SigCgt",
        }
    }

    /// Returns the line of a key, ignoring case.
    pub fn from_key(key: &str) -> Option<SignalSetLine> {
        SignalSetLine::ALL.into_iter().find(|line| line.key().eq_ignore_ascii_case(key))
    }
}

impl ProcStatus {
    /// Returns the set of a line, if the file has the line.
    pub const fn signal_set(&self, line: SignalSetLine) -> Option<SignalSet> {
        match line {
            SignalSetLine::Pending => self.pending,
            SignalSetLine::SharedPending => self.shared_pending,
            SignalSetLine::Blocked => self.blocked,
            SignalSetLine::Ignored => self.ignored,
            SignalSetLine::Caught => self.caught,
        }
    }

    /// Stores the set of a line.
    pub const fn insert_signal_set(&mut self, line: SignalSetLine, set: SignalSet) {
        let field = match line {
            SignalSetLine::Pending => &mut self.pending,
            SignalSetLine::SharedPending => &mut self.shared_pending,
            SignalSetLine::Blocked => &mut self.blocked,
            SignalSetLine::Ignored => &mut self.ignored,
            SignalSetLine::Caught => &mut self.caught,
        };
        *field = Some(set);
    }

    /// Returns the signal lines that are missing.
    pub fn missing_sets(&self) -> impl Iterator<Item = SignalSetLine> {
        SignalSetLine::ALL.into_iter().filter(|line| self.signal_set(*line).is_none())
    }

    /// Parses one status file as the kernel prints it or as users pass it on,
    /// with any blanks around keys and values, CRLF, empty lines and other lines.
    ///
    /// # Errors
    /// The first malformed signal line, or [`ParseStatusError::NoSignalSets`] if
    /// there is no signal line.
    pub fn parse(text: &[u8]) -> Result<ProcStatus, ParseStatusError> {
        let mut status = ProcStatus::default();
        for line in text.split(|byte| *byte == b'\n').filter(|line| may_start_known_key(line)) {
            if let Some((key, value)) = split_key_value(line) {
                status.parse_line(key, value)?;
                if key == SignalSetLine::Caught.key().as_bytes() && status.is_complete() {
                    break;
                }
            }
        }
        name::strip_cr(&mut status.name, || name::has_crlf_lines(text));
        status.require_signal_sets()
    }

    /// Returns true if every line that the kernel prints was read. The rest of
    /// the file, about half of it, is not needed.
    fn is_complete(&self) -> bool {
        let ids = self.pid.is_some() && self.uids.is_some() && self.thread_count.is_some();
        ids && self.queue_usage.is_some() && self.missing_sets().next().is_none()
    }

    /// Returns itself if it has a signal set, otherwise an error.
    pub(super) fn require_signal_sets(self) -> Result<ProcStatus, ParseStatusError> {
        if self.missing_sets().count() == SignalSetLine::ALL.len() {
            return Err(ParseStatusError::NoSignalSets);
        }
        Ok(self)
    }

    /// Parses one line. Unknown lines and malformed values are ignored. A
    /// malformed signal set is an error, because the file is read for the sets.
    pub(super) fn parse_line(&mut self, key: &[u8], value: &[u8]) -> Result<(), ParseStatusError> {
        match key {
            b"Name" => self.name = Some(ProcessName::from_status(value)),
            b"State" => self.state = value.first().map(|letter| TaskState::from_letter(*letter)),
            b"Tgid" => self.tgid = parse_number(value),
            b"Pid" => self.pid = parse_number(value),
            b"PPid" => self.parent_pid = parse_number(value),
            b"TracerPid" => self.tracer_pid = parse_number(value).filter(|tracer| *tracer != 0),
            b"Uid" => self.uids = real_and_effective(value),
            b"Gid" => self.gids = real_and_effective(value),
            b"NSpid" => self.namespace_pids = split_whitespace(value).map_while(parse_number).collect(),
            b"Threads" => self.thread_count = parse_number(value),
            b"Kthread" => self.is_kernel_thread = parse_number::<u8>(value).map(|flag| flag == 1),
            b"SigQ" => {
                let mut parts = value.split(|byte| *byte == b'/').map(<[u8]>::trim_ascii).map(parse_number);
                let (used, limit) = (parts.next().flatten(), parts.next().flatten());
                self.queue_usage = used.zip(limit).map(|(used, limit)| QueueUsage { used, limit });
            }
            _ => return self.parse_set_line(key, value),
        }
        Ok(())
    }

    fn parse_set_line(&mut self, key: &[u8], value: &[u8]) -> Result<(), ParseStatusError> {
        let known = SignalSetLine::ALL.into_iter().find(|line| line.key().as_bytes() == key);
        let Some(line) = known else { return Ok(()) };
        let (set, arch) = hex_mask::parse_full_width(value)
            .map_err(|cause| ParseStatusError::InvalidMask { line, cause })?;
        let is_first_set = self.missing_sets().count() == SignalSetLine::ALL.len();
        if !is_first_set && arch != self.arch {
            return Err(ParseStatusError::MixedMaskWidths { line });
        }
        self.arch = arch;
        self.insert_signal_set(line, set);
        Ok(())
    }
}

/// Returns true if the first byte of a line allows a known key. This skips most
/// lines early. A blank may precede any key.
fn may_start_known_key(line: &[u8]) -> bool {
    line.first().is_some_and(|first| b"NSTPUGK".contains(first) || first.is_ascii_whitespace())
}

/// Returns the key and the value of a line; `None` if the line has no colon.
pub(super) fn split_key_value(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let key = line[..colon].trim_ascii();
    let value = &line[colon + 1..];
    // The kernel prints one tab after the colon and a line feed at the end.
    // Blanks at the ends of a name belong to the name.
    let value = match key {
        b"Name" => value.strip_prefix(b"\t").unwrap_or(value.trim_ascii_start()),
        _ => value.trim_ascii(),
    };
    Some((key, value))
}

fn split_whitespace(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(u8::is_ascii_whitespace).filter(|part| !part.is_empty())
}

/// Returns the real and the effective ID of the four IDs in a `Uid:` or `Gid:`
/// line.
fn real_and_effective(value: &[u8]) -> Option<(u32, u32)> {
    let mut ids = split_whitespace(value).map(parse_number);
    ids.next().flatten().zip(ids.next().flatten())
}

fn parse_number<T: std::str::FromStr>(digits: &[u8]) -> Option<T> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The reason why a text is not a status file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseStatusError {
    /// The text is empty.
    Empty,
    /// The text has no signal line.
    NoSignalSets,
    /// A signal line has a malformed mask.
    InvalidMask {
        /// The line.
        line: SignalSetLine,
        /// The error in its mask.
        cause: ParseMaskError,
    },
    /// A signal line has a mask of a different width than those before it.
    MixedMaskWidths {
        /// The line.
        line: SignalSetLine,
    },
}

impl fmt::Display for ParseStatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParseStatusError::Empty => f.write_str("empty (expected the text of /proc/PID/status)"),
            ParseStatusError::NoSignalSets => f.write_str(
                "no signal lines such as SigBlk (an incomplete copy, or a kernel that omits them, for example \
                 gVisor)",
            ),
            ParseStatusError::InvalidMask { line, cause } => write!(f, "{}: {cause}", line.key()),
            ParseStatusError::MixedMaskWidths { line } => {
                write!(f, "{}: 16-digit and 32-digit masks in the same status", line.key())
            }
        }
    }
}

impl std::error::Error for ParseStatusError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses a status file captured from a real process.
    macro_rules! captured {
        ($name:literal) => {
            ProcStatus::parse(include_bytes!(concat!("../../tests/data/status/", $name)))
        };
    }

    fn bits(set: Option<SignalSet>) -> Option<u128> {
        set.map(SignalSet::bits)
    }

    #[test]
    fn parse_reads_all_fields_of_shell() {
        let status = captured!("bash").unwrap();
        assert_eq!(status.name.as_ref().map(ProcessName::as_bytes), Some(&b"bash"[..]));
        assert_eq!(status.state.map(TaskState::letter), Some('R'));
        assert_eq!((status.tgid, status.pid, status.parent_pid), (Some(6476), Some(6476), Some(6474)));
        assert_eq!((status.tracer_pid, status.uids, status.gids), (None, Some((0, 0)), Some((0, 0))));
        assert_eq!(status.namespace_pids, [6476]);
        assert_eq!((status.thread_count, status.is_kernel_thread), (Some(1), Some(false)));
        assert_eq!(status.queue_usage, Some(QueueUsage { used: 0, limit: 96551 }));
        assert_eq!((bits(status.pending), bits(status.shared_pending)), (Some(0), Some(0)));
        assert_eq!((bits(status.blocked), bits(status.ignored)), (Some(0), Some(0x38_4004)));
        assert_eq!(bits(status.caught), Some(0x4b81_3efb));
        assert_eq!(status.missing_sets().count(), 0);
        assert_eq!(captured!("crlf").unwrap(), status, "CRLF changes nothing");
    }

    #[test]
    fn parse_reads_kinds_of_processes() {
        assert_eq!(captured!("kernel-thread").unwrap().is_kernel_thread, Some(true));
        assert_eq!(bits(captured!("kernel-thread").unwrap().ignored), Some(u64::MAX.into()));
        assert_eq!(captured!("java").unwrap().thread_count, Some(20));
        let stopped = captured!("stopped").unwrap();
        assert_eq!(stopped.state.map(TaskState::letter), Some('T'));
        assert_eq!((bits(stopped.shared_pending), bits(stopped.blocked)), (Some(0x4000), Some(0x4000)));
        let zombie = captured!("zombie").unwrap();
        assert!(zombie.state.is_some_and(TaskState::has_exited) && zombie.caught.is_some());
        let leader = captured!("leader-exited").unwrap();
        assert_eq!((leader.state.map(TaskState::letter), leader.thread_count), (Some('Z'), Some(3)));
    }

    #[test]
    fn parse_keeps_raw_name_bytes() {
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
    fn masks_of_32_digits_select_mips() {
        let status = captured!("mips").unwrap();
        assert_eq!(status.arch, Arch::Mips);
        assert_eq!(bits(status.shared_pending), Some(1 << 17));
        assert_eq!(bits(status.blocked), Some(1 << 126 | 1 << 15));
    }

    #[test]
    fn parse_rejects_incomplete_status() {
        assert_eq!(captured!("gvisor"), Err(ParseStatusError::NoSignalSets));
        assert_eq!(captured!("empty"), Err(ParseStatusError::NoSignalSets));
        let cause = ParseMaskError::WrongLength(8);
        assert_eq!(
            captured!("cut-short"),
            Err(ParseStatusError::InvalidMask { line: SignalSetLine::Caught, cause })
        );
        let mixed = format!("SigBlk: {:016}\nSigIgn: {:032}\n", 0, 0);
        assert_eq!(
            ProcStatus::parse(mixed.as_bytes()),
            Err(ParseStatusError::MixedMaskWidths { line: SignalSetLine::Ignored })
        );
    }

    #[test]
    fn parse_accepts_signal_lines_alone() {
        let status = captured!("signal-lines").unwrap();
        assert_eq!(status.queue_usage, Some(QueueUsage { used: 3, limit: 96365 }));
        assert_eq!(bits(status.shared_pending), Some(0x4000));
        assert_eq!(bits(status.caught), Some(0x1_8000_4007));
        assert_eq!((status.name, status.pid, status.state), (None, None, None));
    }

    #[test]
    fn parse_ignores_invalid_other_lines() {
        let status =
            ProcStatus::parse(b"Pid: x\nUid: 1\nSigQ: 5\nThreads:\nState:\nSigBlk: 0000000000000001\n");
        let expected = ProcStatus { blocked: Some(SignalSet::from_bits(1)), ..ProcStatus::default() };
        assert_eq!(status, Ok(expected));
    }
}

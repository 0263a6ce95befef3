//! Parser of a text that contains several status files: the output of `cat
//! /proc/*/status`, of `grep Sig /proc/*/status` with file names, of `head` with
//! its titles, or a bug report.

use super::name;
use super::status::{ParseStatusError, ProcStatus, SignalSetLine, split_key_value};

/// The status of one process or thread found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DumpedStatus {
    /// The file name in front of its lines, if any.
    pub file_name: Option<Vec<u8>>,
    /// The parsed status. PID and TID are taken from the file name if no line
    /// contains them.
    pub status: ProcStatus,
}

/// The result of parsing a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StatusDump {
    /// The statuses in the order of the text.
    pub statuses: Vec<DumpedStatus>,
    /// The errors, each with a line number (from 1): that of the malformed line,
    /// or the first line of a status without signal lines.
    pub errors: Vec<(usize, ParseStatusError)>,
}

/// Parses all status files in a text.
///
/// # Errors
/// [`ParseStatusError::Empty`] or [`ParseStatusError::NoSignalSets`] if the text
/// contains no status.
pub(crate) fn parse(text: &[u8]) -> Result<StatusDump, ParseStatusError> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    if text.trim_ascii().is_empty() {
        return Err(ParseStatusError::Empty);
    }
    let mut dump = StatusDump::default();
    let mut current: Option<PartialStatus> = None;
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line_number = index + 1;
        if let Some(file) = parse_head_title(line) {
            dump.push_partial(current.replace(PartialStatus::new(Some(file), line_number)));
            continue;
        }
        let (file, line) = match split_grep_prefix(line) {
            Some((file, rest)) => (Some(file), rest),
            None => (None, line),
        };
        let Some((key, value)) = split_key_value(line).filter(|(key, _)| is_known_key(key)) else { continue };
        if current.as_ref().is_none_or(|current| current.ends_at(file, key)) {
            dump.push_partial(current.replace(PartialStatus::new(file, line_number)));
        }
        if let Some(current) = &mut current {
            current.keys.push(key.to_vec());
            if let Err(error) = current.status.parse_line(key, value) {
                current.error.get_or_insert((line_number, error));
            }
        }
    }
    dump.push_partial(current);
    if name::has_crlf_lines(text) {
        dump.statuses.iter_mut().for_each(|status| name::strip_cr(&mut status.status.name, || true));
    }
    let is_empty = dump.statuses.is_empty()
        && dump.errors.iter().all(|(_, error)| *error == ParseStatusError::NoSignalSets);
    if is_empty { Err(ParseStatusError::NoSignalSets) } else { Ok(dump) }
}

/// A status whose lines are still being read.
struct PartialStatus {
    file_name: Option<Vec<u8>>,
    /// The number of its first line.
    first_line: usize,
    keys: Vec<Vec<u8>>,
    status: ProcStatus,
    /// The first malformed line.
    error: Option<(usize, ParseStatusError)>,
}

impl PartialStatus {
    fn new(file_name: Option<&[u8]>, first_line: usize) -> PartialStatus {
        let file_name = file_name.map(<[u8]>::to_vec);
        PartialStatus { file_name, first_line, keys: Vec::new(), status: ProcStatus::default(), error: None }
    }

    /// Returns true if a line belongs to the next status: it has another file
    /// name, is the `Name:` line that starts every status, or has a key that this
    /// status already has.
    fn ends_at(&self, file: Option<&[u8]>, key: &[u8]) -> bool {
        let is_other_file = file.is_some_and(|file| self.file_name.as_deref() != Some(file));
        let starts_status = key == b"Name" || self.keys.iter().any(|known| known == key);
        is_other_file || (starts_status && !self.keys.is_empty())
    }
}

impl StatusDump {
    /// Adds a finished status. A status that is malformed or has no signal set is
    /// added as an error.
    fn push_partial(&mut self, partial: Option<PartialStatus>) {
        let Some(PartialStatus { file_name, first_line, keys, mut status, error }) = partial else {
            return;
        };
        if keys.is_empty() {
            return;
        }
        if let Some((pid, tid)) = file_name.as_deref().and_then(ids_from_path) {
            status.tgid = status.tgid.or(pid);
            status.pid = status.pid.or(tid).or(pid);
        }
        match (error, status.require_signal_sets()) {
            (Some(error), _) => self.errors.push(error),
            (None, Ok(status)) => self.statuses.push(DumpedStatus { file_name, status }),
            (None, Err(error)) => self.errors.push((first_line, error)),
        }
    }
}

/// Returns true if the parser uses the key. Other lines, such as prose, are
/// skipped.
fn is_known_key(key: &[u8]) -> bool {
    const KEYS: [&[u8]; 12] = [
        b"Name",
        b"State",
        b"Tgid",
        b"Pid",
        b"PPid",
        b"TracerPid",
        b"Uid",
        b"Gid",
        b"NSpid",
        b"Threads",
        b"Kthread",
        b"SigQ",
    ];
    KEYS.contains(&key) || SignalSetLine::ALL.into_iter().any(|line| line.key().as_bytes() == key)
}

/// Parses the file name in a title line of head(1).
fn parse_head_title(line: &[u8]) -> Option<&[u8]> {
    line.trim_ascii().strip_prefix(b"==> ")?.strip_suffix(b" <==")
}

/// Splits a line into the file name that grep(1) prints in front of it and the
/// rest. Accepts a line number between them (`grep -n`). The file name may
/// contain colons.
fn split_grep_prefix(line: &[u8]) -> Option<(&[u8], &[u8])> {
    // A line that starts with a known key has no file name in front of it, even
    // if a process is named "/proc/1/status:SigBlk:".
    if split_key_value(line).is_none_or(|(key, _)| is_known_key(key)) {
        return None;
    }
    let colons = line.iter().enumerate().filter(|(_, byte)| **byte == b':').map(|(colon, _)| colon);
    let split_before_key = |colon: usize| {
        let end = line[colon + 1..].iter().position(|byte| *byte == b':')?;
        is_known_key(&line[colon + 1..colon + 1 + end]).then_some((&line[..colon], &line[colon + 1..]))
    };
    let (file, rest) = colons.into_iter().find_map(split_before_key)?;
    let line_number_colon = file.iter().rposition(|byte| *byte == b':').filter(|colon| {
        let digits = &file[colon + 1..];
        !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
    });
    Some((line_number_colon.map_or(file, |colon| &file[..colon]), rest))
}

/// Parses the PID and the TID in a path such as /proc/12/task/13/status.
fn ids_from_path(file: &[u8]) -> Option<(Option<u32>, Option<u32>)> {
    let number = |part: &[u8]| std::str::from_utf8(part).ok()?.parse::<u32>().ok();
    let mut parts = file.rsplit(|byte| *byte == b'/');
    parts.next().filter(|name| *name == b"status")?;
    let last = parts.next().and_then(number)?;
    if parts.next() == Some(b"task") {
        return Some((parts.next().and_then(number), Some(last)));
    }
    Some((Some(last), None))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<DumpedStatus> {
        let dump = parse(text.as_bytes()).unwrap();
        assert_eq!(dump.errors, []);
        dump.statuses
    }

    #[test]
    fn parse_separates_grep_files() {
        let dump = read(
            "/proc/1/status:SigQ:\t0/96365\n/proc/1/status:SigBlk:\t0000000000010000\n\
             /proc/22/status:SigQ:\t0/96365\n/proc/22/status:SigBlk:\t0000000000000002\n\
             /proc/22/task/23/status:SigBlk:\t0000000000000004\n",
        );
        let ids: Vec<_> = dump.iter().map(|r| (r.status.tgid, r.status.pid)).collect();
        assert_eq!(ids, [(Some(1), Some(1)), (Some(22), Some(22)), (Some(22), Some(23))]);
        let blocked: Vec<_> = dump.iter().filter_map(|r| r.status.blocked).map(|s| s.bits()).collect();
        assert_eq!(blocked, [0x10000, 2, 4]);
    }

    #[test]
    fn parse_accepts_grep_line_numbers() {
        let dump = read("7/status:48:SigBlk:\t0000000000000002\n7/status:49:SigIgn:\t0000000000000004\n");
        assert_eq!(dump.len(), 1);
        assert_eq!(dump[0].status.tgid, Some(7));
        assert_eq!(dump[0].status.ignored.map(|set| set.bits()), Some(4));
    }

    #[test]
    fn parse_separates_concatenated_files() {
        let one = "Name:\ta\nPid:\t5\nSigBlk:\t0000000000000002\n";
        let other = "Name:\tb\nPid:\t6\nSigBlk:\t0000000000000004\n";
        let dump = read(&format!("{one}{other}"));
        let pids: Vec<_> = dump.iter().map(|status| status.status.pid).collect();
        assert_eq!(pids, [Some(5), Some(6)]);
    }

    #[test]
    fn parse_separates_repeated_signal_lines() {
        let sets = "SigQ: 0/5\nSigPnd: 0000000000000000\nSigBlk: 0000000000000001\n";
        assert_eq!(read(&sets.repeat(3)).len(), 3);
    }

    #[test]
    fn parse_reads_pid_from_head_titles() {
        let dump = read(
            "==> /proc/9/status <==\nSigBlk:\t0000000000000002\n\n==> /proc/10/status <==\nSigBlk:\t0000000000000002\n",
        );
        let pids: Vec<_> = dump.iter().map(|status| status.status.pid).collect();
        assert_eq!(pids, [Some(9), Some(10)]);
    }

    #[test]
    fn process_name_cannot_forge_lines() {
        let statuses = read("Name:\t/proc/1/status:SigBlk: 0\nPid:\t5\nSigBlk:\t0000000000000002\n");
        assert_eq!(statuses.len(), 1);
        assert_eq!(statuses[0].status.pid, Some(5));
        let name = statuses[0].status.name.clone().unwrap();
        assert_eq!(name.as_bytes(), b"/proc/1/status:SigBlk: 0");
    }

    #[test]
    fn repeated_key_starts_new_status() {
        let sets = "SigBlk:\t0000000000000001\n";
        for (text, pids) in [
            (format!("Pid:\t1\n{sets}Pid:\t2\n{sets}"), [Some(1), Some(2)]),
            (format!("Threads:\t2\n{sets}Name:\ta\nPid:\t2\n{sets}"), [None, Some(2)]),
            (format!("Name:\ta\nPid:\t1\nThreads:\t2\n{sets}Threads:\t1\n{sets}"), [Some(1), None]),
            (format!("{sets}Name:\ta\nPid:\t2\n{sets}"), [None, Some(2)]),
        ] {
            let found: Vec<_> = read(&text).iter().map(|status| status.status.pid).collect();
            assert_eq!(found, pids, "{text}");
        }
    }

    #[test]
    fn file_names_may_contain_colons() {
        let line = "SigBlk:\t0000000000000001";
        let dump =
            read(&format!("10.0.0.1:22/status:{line}\nhost:/proc/6/status:9:{line}\nbug 7.txt:{line}\n"));
        let files: Vec<_> = dump.iter().filter_map(|status| status.file_name.as_deref()).collect();
        assert_eq!(files, [&b"10.0.0.1:22/status"[..], b"host:/proc/6/status", b"bug 7.txt"]);
        assert_eq!(dump[1].status.pid, Some(6));
    }

    #[test]
    fn parse_skips_byte_order_mark() {
        let dump = read("\u{feff}SigPnd:\t0000000000000001\n");
        assert_eq!(dump[0].status.pending.map(|set| set.bits()), Some(1));
    }

    #[test]
    fn invalid_status_does_not_affect_others() {
        let sets = "SigBlk:\t0000000000000001\n";
        let text = format!("Name:\ta\n{sets}Name:\tb\nPid:\t2\nName:\tc\nSigBlk:\t0001\nName:\td\n{sets}");
        let dump = parse(text.as_bytes()).unwrap();
        assert_eq!(dump.statuses.len(), 2);
        let lines: Vec<usize> = dump.errors.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [3, 6], "where b begins, and where c is wrong");
    }

    #[test]
    fn errors_report_line_numbers() {
        let dump = parse(b"SigQ: 0/5\nSigBlk: 00000000\n").unwrap();
        let (line, error) = &dump.errors[0];
        assert_eq!((*line, dump.statuses.len()), (2, 0));
        assert!(error.to_string().starts_with("SigBlk: 8 hexadecimal digits"), "{error}");
        assert_eq!(parse(b" \n"), Err(ParseStatusError::Empty));
        assert_eq!(parse(b"Name:\tx\n"), Err(ParseStatusError::NoSignalSets));
        assert_eq!(parse(b"hello"), Err(ParseStatusError::NoSignalSets));
    }

    proptest! {
        #[test]
        fn parse_dump_never_panics(text: Vec<u8>, prefix in "(/proc/1/status:|Name:\t|SigBlk: |==> )?") {
            let mut whole = prefix.into_bytes();
            whole.extend(text);
            let _ = parse(&whole);
            let _ = ProcStatus::parse(&whole);
        }
    }
}

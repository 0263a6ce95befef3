//! Several status files in one text: `cat /proc/*/status`, `grep Sig
//! /proc/*/status` with its file names, `head` with its titles, a bug report.

use super::status::{ParseStatusError, SetLine, Status, key_value};

/// One process, or thread, found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The file name that stood before its lines, if one did.
    pub file: Option<Vec<u8>>,
    /// What the lines say. Where the file name tells pid and thread, and no
    /// line does, they are taken from there.
    pub status: Status,
}

/// Reads all of them.
///
/// # Errors
/// The number of the line (from 1) where it is wrong, 0 for the text as a
/// whole, and what is wrong.
pub fn parse(text: &[u8]) -> Result<Vec<Record>, (usize, ParseStatusError)> {
    if text.trim_ascii().is_empty() {
        return Err((0, ParseStatusError::Empty));
    }
    let mut records: Vec<Record> = Vec::new();
    let mut open: Option<Open> = None;
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let at = index + 1;
        if let Some(file) = title(line) {
            close(&mut records, open.replace(Open::new(Some(file))));
            continue;
        }
        let (file, line) = match prefix(line) {
            Some((file, rest)) => (Some(file), rest),
            None => (None, line),
        };
        let Some((key, value)) = key_value(line) else { continue };
        let begins = match &open {
            Some(open) => open.ends_before(file, key),
            None => true,
        };
        if begins {
            close(&mut records, open.replace(Open::new(file)));
        }
        if let Some(open) = &mut open {
            open.keys.push(key.to_vec());
            open.status.take(key, value).map_err(|error| (at, error))?;
        }
    }
    close(&mut records, open);
    if records.is_empty() { Err((0, ParseStatusError::NoSets)) } else { Ok(records) }
}

/// A record whose lines are still being read.
struct Open {
    file: Option<Vec<u8>>,
    keys: Vec<Vec<u8>>,
    status: Status,
}

impl Open {
    fn new(file: Option<&[u8]>) -> Open {
        Open { file: file.map(<[u8]>::to_vec), keys: Vec::new(), status: Status::default() }
    }

    /// Whether a line belongs to the next record: another file's, or a key
    /// that this one already has.
    fn ends_before(&self, file: Option<&[u8]>, key: &[u8]) -> bool {
        let other_file = file.is_some_and(|file| self.file.as_deref() != Some(file));
        other_file || (is_ours(key) && self.keys.iter().any(|known| known == key))
    }
}

/// Keeps a record that has a signal set; text between records has none.
fn close(records: &mut Vec<Record>, open: Option<Open>) {
    let Some(Open { file, mut status, .. }) = open else { return };
    if let Some((pid, tid)) = file.as_deref().and_then(ids) {
        status.tgid = status.tgid.or(pid);
        status.pid = status.pid.or(tid).or(pid);
    }
    if let Ok(status) = status.checked() {
        records.push(Record { file, status });
    }
}

/// Whether a key is one of a status file that tells records apart.
fn is_ours(key: &[u8]) -> bool {
    key == b"Name" || key == b"SigQ" || SetLine::ALL.into_iter().any(|line| line.key().as_bytes() == key)
}

/// The file name in a line that head(1) puts above each file.
fn title(line: &[u8]) -> Option<&[u8]> {
    line.trim_ascii().strip_prefix(b"==> ")?.strip_suffix(b" <==")
}

/// The file name that grep(1) puts before a line, and the line; also with the
/// line's number between them (`grep -n`).
fn prefix(line: &[u8]) -> Option<(&[u8], &[u8])> {
    // A line that begins with a key of ours has no file name before it, even
    // if a process calls itself "/proc/1/status:SigBlk:".
    let (key, _) = key_value(line)?;
    if is_ours(key) || !key.ends_with(b"status") {
        return None;
    }
    let colon = line.iter().position(|byte| *byte == b':')?;
    let rest = &line[colon + 1..];
    let numbered = rest
        .iter()
        .position(|byte| *byte == b':')
        .filter(|end| *end > 0 && rest[..*end].iter().all(u8::is_ascii_digit));
    let rest = numbered.map_or(rest, |end| &rest[end + 1..]);
    Some((key, rest))
}

/// The process and the thread in a path such as /proc/12/task/13/status.
fn ids(file: &[u8]) -> Option<(Option<u32>, Option<u32>)> {
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

    fn read(text: &str) -> Vec<Record> {
        parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn grep_of_several_files_gives_a_record_each() {
        let records = read(
            "/proc/1/status:SigQ:\t0/96365\n/proc/1/status:SigBlk:\t0000000000010000\n\
             /proc/22/status:SigQ:\t0/96365\n/proc/22/status:SigBlk:\t0000000000000002\n\
             /proc/22/task/23/status:SigBlk:\t0000000000000004\n",
        );
        let ids: Vec<_> = records.iter().map(|r| (r.status.tgid, r.status.pid)).collect();
        assert_eq!(ids, [(Some(1), Some(1)), (Some(22), Some(22)), (Some(22), Some(23))]);
        let blocked: Vec<_> = records.iter().filter_map(|r| r.status.blocked).map(|s| s.bits()).collect();
        assert_eq!(blocked, [0x10000, 2, 4]);
    }

    #[test]
    fn grep_with_line_numbers_and_relative_paths() {
        let records = read("7/status:48:SigBlk:\t0000000000000002\n7/status:49:SigIgn:\t0000000000000004\n");
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].status.tgid, Some(7));
        assert_eq!(records[0].status.ignored.map(|set| set.bits()), Some(4));
    }

    #[test]
    fn files_one_after_another_are_told_apart() {
        let one = "Name:\ta\nPid:\t5\nSigBlk:\t0000000000000002\n";
        let other = "Name:\tb\nPid:\t6\nSigBlk:\t0000000000000004\n";
        let records = read(&format!("{one}{other}"));
        let pids: Vec<_> = records.iter().map(|record| record.status.pid).collect();
        assert_eq!(pids, [Some(5), Some(6)]);
    }

    #[test]
    fn bare_signal_lines_of_several_processes_are_told_apart() {
        let sets = "SigQ: 0/5\nSigPnd: 0000000000000000\nSigBlk: 0000000000000001\n";
        assert_eq!(read(&sets.repeat(3)).len(), 3);
    }

    #[test]
    fn titles_of_head_name_the_process() {
        let records = read(
            "==> /proc/9/status <==\nSigBlk:\t0000000000000002\n\n==> /proc/10/status <==\nSigBlk:\t0000000000000002\n",
        );
        let pids: Vec<_> = records.iter().map(|record| record.status.pid).collect();
        assert_eq!(pids, [Some(9), Some(10)]);
    }

    #[test]
    fn a_name_cannot_pose_as_a_file_or_a_line() {
        let records = read("Name:\t/proc/1/status:SigBlk: 0\nPid:\t5\nSigBlk:\t0000000000000002\n");
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].status.pid, Some(5));
        let name = records[0].status.name.clone().unwrap();
        assert_eq!(name.as_bytes(), b"/proc/1/status:SigBlk: 0");
    }

    #[test]
    fn errors_name_the_line() {
        let error = parse(b"SigQ: 0/5\nSigBlk: 00000000\n").unwrap_err();
        assert_eq!(error.0, 2);
        assert!(error.1.to_string().starts_with("SigBlk: 8 hexadecimal digits"), "{}", error.1);
        assert_eq!(parse(b" \n").unwrap_err(), (0, ParseStatusError::Empty));
        assert_eq!(parse(b"Name:\tx\n").unwrap_err(), (0, ParseStatusError::NoSets));
        assert_eq!(parse(b"hello").unwrap_err(), (0, ParseStatusError::NoSets));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(text: Vec<u8>, prefix in "(/proc/1/status:|Name:\t|SigBlk: |==> )?") {
            let mut whole = prefix.into_bytes();
            whole.extend(text);
            let _ = parse(&whole);
            let _ = Status::parse(&whole);
        }
    }
}

//! Names of processes and threads.

/// A name as the kernel stores it (comm, at most 15 bytes). It contains any bytes
/// except NUL and is not always UTF-8, because the kernel can cut it inside a
/// character.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ProcessName(Vec<u8>);

impl ProcessName {
    /// Creates a name from its bytes.
    pub fn new(name: &[u8]) -> ProcessName {
        ProcessName(name.to_vec())
    }

    /// Parses the value of a `Name:` line, in which the kernel escapes only line
    /// feeds and backslashes (`proc_task_name` in fs/proc/array.c).
    pub fn from_status(value: &[u8]) -> ProcessName {
        let mut name = Vec::with_capacity(value.len());
        let mut rest = value;
        loop {
            rest = match rest {
                [b'\\', b'n', rest @ ..] => {
                    name.push(b'\n');
                    rest
                }
                [b'\\', b'\\', rest @ ..] => {
                    name.push(b'\\');
                    rest
                }
                [byte, rest @ ..] => {
                    name.push(*byte);
                    rest
                }
                [] => return ProcessName(name),
            }
        }
    }

    /// Returns the bytes of the name.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the name for use in a sentence: invalid UTF-8 as `\xff` and each
    /// backslash doubled. The caller must escape control characters when it
    /// prints the sentence.
    pub fn escape_invalid_utf8(&self) -> String {
        let mut text = String::with_capacity(self.0.len());
        for chunk in self.0.utf8_chunks() {
            text.push_str(&chunk.valid().replace('\\', "\\\\"));
            text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
        }
        text
    }
}

/// Returns true if the lines of a text end in CR LF, as some mail programs make
/// them. The `Name:` line does not count, because a process name can end in CR.
pub(super) fn has_crlf_lines(text: &[u8]) -> bool {
    let is_name = |line: &[u8]| line.windows(5).any(|part| part == b"Name:");
    text.contains(&b'\r')
        && text.split(|byte| *byte == b'\n').any(|line| line.ends_with(b"\r") && !is_name(line))
}

/// Removes a CR at the end of a name if it belongs to the line end.
pub(super) fn strip_cr(name: &mut Option<ProcessName>, is_line_end: impl FnOnce() -> bool) {
    if let Some(ProcessName(bytes)) = name
        && bytes.ends_with(b"\r")
        && is_line_end()
    {
        bytes.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_status_unescapes_name() {
        for (value, name) in [
            (&b"bash"[..], &b"bash"[..]),
            (b"a\\nb", b"a\nb"),
            (b"a\\\\nb", b"a\\nb"),
            (b"end\\", b"end\\"),
            (b"\\t", b"\\t"),
            (b"", b""),
            (b"cut\xe2\x82", b"cut\xe2\x82"),
        ] {
            assert_eq!(ProcessName::from_status(value).as_bytes(), name);
        }
    }

    #[test]
    fn escape_invalid_utf8_keeps_valid_text() {
        let text = |name: &[u8]| ProcessName::new(name).escape_invalid_utf8();
        assert_eq!(text("größe\u{1b}".as_bytes()), "größe\u{1b}");
        assert_eq!(text(b"cut\xe2\x82\\n"), "cut\\xe2\\x82\\\\n");
    }

    #[test]
    fn cr_belongs_to_name_unless_all_lines_end_in_cr() {
        use super::super::{ProcStatus, status_dump};
        let name = |text: &[u8]| {
            let status = ProcStatus::parse(text).unwrap();
            let record = status_dump::parse(text).unwrap().statuses.remove(0).status;
            assert_eq!(status.name, record.name);
            status.name.unwrap().as_bytes().to_vec()
        };
        assert_eq!(name(b"Name:\tbash\r\nSigBlk:\t0000000000000000\n"), b"bash\r");
        assert_eq!(name(b"Name:\tbash\r\nSigBlk:\t0000000000000000\r\n"), b"bash");
        assert_eq!(name(b"Name:\tbash\r\r\nSigBlk:\t0000000000000000\r\n"), b"bash\r");
    }
}

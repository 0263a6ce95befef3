//! Names of processes and threads.

/// A name as the kernel keeps it (comm, at most 15 bytes): any bytes but NUL,
/// not always UTF-8, for it may be cut inside a character.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ProcessName(Vec<u8>);

impl ProcessName {
    /// A name as it is.
    pub fn new(name: &[u8]) -> ProcessName {
        ProcessName(name.to_vec())
    }

    /// Reads the value of a `Name:` line, in which the kernel escapes line
    /// feeds and backslashes and nothing else (fs/proc/array.c, `proc_task_name`).
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

    /// The bytes themselves.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The name within a sentence: bytes that are no UTF-8 as `\xff`, a backslash
    /// as two. Control characters are left to whoever prints the sentence.
    pub fn escape_invalid_utf8(&self) -> String {
        let mut text = String::with_capacity(self.0.len());
        for chunk in self.0.utf8_chunks() {
            text.push_str(&chunk.valid().replace('\\', "\\\\"));
            text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
        }
        text
    }
}

/// Whether the lines of a text end in CR LF, as those that went through some
/// mailers do. A process may call itself something that ends in CR: its own
/// line is not asked.
pub(super) fn has_crlf_lines(text: &[u8]) -> bool {
    let is_name = |line: &[u8]| line.windows(5).any(|part| part == b"Name:");
    text.contains(&b'\r')
        && text.split(|byte| *byte == b'\n').any(|line| line.ends_with(b"\r") && !is_name(line))
}

/// Takes the CR of the line's end from a name, where it is one.
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
    fn from_status_unescapes() {
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

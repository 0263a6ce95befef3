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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_escapes_are_undone() {
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
}

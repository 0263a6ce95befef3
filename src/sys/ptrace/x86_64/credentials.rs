//! Comparison of a thread's credentials with those of this process.

use libc::pid_t;

use super::procfs_noalloc::{self, ThreadFileReader, parse_number};

/// The lines of /proc/PID/status that must be equal: real, effective, saved and
/// file system IDs, and all capability sets (proc_pid_status(5)).
const COMPARED_LINES: [&[u8]; 7] = [b"Uid", b"Gid", b"CapInh", b"CapPrm", b"CapEff", b"CapBnd", b"CapAmb"];
/// CAP_SETGID (uapi linux/capability.h): with it, supplementary groups do not
/// matter.
const CAP_SETGID: u64 = 1 << 6;

/// The credentials of this process.
pub(super) struct Credentials {
    status: Vec<u8>,
    user_namespace: [u8; 32],
}

impl Credentials {
    /// Reads the credentials of this process. If they cannot be read, no other
    /// process has equal credentials.
    pub(super) fn own() -> Credentials {
        let own = std::process::id() as pid_t;
        let status = ThreadFileReader::new().read(own, own, "status").map(<[u8]>::to_vec).unwrap_or_default();
        Credentials { status, user_namespace: procfs_noalloc::user_namespace(own, own) }
    }

    /// Whether a thread with this status file and this user namespace has equal
    /// credentials. The result is valid only while the thread is stopped. Does not
    /// allocate.
    pub(super) fn equal(&self, status: &[u8], user_namespace: &[u8; 32]) -> bool {
        let is_equal = |name: &[u8]| {
            line_value(&self.status, name).is_some_and(|own| line_value(status, name) == Some(own))
        };
        let may_set_groups =
            line_value(&self.status, b"CapEff").is_some_and(|set| parse_number(set, 16) & CAP_SETGID != 0);
        COMPARED_LINES.iter().all(|name| is_equal(name))
            && (may_set_groups || is_equal(b"Groups"))
            && self.user_namespace != [0; 32]
            && self.user_namespace == *user_namespace
    }
}

/// Returns the value of a line in a status file. A process name cannot imitate a
/// line, because newlines are escaped in it.
fn line_value<'a>(status: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut lines = status.split(|byte| *byte == b'\n');
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(b":")).map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Name:\tx\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t0 \nCapInh:\t0\n\
        CapPrm:\tff\nCapEff:\tff\nCapBnd:\tff\nCapAmb:\t0\n";

    #[test]
    fn credentials_differ_if_one_line_differs() {
        let own = Credentials { status: TEXT.into(), user_namespace: [7; 32] };
        assert!(own.equal(TEXT.as_bytes(), &[7; 32]));
        assert!(!own.equal(TEXT.as_bytes(), &[8; 32]));
        assert!(!own.equal(b"", &[7; 32]));
        for (old, new) in [
            ("Uid:\t0\t0\t0\t0", "Uid:\t0\t0\t0\t1"),
            ("Gid:\t0\t0", "Gid:\t0\t5"),
            ("CapInh:\t0", "CapInh:\t1"),
            ("CapPrm:\tff", "CapPrm:\tf7"),
            ("CapEff:\tff", "CapEff:\t0"),
            ("CapBnd:\tff", "CapBnd:\tf0"),
            ("CapAmb:\t0", "CapAmb:\t1"),
        ] {
            assert!(!own.equal(TEXT.replace(old, new).as_bytes(), &[7; 32]), "{new}");
        }
        assert!(!Credentials { status: Vec::new(), user_namespace: [7; 32] }.equal(b"", &[7; 32]));
        let unread = Credentials { status: TEXT.into(), user_namespace: [0; 32] };
        assert!(!unread.equal(TEXT.as_bytes(), &[0; 32]), "a namespace that cannot be read is no match");
    }

    #[test]
    fn groups_matter_without_the_capability_to_set_them() {
        let with_other_groups = |text: &str| text.replace("Groups:\t0 ", "Groups:\t0 4 ");
        let with_cap_setgid = Credentials { status: TEXT.into(), user_namespace: [7; 32] };
        assert!(with_cap_setgid.equal(with_other_groups(TEXT).as_bytes(), &[7; 32]));
        let text = TEXT.replace("\tff", "\t0");
        let without_cap_setgid = Credentials { status: text.clone().into(), user_namespace: [7; 32] };
        assert!(without_cap_setgid.equal(text.as_bytes(), &[7; 32]));
        assert!(!without_cap_setgid.equal(with_other_groups(&text).as_bytes(), &[7; 32]));
    }

    #[test]
    fn own_process_has_own_credentials() {
        let own = std::process::id() as pid_t;
        let mut reader = ThreadFileReader::new();
        let status = reader.read(own, own, "status").expect("our own");
        assert!(Credentials::own().equal(status, &procfs_noalloc::user_namespace(own, own)));
    }
}

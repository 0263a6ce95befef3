//! The whole name of a process.
//!
//! The kernel keeps 15 bytes of it (comm). Where a name may have been cut
//! there, the rest is found in the command line or in the path of the program.

use std::path::Path;

/// What comm holds at most (TASK_COMM_LEN is 16, with its NUL;
/// include/linux/sched.h).
const MAX_COMM_BYTES: usize = 15;

/// What /proc/PID/exe says behind the path of a program that was removed.
const DELETED_SUFFIX: &[u8] = b" (deleted)";

/// Whether a process of this comm may have the name: enough to pass others over
/// without reading more of them.
pub(super) fn may_match(comm: &[u8], name: &[u8]) -> bool {
    if comm.len() < MAX_COMM_BYTES { comm == name } else { name.starts_with(comm) }
}

/// Whether more must be read to tell.
pub(super) fn may_be_truncated(comm: &[u8]) -> bool {
    comm.len() >= MAX_COMM_BYTES
}

/// The whole names of a process with a comm that may have been cut: what stands
/// in its arguments (NUL between them) and its program, and begins as comm
/// does; comm itself where nothing does, as that is what it calls itself.
///
/// A script run by an interpreter has its own path behind the interpreter's,
/// or behind the interpreter's one option (execve(2)).
pub(super) fn full_names<'a>(
    comm: &'a [u8],
    arguments: &'a [u8],
    program: Option<&'a Path>,
) -> Vec<&'a [u8]> {
    let mut words = arguments.split(|byte| *byte == 0);
    let (first, second) = (words.next(), words.next());
    let third = words.next().filter(|_| second.is_some_and(|word| word.starts_with(b"-")));
    let program = program.map(|path| path.as_os_str().as_encoded_bytes());
    let program = program.map(|path| path.strip_suffix(DELETED_SUFFIX).unwrap_or(path));
    let paths = [first, second, third, program].into_iter().flatten();
    let mut names: Vec<&[u8]> = paths.map(file_name).filter(|name| name.starts_with(comm)).collect();
    if names.is_empty() {
        names.push(comm);
    }
    names
}

/// What stands behind the last slash.
fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_does_not_match_substring() {
        for (comm, name, may) in [
            ("nginx", "nginx", true),
            ("nginx", "ngin", false),
            ("nginx", "nginx2", false),
            ("nginx", "", false),
            ("", "", true),
            ("systemd-journal", "systemd-journald", true),
            ("systemd-journal", "systemd-journal", true),
            ("systemd-journal", "systemd-journa", false),
            ("systemd-journal", "systemd-logind", false),
            ("fourteen-bytes", "fourteen-bytes+", false),
        ] {
            assert_eq!(may_match(comm.as_bytes(), name.as_bytes()), may, "{comm} {name}");
        }
        assert!(may_be_truncated(b"systemd-journal") && !may_be_truncated(b"fourteen-bytes"));
    }

    #[test]
    fn truncated_name_is_completed() {
        let comm = "systemd-journal";
        for (arguments, program, names) in [
            ("/usr/lib/systemd/systemd-journald", None, vec!["systemd-journald"]),
            ("systemd-journald\0--flag", Some("/usr/lib/systemd-journald"), vec!["systemd-journald"; 2]),
            ("/bin/sh\0/opt/systemd-journal.sh\0x", Some("/bin/dash"), vec!["systemd-journal.sh"]),
            ("/bin/sh\0-e\0/opt/systemd-journal.sh", Some("/bin/dash"), vec!["systemd-journal.sh"]),
            ("/bin/sh\0x\0/opt/systemd-journal.sh", Some("/bin/dash"), vec![comm]),
            ("renamed", Some("/usr/lib/systemd-journald (deleted)"), vec!["systemd-journald"]),
            ("systemd-logind", None, vec![comm]),
            ("", None, vec![comm]),
        ] {
            let found = full_names(comm.as_bytes(), arguments.as_bytes(), program.map(Path::new));
            let names: Vec<&[u8]> = names.into_iter().map(str::as_bytes).collect();
            assert_eq!(found, names, "{arguments}");
        }
    }
}

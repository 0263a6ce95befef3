//! The full name of a process.
//!
//! The kernel keeps 15 bytes of it (comm). A name that may have been cut there is
//! completed from the command line or from the path of the executable.

use std::path::Path;

/// The maximum length of comm (TASK_COMM_LEN is 16, including a NUL;
/// include/linux/sched.h).
const MAX_COMM_BYTES: usize = 15;

/// The suffix of /proc/PID/exe if the executable was deleted.
const DELETED_SUFFIX: &[u8] = b" (deleted)";

/// Whether a process with this comm may have the name. If not, no other file of
/// it must be read.
pub(super) fn may_match(comm: &[u8], name: &[u8]) -> bool {
    if comm.len() < MAX_COMM_BYTES { comm == name } else { name.starts_with(comm) }
}

/// Whether the name may have been cut.
pub(super) fn may_be_truncated(comm: &[u8]) -> bool {
    comm.len() >= MAX_COMM_BYTES
}

/// The candidates for the full name of a process whose comm may have been cut:
/// file names in its arguments (separated by NUL) and of its executable that
/// begin with comm. If there are none, comm itself, because the process has set
/// its own name.
///
/// An interpreter has the path of its script as its first argument, or as its
/// second after one option (execve(2)).
pub(super) fn full_names<'a>(
    comm: &'a [u8],
    arguments: &'a [u8],
    program: Option<&'a Path>,
) -> Vec<&'a [u8]> {
    let mut parts = arguments.split(|byte| *byte == 0);
    let (first, second) = (parts.next(), parts.next());
    let third = parts.next().filter(|_| second.is_some_and(|argument| argument.starts_with(b"-")));
    let program = program.map(|path| path.as_os_str().as_encoded_bytes());
    let program = program.map(|path| path.strip_suffix(DELETED_SUFFIX).unwrap_or(path));
    let paths = [first, second, third, program].into_iter().flatten();
    let mut names: Vec<&[u8]> = paths.map(file_name).filter(|name| name.starts_with(comm)).collect();
    if names.is_empty() {
        names.push(comm);
    }
    names
}

/// The part of a path after its last slash.
fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_does_not_match_substring() {
        for (comm, name, matches) in [
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
            assert_eq!(may_match(comm.as_bytes(), name.as_bytes()), matches, "{comm} {name}");
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

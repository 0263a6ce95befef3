//! State of the cgroup freezer for a process (cgroups(7)).

use std::path::{Path, PathBuf};

/// The freezer that has frozen a process, if any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FreezerState {
    /// It is not frozen, or the state is unknown.
    #[default]
    NotFrozen,
    /// Frozen by cgroup version 2: fatal signals still end it, all others stay
    /// pending.
    V2,
    /// Frozen by cgroup version 1: every signal stays pending.
    V1,
}

/// Returns the files that may contain the freezer state of a process, in the
/// order to try them, each with its cgroup version. `cgroup` is the text of
/// /proc/PID/cgroup.
pub(crate) fn state_files(cgroup: &[u8]) -> Vec<(PathBuf, FreezerState)> {
    let mut files = Vec::new();
    for line in cgroup.split(|byte| *byte == b'\n') {
        let mut parts = line.splitn(3, |byte| *byte == b':');
        let (Some(hierarchy_id), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        // The root group cannot be frozen. A group outside our cgroup namespace
        // has a path with `..` that does not exist below our mount point.
        let Some(path) = std::str::from_utf8(path).ok().and_then(|path| path.strip_prefix('/')) else {
            continue;
        };
        if path.is_empty() || path.split('/').any(|part| part == "..") {
            continue;
        }
        let file_in_group = |mount: &str, file: &str| Path::new(mount).join(path).join(file);
        if hierarchy_id == b"0" && controllers.is_empty() {
            files.push((file_in_group("/sys/fs/cgroup", "cgroup.events"), FreezerState::V2));
            files.push((file_in_group("/sys/fs/cgroup/unified", "cgroup.events"), FreezerState::V2));
        } else if controllers.split(|byte| *byte == b',').any(|name| name == b"freezer") {
            files.push((file_in_group("/sys/fs/cgroup/freezer", "freezer.state"), FreezerState::V1));
        }
    }
    files
}

/// Returns true if the text of a state file reports that its group is frozen.
pub(crate) fn is_frozen(text: &[u8], freezer: FreezerState) -> bool {
    match freezer {
        FreezerState::NotFrozen => false,
        FreezerState::V2 => text.split(|byte| *byte == b'\n').any(|line| line == b"frozen 1"),
        // FROZEN, or FREEZING, which precedes it.
        FreezerState::V1 => text.starts_with(b"FR"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_files_follow_cgroup_paths() {
        let paths = |text: &str| -> Vec<String> {
            state_files(text.as_bytes()).iter().map(|(path, _)| path.display().to_string()).collect()
        };
        assert_eq!(
            paths("0::/system.slice/x\n"),
            [
                "/sys/fs/cgroup/system.slice/x/cgroup.events",
                "/sys/fs/cgroup/unified/system.slice/x/cgroup.events"
            ]
        );
        assert_eq!(paths("7:cpu,freezer:/a:b\n4:memory:/c\n"), ["/sys/fs/cgroup/freezer/a:b/freezer.state"]);
        for text in ["0::/", "", "0::", "nonsense", "0::/../x", "6:freezer:/"] {
            assert!(paths(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn is_frozen_reads_both_versions() {
        assert!(is_frozen(b"populated 1\nfrozen 1\n", FreezerState::V2));
        assert!(!is_frozen(b"populated 1\nfrozen 0\n", FreezerState::V2));
        assert!(is_frozen(b"FROZEN\n", FreezerState::V1) && is_frozen(b"FREEZING\n", FreezerState::V1));
        assert!(!is_frozen(b"THAWED\n", FreezerState::V1));
    }
}

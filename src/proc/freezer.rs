//! Whether a process is frozen with its control group (cgroups(7)).

use std::path::{Path, PathBuf};

/// Whether, and by which freezer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Freezer {
    /// It is not frozen, or nothing tells.
    #[default]
    No,
    /// By version 2: what kills, still kills; all else waits.
    Two,
    /// By version 1: everything waits.
    One,
}

/// Where the freezer of a process's group tells its state: files to be tried in
/// turn, and which version they are of. From the text of /proc/PID/cgroup.
pub fn files(cgroup: &[u8]) -> Vec<(PathBuf, Freezer)> {
    let mut files = Vec::new();
    for line in cgroup.split(|byte| *byte == b'\n') {
        let mut parts = line.splitn(3, |byte| *byte == b':');
        let (Some(number), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        // The root group cannot be frozen; one outside our view has a path of
        // its own that leads nowhere here.
        let Some(path) = std::str::from_utf8(path).ok().and_then(|path| path.strip_prefix('/')) else {
            continue;
        };
        if path.is_empty() || path.split('/').any(|part| part == "..") {
            continue;
        }
        let below = |mount: &str, file: &str| Path::new(mount).join(path).join(file);
        if number == b"0" && controllers.is_empty() {
            files.push((below("/sys/fs/cgroup", "cgroup.events"), Freezer::Two));
            files.push((below("/sys/fs/cgroup/unified", "cgroup.events"), Freezer::Two));
        } else if controllers.split(|byte| *byte == b',').any(|name| name == b"freezer") {
            files.push((below("/sys/fs/cgroup/freezer", "freezer.state"), Freezer::One));
        }
    }
    files
}

/// Whether the text of such a file says that its group is frozen.
pub fn is_frozen(text: &[u8], freezer: Freezer) -> bool {
    match freezer {
        Freezer::No => false,
        Freezer::Two => text.split(|byte| *byte == b'\n').any(|line| line == b"frozen 1"),
        // FREEZING: on its way.
        Freezer::One => text.starts_with(b"FR"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_tell_where_to_look() {
        let found = |text: &str| -> Vec<String> {
            files(text.as_bytes()).iter().map(|(path, _)| path.display().to_string()).collect()
        };
        assert_eq!(
            found("0::/system.slice/x\n"),
            [
                "/sys/fs/cgroup/system.slice/x/cgroup.events",
                "/sys/fs/cgroup/unified/system.slice/x/cgroup.events"
            ]
        );
        assert_eq!(found("7:cpu,freezer:/a:b\n4:memory:/c\n"), ["/sys/fs/cgroup/freezer/a:b/freezer.state"]);
        for none in ["0::/", "", "0::", "nonsense", "0::/../x", "6:freezer:/"] {
            assert!(found(none).is_empty(), "{none}");
        }
    }

    #[test]
    fn states_are_read() {
        assert!(is_frozen(b"populated 1\nfrozen 1\n", Freezer::Two));
        assert!(!is_frozen(b"populated 1\nfrozen 0\n", Freezer::Two));
        assert!(is_frozen(b"FROZEN\n", Freezer::One) && is_frozen(b"FREEZING\n", Freezer::One));
        assert!(!is_frozen(b"THAWED\n", Freezer::One));
    }
}

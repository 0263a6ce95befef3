//! Parser of /proc/PID/cgroup, which lists the control groups of a process
//! (cgroups(7)).

/// Suffix that the kernel appends to the path of a removed group.
const DELETED_SUFFIX: &[u8] = b" (deleted)";

/// Returns true if the cgroup file `text` lists the group or a descendant of it
/// in any hierarchy. `group` starts with a slash and does not end with one; the
/// root group is empty.
pub(crate) fn is_within(text: &[u8], group: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n').filter_map(line_path).any(|path| {
        let rest = path.strip_prefix(group);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    })
}

/// Returns the path of a line `ID:CONTROLLERS:PATH`.
fn line_path(line: &[u8]) -> Option<&[u8]> {
    let mut parts = line.splitn(3, |byte| *byte == b':');
    let path = parts.nth(2).filter(|path| path.starts_with(b"/"))?;
    Some(path.strip_suffix(DELETED_SUFFIX).unwrap_or(path))
}

/// Converts a group name typed by a user to the form that [`is_within`] expects.
/// The leading slash is optional. A directory below /sys/fs/cgroup is also
/// accepted; version 1 and hybrid systems have one directory per hierarchy there.
/// Returns `None` if the name is empty.
pub(crate) fn normalize(name: &[u8]) -> Option<Vec<u8>> {
    let relative = name.strip_prefix(b"/sys/fs/cgroup").filter(|rest| rest.is_empty() || rest[0] == b'/');
    if name.is_empty() {
        return None;
    }
    let mut components: Vec<&[u8]> = relative
        .unwrap_or(name)
        .split(|byte| *byte == b'/')
        .filter(|component| !component.is_empty())
        .collect();
    if relative.is_some() && components.first().is_some_and(|component| is_hierarchy_name(component)) {
        components.remove(0);
    }
    Some(components.iter().flat_map(|component| [b"/", *component].concat()).collect())
}

/// Returns true if a directory of /sys/fs/cgroup is the mount point of a
/// hierarchy: a controller, several controllers joined by commas, `unified`, or
/// `systemd`.
fn is_hierarchy_name(directory: &[u8]) -> bool {
    const HIERARCHIES: [&[u8]; 17] = [
        b"blkio",
        b"cpu",
        b"cpuacct",
        b"cpuset",
        b"devices",
        b"elogind",
        b"freezer",
        b"hugetlb",
        b"memory",
        b"misc",
        b"net_cls",
        b"net_prio",
        b"perf_event",
        b"pids",
        b"rdma",
        b"systemd",
        b"unified",
    ];
    directory.split(|byte| *byte == b',').all(|name| HIERARCHIES.contains(&name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HYBRID: &[u8] =
        b"12:memory:/user.slice\n4:cpu,cpuacct:/a:b/c\n1:name=systemd:/old.scope (deleted)\n0::/system.slice/x\n";

    #[test]
    fn is_within_includes_descendants() {
        for (group, within) in [
            ("", true),
            ("/user.slice", true),
            ("/user.slice/deeper", false),
            ("/user", false),
            ("/a:b", true),
            ("/a:b/c", true),
            ("/old.scope", true),
            ("/system.slice", true),
            ("/system.slice/x", true),
            ("/x", false),
        ] {
            assert_eq!(is_within(HYBRID, group.as_bytes()), within, "{group}");
        }
        assert!(!is_within(b"", b"") && !is_within(b"junk\n1:2", b""));
    }

    #[test]
    fn normalize_accepts_several_forms() {
        for (name, expected) in [
            ("/system.slice/x.service", "/system.slice/x.service"),
            ("system.slice/x.service/", "/system.slice/x.service"),
            ("/sys/fs/cgroup/system.slice", "/system.slice"),
            ("/sys/fs/cgroup/unified/system.slice", "/system.slice"),
            ("/sys/fs/cgroup/cpu,cpuacct/a", "/a"),
            ("/sys/fs/cgroup/memory", ""),
            ("/sys/fs/cgroup", ""),
            ("/sys/fs/cgroupx", "/sys/fs/cgroupx"),
            ("/memory/a", "/memory/a"),
            ("/", ""),
        ] {
            assert_eq!(normalize(name.as_bytes()).as_deref(), Some(expected.as_bytes()), "{name}");
        }
        assert_eq!(normalize(b""), None);
    }

    proptest! {
        #[test]
        fn is_within_never_panics(text in proptest::collection::vec(any::<u8>(), 0..200), name in "[ -~]{0,40}") {
            if let Some(group) = normalize(name.as_bytes()) {
                is_within(&text, &group);
            }
        }
    }
}

//! The capabilities of sigtool, and the restrictions that make them useless.

use std::fs;
use std::os::unix::fs::MetadataExt;

/// The inode number of the initial user namespace (PROC_USER_INIT_INO in
/// include/linux/proc_ns.h).
const INITIAL_USER_NAMESPACE: u64 = 0xefff_fffd;
/// _LINUX_CAPABILITY_VERSION_3 (uapi linux/capability.h).
const CAPABILITY_VERSION_3: u32 = 0x2008_0522;

/// A capability, with its number from uapi linux/capability.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sys) enum Capability {
    SysAdmin = 21,
    Perfmon = 38,
    Bpf = 39,
}

/// A set of capabilities: bit n is the capability with number n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::sys) struct Capabilities(pub(in crate::sys) u64);

impl Capabilities {
    /// The effective capabilities of this thread; an empty set if capget(2) fails.
    pub(in crate::sys) fn effective() -> Capabilities {
        #[repr(C)]
        struct CapUserHeader {
            version: u32,
            pid: i32,
        }
        /// struct __user_cap_data_struct: one for the lower 32 capabilities, one for the
        /// others.
        #[repr(C)]
        #[derive(Clone, Copy, Default)]
        struct CapUserData {
            effective: u32,
            permitted: u32,
            inheritable: u32,
        }
        let mut header = CapUserHeader { version: CAPABILITY_VERSION_3, pid: 0 };
        let mut data = [CapUserData::default(); 2];
        // SAFETY: capget(2) fills in two structures for this version. Header and data have
        // the layout of the kernel, and outlive the call.
        let result = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, data.as_mut_ptr()) };
        match result {
            0 => Capabilities(u64::from(data[0].effective) | u64::from(data[1].effective) << 32),
            _ => Capabilities::default(),
        }
    }

    /// Whether the set contains the capability.
    pub(in crate::sys) fn contains(self, capability: Capability) -> bool {
        self.0 & (1 << capability as u8) != 0
    }
}

/// Whether sigtool is in a user namespace other than the initial one, where its
/// capabilities have no effect outside (user_namespaces(7)). `false` if /proc does not
/// show the namespace.
pub(in crate::sys) fn is_in_child_user_namespace() -> bool {
    fs::metadata("/proc/self/ns/user").is_ok_and(|metadata| metadata.ino() != INITIAL_USER_NAMESPACE)
}

/// Whether seccomp(2) filters the system calls of this thread.
pub(in crate::sys) fn has_seccomp_filter() -> bool {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let mode = status.lines().find_map(|line| line.strip_prefix("Seccomp:"));
    mode.is_some_and(|mode| mode.trim() != "0")
}

/// Whether the kernel lockdown mode is "confidentiality", in which no process may read
/// kernel memory (kernel_lockdown(7)). The file shows the mode in brackets.
pub(in crate::sys) fn is_confidentiality_lockdown() -> bool {
    let text = fs::read_to_string("/sys/kernel/security/lockdown").unwrap_or_default();
    text.contains("[confidentiality]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effective_matches_proc_status() {
        let status = fs::read_to_string("/proc/thread-self/status").expect("a status");
        let line = status.lines().find_map(|line| line.strip_prefix("CapEff:")).expect("a line");
        let expected = u64::from_str_radix(line.trim(), 16).expect("a mask");
        assert_eq!(Capabilities::effective(), Capabilities(expected));
        let filtered = status.lines().any(|line| line.starts_with("Seccomp:") && !line.ends_with('0'));
        assert_eq!(has_seccomp_filter(), filtered);
    }

    #[test]
    fn contains_tests_bits() {
        let both = Capabilities(3 << 38);
        assert!(both.contains(Capability::Bpf) && both.contains(Capability::Perfmon));
        assert!(!both.contains(Capability::SysAdmin) && Capabilities(1 << 21).contains(Capability::SysAdmin));
    }
}

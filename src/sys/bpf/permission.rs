//! Which right to use BPF is missing: bpf(2) says EPERM, and no more.

use std::fmt;

use super::super::process::capabilities::{self, Capabilities, Capability};

/// What stands against it. The setting kernel.unprivileged_bpf_disabled does
/// not: whatever it is, tracing takes both capabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BpfPermissionError {
    /// One or both capabilities are missing; CAP_SYS_ADMIN would give both.
    MissingCapabilities {
        /// CAP_BPF is.
        bpf: bool,
        /// CAP_PERFMON is.
        perfmon: bool,
    },
    /// Those of a user namespace, which is all that can be had there, do not
    /// count.
    UserNamespace,
    /// The kernel is locked down: its memory is not to be read.
    Lockdown,
    /// The capabilities are there; a filter of seccomp(2) is around sigtool.
    SeccompFilter,
    /// The capabilities are there, and nothing tells what else forbids it.
    Unknown,
}

/// What decides.
#[derive(Clone, Copy, Debug, Default)]
struct PermissionState {
    capabilities: Capabilities,
    is_in_child_user_namespace: bool,
    is_confidentiality_lockdown: bool,
    has_seccomp_filter: bool,
}

impl BpfPermissionError {
    /// What stands against it, after the kernel has refused.
    pub(super) fn diagnose() -> BpfPermissionError {
        diagnose_from(PermissionState {
            capabilities: Capabilities::effective(),
            is_in_child_user_namespace: capabilities::is_in_child_user_namespace(),
            is_confidentiality_lockdown: capabilities::is_confidentiality_lockdown(),
            has_seccomp_filter: capabilities::has_seccomp_filter(),
        })
    }
}

/// Where several things stand against it, that which is the hardest to change
/// is told: who is in a user namespace would ask for a capability in vain.
fn diagnose_from(rights: PermissionState) -> BpfPermissionError {
    let lacks = |capability| {
        !rights.capabilities.contains(Capability::SysAdmin) && !rights.capabilities.contains(capability)
    };
    let (bpf, perfmon) = (lacks(Capability::Bpf), lacks(Capability::Perfmon));
    match rights {
        PermissionState { is_in_child_user_namespace: true, .. } => BpfPermissionError::UserNamespace,
        _ if bpf || perfmon => BpfPermissionError::MissingCapabilities { bpf, perfmon },
        PermissionState { is_confidentiality_lockdown: true, .. } => BpfPermissionError::Lockdown,
        PermissionState { has_seccomp_filter: true, .. } => BpfPermissionError::SeccompFilter,
        _ => BpfPermissionError::Unknown,
    }
}

impl fmt::Display for BpfPermissionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BpfPermissionError::MissingCapabilities { bpf: true, perfmon: true } => {
                "CAP_BPF and CAP_PERFMON are missing"
            }
            BpfPermissionError::MissingCapabilities { bpf: true, .. } => {
                "CAP_BPF is missing (CAP_PERFMON is there)"
            }
            BpfPermissionError::MissingCapabilities { .. } => "CAP_PERFMON is missing (CAP_BPF is there)",
            BpfPermissionError::UserNamespace => {
                "CAP_BPF and CAP_PERFMON do not count in a user namespace other than the first"
            }
            BpfPermissionError::Lockdown => {
                "the kernel is locked down (/sys/kernel/security/lockdown: confidentiality)"
            }
            BpfPermissionError::SeccompFilter => {
                "CAP_BPF and CAP_PERFMON are there, but a seccomp filter is around sigtool, as in a container"
            }
            BpfPermissionError::Unknown => {
                "CAP_BPF and CAP_PERFMON are there; a security module forbids it, or before Linux 5.11 the \
                 limit on locked memory (ulimit -l)"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BPF: u64 = 1 << Capability::Bpf as u8;
    const PERFMON: u64 = 1 << Capability::Perfmon as u8;
    const ADMIN: u64 = 1 << Capability::SysAdmin as u8;

    fn with(own: u64) -> PermissionState {
        PermissionState { capabilities: Capabilities(own), ..PermissionState::default() }
    }

    #[test]
    fn reports_missing_capabilities() {
        for (own, said) in [
            (0, "CAP_BPF and CAP_PERFMON are missing"),
            (BPF, "CAP_PERFMON is missing (CAP_BPF is there)"),
            (PERFMON, "CAP_BPF is missing (CAP_PERFMON is there)"),
        ] {
            assert_eq!(diagnose_from(with(own)).to_string(), said);
        }
        assert_eq!(diagnose_from(with(ADMIN)), BpfPermissionError::Unknown);
        assert_eq!(diagnose_from(with(BPF | PERFMON)), BpfPermissionError::Unknown);
    }

    #[test]
    fn reports_other_causes_when_capabilities_are_present() {
        let all = with(u64::MAX);
        assert_eq!(
            diagnose_from(PermissionState { has_seccomp_filter: true, ..all }),
            BpfPermissionError::SeccompFilter
        );
        assert_eq!(
            diagnose_from(PermissionState {
                is_confidentiality_lockdown: true,
                has_seccomp_filter: true,
                ..all
            }),
            BpfPermissionError::Lockdown
        );
        assert_eq!(
            diagnose_from(PermissionState { is_in_child_user_namespace: true, ..all }),
            BpfPermissionError::UserNamespace
        );
        assert_eq!(
            diagnose_from(PermissionState { is_in_child_user_namespace: true, ..with(0) }),
            BpfPermissionError::UserNamespace
        );
        let none = PermissionState { has_seccomp_filter: true, is_confidentiality_lockdown: true, ..with(0) };
        assert_eq!(diagnose_from(none), BpfPermissionError::MissingCapabilities { bpf: true, perfmon: true });
    }
}

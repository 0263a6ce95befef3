//! Diagnosis of EPERM from bpf(2), which does not report the missing permission.

use std::fmt;

use super::super::process::capabilities::{self, Capabilities, Capability};

/// The obstacle. kernel.unprivileged_bpf_disabled is none: with every value,
/// tracing needs both capabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BpfPermissionError {
    /// One or both capabilities are missing. CAP_SYS_ADMIN includes both.
    MissingCapabilities {
        /// CAP_BPF is missing.
        bpf: bool,
        /// CAP_PERFMON is missing.
        perfmon: bool,
    },
    /// sigtool is in a child user namespace, and capabilities of such a namespace
    /// have no effect.
    UserNamespace,
    /// The kernel is locked down, so its memory must not be read.
    Lockdown,
    /// The capabilities are present, but a seccomp(2) filter applies to sigtool.
    SeccompFilter,
    /// The capabilities are present, and the obstacle is unknown.
    Unknown,
}

/// Facts that decide the diagnosis.
#[derive(Clone, Copy, Debug, Default)]
struct PermissionState {
    capabilities: Capabilities,
    is_in_child_user_namespace: bool,
    is_confidentiality_lockdown: bool,
    has_seccomp_filter: bool,
}

impl BpfPermissionError {
    /// Finds the obstacle after the kernel refused.
    pub(super) fn diagnose() -> BpfPermissionError {
        diagnose_from(PermissionState {
            capabilities: Capabilities::effective(),
            is_in_child_user_namespace: capabilities::is_in_child_user_namespace(),
            is_confidentiality_lockdown: capabilities::is_confidentiality_lockdown(),
            has_seccomp_filter: capabilities::has_seccomp_filter(),
        })
    }
}

/// Of several obstacles, returns the one that is hardest to remove: in a child user
/// namespace, another capability would not help.
fn diagnose_from(state: PermissionState) -> BpfPermissionError {
    let lacks = |capability| {
        !state.capabilities.contains(Capability::SysAdmin) && !state.capabilities.contains(capability)
    };
    let (bpf, perfmon) = (lacks(Capability::Bpf), lacks(Capability::Perfmon));
    match state {
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

    fn with_capabilities(bits: u64) -> PermissionState {
        PermissionState { capabilities: Capabilities(bits), ..PermissionState::default() }
    }

    #[test]
    fn reports_missing_capabilities() {
        for (bits, expected) in [
            (0, "CAP_BPF and CAP_PERFMON are missing"),
            (BPF, "CAP_PERFMON is missing (CAP_BPF is there)"),
            (PERFMON, "CAP_BPF is missing (CAP_PERFMON is there)"),
        ] {
            assert_eq!(diagnose_from(with_capabilities(bits)).to_string(), expected);
        }
        assert_eq!(diagnose_from(with_capabilities(ADMIN)), BpfPermissionError::Unknown);
        assert_eq!(diagnose_from(with_capabilities(BPF | PERFMON)), BpfPermissionError::Unknown);
    }

    #[test]
    fn reports_other_causes_when_capabilities_are_present() {
        let all = with_capabilities(u64::MAX);
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
            diagnose_from(PermissionState { is_in_child_user_namespace: true, ..with_capabilities(0) }),
            BpfPermissionError::UserNamespace
        );
        let none = PermissionState {
            has_seccomp_filter: true,
            is_confidentiality_lockdown: true,
            ..with_capabilities(0)
        };
        assert_eq!(diagnose_from(none), BpfPermissionError::MissingCapabilities { bpf: true, perfmon: true });
    }
}

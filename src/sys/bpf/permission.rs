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

/// The end of a sentence that starts with "BPF is not permitted".
impl fmt::Display for BpfPermissionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BpfPermissionError::MissingCapabilities { bpf: true, perfmon: true } => {
                " without CAP_BPF and CAP_PERFMON"
            }
            BpfPermissionError::MissingCapabilities { bpf: true, .. } => " without CAP_BPF",
            BpfPermissionError::MissingCapabilities { .. } => " without CAP_PERFMON",
            BpfPermissionError::UserNamespace => " in a user namespace other than the initial one",
            BpfPermissionError::Lockdown => " because kernel lockdown is in confidentiality mode",
            BpfPermissionError::SeccompFilter => ", probably because of a seccomp filter, as in a container",
            BpfPermissionError::Unknown => {
                ", probably because of a security module or, before Linux 5.11, the limit on locked memory \
                 (ulimit -l)"
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
            (0, " without CAP_BPF and CAP_PERFMON"),
            (BPF, " without CAP_PERFMON"),
            (PERFMON, " without CAP_BPF"),
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

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

    fn with(own: u64) -> PermissionState {
        PermissionState { capabilities: Capabilities(own), ..PermissionState::default() }
    }

    #[test]
    fn reports_missing_capabilities() {
        for (own, said) in [
            (0, " without CAP_BPF and CAP_PERFMON"),
            (BPF, " without CAP_PERFMON"),
            (PERFMON, " without CAP_BPF"),
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

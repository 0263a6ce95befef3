//! Which right to use BPF is missing: bpf(2) says EPERM, and no more.

use std::fmt;

use super::super::rights::{self, Capabilities, Capability};

/// What stands against it. The setting kernel.unprivileged_bpf_disabled does
/// not: whatever it is, tracing takes both capabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRight {
    /// One or both capabilities are missing; CAP_SYS_ADMIN would give both.
    Missing {
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
    Filter,
    /// The capabilities are there, and nothing tells what else forbids it.
    Unknown,
}

/// What decides.
#[derive(Clone, Copy, Debug, Default)]
struct Rights {
    own: Capabilities,
    is_in_user_namespace: bool,
    is_confidential: bool,
    is_filtered: bool,
}

impl NoRight {
    /// What stands against it, after the kernel has refused.
    pub(super) fn find() -> NoRight {
        explain(Rights {
            own: Capabilities::own(),
            is_in_user_namespace: rights::is_in_user_namespace(),
            is_confidential: rights::is_confidential(),
            is_filtered: rights::is_filtered(),
        })
    }
}

/// Where several things stand against it, that which is the hardest to change
/// is told: who is in a user namespace would ask for a capability in vain.
fn explain(rights: Rights) -> NoRight {
    let lacks = |capability| !rights.own.has(Capability::SysAdmin) && !rights.own.has(capability);
    let (bpf, perfmon) = (lacks(Capability::Bpf), lacks(Capability::Perfmon));
    match rights {
        Rights { is_in_user_namespace: true, .. } => NoRight::UserNamespace,
        _ if bpf || perfmon => NoRight::Missing { bpf, perfmon },
        Rights { is_confidential: true, .. } => NoRight::Lockdown,
        Rights { is_filtered: true, .. } => NoRight::Filter,
        _ => NoRight::Unknown,
    }
}

impl fmt::Display for NoRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoRight::Missing { bpf: true, perfmon: true } => "CAP_BPF and CAP_PERFMON are missing",
            NoRight::Missing { bpf: true, .. } => "CAP_BPF is missing (CAP_PERFMON is there)",
            NoRight::Missing { .. } => "CAP_PERFMON is missing (CAP_BPF is there)",
            NoRight::UserNamespace => {
                "CAP_BPF and CAP_PERFMON do not count in a user namespace other than the first"
            }
            NoRight::Lockdown => "the kernel is locked down (/sys/kernel/security/lockdown: confidentiality)",
            NoRight::Filter => {
                "CAP_BPF and CAP_PERFMON are there, but a seccomp filter is around sigtool, as in a container"
            }
            NoRight::Unknown => {
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

    fn with(own: u64) -> Rights {
        Rights { own: Capabilities(own), ..Rights::default() }
    }

    #[test]
    fn what_is_missing_is_named() {
        for (own, said) in [
            (0, "CAP_BPF and CAP_PERFMON are missing"),
            (BPF, "CAP_PERFMON is missing (CAP_BPF is there)"),
            (PERFMON, "CAP_BPF is missing (CAP_PERFMON is there)"),
        ] {
            assert_eq!(explain(with(own)).to_string(), said);
        }
        assert_eq!(explain(with(ADMIN)), NoRight::Unknown);
        assert_eq!(explain(with(BPF | PERFMON)), NoRight::Unknown);
    }

    #[test]
    fn what_else_refuses_is_told_where_nothing_is_missing() {
        let all = with(u64::MAX);
        assert_eq!(explain(Rights { is_filtered: true, ..all }), NoRight::Filter);
        assert_eq!(explain(Rights { is_confidential: true, is_filtered: true, ..all }), NoRight::Lockdown);
        assert_eq!(explain(Rights { is_in_user_namespace: true, ..all }), NoRight::UserNamespace);
        assert_eq!(explain(Rights { is_in_user_namespace: true, ..with(0) }), NoRight::UserNamespace);
        let none = Rights { is_filtered: true, is_confidential: true, ..with(0) };
        assert_eq!(explain(none), NoRight::Missing { bpf: true, perfmon: true });
    }
}

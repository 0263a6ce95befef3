//! Offsets of the fields of a task in the running kernel.

use super::super::btf::{Btf, BtfKind, BtfTypeName};
use super::super::error::BpfErrorKind;
use crate::signal::siginfo::SI_MAX_SIZE;

/// The target of the iterator; the last of the wanted types in BTF.
pub(super) const ITERATOR_TARGET: BtfTypeName = (BtfKind::Func, "bpf_iter_task");

/// BTF types that the offsets need.
pub(super) const REQUIRED_TYPES: &[BtfTypeName] = &[
    (BtfKind::Struct, "signal_struct"),
    (BtfKind::Struct, "sighand_struct"),
    (BtfKind::Struct, "k_sigaction"),
    (BtfKind::Struct, "sigaction"),
    (BtfKind::Struct, "sigpending"),
    (BtfKind::Struct, "sigqueue"),
    (BtfKind::Struct, "list_head"),
    ITERATOR_TARGET,
];

/// Limits for the array of actions and for one action. The kernel has 64 (128 on
/// mips) of 32 bytes.
const MAX_ACTIONS: u32 = 128;
const MAX_ACTION_SIZE: u32 = 64;
/// Size of a signal set for 64 signals.
const SIGSET_SIZE: u32 = 8;

/// Offsets in struct task_struct and the structures that it points to.
#[derive(Clone, Copy, Debug)]
pub(super) struct TaskLayout {
    /// `None` if the kernel has neither known field; then no sleep is reported.
    pub(super) state: Option<u32>,
    pub(super) jobctl: u32,
    pub(super) blocked: u32,
    pub(super) real_blocked: u32,
    pub(super) saved_sigmask: u32,
    pub(super) pending: SigpendingOffsets,
    pub(super) signal_struct: u32,
    /// Offset in struct signal_struct.
    pub(super) group_flags: u32,
    pub(super) group_exit_code: u32,
    pub(super) shared_pending: SigpendingOffsets,
    pub(super) sighand_struct: u32,
    /// Offset of the array of actions in struct sighand_struct, and its size in
    /// bytes.
    pub(super) actions: u32,
    pub(super) actions_size: u32,
    pub(super) sigaction: SigactionOffsets,
    pub(super) sigqueue: SigqueueOffsets,
}

/// Offsets of a queue of pending signals.
#[derive(Clone, Copy, Debug)]
pub(super) struct SigpendingOffsets {
    pub(super) list: u32,
    pub(super) set: u32,
}

/// Offsets in struct k_sigaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SigactionOffsets {
    pub(super) size: u32,
    pub(super) handler: u32,
    pub(super) flags: u32,
    /// Some architectures have none.
    pub(super) restorer: Option<u32>,
    pub(super) mask: u32,
}

/// Offsets in struct sigqueue.
#[derive(Clone, Copy, Debug)]
pub(super) struct SigqueueOffsets {
    /// Relative to its list member.
    pub(super) siginfo: u32,
    pub(super) siginfo_size: u32,
    /// Offsets in struct list_head.
    pub(super) next: u32,
    pub(super) previous: u32,
}

impl TaskLayout {
    /// Reads the offsets.
    ///
    /// # Errors
    /// [`BpfErrorKind::MissingType`] if something is missing or has an unknown
    /// form.
    pub(super) fn from_btf(btf: &Btf<'_>) -> Result<TaskLayout, BpfErrorKind> {
        const TASK: &str = "task_struct";
        const SIGNAL: &str = "signal_struct";
        const SIGHAND: &str = "sighand_struct";
        // Before Linux 5.14 it is a long, whose lower half has all flags.
        let state = btf.member(TASK, "__state").or_else(|_| btf.member(TASK, "state")).ok();
        let actions = btf.member(SIGHAND, "action")?;
        let sigaction = SigactionOffsets::from_btf(btf)?;
        let count = btf.array_length(actions.type_id).unwrap_or(0);
        if count == 0 || count > MAX_ACTIONS || sigaction.size * count != actions.size {
            return Err(BpfErrorKind::MissingType(format!("array of action in struct {SIGHAND}")));
        }
        Ok(TaskLayout {
            state: state.map(|member| member.offset),
            jobctl: btf.member_offset(TASK, "jobctl", 8)?,
            blocked: btf.member_offset(TASK, "blocked", SIGSET_SIZE)?,
            real_blocked: btf.member_offset(TASK, "real_blocked", SIGSET_SIZE)?,
            saved_sigmask: btf.member_offset(TASK, "saved_sigmask", SIGSET_SIZE)?,
            pending: SigpendingOffsets::from_btf(btf, TASK, "pending")?,
            signal_struct: btf.member_offset(TASK, "signal", 8)?,
            group_flags: btf.member_offset(SIGNAL, "flags", 4)?,
            group_exit_code: btf.member_offset(SIGNAL, "group_exit_code", 4)?,
            shared_pending: SigpendingOffsets::from_btf(btf, SIGNAL, "shared_pending")?,
            sighand_struct: btf.member_offset(TASK, "sighand", 8)?,
            actions: actions.offset,
            actions_size: actions.size,
            sigaction,
            sigqueue: SigqueueOffsets::from_btf(btf)?,
        })
    }
}

impl SigpendingOffsets {
    fn from_btf(
        btf: &Btf<'_>,
        struct_name: &'static str,
        name: &str,
    ) -> Result<SigpendingOffsets, BpfErrorKind> {
        let offset = btf.member(struct_name, name)?.offset;
        let list = btf.member("sigpending", "list")?.offset;
        let set = btf.member_offset("sigpending", "signal", SIGSET_SIZE)?;
        Ok(SigpendingOffsets { list: offset + list, set: offset + set })
    }
}

impl SigactionOffsets {
    fn from_btf(btf: &Btf<'_>) -> Result<SigactionOffsets, BpfErrorKind> {
        const STRUCT: &str = "sigaction";
        let size = btf.struct_size("k_sigaction")?;
        let inner = btf.member("k_sigaction", "sa")?;
        if size > MAX_ACTION_SIZE || inner.offset + inner.size > size {
            return Err(BpfErrorKind::MissingType("struct k_sigaction".to_owned()));
        }
        let sa = inner.offset;
        Ok(SigactionOffsets {
            size,
            handler: sa + btf.member_offset(STRUCT, "sa_handler", 8)?,
            flags: sa + btf.member_offset(STRUCT, "sa_flags", 8)?,
            restorer: btf.member_offset(STRUCT, "sa_restorer", 8).ok().map(|offset| sa + offset),
            mask: sa + btf.member_offset(STRUCT, "sa_mask", SIGSET_SIZE)?,
        })
    }
}

impl SigqueueOffsets {
    fn from_btf(btf: &Btf<'_>) -> Result<SigqueueOffsets, BpfErrorKind> {
        const STRUCT: &str = "sigqueue";
        let list = btf.member(STRUCT, "list")?.offset;
        let info = btf.member(STRUCT, "info")?;
        let from_list = info.offset.checked_sub(list).filter(|_| info.size <= SI_MAX_SIZE);
        Ok(SigqueueOffsets {
            siginfo: from_list
                .ok_or_else(|| BpfErrorKind::MissingType(format!("info in struct {STRUCT}")))?,
            siginfo_size: info.size,
            next: btf.member_offset("list_head", "next", 8)?,
            previous: btf.member_offset("list_head", "prev", 8)?,
        })
    }
}

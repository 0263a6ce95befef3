//! Where what is read of a task lies in this kernel.

use super::super::btf::{Btf, Kind, Wanted};
use super::super::refused::Reason;

/// What the iterator is attached to; the last of the types that are looked for.
pub(super) const TARGET: Wanted = (Kind::Func, "bpf_iter_task");

/// The types that the offsets are those of.
pub(super) const TYPES: &[Wanted] = &[
    (Kind::Struct, "signal_struct"),
    (Kind::Struct, "sighand_struct"),
    (Kind::Struct, "k_sigaction"),
    (Kind::Struct, "sigaction"),
    (Kind::Struct, "sigpending"),
    (Kind::Struct, "sigqueue"),
    (Kind::Struct, "list_head"),
    TARGET,
];

/// How many actions may lie in an array, and how large each may be: those of
/// the kernel are 64 (128 on mips) of 32 bytes.
const MOST_ACTIONS: u32 = 128;
const LARGEST_ACTION: u32 = 64;
/// The largest siginfo that is read (SI_MAX_SIZE).
const LARGEST_INFO: u32 = 128;
/// A signal set, where there are 64 signals.
const SET: u32 = 8;

/// Offsets in struct task_struct and what it points to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// `None` where it is neither of the two: then no sleep is told.
    pub(super) state: Option<u32>,
    pub(super) jobctl: u32,
    pub(super) blocked: u32,
    pub(super) real_blocked: u32,
    pub(super) saved_mask: u32,
    pub(super) pending: Pending,
    pub(super) signal: u32,
    /// In struct signal_struct.
    pub(super) flags: u32,
    pub(super) exit_code: u32,
    pub(super) shared: Pending,
    pub(super) sighand: u32,
    /// In struct sighand_struct: the array of actions, and its bytes.
    pub(super) actions: u32,
    pub(super) actions_size: u32,
    pub(super) action: Action,
    pub(super) queued: Queued,
}

/// Where a queue of pending signals lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub(super) list: u32,
    pub(super) set: u32,
}

/// struct k_sigaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Action {
    pub(super) size: u32,
    pub(super) handler: u32,
    pub(super) flags: u32,
    /// Some architectures have none.
    pub(super) restorer: Option<u32>,
    pub(super) mask: u32,
}

/// struct sigqueue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queued {
    /// From its place in the list.
    pub(super) info: u32,
    pub(super) info_size: u32,
    /// struct list_head.
    pub(super) next: u32,
    pub(super) previous: u32,
}

impl Layout {
    /// # Errors
    /// [`Reason::Missing`] where something is not there, or not as it is known.
    pub(super) fn find(btf: &Btf<'_>) -> Result<Layout, Reason> {
        const TASK: &str = "task_struct";
        const SIGNAL: &str = "signal_struct";
        const SIGHAND: &str = "sighand_struct";
        // A long before Linux 5.14, of which the lower half tells all.
        let state = btf.member(TASK, "__state").or_else(|_| btf.member(TASK, "state")).ok();
        let actions = btf.member(SIGHAND, "action")?;
        let action = Action::find(btf)?;
        let count = btf.length(actions.id).unwrap_or(0);
        if count == 0 || count > MOST_ACTIONS || action.size * count != actions.size {
            return Err(Reason::Missing(format!("array of action in struct {SIGHAND}")));
        }
        Ok(Layout {
            state: state.map(|member| member.offset),
            jobctl: btf.offset(TASK, "jobctl", 8)?,
            blocked: btf.offset(TASK, "blocked", SET)?,
            real_blocked: btf.offset(TASK, "real_blocked", SET)?,
            saved_mask: btf.offset(TASK, "saved_sigmask", SET)?,
            pending: Pending::find(btf, TASK, "pending")?,
            signal: btf.offset(TASK, "signal", 8)?,
            flags: btf.offset(SIGNAL, "flags", 4)?,
            exit_code: btf.offset(SIGNAL, "group_exit_code", 4)?,
            shared: Pending::find(btf, SIGNAL, "shared_pending")?,
            sighand: btf.offset(TASK, "sighand", 8)?,
            actions: actions.offset,
            actions_size: actions.size,
            action,
            queued: Queued::find(btf)?,
        })
    }
}

impl Pending {
    fn find(btf: &Btf<'_>, of: &'static str, name: &str) -> Result<Pending, Reason> {
        let offset = btf.member(of, name)?.offset;
        let list = btf.member("sigpending", "list")?.offset;
        let set = btf.offset("sigpending", "signal", SET)?;
        Ok(Pending { list: offset + list, set: offset + set })
    }
}

impl Action {
    fn find(btf: &Btf<'_>) -> Result<Action, Reason> {
        const OF: &str = "sigaction";
        let size = btf.size("k_sigaction")?;
        let inner = btf.member("k_sigaction", "sa")?;
        if size > LARGEST_ACTION || inner.offset + inner.size > size {
            return Err(Reason::Missing("struct k_sigaction".to_owned()));
        }
        let sa = inner.offset;
        Ok(Action {
            size,
            handler: sa + btf.offset(OF, "sa_handler", 8)?,
            flags: sa + btf.offset(OF, "sa_flags", 8)?,
            restorer: btf.offset(OF, "sa_restorer", 8).ok().map(|offset| sa + offset),
            mask: sa + btf.offset(OF, "sa_mask", SET)?,
        })
    }
}

impl Queued {
    fn find(btf: &Btf<'_>) -> Result<Queued, Reason> {
        const OF: &str = "sigqueue";
        let list = btf.member(OF, "list")?.offset;
        let info = btf.member(OF, "info")?;
        let from_list = info.offset.checked_sub(list).filter(|_| info.size <= LARGEST_INFO);
        Ok(Queued {
            info: from_list.ok_or_else(|| Reason::Missing(format!("info in struct {OF}")))?,
            info_size: info.size,
            next: btf.offset("list_head", "next", 8)?,
            previous: btf.offset("list_head", "prev", 8)?,
        })
    }
}

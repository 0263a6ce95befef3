//! Why the kernel forbids to trace a process: it says EPERM, and no more.

use std::fs;
use std::os::unix::fs::MetadataExt;

use libc::pid_t;

use super::procfs_noalloc::{ThreadFileReader, ThreadStatus, parse_number};
use crate::sys::process::capabilities;
use crate::sys::ptrace::PtraceError;

/// CAP_SYS_PTRACE (uapi linux/capability.h).
const CAP_SYS_PTRACE: u64 = 1 << 19;

/// What stands against tracing this thread, after the kernel has refused it.
pub(super) fn diagnose_attach_eperm(pid: pid_t, tid: pid_t) -> PtraceError {
    let mut text = ThreadFileReader::new();
    let Ok(target) = text.status(pid, tid) else { return PtraceError::Gone };
    let own = std::process::id() as pid_t;
    let own = text.status(own, own).unwrap_or_default();
    let scope = fs::read("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    // The folder is always its user's (`task_dump_owner` in fs/proc/base.c).
    let owner = fs::metadata(format!("/proc/{pid}/status")).map_or(target.uids[1], |metadata| metadata.uid());
    let (scope, is_outside) = (parse_number(scope.trim_ascii(), 10) as u8, is_outside_user_namespace(pid));
    diagnose(
        &target,
        &own,
        &AccessContext { yama_scope: scope, proc_owner: owner, is_outside_user_namespace: is_outside },
    )
}

/// As [`crate::sys::ptrace::preflight`] says.
pub(in crate::sys::ptrace) fn preflight(pid: u32) -> Option<PtraceError> {
    let Ok(pid) = pid_t::try_from(pid) else { return Some(PtraceError::Gone) };
    // Whoever may trace it may open its memory (`proc_mem_open` in
    // fs/proc/base.c), as a parent under Yama may, and who has its user namespace.
    let may_open = || fs::File::open(format!("/proc/{pid}/mem")).is_ok();
    match diagnose_attach_eperm(pid, pid) {
        PtraceError::Forbidden => None,
        state @ (PtraceError::Gone
        | PtraceError::KernelThread
        | PtraceError::Zombie
        | PtraceError::Traced { .. }) => Some(state),
        refusal => (!may_open()).then_some(refusal),
    }
}

/// What decides besides the two processes.
struct AccessContext {
    /// Yama's setting; 0 without Yama.
    yama_scope: u8,
    /// Whose the files in /proc/PID are.
    proc_owner: u32,
    /// Whether the caller is in a user namespace of its own, and the process is
    /// not known to be there too.
    is_outside_user_namespace: bool,
}

/// Which user namespace a process is in may be read by who may trace it.
fn is_outside_user_namespace(pid: pid_t) -> bool {
    let inode = |pid: &str| fs::metadata(format!("/proc/{pid}/ns/user")).map(|metadata| metadata.ino()).ok();
    capabilities::is_in_child_user_namespace() && inode(&pid.to_string()) != inode("self")
}

/// In the order of the kernel's own questions (`ptrace_attach`,
/// `__ptrace_may_access` in kernel/ptrace.c).
fn diagnose(target: &ThreadStatus, own: &ThreadStatus, around: &AccessContext) -> PtraceError {
    let AccessContext { yama_scope: scope, proc_owner: owner, is_outside_user_namespace: is_outside } =
        *around;
    let is_mine = target.uids == [own.uids[0]; 3] && target.gids == [own.gids[0]; 3];
    let may_all = own.effective & CAP_SYS_PTRACE != 0;
    match target {
        _ if target.is_kernel_thread => PtraceError::KernelThread,
        _ if target.has_exited() => PtraceError::Zombie,
        _ if target.tracer != 0 => PtraceError::Traced { tracer: target.tracer },
        _ if !is_mine && !may_all => PtraceError::OtherUser { uid: target.uids[1] },
        // The files of what may not be dumped are root's (proc_pid(5)).
        _ if owner != target.uids[1] && !may_all => PtraceError::Undumpable,
        _ if target.permitted & !own.permitted != 0 && !may_all => PtraceError::Capabilities,
        _ if is_outside => PtraceError::UserNamespace,
        _ if scope >= 3 || (scope > 0 && !may_all) => PtraceError::Yama { scope },
        _ => PtraceError::Forbidden,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(uid: u32) -> ThreadStatus {
        ThreadStatus { state: b'S', uids: [uid; 3], gids: [uid; 3], ..ThreadStatus::default() }
    }

    #[test]
    fn preflight_reports_zombie_and_missing_process() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let foreseen = preflight(child.id());
        child.kill().unwrap();
        let stat = format!("/proc/{}/stat", child.id());
        while !fs::read_to_string(&stat).unwrap().contains(") Z ") {
            std::thread::yield_now();
        }
        let dead = preflight(child.id());
        child.wait().unwrap();
        assert!(foreseen.is_none(), "its parent may, also where Yama's scope is 1: {foreseen:?}");
        assert!(matches!(dead, Some(PtraceError::Zombie)), "{dead:?}");
        assert!(matches!(preflight(child.id()), Some(PtraceError::Gone)));
    }

    #[test]
    fn diagnose_reports_first_obstacle() {
        let (own, root) = (user(1000), ThreadStatus { effective: CAP_SYS_PTRACE, ..user(0) });
        let told = |target: ThreadStatus, own: &ThreadStatus, scope| {
            let around = AccessContext {
                yama_scope: scope,
                proc_owner: target.uids[1],
                is_outside_user_namespace: false,
            };
            format!("{:?}", diagnose(&target, own, &around))
        };
        assert_eq!(told(user(33), &own, 1), "OtherUser { uid: 33 }");
        assert_eq!(told(ThreadStatus { tracer: 7, ..user(33) }, &own, 1), "Traced { tracer: 7 }");
        assert_eq!(told(ThreadStatus { state: b'Z', ..user(33) }, &own, 1), "Zombie");
        assert_eq!(told(ThreadStatus { is_kernel_thread: true, ..user(0) }, &root, 0), "KernelThread");
        assert_eq!(told(user(1000), &own, 1), "Yama { scope: 1 }");
        assert_eq!(told(user(1000), &root, 3), "Yama { scope: 3 }");
        assert_eq!(told(user(1000), &root, 2), "Forbidden");
        assert_eq!(told(user(1000), &own, 0), "Forbidden");
        assert_eq!(told(ThreadStatus { permitted: 1, ..user(1000) }, &own, 0), "Capabilities");
        assert_eq!(told(ThreadStatus { uids: [1000, 0, 0], ..user(1000) }, &own, 0), "OtherUser { uid: 0 }");
        let hidden = diagnose(
            &user(1000),
            &own,
            &AccessContext { yama_scope: 1, proc_owner: 0, is_outside_user_namespace: false },
        );
        assert!(matches!(hidden, PtraceError::Undumpable), "{hidden:?}");
        // Root of a user namespace has all capabilities there.
        let outside =
            |scope| AccessContext { yama_scope: scope, proc_owner: 1000, is_outside_user_namespace: true };
        for (target, own) in [(user(1000), &root), (user(0), &root), (user(1000), &own)] {
            let refused = diagnose(&target, own, &AccessContext { proc_owner: target.uids[1], ..outside(1) });
            assert!(matches!(refused, PtraceError::UserNamespace), "{refused:?}");
        }
    }
}

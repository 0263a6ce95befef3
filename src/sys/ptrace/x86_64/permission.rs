//! Diagnosis of EPERM from PTRACE_SEIZE: the kernel does not report the reason.

use std::fs;
use std::os::unix::fs::MetadataExt;

use libc::pid_t;

use super::procfs_noalloc::{ThreadFileReader, ThreadStatus, parse_number};
use crate::sys::process::capabilities;
use crate::sys::ptrace::PtraceError;

/// CAP_SYS_PTRACE (uapi linux/capability.h).
const CAP_SYS_PTRACE: u64 = 1 << 19;

/// Finds the reason why the kernel refused to trace this thread.
pub(super) fn diagnose_attach_eperm(pid: pid_t, tid: pid_t) -> PtraceError {
    let mut reader = ThreadFileReader::new();
    let Ok(target) = reader.status(pid, tid) else { return PtraceError::Gone };
    let own = std::process::id() as pid_t;
    let own = reader.status(own, own).unwrap_or_default();
    let yama_scope = fs::read("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    // The directory always belongs to the user of the process (`task_dump_owner` in
    // fs/proc/base.c).
    let proc_owner =
        fs::metadata(format!("/proc/{pid}/status")).map_or(target.uids[1], |metadata| metadata.uid());
    let context = AccessContext {
        yama_scope: parse_number(yama_scope.trim_ascii(), 10) as u8,
        proc_owner,
        is_outside_user_namespace: is_outside_user_namespace(pid),
    };
    diagnose(&target, &own, &context)
}

/// See [`crate::sys::ptrace::preflight`].
pub(in crate::sys::ptrace) fn preflight(pid: u32) -> Option<PtraceError> {
    let Ok(pid) = pid_t::try_from(pid) else { return Some(PtraceError::Gone) };
    // A caller that may trace the process may open its memory (`proc_mem_open` in
    // fs/proc/base.c): also a parent under Yama, or a caller with capabilities in
    // its user namespace.
    let may_open = || fs::File::open(format!("/proc/{pid}/mem")).is_ok();
    match diagnose_attach_eperm(pid, pid) {
        PtraceError::Forbidden => None,
        error @ (PtraceError::Gone
        | PtraceError::KernelThread
        | PtraceError::Zombie
        | PtraceError::Traced { .. }) => Some(error),
        error => (!may_open()).then_some(error),
    }
}

/// Facts that decide access besides the two processes.
struct AccessContext {
    /// Yama's setting; 0 without Yama.
    yama_scope: u8,
    /// UID of the files in /proc/PID.
    proc_owner: u32,
    /// Whether the caller is in a child user namespace and the process is not known
    /// to be in the same one.
    is_outside_user_namespace: bool,
}

/// Whether this process is in a child user namespace and `pid` is elsewhere, as far
/// as known. The link is readable only for a caller that may trace the process.
fn is_outside_user_namespace(pid: pid_t) -> bool {
    let inode = |pid: &str| fs::metadata(format!("/proc/{pid}/ns/user")).map(|metadata| metadata.ino()).ok();
    capabilities::is_in_child_user_namespace() && inode(&pid.to_string()) != inode("self")
}

/// Checks in the order of the kernel (`ptrace_attach`, `__ptrace_may_access` in
/// kernel/ptrace.c).
fn diagnose(target: &ThreadStatus, own: &ThreadStatus, context: &AccessContext) -> PtraceError {
    let has_own_ids = target.uids == [own.uids[0]; 3] && target.gids == [own.gids[0]; 3];
    let has_cap_sys_ptrace = own.effective & CAP_SYS_PTRACE != 0;
    match target {
        _ if target.is_kernel_thread => PtraceError::KernelThread,
        _ if target.has_exited() => PtraceError::Zombie,
        _ if target.tracer != 0 => PtraceError::Traced { tracer: target.tracer },
        _ if !has_own_ids && !has_cap_sys_ptrace => PtraceError::OtherUser { uid: target.uids[1] },
        // The files of a process that is not dumpable belong to root (proc_pid(5)).
        _ if context.proc_owner != target.uids[1] && !has_cap_sys_ptrace => PtraceError::Undumpable,
        _ if target.permitted & !own.permitted != 0 && !has_cap_sys_ptrace => PtraceError::Capabilities,
        _ if context.is_outside_user_namespace => PtraceError::UserNamespace,
        _ if context.yama_scope >= 3 || (context.yama_scope > 0 && !has_cap_sys_ptrace) => {
            PtraceError::Yama { scope: context.yama_scope }
        }
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
        let while_alive = preflight(child.id());
        child.kill().unwrap();
        let stat = format!("/proc/{}/stat", child.id());
        while !fs::read_to_string(&stat).unwrap().contains(") Z ") {
            std::thread::yield_now();
        }
        let as_zombie = preflight(child.id());
        child.wait().unwrap();
        assert!(while_alive.is_none(), "a parent may trace, even if Yama's scope is 1: {while_alive:?}");
        assert!(matches!(as_zombie, Some(PtraceError::Zombie)), "{as_zombie:?}");
        assert!(matches!(preflight(child.id()), Some(PtraceError::Gone)));
    }

    #[test]
    fn diagnose_reports_first_obstacle() {
        let (own, root) = (user(1000), ThreadStatus { effective: CAP_SYS_PTRACE, ..user(0) });
        let diagnosis = |target: ThreadStatus, own: &ThreadStatus, scope| {
            let context = AccessContext {
                yama_scope: scope,
                proc_owner: target.uids[1],
                is_outside_user_namespace: false,
            };
            format!("{:?}", diagnose(&target, own, &context))
        };
        assert_eq!(diagnosis(user(33), &own, 1), "OtherUser { uid: 33 }");
        assert_eq!(diagnosis(ThreadStatus { tracer: 7, ..user(33) }, &own, 1), "Traced { tracer: 7 }");
        assert_eq!(diagnosis(ThreadStatus { state: b'Z', ..user(33) }, &own, 1), "Zombie");
        assert_eq!(diagnosis(ThreadStatus { is_kernel_thread: true, ..user(0) }, &root, 0), "KernelThread");
        assert_eq!(diagnosis(user(1000), &own, 1), "Yama { scope: 1 }");
        assert_eq!(diagnosis(user(1000), &root, 3), "Yama { scope: 3 }");
        assert_eq!(diagnosis(user(1000), &root, 2), "Forbidden");
        assert_eq!(diagnosis(user(1000), &own, 0), "Forbidden");
        assert_eq!(diagnosis(ThreadStatus { permitted: 1, ..user(1000) }, &own, 0), "Capabilities");
        assert_eq!(
            diagnosis(ThreadStatus { uids: [1000, 0, 0], ..user(1000) }, &own, 0),
            "OtherUser { uid: 0 }"
        );
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
            let error = diagnose(&target, own, &AccessContext { proc_owner: target.uids[1], ..outside(1) });
            assert!(matches!(error, PtraceError::UserNamespace), "{error:?}");
        }
    }
}

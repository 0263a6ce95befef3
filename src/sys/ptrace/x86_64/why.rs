//! Why the kernel forbids to trace a process: it says EPERM, and no more.

use std::fs;
use std::os::unix::fs::MetadataExt;

use libc::pid_t;

use super::text::{Status, Text, number};
use crate::sys::ptrace::Refusal;
use crate::sys::rights;

/// CAP_SYS_PTRACE (uapi linux/capability.h).
const SYS_PTRACE: u64 = 1 << 19;

/// What stands against tracing this thread, after the kernel has refused it.
pub(super) fn denied(pid: pid_t, tid: pid_t) -> Refusal {
    let mut text = Text::new();
    let Ok(target) = text.status(pid, tid) else { return Refusal::Gone };
    let own = std::process::id() as pid_t;
    let own = text.status(own, own).unwrap_or_default();
    let scope = fs::read("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    // The folder is always its user's (`task_dump_owner` in fs/proc/base.c).
    let owner = fs::metadata(format!("/proc/{pid}/status")).map_or(target.uids[1], |metadata| metadata.uid());
    let (scope, is_outside) = (number(scope.trim_ascii(), 10) as u8, is_outside(pid));
    explain(&target, &own, &Around { scope, owner, is_outside })
}

/// As [`crate::sys::ptrace::foresee`] says.
pub(in crate::sys::ptrace) fn foresee(pid: u32) -> Option<Refusal> {
    let Ok(pid) = pid_t::try_from(pid) else { return Some(Refusal::Gone) };
    // Whoever may trace it may open its memory (`proc_mem_open` in
    // fs/proc/base.c), as a parent under Yama may, and who has its user namespace.
    let may_open = || fs::File::open(format!("/proc/{pid}/mem")).is_ok();
    match denied(pid, pid) {
        Refusal::Forbidden => None,
        state @ (Refusal::Gone | Refusal::KernelThread | Refusal::Zombie | Refusal::Traced { .. }) => {
            Some(state)
        }
        refusal => (!may_open()).then_some(refusal),
    }
}

/// What decides besides the two processes.
struct Around {
    /// Yama's setting; 0 without Yama.
    scope: u8,
    /// Whose the files in /proc/PID are.
    owner: u32,
    /// Whether the caller is in a user namespace of its own, and the process is
    /// not known to be there too.
    is_outside: bool,
}

/// Which user namespace a process is in may be read by who may trace it.
fn is_outside(pid: pid_t) -> bool {
    let inode = |pid: &str| fs::metadata(format!("/proc/{pid}/ns/user")).map(|metadata| metadata.ino()).ok();
    rights::is_in_user_namespace() && inode(&pid.to_string()) != inode("self")
}

/// In the order of the kernel's own questions (`ptrace_attach`,
/// `__ptrace_may_access` in kernel/ptrace.c).
fn explain(target: &Status, own: &Status, around: &Around) -> Refusal {
    let Around { scope, owner, is_outside } = *around;
    let is_mine = target.uids == [own.uids[0]; 3] && target.gids == [own.gids[0]; 3];
    let may_all = own.effective & SYS_PTRACE != 0;
    match target {
        _ if target.is_kernel_thread => Refusal::KernelThread,
        _ if target.is_ended() => Refusal::Zombie,
        _ if target.tracer != 0 => Refusal::Traced { by: target.tracer },
        _ if !is_mine && !may_all => Refusal::OtherUser { uid: target.uids[1] },
        // The files of what may not be dumped are root's (proc_pid(5)).
        _ if owner != target.uids[1] && !may_all => Refusal::Undumpable,
        _ if target.permitted & !own.permitted != 0 && !may_all => Refusal::Capabilities,
        _ if is_outside => Refusal::UserNamespace,
        _ if scope >= 3 || (scope > 0 && !may_all) => Refusal::Yama { scope },
        _ => Refusal::Forbidden,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(uid: u32) -> Status {
        Status { state: b'S', uids: [uid; 3], gids: [uid; 3], ..Status::default() }
    }

    #[test]
    fn what_stands_against_a_look_is_foreseen() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let foreseen = foresee(child.id());
        child.kill().unwrap();
        let stat = format!("/proc/{}/stat", child.id());
        while !fs::read_to_string(&stat).unwrap().contains(") Z ") {
            std::thread::yield_now();
        }
        let dead = foresee(child.id());
        child.wait().unwrap();
        assert!(foreseen.is_none(), "its parent may, also where Yama's scope is 1: {foreseen:?}");
        assert!(matches!(dead, Some(Refusal::Zombie)), "{dead:?}");
        assert!(matches!(foresee(child.id()), Some(Refusal::Gone)));
    }

    #[test]
    fn the_first_that_stands_against_it_is_told() {
        let (own, root) = (user(1000), Status { effective: SYS_PTRACE, ..user(0) });
        let told = |target: Status, own: &Status, scope| {
            let around = Around { scope, owner: target.uids[1], is_outside: false };
            format!("{:?}", explain(&target, own, &around))
        };
        assert_eq!(told(user(33), &own, 1), "OtherUser { uid: 33 }");
        assert_eq!(told(Status { tracer: 7, ..user(33) }, &own, 1), "Traced { by: 7 }");
        assert_eq!(told(Status { state: b'Z', ..user(33) }, &own, 1), "Zombie");
        assert_eq!(told(Status { is_kernel_thread: true, ..user(0) }, &root, 0), "KernelThread");
        assert_eq!(told(user(1000), &own, 1), "Yama { scope: 1 }");
        assert_eq!(told(user(1000), &root, 3), "Yama { scope: 3 }");
        assert_eq!(told(user(1000), &root, 2), "Forbidden");
        assert_eq!(told(user(1000), &own, 0), "Forbidden");
        assert_eq!(told(Status { permitted: 1, ..user(1000) }, &own, 0), "Capabilities");
        assert_eq!(told(Status { uids: [1000, 0, 0], ..user(1000) }, &own, 0), "OtherUser { uid: 0 }");
        let hidden = explain(&user(1000), &own, &Around { scope: 1, owner: 0, is_outside: false });
        assert!(matches!(hidden, Refusal::Undumpable), "{hidden:?}");
        // Root of a user namespace has all capabilities there.
        let outside = |scope| Around { scope, owner: 1000, is_outside: true };
        for (target, own) in [(user(1000), &root), (user(0), &root), (user(1000), &own)] {
            let refused = explain(&target, own, &Around { owner: target.uids[1], ..outside(1) });
            assert!(matches!(refused, Refusal::UserNamespace), "{refused:?}");
        }
    }
}

//! Why a process could not be looked into.

use std::io;

/// Why ptrace(2) shows nothing of a process. Nothing has been changed in it.
#[derive(Debug)]
pub enum Refusal {
    /// What is done here is done on x86-64 only.
    Architecture,
    /// There is no such process, or it has ended meanwhile.
    Gone,
    /// It has ended and waits for its parent.
    Zombie,
    /// It is a thread of the kernel's own.
    KernelThread,
    /// It has a tracer already; each thread can have one only.
    Traced {
        /// The tracer.
        by: u32,
    },
    /// It is another user's, and CAP_SYS_PTRACE is missing.
    OtherUser {
        /// Its effective user.
        uid: u32,
    },
    /// It has capabilities that the caller has not, and CAP_SYS_PTRACE is
    /// missing.
    Capabilities,
    /// It may not be dumped (PR_SET_DUMPABLE in prctl(2)), and CAP_SYS_PTRACE is
    /// missing.
    Undumpable,
    /// The caller is in a user namespace of its own, and the process is not in
    /// it: what the caller may do there does not count outside.
    UserNamespace,
    /// The security module Yama forbids it (kernel.yama.ptrace_scope).
    Yama {
        /// The setting: 1 descendants only, 2 administrators only, 3 nobody.
        scope: u8,
    },
    /// The kernel forbids it, and /proc does not tell why: another security
    /// module, or a sandbox around the caller.
    Forbidden,
    /// Its thread runs 32-bit code.
    Compat,
    /// Its system calls are filtered by seccomp(2); suspending the filter takes
    /// CAP_SYS_ADMIN.
    Seccomp,
    /// Its system calls are dispatched to itself (PR_SET_SYSCALL_USER_DISPATCH).
    Dispatched,
    /// It has no system call instruction that could be used.
    NoInstruction,
    /// Its stack pointer points to no memory that could be used.
    NoMemory,
    /// Its credentials are not the caller's, and it was not asked for that it is
    /// made to run system calls all the same.
    Credentials,
    /// Its system calls are filtered, and its credentials are not the caller's: its
    /// filter is not suspended.
    FilteredCredentials,
    /// The kernel does not report the system calls of a tracee.
    OldKernel,
    /// The thread made another call than the one that it was to make: something
    /// changes its instructions. The call was cancelled.
    Tampered,
    /// A page of its memory did not arrive in time.
    MemoryTimeout,
    /// Its thread did not stop within the time.
    NoAnswer {
        /// The letter of its state, as in /proc/PID/stat: D is a sleep that
        /// cannot be interrupted.
        state: u8,
    },
    /// Its threads ended, or it executed another program, each time it was tried.
    Changing,
    /// The helper process ended before it was done: somebody killed it.
    Helper,
    /// A system call failed that should not.
    Failed(io::Error),
}

impl Refusal {
    /// Whether it concerns the actions alone, so that the queue may still be seen.
    pub fn is_of_actions(&self) -> bool {
        matches!(
            self,
            Refusal::Seccomp
                | Refusal::FilteredCredentials
                | Refusal::Credentials
                | Refusal::Dispatched
                | Refusal::NoInstruction
                | Refusal::NoMemory
                | Refusal::MemoryTimeout
                | Refusal::Tampered
                | Refusal::OldKernel
        )
    }

    /// The reason in words, as the end of a sentence; without the process.
    pub fn reason(&self) -> String {
        let text = match self {
            Refusal::Architecture => "ptrace is not supported on this architecture (x86-64 only)",
            Refusal::Gone => "no such process",
            Refusal::Zombie => "it is a zombie: dead, until its parent waits for it",
            Refusal::KernelThread => "it is a kernel thread",
            Refusal::Traced { by } => return format!("it is traced already, by {by}"),
            Refusal::OtherUser { uid } => {
                return format!("it belongs to uid {uid}: that takes CAP_SYS_PTRACE");
            }
            Refusal::Capabilities => "it has more capabilities than you: that takes CAP_SYS_PTRACE",
            Refusal::Undumpable => "it may not be dumped (prctl PR_SET_DUMPABLE): that takes CAP_SYS_PTRACE",
            Refusal::UserNamespace => {
                "it is in another user namespace than you: that takes CAP_SYS_PTRACE in that one"
            }
            Refusal::Yama { scope } => return yama(*scope),
            Refusal::Forbidden => "the kernel forbids it (a security module, or a sandbox around sigtool)",
            Refusal::Compat => "it runs 32-bit code",
            Refusal::Seccomp => "seccomp filters its system calls: that takes CAP_SYS_ADMIN",
            Refusal::Dispatched => "its system calls are dispatched to itself (syscall user dispatch)",
            Refusal::NoInstruction => "no system call instruction was found in its vdso",
            Refusal::NoMemory => "its stack pointer points to no usable memory",
            Refusal::Credentials => {
                "its credentials differ from yours, and ptrace would make it run system calls; \
                 --backend ptrace does so"
            }
            Refusal::FilteredCredentials => {
                "seccomp filters its system calls, and its credentials differ from yours; \
                 the filter of such a process is never suspended"
            }
            Refusal::OldKernel => "ptrace cannot report system calls (needs Linux 5.3)",
            Refusal::Tampered => {
                "its code was changed while it was inspected, so the system call was cancelled"
            }
            Refusal::MemoryTimeout => {
                "a page of its stack did not arrive in time (userfaultfd, or a file system that does not answer)"
            }
            Refusal::NoAnswer { state: b'D' } => {
                "it did not stop in time: it is in an uninterruptible sleep (state D)"
            }
            Refusal::NoAnswer { state } => {
                let state = char::from(*state);
                return format!("it did not stop in time (state {state}; perhaps its cgroup is frozen)");
            }
            Refusal::Changing => "its threads end, or it executes programs, faster than it can be stopped",
            Refusal::Helper => "the helper process was killed",
            Refusal::Failed(error) => return format!("ptrace failed: {error}"),
        };
        text.to_owned()
    }
}

fn yama(scope: u8) -> String {
    let who = match scope {
        1 => "only a descendant may be traced without CAP_SYS_PTRACE",
        2 => "that takes CAP_SYS_PTRACE",
        _ => "nobody may, until the next boot",
    };
    format!("kernel.yama.ptrace_scope is {scope}: {who}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_is_named() {
        for (refusal, word) in [
            (Refusal::Yama { scope: 1 }, "kernel.yama.ptrace_scope is 1"),
            (Refusal::Traced { by: 77 }, "by 77"),
            (Refusal::OtherUser { uid: 33 }, "uid 33"),
            (Refusal::NoAnswer { state: b'D' }, "state D"),
            (Refusal::Seccomp, "CAP_SYS_ADMIN"),
            (Refusal::Architecture, "x86-64"),
        ] {
            assert!(refusal.reason().contains(word), "{refusal:?}: {}", refusal.reason());
        }
    }
}

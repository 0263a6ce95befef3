//! Why a process could not be looked into.

use std::io;

/// Why ptrace(2) shows nothing of a process. Nothing has been changed in it.
#[derive(Debug)]
pub enum PtraceError {
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
        tracer: u32,
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
    StopTimeout {
        /// The letter of its state, as in /proc/PID/stat: D is a sleep that
        /// cannot be interrupted.
        state: u8,
    },
    /// Its threads ended, or it executed another program, each time it was tried.
    Unstable,
    /// The helper process ended before it was done: somebody killed it.
    HelperKilled,
    /// A system call failed that should not.
    SystemCall(io::Error),
}

impl PtraceError {
    /// Whether it concerns the actions alone, so that the queue may still be seen.
    pub fn concerns_actions_only(&self) -> bool {
        matches!(
            self,
            PtraceError::Seccomp
                | PtraceError::FilteredCredentials
                | PtraceError::Credentials
                | PtraceError::Dispatched
                | PtraceError::NoInstruction
                | PtraceError::NoMemory
                | PtraceError::MemoryTimeout
                | PtraceError::Tampered
                | PtraceError::OldKernel
        )
    }

    /// The reason in words, as the end of a sentence; without the process.
    pub fn reason(&self) -> String {
        let text = match self {
            PtraceError::Architecture => "ptrace is not supported on this architecture (x86-64 only)",
            PtraceError::Gone => "no such process",
            PtraceError::Zombie => "it is a zombie: dead, until its parent waits for it",
            PtraceError::KernelThread => "it is a kernel thread",
            PtraceError::Traced { tracer: by } => return format!("it is traced already, by {by}"),
            PtraceError::OtherUser { uid } => {
                return format!("it belongs to uid {uid}: that takes CAP_SYS_PTRACE");
            }
            PtraceError::Capabilities => "it has more capabilities than you: that takes CAP_SYS_PTRACE",
            PtraceError::Undumpable => {
                "it may not be dumped (prctl PR_SET_DUMPABLE): that takes CAP_SYS_PTRACE"
            }
            PtraceError::UserNamespace => {
                "it is in another user namespace than you: that takes CAP_SYS_PTRACE in that one"
            }
            PtraceError::Yama { scope } => return yama_reason(*scope),
            PtraceError::Forbidden => {
                "the kernel forbids it (a security module, or a sandbox around sigtool)"
            }
            PtraceError::Compat => "it runs 32-bit code",
            PtraceError::Seccomp => "seccomp filters its system calls: that takes CAP_SYS_ADMIN",
            PtraceError::Dispatched => "its system calls are dispatched to itself (syscall user dispatch)",
            PtraceError::NoInstruction => "no system call instruction was found in its vdso",
            PtraceError::NoMemory => "its stack pointer points to no usable memory",
            PtraceError::Credentials => {
                "its credentials differ from yours, and ptrace would make it run system calls; \
                 --backend ptrace does so"
            }
            PtraceError::FilteredCredentials => {
                "seccomp filters its system calls, and its credentials differ from yours; \
                 the filter of such a process is never suspended"
            }
            PtraceError::OldKernel => "ptrace cannot report system calls (needs Linux 5.3)",
            PtraceError::Tampered => {
                "its code was changed while it was inspected, so the system call was cancelled"
            }
            PtraceError::MemoryTimeout => {
                "a page of its stack did not arrive in time (userfaultfd, or a file system that does not answer)"
            }
            PtraceError::StopTimeout { state: b'D' } => {
                "it did not stop in time: it is in an uninterruptible sleep (state D)"
            }
            PtraceError::StopTimeout { state } => {
                let state = char::from(*state);
                return format!("it did not stop in time (state {state}; perhaps its cgroup is frozen)");
            }
            PtraceError::Unstable => {
                "its threads end, or it executes programs, faster than it can be stopped"
            }
            PtraceError::HelperKilled => "the helper process was killed",
            PtraceError::SystemCall(error) => return format!("ptrace failed: {error}"),
        };
        text.to_owned()
    }
}

fn yama_reason(scope: u8) -> String {
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
    fn reason_names_deciding_fact() {
        for (refusal, word) in [
            (PtraceError::Yama { scope: 1 }, "kernel.yama.ptrace_scope is 1"),
            (PtraceError::Traced { tracer: 77 }, "by 77"),
            (PtraceError::OtherUser { uid: 33 }, "uid 33"),
            (PtraceError::StopTimeout { state: b'D' }, "state D"),
            (PtraceError::Seccomp, "CAP_SYS_ADMIN"),
            (PtraceError::Architecture, "x86-64"),
        ] {
            assert!(refusal.reason().contains(word), "{refusal:?}: {}", refusal.reason());
        }
    }
}

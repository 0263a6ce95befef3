//! Why a process could not be looked into.

use std::io;

use crate::sys::errno::message_without_errno;

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
            PtraceError::Zombie => "it is a zombie",
            PtraceError::KernelThread => "ptrace cannot attach to a kernel thread",
            PtraceError::Traced { tracer } => return format!("it is already traced by {tracer}"),
            PtraceError::OtherUser { uid } => {
                return format!(
                    "ptrace is not permitted without CAP_SYS_PTRACE because it belongs to uid {uid}"
                );
            }
            PtraceError::Capabilities => {
                "ptrace is not permitted without CAP_SYS_PTRACE because it has capabilities that you lack"
            }
            PtraceError::Undumpable => {
                "ptrace is not permitted without CAP_SYS_PTRACE because it is not dumpable \
                 (PR_SET_DUMPABLE in prctl(2))"
            }
            PtraceError::UserNamespace => {
                "ptrace is not permitted without CAP_SYS_PTRACE in its user namespace, which is not yours"
            }
            PtraceError::Yama { scope } => return yama_reason(*scope),
            PtraceError::Forbidden => {
                "ptrace is not permitted, probably because of a security module or a sandbox around sigtool"
            }
            PtraceError::Compat => "ptrace inspection does not support its 32-bit code",
            PtraceError::Seccomp => "ptrace cannot suspend its seccomp filter without CAP_SYS_ADMIN",
            PtraceError::Dispatched => {
                "ptrace cannot make it run system calls because it uses syscall user dispatch"
            }
            PtraceError::NoInstruction => "ptrace found no system call instruction in its vDSO",
            PtraceError::NoMemory => "ptrace found no usable memory at its stack pointer",
            PtraceError::Credentials => {
                "its credentials differ from yours and ptrace would make it run system calls \
                 (use --backend ptrace to allow this)"
            }
            PtraceError::FilteredCredentials => {
                "it has a seccomp filter, which ptrace does not suspend because its credentials differ \
                 from yours"
            }
            PtraceError::OldKernel => "ptrace cannot report system calls (needs Linux 5.3)",
            PtraceError::Tampered => {
                "its code changed during the inspection, so ptrace cancelled the system call"
            }
            PtraceError::MemoryTimeout => {
                "reading its stack timed out, probably because of userfaultfd or a file system that does not respond"
            }
            PtraceError::StopTimeout { state: b'D' } => {
                "it did not stop in time because it is in uninterruptible sleep (state D)"
            }
            PtraceError::StopTimeout { state } => {
                let state = char::from(*state);
                return format!(
                    "it did not stop in time (state {state}), probably because its cgroup is frozen"
                );
            }
            PtraceError::Unstable => {
                "its threads exit, or it calls execve(2), faster than ptrace can stop it"
            }
            PtraceError::HelperKilled => "the helper process that runs ptrace was killed",
            PtraceError::SystemCall(error) => {
                return format!("ptrace failed ({})", message_without_errno(error));
            }
        };
        text.to_owned()
    }
}

fn yama_reason(scope: u8) -> String {
    let text = match scope {
        1 => "ptrace is not permitted without CAP_SYS_PTRACE except for descendants",
        2 => "ptrace is not permitted without CAP_SYS_PTRACE",
        _ => "ptrace is disabled until the next boot",
    };
    format!("{text} (kernel.yama.ptrace_scope is {scope})")
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

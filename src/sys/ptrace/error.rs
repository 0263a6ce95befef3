//! Reasons why a process could not be inspected or traced.

use std::io;

use crate::error::message_without_errno;

/// Reason why ptrace(2) failed on a process. The process is unchanged.
#[derive(Debug)]
pub enum PtraceError {
    /// The architecture is not x86-64.
    Architecture,
    /// The process does not exist, or it exited meanwhile.
    Gone,
    /// The process exited and waits for its parent.
    Zombie,
    /// The process is a kernel thread.
    KernelThread,
    /// The process already has a tracer; a thread can have only one.
    Traced {
        /// PID of the tracer.
        tracer: u32,
    },
    /// The process belongs to another user, and CAP_SYS_PTRACE is missing.
    OtherUser {
        /// Effective UID of the process.
        uid: u32,
    },
    /// The process has capabilities that the caller lacks, and CAP_SYS_PTRACE is
    /// missing.
    Capabilities,
    /// The process is not dumpable (PR_SET_DUMPABLE in prctl(2)), and
    /// CAP_SYS_PTRACE is missing.
    Undumpable,
    /// The caller is in a child user namespace and the process is not. Capabilities
    /// of the child namespace have no effect outside.
    UserNamespace,
    /// The security module Yama forbids it (kernel.yama.ptrace_scope).
    Yama {
        /// The setting: 1 allows descendants, 2 allows administrators, 3 allows
        /// nothing.
        scope: u8,
    },
    /// The kernel forbids it and /proc does not show the reason: another security
    /// module, or a sandbox around the caller.
    Forbidden,
    /// The thread runs 32-bit code.
    Compat,
    /// seccomp(2) filters the system calls of the process; suspending the filter
    /// needs CAP_SYS_ADMIN.
    Seccomp,
    /// The system calls of the process are dispatched to itself
    /// (PR_SET_SYSCALL_USER_DISPATCH).
    Dispatched,
    /// The process has no usable system call instruction.
    NoInstruction,
    /// The stack pointer does not point to usable memory.
    NoMemory,
    /// The credentials of the process differ from the caller's, and the request
    /// does not allow injected system calls in such a process.
    Credentials,
    /// seccomp(2) filters the system calls of the process, and its credentials
    /// differ from the caller's. Such a filter is never suspended.
    FilteredCredentials,
    /// The kernel does not report the system calls of a tracee.
    OldKernel,
    /// The thread was about to make a different call than the requested one,
    /// because something changed its instructions. The call was cancelled.
    Tampered,
    /// A page of the process's memory did not arrive in time.
    MemoryTimeout,
    /// The thread did not stop in time.
    StopTimeout {
        /// State letter as in /proc/PID/stat. D is an uninterruptible sleep.
        state: u8,
    },
    /// In every attempt the threads exited or the process executed another program.
    Unstable,
    /// The helper process was killed before it finished.
    HelperKilled,
    /// A system call failed unexpectedly.
    SystemCall(io::Error),
}

impl PtraceError {
    /// Whether the error concerns only the actions, so that the queue may still be
    /// readable.
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

    /// The reason in words, as the end of a sentence that names the process.
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
            // A frozen process looks asleep. In any other state that guess would be wrong.
            PtraceError::StopTimeout { state: b'S' } => {
                "it did not stop in time (state S), probably because its cgroup is frozen"
            }
            PtraceError::StopTimeout { state } => {
                return format!("it did not stop in time (state {})", char::from(*state));
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
    let rule = match scope {
        1 => "ptrace is not permitted without CAP_SYS_PTRACE except for descendants",
        2 => "ptrace is not permitted without CAP_SYS_PTRACE",
        _ => "ptrace is disabled until the next boot",
    };
    format!("{rule} (kernel.yama.ptrace_scope is {scope})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_names_deciding_fact() {
        for (error, expected) in [
            (PtraceError::Yama { scope: 1 }, "kernel.yama.ptrace_scope is 1"),
            (PtraceError::Traced { tracer: 77 }, "by 77"),
            (PtraceError::OtherUser { uid: 33 }, "uid 33"),
            (PtraceError::StopTimeout { state: b'D' }, "state D"),
            (PtraceError::Seccomp, "CAP_SYS_ADMIN"),
            (PtraceError::Architecture, "x86-64"),
        ] {
            assert!(error.reason().contains(expected), "{error:?}: {}", error.reason());
        }
    }
}

//! Errors of the helper, which its parent explains.

use std::io;

/// Error code of the helper. The caller finds the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum InspectError {
    /// The thread exited.
    Gone = 1,
    /// The kernel forbids tracing.
    Denied,
    /// The thread did not stop in time.
    StopTimeout,
    /// The thread runs 32-bit code.
    Compat,
    /// The system calls are filtered, and the filter may not be suspended.
    Seccomp,
    /// The system calls are dispatched to the process itself.
    Dispatched,
    /// The process executes another program now.
    Executed,
    /// No usable system call instruction.
    NoInstruction,
    /// No usable memory.
    NoMemory,
    /// A system call failed.
    Failed,
    /// The credentials differ from those of sigtool.
    Credentials,
    /// The credentials differ, therefore the filter is not suspended.
    FilteredCredentials,
    /// The kernel does not report system calls.
    OldKernel,
    /// The thread was about to make a different call than the requested one.
    Tampered,
    /// A page of memory did not arrive in time.
    MemoryTimeout,
}

impl InspectError {
    pub(super) const ALL: [InspectError; 15] = [
        InspectError::Gone,
        InspectError::Denied,
        InspectError::StopTimeout,
        InspectError::Compat,
        InspectError::Seccomp,
        InspectError::Dispatched,
        InspectError::Executed,
        InspectError::NoInstruction,
        InspectError::NoMemory,
        InspectError::Failed,
        InspectError::Credentials,
        InspectError::FilteredCredentials,
        InspectError::OldKernel,
        InspectError::Tampered,
        InspectError::MemoryTimeout,
    ];

    /// Converts the error of a request on a stopped thread. The request fails if
    /// the thread was killed.
    pub(super) fn from_io(error: io::Error) -> InspectError {
        match error.raw_os_error() {
            Some(libc::ESRCH | libc::ECHILD) => InspectError::Gone,
            _ => InspectError::Failed,
        }
    }
}

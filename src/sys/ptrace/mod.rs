//! Inspection and tracing of processes with ptrace(2).
//!
//! A helper process does the work, so that sigtool itself never blocks. It attaches
//! with SEIZE and INTERRUPT, which send no signal. [`inspect`] stops one thread at
//! a time, for some hundred microseconds, and then detaches. [`Tracer`] stays
//! attached and reports each signal at its delivery.
//!
//! The queues of pending signals are read with PEEKSIGINFO. No request returns the
//! actions of signals, so the stopped thread itself is made to call
//! rt_sigaction(2):
//!
//! - **Verified entry stops.** The target may be hostile, for example replace its
//!   instructions. The thread is stopped again at the entry of each system call,
//!   where the kernel reports the call. A call that differs from the requested one
//!   is cancelled. After the last call the registers, the signal mask and the
//!   memory are restored.
//! - **Memory helper.** A page of the target may never arrive (userfaultfd(2),
//!   FUSE). A child of the helper therefore reads and writes the memory, through
//!   /proc/PID/mem. The tracer abandons this child if it misses a deadline, so the
//!   target does not stay stopped.
//! - **Credentials.** A process whose credentials differ from those of sigtool
//!   makes system calls only if [`InspectRequest::any_credentials`] allows it. Its
//!   seccomp filter is never suspended.
//! - **Abandonment.** A thread that does not stop before the deadline (state D) is
//!   left unchanged. A fatal signal to sigtool stays blocked until the helper has
//!   restored and released the thread. If that takes too long, [`inspect`] fails with
//!   [`PtraceError::StopTimeout`] and the helper finishes later.
//!
//! Signal masks, job control stops and handlers of the target stay the same, and
//! most interrupted system calls restart. Known side effects:
//!
//! - If the helper (not sigtool) receives KILL during a call of rt_sigaction(2),
//!   the thread continues with wrong registers and most likely crashes.
//! - A call with a relative timeout that returns EINTR after every stop
//!   (epoll_wait(2) and others) restarts with its full timeout.
//! - A call that did a part of its work (write(2), recv(2) with MSG_WAITALL)
//!   returns the partial result.
//! - If system calls are filtered, poll(2), nanosleep(2) and futex(2) restart with
//!   their full timeout, because the filter may forbid restart_syscall(2).
//!
//! The plan prefers threads without these side effects.
//!
//! Only x86-64 is supported. On other architectures every function fails with
//! [`PtraceError::Architecture`].

mod error;
mod event;

#[cfg(not(all(target_arch = "x86_64", target_pointer_width = "64")))]
mod unsupported;
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64"))]
mod x86_64;

use std::time::Duration;

#[cfg(not(all(target_arch = "x86_64", target_pointer_width = "64")))]
use unsupported as arch;
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64"))]
use x86_64 as arch;

pub use arch::Tracer;
pub use error::PtraceError;
pub use event::{StopStats, TracerEvent, TracerEventKind};

use crate::signal::{QueuedSignal, Sigaction, Signal, SignalSet};

/// Maximum number of queue entries that are read from one process.
pub const MAX_QUEUE_ENTRIES: u32 = 1000;

/// Selects the data that [`inspect`] reads.
#[derive(Clone, Copy, Debug)]
pub struct InspectRequest {
    /// Signals whose actions are read. Only caught signals have details that /proc
    /// lacks.
    pub handlers: SignalSet,
    /// Read the pending signals of the process and of each thread.
    pub queue: bool,
    /// Allow injected system calls in a process whose credentials differ from the
    /// caller's. Reading actions needs them.
    pub any_credentials: bool,
}

/// Data that [`inspect`] read.
#[derive(Clone, Debug, Default)]
pub struct PtraceInspection {
    /// Actions, in the order of signal numbers.
    pub actions: Vec<(Signal, Sigaction)>,
    /// Queue entries in queue order, those of the process first. A signal that was
    /// sent when the queue was full is pending without an entry.
    pub queue: Vec<QueuedSignal>,
    /// Whether entries were left out because there are more than
    /// [`MAX_QUEUE_ENTRIES`].
    pub truncated: bool,
    /// Longest time that a thread was stopped. Zero if no thread had to be stopped,
    /// because nothing is pending and no actions were requested.
    pub longest_stop: Duration,
}

/// Inspects the process with this PID. Threads are stopped one after another: those
/// with pending signals of their own, and one for everything else.
///
/// The deadline applies to a thread that does not stop (state D); the thread is
/// then left unchanged. All signals of the calling thread are blocked meanwhile. A
/// pending signal that would end this process also ends the wait.
///
/// # Errors
/// The reason why nothing could be read. [`PtraceError::Seccomp`],
/// [`PtraceError::Dispatched`], [`PtraceError::NoInstruction`],
/// [`PtraceError::NoMemory`], and those about credentials, tampering and old
/// kernels concern only the actions. The queue may still be readable alone (see
/// [`PtraceError::concerns_actions_only`]).
pub fn inspect(
    pid: u32,
    request: InspectRequest,
    deadline: Duration,
) -> Result<PtraceInspection, PtraceError> {
    arch::inspect(pid, request, deadline)
}

/// Predicts the error of [`inspect`] for this PID without touching the process;
/// `None` if no obstacle is known.
pub fn preflight(pid: u32) -> Option<PtraceError> {
    arch::preflight(pid)
}

impl Tracer {
    /// Traces every thread of the process with this PID, and the threads that they
    /// start, but not child processes. Blocked signals and those that sigwait(3) or
    /// a signalfd takes are not reported. KILL is reported as an exit.
    ///
    /// A thread is stopped only at the delivery of a signal and at thread events.
    /// The tracing ends with the thread that called this.
    ///
    /// # Errors
    /// The reason why the process cannot be traced. None of its threads is traced
    /// then.
    pub fn attach(pid: u32) -> Result<Tracer, PtraceError> {
        Tracer::start(pid)
    }
}

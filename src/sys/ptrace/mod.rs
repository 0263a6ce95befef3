//! Looking into a process by ptrace(2).
//!
//! It leaves no trace. The work is done by a helper process, with SEIZE and
//! INTERRUPT, which send no signal; a thread is stopped for some hundred
//! microseconds and goes on as if nothing had been: what it waited in is begun
//! again, its masks, its stop and its handlers are what they were. A signal that
//! ends sigtool comes after that; a thread that has not stopped by then, as in
//! state D, is not waited for any more. What is not so:
//!
//! - a KILL to the helper itself while it has a thread ask for actions (not to
//!   sigtool): the thread would go on amid that and most likely crash;
//! - a call with a relative timeout that returns EINTR whenever a thread is
//!   stopped (epoll_wait(2) and others) waits for the whole of it once more;
//! - a call that has done a part of its work (write(2), recv(2) with MSG_WAITALL)
//!   returns with that part;
//! - where system calls are filtered, poll(2), nanosleep(2) and futex(2) wait for
//!   the whole of their timeout once more, as restart_syscall(2) may be forbidden.
//!
//! A thread in neither of these is chosen where there is one.
//!
//! On x86-64 only; elsewhere everything is refused with
//! [`PtraceError::Architecture`].

mod error;
mod event;

#[cfg(not(all(target_arch = "x86_64", target_pointer_width = "64")))]
#[path = "unsupported.rs"]
mod here;
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64"))]
#[path = "x86_64/mod.rs"]
mod here;

use std::time::Duration;

pub use error::PtraceError;
pub use event::{StopStats, TracerEvent, TracerEventKind};
pub use here::Tracer;

use crate::signal::{QueuedSignal, Sigaction, Signal, SignalSet};

/// So many entries of a process's queues are read at most.
pub const MAX_QUEUE_ENTRIES: u32 = 1000;

/// What is to be seen.
#[derive(Clone, Copy, Debug)]
pub struct InspectRequest {
    /// The actions of these signals; those that are caught are of interest.
    pub handlers: SignalSet,
    /// What is pending, for the process and for each thread.
    pub queue: bool,
    /// Whether a process whose credentials are not the caller's may be made to run
    /// system calls, which the actions take.
    pub any_credentials: bool,
}

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct PtraceInspection {
    /// The actions, by the number of the signal.
    pub actions: Vec<(Signal, Sigaction)>,
    /// The queues in their order, that of the process first. A signal that was
    /// sent when the queue was full is pending without an entry.
    pub queue: Vec<QueuedSignal>,
    /// Whether the queues are longer than is told, 1,000 entries in all.
    pub truncated: bool,
    /// The longest that a thread stood still; none does where nothing is pending
    /// and no actions are wanted.
    pub longest_stop: Duration,
}

/// Looks into a process of this number. Threads are stopped one after another:
/// those with signals pending for themselves, and one for everything else.
///
/// The deadline is for a thread that does not stop, as in state D; it is left as
/// it is then. The calling thread's signals are held back meanwhile; one that
/// will end this process ends the waiting, too.
///
/// # Errors
/// Why nothing could be seen. [`PtraceError::Seccomp`], [`PtraceError::Dispatched`],
/// [`PtraceError::NoInstruction`], [`PtraceError::NoMemory`], and those about credentials,
/// tampering and old kernels are of the actions alone: the queue may still be seen
/// by itself (see [`PtraceError::concerns_actions_only`]).
pub fn inspect(
    pid: u32,
    wanted: InspectRequest,
    deadline: Duration,
) -> Result<PtraceInspection, PtraceError> {
    here::inspect(pid, wanted, deadline)
}

/// What stands against looking into a process of this number, as far as that can
/// be told without touching it; `None` where nothing is known to.
pub fn preflight(pid: u32) -> Option<PtraceError> {
    here::preflight(pid)
}

impl Tracer {
    /// Traces every thread of a process of this number, and those that they
    /// start; not the processes. What signals are blocked is not seen, nor are
    /// those that sigwait(3) or a signalfd takes; KILL is seen as the end.
    ///
    /// Nobody stands still but for the moment that a signal is delivered in. The
    /// tracing ends with the thread that has begun it.
    ///
    /// # Errors
    /// Why it cannot be traced; no thread of it is then.
    pub fn attach(pid: u32) -> Result<Tracer, PtraceError> {
        Tracer::start(pid)
    }
}

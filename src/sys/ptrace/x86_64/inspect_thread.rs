//! The helper's work on one thread: stop it, read from it, detach.

use std::ffi::c_int;
use std::io;
use std::time::Instant;

use libc::pid_t;

use super::credentials::Credentials;
use super::deadline::Deadline;
use super::helper::PlainData;
use super::inject_sigaction::{self, RawSigaction};
use super::memory::TargetMemory;
use super::plan::{InspectPlan, ThreadPlan};
use super::procfs_noalloc::{self, ThreadFileReader, ThreadStatus};
use super::syscall_restart::{self, ThreadSignals};
use super::tracee::{Registers, SiginfoBytes, Tracee, TraceeStop};

/// The options of every inspected thread. An exec is an event, so that nothing is
/// done to the new program.
pub(super) const INSPECT_OPTIONS: c_int = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_TRACEEXEC;

/// Maximum number of queue entries, for all queues together.
pub(super) const MAX_ENTRIES: usize = crate::sys::ptrace::MAX_QUEUE_ENTRIES as usize;

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

/// Results of the helper, in memory shared with its parent.
#[repr(C)]
pub(super) struct SharedResult {
    /// 1 once all threads of the plan are done.
    pub(super) is_complete: u32,
    /// The number of an [`InspectError`]; 0 without one. `tid` is the thread that
    /// it concerns.
    pub(super) error: u32,
    pub(super) tid: pid_t,
    /// Longest stop of a thread, in nanoseconds.
    pub(super) longest_stop_ns: u64,
    /// Indexed by signal number minus 1.
    pub(super) actions: [RawSigaction; 64],
    /// Number of queue entries, and whether there are more.
    pub(super) entries: u32,
    pub(super) truncated: u32,
    /// For each entry, its thread, or 0 for the process.
    pub(super) owners: [pid_t; MAX_ENTRIES],
    pub(super) queue: [SiginfoBytes; MAX_ENTRIES],
}

// SAFETY: plain numbers only.
unsafe impl PlainData for SharedResult {}

/// State of the helper's work.
pub(super) struct ThreadInspector<'a> {
    pub(super) plan: &'a InspectPlan,
    /// Signals whose actions are read: bit n-1 is signal n.
    pub(super) wanted: u64,
    pub(super) deadline: Deadline<'a>,
    pub(super) reader: ThreadFileReader,
    pub(super) memory: TargetMemory,
    pub(super) credentials: Credentials,
    /// The status of this process.
    pub(super) own_status: ThreadStatus,
    /// Whether a process with other credentials may be made to run system calls.
    pub(super) any_credentials: bool,
    pub(super) result: &'a mut SharedResult,
}

impl ThreadInspector<'_> {
    /// Does everything in the plan. A thread that exits meanwhile no longer has a
    /// queue. The thread that serves for the whole process must still exist.
    pub(super) fn inspect_all(&mut self) {
        let reads_actions = self.plan.threads.iter().any(|thread| thread.read_actions);
        if reads_actions && self.memory.start().is_err() {
            self.result.error = InspectError::Failed as u32;
            return;
        }
        self.inspect_threads();
        self.memory.end();
    }

    fn inspect_threads(&mut self) {
        for index in 0..self.plan.threads.len() {
            let thread = self.plan.threads[index];
            let outcome = if self.deadline.is_expired() {
                Err(InspectError::StopTimeout)
            } else {
                self.stop_and_inspect(thread)
            };
            match outcome {
                Ok(()) => {}
                Err(InspectError::Gone) if !thread.read_actions && !thread.read_shared_queue => {}
                Err(error) => {
                    (self.result.error, self.result.tid) = (error as u32, thread.tid);
                    return;
                }
            }
        }
        self.result.is_complete = 1;
    }

    fn stop_and_inspect(&mut self, thread: ThreadPlan) -> Result<(), InspectError> {
        let tracee = Tracee(thread.tid);
        seize(tracee)?;
        let start = Instant::now();
        tracee.interrupt().map_err(InspectError::from_io)?;
        self.wait_for_stop(tracee)?;
        let outcome = self.inspect_stopped(tracee, thread);
        // The thread continues after every result. If it was killed meanwhile, this
        // fails.
        let detached = tracee.detach();
        let time = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.result.longest_stop_ns = self.result.longest_stop_ns.max(time);
        outcome.and(detached.map_err(InspectError::from_io))
    }

    /// Waits until the thread is in the requested stop. A signal at its delivery is
    /// delivered first.
    fn wait_for_stop(&self, tracee: Tracee) -> Result<(), InspectError> {
        loop {
            match tracee.wait() {
                Ok(TraceeStop::EventStop(_)) => return Ok(()),
                Ok(TraceeStop::Delivery(signal)) => tracee.cont(signal).map_err(InspectError::from_io)?,
                Ok(TraceeStop::Event(libc::PTRACE_EVENT_EXEC)) => return Err(InspectError::Executed),
                Ok(TraceeStop::Syscall | TraceeStop::Event(_)) => {
                    tracee.cont(0).map_err(InspectError::from_io)?
                }
                Ok(TraceeStop::Exited) => return Err(InspectError::Gone),
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    return Err(InspectError::from_io(error));
                }
                // A running thread cannot be detached. The exit of this process
                // detaches it, and nothing was changed in it.
                Err(_) if self.deadline.is_expired() => return Err(InspectError::StopTimeout),
                Err(_) => {}
            }
        }
    }

    fn inspect_stopped(&mut self, tracee: Tracee, thread: ThreadPlan) -> Result<(), InspectError> {
        let registers = tracee.registers().map_err(InspectError::from_io)?;
        if registers.cs != inject_sigaction::USER_CS {
            return Err(InspectError::Compat);
        }
        if thread.read_shared_queue {
            self.read_queue(tracee, true)?;
        }
        if thread.read_own_queue {
            self.read_queue(tracee, false)?;
        }
        let prepared = match thread.read_actions {
            true => match self.prepare_injection(tracee) {
                Ok(status) => return self.read_actions(tracee, &registers, status),
                Err(error) => Err(error),
            },
            false => Ok(()),
        };
        // The mask of the thread is unchanged here.
        syscall_restart::restart(tracee, thread.is_filtered, || self.thread_signals(tracee, None));
        prepared
    }

    /// Opens the memory of a stopped thread, and decides whether it may be made to
    /// run system calls. Changes nothing in the thread.
    fn prepare_injection(&mut self, tracee: Tracee) -> Result<ThreadStatus, InspectError> {
        let (pid, tid) = (self.plan.pid, tracee.0);
        let namespace = procfs_noalloc::user_namespace(pid, tid);
        let status = self.reader.read(pid, tid, "status").map_err(|_| InspectError::Gone)?;
        let same_credentials = self.credentials.equal(status, &namespace);
        let status = ThreadStatus::parse(status);
        if !same_credentials && !self.any_credentials {
            return Err(InspectError::Credentials);
        }
        if status.is_filtered && !same_credentials {
            return Err(InspectError::FilteredCredentials);
        }
        if status.is_filtered && !may_suspend_seccomp(&self.own_status) {
            return Err(InspectError::Seccomp);
        }
        self.memory.open(pid, tid).map_err(|_| InspectError::NoMemory)?;
        // The thread is still a stopped tracee, so the data is from this thread and
        // not from a program that reused its TID.
        tracee.mask().map(|_| status).map_err(InspectError::from_io)
    }

    fn read_actions(
        &mut self,
        tracee: Tracee,
        registers: &Registers,
        status: ThreadStatus,
    ) -> Result<(), InspectError> {
        let outcome = inject_sigaction::read_actions(tracee, status.is_filtered, registers, self);
        self.memory.close();
        outcome
    }

    /// Returns the sets that decide whether a signal interrupts the thread. `mask`
    /// replaces its current mask.
    pub(super) fn thread_signals(&mut self, tracee: Tracee, mask: Option<u64>) -> Option<ThreadSignals> {
        let status = self.reader.status(self.plan.pid, tracee.0).ok()?;
        Some(ThreadSignals {
            pending: status.pending | status.shared_pending,
            blocked: mask.unwrap_or(status.blocked),
            ignored: status.ignored,
            caught: status.caught,
            is_filtered: status.is_filtered,
        })
    }

    fn read_queue(&mut self, tracee: Tracee, shared: bool) -> Result<(), InspectError> {
        let owner = if shared { 0 } else { tracee.0 };
        let mut index = 0;
        loop {
            let start = self.result.entries as usize;
            let free = &mut self.result.queue[start..];
            if free.is_empty() {
                // Checks whether one more entry exists.
                let mut entry: [SiginfoBytes; 1] = [[0; 128]];
                let count = tracee.peek_siginfo(shared, index, &mut entry).map_err(InspectError::from_io)?;
                self.result.truncated |= count as u32;
                return Ok(());
            }
            let count = tracee.peek_siginfo(shared, index, free).map_err(InspectError::from_io)?;
            if count == 0 {
                return Ok(());
            }
            self.result.owners[start..start + count].fill(owner);
            self.result.entries += count as u32;
            index += count;
        }
    }
}

/// Attaches to the thread.
fn seize(tracee: Tracee) -> Result<(), InspectError> {
    tracee.seize(INSPECT_OPTIONS).map_err(|error| match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => InspectError::Denied,
        _ => InspectError::from_io(error),
    })
}

/// Whether this process may suspend a filter: it needs CAP_SYS_ADMIN and must not
/// have a filter itself (`check_ptrace_options` in kernel/ptrace.c).
fn may_suspend_seccomp(own: &ThreadStatus) -> bool {
    /// CAP_SYS_ADMIN (uapi linux/capability.h).
    const SYS_ADMIN: u64 = 1 << 21;
    own.effective & SYS_ADMIN != 0 && !own.is_filtered
}

//! The helper's work on one thread: stop it, look, let it go on as if nothing
//! had been.

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
use super::tracee::{Registers, SiginfoBytes, Tracee, TraceeStop, event, option};

/// The options of every thread that is traced here. An exec is an event, so that
/// nothing is done to the new program.
pub(super) const INSPECT_OPTIONS: u64 = option::TRACESYSGOOD | option::TRACEEXEC;

/// So many entries of queues are read, of all queues together.
pub(super) const MAX_ENTRIES: usize = crate::sys::ptrace::MAX_QUEUE_ENTRIES as usize;

/// What went wrong; the caller finds out why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum InspectError {
    /// The thread has ended.
    Gone = 1,
    /// The kernel forbids it.
    Denied,
    /// It did not stop within the time.
    StopTimeout,
    /// 32-bit code.
    Compat,
    /// A filter that may not be suspended.
    Seccomp,
    /// Dispatched to itself.
    Dispatched,
    /// It executes another program now.
    Executed,
    /// No system call instruction.
    NoInstruction,
    /// No memory to use.
    NoMemory,
    /// A system call failed.
    Failed,
    /// Its credentials are not ours.
    Credentials,
    /// The same, and a filter that is therefore not suspended.
    FilteredCredentials,
    /// The kernel does not report system calls.
    OldKernel,
    /// The call that the thread made was not the one that it was to make.
    Tampered,
    /// A page of its memory did not arrive in time.
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

    /// A call on a thread that stood still: where it fails, that was killed.
    pub(super) fn from_io(error: io::Error) -> InspectError {
        match error.raw_os_error() {
            Some(libc::ESRCH | libc::ECHILD) => InspectError::Gone,
            _ => InspectError::Failed,
        }
    }
}

/// What the helper finds, in memory shared with its parent.
#[repr(C)]
pub(super) struct SharedResult {
    /// 1 once it has done all.
    pub(super) is_complete: u32,
    /// The number of a [`InspectError`], and the thread that it is of.
    pub(super) fault: u32,
    pub(super) tid: pid_t,
    /// The longest that a thread stood still, in nanoseconds.
    pub(super) longest_stop_ns: u64,
    /// By signal number, less 1.
    pub(super) actions: [RawSigaction; 64],
    /// How many entries there are, and whether more were left out.
    pub(super) entries: u32,
    pub(super) truncated: u32,
    /// For each entry, its thread, or 0 for the process.
    pub(super) owners: [pid_t; MAX_ENTRIES],
    pub(super) queue: [SiginfoBytes; MAX_ENTRIES],
}

// SAFETY: plain numbers only.
unsafe impl PlainData for SharedResult {}

/// What the helper works with besides.
pub(super) struct ThreadInspector<'a> {
    pub(super) plan: &'a InspectPlan,
    /// The actions that are asked for: bit n-1 is signal n.
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
    /// Makes all visits. Threads that end meanwhile have no queue any more; but
    /// one must live where all are asked through it.
    pub(super) fn inspect_all(&mut self) {
        let inject = self.plan.threads.iter().any(|visit| visit.read_actions);
        if inject && self.memory.start().is_err() {
            self.result.fault = InspectError::Failed as u32;
            return;
        }
        self.inspect_threads();
        self.memory.end();
    }

    fn inspect_threads(&mut self) {
        for index in 0..self.plan.threads.len() {
            let visit = self.plan.threads[index];
            let begun = if self.deadline.is_expired() {
                Err(InspectError::StopTimeout)
            } else {
                self.stop_and_inspect(visit)
            };
            match begun {
                Ok(()) => {}
                Err(InspectError::Gone) if !visit.read_actions && !visit.read_shared_queue => {}
                Err(fault) => {
                    (self.result.fault, self.result.tid) = (fault as u32, visit.tid);
                    return;
                }
            }
        }
        self.result.is_complete = 1;
    }

    fn stop_and_inspect(&mut self, visit: ThreadPlan) -> Result<(), InspectError> {
        let tracee = Tracee(visit.tid);
        seize(tracee)?;
        let begin = Instant::now();
        tracee.interrupt().map_err(InspectError::from_io)?;
        self.wait_for_stop(tracee)?;
        let seen = self.inspect_stopped(tracee, visit);
        // It goes on whatever was seen; what was killed meanwhile is gone.
        let left = tracee.detach();
        let time = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.result.longest_stop_ns = self.result.longest_stop_ns.max(time);
        seen.and(left.map_err(InspectError::from_io))
    }

    /// Waits until it stands still because it was asked to; what is about to be
    /// delivered then is delivered first.
    fn wait_for_stop(&self, tracee: Tracee) -> Result<(), InspectError> {
        loop {
            match tracee.wait() {
                Ok(TraceeStop::EventStop(_)) => return Ok(()),
                Ok(TraceeStop::Delivery(signal)) => tracee.cont(signal).map_err(InspectError::from_io)?,
                Ok(TraceeStop::Event(event::EXEC)) => return Err(InspectError::Executed),
                Ok(TraceeStop::Syscall | TraceeStop::Event(_)) => {
                    tracee.cont(0).map_err(InspectError::from_io)?
                }
                Ok(TraceeStop::Exited) => return Err(InspectError::Gone),
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    return Err(InspectError::from_io(error));
                }
                // It does not stand still, so it cannot be let go; but the end of
                // this process does that, and nothing has been changed in it.
                Err(_) if self.deadline.is_expired() => return Err(InspectError::StopTimeout),
                Err(_) => {}
            }
        }
    }

    fn inspect_stopped(&mut self, tracee: Tracee, visit: ThreadPlan) -> Result<(), InspectError> {
        let registers = tracee.registers().map_err(InspectError::from_io)?;
        if registers.cs != inject_sigaction::USER_CS {
            return Err(InspectError::Compat);
        }
        if visit.read_shared_queue {
            self.read_queue(tracee, true)?;
        }
        if visit.read_own_queue {
            self.read_queue(tracee, false)?;
        }
        let refused = match visit.read_actions {
            true => match self.prepare_injection(tracee) {
                Ok(status) => return self.read_actions(tracee, &registers, status),
                Err(fault) => Err(fault),
            },
            false => Ok(()),
        };
        // Its mask is what it was.
        syscall_restart::restart(tracee, visit.is_filtered, || self.thread_signals(tracee, None));
        refused
    }

    /// Opens the memory of a thread that is stopped, and decides whether it may be
    /// made to run system calls. Nothing is changed in it.
    fn prepare_injection(&mut self, tracee: Tracee) -> Result<ThreadStatus, InspectError> {
        let (pid, tid) = (self.plan.pid, tracee.0);
        let namespace = procfs_noalloc::user_namespace(pid, tid);
        let status = self.reader.read(pid, tid, "status").map_err(|_| InspectError::Gone)?;
        let is_same = self.credentials.equal(status, &namespace);
        let status = ThreadStatus::parse(status);
        if !is_same && !self.any_credentials {
            return Err(InspectError::Credentials);
        }
        if status.is_filtered && !is_same {
            return Err(InspectError::FilteredCredentials);
        }
        if status.is_filtered && !may_suspend_seccomp(&self.own_status) {
            return Err(InspectError::Seccomp);
        }
        self.memory.open(pid, tid).map_err(|_| InspectError::NoMemory)?;
        // What was read and opened is of this thread, and not of a program that
        // has taken its number: it is still stopped by us.
        tracee.mask().map(|_| status).map_err(InspectError::from_io)
    }

    fn read_actions(
        &mut self,
        tracee: Tracee,
        registers: &Registers,
        status: ThreadStatus,
    ) -> Result<(), InspectError> {
        let asked = inject_sigaction::read_actions(tracee, status.is_filtered, registers, self);
        self.memory.close();
        asked
    }

    /// What decides whether it is interrupted by a signal; under another mask,
    /// if one is given.
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
        let mut from = 0;
        loop {
            let used = self.result.entries as usize;
            let rest = &mut self.result.queue[used..];
            if rest.is_empty() {
                // One more would be cut off.
                let mut more: [SiginfoBytes; 1] = [[0; 128]];
                let count = tracee.peek_siginfo(shared, from, &mut more).map_err(InspectError::from_io)?;
                self.result.truncated |= count as u32;
                return Ok(());
            }
            let count = tracee.peek_siginfo(shared, from, rest).map_err(InspectError::from_io)?;
            if count == 0 {
                return Ok(());
            }
            self.result.owners[used..used + count].fill(owner);
            self.result.entries += count as u32;
            from += count;
        }
    }
}

/// Begins to trace it.
fn seize(tracee: Tracee) -> Result<(), InspectError> {
    tracee.seize(INSPECT_OPTIONS).map_err(|error| match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => InspectError::Denied,
        _ => InspectError::from_io(error),
    })
}

/// Whether this process may suspend a filter: with CAP_SYS_ADMIN, and if it has no
/// filter itself (`check_ptrace_options` in kernel/ptrace.c).
fn may_suspend_seccomp(own: &ThreadStatus) -> bool {
    /// CAP_SYS_ADMIN (uapi linux/capability.h).
    const SYS_ADMIN: u64 = 1 << 21;
    own.effective & SYS_ADMIN != 0 && !own.is_filtered
}

//! The helper's work on one thread: stop it, read from it, detach.

use std::io;
use std::time::Instant;

use super::context::{INSPECT_OPTIONS, InspectContext};
use super::inject_sigaction;
use super::inspect_error::InspectError;
use super::plan::ThreadPlan;
use super::procfs_noalloc::{self, ThreadStatus};
use super::syscall_restart;
use super::tracee::{Registers, SiginfoBytes, Tracee, TraceeStop, USER_CS};

/// Inspects the threads of a process, in the helper.
pub(super) struct ThreadInspector<'a> {
    pub(super) context: InspectContext<'a>,
}

impl ThreadInspector<'_> {
    /// Does everything in the plan. A thread that exits meanwhile no longer has a
    /// queue. The thread that serves for the whole process must still exist.
    pub(super) fn inspect_all(&mut self) {
        let reads_actions = self.context.plan.threads.iter().any(|thread| thread.read_actions);
        if reads_actions && self.context.memory.start().is_err() {
            self.context.result.error = InspectError::Failed as u32;
            return;
        }
        self.inspect_threads();
        self.context.memory.end();
    }

    fn inspect_threads(&mut self) {
        for index in 0..self.context.plan.threads.len() {
            let thread = self.context.plan.threads[index];
            let outcome = if self.context.deadline.is_expired() {
                Err(InspectError::StopTimeout)
            } else {
                self.stop_and_inspect(thread)
            };
            match outcome {
                Ok(()) => {}
                Err(InspectError::Gone) if !thread.read_actions && !thread.read_shared_queue => {}
                Err(error) => {
                    (self.context.result.error, self.context.result.tid) = (error as u32, thread.tid);
                    return;
                }
            }
        }
        self.context.result.is_complete = 1;
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
        self.context.result.longest_stop_ns = self.context.result.longest_stop_ns.max(time);
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
                Err(_) if self.context.deadline.is_expired() => return Err(InspectError::StopTimeout),
                Err(_) => {}
            }
        }
    }

    fn inspect_stopped(&mut self, tracee: Tracee, thread: ThreadPlan) -> Result<(), InspectError> {
        let registers = tracee.registers().map_err(InspectError::from_io)?;
        if registers.cs != USER_CS {
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
        syscall_restart::restart(tracee, thread.is_filtered, || self.context.thread_signals(tracee, None));
        prepared
    }

    /// Opens the memory of a stopped thread, and decides whether it may be made to
    /// run system calls. Changes nothing in the thread.
    fn prepare_injection(&mut self, tracee: Tracee) -> Result<ThreadStatus, InspectError> {
        let (pid, tid) = (self.context.plan.pid, tracee.0);
        let namespace = procfs_noalloc::user_namespace(pid, tid);
        let status = self.context.reader.read(pid, tid, "status").map_err(|_| InspectError::Gone)?;
        let same_credentials = self.context.credentials.equal(status, &namespace);
        let status = ThreadStatus::parse(status);
        if !same_credentials && !self.context.any_credentials {
            return Err(InspectError::Credentials);
        }
        if status.is_filtered && !same_credentials {
            return Err(InspectError::FilteredCredentials);
        }
        if status.is_filtered && !may_suspend_seccomp(&self.context.own_status) {
            return Err(InspectError::Seccomp);
        }
        self.context.memory.open(pid, tid).map_err(|_| InspectError::NoMemory)?;
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
        let outcome =
            inject_sigaction::read_actions(tracee, status.is_filtered, registers, &mut self.context);
        self.context.memory.close();
        outcome
    }

    fn read_queue(&mut self, tracee: Tracee, shared: bool) -> Result<(), InspectError> {
        let owner = if shared { 0 } else { tracee.0 };
        let mut index = 0;
        loop {
            let start = self.context.result.entries as usize;
            let free = &mut self.context.result.queue[start..];
            if free.is_empty() {
                // Checks whether one more entry exists.
                let mut entry: [SiginfoBytes; 1] = [[0; 128]];
                let count = tracee.peek_siginfo(shared, index, &mut entry).map_err(InspectError::from_io)?;
                self.context.result.truncated |= count as u32;
                return Ok(());
            }
            let count = tracee.peek_siginfo(shared, index, free).map_err(InspectError::from_io)?;
            if count == 0 {
                return Ok(());
            }
            self.context.result.owners[start..start + count].fill(owner);
            self.context.result.entries += count as u32;
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

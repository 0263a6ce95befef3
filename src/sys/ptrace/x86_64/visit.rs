//! The helper's work on one thread: stop it, look, let it go on as if nothing
//! had been.

use std::io;
use std::time::Instant;

use libc::pid_t;

use super::actions::{self, Action};
use super::call::{self, Signals};
use super::credentials::Credentials;
use super::helper::Plain;
use super::memory::Memory;
use super::patience::Patience;
use super::plan::{Plan, Visit};
use super::text::{self, Status, Text};
use super::tracee::{Registers, Siginfo, Stop, Tracee, event, option};

/// The options of every thread that is traced here. An exec is an event, so that
/// nothing is done to the new program.
pub(super) const OPTIONS: u64 = option::TRACESYSGOOD | option::TRACEEXEC;

/// So many entries of queues are read, of all queues together.
pub(super) const LIMIT: usize = crate::sys::ptrace::MOST_QUEUED as usize;

/// What went wrong; the caller finds out why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Fault {
    /// The thread has ended.
    Gone = 1,
    /// The kernel forbids it.
    Denied,
    /// It did not stop within the time.
    NoAnswer,
    /// 32-bit code.
    Compat,
    /// A filter that may not be suspended.
    Seccomp,
    /// Dispatched to itself.
    Dispatched,
    /// It executes another program now.
    Changed,
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

impl Fault {
    pub(super) const ALL: [Fault; 15] = [
        Fault::Gone,
        Fault::Denied,
        Fault::NoAnswer,
        Fault::Compat,
        Fault::Seccomp,
        Fault::Dispatched,
        Fault::Changed,
        Fault::NoInstruction,
        Fault::NoMemory,
        Fault::Failed,
        Fault::Credentials,
        Fault::FilteredCredentials,
        Fault::OldKernel,
        Fault::Tampered,
        Fault::MemoryTimeout,
    ];

    /// A call on a thread that stood still: where it fails, that was killed.
    pub(super) fn of(error: io::Error) -> Fault {
        match error.raw_os_error() {
            Some(libc::ESRCH | libc::ECHILD) => Fault::Gone,
            _ => Fault::Failed,
        }
    }
}

/// What the helper finds, in memory shared with its parent.
#[repr(C)]
pub(super) struct Room {
    /// 1 once it has done all.
    pub(super) done: u32,
    /// The number of a [`Fault`], and the thread that it is of.
    pub(super) fault: u32,
    pub(super) tid: pid_t,
    /// The longest that a thread stood still, in nanoseconds.
    pub(super) stopped: u64,
    /// By signal number, less 1.
    pub(super) actions: [Action; 64],
    /// How many entries there are, and whether more were left out.
    pub(super) entries: u32,
    pub(super) cut: u32,
    /// For each entry, its thread, or 0 for the process.
    pub(super) owners: [pid_t; LIMIT],
    pub(super) queue: [Siginfo; LIMIT],
}

// SAFETY: plain numbers only.
unsafe impl Plain for Room {}

/// What the helper works with besides.
pub(super) struct Tools<'a> {
    pub(super) plan: &'a Plan,
    /// The actions that are asked for: bit n-1 is signal n.
    pub(super) wanted: u64,
    pub(super) patience: Patience<'a>,
    pub(super) text: Text,
    pub(super) memory: Memory,
    pub(super) credentials: Credentials,
    /// The status of this process.
    pub(super) own: Status,
    /// Whether a process with other credentials may be made to run system calls.
    pub(super) any_credentials: bool,
    pub(super) room: &'a mut Room,
}

impl Tools<'_> {
    /// Makes all visits. Threads that end meanwhile have no queue any more; but
    /// one must live where all are asked through it.
    pub(super) fn visit_all(&mut self) {
        let inject = self.plan.visits.iter().any(|visit| visit.actions);
        if inject && self.memory.start().is_err() {
            self.room.fault = Fault::Failed as u32;
            return;
        }
        self.make_visits();
        self.memory.end();
    }

    fn make_visits(&mut self) {
        for index in 0..self.plan.visits.len() {
            let visit = self.plan.visits[index];
            let begun = if self.patience.is_over() { Err(Fault::NoAnswer) } else { self.visit(visit) };
            match begun {
                Ok(()) => {}
                Err(Fault::Gone) if !visit.actions && !visit.shared => {}
                Err(fault) => {
                    (self.room.fault, self.room.tid) = (fault as u32, visit.tid);
                    return;
                }
            }
        }
        self.room.done = 1;
    }

    fn visit(&mut self, visit: Visit) -> Result<(), Fault> {
        let tracee = Tracee(visit.tid);
        seize(tracee)?;
        let begin = Instant::now();
        tracee.interrupt().map_err(Fault::of)?;
        self.await_stop(tracee)?;
        let seen = self.look(tracee, visit);
        // It goes on whatever was seen; what was killed meanwhile is gone.
        let left = tracee.detach();
        let time = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.room.stopped = self.room.stopped.max(time);
        seen.and(left.map_err(Fault::of))
    }

    /// Waits until it stands still because it was asked to; what is about to be
    /// delivered then is delivered first.
    fn await_stop(&self, tracee: Tracee) -> Result<(), Fault> {
        loop {
            match tracee.wait() {
                Ok(Stop::Asked(_)) => return Ok(()),
                Ok(Stop::Delivery(signal)) => tracee.cont(signal).map_err(Fault::of)?,
                Ok(Stop::Event(event::EXEC)) => return Err(Fault::Changed),
                Ok(Stop::Syscall | Stop::Event(_)) => tracee.cont(0).map_err(Fault::of)?,
                Ok(Stop::Ended) => return Err(Fault::Gone),
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(Fault::of(error)),
                // It does not stand still, so it cannot be let go; but the end of
                // this process does that, and nothing has been changed in it.
                Err(_) if self.patience.is_over() => return Err(Fault::NoAnswer),
                Err(_) => {}
            }
        }
    }

    fn look(&mut self, tracee: Tracee, visit: Visit) -> Result<(), Fault> {
        let registers = tracee.registers().map_err(Fault::of)?;
        if registers.cs != actions::CODE_64 {
            return Err(Fault::Compat);
        }
        if visit.shared {
            self.peek(tracee, true)?;
        }
        if visit.own {
            self.peek(tracee, false)?;
        }
        let refused = match visit.actions {
            true => match self.prepare(tracee) {
                Ok(status) => return self.inject(tracee, &registers, status),
                Err(fault) => Err(fault),
            },
            false => Ok(()),
        };
        // Its mask is what it was.
        call::begin_again(tracee, visit.filters, || self.signals(tracee, None));
        refused
    }

    /// Opens the memory of a thread that is stopped, and decides whether it may be
    /// made to run system calls. Nothing is changed in it.
    fn prepare(&mut self, tracee: Tracee) -> Result<Status, Fault> {
        let (pid, tid) = (self.plan.pid, tracee.0);
        let namespace = text::user_namespace(pid, tid);
        let status = self.text.read(pid, tid, "status").map_err(|_| Fault::Gone)?;
        let is_same = self.credentials.are_of(status, &namespace);
        let status = Status::of(status);
        if !is_same && !self.any_credentials {
            return Err(Fault::Credentials);
        }
        if status.filters && !is_same {
            return Err(Fault::FilteredCredentials);
        }
        if status.filters && !may_suspend(&self.own) {
            return Err(Fault::Seccomp);
        }
        self.memory.open(pid, tid).map_err(|_| Fault::NoMemory)?;
        // What was read and opened is of this thread, and not of a program that
        // has taken its number: it is still stopped by us.
        tracee.mask().map(|_| status).map_err(Fault::of)
    }

    fn inject(&mut self, tracee: Tracee, registers: &Registers, status: Status) -> Result<(), Fault> {
        let asked = actions::ask_all(tracee, status.filters, registers, self);
        self.memory.close();
        asked
    }

    /// What decides whether it is interrupted by a signal; under another mask,
    /// if one is given.
    pub(super) fn signals(&mut self, tracee: Tracee, mask: Option<u64>) -> Option<Signals> {
        let status = self.text.status(self.plan.pid, tracee.0).ok()?;
        Some(Signals {
            pending: status.pending | status.shared_pending,
            blocked: mask.unwrap_or(status.blocked),
            ignored: status.ignored,
            caught: status.caught,
            filters: status.filters,
        })
    }

    fn peek(&mut self, tracee: Tracee, shared: bool) -> Result<(), Fault> {
        let owner = if shared { 0 } else { tracee.0 };
        let mut from = 0;
        loop {
            let used = self.room.entries as usize;
            let rest = &mut self.room.queue[used..];
            if rest.is_empty() {
                // One more would be cut off.
                let mut more: [Siginfo; 1] = [[0; 128]];
                let count = tracee.peek(shared, from, &mut more).map_err(Fault::of)?;
                self.room.cut |= count as u32;
                return Ok(());
            }
            let count = tracee.peek(shared, from, rest).map_err(Fault::of)?;
            if count == 0 {
                return Ok(());
            }
            self.room.owners[used..used + count].fill(owner);
            self.room.entries += count as u32;
            from += count;
        }
    }
}

/// Begins to trace it.
fn seize(tracee: Tracee) -> Result<(), Fault> {
    tracee.seize(OPTIONS).map_err(|error| match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => Fault::Denied,
        _ => Fault::of(error),
    })
}

/// Whether this process may suspend a filter: with CAP_SYS_ADMIN, and if it has no
/// filter itself (`check_ptrace_options` in kernel/ptrace.c).
fn may_suspend(own: &Status) -> bool {
    /// CAP_SYS_ADMIN (uapi linux/capability.h).
    const SYS_ADMIN: u64 = 1 << 21;
    own.effective & SYS_ADMIN != 0 && !own.filters
}

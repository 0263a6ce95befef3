//! What the kernel knows of a process's signals: actions, masks and queues,
//! read by an iterator over tasks, which does not stop them.

mod layout;
mod program;
mod record;

use std::os::fd::OwnedFd;

use super::call::{Attach, Which};
use super::namespace::{self, Namespace};
use super::program::{iterate, load};
use super::refused::{Reason, Refused};
use super::vmlinux::Vmlinux;
use crate::signal::{Queued, Sigaction, SignalSet};

use layout::Layout;
pub(super) use program::Loop;
pub use program::MOST_QUEUED;

/// How often a process is read again whose queue has changed meanwhile.
const ATTEMPTS: u32 = 4;

/// What is read, beside masks and states, which always are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// What is done with each signal.
    pub handlers: bool,
    /// What is pending, with its siginfo.
    pub queue: bool,
}

/// A process, in the moment that it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number in our pid namespace.
    pub pid: u32,
    /// SIGNAL_* (include/linux/sched/signal.h): see [`Process::is_exiting`].
    pub flags: u32,
    /// The wait status that it is ending with, if it is (group_exit_code).
    pub exit_code: u32,
    /// What is pending for the process.
    pub pending: SignalSet,
    /// Signal n's action is element n-1; empty where it was not wanted, and
    /// where the process has none any more.
    pub handlers: Vec<Sigaction>,
    /// What waits, in the order in which it came: for the process, then for
    /// each thread. Standard signals that lost their siginfo are only pending.
    pub queue: Vec<Queued>,
    /// Why the queue is not all that there is.
    pub cut: Option<Cut>,
    /// Its threads, or the one that was asked for.
    pub threads: Vec<Thread>,
}

/// A thread, in the moment that it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Its number in our pid namespace.
    pub tid: u32,
    /// TASK_* (include/linux/sched.h): see [`Thread::is_killable`]. `None` where
    /// this kernel has it elsewhere.
    pub state: Option<u32>,
    /// JOBCTL_* (include/linux/sched/jobctl.h).
    pub jobctl: u64,
    /// What is blocked now: SigBlk.
    pub blocked: SignalSet,
    /// What was blocked before sigwait(3); empty outside of it.
    pub real_blocked: SignalSet,
    /// What is blocked again after sigsuspend(2), ppoll(2) and the like; means
    /// something only within them.
    pub saved_mask: SignalSet,
    /// What is pending for this thread.
    pub pending: SignalSet,
}

/// Why a queue is not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cut {
    /// It is longer than [`MOST_QUEUED`], for the process or for a thread: not
    /// every real-time signal behind those is there, and, by older kernels, no
    /// standard one.
    Limit,
    /// It has changed while it was read, each time anew.
    Changed,
}

impl Process {
    /// Whether the whole process is ending (SIGNAL_GROUP_EXIT).
    pub fn is_exiting(&self) -> bool {
        self.flags & 0x4 != 0
    }
}

impl Thread {
    /// Of one in an uninterruptible sleep (state D): whether KILL wakes it all
    /// the same (TASK_KILLABLE). `None` of every other, also of an idle one
    /// (state I), and where /proc says D of what waits for a lock of a real-time
    /// kernel, or is frozen: what they slept in before is not told.
    pub fn is_killable(&self) -> Option<bool> {
        const UNINTERRUPTIBLE: u32 = 0x2;
        const WAKEKILL: u32 = 0x100;
        const NOLOAD: u32 = 0x400;
        let state = self.state?;
        (state & (UNINTERRUPTIBLE | NOLOAD) == UNINTERRUPTIBLE).then_some(state & WAKEKILL != 0)
    }
}

/// The iterator, loaded.
#[derive(Debug)]
pub struct Tasks {
    program: OwnedFd,
    layout: Layout,
    want: Want,
}

impl Tasks {
    /// Loads it. Takes some milliseconds; after that, a process is read in some
    /// 50 us.
    ///
    /// # Errors
    /// What is missing, or what the kernel says.
    pub fn load(want: Want) -> Result<Tasks, Refused> {
        match Tasks::load_as(want, Loop::Tiring) {
            Err(Refused { reason: Reason::Verifier(_), .. }) => Tasks::load_as(want, Loop::Counted),
            answer => answer,
        }
    }

    pub(super) fn load_as(want: Want, how: Loop) -> Result<Tasks, Refused> {
        const WHAT: &str = "loading the task iterator";
        let of = |reason: Reason| reason.of(WHAT);
        let vmlinux = Vmlinux::open().map_err(of)?;
        let wanted = [namespace::TYPES, layout::TYPES].concat();
        let btf = vmlinux.types(&wanted).map_err(of)?;
        let layout = Layout::find(&btf).map_err(of)?;
        let target = btf.id(layout::TARGET).map_err(of)?;
        let namespace = Namespace::own(&vmlinux, &btf)?;
        let program = program::write(&layout, &namespace, want, how);
        Ok(Tasks { program: load(WHAT, program, Attach::Iterator, target)?, layout, want })
    }

    /// A process with all its threads; `None` where there is none of this
    /// number.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn process(&self, pid: u32) -> Result<Option<Process>, Refused> {
        self.attempt(Which::Process(pid), |process| process.pid == pid)
    }

    /// One thread, and what belongs to its process; `None` where there is none
    /// of this number.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn thread(&self, tid: u32) -> Result<Option<Process>, Refused> {
        let found =
            self.attempt(Which::Thread(tid), |process| process.threads.iter().any(|each| each.tid == tid))?;
        Ok(found.map(|mut process| {
            process.threads.retain(|each| each.tid == tid);
            process.queue.retain(|each| each.thread.is_none_or(|thread| thread == tid));
            process
        }))
    }

    /// Every process, in the order of their numbers.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn all(&self) -> Result<Vec<Process>, Refused> {
        self.read(Which::All)
    }

    fn attempt(&self, which: Which, is_it: impl Fn(&Process) -> bool) -> Result<Option<Process>, Refused> {
        let mut found = None;
        for _ in 0..ATTEMPTS {
            found = self.read(which)?.into_iter().find(|process| is_it(process));
            if found.as_ref().is_none_or(|process| process.cut != Some(Cut::Changed)) {
                break;
            }
        }
        Ok(found)
    }

    fn read(&self, which: Which) -> Result<Vec<Process>, Refused> {
        let written = iterate(&self.program, which)?;
        let processes = record::read(&written, &self.layout, self.want);
        processes.ok_or_else(|| Reason::Missing("answer of the iterator".into()).of("reading tasks"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_sleep_its_bits_tell_the_kind() {
        let none = SignalSet::EMPTY;
        let thread = Thread {
            tid: 7,
            state: None,
            jobctl: 0,
            blocked: none,
            real_blocked: none,
            saved_mask: none,
            pending: none,
        };
        let killable = |state: u32| Thread { state: Some(state), ..thread }.is_killable();
        // Alone, and with TASK_FREEZABLE.
        assert_eq!([0x2, 0x2002].map(killable), [Some(false); 2]);
        assert_eq!([0x102, 0x2102].map(killable), [Some(true); 2]);
        // R, S, T, I, a real-time lock, frozen.
        assert_eq!([0, 0x1, 0x104, 0x402, 0x1000, 0x8000].map(killable), [None; 6]);
        assert_eq!(thread.is_killable(), None);
    }
}

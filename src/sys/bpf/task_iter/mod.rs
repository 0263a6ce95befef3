//! What the kernel knows of a process's signals: actions, masks and queues,
//! read by an iterator over tasks, which does not stop them.

mod layout;
mod program;
mod record;

use std::os::fd::OwnedFd;

use super::error::{BpfError, BpfErrorKind};
use super::namespace::{self, PidNamespace};
use super::program::{load_or_explain, run_iterator};
use super::syscall::{AttachType, TaskScope};
use super::vmlinux::VmlinuxBtf;
use crate::signal::{QueuedSignal, Sigaction, SignalSet};

use layout::TaskLayout;
pub(super) use program::LoopKind;
pub use program::MAX_QUEUED;

/// How often a process is read again whose queue has changed meanwhile.
const MAX_ATTEMPTS: u32 = 4;

/// What is read, beside masks and states, which always are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskFields {
    /// What is done with each signal.
    pub actions: bool,
    /// What is pending, with its siginfo.
    pub queue: bool,
}

/// A process, in the moment that it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessRecord {
    /// Its number in our pid namespace.
    pub pid: u32,
    /// SIGNAL_* (include/linux/sched/signal.h): see [`ProcessRecord::is_exiting`].
    pub group_flags: u32,
    /// The wait status that it is ending with, if it is (group_exit_code).
    pub group_exit_code: u32,
    /// What is pending for the process.
    pub pending: SignalSet,
    /// Signal n's action is element n-1; empty where it was not wanted, and
    /// where the process has none any more.
    pub actions: Vec<Sigaction>,
    /// What waits, in the order in which it came: for the process, then for
    /// each thread. Standard signals that lost their siginfo are only pending.
    pub queue: Vec<QueuedSignal>,
    /// Why the queue is not all that there is.
    pub queue_truncation: Option<QueueTruncation>,
    /// Its threads, or the one that was asked for.
    pub threads: Vec<ThreadRecord>,
}

/// A thread, in the moment that it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadRecord {
    /// Its number in our pid namespace.
    pub tid: u32,
    /// TASK_* (include/linux/sched.h): see [`ThreadRecord::is_killable`]. `None` where
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
pub enum QueueTruncation {
    /// It is longer than [`MAX_QUEUED`], for the process or for a thread: not
    /// every real-time signal behind those is there, and, by older kernels, no
    /// standard one.
    TooLong,
    /// It has changed while it was read, each time anew.
    Changed,
}

impl ProcessRecord {
    /// Whether the whole process is ending (SIGNAL_GROUP_EXIT).
    pub fn is_exiting(&self) -> bool {
        self.group_flags & 0x4 != 0
    }
}

impl ThreadRecord {
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
pub struct TaskIterator {
    program: OwnedFd,
    layout: TaskLayout,
    fields: TaskFields,
}

impl TaskIterator {
    /// Loads it. Takes some milliseconds; after that, a process is read in some
    /// 50 us.
    ///
    /// # Errors
    /// What is missing, or what the kernel says.
    pub fn load(want: TaskFields) -> Result<TaskIterator, BpfError> {
        match TaskIterator::load_with_loop(want, LoopKind::MayGoto) {
            Err(BpfError { kind: BpfErrorKind::RejectedByVerifier(_), .. }) => {
                TaskIterator::load_with_loop(want, LoopKind::Bounded)
            }
            answer => answer,
        }
    }

    pub(super) fn load_with_loop(want: TaskFields, how: LoopKind) -> Result<TaskIterator, BpfError> {
        const WHAT: &str = "loading the task iterator";
        let of = |reason: BpfErrorKind| reason.during(WHAT);
        let vmlinux = VmlinuxBtf::open().map_err(of)?;
        let wanted = [namespace::REQUIRED_TYPES, layout::REQUIRED_TYPES].concat();
        let btf = vmlinux.parse_types(&wanted).map_err(of)?;
        let layout = TaskLayout::from_btf(&btf).map_err(of)?;
        let target = btf.type_id(layout::ITERATOR_TARGET).map_err(of)?;
        let namespace = PidNamespace::detect(&vmlinux, &btf)?;
        let program = program::assemble(&layout, &namespace, want, how);
        Ok(TaskIterator {
            program: load_or_explain(WHAT, program, AttachType::Iterator, target)?,
            layout,
            fields: want,
        })
    }

    /// A process with all its threads; `None` where there is none of this
    /// number.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn process(&self, pid: u32) -> Result<Option<ProcessRecord>, BpfError> {
        self.read_until_stable(TaskScope::Process(pid), |process| process.pid == pid)
    }

    /// One thread, and what belongs to its process; `None` where there is none
    /// of this number.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn thread(&self, tid: u32) -> Result<Option<ProcessRecord>, BpfError> {
        let found = self.read_until_stable(TaskScope::Thread(tid), |process| {
            process.threads.iter().any(|each| each.tid == tid)
        })?;
        Ok(found.map(|mut process| {
            process.threads.retain(|each| each.tid == tid);
            process.queue.retain(|each| each.tid.is_none_or(|thread| thread == tid));
            process
        }))
    }

    /// Every process, in the order of their numbers.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn all(&self) -> Result<Vec<ProcessRecord>, BpfError> {
        self.read_scope(TaskScope::All)
    }

    fn read_until_stable(
        &self,
        which: TaskScope,
        is_it: impl Fn(&ProcessRecord) -> bool,
    ) -> Result<Option<ProcessRecord>, BpfError> {
        let mut found = None;
        for _ in 0..MAX_ATTEMPTS {
            found = self.read_scope(which)?.into_iter().find(|process| is_it(process));
            if found.as_ref().is_none_or(|process| process.queue_truncation != Some(QueueTruncation::Changed))
            {
                break;
            }
        }
        Ok(found)
    }

    fn read_scope(&self, which: TaskScope) -> Result<Vec<ProcessRecord>, BpfError> {
        let written = run_iterator(&self.program, which)?;
        let processes = record::parse_records(&written, &self.layout, self.fields);
        processes.ok_or_else(|| {
            BpfErrorKind::MissingType("the task iterator's records".into()).during("reading tasks")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_killable_depends_on_task_state() {
        let none = SignalSet::EMPTY;
        let thread = ThreadRecord {
            tid: 7,
            state: None,
            jobctl: 0,
            blocked: none,
            real_blocked: none,
            saved_mask: none,
            pending: none,
        };
        let killable = |state: u32| ThreadRecord { state: Some(state), ..thread }.is_killable();
        // Alone, and with TASK_FREEZABLE.
        assert_eq!([0x2, 0x2002].map(killable), [Some(false); 2]);
        assert_eq!([0x102, 0x2102].map(killable), [Some(true); 2]);
        // R, S, T, I, a real-time lock, frozen.
        assert_eq!([0, 0x1, 0x104, 0x402, 0x1000, 0x8000].map(killable), [None; 6]);
        assert_eq!(thread.is_killable(), None);
    }
}

//! The kernel's signal state of processes: actions, masks and queues. An iterator
//! over tasks reads it without stopping them.

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
pub use program::{LoopKind, MAX_QUEUED};

/// Maximum number of reads of a process whose queue changes meanwhile.
const MAX_ATTEMPTS: u32 = 4;

/// Optional fields to read; masks and states are always read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskFields {
    /// The action of each signal.
    pub actions: bool,
    /// The pending signals with their siginfo.
    pub queue: bool,
}

/// State of a process at the time of the read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessRecord {
    /// PID in our PID namespace.
    pub pid: u32,
    /// SIGNAL_* (include/linux/sched/signal.h): see [`ProcessRecord::is_exiting`].
    pub group_flags: u32,
    /// The wait status of an exit in progress (group_exit_code).
    pub group_exit_code: u32,
    /// Signals pending for the process.
    pub pending: SignalSet,
    /// The action of signal n is element n-1. Empty if not requested, or if the
    /// process no longer has actions.
    pub actions: Vec<Sigaction>,
    /// Pending signals in queue order: for the process, then for each thread.
    /// Standard signals that lost their siginfo are only in the pending sets.
    pub queue: Vec<QueuedSignal>,
    /// Reason why the queue is incomplete.
    pub queue_truncation: Option<QueueTruncation>,
    /// The threads, or only the requested one.
    pub threads: Vec<ThreadRecord>,
}

/// State of a thread at the time of the read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadRecord {
    /// TID in our PID namespace.
    pub tid: u32,
    /// TASK_* (include/linux/sched.h): see [`ThreadRecord::is_killable`]. `None` if
    /// this kernel does not have the known field.
    pub state: Option<u32>,
    /// JOBCTL_* (include/linux/sched/jobctl.h).
    pub jobctl: u64,
    /// The current signal mask (SigBlk).
    pub blocked: SignalSet,
    /// The signal mask before sigwait(3); empty outside of it.
    pub real_blocked: SignalSet,
    /// The signal mask that sigsuspend(2), ppoll(2) and similar calls restore;
    /// valid only within them.
    pub saved_mask: SignalSet,
    /// Signals pending for the thread.
    pub pending: SignalSet,
}

/// Reason why a queue is incomplete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum QueueTruncation {
    /// A queue of the process or of a thread is longer than [`MAX_QUEUED`].
    /// Real-time signals after that are missing; with older kernels, standard ones
    /// too.
    TooLong,
    /// The queue changed during every read.
    Changed,
}

impl ProcessRecord {
    /// Whether the whole process is exiting (SIGNAL_GROUP_EXIT).
    pub fn is_exiting(&self) -> bool {
        self.group_flags & 0x4 != 0
    }
}

impl ThreadRecord {
    /// For a thread in an uninterruptible sleep (state D), returns whether KILL
    /// wakes it (TASK_KILLABLE). `None` for all others: also for an idle thread
    /// (state I), and for one that waits for a lock of a real-time kernel or is
    /// frozen, which /proc also shows as D. The kernel does not record in which sleep
    /// it was before.
    pub fn is_killable(&self) -> Option<bool> {
        const UNINTERRUPTIBLE: u32 = 0x2;
        const WAKEKILL: u32 = 0x100;
        const NOLOAD: u32 = 0x400;
        let state = self.state?;
        (state & (UNINTERRUPTIBLE | NOLOAD) == UNINTERRUPTIBLE).then_some(state & WAKEKILL != 0)
    }
}

/// A loaded iterator program.
#[derive(Debug)]
pub struct TaskIterator {
    program: OwnedFd,
    layout: TaskLayout,
    fields: TaskFields,
}

impl TaskIterator {
    /// Loads the program. That takes a few milliseconds; reading a process then
    /// takes about 50 us.
    ///
    /// # Errors
    /// The missing permission or type, or the kernel's error.
    pub fn load(fields: TaskFields) -> Result<TaskIterator, BpfError> {
        match TaskIterator::load_with_loop(fields, LoopKind::MayGoto) {
            Err(BpfError { kind: BpfErrorKind::RejectedByVerifier(_), .. }) => {
                TaskIterator::load_with_loop(fields, LoopKind::Bounded)
            }
            result => result,
        }
    }

    /// Loads the program with this kind of loop.
    ///
    /// # Errors
    /// The missing permission or type, or the kernel's error.
    pub fn load_with_loop(fields: TaskFields, loop_kind: LoopKind) -> Result<TaskIterator, BpfError> {
        const OPERATION: &str = "loading the task iterator";
        let to_error = |kind: BpfErrorKind| kind.during(OPERATION);
        let vmlinux = VmlinuxBtf::open().map_err(to_error)?;
        let required = [namespace::REQUIRED_TYPES, layout::REQUIRED_TYPES].concat();
        let btf = vmlinux.parse_types(&required).map_err(to_error)?;
        let layout = TaskLayout::from_btf(&btf).map_err(to_error)?;
        let target = btf.type_id(layout::ITERATOR_TARGET).map_err(to_error)?;
        let namespace = PidNamespace::detect(&vmlinux, &btf)?;
        let program = program::assemble(&layout, &namespace, fields, loop_kind);
        Ok(TaskIterator {
            program: load_or_explain(OPERATION, program, AttachType::Iterator, target)?,
            layout,
            fields,
        })
    }

    /// Reads a process with all its threads; `None` if the PID does not exist.
    ///
    /// # Errors
    /// The kernel's error.
    pub fn process(&self, pid: u32) -> Result<Option<ProcessRecord>, BpfError> {
        self.read_until_stable(TaskScope::Process(pid), |process| process.pid == pid)
    }

    /// Reads one thread and the state of its process; `None` if the TID does not
    /// exist.
    ///
    /// # Errors
    /// The kernel's error.
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

    /// Reads every process, in the order of PIDs.
    ///
    /// # Errors
    /// The kernel's error.
    pub fn all(&self) -> Result<Vec<ProcessRecord>, BpfError> {
        self.read_scope(TaskScope::All)
    }

    fn read_until_stable(
        &self,
        scope: TaskScope,
        is_wanted: impl Fn(&ProcessRecord) -> bool,
    ) -> Result<Option<ProcessRecord>, BpfError> {
        let mut found = None;
        for _ in 0..MAX_ATTEMPTS {
            found = self.read_scope(scope)?.into_iter().find(|process| is_wanted(process));
            if found.as_ref().is_none_or(|process| process.queue_truncation != Some(QueueTruncation::Changed))
            {
                break;
            }
        }
        Ok(found)
    }

    fn read_scope(&self, scope: TaskScope) -> Result<Vec<ProcessRecord>, BpfError> {
        let output = run_iterator(&self.program, scope)?;
        let processes = record::parse_records(&output, &self.layout, self.fields);
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

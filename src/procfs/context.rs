//! What stands around a process: what of others, and of the kernel's other
//! files, explains the state that it is in.

use super::syscall::SyscallState;
use super::{ProcRoot, ProcStatus, ProcessName, ProcessSnapshot, TaskState, WaitReason};
use crate::signal::exit_status::Termination;
use crate::signal::{Signal, SignalSet};

/// What was found around a process. Only what its state asks for is looked at.
#[derive(Clone, Debug, Default)]
pub struct ProcessContext {
    /// Whether its numbers mean processes of this machine, as they are now: not
    /// those of a text, or of another machine's /proc.
    pub is_live: bool,
    /// Its parent; of one that has ended, or blocks signals.
    pub parent: Option<ParentInfo>,
    /// The name of its tracer.
    pub tracer_name: Option<ProcessName>,
    /// Of a zombie: how it ended.
    pub termination: Option<Termination>,
    /// Of a zombie: how many its parent has, this one among them.
    pub zombie_count: Option<usize>,
    /// Of a stopped process: by which signal, until its parent has asked.
    pub stop_signal: Option<Signal>,
    /// Of one in an uninterruptible sleep: where it sleeps.
    pub sleep_location: Option<SleepLocation>,
    /// How many POSIX timers it has, where its user's queue is nearly full.
    pub timer_count: Option<usize>,
    /// Whoever else holds much of its user's queue, where that is nearly full.
    pub queue_consumers: Vec<QueueConsumer>,
    /// What may not be read, and would have been of use.
    pub unreadable_files: Vec<UnreadableFile>,
    /// Whom pending signals say that they are from, where its queue was read.
    pub sender_claims: Vec<SenderClaim>,
}

/// Whom a pending signal says that it is from; anybody may say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderClaim {
    /// The signal.
    pub signal: Signal,
    /// Whom it names.
    pub claimed_origin: ClaimedOrigin,
}

/// Whom a pending signal names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimedOrigin {
    /// A process.
    Process {
        /// The process, as our pid namespace numbers it, unless it is foreign.
        pid: u32,
        /// Whether the number is one of the target's pid namespace, for which
        /// there is none in ours.
        is_foreign_pid: bool,
        /// Its real user.
        uid: u32,
        /// Its name; `None` where it lives no more.
        name: Option<ProcessName>,
    },
    /// A POSIX timer of the target itself.
    Timer {
        /// The kernel's number of it.
        id: u32,
    },
    /// A process outside of the target's pid namespace, or the kernel.
    OutsideNamespace,
    /// The kernel.
    Kernel,
}

/// A related process.
#[derive(Clone, Debug, Default)]
pub struct ParentInfo {
    /// Its number.
    pub pid: u32,
    /// Its name.
    pub name: Option<ProcessName>,
    /// Its state.
    pub state: Option<TaskState>,
    /// What its main thread blocks.
    pub blocked: Option<SignalSet>,
    /// What it ignores.
    pub ignored: Option<SignalSet>,
    /// What it catches.
    pub caught: Option<SignalSet>,
}

/// Where a thread sleeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SleepLocation {
    /// The number of the system call.
    pub syscall: Option<u64>,
    /// The function of the kernel.
    pub wchan: Option<String>,
}

/// Who holds places in the queue of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueConsumer {
    /// Its number.
    pub pid: u32,
    /// Its name.
    pub name: Option<ProcessName>,
    /// Its POSIX timers: each keeps a place. `None` where they may not be seen.
    pub timer_count: Option<usize>,
    /// Whether real-time signals are pending for it, of which there may be many.
    pub has_pending_realtime: bool,
}

/// A file that may not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnreadableFile {
    /// /proc/PID/task/TID/syscall: whether a thread is in sigwait(3).
    Syscall,
    /// The same, and wchan: where it sleeps.
    SyscallAndWchan,
    /// A field of /proc/PID/stat: which signal stopped it.
    StatExitCode,
    /// /proc/PID/fd: whether it has a signalfd.
    FdDirectory,
}

/// From this much of its limit on a queue is nearly full, in percent.
pub const QUEUE_NEARLY_FULL_PERCENT: u64 = 80;

/// So many holders of a queue are named.
const MAX_QUEUE_CONSUMERS: usize = 5;

impl ProcRoot {
    /// Looks around a process.
    pub fn context(&self, situation: &ProcessSnapshot) -> ProcessContext {
        let status = &situation.status;
        let Some(pid) = status.tgid else { return ProcessContext::default() };
        let blocks = situation.threads.as_ref().is_some_and(|threads| !threads.blocked_by_any().is_empty());
        let ended = situation.threads.as_ref().is_some_and(|threads| threads.all_exited());
        let parent = status.parent_pid.filter(|parent| *parent != 0 && (ended || blocks));
        let mut around = ProcessContext {
            is_live: self.is_native(),
            parent: parent.and_then(|parent| self.parent_info(parent)),
            tracer_name: status.tracer_pid.and_then(|tracer| self.status(tracer).ok()?.name),
            ..ProcessContext::default()
        };
        let letter = status.state.map(TaskState::letter);
        match letter {
            Some('Z') if ended => {
                around.termination = self.zombie_wait_status(pid).and_then(Termination::from_wait_status);
                around.zombie_count = status.parent_pid.and_then(|parent| self.count_zombie_children(parent));
            }
            Some('T') => around.stop_signal = self.stop_signal(pid),
            _ => {}
        }
        if let Some(tid) = find_uninterruptible_thread(situation) {
            around.sleep_location = Some(self.sleep_location(pid, tid));
        }
        if status
            .queue_usage
            .is_some_and(|queue| queue.used * 100 >= queue.limit.saturating_mul(QUEUE_NEARLY_FULL_PERCENT))
        {
            around.timer_count = self.count_timers(pid);
            around.queue_consumers = self.queue_consumers(status);
        }
        // What the main thread waits in tells that it may be read.
        if !ended
            && situation.wait_reason(pid) == WaitReason::Unknown
            && self.is_permission_denied(&format!("{pid}/task/{pid}/syscall"))
        {
            around.unreadable_files.extend(match letter {
                Some('S') => Some(UnreadableFile::Syscall),
                Some('D') => Some(UnreadableFile::SyscallAndWchan),
                Some('T') if around.stop_signal.is_none() => Some(UnreadableFile::StatExitCode),
                _ => None,
            });
        }
        if !ended && blocks && situation.signalfds.is_none() {
            around.unreadable_files.push(UnreadableFile::FdDirectory);
        }
        around
    }

    fn parent_info(&self, pid: u32) -> Option<ParentInfo> {
        let ProcStatus { name, state, blocked, ignored, caught, .. } = self.status(pid).ok()?;
        Some(ParentInfo { pid, name, state, blocked, ignored, caught })
    }

    /// How many zombies a process has as children.
    fn count_zombie_children(&self, parent: u32) -> Option<usize> {
        let pids = self.pids().ok()?;
        let stats = pids.iter().filter_map(|pid| self.stat(*pid).ok());
        Some(stats.filter(|stat| stat.parent_pid == parent && stat.state.has_exited()).count())
    }

    /// The signal that stopped a process, as its parent has yet to be told.
    fn stop_signal(&self, pid: u32) -> Option<Signal> {
        let code = self.stat(pid).ok()?.exit_code?;
        Signal::new_native(u8::try_from(code).ok()?)
    }

    fn sleep_location(&self, pid: u32, tid: u32) -> SleepLocation {
        let call = self
            .read_file(&format!("{pid}/task/{tid}/syscall"))
            .ok()
            .as_deref()
            .and_then(SyscallState::parse);
        let channel = self.read_file(&format!("{pid}/task/{tid}/wchan")).unwrap_or_default();
        let channel = String::from_utf8_lossy(&channel).trim().to_owned();
        SleepLocation {
            syscall: match call {
                Some(SyscallState::InSyscall { number, .. }) => Some(number),
                _ => None,
            },
            wchan: Some(channel).filter(|name| !name.is_empty() && name != "0"),
        }
    }

    /// How many POSIX timers a process has.
    fn count_timers(&self, pid: u32) -> Option<usize> {
        self.posix_timers(pid).ok().map(|timers| timers.len())
    }

    /// Who of the same user holds places in its queue, as far as it shows.
    fn queue_consumers(&self, of: &ProcStatus) -> Vec<QueueConsumer> {
        let real = |status: &ProcStatus| status.uids.map(|(real, _)| real);
        let statuses = self.pids().unwrap_or_default().into_iter().filter_map(|pid| {
            let status = self.status(pid).ok()?;
            (real(&status) == real(of) && status.tgid == Some(pid)).then_some((pid, status))
        });
        let mut found: Vec<QueueConsumer> = statuses
            .map(|(pid, status)| {
                let pending = status.pending.unwrap_or_default() | status.shared_pending.unwrap_or_default();
                let pending = pending.iter().any(Signal::is_realtime);
                QueueConsumer {
                    pid,
                    name: status.name,
                    timer_count: self.count_timers(pid),
                    has_pending_realtime: pending,
                }
            })
            .filter(|holder| {
                holder.has_pending_realtime || holder.timer_count.is_some_and(|timers| timers > 0)
            })
            .collect();
        found.sort_by_key(|holder| (!holder.has_pending_realtime, std::cmp::Reverse(holder.timer_count)));
        found.truncate(MAX_QUEUE_CONSUMERS);
        found
    }

    /// Whether a file is there and may not be read.
    fn is_permission_denied(&self, path: &str) -> bool {
        self.read_file(path).is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
    }
}

/// A thread in an uninterruptible sleep: one that KILL does not end, if that is
/// known of any.
fn find_uninterruptible_thread(situation: &ProcessSnapshot) -> Option<u32> {
    let asleep = situation.threads.as_ref()?.iter().filter(|task| task.is_uninterruptible());
    asleep.min_by_key(|task| task.killable != Some(false)).map(|task| task.tid)
}

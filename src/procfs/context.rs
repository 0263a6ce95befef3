//! Facts from other processes and other kernel files that explain the state of a
//! process: its parent, its tracer, and the users of its signal queue.

use super::syscall::SyscallState;
use super::{ProcRoot, ProcStatus, ProcessName, ProcessSnapshot, TaskState, WaitReason};
use crate::signal::exit_status::Termination;
use crate::signal::{Signal, SignalSet};

/// Facts that explain the state of a process. Only those that matter in its state
/// are read.
#[derive(Clone, Debug, Default)]
pub struct ProcessContext {
    /// True if the PIDs belong to this machine and are current. False for a
    /// status text and for a foreign /proc.
    pub is_live: bool,
    /// Its parent. Read only if the process has exited or blocks signals.
    pub parent: Option<ParentInfo>,
    /// The name of its tracer.
    pub tracer_name: Option<ProcessName>,
    /// How it exited, if it is a zombie.
    pub termination: Option<Termination>,
    /// The number of zombies of the same parent, including this one, if it is a
    /// zombie.
    pub zombie_count: Option<usize>,
    /// The signal that stopped it. The kernel reports it only until the parent
    /// calls wait(2).
    pub stop_signal: Option<Signal>,
    /// The location of its uninterruptible sleep, if it is in one.
    pub sleep_location: Option<SleepLocation>,
    /// The number of its POSIX timers. Read only if the signal queue of its user
    /// is nearly full.
    pub timer_count: Option<usize>,
    /// The processes that use the signal queue of its user. Read only if the
    /// queue is nearly full.
    pub queue_consumers: Vec<QueueConsumer>,
    /// The files that would have been useful but cannot be read.
    pub unreadable_files: Vec<UnreadableFile>,
    /// The claimed senders of its pending signals, if its queue was read.
    pub sender_claims: Vec<SenderClaim>,
}

/// The claimed sender of a pending signal. The claim is unverified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderClaim {
    pub signal: Signal,
    /// The claimed origin.
    pub claimed_origin: ClaimedOrigin,
}

/// The origin that a pending signal claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimedOrigin {
    Process {
        /// The PID in our PID namespace, or in the target's if `is_foreign_pid`.
        pid: u32,
        /// True if the PID is one of the target's PID namespace and has no
        /// counterpart in ours.
        is_foreign_pid: bool,
        /// Its real UID.
        uid: u32,
        /// Its name; `None` if it no longer runs.
        name: Option<ProcessName>,
    },
    /// A POSIX timer of the target.
    Timer {
        /// The kernel's timer ID.
        id: u32,
    },
    /// A process outside the target's PID namespace, or the kernel.
    OutsideNamespace,
    Kernel,
}

/// The parent of a process.
#[derive(Clone, Debug, Default)]
pub struct ParentInfo {
    pub pid: u32,
    pub name: Option<ProcessName>,
    pub state: Option<TaskState>,
    /// The signals that its main thread blocks.
    pub blocked: Option<SignalSet>,
    /// The signals that it ignores.
    pub ignored: Option<SignalSet>,
    /// The signals that it catches.
    pub caught: Option<SignalSet>,
}

/// The place in the kernel where a thread sleeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SleepLocation {
    /// The system call number.
    pub syscall: Option<u64>,
    /// The kernel function.
    pub wchan: Option<String>,
}

/// A process that uses entries of a user's signal queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueConsumer {
    pub pid: u32,
    pub name: Option<ProcessName>,
    /// The number of its POSIX timers, each of which uses an entry. `None` if
    /// /proc does not show them.
    pub timer_count: Option<usize>,
    /// True if real-time signals are pending for it; each instance uses an entry.
    pub has_pending_realtime: bool,
}

/// A file that cannot be read because of missing permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnreadableFile {
    /// /proc/PID/task/TID/syscall, which shows if a thread is in sigwait(3).
    Syscall,
    /// /proc/PID/task/TID/syscall and wchan, which show where a thread sleeps.
    SyscallAndWchan,
    /// The exit code field of /proc/PID/stat, which shows the signal that stopped
    /// it.
    StatExitCode,
    /// /proc/PID/fd, which shows if it has a signalfd.
    FdDirectory,
}

/// Percentage of its limit from which a signal queue counts as nearly full.
pub(crate) const QUEUE_NEARLY_FULL_PERCENT: u64 = 80;

/// Maximum number of queue consumers that are reported.
const MAX_QUEUE_CONSUMERS: usize = 5;

impl ProcRoot {
    /// Reads the context of a process.
    pub fn context(&self, snapshot: &ProcessSnapshot) -> ProcessContext {
        let status = &snapshot.status;
        let Some(pid) = status.tgid else { return ProcessContext::default() };
        let blocks_signals =
            snapshot.threads.as_ref().is_some_and(|threads| !threads.blocked_by_any().is_empty());
        let has_exited = snapshot.threads.as_ref().is_some_and(|threads| threads.all_exited());
        let parent = status.parent_pid.filter(|parent| *parent != 0 && (has_exited || blocks_signals));
        let mut context = ProcessContext {
            is_live: self.is_native(),
            parent: parent.and_then(|parent| self.parent_info(parent)),
            tracer_name: status.tracer_pid.and_then(|tracer| self.status(tracer).ok()?.name),
            ..ProcessContext::default()
        };
        let letter = status.state.map(TaskState::letter);
        match letter {
            Some('Z') if has_exited => {
                context.termination = self.zombie_wait_status(pid).and_then(Termination::from_wait_status);
                context.zombie_count =
                    status.parent_pid.and_then(|parent| self.count_zombie_children(parent));
            }
            Some('T') => context.stop_signal = self.stop_signal(pid),
            _ => {}
        }
        if let Some(tid) = find_uninterruptible_thread(snapshot) {
            context.sleep_location = Some(self.sleep_location(pid, tid));
        }
        if status
            .queue_usage
            .is_some_and(|queue| queue.used * 100 >= queue.limit.saturating_mul(QUEUE_NEARLY_FULL_PERCENT))
        {
            context.timer_count = self.count_timers(pid);
            context.queue_consumers = self.queue_consumers(status);
        }
        // A known wait reason shows that the syscall file is readable.
        if !has_exited
            && snapshot.wait_reason(pid) == WaitReason::Unknown
            && self.is_permission_denied(&format!("{pid}/task/{pid}/syscall"))
        {
            context.unreadable_files.extend(match letter {
                Some('S') => Some(UnreadableFile::Syscall),
                Some('D') => Some(UnreadableFile::SyscallAndWchan),
                Some('T') if context.stop_signal.is_none() => Some(UnreadableFile::StatExitCode),
                _ => None,
            });
        }
        if !has_exited && blocks_signals && snapshot.signalfds.is_none() {
            context.unreadable_files.push(UnreadableFile::FdDirectory);
        }
        context
    }

    fn parent_info(&self, pid: u32) -> Option<ParentInfo> {
        let ProcStatus { name, state, blocked, ignored, caught, .. } = self.status(pid).ok()?;
        Some(ParentInfo { pid, name, state, blocked, ignored, caught })
    }

    /// Returns the number of zombies among the children of a process.
    fn count_zombie_children(&self, parent: u32) -> Option<usize> {
        let pids = self.pids().ok()?;
        let stats = pids.iter().filter_map(|pid| self.stat(*pid).ok());
        Some(stats.filter(|stat| stat.parent_pid == parent && stat.state.has_exited()).count())
    }

    /// Returns the signal that stopped a process, if its parent has not waited
    /// for it yet.
    fn stop_signal(&self, pid: u32) -> Option<Signal> {
        let code = self.stat(pid).ok()?.exit_code?;
        Signal::new_native(u8::try_from(code).ok()?)
    }

    fn sleep_location(&self, pid: u32, tid: u32) -> SleepLocation {
        let syscall = self
            .read_file(&format!("{pid}/task/{tid}/syscall"))
            .ok()
            .as_deref()
            .and_then(SyscallState::parse);
        let wchan = self.read_file(&format!("{pid}/task/{tid}/wchan")).unwrap_or_default();
        let wchan = String::from_utf8_lossy(&wchan).trim().to_owned();
        SleepLocation {
            syscall: match syscall {
                Some(SyscallState::InSyscall { number, .. }) => Some(number),
                _ => None,
            },
            wchan: Some(wchan).filter(|name| !name.is_empty() && name != "0"),
        }
    }

    /// Returns the number of POSIX timers of a process.
    fn count_timers(&self, pid: u32) -> Option<usize> {
        self.posix_timers(pid).ok().map(|timers| timers.len())
    }

    /// Returns the processes of the same real UID that visibly use its signal
    /// queue.
    fn queue_consumers(&self, user_status: &ProcStatus) -> Vec<QueueConsumer> {
        let real_uid = |status: &ProcStatus| status.uids.map(|(real, _)| real);
        let statuses = self.pids().unwrap_or_default().into_iter().filter_map(|pid| {
            let status = self.status(pid).ok()?;
            (real_uid(&status) == real_uid(user_status) && status.tgid == Some(pid)).then_some((pid, status))
        });
        let mut consumers: Vec<QueueConsumer> = statuses
            .map(|(pid, status)| {
                let pending = status.pending.unwrap_or_default() | status.shared_pending.unwrap_or_default();
                QueueConsumer {
                    pid,
                    name: status.name,
                    timer_count: self.count_timers(pid),
                    has_pending_realtime: pending.iter().any(Signal::is_realtime),
                }
            })
            .filter(|consumer| {
                consumer.has_pending_realtime || consumer.timer_count.is_some_and(|timers| timers > 0)
            })
            .collect();
        consumers.sort_by_key(|consumer| {
            (!consumer.has_pending_realtime, std::cmp::Reverse(consumer.timer_count))
        });
        consumers.truncate(MAX_QUEUE_CONSUMERS);
        consumers
    }

    /// Returns true if a file exists but cannot be read because of missing
    /// permission.
    fn is_permission_denied(&self, path: &str) -> bool {
        self.read_file(path).is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
    }
}

/// Returns the TID of a thread in an uninterruptible sleep, preferably one that
/// KILL does not end.
fn find_uninterruptible_thread(snapshot: &ProcessSnapshot) -> Option<u32> {
    let sleeping = snapshot.threads.as_ref()?.iter().filter(|thread| thread.is_uninterruptible());
    sleeping.min_by_key(|thread| thread.killable != Some(false)).map(|thread| thread.tid)
}

//! The effects that a signal can have on a process, and the sentences that describe
//! them. The module `predict` computes them.

pub(super) mod predict;
pub(super) mod query;
mod resume;
pub mod survivor;

use std::fmt;

use crate::procfs::CoreDumpPrediction;
use crate::signal::{Arch, Signal};

/// The effect of a signal on a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The null signal only checks permission; nothing is sent.
    NullSignal,
    /// The signal terminates the process.
    Terminates {
        /// `true` if the signal is KILL.
        by_kill: bool,
        /// The core dump that the kernel writes; `None` if the default action of the
        /// signal writes none.
        core_dump: Option<CoreDumpPrediction>,
    },
    /// The signal stops the process.
    Stops,
    /// The signal continues the stopped process.
    Continues {
        /// `true` if the handler for CONT runs, too.
        runs_handler: bool,
        /// The pending signal that terminates the process as soon as it continues.
        terminated_by: Option<Signal>,
    },
    /// The process runs its handler.
    RunsHandler,
    /// The process ignores the signal.
    Ignored {
        /// `true` if the default action ignores it, `false` if the process set SIG_IGN.
        by_default: bool,
    },
    /// A thread takes the signal in sigwait(3).
    TakenBySigwait {
        /// The thread; `None` if several threads wait and any of them can take it.
        tid: Option<u32>,
    },
    /// The signal stays pending until the process reads it from a signalfd.
    ReadBySignalfd {
        /// The file descriptor of the signalfd.
        descriptor: u32,
    },
    /// The signal stays pending.
    Pending {
        /// The reason why it is not delivered.
        reason: PendingReason,
        /// `true` if the signal was pending before, so that the kernel does not queue it
        /// again.
        merged: bool,
        /// The effect once it is delivered, if that is known.
        eventual_effect: Option<Box<Effect>>,
    },
    /// The kernel drops the signal.
    Dropped(DropReason),
    /// The signal has no effect.
    NoEffect(NoEffectReason),
    /// The tracer gets the signal and decides what happens.
    Traced {
        /// The PID of the tracer.
        tracer: u32,
    },
    /// The signal cannot be queued, because the queue of the target's user is full.
    QueueFull,
    /// The effect cannot be predicted with certainty.
    Unknown {
        /// The missing information.
        reason: UnknownReason,
        /// The effect that is most likely.
        likely: Option<Box<Effect>>,
    },
}

/// The reason why a signal stays pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PendingReason {
    /// Every thread blocks the signal.
    Blocked {
        /// The number of threads.
        thread_count: usize,
    },
    /// The signal is directed to one thread, which blocks it.
    BlockedByThread,
    /// The process is stopped.
    Stopped,
    /// The thread that would take the signal is in an uninterruptible sleep.
    UninterruptibleSleep {
        /// The TID of the thread.
        tid: u32,
    },
    /// The control group of the process is frozen.
    Frozen,
}

/// The reason why the kernel drops a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// The process is the init of its PID namespace and has no handler.
    InitWithoutHandler,
    /// The process group is orphaned, so no process could continue it.
    OrphanedGroup,
    /// The queue is full, and the signal was pending before.
    QueueFull,
    /// A stop signal waits for CONT, but CONT discards pending stop signals.
    DiscardedByCont,
}

/// The reason why a signal has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoEffectReason {
    /// The process is a zombie.
    Zombie {
        /// The PID of its parent; 0 if the parent is outside our PID namespace.
        parent_pid: u32,
    },
    /// KILL is pending, so the process is exiting.
    Dying,
    /// The process is stopped already.
    AlreadyStopped,
    /// The thread has exited, but other threads are still running.
    ThreadExited,
    /// The process is a kernel thread that ignores the signal.
    KernelThread,
}

/// The missing information that makes an effect uncertain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownReason {
    /// Lines of the status are missing.
    MissingStatusLines,
    /// The status of only one of several threads is known.
    OtherThreadsUnread,
    /// A thread may wait for the signal in sigwait(3); permission to check is missing.
    SigwaitUnreadable,
    /// Several threads can take the signal, and the effect depends on which one does.
    CompetingThreads,
    /// A thread in sigsuspend(2) will have another mask when the call returns.
    MaskAfterSigsuspend,
    /// /proc does not show if KILL interrupts an uninterruptible sleep.
    SleepKindUnknown,
    /// The process group may be orphaned.
    OrphanedGroupUnknown,
    /// The code of a kernel thread decides what happens.
    KernelThread,
}

impl Effect {
    /// Returns an effect that cannot be predicted with certainty.
    pub(super) fn unknown(reason: UnknownReason, likely: Option<Effect>) -> Effect {
        Effect::Unknown { reason, likely: likely.map(Box::new) }
    }

    /// Returns the identifier used in JSON.
    pub const fn id(&self) -> &'static str {
        match self {
            Effect::NullSignal => "checked",
            Effect::Terminates { .. } => "terminates",
            Effect::Stops => "stops",
            Effect::Continues { .. } => "continues",
            Effect::RunsHandler => "runs-handler",
            Effect::Ignored { .. } => "ignored",
            Effect::TakenBySigwait { .. } => "taken-by-sigwait",
            Effect::ReadBySignalfd { .. } => "read-by-signalfd",
            Effect::Pending { merged: false, .. } => "pending",
            Effect::Pending { merged: true, .. } => "merged",
            Effect::Dropped(_) => "dropped",
            Effect::NoEffect(_) => "nothing",
            Effect::Traced { .. } => "traced",
            Effect::QueueFull => "queue-full",
            Effect::Unknown { .. } => "unknown",
        }
    }

    /// Returns the most likely effect if the effect is uncertain, else the effect itself.
    pub fn most_likely(&self) -> &Effect {
        match self {
            Effect::Unknown { likely: Some(likely), .. } => likely.most_likely(),
            _ => self,
        }
    }
}

/// Writes a phrase whose subject is the signal. "it" is the process.
impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Effect::NullSignal => f.write_str("nothing is sent, only permission is checked"),
            Effect::Terminates { by_kill: true, .. } => f.write_str("kills it"),
            Effect::Terminates { core_dump, .. } => {
                f.write_str("terminates it (default action")?;
                f.write_str(match core_dump {
                    None => ")",
                    Some(CoreDumpPrediction::WouldDump) => ", dumps core)",
                    Some(CoreDumpPrediction::DisabledByLimit) => "; no core dump because of its RLIMIT_CORE)",
                    Some(CoreDumpPrediction::NotDumpable) => "; no core dump because it is not dumpable)",
                    Some(CoreDumpPrediction::Unknown) => "; probably dumps core)",
                })
            }
            Effect::Stops => f.write_str("stops it"),
            Effect::Continues { runs_handler, terminated_by } => {
                f.write_str("continues it")?;
                if *runs_handler {
                    f.write_str(" and runs its handler")?;
                }
                match terminated_by {
                    Some(signal) => {
                        write!(f, "; the pending {} then terminates it", Arch::NATIVE.signal_name(*signal))
                    }
                    None => Ok(()),
                }
            }
            Effect::RunsHandler => f.write_str("runs its handler"),
            Effect::Ignored { by_default: true } => f.write_str("ignored (default action)"),
            Effect::Ignored { by_default: false } => f.write_str("ignored"),
            Effect::TakenBySigwait { tid: Some(tid) } => {
                write!(f, "received by thread {tid} in sigwait(3)")
            }
            Effect::TakenBySigwait { tid: None } => {
                f.write_str("received by one of the threads that wait for it in sigwait(3)")
            }
            Effect::ReadBySignalfd { descriptor } => {
                write!(
                    f,
                    "stays pending until the process reads it from its signalfd (descriptor {descriptor})"
                )
            }
            Effect::Pending { reason, merged, eventual_effect } => {
                if *merged {
                    write!(f, "already pending because {reason}, so not queued again")?;
                } else {
                    write!(f, "stays pending because {reason}")?;
                }
                match eventual_effect {
                    Some(effect) => write!(f, "; {}, {effect}", reason.end()),
                    None => Ok(()),
                }
            }
            Effect::Dropped(reason) => write!(f, "dropped by the kernel because {reason}"),
            Effect::NoEffect(reason) => write!(f, "no effect because {reason}"),
            Effect::Traced { tracer } => {
                write!(f, "intercepted by its tracer {tracer}, which decides whether to deliver it")
            }
            Effect::QueueFull => f.write_str(
                "cannot be queued because the signal queue of its user is full (RLIMIT_SIGPENDING)",
            ),
            // The effect is certain, only the time is not.
            Effect::Unknown { reason: reason @ UnknownReason::SleepKindUnknown, likely: Some(likely) } => {
                write!(f, "{likely}, {reason}")
            }
            Effect::Unknown { reason, likely: Some(likely) } => write!(f, "probably {likely}, {reason}"),
            Effect::Unknown { reason, likely: None } => write!(f, "unknown because {reason}"),
        }
    }
}

impl PendingReason {
    /// Returns the moment when the signal is no longer kept pending.
    const fn end(self) -> &'static str {
        match self {
            PendingReason::Blocked { .. } | PendingReason::BlockedByThread => "when unblocked",
            PendingReason::Stopped => "when continued",
            PendingReason::UninterruptibleSleep { .. } => "when the sleep ends",
            PendingReason::Frozen => "when thawed",
        }
    }
}

/// Writes a clause in which "it" is the signal.
impl fmt::Display for PendingReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PendingReason::Blocked { thread_count: 1 } => f.write_str("the process blocks it"),
            PendingReason::Blocked { thread_count } => {
                write!(f, "all {thread_count} threads block it")
            }
            PendingReason::BlockedByThread => f.write_str("the thread blocks it"),
            PendingReason::Stopped => f.write_str("the process is stopped"),
            PendingReason::UninterruptibleSleep { tid } => {
                write!(f, "thread {tid} is in an uninterruptible sleep (D)")
            }
            PendingReason::Frozen => f.write_str("the control group of the process is frozen"),
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DropReason::InitWithoutHandler => {
                "the process is the init of its PID namespace and has no handler for it"
            }
            DropReason::OrphanedGroup => "the process group is orphaned, so no process could continue it",
            DropReason::DiscardedByCont => "CONT discards pending stop signals",
            DropReason::QueueFull => {
                "the signal queue of its user is full (RLIMIT_SIGPENDING) and one is already pending"
            }
        })
    }
}

impl fmt::Display for NoEffectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoEffectReason::Zombie { parent_pid: 0 } => {
                f.write_str("it is a zombie; its parent, outside this PID namespace, must reap it")
            }
            NoEffectReason::Zombie { parent_pid } => {
                write!(f, "it is a zombie; its parent {parent_pid} must reap it")
            }
            NoEffectReason::Dying => f.write_str("KILL is already pending"),
            NoEffectReason::AlreadyStopped => f.write_str("it is already stopped"),
            NoEffectReason::ThreadExited => f.write_str("the thread has exited; signal the process instead"),
            NoEffectReason::KernelThread => f.write_str("kernel threads ignore all signals"),
        }
    }
}

impl fmt::Display for UnknownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UnknownReason::MissingStatusLines => "lines of its status are missing",
            UnknownReason::OtherThreadsUnread => "assuming its other threads match the main thread",
            UnknownReason::SigwaitUnreadable => {
                "unless a thread waits for it in sigwait(3) (could not check; may need CAP_SYS_PTRACE)"
            }
            UnknownReason::CompetingThreads => {
                "unless another thread that waits in sigwait(3), sigsuspend(2) or on a signalfd receives it first"
            }
            UnknownReason::MaskAfterSigsuspend => "unless a thread in sigsuspend(2) restores a different mask",
            UnknownReason::SleepKindUnknown => {
                "immediately or when its uninterruptible sleep (D) ends (/proc does not show which)"
            }
            UnknownReason::OrphanedGroupUnknown => "unless its process group is orphaned (cannot check)",
            UnknownReason::KernelThread => "the code of the kernel thread decides",
        })
    }
}

//! The effects that a signal can have on a process, and their sentences.

pub(super) mod predict;
mod query;
mod resume;
pub mod survivor;

use std::fmt;

use crate::procfs::CoreDumpPrediction;
use crate::signal::{Arch, Signal};

/// What a signal does to a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The null signal: nothing is sent.
    NullSignal,
    /// It ends the process.
    Terminates {
        /// The signal is KILL.
        by_kill: bool,
        /// Whether a core dump is left, where the signal asks for one.
        core_dump: Option<CoreDumpPrediction>,
    },
    /// It stops the process.
    Stops,
    /// It continues the stopped process.
    Continues {
        /// Its handler for CONT runs, too.
        runs_handler: bool,
        /// A signal that is pending meanwhile then ends it.
        terminated_by: Option<Signal>,
    },
    /// The process runs its handler.
    RunsHandler,
    /// The process ignores it.
    Ignored {
        /// By the default action, not by choice.
        by_default: bool,
    },
    /// A thread takes it in sigwait(3).
    TakenBySigwait {
        /// The thread; `None` where several wait: one of them.
        tid: Option<u32>,
    },
    /// It stays pending until the process reads it from a signalfd.
    ReadBySignalfd {
        /// The descriptor.
        descriptor: u32,
    },
    /// It stays pending.
    Pending {
        /// What holds it back.
        reason: PendingReason,
        /// It is pending already, and this one is lost in it.
        merged: bool,
        /// What it does in the end, where that is known.
        eventual_effect: Option<Box<Effect>>,
    },
    /// The kernel drops it.
    Dropped(DropReason),
    /// It does nothing.
    NoEffect(NoEffectReason),
    /// A tracer gets it, and decides.
    Traced {
        /// The tracer.
        tracer: u32,
    },
    /// It cannot be queued: the queue of the process's user is full.
    QueueFull,
    /// It cannot be told.
    Unknown {
        /// What is missing.
        reason: UnknownReason,
        /// What it does, if nothing speaks against it.
        likely: Option<Box<Effect>>,
    },
}

/// What holds a signal back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PendingReason {
    /// Every thread blocks it: so many.
    Blocked {
        /// So many threads.
        thread_count: usize,
    },
    /// The one thread that it is for blocks it.
    BlockedByThread,
    /// The process is stopped.
    Stopped,
    /// The thread that would take it is in an uninterruptible sleep.
    UninterruptibleSleep {
        /// The thread.
        tid: u32,
    },
    /// Its control group is frozen.
    Frozen,
}

/// Why the kernel drops a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// The process is the init of its pid namespace and has no handler.
    InitWithoutHandler,
    /// Its process group is orphaned: nobody could continue it.
    OrphanedGroup,
    /// The queue is full and the signal is pending already.
    QueueFull,
    /// CONT, which alone could let it through, takes back what stops.
    DiscardedByCont,
}

/// Why a signal does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoEffectReason {
    /// It is a zombie, and this is its parent.
    Zombie {
        /// The parent; 0 where it is outside our pid namespace.
        parent_pid: u32,
    },
    /// KILL is pending: it is on its way out.
    Dying,
    /// It is stopped already.
    AlreadyStopped,
    /// The thread has ended; others live on.
    ThreadExited,
    /// It is a kernel thread, which ignores everything.
    KernelThread,
}

/// What is missing to tell an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownReason {
    /// Lines of the status are missing.
    MissingStatusLines,
    /// Only one thread's text is known.
    OtherThreadsUnread,
    /// Whether a thread waits for it in sigwait(3) may not be seen.
    SigwaitUnreadable,
    /// One thread would do one thing, another another, and either may get it.
    CompetingThreads,
    /// A thread in sigsuspend(2) has another mask once it is woken.
    MaskAfterSigsuspend,
    /// Whether an uninterruptible sleep can be killed is not told by /proc.
    SleepKindUnknown,
    /// Whether the process group is orphaned is not told.
    OrphanedGroupUnknown,
    /// A kernel thread decides by itself.
    KernelThread,
}

impl Effect {
    /// The identifier.
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

    /// What it most likely is, where that is not known for sure.
    pub fn most_likely(&self) -> &Effect {
        match self {
            Effect::Unknown { likely: Some(likely), .. } => likely.most_likely(),
            _ => self,
        }
    }
}

/// A sentence without a subject: the process is "it".
impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Effect::NullSignal => f.write_str("nothing is sent: it only checks"),
            Effect::Terminates { by_kill: true, .. } => f.write_str("kills it"),
            Effect::Terminates { core_dump: core, .. } => {
                f.write_str("terminates it (default action")?;
                f.write_str(match core {
                    None => ")",
                    Some(CoreDumpPrediction::WouldDump) => ", dumps core)",
                    Some(CoreDumpPrediction::DisabledByLimit) => {
                        "; would dump core, but its RLIMIT_CORE forbids it)"
                    }
                    Some(CoreDumpPrediction::NotDumpable) => "; would dump core, but it is not dumpable)",
                    Some(CoreDumpPrediction::Unknown) => "; dumps core unless something forbids it)",
                })
            }
            Effect::Stops => f.write_str("stops it"),
            Effect::Continues { runs_handler: handler, terminated_by: ended_by } => {
                f.write_str("continues it")?;
                if *handler {
                    f.write_str(" and runs its handler")?;
                }
                match ended_by {
                    Some(signal) => {
                        write!(
                            f,
                            "; {}, which is pending, then terminates it",
                            Arch::NATIVE.signal_name(*signal)
                        )
                    }
                    None => Ok(()),
                }
            }
            Effect::RunsHandler => f.write_str("runs its handler"),
            Effect::Ignored { by_default: true } => f.write_str("ignored (default action)"),
            Effect::Ignored { by_default: false } => f.write_str("ignored"),
            Effect::TakenBySigwait { tid: Some(tid) } => {
                write!(f, "taken by thread {tid}, which waits for it in sigwait(3)")
            }
            Effect::TakenBySigwait { tid: None } => {
                f.write_str("taken by one of the threads that wait for it in sigwait(3)")
            }
            Effect::ReadBySignalfd { descriptor } => {
                write!(f, "stays pending until it reads it from its signalfd, descriptor {descriptor}")
            }
            Effect::Pending { reason: held, merged, eventual_effect: then } => {
                f.write_str(if *merged {
                    "merged with the one already pending: "
                } else {
                    "stays pending: "
                })?;
                write!(f, "{held}")?;
                match then {
                    Some(then) => write!(f, "; then {then}"),
                    None => Ok(()),
                }
            }
            Effect::Dropped(why) => write!(f, "dropped by the kernel: {why}"),
            Effect::NoEffect(why) => write!(f, "nothing: {why}"),
            Effect::Traced { tracer } => write!(f, "its tracer {tracer} gets it and decides"),
            Effect::QueueFull => {
                f.write_str("cannot be queued: its user's queue is full (RLIMIT_SIGPENDING)")
            }
            Effect::Unknown { reason: why, likely: Some(likely) } => write!(f, "unknown: {likely}, {why}"),
            Effect::Unknown { reason: why, likely: None } => write!(f, "unknown: {why}"),
        }
    }
}

impl fmt::Display for PendingReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PendingReason::Blocked { thread_count: 1 } => f.write_str("it is blocked"),
            PendingReason::Blocked { thread_count: threads } => {
                write!(f, "it is blocked by all {threads} threads")
            }
            PendingReason::BlockedByThread => f.write_str("the thread blocks it"),
            PendingReason::Stopped => f.write_str("the process is stopped, until CONT"),
            PendingReason::UninterruptibleSleep { tid } => {
                write!(f, "thread {tid} is in an uninterruptible sleep (D), until that ends")
            }
            PendingReason::Frozen => f.write_str("its control group is frozen, until that is thawed"),
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DropReason::InitWithoutHandler => "it is the init of its pid namespace and has no handler for it",
            DropReason::OrphanedGroup => "its process group is orphaned, nobody could continue it",
            DropReason::DiscardedByCont => "CONT takes back what is to stop it",
            DropReason::QueueFull => {
                "its user's queue is full (RLIMIT_SIGPENDING), and one is pending already"
            }
        })
    }
}

impl fmt::Display for NoEffectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoEffectReason::Zombie { parent_pid: 0 } => {
                f.write_str("it is a zombie, dead already; its parent is outside this pid namespace")
            }
            NoEffectReason::Zombie { parent_pid: parent } => {
                write!(f, "it is a zombie, dead already; signal its parent {parent}, which has to reap it")
            }
            NoEffectReason::Dying => f.write_str("KILL is pending: it is dying already"),
            NoEffectReason::AlreadyStopped => f.write_str("it is stopped already"),
            NoEffectReason::ThreadExited => f.write_str("the thread has ended; signal the process"),
            NoEffectReason::KernelThread => f.write_str("a kernel thread ignores all signals"),
        }
    }
}

impl fmt::Display for UnknownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UnknownReason::MissingStatusLines => "lines of its status are missing",
            UnknownReason::OtherThreadsUnread => "if its other threads are as its main thread",
            UnknownReason::SigwaitUnreadable => {
                "unless a thread waits for it in sigwait(3), which may not be seen (that takes the right to \
                 ptrace(2) it)"
            }
            UnknownReason::CompetingThreads => {
                "or a thread that waits, in sigwait(3), in sigsuspend(2) or on a signalfd, takes it: either may"
            }
            UnknownReason::MaskAfterSigsuspend => "if no thread in sigsuspend(2) has another mask outside it",
            UnknownReason::SleepKindUnknown => {
                "at once or when its uninterruptible sleep (D) ends: /proc does not tell which kind it is"
            }
            UnknownReason::OrphanedGroupUnknown => "unless its process group is orphaned, which cannot be told from here",
            UnknownReason::KernelThread => "a kernel thread decides by itself",
        })
    }
}

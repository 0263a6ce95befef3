//! The effects that a signal can have on a process, and their sentences.

use std::fmt;

use crate::proc::CoreDump;
use crate::signal::{Arch, Signal};

/// What a signal does to a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The null signal: nothing is sent.
    Checked,
    /// It ends the process.
    Terminates {
        /// The signal is KILL.
        kill: bool,
        /// Whether a core dump is left, where the signal asks for one.
        core: Option<CoreDump>,
    },
    /// It stops the process.
    Stops,
    /// It continues the stopped process.
    Continues {
        /// Its handler for CONT runs, too.
        handler: bool,
        /// A signal that is pending meanwhile then ends it.
        ended_by: Option<Signal>,
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
        held: Held,
        /// It is pending already, and this one is lost in it.
        merged: bool,
        /// What it does in the end, where that is known.
        then: Option<Box<Effect>>,
    },
    /// The kernel drops it.
    Dropped(Dropped),
    /// It does nothing.
    Nothing(Nothing),
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
        why: Why,
        /// What it does, if nothing speaks against it.
        likely: Option<Box<Effect>>,
    },
}

/// What holds a signal back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Every thread blocks it: so many.
    Blocked {
        /// So many threads.
        threads: usize,
    },
    /// The one thread that it is for blocks it.
    BlockedByThread,
    /// The process is stopped.
    Stopped,
    /// The thread that would take it is in an uninterruptible sleep.
    Sleeping {
        /// The thread.
        tid: u32,
    },
    /// Its control group is frozen.
    Frozen,
}

/// Why the kernel drops a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// The process is the init of its pid namespace and has no handler.
    Init,
    /// Its process group is orphaned: nobody could continue it.
    Orphaned,
    /// The queue is full and the signal is pending already.
    QueueFull,
    /// CONT, which alone could let it through, takes back what stops.
    Continued,
}

/// Why a signal does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nothing {
    /// It is a zombie, and this is its parent.
    Zombie {
        /// The parent; 0 where it is outside our pid namespace.
        parent: u32,
    },
    /// KILL is pending: it is on its way out.
    Dying,
    /// It is stopped already.
    Stopped,
    /// The thread has ended; others live on.
    ThreadEnded,
    /// It is a kernel thread, which ignores everything.
    KernelThread,
}

/// What is missing to tell an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Lines of the status are missing.
    Lines,
    /// Only one thread's text is known.
    OtherThreads,
    /// Whether a thread waits for it in sigwait(3) may not be seen.
    Sigwait,
    /// One thread would do one thing, another another, and either may get it.
    Threads,
    /// A thread in sigsuspend(2) has another mask once it is woken.
    Mask,
    /// Whether an uninterruptible sleep can be killed is not told by /proc.
    Sleep,
    /// Whether the process group is orphaned is not told.
    Group,
    /// A kernel thread decides by itself.
    KernelThread,
}

impl Effect {
    /// The identifier.
    pub const fn id(&self) -> &'static str {
        match self {
            Effect::Checked => "checked",
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
            Effect::Nothing(_) => "nothing",
            Effect::Traced { .. } => "traced",
            Effect::QueueFull => "queue-full",
            Effect::Unknown { .. } => "unknown",
        }
    }

    /// What it most likely is, where that is not known for sure.
    pub fn likely(&self) -> &Effect {
        match self {
            Effect::Unknown { likely: Some(likely), .. } => likely.likely(),
            _ => self,
        }
    }
}

/// A sentence without a subject: the process is "it".
impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Effect::Checked => f.write_str("nothing is sent: it only checks"),
            Effect::Terminates { kill: true, .. } => f.write_str("kills it"),
            Effect::Terminates { core, .. } => {
                f.write_str("terminates it (default action")?;
                f.write_str(match core {
                    None => ")",
                    Some(CoreDump::Yes) => ", dumps core)",
                    Some(CoreDump::Limit) => "; would dump core, but its RLIMIT_CORE forbids it)",
                    Some(CoreDump::NotDumpable) => "; would dump core, but it is not dumpable)",
                    Some(CoreDump::Unknown) => "; dumps core unless something forbids it)",
                })
            }
            Effect::Stops => f.write_str("stops it"),
            Effect::Continues { handler, ended_by } => {
                f.write_str("continues it")?;
                if *handler {
                    f.write_str(" and runs its handler")?;
                }
                match ended_by {
                    Some(signal) => {
                        write!(f, "; {}, which is pending, then terminates it", Arch::NATIVE.name(*signal))
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
            Effect::Pending { held, merged, then } => {
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
            Effect::Nothing(why) => write!(f, "nothing: {why}"),
            Effect::Traced { tracer } => write!(f, "its tracer {tracer} gets it and decides"),
            Effect::QueueFull => {
                f.write_str("cannot be queued: its user's queue is full (RLIMIT_SIGPENDING)")
            }
            Effect::Unknown { why, likely: Some(likely) } => write!(f, "unknown: {likely}, {why}"),
            Effect::Unknown { why, likely: None } => write!(f, "unknown: {why}"),
        }
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Held::Blocked { threads: 1 } => f.write_str("it is blocked"),
            Held::Blocked { threads } => write!(f, "it is blocked by all {threads} threads"),
            Held::BlockedByThread => f.write_str("the thread blocks it"),
            Held::Stopped => f.write_str("the process is stopped, until CONT"),
            Held::Sleeping { tid } => {
                write!(f, "thread {tid} is in an uninterruptible sleep (D), until that ends")
            }
            Held::Frozen => f.write_str("its control group is frozen, until that is thawed"),
        }
    }
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Dropped::Init => "it is the init of its pid namespace and has no handler for it",
            Dropped::Orphaned => "its process group is orphaned, nobody could continue it",
            Dropped::Continued => "CONT takes back what is to stop it",
            Dropped::QueueFull => "its user's queue is full (RLIMIT_SIGPENDING), and one is pending already",
        })
    }
}

impl fmt::Display for Nothing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Nothing::Zombie { parent: 0 } => {
                f.write_str("it is a zombie, dead already; its parent is outside this pid namespace")
            }
            Nothing::Zombie { parent } => {
                write!(f, "it is a zombie, dead already; signal its parent {parent}, which has to reap it")
            }
            Nothing::Dying => f.write_str("KILL is pending: it is dying already"),
            Nothing::Stopped => f.write_str("it is stopped already"),
            Nothing::ThreadEnded => f.write_str("the thread has ended; signal the process"),
            Nothing::KernelThread => f.write_str("a kernel thread ignores all signals"),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Why::Lines => "lines of its status are missing",
            Why::OtherThreads => "if its other threads are as its main thread",
            Why::Sigwait => {
                "unless a thread waits for it in sigwait(3), which may not be seen (that takes the right to \
                 ptrace(2) it)"
            }
            Why::Threads => {
                "or a thread that waits, in sigwait(3), in sigsuspend(2) or on a signalfd, takes it: either may"
            }
            Why::Mask => "if no thread in sigsuspend(2) has another mask outside it",
            Why::Sleep => {
                "at once or when its uninterruptible sleep (D) ends: /proc does not tell which kind it is"
            }
            Why::Group => "unless its process group is orphaned, which cannot be told from here",
            Why::KernelThread => "a kernel thread decides by itself",
        })
    }
}

//! What can be found of a process: identifiers, how grave it is, and sentences.

use std::fmt;

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something does not work, or will not.
    Problem,
    /// Something may surprise.
    Warning,
    /// Good to know.
    Note,
}

impl Severity {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Severity::Problem => "problem",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// One thing that is wrong, surprising, or good to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The identifier.
    pub id: Id,
    /// How grave it is.
    pub severity: Severity,
    /// What is so: a sentence without a full stop.
    pub what: String,
    /// Why it matters; where it is a guess, it says "likely".
    pub why: String,
    /// What to do, where there is something.
    pub todo: Option<String>,
}

/// The identifiers of findings: a contract, like the fields of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Id {
    /// A signal is pending, and every thread blocks it.
    PendingBlocked,
    /// KILL is pending.
    Dying,
    /// Every thread blocks TERM.
    TermBlocked,
    /// The mask is the parent's.
    MaskInherited,
    /// TERM is ignored.
    TermIgnored,
    /// HUP is ignored.
    HupIgnored,
    /// INT and QUIT are ignored.
    InterruptIgnored,
    /// PIPE is ignored.
    PipeIgnored,
    /// CHLD is ignored.
    ChildIgnored,
    /// The init of a pid namespace has no handler for TERM.
    InitWithoutTerm,
    /// It is a zombie.
    Zombie,
    /// Its main thread has ended, others live.
    LeaderEnded,
    /// A thread is in an uninterruptible sleep.
    Uninterruptible,
    /// It is stopped.
    Stopped,
    /// It is traced.
    Traced,
    /// Its control group is frozen.
    Frozen,
    /// A thread waits for signals in sigwait(3).
    Sigwait,
    /// A thread waits under another mask in sigsuspend(2).
    Sigsuspend,
    /// It reads signals from a descriptor.
    Signalfd,
    /// The queue of its user is nearly full.
    QueueNearlyFull,
    /// Signals of the C library are caught, blocked or pending.
    CLibrary,
    /// It is likely a Go program.
    GoRuntime,
    /// A handler is no code.
    HandlerUnmapped,
    /// A handler of a Go program does not run on the alternate stack.
    HandlerOffStack,
    /// Several signals have one handler.
    HandlerShared,
    /// It is a kernel thread.
    KernelThread,
    /// Something may not be read.
    Unreadable,
}

impl Id {
    /// All of them, gravest first.
    pub const ALL: [Id; 27] = [
        Id::PendingBlocked,
        Id::Dying,
        Id::HandlerUnmapped,
        Id::Zombie,
        Id::Uninterruptible,
        Id::Stopped,
        Id::Frozen,
        Id::Traced,
        Id::InitWithoutTerm,
        Id::QueueNearlyFull,
        Id::TermIgnored,
        Id::TermBlocked,
        Id::LeaderEnded,
        Id::HandlerOffStack,
        Id::ChildIgnored,
        Id::MaskInherited,
        Id::HupIgnored,
        Id::InterruptIgnored,
        Id::PipeIgnored,
        Id::Sigwait,
        Id::Sigsuspend,
        Id::Signalfd,
        Id::HandlerShared,
        Id::CLibrary,
        Id::GoRuntime,
        Id::KernelThread,
        Id::Unreadable,
    ];

    /// The word that programs rely on.
    pub const fn word(self) -> &'static str {
        match self {
            Id::PendingBlocked => "pending-blocked",
            Id::Dying => "dying",
            Id::TermBlocked => "term-blocked",
            Id::MaskInherited => "mask-inherited",
            Id::TermIgnored => "term-ignored",
            Id::HupIgnored => "hup-ignored",
            Id::InterruptIgnored => "interrupt-ignored",
            Id::PipeIgnored => "pipe-ignored",
            Id::ChildIgnored => "child-ignored",
            Id::InitWithoutTerm => "init-without-term",
            Id::Zombie => "zombie",
            Id::LeaderEnded => "leader-ended",
            Id::Uninterruptible => "uninterruptible",
            Id::Stopped => "stopped",
            Id::Traced => "traced",
            Id::Frozen => "frozen",
            Id::Sigwait => "sigwait",
            Id::Sigsuspend => "sigsuspend",
            Id::Signalfd => "signalfd",
            Id::QueueNearlyFull => "queue-nearly-full",
            Id::CLibrary => "c-library",
            Id::GoRuntime => "go-runtime",
            Id::HandlerUnmapped => "handler-unmapped",
            Id::HandlerOffStack => "handler-off-stack",
            Id::HandlerShared => "handler-shared",
            Id::KernelThread => "kernel-thread",
            Id::Unreadable => "unreadable",
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

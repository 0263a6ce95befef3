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
    pub const fn as_str(self) -> &'static str {
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
    pub id: FindingId,
    /// How grave it is.
    pub severity: Severity,
    /// What is so: a sentence without a full stop.
    pub summary: String,
    /// Why it matters; where it is a guess, it says "likely".
    pub explanation: String,
    /// What to do, where there is something.
    pub advice: Option<String>,
}

/// The identifiers of findings: a contract, like the fields of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FindingId {
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
    IntQuitIgnored,
    /// PIPE is ignored.
    PipeIgnored,
    /// CHLD is ignored.
    ChldIgnored,
    /// The init of a pid namespace has no handler for TERM.
    InitWithoutTermHandler,
    /// It is a zombie.
    Zombie,
    /// Its main thread has ended, others live.
    LeaderExited,
    /// A thread is in an uninterruptible sleep.
    UninterruptibleSleep,
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
    LibcSignals,
    /// It is likely a Go program.
    GoRuntime,
    /// A handler is no code.
    HandlerNotCode,
    /// A handler of a Go program does not run on the alternate stack.
    HandlerNotOnAltStack,
    /// Several signals have one handler.
    HandlerShared,
    /// It is a kernel thread.
    KernelThread,
    /// Something may not be read.
    Unreadable,
}

impl FindingId {
    /// All of them, gravest first.
    pub const ALL: [FindingId; 27] = [
        FindingId::PendingBlocked,
        FindingId::Dying,
        FindingId::HandlerNotCode,
        FindingId::Zombie,
        FindingId::UninterruptibleSleep,
        FindingId::Stopped,
        FindingId::Frozen,
        FindingId::Traced,
        FindingId::InitWithoutTermHandler,
        FindingId::QueueNearlyFull,
        FindingId::TermIgnored,
        FindingId::TermBlocked,
        FindingId::LeaderExited,
        FindingId::HandlerNotOnAltStack,
        FindingId::ChldIgnored,
        FindingId::MaskInherited,
        FindingId::HupIgnored,
        FindingId::IntQuitIgnored,
        FindingId::PipeIgnored,
        FindingId::Sigwait,
        FindingId::Sigsuspend,
        FindingId::Signalfd,
        FindingId::HandlerShared,
        FindingId::LibcSignals,
        FindingId::GoRuntime,
        FindingId::KernelThread,
        FindingId::Unreadable,
    ];

    /// The word that programs rely on.
    pub const fn as_str(self) -> &'static str {
        match self {
            FindingId::PendingBlocked => "pending-blocked",
            FindingId::Dying => "dying",
            FindingId::TermBlocked => "term-blocked",
            FindingId::MaskInherited => "mask-inherited",
            FindingId::TermIgnored => "term-ignored",
            FindingId::HupIgnored => "hup-ignored",
            FindingId::IntQuitIgnored => "interrupt-ignored",
            FindingId::PipeIgnored => "pipe-ignored",
            FindingId::ChldIgnored => "child-ignored",
            FindingId::InitWithoutTermHandler => "init-without-term",
            FindingId::Zombie => "zombie",
            FindingId::LeaderExited => "leader-ended",
            FindingId::UninterruptibleSleep => "uninterruptible",
            FindingId::Stopped => "stopped",
            FindingId::Traced => "traced",
            FindingId::Frozen => "frozen",
            FindingId::Sigwait => "sigwait",
            FindingId::Sigsuspend => "sigsuspend",
            FindingId::Signalfd => "signalfd",
            FindingId::QueueNearlyFull => "queue-nearly-full",
            FindingId::LibcSignals => "c-library",
            FindingId::GoRuntime => "go-runtime",
            FindingId::HandlerNotCode => "handler-unmapped",
            FindingId::HandlerNotOnAltStack => "handler-off-stack",
            FindingId::HandlerShared => "handler-shared",
            FindingId::KernelThread => "kernel-thread",
            FindingId::Unreadable => "unreadable",
        }
    }
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

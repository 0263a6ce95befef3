//! A finding: its identifier, severity and sentences, and the helpers to format them.

use std::fmt;

use crate::procfs::ProcessName;
use crate::signal::{Arch, Signal, SignalSet};

/// The severity of a finding, the most severe first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something does not work, or will not work.
    Problem,
    /// Something may be unexpected.
    Warning,
    /// Background information.
    Note,
}

impl Severity {
    /// Returns the identifier used in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Severity::Problem => "problem",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// A fact about a process that is a problem, unexpected, or useful to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The identifier, for programs.
    pub id: FindingId,
    /// The severity.
    pub severity: Severity,
    /// The fact, as a sentence without a full stop. "It" is the process.
    pub summary: String,
    /// The consequence or cause, as sentences without the last full stop. A guess is marked
    /// "probably".
    pub explanation: String,
    /// An action for the user, if one is possible, as a sentence without a full stop.
    pub advice: Option<String>,
}

impl Finding {
    pub(super) fn new(
        id: FindingId,
        severity: Severity,
        summary: impl Into<String>,
        explanation: impl Into<String>,
        advice: Option<String>,
    ) -> Finding {
        Finding { id, severity, summary: summary.into(), explanation: explanation.into(), advice }
    }
}

/// The identifiers of findings. Like the fields of JSON, they do not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FindingId {
    /// A signal is pending, and every thread blocks it.
    PendingBlocked,
    /// KILL is pending.
    Dying,
    /// Every thread blocks TERM.
    TermBlocked,
    /// The mask is probably inherited from the parent.
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
    /// The process is the init of a PID namespace and has no handler for TERM.
    InitWithoutTermHandler,
    /// The process is a zombie.
    Zombie,
    /// The main thread has exited, but other threads are still running.
    LeaderExited,
    /// A thread is in an uninterruptible sleep.
    UninterruptibleSleep,
    /// The process is stopped.
    Stopped,
    /// The process is traced.
    Traced,
    /// The control group of the process is frozen.
    Frozen,
    /// A thread waits for signals in sigwait(3).
    Sigwait,
    /// A thread waits with a temporary mask in sigsuspend(2).
    Sigsuspend,
    /// The process has a signalfd.
    Signalfd,
    /// The signal queue of the user is nearly full.
    QueueNearlyFull,
    /// Signals reserved by the C library are caught.
    LibcSignals,
    /// The process is probably a Go program.
    GoRuntime,
    /// The address of a handler is not executable code.
    HandlerNotCode,
    /// A handler of a Go program does not run on the alternate stack.
    HandlerNotOnAltStack,
    /// Several signals have the same handler.
    HandlerShared,
    /// The process is a kernel thread.
    KernelThread,
    /// Permission to read a file of /proc is missing.
    Unreadable,
}

impl FindingId {
    /// Every identifier, the most severe first.
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

    /// Returns the identifier used in JSON.
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

/// Formats a process with its name: `77 (make)`.
pub(super) fn format_process(pid: u32, name: Option<&ProcessName>) -> String {
    match name {
        Some(name) => format!("{pid} ({})", name.escape_invalid_utf8()),
        None => pid.to_string(),
    }
}

pub(super) fn signal_set(signals: &[Signal]) -> SignalSet {
    signals.iter().copied().collect()
}

/// Formats signals for a sentence: `HUP, INT and TERM`, or a compact form of many.
pub(super) fn signal_names(signals: SignalSet) -> String {
    let names: Vec<String> =
        signals.iter().take(4).map(|signal| Arch::NATIVE.signal_name(signal).to_string()).collect();
    match names.as_slice() {
        [] | [_, _, _, _, ..] => signals.display(Arch::NATIVE).to_string(),
        [name] => name.clone(),
        [names @ .., last] => format!("{} and {last}", names.join(", ")),
    }
}

/// Formats signals as the subject of a sentence: `TERM is`, `INT and TERM are`.
pub(super) fn signals_are(signals: SignalSet) -> String {
    format!("{} {}", signal_names(signals), if signals.len() == 1 { "is" } else { "are" })
}

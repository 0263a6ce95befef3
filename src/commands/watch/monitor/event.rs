//! Monitor events: the values that sampling and event backends produce and that
//! the [`Emitter`](super::emitter::Emitter) prints.

use std::time::SystemTime;

use crate::explain::requirement::SignalSetKind;
use crate::inspect::events::{SignalDelivery, SignalGeneration, StopStats, ThreadEvent};
use crate::procfs::{ProcessName, TaskState, Thread};
use crate::signal::exit_status::Termination;
use crate::signal::{Signal, SignalSet};

/// An event of a monitored process or, with --all, of any process.
#[derive(Debug)]
pub(super) struct MonitorEvent {
    pub(super) time: SystemTime,
    /// The PID; 0 if the event belongs to no process of our PID namespace.
    pub(super) pid: u32,
    /// The process name; empty if unknown.
    pub(super) name: Vec<u8>,
    pub(super) kind: MonitorEventKind,
}

#[derive(Debug)]
pub(super) enum MonitorEventKind {
    /// The state of a process when monitoring starts.
    Start(InitialState),
    /// The state of a thread when monitoring starts.
    InitialThread(Thread),
    /// A difference between two samples.
    Change(ProcessChange),
    /// An event that the kernel reported.
    Kernel(Box<ThreadEvent>),
    /// The stops that the tracer caused.
    TracerStops(StopStats),
    /// The exit of a process.
    Exited {
        /// `None` if the kernel does not report it.
        termination: Option<Termination>,
        /// The signal that terminated the process, if a backend saw it.
        fatal_signal: Option<Box<FatalSignal>>,
    },
}

impl MonitorEventKind {
    /// Returns whether the event counts towards --count.
    pub(super) fn is_counted(&self) -> bool {
        match self {
            MonitorEventKind::Start(_)
            | MonitorEventKind::InitialThread(_)
            | MonitorEventKind::TracerStops(_) => false,
            MonitorEventKind::Change(_) | MonitorEventKind::Kernel(_) | MonitorEventKind::Exited { .. } => {
                true
            }
        }
    }
}

/// The state and the signal sets of a process when monitoring starts.
#[derive(Debug)]
pub(super) struct InitialState {
    pub(super) state: Option<TaskState>,
    /// Number of live threads; `None` without --threads.
    pub(super) thread_count: Option<usize>,
    /// With --threads only the shared pending set.
    pub(super) pending: Option<SignalSet>,
    /// `None` with --threads, because each thread has its own mask;
    /// `Some(None)` if unknown.
    pub(super) blocked: Option<Option<SignalSet>>,
    pub(super) ignored: Option<SignalSet>,
    pub(super) caught: Option<SignalSet>,
}

/// A change of a process or of one of its threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ProcessChange {
    /// Signals entered or left a set.
    SetChanged {
        /// The thread that has the set; `None` for the process.
        tid: Option<u32>,
        /// Whether the signals entered the set.
        is_added: bool,
        set: SignalSetKind,
        signals: SignalSet,
    },
    StateChanged {
        /// The state reported last.
        from: TaskState,
        to: TaskState,
        /// The signal that stopped the process, if its tracer saw it.
        stop_signal: Option<Signal>,
    },
    /// The name changed, usually because of execve(2).
    NameChanged {
        from: ProcessName,
        to: ProcessName,
    },
    ThreadStarted(Thread),
    /// The TID of a thread that exited.
    ThreadExited(u32),
}

/// The signal that terminated a process.
#[derive(Clone, Debug)]
pub(super) enum FatalSignal {
    /// Seen when it was generated.
    Generated(SignalGeneration),
    /// Seen when it was delivered; its sender is unverified.
    Delivered(SignalDelivery),
}

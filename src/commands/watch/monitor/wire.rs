//! The JSON Lines of `watch --pid`: types of its own, whose field names are a
//! contract.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;

use super::diff::{self, ProcessChange};
use super::events::FatalSignal;
use super::signal_text::{self, SignalEventObject};
use super::{MonitorEvent, MonitorEventKind};
use crate::explain::requirement::SignalSetKind;
use crate::inspect::{Backend, events};
use crate::json::SenderObject;
use crate::procfs::{ProcessName, ProcessSnapshot, TaskState, Thread, Threads};
use crate::signal::exit_status::Termination;
use crate::signal::{Arch, SignalSet};

/// An event: what all of them have, and what belongs to its kind.
#[derive(Serialize)]
pub(super) struct MonitorEventObject<'a> {
    /// UTC, as RFC 3339 has it.
    time: String,
    pid: u32,
    /// The thread, where it is of one.
    tid: Option<u32>,
    name: Cow<'a, str>,
    event: &'static str,
    #[serde(flatten)]
    details: EventDetailsObject<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum EventDetailsObject<'a> {
    Start {
        state: Option<char>,
        /// Only where what starts and ends is told.
        #[serde(skip_serializing_if = "Option::is_none")]
        threads: Option<usize>,
        pending: Option<Vec<String>>,
        /// Not where each thread has its own.
        #[serde(skip_serializing_if = "Option::is_none")]
        blocked: Option<Option<Vec<String>>>,
        ignored: Option<Vec<String>>,
        caught: Option<Vec<String>>,
    },
    Thread {
        pending: Vec<String>,
        blocked: Vec<String>,
    },
    Set {
        set: &'static str,
        signals: Vec<String>,
    },
    State {
        from: char,
        to: char,
        /// The signal that has stopped it, where that is told.
        #[serde(skip_serializing_if = "Option::is_none")]
        signal: Option<String>,
    },
    Name {
        from: String,
        to: String,
    },
    /// All null where it cannot be told.
    Exit {
        status: Option<u8>,
        killed_by: Option<String>,
        core: Option<bool>,
        /// Whose signal it was, where signals are seen.
        #[serde(skip_serializing_if = "Option::is_none")]
        sender: Option<Option<SenderObject<'a>>>,
    },
    Signal(Box<SignalEventObject<'a>>),
    /// Times in microseconds.
    Stops {
        backend: &'static str,
        stops: u64,
        longest_us: u64,
        total_us: u64,
    },
    Empty {},
}

/// An event as an object.
pub(super) fn monitor_event_object<'a>(event: &MonitorEvent<'a>) -> MonitorEventObject<'a> {
    let (kind, tid, more) = match &event.kind {
        MonitorEventKind::Start { snapshot: look, threads } => ("start", None, start_details(look, *threads)),
        MonitorEventKind::InitialThread(task) => ("thread", Some(task.tid), thread_details(task)),
        MonitorEventKind::Change(change) => self::change_details(change),
        MonitorEventKind::KernelEvent(event) => kernel_event_details(event),
        MonitorEventKind::TracerStops(stops) => ("stood-still", None, tracer_stops_details(stops)),
        MonitorEventKind::Exited(ending, killer) => ("ended", None, exit_details(*ending, *killer)),
    };
    build_object(event, kind, tid, more)
}

fn build_object<'a>(
    event: &MonitorEvent<'a>,
    kind: &'static str,
    tid: Option<u32>,
    more: EventDetailsObject<'a>,
) -> MonitorEventObject<'a> {
    MonitorEventObject {
        time: humantime::format_rfc3339_micros(event.time).to_string(),
        pid: event.pid,
        tid,
        name: String::from_utf8_lossy(event.name),
        event: kind,
        details: more,
    }
}

fn signal_names(signals: SignalSet) -> Vec<String> {
    signals.member_names(Arch::NATIVE)
}

fn start_details(look: &ProcessSnapshot, threads: bool) -> EventDetailsObject<'static> {
    let set = |set| diff::set_members(look, set, threads).map(signal_names);
    EventDetailsObject::Start {
        state: diff::process_state(look).map(TaskState::letter),
        threads: look.threads.as_ref().filter(|_| threads).map(Threads::live_count),
        pending: set(SignalSetKind::Pending),
        blocked: (!threads).then(|| set(SignalSetKind::Blocked)),
        ignored: set(SignalSetKind::Ignored),
        caught: set(SignalSetKind::Caught),
    }
}

fn thread_details(task: &Thread) -> EventDetailsObject<'static> {
    EventDetailsObject::Thread { pending: signal_names(task.pending), blocked: signal_names(task.blocked) }
}

fn lossy_name(name: &ProcessName) -> String {
    String::from_utf8_lossy(name.as_bytes()).into_owned()
}

fn change_details(change: &ProcessChange) -> (&'static str, Option<u32>, EventDetailsObject<'static>) {
    match change {
        ProcessChange::SetChanged { tid, is_added: added, set, signals } => {
            let kind = if *added { "added" } else { "removed" };
            (kind, *tid, EventDetailsObject::Set { set: set.as_str(), signals: signal_names(*signals) })
        }
        ProcessChange::StateChanged { from, to, stop_signal: by } => {
            let signal = by.map(|by| Arch::NATIVE.signal_name(by).to_string());
            ("state", None, EventDetailsObject::State { from: from.letter(), to: to.letter(), signal })
        }
        ProcessChange::NameChanged { from, to } => {
            ("name", None, EventDetailsObject::Name { from: lossy_name(from), to: lossy_name(to) })
        }
        ProcessChange::ThreadStarted(task) => ("thread-started", Some(task.tid), thread_details(task)),
        ProcessChange::ThreadExited(tid) => ("thread-ended", Some(*tid), EventDetailsObject::Empty {}),
    }
}

/// What happened, and the thread, where it was of one.
fn kernel_event_details(event: &events::ThreadEvent) -> (&'static str, Option<u32>, EventDetailsObject<'_>) {
    let tid = event.tid;
    match &event.kind {
        events::ThreadEventKind::Generation(sent) => {
            let tid = tid.filter(|_| !sent.is_process_directed);
            ("generated", tid, EventDetailsObject::Signal(Box::new(signal_text::generated_object(sent))))
        }
        events::ThreadEventKind::Delivery(delivered) => {
            ("delivered", tid, EventDetailsObject::Signal(Box::new(signal_text::delivered_object(delivered))))
        }
        events::ThreadEventKind::NewThread => ("clone", tid, EventDetailsObject::Empty {}),
        events::ThreadEventKind::Exec => ("exec", None, EventDetailsObject::Empty {}),
        events::ThreadEventKind::Exited(ending) => ("exit", tid, exit_details(*ending, None)),
        // A change of state tells it.
        events::ThreadEventKind::JobControlStop(_) => ("state", None, EventDetailsObject::Empty {}),
        // It is told apart, for it is of no process.
        events::ThreadEventKind::Lost(_) => ("lost", None, EventDetailsObject::Empty {}),
    }
}

fn tracer_stops_details(stops: &events::StopStats) -> EventDetailsObject<'static> {
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    EventDetailsObject::Stops {
        backend: Backend::Ptrace.as_str(),
        stops: stops.count,
        longest_us: micros(stops.longest),
        total_us: micros(stops.total),
    }
}

fn exit_details<'a>(ending: Option<Termination>, killer: Option<&'a FatalSignal>) -> EventDetailsObject<'a> {
    let (status, signal, core) = match ending {
        Some(Termination::Exited(status)) => (Some(status), None, Some(false)),
        Some(Termination::Killed { signal, core_dumped: core }) => (None, Some(signal), Some(core)),
        None => (None, None, None),
    };
    let killed_by = signal.map(|signal| Arch::NATIVE.signal_name(signal).to_string());
    EventDetailsObject::Exit { status, killed_by, core, sender: killer.map(signal_text::fatal_sender_object) }
}

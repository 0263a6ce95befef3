//! The JSON Lines of `watch --pid`. The field names are a stable interface, so these
//! types are separate from the model.

use std::borrow::Cow;
use std::io;
use std::time::Duration;

use serde::Serialize;

use super::event::{FatalSignal, InitialState, MonitorEvent, MonitorEventKind, ProcessChange};
use crate::commands::watch::wire::{SiginfoObject, lost_count_object, siginfo_object};
use crate::inspect::events::{
    GenerateResult, SenderMatch, SignalDelivery, SignalGeneration, StopStats, ThreadEvent, ThreadEventKind,
    VerifiedSender,
};
use crate::inspect::{Backend, ClaimedSender};
use crate::json::SenderObject;
use crate::out::ReportWriter;
use crate::procfs::{ProcessName, TaskState, Thread};
use crate::signal::exit_status::Termination;
use crate::signal::{Arch, SignalSet};

/// An event: the common fields and those of its kind.
#[derive(Serialize)]
struct MonitorEventObject<'a> {
    /// UTC in the format of RFC 3339.
    time: String,
    pid: u32,
    /// Null for an event of the whole process.
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
        /// Only with --threads.
        #[serde(skip_serializing_if = "Option::is_none")]
        threads: Option<usize>,
        pending: Option<Vec<String>>,
        /// Absent with --threads, because each thread has its own mask.
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
        /// The signal that stopped the process, if known.
        #[serde(skip_serializing_if = "Option::is_none")]
        signal: Option<String>,
    },
    Name {
        from: String,
        to: String,
    },
    /// All fields are null if the termination is unknown.
    Exit {
        status: Option<u8>,
        killed_by: Option<String>,
        core: Option<bool>,
        /// The sender of the fatal signal, if the signal was seen; null for the kernel.
        #[serde(skip_serializing_if = "Option::is_none")]
        sender: Option<Option<SenderObject<'a>>>,
    },
    Signal(Box<SignalEventObject<'a>>),
    Stops {
        backend: &'static str,
        stops: u64,
        longest_us: u64,
        total_us: u64,
    },
    Empty {},
}

/// A signal that was generated or delivered.
#[derive(Serialize)]
struct SignalEventObject<'a> {
    #[serde(flatten)]
    signal: SiginfoObject<'a>,
    /// The result of the generation; absent for a delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'static str>,
    /// The sender that the siginfo names, if it is not the verified one; null if that
    /// is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<Option<ClaimedIdsObject>>,
}

#[derive(Serialize)]
struct ClaimedIdsObject {
    pid: u32,
    uid: u32,
}

/// Writes an event as a line.
pub(super) fn print_event(event: &MonitorEvent, out: &mut ReportWriter<'_>) -> io::Result<()> {
    if let MonitorEventKind::Kernel(kernel_event) = &event.kind
        && let ThreadEventKind::Lost(count) = kernel_event.kind
    {
        return out.write_json_line(&lost_count_object(event.time, count));
    }
    out.write_json_line(&monitor_event_object(event))
}

fn monitor_event_object(event: &MonitorEvent) -> MonitorEventObject<'_> {
    let (kind, tid, details) = match &event.kind {
        MonitorEventKind::Start(state) => ("start", None, start_details(state)),
        MonitorEventKind::InitialThread(task) => ("thread", Some(task.tid), thread_details(task)),
        MonitorEventKind::Change(change) => change_details(change),
        MonitorEventKind::Kernel(event) => kernel_event_details(event),
        MonitorEventKind::TracerStops(stops) => ("stood-still", None, tracer_stops_details(stops)),
        MonitorEventKind::Exited { termination, fatal_signal } => {
            ("ended", None, exit_details(*termination, fatal_signal.as_deref()))
        }
    };
    MonitorEventObject {
        time: humantime::format_rfc3339_micros(event.time).to_string(),
        pid: event.pid,
        tid,
        name: String::from_utf8_lossy(&event.name),
        event: kind,
        details,
    }
}

fn signal_names(signals: SignalSet) -> Vec<String> {
    signals.member_names(Arch::NATIVE)
}

fn start_details(state: &InitialState) -> EventDetailsObject<'static> {
    EventDetailsObject::Start {
        state: state.state.map(TaskState::letter),
        threads: state.thread_count,
        pending: state.pending.map(signal_names),
        blocked: state.blocked.map(|blocked| blocked.map(signal_names)),
        ignored: state.ignored.map(signal_names),
        caught: state.caught.map(signal_names),
    }
}

fn thread_details(task: &Thread) -> EventDetailsObject<'static> {
    EventDetailsObject::Thread { pending: signal_names(task.pending), blocked: signal_names(task.blocked) }
}

fn lossy_name(name: &ProcessName) -> String {
    String::from_utf8_lossy(name.as_bytes()).into_owned()
}

/// Returns the name, the thread and the details of an event.
fn change_details(change: &ProcessChange) -> (&'static str, Option<u32>, EventDetailsObject<'static>) {
    match change {
        ProcessChange::SetChanged { tid, is_added, set, signals } => {
            let kind = if *is_added { "added" } else { "removed" };
            (kind, *tid, EventDetailsObject::Set { set: set.as_str(), signals: signal_names(*signals) })
        }
        ProcessChange::StateChanged { from, to, stop_signal } => {
            let signal = stop_signal.map(|signal| Arch::NATIVE.signal_name(signal).to_string());
            ("state", None, EventDetailsObject::State { from: from.letter(), to: to.letter(), signal })
        }
        ProcessChange::NameChanged { from, to } => {
            ("name", None, EventDetailsObject::Name { from: lossy_name(from), to: lossy_name(to) })
        }
        ProcessChange::ThreadStarted(task) => ("thread-started", Some(task.tid), thread_details(task)),
        ProcessChange::ThreadExited(tid) => ("thread-ended", Some(*tid), EventDetailsObject::Empty {}),
    }
}

/// Returns the name, the thread and the details of an event.
fn kernel_event_details(event: &ThreadEvent) -> (&'static str, Option<u32>, EventDetailsObject<'_>) {
    let tid = event.tid;
    match &event.kind {
        ThreadEventKind::Generation(generation) => {
            let tid = tid.filter(|_| !generation.is_process_directed);
            ("generated", tid, EventDetailsObject::Signal(Box::new(generated_object(generation))))
        }
        ThreadEventKind::Delivery(delivery) => {
            ("delivered", tid, EventDetailsObject::Signal(Box::new(delivered_object(delivery))))
        }
        ThreadEventKind::NewThread => ("clone", tid, EventDetailsObject::Empty {}),
        ThreadEventKind::Exec => ("exec", None, EventDetailsObject::Empty {}),
        ThreadEventKind::Exited(termination) => ("exit", tid, exit_details(*termination, None)),
        // The event loop turns a stop of a monitored process into a change.
        ThreadEventKind::JobControlStop(_) => ("state", None, EventDetailsObject::Empty {}),
        // print_event writes another object for it.
        ThreadEventKind::Lost(_) => ("lost", None, EventDetailsObject::Empty {}),
    }
}

fn tracer_stops_details(stops: &StopStats) -> EventDetailsObject<'static> {
    let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    EventDetailsObject::Stops {
        backend: Backend::Ptrace.as_str(),
        stops: stops.count,
        longest_us: micros(stops.longest),
        total_us: micros(stops.total),
    }
}

fn exit_details(
    termination: Option<Termination>,
    fatal_signal: Option<&FatalSignal>,
) -> EventDetailsObject<'_> {
    let (status, signal, core) = match termination {
        Some(Termination::Exited(status)) => (Some(status), None, Some(false)),
        Some(Termination::Killed { signal, core_dumped }) => (None, Some(signal), Some(core_dumped)),
        None => (None, None, None),
    };
    let killed_by = signal.map(|signal| Arch::NATIVE.signal_name(signal).to_string());
    EventDetailsObject::Exit { status, killed_by, core, sender: fatal_signal.map(fatal_sender_object) }
}

fn result_id(result: GenerateResult) -> &'static str {
    match result {
        GenerateResult::Delivered => "delivered",
        GenerateResult::Ignored => "ignored",
        GenerateResult::AlreadyPending => "already-pending",
        GenerateResult::Overflow => "overflow",
        GenerateResult::SiginfoLost => "info-lost",
    }
}

fn generated_object(generation: &SignalGeneration) -> SignalEventObject<'_> {
    let claims = match generation.sender_match {
        SenderMatch::Matches => None,
        SenderMatch::Differs { .. } => {
            Some(Some(ClaimedIdsObject { pid: generation.siginfo.pid, uid: generation.siginfo.uid }))
        }
        SenderMatch::Unknown => Some(None),
    };
    let sender = generation.sender.as_ref().map(verified_sender_object);
    let mut signal = siginfo_object(&generation.siginfo, sender);
    // A CHLD is sent by the child itself.
    if let Some(sender) = &generation.sender {
        signal.set_child_ids(sender.pid.unwrap_or(0), sender.uid, None);
    }
    SignalEventObject { signal, result: Some(result_id(generation.generate_result)), claims }
}

fn delivered_object(delivery: &SignalDelivery) -> SignalEventObject<'_> {
    let SignalDelivery { siginfo, claimed_sender } = delivery;
    let mut signal = siginfo_object(siginfo, claimed_sender.as_ref().and_then(claimed_sender_object));
    if let Some(child) = claimed_sender.as_ref().filter(|claimed| claimed.is_child) {
        signal.set_child_ids(child.pid.unwrap_or(0), child.uid, Some(child.inner_pid));
    }
    SignalEventObject { signal, result: None, claims: None }
}

/// Returns the sender of a signal that terminated a process; `None` for the kernel.
fn fatal_sender_object(fatal_signal: &FatalSignal) -> Option<SenderObject<'_>> {
    match fatal_signal {
        FatalSignal::Generated(generation) => generation.sender.as_ref().map(verified_sender_object),
        FatalSignal::Delivered(delivery) => delivery.claimed_sender.as_ref().and_then(claimed_sender_object),
    }
}

/// Returns a sender named by a siginfo, `None` for a child; the PID is 0 if unknown in
/// our PID namespace.
fn claimed_sender_object(claimed: &ClaimedSender) -> Option<SenderObject<'_>> {
    let ClaimedSender { inner_pid, pid, uid, name, is_child } = claimed;
    let exited = pid.is_some() && name.is_none();
    let sender = SenderObject::new(Some(pid.unwrap_or(0)), *uid, name.as_deref(), false);
    (!is_child).then(|| sender.with_namespace_pid(*inner_pid).with_exited(exited))
}

/// Returns a sender reported by the kernel; the PID is 0 outside of our PID namespace.
fn verified_sender_object(sender: &VerifiedSender) -> SenderObject<'_> {
    SenderObject::new(Some(sender.pid.unwrap_or(0)), sender.uid, Some(&sender.thread_name), true)
        .with_tid(sender.tid)
        .with_exited(false)
}

//! The JSON of handlers and queues: types of its own, whose field names are a
//! contract.

use std::time::Duration;

use serde::Serialize;

use crate::commands::decode_status::cells::lossy_string;
use crate::inspect::{Handler, IncompleteQueue, Inspection, PendingEntry, Provenance, Region, Unavailable};
use crate::json::{AbsentFields, ChildObject, SenderObject, SiginfoFieldsObject, TimerObject};
use crate::signal::Arch;
use crate::signal::siginfo_fields::SiginfoFields;

/// What was seen inside a process. A field is left out that was not asked for.
#[derive(Serialize)]
pub(in crate::commands::decode_status) struct InspectionObject<'a> {
    /// Null where /proc had told that there is nothing to see, or nothing
    /// could be.
    means: Option<ProvenanceObject>,
    /// Null where they could not be seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    handlers: Option<Option<Vec<HandlerObject>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queued: Option<Option<Vec<QueuedSignalObject<'a>>>>,
    /// limit, changed; null where the queue is whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    queued_cut: Option<Option<&'static str>>,
}

#[derive(Serialize)]
struct ProvenanceObject {
    /// bpf, ptrace.
    backend: &'static str,
    /// How long the target stood still.
    stopped_us: u64,
    /// What could not be seen.
    unseen: Vec<String>,
    /// Why bpf was not used.
    instead: Option<String>,
}

#[derive(Serialize)]
struct HandlerObject {
    number: u8,
    signal: String,
    address: u64,
    symbol: Option<String>,
    symbol_offset: Option<u64>,
    /// file, named, anonymous, unmapped, kernel; null is unknown.
    memory: Option<&'static str>,
    library: Option<String>,
    path: Option<String>,
    deleted: Option<bool>,
    /// The address in the library's own numbers.
    offset: Option<u64>,
    executable: Option<bool>,
    flags: Vec<String>,
    mask: Vec<String>,
    restorer: Option<u64>,
}

/// Everything here is a claim.
#[derive(Serialize)]
struct QueuedSignalObject<'a> {
    number: u8,
    signal: String,
    /// Null for the process.
    tid: Option<u32>,
    /// read; none: nothing was queued with it, or that was lost; unread: it was
    /// not reached in a queue that is cut.
    entry: &'static str,
    /// Null where nothing was queued with it.
    code: Option<i32>,
    code_name: Option<&'static str>,
    meaning: Option<String>,
    errno: Option<i32>,
    verified: bool,
    #[serde(flatten)]
    fields: SiginfoFieldsObject<'a>,
}

/// What was seen, as an object.
pub(in crate::commands::decode_status) fn inspection_object(
    inside: Option<&Inspection>,
    asked: super::InspectOptions,
) -> InspectionObject<'_> {
    let handlers = || inside?.handlers.as_ref().map(|all| all.iter().map(handler_object).collect());
    let queued = || inside?.queue.as_ref().map(|all| all.iter().map(queued_signal_object).collect());
    let cut = || {
        Some(match inside?.incomplete? {
            IncompleteQueue::PerQueueLimit(_) | IncompleteQueue::TotalLimit(_) => "limit",
            IncompleteQueue::ChangedWhileReading => "changed",
        })
    };
    InspectionObject {
        means: inside.and_then(|inside| inside.provenance.as_ref()).map(provenance_object),
        handlers: asked.handlers.then(handlers),
        queued: asked.queue.then(queued),
        queued_cut: asked.queue.then(cut),
    }
}

fn provenance_object(means: &Provenance) -> ProvenanceObject {
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    ProvenanceObject {
        backend: means.backend.as_str(),
        stopped_us: micros(means.stop_duration),
        unseen: means.unavailable.iter().map(unavailable_text).collect(),
        instead: means.fallback_reason.clone(),
    }
}

fn unavailable_text(unseen: &Unavailable) -> String {
    match unseen {
        Unavailable::Description(words) => words.clone(),
        Unavailable::Symbols { file_name: library, reason: why } => {
            format!("the symbols of {} ({why})", lossy_string(library))
        }
    }
}

fn handler_object(handler: &Handler) -> HandlerObject {
    let Handler { signal, action, location: place, restorer_location: restorer } = handler;
    let known = place.region != Region::Unknown;
    let (path, deleted) = match &place.region {
        Region::File { path, is_deleted: deleted } => (Some(lossy_string(path)), Some(*deleted)),
        _ => (None, None),
    };
    HandlerObject {
        number: signal.get(),
        signal: Arch::NATIVE.signal_name(*signal).to_string(),
        address: place.address,
        symbol: place.symbol.as_ref().map(|symbol| lossy_string(&symbol.name)),
        symbol_offset: place.symbol.as_ref().map(|symbol| symbol.offset),
        memory: match &place.region {
            Region::File { .. } => Some("file"),
            Region::KernelNamed(_) => Some("named"),
            Region::Anonymous => Some("anonymous"),
            Region::Unmapped => Some("unmapped"),
            Region::Kernel => Some("kernel"),
            Region::Unknown => None,
        },
        library: place.region_name().map(lossy_string),
        path,
        deleted,
        offset: place.region_offset,
        executable: known.then_some(place.is_executable),
        flags: action.flag_names(),
        mask: action.mask.member_names(Arch::NATIVE),
        restorer: restorer.as_ref().map(|place| place.address),
    }
}

fn queued_signal_object(entry: &PendingEntry) -> QueuedSignalObject<'_> {
    let PendingEntry {
        signal,
        tid: thread,
        siginfo: info,
        is_unread: unread,
        claimed_sender: claimed,
        timer,
    } = entry;
    let fields = info.as_ref().map(SiginfoFields::from_siginfo).unwrap_or_default();
    let code = info.and_then(|info| info.known_code());
    let sender = claimed.as_ref().filter(|claimed| !claimed.is_child).map(|claimed| {
        SenderObject::new(claimed.pid, claimed.uid, claimed.name.as_deref(), false)
            .with_namespace_pid(claimed.inner_pid)
    });
    let child = fields.child.map(|status| {
        let pid = claimed.as_ref().and_then(|claimed| claimed.pid);
        ChildObject::new(pid, &status).with_namespace_pid(status.pid)
    });
    let timer = fields.timer_id_and_overrun.map(|(id, _)| {
        let clock = timer.map(|timer| timer.clock_id);
        TimerObject::new(id, None).with_clock(clock, timer.and_then(|timer| timer.clock_name()))
    });
    QueuedSignalObject {
        number: signal.get(),
        signal: Arch::NATIVE.signal_name(*signal).to_string(),
        tid: *thread,
        entry: match info {
            Some(_) => "read",
            None if *unread => "unread",
            None => "none",
        },
        code: info.map(|info| info.code),
        code_name: code.map(|code| code.name),
        meaning: info.map(|info| info.description()),
        errno: info.map(|info| info.errno),
        verified: false,
        fields: SiginfoFieldsObject::new(&fields, sender, child, timer, AbsentFields::Null),
    }
}

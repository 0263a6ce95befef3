//! JSON objects for handlers and pending signals. The field names are a public
//! interface.

use std::time::Duration;

use serde::Serialize;

use crate::commands::decode_status::cells::lossy_string;
use crate::inspect::{Handler, IncompleteQueue, Inspection, PendingEntry, Provenance, Region, Unavailable};
use crate::json::{AbsentFields, ChildObject, SenderObject, SiginfoFieldsObject, TimerObject};
use crate::signal::Arch;
use crate::signal::siginfo_fields::SiginfoFields;

/// The inspection of a process. A field that was not requested is omitted.
#[derive(Serialize)]
pub(in crate::commands::decode_status) struct InspectionObject<'a> {
    /// Null if /proc showed that there is nothing to inspect, or if the
    /// inspection failed.
    means: Option<ProvenanceObject>,
    /// Null if the handlers could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    handlers: Option<Option<Vec<HandlerObject>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queued: Option<Option<Vec<QueuedSignalObject<'a>>>>,
    /// `limit` or `changed`; null if the queue is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    queued_cut: Option<Option<&'static str>>,
}

#[derive(Serialize)]
struct ProvenanceObject {
    /// `bpf` or `ptrace`.
    backend: &'static str,
    /// The time that the target was stopped.
    stopped_us: u64,
    /// The values that could not be read.
    unseen: Vec<String>,
    /// The reason why BPF was not used.
    instead: Option<String>,
}

#[derive(Serialize)]
struct HandlerObject {
    number: u8,
    signal: String,
    address: u64,
    symbol: Option<String>,
    symbol_offset: Option<u64>,
    /// `file`, `named`, `anonymous`, `unmapped` or `kernel`; null if unknown.
    memory: Option<&'static str>,
    library: Option<String>,
    path: Option<String>,
    deleted: Option<bool>,
    /// The offset in the library.
    offset: Option<u64>,
    executable: Option<bool>,
    flags: Vec<String>,
    mask: Vec<String>,
    restorer: Option<u64>,
}

/// A pending signal. All values are unverified claims.
#[derive(Serialize)]
struct QueuedSignalObject<'a> {
    number: u8,
    signal: String,
    /// Null if it is pending for the process.
    tid: Option<u32>,
    /// `read`; `none` if no siginfo was queued or it was lost; `unread` if the
    /// reader did not reach it in an incomplete queue.
    entry: &'static str,
    /// Null if no siginfo was queued.
    code: Option<i32>,
    code_name: Option<&'static str>,
    meaning: Option<String>,
    errno: Option<i32>,
    verified: bool,
    #[serde(flatten)]
    fields: SiginfoFieldsObject<'a>,
}

/// Converts an inspection to its JSON object.
pub(in crate::commands::decode_status) fn inspection_object(
    inspection: Option<&Inspection>,
    options: super::InspectOptions,
) -> InspectionObject<'_> {
    let handlers = || inspection?.handlers.as_ref().map(|all| all.iter().map(handler_object).collect());
    let queued = || inspection?.queue.as_ref().map(|all| all.iter().map(queued_signal_object).collect());
    let queued_cut = || {
        Some(match inspection?.incomplete? {
            IncompleteQueue::PerQueueLimit(_) | IncompleteQueue::TotalLimit(_) => "limit",
            IncompleteQueue::ChangedWhileReading => "changed",
        })
    };
    InspectionObject {
        means: inspection.and_then(|inspection| inspection.provenance.as_ref()).map(provenance_object),
        handlers: options.handlers.then(handlers),
        queued: options.queue.then(queued),
        queued_cut: options.queue.then(queued_cut),
    }
}

fn provenance_object(provenance: &Provenance) -> ProvenanceObject {
    let to_micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    ProvenanceObject {
        backend: provenance.backend.as_str(),
        stopped_us: to_micros(provenance.stop_duration),
        unseen: provenance.unavailable.iter().map(unavailable_text).collect(),
        instead: provenance.fallback_reason.clone(),
    }
}

fn unavailable_text(unavailable: &Unavailable) -> String {
    match unavailable {
        Unavailable::Description(description) => description.clone(),
        Unavailable::Symbols { file_name, reason } => {
            format!("the symbols of {} ({reason})", lossy_string(file_name))
        }
    }
}

fn handler_object(handler: &Handler) -> HandlerObject {
    let Handler { signal, action, location, restorer_location } = handler;
    let is_known = location.region != Region::Unknown;
    let (path, deleted) = match &location.region {
        Region::File { path, is_deleted: deleted } => (Some(lossy_string(path)), Some(*deleted)),
        _ => (None, None),
    };
    HandlerObject {
        number: signal.get(),
        signal: Arch::NATIVE.signal_name(*signal).to_string(),
        address: location.address,
        symbol: location.symbol.as_ref().map(|symbol| lossy_string(&symbol.name)),
        symbol_offset: location.symbol.as_ref().map(|symbol| symbol.offset),
        memory: match &location.region {
            Region::File { .. } => Some("file"),
            Region::KernelNamed(_) => Some("named"),
            Region::Anonymous => Some("anonymous"),
            Region::Unmapped => Some("unmapped"),
            Region::Kernel => Some("kernel"),
            Region::Unknown => None,
        },
        library: location.region_name().map(lossy_string),
        path,
        deleted,
        offset: location.region_offset,
        executable: is_known.then_some(location.is_executable),
        flags: action.flag_names(),
        mask: action.mask.member_names(Arch::NATIVE),
        restorer: restorer_location.as_ref().map(|location| location.address),
    }
}

fn queued_signal_object(entry: &PendingEntry) -> QueuedSignalObject<'_> {
    let PendingEntry { signal, tid, siginfo, is_unread, claimed_sender, timer } = entry;
    let fields = siginfo.as_ref().map(SiginfoFields::from_siginfo).unwrap_or_default();
    let code = siginfo.and_then(|siginfo| siginfo.known_code());
    let sender = claimed_sender.as_ref().filter(|sender| !sender.is_child).map(|sender| {
        SenderObject::new(sender.pid, sender.uid, sender.name.as_deref(), false)
            .with_namespace_pid(sender.inner_pid)
    });
    let child = fields.child.map(|status| {
        let pid = claimed_sender.as_ref().and_then(|sender| sender.pid);
        ChildObject::new(pid, &status).with_namespace_pid(status.pid)
    });
    let timer = fields.timer_id_and_overrun.map(|(id, _)| {
        let clock = timer.map(|timer| timer.clock_id);
        TimerObject::new(id, None).with_clock(clock, timer.and_then(|timer| timer.clock_name()))
    });
    QueuedSignalObject {
        number: signal.get(),
        signal: Arch::NATIVE.signal_name(*signal).to_string(),
        tid: *tid,
        entry: match siginfo {
            Some(_) => "read",
            None if *is_unread => "unread",
            None => "none",
        },
        code: siginfo.map(|siginfo| siginfo.code),
        code_name: code.map(|code| code.name),
        meaning: siginfo.map(|siginfo| siginfo.description()),
        errno: siginfo.map(|siginfo| siginfo.errno),
        verified: false,
        fields: SiginfoFieldsObject::new(&fields, sender, child, timer, AbsentFields::Null),
    }
}

//! The JSON of handlers and queues: types of its own, whose field names are a
//! contract.

use std::time::Duration;

use serde::Serialize;

use crate::decode_status::wire::text;
use crate::observe::{Area, Cut, Entry, Handler, Inside, Means, Unseen};
use crate::signal::Arch;
use crate::signal::details::{Child, Details};

/// What was seen inside a process. A field is left out that was not asked for.
#[derive(Serialize)]
pub(in crate::decode_status) struct InsideObject {
    /// Null where /proc had told that there is nothing to see, or nothing
    /// could be.
    means: Option<MeansObject>,
    /// Null where they could not be seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    handlers: Option<Option<Vec<HandlerObject>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queued: Option<Option<Vec<QueuedObject>>>,
    /// limit, changed; null where the queue is whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    queued_cut: Option<Option<&'static str>>,
}

#[derive(Serialize)]
struct MeansObject {
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
struct QueuedObject {
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
    sender: Option<SenderObject>,
    value: Option<i32>,
    pointer: Option<u64>,
    child: Option<ChildObject>,
    timer: Option<TimerObject>,
    descriptor: Option<DescriptorObject>,
    address: Option<u64>,
    syscall: Option<i32>,
}

#[derive(Serialize)]
struct SenderObject {
    /// Null where nobody here has the number.
    pid: Option<u32>,
    /// As the target's pid namespace numbers it.
    namespace_pid: u32,
    uid: u32,
    name: Option<String>,
    verified: bool,
}

#[derive(Serialize)]
struct ChildObject {
    pid: Option<u32>,
    namespace_pid: u32,
    uid: u32,
    status: i32,
}

#[derive(Serialize)]
struct TimerObject {
    id: u32,
    /// Always null: the kernel counts it when the signal is taken
    /// (`posixtimer_deliver_signal` in kernel/time/posix-timers.c).
    overrun: Option<u32>,
    /// Null where there is no such timer.
    clock: Option<i32>,
    clock_name: Option<&'static str>,
}

#[derive(Serialize)]
struct DescriptorObject {
    fd: i32,
    band: u32,
}

/// What was seen, as an object.
pub(in crate::decode_status) fn object(inside: Option<&Inside>, asked: super::Asked) -> InsideObject {
    let handlers = || inside?.handlers.as_ref().map(|all| all.iter().map(handler).collect());
    let queued = || inside?.queue.as_ref().map(|all| all.iter().map(queued).collect());
    let cut = || {
        Some(match inside?.cut? {
            Cut::Limit(_) | Cut::LimitOfAll(_) => "limit",
            Cut::Changed => "changed",
        })
    };
    InsideObject {
        means: inside.and_then(|inside| inside.means.as_ref()).map(means),
        handlers: asked.handlers.then(handlers),
        queued: asked.queue.then(queued),
        queued_cut: asked.queue.then(cut),
    }
}

fn means(means: &Means) -> MeansObject {
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    MeansObject {
        backend: means.used.word(),
        stopped_us: micros(means.stopped),
        unseen: means.unseen.iter().map(unseen).collect(),
        instead: means.instead.clone(),
    }
}

fn unseen(unseen: &Unseen) -> String {
    match unseen {
        Unseen::Words(words) => words.clone(),
        Unseen::Symbols { library, why } => format!("the symbols of {} ({why})", text(library)),
    }
}

fn handler(handler: &Handler) -> HandlerObject {
    let Handler { signal, action, place, restorer } = handler;
    let known = place.area != Area::Unknown;
    let (path, deleted) = match &place.area {
        Area::File { path, deleted } => (Some(text(path)), Some(*deleted)),
        _ => (None, None),
    };
    HandlerObject {
        number: signal.get(),
        signal: Arch::NATIVE.name(*signal).to_string(),
        address: place.address,
        symbol: place.symbol.as_ref().map(|symbol| text(&symbol.name)),
        symbol_offset: place.symbol.as_ref().map(|symbol| symbol.offset),
        memory: match &place.area {
            Area::File { .. } => Some("file"),
            Area::Named(_) => Some("named"),
            Area::Anonymous => Some("anonymous"),
            Area::Unmapped => Some("unmapped"),
            Area::Kernel => Some("kernel"),
            Area::Unknown => None,
        },
        library: place.library().map(text),
        path,
        deleted,
        offset: place.offset,
        executable: known.then_some(place.executable),
        flags: action.flag_names(),
        mask: action.mask.names(Arch::NATIVE),
        restorer: restorer.as_ref().map(|place| place.address),
    }
}

fn queued(entry: &Entry) -> QueuedObject {
    let Entry { signal, thread, info, unread, claimed, timer } = entry;
    let details = info.as_ref().map(Details::of).unwrap_or_default();
    let code = info.and_then(|info| info.code());
    let sender = claimed.as_ref().filter(|claimed| !claimed.child).map(|claimed| SenderObject {
        pid: claimed.pid,
        namespace_pid: claimed.number,
        uid: claimed.uid,
        name: claimed.name.as_deref().map(text),
        verified: false,
    });
    QueuedObject {
        number: signal.get(),
        signal: Arch::NATIVE.name(*signal).to_string(),
        tid: *thread,
        entry: match info {
            Some(_) => "read",
            None if *unread => "unread",
            None => "none",
        },
        code: info.map(|info| info.code),
        code_name: code.map(|code| code.name),
        meaning: info.map(|info| info.words()),
        errno: info.map(|info| info.errno),
        verified: false,
        sender,
        value: details.value,
        pointer: details.pointer,
        child: details.child.map(|Child { pid: namespace_pid, uid, status }| {
            let pid = claimed.as_ref().and_then(|claimed| claimed.pid);
            ChildObject { pid, namespace_pid, uid, status }
        }),
        timer: details.timer.map(|(id, _)| TimerObject {
            id,
            overrun: None,
            clock: timer.map(|timer| timer.clock),
            clock_name: timer.and_then(|timer| timer.clock_name()),
        }),
        descriptor: details.descriptor.map(|(fd, band)| DescriptorObject { fd, band }),
        address: details.address,
        syscall: details.syscall,
    }
}

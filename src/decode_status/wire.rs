//! The JSON of `decode-status`: types of its own, whose field names are a
//! contract. Sets are arrays of names; null is unknown, never empty.

use std::io;

use serde::{Serialize, Serializer};

use super::inside::wire::{self as inside, InsideObject};
use super::rows::{Blocked, Disposition};
use super::{Process, Report};
use crate::explain::Finding;
use crate::out::Out;
use crate::proc::Task;
use crate::proc::status::Queue;
use crate::select::Found;
use crate::signal::{SignalSet, mask};

/// Writes a report as one document.
pub(super) fn show(report: &Report, out: &mut Out<'_>) -> io::Result<()> {
    out.json(&Document {
        processes: Processes(report),
        masks: report
            .masks
            .iter()
            .map(|bare| MaskObject {
                arch: bare.arch.to_string(),
                mask: mask::encode(bare.set, bare.arch),
                signals: bare.set.names(bare.arch),
            })
            .collect(),
        errors: report
            .problems
            .iter()
            .map(|problem| ErrorObject { target: &problem.target, error: &problem.reason })
            .collect(),
    })
}

/// Writes only the numbers.
pub(super) fn pids(found: &[Found], out: &mut Out<'_>) -> io::Result<()> {
    out.json(&Numbers { pids: found.iter().map(|found| found.pid).collect() })
}

#[derive(Serialize)]
struct Numbers {
    pids: Vec<u32>,
}

#[derive(Serialize)]
struct Document<'a> {
    processes: Processes<'a>,
    masks: Vec<MaskObject>,
    errors: Vec<ErrorObject<'a>>,
}

/// The processes of a report. Each is put together when it is its turn: those of
/// a whole system, all at once, would take more memory than all else.
struct Processes<'a>(&'a Report);

impl Serialize for Processes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.processes.iter().map(|process| object(process, self.0)))
    }
}

#[derive(Serialize)]
struct ProcessObject {
    pid: Option<u32>,
    /// The thread, where one is looked at by itself.
    tid: Option<u32>,
    name: Option<String>,
    /// The file it was found in; null for a live process.
    file: Option<String>,
    state: Option<char>,
    threads: Option<u32>,
    /// How many threads `pending` and `blocked` rest on: those alive, or the
    /// one that a text is of.
    known_threads: usize,
    parent: Option<u32>,
    parent_name: Option<String>,
    tracer: Option<u32>,
    uid: Option<u32>,
    real_uid: Option<u32>,
    user: Option<String>,
    /// Its number in each pid namespace, the reader's first.
    namespace_pids: Option<Vec<u32>>,
    kernel_thread: Option<bool>,
    queue: Option<QueueObject>,
    arch: String,
    /// For the process or any of its threads.
    pending: Option<Vec<String>>,
    /// By every thread that is known.
    blocked: Option<Vec<String>>,
    ignored: Option<Vec<String>>,
    caught: Option<Vec<String>>,
    signals: Vec<SignalObject>,
    /// Only with --signal.
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<EffectObject>,
    /// Null where they were not looked for: in rows, and of a thread.
    findings: Option<Vec<FindingObject>>,
    /// Only with --require and --forbid: what is not met.
    #[serde(skip_serializing_if = "Option::is_none")]
    unmet: Option<Vec<String>>,
    /// Only with --handlers and --queue: means, handlers, queued.
    #[serde(flatten)]
    inside: Option<InsideObject>,
    /// Only with --threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    tasks: Option<Vec<TaskObject>>,
}

#[derive(Serialize)]
struct FindingObject {
    id: &'static str,
    severity: &'static str,
    what: String,
    why: String,
    todo: Option<String>,
}

#[derive(Serialize)]
struct EffectObject {
    signal: String,
    id: &'static str,
    /// What it is if nothing speaks against it, where `id` is unknown.
    likely: Option<&'static str>,
    text: String,
}

#[derive(Serialize)]
struct QueueObject {
    used: u64,
    limit: u64,
}

#[derive(Serialize)]
struct SignalObject {
    number: u8,
    signal: String,
    /// default, ignored, caught; null is unknown.
    disposition: Option<&'static str>,
    /// The default action, whatever the disposition.
    action: String,
    /// By every thread; null is unknown.
    blocked: Option<bool>,
    /// How many threads block it; null where not known for all.
    blocked_threads: Option<usize>,
    /// For the process.
    pending_process: Option<bool>,
    /// For these threads alone.
    pending_threads: Vec<u32>,
}

#[derive(Serialize)]
struct TaskObject {
    tid: u32,
    name: Option<String>,
    state: Option<char>,
    pending: Vec<String>,
    blocked: Vec<String>,
    /// Of an uninterruptible sleep: whether KILL ends it; null is unknown.
    killable: Option<bool>,
}

#[derive(Serialize)]
struct MaskObject {
    arch: String,
    mask: String,
    signals: Vec<String>,
}

#[derive(Serialize)]
struct ErrorObject<'a> {
    target: &'a str,
    error: &'a str,
}

fn object(process: &Process, report: &Report) -> ProcessObject {
    let status = &process.status;
    let arch = status.arch;
    let set = |set: Option<SignalSet>| set.map(|set| set.names(arch));
    ProcessObject {
        pid: status.tgid.or(status.pid),
        tid: process.thread,
        name: status.name.as_ref().map(|name| text(name.as_bytes())),
        file: process.file.as_deref().map(text),
        state: status.state.map(|state| state.letter()),
        threads: status.threads,
        known_threads: process.known_threads(),
        parent: status.parent,
        parent_name: process.parent_name.as_deref().map(text),
        tracer: status.tracer,
        uid: status.uids.map(|(_, effective)| effective),
        real_uid: status.uids.map(|(real, _)| real),
        user: process.user.clone(),
        namespace_pids: Some(status.namespace_pids.clone()).filter(|pids| !pids.is_empty()),
        kernel_thread: status.kernel_thread,
        queue: status.queue.map(|Queue { used, limit }| QueueObject { used, limit }),
        arch: arch.to_string(),
        pending: set(process.pending()),
        blocked: set(process.blocked().filter(|set| set.is_empty() || !process.is_partial())),
        ignored: set(status.ignored),
        caught: set(status.caught),
        signals: signals(process, report.full),
        effect: report.signal.zip(process.effect.as_ref()).map(|(signal, effect)| EffectObject {
            signal: arch.name(signal).to_string(),
            id: effect.id(),
            likely: Some(effect.likely().id()).filter(|id| *id != effect.id()),
            text: effect.to_string(),
        }),
        findings: process.was_explained(report).then(|| {
            let object = |finding: &Finding| FindingObject {
                id: finding.id.word(),
                severity: finding.severity.word(),
                what: finding.what.clone(),
                why: finding.why.clone(),
                todo: finding.todo.clone(),
            };
            process.findings.iter().map(object).collect()
        }),
        inside: report.inside.map(|asked| inside::object(process.inside.as_ref(), asked)),
        unmet: (report.requirements > 0).then(|| process.unmet.clone()),
        tasks: report.threads.then(|| tasks(process)),
    }
}

fn signals(process: &Process, full: bool) -> Vec<SignalObject> {
    let arch = process.status.arch;
    let rows = process.rows(full).into_iter();
    rows.map(|row| SignalObject {
        number: row.signal.get(),
        signal: arch.name(row.signal).to_string(),
        disposition: match row.disposition {
            Disposition::Default(_) => Some("default"),
            Disposition::Ignored => Some("ignored"),
            Disposition::Caught => Some("caught"),
            Disposition::Unknown => None,
        },
        action: super::rows::action(row.signal, arch).to_string(),
        blocked: match row.blocked {
            Blocked::Yes => Some(true),
            Blocked::No | Blocked::NotAll | Blocked::Some { .. } => Some(false),
            Blocked::Main | Blocked::Unknown => None,
        },
        blocked_threads: process.threads.as_ref().map(|threads| threads.blocking(row.signal)),
        pending_process: process.status.shared_pending.map(|set| set.contains(row.signal)),
        pending_threads: row.pending.threads,
    })
    .collect()
}

fn tasks(process: &Process) -> Vec<TaskObject> {
    let arch = process.status.arch;
    let object = |task: &Task| TaskObject {
        tid: task.tid,
        name: task.name.as_ref().map(|name| text(name.as_bytes())),
        state: task.state.map(|state| state.letter()),
        pending: task.pending.names(arch),
        blocked: task.blocked.names(arch),
        killable: task.killable,
    };
    match &process.threads {
        Some(threads) => threads.iter().map(object).collect(),
        None => Task::of(&process.status).iter().map(object).collect(),
    }
}

/// A name as a JSON string: what is no UTF-8 becomes U+FFFD.
pub(super) fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

//! JSON document of `decode-status`. The field names are a public interface. Sets
//! are arrays of names. Null means unknown, never empty.

use std::io;

use serde::{Serialize, Serializer};

use super::cells::lossy_string;
use super::inspect::wire::{InspectionObject, inspection_object};
use super::signal_rows::{BlockedStatus, RowDisposition};
use super::{DecodeReport, DecodedProcess};
use crate::explain::Finding;
use crate::out::ReportWriter;
use crate::procfs::Thread;
use crate::procfs::status::QueueUsage;
use crate::select::SelectedProcess;
use crate::signal::{SignalSet, hex_mask};

/// Writes a report as one document.
pub(super) fn write_json(report: &DecodeReport, out: &mut ReportWriter<'_>) -> io::Result<()> {
    out.write_json(&DecodeDocument {
        processes: ProcessSeq(report),
        masks: report
            .masks
            .iter()
            .map(|bare| MaskObject {
                arch: bare.arch.to_string(),
                mask: hex_mask::format_hex(bare.set, bare.arch),
                signals: bare.set.member_names(bare.arch),
            })
            .collect(),
        errors: report
            .errors
            .iter()
            .map(|error| DecodeErrorObject { target: &error.target, error: &error.reason })
            .collect(),
    })
}

/// Writes only the PIDs.
pub(super) fn write_pids_json(found: &[SelectedProcess], out: &mut ReportWriter<'_>) -> io::Result<()> {
    out.write_json(&PidsDocument { pids: found.iter().map(|found| found.pid).collect() })
}

#[derive(Serialize)]
struct PidsDocument {
    pids: Vec<u32>,
}

#[derive(Serialize)]
struct DecodeDocument<'a> {
    processes: ProcessSeq<'a>,
    masks: Vec<MaskObject>,
    errors: Vec<DecodeErrorObject<'a>>,
}

/// The processes of a report. Each is converted when it is written, because the
/// objects of all processes together would use more memory than everything else.
struct ProcessSeq<'a>(&'a DecodeReport);

impl Serialize for ProcessSeq<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.processes.iter().map(|process| process_object(process, self.0)))
    }
}

#[derive(Serialize)]
struct ProcessObject<'a> {
    pid: Option<u32>,
    /// The TID, if a single thread is shown.
    tid: Option<u32>,
    name: Option<String>,
    /// The file that contained its status; null for a live process.
    file: Option<String>,
    state: Option<char>,
    threads: Option<u32>,
    /// The number of threads that `pending` and `blocked` are based on: all live
    /// threads, or 1 for a status text.
    known_threads: usize,
    parent: Option<u32>,
    parent_name: Option<String>,
    tracer: Option<u32>,
    uid: Option<u32>,
    real_uid: Option<u32>,
    user: Option<String>,
    /// Its PID in each PID namespace, starting with that of the reader.
    namespace_pids: Option<Vec<u32>>,
    kernel_thread: Option<bool>,
    queue: Option<QueueUsageObject>,
    arch: String,
    /// Pending for the process or any of its threads.
    pending: Option<Vec<String>>,
    /// Blocked by every thread that is known.
    blocked: Option<Vec<String>>,
    ignored: Option<Vec<String>>,
    caught: Option<Vec<String>>,
    signals: Vec<SignalStateObject>,
    /// Present only with --signal.
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<SignalEffectObject>,
    /// Null if not collected: in rows, and for a thread.
    findings: Option<Vec<FindingObject>>,
    /// The unmet requirements. Present only with --require or --forbid.
    #[serde(skip_serializing_if = "Option::is_none")]
    unmet: Option<Vec<String>>,
    /// Present only with --handlers or --queue: means, handlers, queued.
    #[serde(flatten)]
    inspection: Option<InspectionObject<'a>>,
    /// Present only with --threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    tasks: Option<Vec<ThreadObject>>,
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
struct SignalEffectObject {
    signal: String,
    id: &'static str,
    /// The effect if no further condition changes it. Present if `id` is unknown.
    likely: Option<&'static str>,
    text: String,
}

#[derive(Serialize)]
struct QueueUsageObject {
    used: u64,
    limit: u64,
}

#[derive(Serialize)]
struct SignalStateObject {
    number: u8,
    signal: String,
    /// `default`, `ignored` or `caught`; null if unknown.
    disposition: Option<&'static str>,
    /// The default action, regardless of the disposition.
    action: String,
    /// True if every thread blocks it; null if unknown.
    blocked: Option<bool>,
    /// The number of threads that block it; null if not known for all threads.
    blocked_threads: Option<usize>,
    /// True if it is pending for the process; null if unknown.
    pending_process: Option<bool>,
    /// The TIDs of the threads for which it is pending.
    pending_threads: Vec<u32>,
}

#[derive(Serialize)]
struct ThreadObject {
    tid: u32,
    name: Option<String>,
    state: Option<char>,
    pending: Vec<String>,
    blocked: Vec<String>,
    /// True if KILL ends its uninterruptible sleep; null if unknown.
    killable: Option<bool>,
}

#[derive(Serialize)]
struct MaskObject {
    arch: String,
    mask: String,
    signals: Vec<String>,
}

#[derive(Serialize)]
struct DecodeErrorObject<'a> {
    target: &'a str,
    error: &'a str,
}

fn process_object<'a>(process: &'a DecodedProcess, report: &DecodeReport) -> ProcessObject<'a> {
    let status = &process.status;
    let arch = status.arch;
    let names = |set: Option<SignalSet>| set.map(|set| set.member_names(arch));
    ProcessObject {
        pid: status.tgid.or(status.pid),
        tid: process.tid,
        name: status.name.as_ref().map(|name| lossy_string(name.as_bytes())),
        file: process.source_file.as_deref().map(lossy_string),
        state: status.state.map(|state| state.letter()),
        threads: status.thread_count,
        known_threads: process.known_thread_count(),
        parent: status.parent_pid,
        parent_name: process.parent_name.as_deref().map(lossy_string),
        tracer: status.tracer_pid,
        uid: status.uids.map(|(_, effective)| effective),
        real_uid: status.uids.map(|(real, _)| real),
        user: process.user.clone(),
        namespace_pids: Some(status.namespace_pids.clone()).filter(|pids| !pids.is_empty()),
        kernel_thread: status.is_kernel_thread,
        queue: status.queue_usage.map(|QueueUsage { used, limit }| QueueUsageObject { used, limit }),
        arch: arch.to_string(),
        pending: names(process.pending()),
        blocked: names(process.blocked().filter(|set| set.is_empty() || !process.is_partial())),
        ignored: names(status.ignored),
        caught: names(status.caught),
        signals: signal_objects(process, report.full),
        effect: report.effect_signal.zip(process.effect.as_ref()).map(|(signal, effect)| {
            SignalEffectObject {
                signal: arch.signal_name(signal).to_string(),
                id: effect.id(),
                likely: Some(effect.most_likely().id()).filter(|id| *id != effect.id()),
                text: effect.to_string(),
            }
        }),
        findings: process.has_findings_checked(report).then(|| {
            let object = |finding: &Finding| FindingObject {
                id: finding.id.as_str(),
                severity: finding.severity.as_str(),
                what: finding.summary.clone(),
                why: finding.explanation.clone(),
                todo: finding.advice.clone(),
            };
            process.findings.iter().map(object).collect()
        }),
        inspection: report.inspect.map(|options| inspection_object(process.inspection.as_ref(), options)),
        unmet: (report.requirement_count > 0).then(|| process.unmet_requirements.clone()),
        tasks: report.threads.then(|| thread_objects(process)),
    }
}

fn signal_objects(process: &DecodedProcess, full: bool) -> Vec<SignalStateObject> {
    let arch = process.status.arch;
    let rows = process.rows(full).into_iter();
    rows.map(|row| SignalStateObject {
        number: row.signal.get(),
        signal: arch.signal_name(row.signal).to_string(),
        disposition: match row.disposition {
            RowDisposition::Default(_) => Some("default"),
            RowDisposition::Ignored => Some("ignored"),
            RowDisposition::Caught => Some("caught"),
            RowDisposition::Unknown => None,
        },
        action: super::signal_rows::default_action(row.signal, arch).to_string(),
        blocked: match row.blocked {
            BlockedStatus::ByAll => Some(true),
            BlockedStatus::ByNone | BlockedStatus::NotByMainThread | BlockedStatus::BySome { .. } => {
                Some(false)
            }
            BlockedStatus::ByMainThread | BlockedStatus::Unknown => None,
        },
        blocked_threads: process.threads.as_ref().map(|threads| threads.count_blocking(row.signal)),
        pending_process: process.status.shared_pending.map(|set| set.contains(row.signal)),
        pending_threads: row.pending.for_threads,
    })
    .collect()
}

fn thread_objects(process: &DecodedProcess) -> Vec<ThreadObject> {
    let arch = process.status.arch;
    let object = |thread: &Thread| ThreadObject {
        tid: thread.tid,
        name: thread.name.as_ref().map(|name| lossy_string(name.as_bytes())),
        state: thread.state.map(|state| state.letter()),
        pending: thread.pending.member_names(arch),
        blocked: thread.blocked.member_names(arch),
        killable: thread.killable,
    };
    match &process.threads {
        Some(threads) => threads.iter().map(object).collect(),
        None => Thread::from_status(&process.status).iter().map(object).collect(),
    }
}

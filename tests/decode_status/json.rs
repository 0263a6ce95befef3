//! The JSON output of `sigtool decode-status`, deserialized as a program would do
//! it.

use serde::Deserialize;

use super::texts::data;
use super::{NO_PROCESS, fixture};
use crate::support::run;

/// The fields of `decode-status --json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    processes: Vec<Process>,
    masks: Vec<Mask>,
    errors: Vec<Error>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Process {
    pid: Option<u32>,
    tid: Option<u32>,
    name: Option<String>,
    file: Option<String>,
    state: Option<String>,
    threads: Option<u32>,
    known_threads: u32,
    parent: Option<u32>,
    parent_name: Option<String>,
    tracer: Option<u32>,
    uid: Option<u32>,
    real_uid: Option<u32>,
    user: Option<String>,
    namespace_pids: Option<Vec<u32>>,
    kernel_thread: Option<bool>,
    queue: Option<Queue>,
    arch: String,
    pending: Option<Vec<String>>,
    blocked: Option<Vec<String>>,
    ignored: Option<Vec<String>>,
    caught: Option<Vec<String>>,
    signals: Vec<Signal>,
    findings: Option<Vec<Finding>>,
    tasks: Option<Vec<Task>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Finding {
    id: String,
    severity: String,
    what: String,
    why: String,
    todo: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Queue {
    used: u64,
    limit: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signal {
    number: u8,
    signal: String,
    disposition: Option<String>,
    action: String,
    blocked: Option<bool>,
    blocked_threads: Option<u32>,
    pending_process: Option<bool>,
    pending_threads: Vec<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Task {
    tid: u32,
    name: Option<String>,
    state: Option<String>,
    pending: Vec<String>,
    blocked: Vec<String>,
    killable: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mask {
    arch: String,
    mask: String,
    signals: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Error {
    target: String,
    error: String,
}

fn json(arguments: &[&str]) -> Document {
    let result = run(["decode-status", "--json"].iter().chain(arguments));
    serde_json::from_str(&result.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", result.stdout, result.stderr))
}

#[test]
fn json_contains_every_field() {
    let fixture = fixture(&[
        "--name",
        "json",
        "--block",
        "USR2",
        "--queue",
        "USR2",
        "--ignore",
        "HUP",
        "--catch",
        "INT",
        "--thread",
        "block=TERM;own=TERM",
    ]);
    let document = json(&["--threads", &fixture.pid.to_string(), NO_PROCESS]);
    assert_eq!(document.masks.len(), 0);
    let error = &document.errors[0];
    assert_eq!((error.target.as_str(), error.error.as_str()), (NO_PROCESS, "no such process"));
    let process = &document.processes[0];
    assert_eq!((process.pid, process.tid, process.file.as_ref()), (Some(fixture.pid), None, None));
    assert_eq!((process.name.as_deref(), process.state.as_deref()), (Some("json"), Some("S")));
    assert_eq!((process.threads, process.known_threads), (Some(2), 2));
    assert_eq!((process.parent, process.tracer), (Some(std::process::id()), None));
    assert!(process.parent_name.is_some() && process.uid == process.real_uid && process.uid.is_some());
    assert_eq!(process.user.as_deref() == Some("root"), process.uid == Some(0));
    assert_eq!(process.namespace_pids.as_ref().and_then(|pids| pids.last()), Some(&fixture.pid));
    assert_ne!(process.kernel_thread, Some(true));
    assert!(process.queue.as_ref().is_some_and(|queue| queue.used >= 1 && queue.limit > 0));
    assert_eq!(process.arch, "x86/arm");
    let set = |set: &Option<Vec<String>>| set.as_ref().map(|names| names.join(" "));
    assert_eq!(set(&process.pending).as_deref(), Some("USR2 TERM"));
    assert_eq!(set(&process.blocked).as_deref(), Some("USR2"));
    assert_eq!(set(&process.ignored).as_deref(), Some("HUP"));
    let findings = process.findings.as_deref().expect("findings");
    let is_complete = findings.iter().all(|found| {
        !found.id.is_empty() && !found.what.is_empty() && !found.why.is_empty() && found.todo.is_none()
    });
    assert!(is_complete, "{findings:?}");
    // Other tests fill the queue of the same user.
    let first = findings
        .iter()
        .find(|found| found.id != "queue-nearly-full")
        .map(|found| (found.id.as_str(), found.severity.as_str()));
    assert_eq!(first, Some(("pending-blocked", "warning")));
    assert!(set(&process.caught).is_some_and(|names| names.starts_with("INT")));
    let term = process.signals.iter().find(|signal| signal.signal == "TERM").expect("a row");
    assert_eq!(
        (term.number, term.disposition.as_deref(), term.action.as_str()),
        (15, Some("default"), "Term")
    );
    assert_eq!((term.blocked, term.blocked_threads), (Some(false), Some(1)));
    assert_eq!((term.pending_process, term.pending_threads.as_slice()), (Some(false), &fixture.ids[..]));
    let task = &process.tasks.as_ref().expect("asked for")[1];
    assert_eq!((task.tid, task.state.as_deref(), task.name.is_some()), (fixture.ids[0], Some("S"), true));
    assert_eq!((task.pending.join(" "), task.blocked.join(" ")), ("TERM".to_owned(), "USR2 TERM".to_owned()));
    assert_eq!(task.killable, None, "it is in no such sleep");
}

#[test]
fn json_of_text_marks_unknown_values() {
    let document = json(&["--file", &data("grep-sig")]);
    let first = &document.processes[0];
    assert_eq!((first.pid, first.file.as_deref()), (Some(1), Some("/proc/1/status")));
    assert_eq!(first.pending, None, "grep Sig leaves ShdPnd out");
    assert_eq!(first.blocked.as_deref(), Some(&[][..]));
    assert!(first.tasks.is_none());
    let document = json(&["--mask", "4002"]);
    let mask = &document.masks[0];
    assert_eq!((mask.arch.as_str(), mask.mask.as_str()), ("x86/arm", "0000000000004002"));
    assert_eq!(mask.signals, ["INT", "TERM"]);
}

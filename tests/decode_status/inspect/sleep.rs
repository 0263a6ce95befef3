//! The kind of an uninterruptible sleep, which BPF reports.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::decode_status::{CLEAN, decode, fixture};
use crate::support::{fixture_path, run, skipped};

const KILLABLE: &str = "kills it immediately. Other signals stay pending until the sleep ends";
const NOT_KILLABLE: &str = "All signals, including KILL, stay pending until the sleep ends";
const UNKNOWN: &str = "KILL may kill it immediately (/proc does not show the kind of sleep)";

/// Returns the "why" of the finding about the sleep, the killability of the main
/// thread, and the process's document.
fn sleep_report(pid: u32, options: &[&str]) -> (String, Value, Value) {
    let pid = pid.to_string();
    let result = run(["decode-status", "--json", "--threads"].iter().chain(options).copied().chain([&*pid]));
    assert_eq!((result.code, result.stderr.as_str()), (Some(0), ""), "{options:?}");
    let document: Value = serde_json::from_str(&result.stdout).expect("JSON");
    let process = &document["processes"][0];
    let mut findings = process["findings"].as_array().expect("findings").iter();
    let found = findings.find(|finding| finding["id"] == "uninterruptible").expect("it sleeps");
    let tasks = process["tasks"].as_array().expect("asked for");
    let main = tasks
        .iter()
        .find(|task| task["tid"].as_u64().is_some_and(|tid| tid.to_string() == pid))
        .expect("its main thread");
    (found["why"].as_str().expect("a sentence").to_owned(), main["killable"].clone(), process.clone())
}

/// Returns true if BPF may inspect an awake process.
fn is_bpf_available() -> bool {
    let result = decode(&fixture(&["--catch", "USR1"]), &["--handlers", "--backend", "bpf"]);
    if result.code != Some(0) {
        skipped(result.stderr.trim());
    }
    result.code == Some(0)
}

#[test]
fn vfork_parent_is_killable() {
    let mut parent = fixture(&["--vfork"]);
    // Without an inspection the kind is unknown. ptrace does not inspect the
    // sleep, because it would have to stop the process.
    for options in [&[][..], &["--queue", "--backend", "ptrace"]] {
        let (why, killable, process) = sleep_report(parent.pid, options);
        assert!(why.ends_with(UNKNOWN), "{options:?}: {why}");
        assert_eq!((killable, &process["means"]), (Value::Null, &Value::Null));
    }
    let is_bpf_available = is_bpf_available();
    // No signal is caught or pending, so only the sleep is inspected.
    for option in ["--queue", "--handlers"] {
        let (why, killable, process) = sleep_report(parent.pid, &[option, "--signal", "TERM"]);
        if !is_bpf_available {
            assert!(why.ends_with(UNKNOWN) && process["means"].is_null(), "{why}");
            return;
        }
        assert!(why.ends_with(KILLABLE) && process["means"]["backend"] == "bpf", "{why}");
        assert_eq!((killable, &process["effect"]["id"]), (true.into(), &"terminates".into()));
    }
    assert_eq!(run(["send", "-TERM", &parent.pid.to_string()]).code, Some(0));
    assert_eq!(parent.terminating_signal(), Some(libc::SIGTERM), "as was said");
}

#[test]
fn killability_is_shown_with_handlers() {
    if !is_bpf_available() {
        return;
    }
    let parent = fixture(&["--catch", "USR1", "--vfork"]);
    let result = decode(&parent, &["--handlers", "--backend", "bpf"]);
    assert!(
        result.stdout.contains(KILLABLE) && result.stdout.contains("state::handler"),
        "{}",
        result.stdout
    );
}

#[test]
fn sleep_on_kernel_lock_is_not_killable() {
    let started = Command::new(fixture_path())
        .args(CLEAN)
        .arg("--wait-for-page")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = started.expect("the fixture runs");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a text");
    let sleep_report =
        line.starts_with("ready ").then(|| sleep_report(child.id(), &["--queue", "--signal", "KILL"]));
    child.kill().expect("our own child");
    child.wait().expect("it ends");
    let Some((why, killable, process)) = sleep_report else { return skipped(line.trim()) };
    if !is_bpf_available() {
        return;
    }
    assert!(why.ends_with(NOT_KILLABLE), "{why}");
    assert_eq!((killable, &process["effect"]["id"]), (false.into(), &"pending".into()));
}

//! Which kind an uninterruptible sleep is: told by BPF, where that looks.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::decode_status::{CLEAN, decode, fixture};
use crate::support::{fixture_path, run, skipped};

const KILLABLE: &str = "kills it immediately. Other signals stay pending until the sleep ends";
const DEEP: &str = "All signals, including KILL, stay pending until the sleep ends";
const UNKNOWN: &str = "KILL may kill it immediately (/proc does not show the kind of sleep)";

/// What is said of a process: why its sleep matters, and whether its main thread
/// is killable; with what else the document holds.
fn told(pid: u32, options: &[&str]) -> (String, Value, Value) {
    let pid = pid.to_string();
    let ran = run(["decode-status", "--json", "--threads"].iter().chain(options).copied().chain([&*pid]));
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{options:?}");
    let document: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let process = &document["processes"][0];
    let mut findings = process["findings"].as_array().expect("they were looked for").iter();
    let found = findings.find(|finding| finding["id"] == "uninterruptible").expect("it sleeps");
    let tasks = process["tasks"].as_array().expect("asked for");
    let main = tasks
        .iter()
        .find(|task| task["tid"].as_u64().is_some_and(|tid| tid.to_string() == pid))
        .expect("its main thread");
    (found["why"].as_str().expect("a sentence").to_owned(), main["killable"].clone(), process.clone())
}

/// Whether BPF may look here: at one who is awake.
fn may_look() -> bool {
    let ran = decode(&fixture(&["--catch", "USR1"]), &["--handlers", "--backend", "bpf"]);
    if ran.code != Some(0) {
        skipped(ran.stderr.trim());
    }
    ran.code == Some(0)
}

#[test]
fn a_parent_in_vfork_may_be_killed() {
    let mut parent = fixture(&["--vfork"]);
    // Nobody has looked inside; ptrace, which would have to stop it, does not.
    for options in [&[][..], &["--queue", "--backend", "ptrace"]] {
        let (why, killable, process) = told(parent.pid, options);
        assert!(why.ends_with(UNKNOWN), "{options:?}: {why}");
        assert_eq!((killable, &process["means"]), (Value::Null, &Value::Null));
    }
    let may_look = may_look();
    // Nothing is caught, nothing pending: there is the sleep to be seen.
    for option in ["--queue", "--handlers"] {
        let (why, killable, process) = told(parent.pid, &[option, "--signal", "TERM"]);
        if !may_look {
            assert!(why.ends_with(UNKNOWN) && process["means"].is_null(), "{why}");
            return;
        }
        assert!(why.ends_with(KILLABLE) && process["means"]["backend"] == "bpf", "{why}");
        assert_eq!((killable, &process["effect"]["id"]), (true.into(), &"terminates".into()));
    }
    assert_eq!(run(["send", "-TERM", &parent.pid.to_string()]).code, Some(0));
    assert_eq!(parent.ended_by(), Some(libc::SIGTERM), "as was said");
}

#[test]
fn it_is_told_beside_handlers() {
    if !may_look() {
        return;
    }
    let parent = fixture(&["--catch", "USR1", "--vfork"]);
    let ran = decode(&parent, &["--handlers", "--backend", "bpf"]);
    assert!(ran.stdout.contains(KILLABLE) && ran.stdout.contains("state::handler"), "{}", ran.stdout);
}

#[test]
fn what_waits_for_a_lock_of_the_kernel_may_not() {
    let started = Command::new(fixture_path())
        .args(CLEAN)
        .arg("--wait-for-page")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = started.expect("the fixture runs");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a text");
    let told = line.starts_with("ready ").then(|| told(child.id(), &["--queue", "--signal", "KILL"]));
    child.kill().expect("our own child");
    child.wait().expect("it ends");
    let Some((why, killable, process)) = told else { return skipped(line.trim()) };
    if !may_look() {
        return;
    }
    assert!(why.ends_with(DEEP), "{why}");
    assert_eq!((killable, &process["effect"]["id"]), (false.into(), &"pending".into()));
}

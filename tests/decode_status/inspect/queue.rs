//! `decode-status --queue` with every available backend.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use sigtool::sys::signal::send;

use super::handlers::inspect_with_each_backend;
use crate::decode_status::{decode, fixture, rows};
use crate::support::{fixture_path, run, skipped};

fn queued(process: &Value) -> &Vec<Value> {
    process["queued"].as_array().expect("a queue")
}

/// There are three senders: the process itself, a live process and an exited one.
#[test]
fn queue_entries_name_their_senders() {
    let target = fixture(&["--block", "TERM,USR1,RTMIN", "--queue", "RTMIN=7", "--own", "USR1"]);
    let pid = target.pid.to_string();
    let live_sender = fixture(&["--flood", &pid, "RTMIN", "2"]);
    let exited_sender = run(["send", "-TERM", &pid]);
    assert_eq!((exited_sender.code, exited_sender.stderr.as_str()), (Some(0), ""));
    let uid = send::effective_uid();
    let seen = inspect_with_each_backend(&target, &["--queue"]);
    for process in &seen {
        let sender = |pid: u32| json!({ "pid": pid, "namespace_pid": pid, "uid": process["real_uid"], "name": "fixture", "verified": false });
        let entry_of = |index: usize| &queued(process)[index];
        let known: Vec<_> = queued(process)
            .iter()
            .map(|entry| {
                (entry["signal"].as_str().unwrap_or(""), entry["value"].as_i64(), entry["tid"].as_u64())
            })
            .collect();
        let own = Some(u64::from(target.pid));
        assert_eq!(
            known,
            [
                ("RTMIN", Some(7), None),
                ("RTMIN", Some(0), None),
                ("RTMIN", Some(1), None),
                ("TERM", None, None),
                ("USR1", None, own)
            ]
        );
        assert_eq!(
            (&entry_of(0)["sender"], &entry_of(1)["sender"]),
            (&sender(target.pid), &sender(live_sender.pid))
        );
        assert_eq!(
            (&entry_of(3)["sender"]["name"], &entry_of(3)["code_name"]),
            (&Value::Null, &"SI_USER".into())
        );
        assert_eq!(entry_of(4)["code_name"], "SI_TKILL");
        assert_eq!(process["queued_cut"], Value::Null);
        assert_eq!(process["findings"][0]["what"], "TERM is pending but blocked");
        let why = process["findings"][0]["why"].as_str().expect("a sentence");
        let end = format!("(exited, uid {uid})");
        assert!(why.contains("unverified siginfo, it was sent by PID ") && why.ends_with(&end), "{why}");
    }
    let result = decode(&target, &["--queue"]);
    if seen.is_empty() {
        return skipped(result.stderr.trim());
    }
    let found = rows(&result.stdout, "NUM  SIGNAL  FOR");
    assert_eq!(
        found[1][2..5],
        ["process".to_owned(), format!("claims {} (fixture) uid {uid}", live_sender.pid), "0".to_owned()]
    );
    assert_eq!(found[4][2], format!("thread {pid}"));
    let thread = run(["decode-status", "--queue", &format!("{pid}/{pid}")]);
    assert_eq!(rows(&thread.stdout, "NUM  SIGNAL  FOR"), found, "the thread's own, and the process's");
}

/// The queue of one thread contains its own signals and those of the process.
#[test]
fn queue_of_thread_excludes_other_threads() {
    let threads = ["--thread", "block=USR1,USR2;own=USR1", "--thread", "block=USR1,USR2;own=USR2"];
    let target = fixture(&[&["--block", "USR1,USR2,TERM", "--queue", "TERM=7"][..], &threads].concat());
    for backend in ["bpf", "ptrace"] {
        let entries_of = |id: &str| {
            let result = run(["decode-status", "--json", "--queue", "--backend", backend, id]);
            let document: Value = serde_json::from_str(&result.stdout).unwrap_or_default();
            let entries = document["processes"][0]["queued"].as_array()?;
            let known = |entry: &Value| {
                (
                    entry["signal"].as_str().unwrap_or("").to_owned(),
                    entry["tid"].as_u64().map(|tid| tid as u32),
                )
            };
            Some(entries.iter().map(known).collect::<Vec<_>>())
        };
        let pid = target.pid;
        let Some(all) = entries_of(&pid.to_string()) else {
            skipped(&format!("no {backend} here"));
            continue;
        };
        let own = |signal: &str, index: usize| (signal.to_owned(), Some(target.ids[index]));
        let (shared, one, two) = (("TERM".to_owned(), None), own("USR1", 0), own("USR2", 1));
        assert_eq!(all, [shared.clone(), one.clone(), two.clone()], "{backend}");
        for (index, of_it) in [one, two].into_iter().enumerate() {
            let thread = entries_of(&format!("{pid}/{}", target.ids[index])).expect("as the process");
            assert_eq!(thread, [shared.clone(), of_it], "{backend}");
        }
        assert_eq!(entries_of(&format!("{pid}/{pid}")), Some(vec![shared]), "{backend}");
    }
}

#[test]
fn timer_entry_names_its_clock() {
    let target = fixture(&["--block", "RTMIN+1", "--timer", "RTMIN+1=77"]);
    let why = "It will not be handled until a thread unblocks it. According to its unverified siginfo, it was sent by \
               its POSIX timer 0";
    for process in inspect_with_each_backend(&target, &["--queue"]) {
        let entry = &queued(&process)[0];
        assert_eq!((&entry["value"], &entry["code_name"]), (&77.into(), &"SI_TIMER".into()));
        assert_eq!(
            entry["timer"],
            json!({ "id": 0, "overrun": null, "clock": 1, "clock_name": "MONOTONIC" })
        );
        assert_eq!(entry["sender"], Value::Null);
        assert_eq!(process["findings"][0]["why"], why);
    }
}

#[test]
fn signal_with_lost_siginfo_is_listed_as_pending() {
    let target = fixture(&["--block", "RTMIN,TERM", "--queue-limit", "0"]);
    let result = run(["send", "-RTMIN", &target.pid.to_string()]);
    assert_eq!((result.code, result.stderr.as_str()), (Some(0), ""));
    for process in inspect_with_each_backend(&target, &["--queue"]) {
        let entry = &queued(&process)[0];
        assert_eq!(
            (&entry["signal"], &entry["code"], &entry["sender"]),
            (&"RTMIN".into(), &Value::Null, &Value::Null)
        );
        assert_eq!(queued(&process).len(), 1);
    }
    let result = decode(&target, &["--queue"]);
    if result.code == Some(0) {
        assert_eq!(
            rows(&result.stdout, "NUM  SIGNAL  FOR")[0][3..],
            ["lost", "-", "no siginfo was queued with it"]
        );
    }
}

/// Signals queued behind a flood are still listed.
#[test]
fn long_queue_is_truncated_with_count() {
    let target = fixture(&["--block", "RTMIN,TERM,USR1", "--own", "USR1"]);
    let pid = target.pid.to_string();
    let _flood = fixture(&["--flood", &pid, "RTMIN", "1200"]);
    assert_eq!(run(["send", "-TERM", &pid]).code, Some(0));
    for process in inspect_with_each_backend(&target, &["--queue"]) {
        let (count, inspection) = (queued(&process).len(), &process["means"]);
        assert_eq!(process["queued_cut"], "limit", "{count} by {inspection}");
        assert!((200..1200).contains(&count), "{count} by {inspection}");
        let limit = match inspection["backend"] == "bpf" {
            true => format!("signals of {pid} after the first 240 of a queue"),
            false => format!("signals of {pid} after the first 1000 in all its queues"),
        };
        assert_eq!(inspection["unseen"][0], limit);
        let entry_of = |name: &str| {
            let mut entries = queued(&process).iter().filter(|entry| entry["signal"] == name);
            let first = entries.next().unwrap_or_else(|| panic!("{name} is pending: {process}"));
            assert!(name == "RTMIN" || entries.next().is_none(), "{name} is pending once");
            (first["entry"].as_str().expect("a word"), first["sender"].is_null(), first["tid"].is_null())
        };
        assert_eq!(entry_of("RTMIN"), ("read", false, true), "{inspection}");
        // BPF finds each signal once, even behind a flood.
        let term = entry_of("TERM");
        let is_found = term == ("read", false, true) && inspection["backend"] == "bpf";
        assert!(is_found || term == ("unread", true, true), "{term:?} by {inspection}");
        assert!(!entry_of("USR1").2, "{inspection}");
    }
    let result = decode(&target, &["--queue", "--backend", "ptrace"]);
    if result.code == Some(0) {
        let row = rows(&result.stdout, "NUM  SIGNAL  FOR").into_iter().find(|row| row[1] == "TERM");
        let why = row.expect("it is pending").pop().expect("a reason");
        assert_eq!(
            why,
            "pending, but its entry was not read (its queues have more than 1000 entries together)"
        );
        assert!(result.stdout.contains(
            "\nMore signals are queued (only the first 1000 entries of all queues together were read).\n"
        ));
    }
}

/// The sender's PID in siginfo belongs to the target's PID namespace: 1 there,
/// another PID here. A sender outside that namespace has no PID there.
#[test]
fn sender_pid_of_other_namespace_is_translated() {
    let unshared = Command::new("unshare")
        .args(["--pid", "--fork", "--kill-child"])
        .arg(fixture_path())
        .args(["--unwatched", "--block", "USR1,HUP", "--queue", "USR1=5"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut unshared) = unshared else { return skipped("unshare is missing") };
    let mut line = String::new();
    let stdout = unshared.stdout.take().expect("a pipe");
    BufReader::new(stdout).read_line(&mut line).expect("a text");
    let parent = unshared.id().to_string();
    let found = run(["decode-status", "--pids", "--parent", &parent]);
    let (inside, text) = (found.stdout.trim().to_owned(), ["decode-status", "--json", "--queue"]);
    run(["send", "-HUP", &inside]);
    let result = run(text.iter().copied().chain([inside.as_str()]));
    unshared.kill().expect("our own child");
    unshared.wait().expect("it ends");
    if !line.starts_with("made 1") {
        return skipped("no pid namespace here");
    }
    if result.code != Some(0) {
        return skipped(result.stderr.trim());
    }
    let document: Value = serde_json::from_str(&result.stdout).expect("JSON");
    let sender = &queued(&document["processes"][0])[0]["sender"];
    assert_eq!((&sender["namespace_pid"], sender["pid"].to_string()), (&1.into(), inside));
    assert_eq!(sender["name"], "fixture");
    let sender = "it was sent by the kernel or from outside its PID namespace";
    let found = document["processes"][0]["findings"].as_array().expect("findings");
    let names_sender = |finding: &Value| finding["why"].as_str().is_some_and(|text| text.ends_with(sender));
    assert!(found.iter().any(names_sender), "{found:?}");
}

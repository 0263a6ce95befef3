//! `decode-status --queue`, by each means that there is here.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use sigtool::sys::signal::send;

use super::handlers::by_each_means;
use crate::decode_status::{decode, fixture, rows};
use crate::support::{fixture_path, run, skipped};

fn queued(process: &Value) -> &Vec<Value> {
    process["queued"].as_array().expect("a queue")
}

/// Three senders: itself, one that lives, one that has exited.
#[test]
fn each_entry_says_from_whom_it_is() {
    let target = fixture(&["--block", "TERM,USR1,RTMIN", "--queue", "RTMIN=7", "--own", "USR1"]);
    let pid = target.pid.to_string();
    let living = fixture(&["--flood", &pid, "RTMIN", "2"]);
    let gone = run(["send", "-TERM", &pid]);
    assert_eq!((gone.code, gone.stderr.as_str()), (Some(0), ""));
    let uid = send::effective_uid();
    let seen = by_each_means(&target, &["--queue"]);
    for process in &seen {
        let sender = |pid: u32| json!({ "pid": pid, "namespace_pid": pid, "uid": process["real_uid"], "name": "fixture", "verified": false });
        let of = |index: usize| &queued(process)[index];
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
        assert_eq!((&of(0)["sender"], &of(1)["sender"]), (&sender(target.pid), &sender(living.pid)));
        assert_eq!((&of(3)["sender"]["name"], &of(3)["code_name"]), (&Value::Null, &"SI_USER".into()));
        assert_eq!(of(4)["code_name"], "SI_TKILL");
        assert_eq!(process["queued_cut"], Value::Null);
        assert_eq!(process["findings"][0]["what"], "TERM is pending but blocked");
        let why = process["findings"][0]["why"].as_str().expect("a sentence");
        let end = format!("(exited, uid {uid})");
        assert!(why.contains("unverified siginfo, it was sent by PID ") && why.ends_with(&end), "{why}");
    }
    let ran = decode(&target, &["--queue"]);
    if seen.is_empty() {
        return skipped(ran.stderr.trim());
    }
    let found = rows(&ran.stdout, "NUM  SIGNAL  FOR");
    assert_eq!(
        found[1][2..5],
        ["process".to_owned(), format!("claims {} (fixture) uid {uid}", living.pid), "0".to_owned()]
    );
    assert_eq!(found[4][2], format!("thread {pid}"));
    let thread = run(["decode-status", "--queue", &format!("{pid}/{pid}")]);
    assert_eq!(rows(&thread.stdout, "NUM  SIGNAL  FOR"), found, "the thread's own, and the process's");
}

/// Of several threads the one that is asked for, with what waits for all.
#[test]
fn of_one_thread_what_waits_for_others_is_left_out() {
    let threads = ["--thread", "block=USR1,USR2;own=USR1", "--thread", "block=USR1,USR2;own=USR2"];
    let target = fixture(&[&["--block", "USR1,USR2,TERM", "--queue", "TERM=7"][..], &threads].concat());
    for means in ["bpf", "ptrace"] {
        let of = |id: &str| {
            let ran = run(["decode-status", "--json", "--queue", "--backend", means, id]);
            let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
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
        let Some(all) = of(&pid.to_string()) else {
            skipped(&format!("no {means} here"));
            continue;
        };
        let own = |signal: &str, index: usize| (signal.to_owned(), Some(target.ids[index]));
        let (shared, one, two) = (("TERM".to_owned(), None), own("USR1", 0), own("USR2", 1));
        assert_eq!(all, [shared.clone(), one.clone(), two.clone()], "{means}");
        for (index, of_it) in [one, two].into_iter().enumerate() {
            let thread = of(&format!("{pid}/{}", target.ids[index])).expect("as the process");
            assert_eq!(thread, [shared.clone(), of_it], "{means}");
        }
        assert_eq!(of(&format!("{pid}/{pid}")), Some(vec![shared]), "{means}");
    }
}

#[test]
fn a_timer_is_told_by_its_clock() {
    let target = fixture(&["--block", "RTMIN+1", "--timer", "RTMIN+1=77"]);
    let why = "It will not be handled until a thread unblocks it. According to its unverified siginfo, it was sent by \
               its POSIX timer 0";
    for process in by_each_means(&target, &["--queue"]) {
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
fn what_lost_its_siginfo_is_pending_all_the_same() {
    let target = fixture(&["--block", "RTMIN,TERM", "--queue-limit", "0"]);
    let ran = run(["send", "-RTMIN", &target.pid.to_string()]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    for process in by_each_means(&target, &["--queue"]) {
        let entry = &queued(&process)[0];
        assert_eq!(
            (&entry["signal"], &entry["code"], &entry["sender"]),
            (&"RTMIN".into(), &Value::Null, &Value::Null)
        );
        assert_eq!(queued(&process).len(), 1);
    }
    let ran = decode(&target, &["--queue"]);
    if ran.code == Some(0) {
        assert_eq!(
            rows(&ran.stdout, "NUM  SIGNAL  FOR")[0][3..],
            ["lost", "-", "no siginfo was queued with it"]
        );
    }
}

/// What waits behind a flood is there all the same.
#[test]
fn a_long_queue_is_cut_and_hides_nothing() {
    let target = fixture(&["--block", "RTMIN,TERM,USR1", "--own", "USR1"]);
    let pid = target.pid.to_string();
    let _flood = fixture(&["--flood", &pid, "RTMIN", "1200"]);
    assert_eq!(run(["send", "-TERM", &pid]).code, Some(0));
    for process in by_each_means(&target, &["--queue"]) {
        let (count, means) = (queued(&process).len(), &process["means"]);
        assert_eq!(process["queued_cut"], "limit", "{count} by {means}");
        assert!((200..1200).contains(&count), "{count} by {means}");
        let limit = match means["backend"] == "bpf" {
            true => format!("of {pid}, what waits behind the first 240 of a queue"),
            false => format!("of {pid}, what waits behind the first 1000 entries of its queues in all"),
        };
        assert_eq!(means["unseen"][0], limit);
        let of = |name: &str| {
            let mut of = queued(&process).iter().filter(|entry| entry["signal"] == name);
            let first = of.next().unwrap_or_else(|| panic!("{name} is pending: {process}"));
            assert!(name == "RTMIN" || of.next().is_none(), "{name} is pending once");
            (first["entry"].as_str().expect("a word"), first["sender"].is_null(), first["tid"].is_null())
        };
        assert_eq!(of("RTMIN"), ("read", false, true), "{means}");
        // BPF finds what is there once, behind all that repeats.
        let term = of("TERM");
        let is_found = term == ("read", false, true) && means["backend"] == "bpf";
        assert!(is_found || term == ("unread", true, true), "{term:?} by {means}");
        assert!(!of("USR1").2, "{means}");
    }
    let ran = decode(&target, &["--queue", "--backend", "ptrace"]);
    if ran.code == Some(0) {
        let row = rows(&ran.stdout, "NUM  SIGNAL  FOR").into_iter().find(|row| row[1] == "TERM");
        let why = row.expect("it is pending").pop().expect("a reason");
        assert_eq!(
            why,
            "pending, but its entry was not read (its queues have more than 1000 entries together)"
        );
        assert!(ran.stdout.contains(
            "\nMore signals are queued (only the first 1000 entries of all queues together were read).\n"
        ));
    }
}

/// The sender's number is one of the target's pid namespace: 1 there, another
/// here. Who is outside of it has none there.
#[test]
fn a_number_of_another_namespace_is_translated() {
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
    let ran = run(text.iter().copied().chain([inside.as_str()]));
    unshared.kill().expect("our own child");
    unshared.wait().expect("it ends");
    if !line.starts_with("made 1") {
        return skipped("no pid namespace here");
    }
    if ran.code != Some(0) {
        return skipped(ran.stderr.trim());
    }
    let document: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let sender = &queued(&document["processes"][0])[0]["sender"];
    assert_eq!((&sender["namespace_pid"], sender["pid"].to_string()), (&1.into(), inside));
    assert_eq!(sender["name"], "fixture");
    let sender = "it was sent by the kernel or from outside its PID namespace";
    let found = document["processes"][0]["findings"].as_array().expect("findings");
    let said = |finding: &Value| finding["why"].as_str().is_some_and(|text| text.ends_with(sender));
    assert!(found.iter().any(said), "{found:?}");
}

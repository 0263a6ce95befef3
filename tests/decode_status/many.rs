//! Many processes at once: who is shown, in which order.

use super::{NO_PROCESS, fixture};
use crate::support::{in_namespace, run};

/// The process ids of the rows, in their order.
fn pids(text: &str) -> Vec<u32> {
    text.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect()
}

#[test]
fn rows_are_in_the_order_asked_for() {
    let one = fixture(&["--name", "b", "--catch", "INT,TERM", "--thread", ""]);
    let two = fixture(&["--name", "a", "--block", "USR1", "--queue", "USR1", "--ignore", "INT,TERM,HUP"]);
    let (first, second) = (one.pid, two.pid);
    let rows = |sort: &str| {
        // One that is not there does not disturb the order.
        let ran = run(["decode-status", "--sort", sort, &second.to_string(), &first.to_string(), NO_PROCESS]);
        assert_eq!(ran.code, Some(3), "{}", ran.stderr);
        pids(&ran.stdout)
    };
    for key in ["name", "threads", "-pending", "-blocked", "-ignored", "caught"] {
        assert_eq!(rows(key), [second, first], "{key}");
    }
    for key in ["-name", "-threads", "pending", "blocked", "ignored", "-caught"] {
        assert_eq!(rows(key), [first, second], "{key}");
    }
    let by_number = [first.min(second), first.max(second)];
    for key in ["pid", "state", "uid", "-user", "-state"] {
        assert_eq!(rows(key), by_number, "{key}");
    }
    assert_eq!(rows("-pid"), [by_number[1], by_number[0]]);
    let refused = run(["decode-status", "--all", "--sort", "cpu"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""));
    assert!(
        refused.stderr.starts_with("sigtool: --sort cpu: unknown key (expected one of pid, name, "),
        "{}",
        refused.stderr
    );
}

/// More than one thread of sigtool reads, and nobody is lost or shown twice.
#[test]
fn everybody_is_shown_once_by_number() {
    let script = "for number in $(seq 400); do sleep 1000 & done; \
                  $SIGTOOL decode-status --all; echo; $SIGTOOL decode-status --all --blocks none; echo; \
                  $SIGTOOL decode-status --json --all --sort -pid; kill $(jobs -p)";
    let Some(ran) = in_namespace(script) else { return };
    let mut parts = ran.stdout.split("\n\n");
    let whole = pids(parts.next().expect("rows"));
    assert_eq!(whole.len(), 400, "{}", ran.stderr);
    assert!(whole.is_sorted_by(|one, next| one < next));
    assert_eq!(pids(parts.next().expect("rows")), whole);
    let document: serde_json::Value = serde_json::from_str(parts.next().expect("JSON")).expect("JSON");
    let processes = document["processes"].as_array().expect("processes");
    let down: Vec<_> = processes.iter().rev().filter_map(|process| process["pid"].as_u64()).collect();
    assert_eq!(down, whole.iter().copied().map(u64::from).collect::<Vec<_>>());
    assert!(processes.iter().all(|process| process["parent_name"] == "bash"), "{}", processes[0]);
}

/// With a selection, too; and one that is not there is told of once.
#[test]
fn who_is_named_twice_is_shown_once() {
    let one = fixture(&["--catch", "USR1", "--block", "USR2", "--queue", "USR2"]);
    let pid = one.pid.to_string();
    // The queue is its user's, whose other processes fill and empty it.
    let lasting = |line: &&str| !line.contains("ueue") && !line.contains("stopped");
    for options in
        [&[][..], &["--handlers"], &["--queue"], &["--name", "fixture"], &["--format", "prometheus"]]
    {
        let shown = |pids: &[&str]| {
            let ran = run(["decode-status"].iter().chain(options).chain(pids));
            (ran.code, ran.stdout.lines().filter(lasting).collect::<String>(), ran.stderr)
        };
        assert_eq!(shown(&[&pid, &format!("0{pid}")]), shown(&[&pid]), "{options:?}");
    }
    let thread = format!("{pid}/{pid}");
    let both = run(["decode-status", &pid, &thread, &thread, &pid]);
    assert_eq!(both.stdout.lines().count(), 3, "a process and its thread are two: {}", both.stdout);
    let gone = run(["decode-status", NO_PROCESS, NO_PROCESS]);
    assert_eq!(gone.stderr, format!("sigtool: {NO_PROCESS}: no such process\n"));
}

/// setpriv(1) with the new UID is still hidden: it is not dumpable before execve(2).
#[test]
fn who_is_hidden_is_not_there() {
    let script = "setpriv --reuid 65534 --regid 65534 --clear-groups sleep 1000 & \
                  mount -t proc -o hidepid=2 proc /proc || exit 7; \
                  until grep -qsx sleep /proc/$!/comm; do :; done; \
                  setpriv --reuid 65534 --regid 65534 --clear-groups $SIGTOOL decode-status --all --signal TERM \
                  --sort name; echo $! >&2";
    let Some(ran) = in_namespace(script).filter(|ran| ran.code == Some(0)) else { return };
    assert_eq!(pids(&ran.stdout), pids(&ran.stderr), "{}{}", ran.stdout, ran.stderr);
}

/// As many threads as are read by more than one thread of sigtool.
#[test]
fn a_process_may_have_many_threads() {
    let threads = ["--thread", "block=TERM,USR1"].repeat(350);
    let fixture = fixture(&[&["--block", "TERM"], &threads[..]].concat());
    let pid = fixture.pid.to_string();
    let ran = run(["decode-status", "--threads", "--sort", "pid", &pid]);
    let tids: Vec<u32> = ran
        .stdout
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            words.next().filter(|word| *word == pid).and(words.next())?.parse().ok()
        })
        .collect();
    assert_eq!(tids.len(), 351, "{}", ran.stdout);
    assert!(tids.is_sorted_by(|one, next| one < next));
    assert!(ran.stdout.contains("350 of 351 threads"), "{}", ran.stdout);
    let ran = run(["decode-status", "--signal", "TERM", &pid]);
    assert!(ran.stdout.contains("Effect   TERM: "), "{}", ran.stdout);
    assert!(ran.stdout.contains("all 351 threads block it"), "{}", ran.stdout);
}

//! Many processes at once: selection and order of the rows.

use super::{NO_PROCESS, fixture};
use crate::support::{in_namespace, run};

/// Returns the PIDs of the rows, in order.
fn pids(text: &str) -> Vec<u32> {
    text.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect()
}

#[test]
fn rows_follow_requested_order() {
    let one = fixture(&["--name", "b", "--catch", "INT,TERM", "--thread", ""]);
    let two = fixture(&["--name", "a", "--block", "USR1", "--queue", "USR1", "--ignore", "INT,TERM,HUP"]);
    let (first, second) = (one.pid, two.pid);
    let rows = |sort: &str| {
        // A missing process does not change the order.
        let result =
            run(["decode-status", "--sort", sort, &second.to_string(), &first.to_string(), NO_PROCESS]);
        assert_eq!(result.code, Some(3), "{}", result.stderr);
        pids(&result.stdout)
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

/// Several threads of sigtool read /proc. No process is missing or listed twice.
#[test]
fn all_lists_every_process_once_by_pid() {
    let script = "for number in $(seq 400); do sleep 1000 & done; \
                  $SIGTOOL decode-status --all; echo; $SIGTOOL decode-status --all --blocks none; echo; \
                  $SIGTOOL decode-status --json --all --sort -pid; kill $(jobs -p)";
    let Some(result) = in_namespace(script) else { return };
    let mut parts = result.stdout.split("\n\n");
    let all_pids = pids(parts.next().expect("rows"));
    assert_eq!(all_pids.len(), 400, "{}", result.stderr);
    assert!(all_pids.is_sorted_by(|one, next| one < next));
    assert_eq!(pids(parts.next().expect("rows")), all_pids);
    let document: serde_json::Value = serde_json::from_str(parts.next().expect("JSON")).expect("JSON");
    let processes = document["processes"].as_array().expect("processes");
    let descending: Vec<_> = processes.iter().rev().filter_map(|process| process["pid"].as_u64()).collect();
    assert_eq!(descending, all_pids.iter().copied().map(u64::from).collect::<Vec<_>>());
    assert!(processes.iter().all(|process| process["parent_name"] == "bash"), "{}", processes[0]);
}

/// This also holds with a selection. A missing process is reported once.
#[test]
fn process_named_twice_is_shown_once() {
    let one = fixture(&["--catch", "USR1", "--block", "USR2", "--queue", "USR2"]);
    let pid = one.pid.to_string();
    // The queue and its length belong to the user, whose other processes change
    // it.
    let is_stable = |line: &&str| !line.contains("ueue") && !line.contains("stopped");
    for options in
        [&[][..], &["--handlers"], &["--queue"], &["--name", "fixture"], &["--format", "prometheus"]]
    {
        let shown = |pids: &[&str]| {
            let result = run(["decode-status"].iter().chain(options).chain(pids));
            (result.code, result.stdout.lines().filter(is_stable).collect::<String>(), result.stderr)
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
fn hidden_process_is_not_listed() {
    let script = "setpriv --reuid 65534 --regid 65534 --clear-groups sleep 1000 & \
                  mount -t proc -o hidepid=2 proc /proc || exit 7; \
                  until grep -qsx sleep /proc/$!/comm; do :; done; \
                  setpriv --reuid 65534 --regid 65534 --clear-groups $SIGTOOL decode-status --all --signal TERM \
                  --sort name; echo $! >&2";
    let Some(result) = in_namespace(script).filter(|result| result.code == Some(0)) else { return };
    assert_eq!(pids(&result.stdout), pids(&result.stderr), "{}{}", result.stdout, result.stderr);
}

/// So many threads that several threads of sigtool read them.
#[test]
fn process_with_many_threads_is_decoded() {
    let threads = ["--thread", "block=TERM,USR1"].repeat(350);
    let fixture = fixture(&[&["--block", "TERM"], &threads[..]].concat());
    let pid = fixture.pid.to_string();
    let result = run(["decode-status", "--threads", "--sort", "pid", &pid]);
    let tids: Vec<u32> = result
        .stdout
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            words.next().filter(|word| *word == pid).and(words.next())?.parse().ok()
        })
        .collect();
    assert_eq!(tids.len(), 351, "{}", result.stdout);
    assert!(tids.is_sorted_by(|one, next| one < next));
    assert!(result.stdout.contains("350 of 351 threads"), "{}", result.stdout);
    let result = run(["decode-status", "--signal", "TERM", &pid]);
    assert!(result.stdout.contains("Effect   TERM: "), "{}", result.stdout);
    assert!(result.stdout.contains("all 351 threads block it"), "{}", result.stdout);
}

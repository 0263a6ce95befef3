//! What is told in the end of what was not told before.

use std::io::Read;

use sigtool::signal::{Arch, name};
use sigtool::sys::signal::send;

use super::events::is_seen_by;
use super::output::{end, full_pipe, watch};
use super::{Observer, send};
use crate::support::Fixture;

fn to(pid: u32, name: &str) {
    let signal = name::parse(name, Arch::NATIVE).expect("a signal");
    send::to_pid(pid, Some(signal), None).expect("ours");
}

fn stop(pid: u32) {
    to(pid, "STOP");
    let state = || std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
    while !state().contains(") T ") {
        std::thread::yield_now();
    }
}

/// The buffer holds some 58,000, and nobody reads what is told.
#[test]
fn what_was_lost_and_who_was_killed_is_said_in_the_end() {
    if !is_seen_by("bpf") {
        return;
    }
    let mut fixture = Fixture::start(["--ignore", "RTMIN+1", "--name", "victim"]);
    let pid = fixture.pid.to_string();
    let (_reader, writer) = full_pipe();
    let (mut child, mut stderr) = watch(&["--all", "--target", &pid, "--json"], writer);
    stop(child.id());
    for _ in 0..70_000 {
        to(fixture.pid, "RTMIN+1");
    }
    to(fixture.pid, "KILL");
    assert_eq!(fixture.ended_by(), Some(9));
    to(child.id(), "TERM");
    to(child.id(), "CONT");
    assert_eq!(end(&mut child), Some(0));
    let mut said = String::new();
    stderr.read_to_string(&mut said).expect("UTF-8");
    let count = |verb: &str, rest: &str| -> u64 {
        let number = |line: &'_ str| {
            line.strip_prefix("watch: ")?.strip_prefix(verb)?.strip_suffix(rest)?.parse().ok()
        };
        said.lines().find_map(number).unwrap_or_else(|| panic!("{verb}{rest}: {said}"))
    };
    let left = count("dropped ", " events (reader too slow)");
    let lost = count("lost ", " events (buffer full)");
    // What fits into sigtool's own buffer is counted as written, or not.
    assert!(left > 1000 && lost > 1000 && left + lost <= 70_001, "{said}");
    let kill =
        format!("watch: the dropped events include KILL to {pid} (victim) from {} (", std::process::id());
    assert!(said.contains(&kill), "{said}");
}

/// It is there when the end is asked for, though nobody has taken it yet.
#[test]
fn what_came_just_before_is_told() {
    for means in ["bpf", "ptrace"] {
        assert!(!is_seen_by(means) || is_told_before_the_end(means), "{means}");
    }
}

fn is_told_before_the_end(means: &str) -> bool {
    let fixture = Fixture::start(["--default", "~[KILL STOP]", "--ignore", "HUP"]);
    let pid = fixture.pid.to_string();
    let mut watch = Observer::by(means, &["--json", "--pid", &pid]);
    watch.change();
    stop(watch.child.id());
    send("-HUP", &pid);
    let status = format!("/proc/{pid}/status");
    let is_taken =
        || std::fs::read_to_string(&status).expect("it lives").contains("ShdPnd:\t0000000000000000");
    while !is_taken() {
        std::thread::yield_now();
    }
    let own = watch.child.id().to_string();
    send("-TERM", &own);
    send("-CONT", &own);
    let (code, rest, notes) = watch.end();
    assert_eq!(code, Some(0), "{notes}");
    rest.contains("\"signal\":\"HUP\"")
}

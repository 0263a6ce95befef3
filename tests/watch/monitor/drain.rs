//! Signals that are reported only when `watch` exits.

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

/// The buffer has room for about 58,000 signals, and the output is not read.
#[test]
fn lost_signals_and_killer_are_reported_at_end() {
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
    let count = |what: &str| -> u64 {
        let line = said.lines().find_map(|line| line.strip_prefix("watch: ")?.strip_suffix(what));
        line.unwrap_or_else(|| panic!("{what}: {said}")).parse().expect("a number")
    };
    let left = count(" signals were seen, and are not told any more");
    let lost = count(" signals were lost: there was no room for them");
    // Lines in sigtool's own buffer may or may not count as written.
    assert!(left > 1000 && lost > 1000 && left + lost <= 70_001, "{said}");
    let kill = format!("watch: among them, for {pid} (victim): KILL from {} (", std::process::id());
    assert!(said.contains(&kill), "{said}");
}

/// A signal in the kernel's buffer is reported although TERM arrives before
/// sigtool reads it.
#[test]
fn signals_before_end_are_reported() {
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

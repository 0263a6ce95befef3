//! Signals that are reported only when `watch` exits.

use std::io::Read;

use sigtool::signal::{Arch, name};
use sigtool::sys::signal::send;

use super::events::is_backend_available;
use super::output::{end, full_pipe, watch};
use super::{Observer, send};
use crate::support::Fixture;

fn send_signal(pid: u32, name: &str) {
    let signal = name::parse(name, Arch::NATIVE).expect("a signal");
    send::to_pid(pid, Some(signal), None).expect("it is a child of this process");
}

fn stop(pid: u32) {
    send_signal(pid, "STOP");
    let state = || std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
    while !state().contains(") T ") {
        std::thread::yield_now();
    }
}

/// The buffer has room for about 58,000 signals, and the output is not read.
#[test]
fn lost_signals_and_killer_are_reported_at_end() {
    if !is_backend_available("bpf") {
        return;
    }
    let mut fixture = Fixture::start(["--ignore", "RTMIN+1", "--name", "victim"]);
    let pid = fixture.pid.to_string();
    let (_reader, writer) = full_pipe();
    let (mut child, mut stderr) = watch(&["--all", "--target", &pid, "--json"], writer);
    stop(child.id());
    for _ in 0..70_000 {
        send_signal(fixture.pid, "RTMIN+1");
    }
    send_signal(fixture.pid, "KILL");
    assert_eq!(fixture.terminating_signal(), Some(9));
    send_signal(child.id(), "TERM");
    send_signal(child.id(), "CONT");
    assert_eq!(end(&mut child), Some(0));
    let mut message = String::new();
    stderr.read_to_string(&mut message).expect("UTF-8");
    let count = |suffix: &str| -> u64 {
        let line = message.lines().find_map(|line| line.strip_prefix("watch: ")?.strip_suffix(suffix));
        line.unwrap_or_else(|| panic!("{suffix}: {message}")).parse().expect("a number")
    };
    let unreported = count(" signals were seen, and are not told any more");
    let lost = count(" signals were lost: there was no room for them");
    // Lines in sigtool's own buffer may or may not count as written.
    assert!(unreported > 1000 && lost > 1000 && unreported + lost <= 70_001, "{message}");
    let kill = format!("watch: among them, for {pid} (victim): KILL from {} (", std::process::id());
    assert!(message.contains(&kill), "{message}");
}

/// A signal in the kernel's buffer is reported although TERM arrives before
/// sigtool reads it.
#[test]
fn signals_before_end_are_reported() {
    for backend_name in ["bpf", "ptrace"] {
        assert!(
            !is_backend_available(backend_name) || reports_signal_before_exit(backend_name),
            "{backend_name}"
        );
    }
}

fn reports_signal_before_exit(backend_name: &str) -> bool {
    let fixture = Fixture::start(["--default", "~[KILL STOP]", "--ignore", "HUP"]);
    let pid = fixture.pid.to_string();
    let mut watch = Observer::with_backend(backend_name, &["--json", "--pid", &pid]);
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

//! Inspects every kind of blocking call, and compares the result with that of
//! a process that was not inspected.

use std::process::Command;

use super::{Target, handlers, is_ptrace_available, queue, state_of, wait_until};

/// The duration of calls that end by time, in microseconds.
const TIMEOUT_US: u64 = 400_000;

/// Starts a process and waits until it is blocked in its call.
pub fn start_blocked(name: &str) -> Target {
    let target = Target::start(&["call", name]);
    let call = format!("{} ", target.ready_text);
    let path = format!("/proc/{}/syscall", target.pid);
    wait_until(|| {
        let is_in = std::fs::read_to_string(&path).is_ok_and(|text| text.starts_with(&call));
        // The timeout may have ended the call already.
        state_of(target.pid) == Some('Z') || is_in && state_of(target.pid) == Some('S')
    });
    target
}

/// Returns true if the call ends by time.
fn is_timed(name: &str) -> bool {
    ["timeout", "sleep", "absolute", "timer"].iter().any(|word| name.contains(word))
}

/// Inspects handlers and queue. Returns true if both succeed.
fn can_inspect(target: &Target) -> bool {
    handlers(target.pid, "USR1").is_ok() && queue(target.pid).is_ok()
}

/// Returns what the process printed: the result with the errno, and the
/// microseconds that the call took.
fn outcome(target: &mut Target) -> (String, u64) {
    let line = target.line();
    let (result, time) = line.rsplit_once(' ').unwrap_or_else(|| panic!("it printed {line:?}"));
    (result.to_owned(), time.parse().expect("a time"))
}

#[test]
fn inspection_disturbs_no_blocking_call() {
    if !is_ptrace_available() {
        return;
    }
    let path = crate::support::fixture_path().with_file_name("inspect-target");
    let names = Command::new(path).arg("calls").output().expect("the fixture runs").stdout;
    let names = String::from_utf8(names).expect("names");
    let start = |name: &str| {
        // Inspected at least once: a call with a timeout may end before that.
        let mut inspected = start_blocked(name);
        wait_until(|| {
            can_inspect(&inspected) || {
                inspected = start_blocked(name);
                false
            }
        });
        (name.to_owned(), inspected, start_blocked(name))
    };
    let mut targets: Vec<(String, Target, Target)> = names.lines().map(start).collect();
    assert!(targets.len() >= 34, "{names}");
    for _ in 0..5 {
        for (name, inspected, _) in &targets {
            assert!(can_inspect(inspected) || is_timed(name), "{name}");
        }
    }
    for (name, inspected, untouched) in &mut targets {
        inspected.write_input("x");
        untouched.write_input("x");
        let ((inspected_result, time), (untouched_result, _)) = (outcome(inspected), outcome(untouched));
        assert_eq!(inspected_result, untouched_result, "{name}");
        assert!(!is_timed(name) || time >= TIMEOUT_US, "{name}: {time} us");
    }
}

/// A real interruption must still interrupt the call.
#[test]
fn caught_signal_interrupts_call_during_inspection() {
    if !is_ptrace_available() {
        return;
    }
    for name in ["pause", "sigsuspend"] {
        let mut target = start_blocked(name);
        for _ in 0..20 {
            handlers(target.pid, "USR1").expect("inspection succeeds");
        }
        target.write_input("x");
        assert_eq!(outcome(&mut target).0, "-1 4", "{name}");
    }
}

//! Busy targets and targets in unusual states continue undisturbed after an
//! inspection.

use std::io::{BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::Instant;

use sigtool::sys::process::pidfd::PidFd;
use sigtool::sys::ptrace::{PtraceError, Tracer};
use sigtool::sys::signal::send;

use super::{DEADLINE, Target, handlers, is_ptrace_available, queue, signal};
use crate::support::{Fixture, fixture_path, skipped};

#[test]
fn busy_handler_loses_no_signal() {
    if !is_ptrace_available() {
        return;
    }
    let mut target = Target::start(&["ticks", "10000"]);
    let mut inspections = 0;
    while inspections < 2000 {
        match handlers(target.pid, "RTMIN,SEGV") {
            Ok(seen) => assert!(seen.actions.iter().all(|(_, action)| action.is_caught())),
            // Fails only because the target has finished.
            Err(error) => {
                assert!(
                    matches!(error, PtraceError::Gone | PtraceError::Zombie | PtraceError::Unstable),
                    "{error:?}"
                );
                super::wait_for_state(target.pid, 'Z');
                break;
            }
        }
        inspections += 1;
    }
    let line = target.line();
    let (sent, expected) = line.split_once(' ').expect("two numbers");
    let (sent, expected): (i64, i64) = (sent.parse().expect("a number"), expected.parse().expect("a number"));
    // Expirations after the last count are missing.
    assert!(
        sent >= 10_000 && (sent - expected).abs() <= expected / 50 + 20,
        "{line} after {inspections} inspections"
    );
}

#[test]
fn queued_signals_keep_their_order() {
    if !is_ptrace_available() {
        return;
    }
    let mut target = Target::start(&["count", "5000"]);
    for value in 0..5000 {
        target.queue(value);
        if value % 10 == 0 && value < 4990 {
            handlers(target.pid, "RTMIN+1").expect("inspection succeeds");
            queue(target.pid).expect("inspection succeeds");
        }
    }
    assert_eq!(target.in_order(), 5000);
}

#[test]
fn seccomp_filter_is_suspended_or_refused() {
    if !is_ptrace_available() {
        return;
    }
    let mut target = Target::start(&["filtered", "13"]);
    match handlers(target.pid, "SEGV") {
        Ok(seen) => assert!(seen.actions[0].1.is_caught()),
        Err(PtraceError::Seccomp) => skipped("no right to suspend a filter"),
        Err(error) => panic!("{}", error.reason()),
    }
    // Reading the queue needs no system call in the target.
    send::to_pid(target.pid, None, None).expect("it lives");
    queue(target.pid).expect("inspection succeeds");
    assert!(target.is_alive());
}

/// The kernel would resume the sleep by restart_syscall(2), which the
/// target's filter forbids.
#[test]
fn seccomp_filter_is_not_violated_on_resume() {
    if !is_ptrace_available() {
        return;
    }
    let mut target = Target::start(&["filtered", "219"]);
    super::wait_for_state(target.pid, 'S');
    send::to_pid(target.pid, Some(signal("USR1")), None).expect("it lives");
    for _ in 0..3 {
        assert_eq!(queue(target.pid).expect("inspection succeeds").queue.len(), 1);
        super::wait_for_state(target.pid, 'S');
        match handlers(target.pid, "SEGV") {
            Ok(_) | Err(PtraceError::Seccomp) => {}
            Err(error) => panic!("{}", error.reason()),
        }
        super::wait_for_state(target.pid, 'S');
    }
    // A signal that it ignores wakes it only because it is traced.
    let mut tracer = Tracer::attach(target.pid).expect("it can be traced");
    send::to_pid(target.pid, Some(signal("URG")), None).expect("it lives");
    let mut events = Vec::new();
    super::wait_until(|| tracer.read(&mut events).expect("events") && !events.is_empty());
    drop(tracer);
    super::wait_for_state(target.pid, 'S');
    assert!(target.is_alive());
}

#[test]
fn syscall_user_dispatch_is_refused() {
    if !is_ptrace_available() {
        return;
    }
    let mut target = Target::start(&["dispatched"]);
    super::wait_for_state(target.pid, 'S');
    match handlers(target.pid, "SEGV") {
        Err(PtraceError::Dispatched) => {}
        other => panic!("{other:?}"),
    }
    queue(target.pid).expect("inspection succeeds");
    assert!(target.is_alive());
}

#[test]
fn low_stack_pointer_is_handled() {
    if !is_ptrace_available() {
        return;
    }
    // Enough memory above the missing page in two cases, too little in the
    // third.
    for (above, is_seen) in [("192", true), ("96", true), ("16", false)] {
        let mut target = Target::start(&["low", above]);
        super::wait_until(|| {
            let text = std::fs::read_to_string(format!("/proc/{}/syscall", target.pid));
            text.is_ok_and(|text| text.starts_with("34 "))
        });
        for _ in 0..10 {
            match handlers(target.pid, "SEGV") {
                Ok(seen) => assert!(is_seen && seen.actions[0].1.is_caught(), "{above}"),
                Err(PtraceError::NoMemory) => assert!(!is_seen, "{above}"),
                Err(error) => panic!("{above}: {}", error.reason()),
            }
        }
        super::wait_for_state(target.pid, 'S');
        assert!(target.is_alive(), "{above}");
    }
}

#[test]
fn restartable_sequence_is_restarted_after_stop() {
    if !is_ptrace_available() {
        return;
    }
    let mut target = Target::start(&["sequence"]);
    for _ in 0..100 {
        target.write_input("?\n");
        let before: u64 = target.line().parse().expect("a number");
        handlers(target.pid, "SEGV").expect("inspection succeeds");
        // Being scheduled restarts the sequence too, but only while it is
        // still registered.
        super::wait_until(|| {
            target.write_input("?\n");
            target.line().parse::<u64>().expect("a number") > before
        });
    }
}

#[test]
fn short_lived_threads_do_not_disturb_inspection() {
    if !is_ptrace_available() {
        return;
    }
    let mut target = Target::start(&["churn"]);
    for _ in 0..200 {
        let seen = handlers(target.pid, "SEGV").expect("inspection succeeds");
        assert!(seen.actions[0].1.is_caught());
        queue(target.pid).expect("inspection succeeds");
    }
    assert!(target.is_alive());
}

#[test]
fn process_that_executes_itself_is_inspected_or_left_alone() {
    if !is_ptrace_available() {
        return;
    }
    let mut target = Target::start(&["again"]);
    let mut seen = 0;
    for _ in 0..100 {
        match handlers(target.pid, "SEGV") {
            Ok(_) => seen += 1,
            Err(PtraceError::Unstable) => {}
            Err(error) => panic!("{}", error.reason()),
        }
    }
    assert!(seen > 20, "{seen}");
    assert!(target.is_alive());
}

/// The memory helper may be killed at any moment: the inspection fails and
/// the target continues.
#[test]
fn target_is_intact_if_the_memory_helper_is_killed() {
    if !is_ptrace_available() {
        return;
    }
    const KILLS: u32 = 20;
    let mut reference = Target::start(&["busy", "20000"]);
    let expected = reference.line();
    let mut target = Target::start(&["busy", "20000"]);
    for number in 0..KILLS {
        // The inspector exits as soon as an inspection fails.
        let mut inspector = Command::new(fixture_path().with_file_name("inspect-target"))
            .args(["look", &target.pid.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        while inspector.try_wait().expect("it is a child of this process").is_none() {
            // Its helper traces; the child of that helper accesses memory.
            let Some(helper) = child_of(inspector.id()).and_then(open_child_of) else { continue };
            for _ in 0..number * 4000 {
                std::hint::spin_loop();
            }
            // The helper may have exited.
            let _ = helper.send(Some(signal("KILL")), None);
        }
        if super::state_of(target.pid) == Some('Z') {
            assert_eq!(target.line(), expected, "after {number} kills");
            target = Target::start(&["busy", "20000"]);
        }
    }
    assert_eq!(target.line(), expected, "after {KILLS} kills");
}

/// Returns the PID of the first child of a process.
fn child_of(pid: u32) -> Option<u32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    text.split(' ').next()?.parse().ok()
}

/// Opens a pidfd for the first child of a process. Checks afterwards that the
/// PID was not reused.
fn open_child_of(pid: u32) -> Option<PidFd> {
    let child = child_of(pid)?;
    let pidfd = PidFd::open(child).ok()?;
    (child_of(pid) == Some(child)).then_some(pidfd)
}

/// An inspector that waits for the target to stop exits at once by a signal,
/// long before its timeout of 20 seconds. The target is detached.
#[test]
fn inspection_of_uninterruptible_sleep_ends_by_signal() {
    if !is_ptrace_available() {
        return;
    }
    let fixture = Fixture::start(["--catch", "HUP", "--vfork"]);
    let is_traced = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", fixture.pid)).expect("it lives");
        !status.contains("TracerPid:\t0\n")
    };
    for end in ["INT", "TERM", "HUP", "USR1", "RTMIN+1"] {
        let mut inspector = Command::new(fixture_path().with_file_name("inspect-target"))
            .args(["look", &fixture.pid.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("it runs");
        super::wait_until(is_traced);
        let begin = Instant::now();
        send::to_pid(inspector.id(), Some(signal(end)), None).expect("it is a child of this process");
        let status = inspector.wait().expect("it is a child of this process");
        let time = begin.elapsed();
        assert_eq!(status.signal(), Some(signal(end).get().into()), "{end}: {status}");
        assert!(time < DEADLINE / 2, "{end}: {time:?}");
        assert!(!is_traced(), "the helper has ended before");
        super::wait_for_state(fixture.pid, 'D');
    }
    send::to_pid(fixture.ids[0], Some(signal("KILL")), None).expect("sent");
    super::wait_for_state(fixture.pid, 'S');
    assert!(handlers(fixture.pid, "HUP").expect("inspection succeeds").actions[0].1.is_caught());
}

/// Tests that take over 5 s: `--skip slow` leaves them out.
mod slow {
    use super::*;

    #[test]
    fn busy_process_computes_same_result_under_inspection() {
        if !is_ptrace_available() {
            return;
        }
        let mut reference = Target::start(&["busy", "20000"]);
        let expected = reference.line();
        let mut target = Target::start(&["busy", "20000"]);
        let mut inspections = 0;
        while inspections < 1000 {
            match handlers(target.pid, "SEGV,BUS") {
                Ok(seen) => assert!(seen.actions.iter().all(|(_, action)| action.is_caught())),
                // The target has finished; another one serves the rest of the
                // inspections.
                Err(PtraceError::Gone | PtraceError::Zombie | PtraceError::Unstable) => {
                    assert_eq!(target.line(), expected, "after {inspections} inspections");
                    target = Target::start(&["busy", "20000"]);
                }
                Err(error) => panic!("after {inspections} inspections: {}", error.reason()),
            }
            inspections += 1;
        }
        assert_eq!(target.line(), expected);
    }

    /// The target is intact if sigtool is killed during an inspection,
    /// because its helper completes the work.
    #[test]
    fn target_survives_end_of_inspector() {
        if !is_ptrace_available() {
            return;
        }
        let fixture = Fixture::start(["--catch", "HUP,USR1", "--report"]);
        for end in ["KILL", "INT", "TERM"].into_iter().cycle().take(45) {
            let mut inspector = Command::new(fixture_path().with_file_name("inspect-target"))
                .args(["look", &fixture.pid.to_string()])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .spawn()
                .expect("it runs");
            let mut dots = [0; 20];
            let mut stdout = BufReader::new(inspector.stdout.take().expect("a pipe"));
            stdout.read_exact(&mut dots).expect("it inspects");
            send::to_pid(inspector.id(), Some(signal(end)), None).expect("it is a child of this process");
            inspector.wait().expect("it is a child of this process");
            // A helper may need a moment to finish.
            super::super::wait_until(|| {
                let status =
                    std::fs::read_to_string(format!("/proc/{}/status", fixture.pid)).expect("it lives");
                status.contains("TracerPid:\t0\n")
            });
        }
        super::super::wait_for_state(fixture.pid, 'S');
        assert!(handlers(fixture.pid, "HUP").expect("inspection succeeds").actions[0].1.is_caught());
    }
}

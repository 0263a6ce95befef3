//! What a look finds busy, or in a strange state, goes on as it was.

use std::io::{BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::Instant;

use sigtool::sys::process::pidfd::PidFd;
use sigtool::sys::ptrace::{PtraceError, Tracer};
use sigtool::sys::signal::send;

use super::{DEADLINE, Target, handlers, is_possible, queue, signal};
use crate::support::{Fixture, fixture_path, skipped};

#[test]
fn no_signal_is_lost_of_a_handler_that_runs_all_the_time() {
    if !is_possible() {
        return;
    }
    let mut target = Target::start(&["ticks", "10000"]);
    let mut looks = 0;
    while looks < 2000 {
        match handlers(target.pid, "RTMIN,SEGV") {
            Ok(seen) => assert!(seen.actions.iter().all(|(_, action)| action.is_caught())),
            // It has come to its end, or else it should be seen.
            Err(refusal) => {
                assert!(
                    matches!(refusal, PtraceError::Gone | PtraceError::Zombie | PtraceError::Unstable),
                    "{refusal:?}"
                );
                super::settle(target.pid, 'Z');
                break;
            }
        }
        looks += 1;
    }
    let line = target.line();
    let (sent, expected) = line.split_once(' ').expect("two numbers");
    let (sent, expected): (i64, i64) = (sent.parse().expect("a number"), expected.parse().expect("a number"));
    // What expires while the last is counted is not counted any more.
    assert!(sent >= 10_000 && (sent - expected).abs() <= expected / 50 + 20, "{line} after {looks} looks");
}

#[test]
fn queued_signals_come_in_their_order() {
    if !is_possible() {
        return;
    }
    let mut target = Target::start(&["count", "5000"]);
    for value in 0..5000 {
        target.queue(value);
        if value % 10 == 0 && value < 4990 {
            handlers(target.pid, "RTMIN+1").expect("a look");
            queue(target.pid).expect("a look");
        }
    }
    assert_eq!(target.in_order(), 5000);
}

#[test]
fn a_filter_is_suspended_or_refused() {
    if !is_possible() {
        return;
    }
    let mut target = Target::start(&["filtered", "13"]);
    match handlers(target.pid, "SEGV") {
        Ok(seen) => assert!(seen.actions[0].1.is_caught()),
        Err(PtraceError::Seccomp) => skipped("no right to suspend a filter"),
        Err(refusal) => panic!("{}", refusal.reason()),
    }
    // The queue needs no call of the target's.
    send::to_pid(target.pid, None, None).expect("it lives");
    queue(target.pid).expect("a look");
    assert!(target.is_alive());
}

/// The kernel would have it go on by restart_syscall(2), which its filter forbids.
#[test]
fn a_filter_is_not_met_by_going_on() {
    if !is_possible() {
        return;
    }
    let mut target = Target::start(&["filtered", "219"]);
    super::settle(target.pid, 'S');
    send::to_pid(target.pid, Some(signal("USR1")), None).expect("it lives");
    for _ in 0..3 {
        assert_eq!(queue(target.pid).expect("a look").queue.len(), 1);
        super::settle(target.pid, 'S');
        match handlers(target.pid, "SEGV") {
            Ok(_) | Err(PtraceError::Seccomp) => {}
            Err(refusal) => panic!("{}", refusal.reason()),
        }
        super::settle(target.pid, 'S');
    }
    // What it ignores would not wake it, were it not traced.
    let mut tracer = Tracer::attach(target.pid).expect("it can be traced");
    send::to_pid(target.pid, Some(signal("URG")), None).expect("it lives");
    let mut events = Vec::new();
    super::until(|| tracer.read(&mut events).expect("events") && !events.is_empty());
    drop(tracer);
    super::settle(target.pid, 'S');
    assert!(target.is_alive());
}

#[test]
fn calls_that_are_dispatched_are_refused() {
    if !is_possible() {
        return;
    }
    let mut target = Target::start(&["dispatched"]);
    super::settle(target.pid, 'S');
    match handlers(target.pid, "SEGV") {
        Err(PtraceError::Dispatched) => {}
        other => panic!("{other:?}"),
    }
    queue(target.pid).expect("a look");
    assert!(target.is_alive());
}

#[test]
fn a_low_stack_pointer_is_no_harm() {
    if !is_possible() {
        return;
    }
    // Room above what is missing; then none at all.
    for (above, is_seen) in [("192", true), ("96", true), ("16", false)] {
        let mut target = Target::start(&["low", above]);
        super::until(|| {
            let text = std::fs::read_to_string(format!("/proc/{}/syscall", target.pid));
            text.is_ok_and(|text| text.starts_with("34 "))
        });
        for _ in 0..10 {
            match handlers(target.pid, "SEGV") {
                Ok(seen) => assert!(is_seen && seen.actions[0].1.is_caught(), "{above}"),
                Err(PtraceError::NoMemory) => assert!(!is_seen, "{above}"),
                Err(refusal) => panic!("{above}: {}", refusal.reason()),
            }
        }
        super::settle(target.pid, 'S');
        assert!(target.is_alive(), "{above}");
    }
}

#[test]
fn a_restartable_sequence_is_told_of_the_stop() {
    if !is_possible() {
        return;
    }
    let mut target = Target::start(&["sequence"]);
    for _ in 0..100 {
        target.say("?\n");
        let before: u64 = target.line().parse().expect("a number");
        handlers(target.pid, "SEGV").expect("a look");
        // A processor's other work tells it, too, if it is not forgotten.
        super::until(|| {
            target.say("?\n");
            target.line().parse::<u64>().expect("a number") > before
        });
    }
}

#[test]
fn threads_that_come_and_go_are_no_hindrance() {
    if !is_possible() {
        return;
    }
    let mut target = Target::start(&["churn"]);
    for _ in 0..200 {
        let seen = handlers(target.pid, "SEGV").expect("a look");
        assert!(seen.actions[0].1.is_caught());
        queue(target.pid).expect("a look");
    }
    assert!(target.is_alive());
}

#[test]
fn a_process_that_executes_itself_is_seen_or_left_alone() {
    if !is_possible() {
        return;
    }
    let mut target = Target::start(&["again"]);
    let mut seen = 0;
    for _ in 0..100 {
        match handlers(target.pid, "SEGV") {
            Ok(_) => seen += 1,
            Err(PtraceError::Unstable) => {}
            Err(refusal) => panic!("{}", refusal.reason()),
        }
    }
    assert!(seen > 20, "{seen}");
    assert!(target.is_alive());
}

/// The memory helper may be killed at any moment: the look fails, and the target
/// goes on.
#[test]
fn target_is_intact_if_the_memory_helper_is_killed() {
    if !is_possible() {
        return;
    }
    const KILLS: u32 = 20;
    let mut undisturbed = Target::start(&["busy", "20000"]);
    let right = undisturbed.line();
    let mut target = Target::start(&["busy", "20000"]);
    for number in 0..KILLS {
        // It ends as soon as a look fails.
        let mut looker = Command::new(fixture_path().with_file_name("inspect-target"))
            .args(["look", &target.pid.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        while looker.try_wait().expect("it is ours").is_none() {
            // Its helper traces, and the child of that accesses memory.
            let Some(helper) = child_of(looker.id()).and_then(hold_child_of) else { continue };
            for _ in 0..number * 4000 {
                std::hint::spin_loop();
            }
            // It may have ended.
            let _ = helper.send(Some(signal("KILL")), None);
        }
        if super::state_of(target.pid) == Some('Z') {
            assert_eq!(target.line(), right, "after {number} kills");
            target = Target::start(&["busy", "20000"]);
        }
    }
    assert_eq!(target.line(), right, "after {KILLS} kills");
}

/// The first child of a process.
fn child_of(pid: u32) -> Option<u32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    text.split(' ').next()?.parse().ok()
}

/// The same, held by a descriptor: it is that child and no other process.
fn hold_child_of(pid: u32) -> Option<PidFd> {
    let child = child_of(pid)?;
    let held = PidFd::open(child).ok()?;
    (child_of(pid) == Some(child)).then_some(held)
}

/// Who is told to end while the target does not stop, ends at once, long before
/// the 20 seconds that it would wait; the target is let go.
#[test]
fn who_waits_for_a_deep_sleep_can_be_ended() {
    if !is_possible() {
        return;
    }
    let fixture = Fixture::start(["--catch", "HUP", "--vfork"]);
    let is_traced = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", fixture.pid)).expect("it lives");
        !status.contains("TracerPid:\t0\n")
    };
    for end in ["INT", "TERM", "HUP", "USR1", "RTMIN+1"] {
        let mut looker = Command::new(fixture_path().with_file_name("inspect-target"))
            .args(["look", &fixture.pid.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("it runs");
        super::until(is_traced);
        let begin = Instant::now();
        send::to_pid(looker.id(), Some(signal(end)), None).expect("it is ours");
        let status = looker.wait().expect("it is ours");
        let time = begin.elapsed();
        assert_eq!(status.signal(), Some(signal(end).get().into()), "{end}: {status}");
        assert!(time < DEADLINE / 2, "{end}: {time:?}");
        assert!(!is_traced(), "the helper has ended before");
        super::settle(fixture.pid, 'D');
    }
    send::to_pid(fixture.ids[0], Some(signal("KILL")), None).expect("sent");
    super::settle(fixture.pid, 'S');
    assert!(handlers(fixture.pid, "HUP").expect("a look").actions[0].1.is_caught());
}

/// Tests that take over 5 s: `--skip slow` leaves them out.
mod slow {
    use super::*;

    #[test]
    fn a_busy_process_comes_to_the_same_result() {
        if !is_possible() {
            return;
        }
        let mut undisturbed = Target::start(&["busy", "20000"]);
        let right = undisturbed.line();
        let mut target = Target::start(&["busy", "20000"]);
        let mut looks = 0;
        while looks < 1000 {
            match handlers(target.pid, "SEGV,BUS") {
                Ok(seen) => assert!(seen.actions.iter().all(|(_, action)| action.is_caught())),
                // It is done; another one, for the rest of the looks.
                Err(PtraceError::Gone | PtraceError::Zombie | PtraceError::Unstable) => {
                    assert_eq!(target.line(), right, "after {looks} looks");
                    target = Target::start(&["busy", "20000"]);
                }
                Err(refusal) => panic!("after {looks} looks: {}", refusal.reason()),
            }
            looks += 1;
        }
        assert_eq!(target.line(), right);
    }

    /// Killed at some moment of a look, sigtool leaves the target as it was: its
    /// helper goes on to the end.
    #[test]
    fn the_end_of_who_looks_is_not_that_of_the_target() {
        if !is_possible() {
            return;
        }
        let fixture = Fixture::start(["--catch", "HUP,USR1", "--report"]);
        for end in ["KILL", "INT", "TERM"].into_iter().cycle().take(45) {
            let mut looker = Command::new(fixture_path().with_file_name("inspect-target"))
                .args(["look", &fixture.pid.to_string()])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .spawn()
                .expect("it runs");
            let mut dots = [0; 20];
            let mut stdout = BufReader::new(looker.stdout.take().expect("a pipe"));
            stdout.read_exact(&mut dots).expect("it looks");
            send::to_pid(looker.id(), Some(signal(end)), None).expect("it is ours");
            looker.wait().expect("it is ours");
            // Its helper, if there is one, goes on for a moment.
            super::super::until(|| {
                let status =
                    std::fs::read_to_string(format!("/proc/{}/status", fixture.pid)).expect("it lives");
                status.contains("TracerPid:\t0\n")
            });
        }
        super::super::settle(fixture.pid, 'S');
        assert!(handlers(fixture.pid, "HUP").expect("a look").actions[0].1.is_caught());
    }
}

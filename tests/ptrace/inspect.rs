//! The results of an inspection by ptrace(2).

use std::process::Command;
use std::time::Duration;

use sigtool::signal::SignalSet;
use sigtool::sys::ptrace::{self, InspectRequest, PtraceError};
use sigtool::sys::signal::send;

use super::{handlers, is_ptrace_available, queue, set, signal};
use crate::support::{Fixture, skipped};

/// Returns the value of a line in a process's status.
fn status(pid: u32, line: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a status");
    let found = text.lines().find_map(|each| each.strip_prefix(line)?.strip_prefix(':'));
    found.expect("the line").trim().to_owned()
}

#[test]
fn inspect_reads_handlers_with_flags_and_masks() {
    if !is_ptrace_available() {
        return;
    }
    let fixture = Fixture::start(["--catch", "HUP,USR1,TERM,RTMAX", "--ignore", "INT"]);
    let seen = handlers(fixture.pid, "HUP,INT,USR1,USR2,TERM,RTMAX").expect("inspection succeeds");
    let names: Vec<u8> = seen.actions.iter().map(|(signal, _)| signal.get()).collect();
    assert_eq!(names, [1, 2, 10, 12, 15, 64]);
    let caught: Vec<bool> = seen.actions.iter().map(|(_, action)| action.is_caught()).collect();
    assert_eq!(caught, [true, false, true, false, true, true]);
    let (_, hup) = seen.actions[0];
    // signal(3) blocks the signal while its handler runs, and restarts system
    // calls.
    assert_eq!(hup.mask, set("HUP"));
    assert_eq!(hup.flag_names(), ["RESTORER", "RESTART"]);
    assert!(hup.restorer().is_some_and(|restorer| restorer > 0x1000));
    assert_eq!(seen.actions[1].1.handler, 1, "SIG_IGN");
    assert_eq!(seen.actions[3].1.handler, 0, "SIG_DFL");
    let same = |index: usize| seen.actions[index].1.handler == hup.handler;
    assert!(same(2) && same(4) && same(5), "one handler for all: {:?}", seen.actions);
    assert!(seen.longest_stop > Duration::ZERO && seen.queue.is_empty() && !seen.truncated);
}

#[test]
fn inspect_returns_no_actions_of_kill_and_stop() {
    if !is_ptrace_available() {
        return;
    }
    let fixture = Fixture::start(["--catch", "HUP"]);
    let seen = ptrace::inspect(
        fixture.pid,
        InspectRequest {
            handlers: SignalSet::all(sigtool::signal::Arch::NATIVE),
            queue: true,
            any_credentials: false,
        },
        super::DEADLINE,
    )
    .expect("inspection succeeds");
    assert_eq!(seen.actions.len(), 62);
}

#[test]
fn inspect_reads_queues_in_order() {
    if !is_ptrace_available() {
        return;
    }
    let fixture = Fixture::start([
        "--block",
        "TERM,USR1,RTMIN+1",
        "--queue",
        "RTMIN+1=7",
        "--queue",
        "TERM=-5",
        "--queue",
        "RTMIN+1=8",
        "--own",
        "USR1",
        "--thread",
        "block=USR2;own=USR2",
    ]);
    send::to_pid(fixture.pid, Some(signal("RTMIN+1")), Some(9)).expect("sent");
    let seen = queue(fixture.pid).expect("inspection succeeds");
    let own = std::process::id();
    let entries: Vec<_> = seen
        .queue
        .iter()
        .map(|each| {
            let sender = if each.siginfo.pid == own { "us" } else { "itself" };
            (each.siginfo.signal.get(), each.siginfo.code, each.siginfo.value, sender, each.tid)
        })
        .collect();
    let thread = Some(fixture.ids[0]);
    let main = Some(fixture.pid);
    let mut by_queue = entries.clone();
    by_queue.sort_by_key(|each| each.4);
    assert_eq!(
        by_queue,
        [
            (35, -1, 7, "itself", None),
            (15, -1, -5, "itself", None),
            (35, -1, 8, "itself", None),
            (35, -1, 9, "us", None),
            (10, -6, 0, "itself", main),
            (12, -6, 0, "itself", thread),
        ]
    );
    assert!(!seen.truncated && seen.actions.is_empty());
    // Reading the queue leaves it unchanged.
    assert_eq!(queue(fixture.pid).expect("inspection succeeds").queue, seen.queue);
}

#[test]
fn inspect_stops_no_thread_if_nothing_is_pending() {
    if !is_ptrace_available() {
        return;
    }
    let fixture = Fixture::start(["--block", "TERM"]);
    let seen = queue(fixture.pid).expect("inspection succeeds");
    assert_eq!((seen.queue.len(), seen.longest_stop), (0, Duration::ZERO));
}

#[test]
fn inspect_truncates_long_queue() {
    if !is_ptrace_available() {
        return;
    }
    let fixture = Fixture::start(["--block", "RTMIN+1"]);
    for value in 0..1000 {
        send::to_pid(fixture.pid, Some(signal("RTMIN+1")), Some(value)).expect("sent");
    }
    let seen = queue(fixture.pid).expect("inspection succeeds");
    assert_eq!((seen.queue.len(), seen.truncated), (1000, false));
    let values: Vec<i32> = seen.queue.iter().map(|each| each.siginfo.value).collect();
    assert_eq!(values, (0..1000).collect::<Vec<_>>());
    send::to_pid(fixture.pid, Some(signal("RTMIN+1")), Some(1000)).expect("sent");
    let seen = queue(fixture.pid).expect("inspection succeeds");
    assert_eq!((seen.queue.len(), seen.truncated), (1000, true));
}

#[test]
fn inspect_leaves_masks_and_dispositions_unchanged() {
    if !is_ptrace_available() {
        return;
    }
    for arguments in [
        &["--ignore", "TRAP", "--catch", "USR1"][..],
        &["--block", "TRAP", "--catch", "TRAP,USR1"],
        &["--block", "TRAP,USR1", "--own", "TRAP", "--catch", "TRAP,USR1", "--queue", "USR1"],
        &["--catch", "TRAP,USR1", "--block", "~[KILL STOP]"],
        &["--catch", "USR1", "--sigwait", "USR2"],
        &["--catch", "USR1", "--sigsuspend", "HUP"],
    ] {
        let fixture = Fixture::start(arguments);
        let lines = ["SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd", "State"];
        let before = lines.map(|line| status(fixture.pid, line));
        for _ in 0..20 {
            let seen = handlers(fixture.pid, "USR1,TRAP").expect("inspection succeeds");
            assert!(seen.actions[1].1.is_caught(), "{arguments:?}: {seen:?}");
            queue(fixture.pid).expect("inspection succeeds");
        }
        super::wait_for_state(fixture.pid, 'S');
        assert_eq!(lines.map(|line| status(fixture.pid, line)), before, "{arguments:?}");
    }
}

#[test]
fn inspect_leaves_stopped_process_stopped() {
    if !is_ptrace_available() {
        return;
    }
    let fixture = Fixture::start(["--catch", "USR1", "--report", "--stop"]);
    for _ in 0..50 {
        let seen = handlers(fixture.pid, "USR1").expect("inspection succeeds");
        assert!(seen.actions[0].1.is_caught());
        super::wait_for_state(fixture.pid, 'T');
    }
    send::to_pid(fixture.pid, Some(signal("CONT")), None).expect("sent");
    super::wait_for_state(fixture.pid, 'S');
}

#[test]
fn inspect_refuses_zombie_and_missing_process() {
    if !is_ptrace_available() {
        return;
    }
    for pid in [0, 4_194_305, u32::MAX] {
        assert!(matches!(handlers(pid, "TERM"), Err(PtraceError::Gone)), "{pid}");
    }
    let zombie = Fixture::start(["--exit", "7"]);
    assert!(matches!(handlers(zombie.pid, "TERM"), Err(PtraceError::Zombie)));
    assert!(matches!(queue(zombie.pid), Err(PtraceError::Zombie)));
    // PID 2 is kthreadd, which is not visible in a PID namespace.
    if std::fs::read_to_string("/proc/2/comm").is_ok_and(|name| name == "kthreadd\n") {
        assert!(matches!(handlers(2, "TERM"), Err(PtraceError::KernelThread)));
    } else {
        skipped("no kernel thread to be seen");
    }
}

#[test]
fn inspect_reads_process_with_exited_leader() {
    if !is_ptrace_available() {
        return;
    }
    let fixture = Fixture::start(["--catch", "HUP", "--thread", "block=USR2;own=USR2", "--leader-exits"]);
    let seen = handlers(fixture.pid, "HUP").expect("inspection succeeds");
    assert!(seen.actions[0].1.is_caught());
    let seen = queue(fixture.pid).expect("inspection succeeds");
    assert_eq!(seen.queue.iter().map(|each| each.tid).collect::<Vec<_>>(), [Some(fixture.ids[0])]);
}

#[test]
fn inspect_gives_up_on_uninterruptible_sleep() {
    if !is_ptrace_available() {
        return;
    }
    let fixture = Fixture::start(["--catch", "HUP", "--vfork"]);
    let begin = std::time::Instant::now();
    let wanted = InspectRequest { handlers: set("HUP"), queue: false, any_credentials: false };
    let refused = ptrace::inspect(fixture.pid, wanted, Duration::from_millis(300));
    assert!(matches!(refused, Err(PtraceError::StopTimeout { state: b'D' })), "{refused:?}");
    let time = begin.elapsed();
    assert!(time >= Duration::from_millis(300) && time < Duration::from_secs(10), "{time:?}");
    assert_eq!(status(fixture.pid, "TracerPid"), "0");
    // Once it is awake it can be inspected.
    send::to_pid(fixture.ids[0], Some(signal("KILL")), None).expect("sent");
    super::wait_for_state(fixture.pid, 'S');
    assert!(handlers(fixture.pid, "HUP").expect("inspection succeeds").actions[0].1.is_caught());
}

#[test]
fn inspect_refuses_traced_process_and_names_tracer() {
    if !is_ptrace_available() {
        return;
    }
    let fixture = Fixture::start(["--catch", "HUP"]);
    let mut tracer =
        match Command::new("strace").args(["-qq", "-o", "/dev/null", "-p", &fixture.pid.to_string()]).spawn()
        {
            Ok(tracer) => tracer,
            Err(error) => return skipped(&format!("strace: {error}")),
        };
    super::wait_until(|| status(fixture.pid, "TracerPid") != "0");
    let refused = handlers(fixture.pid, "HUP");
    let by = tracer.id();
    let _ = tracer.kill();
    let _ = tracer.wait();
    assert!(matches!(refused, Err(PtraceError::Traced { tracer }) if tracer == by), "{refused:?}");
}

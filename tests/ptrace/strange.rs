//! Targets in unusual situations: 32-bit code, job control, a frozen group, a
//! PID namespace.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use sigtool::sys::process::child;
use sigtool::sys::ptrace::{self, InspectRequest, PtraceError};
use sigtool::sys::signal::send;

use super::{
    Target, handlers, is_ptrace_available, queue, set, signal, state_of, wait_for_state, wait_until,
};
use crate::support::{Fixture, fixture_path, in_namespace, skipped};

#[test]
fn inspect_refuses_32_bit_code() {
    if !is_ptrace_available() {
        return;
    }
    let mut target = Target::start(&["compat"]);
    // The number of pause(2) in 32-bit programs is 29.
    let path = format!("/proc/{}/syscall", target.pid);
    wait_until(|| {
        !target.is_alive() || std::fs::read_to_string(&path).is_ok_and(|text| text.starts_with("29 "))
    });
    if !target.is_alive() {
        return skipped("no 32-bit code here");
    }
    for _ in 0..10 {
        let result = handlers(target.pid, "SEGV");
        assert!(matches!(result, Err(PtraceError::Compat)), "{result:?}");
    }
    wait_for_state(target.pid, 'S');
    assert!(target.is_alive());
}

/// A process that is stopped and continued during inspections ends in the
/// state that was requested last.
#[test]
fn stop_and_cont_take_effect_during_inspection() {
    if !is_ptrace_available() {
        return;
    }
    let target = Fixture::start(["--catch", "HUP,USR1,USR2,TERM,ALRM,VTALRM,PROF,WINCH", "--thread", ""]);
    let pid = target.pid;
    let is_done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(std::sync::atomic::Ordering::Relaxed) {
                handlers(pid, "HUP,USR1,USR2,TERM,ALRM,VTALRM,PROF,WINCH").expect("inspection succeeds");
                queue(pid).expect("inspection succeeds");
            }
        });
        for _ in 0..300 {
            send::to_pid(pid, Some(signal("STOP")), None).expect("sent");
            wait_until(|| matches!(state_of(pid), Some('T' | 't')));
            send::to_pid(pid, Some(signal("CONT")), None).expect("sent");
            wait_until(|| matches!(state_of(pid), Some('S' | 'R')));
        }
        send::to_pid(pid, Some(signal("STOP")), None).expect("sent");
        is_done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    wait_for_state(pid, 'T');
    send::to_pid(pid, Some(signal("CONT")), None).expect("sent");
    wait_for_state(pid, 'S');
}

/// The parent is notified of a stop once, not again after each inspection.
#[test]
fn parent_is_notified_of_stop_once() {
    if !is_ptrace_available() {
        return;
    }
    let fixture = Fixture::start(["--catch", "HUP"]);
    send::to_pid(fixture.pid, Some(signal("STOP")), None).expect("sent");
    wait_for_state(fixture.pid, 'T');
    assert_eq!(child::poll_stopped(fixture.pid), Some(signal("STOP")));
    for _ in 0..20 {
        handlers(fixture.pid, "HUP").expect("inspection succeeds");
        wait_for_state(fixture.pid, 'T');
        assert_eq!((child::poll_stopped(fixture.pid), child::poll_continued(fixture.pid)), (None, false));
    }
}

/// Returns the mount point of version 2 control groups, if any.
fn control_groups() -> Option<PathBuf> {
    let mounts = std::fs::read_to_string("/proc/self/mounts").ok()?;
    let line = mounts.lines().find(|line| line.split(' ').nth(2) == Some("cgroup2"))?;
    line.split(' ').nth(1).map(PathBuf::from)
}

#[test]
fn frozen_process_is_given_up_in_time_and_restored() {
    if !is_ptrace_available() {
        return;
    }
    let group = control_groups().map(|root| root.join(format!("sigtool-test-{}", std::process::id())));
    let Some(group) = group.filter(|group| std::fs::create_dir(group).is_ok()) else {
        return skipped("no control group can be made");
    };
    let fixture = Fixture::start(["--catch", "HUP"]);
    let write = |file: &str, text: &str| std::fs::write(group.join(file), text);
    let is_frozen =
        write("cgroup.procs", &fixture.pid.to_string()).and_then(|()| write("cgroup.freeze", "1"));
    if is_frozen.is_ok() {
        wait_until(|| {
            std::fs::read_to_string(group.join("cgroup.events")).expect("a file").contains("frozen 1")
        });
        let request = InspectRequest { handlers: set("HUP"), queue: false, any_credentials: false };
        let result = ptrace::inspect(fixture.pid, request, Duration::from_millis(300));
        write("cgroup.freeze", "0").expect("the freezer");
        assert!(matches!(result, Err(PtraceError::StopTimeout { .. })), "{result:?}");
        wait_for_state(fixture.pid, 'S');
        assert!(handlers(fixture.pid, "HUP").expect("inspection succeeds").actions[0].1.is_caught());
    } else {
        skipped("no freezer");
    }
    drop(fixture);
    wait_until(|| std::fs::remove_dir(&group).is_ok());
}

#[test]
fn inspect_reads_processes_in_pid_namespace() {
    if !is_ptrace_available() {
        return;
    }
    // From inside the namespace: a process, and the init itself.
    let Some(result) = in_namespace(
        "$FIXTURE --catch HUP > /tmp/.sigtool-inside-$$ & f=$!\n\
         while ! grep -q ready /tmp/.sigtool-inside-$$; do :; done; rm /tmp/.sigtool-inside-$$\n\
         ${FIXTURE%/*}/inspect-target try $f; ${FIXTURE%/*}/inspect-target try 1; kill -KILL $f",
    ) else {
        return;
    };
    assert_eq!(result.stdout, "seen\nseen\n", "{}", result.stderr);
    // From outside the namespace.
    let mut unshare = Command::new("unshare");
    unshare.args(["--pid", "--fork", "--kill-child"]).arg(fixture_path().with_file_name("inspect-target"));
    let mut unshare = unshare
        .args(["call", "pause"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it ran before");
    let children = format!("/proc/{0}/task/{0}/children", unshare.id());
    let mut pid = None;
    wait_until(|| {
        pid = std::fs::read_to_string(&children).ok().and_then(|text| text.trim().parse::<u32>().ok());
        pid.is_some_and(|pid| {
            std::fs::read_to_string(format!("/proc/{pid}/syscall")).is_ok_and(|text| text.starts_with("34 "))
        })
    });
    let pid = pid.expect("a child");
    let seen = handlers(pid, "USR1").expect("inspection succeeds");
    assert!(seen.actions[0].1.is_caught());
    let _ = unshare.kill();
    let _ = unshare.wait();
}

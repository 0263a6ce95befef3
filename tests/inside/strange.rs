//! Targets in strange places, and those who may not look.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use sigtool::sys::ptrace::{self, Refusal, Wanted};
use sigtool::sys::{child, deliver};

use super::{Target, handlers, is_possible, queue, set, settle, signal, state_of, until};
use crate::support::{Fixture, fixture_path, in_namespace, skipped};

#[test]
fn code_of_32_bits_is_refused() {
    if !is_possible() {
        return;
    }
    let mut target = Target::start(&["compat"]);
    // pause(2), as 32-bit programs number it.
    let path = format!("/proc/{}/syscall", target.pid);
    until(|| !target.is_alive() || std::fs::read_to_string(&path).is_ok_and(|text| text.starts_with("29 ")));
    if !target.is_alive() {
        return skipped("no 32-bit code here");
    }
    for _ in 0..10 {
        let refused = handlers(target.pid, "SEGV");
        assert!(matches!(refused, Err(Refusal::Compat)), "{refused:?}");
    }
    settle(target.pid, 'S');
    assert!(target.is_alive());
}

/// Stopped and continued while it is looked into, it is in the end what was
/// asked for last.
#[test]
fn stops_and_their_ends_come_through() {
    if !is_possible() {
        return;
    }
    let target = Fixture::start(["--catch", "HUP,USR1,USR2,TERM,ALRM,VTALRM,PROF,WINCH", "--thread", ""]);
    let pid = target.pid;
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                handlers(pid, "HUP,USR1,USR2,TERM,ALRM,VTALRM,PROF,WINCH").expect("a look");
                queue(pid).expect("a look");
            }
        });
        for _ in 0..300 {
            deliver::to_number(pid, Some(signal("STOP")), None).expect("sent");
            until(|| matches!(state_of(pid), Some('T' | 't')));
            deliver::to_number(pid, Some(signal("CONT")), None).expect("sent");
            until(|| matches!(state_of(pid), Some('S' | 'R')));
        }
        deliver::to_number(pid, Some(signal("STOP")), None).expect("sent");
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    settle(pid, 'T');
    deliver::to_number(pid, Some(signal("CONT")), None).expect("sent");
    settle(pid, 'S');
}

/// Its parent is told of a stop once, not again after each look.
#[test]
fn a_stop_is_told_once() {
    if !is_possible() {
        return;
    }
    let fixture = Fixture::start(["--catch", "HUP"]);
    deliver::to_number(fixture.pid, Some(signal("STOP")), None).expect("sent");
    settle(fixture.pid, 'T');
    assert_eq!(child::stopped(fixture.pid), Some(signal("STOP")));
    for _ in 0..20 {
        handlers(fixture.pid, "HUP").expect("a look");
        settle(fixture.pid, 'T');
        assert_eq!((child::stopped(fixture.pid), child::continued(fixture.pid)), (None, false));
    }
}

/// The folder of version 2's control groups, if it is mounted.
fn control_groups() -> Option<PathBuf> {
    let mounts = std::fs::read_to_string("/proc/self/mounts").ok()?;
    let line = mounts.lines().find(|line| line.split(' ').nth(2) == Some("cgroup2"))?;
    line.split(' ').nth(1).map(PathBuf::from)
}

#[test]
fn a_frozen_process_is_given_up_in_time_and_restored() {
    if !is_possible() {
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
        until(|| std::fs::read_to_string(group.join("cgroup.events")).expect("a file").contains("frozen 1"));
        let wanted = Wanted { handlers: set("HUP"), queue: false };
        let refused = ptrace::look(fixture.pid, wanted, Duration::from_millis(300));
        write("cgroup.freeze", "0").expect("it is ours");
        assert!(matches!(refused, Err(Refusal::NoAnswer { .. })), "{refused:?}");
        settle(fixture.pid, 'S');
        assert!(handlers(fixture.pid, "HUP").expect("a look").actions[0].1.is_caught());
    } else {
        skipped("no freezer");
    }
    drop(fixture);
    until(|| std::fs::remove_dir(&group).is_ok());
}

/// A look by `inside try`, as another user if one is given.
fn try_as(user: Option<u32>, pid: u32) -> Option<String> {
    let mut command = Command::new(fixture_path().with_file_name("inside"));
    command.args(["try", &pid.to_string()]).stdin(Stdio::null());
    if let Some(user) = user {
        command.uid(user).gid(user).current_dir("/");
    }
    match command.output() {
        Ok(Output { stdout, .. }) => Some(String::from_utf8_lossy(&stdout).trim().to_owned()),
        Err(error) => {
            skipped(&format!("as {user:?}: {error}"));
            None
        }
    }
}

#[test]
fn anothers_process_is_refused_and_ones_own_is_not() {
    const NOBODY: u32 = 65534;
    let own = Fixture::start(["--catch", "HUP"]);
    let Some(refused) = try_as(Some(NOBODY), own.pid) else { return };
    assert_eq!(refused, format!("OtherUser {{ uid: {} }}", deliver::effective_uid()));
    assert!(own.pid != 0 && state_of(own.pid) == Some('S'));
    // One of nobody's own; it can be dumped, for nobody it was from the start.
    let mut command = Command::new(fixture_path().with_file_name("inside"));
    command
        .args(["again"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .uid(NOBODY)
        .gid(NOBODY)
        .current_dir("/");
    let mut theirs = match command.spawn() {
        Ok(theirs) => theirs,
        Err(error) => return skipped(&format!("as nobody: {error}")),
    };
    let seen = try_as(Some(NOBODY), theirs.id());
    let _ = theirs.kill();
    let _ = theirs.wait();
    let seen = seen.expect("it ran before");
    assert!(seen == "seen" || seen.starts_with("Yama") || seen == "Changing", "{seen}");
}

#[test]
fn a_namespace_of_its_own_is_no_hindrance() {
    if !is_possible() {
        return;
    }
    // Of a process of the namespace, from within it; its init, too.
    let Some(ran) = in_namespace(
        "$FIXTURE --catch HUP > /tmp/.sigtool-inside-$$ & f=$!\n\
         while ! grep -q ready /tmp/.sigtool-inside-$$; do :; done; rm /tmp/.sigtool-inside-$$\n\
         ${FIXTURE%/*}/inside try $f; ${FIXTURE%/*}/inside try 1; kill -KILL $f",
    ) else {
        return;
    };
    assert_eq!(ran.stdout, "seen\nseen\n", "{}", ran.stderr);
    // And from outside.
    let mut unshare = Command::new("unshare");
    unshare.args(["--pid", "--fork", "--kill-child"]).arg(fixture_path().with_file_name("inside"));
    let mut unshare = unshare
        .args(["call", "pause"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it ran before");
    let children = format!("/proc/{0}/task/{0}/children", unshare.id());
    let mut pid = None;
    until(|| {
        pid = std::fs::read_to_string(&children).ok().and_then(|text| text.trim().parse::<u32>().ok());
        pid.is_some_and(|pid| {
            std::fs::read_to_string(format!("/proc/{pid}/syscall")).is_ok_and(|text| text.starts_with("34 "))
        })
    });
    let pid = pid.expect("a child");
    let seen = handlers(pid, "USR1").expect("a look");
    assert!(seen.actions[0].1.is_caught());
    let _ = unshare.kill();
    let _ = unshare.wait();
}

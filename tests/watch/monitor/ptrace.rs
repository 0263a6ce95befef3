//! By ptrace: how long that takes, what stops a process, and who it was where
//! numbers are those of another pid namespace; there by BPF, too.

use std::process::Command;
use std::time::Duration;

use sigtool::signal::{Arch, name};
use sigtool::sys::process::pidfd::PidFd;
use sigtool::sys::signal::send;

use super::events::{is_seen_by, next};
use super::json::Change;
use super::{Bash, Observer, send};
use crate::support::{Fixture, SIGTOOL, in_namespace, run, skipped};

#[test]
fn how_long_it_stood_still_is_told_in_the_end() {
    if !is_seen_by("ptrace") {
        return;
    }
    let fixture = Fixture::start(["--default", "~[KILL STOP]", "--ignore", "HUP", "--name", "worker"]);
    let pid = fixture.pid.to_string();
    // The watch is ended, by its count and by a signal; then its target is.
    let mut watch = Observer::by("ptrace", &["--json", "--pid", &pid, "--signal", "HUP", "--count", "3"]);
    watch.change();
    for _ in 0..3 {
        send("-HUP", &pid);
        assert_eq!(watch.change().event, "delivered");
    }
    let told = watch.change();
    assert_eq!(
        (told.event.as_str(), told.backend.as_str(), told.pid),
        ("stood-still", "ptrace", fixture.pid)
    );
    assert_eq!((told.name.as_str(), told.stops), ("worker", 3));
    assert!(
        told.longest_us > 0 && told.longest_us <= told.total_us && told.total_us <= 3 * (told.longest_us + 1)
    );
    let (code, rest, notes) = watch.end();
    assert_eq!((code, rest.as_str()), (Some(0), ""));
    assert!(notes.contains(&format!("watch: stopped {pid} (worker) 3 times: longest ")), "{notes}");

    let mut watch = Observer::by("ptrace", &["--pid", &pid]);
    watch.until("  state ");
    send("-TERM", &watch.child.id().to_string());
    let (code, rest, notes) = watch.end();
    assert_eq!((code, rest.as_str()), (Some(0), ""));
    assert!(notes.contains(&format!("watch: never stopped {pid} (worker)\n")), "{notes}");

    let mut watch = Observer::by("ptrace", &["--json", "--pid", &pid, "--until-exit"]);
    send("-TERM", &pid);
    assert_eq!(watch.change().event, "ended");
    let (code, rest, notes) = watch.end();
    assert_eq!((code, rest.as_str()), (Some(0), ""), "nothing but the end");
    assert!(notes.contains(&format!("watch: stopped {pid} (worker) once, for ")), "{notes}");
}

/// Its letter is that of a traced process then; nor is a moment's stop one.
#[test]
fn a_stop_is_told_with_its_signal() {
    if !is_seen_by("ptrace") {
        return;
    }
    let fixture = Fixture::start(["--default", "~[KILL STOP]", "--ignore", "HUP", "--thread", ""]);
    let pid = fixture.pid.to_string();
    let mut watch = Observer::by("ptrace", &["--json", "--pid", &pid, "--interval", "1ms"]);
    watch.change();
    for _ in 0..2 {
        send("-STOP", &pid);
        let stop = next(&mut watch, "state");
        assert_eq!((stop.to.as_str(), stop.signal.as_str()), ("T", "STOP"), "{stop:?}");
        assert!(stop.from == "S" || stop.from == "R", "{stop:?}");
        send("-CONT", &pid);
        let on = next(&mut watch, "state");
        assert!(on.from == "T" && (on.to == "S" || on.to == "R"), "{on:?}");
        for _ in 0..50 {
            send("-HUP", &pid);
            // That of CONT may be the first.
            while next(&mut watch, "delivered").signal != "HUP" {}
        }
    }
    send("-KILL", &pid);
    let all = watch.end().1;
    assert!(!all.contains("\"event\":\"state\""), "{all}");
}

#[test]
fn who_is_stopped_already_is_told_so_once() {
    if !is_seen_by("ptrace") {
        return;
    }
    let fixture = Fixture::start(["--stop"]);
    let pid = fixture.pid.to_string();
    let mut watch = Observer::by("ptrace", &["--json", "--pid", &pid, "--interval", "1ms"]);
    assert_eq!(watch.change().state.as_deref(), Some("T"));
    send("-CONT", &pid);
    let on = next(&mut watch, "state");
    assert_eq!((on.from.as_str(), on.signal.as_str()), ("T", ""));
}

/// The tracer tells the last of it when everybody knows already that it ended.
#[test]
fn what_came_just_before_the_end_is_told() {
    if !is_seen_by("ptrace") {
        return;
    }
    let signal = |name: &str| name::parse(name, Arch::NATIVE).expect("a signal");
    for _ in 0..20 {
        let fixture = Fixture::start(["--default", "~[KILL STOP]", "--ignore", "HUP"]);
        let mut watch = Observer::by("ptrace", &["--json", "--pid", &fixture.pid.to_string()]);
        watch.change();
        // What comes in a row is written together.
        for name in ["HUP", "TERM"] {
            send::to_pid(fixture.pid, Some(signal(name)), None).expect("sent");
        }
        while next(&mut watch, "delivered").signal != "TERM" {}
        let ended = watch.ended();
        assert_eq!(ended.sender.flatten().map(|sender| sender.pid), Some(std::process::id()));
    }
}

/// A shell that is the init of a pid namespace, and its child; both by our
/// numbers.
struct Namespace {
    shell: Bash,
    init: u32,
    child: u32,
}

impl Namespace {
    /// `None` where there are none, which is said.
    fn start() -> Option<Namespace> {
        in_namespace("")?;
        let mut unshare = Command::new("unshare");
        unshare.args(["--pid", "--fork", "--kill-child", "--mount-proc", "bash", "--norc", "-s"]);
        let mut shell = Bash::of(&mut unshare);
        shell.tell("trap '' RTMIN+1; sleep 1000 & echo ready");
        let shell = shell.ready();
        let child = |of: &str| -> u32 {
            let text = std::fs::read_to_string(format!("/proc/{of}/task/{of}/children")).expect("children");
            text.trim().parse().expect("one child")
        };
        let init = child(&shell.pid);
        Some(Namespace { init, child: child(&init.to_string()), shell })
    }
}

#[test]
fn numbers_of_another_namespace_are_translated_by_ptrace() {
    if !is_seen_by("ptrace") {
        return;
    }
    let Some(mut inside) = Namespace::start() else { return };
    let (pid, init) = (inside.child.to_string(), inside.init.to_string());
    // Whoever has its number here, which is 1, has nothing to do with it.
    let arguments = ["--json", "--timeout", "60s", "--pid", &pid, "--sender", &init];
    let mut watch = Observer::by("ptrace", &arguments);
    watch.change();
    inside.shell.tell("kill -URG $!");
    let told = next(&mut watch, "delivered");
    let sender = told.sender.flatten().expect("claimed");
    assert_eq!((sender.pid, sender.namespace_pid), (inside.init, Some(1)));
    assert_eq!((sender.name.as_deref(), sender.exited), (Some("bash"), false));
    // The tracer has let it go when this has ended.
    send("-TERM", &watch.child.id().to_string());
    watch.end();

    let mut watch = Observer::by("ptrace", &["--timeout", "60s", "--pid", &pid]);
    inside.shell.tell("kill -STOP $!");
    let line = watch.until("STOP delivered");
    assert!(line.contains(&format!(" from {init} (bash) uid 0 (unverified): ")), "{line}");
    // Stopped, it takes the second one when its sender has exited.
    inside.shell.tell(&format!("{SIGTOOL} send -USR1 $!; kill -CONT $!"));
    let line = watch.until("killed by USR1");
    let (_, number) = line.split_once(" from ").expect("a sender");
    let number = number.strip_suffix(" (in its PID namespace) uid 0 (unverified)").expect(&line);
    assert!(number.parse::<u32>().is_ok(), "{line}");
}

#[test]
fn who_is_from_outside_of_the_namespace_has_no_number() {
    if !is_seen_by("ptrace") {
        return;
    }
    let Some(inside) = Namespace::start() else { return };
    let pid = inside.child.to_string();
    let mut watch = Observer::by("ptrace", &["--timeout", "60s", "--pid", &pid]);
    send("-TERM", &pid);
    watch.until("killed by TERM from outside its PID namespace or the kernel (unverified)");
}

#[test]
fn numbers_of_another_namespace_are_translated_by_bpf() {
    if !is_seen_by("bpf") {
        return;
    }
    let Some(mut inside) = Namespace::start() else { return };
    let (pid, init) = (inside.child.to_string(), inside.init.to_string());
    let mut watch = Observer::by("bpf", &["--timeout", "60s", "--pid", &format!("{pid},{init}")]);
    // A value is queued, by whatever number the sender says is its own.
    inside.shell.tell(&format!("{SIGTOOL} send -s RTMIN+1 -q 5 $!; kill -URG $!"));
    let queued = watch.until("RTMIN+1 from ");
    assert!(queued.contains(" (sigtool) uid 0, value 5: ignored, "), "{queued}");
    watch.until(&format!("URG from {init} (bash) uid 0: ignored, "));
    drop(watch);
    // What it names is itself, by its number there.
    let mut watch = Observer::by("bpf", &["--json", "--timeout", "60s", "--pid", &init]);
    watch.change();
    inside.shell.tell(&format!("{SIGTOOL} send -s RTMIN+1 -q 5 $$"));
    let queued = loop {
        let told = next(&mut watch, "generated");
        if told.signal == "RTMIN+1" {
            break told;
        }
    };
    assert!(queued.claims.is_none() && queued.sender.flatten().is_some());
    drop(watch);
    let mut watch = Observer::by("bpf", &["--json", "--timeout", "60s", "--pid", &init, "--signal", "CHLD"]);
    watch.change();
    inside.shell.tell("kill -KILL $!; wait");
    let told: Change = next(&mut watch, "generated");
    let (child, sender) = (told.child.expect("a child"), told.sender.flatten().expect("the child"));
    assert_eq!((child.pid, sender.pid, child.namespace_pid), (inside.child, inside.child, None));
}

#[test]
fn a_zombie_is_told_as_by_other_means() {
    if !is_seen_by("ptrace") {
        return;
    }
    let (ended, living) = (Fixture::start(["--catch", "USR1"]), Fixture::start(["--catch", "USR1"]));
    let held = PidFd::open(ended.pid).expect("it lives");
    send("-KILL", &ended.pid.to_string());
    assert!(held.wait_for_exit(Duration::from_secs(30)).expect("poll"));
    let pids = format!("{},{}", ended.pid, living.pid);
    let mut watch = Observer::by("ptrace", &["--json", "--pid", &pids]);
    assert_eq!(watch.change().state.as_deref(), Some("Z"));
    let told = watch.ended();
    assert_eq!((told.pid, told.killed_by.as_deref()), (ended.pid, Some("KILL")));
    send("-KILL", &living.pid.to_string());
    assert_eq!(watch.ended().pid, living.pid);
    assert_eq!(watch.end().0, Some(0));
}

/// That signal waits when sigtool begins: nobody is traced, then.
#[test]
fn whoever_asks_for_the_end_meanwhile_is_heard() {
    if !is_seen_by("ptrace") {
        return;
    }
    let some = [(); 3].map(|()| Fixture::start(["--catch", "USR1"]));
    let pids = some.each_ref().map(|fixture| fixture.pid.to_string()).join(",");
    let script = "import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
os.kill(os.getpid(), signal.SIGTERM)
os.execv(sys.argv[1], sys.argv[1:])";
    let words = ["-c", script, SIGTOOL, "watch", "--backend", "ptrace", "--pid", &pids];
    let Ok(output) = Command::new("python3").args(words).output() else {
        return skipped("python3 is missing");
    };
    let notes = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{notes}");
    assert!(notes.contains("watch: watching 3 processes") && !notes.contains("stopped"), "{notes}");
}

/// It has ended when its name is looked for.
#[test]
fn who_signals_itself_is_itself() {
    if !is_seen_by("ptrace") {
        return;
    }
    for (end, said) in [
        ("kill -ABRT $$", "killed by ABRT from itself (unverified)"),
        ("kill -PIPE $$", "killed by PIPE from itself or the kernel (write to a pipe without a reader)"),
    ] {
        let mut bash = Bash::start();
        let mut watch = Observer::by("ptrace", &["--timeout", "60s", "--pid", &bash.pid]);
        let pid = bash.pid.clone();
        bash.tell(end);
        let line = watch.until("killed by");
        assert!(line.contains(&pid) && line.ends_with(said), "{line}");
    }
    let mut bash = Bash::start();
    let mut watch = Observer::by("ptrace", &["--json", "--timeout", "60s", "--pid", &bash.pid]);
    bash.tell("kill -TERM $$; kill -KILL $$");
    let sender = loop {
        let told = next(&mut watch, "delivered");
        if told.signal == "TERM" {
            break told.sender.flatten().expect("claimed");
        }
    };
    assert_eq!((sender.name.as_deref(), sender.exited), (Some("bash"), false));
}

#[test]
fn many_that_never_stood_still_are_one_line() {
    if !is_seen_by("ptrace") {
        return;
    }
    let some = [(); 11].map(|()| Fixture::start(["--catch", "USR1"]));
    let pids = some.each_ref().map(|fixture| fixture.pid.to_string()).join(",");
    let ran = run(["watch", "--backend", "ptrace", "--pid", &pids, "--timeout", "1ms"]);
    assert_eq!(ran.stderr.matches("never stopped").count(), 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("watch: never stopped 11 processes\n"), "{}", ran.stderr);
    assert!(ran.stderr.lines().all(|line| line.len() <= 80), "{}", ran.stderr);
}

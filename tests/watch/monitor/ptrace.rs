//! The ptrace backend: stop times, the signal that stops a process, and PIDs in
//! another PID namespace; the last for BPF as well.

use std::process::Command;
use std::time::Duration;

use sigtool::signal::{Arch, name};
use sigtool::sys::process::pidfd::PidFd;
use sigtool::sys::signal::send;

use super::events::{is_backend_available, next};
use super::json::Change;
use super::{Interpreter, Observer, send};
use crate::support::{Fixture, SIGTOOL, in_namespace, run, skipped};

#[test]
fn stop_times_are_reported_at_end() {
    if !is_backend_available("ptrace") {
        return;
    }
    let fixture = Fixture::start(["--default", "~[KILL STOP]", "--ignore", "HUP", "--name", "worker"]);
    let pid = fixture.pid.to_string();
    // The watch exits by its count, then by a signal, then because its target
    // exits.
    let mut watch =
        Observer::with_backend("ptrace", &["--json", "--pid", &pid, "--signal", "HUP", "--count", "3"]);
    watch.change();
    for _ in 0..3 {
        send("-HUP", &pid);
        assert_eq!(watch.change().event, "delivered");
    }
    let change = watch.change();
    assert_eq!(
        (change.event.as_str(), change.backend.as_str(), change.pid),
        ("stood-still", "ptrace", fixture.pid)
    );
    assert_eq!((change.name.as_str(), change.stops), ("worker", 3));
    assert!(
        change.longest_us > 0
            && change.longest_us <= change.total_us
            && change.total_us <= 3 * (change.longest_us + 1)
    );
    let (code, rest, notes) = watch.end();
    assert_eq!((code, rest.as_str()), (Some(0), ""));
    assert!(notes.contains(&format!("watch: {pid} (worker) stood still 3 times, at most ")), "{notes}");

    let mut watch = Observer::with_backend("ptrace", &["--pid", &pid]);
    watch.read_until("  state ");
    send("-TERM", &watch.child.id().to_string());
    let (code, rest, notes) = watch.end();
    assert_eq!((code, rest.as_str()), (Some(0), ""));
    assert!(notes.contains(&format!("watch: {pid} (worker) never stood still\n")), "{notes}");

    let mut watch = Observer::with_backend("ptrace", &["--json", "--pid", &pid, "--until-exit"]);
    send("-TERM", &pid);
    assert_eq!(watch.change().event, "ended");
    let (code, rest, notes) = watch.end();
    assert_eq!((code, rest.as_str()), (Some(0), ""), "nothing but the end");
    assert!(notes.contains(&format!("watch: {pid} (worker) stood still once, for ")), "{notes}");
}

/// A stopped process then has the state letter of a traced one. A short stop by
/// the tracer is not reported as a stop.
#[test]
fn stop_is_reported_with_its_signal() {
    if !is_backend_available("ptrace") {
        return;
    }
    let fixture = Fixture::start(["--default", "~[KILL STOP]", "--ignore", "HUP", "--thread", ""]);
    let pid = fixture.pid.to_string();
    let mut watch = Observer::with_backend("ptrace", &["--json", "--pid", &pid, "--interval", "1ms"]);
    watch.change();
    for _ in 0..2 {
        send("-STOP", &pid);
        let stop = next(&mut watch, "state");
        assert_eq!((stop.to.as_str(), stop.signal.as_str()), ("T", "STOP"), "{stop:?}");
        assert!(stop.from == "S" || stop.from == "R", "{stop:?}");
        send("-CONT", &pid);
        let continued = next(&mut watch, "state");
        assert!(continued.from == "T" && (continued.to == "S" || continued.to == "R"), "{continued:?}");
        for _ in 0..50 {
            send("-HUP", &pid);
            // The delivery of CONT may come first.
            while next(&mut watch, "delivered").signal != "HUP" {}
        }
    }
    send("-KILL", &pid);
    let all = watch.end().1;
    assert!(!all.contains("\"event\":\"state\""), "{all}");
}

#[test]
fn process_stopped_before_attach_is_reported_once() {
    if !is_backend_available("ptrace") {
        return;
    }
    let fixture = Fixture::start(["--stop"]);
    let pid = fixture.pid.to_string();
    let mut watch = Observer::with_backend("ptrace", &["--json", "--pid", &pid, "--interval", "1ms"]);
    assert_eq!(watch.change().state.as_deref(), Some("T"));
    send("-CONT", &pid);
    let continued = next(&mut watch, "state");
    assert_eq!((continued.from.as_str(), continued.signal.as_str()), ("T", ""));
}

/// The tracer reports the last deliveries after the exit is already visible.
#[test]
fn deliveries_before_exit_are_reported() {
    if !is_backend_available("ptrace") {
        return;
    }
    let signal = |name: &str| name::parse(name, Arch::NATIVE).expect("a signal");
    for _ in 0..20 {
        let fixture = Fixture::start(["--default", "~[KILL STOP]", "--ignore", "HUP"]);
        let mut watch = Observer::with_backend("ptrace", &["--json", "--pid", &fixture.pid.to_string()]);
        watch.change();
        // Events that follow each other directly are written together.
        for name in ["HUP", "TERM"] {
            send::to_pid(fixture.pid, Some(signal(name)), None).expect("sent");
        }
        while next(&mut watch, "delivered").signal != "TERM" {}
        let ended = watch.ended();
        assert_eq!(ended.sender.flatten().map(|sender| sender.pid), Some(std::process::id()));
    }
}

/// A shell that is the init of a PID namespace, and its child. The PIDs are those
/// outside.
struct Namespace {
    shell: Interpreter,
    init: u32,
    child: u32,
}

impl Namespace {
    /// Prints the reason and returns `None` if namespaces are not available.
    fn start() -> Option<Namespace> {
        in_namespace("")?;
        let mut unshare = Command::new("unshare");
        unshare.args(["--pid", "--fork", "--kill-child", "--mount-proc", "bash", "--norc", "-s"]);
        let mut shell = Interpreter::spawn(&mut unshare);
        shell.send_line("trap '' RTMIN+1; sleep 1000 & echo ready");
        let shell = shell.ready();
        let child = |parent: &str| -> u32 {
            let text =
                std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).expect("children");
            text.trim().parse().expect("one child")
        };
        let init = child(&shell.pid);
        Some(Namespace { init, child: child(&init.to_string()), shell })
    }
}

#[test]
fn ptrace_translates_pids_of_other_namespace() {
    if !is_backend_available("ptrace") {
        return;
    }
    let Some(mut inside) = Namespace::start() else { return };
    let (pid, init) = (inside.child.to_string(), inside.init.to_string());
    // The process that has its inside PID, which is 1, in our namespace is
    // another one.
    let arguments = ["--json", "--timeout", "60s", "--pid", &pid, "--sender", &init];
    let mut watch = Observer::with_backend("ptrace", &arguments);
    watch.change();
    inside.shell.send_line("kill -URG $!");
    let change = next(&mut watch, "delivered");
    let sender = change.sender.flatten().expect("claimed");
    assert_eq!((sender.pid, sender.namespace_pid), (inside.init, Some(1)));
    assert_eq!((sender.name.as_deref(), sender.exited), (Some("bash"), false));
    // When this has exited, the tracer has detached.
    send("-TERM", &watch.child.id().to_string());
    watch.end();

    let mut watch = Observer::with_backend("ptrace", &["--timeout", "60s", "--pid", &pid]);
    inside.shell.send_line("kill -STOP $!");
    let line = watch.read_until("STOP delivered");
    assert!(line.contains(&format!(", says it is from {init} (bash) uid 0: ")), "{line}");
    // It is stopped, so it receives the second signal after its sender has
    // exited.
    inside.shell.send_line(&format!("{SIGTOOL} send -USR1 $!; kill -CONT $!"));
    let line = watch.read_until("killed by USR1");
    let (_, number) = line.split_once(", which says it is from ").expect("a sender");
    let number = number.strip_suffix(" in its pid namespace, uid 0").expect(&line);
    assert!(number.parse::<u32>().is_ok(), "{line}");
}

#[test]
fn sender_outside_namespace_has_no_pid() {
    if !is_backend_available("ptrace") {
        return;
    }
    let Some(inside) = Namespace::start() else { return };
    let pid = inside.child.to_string();
    let mut watch = Observer::with_backend("ptrace", &["--timeout", "60s", "--pid", &pid]);
    send("-TERM", &pid);
    watch.read_until("killed by TERM, which says it is from outside its pid namespace, or the kernel");
}

#[test]
fn bpf_translates_pids_of_other_namespace() {
    if !is_backend_available("bpf") {
        return;
    }
    let Some(mut inside) = Namespace::start() else { return };
    let (pid, init) = (inside.child.to_string(), inside.init.to_string());
    let mut watch = Observer::with_backend("bpf", &["--timeout", "60s", "--pid", &format!("{pid},{init}")]);
    // A signal with a value carries a PID that the sender itself has set.
    inside.shell.send_line(&format!("{SIGTOOL} send -s RTMIN+1 -q 5 $!; kill -URG $!"));
    let queued = watch.read_until("RTMIN+1 from ");
    assert!(queued.contains(" (sigtool) uid 0, value 5: ignored, "), "{queued}");
    watch.read_until(&format!("URG from {init} (bash) uid 0: ignored, "));
    drop(watch);
    // The sender set its own PID, as seen in its namespace.
    let mut watch = Observer::with_backend("bpf", &["--json", "--timeout", "60s", "--pid", &init]);
    watch.change();
    inside.shell.send_line(&format!("{SIGTOOL} send -s RTMIN+1 -q 5 $$"));
    let queued = loop {
        let change = next(&mut watch, "generated");
        if change.signal == "RTMIN+1" {
            break change;
        }
    };
    assert!(queued.claims.is_none() && queued.sender.flatten().is_some());
    drop(watch);
    let mut watch =
        Observer::with_backend("bpf", &["--json", "--timeout", "60s", "--pid", &init, "--signal", "CHLD"]);
    watch.change();
    inside.shell.send_line("kill -KILL $!; wait");
    let change: Change = next(&mut watch, "generated");
    let (child, sender) = (change.child.expect("a child"), change.sender.flatten().expect("the child"));
    assert_eq!((child.pid, sender.pid, child.namespace_pid), (inside.child, inside.child, None));
}

#[test]
fn zombie_is_reported_as_by_other_backends() {
    if !is_backend_available("ptrace") {
        return;
    }
    let (ended, living) = (Fixture::start(["--catch", "USR1"]), Fixture::start(["--catch", "USR1"]));
    let pidfd = PidFd::open(ended.pid).expect("it lives");
    send("-KILL", &ended.pid.to_string());
    assert!(pidfd.wait_for_exit(Duration::from_secs(30)).expect("poll"));
    let pids = format!("{},{}", ended.pid, living.pid);
    let mut watch = Observer::with_backend("ptrace", &["--json", "--pid", &pids]);
    assert_eq!(watch.change().state.as_deref(), Some("Z"));
    let change = watch.ended();
    assert_eq!((change.pid, change.killed_by.as_deref()), (ended.pid, Some("KILL")));
    send("-KILL", &living.pid.to_string());
    assert_eq!(watch.ended().pid, living.pid);
    assert_eq!(watch.end().0, Some(0));
}

/// TERM is pending when sigtool starts, so no process is traced.
#[test]
fn interrupt_during_attach_is_obeyed() {
    if !is_backend_available("ptrace") {
        return;
    }
    let fixtures = [(); 3].map(|()| Fixture::start(["--catch", "USR1"]));
    let pids = fixtures.each_ref().map(|fixture| fixture.pid.to_string()).join(",");
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
    assert!(notes.contains("watch: observing 3 processes") && !notes.contains("stood still"), "{notes}");
}

/// The sender has exited before its name is read.
#[test]
fn self_sent_signal_names_self() {
    if !is_backend_available("ptrace") {
        return;
    }
    for (end, message) in [
        ("kill -ABRT $$", "killed by ABRT, which says it is from itself"),
        ("kill -PIPE $$", "killed by PIPE, from itself, or the kernel (a write to a pipe that nobody reads)"),
    ] {
        let mut bash = Interpreter::start();
        let mut watch = Observer::with_backend("ptrace", &["--timeout", "60s", "--pid", &bash.pid]);
        let pid = bash.pid.clone();
        bash.send_line(end);
        let line = watch.read_until("killed by");
        assert!(line.contains(&pid) && line.ends_with(message), "{line}");
    }
    let mut bash = Interpreter::start();
    let mut watch = Observer::with_backend("ptrace", &["--json", "--timeout", "60s", "--pid", &bash.pid]);
    bash.send_line("kill -TERM $$; kill -KILL $$");
    let sender = loop {
        let change = next(&mut watch, "delivered");
        if change.signal == "TERM" {
            break change.sender.flatten().expect("claimed");
        }
    };
    assert_eq!((sender.name.as_deref(), sender.exited), (Some("bash"), false));
}

#[test]
fn processes_never_stopped_are_summarized() {
    if !is_backend_available("ptrace") {
        return;
    }
    let fixtures = [(); 11].map(|()| Fixture::start(["--catch", "USR1"]));
    let pids = fixtures.each_ref().map(|fixture| fixture.pid.to_string()).join(",");
    let result = run(["watch", "--backend", "ptrace", "--pid", &pids, "--timeout", "1ms"]);
    assert_eq!(result.stderr.matches("stood still").count(), 1, "{}", result.stderr);
    assert!(result.stderr.contains("watch: 11 processes never stood still\n"), "{}", result.stderr);
    assert!(result.stderr.lines().all(|line| line.len() <= 80), "{}", result.stderr);
}

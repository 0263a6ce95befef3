//! Signal events from BPF and ptrace.

use std::io::Write;
use std::process::{Command, Stdio};

use sigtool::signal::{Arch, name};
use sigtool::sys::signal::send;

use super::json::Change;
use super::{Observer, send};
use crate::support::{Fixture, SIGTOOL, in_namespace, run, schema, skipped};

/// Returns true if this backend is available. Otherwise prints that the test is
/// skipped.
pub(super) fn is_backend_available(backend_name: &str) -> bool {
    let fixture = Fixture::start(["--name", "tried"]);
    let pid = fixture.pid.to_string();
    let result = run(["watch", "--pid", &pid, "--backend", backend_name, "--timeout", "1ms"]);
    if result.code != Some(124) {
        skipped(&result.stderr);
    }
    result.code == Some(124)
}

/// Returns the next event of this kind.
pub(super) fn next(watch: &mut Observer, event: &str) -> Change {
    loop {
        let change = watch.change();
        if change.event == event {
            return change;
        }
    }
}

#[test]
fn bpf_reports_signal_with_sender_and_result() {
    if !is_backend_available("bpf") {
        return;
    }
    let fixture = Fixture::start(["--default", "~[KILL STOP]", "--block", "USR1,RTMIN+3", "--ignore", "HUP"]);
    let pid = fixture.pid.to_string();
    let mut watch = Observer::with_backend("bpf", &["--json", "--pid", &pid]);
    watch.change();
    for (arguments, signal, value, result) in [
        (&["-USR1"][..], "USR1", None, "delivered"),
        (&["-USR1"], "USR1", None, "already-pending"),
        (&["-HUP"], "HUP", None, "ignored"),
        (&["-s", "RTMIN+3", "-q", "7"], "RTMIN+3", Some(7), "delivered"),
    ] {
        let words = [&["send"], arguments, &[&pid]].concat();
        let sender = run(words);
        assert_eq!(sender.code, Some(0), "{}", sender.stderr);
        let change = next(&mut watch, "generated");
        assert_eq!((change.pid, change.tid, change.signal.as_str()), (fixture.pid, None, signal));
        assert_eq!((change.value, change.result.as_deref()), (value, Some(result)));
        let sender = change.sender.flatten().expect("a sender");
        assert_eq!((sender.name.as_deref(), sender.uid, sender.verified), (Some("sigtool"), 0, true));
        assert!(change.claims.is_none(), "it names itself");
    }
    send("-KILL", &pid);
    let killed = next(&mut watch, "generated");
    let ended = watch.ended();
    assert_eq!((killed.signal.as_str(), ended.killed_by.as_deref()), ("KILL", Some("KILL")));
    let (by, killer) = (killed.sender.flatten().expect("known"), ended.sender.flatten().expect("known"));
    assert_eq!((by.pid, by.name.as_deref()), (killer.pid, killer.name.as_deref()));
}

/// One line names the process that killed the worker.
#[test]
fn bpf_names_sender_of_fatal_signal() {
    if !is_backend_available("bpf") {
        return;
    }
    let mut fixture = Fixture::start(["--name", "worker"]);
    let pid = fixture.pid.to_string();
    let mut watch = Observer::with_backend("bpf", &["--pid", &pid, "--until-exit"]);
    assert!(watch.line().starts_with("TIME "));
    let mut killer = Command::new("bash")
        .args(["-c", "echo $BASHPID; exec -a deploy bash -c 'kill -KILL $0; :' $0", &pid])
        .stdout(Stdio::piped())
        .spawn()
        .expect("bash");
    let output = std::io::read_to_string(killer.stdout.take().expect("a pipe")).expect("UTF-8");
    assert!(killer.wait().expect("it ends").success());
    fixture.terminating_signal();
    let line = watch.line();
    let message = format!("killed by KILL from {} (bash) uid 0", output.trim());
    assert!(line.contains("  worker  ") && line.ends_with(&message), "{line}");
    assert_eq!((watch.line(), watch.end().0), (String::new(), Some(0)));
}

/// Signals from a terminal or a timer are not attributed to the process that
/// happens to run.
#[test]
fn kernel_signals_have_no_sender() {
    if !is_backend_available("bpf") {
        return;
    }
    let mut target = Command::new("python3")
        .args(["-c", "import signal; input(); signal.setitimer(signal.ITIMER_REAL, .01); signal.pause()"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("python3");
    let pid = target.id().to_string();
    let mut watch = Observer::with_backend("bpf", &["--json", "--pid", &pid, "--signal", "ALRM"]);
    assert_eq!(watch.change().event, "start");
    drop(target.stdin.take().map(|mut input| input.write_all(b"\n")));
    let change = watch.change();
    assert_eq!((change.event.as_str(), change.signal.as_str()), ("generated", "ALRM"));
    assert!(change.sender.flatten().is_none());
    assert_eq!(watch.change().event, "ended");
    target.wait().expect("it ends");
}

#[test]
fn bpf_reports_every_signal_of_a_flood() {
    if !is_backend_available("bpf") {
        return;
    }
    let fixture = Fixture::start(["--block", "RTMIN+1"]);
    let pid = fixture.pid.to_string();
    let mut watch =
        Observer::with_backend("bpf", &["--json", "--pid", &pid, "--sender", "sigtool", "--interval", "1d"]);
    watch.change();
    for value in 0..50 {
        let value = value.to_string();
        assert_eq!(run(["send", "-s", "RTMIN+1", "-q", &value, &pid]).code, Some(0));
    }
    for value in 0..50 {
        let change = watch.change();
        assert_eq!((change.event.as_str(), change.value), ("generated", Some(value)));
    }
}

/// More signals arrive than the buffer can store while sigtool is stopped. The
/// sender of KILL is still reported.
#[test]
fn sender_of_kill_is_named_after_flood() {
    if !is_backend_available("bpf") {
        return;
    }
    let mut fixture = Fixture::start(["--ignore", "RTMIN+1"]);
    let pid = fixture.pid.to_string();
    let watch = Observer::with_backend("bpf", &["--json", "--pid", &pid, "--until-exit"]);
    let send_signal = |pid: u32, name: &str| {
        let signal = name::parse(name, Arch::NATIVE).expect("a signal");
        send::to_pid(pid, Some(signal), None).expect("it is a child of this process");
    };
    send_signal(watch.child.id(), "STOP");
    let state = || std::fs::read_to_string(format!("/proc/{}/stat", watch.child.id())).expect("it lives");
    while !state().contains(") T ") {
        std::thread::yield_now();
    }
    // The buffer has room for about 58,000 signals.
    for _ in 0..70_000 {
        send_signal(fixture.pid, "RTMIN+1");
    }
    send_signal(fixture.pid, "KILL");
    assert_eq!(fixture.terminating_signal(), Some(9));
    send_signal(watch.child.id(), "CONT");
    let (code, stdout, stderr) = watch.end();
    assert_eq!(code, Some(0), "{stderr}");
    let lines: Vec<&str> = stdout.lines().collect();
    assert!(lines.iter().any(|line| line.contains("\"lost\":")), "{stdout}");
    let ended: Change =
        serde_json::from_str(lines.iter().find(|line| line.contains("\"ended\"")).expect("its end"))
            .expect("the documented fields");
    assert_eq!(ended.killed_by.as_deref(), Some("KILL"));
    assert_eq!(ended.sender.flatten().expect("it is known").pid, std::process::id());
}

#[test]
fn all_shows_whole_system_from_pid_namespace() {
    let script = r#"
        cd "$(mktemp -d)"; mkfifo out never
        bash -c 'trap : RTMIN+7; echo > "$0"; while :; do read -r line < never || :; done' "$PWD/up" & target=$!
        while ! [ -s up ]; do :; done
        "$SIGTOOL" watch --all --json --signal RTMIN+7 --count 2 > out 2> err &
        exec 3< out
        while ! grep -q 'when sent' err; do
            if ! kill -0 $! 2> none; then echo "skipped $(cat err)"; kill -KILL $target; exit; fi
        done
        "$SIGTOOL" send -s RTMIN+7 $target & first=$!; wait $first
        "$SIGTOOL" send -s RTMIN+7 $target & second=$!; wait $second
        cat <&3; echo "$target $first $second"; kill -KILL $target
    "#;
    let Some(result) = in_namespace(script) else { return };
    if let Some(reason) = result.stdout.strip_prefix("skipped ") {
        return skipped(reason);
    }
    let lines: Vec<&str> = result.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{}{}", result.stdout, result.stderr);
    // PIDs of that namespace.
    let pids: Vec<u32> = lines[2].split(' ').map(|pid| pid.parse().expect("a number")).collect();
    for (line, sender) in lines.iter().zip(&pids[1..]) {
        schema::check("watch", line);
        let change: Change = serde_json::from_str(line).expect("the documented fields");
        assert_eq!((change.pid, change.event.as_str()), (pids[0], "generated"), "{line}");
        assert_eq!(change.sender.flatten().map(|sender| sender.pid), Some(*sender), "{line}");
    }
}

#[test]
fn ptrace_reports_deliveries() {
    if !is_backend_available("ptrace") {
        return;
    }
    let fixture = Fixture::start(["--default", "~[KILL STOP]", "--ignore", "HUP"]);
    let pid = fixture.pid.to_string();
    let mut watch = Observer::with_backend("ptrace", &["--json", "--pid", &pid]);
    watch.change();
    send("-HUP", &pid);
    let change = next(&mut watch, "delivered");
    assert_eq!((change.signal.as_str(), change.result), ("HUP", None));
    let sender = change.sender.flatten().expect("claimed");
    assert!(!sender.verified && sender.pid > 0);
    send("-TERM", &pid);
    assert_eq!(next(&mut watch, "delivered").signal, "TERM");
    let ended = watch.ended();
    assert_eq!(ended.killed_by.as_deref(), Some("TERM"));
    assert!(!ended.sender.flatten().expect("claimed").verified);
}

#[test]
fn missing_permission_is_explained() {
    let fixture = Fixture::start(["--name", "others"]);
    let pid = fixture.pid.to_string();
    let run_as_nobody = |backend_name: &str| {
        let user = ["--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all", SIGTOOL];
        let words = ["watch", "--pid", &pid, "--backend", backend_name, "--timeout", "1ms"];
        let output = Command::new("setpriv").args(user).args(words).output().ok()?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        // This is skipped if setpriv cannot change the user.
        (!text.contains("setpriv:")).then_some((output.status.code(), text))
    };
    let (Some(bpf), Some(ptrace), Some(auto)) =
        (run_as_nobody("bpf"), run_as_nobody("ptrace"), run_as_nobody("auto"))
    else {
        return skipped("setpriv cannot become another user");
    };
    assert_eq!(bpf.0, Some(3), "{}", bpf.1);
    assert!(bpf.1.contains("CAP_BPF and CAP_PERFMON"), "{}", bpf.1);
    assert_eq!(ptrace.0, Some(3), "{}", ptrace.1);
    assert!(ptrace.1.contains(&format!("{pid}: ")) && ptrace.1.contains("CAP_SYS_PTRACE"), "{}", ptrace.1);
    assert_eq!(auto.0, Some(124), "{}", auto.1);
    assert!(auto.1.contains("CAP_BPF") && auto.1.contains("--backend ptrace"), "{}", auto.1);
}

#[test]
fn events_reject_conflicting_options() {
    for (arguments, message) in [
        (&["--all", "--pid", "1"][..], "cannot be used with"),
        (&["--all", "--name", "x"], "--all: it is every process"),
        (&["--all", "TERM"], ": --signal TERM tells of that alone"),
        (&["--all", "--signal", "65"], "--signal 65: not a signal number: they go from 1 to 64"),
        (&["--all", "--backend", "ptrace"], "--all: only BPF"),
        (&["--all", "--until-exit"], "--until-exit: it is for processes"),
        (&["--pid", "1", "--target", "1"], "--target: it goes with --all"),
        (&["--signal", "TERM"], "--signal: whom to observe is missing"),
        (&["--pid", "1", "--signal", "FOO"], "--signal FOO: unknown signal"),
        (&["--pid", "1", "--sender", "0"], "--sender 0: process ids go from 1"),
        (&["--pid", "1", "--backend", "proc", "--sender", "1"], "--signal, --sender: /proc does not tell"),
        (&["--pid", "1", "--backend", "dtrace"], "invalid value 'dtrace'"),
    ] {
        let result = run(["watch"].iter().chain(arguments));
        assert_eq!((result.code, result.stdout.as_str()), (Some(2), ""), "{arguments:?} {}", result.stderr);
        assert!(result.stderr.contains(message), "{arguments:?}: {}", result.stderr);
    }
}

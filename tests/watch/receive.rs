//! `sigtool watch [SIGNAL...]`: receives signals and shows their senders.

mod slow;

use std::fs::File;
use std::process::{Command, Stdio};

use super::{Watch, events, events_among};
use crate::support::{SIGTOOL, fixture_path, in_namespace, run, schema, sigtool, skipped};

#[test]
fn received_signal_is_printed_with_sender() {
    let watch = Watch::start(&["--json", "--count", "3"]);
    // The signals are sent one after another, because pending signals are not
    // received in order of arrival.
    let own = std::process::id();
    watch.send(&["-USR1"]);
    watch.send(&["-q", "-7", "-RTMIN+1"]);
    watch.send(&["-q", "8", "-RTMIN+1"]);
    let (code, stdout, stderr) = watch.end();
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let events = events(&stdout);
    assert_eq!(events.len(), 3, "{stdout}");
    let first = &events[0];
    assert_eq!((first.signal.as_str(), first.number, first.code, first.errno), ("USR1", 10, 0, 0));
    assert_eq!(first.code_name.as_deref(), Some("SI_USER"));
    assert_eq!(first.meaning.as_deref(), Some("sent by kill(2)"));
    assert!(first.time.ends_with('Z') && first.time.len() == 27, "{}", first.time);
    let sender = first.sender.as_ref().expect("a sender");
    assert!(first.verified && !events[1].verified);
    assert!(sender.verified && sender.pid != own && sender.exited == sender.name.is_none());
    let queued = &events[1];
    assert_eq!((queued.signal.as_str(), queued.value), ("RTMIN+1", Some(-7)));
    assert_eq!(queued.pointer, Some(u64::from(-7_i32 as u32)));
    assert!(queued.sender.as_ref().is_some_and(|sender| !sender.verified));
    assert_eq!(events[2].value, Some(8));
    for event in &events {
        assert!(event.child.is_none() && event.timer.is_none() && event.descriptor.is_none());
        assert!(event.address.is_none() && event.syscall.is_none() && event.lost.is_none());
    }
}

#[test]
fn living_sender_is_named() {
    let watch = Watch::start(&["--json", "--count", "1", "USR2"]);
    let pid = watch.pid;
    // The fixture stays alive under its name after it has sent the signals.
    let mut fixture = Command::new(fixture_path())
        .args(["--name", "a sender", "--flood", &pid.to_string(), "USR2", "1"])
        .stdout(Stdio::null())
        .spawn()
        .expect("the fixture runs");
    let (code, stdout, _) = watch.end();
    fixture.kill().and_then(|()| fixture.wait()).expect("it ends");
    assert_eq!(code, Some(0));
    let event = &events(&stdout)[0];
    let sender = event.sender.as_ref().expect("a sender");
    assert_eq!((sender.pid, sender.name.as_deref()), (fixture.id(), Some("a sender")));
    assert_eq!(event.value, Some(0));
}

#[test]
fn text_has_header_and_one_line_per_signal() {
    // Two signals of one number could merge, and the second would not be counted.
    let watch = Watch::start(&["--count", "2", "USR1,USR2"]);
    watch.send(&["-USR1"]);
    watch.send(&["-q", "5", "-USR2"]);
    let (code, stdout, _) = watch.end();
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!((code, lines.len()), (Some(0), 3), "{stdout}");
    assert!(lines[0].starts_with("TIME ") && lines[0].ends_with(" CODE"), "{stdout}");
    assert!(lines[1].contains("  USR1      ") && lines[1].ends_with("sent by kill(2)"), "{stdout}");
    assert!(lines[2].contains("  claims ") && lines[2].contains("  5      sent by sigqueue(3)"), "{stdout}");
}

#[test]
fn exits_on_count_timeout_or_signal() {
    for (arguments, signal, code) in [
        (&[][..], "-INT", 0),
        (&[], "-TERM", 0),
        (&["USR1"], "-TERM", 0),
        (&["USR1"], "-INT", 0),
        (&["--timeout", "1h", "USR1"], "-TERM", 0),
        (&["--count", "2", "USR1"], "-TERM", 143),
        (&["--count", "2", "USR1"], "-INT", 130),
        (&["--count", "1", "TERM"], "-TERM", 0),
        (&["USR1"], "-HUP", 129),
    ] {
        let watch = Watch::spawn(
            Command::new(fixture_path())
                .args(["--default", "~[KILL STOP]", "--", SIGTOOL, "watch"])
                .args(arguments)
                .stdout(Stdio::null())
                .stdin(Stdio::null()),
        );
        watch.send(&[signal]);
        assert_eq!(watch.end().0, Some(code), "{arguments:?} {signal}");
    }
    assert_eq!(run(["watch", "--timeout", "1ms", "USR1"]).code, Some(124));
    assert_eq!(run(["watch", "--timeout", "0", "--count", "1"]).code, Some(124));
}

#[test]
fn ignored_hup_does_not_end_watch() {
    let watch = Watch::spawn(
        Command::new(fixture_path())
            .args(["--ignore", "HUP", "--", SIGTOOL, "watch", "--count", "1", "USR1"])
            .stdout(Stdio::null())
            .stdin(Stdio::null()),
    );
    watch.send(&["-HUP"]);
    watch.send(&["-USR1"]);
    assert_eq!(watch.end().0, Some(0));
}

#[test]
fn receive_rejects_conflicting_options() {
    for (arguments, message) in [
        (&["FOO"][..], "FOO: unknown signal; the nearest name is FPE"),
        (&["KILL"], "KILL: the kernel lets nobody catch, block or ignore it"),
        (&["33"], "33: it is the C library's own"),
        (&["65"], "65: not a signal number: they go from 1 to 64"),
        (&[""], "'': not a signal"),
        (&["--on", "HUP"], "--on HUP: SIGNAL=COMMAND is expected"),
        (&["--on", "KILL=x"], "--on KILL: the kernel lets nobody"),
        (&["--count", "0"], "invalid value '0' for '--count <N>'"),
        (&["--timeout", "soon"], "--timeout soon: not a duration"),
        (&["--burst", "some"], "invalid value 'some' for '--burst <HOW>'"),
    ] {
        let result = run(["watch"].iter().chain(arguments));
        assert_eq!((result.code, result.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(result.stderr.contains(message), "{arguments:?}: {}", result.stderr);
    }
}

#[test]
fn timer_and_child_signals_are_distinguished() {
    // A child of the shell exits while the shell, which has executed sigtool,
    // watches. An alarm set before exec expires.
    let python = "import os, signal, sys, time
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM, signal.SIGCHLD])
child = os.fork()
if child == 0: os._exit(3)
signal.setitimer(signal.ITIMER_REAL, 0.01)
os.execv(sys.argv[1], ['sigtool', 'watch', '--json', '--count', '2', 'ALRM', 'CHLD'])";
    let mut command = Command::new("python3");
    command.args(["-c", python, SIGTOOL]).stdout(Stdio::piped());
    if Command::new("python3").arg("--version").output().is_err() {
        return skipped("python3 is missing");
    }
    let (code, stdout, _) = Watch::spawn(&mut command).end();
    assert_eq!(code, Some(0));
    let mut events = events(&stdout);
    events.sort_by_key(|event| event.number);
    let [alarm, child] = &events[..] else { panic!("{stdout}") };
    assert_eq!((alarm.signal.as_str(), alarm.code_name.as_deref()), ("ALRM", Some("SI_KERNEL")));
    assert!(alarm.sender.is_none(), "a timer has no sender");
    assert_eq!((child.signal.as_str(), child.code_name.as_deref()), ("CHLD", Some("CLD_EXITED")));
    assert_eq!(child.child.as_ref().map(|child| child.status), Some(3));
}

/// Sends queued signals as another user, whose queue no other test fills.
fn flood(count: u32) {
    let user = ["--reuid", "54322", "--regid", "54322", "--clear-groups"];
    let folder = std::env::temp_dir().join(format!("sigtool-flood-{count}-{}", std::process::id()));
    let file = File::create(&folder).expect("a file");
    let mut command = Command::new("setpriv");
    command.args(user).args([SIGTOOL, "watch", "--json", "--count", &count.to_string(), "RTMIN+5"]);
    let can = Command::new("setpriv").args(user).args([SIGTOOL, "--version"]).output();
    if !can.is_ok_and(|output| output.status.success()) {
        std::fs::remove_file(&folder).expect("the file");
        return skipped("setpriv may not change its user here, or that user may not run sigtool");
    }
    let watch = Watch::spawn(command.stdout(file));
    let sender = Command::new("setpriv")
        .args(user)
        .arg(fixture_path())
        .args(["--flood", &watch.pid.to_string(), "RTMIN+5", &count.to_string(), "--exit", "0"])
        .stdout(Stdio::null())
        .status()
        .expect("the fixture runs");
    assert!(sender.success());
    let (code, _, _) = watch.end();
    assert_eq!(code, Some(0));
    let text = std::fs::read_to_string(&folder).expect("the file");
    std::fs::remove_file(&folder).expect("the file");
    // All lines have the same form, so some of them are enough to check the
    // schema.
    let some: Vec<&str> = text.lines().take(1000).collect();
    schema::check("watch", &some.join("\n"));
    let values = text.lines().map(|line| {
        let start = line.find("\"value\":").expect("a value") + "\"value\":".len();
        let digits = line[start..].split([',', '}']).next().expect("a value");
        digits.parse::<u32>().expect("a number")
    });
    assert!(values.eq(0..count), "all of them, in order");
}

/// Signals that arrive faster than they are read do not delay the timeout.
#[test]
fn timeout_expires_during_flood() {
    let user = ["--reuid", "54322", "--regid", "54322", "--clear-groups"];
    let can = Command::new("setpriv").args(user).args([SIGTOOL, "--version"]).output();
    if !can.is_ok_and(|output| output.status.success()) {
        return skipped("setpriv may not change its user here, or that user may not run sigtool");
    }
    let mut command = Command::new("setpriv");
    command.args(user).args([SIGTOOL, "watch", "--timeout", "300ms", "RTMIN+6"]).stdout(Stdio::null());
    let watch = Watch::spawn(&mut command);
    // The sender fails when the watch has exited, which the test waits for.
    let mut sender = Command::new("setpriv")
        .args(user)
        .arg(fixture_path())
        .args(["--flood", &watch.pid.to_string(), "RTMIN+6", "2000000000", "--exit", "0"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the fixture runs");
    let (code, _, _) = watch.end();
    let _ = sender.kill();
    sender.wait().expect("it ends");
    assert_eq!(code, Some(124));
}

#[test]
fn full_queue_is_reported() {
    // The queue has room for two signals. Another signal fills it while the
    // receiver is stopped. Then a plain kill with a real-time signal loses its
    // siginfo.
    let script = "
        cd \"$(mktemp -d)\"; mkfifo ready; exec 9<> ready
        setpriv --reuid 54323 --regid 54323 --clear-groups prlimit --sigpending=2 \"$SIGTOOL\" watch --json --count 3 RTMIN,RTMIN+1 > out 2> ready &
        read -r line <&9; pid=${line##* }
        kill -STOP $pid; until grep -q '^State:.T' /proc/$pid/status; do :; done
        for n in RTMIN+1 RTMIN+1 RTMIN; do setpriv --reuid 54323 --regid 54323 --clear-groups \"$KILL\" -$n $pid; done
        kill -CONT $pid; wait $!; echo ended $?; read -r line <&9; echo \"$line\"; cat out
    ";
    let Some(result) = in_namespace(script) else { return };
    if !result.stdout.starts_with("ended 0") {
        return skipped(&format!("setpriv or prlimit: {}{}", result.stdout, result.stderr));
    }
    assert!(result.stdout.contains("watch: the queue of your user is full (ulimit -i)"), "{}", result.stdout);
    assert!(result.stdout.contains("\"lost\":true"), "{}", result.stdout);
    assert_eq!(events_among(&result.stdout).len(), 3, "{}", result.stdout);
}

#[test]
fn closed_reader_ends_watch_quietly() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let watch = Watch::spawn(sigtool(["watch", "--json"]).stdout(writer));
    drop(reader);
    watch.send(&["-USR1"]);
    let (code, _, stderr) = watch.end();
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
}

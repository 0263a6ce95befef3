//! The hooks of `sigtool watch --on`.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use super::{Watch, events};
use crate::support::{SIGTOOL, fixture_path, sigtool};

#[test]
fn hook_receives_signal_in_environment() {
    let hook = "RTMIN=echo $SIGTOOL_SIGNAL $SIGTOOL_NUMBER $SIGTOOL_CODE $SIGTOOL_VALUE $SIGTOOL_SENDER_UID";
    let watch = Watch::start(&[
        "--count",
        "1",
        "--on",
        hook,
        "--on",
        "EXIT=echo $SIGTOOL_SIGNAL $SIGTOOL_STATUS",
        "USR1",
    ]);
    watch.send(&["-q", "9", "-RTMIN"]);
    let (code, stdout, stderr) = watch.end();
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let lines: Vec<&str> = stdout.lines().skip(1).collect();
    assert!(lines[0].contains("  RTMIN     claims "), "{stdout}");
    assert!(lines[1].starts_with("RTMIN 34 SI_QUEUE 9 "), "{stdout}");
    assert_eq!(lines[2], "EXIT 0");
}

#[test]
fn hooks_start_in_inherited_signal_state() {
    let settings = ["--default", "~[KILL STOP]", "--ignore", "PIPE,USR2", "--block", "CHLD,RTMAX"];
    let grep = "grep Sig /proc/self/status";
    let watch = Watch::spawn(
        Command::new(fixture_path())
            .args(settings)
            .args(["--", SIGTOOL, "watch", "--count", "1", "--on", &format!("USR1=exec {grep}")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped()),
    );
    watch.send(&["-USR1"]);
    let (_, stdout, _) = watch.end();
    let plain = Command::new(fixture_path())
        .args(settings)
        .args(["--", "sh", "-c", &format!("exec {grep}")])
        .output();
    let plain = String::from_utf8(plain.expect("it runs").stdout).expect("UTF-8");
    let masks = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.starts_with("Sig") && !line.starts_with("SigQ"));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(masks(&stdout), masks(&plain));
    assert_eq!(masks(&stdout).len(), 4, "{stdout}");
}

/// Sends three signals while the hook of the first one runs, which exits when it
/// reads a line. Returns the output of the hooks.
fn burst(how: &str) -> Vec<String> {
    let folder = std::env::temp_dir().join(format!("sigtool-burst-{how}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let fifo = folder.join("go");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    // If another test forks, its child may keep our end open for a moment. Then
    // `read` returns without a line.
    let wait = format!("until read line < {}; do :; done", fifo.display());
    let hook = format!("RTMIN=echo begin $SIGTOOL_VALUE; {wait}; echo end $SIGTOOL_VALUE");
    let mut watch = Watch::start(&["--burst", how, "--count", "3", "--on", &hook]);
    let mut stdout = BufReader::new(watch.child.stdout.take().expect("a pipe"));
    let mut lines = Vec::new();
    let mut next = |wanted: &str| loop {
        let mut line = String::new();
        assert_ne!(stdout.read_line(&mut line).expect("UTF-8"), 0, "no {wanted} in {lines:?}");
        let line = line.trim().to_owned();
        let found = line.starts_with(wanted);
        lines.push(line);
        if found {
            break;
        }
    };
    watch.send(&["-q", "0", "-RTMIN"]);
    next("begin 0");
    watch.send(&["-q", "1", "-RTMIN"]);
    watch.send(&["-q", "2", "-RTMIN"]);
    // Both have been received, with or without a hook.
    next("20");
    next("20");
    let running = if how == "parallel" { 3 } else { 1 };
    let commands = if how == "drop" { 1 } else { 3 };
    if running == 3 {
        next("begin");
        next("begin");
    }
    for _ in 0..commands {
        // Opening the FIFO waits until a hook reads; one line releases one hook.
        std::fs::write(&fifo, "go\n").expect("a reader");
        next("end");
    }
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).expect("UTF-8");
    lines.extend(rest.lines().map(str::to_owned));
    let (code, _, _) = watch.end();
    assert_eq!(code, Some(0));
    std::fs::remove_dir_all(&folder).expect("the folder");
    assert_eq!(lines.iter().filter(|line| line.starts_with("20")).count(), 3, "{lines:?}");
    lines.retain(|line| !line.starts_with("20") && !line.starts_with("TIME"));
    lines
}

#[test]
fn hooks_run_one_after_another() {
    assert_eq!(burst("queue"), ["begin 0", "end 0", "begin 1", "end 1", "begin 2", "end 2"]);
}

#[test]
fn signals_can_be_dropped_while_hook_runs() {
    assert_eq!(burst("drop"), ["begin 0", "end 0"]);
}

/// The shell is removed before the first hook exits.
#[test]
fn hooks_that_cannot_start_are_skipped() {
    let folder = std::env::temp_dir().join(format!("sigtool-line-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (shell, fifo) = (folder.join("sh"), folder.join("go"));
    std::os::unix::fs::symlink("/bin/sh", &shell).expect("a link");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    let hook = format!("RTMIN=read line < {}", fifo.display());
    let watch = Watch::spawn(
        sigtool(["watch", "--count", "3", "--on", &hook]).env("PATH", &folder).stdout(Stdio::piped()),
    );
    for value in ["0", "1", "2"] {
        watch.send(&["-q", value, "-RTMIN"]);
    }
    // Opening the FIFO waits until the first hook has started.
    let mut writer = std::fs::OpenOptions::new().write(true).open(&fifo).expect("a reader");
    std::fs::remove_file(&shell).expect("it was there");
    writer.write_all(b"go\n").expect("a reader");
    let (code, _, stderr) = watch.end();
    std::fs::remove_dir_all(&folder).expect("the folder");
    // On one line, or on two if the last signal arrived later.
    assert_eq!(
        (code, stderr.matches("RTMIN: sh: No such file or directory").count()),
        (Some(0), 2),
        "{stderr}"
    );
}

#[test]
fn hooks_that_exit_at_once_succeed() {
    let settings = ["--ignore", "CHLD", "--", SIGTOOL, "watch", "--count", "50", "--on", "RTMIN=exit 3"];
    let watch = Watch::spawn(
        Command::new(fixture_path())
            .args(settings)
            .args(["--burst", "parallel", "RTMIN"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped()),
    );
    for value in 0..50 {
        watch.send(&["-q", &value.to_string(), "-RTMIN"]);
    }
    let (code, stdout, stderr) = watch.end();
    assert_eq!((code, stderr.as_str(), stdout.matches("  RTMIN  ").count()), (Some(0), "", 50));
}

#[test]
fn chld_of_hooks_is_not_reported() {
    // The shell executes sigtool, so its child becomes a child of sigtool.
    let script = "sleep 0 & exec \"$0\" watch --json --count 1 CHLD";
    let watch = Watch::spawn(Command::new("sh").args(["-c", script, SIGTOOL]).stdout(Stdio::piped()));
    let pid = watch.pid;
    // The child may have exited before sigtool blocked the signals, so another
    // one is sent.
    watch.send(&["-CHLD"]);
    let (code, stdout, _) = watch.end();
    assert_eq!(code, Some(0), "{pid}");
    let event = &events(&stdout)[0];
    assert_eq!((event.signal.as_str(), event.child.is_some()), ("CHLD", event.sender.is_none()));

    let watch = Watch::start(&["--json", "--on", "USR1=true", "--count", "2", "CHLD", "RTMIN"]);
    watch.send(&["-USR1"]);
    watch.send(&["-RTMIN"]);
    let (code, stdout, _) = watch.end();
    let signals: Vec<String> = events(&stdout).into_iter().map(|event| event.signal).collect();
    assert_eq!((code, signals), (Some(0), vec!["USR1".to_owned(), "RTMIN".to_owned()]));
}

#[test]
fn hook_output_goes_to_stderr_with_json() {
    let watch = Watch::start(&["--json", "--count", "1", "--on", "USR1=echo printed"]);
    watch.send(&["-USR1"]);
    let (code, stdout, stderr) = watch.end();
    assert_eq!((code, events(&stdout).len(), stderr.as_str()), (Some(0), 1, "printed\n"));
}

#[test]
fn failing_hook_is_reported() {
    let watch = Watch::start(&["--count", "1", "--on", "USR1=exit 3"]);
    watch.send(&["-USR1"]);
    let (code, _, stderr) = watch.end();
    assert_eq!((code, stderr.as_str()), (Some(0), "watch: USR1: the command ended with exit status: 3\n"));
}

/// Notices that cannot be written do not end sigtool.
#[test]
fn unread_notices_do_not_block_hooks() {
    let words = ["watch", "--json", "--count", "2", "--on", "USR1=exit 3", "RTMIN"];
    let mut child = sigtool(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut line = String::new();
    // The pipe is closed after this line.
    BufReader::new(child.stderr.take().expect("a pipe")).read_line(&mut line).expect("it prints a line");
    let pid = child.id().to_string();
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    for signal in ["-USR1", "-RTMIN"] {
        assert_eq!(crate::support::run(["send", signal, &pid]).code, Some(0));
        line.clear();
        stdout.read_line(&mut line).expect("UTF-8");
        assert!(line.contains(&signal[1..]), "{line:?}");
    }
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

/// A second request ends sigtool, even if a signal hook or an EXIT hook hangs.
#[test]
fn second_interrupt_does_not_wait_for_hooks() {
    let hooks = ["--on", "USR1=exec sleep 30", "--on", "EXIT=echo ending >&2; exec sleep 30"];
    let mut watch = Watch::start(&hooks);
    let mut stdout = BufReader::new(watch.child.stdout.take().expect("a pipe"));
    watch.send(&["-USR1"]);
    watch.send(&["-TERM"]);
    // Two signals at once would merge, so the first must have been received.
    let mut line = String::new();
    while !line.contains("  TERM  ") {
        line.clear();
        assert_ne!(stdout.read_line(&mut line).expect("UTF-8"), 0, "it ended");
    }
    for wanted in ["commands not waited for: 1", "ending", "commands not waited for: 1"] {
        line.clear();
        if wanted != "ending" {
            watch.send(&["-TERM"]);
        }
        watch.stderr.read_line(&mut line).expect("UTF-8");
        assert!(line.contains(wanted), "{line:?}, not {wanted:?}");
    }
    assert_eq!(watch.child.wait().expect("it ends").code(), Some(0));
}

/// The kernel would not generate an ignored SIGCHLD.
#[test]
fn chld_is_received_although_ignored_on_entry() {
    let python = "import os, signal, sys, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
read, write = os.pipe()
if os.fork() == 0:
    os.close(write); os.read(read, 1); os._exit(4)
os.close(read); os.set_inheritable(write, True)
os.execv(sys.argv[1], ['sigtool', 'watch', '--json', '--count', '1', 'CHLD'])";
    if Command::new("python3").arg("--version").output().is_err() {
        return crate::support::skipped("python3 is missing");
    }
    let mut command = Command::new("python3");
    command.args(["-c", python, SIGTOOL]).stdout(Stdio::piped());
    let watch = Watch::spawn(&mut command);
    // The child waits on a pipe that watch keeps open, so the test kills it.
    let children =
        std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", watch.pid)).expect("children");
    let child = children.split_whitespace().next().expect("a child").to_owned();
    assert_eq!(crate::support::run(["send", "-KILL", &child]).code, Some(0));
    let (code, stdout, _) = watch.end();
    assert_eq!(code, Some(0));
    let event = &events(&stdout)[0];
    assert_eq!(event.child.as_ref().map(|child| child.pid.to_string()), Some(child));
}

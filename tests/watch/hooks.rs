//! The commands that `sigtool watch --on` runs.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use super::{Watch, events, events_among};
use crate::support::{SIGTOOL, fixture_path};

#[test]
fn a_command_finds_the_signal_in_its_environment() {
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
fn commands_start_in_the_inherited_state() {
    let settings = ["--default", "~[KILL STOP]", "--ignore", "PIPE,USR2", "--block", "CHLD,RTMAX"];
    let grep = "grep Sig /proc/self/status";
    let watch = Watch::of(
        Command::new(fixture_path())
            .args(settings)
            .args(["--", SIGTOOL, "watch", "--json", "--count", "1", "--on", &format!("USR1=exec {grep}")])
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
    assert_eq!(events_among(&stdout).len(), 1, "{stdout}");
}

/// Three signals while the first one's command runs, which ends when told so.
fn burst(how: &str) -> Vec<String> {
    let folder = std::env::temp_dir().join(format!("sigtool-burst-{how}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let fifo = folder.join("go");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    let hook =
        format!("RTMIN=echo begin $SIGTOOL_VALUE; read line < {}; echo end $SIGTOOL_VALUE", fifo.display());
    let mut watch = Watch::start(&["--json", "--burst", how, "--count", "3", "--on", &hook]);
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
    // Both have been received, whatever becomes of their commands.
    next("{");
    next("{");
    let running = if how == "parallel" { 3 } else { 1 };
    let commands = if how == "drop" { 1 } else { 3 };
    if running == 3 {
        next("begin");
        next("begin");
    }
    for _ in 0..commands {
        // Opening waits for a command that reads; one line lets one go on.
        std::fs::write(&fifo, "go\n").expect("a reader");
        next("end");
    }
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).expect("UTF-8");
    lines.extend(rest.lines().map(str::to_owned));
    let (code, _, _) = watch.end();
    assert_eq!(code, Some(0));
    std::fs::remove_dir_all(&folder).expect("the folder");
    assert_eq!(events_among(&lines.join("\n")).len(), 3, "{lines:?}");
    lines.retain(|line| !line.starts_with('{'));
    lines
}

#[test]
fn commands_wait_in_line() {
    assert_eq!(burst("queue"), ["begin 0", "end 0", "begin 1", "end 1", "begin 2", "end 2"]);
}

#[test]
fn arrivals_may_be_dropped_while_their_command_runs() {
    assert_eq!(burst("drop"), ["begin 0", "end 0"]);
}

#[test]
fn a_child_of_ours_is_no_news_and_another_is() {
    // The shell becomes sigtool, so its child is sigtool's.
    let script = "sleep 0 & exec \"$0\" watch --json --count 1 CHLD";
    let watch = Watch::of(Command::new("sh").args(["-c", script, SIGTOOL]).stdout(Stdio::piped()));
    let pid = watch.pid;
    // It may have ended before the signals were blocked: one more, then.
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

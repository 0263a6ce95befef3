//! `sigtool watch -- COMMAND`: forwarded signals and the log.

use std::process::{Command, Stdio};

use super::{file, log, start_nested};
use crate::support::{SIGTOOL, fixture_path, run, sigtool, skipped};
use crate::watch::{Watch, events};

#[test]
fn forwarding_keeps_sender_and_value() {
    let path = file("kept");
    let path_text = path.to_str().expect("UTF-8");
    let watch = start_nested(&["--json", "--log", path_text], &["--json", "--count", "3"]);
    watch.send(&["-USR1"]);
    watch.send(&["-q", "-7", "-RTMIN+1"]);
    watch.send(&["-q", "8", "-RTMIN+1"]);
    let (code, stdout, stderr) = watch.end();
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let (got, logged) = (events(&stdout), log(&path));
    assert_eq!((got.len(), logged.len()), (3, 3), "{stdout}");
    for (got, logged) in got.iter().zip(&logged) {
        let (sender, original) =
            (got.sender.as_ref().expect("a sender"), logged.sender.as_ref().expect("a sender"));
        assert_eq!((sender.pid, sender.uid), (original.pid, original.uid));
        assert_eq!((got.signal.as_str(), got.code), (logged.signal.as_str(), -1));
        assert_eq!(logged.forwarded, Some(Some(logged.signal.clone())));
        assert!(got.forwarded.is_none() && logged.reason.is_none());
    }
    assert_eq!((logged[0].code, logged[0].verified, got[0].value), (0, true, Some(0)));
    assert_eq!(
        [1, 2].map(|at: usize| (got[at].value, logged[at].value)),
        [(Some(-7), Some(-7)), (Some(8), Some(8))]
    );
}

#[test]
fn map_and_drop_apply_to_all_signals() {
    let path = file("mapped");
    let path_text = path.to_str().expect("UTF-8");
    let options =
        ["--map", "TERM=RTMIN+2", "--map", "rtmin=USR1", "--drop", "HUP,RTMAX", "--json", "--log", path_text];
    let watch = start_nested(&options, &["--json", "--count", "2"]);
    watch.send(&["-HUP"]);
    watch.send(&["-q", "5", "-RTMAX"]);
    watch.send(&["-q", "6", "-RTMIN"]);
    watch.send(&["-TERM"]);
    let (code, stdout, _) = watch.end();
    let got: Vec<_> = events(&stdout).into_iter().map(|event| (event.signal, event.value)).collect();
    assert_eq!(code, Some(0));
    // Pending signals are not received in order of arrival.
    let mut expected = vec![("USR1".to_owned(), Some(6)), ("RTMIN+2".to_owned(), Some(0))];
    expected.sort_by_key(|(signal, _)| got.iter().position(|(got, _)| got == signal));
    assert_eq!(got, expected);
    let mut done: Vec<_> =
        log(&path).into_iter().map(|event| (event.signal, event.forwarded, event.reason)).collect();
    done.sort();
    let dropped = Some("dropped".to_owned());
    assert_eq!(
        done,
        [
            ("HUP".to_owned(), Some(None), dropped.clone()),
            ("RTMAX".to_owned(), Some(None), dropped),
            ("RTMIN".to_owned(), Some(Some("USR1".to_owned())), None),
            ("TERM".to_owned(), Some(Some("RTMIN+2".to_owned())), None),
        ]
    );
}

#[test]
fn group_option_forwards_to_whole_group() {
    let script = "\"$0\" --report --catch USR1 & exec \"$0\" --report --catch USR1";
    let fixture = fixture_path();
    let words = ["watch", "--group", "--quiet", "--", "sh", "-c", script, fixture.to_str().expect("UTF-8")];
    let mut child = sigtool(words).stdout(Stdio::piped()).spawn().expect("it runs");
    let mut stdout = std::io::BufReader::new(child.stdout.take().expect("a pipe"));
    let mut lines = |count: usize, word: &str| {
        let mut seen = 0;
        while seen < count {
            let mut line = String::new();
            assert_ne!(std::io::BufRead::read_line(&mut stdout, &mut line).expect("UTF-8"), 0, "no {word}");
            seen += usize::from(line.starts_with(word));
        }
    };
    lines(2, "ready");
    let pid = child.id().to_string();
    assert_eq!(run(["send", "-USR1", &pid]).code, Some(0));
    lines(2, "handled 10");
    assert_eq!(run(["send", "-TERM", &pid]).code, Some(0));
    assert_eq!(child.wait().expect("it ends").code(), Some(143));
}

#[test]
fn hooks_run_while_command_runs() {
    let hook = "USR1=echo hook $SIGTOOL_SIGNAL $SIGTOOL_SENDER_UID";
    let watch = start_nested(
        &["--quiet", "--on", hook, "--on", "EXIT=echo over $SIGTOOL_STATUS"],
        &["--count", "1", "USR1"],
    );
    watch.send(&["-USR1"]);
    let (code, stdout, stderr) = watch.end();
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(stdout.contains("  USR1      "), "it is forwarded as well: {stdout}");
    assert!(stdout.contains("hook USR1 ") && stdout.ends_with("over 0\n"), "{stdout}");
    // A dropped signal still runs its hook.
    let watch =
        start_nested(&["--quiet", "--on", "HUP=kill -USR1 $PPID", "--drop", "HUP"], &["--count", "1"]);
    watch.send(&["-HUP"]);
    let (code, stdout, _) = watch.end();
    assert!(code == Some(0) && stdout.contains("  USR1      ") && !stdout.contains("  HUP "), "{stdout}");
}

/// All signals that arrive while a hook runs are received and forwarded, and each
/// runs its hook.
#[test]
fn burst_during_handler_loses_nothing() {
    let output_path = file("burst");
    let hook = format!("RTMIN=echo $SIGTOOL_VALUE >> {}", output_path.display());
    let watch = start_nested(&["--quiet", "--on", &hook], &["--json", "--count", "20", "RTMIN"]);
    for value in 0..20 {
        watch.send(&["-q", &value.to_string(), "-RTMIN"]);
    }
    let (code, stdout, _) = watch.end();
    let values: Vec<_> = events(&stdout).into_iter().filter_map(|event| event.value).collect();
    assert_eq!((code, values), (Some(0), (0..20).collect()));
    let handled = std::fs::read_to_string(&output_path).expect("the handler has run");
    std::fs::remove_file(&output_path).expect("the file");
    assert_eq!(handled, (0..20).map(|value| format!("{value}\n")).collect::<String>());
}

/// Sends queued signals as another user, whose queue no other test fills.
fn flood(user: &str, limit: &str, count: u32) {
    let as_user = || {
        let mut command = Command::new("prlimit");
        command.args([limit, "setpriv", "--reuid", user, "--regid", user, "--clear-groups"]);
        command
    };
    // setpriv still has capabilities when it executes sigtool; sigtool has none
    // when it executes the command.
    let can = as_user().args([SIGTOOL, "watch", "--quiet", "--", SIGTOOL, "--version"]).output();
    if !can.is_ok_and(|output| output.status.success()) {
        return skipped("prlimit or setpriv may not do it here, or that user may not run sigtool");
    }
    let mut command = as_user();
    command.args([SIGTOOL, "watch", "--quiet", "--", SIGTOOL, "watch"]);
    command.args(["--json", "--count", &count.to_string(), "RTMIN+5"]);
    let out = file(&format!("forwarded-{count}"));
    let mut watch =
        Watch::spawn(command.stdin(Stdio::null()).stdout(std::fs::File::create(&out).expect("a file")));
    watch.pid = watch.child.id();
    let mut sender = as_user()
        .arg(fixture_path())
        .args(["--flood", &watch.pid.to_string(), "RTMIN+5", &count.to_string(), "--exit", "0"])
        .stdout(Stdio::null())
        .spawn()
        .expect("the fixture runs");
    let from = sender.id();
    assert!(sender.wait().expect("it ends").success());
    assert_eq!(watch.end().0, Some(0));
    let text = std::fs::read_to_string(&out).expect("the file");
    std::fs::remove_file(&out).expect("the file");
    let got = events(&text);
    let values = got.iter().map(|event| event.value.expect("a value"));
    assert!(values.eq(0..count as i32), "all of them, in order");
    for event in &got {
        let sender = event.sender.as_ref().expect("a sender");
        assert_eq!((sender.pid, sender.uid.to_string().as_str(), event.code), (from, user, -1));
    }
}

#[test]
fn ten_thousand_realtime_signals_are_forwarded_in_order() {
    flood("54322", "--sigpending=30000", 10_000);
}

/// The command and the sender share a small queue. sigtool waits until it has
/// room and loses no signal.
#[test]
fn full_queue_delays_forwarding_without_loss() {
    flood("54325", "--sigpending=20", 3_000);
}

#[test]
fn log_file_is_separate_and_appended() {
    let path = file("log");
    let path_text = path.to_str().expect("UTF-8");
    for _ in 0..2 {
        let watch = start_nested(&["--log", path_text], &["--count", "1", "USR2"]);
        watch.send(&["-USR2"]);
        let (code, stdout, stderr) = watch.end();
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        assert_eq!(stdout.lines().count(), 2, "the command's own: {stdout}");
    }
    let text = std::fs::read_to_string(&path).expect("the log");
    std::fs::remove_file(&path).expect("the log");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() == 3 && lines[0].starts_with("TIME "), "{text}");
    assert!(
        lines[1..].iter().all(|line| line.contains("  USR2 ") && line.contains("  forwarded ")),
        "{text}"
    );
    // The command is not affected by a log that cannot be written.
    let watch = start_nested(&["--log", "/dev/full"], &["--count", "1", "USR2"]);
    watch.send(&["-USR2"]);
    let (code, _, stderr) = watch.end();
    assert_eq!((code, stderr.as_str()), (Some(0), "watch: the log ends here: No space left on device\n"));
}

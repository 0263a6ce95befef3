//! `sigtool watch -- COMMAND`: start, forwarding and exit.

mod exit;
mod forward;
mod job;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::{Event, Watch, events, events_among};
use crate::support::{SIGTOOL, fixture_path, in_namespace, run, sigtool};

/// Starts a watch that supervises another watch, which prints the signals that it
/// receives.
pub(super) fn start_nested(options: &[&str], inner: &[&str]) -> Watch {
    let words = [&["watch"], options, &["--", SIGTOOL, "watch"], inner].concat();
    // The inner watch reports that it is ready.
    let mut watch = Watch::spawn(sigtool(words).stdout(Stdio::piped()));
    watch.pid = watch.child.id();
    watch
}

/// Returns the path of a file that only this test uses and that does not exist
/// yet.
pub(super) fn file(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("sigtool-{name}-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

pub(super) fn log(path: &PathBuf) -> Vec<Event> {
    let text = std::fs::read_to_string(path).expect("the log");
    std::fs::remove_file(path).expect("the log");
    events(&text)
}

fn masks(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| line.starts_with("Sig") && !line.starts_with("SigQ"));
    lines.map(str::to_owned).collect()
}

const GREP: [&str; 3] = ["grep", "Sig", "/proc/self/status"];

#[test]
fn command_starts_in_inherited_signal_state() {
    for settings in [
        &[][..],
        &["--ignore", "HUP"],
        &["--ignore", "CHLD"],
        &["--ignore", "PIPE,QUIT,INT,RTMIN+3"],
        &["--block", "TERM,CHLD,RTMAX"],
        &["--block", "all", "--ignore", "all"],
        &["--block", "32,33", "--ignore", "32,33,CHLD"],
    ] {
        let settings: Vec<&str> =
            settings.iter().map(|word| if *word == "all" { "~[KILL STOP]" } else { word }).collect();
        let start = |words: &[&str]| {
            let mut fixture = Command::new(fixture_path());
            fixture.args(["--default", "~[KILL STOP]"]).args(&settings).arg("--").args(words);
            let output = fixture.stdin(Stdio::null()).output().expect("the fixture runs");
            masks(&String::from_utf8_lossy(&output.stdout))
        };
        let plain = start(&GREP);
        assert_eq!(plain.len(), 4);
        for options in [&[][..], &["--group"], &["--wait-all"], &["--timeout", "1h"]] {
            let words = [&[SIGTOOL, "watch"], options, &["--"], &GREP].concat();
            assert_eq!(start(&words), plain, "{settings:?} {options:?}");
        }
    }
    let nohup = |words: &[&str]| {
        let output = Command::new("nohup").args(words).stdin(Stdio::null()).output().expect("nohup");
        masks(&String::from_utf8_lossy(&output.stdout))
    };
    assert_eq!(nohup(&[&[SIGTOOL, "watch", "--"], &GREP[..]].concat()), nohup(&GREP));
}

#[test]
fn command_starts_in_inherited_signal_state_as_init() {
    let script = "
        inside() { unshare --pid --fork --kill-child --mount-proc \"$@\"; }
        inside sh -c 'grep ^Sig[BIC] /proc/self/status; :'
        inside \"$SIGTOOL\" watch -- sh -c 'grep ^Sig[BIC] /proc/self/status; echo $PPID; :'
    ";
    let Some(result) = in_namespace(script) else { return };
    let lines: Vec<&str> = result.stdout.lines().collect();
    assert_eq!(lines.len(), 7, "{}{}", result.stdout, result.stderr);
    assert_eq!((&lines[..3], lines[6]), (&lines[3..6], "1"));
}

/// The log names the process that terminated the command. Orphans are reaped.
#[test]
fn init_of_container_logs_sender_of_fatal_signal() {
    let script = r#"
        cd "$(mktemp -d)"; mkfifo never; cp "$(command -v bash)" orchestrator
        cat > server <<'END'
trap 'exit 3' TERM
(true &)
while grep -q '^State:.Z' /proc/[0-9]*/status 2>/dev/null; do :; done
./orchestrator -c 'kill -TERM 1; read -r line < never' &
while :; do read -r line < never || :; done 2>/dev/null
END
        unshare --pid --fork --kill-child --mount-proc "$SIGTOOL" watch -- bash ./server 2>&1; echo "exit $?"
    "#;
    let Some(result) = in_namespace(script) else { return };
    let lines: Vec<&str> = result.stdout.lines().collect();
    assert_eq!((lines.len(), lines.last()), (3, Some(&"exit 3")), "{}{}", result.stdout, result.stderr);
    assert!(
        lines[1].contains(" (orchestrator) uid 0 ") && lines[1].contains("  forwarded  "),
        "{}",
        result.stdout
    );
}

#[test]
fn options_change_signal_state_of_command() {
    let settings = ["--default", "~[KILL STOP]", "--ignore", "HUP,USR1", "--block", "TERM"];
    let start = |settings: &[&str], words: &[&str]| {
        let output =
            Command::new(fixture_path()).args(settings).arg("--").args(words).output().expect("it runs");
        masks(&String::from_utf8_lossy(&output.stdout))
    };
    let options = ["--default", "HUP,USR1", "--ignore", "USR1,RTMIN+1", "--block", "INT,CHLD", "--"];
    let words = [&[SIGTOOL, "watch"], &options[..], &GREP].concat();
    let expected = ["--default", "~[KILL STOP]", "--ignore", "USR1,RTMIN+1", "--block", "TERM,INT,CHLD"];
    assert_eq!(start(&settings, &words), start(&expected, &GREP));
    let words = [&[SIGTOOL, "watch", "--default", "all", "--"], &GREP[..]].concat();
    assert_eq!(start(&settings, &words), start(&["--default", "~[KILL STOP]", "--block", "TERM"], &GREP));
}

#[test]
fn supervisor_exits_with_status_of_command() {
    let log = "/nowhere/log";
    for (options, command, code, message) in [
        (&[][..], &["sh", "-c", "exit 0"][..], 0, ""),
        (&[], &["sh", "-c", "exit 7"], 7, ""),
        (&[], &["sh", "-c", "exit 255"], 255, ""),
        (&[], &["sh", "-c", "kill -KILL $$"], 137, ""),
        (&[], &["sh", "-c", "kill -s RTMIN $$ || kill -34 $$"], 162, ""),
        (&[], &["no-such-command"], 127, "sigtool: no-such-command: No such file or directory\n"),
        (&[], &["/nowhere/command"], 127, "sigtool: /nowhere/command: No such file or directory\n"),
        (&[], &["/etc/passwd"], 126, "sigtool: /etc/passwd: Permission denied\n"),
        (&[], &["/etc"], 126, "sigtool: /etc: Permission denied\n"),
        (&["--log", log], &["true"], 125, "sigtool: --log /nowhere/log: No such file or directory\n"),
        (&["--quiet", "--timeout", "50ms"], &["sleep", "1000"], 124, ""),
        (&["--quiet", "--timeout", "50ms", "--group"], &["sh", "-c", "sleep 1000; :"], 124, ""),
        (
            &["--quiet", "--timeout", "50ms", "--kill-after", "50ms"],
            &["sh", "-c", "trap '' TERM; while :; do :; done"],
            137,
            "",
        ),
        (&["--timeout", "1h"], &["true"], 0, ""),
    ] {
        let result = run([&["watch"], options, &["--"], command].concat());
        let stderr = if code == 162 { "" } else { result.stderr.as_str() };
        assert_eq!((result.code, stderr), (Some(code), message), "{options:?} {command:?}");
    }
    // EXIT hooks run even if the command could not be started.
    let result = run(["watch", "--on", "EXIT=echo over $SIGTOOL_STATUS", "--", "no-such-command"]);
    assert_eq!((result.code, result.stdout.as_str()), (Some(127), "over 127\n"));
    // A script without a #! line is run as execvp(3) does it.
    let script = file("script");
    std::fs::write(&script, "exit 9\n").expect("a script");
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("chmod");
    let result = run(["watch", "--", script.to_str().expect("UTF-8")]);
    std::fs::remove_file(&script).expect("the script");
    assert_eq!(result.code, Some(9));
}

#[test]
fn supervise_rejects_conflicting_options() {
    for (arguments, message) in [
        (&["--count", "1", "--", "true"][..], "--count is for receiving"),
        (&["TERM", "--", "true"], "TERM: a command gets every signal"),
        (&["--group"], "--group is for a command"),
        (&["--map", "TERM=INT", "TERM"], "--map is for a command"),
        (&["--kill-after", "1s", "--", "true"], "--kill-after takes a --timeout"),
        (&["--map", "TERM", "--", "true"], "--map TERM: SIGNAL=SIGNAL is expected"),
        (&["--map", "TERM=INT", "--drop", "TERM", "--", "true"], "TERM: both to --map and to --drop"),
        (&["--map", "TERM=INT", "--map", "15=HUP", "--", "true"], "TERM: --map gives it two meanings"),
        (&["--drop", "KILL", "--", "true"], "--drop KILL"),
        (&["--ignore", "FOO", "--", "true"], "--ignore FOO: unknown signal"),
        (&["--quiet", "--log", "x", "--", "true"], "cannot be used with"),
    ] {
        let result = run(["watch"].iter().chain(arguments));
        assert_eq!((result.code, result.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(result.stderr.contains(message), "{arguments:?}: {}", result.stderr);
    }
}

/// Signals that were pending before the command was started. They are blocked,
/// because they would terminate the fixture.
#[test]
fn early_signal_is_not_lost() {
    let output = Command::new(fixture_path())
        .args([
            "--block",
            "TERM,RTMIN",
            "--queue",
            "TERM=3",
            "--queue",
            "RTMIN=4",
            "--",
            SIGTOOL,
            "watch",
            "--",
        ])
        .args([SIGTOOL, "watch", "--json", "--count", "2", "TERM", "RTMIN"])
        .stdin(Stdio::null())
        .output()
        .expect("the fixture runs");
    let values: Vec<_> = events_among(&String::from_utf8_lossy(&output.stdout))
        .into_iter()
        .map(|event| (event.signal, event.value))
        .collect();
    assert_eq!(values, [("TERM".to_owned(), Some(3)), ("RTMIN".to_owned(), Some(4))]);
}

#[test]
fn ignored_chld_does_not_hang_supervisor() {
    for options in [&[][..], &["--wait-all"], &["--on", "EXIT=true"]] {
        let output = Command::new(fixture_path())
            .args(["--ignore", "CHLD", "--", SIGTOOL, "watch"])
            .args(options)
            .args(["--", "sh", "-c", "true & true; exit 6"])
            .stdin(Stdio::null())
            .output()
            .expect("the fixture runs");
        assert_eq!(output.status.code(), Some(6), "{options:?}");
    }
}

#[test]
fn reap_and_wait_all_adopt_orphans() {
    // The orphan exits when it gets a forwarded signal.
    let script = "
        orphan() { trap 'exit 0' TERM; echo up; while :; do read -r line < \"$1\" || :; done; }
        orphan \"$1\" & echo \"orphan $!\"; exit 4";
    let out = file("orphan");
    let words = ["--wait-all", "--json", "--", "sh", "-c", script];
    assert!(Command::new("mkfifo").arg(&out).status().expect("mkfifo").success());
    let mut child = sigtool(["watch"].iter().chain(&words))
        .args(["x", out.to_str().expect("UTF-8")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut stdout = std::io::BufReader::new(child.stdout.take().expect("a pipe"));
    let mut seen = String::new();
    while !(seen.contains("up\n") && seen.contains("orphan ")) {
        assert_ne!(std::io::BufRead::read_line(&mut stdout, &mut seen).expect("UTF-8"), 0, "{seen}");
    }
    let orphan = seen.lines().find_map(|line| line.strip_prefix("orphan ")).expect("a pid").to_owned();
    // sigtool becomes its parent when the command exits.
    let parent = || {
        let status = std::fs::read_to_string(format!("/proc/{orphan}/status")).expect("it lives");
        status.lines().find_map(|line| line.strip_prefix("PPid:\t")).map(str::to_owned)
    };
    while parent() != Some(child.id().to_string()) {
        std::thread::yield_now();
    }
    // Until sigtool has reaped the command, it would send the signal to the
    // command.
    let children = format!("/proc/{0}/task/{0}/children", child.id());
    while std::fs::read_to_string(&children).expect("children").split_whitespace().count() != 1 {
        std::thread::yield_now();
    }
    assert_eq!(run(["send", "-TERM", &child.id().to_string()]).code, Some(0));
    let output = child.wait_with_output().expect("it ends");
    std::fs::remove_file(&out).expect("the fifo");
    assert_eq!(output.status.code(), Some(4));
    let logged = events_among(&String::from_utf8_lossy(&output.stderr));
    assert_eq!(logged[0].forwarded, Some(Some("TERM".to_owned())));
}

/// `watch -- $COMMAND` with an empty variable in a script must not wait for ever.
#[test]
fn missing_command_is_an_error() {
    let result = crate::support::run(["watch", "--quiet", "--"]);
    assert_eq!(
        (result.code, result.stderr.as_str()),
        (Some(2), "sigtool: --: a command is missing after it\n")
    );
    // A `--` after the command belongs to the command.
    let result = crate::support::run(["watch", "--quiet", "--", "echo", "--"]);
    assert_eq!((result.code, result.stdout.as_str()), (Some(0), "--\n"));
    let result = crate::support::run(["--json", "watch", "--"]);
    assert_eq!(result.code, Some(2), "{}", result.stderr);
    assert_eq!(crate::support::run(["watch", "--timeout", "0", "--", "sh", "-c", "exit 3"]).code, Some(3));
}

//! The end of `sigtool watch -- COMMAND`: unread logs and timeouts.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use super::{file, log};
use crate::support::{in_namespace, run, sigtool};
use crate::watch::events_among;

/// The capacity of a pipe (pipe(7)).
const FULL: usize = 1 << 16;

const SERVER: &str = "trap 'exit 5' TERM; trap : USR1; echo up; while :; do read -r line < \"$0\" || :; done";

fn fifo(name: &str) -> String {
    let path = file(name).to_str().expect("UTF-8").to_owned();
    assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
    path
}

/// Sends signals to a watched server once it has printed a line. Returns the exit
/// status of the watch.
fn end_server(watch: &mut Command) -> Option<i32> {
    let mut child = watch.stdout(Stdio::piped()).spawn().expect("it runs");
    let pid = child.id().to_string();
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("UTF-8");
    assert_eq!(line, "up\n");
    for signal in ["-USR1", "-TERM"] {
        assert_eq!(run(["send", signal, &pid]).code, Some(0));
    }
    child.wait().expect("it ends").code()
}

#[test]
fn unread_log_does_not_delay_supervisor() {
    let never = fifo("never");
    let words = ["watch", "--", "bash", "-c", SERVER, &never];
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    writer.write_all(&[b'x'; FULL]).expect("the pipe has room");
    assert_eq!(end_server(sigtool(words).stderr(writer)), Some(5));
    drop(reader);

    let unread = fifo("unread");
    let words = ["watch", "--json", "--log", &unread, "--", "bash", "-c", SERVER, &never];
    let (mut stderr, writer) = std::io::pipe().expect("a pipe");
    assert_eq!(end_server(sigtool(words).stderr(writer)), Some(5));
    let mut logged = String::new();
    stderr.read_to_string(&mut logged).expect("UTF-8");
    assert!(
        logged.starts_with("watch: the log: ") && logged.ends_with("nobody read them in time\n"),
        "{logged}"
    );
    std::fs::remove_file(&unread).expect("the fifo");
    std::fs::remove_file(&never).expect("the fifo");
}

/// Log lines that did not fit into the pipe are written when it is read.
#[test]
fn queued_log_lines_are_written_when_read() {
    let never = fifo("late");
    let (mut reader, mut writer) = std::io::pipe().expect("a pipe");
    writer.write_all(&[b'x'; FULL]).expect("the pipe has room");
    let words = ["watch", "--json", "--", "bash", "-c", SERVER, &never];
    let mut child = sigtool(words).stdout(Stdio::piped()).stderr(writer).spawn().expect("it runs");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("UTF-8");
    let pid = child.id().to_string();
    assert_eq!(run(["send", "-TERM", &pid]).code, Some(0));
    let mut text = String::new();
    reader.read_to_string(&mut text).expect("UTF-8");
    std::fs::remove_file(&never).expect("the fifo");
    assert_eq!(child.wait().expect("it ends").code(), Some(5));
    let logged = events_among(&text[FULL..]);
    assert_eq!(logged.len(), 1, "{}", &text[FULL..]);
    assert_eq!(logged[0].forwarded, Some(Some("TERM".to_owned())));
}

/// All descendants of the command get TERM, except hooks. The log reports it.
#[test]
fn timeout_ends_all_descendants() {
    let never = fifo("time");
    let path = file("timeout-log");
    let shown = path.to_str().expect("UTF-8");
    let server = "trap 'echo inner; exit' TERM; while :; do read -r line < \"$0\" || :; done";
    let script = format!("bash -c '{}' \"$0\" & wait", server.replace('\'', "'\\''"));
    for options in [&[][..], &["--group"], &["--wait-all"]] {
        let fixed = ["--timeout", "200ms", "--json", "--log", shown, "--", "bash", "-c", &script, &never];
        let output = sigtool([&["watch"], options, &fixed[..]].concat()).output().expect("it runs");
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert_eq!((output.status.code(), &*stdout), (Some(124), "inner\n"), "{options:?}");
        let logged = log(&path);
        assert_eq!(logged.len(), 1);
        assert_eq!(logged[0].forwarded, Some(Some("TERM".to_owned())));
        assert_eq!(logged[0].reason.as_deref(), Some("timeout"));
    }
    std::fs::remove_file(&never).expect("the fifo");
}

/// KILL reaches adopted processes as well. The exit status is that of timeout(1).
#[test]
fn processes_that_survive_term_are_killed() {
    let script = "
        mkfifo /tmp/never.$$; trap 'rm /tmp/never.$$' EXIT
        stubborn=\"trap '' TERM; while :; do read -r line < /tmp/never.$$ || :; done\"
        \"$SIGTOOL\" watch --wait-all --timeout 100ms --kill-after 100ms -- bash -c \"($stubborn) & :\" 2>log
        echo \"$?\"
        \"$SIGTOOL\" watch --timeout 100ms --kill-after 100ms --quiet -- bash -c \"$stubborn\"
        echo \"$?\"
    ";
    let dir = file("killed");
    std::fs::create_dir(&dir).expect("a directory");
    let script = format!("cd {}\n{script}", dir.display());
    let Some(result) = in_namespace(&script) else { return };
    let mut log = String::new();
    File::open(dir.join("log")).and_then(|mut log_file| log_file.read_to_string(&mut log)).expect("a log");
    std::fs::remove_dir_all(&dir).expect("the directory");
    assert_eq!(result.stdout, "124\n137\n", "{}", result.stderr);
    let logged: Vec<_> = log.lines().filter(|line| line.contains("  timeout  ")).collect();
    assert!(logged.len() == 2 && logged[0].contains("TERM") && logged[1].contains("KILL"), "{log}");
}

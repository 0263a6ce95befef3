//! `sigtool watch -- COMMAND` at its end: a log that nobody reads, a time that
//! runs out.

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

/// Sends to a watched server, whose line says that it is up, and gives the
/// status that the watch ends with.
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
fn a_log_that_nobody_reads_holds_nothing_up() {
    let never = fifo("never");
    let words = ["watch", "--", "bash", "-c", SERVER, &never];
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    writer.write_all(&[b'x'; FULL]).expect("room");
    assert_eq!(end_server(sigtool(words).stderr(writer)), Some(5));
    drop(reader);

    let unread = fifo("unread");
    let words = ["watch", "--json", "--log", &unread, "--", "bash", "-c", SERVER, &never];
    let (mut stderr, writer) = std::io::pipe().expect("a pipe");
    assert_eq!(end_server(sigtool(words).stderr(writer)), Some(5));
    let mut told = String::new();
    stderr.read_to_string(&mut told).expect("UTF-8");
    assert!(
        told.starts_with("watch: dropped ") && told.ends_with(" bytes of the log (reader too slow)\n"),
        "{told}"
    );
    std::fs::remove_file(&unread).expect("the fifo");
    std::fs::remove_file(&never).expect("the fifo");
}

/// What did not fit is told as soon as somebody reads.
#[test]
fn what_waits_in_the_log_is_written_when_it_is_read() {
    let never = fifo("late");
    let (mut reader, mut writer) = std::io::pipe().expect("a pipe");
    writer.write_all(&[b'x'; FULL]).expect("room");
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
    let told = events_among(&text[FULL..]);
    assert_eq!(told.len(), 1, "{}", &text[FULL..]);
    assert_eq!(told[0].forwarded, Some(Some("TERM".to_owned())));
}

/// All that the command has started gets what is sent, not the commands of
/// hooks; and the log tells of it.
#[test]
fn the_time_runs_out_for_all_of_them() {
    let never = fifo("time");
    let path = file("timeout-log");
    let shown = path.to_str().expect("UTF-8");
    let under = "trap 'echo inner; exit' TERM; while :; do read -r line < \"$0\" || :; done";
    let script = format!("bash -c '{}' \"$0\" & wait", under.replace('\'', "'\\''"));
    for options in [&[][..], &["--group"], &["--wait-all"]] {
        let fixed = ["--timeout", "200ms", "--json", "--log", shown, "--", "bash", "-c", &script, &never];
        let output = sigtool([&["watch"], options, &fixed[..]].concat()).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!((output.status.code(), &*said), (Some(124), "inner\n"), "{options:?}");
        let told = log(&path);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].forwarded, Some(Some("TERM".to_owned())));
        assert_eq!(told[0].reason.as_deref(), Some("timeout"));
    }
    std::fs::remove_file(&never).expect("the fifo");
}

/// KILL reaches what was adopted, too, when it came to that; as timeout(1) has
/// it, the status tells.
#[test]
fn those_who_will_not_end_are_killed() {
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
    let Some(ran) = in_namespace(&script) else { return };
    let mut log = String::new();
    File::open(dir.join("log")).and_then(|mut log_file| log_file.read_to_string(&mut log)).expect("a log");
    std::fs::remove_dir_all(&dir).expect("the directory");
    assert_eq!(ran.stdout, "124\n137\n", "{}", ran.stderr);
    let told: Vec<_> = log.lines().filter(|line| line.contains("  timeout  ")).collect();
    assert!(told.len() == 2 && told[0].contains("TERM") && told[1].contains("KILL"), "{log}");
}

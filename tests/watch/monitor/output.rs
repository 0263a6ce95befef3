//! A reader that is slow or has closed its end delays neither `sigtool watch` nor
//! its exit.

use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Read};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sigtool::sys::process::pidfd::PidFd;

use crate::support::{Fixture, run, sigtool};

/// The timeout for an exit that should be immediate.
const EXIT_TIMEOUT: Duration = Duration::from_secs(30);

/// Returns a full pipe.
pub(super) fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut dd = Command::new("dd");
    dd.args(["if=/dev/zero", "of=/dev/stdout", "oflag=nonblock", "bs=4096", "status=none"]);
    // dd must fail, because the pipe is full.
    let filled = dd.stdout(writer.try_clone().expect("a pipe")).stderr(Stdio::null()).status();
    assert!(!filled.expect("coreutils").success(), "it is full");
    (reader, writer)
}

/// Starts a watch with this standard output and waits for its first line on
/// stderr.
pub(super) fn watch(
    arguments: &[&str],
    stdout: impl Into<Stdio>,
) -> (Child, BufReader<std::process::ChildStderr>) {
    let mut command = sigtool(["watch"].iter().chain(arguments));
    let mut child = command.stdout(stdout).stderr(Stdio::piped()).spawn().expect("sigtool runs");
    let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut line = String::new();
    stderr.read_line(&mut line).expect("UTF-8");
    assert!(line.starts_with("watch: "), "{line}");
    (child, stderr)
}

/// Returns the exit status. Panics if the process does not exit soon.
pub(super) fn end(child: &mut Child) -> Option<i32> {
    let pidfd = PidFd::open(child.id()).expect("it is a child");
    let ended = pidfd.wait_for_exit(EXIT_TIMEOUT).expect("poll");
    if !ended {
        let _ = child.kill();
    }
    let status = child.wait().expect("it is a child");
    assert!(ended, "it did not end");
    status.code()
}

fn send(signal: &str, child: &Child) {
    assert_eq!(run(["send", signal, &child.id().to_string()]).code, Some(0), "{signal}");
}

#[test]
fn full_pipe_does_not_delay_exit() {
    let fixture = Fixture::start(["--block", "USR1"]);
    let pid = fixture.pid.to_string();
    for (arguments, signal, code) in [
        (&["--pid", &pid][..], Some("-TERM"), 0),
        (&["--pid", &pid, "--count", "9"], Some("-INT"), 130),
        (&["--pid", &pid, "--timeout", "10ms"], None, 124),
        (&["--pid", &pid, "--until", "blocked=USR1"], Some("-TERM"), 143),
        (&[], Some("-TERM"), 0),
        (&["--count", "1", "USR1"], Some("-TERM"), 143),
        (&["--timeout", "10ms"], None, 124),
    ] {
        let (_reader, writer) = full_pipe();
        let (mut child, mut stderr) = watch(arguments, writer);
        if let Some(signal) = signal {
            send(signal, &child);
        }
        assert_eq!(end(&mut child), Some(code), "{arguments:?}");
        let mut message = String::new();
        stderr.read_to_string(&mut message).expect("UTF-8");
        assert!(message.contains(" of standard output (reader too slow)\n"), "{message}");
    }
    // Standard error is the same pipe.
    let (_reader, writer) = full_pipe();
    let mut command = sigtool(["watch", "--pid", &pid, "--until", "caught=USR1", "--timeout", "10ms"]);
    let other = writer.try_clone().expect("a pipe");
    let mut child = command.stdout(writer).stderr(other).spawn().expect("sigtool runs");
    assert_eq!(end(&mut child), Some(124));
}

#[test]
fn unread_output_stays_in_pipe() {
    const COUNT: usize = 2000;
    let (mut reader, writer) = full_pipe();
    let (mut child, _stderr) = watch(&["--json", "--count", &COUNT.to_string(), "RTMIN"], writer);
    let flood = format!("for i in {{1..{COUNT}}}; do kill -s RTMIN {}; done", child.id());
    assert!(Command::new("bash").args(["-c", &flood]).status().expect("bash").success());
    let mut text = Vec::new();
    reader.read_to_end(&mut text).expect("all of it");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    let text = String::from_utf8(text).expect("UTF-8");
    let lines: Vec<&str> = text.trim_start_matches('\0').lines().collect();
    assert_eq!(lines.len(), COUNT);
    assert!(lines.iter().all(|line| line.starts_with("{\"time\":") && line.ends_with('}')));
}

#[test]
fn changes_are_printed_when_pipe_has_room() {
    let fixture = Fixture::start(["--block", "USR1,USR2"]);
    let pid = fixture.pid.to_string();
    let (mut reader, writer) = full_pipe();
    // With BPF the signal itself would be counted, and end it before the change.
    let arguments = ["--pid", &pid, "--count", "1", "--interval", "1ms", "--backend", "proc"];
    let (mut child, _stderr) = watch(&arguments, writer);
    for signal in ["-USR1", "-USR2"] {
        assert_eq!(run(["send", signal, &pid]).code, Some(0));
    }
    let mut text = String::new();
    reader.read_to_string(&mut text).expect("UTF-8");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    assert!(
        text.contains("  EVENT\n") && text.contains("+pending USR1"),
        "{}",
        text.trim_start_matches('\0')
    );
}

#[test]
fn closed_reader_ends_monitor_at_once() {
    let fixture = Fixture::start(["--block", "USR1"]);
    let pid = fixture.pid.to_string();
    for arguments in
        [&["--pid", &pid][..], &[], &["--count", "3", "USR1"], &["--pid", &pid, "--interval", "1h"]]
    {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let (mut child, _stderr) = watch(arguments, writer);
        let mut reader = BufReader::new(reader);
        let mut line = String::new();
        reader.read_line(&mut line).expect("UTF-8");
        assert!(line.starts_with("TIME "), "{line}");
        drop(reader);
        assert_eq!(end(&mut child), Some(0), "{arguments:?}");

        let (reader, writer) = UnixStream::pair().expect("sockets");
        let (mut child, _stderr) = watch(arguments, std::os::fd::OwnedFd::from(writer));
        drop(reader);
        assert_eq!(end(&mut child), Some(0), "{arguments:?}, a socket");
    }
}

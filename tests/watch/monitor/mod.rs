//! `sigtool watch --pid`, end to end.

mod drain;
mod edges;
mod events;
mod json;
mod output;
mod ptrace;
mod refused;
mod replay;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};

use json::Change;

use crate::support::{Fixture, run, schema, sigtool};

/// A running `sigtool watch --pid`, read line by line. Killed when dropped.
struct Observer {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: BufReader<ChildStderr>,
}

impl Observer {
    /// Starts sigtool without signal events and waits for its first line on
    /// stderr.
    fn start(arguments: &[&str]) -> Observer {
        Observer::with_backend("proc", arguments)
    }

    /// Starts sigtool with signal events from a backend.
    fn with_backend(backend_name: &str, arguments: &[&str]) -> Observer {
        let mut command = sigtool(["watch", "--backend", backend_name].iter().chain(arguments));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("sigtool runs");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut line = String::new();
        stderr.read_line(&mut line).expect("UTF-8");
        assert!(line.starts_with("watch: watching "), "{line}");
        Observer { child, stdout, stderr }
    }

    /// Reads the next line.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("UTF-8");
        line.trim_end().to_owned()
    }

    /// Reads the next line as JSON.
    fn change(&mut self) -> Change {
        let line = self.line();
        schema::check("watch", &line);
        let change: Change = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(change.time.ends_with('Z') && change.pid > 0, "{line}");
        change
    }

    /// Reads changes up to the exit of a process.
    fn ended(&mut self) -> Change {
        loop {
            let change = self.change();
            if change.event == "ended" {
                return change;
            }
        }
    }

    /// Reads lines up to one that contains a text.
    fn read_until(&mut self, wanted: &str) -> String {
        loop {
            let line = self.line();
            if line.is_empty() {
                let mut stderr = String::new();
                self.stderr.read_to_string(&mut stderr).expect("UTF-8");
                panic!("{wanted} did not appear: {stderr}");
            }
            if line.contains(wanted) {
                return line;
            }
        }
    }

    /// Returns the exit status and the rest of the output.
    fn end(mut self) -> (Option<i32>, String, String) {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.stdout.read_to_string(&mut stdout).expect("UTF-8");
        self.stderr.read_to_string(&mut stderr).expect("UTF-8");
        (self.child.wait().expect("it ends").code(), stdout, stderr)
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An interpreter, usually bash, that executes lines sent to it. Killed when
/// dropped.
struct Interpreter {
    child: Child,
    stdin: Option<ChildStdin>,
    pid: String,
}

impl Interpreter {
    fn start() -> Interpreter {
        let mut bash = Interpreter::spawn(Command::new("bash").args(["--norc", "-s"]));
        bash.send_line("echo ready");
        bash.ready()
    }

    fn spawn(command: &mut Command) -> Interpreter {
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.expect("it runs");
        let stdin = child.stdin.take();
        Interpreter { pid: child.id().to_string(), stdin, child }
    }

    /// Waits for the line `ready`. Only then its name and its signal state are
    /// its own, not those before exec.
    fn ready(mut self) -> Interpreter {
        let mut line = String::new();
        let stdout = self.child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("UTF-8");
        assert_eq!(line, "ready\n");
        self
    }

    fn send_line(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().expect("a pipe"), "{line}").expect("bash reads");
    }
}

impl Drop for Interpreter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn send(signal: &str, pid: &str) {
    assert_eq!(run(["send", signal, pid]).code, Some(0), "{signal}");
}

#[test]
fn until_waits_for_handler() {
    let mut bash = Interpreter::start();
    let mut watch =
        Observer::start(&["--pid", &bash.pid, "--until", "caught=TERM", "--until", "ignored=HUP"]);
    assert!(watch.line().ends_with("  EVENT"));
    assert!(watch.line().contains("  state "), "the state at the start");
    bash.send_line("trap '' HUP");
    watch.read_until("+ignored HUP");
    bash.send_line("trap : TERM");
    let last = watch.read_until("+caught TERM");
    assert!(last.contains(&format!("Z  {:<7}  bash             +caught", bash.pid)), "{last}");
    assert_eq!(watch.end(), (Some(0), String::new(), String::new()));
    // The condition is already true.
    let result = run(["watch", "--pid", &bash.pid, "--until", "caught=TERM", "--interval", "1h"]);
    assert_eq!((result.code, result.stdout.lines().count()), (Some(0), 2), "{}", result.stdout);
}

#[test]
fn until_reports_process_that_exits_first() {
    let mut bash = Interpreter::start();
    let mut watch = Observer::start(&["--pid", &bash.pid, "--until", "caught=USR1", "--interval", "1h"]);
    watch.read_until("  state ");
    bash.send_line("exit 7");
    // It is not reaped; the zombie has its status.
    watch.read_until("exited with status 7");
    let (code, _, stderr) = watch.end();
    let message = format!(
        "sigtool: {} (bash): exited with status 7 before the --until condition was met (USR1 is not caught)\n",
        bash.pid
    );
    assert_eq!((code, stderr), (Some(1), message));
}

#[test]
fn timeout_reports_unmet_condition() {
    let fixture = Fixture::start(["--block", "USR1", "--name", "a\u{1b}server"]);
    let pid = fixture.pid.to_string();
    let wanted = ["--until", "blocked=USR1", "--until", "pending=any", "--timeout", "30ms"];
    let result = run(["watch", "--pid", &pid].iter().chain(&wanted));
    assert_eq!(result.code, Some(124));
    let message = format!("sigtool: {pid} (a\\x1bserver): no signal is pending\n");
    assert!(result.stderr.ends_with(&message), "{}", result.stderr);
    assert!(
        result.stdout.contains("  a\\x1bserver  ") && result.stdout.contains("; blocked USR1"),
        "{}",
        result.stdout
    );
}

#[test]
fn pending_signal_and_stop_are_changes() {
    let fixture = Fixture::start(["--default", "~[KILL STOP]", "--block", "USR1,RTMIN", "--ignore", "HUP"]);
    let pid = fixture.pid.to_string();
    let mut watch = Observer::start(&["--json", "--pid", &pid, "--interval", "5ms"]);
    let start = watch.change();
    assert_eq!((start.pid, start.tid, start.name.as_str()), (fixture.pid, None, "fixture"));
    assert_eq!((start.event.as_str(), start.state.as_deref(), start.threads), ("start", Some("S"), None));
    let sets = [&start.pending, &start.blocked, &start.ignored, &start.caught];
    let sets = sets.map(|set| set.as_ref().expect("known").join(" "));
    assert_eq!(sets, ["", "USR1 RTMIN", "HUP", ""]);
    send("-USR1", &pid);
    let added = watch.change();
    assert_eq!(
        (added.event.as_str(), added.set.as_str(), added.signals.join(" ")),
        ("added", "pending", "USR1".into())
    );
    send("-STOP", &pid);
    // STOP may be pending for a moment before the process stops.
    let state = |watch: &mut Observer| loop {
        let change = watch.change();
        if change.event == "state" {
            break (change.from, change.to);
        }
    };
    assert_eq!(state(&mut watch), ("S".to_owned(), "T".to_owned()));
    send("-CONT", &pid);
    let (from, to) = state(&mut watch);
    assert!(from == "T" && (to == "S" || to == "R"), "{from} {to}");
    send("-KILL", &pid);
    let end = watch.ended();
    assert_eq!((end.status, end.killed_by.as_deref(), end.core), (None, Some("KILL"), Some(false)));
    assert_eq!(watch.end(), (Some(0), String::new(), String::new()));
}

/// The watched processes are children of the test, not of sigtool.
#[test]
fn exit_is_reported_at_once_with_cause() {
    let mut one = Interpreter::start();
    let other = Interpreter::start();
    let mut watch = Observer::start(&["--pid", &format!("{},{}", one.pid, other.pid), "--interval", "1h"]);
    watch.read_until(&format!("  {:<7}  bash ", one.pid));
    watch.read_until(&format!("  {:<7}  bash ", other.pid));
    one.send_line("exit 3");
    let line = watch.read_until("exited");
    assert!(line.contains(&one.pid) && line.ends_with("  exited with status 3"), "{line}");
    send("-KILL", &other.pid);
    let line = watch.read_until("killed");
    assert!(line.contains(&other.pid) && line.ends_with("  killed by KILL"), "{line}");
    assert_eq!(watch.end().0, Some(0));
}

/// The process is reaped before sigtool can read its status. New kernels keep the
/// status.
#[test]
fn exit_of_reaped_process_is_reported() {
    let mut parent = Interpreter::start();
    parent.send_line("sleep 1000");
    let children = format!("/proc/{0}/task/{0}/children", parent.pid);
    let child = loop {
        let text = std::fs::read_to_string(&children).expect("children");
        if let Some(child) = text.split_whitespace().next() {
            break child.to_owned();
        }
    };
    let mut watch = Observer::start(&["--pid", &child, "--interval", "1h"]);
    watch.read_until("  state ");
    send("-KILL", &child);
    let line = watch.read_until("  killed by KILL");
    assert!(line.contains(&child), "{line}");
    assert_eq!(watch.end().0, Some(0));
}

#[test]
fn monitor_exits_on_count_timeout_or_signal() {
    let fixture = Fixture::start(["--block", "USR1,USR2"]);
    let pid = fixture.pid.to_string();
    let mut watch = Observer::start(&["--pid", &pid, "--count", "1", "--interval", "5ms"]);
    watch.read_until("  state ");
    send("-USR1", &pid);
    let (code, stdout, stderr) = watch.end();
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(stdout.ends_with("  +pending USR1\n") && stdout.lines().count() == 1, "{stdout}");
    assert_eq!(run(["watch", "--pid", &pid, "--timeout", "1ms"]).code, Some(124));
    for (arguments, signal, code) in [
        (&[][..], "-INT", 0),
        (&[], "-TERM", 0),
        (&["--timeout", "1h"], "-TERM", 0),
        (&["--count", "9"], "-TERM", 143),
        (&["--until", "caught=USR1"], "-INT", 130),
    ] {
        let watch = Observer::start(&[&["--pid", &pid], arguments].concat());
        send(signal, &watch.child.id().to_string());
        assert_eq!(watch.end().0, Some(code), "{arguments:?} {signal}");
    }
}

#[test]
fn threads_option_reports_each_thread() {
    let fixture = Fixture::start(["--block", "USR1", "--thread", "block=USR2;name=worker", "--own", "USR1"]);
    let pid = fixture.pid.to_string();
    let mut watch = Observer::start(&["--json", "--threads", "--pid", &pid, "--interval", "5ms"]);
    let start = watch.change();
    assert_eq!((start.threads, start.pending), (Some(2), Some(Vec::new())), "only what is the process's");
    assert_eq!(start.blocked, None, "the threads have their own");
    let (main, worker) = (watch.change(), watch.change());
    assert_eq!(
        (main.event.as_str(), main.tid, main.pending),
        ("thread", Some(fixture.pid), Some(vec!["USR1".to_owned()]))
    );
    assert_eq!((worker.event.as_str(), worker.tid), ("thread", Some(fixture.ids[0])));
    assert!(worker.blocked.is_some_and(|set| set.contains(&"USR2".to_owned())));
    send("-USR2", &format!("{pid}/{}", fixture.ids[0]));
    let added = watch.change();
    assert_eq!(
        (added.tid, added.set.as_str(), added.signals.join(" ")),
        (worker.tid, "pending", "USR2".into())
    );
    drop(fixture);
    let end = watch.ended();
    assert_eq!(end.killed_by.as_deref(), Some("KILL"));
    assert_eq!(watch.end().0, Some(0));
}

#[test]
fn thread_start_and_exit_are_events() {
    let python = "import sys, threading
print('ready')
go = threading.Event()
for line in sys.stdin:
    if line == 'start\\n': threading.Thread(target=go.wait).start()
    else: go.set()";
    if Command::new("python3").arg("--version").output().is_err() {
        return crate::support::skipped("python3 is missing");
    }
    let mut process = Interpreter::spawn(Command::new("python3").args(["-uc", python])).ready();
    let pid = process.pid.clone();
    let mut watch = Observer::start(&["--threads", "--pid", &pid, "--interval", "5ms"]);
    watch.read_until(&format!("thread {pid}: "));
    process.send_line("start");
    let line = watch.read_until(" started: ");
    let tid =
        line.split(" thread ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a thread").to_owned();
    process.send_line("end");
    watch.read_until(&format!("thread {tid} exited"));
}

#[test]
fn criteria_select_monitored_processes() {
    let name = format!("seen-{}", std::process::id());
    let fixtures = [Fixture::start(["--name", &name, "--catch", "USR2"]), Fixture::start(["--name", &name])];
    let both = run(["watch", "--backend", "proc", "--name", &name, "--timeout", "1ms"]);
    let expected_note = "watch: watching 2 processes every 100 ms; changes between samples can be missed\n";
    assert_eq!((both.code, both.stderr.as_str(), both.stdout.lines().count()), (Some(124), expected_note, 3));
    let one = run(["watch", "--name", &name, "--catches", "USR2", "--json", "--until", "caught=USR2"]);
    assert_eq!((one.code, one.stdout.lines().count()), (Some(0), 1));
    assert!(one.stdout.contains(&format!("\"pid\":{},", fixtures[0].pid)), "{}", one.stdout);
    // Only those of the given processes that match.
    let pids = fixtures.each_ref().map(|fixture| fixture.pid.to_string()).join(",");
    let selected = run(["watch", "--pid", &pids, "--catches", "USR2", "--timeout", "1ms"]);
    assert_eq!((selected.code, selected.stdout.lines().count()), (Some(124), 2), "{}", selected.stdout);
    let none = run(["watch", "--name", "nobody-is-called-so"]);
    assert_eq!((none.code, none.stderr.as_str()), (Some(1), "sigtool: no process matches\n"));
    let many = run(["watch", "--name", &name, "--at-most", "1"]);
    assert_eq!((many.code, many.stdout.as_str()), (Some(1), ""));
}

#[test]
fn missing_pid_is_reported_and_nothing_is_monitored() {
    let fixture = Fixture::start(["--thread", "block=USR1"]);
    let (pid, tid) = (fixture.pid.to_string(), fixture.ids[0].to_string());
    let result = run(["watch", "--pid", &format!("{pid},4194304"), "--pid", &tid]);
    let message = format!(
        "sigtool: 4194304: no such process\nsigtool: {tid}: it is a thread, not a process (use --pid {pid} --threads)\n"
    );
    assert_eq!((result.code, result.stdout.as_str(), result.stderr), (Some(3), "", message));
}

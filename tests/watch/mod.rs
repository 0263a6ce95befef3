//! `sigtool watch`, end to end.

mod hooks;
mod idioms;
mod monitor;
mod receive;
mod supervise;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};

use serde::Deserialize;

use crate::support::{run, schema, sigtool};

/// A running `sigtool watch`. Killed when dropped.
struct Watch {
    child: Child,
    pid: u32,
    stderr: BufReader<ChildStderr>,
}

impl Watch {
    fn start(arguments: &[&str]) -> Watch {
        Watch::spawn(sigtool(["watch"].iter().chain(arguments)).stdout(Stdio::piped()))
    }

    fn spawn(command: &mut Command) -> Watch {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("it runs");
        let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut line = String::new();
        stderr.read_line(&mut line).expect("it prints a line");
        let pid = line.strip_prefix("watch: ready, pid ").and_then(|pid| pid.trim().parse().ok());
        let Some(pid) = pid else {
            stderr.read_to_string(&mut line).expect("it prints a line");
            panic!("it printed {line:?}");
        };
        Watch { child, pid, stderr }
    }

    fn send(&self, arguments: &[&str]) {
        let pid = self.pid.to_string();
        let result = run(["send"].iter().chain(arguments).copied().chain([pid.as_str()]));
        assert_eq!((result.code, result.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }

    /// Returns the exit status and the output.
    fn end(mut self) -> (Option<i32>, String, String) {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        if let Some(mut pipe) = self.child.stdout.take() {
            pipe.read_to_string(&mut stdout).expect("UTF-8");
        }
        self.stderr.read_to_string(&mut stderr).expect("UTF-8");
        (self.child.wait().expect("it ends").code(), stdout, stderr)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A line of `watch --json`. Deserializing it checks that all fields exist.
#[allow(dead_code)]
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    time: String,
    signal: String,
    number: u8,
    code: i32,
    code_name: Option<String>,
    meaning: Option<String>,
    errno: i32,
    verified: bool,
    sender: Option<Sender>,
    value: Option<i32>,
    pointer: Option<u64>,
    child: Option<ChildEvent>,
    timer: Option<Timer>,
    descriptor: Option<Descriptor>,
    address: Option<u64>,
    syscall: Option<i32>,
    lost: Option<bool>,
    #[serde(default, deserialize_with = "deserialize_present")]
    forwarded: Option<Option<String>>,
    reason: Option<String>,
}

fn deserialize_present<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

#[allow(dead_code)]
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sender {
    pid: u32,
    uid: u32,
    name: Option<String>,
    exited: bool,
    verified: bool,
}

#[allow(dead_code)]
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChildEvent {
    pid: u32,
    uid: u32,
    status: i32,
    user_ticks: u64,
    system_ticks: u64,
}

#[allow(dead_code)]
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Timer {
    id: u32,
    overrun: u32,
}

#[allow(dead_code)]
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Descriptor {
    fd: i32,
    band: u32,
}

fn events(text: &str) -> Vec<Event> {
    schema::check("watch", text);
    text.lines().map(|line| serde_json::from_str(line).expect("the documented fields")).collect()
}

/// Returns the events in a text that contains other lines too.
fn events_among(text: &str) -> Vec<Event> {
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with('{')).collect();
    events(&lines.join("\n"))
}

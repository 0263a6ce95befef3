//! A fixture whose state is left to /proc, and what a signal did to it.
//!
//! Nothing is waited for by time. A thread that is sent a signal is runnable
//! before kill(2) returns, and one that another thread wakes is so before that
//! one sleeps. So once all have been seen asleep twice, with no switch of
//! context between, all were so at one time, and stay so.

use std::io::Read;
use std::os::fd::AsFd;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use sigtool::signal::Signal;

use crate::support::fixture_path;

/// Longer than anything here takes: what is not over by then hangs.
const TOO_LONG: Duration = Duration::from_secs(30);

/// A thread at one moment: its id, its state's letter, its switches of context.
type Glimpse = Vec<(u32, char, u64)>;

/// How a process is when nothing in it moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    Asleep,
    Stopped,
    Dead,
}

/// What took a signal, as the fixture reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub what: String,
    pub signal: u8,
    pub tid: u32,
}

/// The fixture; ended when dropped.
pub struct Target {
    child: Child,
    stdout: ChildStdout,
    /// What has been read of its stdout and is no whole line yet.
    text: Vec<u8>,
    pub pid: u32,
    /// Its further threads.
    pub threads: Vec<u32>,
    /// The child that its main thread waits for in vfork(2), in state D.
    pub vforked: Option<u32>,
}

impl Target {
    /// Starts it, and waits until nothing in it moves.
    pub fn start(arguments: &[String]) -> Target {
        let mut child = Command::new(fixture_path())
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the fixture runs");
        let stdout = child.stdout.take().expect("a pipe");
        let pid = child.id();
        let mut target = Target { child, stdout, text: Vec::new(), pid, threads: Vec::new(), vforked: None };
        let made = loop {
            // What was queued may have been taken by now.
            match target.line() {
                Some(line) if line.starts_with("made ") => break line,
                Some(_) => {}
                None => assert!(target.read_more(true), "fixture {arguments:?} failed"),
            }
        };
        let mut words = made.split(' ');
        assert_eq!((words.next(), words.next()), (Some("made"), Some(&*target.pid.to_string())), "{made}");
        target.threads = words.map(|word| word.parse().expect("an id")).collect();
        if arguments.last().is_some_and(|word| word == "--vfork") {
            target.vforked = target.threads.pop();
        }
        target.settle();
        target
    }

    /// Waits until nothing in it moves.
    pub fn settle(&mut self) -> Rest {
        let end = Instant::now() + TOO_LONG;
        let mut last = Glimpse::new();
        loop {
            let now = glimpse(self.pid);
            if now == last && self.is_still(&now) {
                return rest(&now);
            }
            assert!(Instant::now() < end, "{} does not come to rest: {now:?}", self.pid);
            last = now;
            std::thread::yield_now();
        }
    }

    fn is_still(&self, glimpse: &Glimpse) -> bool {
        !glimpse.is_empty()
            && glimpse.iter().all(|(tid, state, _)| match state {
                'S' | 'T' | 't' => true,
                'D' => self.vforked.is_some() && *tid == self.pid,
                'Z' => *tid == self.pid,
                _ => false,
            })
    }

    /// What took signals since this was last asked. It must have settled.
    pub fn reports(&mut self) -> Vec<Report> {
        while self.read_more(false) {}
        let lines = std::iter::from_fn(|| self.line());
        lines
            .map(|line| {
                let words: Vec<&str> = line.split(' ').collect();
                let [what, signal, tid] = words[..] else { panic!("{line:?} is no report") };
                let number = |word: &str| word.parse::<u32>().expect("a number");
                Report {
                    what: what.to_owned(),
                    signal: u8::try_from(number(signal)).expect("a signal"),
                    tid: number(tid),
                }
            })
            .collect()
    }

    fn line(&mut self) -> Option<String> {
        let end = self.text.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.text.drain(..=end).collect();
        Some(String::from_utf8_lossy(&line[..end]).into_owned())
    }

    /// Reads what is there, or waits for something; gives whether there was.
    fn read_more(&mut self, wait: bool) -> bool {
        if !wait {
            let mut pipe = [PollFd::new(self.stdout.as_fd(), PollFlags::POLLIN)];
            let ready = poll(&mut pipe, PollTimeout::ZERO).expect("poll");
            if ready == 0 {
                return false;
            }
        }
        let mut buffer = [0; 4096];
        let length = self.stdout.read(&mut buffer).expect("a pipe");
        self.text.extend_from_slice(&buffer[..length]);
        length > 0
    }

    /// How it ended; it must be dead.
    pub fn status(&mut self) -> ExitStatus {
        self.child.wait().expect("it is dead")
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a signal did.
#[derive(Debug)]
pub struct Observation {
    /// What the system call said, if it failed.
    pub error: Option<i32>,
    pub before: Rest,
    pub after: Rest,
    /// How it ended, if it did.
    pub ended: Option<ExitStatus>,
    pub reports: Vec<Report>,
    /// Whether it is pending where it was sent to: before, and after.
    pub pending: (bool, bool),
}

impl Observation {
    /// Whether such a report of the signal came; from this thread, if one is
    /// named.
    pub fn was(&self, what: &str, signal: Signal, tid: Option<u32>) -> bool {
        self.reports.iter().any(|report| {
            report.what == what && report.signal == signal.get() && tid.is_none_or(|tid| report.tid == tid)
        })
    }

    /// Whether anything took the signal.
    pub fn was_taken(&self, signal: Signal) -> bool {
        self.reports.iter().any(|report| report.signal == signal.get())
    }
}

fn rest(glimpse: &Glimpse) -> Rest {
    let any = |of: fn(char) -> bool| glimpse.iter().any(|(_, state, _)| of(*state));
    match () {
        () if any(|state| state == 'T') => Rest::Stopped,
        () if any(|state| state != 'Z') => Rest::Asleep,
        () => Rest::Dead,
    }
}

/// The threads as they are now; those that end meanwhile are left out.
fn glimpse(pid: u32) -> Glimpse {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("it is not reaped");
    let tids = tasks.filter_map(|task| task.ok()?.file_name().to_str()?.parse().ok());
    tids.filter_map(|tid: u32| {
        let text = std::fs::read(format!("/proc/{pid}/task/{tid}/status")).ok()?;
        let text = String::from_utf8_lossy(&text);
        let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
        let count = |key: &str| value(key).and_then(|value| value.parse().ok()).unwrap_or(0u64);
        let switches = count("voluntary_ctxt_switches:") + count("nonvoluntary_ctxt_switches:");
        Some((tid, value("State:")?.chars().next()?, switches))
    })
    .collect()
}

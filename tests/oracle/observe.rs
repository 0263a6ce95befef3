//! A fixture whose state is read from /proc, and the effect of a signal on
//! it.
//!
//! The tests do not rely on time. A thread that is sent a signal is runnable
//! before kill(2) returns. A thread that another thread wakes is runnable before
//! that one sleeps. So if all threads are seen asleep twice with no context
//! switch in between, they were all asleep at one time and stay asleep.

use std::io::Read;
use std::os::fd::AsFd;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use sigtool::signal::Signal;

use crate::support::fixture_path;

/// Longer than every operation here takes; after this time it hangs.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The threads at one moment: TID, state letter, number of context switches.
type Sample = Vec<(u32, char, u64)>;

/// The state of a process in which all threads are at rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    Asleep,
    Stopped,
    Dead,
}

/// A report of the fixture that a signal was handled, taken or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub event: String,
    pub signal: u8,
    pub tid: u32,
}

/// The fixture. Killed when dropped.
pub struct Target {
    child: Child,
    stdout: ChildStdout,
    /// Output that was read from its stdout and is not a whole line yet.
    text: Vec<u8>,
    pub pid: u32,
    /// The TIDs of its additional threads.
    pub threads: Vec<u32>,
    /// The PID of the child that its main thread waits for in vfork(2), in
    /// state D.
    pub vforked: Option<u32>,
}

impl Target {
    /// Starts the fixture and waits until all threads are at rest.
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
        let line = loop {
            // Reports may come first, because queued signals may already be
            // taken.
            match target.line() {
                Some(line) if line.starts_with("made ") => break line,
                Some(_) => {}
                None => assert!(target.read_more(true), "fixture {arguments:?} failed"),
            }
        };
        let mut words = line.split(' ');
        assert_eq!((words.next(), words.next()), (Some("made"), Some(&*target.pid.to_string())), "{line}");
        target.threads = words.map(|word| word.parse().expect("an id")).collect();
        if arguments.last().is_some_and(|word| word == "--vfork") {
            target.vforked = target.threads.pop();
        }
        target.wait_for_rest();
        target
    }

    /// Waits until all threads are at rest.
    pub fn wait_for_rest(&mut self) -> Rest {
        let end = Instant::now() + TIMEOUT;
        let mut last = Sample::new();
        loop {
            let now = sample(self.pid);
            if now == last && self.is_still(&now) {
                return rest(&now);
            }
            assert!(Instant::now() < end, "{} does not come to rest: {now:?}", self.pid);
            last = now;
            std::thread::yield_now();
        }
    }

    fn is_still(&self, sample: &Sample) -> bool {
        !sample.is_empty()
            && sample.iter().all(|(tid, state, _)| match state {
                'S' | 'T' | 't' => true,
                'D' => self.vforked.is_some() && *tid == self.pid,
                'Z' => *tid == self.pid,
                _ => false,
            })
    }

    /// Returns the reports since the last call. All threads must be at rest.
    pub fn reports(&mut self) -> Vec<Report> {
        while self.read_more(false) {}
        let lines = std::iter::from_fn(|| self.line());
        lines
            .map(|line| {
                let words: Vec<&str> = line.split(' ').collect();
                let [event, signal, tid] = words[..] else { panic!("{line:?} is not a report") };
                let number = |word: &str| word.parse::<u32>().expect("a number");
                Report {
                    event: event.to_owned(),
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

    /// Reads available output, or waits for output if `wait` is set. Returns
    /// true if there was any.
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

    /// Reaps the process, which must be dead, and returns its exit status.
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

/// The observed effect of a signal.
#[derive(Debug)]
pub struct Observation {
    /// The errno of the system call, if it failed.
    pub error: Option<i32>,
    pub before: Rest,
    pub after: Rest,
    /// The exit status, if the signal ended the process.
    pub ended: Option<ExitStatus>,
    pub reports: Vec<Report>,
    /// True if the signal is pending in the queue that it was sent to: before
    /// and after sending.
    pub pending: (bool, bool),
}

impl Observation {
    /// Returns true if there is such a report of the signal, from this thread
    /// if one is given.
    pub fn was(&self, event: &str, signal: Signal, tid: Option<u32>) -> bool {
        self.reports.iter().any(|report| {
            report.event == event && report.signal == signal.get() && tid.is_none_or(|tid| report.tid == tid)
        })
    }

    /// Returns true if any thread handled, took or read the signal.
    pub fn was_taken(&self, signal: Signal) -> bool {
        self.reports.iter().any(|report| report.signal == signal.get())
    }
}

fn rest(sample: &Sample) -> Rest {
    let any = |predicate: fn(char) -> bool| sample.iter().any(|(_, state, _)| predicate(*state));
    match () {
        () if any(|state| state == 'T') => Rest::Stopped,
        () if any(|state| state != 'Z') => Rest::Asleep,
        () => Rest::Dead,
    }
}

/// Reads the current state of all threads. Threads that exit meanwhile are
/// left out.
fn sample(pid: u32) -> Sample {
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

//! Inspection and tracing by ptrace(2): the results are right, and the target
//! is not disturbed.

mod blocking_calls;
mod hostile;
mod inspect;
mod permission;
mod strange;
mod survive;
mod tracer;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use sigtool::signal::{Arch, Signal, SignalSet, name};
use sigtool::sys::ptrace::{self, InspectRequest, PtraceError, PtraceInspection};
use sigtool::sys::signal::send;

/// Long enough for a loaded machine. An inspection that hangs fails after it.
pub const DEADLINE: Duration = Duration::from_secs(20);

pub fn set(text: &str) -> SignalSet {
    SignalSet::parse(text, Arch::NATIVE).expect("a signal set")
}

pub fn signal(text: &str) -> Signal {
    name::parse(text, Arch::NATIVE).expect("a signal")
}

/// Inspects the actions of these signals.
pub fn handlers(pid: u32, signals: &str) -> Result<PtraceInspection, PtraceError> {
    ptrace::inspect(
        pid,
        InspectRequest { handlers: set(signals), queue: false, any_credentials: false },
        DEADLINE,
    )
}

/// Inspects the signal queues.
pub fn queue(pid: u32) -> Result<PtraceInspection, PtraceError> {
    ptrace::inspect(
        pid,
        InspectRequest { handlers: SignalSet::EMPTY, queue: true, any_credentials: false },
        DEADLINE,
    )
}

/// Returns true if ptrace(2) is available. Otherwise prints that the test is
/// skipped.
pub fn is_ptrace_available() -> bool {
    let fixture = crate::support::Fixture::start(["--catch", "USR1"]);
    match handlers(fixture.pid, "USR1") {
        Ok(_) => true,
        Err(PtraceError::Forbidden | PtraceError::Yama { .. } | PtraceError::Architecture) => {
            crate::support::skipped("no ptrace here");
            false
        }
        // The tests report other errors.
        Err(_) => true,
    }
}

/// Waits until a condition is true; panics after 60 s.
pub fn wait_until(mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < end, "the condition was not met within 60 s");
        std::thread::yield_now();
    }
}

/// Waits until the process is in a state, given by its letter.
pub fn wait_for_state(pid: u32, state: char) {
    wait_until(|| state_of(pid) == Some(state));
}

/// Returns the state letter of a process.
pub fn state_of(pid: u32) -> Option<char> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    stat.get(end + 2).map(|byte| char::from(*byte))
}

/// A process of `inspect-target`. Killed when dropped.
pub struct Target {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    pub pid: u32,
    /// The text after `ready PID`.
    pub ready_text: String,
}

impl Target {
    pub fn start(arguments: &[&str]) -> Target {
        let path = crate::support::fixture_path().with_file_name("inspect-target");
        let mut child = Command::new(path)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the fixture runs");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut target = Target { pid: child.id(), child, stdin, stdout, ready_text: String::new() };
        let line = target.line();
        let ready_text = line.strip_prefix(&format!("ready {}", target.pid));
        target.ready_text = ready_text.unwrap_or_else(|| panic!("it printed {line:?}")).trim().to_owned();
        target
    }

    /// Reads the next line that it prints; empty once it has exited.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("it prints a line");
        line.trim_end().to_owned()
    }

    pub fn write_input(&mut self, text: &str) {
        // If it has exited already, the caller notices.
        let _ = self.stdin.as_mut().map(|stdin| stdin.write_all(text.as_bytes()));
    }

    /// Queues a signal to a process that counts them. At most 1000 are
    /// pending at a time, because all processes of a user share one limit.
    pub fn queue(&mut self, value: i32) {
        const STEP: i32 = 500;
        if value > 2 * STEP && value % STEP == 0 {
            self.line();
        }
        let signal = signal("RTMIN+1");
        wait_until(|| send::to_pid(self.pid, Some(signal), Some(value)).is_ok());
    }

    /// Returns the number of signals that arrived in order.
    pub fn in_order(&mut self) -> i32 {
        loop {
            let line = self.line();
            if let Some(count) = line.strip_prefix("in order ") {
                return count.split(' ').next().and_then(|word| word.parse().ok()).expect("a number");
            }
            assert!(!line.is_empty(), "it has ended");
        }
    }

    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_none())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

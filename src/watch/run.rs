//! The commands of hooks, run beside the receiving.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};

use super::{Burst, Event, Hook, Request};
use crate::signal::info::Origin;
use crate::signal::{Arch, Signal};
use crate::sys::errno::ESRCH;
use crate::sys::pidfd::{PidFd, check_open};
use crate::sys::spawn::Inherited;

/// The commands that run, and those that wait.
#[derive(Debug)]
pub(super) struct Runner<'a> {
    hooks: &'a [Hook],
    burst: Burst,
    inherited: Inherited,
    /// Whether what commands print goes to stderr: stdout is for JSON.
    stdout_to_stderr: bool,
    waiting: VecDeque<Job<'a>>,
    running: Vec<Running>,
    /// The last that have ended: their SIGCHLD may still be under way.
    ended: VecDeque<u32>,
}

/// So many that have ended are remembered.
const MOST_ENDED: usize = 256;

#[derive(Debug)]
struct Job<'a> {
    on: Option<Signal>,
    command: &'a str,
    environment: Vec<(&'static str, String)>,
}

#[derive(Debug)]
struct Running {
    on: Option<Signal>,
    child: Child,
    held: PidFd,
}

impl<'a> Runner<'a> {
    /// None runs yet; they will start in this state.
    pub(super) fn new(request: &'a Request, inherited: Inherited, stdout_to_stderr: bool) -> Runner<'a> {
        Runner {
            hooks: &request.hooks,
            burst: request.burst,
            inherited,
            stdout_to_stderr,
            waiting: VecDeque::new(),
            running: Vec::new(),
            ended: VecDeque::new(),
        }
    }

    /// Whether anything is run on a signal.
    pub(super) fn has_hook(&self, signal: Signal) -> bool {
        self.hooks.iter().any(|hook| hook.on == Some(signal))
    }

    /// Whether a process is a command of ours: its end is no news.
    pub(super) fn is_ours(&self, pid: u32) -> bool {
        self.ended.contains(&pid) || self.running.iter().any(|running| running.child.id() == pid)
    }

    /// Whether a process is a command of ours that has not been reaped.
    pub(super) fn runs(&self, pid: u32) -> bool {
        self.running.iter().any(|running| running.child.id() == pid)
    }

    /// The descriptors that tell when a command has ended.
    pub(super) fn held(&self) -> impl Iterator<Item = &PidFd> {
        self.running.iter().map(|running| &running.held)
    }

    /// Whether nothing runs or waits.
    pub(super) fn is_idle(&self) -> bool {
        self.running.is_empty() && self.waiting.is_empty()
    }

    /// Starts, or puts in line, what is to be run on a signal.
    ///
    /// # Errors
    /// A command that could not be started.
    pub(super) fn arrived(&mut self, event: &Event) -> Result<(), String> {
        let signal = Some(event.info.signal);
        let hooks = self.hooks;
        let jobs = hooks.iter().filter(|hook| hook.on == signal);
        // A signal may have several hooks: what runs already was started by an
        // earlier arrival.
        let busy = self.running.iter().any(|running| running.on == signal);
        let mut failed = Vec::new();
        for hook in jobs {
            let job = Job { on: signal, command: &hook.command, environment: environment(event) };
            match self.burst {
                Burst::Drop if busy => {}
                Burst::Queue if !self.is_idle() => self.waiting.push_back(job),
                _ => failed.extend(self.start(job).err()),
            }
        }
        all_well(&failed)
    }

    /// Takes in the commands that have ended, and starts the next in line.
    ///
    /// # Errors
    /// Commands that failed, or could not be started.
    pub(super) fn reap(&mut self) -> Result<(), String> {
        // With SIGCHLD ignored on entry the kernel has waited already: then it
        // is ECHILD that tells the end.
        let ended = &mut self.ended;
        let mut failed = Vec::new();
        self.running.retain_mut(|running| {
            let status = running.child.try_wait();
            if matches!(status, Ok(None)) {
                return true;
            }
            ended.push_back(running.child.id());
            if let Ok(Some(status)) = status
                && !status.success()
            {
                failed.push(format!("{}: the command ended with {status}", hook_name(running.on)));
            }
            false
        });
        self.ended.drain(..self.ended.len().saturating_sub(MOST_ENDED));
        while self.running.is_empty() {
            let Some(next) = self.waiting.pop_front() else { break };
            failed.extend(self.start(next).err());
        }
        all_well(&failed)
    }

    /// Starts what is to be run at the end.
    ///
    /// # Errors
    /// A command that could not be started.
    pub(super) fn at_end(&mut self, hook: &Hook, status: u8) -> Result<(), String> {
        let environment = vec![
            ("SIGTOOL_SIGNAL", "EXIT".to_owned()),
            ("SIGTOOL_NUMBER", "0".to_owned()),
            ("SIGTOOL_STATUS", status.to_string()),
        ];
        self.start(Job { on: None, command: &hook.command, environment })
    }

    /// Leaves what runs to itself, and forgets what waits; gives how many.
    pub(super) fn abandon(&mut self) -> usize {
        let left = self.running.len() + self.waiting.len();
        self.running.clear();
        self.waiting.clear();
        left
    }

    fn start(&mut self, job: Job<'_>) -> Result<(), String> {
        let mut command = Command::new("sh");
        command.args(["-c", job.command]).stdin(Stdio::null()).envs(job.environment);
        if self.stdout_to_stderr {
            // What a command prints is no JSON.
            let stderr = io::stderr().as_fd().try_clone_to_owned();
            command.stdout(stderr.map_or_else(|_| Stdio::null(), Stdio::from));
        }
        let failed = |error: io::Error| format!("{}: sh: {}", hook_name(job.on), crate::error::bare(&error));
        // Before it is started: its end would not be seen.
        check_open()
            .map_err(|missing| format!("{}: a command needs pidfds: {missing}", hook_name(job.on)))?;
        let child = self.inherited.pass_on(&mut command).spawn().map_err(failed)?;
        match PidFd::open(child.id()) {
            Ok(held) => self.running.push(Running { on: job.on, child, held }),
            // With SIGCHLD ignored on entry it may be gone as soon as it has ended.
            Err(error) if error.raw_os_error() == Some(ESRCH) => self.ended.push_back(child.id()),
            Err(error) => return Err(failed(error)),
        }
        Ok(())
    }
}

fn all_well(failed: &[String]) -> Result<(), String> {
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
}

fn hook_name(on: Option<Signal>) -> String {
    on.map_or("EXIT".to_owned(), |signal| Arch::NATIVE.name(signal).to_string())
}

/// What a command finds in its environment.
fn environment(event: &Event) -> Vec<(&'static str, String)> {
    let info = &event.info;
    let mut found = vec![
        ("SIGTOOL_SIGNAL", Arch::NATIVE.name(info.signal).to_string()),
        ("SIGTOOL_NUMBER", info.signal.get().to_string()),
        ("SIGTOOL_CODE", info.code().map_or_else(|| info.code.to_string(), |code| code.name.to_owned())),
    ];
    let (sender, value) = match info.origin() {
        Origin::Process { pid, uid, value, .. } => (Some((pid, uid)), value),
        Origin::Outside { value, .. } => (None, value),
        Origin::Timer { value, .. } => (None, Some(value)),
        Origin::Child { pid, status, .. } => {
            found.push(("SIGTOOL_CHILD_PID", pid.to_string()));
            found.push(("SIGTOOL_CHILD_STATUS", status.to_string()));
            (None, None)
        }
        _ => (None, None),
    };
    if let Some((pid, uid)) = sender {
        found.push(("SIGTOOL_SENDER_PID", pid.to_string()));
        found.push(("SIGTOOL_SENDER_UID", uid.to_string()));
    }
    if let Some(value) = value {
        found.push(("SIGTOOL_VALUE", value.to_string()));
    }
    let name = event.sender.as_ref().and_then(|sender| sender.name.as_ref());
    if let Some(name) = name.and_then(|name| std::str::from_utf8(name).ok()) {
        found.push(("SIGTOOL_SENDER_NAME", name.to_owned()));
    }
    found
}

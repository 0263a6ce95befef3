//! The commands of hooks, run beside the receiving.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};

use super::{BurstPolicy, Hook, ReceivedSignal, WatchRequest};
use crate::signal::siginfo::SignalOrigin;
use crate::signal::{Arch, Signal};
use crate::sys::errno::ESRCH;
use crate::sys::process::pidfd::{PidFd, check_open};
use crate::sys::process::spawn::InheritedSignalState;

/// The commands that run, and those that wait.
#[derive(Debug)]
pub(super) struct HookRunner<'a> {
    hooks: &'a [Hook],
    burst: BurstPolicy,
    inherited_state: InheritedSignalState,
    /// Whether what commands print goes to stderr: stdout is for JSON.
    stdout_to_stderr: bool,
    queued: VecDeque<HookJob<'a>>,
    running: Vec<RunningHook>,
    /// The last that have ended: their SIGCHLD may still be under way.
    finished_pids: VecDeque<u32>,
}

/// So many that have ended are remembered.
const MAX_FINISHED_PIDS: usize = 256;

#[derive(Debug)]
struct HookJob<'a> {
    trigger: Option<Signal>,
    command: &'a str,
    environment: Vec<(&'static str, String)>,
}

#[derive(Debug)]
struct RunningHook {
    trigger: Option<Signal>,
    child: Child,
    pidfd: PidFd,
}

impl<'a> HookRunner<'a> {
    /// None runs yet; they will start in this state.
    pub(super) fn new(
        request: &'a WatchRequest,
        inherited: InheritedSignalState,
        stdout_to_stderr: bool,
    ) -> HookRunner<'a> {
        HookRunner {
            hooks: &request.hooks,
            burst: request.burst,
            inherited_state: inherited,
            stdout_to_stderr,
            queued: VecDeque::new(),
            running: Vec::new(),
            finished_pids: VecDeque::new(),
        }
    }

    /// Whether anything is run on a signal.
    pub(super) fn has_hook(&self, signal: Signal) -> bool {
        self.hooks.iter().any(|hook| hook.trigger == Some(signal))
    }

    /// Whether a process is a command of ours: its end is no news.
    pub(super) fn was_started_here(&self, pid: u32) -> bool {
        self.finished_pids.contains(&pid) || self.running.iter().any(|running| running.child.id() == pid)
    }

    /// Whether a process is a command of ours that has not been reaped.
    pub(super) fn is_running(&self, pid: u32) -> bool {
        self.running.iter().any(|running| running.child.id() == pid)
    }

    /// The descriptors that tell when a command has ended.
    pub(super) fn pidfds(&self) -> impl Iterator<Item = &PidFd> {
        self.running.iter().map(|running| &running.pidfd)
    }

    /// Whether nothing runs or waits.
    pub(super) fn is_idle(&self) -> bool {
        self.running.is_empty() && self.queued.is_empty()
    }

    /// Starts, or puts in line, what is to be run on a signal.
    ///
    /// # Errors
    /// A command that could not be started.
    pub(super) fn run_hooks_for(&mut self, event: &ReceivedSignal) -> Result<(), String> {
        let signal = Some(event.siginfo.signal);
        let hooks = self.hooks;
        let jobs = hooks.iter().filter(|hook| hook.trigger == signal);
        // A signal may have several hooks: what runs already was started by an
        // earlier arrival.
        let busy = self.running.iter().any(|running| running.trigger == signal);
        let mut failed = Vec::new();
        for hook in jobs {
            let job =
                HookJob { trigger: signal, command: &hook.command, environment: hook_environment(event) };
            match self.burst {
                BurstPolicy::Drop if busy => {}
                BurstPolicy::Queue if !self.is_idle() => self.queued.push_back(job),
                _ => failed.extend(self.start(job).err()),
            }
        }
        join_errors(&failed)
    }

    /// Takes in the commands that have ended, and starts the next in line.
    ///
    /// # Errors
    /// Commands that failed, or could not be started.
    pub(super) fn reap(&mut self) -> Result<(), String> {
        // With SIGCHLD ignored on entry the kernel has waited already: then it
        // is ECHILD that tells the end.
        let ended = &mut self.finished_pids;
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
                failed.push(format!("{}: the command ended with {status}", hook_name(running.trigger)));
            }
            false
        });
        self.finished_pids.drain(..self.finished_pids.len().saturating_sub(MAX_FINISHED_PIDS));
        while self.running.is_empty() {
            let Some(next) = self.queued.pop_front() else { break };
            failed.extend(self.start(next).err());
        }
        join_errors(&failed)
    }

    /// Starts what is to be run at the end.
    ///
    /// # Errors
    /// A command that could not be started.
    pub(super) fn run_exit_hook(&mut self, hook: &Hook, status: u8) -> Result<(), String> {
        let environment = vec![
            ("SIGTOOL_SIGNAL", "EXIT".to_owned()),
            ("SIGTOOL_NUMBER", "0".to_owned()),
            ("SIGTOOL_STATUS", status.to_string()),
        ];
        self.start(HookJob { trigger: None, command: &hook.command, environment })
    }

    /// Leaves what runs to itself, and forgets what waits; gives how many.
    pub(super) fn abandon(&mut self) -> usize {
        let left = self.running.len() + self.queued.len();
        self.running.clear();
        self.queued.clear();
        left
    }

    fn start(&mut self, job: HookJob<'_>) -> Result<(), String> {
        let mut command = Command::new("sh");
        command.args(["-c", job.command]).stdin(Stdio::null()).envs(job.environment);
        if self.stdout_to_stderr {
            // What a command prints is no JSON.
            let stderr = io::stderr().as_fd().try_clone_to_owned();
            command.stdout(stderr.map_or_else(|_| Stdio::null(), Stdio::from));
        }
        let failed = |error: io::Error| {
            format!("{}: sh: {}", hook_name(job.trigger), crate::error::message_without_errno(&error))
        };
        // Before it is started: its end would not be seen.
        check_open()
            .map_err(|missing| format!("{}: a command needs pidfds: {missing}", hook_name(job.trigger)))?;
        let child = self.inherited_state.apply_to(&mut command).spawn().map_err(failed)?;
        match PidFd::open(child.id()) {
            Ok(held) => self.running.push(RunningHook { trigger: job.trigger, child, pidfd: held }),
            // With SIGCHLD ignored on entry it may be gone as soon as it has ended.
            Err(error) if error.raw_os_error() == Some(ESRCH) => self.finished_pids.push_back(child.id()),
            Err(error) => return Err(failed(error)),
        }
        Ok(())
    }
}

fn join_errors(failed: &[String]) -> Result<(), String> {
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
}

fn hook_name(on: Option<Signal>) -> String {
    on.map_or("EXIT".to_owned(), |signal| Arch::NATIVE.signal_name(signal).to_string())
}

/// What a command finds in its environment.
fn hook_environment(event: &ReceivedSignal) -> Vec<(&'static str, String)> {
    let info = &event.siginfo;
    let mut found = vec![
        ("SIGTOOL_SIGNAL", Arch::NATIVE.signal_name(info.signal).to_string()),
        ("SIGTOOL_NUMBER", info.signal.get().to_string()),
        (
            "SIGTOOL_CODE",
            info.known_code().map_or_else(|| info.code.to_string(), |code| code.name.to_owned()),
        ),
    ];
    let (sender, value) = match info.origin() {
        SignalOrigin::Process { pid, uid, value, .. } => (Some((pid, uid)), value),
        SignalOrigin::OutsideNamespace { value, .. } => (None, value),
        SignalOrigin::Timer { value, .. } => (None, Some(value)),
        SignalOrigin::Child { pid, status, .. } => {
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

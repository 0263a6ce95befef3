//! Runs the commands of `--on` while sigtool continues to receive signals.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};

use super::output::counted;
use super::{BurstPolicy, Hook, ReceivedSignal, WatchRequest};
use crate::signal::siginfo::SignalOrigin;
use crate::signal::{Arch, Signal};
use crate::sys::errno::ESRCH;
use crate::sys::process::pidfd::{PidFd, check_open};
use crate::sys::process::spawn::InheritedSignalState;

/// The hooks that are running or queued.
#[derive(Debug)]
pub(super) struct HookRunner<'a> {
    hooks: &'a [Hook],
    burst: BurstPolicy,
    inherited_state: InheritedSignalState,
    /// Whether standard output of hooks goes to standard error, because standard
    /// output contains JSON.
    stdout_to_stderr: bool,
    queued: VecDeque<HookJob<'a>>,
    running: Vec<RunningHook>,
    /// The PIDs of the hooks that exited last. Their CHLD may not have arrived yet.
    finished_pids: VecDeque<u32>,
}

/// The largest number of entries in `finished_pids`.
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
    /// Creates a runner. Hooks start in the signal state `inherited`.
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

    /// Whether a signal has a hook.
    pub(super) fn has_hook(&self, signal: Signal) -> bool {
        self.hooks.iter().any(|hook| hook.trigger == Some(signal))
    }

    /// Whether a process is or was a hook, so that its CHLD is not reported.
    pub(super) fn was_started_here(&self, pid: u32) -> bool {
        self.finished_pids.contains(&pid) || self.running.iter().any(|running| running.child.id() == pid)
    }

    /// Whether a process is a hook that has not been reaped.
    pub(super) fn is_running(&self, pid: u32) -> bool {
        self.running.iter().any(|running| running.child.id() == pid)
    }

    /// Returns the pidfds of running hooks. They become readable on exit.
    pub(super) fn pidfds(&self) -> impl Iterator<Item = &PidFd> {
        self.running.iter().map(|running| &running.pidfd)
    }

    /// Whether no hook is running or queued.
    pub(super) fn is_idle(&self) -> bool {
        self.running.is_empty() && self.queued.is_empty()
    }

    /// Starts, queues or skips the hooks of a signal, as the burst policy demands.
    ///
    /// # Errors
    /// A message about hooks that could not be started.
    pub(super) fn run_hooks_for(&mut self, event: &ReceivedSignal) -> Result<(), String> {
        let signal = Some(event.siginfo.signal);
        let hooks = self.hooks;
        let jobs = hooks.iter().filter(|hook| hook.trigger == signal);
        // A signal may have several hooks. Checked before the first of them starts:
        // those that are running belong to an earlier signal.
        let busy = self.running.iter().any(|running| running.trigger == signal);
        let mut errors = Vec::new();
        for hook in jobs {
            let job =
                HookJob { trigger: signal, command: &hook.command, environment: hook_environment(event) };
            match self.burst {
                BurstPolicy::Drop if busy => {}
                BurstPolicy::Queue if !self.is_idle() => self.queued.push_back(job),
                _ => errors.extend(self.start(job).err()),
            }
        }
        join_errors(&errors)
    }

    /// Reaps hooks that have exited and starts the next queued one.
    ///
    /// # Errors
    /// A message about hooks that failed or could not be started.
    pub(super) fn reap(&mut self) -> Result<(), String> {
        // If CHLD was ignored on entry, the kernel has reaped the hook and try_wait
        // returns ECHILD.
        let finished_pids = &mut self.finished_pids;
        let mut errors = Vec::new();
        self.running.retain_mut(|running| {
            let status = running.child.try_wait();
            if matches!(status, Ok(None)) {
                return true;
            }
            finished_pids.push_back(running.child.id());
            if let Ok(Some(status)) = status
                && !status.success()
            {
                errors.push(failed_hook_message(running.trigger, status));
            }
            false
        });
        self.finished_pids.drain(..self.finished_pids.len().saturating_sub(MAX_FINISHED_PIDS));
        while self.running.is_empty() {
            let Some(next) = self.queued.pop_front() else { break };
            errors.extend(self.start(next).err());
        }
        join_errors(&errors)
    }

    /// Starts an exit hook. `status` is the exit status of sigtool.
    ///
    /// # Errors
    /// A message if the hook could not be started.
    pub(super) fn run_exit_hook(&mut self, hook: &Hook, status: u8) -> Result<(), String> {
        let environment = vec![
            ("SIGTOOL_SIGNAL", "EXIT".to_owned()),
            ("SIGTOOL_NUMBER", "0".to_owned()),
            ("SIGTOOL_STATUS", status.to_string()),
        ];
        self.start(HookJob { trigger: None, command: &hook.command, environment })
    }

    /// Stops waiting for running hooks and discards queued ones. Returns their number.
    pub(super) fn abandon(&mut self) -> usize {
        let count = self.running.len() + self.queued.len();
        self.running.clear();
        self.queued.clear();
        count
    }

    fn start(&mut self, job: HookJob<'_>) -> Result<(), String> {
        let mut command = Command::new("sh");
        command.args(["-c", job.command]).stdin(Stdio::null()).envs(job.environment);
        if self.stdout_to_stderr {
            // The output of a hook is not JSON.
            let stderr = io::stderr().as_fd().try_clone_to_owned();
            command.stdout(stderr.map_or_else(|_| Stdio::null(), Stdio::from));
        }
        let start_error = |error: io::Error| {
            let cause = crate::error::message_without_errno(&error);
            format!("cannot start sh for --on {}: {cause}", hook_name(job.trigger))
        };
        // Checked before the start: without pidfds sigtool would not notice the exit.
        check_open().map_err(|missing| {
            format!("cannot run the command of --on {}: {missing}", hook_name(job.trigger))
        })?;
        let child = self.inherited_state.apply_to(&mut command).spawn().map_err(start_error)?;
        match PidFd::open(child.id()) {
            Ok(pidfd) => self.running.push(RunningHook { trigger: job.trigger, child, pidfd }),
            // If CHLD was ignored on entry, the kernel may have reaped the hook already.
            Err(error) if error.raw_os_error() == Some(ESRCH) => self.finished_pids.push_back(child.id()),
            Err(error) => return Err(start_error(error)),
        }
        Ok(())
    }
}

fn join_errors(errors: &[String]) -> Result<(), String> {
    if errors.is_empty() { Ok(()) } else { Err(errors.join("; ")) }
}

/// Returns the message about a hook that has failed.
fn failed_hook_message(trigger: Option<Signal>, status: ExitStatus) -> String {
    let outcome = match status.signal().and_then(|number| Signal::new_native(u8::try_from(number).ok()?)) {
        Some(signal) => format!("was killed by {}", Arch::NATIVE.signal_name(signal)),
        None => format!("exited with status {}", status.code().unwrap_or_default()),
    };
    format!("the command of --on {} {outcome}", hook_name(trigger))
}

/// Returns the note that sigtool exits without waiting for `count` hooks.
pub(super) fn abandoned_hooks_note(count: usize) -> String {
    let commands = counted(count, "command");
    format!("received another signal to exit; not waiting for {commands} of --on")
}

fn hook_name(trigger: Option<Signal>) -> String {
    trigger.map_or("EXIT".to_owned(), |signal| Arch::NATIVE.signal_name(signal).to_string())
}

/// Returns the environment variables that describe a signal to its hook.
fn hook_environment(event: &ReceivedSignal) -> Vec<(&'static str, String)> {
    let info = &event.siginfo;
    let mut variables = vec![
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
            variables.push(("SIGTOOL_CHILD_PID", pid.to_string()));
            variables.push(("SIGTOOL_CHILD_STATUS", status.to_string()));
            (None, None)
        }
        _ => (None, None),
    };
    if let Some((pid, uid)) = sender {
        variables.push(("SIGTOOL_SENDER_PID", pid.to_string()));
        variables.push(("SIGTOOL_SENDER_UID", uid.to_string()));
    }
    if let Some(value) = value {
        variables.push(("SIGTOOL_VALUE", value.to_string()));
    }
    let name = event.sender.as_ref().and_then(|sender| sender.name.as_ref());
    if let Some(name) = name.and_then(|name| std::str::from_utf8(name).ok()) {
        variables.push(("SIGTOOL_SENDER_NAME", name.to_owned()));
    }
    variables
}

//! The main loop of the parent of a supervised command: receives and forwards signals,
//! and reaps children.

use std::io::{self, Write};
use std::time::{Duration, Instant, SystemTime};

use super::job::CommandJob;
use super::log::SuperviseLog;
use super::policy::{self, ForwardOutcome, JobContext, NotForwardedReason};
use super::target::ForwardTarget;
use super::{SuperviseOptions, io_failure};
use crate::commands::watch::hooks::{HookRunner, abandoned_hooks_note};
use crate::commands::watch::output::{LineDroppingWriter, unwritten_text};
use crate::commands::watch::sender::SenderNameCache;
use crate::commands::watch::{ReceivedSignal, WatchRequest};
use crate::error::{Failure, message_without_errno};
use crate::exit::ExitStatus;
use crate::out::escape_message;
use crate::signal::consts::{CHLD, CONT, HUP, INT, KILL, TERM};
use crate::signal::exit_status::Termination;
use crate::signal::siginfo::SI_KERNEL;
use crate::signal::{Arch, Siginfo, Signal, SignalSet};
use crate::sys::process::child::{self, ChildrenState};
use crate::sys::process::job_control::{is_in_own_group, is_session_leader};
use crate::sys::process::spawn::InheritedSignalState;
use crate::sys::signal::forward::is_no_such_process;
use crate::sys::signal::send::own_uid;
use crate::sys::signal::signalfd::SignalFd;
use crate::sys::signal::sigtimedwait;

/// The time between two attempts to forward signals that wait for space in a queue.
const FORWARD_RETRY_INTERVAL: Duration = Duration::from_millis(1);
/// The time between two attempts to write pending lines.
const OUTPUT_RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// The time between two KILLs to descendants that are still alive.
const KILL_RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// The parent of a supervised command.
pub(super) struct Supervisor<'a> {
    request: &'a WatchRequest,
    options: &'a SuperviseOptions,
    own_pid: u32,
    command_pid: u32,
    target: ForwardTarget,
    all_signals: SignalSet,
    signal_fd: SignalFd,
    log: SuperviseLog<'a>,
    job: CommandJob,
    /// Messages for people.
    notes: LineDroppingWriter,
    sender_names: SenderNameCache,
    hook_runner: HookRunner<'a>,
    batch: Vec<Siginfo>,
    /// The exit status of the command, after it has exited.
    termination: Option<Termination>,
    /// The next signal that the timeout sends, and its time.
    timeout_action: Option<(Instant, Signal)>,
    timed_out: bool,
    /// The last signal that the timeout sent.
    last_timeout_signal: Option<Signal>,
    /// Whether a termination signal has arrived while sigtool waits for hooks.
    exit_requested_again: bool,
}

/// The current state of the command with this PID.
struct CurrentJobContext(u32);

impl JobContext for CurrentJobContext {
    fn shares_group(&self) -> bool {
        is_in_own_group(self.0)
    }
    fn leads_session(&self) -> bool {
        is_session_leader()
    }
}

impl<'a> Supervisor<'a> {
    /// Creates the supervisor of a command that has just started.
    ///
    /// # Errors
    /// The error of pidfd_open(2).
    #[allow(clippy::too_many_arguments)]
    pub(in crate::commands::watch) fn new(
        request: &'a WatchRequest,
        options: &'a SuperviseOptions,
        command_pid: u32,
        inherited: InheritedSignalState,
        signal_fd: SignalFd,
        log: SuperviseLog<'a>,
        job: CommandJob,
        notes: LineDroppingWriter,
    ) -> io::Result<Supervisor<'a>> {
        let deadline = request.timeout.and_then(|time| Instant::now().checked_add(time));
        Ok(Supervisor {
            request,
            options,
            own_pid: std::process::id(),
            command_pid,
            target: ForwardTarget::open(command_pid, options.own_group)?,
            all_signals: SignalSet::all(Arch::NATIVE),
            signal_fd,
            log,
            job,
            notes,
            sender_names: SenderNameCache::new(),
            hook_runner: HookRunner::new(request, inherited, false),
            batch: Vec::new(),
            termination: None,
            timeout_action: deadline.map(|deadline| (deadline, TERM)),
            timed_out: false,
            last_timeout_signal: None,
            exit_requested_again: false,
        })
    }

    /// Runs until the command, and with `waits_for_all` its descendants, have exited.
    /// Then runs the exit hooks and flushes output.
    pub(super) fn run(mut self) -> Result<ExitStatus, Failure> {
        while !self.is_finished() {
            self.run_once()?;
        }
        self.job.handle_exit();
        self.timeout_action = None;
        // Reports the signals that arrived before the exit.
        self.handle_batch(None, true)?;
        let exit = match self.termination {
            // The status of timeout(1) if TERM had no effect.
            Some(Termination::Killed { signal: KILL, .. }) if self.timed_out => {
                ExitStatus::KilledBySignal(KILL.get())
            }
            _ if self.timed_out => ExitStatus::TimedOut,
            Some(Termination::Exited(status)) => ExitStatus::CommandStatus(status),
            Some(Termination::Killed { signal, .. }) => ExitStatus::KilledBySignal(signal.get()),
            None => ExitStatus::InternalError,
        };
        self.wait_for_hooks()?;
        for hook in self.request.hooks.iter().filter(|hook| hook.trigger.is_none()) {
            let started = self.hook_runner.run_exit_hook(hook, exit.code());
            self.report_hook_error(started);
            self.wait_for_hooks()?;
        }
        let unwritten = self.log.flush_at_exit();
        if let Some(text) = unwritten_text("the log", unwritten) {
            self.write_note(&text);
        }
        self.notes.flush_at_exit();
        if let (Some(Termination::Killed { signal, .. }), false) = (self.termination, self.timed_out) {
            self.job.exit_by_signal(signal);
        }
        Ok(exit)
    }

    fn is_finished(&self) -> bool {
        self.termination.is_some()
            && (!self.options.waits_for_all || child::peek_exited() == ChildrenState::None)
    }

    /// Waits for a signal and handles signals, waiting signals and the timeout.
    fn run_once(&mut self) -> Result<(), Failure> {
        let first = sigtimedwait::sigtimedwait(self.all_signals, self.wait_timeout())
            .map_err(io_failure("cannot wait for signals"))?;
        // More instances of a real-time signal may be queued behind it.
        let read_more = first.as_ref().is_some_and(|first| first.signal.is_realtime());
        self.handle_batch(first, read_more)?;
        self.target.send_queued();
        self.check_timeout();
        Ok(())
    }

    /// Handles a signal, and with `read_more` the signals that are pending.
    fn handle_batch(&mut self, first: Option<Siginfo>, read_more: bool) -> Result<(), Failure> {
        let mut batch = std::mem::take(&mut self.batch);
        batch.clear();
        batch.extend(first);
        if read_more {
            self.signal_fd.read(&mut batch).map_err(io_failure("cannot receive signals"))?;
        }
        self.sender_names.next_batch();
        for info in &batch {
            self.handle_signal(info);
        }
        self.batch = batch;
        let result = self.log.flush();
        self.check_log_write(result);
        // An error cannot be reported: standard error is the last output.
        let _ = self.notes.write_pending();
        Ok(())
    }

    /// Returns the timeout of the next wait, or `None` for no timeout.
    fn wait_timeout(&self) -> Option<Duration> {
        let timeout = self.timeout_action.map(|(time, _)| time.saturating_duration_since(Instant::now()));
        let forward = self.target.has_queued().then_some(FORWARD_RETRY_INTERVAL);
        let has_output = self.log.has_pending() || self.notes.has_pending();
        timeout.into_iter().chain(forward).chain(has_output.then_some(OUTPUT_RETRY_INTERVAL)).min()
    }

    fn handle_signal(&mut self, info: &Siginfo) {
        if info.signal == CHLD {
            self.reap_children();
        }
        if policy::is_own_notification(info, self.own_pid) {
            return;
        }
        if info.code == SI_KERNEL {
            self.job.record_signal(info.signal, true);
        }
        let was_continued = info.signal == CONT && self.termination.is_none() && self.job.handle_cont();
        self.exit_requested_again |= [INT, TERM, HUP].contains(&info.signal);
        let has_hook = self.hook_runner.has_hook(info.signal);
        let is_reported = has_hook || self.log.is_enabled();
        let outcome =
            match policy::decide_forwarding(self.options, info, &CurrentJobContext(self.command_pid)) {
                ForwardOutcome::Forwarded(CONT) if was_continued => {
                    ForwardOutcome::NotForwarded(NotForwardedReason::SentByTerminal)
                }
                ForwardOutcome::Forwarded(signal) => self.forward(info, signal),
                not_forwarded => not_forwarded,
            };
        if !is_reported {
            return;
        }
        // Resolved after forwarding, which it would delay.
        let sender = self.sender_names.resolve_sender(info);
        let event = ReceivedSignal { time: SystemTime::now(), siginfo: *info, sender };
        let result = self.log.write_entry(&event, &outcome);
        self.check_log_write(result);
        if has_hook && self.termination.is_none() {
            let started = self.hook_runner.run_hooks_for(&event);
            self.report_hook_error(started);
        }
    }

    fn forward(&mut self, info: &Siginfo, signal: Signal) -> ForwardOutcome {
        if self.termination.is_some() {
            let runner = &self.hook_runner;
            let sent = self.options.waits_for_all
                && self.target.forward_to_adopted(info, signal, |pid| runner.is_running(pid));
            return if sent {
                ForwardOutcome::Forwarded(signal)
            } else {
                ForwardOutcome::NotForwarded(NotForwardedReason::CommandExited)
            };
        }
        if info.code != SI_KERNEL {
            self.job.record_signal(signal, false);
        }
        match self.target.forward(info, signal) {
            Ok(()) => ForwardOutcome::Forwarded(signal),
            Err(error) if is_no_such_process(&error) => {
                ForwardOutcome::NotForwarded(NotForwardedReason::CommandExited)
            }
            Err(error) => {
                ForwardOutcome::NotForwarded(NotForwardedReason::Failed(message_without_errno(&error)))
            }
        }
    }

    /// Reaps children that have exited and handles a stop of the command.
    fn reap_children(&mut self) {
        while let ChildrenState::Exited(pid) = child::peek_exited() {
            if pid == self.command_pid {
                self.termination = child::try_reap(pid);
            } else if self.hook_runner.is_running(pid) {
                let reaped = self.hook_runner.reap();
                self.report_hook_error(reaped);
            } else {
                child::try_reap(pid);
            }
        }
        if self.termination.is_none() && self.job.check_state() {
            self.target.send(CONT);
        }
    }

    /// Sends the signal of the timeout if it is due.
    fn check_timeout(&mut self) {
        let Some((time, signal)) = self.timeout_action.filter(|(time, _)| Instant::now() >= *time) else {
            return;
        };
        self.timeout_action = match signal {
            // A process that starts during the KILL gets the next one.
            KILL => Instant::now().checked_add(KILL_RETRY_INTERVAL).map(|retry| (retry, KILL)),
            _ => self.options.kill_after.and_then(|delay| time.checked_add(delay)).map(|kill| (kill, KILL)),
        };
        self.timed_out = true;
        // A stopped process does not handle TERM until it is continued.
        self.signal_all(if signal == KILL { &[KILL] } else { &[TERM, CONT] });
    }

    /// Sends signals to the command and its descendants and logs the first, unless the
    /// timeout has just sent the same.
    fn signal_all(&mut self, signals: &[Signal]) {
        let runner = &self.hook_runner;
        self.target.send_to_descendants(signals, self.termination.is_some(), |pid| runner.is_running(pid));
        let first = signals.first().copied();
        let repeated = std::mem::replace(&mut self.last_timeout_signal, first) == first;
        let Some(signal) = first.filter(|_| !repeated && self.log.is_enabled()) else { return };
        let info = Siginfo { pid: self.own_pid, uid: own_uid(), ..Siginfo::from_signal(signal) };
        let event = ReceivedSignal {
            time: SystemTime::now(),
            siginfo: info,
            sender: self.sender_names.resolve_sender(&info),
        };
        let result = self.log.write_entry(&event, &ForwardOutcome::SentOnTimeout);
        self.check_log_write(result);
    }

    /// Waits until the hooks have exited or a termination signal arrives.
    fn wait_for_hooks(&mut self) -> Result<(), Failure> {
        self.exit_requested_again = false;
        while !self.hook_runner.is_idle() {
            self.run_once()?;
            if std::mem::replace(&mut self.exit_requested_again, false) {
                let count = self.hook_runner.abandon();
                self.write_note(&abandoned_hooks_note(count));
            }
        }
        Ok(())
    }

    fn check_log_write(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.log.disable();
            self.write_note(&format!(
                "cannot write the log, logging stopped: {}",
                message_without_errno(&error)
            ));
        }
    }

    fn report_hook_error(&mut self, result: Result<(), String>) {
        if let Err(message) = result {
            self.write_note(&message);
        }
    }

    /// Writes a message for people. Errors are ignored: no other stream could report them.
    fn write_note(&mut self, text: &str) {
        let _ = self.notes.write_all(format!("watch: {}\n", escape_message(text)).as_bytes());
    }
}

//! The parent of the command: receives, sends on, reaps, until the end.

use std::io::{self, Write};
use std::time::{Duration, Instant, SystemTime};

use super::job::CommandJob;
use super::log::SuperviseLog;
use super::policy::{self, ForwardOutcome, JobContext, NotForwardedReason};
use super::target::ForwardTarget;
use super::{SuperviseOptions, io_failure};
use crate::commands::watch::hooks::HookRunner;
use crate::commands::watch::output::notes::unwritten_text;
use crate::commands::watch::output::queue::LineQueue;
use crate::commands::watch::sender::{SenderNameCache, SignalSender};
use crate::commands::watch::{ReceivedSignal, WatchRequest};
use crate::error::{Failure, message_without_errno};
use crate::exit::ExitStatus;
use crate::out::escape_message;
use crate::signal::consts::{CHLD, CONT, HUP, INT, KILL, TERM};
use crate::signal::exit_status::Termination;
use crate::signal::siginfo::SignalOrigin;
use crate::signal::{Arch, Siginfo, Signal, SignalSet};
use crate::sys::process::child::{self, ChildrenState};
use crate::sys::process::job_control::{is_in_own_group, is_session_leader};
use crate::sys::process::spawn::InheritedSignalState;
use crate::sys::signal::forward::is_no_such_process;
use crate::sys::signal::send::own_uid;
use crate::sys::signal::signalfd::SignalFd;
use crate::sys::signal::sigtimedwait;

/// How long it takes until signals that wait for room are tried again; and
/// lines that do.
const FORWARD_RETRY_INTERVAL: Duration = Duration::from_millis(1);
const OUTPUT_RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// How long it takes until those that are left after a KILL get it again.
const KILL_RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// What runs the command.
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
    /// Notes for people.
    notes: LineQueue,
    sender_names: SenderNameCache,
    hook_runner: HookRunner<'a>,
    batch: Vec<Siginfo>,
    /// How the command has ended.
    termination: Option<Termination>,
    /// What is sent when, because the time has run out.
    timeout_action: Option<(Instant, Signal)>,
    timed_out: bool,
    /// What was sent last because of that.
    last_timeout_signal: Option<Signal>,
    /// At the end: whether somebody has asked once more for it.
    exit_requested_again: bool,
}

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
    /// Of the command, which has just been started.
    #[allow(clippy::too_many_arguments)]
    pub(in crate::commands::watch) fn new(
        request: &'a WatchRequest,
        plan: &'a SuperviseOptions,
        pid: u32,
        inherited: InheritedSignalState,
        signals: SignalFd,
        log: SuperviseLog<'a>,
        job: CommandJob,
        notes: LineQueue,
    ) -> io::Result<Supervisor<'a>> {
        let end = request.timeout.and_then(|time| Instant::now().checked_add(time));
        Ok(Supervisor {
            request,
            options: plan,
            own_pid: std::process::id(),
            command_pid: pid,
            target: ForwardTarget::open(pid, plan.own_group)?,
            all_signals: SignalSet::all(Arch::NATIVE),
            signal_fd: signals,
            log,
            job,
            notes,
            sender_names: SenderNameCache::new(),
            hook_runner: HookRunner::new(request, inherited, false),
            batch: Vec::new(),
            termination: None,
            timeout_action: end.map(|end| (end, TERM)),
            timed_out: false,
            last_timeout_signal: None,
            exit_requested_again: false,
        })
    }

    /// Runs until the command has ended, and what else is waited for; then the
    /// commands of the end.
    pub(super) fn run(mut self) -> Result<ExitStatus, Failure> {
        while !self.is_finished() {
            self.run_once()?;
        }
        self.job.handle_exit();
        self.timeout_action = None;
        // What came before the end is told, too.
        self.handle_batch(None, true)?;
        let exit = match self.termination {
            // As timeout(1) has it: TERM was not enough.
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
        let unread = self.log.flush_at_exit();
        if let Some(text) = unwritten_text("the log", unread) {
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

    /// Waits for a signal, and does what is due.
    fn run_once(&mut self) -> Result<(), Failure> {
        let first = sigtimedwait::sigtimedwait(self.all_signals, self.wait_timeout())
            .map_err(io_failure("waiting"))?;
        // Others of its kind may be in line behind a real-time signal.
        let more = first.as_ref().is_some_and(|first| first.signal.is_realtime());
        self.handle_batch(first, more)?;
        self.target.send_queued();
        self.check_timeout();
        Ok(())
    }

    /// Takes what has come, and what is pending behind it.
    fn handle_batch(&mut self, first: Option<Siginfo>, more: bool) -> Result<(), Failure> {
        let mut batch = std::mem::take(&mut self.batch);
        batch.clear();
        batch.extend(first);
        if more {
            self.signal_fd.read(&mut batch).map_err(io_failure("signalfd"))?;
        }
        self.sender_names.next_batch();
        for info in &batch {
            self.handle_signal(info);
        }
        self.batch = batch;
        let written = self.log.flush();
        self.check_log_write(written);
        // Nobody is left to be told where that fails.
        let _ = self.notes.write_pending();
        Ok(())
    }

    /// How long may be waited; `None` where there is no clock to look at.
    fn wait_timeout(&self) -> Option<Duration> {
        let alarm = self.timeout_action.map(|(end, _)| end.saturating_duration_since(Instant::now()));
        let room = self.target.has_queued().then_some(FORWARD_RETRY_INTERVAL);
        let lines = self.log.has_pending() || self.notes.has_pending();
        alarm.into_iter().chain(room).chain(lines.then_some(OUTPUT_RETRY_INTERVAL)).min()
    }

    fn handle_signal(&mut self, info: &Siginfo) {
        if info.signal == CHLD {
            self.reap_children();
        }
        if policy::is_own_notification(info, self.own_pid) {
            return;
        }
        if info.code == policy::SI_KERNEL {
            self.job.record_signal(info.signal, true);
        }
        let has_it = info.signal == CONT && self.termination.is_none() && self.job.handle_cont();
        self.exit_requested_again |= [INT, TERM, HUP].contains(&info.signal);
        let hooked = self.hook_runner.has_hook(info.signal);
        let told = hooked || self.log.is_enabled();
        let fate = match policy::decide_forwarding(self.options, info, &CurrentJobContext(self.command_pid)) {
            ForwardOutcome::Forwarded(CONT) if has_it => {
                ForwardOutcome::NotForwarded(NotForwardedReason::SentByTerminal)
            }
            ForwardOutcome::Forwarded(signal) => self.forward(info, signal),
            kept => kept,
        };
        if !told {
            return;
        }
        // Looked up once it has gone on: that does not wait for it.
        let sender = self.resolve_sender(info);
        let event = ReceivedSignal { time: SystemTime::now(), siginfo: *info, sender };
        let written = self.log.write_entry(&event, &fate);
        self.check_log_write(written);
        if hooked && self.termination.is_none() {
            let started = self.hook_runner.run_hooks_for(&event);
            self.report_hook_error(started);
        }
    }

    fn resolve_sender(&mut self, info: &Siginfo) -> Option<SignalSender> {
        match info.origin() {
            SignalOrigin::Process { pid, uid, verified, .. } => {
                Some(SignalSender { pid, uid, name: self.sender_names.resolve(pid), verified })
            }
            _ => None,
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
        if info.code != policy::SI_KERNEL {
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

    /// Takes in whatever has ended, and a stop of the command.
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

    /// Sends what is due because the time has run out.
    fn check_timeout(&mut self) {
        let Some((end, signal)) = self.timeout_action.filter(|(end, _)| Instant::now() >= *end) else {
            return;
        };
        self.timeout_action = match signal {
            // Who was being started meanwhile is met the next time.
            KILL => Instant::now().checked_add(KILL_RETRY_INTERVAL).map(|end| (end, KILL)),
            _ => self.options.kill_after.and_then(|time| end.checked_add(time)).map(|end| (end, KILL)),
        };
        self.timed_out = true;
        // What is stopped would not see TERM.
        self.signal_all(if signal == KILL { &[KILL] } else { &[TERM, CONT] });
    }

    /// Signals of sigtool's own, to all that the command has started.
    fn signal_all(&mut self, signals: &[Signal]) {
        let runner = &self.hook_runner;
        self.target.send_to_descendants(signals, self.termination.is_some(), |pid| runner.is_running(pid));
        let first = signals.first().copied();
        let repeated = std::mem::replace(&mut self.last_timeout_signal, first) == first;
        let Some(signal) = first.filter(|_| !repeated && self.log.is_enabled()) else { return };
        let info = Siginfo { pid: self.own_pid, uid: own_uid(), ..Siginfo::from_signal(signal) };
        let event =
            ReceivedSignal { time: SystemTime::now(), siginfo: info, sender: self.resolve_sender(&info) };
        let written = self.log.write_entry(&event, &ForwardOutcome::SentOnTimeout);
        self.check_log_write(written);
    }

    /// Until the commands that run have ended; or somebody asks once more.
    fn wait_for_hooks(&mut self) -> Result<(), Failure> {
        self.exit_requested_again = false;
        while !self.hook_runner.is_idle() {
            self.run_once()?;
            if std::mem::replace(&mut self.exit_requested_again, false) {
                let left = self.hook_runner.abandon();
                self.write_note(&format!("asked to end once more: commands not waited for: {left}"));
            }
        }
        Ok(())
    }

    fn check_log_write(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.log.disable();
            self.write_note(&format!("the log ends here: {}", message_without_errno(&error)));
        }
    }

    fn report_hook_error(&mut self, result: Result<(), String>) {
        if let Err(what) = result {
            self.write_note(&what);
        }
    }

    /// A line for people, at once; nobody is left to tell where that fails.
    fn write_note(&mut self, text: &str) {
        let _ = self.notes.write_all(format!("watch: {}\n", escape_message(text)).as_bytes());
    }
}

//! `sigtool watch [SIGNAL]...`: reports the signals that sigtool receives and runs
//! hooks.

mod view;

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant, SystemTime};

use super::hooks::{HookRunner, abandoned_hooks_note};
use super::output::{LosslessStdout, StderrNotes, WatchEnd};
use super::sender::SenderNameCache;
use super::{ReceivedSignal, WatchRequest};
use crate::error::{CommandOutcome, Failure};
use crate::exit::ExitStatus;
use crate::out::{OutputFormat, ReportWriter};
use crate::procfs::ProcRoot;
use crate::signal::consts::{CHLD, HUP, INT, TERM};
use crate::signal::siginfo::SignalOrigin;
use crate::signal::{Siginfo, Signal, SignalSet};
use crate::sys::process::pidfd::PidFd;
use crate::sys::process::spawn::InheritedSignalState;
use crate::sys::signal::signalfd::{self, SignalFd};

/// The number of signals in one batch from which the queue is probably near its limit.
const BUSY_BATCH_SIZE: usize = 16;
/// The shortest time between two checks of the queue limit. Each check reads
/// /proc/PID/status.
const QUEUE_CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// Receives signals until the count, the timeout or a signal ends the command.
pub(super) fn run(
    request: &WatchRequest,
    out: &mut ReportWriter<'_>,
    stdout: &LosslessStdout,
    notes: &mut StderrNotes,
) -> Result<CommandOutcome, Failure> {
    let inherited = InheritedSignalState::current();
    let watched = request.watched_signals();
    let termination_signals = termination_signals(request);
    signalfd::block(watched | termination_signals).map_err(signalfd_failure)?;
    let signal_fd = SignalFd::open(watched | termination_signals).map_err(signalfd_failure)?;
    let termination_fd = SignalFd::open(termination_signals).map_err(signalfd_failure)?;
    let reaps_children = inherited.ignores_sigchld() && watched.contains(CHLD);
    if reaps_children {
        signalfd::set_default_disposition(CHLD);
    }
    let out_is_json = out.format() == OutputFormat::Json;
    let mut receiver = SignalReceiver {
        request,
        watched,
        termination_signals,
        signal_fd,
        termination_fd,
        out,
        stdout,
        notes,
        sender_names: SenderNameCache::new(),
        hook_runner: HookRunner::new(request, inherited, out_is_json),
        reaps_children,
        remaining: request.count,
        deadline: request.timeout.and_then(|time| Instant::now().checked_add(time)),
        last_queue_check: None,
        queue_full_reported: false,
        batch: Vec::new(),
    };
    receiver.notes.write_note(&format!("ready, pid {}", std::process::id()));
    let result = receiver.run().and_then(|end| receiver.flush_at_exit(end));
    let exit = result.as_ref().map_or_else(|failure| failure.exit_status, |exit| *exit);
    receiver.run_exit_hooks(exit)?;
    Ok(CommandOutcome { exit_status: result?, error_messages: Vec::new() })
}

/// Returns the signals that end the command: no named signal, and not HUP if all
/// signals are reported.
fn termination_signals(request: &WatchRequest) -> SignalSet {
    let reported: SignalSet = Some(HUP).filter(|_| request.all_signals).into_iter().collect();
    super::termination_signals() - reported - request.named_signals
}

fn signalfd_failure(error: io::Error) -> Failure {
    Failure {
        exit_status: ExitStatus::InternalError,
        cause: anyhow::anyhow!("cannot receive signals: {}", crate::error::message_without_errno(&error)),
    }
}

struct SignalReceiver<'a, 'o> {
    request: &'a WatchRequest,
    watched: SignalSet,
    termination_signals: SignalSet,
    signal_fd: SignalFd,
    /// Reads `termination_signals` only.
    termination_fd: SignalFd,
    out: &'a mut ReportWriter<'o>,
    stdout: &'a LosslessStdout,
    notes: &'a mut StderrNotes,
    sender_names: SenderNameCache,
    hook_runner: HookRunner<'a>,
    /// The number of signals that `--count` still waits for.
    remaining: Option<u64>,
    deadline: Option<Instant>,
    /// The time of the last check of the queue limit.
    last_queue_check: Option<Instant>,
    queue_full_reported: bool,
    /// Whether children are reaped as they exit, because CHLD was ignored on entry.
    reaps_children: bool,
    batch: Vec<Siginfo>,
}

impl SignalReceiver<'_, '_> {
    fn run(&mut self) -> Result<WatchEnd, Failure> {
        view::print_header(self.out)?;
        self.out.flush()?;
        loop {
            if let Some(end) = self.read_batch()? {
                return Ok(end);
            }
            let left = self.deadline.map(|end| end.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(WatchEnd::Interrupted(ExitStatus::TimedOut));
            }
            self.wait(left)?;
            self.stdout.take_error()?;
        }
    }

    /// Waits until a signal arrives, a hook exits, pending output is written, or the
    /// timeout passes. While output is pending, only termination signals count.
    fn wait(&mut self, timeout: Option<Duration>) -> Result<(), Failure> {
        let pidfds: Vec<_> = self.hook_runner.pidfds().map(PidFd::as_fd).collect();
        let signals = if self.stdout.has_pending() { &self.termination_fd } else { &self.signal_fd };
        let timeout = self.notes.write_pending(timeout);
        self.stdout.wait(signals.as_fd(), &pidfds, timeout).map_err(signalfd_failure)?;
        let reaped = self.hook_runner.reap();
        self.report_hook_error(reaped);
        Ok(())
    }

    /// Reads and reports one batch of signals. Returns the end of the command if a
    /// signal ends it. One batch per call, so that a flood of signals delays neither
    /// the timeout nor hooks.
    fn read_batch(&mut self) -> Result<Option<WatchEnd>, Failure> {
        let mut batch = std::mem::take(&mut self.batch);
        batch.clear();
        // While output is pending, other signals stay in the kernel's queue.
        let signals = if self.stdout.has_pending() { &mut self.termination_fd } else { &mut self.signal_fd };
        signals.read(&mut batch).map_err(signalfd_failure)?;
        self.sender_names.next_batch();
        let mut end = None;
        for info in &batch {
            end = self.handle_signal(info)?;
            if end.is_some() {
                break;
            }
        }
        self.batch = batch;
        if self.batch.len() >= BUSY_BATCH_SIZE {
            self.check_queue_limit();
        }
        self.out.flush()?;
        Ok(end)
    }

    /// Writes pending output before exit.
    fn flush_at_exit(&mut self, end: WatchEnd) -> Result<ExitStatus, Failure> {
        let status_for = |info: &Siginfo| ExitStatus::KilledBySignal(info.signal.get());
        let (exit, unwritten) =
            self.stdout.flush_at_exit(end, self.deadline, &mut self.termination_fd, status_for)?;
        self.notes.note_unwritten("standard output", unwritten);
        Ok(exit)
    }

    fn handle_signal(&mut self, info: &Siginfo) -> Result<Option<WatchEnd>, Failure> {
        let origin = info.origin();
        if self.reaps_children && matches!(origin, SignalOrigin::Child { .. }) {
            signalfd::reap_exited_children();
        }
        if let SignalOrigin::Child { pid, .. } = origin
            && self.hook_runner.was_started_here(pid)
        {
            return Ok(None);
        }
        if let SignalOrigin::OutsideNamespace { siginfo_lost: true, .. } = origin {
            self.report_queue_full();
        }
        if self.watched.contains(info.signal) {
            let sender = self.sender_names.resolve_sender(info);
            let event = ReceivedSignal { time: SystemTime::now(), siginfo: *info, sender };
            view::print_signal(&event, self.out)?;
            if self.hook_runner.has_hook(info.signal) {
                // The output of a hook comes after the line of its signal.
                self.out.flush()?;
            }
            let started = self.hook_runner.run_hooks_for(&event);
            self.report_hook_error(started);
            self.remaining = self.remaining.map(|left| left - 1);
            if self.remaining == Some(0) {
                return Ok(Some(WatchEnd::Completed(ExitStatus::Success)));
            }
        }
        Ok(self
            .termination_signals
            .contains(info.signal)
            .then(|| WatchEnd::Interrupted(self.exit_status_for(info.signal))))
    }

    /// Returns the exit status after a termination signal. INT and TERM are the normal
    /// end, unless `--count` still waits for signals.
    fn exit_status_for(&self, signal: Signal) -> ExitStatus {
        if matches!(signal, INT | TERM) && self.remaining.is_none() {
            ExitStatus::Success
        } else {
            ExitStatus::KilledBySignal(signal.get())
        }
    }

    /// Waits for running and queued hooks, then runs the exit hooks. Another
    /// termination signal ends each wait.
    fn run_exit_hooks(&mut self, exit: ExitStatus) -> Result<(), Failure> {
        self.wait_for_hooks()?;
        for hook in self.request.hooks.iter().filter(|hook| hook.trigger.is_none()) {
            let started = self.hook_runner.run_exit_hook(hook, exit.code());
            self.report_hook_error(started);
            self.wait_for_hooks()?;
        }
        Ok(())
    }

    fn wait_for_hooks(&mut self) -> Result<(), Failure> {
        while !self.hook_runner.is_idle() {
            self.wait(None)?;
            let mut batch = std::mem::take(&mut self.batch);
            batch.clear();
            self.signal_fd.read(&mut batch).map_err(signalfd_failure)?;
            let again = batch.iter().any(|info| self.termination_signals.contains(info.signal));
            self.batch = batch;
            if again {
                let count = self.hook_runner.abandon();
                self.notes.write_note(&abandoned_hooks_note(count));
            }
        }
        Ok(())
    }

    /// Reports if the signal queue is at its limit. Then sigqueue(3) fails, and a
    /// signal sent with kill(2) loses its siginfo.
    fn check_queue_limit(&mut self) {
        let due = self.last_queue_check.is_none_or(|checked| checked.elapsed() >= QUEUE_CHECK_INTERVAL);
        if self.queue_full_reported || !due {
            return;
        }
        self.last_queue_check = Some(Instant::now());
        let queue = ProcRoot::default().own_status().ok().and_then(|status| status.queue_usage);
        // The signals just read were in the queue too. The kernel queues standard
        // signals even beyond the limit, so the check has a margin.
        let read = self.batch.len() as u64 + BUSY_BATCH_SIZE as u64 / 2;
        if queue.is_some_and(|queue| queue.used + read >= queue.limit) {
            self.report_queue_full();
        }
    }

    fn report_queue_full(&mut self) {
        if !std::mem::replace(&mut self.queue_full_reported, true) {
            self.notes.write_note(
                "the signal queue of your user is full (see ulimit -i); sigqueue(3) fails with EAGAIN, and \
                 real-time signals from kill(2) can be lost or lose their sender",
            );
        }
    }

    fn report_hook_error(&mut self, result: Result<(), String>) {
        if let Err(message) = result {
            self.notes.write_note(&message);
        }
    }
}

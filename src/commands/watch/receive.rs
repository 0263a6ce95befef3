//! The receiving: blocked first, read until the end, hooks beside it.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant, SystemTime};

use super::hooks::HookRunner;
use super::output::notes::StderrNotes;
use super::output::stdout::{BufferedStdout, WatchEnd};
use super::sender::{SenderNameCache, SignalSender};
use super::{ReceivedSignal, WatchRequest, view};
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

/// So many signals at once may mean that the queue has been full.
const BUSY_BATCH_SIZE: usize = 16;
/// The least time between two looks at the queue's limit, each of which reads a
/// file.
const QUEUE_CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// Receives until the end that was asked for.
pub(super) fn receive(
    request: &WatchRequest,
    out: &mut ReportWriter<'_>,
    outlet: &BufferedStdout,
    notes: &mut StderrNotes,
) -> Result<CommandOutcome, Failure> {
    let inherited = InheritedSignalState::current();
    let watched = request.watched_signals();
    let ending = termination_signals(request);
    signalfd::block(watched | ending).map_err(signalfd_failure)?;
    let signals = SignalFd::open(watched | ending).map_err(signalfd_failure)?;
    let asked = SignalFd::open(ending).map_err(signalfd_failure)?;
    let reaps = inherited.ignores_sigchld() && watched.contains(CHLD);
    if reaps {
        signalfd::set_default_disposition(CHLD);
    }
    let out_is_json = out.format() == OutputFormat::Json;
    let mut watch = SignalReceiver {
        request,
        watched,
        termination_signals: ending,
        signal_fd: signals,
        termination_fd: asked,
        out,
        stdout: outlet,
        notes,
        sender_names: SenderNameCache::new(),
        hook_runner: HookRunner::new(request, inherited, out_is_json),
        reaps_children: reaps,
        remaining: request.count,
        deadline: request.timeout.and_then(|time| Instant::now().checked_add(time)),
        last_queue_check: None,
        queue_full_reported: false,
        batch: Vec::new(),
    };
    watch.notes.write_note(&format!("ready, pid {}", std::process::id()));
    let ended = watch.run().and_then(|end| watch.flush_at_exit(end));
    let exit = ended.as_ref().map_or_else(|failure| failure.exit_status, |exit| *exit);
    watch.run_exit_hooks(exit)?;
    Ok(CommandOutcome { exit_status: ended?, error_messages: Vec::new() })
}

/// The signals that end it: none that was named, nor HUP where all are watched.
fn termination_signals(request: &WatchRequest) -> SignalSet {
    let told: SignalSet = Some(HUP).filter(|_| request.all_signals).into_iter().collect();
    super::termination_signals() - told - request.named_signals
}

fn signalfd_failure(error: io::Error) -> Failure {
    Failure {
        exit_status: ExitStatus::InternalError,
        cause: anyhow::anyhow!("signalfd: {}", crate::error::message_without_errno(&error)),
    }
}

struct SignalReceiver<'a, 'o> {
    request: &'a WatchRequest,
    watched: SignalSet,
    termination_signals: SignalSet,
    signal_fd: SignalFd,
    /// Those that end it, by themselves.
    termination_fd: SignalFd,
    out: &'a mut ReportWriter<'o>,
    stdout: &'a BufferedStdout,
    notes: &'a mut StderrNotes,
    sender_names: SenderNameCache,
    hook_runner: HookRunner<'a>,
    /// How many signals are still to come.
    remaining: Option<u64>,
    /// When the time is up.
    deadline: Option<Instant>,
    /// When the queue's limit was last looked at.
    last_queue_check: Option<Instant>,
    queue_full_reported: bool,
    /// Whether children are reaped as they end: SIGCHLD was ignored.
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

    /// Waits until something arrives, a command ends, what waits is written, or
    /// the time is up. Until it is written, only what ends it is of interest.
    fn wait(&mut self, time: Option<Duration>) -> Result<(), Failure> {
        let held: Vec<_> = self.hook_runner.pidfds().map(PidFd::as_fd).collect();
        let signals = if self.stdout.has_pending() { &self.termination_fd } else { &self.signal_fd };
        let time = self.notes.write_pending(time);
        self.stdout.wait(signals.as_fd(), &held, time).map_err(signalfd_failure)?;
        let reaped = self.hook_runner.reap();
        self.report_hook_error(reaped);
        Ok(())
    }

    /// Takes a batch of what has arrived; gives how it ends, if it does now. One
    /// at a time, so that a flood keeps neither the clock nor commands waiting.
    fn read_batch(&mut self) -> Result<Option<WatchEnd>, Failure> {
        let mut batch = std::mem::take(&mut self.batch);
        batch.clear();
        // The kernel keeps what arrives while nobody reads what is told.
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

    /// Writes what waits, before the end.
    fn flush_at_exit(&mut self, end: WatchEnd) -> Result<ExitStatus, Failure> {
        let by = |info: &Siginfo| ExitStatus::KilledBySignal(info.signal.get());
        let (exit, lost) = self.stdout.flush_at_exit(end, self.deadline, &mut self.termination_fd, by)?;
        self.notes.note_unwritten("standard output", lost);
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
            let sender = match origin {
                SignalOrigin::Process { pid, uid, verified, .. } => {
                    Some(SignalSender { pid, uid, name: self.sender_names.resolve(pid), verified })
                }
                _ => None,
            };
            let event = ReceivedSignal { time: SystemTime::now(), siginfo: *info, sender };
            view::print_signal(&event, self.out)?;
            if self.hook_runner.has_hook(info.signal) {
                // What a command prints comes after what it is run for.
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

    /// INT and TERM are how it is ended, unless it still waited for signals.
    fn exit_status_for(&self, signal: Signal) -> ExitStatus {
        let asked = matches!(signal, INT | TERM);
        if asked && self.remaining.is_none() {
            ExitStatus::Success
        } else {
            ExitStatus::KilledBySignal(signal.get())
        }
    }

    /// Lets commands end that run or wait, then those of the end; each unless it
    /// is asked to end once more.
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
                let left = self.hook_runner.abandon();
                self.notes.write_note(&format!("asked to end once more: commands not waited for: {left}"));
            }
        }
        Ok(())
    }

    /// Where many signals come at once, the queue may be at its limit: then
    /// senders fail, and plain kills lose their sender.
    fn check_queue_limit(&mut self) {
        let due = self.last_queue_check.is_none_or(|looked| looked.elapsed() >= QUEUE_CHECK_INTERVAL);
        if self.queue_full_reported || !due {
            return;
        }
        self.last_queue_check = Some(Instant::now());
        let queue = ProcRoot::default().own_status().ok().and_then(|status| status.queue_usage);
        // What has just been read was in it, too; ordinary signals have a place
        // of their own where it is full.
        let read = self.batch.len() as u64 + BUSY_BATCH_SIZE as u64 / 2;
        if queue.is_some_and(|queue| queue.used + read >= queue.limit) {
            self.report_queue_full();
        }
    }

    fn report_queue_full(&mut self) {
        if !std::mem::replace(&mut self.queue_full_reported, true) {
            self.notes.write_note(
                "the queue of your user is full (ulimit -i): sigqueue fails with EAGAIN for its senders, and \
                 kills with real-time signals arrive without their sender, or not at all",
            );
        }
    }

    fn report_hook_error(&mut self, result: Result<(), String>) {
        if let Err(what) = result {
            self.notes.write_note(&what);
        }
    }
}

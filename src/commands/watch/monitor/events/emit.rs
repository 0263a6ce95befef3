//! What there is to tell of signals, beside the looks.

use std::time::{Duration, Instant, SystemTime};

use super::EventCollector;
use crate::commands::watch::monitor;
use crate::commands::watch::monitor::event_loop::{Monitor, kernel_failure};
use crate::error::{CommandOutcome, Failure};
use crate::exit::ExitStatus;
use crate::inspect::events::{ThreadEvent, ThreadEventKind};
use crate::inspect::{Backend, BackendChoice, BackendError};
use crate::signal::Signal;

/// So long an end may take from the tracer to everybody else.
const TRACER_EXIT_DELAY: Duration = Duration::from_millis(100);

/// So long nothing comes of a tracer whose process has ended, until it is given
/// up: it may have to wait for a processor.
const TRACER_SILENCE_TIMEOUT: Duration = Duration::from_secs(1);

impl Monitor<'_, '_> {
    /// Begins to see signals as they happen, as it is asked. What there is to
    /// say of it is kept for the beginning.
    ///
    /// # Errors
    /// Why they cannot be seen, where they must be.
    pub(in crate::commands::watch::monitor) fn start_events(&mut self) -> Result<(), CommandOutcome> {
        let asked = &self.request.events;
        let goes_on = || !self.wait_for_signal(Duration::ZERO).unwrap_or(false);
        let pids: Vec<u32> = self.processes.iter().map(|process| process.pid).collect();
        match EventCollector::start(asked, &pids, &goes_on) {
            Ok(live) => {
                let is_traced = live.as_ref().is_some_and(|live| live.backend() == Backend::Ptrace);
                self.processes.iter_mut().for_each(|process| process.is_traced = is_traced);
                self.events = live;
            }
            Err((_, refused)) if asked.backend == BackendChoice::Auto => self.backend_error = Some(refused),
            Err((pid, refused)) => {
                self.report_verifier_log(&refused);
                let of = pid.map_or(String::new(), |pid| format!("{pid}: "));
                let complaints = vec![format!("{of}{}", refused.reason)];
                return Err(CommandOutcome {
                    exit_status: ExitStatus::Unreadable,
                    error_messages: complaints,
                });
            }
        }
        Ok(())
    }

    /// Says how signals are seen, or why they are not.
    pub(in crate::commands::watch::monitor) fn report_backend(&mut self) {
        if let Some(refused) = self.backend_error.take() {
            self.notes.write_note(&format!("signals, when they are sent: {}", refused.reason));
            self.notes.write_note("--backend ptrace sees them delivered, but stops the process at each");
            self.report_verifier_log(&refused);
        }
        match self.events.as_ref().map(EventCollector::backend) {
            Some(Backend::Bpf) => {
                self.notes.write_note("signals are told when sent, not when taken (BPF; nobody is stopped)")
            }
            Some(Backend::Ptrace) => {
                self.notes
                    .write_note("signals are told as they are delivered; each stops the process (ptrace)");
                self.notes
                    .write_note("KILL is not seen, nor what is blocked, or sigwait or a signalfd takes");
                self.notes.write_note("who has sent a signal is what it says itself");
            }
            None => {}
        }
    }

    fn report_verifier_log(&mut self, refused: &BackendError) {
        for line in refused.verifier_log.iter().filter(|_| self.request.events.verbose) {
            self.notes.write_note(line);
        }
    }

    /// Tells a part of what has happened by now; gives whether that was anything,
    /// and whether there may be more.
    pub(in crate::commands::watch::monitor) fn report_events(&mut self) -> Result<(bool, bool), Failure> {
        let (batch, more) = self.read_events()?;
        for event in &batch {
            self.report_event(event)?;
        }
        Ok((!batch.is_empty(), more))
    }

    /// A part of what has happened by now, and whether there may be more.
    pub(super) fn read_events(&mut self) -> Result<(Vec<ThreadEvent>, bool), Failure> {
        let Some(mut live) = self.events.take() else { return Ok((Vec::new(), false)) };
        let taken = live.read_events(|pid| self.process_name(pid)).map_err(kernel_failure);
        self.events = Some(live);
        taken
    }

    /// Tells a part of what has happened before somebody ended; gives whether
    /// there may be more. A tracer tells the last of it after the end.
    pub(in crate::commands::watch::monitor) fn drain_before_exits(&mut self) -> Result<bool, Failure> {
        let (came, more) = self.report_events()?;
        if came || more || !self.traces_exited_process() {
            self.silent_since = None;
            return Ok(more || self.traces_exited_process());
        }
        Ok(self.silent_since.get_or_insert_with(Instant::now).elapsed() < TRACER_SILENCE_TIMEOUT)
    }

    /// Whether one that has ended is still traced.
    pub(in crate::commands::watch::monitor) fn traces_exited_process(&self) -> bool {
        let traces =
            |live: &EventCollector| self.exited.iter().any(|ended| live.events.is_tracing(ended.process.pid));
        self.events.as_ref().is_some_and(traces)
    }

    /// Says of whom nothing is seen any more, though they live.
    pub(in crate::commands::watch::monitor) fn report_exited_tracers(&mut self) {
        let Some(live) = &mut self.events else { return };
        for pid in live.events.take_closed() {
            let process = self.processes.iter_mut().find(|process| process.pid == pid);
            // An end is seen by the tracer a moment before.
            if let Some(process) = process
                && matches!(process.pidfd.wait_for_exit(TRACER_EXIT_DELAY), Ok(false))
            {
                process.is_traced = false;
                self.notes
                    .write_note(&format!("{pid}: its signals are not seen any more: its tracer has ended"));
            }
        }
    }

    /// Tells something, if it is to be told.
    pub(super) fn report_event(&mut self, event: &ThreadEvent) -> Result<(), Failure> {
        if let (ThreadEventKind::JobControlStop(signal), Some(pid)) = (&event.kind, event.pid) {
            return self.report_stop(event.time, pid, *signal);
        }
        if !self.is_reported(event) {
            return Ok(());
        }
        let held = event.pid.and_then(|pid| self.process_name(pid));
        let name = held.or_else(|| event.thread_name.clone()).unwrap_or_default();
        let what = monitor::MonitorEventKind::KernelEvent(event);
        self.emit(&monitor::MonitorEvent {
            time: event.time,
            pid: event.pid.unwrap_or(0),
            name: &name,
            kind: what,
        })
    }

    /// Whether something is to be told.
    pub(super) fn is_reported(&self, event: &ThreadEvent) -> bool {
        let asked = &self.request.events;
        match &event.kind {
            ThreadEventKind::Lost(_) => true,
            // The end of the process is told with all that is known of it.
            ThreadEventKind::Exited(_) if event.tid == event.pid => false,
            // The looks tell of threads then.
            ThreadEventKind::NewThread | ThreadEventKind::Exited(_) if self.request.threads => false,
            // It is outside of our pid namespace.
            ThreadEventKind::Generation(_) if event.pid.is_none() => false,
            _ => !asked.until_exit && asked.matches(event),
        }
    }

    /// Tells of a process that it is stopped, unless that is known; its own look
    /// will tell when it is not any more.
    fn report_stop(&mut self, time: SystemTime, pid: u32, signal: Signal) -> Result<(), Failure> {
        let process = self.processes.iter_mut().find(|process| process.pid == pid);
        let change = process.and_then(|process| process.record_stop(signal));
        let Some(change) = change.filter(|_| self.reports_changes()) else { return Ok(()) };
        let name = self.process_name(pid).unwrap_or_default();
        self.emit(&monitor::MonitorEvent {
            time,
            pid,
            name: &name,
            kind: monitor::MonitorEventKind::Change(&change),
        })
    }
}

//! The event loop of `watch --pid`: opens the processes, then reports samples,
//! events and exits until the end condition is met.

use std::io;
use std::mem;
use std::time::{Duration, Instant, SystemTime};

use super::emitter::{Emitter, WatchEnd};
use super::event::{MonitorEvent, MonitorEventKind};
use super::events::{EventBatch, EventCollector, UnreportedEvents, notes};
use super::sampler::{ProcessExit, Sampler};
use super::{MonitorRequest, open};
use crate::commands::watch::termination_signals;
use crate::duration;
use crate::error::{CommandOutcome, Failure};
use crate::exit::ExitStatus;
use crate::inspect::events::{StopStats, ThreadEvent, ThreadEventKind};
use crate::inspect::{Backend, BackendChoice, BackendError};
use crate::out::escape_name;
use crate::signal::consts::HUP;
use crate::sys::signal::signalfd::{self, SignalFd};

/// Time between two checks whether an exited process was reaped.
const REAP_CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// Time between two checks whether a tracer has delivered its last events.
const DRAIN_CHECK_INTERVAL: Duration = Duration::from_millis(1);

/// Maximum time without events from the tracer of an exited process. It is long
/// because the tracer may have to wait for a processor.
const TRACER_SILENCE_TIMEOUT: Duration = Duration::from_secs(1);

/// Maximum delay of the exit while the remaining events are printed.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);

/// Maximum number of processes without a stop to name in notes.
const MAX_NAMED_UNSTOPPED: usize = 10;

/// Monitors until the end condition is met.
///
/// # Errors
/// See [`super::run`].
pub(super) fn monitor(
    request: &MonitorRequest,
    mut emitter: Emitter<'_, '_>,
) -> Result<CommandOutcome, Failure> {
    let ending = termination_signals();
    signalfd::block(ending).map_err(kernel_failure)?;
    let signal_fd = SignalFd::open(ending).map_err(kernel_failure)?;
    let (processes, warnings) = match open::open_processes(request) {
        Ok(opened) => opened,
        Err(outcome) => return Ok(outcome),
    };
    let deadline = request.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut sampler = Sampler::new(processes, request.threads);
    let (events, backend_error) = match start_events(request, &mut emitter, &signal_fd, &mut sampler) {
        Ok(started) => started,
        Err(outcome) => return Ok(outcome),
    };
    let mut monitor = Monitor {
        request,
        signal_fd,
        emitter,
        sampler,
        events,
        is_draining: false,
        silent_since: None,
        unreported: UnreportedEvents::default(),
        deadline,
        until_unreachable: false,
        error_messages: warnings,
    };
    let end = monitor.run(backend_error);
    // The tracees are released even if the output has failed.
    let finished = monitor.finish_events(end.is_ok());
    let end = end?;
    finished?;
    monitor.emitter.flush()?;
    let exit_status = monitor.finish_output(end)?;
    Ok(CommandOutcome { exit_status, error_messages: monitor.error_messages })
}

/// Starts the event backend. With `--backend auto` its error is returned as a
/// value, because sampling alone is used then.
///
/// # Errors
/// The outcome of the command if the chosen backend cannot be used.
fn start_events(
    request: &MonitorRequest,
    emitter: &mut Emitter<'_, '_>,
    signal_fd: &SignalFd,
    sampler: &mut Sampler,
) -> Result<(Option<EventCollector>, Option<BackendError>), CommandOutcome> {
    let keep_going = || !emitter.wait(signal_fd, &[], Some(Duration::ZERO)).unwrap_or(false);
    let pids: Vec<u32> = sampler.processes().iter().map(|process| process.pid).collect();
    match EventCollector::start(&request.events, &pids, &keep_going) {
        Ok(events) => {
            sampler.set_traced(events.as_ref().is_some_and(|events| events.backend() == Backend::Ptrace));
            Ok((events, None))
        }
        Err((_, error)) if request.events.backend == BackendChoice::Auto => Ok((None, Some(error))),
        Err((pid, error)) => {
            note_verifier_log(request, emitter, &error);
            let prefix = pid.map_or(String::new(), |pid| format!("{pid}: "));
            Err(CommandOutcome {
                exit_status: ExitStatus::Unreadable,
                error_messages: vec![format!("{prefix}{}", error.reason)],
            })
        }
    }
}

fn note_verifier_log(request: &MonitorRequest, emitter: &mut Emitter<'_, '_>, error: &BackendError) {
    if request.events.verbose {
        error.verifier_log.iter().for_each(|line| emitter.note(line));
    }
}

/// Converts an error of a system call other than a write of output.
fn kernel_failure(error: io::Error) -> Failure {
    Failure {
        exit_status: ExitStatus::InternalError,
        cause: anyhow::anyhow!("{}", crate::error::message_without_errno(&error)),
    }
}

struct Monitor<'a, 'o> {
    request: &'a MonitorRequest,
    signal_fd: SignalFd,
    emitter: Emitter<'a, 'o>,
    sampler: Sampler,
    /// `None` with sampling only.
    events: Option<EventCollector>,
    /// Whether events that happened before an exit are still to be reported.
    is_draining: bool,
    /// Time since which the tracer of an exited process has sent no event.
    silent_since: Option<Instant>,
    unreported: UnreportedEvents,
    /// The end of --timeout.
    deadline: Option<Instant>,
    /// Whether --until can no longer be met, because a process has exited.
    until_unreachable: bool,
    error_messages: Vec<String>,
}

impl Monitor<'_, '_> {
    fn run(&mut self, backend_error: Option<BackendError>) -> Result<WatchEnd, Failure> {
        self.print_initial_notes(backend_error);
        self.print_initial_state()?;
        let mut next_sample = Instant::now() + self.request.interval;
        // A process can be a zombie from the start.
        let mut may_have_exits = true;
        loop {
            if !self.emitter.has_pending() {
                if mem::take(&mut may_have_exits) && self.sampler.collect_exits().map_err(kernel_failure)? {
                    self.is_draining = self.events.is_some();
                }
                if self.is_draining {
                    // The events that preceded the exits are reported first.
                    self.is_draining = self.drain_before_exits()?;
                }
                if !self.is_draining {
                    self.report_exits()?;
                }
                self.report_exited_tracers();
            }
            if let Some(exit_status) = self.finished_status() {
                self.report_count_not_reached();
                return Ok(WatchEnd::Completed(exit_status));
            }
            let now = Instant::now();
            if self.deadline.is_some_and(|deadline| deadline <= now) {
                self.report_unmet();
                return Ok(WatchEnd::Interrupted(ExitStatus::TimedOut));
            }
            let read_at = self.events.as_ref().and_then(EventCollector::read_at);
            if read_at.is_some_and(|read_at| read_at <= now) {
                if !self.emitter.has_pending() {
                    self.report_events()?;
                } else if let Some(events) = &mut self.events {
                    events.buffer_events().map_err(kernel_failure)?;
                }
            }
            if !self.emitter.has_pending() && now >= next_sample {
                self.report_samples()?;
                // Keeps the rhythm, unless sampling took longer than the interval.
                next_sample = (next_sample + self.request.interval).max(now);
                continue;
            }
            self.emitter.flush()?;
            let is_ready = self.wait(next_sample, now)?;
            if let Some(events) = self.events.as_mut().filter(|_| is_ready) {
                events.schedule_read();
            }
            may_have_exits |= is_ready;
            self.emitter.take_error()?;
            if let Some(exit_status) = self.read_termination_signal()? {
                return Ok(WatchEnd::Interrupted(exit_status));
            }
        }
    }

    /// Waits until a process exits, events or a signal arrive, or something is
    /// due. Returns whether a descriptor is readable. While output is pending,
    /// exits, samples and reaping wait.
    fn wait(&mut self, next_sample: Instant, now: Instant) -> Result<bool, Failure> {
        let has_pending = self.emitter.has_pending();
        let sample_at = Some(next_sample).filter(|_| !has_pending);
        let has_exits = self.sampler.unreported_exits().next().is_some();
        let reap_check_at = Some(now + REAP_CHECK_INTERVAL).filter(|_| !has_pending && has_exits);
        let read_at = if self.is_draining && !has_pending {
            let pause = if self.traces_exited_process() { DRAIN_CHECK_INTERVAL } else { Duration::ZERO };
            Some(now + pause)
        } else {
            self.events.as_ref().and_then(EventCollector::read_at)
        };
        let wake_at = [sample_at, reap_check_at, read_at, self.deadline].into_iter().flatten().min();
        let timeout = self.emitter.retry_notes(wake_at.map(|at| at.saturating_duration_since(now)));
        let pidfds = self.sampler.pidfds().filter(|_| !has_pending);
        let event_fds = self.events.iter().flat_map(EventCollector::descriptors);
        let descriptors: Vec<_> = pidfds.chain(event_fds).collect();
        self.emitter.wait(&self.signal_fd, &descriptors, timeout).map_err(kernel_failure)
    }

    /// Returns the exit status that a received signal requires. INT and TERM are
    /// the usual way to end, unless --count or --until is not met yet.
    fn read_termination_signal(&mut self) -> Result<Option<ExitStatus>, Failure> {
        let mut received = Vec::new();
        self.signal_fd.read(&mut received).map_err(kernel_failure)?;
        Ok(received.first().map(|siginfo| {
            let has_goal = self.emitter.remaining().is_some() || !self.request.until.is_empty();
            if siginfo.signal != HUP && !has_goal {
                ExitStatus::Success
            } else {
                ExitStatus::KilledBySignal(siginfo.signal.get())
            }
        }))
    }

    /// Returns the exit status if the end condition is met.
    fn finished_status(&self) -> Option<ExitStatus> {
        let until = &self.request.until;
        if self.emitter.is_count_reached() {
            Some(ExitStatus::Success)
        } else if self.until_unreachable {
            Some(ExitStatus::Failure)
        } else if self.request.events.all_processes || self.sampler.unreported_exits().next().is_some() {
            None
        } else {
            let is_finished = match until.is_empty() {
                true => self.sampler.processes().is_empty(),
                false => self.sampler.all_meet(until),
            };
            is_finished.then_some(ExitStatus::Success)
        }
    }

    fn print_initial_notes(&mut self, backend_error: Option<BackendError>) {
        if !self.request.events.all_processes {
            let count = self.sampler.processes().len();
            let noun = if count == 1 { "process" } else { "processes" };
            let interval = duration::format(self.request.interval);
            self.emitter.note(&format!(
                "observing {count} {noun} every {interval}; masks and states between are unseen"
            ));
        }
        if let Some(error) = backend_error {
            notes::fallback_notes(&error).iter().for_each(|note| self.emitter.note(note));
            note_verifier_log(self.request, &mut self.emitter, &error);
        }
        let backend_notes = self.events.as_ref().map(|events| notes::backend_notes(events.backend()));
        backend_notes.into_iter().flatten().for_each(|note| self.emitter.note(note));
    }

    fn print_initial_state(&mut self) -> Result<(), Failure> {
        self.emitter.print_header()?;
        if !self.request.events.until_exit {
            self.sampler.initial_events().iter().try_for_each(|event| self.emitter.emit(event))?;
        }
        Ok(self.emitter.flush()?)
    }

    /// Samples every process and reports the changes.
    fn report_samples(&mut self) -> Result<(), Failure> {
        let reports_changes = self.request.events.reports_changes();
        for sample in self.sampler.samples() {
            sample.note.iter().for_each(|note| self.emitter.note(note));
            if reports_changes {
                sample.events.iter().try_for_each(|event| self.emitter.emit(event))?;
            }
        }
        Ok(())
    }

    /// Reports the exits that are complete.
    fn report_exits(&mut self) -> Result<(), Failure> {
        for ProcessExit { process, time, termination } in self.sampler.take_exits() {
            let events = self.events.as_ref();
            let fatal_signal = events.and_then(|events| events.fatal_signal(process.pid, termination));
            self.emitter.emit(&MonitorEvent {
                time,
                pid: process.pid,
                name: process.name().to_vec(),
                kind: MonitorEventKind::Exited {
                    termination,
                    fatal_signal: fatal_signal.cloned().map(Box::new),
                },
            })?;
            if !self.request.until.is_empty() {
                self.until_unreachable = true;
                let exit_text = termination.map_or("ended".to_owned(), |termination| termination.to_string());
                self.error_messages.push(format!(
                    "{} ({}): {exit_text} before what was waited for{}",
                    process.pid,
                    escape_name(process.name()),
                    process.unmet_text(&self.request.until)
                ));
            }
        }
        Ok(())
    }

    /// Reports the processes that run on without their tracer.
    fn report_exited_tracers(&mut self) {
        let Some(events) = &mut self.events else { return };
        for pid in events.take_closed() {
            if self.sampler.end_tracing(pid) {
                self.emitter.note(&format!("{pid}: its signals are not seen any more: its tracer has ended"));
            }
        }
    }

    /// Reports that the processes have exited before --count was reached.
    fn report_count_not_reached(&mut self) {
        if let (Some(count), Some(remaining @ 1..)) = (self.request.count, self.emitter.remaining())
            && self.request.until.is_empty()
        {
            let emitted = count - remaining;
            self.error_messages.push(format!("--count {count}: all have ended after {emitted}"));
        }
    }

    /// Reports the requirements that are not met when the timeout expires.
    fn report_unmet(&mut self) {
        for process in self.sampler.processes() {
            let unmet = process.unmet_text(&self.request.until);
            if !unmet.is_empty() {
                let name = escape_name(process.name());
                self.error_messages.push(format!("{} ({name}){unmet}", process.pid));
            }
        }
    }

    fn read_events(&mut self) -> Result<EventBatch, Failure> {
        let Some(events) = &mut self.events else { return Ok(EventBatch::default()) };
        let name = |pid| self.sampler.process_name(pid).map(<[u8]>::to_vec);
        events.read_batch(name).map_err(kernel_failure)
    }

    /// Reads and reports a batch of events. Returns whether the batch had events,
    /// and whether there may be more.
    fn report_events(&mut self) -> Result<(bool, bool), Failure> {
        let EventBatch { events, has_more } = self.read_events()?;
        let has_events = !events.is_empty();
        events.into_iter().try_for_each(|event| self.report_event(event))?;
        Ok((has_events, has_more))
    }

    fn report_event(&mut self, event: ThreadEvent) -> Result<(), Failure> {
        if let Some(event) = self.convert_event(event) {
            self.emitter.emit(&event)?;
        }
        Ok(())
    }

    /// Converts an event; returns `None` if it is not to be reported.
    fn convert_event(&mut self, event: ThreadEvent) -> Option<MonitorEvent> {
        let (time, pid) = (event.time, event.pid.unwrap_or(0));
        let monitored_name = |sampler: &Sampler| Some(sampler.process_name(event.pid?)?.to_vec());
        if let (ThreadEventKind::JobControlStop(signal), Some(pid)) = (&event.kind, event.pid) {
            let change = self.sampler.record_stop(pid, *signal)?;
            let name = monitored_name(&self.sampler).unwrap_or_default();
            let kind = MonitorEventKind::Change(change);
            return self.request.events.reports_changes().then_some(MonitorEvent { time, pid, name, kind });
        }
        if !self.request.events.reports(&event, self.request.threads) {
            return None;
        }
        let name = monitored_name(&self.sampler).or_else(|| event.thread_name.clone()).unwrap_or_default();
        Some(MonitorEvent { time, pid, name, kind: MonitorEventKind::Kernel(Box::new(event)) })
    }

    /// Reports a batch of the events that happened before an exit. Returns whether
    /// there may be more. A tracer sends its last events after the exit.
    fn drain_before_exits(&mut self) -> Result<bool, Failure> {
        let (has_events, has_more) = self.report_events()?;
        let is_tracing = self.traces_exited_process();
        if has_events || has_more || !is_tracing {
            self.silent_since = None;
            return Ok(has_more || is_tracing);
        }
        Ok(self.silent_since.get_or_insert_with(Instant::now).elapsed() < TRACER_SILENCE_TIMEOUT)
    }

    /// Returns whether a process that has exited is still traced.
    fn traces_exited_process(&self) -> bool {
        let is_tracing =
            |events: &EventCollector| self.sampler.unreported_exits().any(|pid| events.is_tracing(pid));
        self.events.as_ref().is_some_and(is_tracing)
    }

    /// Stops the event backend. Reports the remaining events, unless the output has
    /// failed, and the stops that the tracer caused.
    fn finish_events(&mut self, is_output_ok: bool) -> Result<(), Failure> {
        let Some(events) = &mut self.events else { return Ok(()) };
        let stops = events.stop();
        let drained = if is_output_ok { self.drain_at_exit() } else { Ok(()) };
        self.report_tracer_stops(stops, drained.is_ok())?;
        drained
    }

    /// Reports the remaining events while the output accepts them, then counts the
    /// others.
    fn drain_at_exit(&mut self) -> Result<(), Failure> {
        let deadline = Instant::now() + DRAIN_TIMEOUT;
        let mut can_write = true;
        // The backend is stopped, so the number of events is limited.
        loop {
            let EventBatch { events, has_more } = self.read_events()?;
            for event in events {
                let is_loss = matches!(event.kind, ThreadEventKind::Lost(_));
                let is_count_reached = self.emitter.is_count_reached();
                can_write = can_write && self.can_write_until(deadline)?;
                if can_write && !is_count_reached {
                    self.report_event(event)?;
                } else if (is_loss || !is_count_reached)
                    && self.request.events.reports(&event, self.request.threads)
                {
                    self.unreported.add(&event);
                }
            }
            self.emitter.flush()?;
            if !has_more {
                return Ok(());
            }
        }
    }

    /// Waits until pending output is written. Returns false if the deadline expires
    /// or another signal asks to exit.
    fn can_write_until(&mut self, deadline: Instant) -> Result<bool, Failure> {
        while self.emitter.has_pending() {
            let timeout = deadline.saturating_duration_since(Instant::now());
            if timeout.is_zero()
                || self.emitter.wait(&self.signal_fd, &[], Some(timeout)).map_err(kernel_failure)?
            {
                return Ok(false);
            }
            self.emitter.take_error()?;
        }
        Ok(Instant::now() < deadline)
    }

    /// Reports how long the tracer stopped each process: as a note and, if
    /// `is_output_ok`, as an event.
    fn report_tracer_stops(
        &mut self,
        stops: Vec<(u32, StopStats)>,
        mut is_output_ok: bool,
    ) -> Result<(), Failure> {
        let mut emitted = Ok(());
        let unstopped = stops.iter().filter(|(_, stops)| stops.count == 0).count();
        for (pid, stops) in stops {
            let name = self.sampler.process_name_after_exit(pid).unwrap_or_default().to_vec();
            if stops.count > 0 || unstopped <= MAX_NAMED_UNSTOPPED {
                self.emitter.note(&notes::tracer_stops_note(pid, &name, &stops));
            }
            if is_output_ok && !self.request.events.until_exit {
                let kind = MonitorEventKind::TracerStops(stops);
                emitted = self.emitter.emit(&MonitorEvent { time: SystemTime::now(), pid, name, kind });
                is_output_ok = emitted.is_ok();
            }
        }
        if unstopped > MAX_NAMED_UNSTOPPED {
            self.emitter.note(&format!("{unstopped} processes never stood still"));
        }
        Ok(emitted?)
    }

    /// Writes pending output before the exit, and notes about dropped events.
    fn finish_output(&mut self, end: WatchEnd) -> Result<ExitStatus, Failure> {
        let exit_status = self.emitter.finish(end, self.deadline, &mut self.signal_fd)?;
        self.unreported.to_notes().iter().for_each(|note| self.emitter.note(note));
        Ok(exit_status)
    }
}

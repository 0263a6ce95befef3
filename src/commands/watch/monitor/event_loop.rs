//! The observing: held first, then looked at again and again until the end.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant, SystemTime};

use super::events::EventCollector;
use super::process::MonitoredProcess;
use super::{MonitorEvent, MonitorEventKind, MonitorRequest, open, view};
use crate::commands::watch::output::{LosslessStdout, StderrNotes, WatchEnd};
use crate::commands::watch::termination_signals;
use crate::duration;
use crate::error::{CommandOutcome, Failure};
use crate::exit::ExitStatus;
use crate::inspect::BackendError;
use crate::out::{ReportWriter, escape_name};
use crate::procfs::{ProcReadError, ProcReader, ProcRoot, Threads};
use crate::signal::Siginfo;
use crate::signal::consts::HUP;
use crate::sys::process::pidfd::{PidFd, wait_for_exits};
use crate::sys::signal::signalfd::{self, SignalFd};

/// So long a process that has ended is waited for to be reaped, where only then
/// it can be told how it ended.
const REAP_TIMEOUT: Duration = Duration::from_secs(1);
/// And so often it is asked meanwhile.
const REAP_CHECK_INTERVAL: Duration = Duration::from_millis(50);
/// And so often a tracer that has not told all yet.
const DRAIN_CHECK_INTERVAL: Duration = Duration::from_millis(1);

/// Observes until the end that was asked for.
pub(super) fn monitor(
    request: &MonitorRequest,
    out: &mut ReportWriter<'_>,
    outlet: &LosslessStdout,
    notes: &mut StderrNotes,
) -> Result<CommandOutcome, Failure> {
    let ending = termination_signals();
    signalfd::block(ending).map_err(kernel_failure)?;
    let signals = SignalFd::open(ending).map_err(kernel_failure)?;
    let (processes, complaints) = match open::open_processes(request) {
        Ok(held) => held,
        Err(outcome) => return Ok(outcome),
    };
    let mut watch = Monitor {
        request,
        signal_fd: signals,
        out,
        stdout: outlet,
        notes,
        proc_reader: ProcReader::new(&ProcRoot::default()),
        processes,
        events: None,
        backend_error: None,
        exited: Vec::new(),
        is_draining: false,
        silent_since: None,
        remaining: request.count,
        deadline: request.timeout.and_then(|time| Instant::now().checked_add(time)),
        until_unreachable: false,
        error_messages: complaints,
    };
    if let Err(refused) = watch.start_events() {
        return Ok(refused);
    }
    let end = watch.run();
    // Also where the output has failed.
    let told = watch.finish_events(end.is_ok());
    let end = end?;
    told?;
    watch.out.flush()?;
    let exit = watch.flush_at_exit(end)?;
    Ok(CommandOutcome { exit_status: exit, error_messages: watch.error_messages })
}

/// A failure of the kernel's.
pub(super) fn kernel_failure(error: io::Error) -> Failure {
    Failure {
        exit_status: ExitStatus::InternalError,
        cause: anyhow::anyhow!("{}", crate::error::message_without_errno(&error)),
    }
}

/// What is observed, and how far it has come.
pub(super) struct Monitor<'a, 'o> {
    pub(super) request: &'a MonitorRequest,
    signal_fd: SignalFd,
    pub(super) out: &'a mut ReportWriter<'o>,
    pub(super) stdout: &'a LosslessStdout,
    pub(super) notes: &'a mut StderrNotes,
    proc_reader: ProcReader,
    /// Those that live.
    pub(super) processes: Vec<MonitoredProcess>,
    /// Signals as they happen, where they are seen.
    pub(super) events: Option<EventCollector>,
    /// Why they are not seen, until it is told.
    pub(super) backend_error: Option<BackendError>,
    /// Those that have ended, and how is not known yet.
    pub(super) exited: Vec<ExitedProcess>,
    /// Whether what happened before they ended is still to be told.
    is_draining: bool,
    /// Since when nothing more of that has come.
    pub(super) silent_since: Option<Instant>,
    /// How many changes are still to come.
    remaining: Option<u64>,
    /// When the time is up.
    deadline: Option<Instant>,
    /// Whether what is waited for cannot come any more.
    until_unreachable: bool,
    error_messages: Vec<String>,
}

pub(super) struct ExitedProcess {
    pub(super) process: MonitoredProcess,
    noticed: Instant,
    time: SystemTime,
}

impl Monitor<'_, '_> {
    fn run(&mut self) -> Result<WatchEnd, Failure> {
        self.print_initial_state()?;
        let mut next = Instant::now() + self.request.interval;
        // Who is a zombie already has ended, whatever its sets say.
        let mut came = true;
        loop {
            if !self.stdout.has_pending() {
                if std::mem::take(&mut came) {
                    self.collect_exits()?;
                }
                if self.is_draining {
                    // What has ended them is told before.
                    self.is_draining = self.drain_before_exits()?;
                }
                if !self.is_draining {
                    self.report_exits()?;
                }
                self.report_exited_tracers();
            }
            if let Some(exit) = self.finished_status() {
                self.report_count_not_reached();
                return Ok(WatchEnd::Completed(exit));
            }
            let now = Instant::now();
            if self.deadline.is_some_and(|end| end <= now) {
                self.report_unmet();
                return Ok(WatchEnd::Interrupted(ExitStatus::TimedOut));
            }
            let due = self.events.as_ref().and_then(EventCollector::read_at);
            if due.is_some_and(|due| due <= now) {
                if !self.stdout.has_pending() {
                    self.report_events()?;
                } else if let Some(live) = &mut self.events {
                    live.buffer_events().map_err(kernel_failure)?;
                }
            }
            if !self.stdout.has_pending() && now >= next {
                self.sample_all()?;
                // Kept in step, unless it has fallen behind.
                next = (next + self.request.interval).max(now);
                continue;
            }
            self.out.flush()?;
            let something = self.wait(next, now)?;
            if let Some(live) = self.events.as_mut().filter(|_| something) {
                live.schedule_read();
            }
            came |= something;
            self.stdout.take_error()?;
            if let Some(exit) = self.read_termination_signal()? {
                return Ok(WatchEnd::Interrupted(exit));
            }
        }
    }

    /// Tells what this is, and how they are.
    fn print_initial_state(&mut self) -> Result<(), Failure> {
        let count = self.processes.len();
        let noun = if count == 1 { "process" } else { "processes" };
        let every = duration::format(self.request.interval);
        if !self.request.events.all_processes {
            self.notes.write_note(&format!(
                "observing {count} {noun} every {every}; masks and states between are unseen"
            ));
        }
        self.report_backend();
        view::print_header(self.out)?;
        if self.request.events.until_exit {
            return Ok(self.out.flush()?);
        }
        let (time, threads) = (SystemTime::now(), self.request.threads);
        for process in &self.processes {
            let (pid, name, look) = (process.pid, process.name(), &process.snapshot);
            view::print_event(
                &MonitorEvent { time, pid, name, kind: MonitorEventKind::Start { snapshot: look, threads } },
                self.out,
            )?;
            let tasks = look.threads.iter().filter(|_| threads).flat_map(Threads::live);
            for task in tasks {
                view::print_event(
                    &MonitorEvent { time, pid, name, kind: MonitorEventKind::InitialThread(task) },
                    self.out,
                )?;
            }
        }
        Ok(self.out.flush()?)
    }

    /// How it ends, if it does now.
    fn finished_status(&self) -> Option<ExitStatus> {
        let until = &self.request.until;
        let met = |process: &MonitoredProcess| until.iter().all(|asked| process.unmet(asked).is_none());
        if self.remaining == Some(0) {
            Some(ExitStatus::Success)
        } else if self.until_unreachable {
            Some(ExitStatus::Failure)
        } else if self.request.events.all_processes || !self.exited.is_empty() {
            None
        } else {
            // Also where nobody is left, who would be asked.
            let all = self.processes.iter().all(met);
            let over = if until.is_empty() { self.processes.is_empty() } else { all };
            over.then_some(ExitStatus::Success)
        }
    }

    /// Waits until one ends, a signal comes, it is time to look, or the time is
    /// up; gives whether something came. Where what was told is not written yet,
    /// that comes first: changes are looked at later.
    fn wait(&mut self, next: Instant, now: Instant) -> Result<bool, Failure> {
        let behind = self.stdout.has_pending();
        let look = Some(next).filter(|_| !behind);
        let ask = Some(now + REAP_CHECK_INTERVAL).filter(|_| !behind && !self.exited.is_empty());
        let due = self.events.as_ref().and_then(EventCollector::read_at);
        let pause = if self.traces_exited_process() { DRAIN_CHECK_INTERVAL } else { Duration::ZERO };
        let due = if self.is_draining && !behind { Some(now + pause) } else { due };
        let until = [look, ask, due, self.deadline].into_iter().flatten().min();
        let time = self.notes.write_pending(until.map(|until| until.saturating_duration_since(now)));
        let held = self.processes.iter().filter(|_| !behind).map(|process| process.pidfd.as_fd());
        let live = self.events.iter().flat_map(EventCollector::descriptors);
        let held: Vec<_> = held.chain(live).collect();
        self.stdout.wait(self.signal_fd.as_fd(), &held, time).map_err(kernel_failure)
    }

    /// Writes what waits, before the end.
    fn flush_at_exit(&mut self, end: WatchEnd) -> Result<ExitStatus, Failure> {
        let by = |info: &Siginfo| ExitStatus::KilledBySignal(info.signal.get());
        let (exit, lost) = self.stdout.flush_at_exit(end, self.deadline, &mut self.signal_fd, by)?;
        self.notes.note_unwritten("standard output", lost);
        self.report_unreported();
        Ok(exit)
    }

    /// Whether a signal asks for the end while what is written is waited for.
    pub(super) fn wait_for_signal(&self, time: Duration) -> Result<bool, Failure> {
        self.stdout.wait(self.signal_fd.as_fd(), &[], Some(time)).map_err(kernel_failure)
    }

    /// Whether so many changes were told as were asked for.
    pub(super) fn is_count_reached(&self) -> bool {
        self.remaining == Some(0)
    }

    /// INT and TERM are how it is ended, unless it still waited for something.
    fn read_termination_signal(&mut self) -> Result<Option<ExitStatus>, Failure> {
        let mut received = Vec::new();
        self.signal_fd.read(&mut received).map_err(kernel_failure)?;
        Ok(received.first().map(|info| {
            let asked = info.signal != HUP;
            let waits = self.remaining.is_some() || !self.request.until.is_empty();
            if asked && !waits { ExitStatus::Success } else { ExitStatus::KilledBySignal(info.signal.get()) }
        }))
    }

    /// Puts those aside that have ended.
    fn collect_exits(&mut self) -> Result<(), Failure> {
        let held: Vec<&PidFd> = self.processes.iter().map(|process| &process.pidfd).collect();
        let mut ended = wait_for_exits(&held, Some(Duration::ZERO)).map_err(kernel_failure)?.into_iter();
        let (since, time) = (Instant::now(), SystemTime::now());
        let gone = self.processes.extract_if(.., |_| ended.next().unwrap_or(false));
        let gone: Vec<MonitoredProcess> = gone.collect();
        if gone.is_empty() {
            return Ok(());
        }
        self.exited.extend(gone.into_iter().map(|process| ExitedProcess { process, noticed: since, time }));
        self.is_draining = self.events.is_some();
        Ok(())
    }

    /// Tells of those that have ended: how, as soon as that can be told.
    fn report_exits(&mut self) -> Result<(), Failure> {
        for ended in std::mem::take(&mut self.exited) {
            let ExitedProcess { process, noticed: since, time } = &ended;
            let ending = process.termination();
            if ending.is_none() && process.is_unreaped() && since.elapsed() < REAP_TIMEOUT {
                self.exited.push(ended);
                continue;
            }
            let mut live = self.events.take();
            if let Some(live) = &mut live {
                live.record_exit(process.pid, process.name());
            }
            let killer = live.as_ref().and_then(|live| live.fatal_signal(process.pid, ending));
            let (pid, name, what) = (process.pid, process.name(), MonitorEventKind::Exited(ending, killer));
            let told = self.emit(&MonitorEvent { time: *time, pid, name, kind: what });
            self.events = live;
            told?;
            if !self.request.until.is_empty() {
                self.until_unreachable = true;
                let how = ending.map_or("ended".to_owned(), |ending| ending.to_string());
                self.error_messages.push(format!(
                    "{} ({}): {how} before what was waited for{}",
                    process.pid,
                    escape_name(process.name()),
                    unmet_text(self.request, process)
                ));
            }
        }
        Ok(())
    }

    /// Looks at each, and tells what has changed.
    fn sample_all(&mut self) -> Result<(), Failure> {
        let mut processes = std::mem::take(&mut self.processes);
        let told = processes.iter_mut().try_for_each(|process| self.sample(process));
        self.processes = processes;
        told
    }

    fn sample(&mut self, process: &mut MonitoredProcess) -> Result<(), Failure> {
        let changes = process.sample(&mut self.proc_reader, self.request.threads);
        let unread = match (&changes, process.threads_error_text()) {
            (Ok(_), None) => None,
            (Ok(_), Some(why)) => Some(format!(
                "{}: its threads cannot be read any more: {why}; what they block, and what is pending for one of \
                 them, is not told",
                process.pid
            )),
            // Its end is about to be told.
            (Err(ProcReadError::Gone), _) => return Ok(()),
            (Err(error), _) => Some(format!("{}: it cannot be read any more: {error}", process.pid)),
        };
        if let Some(unread) = unread
            && !std::mem::replace(&mut process.read_error_reported, true)
        {
            self.notes.write_note(&unread);
        }
        if !self.reports_changes() {
            return Ok(());
        }
        let time = SystemTime::now();
        changes.iter().flatten().try_for_each(|change| {
            let what = MonitorEventKind::Change(change);
            self.emit(&MonitorEvent { time, pid: process.pid, name: process.name(), kind: what })
        })
    }

    /// Whether changes are told, and not signals or ends alone.
    pub(super) fn reports_changes(&self) -> bool {
        !self.request.events.until_exit && !self.request.events.is_selective()
    }

    /// Tells a change, unless so many have been told as were asked for.
    pub(super) fn emit(&mut self, event: &MonitorEvent<'_>) -> Result<(), Failure> {
        if self.remaining != Some(0) {
            view::print_event(event, self.out)?;
            self.remaining = self.remaining.map(|left| left - 1);
        }
        Ok(())
    }

    /// The name of a process that is observed, or was until just now.
    pub(super) fn process_name(&self, pid: u32) -> Option<Vec<u8>> {
        let ended = self.exited.iter().map(|ended| &ended.process);
        let process = self.processes.iter().chain(ended).find(|process| process.pid == pid)?;
        Some(process.name().to_vec())
    }

    /// Says that fewer changes came than were asked for, for all have ended.
    fn report_count_not_reached(&mut self) {
        if let (Some(asked), Some(left @ 1..)) = (self.request.count, self.remaining)
            && self.request.until.is_empty()
        {
            let seen = asked - left;
            self.error_messages.push(format!("--count {asked}: all have ended after {seen}"));
        }
    }

    /// Says what has not come in time.
    fn report_unmet(&mut self) {
        for process in &self.processes {
            let unmet = unmet_text(self.request, process);
            if !unmet.is_empty() {
                let name = escape_name(process.name());
                self.error_messages.push(format!("{} ({name}){unmet}", process.pid));
            }
        }
    }
}

/// `: TERM is not caught`; nothing where all is as it is waited for.
fn unmet_text(request: &MonitorRequest, process: &MonitoredProcess) -> String {
    let unmet = request.until.iter().filter_map(|asked| Some(asked.describe_unmet(process.unmet(asked)?)));
    let all: Vec<String> = unmet.collect();
    if all.is_empty() { String::new() } else { format!(": {}", all.join("; ")) }
}

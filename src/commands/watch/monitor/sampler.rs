//! Sampling: reads the monitored processes again and again, and returns their
//! changes and exits as values.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant, SystemTime};
use std::{io, mem};

use super::event::{MonitorEvent, MonitorEventKind, ProcessChange};
use super::process::MonitoredProcess;
use crate::explain::Requirement;
use crate::procfs::{ProcReadError, ProcReader, ProcRoot, Threads};
use crate::signal::Signal;
use crate::signal::exit_status::Termination;
use crate::sys::process::pidfd::{PidFd, wait_for_exits};

/// Maximum time to wait until a process is reaped, if only then the kernel reports
/// its exit status.
const REAP_TIMEOUT: Duration = Duration::from_secs(1);

/// Maximum time between the exit of a tracer and the exit of its tracee being
/// visible to us.
const TRACER_EXIT_DELAY: Duration = Duration::from_millis(100);

/// Samples the monitored processes.
pub(super) struct Sampler {
    reader: ProcReader,
    /// Whether each thread is reported separately (--threads).
    threads: bool,
    /// Processes that have not exited.
    processes: Vec<MonitoredProcess>,
    /// Processes whose exit is not reported yet.
    exited: Vec<ExitedProcess>,
    /// Names of the processes whose exit was reported.
    exited_names: HashMap<u32, Vec<u8>>,
}

struct ExitedProcess {
    process: MonitoredProcess,
    noticed_at: Instant,
    time: SystemTime,
}

/// The exit of a process, complete enough to be reported.
pub(super) struct ProcessExit {
    pub(super) process: MonitoredProcess,
    pub(super) time: SystemTime,
    /// `None` if the kernel does not report it.
    pub(super) termination: Option<Termination>,
}

/// The result of sampling one process.
pub(super) struct Sample {
    /// The reason why the process or its threads can no longer be read; returned
    /// once per process.
    pub(super) note: Option<String>,
    /// The changes since the previous sample.
    pub(super) events: Vec<MonitorEvent>,
}

impl Sampler {
    pub(super) fn new(processes: Vec<MonitoredProcess>, threads: bool) -> Sampler {
        let reader = ProcReader::new(&ProcRoot::default());
        Sampler { reader, threads, processes, exited: Vec::new(), exited_names: HashMap::new() }
    }

    /// Returns the processes that have not exited.
    pub(super) fn processes(&self) -> &[MonitoredProcess] {
        &self.processes
    }

    /// Returns the pidfds of the processes that have not exited.
    pub(super) fn pidfds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.processes.iter().map(|process| process.pidfd.as_fd())
    }

    /// Returns whether every process that has not exited meets the requirements.
    pub(super) fn all_meet(&self, requirements: &[Requirement]) -> bool {
        let meets = |process: &MonitoredProcess| {
            requirements.iter().all(|requirement| process.unmet_reason(requirement).is_none())
        };
        self.processes.iter().all(meets)
    }

    /// Returns the name of a process that is monitored, or whose exit is not
    /// reported yet.
    pub(super) fn process_name(&self, pid: u32) -> Option<&[u8]> {
        let exited = self.exited.iter().map(|exited| &exited.process);
        self.processes.iter().chain(exited).find(|process| process.pid == pid).map(MonitoredProcess::name)
    }

    /// Returns the name of a process, even if its exit was reported.
    pub(super) fn process_name_after_exit(&self, pid: u32) -> Option<&[u8]> {
        self.process_name(pid).or_else(|| self.exited_names.get(&pid).map(Vec::as_slice))
    }

    /// Returns the state of every process and, with --threads, of every thread.
    pub(super) fn initial_events(&self) -> Vec<MonitorEvent> {
        let (time, threads) = (SystemTime::now(), self.threads);
        let mut events = Vec::new();
        for process in &self.processes {
            let mut push = |kind| {
                events.push(MonitorEvent { time, pid: process.pid, name: process.name().to_vec(), kind });
            };
            push(MonitorEventKind::Start(process.initial_state(threads)));
            let tasks = process.snapshot.threads.iter().filter(|_| threads).flat_map(Threads::live);
            tasks.for_each(|task| push(MonitorEventKind::InitialThread(task.clone())));
        }
        events
    }

    /// Samples one process after another as the iterator advances.
    pub(super) fn samples(&mut self) -> impl Iterator<Item = Sample> {
        let Sampler { reader, processes, threads, .. } = self;
        processes.iter_mut().map(|process| sample(process, reader, *threads))
    }

    /// Sets whether the processes are traced by us.
    pub(super) fn set_traced(&mut self, is_traced: bool) {
        self.processes.iter_mut().for_each(|process| process.is_traced = is_traced);
    }

    /// Records that the tracer of a process has exited. Returns whether the
    /// process itself is still running.
    pub(super) fn end_tracing(&mut self, pid: u32) -> bool {
        let process = self.processes.iter_mut().find(|process| process.pid == pid);
        // The tracer sees the exit of the process slightly earlier than the pidfd.
        let Some(process) =
            process.filter(|process| matches!(process.pidfd.wait_for_exit(TRACER_EXIT_DELAY), Ok(false)))
        else {
            return false;
        };
        process.is_traced = false;
        true
    }

    /// Records that a signal stopped a process. Returns the change, unless the
    /// stop was already reported. The next sample detects the end of the stop.
    pub(super) fn record_stop(&mut self, pid: u32, signal: Signal) -> Option<ProcessChange> {
        self.processes.iter_mut().find(|process| process.pid == pid)?.record_stop(signal)
    }

    /// Finds the processes that have exited since the last call. Returns whether
    /// there are any.
    pub(super) fn collect_exits(&mut self) -> io::Result<bool> {
        let pidfds: Vec<&PidFd> = self.processes.iter().map(|process| &process.pidfd).collect();
        let mut has_exited = wait_for_exits(&pidfds, Some(Duration::ZERO))?.into_iter();
        let (noticed_at, time) = (Instant::now(), SystemTime::now());
        let count = self.exited.len();
        let exited = self.processes.extract_if(.., |_| has_exited.next().unwrap_or(false));
        self.exited.extend(exited.map(|process| ExitedProcess { process, noticed_at, time }));
        Ok(self.exited.len() > count)
    }

    /// Returns the PIDs of the processes whose exit is not reported yet.
    pub(super) fn unreported_exits(&self) -> impl Iterator<Item = u32> {
        self.exited.iter().map(|exited| exited.process.pid)
    }

    /// Removes and returns the exits that can be reported: those with a known exit
    /// status, and those whose exit status will probably stay unknown.
    pub(super) fn take_exits(&mut self) -> Vec<ProcessExit> {
        let mut exits = Vec::new();
        for exited in mem::take(&mut self.exited) {
            let ExitedProcess { process, noticed_at, time } = &exited;
            let termination = process.termination();
            if termination.is_none() && process.is_unreaped() && noticed_at.elapsed() < REAP_TIMEOUT {
                self.exited.push(exited);
                continue;
            }
            self.exited_names.insert(process.pid, process.name().to_vec());
            exits.push(ProcessExit { time: *time, termination, process: exited.process });
        }
        exits
    }
}

fn sample(process: &mut MonitoredProcess, reader: &mut ProcReader, threads: bool) -> Sample {
    let changes = process.sample(reader, threads);
    let unreadable = match (&changes, process.threads_error_text()) {
        (Ok(_), None) => None,
        (Ok(_), Some(why)) => Some(format!(
            "cannot read the threads of {}: {why}; their signal masks and pending signals are no longer reported",
            process.pid
        )),
        // collect_exits reports it.
        (Err(ProcReadError::Gone), _) => None,
        (Err(error), _) => {
            Some(format!("cannot read {}: {error}; its changes are no longer reported", process.pid))
        }
    };
    let note = unreadable.filter(|_| !mem::replace(&mut process.read_error_reported, true));
    let time = SystemTime::now();
    let to_event = |change| MonitorEvent {
        time,
        pid: process.pid,
        name: process.name().to_vec(),
        kind: MonitorEventKind::Change(change),
    };
    Sample { note, events: changes.into_iter().flatten().map(to_event).collect() }
}

//! One monitored process: its pidfd and its last snapshot.

use std::time::{Duration, Instant};

use super::diff::{self, DyingThread};
use super::event::{InitialState, ProcessChange};
use crate::explain::Requirement;
use crate::explain::requirement::{SignalSetKind, UnmetReason};
use crate::procfs::{
    ProcReadError, ProcReader, ProcRoot, ProcStatus, ProcessSnapshot, StatusFile, TaskState, Thread, Threads,
};
use crate::select;
use crate::signal::Signal;
use crate::signal::exit_status::Termination;
use crate::sys::process::pidfd::PidFd;

/// A process, identified by its pidfd: a process that reuses its PID is never
/// mistaken for it.
#[derive(Debug)]
pub(super) struct MonitoredProcess {
    pub(super) pid: u32,
    pub(super) pidfd: PidFd,
    status_file: StatusFile,
    /// The last sample.
    pub(super) snapshot: ProcessSnapshot,
    /// The state that was reported last.
    reported_state: Option<TaskState>,
    /// Whether we trace the process. The tracer reports its stops then, and the
    /// state `t` is caused by the tracer.
    pub(super) is_traced: bool,
    /// The threads that the kernel was killing at the last sample.
    dying_threads: Vec<DyingThread>,
    /// The reason why the threads can no longer be read, if so.
    threads_error: Option<ProcReadError>,
    /// Whether it was reported that the process or its threads can no longer be read.
    pub(super) read_error_reported: bool,
}

impl MonitoredProcess {
    /// Reads the first sample.
    pub(super) fn open(
        pid: u32,
        pidfd: PidFd,
        reader: &mut ProcReader,
    ) -> Result<MonitoredProcess, ProcReadError> {
        let mut status_file = StatusFile::open(&ProcRoot::default(), pid)?;
        // The first read always returns a status.
        let status = status_file.read_if_changed()?.unwrap_or_default();
        let threads = Some(read_threads(pid, &pidfd, &status, reader)?);
        let snapshot = ProcessSnapshot { status, threads, ..ProcessSnapshot::default() };
        Ok(MonitoredProcess {
            pid,
            pidfd,
            status_file,
            reported_state: diff::process_state(&snapshot),
            snapshot,
            is_traced: false,
            dying_threads: Vec::new(),
            threads_error: None,
            read_error_reported: false,
        })
    }

    /// Returns the state and the signal sets of the last sample. `threads`: each
    /// thread is reported separately.
    pub(super) fn initial_state(&self, threads: bool) -> InitialState {
        let members = |set| diff::set_members(&self.snapshot, set, threads);
        InitialState {
            state: diff::process_state(&self.snapshot),
            thread_count: self.snapshot.threads.as_ref().filter(|_| threads).map(Threads::live_count),
            pending: members(SignalSetKind::Pending),
            blocked: (!threads).then(|| members(SignalSetKind::Blocked)),
            ignored: members(SignalSetKind::Ignored),
            caught: members(SignalSetKind::Caught),
        }
    }

    /// Reads a new sample and returns the changes. An exit is not one of them; the
    /// pidfd reports it.
    pub(super) fn sample(
        &mut self,
        reader: &mut ProcReader,
        threads: bool,
    ) -> Result<Vec<ProcessChange>, ProcReadError> {
        let (mut changes, snapshot) = match self.status_file.read_if_changed()? {
            // Dying threads must be read again, because their KILL may be hidden.
            None if self.snapshot.status.thread_count == Some(1) && self.dying_threads.is_empty() => {
                (Vec::new(), None)
            }
            status => {
                let status = status.unwrap_or_else(|| self.snapshot.status.clone());
                let snapshot = self.read_snapshot(status, reader)?;
                if snapshot.threads.as_ref().is_some_and(Threads::all_exited) {
                    return Ok(Vec::new());
                }
                (diff::diff_snapshots(&self.snapshot, &snapshot, threads), Some(snapshot))
            }
        };
        let previous = diff::process_state(&self.snapshot);
        let current = snapshot.as_ref().map_or(previous, diff::process_state);
        if let (Some(from), Some(previous), Some(to)) = (self.reported_state, previous, current)
            && diff::is_reportable_state(from, previous, to)
            && !(self.is_traced && to.letter() == 't')
        {
            changes.push(ProcessChange::StateChanged { from, to, stop_signal: None });
            self.reported_state = Some(to);
        }
        if let Some(snapshot) = snapshot {
            self.snapshot = snapshot;
        }
        Ok(changes)
    }

    /// Records a stop that the tracer reported. Returns the change, unless the stop
    /// was already reported.
    pub(super) fn record_stop(&mut self, signal: Signal) -> Option<ProcessChange> {
        let to = TaskState::from_letter(b'T');
        let from = self.reported_state.replace(to).unwrap_or(to);
        (from != to).then_some(ProcessChange::StateChanged { from, to, stop_signal: Some(signal) })
    }

    /// Completes a status with the threads. If they can no longer be read (the
    /// process changed its UID, or no descriptor is left), the last known threads
    /// are kept, and only the main thread is updated from the status.
    fn read_snapshot(
        &mut self,
        status: ProcStatus,
        reader: &mut ProcReader,
    ) -> Result<ProcessSnapshot, ProcReadError> {
        let (threads, error) = match read_threads(self.pid, &self.pidfd, &status, reader) {
            Ok(threads) => (threads, None),
            Err(_) if self.pidfd.wait_for_exit(Duration::ZERO)? => return Err(ProcReadError::Gone),
            Err(error) => {
                let main = Thread::from_status(&status);
                let is_other = |task: &&Thread| main.as_ref().is_none_or(|main| main.tid != task.tid);
                let others = self.snapshot.threads.iter().flat_map(Threads::iter).filter(is_other).cloned();
                (Threads::new(others.chain(main.clone()).collect()), Some(error))
            }
        };
        self.threads_error = error;
        let threads = diff::hide_dying_threads(threads, &mut self.dying_threads, Instant::now());
        Ok(ProcessSnapshot { status, threads: Some(threads), ..ProcessSnapshot::default() })
    }

    /// Returns the reason why the threads can no longer be read, if so.
    pub(super) fn threads_error_text(&self) -> Option<String> {
        self.threads_error.as_ref().map(|error| match error {
            ProcReadError::Gone | ProcReadError::PermissionDenied => {
                "/proc hides them (mount option hidepid)".to_owned()
            }
            error => error.to_string(),
        })
    }

    /// Returns the reason why the last sample does not meet a requirement; `None` if
    /// it does.
    pub(super) fn unmet_reason(&self, requirement: &Requirement) -> Option<UnmetReason> {
        match self.threads_error {
            None => requirement.unmet_reason(&self.snapshot),
            Some(_) => requirement.unmet_reason(&ProcessSnapshot::from_status(&self.snapshot.status)),
        }
    }

    /// Returns the requirements that are not met, as `TERM is not caught`; `None` if
    /// all are met.
    pub(super) fn unmet_text(&self, requirements: &[Requirement]) -> Option<String> {
        let unmet = requirements
            .iter()
            .filter_map(|requirement| Some(requirement.describe_unmet(self.unmet_reason(requirement)?)));
        let texts: Vec<String> = unmet.collect();
        (!texts.is_empty()).then(|| texts.join("; "))
    }

    /// Returns the name from the last sample.
    pub(super) fn name(&self) -> &[u8] {
        self.snapshot.status.name.as_ref().map_or(&[], |name| name.as_bytes())
    }

    /// Returns how the process terminated, if it has exited and the kernel reports
    /// it.
    pub(super) fn termination(&self) -> Option<Termination> {
        select::read_termination(self.pid, &self.pidfd)
    }

    /// Returns whether the kernel will report the exit status once the process is
    /// reaped.
    pub(super) fn is_unreaped(&self) -> bool {
        matches!(self.pidfd.termination(), Ok(None))
    }
}

/// Reads the threads. Fails if the process has exited, because its PID may have been
/// reused.
fn read_threads(
    pid: u32,
    pidfd: &PidFd,
    status: &ProcStatus,
    reader: &mut ProcReader,
) -> Result<Threads, ProcReadError> {
    let threads = reader.threads(pid, status)?;
    if status.thread_count != Some(1) && pidfd.wait_for_exit(Duration::ZERO)? {
        return Err(ProcReadError::Gone);
    }
    Ok(threads)
}

//! One process that is observed: held, and looked at.

use std::time::{Duration, Instant};

use super::diff::{self, DyingThread, ProcessChange};
use crate::explain::Requirement;
use crate::explain::requirement::UnmetReason;
use crate::procfs::{
    ProcReadError, ProcReader, ProcRoot, ProcStatus, ProcessSnapshot, StatusFile, TaskState, Thread, Threads,
};
use crate::select;
use crate::signal::Signal;
use crate::signal::exit_status::Termination;
use crate::sys::process::pidfd::PidFd;

/// A process, held by a pidfd: another one that gets its number is never taken
/// for it.
#[derive(Debug)]
pub(super) struct MonitoredProcess {
    pub(super) pid: u32,
    pub(super) pidfd: PidFd,
    status_file: StatusFile,
    /// The last look.
    pub(super) snapshot: ProcessSnapshot,
    /// The state that was told last.
    reported_state: Option<TaskState>,
    /// Whether it is we who trace it: then its tracer tells what stops it, and its
    /// state that it is looked at.
    pub(super) is_traced: bool,
    /// The threads that the kernel was ending at the last look, and since when.
    dying_threads: Vec<DyingThread>,
    /// Why its threads cannot be read any more, where that is so.
    threads_error: Option<ProcReadError>,
    /// Whether it was said that it, or that they, cannot be read any more.
    pub(super) read_error_reported: bool,
}

impl MonitoredProcess {
    /// Looks at a process that is held for the first time.
    ///
    /// # Errors
    /// See [`ProcReadError`].
    pub(super) fn open(
        pid: u32,
        held: PidFd,
        files: &mut ProcReader,
    ) -> Result<MonitoredProcess, ProcReadError> {
        let mut kept = StatusFile::open(&ProcRoot::default(), pid)?;
        // Nothing was read before, so that there is something new.
        let status = kept.read_if_changed()?.unwrap_or_default();
        let threads = Some(read_threads(pid, &held, &status, files)?);
        let last = ProcessSnapshot { status, threads, ..ProcessSnapshot::default() };
        let told = diff::process_state(&last);
        let (is_traced, dying) = (false, Vec::new());
        Ok(MonitoredProcess {
            pid,
            pidfd: held,
            status_file: kept,
            snapshot: last,
            reported_state: told,
            is_traced,
            dying_threads: dying,
            threads_error: None,
            read_error_reported: false,
        })
    }

    /// Looks again; gives what has changed. An end is no change of these: the
    /// pidfd tells it.
    ///
    /// # Errors
    /// See [`ProcReadError`].
    pub(super) fn sample(
        &mut self,
        files: &mut ProcReader,
        threads: bool,
    ) -> Result<Vec<ProcessChange>, ProcReadError> {
        let (mut found, now) = match self.status_file.read_if_changed()? {
            // What was held back is to be looked at again.
            None if self.snapshot.status.thread_count == Some(1) && self.dying_threads.is_empty() => {
                (Vec::new(), None)
            }
            status => {
                let now =
                    self.read_snapshot(status.unwrap_or_else(|| self.snapshot.status.clone()), files)?;
                if now.threads.as_ref().is_some_and(Threads::all_exited) {
                    return Ok(Vec::new());
                }
                (diff::diff_snapshots(&self.snapshot, &now, threads), Some(now))
            }
        };
        let before = diff::process_state(&self.snapshot);
        let after = now.as_ref().map_or(before, diff::process_state);
        if let (Some(told), Some(before), Some(to)) = (self.reported_state, before, after)
            && diff::is_reportable_state(told, before, to)
            && !(self.is_traced && to.letter() == 't')
        {
            found.push(ProcessChange::StateChanged { from: told, to, stop_signal: None });
            self.reported_state = Some(to);
        }
        if let Some(now) = now {
            self.snapshot = now;
        }
        Ok(found)
    }

    /// This signal has stopped it, as its tracer tells; gives that as a change,
    /// unless it was told already.
    pub(super) fn record_stop(&mut self, by: Signal) -> Option<ProcessChange> {
        let to = TaskState::from_letter(b'T');
        let from = self.reported_state.replace(to).unwrap_or(to);
        (from != to).then_some(ProcessChange::StateChanged { from, to, stop_signal: Some(by) })
    }

    /// What its files say beside its status: those of its threads where it has
    /// several. Where these cannot be read any more (it has become another
    /// user's, or no descriptor is left), what they were stays, for the status,
    /// which is kept open, tells of the process and of its main thread.
    fn read_snapshot(
        &mut self,
        status: ProcStatus,
        files: &mut ProcReader,
    ) -> Result<ProcessSnapshot, ProcReadError> {
        let (threads, blind) = match read_threads(self.pid, &self.pidfd, &status, files) {
            Ok(threads) => (Some(threads), None),
            Err(_) if self.pidfd.wait_for_exit(Duration::ZERO)? => return Err(ProcReadError::Gone),
            Err(error) => {
                let main = Thread::from_status(&status);
                let is_other = |task: &&Thread| main.as_ref().is_none_or(|main| main.tid != task.tid);
                let others = self.snapshot.threads.iter().flat_map(Threads::iter).filter(is_other).cloned();
                let all = others.chain(main.clone()).collect();
                (Some(Threads::new(all)), Some(error))
            }
        };
        self.threads_error = blind;
        let now = Instant::now();
        let threads = threads.map(|threads| diff::hide_dying_threads(threads, &mut self.dying_threads, now));
        Ok(ProcessSnapshot { status, threads, ..ProcessSnapshot::default() })
    }

    /// Why its threads cannot be read any more, where that is so.
    pub(super) fn threads_error_text(&self) -> Option<String> {
        self.threads_error.as_ref().map(|error| match error {
            ProcReadError::Gone | ProcReadError::PermissionDenied => {
                "/proc hides them (mount option hidepid)".to_owned()
            }
            error => error.to_string(),
        })
    }

    /// Why it does not meet a requirement, by what is known of it now.
    pub(super) fn unmet(&self, asked: &Requirement) -> Option<UnmetReason> {
        match self.threads_error {
            None => asked.unmet_reason(&self.snapshot),
            Some(_) => asked.unmet_reason(&ProcessSnapshot::from_status(&self.snapshot.status)),
        }
    }

    /// What it calls itself.
    pub(super) fn name(&self) -> &[u8] {
        status_name(&self.snapshot.status)
    }

    /// How it has ended.
    pub(super) fn termination(&self) -> Option<Termination> {
        select::read_termination(self.pid, &self.pidfd)
    }

    /// Whether the kernel will tell how it has ended once it is reaped.
    pub(super) fn is_unreaped(&self) -> bool {
        matches!(self.pidfd.termination(), Ok(None))
    }
}

/// A name, as the process chose it.
fn status_name(status: &ProcStatus) -> &[u8] {
    status.name.as_ref().map_or(&[], |name| name.as_bytes())
}

/// Its threads, if what stands there is its own.
fn read_threads(
    pid: u32,
    held: &PidFd,
    status: &ProcStatus,
    files: &mut ProcReader,
) -> Result<Threads, ProcReadError> {
    let threads = files.threads(pid, status)?;
    if status.thread_count != Some(1) && held.wait_for_exit(Duration::ZERO)? {
        // It may be of another process of its number.
        return Err(ProcReadError::Gone);
    }
    Ok(threads)
}

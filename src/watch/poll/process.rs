//! One process that is observed: held, and looked at.

use std::time::{Duration, Instant};

use super::change::{self, Change, Dying};
use crate::explain::Requirement;
use crate::explain::require::Unmet;
use crate::proc::{Files, KeptStatus, ReadError, Root, Situation, State, Status, Task, Threads};
use crate::select;
use crate::signal::Signal;
use crate::signal::exit::Ending;
use crate::sys::pidfd::PidFd;

/// A process, held by a pidfd: another one that gets its number is never taken
/// for it.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) held: PidFd,
    kept: KeptStatus,
    /// The last look.
    pub(super) last: Situation,
    /// The state that was told last.
    told: Option<State>,
    /// Whether it is we who trace it: then its tracer tells what stops it, and its
    /// state that it is looked at.
    pub(super) is_traced: bool,
    /// The threads that the kernel was ending at the last look, and since when.
    dying: Vec<Dying>,
    /// Why its threads cannot be read any more, where that is so.
    blind: Option<ReadError>,
    /// Whether it was said that it, or that they, cannot be read any more.
    pub(super) said: bool,
}

impl Process {
    /// Looks at a process that is held for the first time.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub(super) fn first_look(pid: u32, held: PidFd, files: &mut Files) -> Result<Process, ReadError> {
        let mut kept = KeptStatus::open(&Root::default(), pid)?;
        // Nothing was read before, so that there is something new.
        let status = kept.read()?.unwrap_or_default();
        let threads = Some(own_threads(pid, &held, &status, files)?);
        let last = Situation { status, threads, ..Situation::default() };
        let told = change::state(&last);
        let (is_traced, dying) = (false, Vec::new());
        Ok(Process { pid, held, kept, last, told, is_traced, dying, blind: None, said: false })
    }

    /// Looks again; gives what has changed. An end is no change of these: the
    /// pidfd tells it.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub(super) fn look(&mut self, files: &mut Files, threads: bool) -> Result<Vec<Change>, ReadError> {
        let (mut found, now) = match self.kept.read()? {
            // What was held back is to be looked at again.
            None if self.last.status.threads == Some(1) && self.dying.is_empty() => (Vec::new(), None),
            status => {
                let now = self.situation(status.unwrap_or_else(|| self.last.status.clone()), files)?;
                if now.threads.as_ref().is_some_and(Threads::are_ended) {
                    return Ok(Vec::new());
                }
                (change::changes(&self.last, &now, threads), Some(now))
            }
        };
        let before = change::state(&self.last);
        let after = now.as_ref().map_or(before, change::state);
        if let (Some(told), Some(before), Some(to)) = (self.told, before, after)
            && change::is_news(told, before, to)
            && !(self.is_traced && to.letter() == 't')
        {
            found.push(Change::State { from: told, to, by: None });
            self.told = Some(to);
        }
        if let Some(now) = now {
            self.last = now;
        }
        Ok(found)
    }

    /// This signal has stopped it, as its tracer tells; gives that as a change,
    /// unless it was told already.
    pub(super) fn stopped(&mut self, by: Signal) -> Option<Change> {
        let to = State::new(b'T');
        let from = self.told.replace(to).unwrap_or(to);
        (from != to).then_some(Change::State { from, to, by: Some(by) })
    }

    /// What its files say beside its status: those of its threads where it has
    /// several. Where these cannot be read any more (it has become another
    /// user's, or no descriptor is left), what they were stays, for the status,
    /// which is kept open, tells of the process and of its main thread.
    fn situation(&mut self, status: Status, files: &mut Files) -> Result<Situation, ReadError> {
        let (threads, blind) = match own_threads(self.pid, &self.held, &status, files) {
            Ok(threads) => (Some(threads), None),
            Err(_) if self.held.wait(Duration::ZERO)? => return Err(ReadError::Gone),
            Err(error) => {
                let main = Task::of(&status);
                let is_other = |task: &&Task| main.as_ref().is_none_or(|main| main.tid != task.tid);
                let others = self.last.threads.iter().flat_map(Threads::iter).filter(is_other).cloned();
                let all = others.chain(main.clone()).collect();
                (Some(Threads::new(all)), Some(error))
            }
        };
        self.blind = blind;
        let now = Instant::now();
        let threads = threads.map(|threads| change::without_dying(threads, &mut self.dying, now));
        Ok(Situation { status, threads, ..Situation::default() })
    }

    /// Why its threads cannot be read any more, where that is so.
    pub(super) fn blind(&self) -> Option<String> {
        self.blind.as_ref().map(|error| match error {
            ReadError::Gone | ReadError::Denied => "/proc hides them (mount option hidepid)".to_owned(),
            error => error.to_string(),
        })
    }

    /// Why it does not meet a requirement, by what is known of it now.
    pub(super) fn unmet(&self, asked: &Requirement) -> Option<Unmet> {
        match self.blind {
            None => asked.unmet_by(&self.last),
            Some(_) => asked.unmet_by(&Situation::of_text(&self.last.status)),
        }
    }

    /// What it calls itself.
    pub(super) fn name(&self) -> &[u8] {
        name(&self.last.status)
    }

    /// How it has ended.
    pub(super) fn ending(&self) -> Option<Ending> {
        select::ending(self.pid, &self.held)
    }

    /// Whether the kernel will tell how it has ended once it is reaped.
    pub(super) fn is_unreaped(&self) -> bool {
        matches!(self.held.ending(), Ok(None))
    }
}

/// A name, as the process chose it.
fn name(status: &Status) -> &[u8] {
    status.name.as_ref().map_or(&[], |name| name.as_bytes())
}

/// Its threads, if what stands there is its own.
fn own_threads(pid: u32, held: &PidFd, status: &Status, files: &mut Files) -> Result<Threads, ReadError> {
    let threads = files.threads(pid, status)?;
    if status.threads != Some(1) && held.wait(Duration::ZERO)? {
        // It may be of another process of its number.
        return Err(ReadError::Gone);
    }
    Ok(threads)
}

//! One process that is observed: held, and looked at.

use std::time::Duration;

use super::change::{self, Change};
use crate::proc::{Files, KeptStatus, ReadError, Root, Situation, State, Status};
use crate::select;
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
    /// Whether it was said that it cannot be read any more.
    pub(super) unreadable: bool,
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
        let last = look(pid, &held, status, files)?;
        let told = change::state(&last);
        Ok(Process { pid, held, kept, last, told, unreadable: false })
    }

    /// Looks again; gives what has changed. An end is no change of these: the
    /// pidfd tells it.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub(super) fn look(&mut self, files: &mut Files, threads: bool) -> Result<Vec<Change>, ReadError> {
        let (mut found, now) = match self.kept.read()? {
            None if self.last.status.threads == Some(1) => (Vec::new(), None),
            status => {
                let status = status.unwrap_or_else(|| self.last.status.clone());
                let now = look(self.pid, &self.held, status, files)?;
                if now.threads.as_ref().is_some_and(|threads| threads.are_ended()) {
                    return Ok(Vec::new());
                }
                (change::changes(&self.last, &now, threads), Some(now))
            }
        };
        let before = change::state(&self.last);
        let after = now.as_ref().map_or(before, change::state);
        if let (Some(told), Some(before), Some(to)) = (self.told, before, after)
            && change::is_news(told, before, to)
        {
            // Asleep or running: what it was at the last look is nearer.
            found.push(Change::State { from: if before == to { told } else { before }, to });
            self.told = Some(to);
        }
        if let Some(now) = now {
            self.last = now;
        }
        Ok(found)
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

/// What its files say beside its status: those of its threads where it has
/// several, if they are its own.
fn look(pid: u32, held: &PidFd, status: Status, files: &mut Files) -> Result<Situation, ReadError> {
    let threads = files.threads(pid, &status)?;
    if status.threads != Some(1) && held.wait(Duration::ZERO)? {
        // What stands there may be of another process of its number.
        return Err(ReadError::Gone);
    }
    Ok(Situation { status, threads: Some(threads), ..Situation::default() })
}

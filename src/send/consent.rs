//! Between the choice of a target and its signal: what it would do, and whether
//! it is wanted.

use super::deliver::Delivery;
use super::teller::Answer;
use super::{Attempt, Done, Refusal};
use crate::explain::{self, Effect, Sending};
use crate::signal::known::CONT;
use crate::sys::reader;

impl Delivery<'_, '_, '_> {
    /// Looks at what the signal would do to the target and whether it is
    /// wanted. `None`: it is to be sent.
    pub(super) fn consider(
        &mut self,
        attempt: &mut Attempt,
        may_be_sent: impl FnOnce() -> Result<(), Refusal>,
    ) -> Result<Option<Done>, Refusal> {
        let options = &self.request.options;
        if self.quit {
            return Ok(Some(Done::Declined));
        }
        if self.effects {
            attempt.effect = self.effect(attempt);
        }
        if options.require_handler && !self.has_handler(attempt) {
            return Err(Refusal::NoHandler);
        }
        if !options.dry_run && !options.interactive {
            return Ok(None);
        }
        // Asking and planning are for what can be sent.
        match may_be_sent() {
            Err(Refusal::Denied) if self.may_be_continued(attempt) => {}
            Err(refusal) => return Err(refusal),
            Ok(()) => {}
        }
        if options.dry_run {
            return match attempt.effect {
                Some(Effect::QueueFull) => Err(Refusal::QueueFull),
                _ => Ok(Some(Done::Planned)),
            };
        }
        match self.teller.ask(attempt) {
            Answer::Yes => Ok(None),
            Answer::No => Ok(Some(Done::Declined)),
            Answer::Quit => {
                self.quit = true;
                Ok(Some(Done::Declined))
            }
        }
    }

    /// What the signal does to the target if it is sent now.
    fn effect(&self, attempt: &Attempt) -> Option<Effect> {
        let Some(signal) = self.request.signal else { return Some(Effect::Checked) };
        let pid = attempt.pid.filter(|_| self.is_ours())?;
        let situation = self.root.situation(pid, Some(signal), reader::read).ok()?;
        let queued = self.request.value.is_some();
        Some(explain::effect(&situation, Sending { signal, thread: attempt.tid, queued }))
    }

    /// Whether the process catches the signal; the null signal needs no handler.
    fn has_handler(&self, attempt: &Attempt) -> bool {
        let (Some(signal), Some(pid)) = (self.request.signal, attempt.pid) else { return true };
        let caught = self.described(pid).and_then(|status| status.caught);
        caught.is_some_and(|caught| caught.contains(signal))
    }

    /// CONT may be sent to everybody of the own session (kill(2)).
    fn may_be_continued(&self, attempt: &Attempt) -> bool {
        let session = |pid: u32| self.root.stat(pid).ok().map(|stat| stat.session);
        self.request.signal == Some(CONT)
            && self.is_ours()
            && attempt.pid.and_then(session).is_some_and(|of| Some(of) == session(std::process::id()))
    }
}

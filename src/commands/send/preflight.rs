//! Between the choice of a target and its signal: what it would do, and whether
//! it is wanted.

use super::dispatch::Dispatcher;
use super::progress::PromptAnswer;
use super::{SendAttempt, SendError, SendOutcome};
use crate::explain::{self, Effect, SendSpec};
use crate::signal::consts::CONT;
use crate::sys::io::reader;

impl Dispatcher<'_, '_, '_> {
    /// Looks at what the signal would do to the target and whether it is
    /// wanted. `None`: it is to be sent.
    pub(super) fn preflight(
        &mut self,
        attempt: &mut SendAttempt,
        may_be_sent: impl FnOnce() -> Result<(), SendError>,
    ) -> Result<Option<SendOutcome>, SendError> {
        let options = &self.request.options;
        if self.has_quit {
            return Ok(Some(SendOutcome::Declined));
        }
        if self.predicts_effects {
            attempt.effect = self.predict_effect(attempt);
        }
        if options.require_handler && !self.catches_signal(attempt) {
            return Err(SendError::NoHandler);
        }
        if !options.dry_run && !options.interactive {
            return Ok(None);
        }
        // Asking and planning are for what can be sent.
        match may_be_sent() {
            Err(SendError::PermissionDenied) if self.is_cont_within_session(attempt) => {}
            Err(refusal) => return Err(refusal),
            Ok(()) => {}
        }
        if options.dry_run {
            return match attempt.effect {
                Some(Effect::QueueFull) => Err(SendError::QueueFull),
                _ => Ok(Some(SendOutcome::WouldSend)),
            };
        }
        match self.reporter.confirm(attempt) {
            PromptAnswer::Yes => Ok(None),
            PromptAnswer::No => Ok(Some(SendOutcome::Declined)),
            PromptAnswer::QuitAll => {
                self.has_quit = true;
                Ok(Some(SendOutcome::Declined))
            }
        }
    }

    /// What the signal does to the target if it is sent now.
    fn predict_effect(&self, attempt: &SendAttempt) -> Option<Effect> {
        let Some(signal) = self.request.signal else { return Some(Effect::NullSignal) };
        let pid = attempt.pid.filter(|_| self.has_native_proc())?;
        let situation = self.proc_root.snapshot(pid, Some(signal), reader::read).ok()?;
        let queued = self.request.value.is_some();
        Some(explain::predict_effect(&situation, SendSpec { signal, tid: attempt.tid, has_value: queued }))
    }

    /// Whether the process catches the signal; the null signal needs no handler.
    fn catches_signal(&self, attempt: &SendAttempt) -> bool {
        let (Some(signal), Some(pid)) = (self.request.signal, attempt.pid) else { return true };
        let caught = self.read_status(pid).and_then(|status| status.caught);
        caught.is_some_and(|caught| caught.contains(signal))
    }

    /// CONT may be sent to everybody of the own session (kill(2)).
    fn is_cont_within_session(&self, attempt: &SendAttempt) -> bool {
        let session = |pid: u32| self.proc_root.stat(pid).ok().map(|stat| stat.session);
        self.request.signal == Some(CONT)
            && self.has_native_proc()
            && attempt.pid.and_then(session).is_some_and(|of| Some(of) == session(std::process::id()))
    }
}

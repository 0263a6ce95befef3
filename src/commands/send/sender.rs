//! Sends the signal to one process or one thread: opens its pidfd, checks that
//! it is the intended process, asks the user if requested, and sends.

use std::io;

use super::pidfd::{PidfdCheck, keeps_pidfds, run_check, send_through};
use super::preflight::{catches_signal, is_cont_within_session, predict_effect};
use super::proc_lookup::ProcLookup;
use super::progress::{ProgressReporter, PromptAnswer};
use super::{ProgressEvent, SendAttempt, SendError, SendOutcome, SendRequest};
use crate::explain::Effect;
use crate::sys::errno::NOT_A_THREAD_GROUP_LEADER;
use crate::sys::process::pidfd::{PidFd, Unavailable};
use crate::sys::signal::send as syscall;

/// The request, and the state that all of its targets share.
pub(super) struct TargetSender<'a, 'b, 'c> {
    pub(super) request: &'a SendRequest,
    pub(super) proc: ProcLookup,
    /// Whether the effect on every target is predicted.
    pub(super) predicts_effects: bool,
    /// Whether the name and the UID of every target are read, not only those of
    /// targets that fail.
    reads_names: bool,
    reporter: &'a mut ProgressReporter<'b, 'c>,
    /// Whether the user declined all remaining targets.
    has_quit: bool,
}

impl<'a, 'b, 'c> TargetSender<'a, 'b, 'c> {
    /// A sender for a request. `json`: the output needs the name, the UID and the
    /// effect of every target.
    pub(super) fn new(
        request: &'a SendRequest,
        json: bool,
        reporter: &'a mut ProgressReporter<'b, 'c>,
    ) -> TargetSender<'a, 'b, 'c> {
        let options = &request.options;
        let predicts_effects = json || options.dry_run || options.verbose || options.interactive;
        TargetSender {
            request,
            proc: ProcLookup::new(),
            predicts_effects,
            reads_names: predicts_effects || options.wait.is_some(),
            reporter,
            has_quit: false,
        }
    }

    /// Signals one process. Its pidfd is open from before the check until after
    /// the signal is sent. `check`: checks that the pidfd refers to the intended
    /// process; `None` if the user named the process by PID.
    pub(super) fn send_to_process(
        &mut self,
        mut attempt: SendAttempt,
        check: Option<PidfdCheck<'_>>,
    ) -> SendAttempt {
        let pid = attempt.pid.unwrap_or(0);
        let pidfd = PidFd::open(pid);
        if self.reads_names {
            self.proc.add_name_and_uid(&mut attempt);
        }
        attempt.result = match pidfd {
            Ok(pidfd) => {
                run_check(check, &pidfd).and_then(|()| self.send_through_pidfd(pidfd, &mut attempt, check))
            }
            Err(error) => self.send_without_pidfd(pid, error, &mut attempt, check.is_none()),
        };
        self.add_error_details(&mut attempt);
        attempt
    }

    /// Signals one thread of a process.
    pub(super) fn send_to_thread(&mut self, operand: &str, pid: u32, tid: u32) -> SendAttempt {
        let (signal, value) = (self.request.signal, self.request.value);
        let mut attempt = SendAttempt { tid: Some(tid), ..SendAttempt::new(operand, Some(pid)) };
        if self.reads_names {
            self.proc.add_name_and_uid(&mut attempt);
        }
        let pidfd = if keeps_pidfds(self.request) { PidFd::open(pid).ok() } else { None };
        let check_permission = || syscall::to_thread(pid, tid, None, None).map_err(SendError::from);
        attempt.result = self.preflight(&mut attempt, check_permission).and_then(|outcome| match outcome {
            Some(outcome) => Ok(outcome),
            None => {
                syscall::to_thread(pid, tid, signal, value)?;
                self.report_sent(&attempt);
                Ok(SendOutcome::Sent)
            }
        });
        attempt.pidfd = pidfd.filter(|_| attempt.result.is_ok());
        self.add_error_details(&mut attempt);
        attempt
    }

    /// Reports that the signal was sent.
    pub(super) fn report_sent(&mut self, attempt: &SendAttempt) {
        if self.request.kill_options.verbose {
            let target = match (attempt.tid, attempt.pid, attempt.group) {
                (Some(tid), ..) => tid.to_string(),
                (_, Some(pid), _) => pid.to_string(),
                (_, _, Some(group)) => format!("-{group}"),
                _ => "-1".to_owned(),
            };
            self.reporter.report(&ProgressEvent::KillSending {
                target,
                signal: self.request.signal,
                after_timeout: false,
            });
        }
        self.reporter.report(&ProgressEvent::Sent(attempt));
    }

    /// Sends through a pidfd. Stores it in the attempt if sigtool waits for the
    /// process.
    fn send_through_pidfd(
        &mut self,
        pidfd: PidFd,
        attempt: &mut SendAttempt,
        check: Option<PidfdCheck<'_>>,
    ) -> Result<SendOutcome, SendError> {
        // The PID identifies the process only if the user named it by PID.
        let fallback_pid = attempt.pid.filter(|_| check.is_none());
        let check_permission = || send_through(&pidfd, fallback_pid, None, None);
        if let Some(outcome) = self.preflight(attempt, check_permission)? {
            return Ok(outcome);
        }
        // The process may have changed while the user was thinking.
        if self.request.options.interactive {
            run_check(check, &pidfd).map_err(|_| SendError::ChangedDuringPrompt)?;
        }
        send_through(&pidfd, fallback_pid, self.request.signal, self.request.value)?;
        self.report_sent(attempt);
        attempt.pidfd = Some(pidfd).filter(|_| keeps_pidfds(self.request));
        Ok(SendOutcome::Sent)
    }

    /// Sends to a process whose pidfd could not be opened. `named_by_pid`: the PID
    /// alone identifies the target.
    fn send_without_pidfd(
        &mut self,
        pid: u32,
        error: io::Error,
        attempt: &mut SendAttempt,
        named_by_pid: bool,
    ) -> Result<SendOutcome, SendError> {
        let unavailable = Unavailable::by_opening(&error);
        if unavailable.is_none()
            && !error.raw_os_error().is_some_and(|code| NOT_A_THREAD_GROUP_LEADER.contains(&code))
        {
            return Err(error.into());
        }
        // kill(1) accepts a TID and signals the process of the thread.
        let thread_group = self.proc.process_of_thread(pid);
        match (unavailable, thread_group) {
            (Some(unavailable), _) if !named_by_pid => return Err(SendError::NoPidfd(unavailable)),
            (None, None) => return Err(SendError::NotFound),
            (_, Some(process)) if !named_by_pid || !self.request.kill_options.kill_compatible => {
                return Err(SendError::IsThread(process));
            }
            _ => {}
        }
        let start_ticks = |sender: &Self| sender.proc.root.stat(pid).ok().and_then(|stat| stat.start_ticks);
        let start_ticks_before = start_ticks(self);
        let check_permission = || syscall::to_pid(pid, None, None).map_err(SendError::from);
        if let Some(outcome) = self.preflight(attempt, check_permission)? {
            return Ok(outcome);
        }
        if self.request.options.interactive && start_ticks(self) != start_ticks_before {
            return Err(SendError::ChangedDuringPrompt);
        }
        // Later signals go to the process that the thread belongs to.
        let pidfd = thread_group.and_then(|process| PidFd::open(process).ok());
        syscall::to_pid(pid, self.request.signal, self.request.value)?;
        self.report_sent(attempt);
        attempt.pidfd = pidfd.filter(|_| keeps_pidfds(self.request));
        Ok(SendOutcome::Sent)
    }

    /// Predicts the effect, checks the requirements, and asks the user. Returns
    /// `None` if the signal is to be sent.
    fn preflight(
        &mut self,
        attempt: &mut SendAttempt,
        check_permission: impl FnOnce() -> Result<(), SendError>,
    ) -> Result<Option<SendOutcome>, SendError> {
        let (request, options) = (self.request, &self.request.options);
        if self.has_quit {
            return Ok(Some(SendOutcome::Declined));
        }
        if self.predicts_effects {
            attempt.effect = predict_effect(request, &self.proc, attempt);
        }
        if options.require_handler && !catches_signal(request, &self.proc, attempt) {
            return Err(SendError::NoHandler);
        }
        if !options.dry_run && !options.interactive {
            return Ok(None);
        }
        // A target that cannot be signalled needs no prompt and no plan.
        match check_permission() {
            Err(SendError::PermissionDenied) if is_cont_within_session(request, &self.proc, attempt) => {}
            Err(error) => return Err(error),
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

    /// Adds the name and the UID if the error message contains them.
    fn add_error_details(&self, attempt: &mut SendAttempt) {
        if matches!(
            attempt.result,
            Err(SendError::PermissionDenied
                | SendError::QueueFull
                | SendError::PidReused { .. }
                | SendError::NoHandler)
        ) {
            self.proc.add_name_and_uid(attempt);
        }
    }
}

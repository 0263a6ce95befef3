//! The sending itself: every target held or named exactly, all of them tried.

use std::cell::OnceCell;
use std::time::Instant;

use super::pidfd::{PidfdCheck, run_check, send_through};
use super::progress::ProgressReporter;
use super::{ProgressEvent, SendAttempt, SendError, SendOutcome, SendReport, SendRequest, SendTarget, wait};
use crate::error::Failure;
use crate::exit::ExitStatus;
use crate::procfs::{ProcRoot, ProcStatus};
use crate::select;
use crate::sys::process;
use crate::sys::process::pidfd::PidFd;
use crate::sys::signal::send as system;

/// Sends to every target.
///
/// `json`: names, users and effects are looked up of all, not only of those
/// that refuse.
///
/// # Errors
/// A selection that cannot be made; nothing was sent then.
pub(super) fn dispatch(
    request: &SendRequest,
    json: bool,
    teller: &mut ProgressReporter<'_, '_>,
) -> Result<SendReport, Failure> {
    let (options, extras) = (&request.options, &request.kill_options);
    let (root, ours) = (ProcRoot::default(), OnceCell::new());
    let effects = json || options.dry_run || options.verbose || options.interactive;
    let named = effects || options.wait.is_some();
    let holds = options.wait.is_some() || !extras.timeouts.is_empty();
    let most_open = if holds { process::raise_open_file_limit() } else { u64::MAX };
    let mut delivery = Dispatcher {
        request,
        resolves_names: named,
        predicts_effects: effects,
        max_open_files: most_open,
        proc_root: root,
        proc_is_native: ours,
        reporter: teller,
        has_quit: false,
    };
    delivery.check_open_file_limit(request.targets.len())?;
    delivery.check_pidfds()?;
    let began = Instant::now();
    let (mut attempts, warnings) = match request.selection.is_noop() {
        true => (delivery.send_to_targets(), Vec::new()),
        false => delivery.send_to_selected()?,
    };
    let sent = if options.dry_run { None } else { Some(&mut attempts) };
    if let Some(attempts) = sent {
        wait::send_kill_timeouts(attempts, request, delivery.reporter);
        if let Some(time) = &options.wait {
            wait::wait_and_escalate(attempts, request, time, began, delivery.reporter);
        }
    }
    let own_uids = (system::own_uid(), system::effective_uid());
    Ok(SendReport { signal: request.signal, value: request.value, attempts, own_uids, warnings })
}

pub(super) struct Dispatcher<'a, 'b, 'c> {
    pub(super) request: &'a SendRequest,
    /// Whether name and user of every target are looked up.
    pub(super) resolves_names: bool,
    /// Whether the effect on every target is looked up.
    pub(super) predicts_effects: bool,
    /// How many descriptors may be open, where processes are to be waited for.
    max_open_files: u64,
    pub(super) proc_root: ProcRoot,
    /// Whether the numbers in /proc are those that signals are sent by; asked
    /// only where something of /proc is to be believed.
    proc_is_native: OnceCell<bool>,
    pub(super) reporter: &'a mut ProgressReporter<'b, 'c>,
    /// Whoever was asked wants nothing more sent.
    pub(super) has_quit: bool,
}

impl SendAttempt {
    /// Before anything is done.
    pub(super) fn new(written: &str, pid: Option<u32>) -> SendAttempt {
        SendAttempt {
            operand: written.to_owned(),
            pid,
            tid: None,
            group: None,
            name: None,
            uid: None,
            effect: None,
            result: Ok(SendOutcome::PidPrinted),
            wait_outcome: None,
            escalations: Vec::new(),
            pidfd: None,
        }
    }

    pub(super) fn failed(written: &str, pid: Option<u32>, refusal: SendError) -> SendAttempt {
        SendAttempt { result: Err(refusal), ..SendAttempt::new(written, pid) }
    }
}

impl Dispatcher<'_, '_, '_> {
    fn send_to_targets(&mut self) -> Vec<SendAttempt> {
        let request = self.request;
        let mut attempts: Vec<SendAttempt> = Vec::with_capacity(request.targets.len());
        // The own group comes last: we may not live to try another.
        let is_own = |target: &SendTarget| match target {
            _ if request.kill_options.print_pids => false,
            SendTarget::OwnGroup => true,
            SendTarget::Group(group) => *group == system::own_process_group(),
            _ => false,
        };
        let (last, first): (Vec<_>, Vec<_>) = request.targets.iter().partition(|(_, target)| is_own(target));
        for (written, target) in first {
            self.send_to_target(written, target, &mut attempts);
        }
        let rejected = request.kill_options.invalid_operands.iter();
        attempts.extend(rejected.map(|written| SendAttempt::failed(written, None, SendError::InvalidTarget)));
        for (written, target) in last {
            self.send_to_target(written, target, &mut attempts);
        }
        attempts
    }

    fn send_to_target(&mut self, written: &str, target: &SendTarget, attempts: &mut Vec<SendAttempt>) {
        if self.request.kill_options.print_pids && !matches!(target, SendTarget::Name(_)) {
            return attempts.push(SendAttempt::new(written, None));
        }
        match target {
            SendTarget::Process(pid) => {
                attempts.push(self.send_to_process(SendAttempt::new(written, Some(*pid)), None))
            }
            SendTarget::PidInode(pid, inode) => {
                let has_inode = |held: &PidFd| match held.inode()? {
                    Some(found) if found == *inode => Ok(()),
                    Some(inode) => Err(SendError::PidReused { inode }),
                    None => Err(SendError::SharedInode),
                };
                attempts.push(self.send_to_process(SendAttempt::new(written, Some(*pid)), Some(&has_inode)));
            }
            SendTarget::Thread(pid, tid) => attempts.push(self.send_to_thread(written, *pid, *tid)),
            SendTarget::Group(group) => self.send_to_group(written, Some(*group), attempts),
            SendTarget::OwnGroup => self.send_to_group(written, Some(system::own_process_group()), attempts),
            SendTarget::Broadcast => self.send_to_group(written, None, attempts),
            SendTarget::Name(name) => self.send_to_name(written, name, attempts),
        }
    }

    /// To one process, held from before the check until after the sending.
    /// `check`: whether it is the process that is meant; `None` if its number
    /// alone says so.
    pub(super) fn send_to_process(
        &mut self,
        mut attempt: SendAttempt,
        check: Option<PidfdCheck<'_>>,
    ) -> SendAttempt {
        let pid = attempt.pid.unwrap_or(0);
        let held = PidFd::open(pid);
        self.add_name_and_uid(&mut attempt, self.resolves_names);
        attempt.result = match held {
            Ok(held) => {
                run_check(check, &held).and_then(|()| self.send_through_pidfd(held, &mut attempt, check))
            }
            Err(error) => self.send_without_pidfd(pid, error, &mut attempt, check.is_none()),
        };
        self.with_error_details(attempt)
    }

    /// Through a descriptor, which is kept where something may follow.
    fn send_through_pidfd(
        &mut self,
        held: PidFd,
        attempt: &mut SendAttempt,
        check: Option<PidfdCheck<'_>>,
    ) -> Result<SendOutcome, SendError> {
        // Where the number alone is meant, it does for sending, too.
        let number = attempt.pid.filter(|_| check.is_none());
        let may_be_sent = || send_through(&held, number, None, None);
        if let Some(done) = self.preflight(attempt, may_be_sent)? {
            return Ok(done);
        }
        // While somebody thought about the answer it may have changed.
        if self.request.options.interactive {
            run_check(check, &held).map_err(|_| SendError::ChangedDuringPrompt)?;
        }
        send_through(&held, number, self.request.signal, self.request.value)?;
        self.report_sent(attempt);
        attempt.pidfd = Some(held).filter(|_| self.keeps_pidfds());
        Ok(SendOutcome::Sent)
    }

    fn send_to_thread(&mut self, written: &str, pid: u32, tid: u32) -> SendAttempt {
        let (signal, value) = (self.request.signal, self.request.value);
        let mut attempt = SendAttempt { tid: Some(tid), ..SendAttempt::new(written, Some(pid)) };
        self.add_name_and_uid(&mut attempt, self.resolves_names);
        let held = if self.keeps_pidfds() { PidFd::open(pid).ok() } else { None };
        let may_be_sent = || system::to_thread(pid, tid, None, None).map_err(SendError::from);
        attempt.result = self.preflight(&mut attempt, may_be_sent).and_then(|done| match done {
            Some(done) => Ok(done),
            None => {
                system::to_thread(pid, tid, signal, value)?;
                self.report_sent(&attempt);
                Ok(SendOutcome::Sent)
            }
        });
        attempt.pidfd = held.filter(|_| attempt.result.is_ok());
        self.with_error_details(attempt)
    }

    /// Tells of a signal that went out.
    pub(super) fn report_sent(&mut self, attempt: &SendAttempt) {
        if self.request.kill_options.verbose {
            let to = match (attempt.tid, attempt.pid, attempt.group) {
                (Some(tid), ..) => tid.to_string(),
                (_, Some(pid), _) => pid.to_string(),
                (_, _, Some(group)) => format!("-{group}"),
                _ => "-1".to_owned(),
            };
            self.reporter.report(&ProgressEvent::KillSending {
                target: to,
                signal: self.request.signal,
                after_timeout: false,
            });
        }
        self.reporter.report(&ProgressEvent::Sent(attempt));
    }

    /// To every process of a name; of the own user's, unless all are wanted.
    fn send_to_name(&mut self, written: &str, name: &[u8], attempts: &mut Vec<SendAttempt>) {
        if !self.has_native_proc() {
            return attempts.push(SendAttempt::failed(written, None, SendError::ForeignPidNamespace));
        }
        let own = system::own_uid();
        let any_user = self.request.kill_options.any_user;
        let means = |status: &ProcStatus| {
            let named = status.name.as_ref().is_some_and(|known| known.as_bytes() == name);
            named && (any_user || status.uids.is_some_and(|(real, _)| real == own))
        };
        let root = self.proc_root.clone();
        let is_meant = |pid: u32| root.status(pid).is_ok_and(|status| means(&status));
        let mut pids = self.proc_root.pids().unwrap_or_default();
        pids.retain(|pid| *pid != std::process::id() && is_meant(*pid));
        pids.sort_unstable();
        if pids.is_empty() {
            return attempts.push(SendAttempt::failed(written, None, SendError::NameNotFound));
        }
        if self.request.kill_options.print_pids {
            return attempts.extend(pids.iter().map(|pid| SendAttempt::new(&pid.to_string(), None)));
        }
        // Checked again once it is held: the number may be another's by now.
        let still = |pid: u32| if is_meant(pid) { Ok(()) } else { Err(SendError::NotFound) };
        for pid in pids {
            attempts.push(
                self.send_to_process(SendAttempt::new(&pid.to_string(), Some(pid)), Some(&|_| still(pid))),
            );
        }
    }

    /// Whether so many processes can be waited for: each takes a descriptor.
    pub(super) fn check_open_file_limit(&self, count: usize) -> Result<(), Failure> {
        // What is open anyhow, and the files of /proc.
        const OTHERS: u64 = 24;
        let most = self.max_open_files;
        if count as u64 + OTHERS <= most {
            return Ok(());
        }
        Err(Failure {
            exit_status: ExitStatus::InternalError,
            cause: anyhow::anyhow!(
                "{count} processes cannot be waited for: only {most} descriptors may be open (RLIMIT_NOFILE, \
                 ulimit -Hn); nothing was sent"
            ),
        })
    }

    /// Whether targets are held after the signal.
    pub(super) fn keeps_pidfds(&self) -> bool {
        let SendRequest { options, kill_options: extras, .. } = self.request;
        (options.wait.is_some() && !options.dry_run) || !extras.timeouts.is_empty()
    }

    /// A /proc of another pid namespace has another number for us, too.
    pub(super) fn has_native_proc(&self) -> bool {
        let own = || self.proc_root.own_status().ok().and_then(|status| status.tgid);
        *self.proc_is_native.get_or_init(|| own() == Some(std::process::id()))
    }

    pub(super) fn process_of_thread(&self, tid: u32) -> Option<u32> {
        self.read_status(tid)?.tgid.filter(|process| *process != tid)
    }

    pub(super) fn read_status(&self, pid: u32) -> Option<ProcStatus> {
        if self.has_native_proc() { self.proc_root.status(pid).ok() } else { None }
    }

    /// Looks name and user up, if that is wanted.
    pub(super) fn add_name_and_uid(&self, attempt: &mut SendAttempt, wanted: bool) {
        let pid = attempt.pid.filter(|_| wanted && attempt.name.is_none());
        if let Some(status) = pid.and_then(|pid| self.read_status(pid)) {
            attempt.name = status
                .name
                .map(|name| select::full_name(&self.proc_root, status.tgid.unwrap_or(0), name.as_bytes()));
            attempt.uid = status.uids.map(|(_, effective)| effective);
        }
    }

    /// With the name and the user, which a refusal names too.
    fn with_error_details(&self, mut attempt: SendAttempt) -> SendAttempt {
        let refused = matches!(
            attempt.result,
            Err(SendError::PermissionDenied
                | SendError::QueueFull
                | SendError::PidReused { .. }
                | SendError::NoHandler)
        );
        self.add_name_and_uid(&mut attempt, refused);
        attempt
    }
}

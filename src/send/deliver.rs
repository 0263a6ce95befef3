//! The sending itself: every target held or named exactly, all of them tried.

use std::cell::OnceCell;
use std::time::Instant;

use super::pidfd::{Check, confirm, send_through};
use super::teller::Teller;
use super::{Attempt, Done, News, Refusal, Report, Request, Target, wait};
use crate::error::Failure;
use crate::exit::Exit;
use crate::proc::{Root, Status};
use crate::select;
use crate::sys::deliver as system;
use crate::sys::pidfd::PidFd;
use crate::sys::process;

/// Sends to every target.
///
/// `json`: names, users and effects are looked up of all, not only of those
/// that refuse.
///
/// # Errors
/// A selection that cannot be made; nothing was sent then.
pub(super) fn deliver(request: &Request, json: bool, teller: &mut Teller<'_, '_>) -> Result<Report, Failure> {
    let (options, extras) = (&request.options, &request.extras);
    let (root, ours) = (Root::default(), OnceCell::new());
    let effects = json || options.dry_run || options.verbose || options.interactive;
    let named = effects || options.wait.is_some();
    let holds = options.wait.is_some() || !extras.follow_ups.is_empty();
    let most_open = if holds { process::raise_descriptor_limit() } else { u64::MAX };
    let mut delivery = Delivery { request, named, effects, most_open, root, ours, teller, quit: false };
    delivery.check_descriptors(request.targets.len())?;
    delivery.check_pidfds()?;
    let began = Instant::now();
    let (mut attempts, warnings) = match request.selection.is_whole() {
        true => (delivery.signal_targets(), Vec::new()),
        false => delivery.signal_chosen()?,
    };
    let sent = if options.dry_run { None } else { Some(&mut attempts) };
    if let Some(attempts) = sent {
        wait::follow_up(attempts, request, delivery.teller);
        if let Some(time) = &options.wait {
            wait::wait(attempts, request, time, began, delivery.teller);
        }
    }
    let own_uids = (system::own_uid(), system::effective_uid());
    Ok(Report { signal: request.signal, value: request.value, attempts, own_uids, warnings })
}

pub(super) struct Delivery<'a, 'b, 'c> {
    pub(super) request: &'a Request,
    /// Whether name and user of every target are looked up.
    pub(super) named: bool,
    /// Whether the effect on every target is looked up.
    pub(super) effects: bool,
    /// How many descriptors may be open, where processes are to be waited for.
    most_open: u64,
    pub(super) root: Root,
    /// Whether the numbers in /proc are those that signals are sent by; asked
    /// only where something of /proc is to be believed.
    ours: OnceCell<bool>,
    pub(super) teller: &'a mut Teller<'b, 'c>,
    /// Whoever was asked wants nothing more sent.
    pub(super) quit: bool,
}

impl Attempt {
    /// Before anything is done.
    pub(super) fn of(written: &str, pid: Option<u32>) -> Attempt {
        Attempt {
            written: written.to_owned(),
            pid,
            tid: None,
            group: None,
            name: None,
            uid: None,
            effect: None,
            result: Ok(Done::Printed),
            fate: None,
            followed: Vec::new(),
            held: None,
        }
    }

    pub(super) fn refused(written: &str, pid: Option<u32>, refusal: Refusal) -> Attempt {
        Attempt { result: Err(refusal), ..Attempt::of(written, pid) }
    }
}

impl Delivery<'_, '_, '_> {
    fn signal_targets(&mut self) -> Vec<Attempt> {
        let request = self.request;
        let mut attempts: Vec<Attempt> = Vec::with_capacity(request.targets.len());
        // The own group comes last: we may not live to try another.
        let is_own = |target: &Target| match target {
            _ if request.extras.print_pids => false,
            Target::OwnGroup => true,
            Target::Group(group) => *group == system::own_group(),
            _ => false,
        };
        let (last, first): (Vec<_>, Vec<_>) = request.targets.iter().partition(|(_, target)| is_own(target));
        for (written, target) in first {
            self.target(written, target, &mut attempts);
        }
        let rejected = request.extras.rejected.iter();
        attempts.extend(rejected.map(|written| Attempt::refused(written, None, Refusal::NoTarget)));
        for (written, target) in last {
            self.target(written, target, &mut attempts);
        }
        attempts
    }

    fn target(&mut self, written: &str, target: &Target, attempts: &mut Vec<Attempt>) {
        if self.request.extras.print_pids && !matches!(target, Target::Name(_)) {
            return attempts.push(Attempt::of(written, None));
        }
        match target {
            Target::Process(pid) => attempts.push(self.process(Attempt::of(written, Some(*pid)), None)),
            Target::Inode(pid, inode) => {
                let has_inode = |held: &PidFd| match held.inode()? {
                    Some(found) if found == *inode => Ok(()),
                    Some(inode) => Err(Refusal::Reused { inode }),
                    None => Err(Refusal::SharedInode),
                };
                attempts.push(self.process(Attempt::of(written, Some(*pid)), Some(&has_inode)));
            }
            Target::Thread(pid, tid) => attempts.push(self.thread(written, *pid, *tid)),
            Target::Group(group) => self.group(written, Some(*group), attempts),
            Target::OwnGroup => self.group(written, Some(system::own_group()), attempts),
            Target::All => self.group(written, None, attempts),
            Target::Name(name) => self.by_name(written, name, attempts),
        }
    }

    /// To one process, held from before the check until after the sending.
    /// `check`: whether it is the process that is meant; `None` if its number
    /// alone says so.
    pub(super) fn process(&mut self, mut attempt: Attempt, check: Option<Check<'_>>) -> Attempt {
        let pid = attempt.pid.unwrap_or(0);
        let held = PidFd::open(pid);
        self.describe(&mut attempt, self.named);
        attempt.result = match held {
            Ok(held) => confirm(check, &held).and_then(|()| self.through(held, &mut attempt, check)),
            Err(error) => self.without_descriptor(pid, error, &mut attempt, check.is_none()),
        };
        self.told(attempt)
    }

    /// Through a descriptor, which is kept where something may follow.
    fn through(
        &mut self,
        held: PidFd,
        attempt: &mut Attempt,
        check: Option<Check<'_>>,
    ) -> Result<Done, Refusal> {
        // Where the number alone is meant, it does for sending, too.
        let number = attempt.pid.filter(|_| check.is_none());
        let may_be_sent = || send_through(&held, number, None, None);
        if let Some(done) = self.consider(attempt, may_be_sent)? {
            return Ok(done);
        }
        // While somebody thought about the answer it may have changed.
        if self.request.options.interactive {
            confirm(check, &held).map_err(|_| Refusal::NoLonger)?;
        }
        send_through(&held, number, self.request.signal, self.request.value)?;
        self.sent(attempt);
        attempt.held = Some(held).filter(|_| self.is_followed());
        Ok(Done::Sent)
    }

    fn thread(&mut self, written: &str, pid: u32, tid: u32) -> Attempt {
        let (signal, value) = (self.request.signal, self.request.value);
        let mut attempt = Attempt { tid: Some(tid), ..Attempt::of(written, Some(pid)) };
        self.describe(&mut attempt, self.named);
        let held = if self.is_followed() { PidFd::open(pid).ok() } else { None };
        let may_be_sent = || system::to_thread(pid, tid, None, None).map_err(Refusal::from);
        attempt.result = self.consider(&mut attempt, may_be_sent).and_then(|done| match done {
            Some(done) => Ok(done),
            None => {
                system::to_thread(pid, tid, signal, value)?;
                self.sent(&attempt);
                Ok(Done::Sent)
            }
        });
        attempt.held = held.filter(|_| attempt.result.is_ok());
        self.told(attempt)
    }

    /// Tells of a signal that went out.
    pub(super) fn sent(&mut self, attempt: &Attempt) {
        if self.request.extras.verbose {
            let to = match (attempt.tid, attempt.pid, attempt.group) {
                (Some(tid), ..) => tid.to_string(),
                (_, Some(pid), _) => pid.to_string(),
                (_, _, Some(group)) => format!("-{group}"),
                _ => "-1".to_owned(),
            };
            self.teller.tell(&News::Sending { to, signal: self.request.signal, timeout: false });
        }
        self.teller.tell(&News::Sent(attempt));
    }

    /// To every process of a name; of the own user's, unless all are wanted.
    fn by_name(&mut self, written: &str, name: &[u8], attempts: &mut Vec<Attempt>) {
        if !self.is_ours() {
            return attempts.push(Attempt::refused(written, None, Refusal::ForeignProc));
        }
        let own = system::own_uid();
        let any_user = self.request.extras.any_user;
        let means = |status: &Status| {
            let named = status.name.as_ref().is_some_and(|known| known.as_bytes() == name);
            named && (any_user || status.uids.is_some_and(|(real, _)| real == own))
        };
        let root = self.root.clone();
        let is_meant = |pid: u32| root.status(pid).is_ok_and(|status| means(&status));
        let mut pids = self.root.pids().unwrap_or_default();
        pids.retain(|pid| *pid != std::process::id() && is_meant(*pid));
        pids.sort_unstable();
        if pids.is_empty() {
            return attempts.push(Attempt::refused(written, None, Refusal::NoName));
        }
        if self.request.extras.print_pids {
            return attempts.extend(pids.iter().map(|pid| Attempt::of(&pid.to_string(), None)));
        }
        // Checked again once it is held: the number may be another's by now.
        let still = |pid: u32| if is_meant(pid) { Ok(()) } else { Err(Refusal::Gone) };
        for pid in pids {
            attempts.push(self.process(Attempt::of(&pid.to_string(), Some(pid)), Some(&|_| still(pid))));
        }
    }

    /// Whether so many processes can be waited for: each takes a descriptor.
    pub(super) fn check_descriptors(&self, count: usize) -> Result<(), Failure> {
        // What is open anyhow, and the files of /proc.
        const OTHERS: u64 = 24;
        let most = self.most_open;
        if count as u64 + OTHERS <= most {
            return Ok(());
        }
        Err(Failure {
            exit: Exit::Failed,
            cause: anyhow::anyhow!(
                "{count} processes cannot be waited for: only {most} descriptors may be open (RLIMIT_NOFILE, \
                 ulimit -Hn); nothing was sent"
            ),
        })
    }

    /// Whether targets are held after the signal.
    pub(super) fn is_followed(&self) -> bool {
        let Request { options, extras, .. } = self.request;
        (options.wait.is_some() && !options.dry_run) || !extras.follow_ups.is_empty()
    }

    /// A /proc of another pid namespace has another number for us, too.
    pub(super) fn is_ours(&self) -> bool {
        let own = || self.root.own_status().ok().and_then(|status| status.tgid);
        *self.ours.get_or_init(|| own() == Some(std::process::id()))
    }

    pub(super) fn process_of(&self, tid: u32) -> Option<u32> {
        self.described(tid)?.tgid.filter(|process| *process != tid)
    }

    pub(super) fn described(&self, pid: u32) -> Option<Status> {
        if self.is_ours() { self.root.status(pid).ok() } else { None }
    }

    /// Looks name and user up, if that is wanted.
    pub(super) fn describe(&self, attempt: &mut Attempt, wanted: bool) {
        let pid = attempt.pid.filter(|_| wanted && attempt.name.is_none());
        if let Some(status) = pid.and_then(|pid| self.described(pid)) {
            attempt.name = status
                .name
                .map(|name| select::whole_name(&self.root, status.tgid.unwrap_or(0), name.as_bytes()));
            attempt.uid = status.uids.map(|(_, effective)| effective);
        }
    }

    /// With the name and the user, which a refusal names too.
    fn told(&self, mut attempt: Attempt) -> Attempt {
        let refused = matches!(
            attempt.result,
            Err(Refusal::Denied | Refusal::QueueFull | Refusal::Reused { .. } | Refusal::NoHandler)
        );
        self.describe(&mut attempt, refused);
        attempt
    }
}

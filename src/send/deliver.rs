//! The sending itself: every target held or named exactly, all of them tried.

use std::cell::OnceCell;
use std::time::{Duration, Instant};

use super::{Attempt, Done, FollowUp, Refusal, Report, Request, Sending, Target};
use crate::proc::{Root, Status};
use crate::sys::deliver as system;
use crate::sys::pidfd::PidFd;
use crate::sys::process;

/// EINVAL and ENOENT, by which pidfd_open(2) tells that a number is a
/// thread's; ENOSYS where it is not to be had.
const NOT_A_PROCESS: [i32; 2] = [22, 2];
const ENOSYS: i32 = 38;

/// Sends to every target.
///
/// `named`: whether names and users are looked up of all, not only of those
/// that refuse. `tell` hears of each signal as it goes out.
pub(super) fn deliver(request: &Request, named: bool, tell: &mut dyn FnMut(Sending)) -> Report {
    if !request.extras.follow_ups.is_empty() {
        process::raise_descriptor_limit();
    }
    let (root, ours) = (Root::default(), OnceCell::new());
    let mut delivery = Delivery { request, named, root, ours, held: Vec::new(), tell };
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
        match target {
            Target::Name(name) => attempts.extend(delivery.by_name(written, name)),
            target => attempts.push(delivery.target(written, target)),
        }
    }
    let rejected = request.extras.rejected.iter();
    attempts.extend(rejected.map(|written| attempt(written, None, Err(Refusal::NoTarget))));
    attempts.extend(last.into_iter().map(|(written, target)| delivery.target(written, target)));
    delivery.follow_up();
    let own_uids = (system::own_uid(), system::effective_uid());
    Report { signal: request.signal, value: request.value, attempts, own_uids }
}

struct Delivery<'a> {
    request: &'a Request,
    named: bool,
    root: Root,
    /// Whether the numbers in /proc are those that signals are sent by; asked
    /// only where something of /proc is to be believed.
    ours: OnceCell<bool>,
    /// What follow-ups may still go to.
    held: Vec<(u32, PidFd)>,
    tell: &'a mut dyn FnMut(Sending),
}

fn attempt(written: &str, pid: Option<u32>, result: Result<Done, Refusal>) -> Attempt {
    Attempt { written: written.to_owned(), pid, tid: None, group: None, name: None, uid: None, result }
}

impl Delivery<'_> {
    fn target(&mut self, written: &str, target: &Target) -> Attempt {
        let (signal, value) = (self.request.signal, self.request.value);
        if self.request.extras.print_pids {
            return attempt(written, None, Ok(Done::Printed));
        }
        if !matches!(target, Target::Process(_) | Target::Inode(..)) && !self.may_be_unhandled(target) {
            return attempt(written, None, Err(Refusal::NoHandler));
        }
        match *target {
            Target::Process(pid) => self.process(written, pid, |_| Ok(())),
            Target::Inode(pid, inode) => self.process(written, pid, |held| match held.inode()? {
                found if found == inode => Ok(()),
                inode => Err(Refusal::Reused { inode }),
            }),
            Target::Thread(pid, tid) => {
                let described = self.described(pid, self.named);
                let sent = system::to_thread(pid, tid, signal, value).map_err(Refusal::from);
                let result = self.sent(&tid.to_string(), sent);
                Attempt { tid: Some(tid), ..self.told(attempt(written, Some(pid), result), described) }
            }
            Target::Group(group) => self.group(written, group),
            Target::OwnGroup => self.group(written, system::own_group()),
            Target::All => {
                let sent = system::to_all(signal).map_err(Refusal::from);
                attempt(written, None, self.sent("-1", sent))
            }
            Target::Name(_) => unreachable!("a name may mean several: see by_name"),
        }
    }

    /// To one process, held from before the check until after the sending.
    fn process(
        &mut self,
        written: &str,
        pid: u32,
        check: impl FnOnce(&PidFd) -> Result<(), Refusal>,
    ) -> Attempt {
        let held = PidFd::open(pid);
        let described = self.described(pid, self.named);
        let result = match held {
            Ok(held) => check(&held).and_then(|()| self.through(held, pid)),
            Err(error) => self.without_descriptor(pid, error),
        };
        self.told(attempt(written, Some(pid), result), described)
    }

    /// Through a descriptor, which is kept where something may follow.
    fn through(&mut self, held: PidFd, pid: u32) -> Result<Done, Refusal> {
        if !self.has_handler(pid) {
            return Err(Refusal::NoHandler);
        }
        let sent = held.send(self.request.signal, self.request.value).map_err(Refusal::from);
        self.sent(&pid.to_string(), sent)?;
        if !self.request.extras.follow_ups.is_empty() {
            self.held.push((pid, held));
        }
        Ok(Done::Sent)
    }

    /// Where no descriptor is to be had: the number is a thread's, which
    /// kill(1) has always taken, or the system has none.
    fn without_descriptor(&mut self, pid: u32, error: std::io::Error) -> Result<Done, Refusal> {
        let code = error.raw_os_error().unwrap_or(0);
        let thread_of = if NOT_A_PROCESS.contains(&code) { self.process_of(pid) } else { None };
        if thread_of.is_none() && code != ENOSYS {
            return Err(if NOT_A_PROCESS.contains(&code) { Refusal::Gone } else { error.into() });
        }
        if let (Some(process), false) = (thread_of, self.request.extras.as_kill) {
            return Err(Refusal::Thread(process));
        }
        if !self.has_handler(pid) {
            return Err(Refusal::NoHandler);
        }
        // What follows goes to the process, whose thread this is.
        let held = thread_of.and_then(|process| Some((process, PidFd::open(process).ok()?)));
        let sent = system::to_number(pid, self.request.signal, self.request.value).map_err(Refusal::from);
        self.sent(&pid.to_string(), sent)?;
        self.held.extend(held.filter(|_| !self.request.extras.follow_ups.is_empty()));
        Ok(Done::Sent)
    }

    /// Tells of a signal that went out.
    fn sent(&mut self, to: &str, sent: Result<(), Refusal>) -> Result<Done, Refusal> {
        sent?;
        (self.tell)(Sending { to: to.to_owned(), signal: self.request.signal, timeout: false });
        Ok(Done::Sent)
    }

    fn group(&mut self, written: &str, group: u32) -> Attempt {
        let signal = self.request.signal;
        let sent = match self.request.value {
            None => system::to_group(group, signal).map_err(Refusal::from),
            Some(value) => self.queue_to_group(group, value),
        };
        let result = self.sent(&format!("-{group}"), sent);
        Attempt { group: Some(group), ..attempt(written, None, result) }
    }

    /// With a value: through the leader's descriptor, which newer kernels take
    /// for the group (6.9); else to each member.
    fn queue_to_group(&self, group: u32, value: i32) -> Result<(), Refusal> {
        let signal = self.request.signal;
        if PidFd::open(group).is_ok_and(|leader| leader.send_to_group(signal, Some(value)).is_ok()) {
            return Ok(());
        }
        // /proc only proposes: who is a member is asked of the kernel, for
        // this /proc may be of another pid namespace.
        let is_member = |pid: u32| process::group_of(pid) == Some(group);
        let pids = self.root.pids().map_err(Refusal::from)?;
        let (mut of, mut failed, mut cause) = (0, 0, None);
        for pid in pids.into_iter().filter(|pid| is_member(*pid)) {
            let Ok(held) = PidFd::open(pid) else { continue };
            // Held now: is it still the member that was found?
            if is_member(pid) {
                of += 1;
                if let Err(error) = held.send(signal, Some(value)) {
                    failed += 1;
                    cause.get_or_insert(Refusal::from(error));
                }
            }
        }
        match cause {
            None if of == 0 => Err(Refusal::Gone),
            None => Ok(()),
            Some(cause) => Err(Refusal::Members { failed, of, cause: Box::new(cause) }),
        }
    }

    /// To every process of a name; of the own user's, unless all are wanted.
    fn by_name(&mut self, written: &str, name: &[u8]) -> Vec<Attempt> {
        if !self.is_ours() {
            return vec![attempt(written, None, Err(Refusal::ForeignProc))];
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
            return vec![attempt(written, None, Err(Refusal::NoName))];
        }
        if self.request.extras.print_pids {
            let printed = pids.iter().map(|pid| attempt(&pid.to_string(), None, Ok(Done::Printed)));
            return printed.collect();
        }
        // Checked again once it is held: the number may be another's by now.
        let still = |pid: u32| if is_meant(pid) { Ok(()) } else { Err(Refusal::Gone) };
        pids.into_iter().map(|pid| self.process(&pid.to_string(), pid, |_| still(pid))).collect()
    }

    /// Signals to what is still alive, each some time after the one before.
    fn follow_up(&mut self) {
        for FollowUp { after, signal } in &self.request.extras.follow_ups {
            let end = Instant::now() + *after;
            let left = || end.saturating_duration_since(Instant::now()).max(Duration::ZERO);
            // A descriptor that cannot be waited for is one that may still live.
            self.held.retain(|(_, held)| !held.wait(left()).unwrap_or(false));
            for (pid, held) in &self.held {
                // It may have ended just now, which is as good.
                if held.send(*signal, self.request.value).is_ok() {
                    (self.tell)(Sending { to: pid.to_string(), signal: *signal, timeout: true });
                }
            }
        }
    }

    /// Whether a target that is no process may be signalled where a handler is
    /// required: a thread's process is asked, of several nobody can be.
    fn may_be_unhandled(&self, target: &Target) -> bool {
        match target {
            _ if !self.request.extras.require_handler => true,
            Target::Thread(pid, _) => self.has_handler(*pid),
            _ => false,
        }
    }

    /// Whether the process catches the signal, if that is required.
    fn has_handler(&self, pid: u32) -> bool {
        match (self.request.extras.require_handler, self.request.signal) {
            (true, Some(signal)) => {
                let caught = self.described(pid, true).and_then(|status| status.caught);
                caught.is_some_and(|caught| caught.contains(signal))
            }
            _ => true,
        }
    }

    /// A /proc of another pid namespace has another number for us, too.
    fn is_ours(&self) -> bool {
        let own = || self.root.own_status().ok().and_then(|status| status.tgid);
        *self.ours.get_or_init(|| own() == Some(std::process::id()))
    }

    fn process_of(&self, tid: u32) -> Option<u32> {
        self.described(tid, true)?.tgid.filter(|process| *process != tid)
    }

    fn described(&self, pid: u32, wanted: bool) -> Option<Status> {
        if wanted && self.is_ours() { self.root.status(pid).ok() } else { None }
    }

    /// With the name and the user, which a refusal names too.
    fn told(&self, mut attempt: Attempt, described: Option<Status>) -> Attempt {
        let refused = matches!(
            attempt.result,
            Err(Refusal::Denied | Refusal::QueueFull | Refusal::Reused { .. } | Refusal::NoHandler)
        );
        let status = described.or_else(|| self.described(attempt.pid?, refused));
        if let Some(status) = status {
            attempt.name = status.name.map(|name| name.as_bytes().to_vec());
            attempt.uid = status.uids.map(|(_, effective)| effective);
        }
        attempt
    }
}

//! The sending itself: every target held or named exactly, all of them tried.

use std::time::{Duration, Instant};

use super::{Attempt, Done, FollowUp, Refusal, Report, Request, Sending, Target};
use crate::proc::{Root, Status};
use crate::sys::deliver as system;
use crate::sys::pidfd::PidFd;

/// EINVAL and ENOENT, by which pidfd_open(2) tells that a number is a
/// thread's; ENOSYS where it is not to be had.
const NOT_A_PROCESS: [i32; 2] = [22, 2];
const ENOSYS: i32 = 38;

/// Sends to every target.
///
/// `named`: whether names and users are looked up of all, not only of those
/// that refuse.
pub(super) fn deliver(request: &Request, named: bool) -> Report {
    let mut delivery =
        Delivery { request, named, root: Root::default(), held: Vec::new(), sendings: Vec::new() };
    let mut attempts: Vec<Attempt> = Vec::with_capacity(request.targets.len());
    for (written, target) in &request.targets {
        match target {
            Target::Name(name) => attempts.extend(delivery.by_name(written, name)),
            target => attempts.push(delivery.target(written, target)),
        }
    }
    let rejected = request.extras.rejected.iter();
    attempts.extend(rejected.map(|written| attempt(written, None, Err(Refusal::NoTarget))));
    delivery.follow_up();
    Report {
        signal: request.signal,
        value: request.value,
        attempts,
        sendings: delivery.sendings,
        own_uids: (system::own_uid(), system::effective_uid()),
    }
}

struct Delivery<'a> {
    request: &'a Request,
    named: bool,
    root: Root,
    /// What follow-ups may still go to.
    held: Vec<(u32, PidFd)>,
    sendings: Vec<Sending>,
}

fn attempt(written: &str, pid: Option<u32>, result: Result<Done, Refusal>) -> Attempt {
    Attempt { written: written.to_owned(), pid, tid: None, group: None, name: None, uid: None, result }
}

impl Delivery<'_> {
    fn target(&mut self, written: &str, target: &Target) -> Attempt {
        let (signal, value) = (self.request.signal, self.request.value);
        match *target {
            Target::Process(pid) => self.process(written, pid, |_| Ok(())),
            Target::Inode(pid, inode) => self.process(written, pid, |held| match held.inode()? {
                found if found == inode => Ok(()),
                inode => Err(Refusal::Reused { inode }),
            }),
            Target::Thread(pid, tid) => {
                let described = self.described(pid, self.named);
                let sent = system::to_thread(pid, tid, signal, value);
                let result = sent.map(|()| Done::Sent).map_err(Refusal::from);
                Attempt { tid: Some(tid), ..self.told(attempt(written, Some(pid), result), described) }
            }
            Target::Group(group) => self.group(written, group),
            Target::OwnGroup => self.group(written, system::own_group()),
            Target::All => {
                let sent = system::to_all(signal);
                attempt(written, None, sent.map(|()| Done::Sent).map_err(Refusal::from))
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
        if self.request.extras.print_pids {
            return attempt(written, Some(pid), Ok(Done::Printed));
        }
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
            return Ok(Done::NoHandler);
        }
        held.send(self.request.signal, self.request.value)?;
        self.sendings.push(Sending { pid, signal: self.request.signal, timeout: false });
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
            return Ok(Done::NoHandler);
        }
        system::to_number(pid, self.request.signal, self.request.value)?;
        self.sendings.push(Sending { pid, signal: self.request.signal, timeout: false });
        Ok(Done::Sent)
    }

    fn group(&self, written: &str, group: u32) -> Attempt {
        let signal = self.request.signal;
        let sent = match self.request.value {
            None => system::to_group(group, signal).map_err(Refusal::from),
            Some(value) => self.queue_to_group(group, value),
        };
        Attempt { group: Some(group), ..attempt(written, None, sent.map(|()| Done::Sent)) }
    }

    /// With a value: through the leader's descriptor, which newer kernels take
    /// for the group (6.9); else to each member.
    fn queue_to_group(&self, group: u32, value: i32) -> Result<(), Refusal> {
        let signal = self.request.signal;
        if PidFd::open(group).is_ok_and(|leader| leader.send_to_group(signal, Some(value)).is_ok()) {
            return Ok(());
        }
        let is_member = |pid: u32| self.root.stat(pid).is_ok_and(|stat| stat.group == group);
        let pids = self.root.pids().map_err(Refusal::from)?;
        let mut result = Err(Refusal::Gone);
        for pid in pids.into_iter().filter(|pid| is_member(*pid)) {
            let Ok(held) = PidFd::open(pid) else { continue };
            // Held now: is it still the member that was found?
            if is_member(pid) {
                let sent = held.send(signal, Some(value)).map_err(Refusal::from);
                result = if result.is_ok() { result } else { sent };
            }
        }
        result
    }

    /// To every process of a name; of the own user's, unless all are wanted.
    fn by_name(&mut self, written: &str, name: &[u8]) -> Vec<Attempt> {
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
                    self.sendings.push(Sending { pid: *pid, signal: *signal, timeout: true });
                }
            }
        }
    }

    /// Whether the process catches the signal, if that is required.
    fn has_handler(&self, pid: u32) -> bool {
        match (self.request.extras.require_handler, self.request.signal) {
            (true, Some(signal)) => {
                let caught = self.root.status(pid).ok().and_then(|status| status.caught);
                caught.is_some_and(|caught| caught.contains(signal))
            }
            _ => true,
        }
    }

    fn process_of(&self, tid: u32) -> Option<u32> {
        self.root.status(tid).ok()?.tgid.filter(|process| *process != tid)
    }

    fn described(&self, pid: u32, wanted: bool) -> Option<Status> {
        if wanted { self.root.status(pid).ok() } else { None }
    }

    /// With the name and the user, which a refusal names too.
    fn told(&self, mut attempt: Attempt, described: Option<Status>) -> Attempt {
        let refused =
            matches!(attempt.result, Err(Refusal::Denied | Refusal::QueueFull | Refusal::Reused { .. }));
        let status = described.or_else(|| self.described(attempt.pid?, refused));
        if let Some(status) = status {
            attempt.name = status.name.map(|name| name.as_bytes().to_vec());
            attempt.uid = status.uids.map(|(_, effective)| effective);
        }
        attempt
    }
}

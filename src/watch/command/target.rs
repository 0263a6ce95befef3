//! Whom the signals go on to: the command, its group, or what is left of its
//! descendants.

use std::collections::{HashMap, VecDeque};
use std::io;

use crate::proc::Root;
use crate::select::{Found, descendants};
use crate::signal::{Info, Signal};
use crate::sys::pidfd::PidFd;
use crate::sys::{deliver, forward};

/// So many wait at most for room in the command's queue; what comes then is
/// lost, and told.
const MOST_WAITING: usize = 1 << 20;

/// The command, held.
#[derive(Debug)]
pub(super) struct Target {
    pid: u32,
    held: PidFd,
    group: bool,
    root: Root,
    /// Whether the kernel knows how to signal a group by its leader's pidfd;
    /// told by the first attempt.
    by_leader: bool,
    /// Real-time signals that found the queue full, in order.
    waiting: VecDeque<(Info, Signal)>,
    /// Those that the command has started, as far as they were sent anything.
    family: HashMap<Found, PidFd>,
}

impl Target {
    /// Holds a child that has not been reaped.
    pub(super) fn hold(pid: u32, group: bool) -> io::Result<Target> {
        let held = PidFd::open(pid)?;
        Ok(Target {
            pid,
            held,
            group,
            root: Root::default(),
            by_leader: true,
            waiting: VecDeque::new(),
            family: HashMap::new(),
        })
    }

    /// Sends on what was received, as this signal; where the queue is full, as
    /// soon as there is room, and in order.
    ///
    /// # Errors
    /// ESRCH, EPERM; EAGAIN where too many wait already.
    pub(super) fn forward(&mut self, info: &Info, signal: Signal) -> io::Result<()> {
        if !signal.is_realtime() {
            return self.now(info, signal);
        }
        if self.waiting.is_empty() {
            match self.now(info, signal) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
        }
        if self.waiting.len() >= MOST_WAITING {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.waiting.push_back((*info, signal));
        Ok(())
    }

    /// Whether some wait for room.
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Sends those that wait, as far as there is room.
    pub(super) fn catch_up(&mut self) {
        while let Some((info, signal)) = self.waiting.front().copied() {
            match self.now(&info, signal) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // Sent, or there is nobody any more who could be told.
                _ => self.waiting.pop_front(),
            };
        }
    }

    fn now(&mut self, info: &Info, signal: Signal) -> io::Result<()> {
        if !self.group {
            return forward::to_process(&self.held, info, signal);
        }
        if self.by_leader {
            match forward::to_group(&self.held, info, signal) {
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => self.by_leader = false,
                other => return other,
            }
        }
        self.to_members(info, signal)
    }

    /// Before Linux 6.9 each member is signalled by itself.
    fn to_members(&self, info: &Info, signal: Signal) -> io::Result<()> {
        let is_member = |pid: u32| self.root.stat(pid).is_ok_and(|stat| stat.group == self.pid);
        let mut sent = Err(io::ErrorKind::NotFound.into());
        for pid in self.root.pids()?.into_iter().filter(|pid| is_member(*pid)) {
            // Held first, then looked at again: the number could be another's.
            let Ok(held) = PidFd::open(pid) else { continue };
            if is_member(pid) {
                let answer = forward::to_process(&held, info, signal);
                sent = sent.or(answer);
            }
        }
        sent
    }

    /// Sends it to the children that are left when the command has ended: those
    /// that sigtool has adopted. Gives whether there was one.
    pub(super) fn to_adopted(&self, info: &Info, signal: Signal, spare: impl Fn(u32) -> bool) -> bool {
        let children = self.children().into_iter().filter(|pid| !spare(*pid));
        // They are ours and not reaped: the numbers cannot be others'.
        children.filter(|pid| forward::to_number(*pid, info, signal).is_ok()).count() > 0
    }

    /// The children that sigtool has now; none where /proc does not tell.
    fn children(&self) -> Vec<u32> {
        let Ok(own) = self.root.own_pid() else { return Vec::new() };
        let children = self.root.file(&format!("{own}/task/{own}/children")).unwrap_or_default();
        let children = String::from_utf8_lossy(&children).into_owned();
        children.split_whitespace().filter_map(|word| word.parse().ok()).collect()
    }

    /// Sends a signal of sigtool's own; nobody may be there to get it.
    pub(super) fn send(&self, signal: Signal) {
        if !self.group {
            let _ = self.held.send(Some(signal), None);
        } else if self.held.send_to_group(Some(signal), None).is_err() {
            // Its leader has not been reaped: the number is the group's.
            let _ = deliver::to_group(self.pid, Some(signal));
        }
    }

    /// Sends signals of sigtool's own, one after another, to the command, which
    /// may have been `reaped`, and to all that descends from it and from
    /// whatever sigtool has adopted; not to children that are to be spared, and
    /// theirs. Those of an earlier time are remembered: their parents may be gone.
    pub(super) fn send_to_all(&mut self, signals: &[Signal], reaped: bool, spare: impl Fn(u32) -> bool) {
        let start = |pid| Some(Found { pid, start: self.root.stat(pid).ok()?.start?, by_tree: true });
        let children = self.children().into_iter().filter(|pid| !spare(*pid));
        let children: Vec<Found> = children.filter_map(start).collect();
        let others = descendants(&self.root, &children, &[]).unwrap_or_default();
        // All are held before the first is gone, and then looked at again: a
        // number could be another's.
        let found = children.into_iter().chain(others).filter(|found| !self.family.contains_key(found));
        let held = found.filter_map(|found| {
            let held = PidFd::open(found.pid).ok()?;
            (self.root.stat(found.pid).ok()?.start == Some(found.start)).then_some((found, held))
        });
        let held: Vec<_> = held.collect();
        self.family.extend(held);
        for signal in signals {
            if !reaped {
                self.send(*signal);
            }
            for (found, held) in &self.family {
                let in_group = || self.root.stat(found.pid).is_ok_and(|stat| stat.group == self.pid);
                let has_it = !reaped && (found.pid == self.pid || self.group && in_group());
                if !has_it {
                    let _ = held.send(Some(*signal), None);
                }
            }
        }
    }
}

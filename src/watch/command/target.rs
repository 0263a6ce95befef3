//! Whom the signals go on to: the command, its group, or what is left of its
//! descendants.

use std::collections::VecDeque;
use std::io;

use crate::proc::Root;
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
}

impl Target {
    /// Holds a child that has not been reaped.
    pub(super) fn hold(pid: u32, group: bool) -> io::Result<Target> {
        let held = PidFd::open(pid)?;
        Ok(Target { pid, held, group, root: Root::default(), by_leader: true, waiting: VecDeque::new() })
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
        let Ok(own) = self.root.own_pid() else { return false };
        let children = self.root.file(&format!("{own}/task/{own}/children")).unwrap_or_default();
        let children = String::from_utf8_lossy(&children).into_owned();
        let pids = children.split_whitespace().filter_map(|word| word.parse().ok());
        // They are ours and not reaped: the numbers cannot be others'.
        let sent =
            pids.filter(|pid| !spare(*pid)).filter(|pid| forward::to_number(*pid, info, signal).is_ok());
        sent.count() > 0
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
}

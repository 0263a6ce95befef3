//! Whom the signals go on to: the command, its group, or what is left of its
//! descendants.

use std::collections::{HashMap, VecDeque};
use std::io;

use crate::procfs::ProcRoot;
use crate::select::{SelectedProcess, descendants};
use crate::signal::{Siginfo, Signal};
use crate::sys::process::pidfd::PidFd;
use crate::sys::signal::{forward, send};

/// So many wait at most for room in the command's queue; what comes then is
/// lost, and told.
const MAX_QUEUED_SIGNALS: usize = 1 << 20;

/// The command, held.
#[derive(Debug)]
pub(super) struct ForwardTarget {
    pid: u32,
    pidfd: PidFd,
    forwards_to_group: bool,
    proc_root: ProcRoot,
    /// Whether the kernel knows how to signal a group by its leader's pidfd;
    /// told by the first attempt.
    pidfd_group_supported: bool,
    /// Real-time signals that found the queue full, in order.
    queued: VecDeque<(Siginfo, Signal)>,
    /// Those that the command has started, as far as they were sent anything.
    descendants: HashMap<SelectedProcess, PidFd>,
}

impl ForwardTarget {
    /// Holds a child that has not been reaped.
    pub(in crate::commands::watch) fn open(pid: u32, group: bool) -> io::Result<ForwardTarget> {
        let held = PidFd::open(pid)?;
        Ok(ForwardTarget {
            pid,
            pidfd: held,
            forwards_to_group: group,
            proc_root: ProcRoot::default(),
            pidfd_group_supported: true,
            queued: VecDeque::new(),
            descendants: HashMap::new(),
        })
    }

    /// Sends on what was received, as this signal; where the queue is full, as
    /// soon as there is room, and in order.
    ///
    /// # Errors
    /// ESRCH, EPERM; EAGAIN where too many wait already.
    pub(super) fn forward(&mut self, info: &Siginfo, signal: Signal) -> io::Result<()> {
        if !signal.is_realtime() {
            return self.forward_now(info, signal);
        }
        if self.queued.is_empty() {
            match self.forward_now(info, signal) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
        }
        if self.queued.len() >= MAX_QUEUED_SIGNALS {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.queued.push_back((*info, signal));
        Ok(())
    }

    /// Whether some wait for room.
    pub(super) fn has_queued(&self) -> bool {
        !self.queued.is_empty()
    }

    /// Sends those that wait, as far as there is room.
    pub(super) fn send_queued(&mut self) {
        while let Some((info, signal)) = self.queued.front().copied() {
            match self.forward_now(&info, signal) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // Sent, or there is nobody any more who could be told.
                _ => self.queued.pop_front(),
            };
        }
    }

    fn forward_now(&mut self, info: &Siginfo, signal: Signal) -> io::Result<()> {
        if !self.forwards_to_group {
            return forward::to_pidfd(&self.pidfd, info, signal);
        }
        if self.pidfd_group_supported {
            match forward::to_pidfd_group(&self.pidfd, info, signal) {
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                    self.pidfd_group_supported = false
                }
                other => return other,
            }
        }
        self.forward_to_members(info, signal)
    }

    /// Before Linux 6.9 each member is signalled by itself.
    fn forward_to_members(&self, info: &Siginfo, signal: Signal) -> io::Result<()> {
        let is_member = |pid: u32| self.proc_root.stat(pid).is_ok_and(|stat| stat.process_group == self.pid);
        let mut sent = Err(io::ErrorKind::NotFound.into());
        for pid in self.proc_root.pids()?.into_iter().filter(|pid| is_member(*pid)) {
            // Held first, then looked at again: the number could be another's.
            let Ok(held) = PidFd::open(pid) else { continue };
            if is_member(pid) {
                let answer = forward::to_pidfd(&held, info, signal);
                sent = sent.or(answer);
            }
        }
        sent
    }

    /// Sends it to the children that are left when the command has ended: those
    /// that sigtool has adopted. Gives whether there was one.
    pub(super) fn forward_to_adopted(
        &self,
        info: &Siginfo,
        signal: Signal,
        spare: impl Fn(u32) -> bool,
    ) -> bool {
        let children = self.child_pids().into_iter().filter(|pid| !spare(*pid));
        // They are ours and not reaped: the numbers cannot be others'.
        children.filter(|pid| forward::to_pid(*pid, info, signal).is_ok()).count() > 0
    }

    /// The children that sigtool has now; none where /proc does not tell.
    fn child_pids(&self) -> Vec<u32> {
        let Ok(own) = self.proc_root.own_pid() else { return Vec::new() };
        let children = self.proc_root.read_file(&format!("{own}/task/{own}/children")).unwrap_or_default();
        let children = String::from_utf8_lossy(&children).into_owned();
        children.split_whitespace().filter_map(|word| word.parse().ok()).collect()
    }

    /// Sends a signal of sigtool's own; nobody may be there to get it.
    pub(super) fn send(&self, signal: Signal) {
        if !self.forwards_to_group {
            let _ = self.pidfd.send(Some(signal), None);
        } else if self.pidfd.send_to_group(Some(signal), None).is_err() {
            // Its leader has not been reaped: the number is the group's.
            let _ = send::to_group(self.pid, Some(signal));
        }
    }

    /// Sends signals of sigtool's own, one after another, to the command, which
    /// may have been `reaped`, and to all that descends from it and from
    /// whatever sigtool has adopted; not to children that are to be spared, and
    /// theirs. Those of an earlier time are remembered: their parents may be gone.
    pub(super) fn send_to_descendants(
        &mut self,
        signals: &[Signal],
        reaped: bool,
        spare: impl Fn(u32) -> bool,
    ) {
        let start = |pid| {
            Some(SelectedProcess {
                pid,
                start_ticks: self.proc_root.stat(pid).ok()?.start_ticks?,
                is_added_by_tree: true,
            })
        };
        let children = self.child_pids().into_iter().filter(|pid| !spare(*pid));
        let children: Vec<SelectedProcess> = children.filter_map(start).collect();
        let others = descendants(&self.proc_root, &children, &[]).unwrap_or_default();
        // All are held before the first is gone, and then looked at again: a
        // number could be another's.
        let found = children.into_iter().chain(others).filter(|found| !self.descendants.contains_key(found));
        let held = found.filter_map(|found| {
            let held = PidFd::open(found.pid).ok()?;
            (self.proc_root.stat(found.pid).ok()?.start_ticks == Some(found.start_ticks))
                .then_some((found, held))
        });
        let held: Vec<_> = held.collect();
        self.descendants.extend(held);
        for signal in signals {
            if !reaped {
                self.send(*signal);
            }
            for (found, held) in &self.descendants {
                let in_group =
                    || self.proc_root.stat(found.pid).is_ok_and(|stat| stat.process_group == self.pid);
                let has_it = !reaped && (found.pid == self.pid || self.forwards_to_group && in_group());
                if !has_it {
                    let _ = held.send(Some(*signal), None);
                }
            }
        }
    }
}

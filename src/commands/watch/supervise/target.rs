//! Sends signals to the command, its process group or its descendants.

use std::collections::{HashMap, VecDeque};
use std::io;

use crate::procfs::ProcRoot;
use crate::select::{SelectedProcess, descendants};
use crate::signal::{Siginfo, Signal};
use crate::sys::process::pidfd::PidFd;
use crate::sys::signal::{forward, send};

/// The largest number of signals that wait for space in the queue of the command.
/// Forwarding another one fails.
const MAX_QUEUED_SIGNALS: usize = 1 << 20;

/// The command as the target of signals.
#[derive(Debug)]
pub(super) struct ForwardTarget {
    pid: u32,
    pidfd: PidFd,
    forwards_to_group: bool,
    proc_root: ProcRoot,
    /// Whether the kernel can signal a process group by the pidfd of its leader. The
    /// first attempt finds out.
    pidfd_group_supported: bool,
    /// Real-time signals that did not fit into the queue of the command, in order.
    queued: VecDeque<(Siginfo, Signal)>,
    /// The descendants that sigtool has sent signals to.
    descendants: HashMap<SelectedProcess, PidFd>,
}

impl ForwardTarget {
    /// Opens a child that has not been reaped.
    pub(in crate::commands::watch) fn open(pid: u32, forwards_to_group: bool) -> io::Result<ForwardTarget> {
        let pidfd = PidFd::open(pid)?;
        Ok(ForwardTarget {
            pid,
            pidfd,
            forwards_to_group,
            proc_root: ProcRoot::default(),
            pidfd_group_supported: true,
            queued: VecDeque::new(),
            descendants: HashMap::new(),
        })
    }

    /// Forwards a received signal as `signal`. If the queue of the command is full, a
    /// real-time signal waits here and is sent later, in order.
    ///
    /// # Errors
    /// ESRCH, EPERM, or EAGAIN if too many signals wait already.
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

    /// Whether signals wait for space in the queue of the command.
    pub(super) fn has_queued(&self) -> bool {
        !self.queued.is_empty()
    }

    /// Sends the waiting signals that fit into the queue of the command.
    pub(super) fn send_queued(&mut self) {
        while let Some((info, signal)) = self.queued.front().copied() {
            match self.forward_now(&info, signal) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // Sent, or failed for good: the target has exited.
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

    /// Sends a signal to each member of the group, for kernels before Linux 6.9.
    fn forward_to_members(&self, info: &Siginfo, signal: Signal) -> io::Result<()> {
        let is_member = |pid: u32| self.proc_root.stat(pid).is_ok_and(|stat| stat.process_group == self.pid);
        let mut result = Err(io::ErrorKind::NotFound.into());
        for pid in self.proc_root.pids()?.into_iter().filter(|pid| is_member(*pid)) {
            // Checked again after opening the pidfd, because the PID could be reused.
            let Ok(pidfd) = PidFd::open(pid) else { continue };
            if is_member(pid) {
                let member_result = forward::to_pidfd(&pidfd, info, signal);
                result = result.or(member_result);
            }
        }
        result
    }

    /// Forwards a signal to the children that sigtool has adopted, after the command
    /// has exited. Excludes children for which `is_excluded` returns true. Returns
    /// whether a signal was sent.
    pub(super) fn forward_to_adopted(
        &self,
        info: &Siginfo,
        signal: Signal,
        is_excluded: impl Fn(u32) -> bool,
    ) -> bool {
        let children = self.child_pids().into_iter().filter(|pid| !is_excluded(*pid));
        // A child that is not reaped keeps its PID.
        children.filter(|pid| forward::to_pid(*pid, info, signal).is_ok()).count() > 0
    }

    /// Returns the children of sigtool; none if /proc does not list them.
    fn child_pids(&self) -> Vec<u32> {
        let Ok(own) = self.proc_root.own_pid() else { return Vec::new() };
        let bytes = self.proc_root.read_file(&format!("{own}/task/{own}/children")).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
    }

    /// Sends a signal that sigtool itself decided on. Errors are ignored: the command
    /// may have exited.
    pub(super) fn send(&self, signal: Signal) {
        if !self.forwards_to_group {
            let _ = self.pidfd.send(Some(signal), None);
        } else if self.pidfd.send_to_group(Some(signal), None).is_err() {
            // The leader is not reaped, so its PID still names the group.
            let _ = send::to_group(self.pid, Some(signal));
        }
    }

    /// Sends signals that sigtool itself decided on to the command (unless it is
    /// `reaped`), to its descendants and to those of adopted children. Excludes children
    /// for which `is_excluded` returns true, with their descendants. Descendants found
    /// by earlier calls are included, even if their parents have exited.
    pub(super) fn send_to_descendants(
        &mut self,
        signals: &[Signal],
        reaped: bool,
        is_excluded: impl Fn(u32) -> bool,
    ) {
        let with_start_time = |pid| {
            Some(SelectedProcess {
                pid,
                start_ticks: self.proc_root.stat(pid).ok()?.start_ticks?,
                is_added_by_tree: true,
            })
        };
        let children = self.child_pids().into_iter().filter(|pid| !is_excluded(*pid));
        let children: Vec<SelectedProcess> = children.filter_map(with_start_time).collect();
        let others = descendants(&self.proc_root, &children, &[]).unwrap_or_default();
        // All pidfds are opened before the first signal. The start time is checked
        // again, because a PID could be reused.
        let new = children.into_iter().chain(others).filter(|found| !self.descendants.contains_key(found));
        let opened = new.filter_map(|process| {
            let pidfd = PidFd::open(process.pid).ok()?;
            (self.proc_root.stat(process.pid).ok()?.start_ticks == Some(process.start_ticks))
                .then_some((process, pidfd))
        });
        let opened: Vec<_> = opened.collect();
        self.descendants.extend(opened);
        for signal in signals {
            if !reaped {
                self.send(*signal);
            }
            for (process, pidfd) in &self.descendants {
                let in_group =
                    || self.proc_root.stat(process.pid).is_ok_and(|stat| stat.process_group == self.pid);
                let has_signal = !reaped && (process.pid == self.pid || self.forwards_to_group && in_group());
                if !has_signal {
                    let _ = pidfd.send(Some(*signal), None);
                }
            }
        }
    }
}

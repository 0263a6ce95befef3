//! Signals when they are generated, from a BPF program at the tracepoint
//! `signal:signal_generate`.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, SystemTime};

use super::{
    EventScope, MAX_BATCH_EVENTS, MAX_BUFFERED_EVENTS, SenderMatch, SignalGeneration, ThreadEvent,
    ThreadEventKind, VerifiedSender,
};
use crate::inspect::backend::BackendError;
use crate::procfs::{ProcReader, ProcRoot};
use crate::signal::Siginfo;
use crate::signal::siginfo::SignalOrigin;
use crate::sys::bpf::signal_generate::{self, GeneratedSignal, SiginfoKind, SignalTracepoint, to_wall_time};

/// A running BPF program and the events that it has reported.
#[derive(Debug)]
pub(super) struct BpfEvents {
    tracepoint: SignalTracepoint,
    buffered: VecDeque<GeneratedSignal>,
    batch: Vec<GeneratedSignal>,
    /// The number of lost events that was reported so far.
    reported_lost: u64,
    /// The time of the boot, to which the times of events are added.
    boot_time: SystemTime,
}

impl BpfEvents {
    /// Loads and attaches the BPF program.
    ///
    /// # Errors
    /// Returns the reason why the program cannot be used.
    pub(super) fn open(scope: &EventScope) -> Result<BpfEvents, BackendError> {
        let filter = signal_generate::GenerateFilter {
            targets: scope.target_pids.clone().unwrap_or_default(),
            senders: scope.sender_pids.clone(),
            signals: scope.signals,
        };
        let tracepoint = SignalTracepoint::attach(&filter).map_err(|error| BackendError {
            reason: error.kind.to_string(),
            verifier_log: error.verifier_log,
        })?;
        Ok(BpfEvents {
            tracepoint,
            buffered: VecDeque::new(),
            batch: Vec::new(),
            reported_lost: 0,
            boot_time: to_wall_time(Duration::ZERO),
        })
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.tracepoint.as_fd()
    }

    /// Moves the events so far to `buffered`, up to its limit.
    pub(super) fn drain_kernel_buffer(&mut self) {
        let mut more = true;
        while more && self.buffered.len() < MAX_BUFFERED_EVENTS {
            self.batch.clear();
            more = self.tracepoint.read_batch(&mut self.batch);
            self.buffered.extend(self.batch.drain(..));
        }
    }

    /// Appends the next buffered events. Returns `true` if there are more.
    pub(super) fn take_batch(&mut self, events: &mut Vec<ThreadEvent>) -> io::Result<bool> {
        self.boot_time = adjusted_boot_time(self.boot_time);
        let mut namespaces = NamespaceInfoCache::default();
        let next = self.buffered.drain(..self.buffered.len().min(MAX_BATCH_EVENTS));
        events.extend(next.map(|signal| thread_event(&signal, self.boot_time, &mut namespaces)));
        if self.buffered.is_empty() {
            self.buffered.shrink_to(MAX_BATCH_EVENTS);
            let lost = self.tracepoint.lost_count()?;
            if lost > self.reported_lost {
                events.push(ThreadEvent::new(
                    None,
                    None,
                    SystemTime::now(),
                    ThreadEventKind::Lost(lost - self.reported_lost),
                ));
                self.reported_lost = lost;
            }
        }
        Ok(!self.buffered.is_empty())
    }

    /// Stops the BPF program. Events so far, and the number of lost ones, can still be
    /// taken.
    pub(super) fn stop(&mut self) {
        self.tracepoint.detach();
    }
}

fn nonzero(id: u32) -> Option<u32> {
    (id != 0).then_some(id)
}

/// Returns the boot time for the next events. It changes only if the clock was set, so that
/// the times of events keep their order.
fn adjusted_boot_time(previous: SystemTime) -> SystemTime {
    let current = to_wall_time(Duration::ZERO);
    let difference = current.duration_since(previous).unwrap_or_else(|error| error.duration());
    if difference < Duration::from_millis(1) { previous } else { current }
}

fn thread_event(
    signal: &GeneratedSignal,
    boot_time: SystemTime,
    namespaces: &mut NamespaceInfoCache,
) -> ThreadEvent {
    let (sender, target) = (signal.sender, signal.target);
    let siginfo = signal.siginfo();
    // kill(2) directs a signal to a process. A thread-directed signal without siginfo comes
    // from the kernel, during a system call of the running thread: PIPE for a broken pipe.
    let is_raised_by_kernel = matches!(signal.siginfo_kind, SiginfoKind::NoInfo) && !signal.for_process;
    let is_from_kernel = siginfo.code > 0 && !matches!(siginfo.origin(), SignalOrigin::Child { .. });
    let is_raised_by_target = is_raised_by_kernel && sender.tid == target.tid;
    let has_sender = !signal.is_sender_bystander() && !is_from_kernel && !is_raised_by_target;
    let sender = has_sender.then(|| VerifiedSender {
        pid: nonzero(sender.pid),
        tid: nonzero(sender.tid),
        uid: sender.uid,
        thread_name: sender.name.as_bytes().to_vec(),
    });
    let sender_match = match &sender {
        Some(sender) => match_sender(&siginfo, sender, nonzero(target.pid), namespaces),
        None => SenderMatch::Matches,
    };
    let kind = ThreadEventKind::Generation(SignalGeneration {
        siginfo,
        is_process_directed: signal.for_process,
        sender,
        is_raised_by_kernel,
        sender_match,
        generate_result: signal.result,
    });
    let time = boot_time + signal.time_since_boot;
    ThreadEvent {
        thread_name: Some(target.name.as_bytes().to_vec()),
        ..ThreadEvent::new(nonzero(target.pid), nonzero(target.tid), time, kind)
    }
}

/// Compares the siginfo of a signal with its sender. The PID in it belongs to the PID
/// namespace that sender and target share (it is 0 for a sender of another namespace). The
/// UID belongs to the target's user namespace (`send_signal_locked` in kernel/signal.c).
fn match_sender(
    siginfo: &Siginfo,
    sender: &VerifiedSender,
    target: Option<u32>,
    namespaces: &mut NamespaceInfoCache,
) -> SenderMatch {
    let SignalOrigin::Process { pid: claimed_pid, uid: claimed_uid, verified: false, .. } = siginfo.origin()
    else {
        return SenderMatch::Matches;
    };
    let target = target.and_then(|pid| namespaces.get(pid));
    let pid_differs = match sender.pid {
        Some(pid) if pid == claimed_pid => Some(false),
        Some(pid) => match (namespaces.get(pid), target) {
            (Some(sender), _) => Some(sender.innermost_pid != claimed_pid),
            // The sender has exited.
            (None, Some(target)) if !target.is_nested => Some(true),
            _ => None,
        },
        None => None,
    };
    let uid_differs = match target {
        _ if claimed_uid == sender.uid => Some(false),
        Some(target) if target.shares_our_user_namespace => Some(true),
        _ => None,
    };
    match (pid_differs, uid_differs) {
        (Some(false), Some(false)) => SenderMatch::Matches,
        (Some(true), _) | (_, Some(true)) => SenderMatch::Differs {
            pid: (pid_differs == Some(true)).then_some(claimed_pid),
            uid: (uid_differs == Some(true)).then_some(claimed_uid),
        },
        _ => SenderMatch::Unknown,
    }
}

/// A cache of the namespaces of processes.
#[derive(Default)]
struct NamespaceInfoCache {
    root: ProcRoot,
    by_pid: HashMap<u32, Option<NamespaceInfo>>,
}

#[derive(Clone, Copy)]
struct NamespaceInfo {
    innermost_pid: u32,
    /// `true` if its PID namespace is nested in ours.
    is_nested: bool,
    shares_our_user_namespace: bool,
}

impl NamespaceInfoCache {
    /// Returns the namespaces of a process, or `None` if it has exited.
    fn get(&mut self, pid: u32) -> Option<NamespaceInfo> {
        let root = &self.root;
        let read = || {
            let namespace_pids = root.status(pid).ok()?.namespace_pids;
            let mut reader = ProcReader::new(root);
            let mut user_namespace = |pid| reader.read_link(pid, "ns/user").ok();
            Some(NamespaceInfo {
                innermost_pid: *namespace_pids.last()?,
                is_nested: namespace_pids.len() > 1,
                shares_our_user_namespace: user_namespace(pid)? == user_namespace(std::process::id())?,
            })
        };
        *self.by_pid.entry(pid).or_insert_with(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Signal;

    /// Returns the match for a sender with UID 7. Processes 1000 and 1001 run, and are in a
    /// nested namespace if `is_nested`, where their PIDs are 7 and 8. Processes 1002 and 1003
    /// have exited.
    fn match_of(
        code: i32,
        claimed_pid: u32,
        claimed_uid: u32,
        (sender, target): (u32, u32),
        is_nested: bool,
    ) -> SenderMatch {
        let siginfo = Siginfo {
            code,
            uid: claimed_uid,
            pid: claimed_pid,
            ..Siginfo::from_signal(Signal::new(40).unwrap())
        };
        let running = |pid| {
            Some(NamespaceInfo {
                innermost_pid: if is_nested { pid - 993 } else { pid },
                is_nested,
                shares_our_user_namespace: !is_nested,
            })
        };
        let by_pid =
            HashMap::from([(1000, running(1000)), (1001, running(1001)), (1002, None), (1003, None)]);
        let sender = VerifiedSender { pid: Some(sender), tid: Some(sender), uid: 7, thread_name: Vec::new() };
        let mut namespaces = NamespaceInfoCache { by_pid, ..NamespaceInfoCache::default() };
        match_sender(&siginfo, &sender, Some(target), &mut namespaces)
    }

    #[test]
    fn forged_sender_is_detected() {
        const SI_QUEUE: i32 = -1;
        let pid_differs = |pid| SenderMatch::Differs { pid: Some(pid), uid: None };
        let uid_differs = SenderMatch::Differs { pid: None, uid: Some(8) };
        let both_differ = SenderMatch::Differs { pid: Some(12), uid: Some(8) };
        let (running, sender_exited, both_exited) = ((1000, 1001), (1002, 1001), (1002, 1003));
        for (code, pid, uid, sender_and_target, is_nested, expected, case) in [
            (SI_QUEUE, 1000, 7, running, false, SenderMatch::Matches, "the sender"),
            (SI_QUEUE, 12, 7, running, false, pid_differs(12), "another PID"),
            (SI_QUEUE, 1000, 8, running, false, uid_differs, "another UID"),
            (SI_QUEUE, 12, 8, running, false, both_differ, "another PID and UID"),
            (SI_QUEUE, 12, 7, sender_exited, false, pid_differs(12), "another PID, sender has exited"),
            (SI_QUEUE, 1002, 8, both_exited, false, SenderMatch::Unknown, "UID of an unknown namespace"),
            (0, 12, 8, running, false, SenderMatch::Matches, "written by the kernel"),
            (SI_QUEUE, 7, 7, running, true, SenderMatch::Matches, "the PID in the nested namespace"),
            (SI_QUEUE, 12, 7, running, true, pid_differs(12), "another PID in the nested namespace"),
            (SI_QUEUE, 12, 7, sender_exited, true, SenderMatch::Unknown, "PID in the namespace unknown"),
        ] {
            assert_eq!(match_of(code, pid, uid, sender_and_target, is_nested), expected, "{case}");
        }
    }
}

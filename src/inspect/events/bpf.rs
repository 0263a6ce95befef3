//! What BPF tells: signals as they are generated.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, SystemTime};

use super::{
    EventScope, MAX_BATCH_EVENTS, MAX_BUFFERED_EVENTS, SenderMatch, SignalGeneration, ThreadEvent,
    ThreadEventKind, VerifiedSender,
};
use crate::inspect::BackendError;
use crate::procfs::{ProcReader, ProcRoot};
use crate::signal::Siginfo;
use crate::signal::siginfo::SignalOrigin;
use crate::sys::bpf::signal_generate::{self, GeneratedSignal, SiginfoKind, SignalTracepoint, to_wall_time};

/// The signals that are watched for, and what has come of them.
#[derive(Debug)]
pub(super) struct BpfEvents {
    tracepoint: SignalTracepoint,
    buffered: VecDeque<GeneratedSignal>,
    batch: Vec<GeneratedSignal>,
    /// How many it was told that are lost.
    reported_lost: u64,
    boot_time: SystemTime,
}

impl BpfEvents {
    /// Begins to watch.
    ///
    /// # Errors
    /// Why there is nothing to be seen.
    pub(super) fn open(filter: &EventScope) -> Result<BpfEvents, BackendError> {
        let filter = signal_generate::GenerateFilter {
            targets: filter.target_pids.clone().unwrap_or_default(),
            senders: filter.sender_pids.clone(),
            signals: filter.signals,
        };
        let watch = SignalTracepoint::attach(&filter).map_err(|refused| BackendError {
            reason: refused.kind.to_string(),
            verifier_log: refused.verifier_log,
        })?;
        let boot = to_wall_time(Duration::ZERO);
        Ok(BpfEvents {
            tracepoint: watch,
            buffered: VecDeque::new(),
            batch: Vec::new(),
            reported_lost: 0,
            boot_time: boot,
        })
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.tracepoint.as_fd()
    }

    /// Takes what has happened by now, unless too much waits.
    pub(super) fn drain_kernel_buffer(&mut self) {
        let mut more = true;
        while more && self.buffered.len() < MAX_BUFFERED_EVENTS {
            self.batch.clear();
            more = self.tracepoint.read_batch(&mut self.batch);
            self.buffered.extend(self.batch.drain(..));
        }
    }

    /// Gives the next of what waits, and whether there is more.
    pub(super) fn take_batch(&mut self, events: &mut Vec<ThreadEvent>) -> io::Result<bool> {
        self.boot_time = adjusted_boot_time(self.boot_time);
        let mut numbers = NamespaceInfoCache::default();
        let next = self.buffered.drain(..self.buffered.len().min(MAX_BATCH_EVENTS));
        events.extend(next.map(|signal| thread_event(&signal, self.boot_time, &mut numbers)));
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

    /// Lets nothing more come; what has, and how many are lost, is still to be
    /// taken.
    pub(super) fn stop(&mut self) {
        self.tracepoint.detach();
    }
}

fn nonzero(number: u32) -> Option<u32> {
    (number != 0).then_some(number)
}

/// What a time since boot is added to, to be one of the calendar. It is kept as
/// long as the clock is not set anew, so that no event seems to be before
/// another that it came after.
fn adjusted_boot_time(kept: SystemTime) -> SystemTime {
    let now = to_wall_time(Duration::ZERO);
    let apart = now.duration_since(kept).unwrap_or_else(|error| error.duration());
    if apart < Duration::from_millis(1) { kept } else { now }
}

fn thread_event(signal: &GeneratedSignal, boot: SystemTime, numbers: &mut NamespaceInfoCache) -> ThreadEvent {
    let (party, target) = (signal.sender, signal.target);
    let sender = VerifiedSender {
        pid: nonzero(party.pid),
        tid: nonzero(party.tid),
        uid: party.uid,
        thread_name: party.name.as_bytes().to_vec(),
    };
    let info = signal.siginfo();
    // A kill(2) is for a process. What is for a thread and tells nothing is the
    // kernel's doing, in a system call of whoever ran: a broken pipe's PIPE.
    let raised = matches!(signal.siginfo_kind, SiginfoKind::NoInfo) && !signal.for_process;
    let of_kernel = info.code > 0 && !matches!(info.origin(), SignalOrigin::Child { .. });
    let own = raised && signal.sender.tid == signal.target.tid;
    let sender = (!signal.is_sender_bystander() && !of_kernel && !own).then_some(sender);
    let named = sender.as_ref().map(|sender| match_sender(&info, sender, nonzero(target.pid), numbers));
    let what = ThreadEventKind::Generation(SignalGeneration {
        siginfo: info,
        is_process_directed: signal.for_process,
        sender,
        is_raised_by_kernel: raised,
        sender_match: named.unwrap_or(SenderMatch::Matches),
        generate_result: signal.result,
    });
    let name = Some(target.name.as_bytes().to_vec());
    ThreadEvent {
        thread_name: name,
        ..ThreadEvent::new(nonzero(target.pid), nonzero(target.tid), boot + signal.time_since_boot, what)
    }
}

/// Whether a signal names its sender, whom we number so. The number in it is one
/// of the sender's own pid namespace, which is the target's (from any other it is
/// 0), and the user one of the target's user namespace (`send_signal_locked` in
/// kernel/signal.c).
fn match_sender(
    info: &Siginfo,
    sender: &VerifiedSender,
    target: Option<u32>,
    numbers: &mut NamespaceInfoCache,
) -> SenderMatch {
    let SignalOrigin::Process { pid: number, uid, verified: false, .. } = info.origin() else {
        return SenderMatch::Matches;
    };
    let target = target.and_then(|pid| numbers.get(pid));
    let number_differs = match sender.pid {
        Some(pid) if pid == number => Some(false),
        Some(pid) => match (numbers.get(pid), target) {
            (Some(own), _) => Some(own.innermost_pid != number),
            // It has exited.
            (None, Some(target)) if !target.is_nested => Some(true),
            _ => None,
        },
        None => None,
    };
    let user_differs = match target {
        _ if uid == sender.uid => Some(false),
        Some(target) if target.shares_our_user_namespace => Some(true),
        _ => None,
    };
    match (number_differs, user_differs) {
        (Some(false), Some(false)) => SenderMatch::Matches,
        (Some(true), _) | (_, Some(true)) => SenderMatch::Differs {
            pid: (number_differs == Some(true)).then_some(number),
            uid: (user_differs == Some(true)).then_some(uid),
        },
        _ => SenderMatch::Unknown,
    }
}

/// The numbers of processes in their own pid namespaces, looked up once.
#[derive(Default)]
struct NamespaceInfoCache {
    root: ProcRoot,
    by_pid: HashMap<u32, Option<NamespaceInfo>>,
}

#[derive(Clone, Copy)]
struct NamespaceInfo {
    innermost_pid: u32,
    /// Whether its pid namespace lies within ours.
    is_nested: bool,
    /// Whether its user namespace is ours.
    shares_our_user_namespace: bool,
}

impl NamespaceInfoCache {
    /// `None` where it has exited.
    fn get(&mut self, pid: u32) -> Option<NamespaceInfo> {
        let root = &self.root;
        let read = || {
            let numbers = root.status(pid).ok()?.namespace_pids;
            let mut files = ProcReader::new(root);
            let mut users = |pid| files.read_link(pid, "ns/user").ok();
            let has_our_users = users(pid)? == users(std::process::id())?;
            Some(NamespaceInfo {
                innermost_pid: *numbers.last()?,
                is_nested: numbers.len() > 1,
                shares_our_user_namespace: has_our_users,
            })
        };
        *self.by_pid.entry(pid).or_insert_with(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Signal;

    /// We are 1000, of user 7, the target is 1001, both in another namespace or
    /// not; a third, 1002, has exited, and so has a target, 1003.
    fn match_of(
        code: i32,
        number: u32,
        uid: u32,
        (sender, target): (u32, u32),
        is_within: bool,
    ) -> SenderMatch {
        let info = Siginfo { code, uid, pid: number, ..Siginfo::from_signal(Signal::new(40).unwrap()) };
        let own = |number| {
            let number = if is_within { number - 993 } else { number };
            Some(NamespaceInfo {
                innermost_pid: number,
                is_nested: is_within,
                shares_our_user_namespace: !is_within,
            })
        };
        let known = HashMap::from([(1000, own(1000)), (1001, own(1001)), (1002, None), (1003, None)]);
        let sender = VerifiedSender { pid: Some(sender), tid: Some(sender), uid: 7, thread_name: Vec::new() };
        match_sender(
            &info,
            &sender,
            Some(target),
            &mut NamespaceInfoCache { by_pid: known, ..NamespaceInfoCache::default() },
        )
    }

    #[test]
    fn forged_sender_is_detected() {
        const QUEUE: i32 = -1;
        let number = |number| SenderMatch::Differs { pid: Some(number), uid: None };
        let user = SenderMatch::Differs { pid: None, uid: Some(8) };
        let (living, exited, gone) = ((1000, 1001), (1002, 1001), (1002, 1003));
        for (code, pid, uid, parties, is_within, named, why) in [
            (QUEUE, 1000, 7, living, false, SenderMatch::Matches, "itself"),
            (QUEUE, 12, 7, living, false, number(12), "another"),
            (QUEUE, 1000, 8, living, false, user, "another user"),
            (QUEUE, 12, 8, living, false, SenderMatch::Differs { pid: Some(12), uid: Some(8) }, "both"),
            (QUEUE, 12, 7, exited, false, number(12), "also one that has exited"),
            (QUEUE, 1002, 8, gone, false, SenderMatch::Unknown, "a user of who knows where"),
            (0, 12, 8, living, false, SenderMatch::Matches, "the kernel has written that"),
            (QUEUE, 7, 7, living, true, SenderMatch::Matches, "its number in its own namespace"),
            (QUEUE, 12, 7, living, true, number(12), "not its number there"),
            (QUEUE, 12, 7, exited, true, SenderMatch::Unknown, "nobody knows what that one's was"),
        ] {
            assert_eq!(match_of(code, pid, uid, parties, is_within), named, "{why}");
        }
    }
}

//! Selection of the events to report and of the backend that sees them.

use crate::inspect::BackendChoice;
use crate::inspect::events::{EventScope, SignalDelivery, ThreadEvent, ThreadEventKind};
use crate::signal::{Arch, SignalSet};

/// The events to report, and the backend that sees them.
#[derive(Clone, Debug)]
pub struct EventFilter {
    /// The backend; only sampling with [`BackendChoice::Proc`].
    pub backend: BackendChoice,
    /// Report the signals of every process; sample none.
    pub all_processes: bool,
    /// Report only these signals.
    pub signals: SignalSet,
    /// Report only signals from these senders; from any if empty.
    pub senders: Vec<ProcessMatcher>,
    /// Report only signals to these targets; to any if empty.
    pub targets: Vec<ProcessMatcher>,
    /// Report only exits and the signals that caused them.
    pub until_exit: bool,
    /// Print the end of the verifier log if the kernel rejects a BPF program.
    pub verbose: bool,
}

/// A criterion for a sender or a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProcessMatcher {
    /// The PID.
    Pid(u32),
    /// The name of the process or of its thread, at most 15 bytes as in
    /// /proc/PID/comm.
    Name(Vec<u8>),
}

impl EventFilter {
    /// Returns whether only some signals are reported. Changes are not reported
    /// then.
    pub fn is_selective(&self) -> bool {
        self.signals != SignalSet::all(Arch::NATIVE) || !self.senders.is_empty() || !self.targets.is_empty()
    }

    /// Returns whether the changes between samples are reported.
    pub(in crate::commands::watch::monitor) fn reports_changes(&self) -> bool {
        !self.until_exit && !self.is_selective()
    }

    /// Returns whether an event is reported. `samples_threads`: each thread is
    /// sampled (--threads).
    pub(in crate::commands::watch::monitor) fn reports(
        &self,
        event: &ThreadEvent,
        samples_threads: bool,
    ) -> bool {
        match &event.kind {
            ThreadEventKind::Lost(_) => true,
            // The exit of the process is reported once its exit status is known.
            ThreadEventKind::Exited(_) if event.tid == event.pid => false,
            // Sampling reports new and exited threads.
            ThreadEventKind::NewThread | ThreadEventKind::Exited(_) if samples_threads => false,
            // The target is outside of our PID namespace.
            ThreadEventKind::Generation(_) if event.pid.is_none() => false,
            _ => !self.until_exit && self.matches(event),
        }
    }

    /// Returns whether the signal of an event matches; true for other events.
    fn matches(&self, event: &ThreadEvent) -> bool {
        let (siginfo, sender) = match &event.kind {
            ThreadEventKind::Generation(generation) => {
                let sender = generation.sender.as_ref();
                (&generation.siginfo, sender.map(|sender| (sender.pid, Some(&sender.thread_name[..]))))
            }
            ThreadEventKind::Delivery(SignalDelivery { siginfo, claimed_sender }) => {
                (siginfo, claimed_sender.as_ref().map(|claimed| (claimed.pid, claimed.name.as_deref())))
            }
            _ => return true,
        };
        let is_sender =
            |matcher: &ProcessMatcher| sender.is_some_and(|(pid, name)| matcher.matches(pid, name));
        let is_target = |matcher: &ProcessMatcher| matcher.matches(event.pid, event.thread_name.as_deref());
        self.signals.contains(siginfo.signal)
            && (self.senders.is_empty() || self.senders.iter().any(is_sender))
            && (self.targets.is_empty() || self.targets.iter().any(is_target))
    }

    /// Returns the filter for the backend. It includes every signal to a monitored
    /// process, because any of them can terminate the process.
    pub(super) fn kernel_filter(&self, pids: &[u32]) -> EventScope {
        if !self.all_processes {
            let signals = SignalSet::all(Arch::NATIVE);
            return EventScope { target_pids: Some(pids.to_vec()), sender_pids: Vec::new(), signals };
        }
        EventScope {
            target_pids: pids_of(&self.targets),
            sender_pids: pids_of(&self.senders).unwrap_or_default(),
            signals: self.signals,
        }
    }
}

/// Returns the PIDs if every matcher has one; `None` for an empty list.
fn pids_of(matchers: &[ProcessMatcher]) -> Option<Vec<u32>> {
    let pid_of = |matcher: &ProcessMatcher| match matcher {
        ProcessMatcher::Pid(pid) => Some(*pid),
        ProcessMatcher::Name(_) => None,
    };
    matchers.iter().map(pid_of).collect::<Option<Vec<u32>>>().filter(|pids| !pids.is_empty())
}

impl ProcessMatcher {
    fn matches(&self, pid: Option<u32>, name: Option<&[u8]>) -> bool {
        match self {
            ProcessMatcher::Pid(wanted) => pid == Some(*wanted),
            ProcessMatcher::Name(wanted) => name == Some(&wanted[..]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::inspect::ClaimedSender;
    use crate::signal::{Siginfo, Signal};

    fn filter_by_senders(senders: &[ProcessMatcher]) -> EventFilter {
        EventFilter {
            backend: BackendChoice::Ptrace,
            all_processes: false,
            signals: SignalSet::all(Arch::NATIVE),
            senders: senders.to_vec(),
            targets: Vec::new(),
            until_exit: false,
            verbose: false,
        }
    }

    #[test]
    fn matches_sender_by_own_namespace_pid_or_name() {
        let siginfo = Siginfo { pid: 7, ..Siginfo::from_signal(Signal::new(15).unwrap()) };
        let signal_from = |pid: Option<u32>, name: Option<&[u8]>| {
            let claimed_sender =
                ClaimedSender { inner_pid: 7, pid, uid: 0, name: name.map(<[u8]>::to_vec), is_child: false };
            let delivery = SignalDelivery { siginfo, claimed_sender: Some(claimed_sender) };
            let kind = ThreadEventKind::Delivery(delivery);
            ThreadEvent { time: SystemTime::now(), pid: Some(1), tid: Some(1), thread_name: None, kind }
        };
        let own_namespace = filter_by_senders(&[ProcessMatcher::Pid(1007)]);
        let inner_namespace = filter_by_senders(&[ProcessMatcher::Pid(7)]);
        let (bash, unknown) = (signal_from(Some(1007), Some(b"bash")), signal_from(None, None));
        assert!(own_namespace.matches(&bash) && !inner_namespace.matches(&bash));
        assert!(!own_namespace.matches(&unknown) && !inner_namespace.matches(&unknown));
        assert!(filter_by_senders(&[ProcessMatcher::Name(b"bash".to_vec())]).matches(&bash));
    }
}

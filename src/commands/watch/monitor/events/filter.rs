//! What is asked of signals as they happen.

use crate::inspect::BackendChoice;
use crate::inspect::events::{EventScope, SignalDelivery, ThreadEvent, ThreadEventKind};
use crate::signal::{Arch, SignalSet};

/// Which signals are told, as they happen, and by what means.
#[derive(Clone, Debug)]
pub struct EventFilter {
    /// The backend. With [`BackendChoice::Proc`] processes are only sampled.
    pub backend: BackendChoice,
    /// Those for every process of the system, none of which is looked at.
    pub all_processes: bool,
    /// Only these.
    pub signals: SignalSet,
    /// Only from one of these, if there are any.
    pub senders: Vec<ProcessMatcher>,
    /// Only for one of these, if there are any.
    pub targets: Vec<ProcessMatcher>,
    /// Whether nothing is told but how processes end, and who ended them.
    pub until_exit: bool,
    /// Whether the last words of the kernel's verifier are told, if it refuses.
    pub verbose: bool,
}

/// A process that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProcessMatcher {
    /// By its number.
    Pid(u32),
    /// By its name, or its thread's, as the kernel has it: up to 15 bytes.
    Name(Vec<u8>),
}

impl EventFilter {
    /// Whether some signals are chosen: then changes are not told.
    pub fn is_selective(&self) -> bool {
        self.signals != SignalSet::all(Arch::NATIVE) || !self.senders.is_empty() || !self.targets.is_empty()
    }

    /// Whether a signal is to be told.
    pub(super) fn matches(&self, event: &ThreadEvent) -> bool {
        let (info, sender) = match &event.kind {
            ThreadEventKind::Generation(sent) => {
                let sender = sent.sender.as_ref();
                (&sent.siginfo, sender.map(|sender| (sender.pid, Some(&sender.thread_name[..]))))
            }
            ThreadEventKind::Delivery(SignalDelivery { siginfo: info, claimed_sender: claimed }) => {
                (info, claimed.as_ref().map(|claimed| (claimed.pid, claimed.name.as_deref())))
            }
            _ => return true,
        };
        let from = |party: &ProcessMatcher| sender.is_some_and(|(pid, name)| party.matches(pid, name));
        let to = |party: &ProcessMatcher| party.matches(event.pid, event.thread_name.as_deref());
        self.signals.contains(info.signal)
            && (self.senders.is_empty() || self.senders.iter().any(from))
            && (self.targets.is_empty() || self.targets.iter().any(to))
    }

    /// What the means has to see. Of processes that are looked at everything,
    /// so that who ends them is known.
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

/// Their numbers, if each has one.
fn pids_of(parties: &[ProcessMatcher]) -> Option<Vec<u32>> {
    let number = |party: &ProcessMatcher| match party {
        ProcessMatcher::Pid(pid) => Some(*pid),
        ProcessMatcher::Name(_) => None,
    };
    parties.iter().map(number).collect::<Option<Vec<u32>>>().filter(|pids| !pids.is_empty())
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
        let signals = SignalSet::all(Arch::NATIVE);
        let (senders, targets) = (senders.to_vec(), Vec::new());
        EventFilter {
            backend: BackendChoice::Ptrace,
            all_processes: false,
            signals,
            senders,
            targets,
            until_exit: false,
            verbose: false,
        }
    }

    #[test]
    fn matches_sender_by_own_namespace_pid_or_name() {
        let info = Siginfo { pid: 7, ..Siginfo::from_signal(Signal::new(15).unwrap()) };
        let from = |pid: Option<u32>, name: Option<&[u8]>| {
            let claimed =
                ClaimedSender { inner_pid: 7, pid, uid: 0, name: name.map(<[u8]>::to_vec), is_child: false };
            let what =
                ThreadEventKind::Delivery(SignalDelivery { siginfo: info, claimed_sender: Some(claimed) });
            ThreadEvent { time: SystemTime::now(), pid: Some(1), tid: Some(1), thread_name: None, kind: what }
        };
        let (here, there) =
            (filter_by_senders(&[ProcessMatcher::Pid(1007)]), filter_by_senders(&[ProcessMatcher::Pid(7)]));
        let bash = from(Some(1007), Some(b"bash"));
        assert!(here.matches(&bash) && !there.matches(&bash));
        assert!(!here.matches(&from(None, None)) && !there.matches(&from(None, None)));
        assert!(filter_by_senders(&[ProcessMatcher::Name(b"bash".to_vec())]).matches(&bash));
    }
}

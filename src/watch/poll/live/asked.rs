//! What is asked of signals as they happen.

use crate::observe::events::{Delivered, Event, Filter, What};
use crate::signal::{Arch, SignalSet};

/// Which signals are told, as they happen, and by what means.
#[derive(Clone, Debug)]
pub struct Asked {
    /// By what; looks alone where it is [`Means::Proc`].
    pub means: Means,
    /// Those for every process of the system, none of which is looked at.
    pub all: bool,
    /// Only these.
    pub signals: SignalSet,
    /// Only from one of these, if there are any.
    pub senders: Vec<Party>,
    /// Only for one of these, if there are any.
    pub targets: Vec<Party>,
    /// Whether nothing is told but how processes end, and who ended them.
    pub until_exit: bool,
    /// Whether the last words of the kernel's verifier are told, if it refuses.
    pub verbose: bool,
}

/// A process that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Party {
    /// By its number.
    Pid(u32),
    /// By its name, or its thread's, as the kernel has it: up to 15 bytes.
    Name(Vec<u8>),
}

/// By what signals are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// BPF if it may be used; else looks alone.
    Auto,
    /// BPF.
    Bpf,
    /// ptrace(2), which stops a process at each of its signals.
    Ptrace,
    /// None: looks alone.
    Proc,
}

impl Asked {
    /// Whether some signals are chosen: then changes are not told.
    pub fn is_choosy(&self) -> bool {
        self.signals != SignalSet::all(Arch::NATIVE) || !self.senders.is_empty() || !self.targets.is_empty()
    }

    /// Whether a signal is to be told.
    pub(super) fn passes(&self, event: &Event) -> bool {
        let (info, sender) = match &event.what {
            What::Generated(sent) => {
                let sender = sent.sender.as_ref();
                (&sent.info, sender.map(|sender| (sender.pid, Some(&sender.name[..]))))
            }
            What::Delivered(Delivered { info, claimed }) => {
                (info, claimed.as_ref().map(|claimed| (claimed.pid, claimed.name.as_deref())))
            }
            _ => return true,
        };
        let from = |party: &Party| sender.is_some_and(|(pid, name)| party.is(pid, name));
        let to = |party: &Party| party.is(event.pid, event.name.as_deref());
        self.signals.contains(info.signal)
            && (self.senders.is_empty() || self.senders.iter().any(from))
            && (self.targets.is_empty() || self.targets.iter().any(to))
    }

    /// What the means has to see. Of processes that are looked at everything,
    /// so that who ends them is known.
    pub(super) fn filter(&self, pids: &[u32]) -> Filter {
        if !self.all {
            let signals = SignalSet::all(Arch::NATIVE);
            return Filter { targets: Some(pids.to_vec()), senders: Vec::new(), signals };
        }
        Filter {
            targets: numbers(&self.targets),
            senders: numbers(&self.senders).unwrap_or_default(),
            signals: self.signals,
        }
    }
}

/// Their numbers, if each has one.
fn numbers(parties: &[Party]) -> Option<Vec<u32>> {
    let number = |party: &Party| match party {
        Party::Pid(pid) => Some(*pid),
        Party::Name(_) => None,
    };
    parties.iter().map(number).collect::<Option<Vec<u32>>>().filter(|pids| !pids.is_empty())
}

impl Party {
    fn is(&self, pid: Option<u32>, name: Option<&[u8]>) -> bool {
        match self {
            Party::Pid(wanted) => pid == Some(*wanted),
            Party::Name(wanted) => name == Some(&wanted[..]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::observe::Claimed;
    use crate::signal::{Info, Signal};

    fn asked(senders: &[Party]) -> Asked {
        let signals = SignalSet::all(Arch::NATIVE);
        let (senders, targets) = (senders.to_vec(), Vec::new());
        Asked {
            means: Means::Ptrace,
            all: false,
            signals,
            senders,
            targets,
            until_exit: false,
            verbose: false,
        }
    }

    #[test]
    fn a_sender_is_known_by_our_number_and_its_name() {
        let info = Info { pid: 7, ..Info::bare(Signal::new(15).unwrap()) };
        let from = |pid: Option<u32>, name: Option<&[u8]>| {
            let claimed = Claimed { number: 7, pid, uid: 0, name: name.map(<[u8]>::to_vec), child: false };
            let what = What::Delivered(Delivered { info, claimed: Some(claimed) });
            Event { time: SystemTime::now(), pid: Some(1), tid: Some(1), name: None, what }
        };
        let (here, there) = (asked(&[Party::Pid(1007)]), asked(&[Party::Pid(7)]));
        let bash = from(Some(1007), Some(b"bash"));
        assert!(here.passes(&bash) && !there.passes(&bash));
        assert!(!here.passes(&from(None, None)) && !there.passes(&from(None, None)));
        assert!(asked(&[Party::Name(b"bash".to_vec())]).passes(&bash));
    }
}

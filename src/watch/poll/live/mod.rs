//! Signals as they happen, beside the looks.

pub(super) mod args;

use std::collections::HashMap;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use super::Happened;
use super::observe::{Observation, kernel};
use crate::error::{Failure, Outcome};
use crate::exit::Exit;
use crate::observe::events::{self, Event, Events, Filter, Sent, What};
use crate::observe::{Backend, Refused, Used};
use crate::signal::exit::Ending;
use crate::signal::info::Origin;
use crate::signal::known::KILL;
use crate::signal::{Arch, Info, Signal, SignalSet};
use crate::watch::sender::{Sender, Senders};

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
            What::Delivered(info) => (info, Some((Some(info.pid), None))),
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
    fn filter(&self, pids: &[u32]) -> Filter {
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

/// The view of the signals.
#[derive(Debug)]
pub(super) struct Live {
    events: Events,
    senders: Senders,
    /// When what has come is to be taken.
    due: Option<Instant>,
    /// What was sent last of what could end a process.
    last: HashMap<(u32, Signal), Killer>,
    /// Whether that is remembered: the ends of these processes are told.
    remembers: bool,
}

/// So long an end may take from the tracer to everybody else.
const MOMENT: Duration = Duration::from_millis(100);

/// What happened, and who it says has sent it, if it is delivered.
type Told = (Event, Option<Sender>);

/// What ended a process.
#[derive(Clone, Debug)]
pub(super) enum Killer {
    /// A signal that was seen when it was generated.
    Seen(Sent),
    /// One that was seen when it was delivered: who sent it is claimed.
    Claimed(Info, Option<Sender>),
}

impl Live {
    /// Begins, for these processes, or as it is asked for all; `None` for looks
    /// alone.
    ///
    /// # Errors
    /// Why there is nothing to be seen, and of which process.
    pub(super) fn begin(asked: &Asked, pids: &[u32]) -> Result<Option<Live>, (Option<u32>, Refused)> {
        let backend = match asked.means {
            Means::Proc => return Ok(None),
            Means::Auto | Means::Bpf => Backend::Bpf,
            Means::Ptrace => Backend::Ptrace,
        };
        let events = Events::open(&asked.filter(pids), backend)?;
        let (senders, remembers) = (Senders::new(), !asked.all);
        Ok(Some(Live { events, senders, due: None, last: HashMap::new(), remembers }))
    }

    /// Which means it is.
    pub(super) fn used(&self) -> Used {
        self.events.used()
    }

    /// What to wait for; nothing while more is awaited.
    pub(super) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        if self.due.is_some() { Vec::new() } else { self.events.descriptors() }
    }

    /// Something has come, perhaps. Gives when it is to be taken.
    pub(super) fn came(&mut self) {
        self.due.get_or_insert_with(|| Instant::now() + self.events.pace());
    }

    /// When something is to be taken.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Takes what has happened, a part of it; gives that, with who it says has
    /// sent what is delivered, and whether there may be more.
    ///
    /// # Errors
    /// What the kernel says.
    fn take(&mut self) -> io::Result<(Vec<Told>, bool)> {
        let mut batch = Vec::new();
        let more = self.events.read(&mut batch)?;
        // What is left is told in the next turn.
        self.due = more.then(Instant::now);
        self.senders.next_batch();
        let all = batch.into_iter().map(|event| {
            let claimed = match &event.what {
                What::Delivered(info) => self.claimed(info),
                _ => None,
            };
            self.remember(&event, claimed.as_ref());
            (event, claimed)
        });
        Ok((all.collect(), more))
    }

    fn claimed(&mut self, info: &Info) -> Option<Sender> {
        match info.origin() {
            Origin::Process { pid, uid, .. } => {
                Some(Sender { pid, uid, name: self.senders.name(pid), verified: false })
            }
            _ => None,
        }
    }

    fn remember(&mut self, event: &Event, claimed: Option<&Sender>) {
        let Some(pid) = event.pid.filter(|_| self.remembers) else { return };
        let (signal, killer) = match &event.what {
            What::Generated(sent) if matters(sent.outcome) => (sent.info.signal, Killer::Seen(sent.clone())),
            What::Delivered(info) => (info.signal, Killer::Claimed(*info, claimed.cloned())),
            _ => return,
        };
        // The first KILL is the one that does it.
        if signal != KILL || !self.last.contains_key(&(pid, signal)) {
            self.last.insert((pid, signal), killer);
        }
    }

    /// Keeps what has happened by now, untold.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn gather(&mut self) -> io::Result<()> {
        self.due = None;
        self.events.gather()
    }

    /// What has ended a process so.
    pub(super) fn killer(&self, pid: u32, ending: Option<Ending>) -> Option<&Killer> {
        match ending {
            Some(Ending::Killed { signal, .. }) => self.last.get(&(pid, signal)),
            _ => None,
        }
    }
}

impl Observation<'_, '_> {
    /// Begins to see signals as they happen, as it is asked. What there is to
    /// say of it is kept for the beginning.
    ///
    /// # Errors
    /// Why they cannot be seen, where they must be.
    pub(super) fn begin_live(&mut self) -> Result<(), Outcome> {
        let asked = &self.request.live;
        let pids: Vec<u32> = self.processes.iter().map(|process| process.pid).collect();
        match Live::begin(asked, &pids) {
            Ok(live) => self.live = live,
            Err((_, refused)) if asked.means == Means::Auto => self.unseen = Some(refused),
            Err((pid, refused)) => {
                self.tell_verifier(&refused);
                let of = pid.map_or(String::new(), |pid| format!("{pid}: "));
                let complaints = vec![format!("{of}{}", refused.reason)];
                return Err(Outcome { exit: Exit::Unreadable, complaints });
            }
        }
        Ok(())
    }

    /// Says how signals are seen, or why they are not.
    pub(super) fn tell_means(&mut self) {
        if let Some(refused) = self.unseen.take() {
            self.notes.note(&format!("signals, when they are sent: {}", refused.reason));
            self.notes.note("--backend ptrace sees them delivered, but stops the process at each");
            self.tell_verifier(&refused);
        }
        match self.live.as_ref().map(Live::used) {
            Some(Used::Bpf) => {
                self.notes.note("signals are told when they are sent (BPF; nobody is stopped)")
            }
            Some(Used::Ptrace) => {
                self.notes.note("signals are told when they are delivered, each of which is a stop");
                self.notes.note("(ptrace): not KILL, nor while blocked, nor those that sigwait or signalfd");
                self.notes.note("take; who sent one is what it says itself");
            }
            None => {}
        }
    }

    fn tell_verifier(&mut self, refused: &Refused) {
        for line in refused.verifier.iter().filter(|_| self.request.live.verbose) {
            self.notes.note(line);
        }
    }

    /// Tells a part of what has happened by now; gives whether there may be more.
    pub(super) fn happened(&mut self) -> Result<bool, Failure> {
        let Some(mut live) = self.live.take() else { return Ok(false) };
        let (batch, more) = live.take().map_err(kernel)?;
        self.live = Some(live);
        for (event, claimed) in &batch {
            self.tell_happened(event, claimed.as_ref())?;
        }
        Ok(more)
    }

    /// Says of whom nothing is seen any more, though they live.
    pub(super) fn tell_closed(&mut self) {
        let Some(live) = &mut self.live else { return };
        for pid in live.events.closed() {
            let process = self.processes.iter().find(|process| process.pid == pid);
            // An end is seen by the tracer a moment before.
            if process.is_some_and(|process| matches!(process.held.wait(MOMENT), Ok(false))) {
                self.notes.note(&format!("{pid}: its signals are not seen any more: its tracer has ended"));
            }
        }
    }

    /// Says how many signals are not told, at the end.
    pub(super) fn tell_left(&mut self) {
        let left = self.live.as_ref().map_or(0, |live| live.events.left());
        if left > 0 {
            self.notes.note(&format!("{left} signals were seen, and are not told any more"));
        }
    }

    fn tell_happened(&mut self, event: &Event, claimed: Option<&Sender>) -> Result<(), Failure> {
        let asked = &self.request.live;
        let tells = match &event.what {
            What::Lost(_) => true,
            // The end of the process is told with all that is known of it.
            What::Ended(_) if event.tid == event.pid => false,
            // The looks tell of threads then.
            What::Thread | What::Ended(_) if self.request.threads => false,
            // It is outside of our pid namespace.
            What::Generated(_) if event.pid.is_none() => false,
            _ => !asked.until_exit && asked.passes(event),
        };
        if !tells {
            return Ok(());
        }
        let held = event.pid.and_then(|pid| self.name_of(pid));
        let name = held.or_else(|| event.name.clone()).unwrap_or_default();
        let what = super::What::Happened(Happened { event, claimed });
        self.tell(&super::Event { time: event.time, pid: event.pid.unwrap_or(0), name: &name, what })
    }
}

/// Whether something has become of a signal.
fn matters(outcome: events::Outcome) -> bool {
    matches!(outcome, events::Outcome::Delivered | events::Outcome::InfoLost)
}

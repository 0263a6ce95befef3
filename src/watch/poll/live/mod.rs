//! Signals as they happen, beside the looks.

pub(super) mod args;
mod asked;
mod left;
mod tell;

use std::collections::HashMap;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::Instant;

use crate::observe::events::{Delivered, Event, Events, Outcome, Sent, Stops, What};
use crate::observe::{Backend, Refused, Used};
use crate::signal::Signal;
use crate::signal::exit::Ending;
use crate::signal::known::KILL;
use crate::watch::sender::Senders;

pub use asked::{Asked, Means, Party};

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
    /// What processes were called that have ended.
    names: HashMap<u32, Vec<u8>>,
    /// What was not told in the end.
    left: left::Left,
}

/// What ended a process.
#[derive(Clone, Debug)]
pub(super) enum Killer {
    /// A signal that was seen when it was generated.
    Seen(Sent),
    /// One that was seen when it was delivered: who sent it is claimed.
    Claimed(Delivered),
}

impl Live {
    /// Begins, for these processes, or as it is asked for all; `None` for looks
    /// alone. Whom that takes time with is left out where it is not to go on.
    ///
    /// # Errors
    /// Why there is nothing to be seen, and of which process.
    pub(super) fn begin(
        asked: &Asked,
        pids: &[u32],
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Option<Live>, (Option<u32>, Refused)> {
        let backend = match asked.means {
            Means::Proc => return Ok(None),
            Means::Auto | Means::Bpf => Backend::Bpf,
            Means::Ptrace => Backend::Ptrace,
        };
        let events = Events::open(&asked.filter(pids), backend, goes_on)?;
        let (senders, remembers) = (Senders::new(), !asked.all);
        let (last, names, left) = (HashMap::new(), HashMap::new(), left::Left::default());
        Ok(Some(Live { events, senders, due: None, last, remembers, names, left }))
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

    /// Takes what has happened, a part of it; gives that, with the names of those
    /// who say that they have sent what is delivered, and whether there may be
    /// more. Who is observed is called so, also when it has ended.
    ///
    /// # Errors
    /// What the kernel says.
    fn take(&mut self, own: impl Fn(u32) -> Option<Vec<u8>>) -> io::Result<(Vec<Event>, bool)> {
        let mut batch = Vec::new();
        let more = self.events.read(&mut batch)?;
        // What is left is told in the next turn.
        self.due = more.then(Instant::now);
        self.senders.next_batch();
        for event in &mut batch {
            if let What::Delivered(Delivered { claimed: Some(claimed), .. }) = &mut event.what {
                let itself = claimed.pid.filter(|pid| Some(*pid) == event.pid).and_then(&own);
                claimed.name = itself.or_else(|| claimed.pid.and_then(|pid| self.senders.name(pid)));
            }
            self.remember(event);
        }
        Ok((batch, more))
    }

    fn remember(&mut self, event: &Event) {
        let Some(pid) = event.pid.filter(|_| self.remembers) else { return };
        let (signal, killer) = match &event.what {
            What::Generated(sent) if matters(sent.outcome) => (sent.info.signal, Killer::Seen(sent.clone())),
            What::Delivered(delivered) => (delivered.info.signal, Killer::Claimed(delivered.clone())),
            _ => return,
        };
        // The first KILL is the one that does it.
        if signal != KILL || !self.last.contains_key(&(pid, signal)) {
            self.last.insert((pid, signal), killer);
        }
    }

    /// Keeps the name of a process that has ended.
    pub(super) fn has_ended(&mut self, pid: u32, name: &[u8]) {
        self.names.insert(pid, name.to_vec());
    }

    /// Ends the seeing; gives how long each process stood still for it. What has
    /// happened by then is still to be taken.
    fn finish(&mut self) -> Vec<(u32, Stops)> {
        self.due = None;
        self.events.finish()
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

/// Whether something has become of a signal.
fn matters(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Delivered | Outcome::InfoLost)
}

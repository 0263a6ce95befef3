//! Signals as they happen, beside the looks.

pub(super) mod args;
mod drain;
mod emit;
mod filter;

use std::collections::HashMap;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::Instant;

use crate::commands::watch::sender::SenderNameCache;
use crate::inspect::events::{
    EventStream, GenerateResult, SignalDelivery, SignalGeneration, StopStats, ThreadEvent, ThreadEventKind,
};
use crate::inspect::{Backend, BackendChoice, BackendError};
use crate::signal::Signal;
use crate::signal::consts::KILL;
use crate::signal::exit_status::Termination;

pub use filter::{EventFilter, ProcessMatcher};

/// The view of the signals.
#[derive(Debug)]
pub(super) struct EventCollector {
    events: EventStream,
    sender_names: SenderNameCache,
    /// When what has come is to be taken.
    read_at: Option<Instant>,
    /// What was sent last of what could end a process.
    fatal_signals: HashMap<(u32, Signal), FatalSignal>,
    /// Whether that is remembered: the ends of these processes are told.
    tracks_fatal_signals: bool,
    /// What processes were called that have ended.
    exited_names: HashMap<u32, Vec<u8>>,
    /// What was not told in the end.
    unreported: drain::UnreportedEvents,
}

/// What ended a process.
#[derive(Clone, Debug)]
pub(super) enum FatalSignal {
    /// A signal that was seen when it was generated.
    Generated(SignalGeneration),
    /// One that was seen when it was delivered: who sent it is claimed.
    Delivered(SignalDelivery),
}

impl EventCollector {
    /// Begins, for these processes, or as it is asked for all; `None` for looks
    /// alone. Whom that takes time with is left out where it is not to go on.
    ///
    /// # Errors
    /// Why there is nothing to be seen, and of which process.
    pub(super) fn start(
        asked: &EventFilter,
        pids: &[u32],
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Option<EventCollector>, (Option<u32>, BackendError)> {
        if asked.backend == BackendChoice::Proc {
            return Ok(None);
        }
        let events = EventStream::open(&asked.kernel_filter(pids), asked.backend, goes_on)?;
        let (senders, remembers) = (SenderNameCache::new(), !asked.all_processes);
        let (last, names, left) = (HashMap::new(), HashMap::new(), drain::UnreportedEvents::default());
        Ok(Some(EventCollector {
            events,
            sender_names: senders,
            read_at: None,
            fatal_signals: last,
            tracks_fatal_signals: remembers,
            exited_names: names,
            unreported: left,
        }))
    }

    /// Which means it is.
    pub(super) fn backend(&self) -> Backend {
        self.events.backend()
    }

    /// What to wait for; nothing while more is awaited.
    pub(super) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        if self.read_at.is_some() { Vec::new() } else { self.events.descriptors() }
    }

    /// Something has come, perhaps. Gives when it is to be taken.
    pub(super) fn schedule_read(&mut self) {
        self.read_at.get_or_insert_with(|| Instant::now() + self.events.batch_delay());
    }

    /// When something is to be taken.
    pub(super) fn read_at(&self) -> Option<Instant> {
        self.read_at
    }

    /// Takes what has happened, a part of it; gives that, with the names of those
    /// who say that they have sent what is delivered, and whether there may be
    /// more. Who is observed is called so, also when it has ended.
    ///
    /// # Errors
    /// What the kernel says.
    fn read_events(&mut self, own: impl Fn(u32) -> Option<Vec<u8>>) -> io::Result<(Vec<ThreadEvent>, bool)> {
        let mut batch = Vec::new();
        let more = self.events.read_batch(&mut batch)?;
        // What is left is told in the next turn.
        self.read_at = more.then(Instant::now);
        self.sender_names.next_batch();
        for event in &mut batch {
            if let ThreadEventKind::Delivery(SignalDelivery { claimed_sender: Some(claimed), .. }) =
                &mut event.kind
            {
                let itself = claimed.pid.filter(|pid| Some(*pid) == event.pid).and_then(&own);
                claimed.name = itself.or_else(|| claimed.pid.and_then(|pid| self.sender_names.resolve(pid)));
            }
            self.record_fatal_signal(event);
        }
        Ok((batch, more))
    }

    fn record_fatal_signal(&mut self, event: &ThreadEvent) {
        let Some(pid) = event.pid.filter(|_| self.tracks_fatal_signals) else { return };
        let (signal, killer) = match &event.kind {
            ThreadEventKind::Generation(sent) if took_effect(sent.generate_result) => {
                (sent.siginfo.signal, FatalSignal::Generated(sent.clone()))
            }
            ThreadEventKind::Delivery(delivered) => {
                (delivered.siginfo.signal, FatalSignal::Delivered(delivered.clone()))
            }
            _ => return,
        };
        // The first KILL is the one that does it.
        if signal != KILL || !self.fatal_signals.contains_key(&(pid, signal)) {
            self.fatal_signals.insert((pid, signal), killer);
        }
    }

    /// Keeps the name of a process that has ended.
    pub(super) fn record_exit(&mut self, pid: u32, name: &[u8]) {
        self.exited_names.insert(pid, name.to_vec());
    }

    /// Ends the seeing; gives how long each process stood still for it. What has
    /// happened by then is still to be taken.
    fn stop(&mut self) -> Vec<(u32, StopStats)> {
        self.read_at = None;
        self.events.stop()
    }

    /// Keeps what has happened by now, untold.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn buffer_events(&mut self) -> io::Result<()> {
        self.read_at = None;
        self.events.drain_kernel_buffer()
    }

    /// What has ended a process so.
    pub(super) fn fatal_signal(&self, pid: u32, ending: Option<Termination>) -> Option<&FatalSignal> {
        match ending {
            Some(Termination::Killed { signal, .. }) => self.fatal_signals.get(&(pid, signal)),
            _ => None,
        }
    }
}

/// Whether something has become of a signal.
fn took_effect(outcome: GenerateResult) -> bool {
    matches!(outcome, GenerateResult::Delivered | GenerateResult::SiginfoLost)
}

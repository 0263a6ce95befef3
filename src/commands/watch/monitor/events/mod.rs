//! Events that the kernel reports between two samples: signals, exec, new and
//! exited threads. They come from BPF or from ptrace(2).

pub(super) mod args;
mod filter;
pub(super) mod notes;
mod unreported;

use std::collections::HashMap;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::Instant;

use super::event::FatalSignal;
use crate::commands::watch::sender::SenderNameCache;
use crate::inspect::events::{
    EventStream, GenerateResult, SignalDelivery, StopStats, ThreadEvent, ThreadEventKind,
};
use crate::inspect::{Backend, BackendChoice, BackendError};
use crate::signal::Signal;
use crate::signal::consts::KILL;
use crate::signal::exit_status::Termination;

pub use filter::{EventFilter, ProcessMatcher};
pub(super) use unreported::UnreportedEvents;

/// Collects the events of a backend.
#[derive(Debug)]
pub(super) struct EventCollector {
    stream: EventStream,
    sender_names: SenderNameCache,
    /// Time of the next read; `None` while no event is expected.
    read_at: Option<Instant>,
    /// The last signal of each kind that could terminate a process, by PID.
    fatal_signals: HashMap<(u32, Signal), FatalSignal>,
    /// Whether `fatal_signals` is filled; false with --all, which reports no exits.
    tracks_fatal_signals: bool,
}

/// The events of one read.
#[derive(Debug, Default)]
pub(super) struct EventBatch {
    pub(super) events: Vec<ThreadEvent>,
    /// Whether another read may return more.
    pub(super) has_more: bool,
}

impl EventCollector {
    /// Starts the backend for these processes, or for all if the filter includes
    /// all. Returns `None` if the filter asks for sampling only. If `keep_going`
    /// returns false, the remaining processes are not attached to.
    ///
    /// # Errors
    /// The reason why the backend cannot be used, and the PID that caused it.
    pub(super) fn start(
        filter: &EventFilter,
        pids: &[u32],
        keep_going: &dyn Fn() -> bool,
    ) -> Result<Option<EventCollector>, (Option<u32>, BackendError)> {
        if filter.backend == BackendChoice::Proc {
            return Ok(None);
        }
        Ok(Some(EventCollector {
            stream: EventStream::open(&filter.kernel_filter(pids), filter.backend, keep_going)?,
            sender_names: SenderNameCache::new(),
            read_at: None,
            fatal_signals: HashMap::new(),
            tracks_fatal_signals: !filter.all_processes,
        }))
    }

    pub(super) fn backend(&self) -> Backend {
        self.stream.backend()
    }

    /// Returns the descriptors to wait for; none while a read is scheduled.
    pub(super) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        if self.read_at.is_some() { Vec::new() } else { self.stream.descriptors() }
    }

    /// Schedules a read after the batch delay, because a descriptor may be readable.
    pub(super) fn schedule_read(&mut self) {
        self.read_at.get_or_insert_with(|| Instant::now() + self.stream.batch_delay());
    }

    /// Returns the time of the scheduled read.
    pub(super) fn read_at(&self) -> Option<Instant> {
        self.read_at
    }

    /// Reads a batch of events and looks up the names of the claimed senders.
    /// `monitored_name`: the name of a monitored process, used if it sent a signal
    /// to itself, even if it has exited.
    ///
    /// # Errors
    /// An error of the backend.
    pub(super) fn read_batch(
        &mut self,
        monitored_name: impl Fn(u32) -> Option<Vec<u8>>,
    ) -> io::Result<EventBatch> {
        let mut events = Vec::new();
        let has_more = self.stream.read_batch(&mut events)?;
        self.read_at = has_more.then(Instant::now);
        self.sender_names.next_batch();
        for event in &mut events {
            if let ThreadEventKind::Delivery(SignalDelivery { claimed_sender: Some(claimed), .. }) =
                &mut event.kind
            {
                let own_pid = claimed.pid.filter(|pid| Some(*pid) == event.pid);
                claimed.name = own_pid
                    .and_then(&monitored_name)
                    .or_else(|| claimed.pid.and_then(|pid| self.sender_names.resolve(pid)));
            }
            self.record_fatal_signal(event);
        }
        Ok(EventBatch { events, has_more })
    }

    fn record_fatal_signal(&mut self, event: &ThreadEvent) {
        let Some(pid) = event.pid.filter(|_| self.tracks_fatal_signals) else { return };
        let (signal, fatal_signal) = match &event.kind {
            ThreadEventKind::Generation(generation) if took_effect(generation.generate_result) => {
                (generation.siginfo.signal, FatalSignal::Generated(generation.clone()))
            }
            ThreadEventKind::Delivery(delivery) => {
                (delivery.siginfo.signal, FatalSignal::Delivered(delivery.clone()))
            }
            _ => return,
        };
        // The first KILL terminates the process; later ones have no effect.
        if signal != KILL || !self.fatal_signals.contains_key(&(pid, signal)) {
            self.fatal_signals.insert((pid, signal), fatal_signal);
        }
    }

    /// Returns the signal that terminated a process, if it was seen.
    pub(super) fn fatal_signal(&self, pid: u32, termination: Option<Termination>) -> Option<&FatalSignal> {
        match termination {
            Some(Termination::Killed { signal, .. }) => self.fatal_signals.get(&(pid, signal)),
            _ => None,
        }
    }

    /// Moves the events out of the kernel's buffer, to be read later.
    ///
    /// # Errors
    /// An error of the backend.
    pub(super) fn buffer_events(&mut self) -> io::Result<()> {
        self.read_at = None;
        self.stream.drain_kernel_buffer()
    }

    /// Returns whether a process is still traced. Its last events can arrive after
    /// its exit.
    pub(super) fn is_tracing(&self, pid: u32) -> bool {
        self.stream.is_tracing(pid)
    }

    /// Returns the processes whose tracer has exited since the last call.
    pub(super) fn take_closed(&mut self) -> Vec<u32> {
        self.stream.take_closed()
    }

    /// Stops the backend. Returns how long each process was stopped by it. Events
    /// that have already happened can still be read.
    pub(super) fn stop(&mut self) -> Vec<(u32, StopStats)> {
        self.read_at = None;
        self.stream.stop()
    }
}

/// Returns whether a generated signal reached the process.
fn took_effect(result: GenerateResult) -> bool {
    matches!(result, GenerateResult::Delivered | GenerateResult::SiginfoLost)
}

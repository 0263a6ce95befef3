//! What there is to tell of signals, beside the looks.

use std::time::{Duration, Instant, SystemTime};

use super::{Live, Means};
use crate::error::{Failure, Outcome};
use crate::exit::Exit;
use crate::observe::events::{Event, What};
use crate::observe::{Refused, Used};
use crate::signal::Signal;
use crate::watch::poll;
use crate::watch::poll::observe::{Observation, kernel};

/// So long an end may take from the tracer to everybody else.
const MOMENT: Duration = Duration::from_millis(100);

/// So long nothing comes of a tracer whose process has ended, until it is given
/// up: it may have to wait for a processor.
const SILENT: Duration = Duration::from_secs(1);

impl Observation<'_, '_> {
    /// Begins to see signals as they happen, as it is asked. What there is to
    /// say of it is kept for the beginning.
    ///
    /// # Errors
    /// Why they cannot be seen, where they must be.
    pub(in crate::watch::poll) fn begin_live(&mut self) -> Result<(), Outcome> {
        let asked = &self.request.live;
        let goes_on = || !self.is_asked_within(Duration::ZERO).unwrap_or(false);
        let pids: Vec<u32> = self.processes.iter().map(|process| process.pid).collect();
        match Live::begin(asked, &pids, &goes_on) {
            Ok(live) => {
                let is_traced = live.as_ref().is_some_and(|live| live.used() == Used::Ptrace);
                self.processes.iter_mut().for_each(|process| process.is_traced = is_traced);
                self.live = live;
            }
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
    pub(in crate::watch::poll) fn tell_means(&mut self) {
        if let Some(refused) = self.unseen.take() {
            self.notes.note(&format!("signals, when they are sent: {}", refused.reason));
            self.notes.note("--backend ptrace sees them delivered, but stops the process at each");
            self.tell_verifier(&refused);
        }
        match self.live.as_ref().map(Live::used) {
            Some(Used::Bpf) => {
                self.notes.note("signals are told when sent, not when taken (BPF; nobody is stopped)")
            }
            Some(Used::Ptrace) => {
                self.notes.note("signals are told as they are delivered; each stops the process (ptrace)");
                self.notes.note("KILL is not seen, nor what is blocked, or sigwait or a signalfd takes");
                self.notes.note("who has sent a signal is what it says itself");
            }
            None => {}
        }
    }

    fn tell_verifier(&mut self, refused: &Refused) {
        for line in refused.verifier.iter().filter(|_| self.request.live.verbose) {
            self.notes.note(line);
        }
    }

    /// Tells a part of what has happened by now; gives whether that was anything,
    /// and whether there may be more.
    pub(in crate::watch::poll) fn happened(&mut self) -> Result<(bool, bool), Failure> {
        let (batch, more) = self.take()?;
        for event in &batch {
            self.tell_happened(event)?;
        }
        Ok((!batch.is_empty(), more))
    }

    /// A part of what has happened by now, and whether there may be more.
    pub(super) fn take(&mut self) -> Result<(Vec<Event>, bool), Failure> {
        let Some(mut live) = self.live.take() else { return Ok((Vec::new(), false)) };
        let taken = live.take(|pid| self.name_of(pid)).map_err(kernel);
        self.live = Some(live);
        taken
    }

    /// Tells a part of what has happened before somebody ended; gives whether
    /// there may be more. A tracer tells the last of it after the end.
    pub(in crate::watch::poll) fn drain(&mut self) -> Result<bool, Failure> {
        let (came, more) = self.happened()?;
        if came || more || !self.is_awaited() {
            self.silent = None;
            return Ok(more || self.is_awaited());
        }
        Ok(self.silent.get_or_insert_with(Instant::now).elapsed() < SILENT)
    }

    /// Whether one that has ended is still traced.
    pub(in crate::watch::poll) fn is_awaited(&self) -> bool {
        let traces = |live: &Live| self.ended.iter().any(|ended| live.events.traces(ended.process.pid));
        self.live.as_ref().is_some_and(traces)
    }

    /// Says of whom nothing is seen any more, though they live.
    pub(in crate::watch::poll) fn tell_closed(&mut self) {
        let Some(live) = &mut self.live else { return };
        for pid in live.events.closed() {
            let process = self.processes.iter_mut().find(|process| process.pid == pid);
            // An end is seen by the tracer a moment before.
            if let Some(process) = process
                && matches!(process.held.wait(MOMENT), Ok(false))
            {
                process.is_traced = false;
                self.notes.note(&format!("{pid}: its signals are not seen any more: its tracer has ended"));
            }
        }
    }

    /// Tells something, if it is to be told.
    pub(super) fn tell_happened(&mut self, event: &Event) -> Result<(), Failure> {
        if let (What::Stopped(signal), Some(pid)) = (&event.what, event.pid) {
            return self.tell_stopped(event.time, pid, *signal);
        }
        if !self.is_told(event) {
            return Ok(());
        }
        let held = event.pid.and_then(|pid| self.name_of(pid));
        let name = held.or_else(|| event.name.clone()).unwrap_or_default();
        let what = poll::What::Happened(event);
        self.tell(&poll::Event { time: event.time, pid: event.pid.unwrap_or(0), name: &name, what })
    }

    /// Whether something is to be told.
    pub(super) fn is_told(&self, event: &Event) -> bool {
        let asked = &self.request.live;
        match &event.what {
            What::Lost(_) => true,
            // The end of the process is told with all that is known of it.
            What::Ended(_) if event.tid == event.pid => false,
            // The looks tell of threads then.
            What::Thread | What::Ended(_) if self.request.threads => false,
            // It is outside of our pid namespace.
            What::Generated(_) if event.pid.is_none() => false,
            _ => !asked.until_exit && asked.passes(event),
        }
    }

    /// Tells of a process that it is stopped, unless that is known; its own look
    /// will tell when it is not any more.
    fn tell_stopped(&mut self, time: SystemTime, pid: u32, signal: Signal) -> Result<(), Failure> {
        let process = self.processes.iter_mut().find(|process| process.pid == pid);
        let change = process.and_then(|process| process.stopped(signal));
        let Some(change) = change.filter(|_| self.tells_changes()) else { return Ok(()) };
        let name = self.name_of(pid).unwrap_or_default();
        self.tell(&poll::Event { time, pid, name: &name, what: poll::What::Change(&change) })
    }
}

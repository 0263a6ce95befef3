//! What tracers tell: signals as they are delivered.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use super::{BATCH, Delivered, Event, Filter, MOST_WAITING, Stops, What};
use crate::observe::Refused;
use crate::observe::numbers::Numbers;
use crate::proc::{Files, ReadError, Root, has_ended};
use crate::sys::ptrace::{self, Refusal, Tracer};

/// The processes that are traced, and what has happened to them.
#[derive(Debug)]
pub(super) struct Traced {
    root: Root,
    filter: Filter,
    targets: Vec<Target>,
    waiting: VecDeque<Event>,
    /// Those that are not traced any more, until that is asked for.
    closed: Vec<u32>,
    /// And what tracing has cost them.
    stops: Vec<(u32, Stops)>,
}

#[derive(Debug)]
struct Target {
    pid: u32,
    tracer: Tracer,
    numbers: Numbers,
}

impl Traced {
    /// Begins to trace these, one after another, as long as that is to go on. Those
    /// that have ended are left out.
    ///
    /// # Errors
    /// Why the first that cannot be traced cannot; none is then.
    pub(super) fn begin(
        filter: &Filter,
        pids: &[u32],
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Traced, (Option<u32>, Refused)> {
        let root = Root::default();
        let target = |pid: &u32| {
            let pid = *pid;
            let refused = |reason: String| (Some(pid), Refused { reason, verifier: Vec::new() });
            // What its namespaces are is not to be known once it has ended.
            let status = match root.status(pid) {
                Err(ReadError::Gone) => return Ok(None),
                status => status.map_err(|error| refused(error.to_string()))?,
            };
            let numbers = Numbers::of(&root, pid, &status);
            match Tracer::attach(pid) {
                Ok(tracer) => Ok(Some(Target { pid, tracer, numbers })),
                Err(Refusal::Gone | Refusal::Zombie) if is_ended(&root, pid) => Ok(None),
                Err(why) => Err(refused(why.reason())),
            }
        };
        let targets = pids.iter().take_while(|_| goes_on()).filter_map(|pid| target(pid).transpose());
        let targets = targets.collect::<Result<_, _>>()?;
        let (waiting, closed, stops) = (VecDeque::new(), Vec::new(), Vec::new());
        Ok(Traced { root, filter: filter.clone(), targets, waiting, closed, stops })
    }

    pub(super) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        self.targets.iter().map(|target| target.tracer.as_fd()).collect()
    }

    /// Takes what has happened by now, unless too much waits.
    pub(super) fn gather(&mut self) -> io::Result<()> {
        if self.waiting.len() < MOST_WAITING { self.gather_all() } else { Ok(()) }
    }

    fn gather_all(&mut self) -> io::Result<()> {
        let mut open = Vec::with_capacity(self.targets.len());
        for target in &mut self.targets {
            let mut batch = Vec::new();
            open.push(target.tracer.read(&mut batch)?);
            target.numbers.again();
            let events = batch.iter().map(|event| target.event(&self.root, event));
            let filter = &self.filter;
            self.waiting.extend(events.filter(|event| passes(event, filter)));
        }
        let mut open = open.into_iter();
        for mut target in self.targets.extract_if(.., |_| !open.next().unwrap_or(false)) {
            self.closed.push(target.pid);
            self.stops.push((target.pid, target.tracer.finish()));
        }
        Ok(())
    }

    /// Gives the next of what waits, and whether there is more.
    pub(super) fn take(&mut self, events: &mut Vec<Event>) -> bool {
        events.extend(self.waiting.drain(..self.waiting.len().min(BATCH)));
        !self.waiting.is_empty()
    }

    pub(super) fn traces(&self, pid: u32) -> bool {
        self.targets.iter().any(|target| target.pid == pid)
    }

    pub(super) fn closed(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.closed)
    }

    /// Lets all go; gives what tracing has cost each. What they have told by then
    /// is still to be taken.
    pub(super) fn finish(&mut self) -> Vec<(u32, Stops)> {
        self.targets.iter().for_each(|target| target.tracer.ask());
        let cost: Vec<_> =
            self.targets.iter_mut().map(|target| (target.pid, target.tracer.finish())).collect();
        let before = std::mem::take(&mut self.stops);
        // Nobody writes into their pipes any more. What one says cannot be read is
        // all there is to it.
        let _ = self.gather_all();
        self.targets.clear();
        self.stops.clear();
        before.into_iter().chain(cost).collect()
    }
}

impl Target {
    fn event(&mut self, root: &Root, event: &ptrace::Event) -> Event {
        let what = match event.what {
            ptrace::What::Delivered(info) => {
                What::Delivered(Delivered { info, claimed: self.numbers.claimed(root, &info) })
            }
            ptrace::What::Thread => What::Thread,
            ptrace::What::Exec { .. } => What::Exec,
            ptrace::What::Stopped(signal) => What::Stopped(signal),
            ptrace::What::Ended(ending) => What::Ended(ending),
            ptrace::What::Lost(count) => What::Lost(count),
        };
        Event::of(Some(self.pid), Some(event.tid), event.time, what)
    }
}

/// Whether all of it has ended, be it a zombie still.
fn is_ended(root: &Root, pid: u32) -> bool {
    match root.status(pid) {
        Ok(status) => has_ended(&status, Files::new(root).threads(pid, &status).ok().as_ref()),
        Err(error) => matches!(error, ReadError::Gone),
    }
}

/// What a tracer sees of signals is chosen here: all of them stop the process.
fn passes(event: &Event, filter: &Filter) -> bool {
    let What::Delivered(Delivered { info, claimed }) = &event.what else { return true };
    let sender = claimed.as_ref().and_then(|claimed| claimed.pid);
    let sent_by = filter.senders.is_empty() || sender.is_some_and(|pid| filter.senders.contains(&pid));
    filter.signals.contains(info.signal) && sent_by
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::observe::Claimed;
    use crate::signal::{Arch, Info, Signal, SignalSet};

    #[test]
    fn who_passes_is_known_by_our_number() {
        let passes_from = |senders: &[u32], pid: Option<u32>| {
            let info = Info { pid: 7, ..Info::bare(Signal::new(15).unwrap()) };
            let claimed = Some(Claimed { number: 7, pid, uid: 0, name: None, child: false });
            let what = What::Delivered(Delivered { info, claimed });
            let signals = SignalSet::all(Arch::NATIVE);
            let filter = Filter { targets: None, senders: senders.to_vec(), signals };
            passes(&Event::of(Some(1), Some(1), SystemTime::now(), what), &filter)
        };
        assert!(passes_from(&[], None) && passes_from(&[1007], Some(1007)));
        assert!(!passes_from(&[7], Some(1007)), "that is its number in another namespace");
        assert!(!passes_from(&[7], None));
    }
}

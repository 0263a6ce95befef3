//! What tracers tell: signals as they are delivered.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use super::{
    EventScope, MAX_BATCH_EVENTS, MAX_BUFFERED_EVENTS, SignalDelivery, StopStats, ThreadEvent,
    ThreadEventKind,
};
use crate::inspect::BackendError;
use crate::inspect::id_map::NamespaceIdMap;
use crate::procfs::{ProcReadError, ProcReader, ProcRoot, process_has_exited};
use crate::sys::ptrace::{self, PtraceError, Tracer};

/// The processes that are traced, and what has happened to them.
#[derive(Debug)]
pub(super) struct PtraceEvents {
    root: ProcRoot,
    scope: EventScope,
    targets: Vec<TracedProcess>,
    buffered: VecDeque<ThreadEvent>,
    /// Those that are not traced any more, until that is asked for.
    closed_pids: Vec<u32>,
    /// And what tracing has cost them.
    stop_stats: Vec<(u32, StopStats)>,
}

#[derive(Debug)]
struct TracedProcess {
    pid: u32,
    tracer: Tracer,
    id_map: NamespaceIdMap,
}

impl PtraceEvents {
    /// Begins to trace these, one after another, as long as that is to go on. Those
    /// that have ended are left out.
    ///
    /// # Errors
    /// Why the first that cannot be traced cannot; none is then.
    pub(super) fn attach_all(
        filter: &EventScope,
        pids: &[u32],
        goes_on: &dyn Fn() -> bool,
    ) -> Result<PtraceEvents, (Option<u32>, BackendError)> {
        let root = ProcRoot::default();
        let target = |pid: &u32| {
            let pid = *pid;
            let refused = |reason: String| (Some(pid), BackendError { reason, verifier_log: Vec::new() });
            // What its namespaces are is not to be known once it has ended.
            let status = match root.status(pid) {
                Err(ProcReadError::Gone) => return Ok(None),
                status => status.map_err(|error| refused(error.to_string()))?,
            };
            let numbers = NamespaceIdMap::new(&root, pid, &status);
            match Tracer::attach(pid) {
                Ok(tracer) => Ok(Some(TracedProcess { pid, tracer, id_map: numbers })),
                Err(PtraceError::Gone | PtraceError::Zombie) if has_exited(&root, pid) => Ok(None),
                Err(why) => Err(refused(why.reason())),
            }
        };
        let targets = pids.iter().take_while(|_| goes_on()).filter_map(|pid| target(pid).transpose());
        let targets = targets.collect::<Result<_, _>>()?;
        let (waiting, closed, stops) = (VecDeque::new(), Vec::new(), Vec::new());
        Ok(PtraceEvents {
            root,
            scope: filter.clone(),
            targets,
            buffered: waiting,
            closed_pids: closed,
            stop_stats: stops,
        })
    }

    pub(super) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        self.targets.iter().map(|target| target.tracer.as_fd()).collect()
    }

    /// Takes what has happened by now, unless too much waits.
    pub(super) fn drain_pipes(&mut self) -> io::Result<()> {
        if self.buffered.len() < MAX_BUFFERED_EVENTS { self.drain_all_pipes() } else { Ok(()) }
    }

    fn drain_all_pipes(&mut self) -> io::Result<()> {
        let mut open = Vec::with_capacity(self.targets.len());
        for target in &mut self.targets {
            let mut batch = Vec::new();
            open.push(target.tracer.read(&mut batch)?);
            target.id_map.expire();
            let events = batch.iter().map(|event| target.thread_event(&self.root, event));
            let filter = &self.scope;
            self.buffered.extend(events.filter(|event| matches_scope(event, filter)));
        }
        let mut open = open.into_iter();
        for mut target in self.targets.extract_if(.., |_| !open.next().unwrap_or(false)) {
            self.closed_pids.push(target.pid);
            self.stop_stats.push((target.pid, target.tracer.finish()));
        }
        Ok(())
    }

    /// Gives the next of what waits, and whether there is more.
    pub(super) fn take_batch(&mut self, events: &mut Vec<ThreadEvent>) -> bool {
        events.extend(self.buffered.drain(..self.buffered.len().min(MAX_BATCH_EVENTS)));
        !self.buffered.is_empty()
    }

    pub(super) fn is_tracing(&self, pid: u32) -> bool {
        self.targets.iter().any(|target| target.pid == pid)
    }

    pub(super) fn take_closed(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.closed_pids)
    }

    /// Lets all go; gives what tracing has cost each. What they have told by then
    /// is still to be taken.
    pub(super) fn stop(&mut self) -> Vec<(u32, StopStats)> {
        self.targets.iter().for_each(|target| target.tracer.request_stop());
        let cost: Vec<_> =
            self.targets.iter_mut().map(|target| (target.pid, target.tracer.finish())).collect();
        let before = std::mem::take(&mut self.stop_stats);
        // Nobody writes into their pipes any more. What one says cannot be read is
        // all there is to it.
        let _ = self.drain_all_pipes();
        self.targets.clear();
        self.stop_stats.clear();
        before.into_iter().chain(cost).collect()
    }
}

impl TracedProcess {
    fn thread_event(&mut self, root: &ProcRoot, event: &ptrace::TracerEvent) -> ThreadEvent {
        let what = match event.kind {
            ptrace::TracerEventKind::Delivered(info) => ThreadEventKind::Delivery(SignalDelivery {
                siginfo: info,
                claimed_sender: self.id_map.claimed_sender(root, &info),
            }),
            ptrace::TracerEventKind::ThreadCreated => ThreadEventKind::NewThread,
            ptrace::TracerEventKind::Exec { .. } => ThreadEventKind::Exec,
            ptrace::TracerEventKind::Stopped(signal) => ThreadEventKind::JobControlStop(signal),
            ptrace::TracerEventKind::Exited(ending) => ThreadEventKind::Exited(ending),
            ptrace::TracerEventKind::Lost(count) => ThreadEventKind::Lost(count),
        };
        ThreadEvent::new(Some(self.pid), Some(event.tid), event.time, what)
    }
}

/// Whether all of it has ended, be it a zombie still.
fn has_exited(root: &ProcRoot, pid: u32) -> bool {
    match root.status(pid) {
        Ok(status) => process_has_exited(&status, ProcReader::new(root).threads(pid, &status).ok().as_ref()),
        Err(error) => matches!(error, ProcReadError::Gone),
    }
}

/// What a tracer sees of signals is chosen here: all of them stop the process.
fn matches_scope(event: &ThreadEvent, filter: &EventScope) -> bool {
    let ThreadEventKind::Delivery(SignalDelivery { siginfo: info, claimed_sender: claimed }) = &event.kind
    else {
        return true;
    };
    let sender = claimed.as_ref().and_then(|claimed| claimed.pid);
    let sent_by =
        filter.sender_pids.is_empty() || sender.is_some_and(|pid| filter.sender_pids.contains(&pid));
    filter.signals.contains(info.signal) && sent_by
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::inspect::ClaimedSender;
    use crate::signal::{Arch, Siginfo, Signal, SignalSet};

    #[test]
    fn sender_filter_compares_pid_in_our_namespace() {
        let passes_from = |senders: &[u32], pid: Option<u32>| {
            let info = Siginfo { pid: 7, ..Siginfo::from_signal(Signal::new(15).unwrap()) };
            let claimed = Some(ClaimedSender { inner_pid: 7, pid, uid: 0, name: None, is_child: false });
            let what = ThreadEventKind::Delivery(SignalDelivery { siginfo: info, claimed_sender: claimed });
            let signals = SignalSet::all(Arch::NATIVE);
            let filter = EventScope { target_pids: None, sender_pids: senders.to_vec(), signals };
            matches_scope(&ThreadEvent::new(Some(1), Some(1), SystemTime::now(), what), &filter)
        };
        assert!(passes_from(&[], None) && passes_from(&[1007], Some(1007)));
        assert!(!passes_from(&[7], Some(1007)), "that is its number in another namespace");
        assert!(!passes_from(&[7], None));
    }
}

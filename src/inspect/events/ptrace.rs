//! Signals when they are delivered, from one tracer for each process.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use super::{
    EventScope, MAX_BATCH_EVENTS, MAX_BUFFERED_EVENTS, SignalDelivery, StopStats, ThreadEvent,
    ThreadEventKind,
};
use crate::inspect::backend::BackendError;
use crate::inspect::claimed_sender::ClaimedSender;
use crate::inspect::id_map::NamespaceIdMap;
use crate::procfs::{ProcReadError, ProcReader, ProcRoot, process_has_exited};
use crate::sys::ptrace::{self, PtraceError, Tracer};

/// The traced processes and the events of their tracers.
#[derive(Debug)]
pub(super) struct PtraceEvents {
    root: ProcRoot,
    scope: EventScope,
    targets: Vec<TracedProcess>,
    buffered: VecDeque<ThreadEvent>,
    /// The processes that are no longer traced, until [`PtraceEvents::take_closed`] returns
    /// them.
    closed_pids: Vec<u32>,
    /// For how long tracing stopped the processes that are no longer traced.
    stop_stats: Vec<(u32, StopStats)>,
}

#[derive(Debug)]
struct TracedProcess {
    pid: u32,
    tracer: Tracer,
    id_map: NamespaceIdMap,
}

impl PtraceEvents {
    /// Attaches to one process after another as long as `keep_going` returns `true`. Skips
    /// processes that have exited.
    ///
    /// # Errors
    /// Returns the first process that cannot be traced, and the reason. No process is traced
    /// then.
    pub(super) fn attach_all(
        scope: &EventScope,
        pids: &[u32],
        keep_going: &dyn Fn() -> bool,
    ) -> Result<PtraceEvents, (Option<u32>, BackendError)> {
        let root = ProcRoot::default();
        let attach = |pid: u32| {
            let error = |reason: String| (Some(pid), BackendError::new(reason));
            // The namespaces of a process are unreadable once it has exited.
            let status = match root.status(pid) {
                Err(ProcReadError::Gone) => return Ok(None),
                status => status.map_err(|read_error| error(read_error.to_string()))?,
            };
            let id_map = NamespaceIdMap::new(&root, pid, &status);
            match Tracer::attach(pid) {
                Ok(tracer) => Ok(Some(TracedProcess { pid, tracer, id_map })),
                Err(PtraceError::Gone | PtraceError::Zombie) if has_exited(&root, pid) => Ok(None),
                Err(ptrace_error) => Err(error(ptrace_error.reason())),
            }
        };
        let targets = pids.iter().take_while(|_| keep_going()).filter_map(|pid| attach(*pid).transpose());
        let targets = targets.collect::<Result<_, _>>()?;
        Ok(PtraceEvents {
            root,
            scope: scope.clone(),
            targets,
            buffered: VecDeque::new(),
            closed_pids: Vec::new(),
            stop_stats: Vec::new(),
        })
    }

    pub(super) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        self.targets.iter().map(|target| target.tracer.as_fd()).collect()
    }

    /// Moves the events so far to `buffered`, unless its limit is reached.
    pub(super) fn drain_pipes(&mut self) -> io::Result<()> {
        if self.buffered.len() < MAX_BUFFERED_EVENTS { self.drain_all_pipes() } else { Ok(()) }
    }

    fn drain_all_pipes(&mut self) -> io::Result<()> {
        let mut is_open = Vec::with_capacity(self.targets.len());
        for target in &mut self.targets {
            let mut batch = Vec::new();
            is_open.push(target.tracer.read(&mut batch)?);
            target.id_map.expire();
            let events = batch.iter().map(|event| target.thread_event(&self.root, event));
            let scope = &self.scope;
            self.buffered.extend(events.filter(|event| matches_scope(event, scope)));
        }
        let mut is_open = is_open.into_iter();
        for mut target in self.targets.extract_if(.., |_| !is_open.next().unwrap_or(false)) {
            self.closed_pids.push(target.pid);
            self.stop_stats.push((target.pid, target.tracer.finish()));
        }
        Ok(())
    }

    /// Appends the next buffered events. Returns `true` if there are more.
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

    /// Detaches from all processes. Returns for how long each was stopped. Events so far can
    /// still be taken.
    pub(super) fn stop(&mut self) -> Vec<(u32, StopStats)> {
        self.targets.iter().for_each(|target| target.tracer.request_stop());
        let stop_stats: Vec<_> =
            self.targets.iter_mut().map(|target| (target.pid, target.tracer.finish())).collect();
        let closed_before = std::mem::take(&mut self.stop_stats);
        // The tracers have exited, so no more events will come. A pipe that cannot be read
        // has none left.
        let _ = self.drain_all_pipes();
        self.targets.clear();
        self.stop_stats.clear();
        closed_before.into_iter().chain(stop_stats).collect()
    }
}

impl TracedProcess {
    fn thread_event(&mut self, root: &ProcRoot, event: &ptrace::TracerEvent) -> ThreadEvent {
        let kind = match event.kind {
            ptrace::TracerEventKind::Delivered(siginfo) => ThreadEventKind::Delivery(SignalDelivery {
                siginfo,
                claimed_sender: ClaimedSender::from_siginfo(root, &mut self.id_map, &siginfo),
            }),
            ptrace::TracerEventKind::ThreadCreated => ThreadEventKind::NewThread,
            ptrace::TracerEventKind::Exec { .. } => ThreadEventKind::Exec,
            ptrace::TracerEventKind::Stopped(signal) => ThreadEventKind::JobControlStop(signal),
            ptrace::TracerEventKind::Exited(termination) => ThreadEventKind::Exited(termination),
            ptrace::TracerEventKind::Lost(count) => ThreadEventKind::Lost(count),
        };
        ThreadEvent::new(Some(self.pid), Some(event.tid), event.time, kind)
    }
}

/// Returns `true` if all threads of the process have exited, even if it is a zombie.
fn has_exited(root: &ProcRoot, pid: u32) -> bool {
    match root.status(pid) {
        Ok(status) => process_has_exited(&status, ProcReader::new(root).threads(pid, &status).ok().as_ref()),
        Err(error) => matches!(error, ProcReadError::Gone),
    }
}

/// Returns `true` if the event is in scope. A tracer reports every signal, because every
/// signal stops the process.
fn matches_scope(event: &ThreadEvent, scope: &EventScope) -> bool {
    let ThreadEventKind::Delivery(SignalDelivery { siginfo, claimed_sender }) = &event.kind else {
        return true;
    };
    let sender_pid = claimed_sender.as_ref().and_then(|claimed| claimed.pid);
    let sender_matches =
        scope.sender_pids.is_empty() || sender_pid.is_some_and(|pid| scope.sender_pids.contains(&pid));
    scope.signals.contains(siginfo.signal) && sender_matches
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::signal::{Arch, Siginfo, Signal, SignalSet};

    #[test]
    fn sender_filter_compares_pid_in_our_namespace() {
        let matches = |sender_pids: &[u32], outer_pid: Option<u32>| {
            let siginfo = Siginfo { pid: 7, ..Siginfo::from_signal(Signal::new(15).unwrap()) };
            let claimed_sender =
                Some(ClaimedSender { inner_pid: 7, pid: outer_pid, uid: 0, name: None, is_child: false });
            let kind = ThreadEventKind::Delivery(SignalDelivery { siginfo, claimed_sender });
            let signals = SignalSet::all(Arch::NATIVE);
            let scope = EventScope { target_pids: None, sender_pids: sender_pids.to_vec(), signals };
            matches_scope(&ThreadEvent::new(Some(1), Some(1), SystemTime::now(), kind), &scope)
        };
        assert!(matches(&[], None) && matches(&[1007], Some(1007)));
        assert!(!matches(&[7], Some(1007)), "7 is its PID in another namespace");
        assert!(!matches(&[7], None));
    }
}

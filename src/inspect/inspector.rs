//! Inspection of processes: the choice of the backend, and the conversion of its raw data
//! to functions, senders and timers.

use std::cell::OnceCell;
use std::time::Duration;

use super::backend::{Backend, BackendChoice, BackendError};
use super::queue;
use super::report::{Handler, IncompleteQueue, Inspection, Provenance, Unavailable};
use super::symbols::location::{CodeLocation, Region};
use super::symbols::symbolize::{UnreadableSymbols, symbolize};
use crate::procfs::{Maps, ProcReadError, ProcRoot, ProcStatus, Thread, Threads};
use crate::signal::{Arch, QueuedSignal, Sigaction, Signal, SignalSet};
use crate::sys::bpf;
use crate::sys::bpf::task_iter::{self, TaskIterator};
use crate::sys::{io::reader, ptrace};

/// The time within which a target must stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// The number of targets from which on all processes of the system are read at once.
const BULK_READ_THRESHOLD: usize = 64;

/// The parts that an inspection reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InspectionScope {
    /// The handlers.
    pub handlers: bool,
    /// The entries of the signal queues.
    pub queue: bool,
}

/// The process or thread to inspect, and its state in /proc.
#[derive(Clone, Copy, Debug)]
pub struct InspectionTarget<'a> {
    /// The PID of the process.
    pub pid: u32,
    /// The TID, if only one thread is inspected.
    pub tid: Option<u32>,
    /// The status of the process, or of the thread if only one is inspected.
    pub status: &'a ProcStatus,
    /// All threads of the process, if they are known.
    pub threads: Option<&'a Threads>,
}

/// Inspects processes of this machine.
#[derive(Debug)]
pub struct Inspector {
    root: ProcRoot,
    scope: InspectionScope,
    backend: BackendChoice,
    /// `true` if `Auto` must not fall back to ptrace, which stops processes.
    avoid_stopping: bool,
    /// The BPF program, loaded when it is first needed, because that takes some
    /// milliseconds.
    task_iter: OnceCell<Result<TaskIterator, bpf::BpfError>>,
    /// The records of all processes, if many are inspected.
    prefetched: Vec<task_iter::ProcessRecord>,
}

/// The raw data of a backend.
#[derive(Default)]
struct RawInspection {
    /// `None` if the actions could not be read.
    sigactions: Option<Vec<(Signal, Sigaction)>>,
    queue: Vec<QueuedSignal>,
    incomplete: Option<IncompleteQueue>,
    /// The pending sets at the time of the inspection: that of the process (`None`) and of
    /// each thread.
    pending: Vec<(Option<u32>, SignalSet)>,
    /// See [`Inspection::uninterruptible_threads`].
    uninterruptible_threads: Vec<(u32, bool)>,
}

impl Inspector {
    /// Returns an inspector that has read nothing yet. With `avoid_stopping`, `Auto` does not
    /// fall back to ptrace.
    pub fn new(
        root: &ProcRoot,
        scope: InspectionScope,
        backend: BackendChoice,
        avoid_stopping: bool,
    ) -> Inspector {
        Inspector {
            root: root.clone(),
            scope,
            backend,
            avoid_stopping,
            task_iter: OnceCell::new(),
            prefetched: Vec::new(),
        }
    }

    /// Replaces the BPF program by an error of loading it.
    #[cfg(test)]
    pub(crate) fn with_bpf_error(self, error: bpf::BpfError) -> Inspector {
        Inspector { task_iter: OnceCell::from(Err(error)), ..self }
    }

    /// Reads all processes at once if many of them will be inspected.
    pub fn prefetch(&mut self, count: usize) {
        if count >= BULK_READ_THRESHOLD
            && self.may_use_bpf()
            && let Ok(task_iter) = self.task_iter()
        {
            self.prefetched = task_iter.all().unwrap_or_default();
        }
    }

    /// Inspects a process, unless /proc already shows that there is nothing to read. The
    /// kind of an uninterruptible sleep is read only by BPF, and it is not an error if BPF
    /// cannot be used for that.
    ///
    /// # Errors
    /// Returns the missing permission, or another reason why no backend can be used.
    pub fn inspect(&self, target: InspectionTarget<'_>) -> Result<Inspection, BackendError> {
        if self.has_nothing_to_read(target) {
            if has_uninterruptible_thread(target)
                && self.may_use_bpf()
                && let Ok((raw, provenance)) = self.inspect_with_bpf(target)
            {
                return Ok(self.build_inspection(target, raw, provenance));
            }
            let (handlers, queue) = (self.scope.handlers.then(Vec::new), self.scope.queue.then(Vec::new));
            return Ok(Inspection { handlers, queue, ..Inspection::default() });
        }
        let (raw, provenance) = match self.backend {
            BackendChoice::Bpf => self.inspect_with_bpf(target)?,
            BackendChoice::Ptrace => self.inspect_with_ptrace(target)?,
            BackendChoice::Proc => {
                return Err(BackendError::new("/proc shows neither handlers nor queues"));
            }
            BackendChoice::Auto => match self.inspect_with_bpf(target) {
                Ok(found) => found,
                Err(bpf) if self.avoid_stopping => {
                    let ptrace = match ptrace::preflight(target.pid) {
                        Some(error) => format!("ptrace: {}", error.reason()),
                        None => "--backend ptrace would stop each process".to_owned(),
                    };
                    return Err(BackendError { reason: format!("{}; {ptrace}", bpf.reason), ..bpf });
                }
                Err(bpf) => match self.inspect_with_ptrace(target) {
                    Ok((raw, provenance)) => {
                        (raw, Provenance { fallback_reason: Some(bpf.reason), ..provenance })
                    }
                    Err(ptrace) => {
                        let reason = format!("{}; {}", bpf.reason, ptrace.reason);
                        return Err(BackendError { reason, ..bpf });
                    }
                },
            },
        };
        Ok(self.build_inspection(target, raw, provenance))
    }

    /// Returns the last lines of the verifier log, if the kernel rejected the BPF program.
    pub fn verifier_log(&self) -> &[String] {
        match self.task_iter.get() {
            Some(Err(error)) => &error.verifier_log,
            _ => &[],
        }
    }

    fn may_use_bpf(&self) -> bool {
        matches!(self.backend, BackendChoice::Auto | BackendChoice::Bpf)
    }

    /// Returns `true` if there is nothing to read: the process has exited, or it has none of
    /// the requested parts.
    fn has_nothing_to_read(&self, target: InspectionTarget<'_>) -> bool {
        let InspectionTarget { status, threads, .. } = target;
        if threads.is_some_and(Threads::all_exited) {
            return true;
        }
        let is_empty = |set: Option<SignalSet>| set.is_some_and(SignalSet::is_empty);
        let thread_pending = threads.map(Threads::pending_for_any).or(status.pending);
        let has_handlers = self.scope.handlers && !is_empty(status.caught);
        let has_queue = self.scope.queue && !(is_empty(thread_pending) && is_empty(status.shared_pending));
        !has_handlers && !has_queue
    }

    fn task_iter(&self) -> Result<&TaskIterator, BackendError> {
        let fields = task_iter::TaskFields { actions: self.scope.handlers, queue: self.scope.queue };
        self.task_iter.get_or_init(|| TaskIterator::load(fields)).as_ref().map_err(backend_error)
    }

    fn inspect_with_bpf(
        &self,
        target: InspectionTarget<'_>,
    ) -> Result<(RawInspection, Provenance), BackendError> {
        let task_iter = self.task_iter()?;
        let index = self.prefetched.binary_search_by_key(&target.pid, |process| process.pid);
        let prefetched = index.ok().and_then(|index| self.prefetched.get(index));
        let found = match (target.tid, prefetched) {
            (Some(tid), _) => task_iter.thread(tid),
            (None, Some(process)) => Ok(Some(process.clone())),
            (None, None) => task_iter.process(target.pid),
        };
        let process = found
            .map_err(|error| backend_error(&error))?
            .ok_or_else(|| BackendError::new(ProcReadError::Gone.to_string()))?;
        let shared_pending = [(None, process.pending)].into_iter();
        let thread_pending = process.threads.iter().map(|thread| (Some(thread.tid), thread.pending));
        let incomplete = process.queue_truncation.map(|truncation| match truncation {
            task_iter::QueueTruncation::TooLong => IncompleteQueue::PerQueueLimit(task_iter::MAX_QUEUED),
            task_iter::QueueTruncation::Changed => IncompleteQueue::ChangedWhileReading,
        });
        let killable = |thread: &task_iter::ThreadRecord| Some((thread.tid, thread.is_killable()?));
        let raw = RawInspection {
            sigactions: Some((1..).map_while(Signal::new_native).zip(process.actions).collect()),
            queue: process.queue,
            incomplete,
            pending: shared_pending.chain(thread_pending).collect(),
            uninterruptible_threads: process.threads.iter().filter_map(killable).collect(),
        };
        Ok((raw, Provenance::new(Backend::Bpf)))
    }

    fn inspect_with_ptrace(
        &self,
        target: InspectionTarget<'_>,
    ) -> Result<(RawInspection, Provenance), BackendError> {
        let InspectionTarget { pid, tid, .. } = target;
        let caught = target.status.caught.unwrap_or(SignalSet::all(Arch::NATIVE));
        let handlers = if self.scope.handlers { caught } else { SignalSet::EMPTY };
        let any_credentials = self.backend == BackendChoice::Ptrace;
        let request = ptrace::InspectRequest { handlers, queue: self.scope.queue, any_credentials };
        let mut provenance = Provenance::new(Backend::Ptrace);
        let found = match ptrace::inspect(pid, request, STOP_TIMEOUT) {
            // Only the handlers cannot be read.
            Err(error) if error.concerns_actions_only() && request.queue && self.scope.handlers => {
                let description = format!("the handlers ({})", error.reason());
                provenance.unavailable.push(Unavailable::Description(description));
                let request = ptrace::InspectRequest { handlers: SignalSet::EMPTY, ..request };
                ptrace::inspect(pid, request, STOP_TIMEOUT)
            }
            found => found,
        };
        let seen = found.map_err(|error| BackendError::new(format!("ptrace: {}", error.reason())))?;
        let mut queue = seen.queue;
        queue.retain(|queued| tid.is_none() || queued.tid.is_none() || queued.tid == tid);
        provenance.stop_duration = seen.longest_stop;
        let raw = RawInspection {
            sigactions: provenance.unavailable.is_empty().then_some(seen.actions),
            queue,
            incomplete: seen.truncated.then_some(IncompleteQueue::TotalLimit(ptrace::MAX_QUEUE_ENTRIES)),
            pending: if self.scope.queue { self.pending_before_and_after(target) } else { Vec::new() },
            uninterruptible_threads: Vec::new(),
        };
        Ok((raw, provenance))
    }

    /// Returns the signals that were pending before the inspection and still are.
    fn pending_before_and_after(&self, target: InspectionTarget<'_>) -> Vec<(Option<u32>, SignalSet)> {
        let InspectionTarget { pid, tid, status: before, threads } = target;
        let both = |before: Option<SignalSet>, after: Option<SignalSet>| {
            before.unwrap_or_default() & after.unwrap_or_default()
        };
        let Ok(after) = self.root.status(pid) else { return Vec::new() };
        let mut pending = vec![(None, both(before.shared_pending, after.shared_pending))];
        let thread_pending =
            |tid: u32| self.root.thread_status(pid, tid).ok().and_then(|status| status.pending);
        match (tid, threads) {
            (Some(tid), _) => pending.push((Some(tid), both(before.pending, thread_pending(tid)))),
            (None, Some(threads)) => pending.extend(
                threads
                    .iter()
                    .filter(|thread| !thread.pending.is_empty())
                    .map(|thread| (Some(thread.tid), both(Some(thread.pending), thread_pending(thread.tid)))),
            ),
            (None, None) => {}
        }
        pending
    }

    /// Converts the raw data of a backend: finds functions, senders and timers.
    fn build_inspection(
        &self,
        target: InspectionTarget<'_>,
        raw: RawInspection,
        mut provenance: Provenance,
    ) -> Inspection {
        let incomplete = raw.incomplete;
        let pid = target.pid;
        let description = incomplete.map(|incomplete| match incomplete {
            IncompleteQueue::PerQueueLimit(limit) => {
                format!("of {pid}, what waits behind the first {limit} of a queue")
            }
            IncompleteQueue::TotalLimit(limit) => {
                format!("of {pid}, what waits behind the first {limit} entries of its queues in all")
            }
            IncompleteQueue::ChangedWhileReading => {
                "what came and went in a queue while it was read".to_owned()
            }
        });
        provenance.unavailable.extend(description.map(Unavailable::Description));
        let sigactions = raw.sigactions.as_ref().filter(|_| self.scope.handlers);
        let handlers =
            sigactions.map(|sigactions| self.resolve_handlers(target, sigactions, &mut provenance));
        let queue = self.scope.queue.then(|| {
            let mut entries = queue::resolve_entries(&self.root, target.pid, target.status, &raw.queue);
            entries.extend(queue::entries_without_siginfo(&raw.queue, &raw.pending, incomplete));
            entries.sort_by_key(|entry| entry.tid);
            entries
        });
        Inspection {
            provenance: Some(provenance),
            handlers,
            queue,
            incomplete,
            uninterruptible_threads: raw.uninterruptible_threads,
        }
    }

    /// Finds the functions of the handlers and restorers.
    fn resolve_handlers(
        &self,
        target: InspectionTarget<'_>,
        sigactions: &[(Signal, Sigaction)],
        provenance: &mut Provenance,
    ) -> Vec<Handler> {
        let caught = || sigactions.iter().filter(|(_, action)| action.is_caught());
        let addresses: Vec<u64> =
            caught().flat_map(|(_, action)| [Some(action.handler), action.restorer()]).flatten().collect();
        let locations = match target.status.is_kernel_thread {
            Some(true) => {
                let kernel_location = |address: &u64| CodeLocation {
                    region: Region::Kernel,
                    is_executable: true,
                    ..CodeLocation::unknown(*address)
                };
                addresses.iter().map(kernel_location).collect()
            }
            _ => match self.read_maps(target) {
                Ok(maps) => {
                    let (locations, unreadable) = symbolize(&self.root, target.pid, &maps, &addresses);
                    let unavailable =
                        |UnreadableSymbols { file_name, reason }| Unavailable::Symbols { file_name, reason };
                    provenance.unavailable.extend(unreadable.into_iter().map(unavailable));
                    locations
                }
                Err(error) => {
                    let description = format!("which functions the handlers are ({error})");
                    provenance.unavailable.push(Unavailable::Description(description));
                    addresses.iter().map(|address| CodeLocation::unknown(*address)).collect()
                }
            },
        };
        let mut locations = locations.into_iter();
        let mut handlers: Vec<Handler> = caught()
            .filter_map(|(signal, action)| {
                let location = locations.next()?;
                let restorer_location = action.restorer().and_then(|_| locations.next());
                Some(Handler { signal: *signal, action: *action, location, restorer_location })
            })
            .collect();
        handlers.sort_by_key(|handler| handler.signal.get());
        handlers
    }

    /// Reads the memory map of the target.
    ///
    /// # Errors
    /// Returns the reason as a phrase.
    fn read_maps(&self, target: InspectionTarget<'_>) -> Result<Maps, &'static str> {
        let live_tids = target.threads.into_iter().flat_map(Threads::live).map(|thread| thread.tid);
        match self.root.maps(target.pid, live_tids.chain(target.tid), reader::read) {
            Ok(maps) if !maps.is_empty() => Ok(maps),
            Ok(_) | Err(ProcReadError::Gone) => Err("it has no memory any more"),
            Err(ProcReadError::Timeout) => Err("/proc/PID/maps did not arrive in time: its memory is locked"),
            Err(_) => Err("reading /proc/PID/maps takes the right to ptrace(2) it"),
        }
    }
}

fn has_uninterruptible_thread(target: InspectionTarget<'_>) -> bool {
    target.threads.is_some_and(|threads| threads.iter().any(Thread::is_uninterruptible))
}

fn backend_error(error: &bpf::BpfError) -> BackendError {
    BackendError { reason: format!("BPF: {}", error.kind), verifier_log: error.verifier_log.clone() }
}

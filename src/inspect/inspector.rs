//! Looking inside: which means is used, and what becomes of what it tells.

use std::cell::OnceCell;
use std::time::Duration;

use super::queue;
use super::report::{Backend, Handler, IncompleteQueue, Inspection, PendingEntry, Provenance, Unavailable};
use super::symbols::location::{CodeLocation, Region};
use super::symbols::symbolize::symbolize;
use crate::procfs::{Maps, ProcReadError, ProcRoot, ProcStatus, Thread, Threads};
use crate::signal::{Arch, QueuedSignal, Sigaction, Signal, SignalSet};
use crate::sys::bpf;
use crate::sys::bpf::task_iter::{self, TaskIterator};
use crate::sys::{ptrace, reader};

/// So long a target may take to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// From so many processes on, all there are are read in one run.
const BULK_READ_THRESHOLD: usize = 64;

/// Which means is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BackendChoice {
    /// BPF, else ptrace.
    #[default]
    Auto,
    /// BPF alone.
    Bpf,
    /// ptrace alone.
    Ptrace,
}

/// What is to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InspectionScope {
    /// The handlers.
    pub handlers: bool,
    /// What is queued.
    pub queue: bool,
}

/// Whom to look into, as /proc has just told of it.
#[derive(Clone, Copy, Debug)]
pub struct InspectionTarget<'a> {
    /// The process.
    pub pid: u32,
    /// One thread, if that alone is looked at.
    pub tid: Option<u32>,
    /// Its status; the thread's, where one is looked at.
    pub status: &'a ProcStatus,
    /// All its threads, where they are known.
    pub threads: Option<&'a Threads>,
}

/// Why nothing was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendError {
    /// The reason, in words.
    pub reason: String,
    /// The last lines of the kernel's verifier, where it has refused.
    pub verifier_log: Vec<String>,
}

/// Looks into processes of this machine, one after another.
#[derive(Debug)]
pub struct Inspector {
    root: ProcRoot,
    scope: InspectionScope,
    backend: BackendChoice,
    /// Whether a process may be stopped without having been named.
    avoid_stopping: bool,
    /// Loaded when first needed: that takes some milliseconds.
    task_iter: OnceCell<Result<TaskIterator, bpf::BpfError>>,
    /// Everything, where many are asked for.
    prefetched: Vec<task_iter::ProcessRecord>,
}

/// What a means tells.
#[derive(Default)]
struct RawInspection {
    /// `None` where they could not be seen.
    sigactions: Option<Vec<(Signal, Sigaction)>>,
    queue: Vec<QueuedSignal>,
    incomplete: Option<IncompleteQueue>,
    /// What was pending in the same moment, for whom.
    pending: Vec<(Option<u32>, SignalSet)>,
    /// See [`Inspection::uninterruptible_threads`].
    uninterruptible_threads: Vec<(u32, bool)>,
}

impl Inspector {
    /// One that has looked at nothing yet. `spare`: where BPF may not be used,
    /// nobody is stopped instead, unless ptrace is asked for by name.
    pub fn new(root: &ProcRoot, wanted: InspectionScope, backend: BackendChoice, spare: bool) -> Inspector {
        Inspector {
            root: root.clone(),
            scope: wanted,
            backend,
            avoid_stopping: spare,
            task_iter: OnceCell::new(),
            prefetched: Vec::new(),
        }
    }

    /// One to whom the kernel has refused its program so.
    #[cfg(test)]
    pub(crate) fn with_bpf_error(self, refused: bpf::BpfError) -> Inspector {
        Inspector { task_iter: OnceCell::from(Err(refused)), ..self }
    }

    /// That so many processes will be asked for: many are read in one run.
    pub fn prefetch(&mut self, count: usize) {
        if count >= BULK_READ_THRESHOLD
            && self.backend != BackendChoice::Ptrace
            && let Ok(tasks) = self.task_iter()
        {
            self.prefetched = tasks.all().unwrap_or_default();
        }
    }

    /// Looks into a process, unless /proc has told already that there is
    /// nothing to see. An uninterruptible sleep is something to see, but by BPF
    /// alone, and nothing that is missed where that may not be used.
    ///
    /// # Errors
    /// Which right is missing, or what else is in the way.
    pub fn inspect(&self, subject: InspectionTarget<'_>) -> Result<Inspection, BackendError> {
        if self.has_nothing_to_read(subject) {
            if has_uninterruptible_thread(subject)
                && self.backend != BackendChoice::Ptrace
                && let Ok((seen, means)) = self.inspect_with_bpf(subject)
            {
                return Ok(self.build_inspection(subject, seen, means));
            }
            let (handlers, queue) = (self.scope.handlers.then(Vec::new), self.scope.queue.then(Vec::new));
            return Ok(Inspection { handlers, queue, ..Inspection::default() });
        }
        let (seen, means) = match self.backend {
            BackendChoice::Bpf => self.inspect_with_bpf(subject)?,
            BackendChoice::Ptrace => self.inspect_with_ptrace(subject)?,
            BackendChoice::Auto => match self.inspect_with_bpf(subject) {
                Ok(found) => found,
                Err(bpf) if self.avoid_stopping => {
                    let or = match ptrace::preflight(subject.pid) {
                        Some(refusal) => refusal.reason(),
                        None => "--backend ptrace can inspect it but stops it for a moment".to_owned(),
                    };
                    return Err(BackendError { reason: format!("{}; {or}", bpf.reason), ..bpf });
                }
                Err(bpf) => match self.inspect_with_ptrace(subject) {
                    Ok((seen, means)) => (seen, Provenance { fallback_reason: Some(bpf.reason), ..means }),
                    Err(ptrace) => {
                        let reason = format!("{}; {}", bpf.reason, ptrace.reason);
                        return Err(BackendError { reason, ..bpf });
                    }
                },
            },
        };
        Ok(self.build_inspection(subject, seen, means))
    }

    /// The last lines of the verifier, where it has refused our program.
    pub fn verifier_log(&self) -> &[String] {
        match self.task_iter.get() {
            Some(Err(refused)) => &refused.verifier_log,
            _ => &[],
        }
    }

    /// Whether there is nothing to see: a dead process, or none of what is
    /// wanted.
    fn has_nothing_to_read(&self, subject: InspectionTarget<'_>) -> bool {
        let InspectionTarget { status, threads, .. } = subject;
        if threads.is_some_and(Threads::all_exited) {
            return true;
        }
        let is_none = |set: Option<SignalSet>| set.is_some_and(SignalSet::is_empty);
        let own = threads.map(Threads::pending_for_any).or(status.pending);
        let handlers = self.scope.handlers && !is_none(status.caught);
        let queue = self.scope.queue && !(is_none(own) && is_none(status.shared_pending));
        !handlers && !queue
    }

    fn task_iter(&self) -> Result<&TaskIterator, BackendError> {
        let want = task_iter::TaskFields { actions: self.scope.handlers, queue: self.scope.queue };
        self.task_iter.get_or_init(|| TaskIterator::load(want)).as_ref().map_err(BackendError::from_bpf)
    }

    fn inspect_with_bpf(
        &self,
        subject: InspectionTarget<'_>,
    ) -> Result<(RawInspection, Provenance), BackendError> {
        let tasks = self.task_iter()?;
        let place = self.prefetched.binary_search_by_key(&subject.pid, |process| process.pid);
        let known = place.ok().and_then(|place| self.prefetched.get(place));
        let found = match (subject.tid, known) {
            (Some(tid), _) => tasks.thread(tid),
            (None, Some(known)) => Ok(Some(known.clone())),
            (None, None) => tasks.process(subject.pid),
        };
        let process = found.map_err(|refused| BackendError::from_bpf(&refused))?;
        let process = process.ok_or_else(|| BackendError::new(&ProcReadError::Gone))?;
        let pending = [(None, process.pending)].into_iter();
        let own = process.threads.iter().map(|thread| (Some(thread.tid), thread.pending));
        let cut = process.queue_truncation.map(|cut| match cut {
            task_iter::QueueTruncation::TooLong => IncompleteQueue::PerQueueLimit(task_iter::MAX_QUEUED),
            task_iter::QueueTruncation::Changed => IncompleteQueue::ChangedWhileReading,
        });
        let actions = Some((1..).map_while(Signal::new_native).zip(process.actions).collect());
        let pending = pending.chain(own).collect();
        let sleep = |thread: &task_iter::ThreadRecord| Some((thread.tid, thread.is_killable()?));
        let sleeps = process.threads.iter().filter_map(sleep).collect();
        let seen = RawInspection {
            sigactions: actions,
            queue: process.queue,
            incomplete: cut,
            pending,
            uninterruptible_threads: sleeps,
        };
        Ok((seen, Provenance::new(Backend::Bpf)))
    }

    fn inspect_with_ptrace(
        &self,
        subject: InspectionTarget<'_>,
    ) -> Result<(RawInspection, Provenance), BackendError> {
        let InspectionTarget { pid, tid: thread, .. } = subject;
        let caught = subject.status.caught.unwrap_or(SignalSet::all(Arch::NATIVE));
        let handlers = if self.scope.handlers { caught } else { SignalSet::EMPTY };
        let any_credentials = self.backend == BackendChoice::Ptrace;
        let wanted = ptrace::InspectRequest { handlers, queue: self.scope.queue, any_credentials };
        let mut means = Provenance::new(Backend::Ptrace);
        let found = match ptrace::inspect(pid, wanted, STOP_TIMEOUT) {
            // The handlers alone are out of reach.
            Err(refusal) if refusal.concerns_actions_only() && wanted.queue && self.scope.handlers => {
                means
                    .unavailable
                    .push(Unavailable::Description(format!("the handlers, because {}", refusal.reason())));
                ptrace::inspect(
                    pid,
                    ptrace::InspectRequest { handlers: SignalSet::EMPTY, ..wanted },
                    STOP_TIMEOUT,
                )
            }
            found => found,
        };
        let seen = found.map_err(|refusal| BackendError::new(&refusal.reason()))?;
        let mut queue = seen.queue;
        queue.retain(|queued| thread.is_none() || queued.tid.is_none() || queued.tid == thread);
        let pending = if self.scope.queue { self.pending_before_and_after(subject) } else { Vec::new() };
        let actions = means.unavailable.is_empty().then_some(seen.actions);
        means.stop_duration = seen.longest_stop;
        let cut = seen.truncated.then_some(IncompleteQueue::TotalLimit(ptrace::MAX_QUEUE_ENTRIES));
        Ok((
            RawInspection {
                sigactions: actions,
                queue,
                incomplete: cut,
                pending,
                uninterruptible_threads: Vec::new(),
            },
            means,
        ))
    }

    /// What was pending before, and is so afterwards.
    fn pending_before_and_after(&self, subject: InspectionTarget<'_>) -> Vec<(Option<u32>, SignalSet)> {
        let InspectionTarget { pid, tid: thread, status: before, threads } = subject;
        let both = |one: Option<SignalSet>, other: Option<SignalSet>| {
            one.unwrap_or_default() & other.unwrap_or_default()
        };
        let Ok(status) = self.root.status(pid) else { return Vec::new() };
        let mut pending = vec![(None, both(before.shared_pending, status.shared_pending))];
        let own = |tid: u32| self.root.thread_status(pid, tid).ok().and_then(|status| status.pending);
        match (thread, threads) {
            (Some(tid), _) => pending.push((Some(tid), both(before.pending, own(tid)))),
            (None, Some(threads)) => pending.extend(
                threads
                    .iter()
                    .filter(|task| !task.pending.is_empty())
                    .map(|task| (Some(task.tid), both(Some(task.pending), own(task.tid)))),
            ),
            (None, None) => {}
        }
        pending
    }

    /// From what a means tells to what it means: functions, senders, timers.
    fn build_inspection(
        &self,
        subject: InspectionTarget<'_>,
        seen: RawInspection,
        mut means: Provenance,
    ) -> Inspection {
        let cut = seen.incomplete;
        let pid = subject.pid;
        let what = cut.map(|cut| match cut {
            IncompleteQueue::PerQueueLimit(most) => {
                format!("signals of {pid} after the first {most} of a queue")
            }
            IncompleteQueue::TotalLimit(most) => {
                format!("signals of {pid} after the first {most} in all its queues")
            }
            IncompleteQueue::ChangedWhileReading => {
                "signals that were queued or removed while a queue was read".to_owned()
            }
        });
        means.unavailable.extend(what.map(Unavailable::Description));
        let actions = seen.sigactions.as_ref().filter(|_| self.scope.handlers);
        let handlers = actions.map(|actions| self.resolve_handlers(subject, actions, &mut means));
        let read = || queue::resolve_entries(&self.root, subject.pid, subject.status, &seen.queue);
        let queue = self.scope.queue.then(|| {
            let rest = queue::entries_without_siginfo(&seen.queue, &seen.pending, cut);
            let mut entries: Vec<PendingEntry> = read().into_iter().chain(rest).collect();
            entries.sort_by_key(|entry| entry.tid);
            entries
        });
        Inspection {
            provenance: Some(means),
            handlers,
            queue,
            incomplete: cut,
            uninterruptible_threads: seen.uninterruptible_threads,
        }
    }

    fn resolve_handlers(
        &self,
        subject: InspectionTarget<'_>,
        actions: &[(Signal, Sigaction)],
        means: &mut Provenance,
    ) -> Vec<Handler> {
        let caught = || actions.iter().filter(|(_, action)| action.is_caught());
        let addresses: Vec<u64> =
            caught().flat_map(|(_, action)| [Some(action.handler), action.restorer()]).flatten().collect();
        let places = match subject.status.is_kernel_thread {
            Some(true) => {
                let place = |address: &u64| CodeLocation {
                    region: Region::Kernel,
                    is_executable: true,
                    ..CodeLocation::unknown(*address)
                };
                addresses.iter().map(place).collect()
            }
            _ => match self.read_maps(subject) {
                Ok(maps) => {
                    let (places, unseen) = symbolize(&self.root, subject.pid, &maps, &addresses);
                    means.unavailable.extend(unseen);
                    places
                }
                Err(error) => {
                    let what = format!("the functions of the handlers, because {error}");
                    means.unavailable.push(Unavailable::Description(what));
                    addresses.iter().map(|address| CodeLocation::unknown(*address)).collect()
                }
            },
        };
        let mut places = places.into_iter();
        let mut handlers: Vec<Handler> = caught()
            .filter_map(|(signal, action)| {
                let place = places.next()?;
                let restorer = action.restorer().and_then(|_| places.next());
                Some(Handler {
                    signal: *signal,
                    action: *action,
                    location: place,
                    restorer_location: restorer,
                })
            })
            .collect();
        handlers.sort_by_key(|handler| handler.signal.get());
        handlers
    }

    /// The mappings; in words why they may not be read.
    fn read_maps(&self, subject: InspectionTarget<'_>) -> Result<Maps, &'static str> {
        let live = subject.threads.into_iter().flat_map(Threads::live).map(|task| task.tid);
        match self.root.maps(subject.pid, live.chain(subject.tid), reader::read) {
            Ok(maps) if !maps.is_empty() => Ok(maps),
            Ok(_) | Err(ProcReadError::Gone) => Err("the process has no memory mappings left"),
            Err(ProcReadError::Timeout) => Err("reading /proc/PID/maps timed out (the memory map is locked)"),
            Err(_) => Err("reading /proc/PID/maps needs permission to ptrace it"),
        }
    }
}

/// Whether one of its threads is in an uninterruptible sleep.
fn has_uninterruptible_thread(subject: InspectionTarget<'_>) -> bool {
    subject.threads.is_some_and(|threads| threads.iter().any(Thread::is_uninterruptible))
}

impl Provenance {
    fn new(used: Backend) -> Provenance {
        Provenance {
            backend: used,
            stop_duration: Duration::ZERO,
            unavailable: Vec::new(),
            fallback_reason: None,
        }
    }
}

impl BackendError {
    fn new(reason: &impl ToString) -> BackendError {
        BackendError { reason: reason.to_string(), verifier_log: Vec::new() }
    }

    fn from_bpf(refused: &bpf::BpfError) -> BackendError {
        BackendError { reason: refused.kind.to_string(), verifier_log: refused.verifier_log.clone() }
    }
}

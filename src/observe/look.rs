//! Looking inside: which means is used, and what becomes of what it tells.

use std::cell::OnceCell;
use std::time::Duration;

use super::inside::{Cut, Entry, Handler, Inside, Means, Unseen, Used};
use super::locate::locate;
use super::place::{Area, Place};
use super::queue;
use crate::proc::{Maps, ReadError, Root, Status, Task, Threads};
use crate::signal::{Arch, Queued, Sigaction, Signal, SignalSet};
use crate::sys::bpf;
use crate::sys::bpf::tasks::{self, Tasks};
use crate::sys::{ptrace, reader};

/// So long a target may take to stop.
const PATIENCE: Duration = Duration::from_secs(2);

/// From so many processes on, all there are are read in one run.
const MANY: usize = 64;

/// Which means is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
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
pub struct Wanted {
    /// The handlers.
    pub handlers: bool,
    /// What is queued.
    pub queue: bool,
}

/// Whom to look into, as /proc has just told of it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The process.
    pub pid: u32,
    /// One thread, if that alone is looked at.
    pub thread: Option<u32>,
    /// Its status; the thread's, where one is looked at.
    pub status: &'a Status,
    /// All its threads, where they are known.
    pub threads: Option<&'a Threads>,
}

/// Why nothing was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The reason, in words.
    pub reason: String,
    /// The last lines of the kernel's verifier, where it has refused.
    pub verifier: Vec<String>,
}

/// Looks into processes of this machine, one after another.
#[derive(Debug)]
pub struct Observer {
    root: Root,
    wanted: Wanted,
    backend: Backend,
    /// Whether a process may be stopped without having been named.
    spare: bool,
    /// Loaded when first needed: that takes some milliseconds.
    tasks: OnceCell<Result<Tasks, bpf::Refused>>,
    /// Everything, where many are asked for.
    all: Vec<tasks::Process>,
}

/// What a means tells.
#[derive(Default)]
struct Seen {
    /// `None` where they could not be seen.
    actions: Option<Vec<(Signal, Sigaction)>>,
    queue: Vec<Queued>,
    cut: Option<Cut>,
    /// What was pending in the same moment, for whom.
    pending: Vec<(Option<u32>, SignalSet)>,
    /// See [`Inside::sleeps`].
    sleeps: Vec<(u32, bool)>,
}

impl Observer {
    /// One that has looked at nothing yet. `spare`: where BPF may not be used,
    /// nobody is stopped instead, unless ptrace is asked for by name.
    pub fn new(root: &Root, wanted: Wanted, backend: Backend, spare: bool) -> Observer {
        Observer { root: root.clone(), wanted, backend, spare, tasks: OnceCell::new(), all: Vec::new() }
    }

    /// One to whom the kernel has refused its program so.
    #[cfg(test)]
    pub(crate) fn that_is(self, refused: bpf::Refused) -> Observer {
        Observer { tasks: OnceCell::from(Err(refused)), ..self }
    }

    /// That so many processes will be asked for: many are read in one run.
    pub fn expect(&mut self, count: usize) {
        if count >= MANY
            && self.backend != Backend::Ptrace
            && let Ok(tasks) = self.tasks()
        {
            self.all = tasks.all().unwrap_or_default();
        }
    }

    /// Looks into a process, unless /proc has told already that there is
    /// nothing to see. An uninterruptible sleep is something to see, but by BPF
    /// alone, and nothing that is missed where that may not be used.
    ///
    /// # Errors
    /// Which right is missing, or what else is in the way.
    pub fn look(&self, subject: Subject<'_>) -> Result<Inside, Refused> {
        if self.is_nothing(subject) {
            if is_asleep(subject)
                && self.backend != Backend::Ptrace
                && let Ok((seen, means)) = self.by_bpf(subject)
            {
                return Ok(self.tell(subject, seen, means));
            }
            let (handlers, queue) = (self.wanted.handlers.then(Vec::new), self.wanted.queue.then(Vec::new));
            return Ok(Inside { handlers, queue, ..Inside::default() });
        }
        let (seen, means) = match self.backend {
            Backend::Bpf => self.by_bpf(subject)?,
            Backend::Ptrace => self.by_ptrace(subject)?,
            Backend::Auto => match self.by_bpf(subject) {
                Ok(found) => found,
                Err(bpf) if self.spare => {
                    let or = match ptrace::foresee(subject.pid) {
                        Some(refusal) => format!("ptrace: {}", refusal.reason()),
                        None => "--backend ptrace would stop each process".to_owned(),
                    };
                    return Err(Refused { reason: format!("{}; {or}", bpf.reason), ..bpf });
                }
                Err(bpf) => match self.by_ptrace(subject) {
                    Ok((seen, means)) => (seen, Means { instead: Some(bpf.reason), ..means }),
                    Err(ptrace) => {
                        let reason = format!("{}; {}", bpf.reason, ptrace.reason);
                        return Err(Refused { reason, ..bpf });
                    }
                },
            },
        };
        Ok(self.tell(subject, seen, means))
    }

    /// The last lines of the verifier, where it has refused our program.
    pub fn verifier(&self) -> &[String] {
        match self.tasks.get() {
            Some(Err(refused)) => &refused.verifier,
            _ => &[],
        }
    }

    /// Whether there is nothing to see: a dead process, or none of what is
    /// wanted.
    fn is_nothing(&self, subject: Subject<'_>) -> bool {
        let Subject { status, threads, .. } = subject;
        if threads.is_some_and(Threads::are_ended) {
            return true;
        }
        let is_none = |set: Option<SignalSet>| set.is_some_and(SignalSet::is_empty);
        let own = threads.map(Threads::pending).or(status.pending);
        let handlers = self.wanted.handlers && !is_none(status.caught);
        let queue = self.wanted.queue && !(is_none(own) && is_none(status.shared_pending));
        !handlers && !queue
    }

    fn tasks(&self) -> Result<&Tasks, Refused> {
        let want = tasks::Want { handlers: self.wanted.handlers, queue: self.wanted.queue };
        self.tasks.get_or_init(|| Tasks::load(want)).as_ref().map_err(Refused::by_bpf)
    }

    fn by_bpf(&self, subject: Subject<'_>) -> Result<(Seen, Means), Refused> {
        let tasks = self.tasks()?;
        let place = self.all.binary_search_by_key(&subject.pid, |process| process.pid);
        let known = place.ok().and_then(|place| self.all.get(place));
        let found = match (subject.thread, known) {
            (Some(tid), _) => tasks.thread(tid),
            (None, Some(known)) => Ok(Some(known.clone())),
            (None, None) => tasks.process(subject.pid),
        };
        let process = found.map_err(|refused| Refused::by_bpf(&refused))?;
        let process = process.ok_or_else(|| Refused::plain(&ReadError::Gone))?;
        let pending = [(None, process.pending)].into_iter();
        let own = process.threads.iter().map(|thread| (Some(thread.tid), thread.pending));
        let cut = process.cut.map(|cut| match cut {
            tasks::Cut::Limit => Cut::Limit(tasks::MOST_QUEUED),
            tasks::Cut::Changed => Cut::Changed,
        });
        let actions = Some((1..).map_while(Signal::native).zip(process.handlers).collect());
        let pending = pending.chain(own).collect();
        let sleep = |thread: &tasks::Thread| Some((thread.tid, thread.is_killable()?));
        let sleeps = process.threads.iter().filter_map(sleep).collect();
        let seen = Seen { actions, queue: process.queue, cut, pending, sleeps };
        Ok((seen, Means::of(Used::Bpf)))
    }

    fn by_ptrace(&self, subject: Subject<'_>) -> Result<(Seen, Means), Refused> {
        let Subject { pid, thread, .. } = subject;
        let caught = subject.status.caught.unwrap_or(SignalSet::all(Arch::NATIVE));
        let handlers = if self.wanted.handlers { caught } else { SignalSet::EMPTY };
        let any_credentials = self.backend == Backend::Ptrace;
        let wanted = ptrace::Wanted { handlers, queue: self.wanted.queue, any_credentials };
        let mut means = Means::of(Used::Ptrace);
        let found = match ptrace::look(pid, wanted, PATIENCE) {
            // The handlers alone are out of reach.
            Err(refusal) if refusal.is_of_actions() && wanted.queue && self.wanted.handlers => {
                means.unseen.push(Unseen::Words(format!("the handlers ({})", refusal.reason())));
                ptrace::look(pid, ptrace::Wanted { handlers: SignalSet::EMPTY, ..wanted }, PATIENCE)
            }
            found => found,
        };
        let seen = found.map_err(|refusal| Refused::plain(&format!("ptrace: {}", refusal.reason())))?;
        let mut queue = seen.queue;
        queue.retain(|queued| thread.is_none() || queued.thread.is_none() || queued.thread == thread);
        let pending = if self.wanted.queue { self.still_pending(subject) } else { Vec::new() };
        let actions = means.unseen.is_empty().then_some(seen.actions);
        means.stopped = seen.stopped;
        let cut = seen.cut.then_some(Cut::LimitOfAll(ptrace::MOST_QUEUED));
        Ok((Seen { actions, queue, cut, pending, sleeps: Vec::new() }, means))
    }

    /// What was pending before, and is so afterwards.
    fn still_pending(&self, subject: Subject<'_>) -> Vec<(Option<u32>, SignalSet)> {
        let Subject { pid, thread, status: before, threads } = subject;
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
    fn tell(&self, subject: Subject<'_>, seen: Seen, mut means: Means) -> Inside {
        let cut = seen.cut;
        let pid = subject.pid;
        let what = cut.map(|cut| match cut {
            Cut::Limit(most) => format!("of {pid}, what waits behind the first {most} of a queue"),
            Cut::LimitOfAll(most) => {
                format!("of {pid}, what waits behind the first {most} entries of its queues in all")
            }
            Cut::Changed => "what came and went in a queue while it was read".to_owned(),
        });
        means.unseen.extend(what.map(Unseen::Words));
        let actions = seen.actions.as_ref().filter(|_| self.wanted.handlers);
        let handlers = actions.map(|actions| self.handlers(subject, actions, &mut means));
        let read = || queue::read(&self.root, subject.pid, subject.status, &seen.queue);
        let queue = self.wanted.queue.then(|| {
            let rest = queue::rest(&seen.queue, &seen.pending, cut);
            let mut entries: Vec<Entry> = read().into_iter().chain(rest).collect();
            entries.sort_by_key(|entry| entry.thread);
            entries
        });
        Inside { means: Some(means), handlers, queue, cut, sleeps: seen.sleeps }
    }

    fn handlers(
        &self,
        subject: Subject<'_>,
        actions: &[(Signal, Sigaction)],
        means: &mut Means,
    ) -> Vec<Handler> {
        let caught = || actions.iter().filter(|(_, action)| action.is_caught());
        let addresses: Vec<u64> =
            caught().flat_map(|(_, action)| [Some(action.handler), action.restorer()]).flatten().collect();
        let places = match subject.status.kernel_thread {
            Some(true) => {
                let place = |address: &u64| Place {
                    area: Area::Kernel,
                    executable: true,
                    ..Place::unknown(*address)
                };
                addresses.iter().map(place).collect()
            }
            _ => match self.maps(subject) {
                Ok(maps) => {
                    let (places, unseen) = locate(&self.root, subject.pid, &maps, &addresses);
                    means.unseen.extend(unseen);
                    places
                }
                Err(error) => {
                    let what = format!("which functions the handlers are ({error})");
                    means.unseen.push(Unseen::Words(what));
                    addresses.iter().map(|address| Place::unknown(*address)).collect()
                }
            },
        };
        let mut places = places.into_iter();
        let mut handlers: Vec<Handler> = caught()
            .filter_map(|(signal, action)| {
                let place = places.next()?;
                let restorer = action.restorer().and_then(|_| places.next());
                Some(Handler { signal: *signal, action: *action, place, restorer })
            })
            .collect();
        handlers.sort_by_key(|handler| handler.signal.get());
        handlers
    }

    /// The mappings; in words why they may not be read.
    fn maps(&self, subject: Subject<'_>) -> Result<Maps, &'static str> {
        let live = subject.threads.into_iter().flat_map(Threads::live).map(|task| task.tid);
        match self.root.maps(subject.pid, live.chain(subject.thread), reader::read) {
            Ok(maps) if !maps.is_empty() => Ok(maps),
            Ok(_) | Err(ReadError::Gone) => Err("it has no memory any more"),
            Err(ReadError::Timeout) => Err("/proc/PID/maps did not arrive in time: its memory is locked"),
            Err(_) => Err("reading /proc/PID/maps takes the right to ptrace(2) it"),
        }
    }
}

/// Whether one of its threads is in an uninterruptible sleep.
fn is_asleep(subject: Subject<'_>) -> bool {
    subject.threads.is_some_and(|threads| threads.iter().any(Task::is_asleep))
}

impl Means {
    fn of(used: Used) -> Means {
        Means { used, stopped: Duration::ZERO, unseen: Vec::new(), instead: None }
    }
}

impl Refused {
    fn plain(reason: &impl ToString) -> Refused {
        Refused { reason: reason.to_string(), verifier: Vec::new() }
    }

    fn by_bpf(refused: &bpf::Refused) -> Refused {
        Refused { reason: format!("BPF: {}", refused.reason), verifier: refused.verifier.clone() }
    }
}

//! Every signal of other processes, as it happens: where it is generated (BPF),
//! or where it is delivered (ptrace).

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, SystemTime};

use super::inside::Used;
use super::look::{Backend, Refused};
use crate::signal::exit::Ending;
use crate::signal::info::Origin;
use crate::signal::{Info, SignalSet};
use crate::sys::bpf::generate::{self, Generated, Told, Watch, wall_time};
use crate::sys::ptrace::{self, Tracer};

pub use crate::sys::bpf::generate::Outcome;

/// How long a buffer fills before the next batch is taken: each waking of a
/// reader costs those who are looked at more than the signals do.
const PACE: Duration = Duration::from_millis(5);

/// So many signals wait at most to be taken, outside of BPF's buffer; what comes
/// then, and does not fit in there, is lost. About 60 MB.
const MOST_WAITING: usize = 1 << 18;

/// So many are taken at once.
const BATCH: usize = 512;

/// What is to be seen.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Signals for these processes; `None` for those of all, which takes BPF.
    pub targets: Option<Vec<u32>>,
    /// Only what these processes send; from any where it is empty.
    pub senders: Vec<u32>,
    /// Only these.
    pub signals: SignalSet,
}

/// Something that happened to a thread of another process.
#[derive(Clone, Debug)]
pub struct Event {
    /// When.
    pub time: SystemTime,
    /// The process; `None` where it has no number in our pid namespace.
    pub pid: Option<u32>,
    /// The thread that it happened to, or that the kernel had chosen to be told
    /// of the process's signal.
    pub tid: Option<u32>,
    /// The thread's name, where the means tells it.
    pub name: Option<Vec<u8>>,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum What {
    /// A signal was generated.
    Generated(Sent),
    /// A signal is delivered, also one that is ignored. Who sent it is claimed,
    /// in the numbers of the target's pid namespace.
    Delivered(Info),
    /// The thread is new.
    Thread,
    /// The process executes another program.
    Exec,
    /// The thread has ended; with the main thread, the process.
    Ended(Option<Ending>),
    /// So many events are lost.
    Lost(u64),
}

/// A signal that was generated.
#[derive(Clone, Debug)]
pub struct Sent {
    /// What a receiver is told. Who it says has sent it is claimed where the
    /// code is not [verified](Info::is_verified).
    pub info: Info,
    /// Whether it is for the whole process, or for the thread alone.
    pub for_process: bool,
    /// Who sent it; `None` where it was the kernel, or a timer: then whoever
    /// happened to run is none of it.
    pub sender: Option<Sender>,
    /// Whether the kernel has raised it in a system call of the sender's, or of
    /// the target's own.
    pub raised: bool,
    /// What has become of it at once.
    pub outcome: Outcome,
}

/// Who sent a signal, in the moment of the sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The process; `None` where it has no number in our pid namespace.
    pub pid: Option<u32>,
    /// Its thread.
    pub tid: Option<u32>,
    /// Its real user.
    pub uid: u32,
    /// The thread's name.
    pub name: Vec<u8>,
}

/// A view of the signals; it ends when this is dropped.
#[derive(Debug)]
pub struct Events(Source);

#[derive(Debug)]
enum Source {
    Bpf {
        watch: Watch,
        waiting: VecDeque<Generated>,
        batch: Vec<Generated>,
        told: u64,
        boot: SystemTime,
    },
    Ptrace {
        tracers: Vec<(u32, Tracer)>,
        waiting: VecDeque<(u32, ptrace::Event)>,
        filter: Filter,
        closed: Vec<u32>,
    },
}

impl Events {
    /// Begins to look. `Auto` is BPF alone: ptrace stops a process at each of its
    /// signals, so it is to be asked for.
    ///
    /// # Errors
    /// Why nothing can be seen, for the first process of which that is so;
    /// none is looked at then.
    pub fn open(filter: &Filter, backend: Backend) -> Result<Events, (Option<u32>, Refused)> {
        match (backend, &filter.targets) {
            (Backend::Auto | Backend::Bpf, _) => Events::by_bpf(filter).map_err(|refused| (None, refused)),
            (Backend::Ptrace, Some(pids)) => Events::by_ptrace(filter, pids),
            (Backend::Ptrace, None) => {
                let reason = "ptrace sees processes that are named, not all of them".to_owned();
                Err((None, Refused { reason, verifier: Vec::new() }))
            }
        }
    }

    fn by_bpf(filter: &Filter) -> Result<Events, Refused> {
        let filter = generate::Filter {
            targets: filter.targets.clone().unwrap_or_default(),
            senders: filter.senders.clone(),
            signals: filter.signals,
        };
        let watch = Watch::start(&filter)
            .map_err(|refused| Refused { reason: refused.reason.to_string(), verifier: refused.verifier })?;
        let boot = wall_time(Duration::ZERO);
        Ok(Events(Source::Bpf { watch, waiting: VecDeque::new(), batch: Vec::new(), told: 0, boot }))
    }

    fn by_ptrace(filter: &Filter, pids: &[u32]) -> Result<Events, (Option<u32>, Refused)> {
        let tracers = pids.iter().map(|pid| {
            let refused = |why: ptrace::Refusal| Refused { reason: why.reason(), verifier: Vec::new() };
            Ok((*pid, Tracer::attach(*pid).map_err(|why| (Some(*pid), refused(why)))?))
        });
        let tracers = tracers.collect::<Result<Vec<_>, _>>()?;
        let (waiting, filter, closed) = (VecDeque::new(), filter.clone(), Vec::new());
        Ok(Events(Source::Ptrace { tracers, waiting, filter, closed }))
    }

    /// Which means it is.
    pub fn used(&self) -> Used {
        match self.0 {
            Source::Bpf { .. } => Used::Bpf,
            Source::Ptrace { .. } => Used::Ptrace,
        }
    }

    /// What has something to read when something has happened.
    pub fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        match &self.0 {
            Source::Bpf { watch, .. } => vec![watch.as_fd()],
            Source::Ptrace { tracers, .. } => tracers.iter().map(|(_, tracer)| tracer.as_fd()).collect(),
        }
    }

    /// How long to wait, once there is something to read, for more to come.
    pub fn pace(&self) -> Duration {
        PACE
    }

    /// Takes what has happened by now out of the kernel's buffer, and keeps it.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn gather(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Source::Bpf { watch, waiting, batch, .. } => {
                let mut more = true;
                while more && waiting.len() < MOST_WAITING {
                    batch.clear();
                    more = watch.read_batch(batch);
                    waiting.extend(batch.drain(..));
                }
            }
            Source::Ptrace { tracers, waiting, filter, closed } if waiting.len() < MOST_WAITING => {
                let mut open = Vec::with_capacity(tracers.len());
                for (pid, tracer) in tracers.iter_mut() {
                    let mut batch = Vec::new();
                    open.push(tracer.read(&mut batch)?);
                    let seen = batch.into_iter().filter(|event| passes(event, filter));
                    waiting.extend(seen.map(|event| (*pid, event)));
                }
                let mut open = open.into_iter();
                let gone = tracers.extract_if(.., |_| !open.next().unwrap_or(false));
                closed.extend(gone.map(|(pid, _)| pid));
            }
            Source::Ptrace { .. } => {}
        }
        Ok(())
    }

    /// The next of what has happened by now, in order; gives whether there is
    /// more.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn read(&mut self, events: &mut Vec<Event>) -> io::Result<bool> {
        // All of it leaves the buffer at once: what is told takes longer than what
        // is sent.
        self.gather()?;
        match &mut self.0 {
            Source::Bpf { watch, waiting, told, boot, .. } => {
                *boot = calendar(*boot);
                let next = waiting.drain(..waiting.len().min(BATCH));
                events.extend(next.map(|signal| generated(&signal, *boot)));
                if waiting.is_empty() {
                    waiting.shrink_to(BATCH);
                    let lost = watch.lost()?;
                    if lost > *told {
                        events.push(Event::of(None, None, SystemTime::now(), What::Lost(lost - *told)));
                        *told = lost;
                    }
                }
                Ok(!waiting.is_empty())
            }
            Source::Ptrace { waiting, .. } => {
                let next = waiting.drain(..waiting.len().min(BATCH));
                events.extend(next.map(|(pid, event)| traced(pid, &event)));
                Ok(!waiting.is_empty())
            }
        }
    }

    /// How many events are kept that nobody has taken yet.
    pub fn left(&self) -> usize {
        match &self.0 {
            Source::Bpf { waiting, .. } => waiting.len(),
            Source::Ptrace { waiting, .. } => waiting.len(),
        }
    }

    /// The processes that are not seen any more since this was asked last: they
    /// have ended, or who traced them has.
    pub fn closed(&mut self) -> Vec<u32> {
        match &mut self.0 {
            Source::Bpf { .. } => Vec::new(),
            Source::Ptrace { closed, .. } => std::mem::take(closed),
        }
    }
}

impl Event {
    fn of(pid: Option<u32>, tid: Option<u32>, time: SystemTime, what: What) -> Event {
        Event { time, pid, tid, name: None, what }
    }
}

fn known(number: u32) -> Option<u32> {
    (number != 0).then_some(number)
}

/// What a time since boot is added to, to be one of the calendar. It is kept as
/// long as the clock is not set anew, so that no event seems to be before
/// another that it came after.
fn calendar(kept: SystemTime) -> SystemTime {
    let now = wall_time(Duration::ZERO);
    let apart = now.duration_since(kept).unwrap_or_else(|error| error.duration());
    if apart < Duration::from_millis(1) { kept } else { now }
}

fn generated(signal: &Generated, boot: SystemTime) -> Event {
    let party = signal.sender;
    let sender = Sender {
        pid: known(party.pid),
        tid: known(party.tid),
        uid: party.uid,
        name: party.name.as_bytes().to_vec(),
    };
    let info = signal.info();
    // A kill(2) is for a process. What is for a thread and tells nothing is the
    // kernel's doing, in a system call of whoever ran: a broken pipe's PIPE.
    let raised = matches!(signal.told, Told::Nothing) && !signal.for_process;
    let of_kernel = info.code > 0 && !matches!(info.origin(), Origin::Child { .. });
    let own = raised && signal.sender.tid == signal.target.tid;
    let what = What::Generated(Sent {
        info,
        for_process: signal.for_process,
        sender: (!signal.is_bystander() && !of_kernel && !own).then_some(sender),
        raised,
        outcome: signal.outcome,
    });
    let target = signal.target;
    let name = Some(target.name.as_bytes().to_vec());
    Event { name, ..Event::of(known(target.pid), known(target.tid), boot + signal.time, what) }
}

/// What a tracer sees of signals is chosen here: all of them stop the process.
fn passes(event: &ptrace::Event, filter: &Filter) -> bool {
    match &event.what {
        ptrace::What::Delivered(info) => {
            let sent_by = filter.senders.is_empty() || filter.senders.contains(&info.pid);
            filter.signals.contains(info.signal) && sent_by
        }
        _ => true,
    }
}

fn traced(pid: u32, event: &ptrace::Event) -> Event {
    let what = match event.what {
        ptrace::What::Delivered(info) => What::Delivered(info),
        ptrace::What::Thread => What::Thread,
        ptrace::What::Exec { .. } => What::Exec,
        ptrace::What::Ended(ending) => What::Ended(ending),
        ptrace::What::Lost(count) => What::Lost(count),
    };
    Event::of(Some(pid), Some(event.tid), event.time, what)
}

//! Every signal of other processes, as it happens: where it is generated (BPF),
//! or where it is delivered (ptrace).

mod generated;
mod traced;

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, SystemTime};

use super::inside::Used;
use super::look::{Backend, Refused};
use super::sender::Claimed;
use crate::signal::exit::Ending;
use crate::signal::{Info, Signal, SignalSet};
use generated::Generation;
use traced::Traced;

pub use crate::sys::bpf::generate::Outcome;
pub use crate::sys::ptrace::Stops;

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
    /// A signal is delivered, also one that is ignored.
    Delivered(Delivered),
    /// The thread is new.
    Thread,
    /// The process executes another program.
    Exec,
    /// This signal has stopped the process, as job control does.
    Stopped(Signal),
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
    /// Whether it names its sender.
    pub named: Named,
    /// What has become of it at once.
    pub outcome: Outcome,
}

/// A signal that is delivered.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// What the target is told, in the numbers of its own namespaces.
    pub info: Info,
    /// Whom that names, in our numbers; nobody has looked for a name.
    pub claimed: Option<Claimed>,
}

/// Whether a signal names who has sent it, in its siginfo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// It does, or names nobody.
    Right,
    /// Another one.
    Another {
        /// By this number, where that is not the sender's.
        pid: Option<u32>,
        /// Of this user, where that is not the sender's.
        uid: Option<u32>,
    },
    /// It names somebody; whether that is the sender is not known, for the number
    /// is one of another namespace.
    Unknown,
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
    Bpf(Generation),
    Ptrace(Traced),
}

impl Events {
    /// Begins to look. `Auto` is BPF alone: ptrace stops a process at each of its
    /// signals, so it is to be asked for. That begins with one process after
    /// another, as long as it `goes_on`; those that have ended are left out.
    ///
    /// # Errors
    /// Why nothing can be seen, for the first process of which that is so;
    /// none is looked at then.
    pub fn open(
        filter: &Filter,
        backend: Backend,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Events, (Option<u32>, Refused)> {
        match (backend, &filter.targets) {
            (Backend::Auto | Backend::Bpf, _) => match Generation::begin(filter) {
                Ok(generation) => Ok(Events(Source::Bpf(generation))),
                Err(refused) => Err((None, refused)),
            },
            (Backend::Ptrace, Some(pids)) => {
                Ok(Events(Source::Ptrace(Traced::begin(filter, pids, goes_on)?)))
            }
            (Backend::Ptrace, None) => {
                let reason = "ptrace sees processes that are named, not all of them".to_owned();
                Err((None, Refused { reason, verifier: Vec::new() }))
            }
        }
    }

    /// Which means it is.
    pub fn used(&self) -> Used {
        match self.0 {
            Source::Bpf(_) => Used::Bpf,
            Source::Ptrace(_) => Used::Ptrace,
        }
    }

    /// What has something to read when something has happened.
    pub fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        match &self.0 {
            Source::Bpf(generation) => vec![generation.descriptor()],
            Source::Ptrace(traced) => traced.descriptors(),
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
            Source::Bpf(generation) => {
                generation.gather();
                Ok(())
            }
            Source::Ptrace(traced) => traced.gather(),
        }
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
            Source::Bpf(generation) => generation.take(events),
            Source::Ptrace(traced) => Ok(traced.take(events)),
        }
    }

    /// Whether a process of this number is still traced, so that more of it may
    /// come even if it has ended.
    pub fn traces(&self, pid: u32) -> bool {
        match &self.0 {
            Source::Bpf(_) => false,
            Source::Ptrace(traced) => traced.traces(pid),
        }
    }

    /// The processes that are not seen any more since this was asked last: they
    /// have ended, or who traced them has.
    pub fn closed(&mut self) -> Vec<u32> {
        match &mut self.0 {
            Source::Bpf(_) => Vec::new(),
            Source::Ptrace(traced) => traced.closed(),
        }
    }

    /// Ends the looking; gives how long each process stood still for it, where
    /// the means stops them. What has happened by then is still to be read, and
    /// how much of it is lost.
    pub fn finish(&mut self) -> Vec<(u32, Stops)> {
        match &mut self.0 {
            Source::Bpf(generation) => {
                generation.finish();
                Vec::new()
            }
            Source::Ptrace(traced) => traced.finish(),
        }
    }
}

impl Event {
    fn of(pid: Option<u32>, tid: Option<u32>, time: SystemTime, what: What) -> Event {
        Event { time, pid, tid, name: None, what }
    }
}

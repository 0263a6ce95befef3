//! Every signal of other processes, as it happens: where it is generated (BPF),
//! or where it is delivered (ptrace).

mod bpf;
mod ptrace;

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, SystemTime};

use super::claimed_sender::ClaimedSender;
use super::inspector::{BackendChoice, BackendError};
use super::report::Backend;
use crate::signal::exit_status::Termination;
use crate::signal::{Siginfo, Signal, SignalSet};
use bpf::BpfEvents;
use ptrace::PtraceEvents;

pub use crate::sys::bpf::signal_generate::GenerateResult;
pub use crate::sys::ptrace::StopStats;

/// How long a buffer fills before the next batch is taken: each waking of a
/// reader costs those who are looked at more than the signals do.
const BATCH_DELAY: Duration = Duration::from_millis(5);

/// So many signals wait at most to be taken, outside of BPF's buffer; what comes
/// then, and does not fit in there, is lost. About 60 MB.
const MAX_BUFFERED_EVENTS: usize = 1 << 18;

/// So many are taken at once.
const MAX_BATCH_EVENTS: usize = 512;

/// What is to be seen.
#[derive(Clone, Debug)]
pub struct EventScope {
    /// Signals for these processes; `None` for those of all, which takes BPF.
    pub target_pids: Option<Vec<u32>>,
    /// Only what these processes send; from any where it is empty.
    pub sender_pids: Vec<u32>,
    /// Only these.
    pub signals: SignalSet,
}

/// Something that happened to a thread of another process.
#[derive(Clone, Debug)]
pub struct ThreadEvent {
    /// When.
    pub time: SystemTime,
    /// The process; `None` where it has no number in our pid namespace.
    pub pid: Option<u32>,
    /// The thread that it happened to, or that the kernel had chosen to be told
    /// of the process's signal.
    pub tid: Option<u32>,
    /// The thread's name, where the means tells it.
    pub thread_name: Option<Vec<u8>>,
    /// What happened.
    pub kind: ThreadEventKind,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum ThreadEventKind {
    /// A signal was generated.
    Generation(SignalGeneration),
    /// A signal is delivered, also one that is ignored.
    Delivery(SignalDelivery),
    /// The thread is new.
    NewThread,
    /// The process executes another program.
    Exec,
    /// This signal has stopped the process, as job control does.
    JobControlStop(Signal),
    /// The thread has ended; with the main thread, the process.
    Exited(Option<Termination>),
    /// So many events are lost.
    Lost(u64),
}

/// A signal that was generated.
#[derive(Clone, Debug)]
pub struct SignalGeneration {
    /// What a receiver is told. Who it says has sent it is claimed where the
    /// code is not [verified](Siginfo::is_verified).
    pub siginfo: Siginfo,
    /// Whether it is for the whole process, or for the thread alone.
    pub is_process_directed: bool,
    /// Who sent it; `None` where it was the kernel, or a timer: then whoever
    /// happened to run is none of it.
    pub sender: Option<VerifiedSender>,
    /// Whether the kernel has raised it in a system call of the sender's, or of
    /// the target's own.
    pub is_raised_by_kernel: bool,
    /// Whether it names its sender.
    pub sender_match: SenderMatch,
    /// What has become of it at once.
    pub generate_result: GenerateResult,
}

/// A signal that is delivered.
#[derive(Clone, Debug)]
pub struct SignalDelivery {
    /// What the target is told, in the numbers of its own namespaces.
    pub siginfo: Siginfo,
    /// Whom that names, in our numbers; nobody has looked for a name.
    pub claimed_sender: Option<ClaimedSender>,
}

/// Whether a signal names who has sent it, in its siginfo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SenderMatch {
    /// It does, or names nobody.
    Matches,
    /// Another one.
    Differs {
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
pub struct VerifiedSender {
    /// The process; `None` where it has no number in our pid namespace.
    pub pid: Option<u32>,
    /// Its thread.
    pub tid: Option<u32>,
    /// Its real user.
    pub uid: u32,
    /// The thread's name.
    pub thread_name: Vec<u8>,
}

/// A view of the signals; it ends when this is dropped.
#[derive(Debug)]
pub struct EventStream(EventSource);

#[derive(Debug)]
enum EventSource {
    Bpf(BpfEvents),
    Ptrace(PtraceEvents),
}

impl EventStream {
    /// Begins to look. `Auto` is BPF alone: ptrace stops a process at each of its
    /// signals, so it is to be asked for. That begins with one process after
    /// another, as long as it `goes_on`; those that have ended are left out.
    ///
    /// # Errors
    /// Why nothing can be seen, for the first process of which that is so;
    /// none is looked at then.
    pub fn open(
        filter: &EventScope,
        backend: BackendChoice,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<EventStream, (Option<u32>, BackendError)> {
        match (backend, &filter.target_pids) {
            (BackendChoice::Auto | BackendChoice::Bpf, _) => match BpfEvents::open(filter) {
                Ok(generation) => Ok(EventStream(EventSource::Bpf(generation))),
                Err(refused) => Err((None, refused)),
            },
            (BackendChoice::Ptrace, Some(pids)) => {
                Ok(EventStream(EventSource::Ptrace(PtraceEvents::attach_all(filter, pids, goes_on)?)))
            }
            (BackendChoice::Ptrace, None) => {
                let reason = "ptrace sees processes that are named, not all of them".to_owned();
                Err((None, BackendError { reason, verifier_log: Vec::new() }))
            }
        }
    }

    /// Which means it is.
    pub fn backend(&self) -> Backend {
        match self.0 {
            EventSource::Bpf(_) => Backend::Bpf,
            EventSource::Ptrace(_) => Backend::Ptrace,
        }
    }

    /// What has something to read when something has happened.
    pub fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        match &self.0 {
            EventSource::Bpf(generation) => vec![generation.as_fd()],
            EventSource::Ptrace(traced) => traced.descriptors(),
        }
    }

    /// How long to wait, once there is something to read, for more to come.
    pub fn batch_delay(&self) -> Duration {
        BATCH_DELAY
    }

    /// Takes what has happened by now out of the kernel's buffer, and keeps it.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn drain_kernel_buffer(&mut self) -> io::Result<()> {
        match &mut self.0 {
            EventSource::Bpf(generation) => {
                generation.drain_kernel_buffer();
                Ok(())
            }
            EventSource::Ptrace(traced) => traced.drain_pipes(),
        }
    }

    /// The next of what has happened by now, in order; gives whether there is
    /// more.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn read_batch(&mut self, events: &mut Vec<ThreadEvent>) -> io::Result<bool> {
        // All of it leaves the buffer at once: what is told takes longer than what
        // is sent.
        self.drain_kernel_buffer()?;
        match &mut self.0 {
            EventSource::Bpf(generation) => generation.take_batch(events),
            EventSource::Ptrace(traced) => Ok(traced.take_batch(events)),
        }
    }

    /// Whether a process of this number is still traced, so that more of it may
    /// come even if it has ended.
    pub fn is_tracing(&self, pid: u32) -> bool {
        match &self.0 {
            EventSource::Bpf(_) => false,
            EventSource::Ptrace(traced) => traced.is_tracing(pid),
        }
    }

    /// The processes that are not seen any more since this was asked last: they
    /// have ended, or who traced them has.
    pub fn take_closed(&mut self) -> Vec<u32> {
        match &mut self.0 {
            EventSource::Bpf(_) => Vec::new(),
            EventSource::Ptrace(traced) => traced.take_closed(),
        }
    }

    /// Ends the looking; gives how long each process stood still for it, where
    /// the means stops them. What has happened by then is still to be read, and
    /// how much of it is lost.
    pub fn stop(&mut self) -> Vec<(u32, StopStats)> {
        match &mut self.0 {
            EventSource::Bpf(generation) => {
                generation.stop();
                Vec::new()
            }
            EventSource::Ptrace(traced) => traced.stop(),
        }
    }
}

impl ThreadEvent {
    fn new(pid: Option<u32>, tid: Option<u32>, time: SystemTime, what: ThreadEventKind) -> ThreadEvent {
        ThreadEvent { time, pid, tid, thread_name: None, kind: what }
    }
}

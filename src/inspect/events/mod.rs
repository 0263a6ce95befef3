//! A stream of the signals of other processes as they happen: when they are generated
//! (BPF), or when they are delivered (ptrace).

mod bpf;
mod ptrace;

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, SystemTime};

use super::backend::{Backend, BackendChoice, BackendError};
use super::claimed_sender::ClaimedSender;
use crate::signal::exit_status::Termination;
use crate::signal::{Siginfo, Signal, SignalSet};
use bpf::BpfEvents;
use ptrace::PtraceEvents;

pub use crate::sys::bpf::signal_generate::GenerateResult;
pub use crate::sys::ptrace::StopStats;

/// The time for which events collect before the next batch is read. Each wakeup of the
/// reader costs the observed processes more than the signals do.
const BATCH_DELAY: Duration = Duration::from_millis(5);

/// The maximum number of events buffered in user space, about 60 MB. Further events stay in
/// the buffer of the kernel, and are lost when that is full.
const MAX_BUFFERED_EVENTS: usize = 1 << 18;

/// The maximum number of events in a batch.
const MAX_BATCH_EVENTS: usize = 512;

/// The events that a stream contains.
#[derive(Clone, Debug)]
pub struct EventScope {
    /// The PIDs of the target processes; `None` for all processes, which needs BPF.
    pub target_pids: Option<Vec<u32>>,
    /// The PIDs of the senders; empty for all senders.
    pub sender_pids: Vec<u32>,
    /// The signals.
    pub signals: SignalSet,
}

/// An event of a thread of another process.
#[derive(Clone, Debug)]
pub struct ThreadEvent {
    /// The time of the event.
    pub time: SystemTime,
    /// The PID of the process; `None` if it has none in our PID namespace.
    pub pid: Option<u32>,
    /// The TID of the thread. For a process-directed signal it is the thread that the kernel
    /// chose.
    pub tid: Option<u32>,
    /// The name of the thread, if the backend reports it.
    pub thread_name: Option<Vec<u8>>,
    /// The kind of event.
    pub kind: ThreadEventKind,
}

/// The kind of an event.
#[derive(Clone, Debug)]
pub enum ThreadEventKind {
    /// A signal was generated.
    Generation(SignalGeneration),
    /// A signal is delivered, even if it is ignored.
    Delivery(SignalDelivery),
    /// The thread was created.
    NewThread,
    /// The process executes another program.
    Exec,
    /// This signal stopped the process (job control).
    JobControlStop(Signal),
    /// The thread exited. If it is the main thread, the process exited.
    Exited(Option<Termination>),
    /// This number of events was lost.
    Lost(u64),
}

/// A signal that was generated.
#[derive(Clone, Debug)]
pub struct SignalGeneration {
    /// The siginfo of the signal. The sender in it is a claim unless the code is
    /// [verified](Siginfo::is_verified).
    pub siginfo: Siginfo,
    /// `true` if the signal is directed to the process, `false` if to the thread.
    pub is_process_directed: bool,
    /// The sender; `None` if the kernel or a timer sent the signal. The process that was
    /// running then is not the sender.
    pub sender: Option<VerifiedSender>,
    /// `true` if the kernel raised the signal during a system call of the sender or of the
    /// target.
    pub is_raised_by_kernel: bool,
    /// The result of comparing the siginfo with the sender.
    pub sender_match: SenderMatch,
    /// The immediate result of sending it.
    pub generate_result: GenerateResult,
}

/// A signal that was delivered.
#[derive(Clone, Debug)]
pub struct SignalDelivery {
    /// The siginfo, with IDs of the target's namespaces.
    pub siginfo: Siginfo,
    /// The sender that the siginfo names, with IDs of our namespaces and without a name.
    pub claimed_sender: Option<ClaimedSender>,
}

/// The result of comparing the siginfo of a signal with its real sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SenderMatch {
    /// The siginfo names the sender, or no process.
    Matches,
    /// The siginfo names another process.
    Differs {
        /// The PID in the siginfo, if it is not that of the sender.
        pid: Option<u32>,
        /// The UID in the siginfo, if it is not that of the sender.
        uid: Option<u32>,
    },
    /// The siginfo names a process, but it is unknown if that is the sender, because the IDs
    /// belong to another namespace.
    Unknown,
}

/// The process that sent a signal, recorded by the kernel when the signal was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedSender {
    /// The PID; `None` if the process has none in our PID namespace.
    pub pid: Option<u32>,
    /// The TID of the sending thread.
    pub tid: Option<u32>,
    /// The real UID.
    pub uid: u32,
    /// The name of the sending thread.
    pub thread_name: Vec<u8>,
}

/// A stream of signal events. It ends when it is dropped.
#[derive(Debug)]
pub struct EventStream(EventSource);

#[derive(Debug)]
enum EventSource {
    Bpf(BpfEvents),
    Ptrace(PtraceEvents),
}

impl EventStream {
    /// Starts a stream. `Auto` uses only BPF, because ptrace stops a process at each signal.
    /// ptrace attaches to one process after another as long as `keep_going` returns `true`,
    /// and skips processes that have exited.
    ///
    /// # Errors
    /// Returns the reason why the backend cannot be used, and the PID of the process that it
    /// concerns. No process is observed then.
    pub fn open(
        scope: &EventScope,
        backend: BackendChoice,
        keep_going: &dyn Fn() -> bool,
    ) -> Result<EventStream, (Option<u32>, BackendError)> {
        let unusable = |reason: &str| Err((None, BackendError::new(reason)));
        match (backend, &scope.target_pids) {
            (BackendChoice::Auto | BackendChoice::Bpf, _) => match BpfEvents::open(scope) {
                Ok(events) => Ok(EventStream(EventSource::Bpf(events))),
                Err(error) => Err((None, error)),
            },
            (BackendChoice::Ptrace, Some(pids)) => {
                Ok(EventStream(EventSource::Ptrace(PtraceEvents::attach_all(scope, pids, keep_going)?)))
            }
            (BackendChoice::Ptrace, None) => {
                unusable("ptrace sees processes that are named, not all of them")
            }
            (BackendChoice::Proc, _) => unusable("/proc does not report signals as they happen"),
        }
    }

    /// Returns the backend in use.
    pub fn backend(&self) -> Backend {
        match self.0 {
            EventSource::Bpf(_) => Backend::Bpf,
            EventSource::Ptrace(_) => Backend::Ptrace,
        }
    }

    /// Returns the descriptors that become readable when events arrive.
    pub fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        match &self.0 {
            EventSource::Bpf(events) => vec![events.as_fd()],
            EventSource::Ptrace(events) => events.descriptors(),
        }
    }

    /// Returns the time to wait for more events after a descriptor has become readable.
    pub fn batch_delay(&self) -> Duration {
        BATCH_DELAY
    }

    /// Moves the events so far from the buffer of the kernel to user space.
    ///
    /// # Errors
    /// Returns the error of the kernel.
    pub fn drain_kernel_buffer(&mut self) -> io::Result<()> {
        match &mut self.0 {
            EventSource::Bpf(events) => {
                events.drain_kernel_buffer();
                Ok(())
            }
            EventSource::Ptrace(events) => events.drain_pipes(),
        }
    }

    /// Appends the next events, in order. Returns `true` if there are more.
    ///
    /// # Errors
    /// Returns the error of the kernel.
    pub fn read_batch(&mut self, events: &mut Vec<ThreadEvent>) -> io::Result<bool> {
        // The whole kernel buffer is drained at once, because processing an event takes
        // longer than sending a signal.
        self.drain_kernel_buffer()?;
        match &mut self.0 {
            EventSource::Bpf(source) => source.take_batch(events),
            EventSource::Ptrace(source) => Ok(source.take_batch(events)),
        }
    }

    /// Returns `true` if the process is still traced. Its tracer can then report more
    /// events, even after the process has exited.
    pub fn is_tracing(&self, pid: u32) -> bool {
        match &self.0 {
            EventSource::Bpf(_) => false,
            EventSource::Ptrace(events) => events.is_tracing(pid),
        }
    }

    /// Returns the processes that are no longer observed since the last call, because they
    /// or their tracers have exited.
    pub fn take_closed(&mut self) -> Vec<u32> {
        match &mut self.0 {
            EventSource::Bpf(_) => Vec::new(),
            EventSource::Ptrace(events) => events.take_closed(),
        }
    }

    /// Stops the observation. Returns for how long ptrace stopped each process. Events so
    /// far, and the number of lost ones, can still be read.
    pub fn stop(&mut self) -> Vec<(u32, StopStats)> {
        match &mut self.0 {
            EventSource::Bpf(events) => {
                events.stop();
                Vec::new()
            }
            EventSource::Ptrace(events) => events.stop(),
        }
    }
}

impl ThreadEvent {
    fn new(pid: Option<u32>, tid: Option<u32>, time: SystemTime, kind: ThreadEventKind) -> ThreadEvent {
        ThreadEvent { time, pid, tid, thread_name: None, kind }
    }
}

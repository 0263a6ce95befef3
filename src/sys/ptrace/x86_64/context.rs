//! What the helper shares between the inspection of threads and the injection of
//! system calls: the request, its results, and the errors.

use libc::{c_int, pid_t};

use super::credentials::Credentials;
use super::deadline::Deadline;
use super::helper::PlainData;
use super::memory::TargetMemory;
use super::plan::InspectPlan;
use super::procfs_noalloc::{ThreadFileReader, ThreadStatus};
use super::syscall_restart::ThreadSignals;
use super::tracee::{SiginfoBytes, Tracee};

/// The options of every inspected thread. An exec is an event, so that nothing is
/// done to the new program.
pub(super) const INSPECT_OPTIONS: c_int = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_TRACEEXEC;

/// Maximum number of queue entries, for all queues together.
pub(super) const MAX_ENTRIES: usize = crate::sys::ptrace::MAX_QUEUE_ENTRIES as usize;

pub(super) const SIGACTION_SIZE: usize = 32;

/// struct sigaction of the x86-64 kernel, after a flag whether it was read.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct RawSigaction {
    pub(super) is_known: u64,
    pub(super) handler: u64,
    pub(super) flags: u64,
    pub(super) restorer: u64,
    pub(super) mask: u64,
}

impl RawSigaction {
    pub(super) fn from_bytes(bytes: &[u8; SIGACTION_SIZE]) -> RawSigaction {
        let read_u64 = |at: usize| {
            let mut field = [0; 8];
            field.copy_from_slice(&bytes[at..at + 8]);
            u64::from_ne_bytes(field)
        };
        RawSigaction {
            is_known: 1,
            handler: read_u64(0),
            flags: read_u64(8),
            restorer: read_u64(16),
            mask: read_u64(24),
        }
    }
}

/// Results of the helper, in memory shared with its parent.
#[repr(C)]
pub(super) struct SharedResult {
    /// 1 once all threads of the plan are done.
    pub(super) is_complete: u32,
    /// The number of an [`InspectError`]; 0 without one. `tid` is the thread that
    /// it concerns.
    pub(super) error: u32,
    pub(super) tid: pid_t,
    /// Longest stop of a thread, in nanoseconds.
    pub(super) longest_stop_ns: u64,
    /// Indexed by signal number minus 1.
    pub(super) actions: [RawSigaction; 64],
    /// Number of queue entries, and whether there are more.
    pub(super) entries: u32,
    pub(super) truncated: u32,
    /// For each entry, its thread, or 0 for the process.
    pub(super) owners: [pid_t; MAX_ENTRIES],
    pub(super) queue: [SiginfoBytes; MAX_ENTRIES],
}

// SAFETY: plain numbers only.
unsafe impl PlainData for SharedResult {}

/// State of the helper's work.
pub(super) struct InspectContext<'a> {
    pub(super) plan: &'a InspectPlan,
    /// Signals whose actions are read: bit n-1 is signal n.
    pub(super) wanted: u64,
    pub(super) deadline: Deadline<'a>,
    pub(super) reader: ThreadFileReader,
    pub(super) memory: TargetMemory,
    pub(super) credentials: Credentials,
    /// The status of this process.
    pub(super) own_status: ThreadStatus,
    /// Whether a process with other credentials may be made to run system calls.
    pub(super) any_credentials: bool,
    pub(super) result: &'a mut SharedResult,
}

impl InspectContext<'_> {
    /// Returns the sets that decide whether a signal interrupts the thread. `mask`
    /// replaces its current mask.
    pub(super) fn thread_signals(&mut self, tracee: Tracee, mask: Option<u64>) -> Option<ThreadSignals> {
        let status = self.reader.status(self.plan.pid, tracee.0).ok()?;
        Some(ThreadSignals {
            pending: status.pending | status.shared_pending,
            blocked: mask.unwrap_or(status.blocked),
            ignored: status.ignored,
            caught: status.caught,
            is_filtered: status.is_filtered,
        })
    }
}

//! Inspection of one process: the actions of its signals and its queues.

use std::time::{Duration, Instant};

use libc::pid_t;

use super::context::{InspectContext, SharedResult};
use super::credentials::Credentials;
use super::deadline::{self, CancelFlag, Deadline};
use super::helper::{self, BlockedSignals, HelperProcess, SharedMemory};
use super::inspect_error::InspectError;
use super::inspect_thread::ThreadInspector;
use super::memory::TargetMemory;
use super::permission;
use super::plan::InspectPlan;
use super::procfs_noalloc::ThreadFileReader;
use crate::signal::{Arch, QueuedSignal, Sigaction, Signal, SignalSet};
use crate::sys::ptrace::{InspectRequest, PtraceError, PtraceInspection};
use crate::sys::signal::siginfo::RawSiginfo;
use crate::sys::signal::signalfd::SignalFd;

/// Number of attempts if threads exit or the program changes meanwhile. Each
/// attempt after the first ones waits before it starts.
const MAX_TRIES: u32 = 50;
const IMMEDIATE_TRIES: u32 = 5;
const RETRY_PAUSE: Duration = Duration::from_millis(2);
/// Interval at which a helper that waits checks its deadline.
const DEADLINE_CHECK_INTERVAL: Duration = Duration::from_millis(10);
/// Additional wait for the helper after the deadline: it may have started to wait
/// for memory just before.
const HELPER_GRACE: Duration = Duration::from_millis(400);

/// See [`crate::sys::ptrace::inspect`].
pub(in crate::sys::ptrace) fn inspect(
    pid: u32,
    request: InspectRequest,
    deadline: Duration,
) -> Result<PtraceInspection, PtraceError> {
    let pid = pid_t::try_from(pid).ok().filter(|pid| *pid > 0).ok_or(PtraceError::Gone)?;
    let end = Instant::now() + deadline;
    let mut last_error = PtraceError::Unstable;
    for attempt in 0..MAX_TRIES {
        if attempt > IMMEDIATE_TRIES {
            std::thread::sleep(RETRY_PAUSE);
        }
        match try_inspect(pid, request, end)? {
            Ok(inspection) => return Ok(inspection),
            Err(error) => last_error = error,
        }
    }
    Err(last_error)
}

/// Makes one attempt. An inner error may be temporary, so another attempt may
/// succeed.
fn try_inspect(
    pid: pid_t,
    request: InspectRequest,
    end: Instant,
) -> Result<Result<PtraceInspection, PtraceError>, PtraceError> {
    let plan = InspectPlan::new(pid, !request.handlers.is_empty(), request.queue)?;
    if plan.threads.is_empty() {
        return Ok(Ok(PtraceInspection::default()));
    }
    let mut memory = SharedMemory::<SharedResult>::new().map_err(PtraceError::SystemCall)?;
    {
        let reader = ThreadFileReader::new();
        // A signal to this process stays pending until the target is released.
        let signals = BlockedSignals::block_all().map_err(PtraceError::SystemCall)?;
        let cancel = CancelFlag::new().map_err(PtraceError::SystemCall)?;
        let (result, deadline) = (memory.get_mut(), Deadline { end, cancel: &cancel });
        let (handlers, any_credentials) = (request.handlers.bits() as u64, request.any_credentials);
        let own_pid = std::process::id() as pid_t;
        let own_status = ThreadFileReader::new().status(own_pid, own_pid).unwrap_or_default();
        let target_memory = TargetMemory::new().map_err(PtraceError::SystemCall)?;
        let credentials = Credentials::own();
        let context = InspectContext {
            plan: &plan,
            wanted: handlers,
            deadline,
            reader,
            memory: target_memory,
            credentials,
            own_status,
            any_credentials,
            result,
        };
        let mut inspector = ThreadInspector { context };
        let work = || {
            helper::start_interrupt_timer(DEADLINE_CHECK_INTERVAL, DEADLINE_CHECK_INTERVAL);
            inspector.inspect_all();
        };
        // Opened before the start: the helper should not share the processors with
        // this process while it has a thread stopped.
        let fatal = SignalFd::open(deadline::fatal_signals(&signals)).ok();
        let helper = HelperProcess::start(&signals, None, work).map_err(PtraceError::SystemCall)?;
        if !helper.wait(fatal.as_ref(), &cancel, end + HELPER_GRACE) {
            return Err(explain_error(pid, plan.threads[0].tid, InspectError::StopTimeout));
        }
        // If the helper was cancelled, a pending signal ends sigtool here, when the
        // signals are unblocked.
    }
    let result = memory.get();
    if result.is_complete == 1 {
        return Ok(Ok(to_inspection(result)));
    }
    let error = InspectError::ALL.iter().find(|error| **error as u32 == result.error);
    let Some(error) = error else { return Err(PtraceError::HelperKilled) };
    match error {
        // The process may still exist, or be another program now.
        InspectError::Gone | InspectError::Executed => Ok(Err(PtraceError::Unstable)),
        // The process may have been about to execute another program.
        InspectError::NoInstruction => Ok(Err(PtraceError::NoInstruction)),
        error => Err(explain_error(pid, result.tid, *error)),
    }
}

/// Finds the reason of a helper's error.
pub(super) fn explain_error(pid: pid_t, tid: pid_t, error: InspectError) -> PtraceError {
    match error {
        InspectError::Gone => PtraceError::Gone,
        InspectError::Denied => permission::diagnose_attach_eperm(pid, tid),
        InspectError::StopTimeout => {
            let state = ThreadFileReader::new().status(pid, tid).map_or(b'?', |status| status.state);
            PtraceError::StopTimeout { state }
        }
        InspectError::Compat => PtraceError::Compat,
        InspectError::Seccomp => PtraceError::Seccomp,
        InspectError::Dispatched => PtraceError::Dispatched,
        InspectError::Executed => PtraceError::Unstable,
        InspectError::NoInstruction => PtraceError::NoInstruction,
        InspectError::NoMemory => PtraceError::NoMemory,
        InspectError::Credentials => PtraceError::Credentials,
        InspectError::FilteredCredentials => PtraceError::FilteredCredentials,
        InspectError::OldKernel => PtraceError::OldKernel,
        InspectError::Tampered => PtraceError::Tampered,
        InspectError::MemoryTimeout => PtraceError::MemoryTimeout,
        InspectError::Failed => {
            PtraceError::SystemCall(std::io::Error::other("unexpected response from the thread"))
        }
    }
}

fn to_inspection(result: &SharedResult) -> PtraceInspection {
    let known = (1..).zip(&result.actions).filter(|(_, action)| action.is_known == 1);
    let actions = known.filter_map(|(number, action)| {
        let mask = SignalSet::from_bits(action.mask.into());
        let (handler, flags, restorer) = (action.handler, action.flags, action.restorer);
        Some((Signal::new(number)?, Sigaction { handler, flags, restorer, mask }))
    });
    let entries = result.owners.iter().zip(&result.queue).take(result.entries as usize);
    let queued = entries.filter_map(|(owner, bytes)| {
        let info = RawSiginfo::from_bytes(bytes).to_siginfo()?;
        Some(QueuedSignal { siginfo: info, tid: u32::try_from(*owner).ok().filter(|tid| *tid != 0) })
    });
    // The threads may have been read in another order.
    let mut queue: Vec<QueuedSignal> = queued.collect();
    queue.sort_by_key(|each| each.tid);
    PtraceInspection {
        actions: actions.collect(),
        queue,
        truncated: result.truncated != 0,
        longest_stop: Duration::from_nanos(result.longest_stop_ns),
    }
}

// The signal masks here have one word.
const _: () = assert!(Arch::NATIVE.max_signal_number() == 64);

//! One look into a process: the actions of its signals, and its queues.

use std::time::{Duration, Instant};

use libc::pid_t;

use super::credentials::Credentials;
use super::deadline::{CancelFlag, Deadline};
use super::helper::{self, BlockedSignals, HelperProcess, SharedMemory};
use super::inspect_thread::{InspectError, SharedResult, ThreadInspector};
use super::memory::TargetMemory;
use super::permission;
use super::plan::InspectPlan;
use super::procfs_noalloc::ThreadFileReader;
use crate::signal::{Arch, QueuedSignal, Sigaction, Signal, SignalSet};
use crate::sys::ptrace::{InspectRequest, PtraceError, PtraceInspection};
use crate::sys::signal::siginfo::RawSiginfo;

/// How often it is tried where threads end, or the program changes, meanwhile;
/// and how long nothing is done before most of it, for that to come to an end.
const MAX_TRIES: u32 = 50;
const IMMEDIATE_TRIES: u32 = 5;
const RETRY_PAUSE: Duration = Duration::from_millis(2);
/// How often a helper that waits asks whether it is to go on.
const DEADLINE_CHECK_INTERVAL: Duration = Duration::from_millis(10);
/// How long after the deadline the helper is waited for: it may have begun to wait
/// for memory just before.
const HELPER_GRACE: Duration = Duration::from_millis(400);

/// As [`crate::sys::ptrace::inspect`] says.
pub(in crate::sys::ptrace) fn inspect(
    pid: u32,
    wanted: InspectRequest,
    deadline: Duration,
) -> Result<PtraceInspection, PtraceError> {
    let pid = pid_t::try_from(pid).ok().filter(|pid| *pid > 0).ok_or(PtraceError::Gone)?;
    let end = Instant::now() + deadline;
    let mut last = PtraceError::Unstable;
    for number in 0..MAX_TRIES {
        if number > IMMEDIATE_TRIES {
            std::thread::sleep(RETRY_PAUSE);
        }
        match try_inspect(pid, wanted, end)? {
            Ok(seen) => return Ok(seen),
            Err(refusal) => last = refusal,
        }
    }
    Err(last)
}

/// The inner refusal may not be one for long.
fn try_inspect(
    pid: pid_t,
    wanted: InspectRequest,
    end: Instant,
) -> Result<Result<PtraceInspection, PtraceError>, PtraceError> {
    let plan = InspectPlan::new(pid, !wanted.handlers.is_empty(), wanted.queue)?;
    if plan.threads.is_empty() {
        return Ok(Ok(PtraceInspection::default()));
    }
    let mut room = SharedMemory::<SharedResult>::new().map_err(PtraceError::SystemCall)?;
    {
        let text = ThreadFileReader::new();
        // A signal to this process waits until the target is let go.
        let held = BlockedSignals::block_all().map_err(PtraceError::SystemCall)?;
        let word = CancelFlag::new().map_err(PtraceError::SystemCall)?;
        let (room, patience) = (room.get_mut(), Deadline { end, cancel: &word });
        let (handlers, any_credentials) = (wanted.handlers.bits() as u64, wanted.any_credentials);
        let own_pid = std::process::id() as pid_t;
        let own = ThreadFileReader::new().status(own_pid, own_pid).unwrap_or_default();
        let memory = TargetMemory::new().map_err(PtraceError::SystemCall)?;
        let credentials = Credentials::own();
        let mut tools = ThreadInspector {
            plan: &plan,
            wanted: handlers,
            deadline: patience,
            reader: text,
            memory,
            credentials,
            own_status: own,
            any_credentials,
            result: room,
        };
        let work = || {
            helper::start_interrupt_timer(DEADLINE_CHECK_INTERVAL, DEADLINE_CHECK_INTERVAL);
            tools.inspect_all();
        };
        let helper = HelperProcess::start(&held, None, work).map_err(PtraceError::SystemCall)?;
        if !helper.wait(&held, &word, end + HELPER_GRACE) {
            return Err(explain_error(pid, plan.threads[0].tid, InspectError::StopTimeout));
        }
        // If it was told to give up, sigtool ends here, with what holds signals
        // back.
    }
    let room = room.get();
    if room.is_complete == 1 {
        return Ok(Ok(to_inspection(room)));
    }
    let fault = InspectError::ALL.iter().find(|fault| **fault as u32 == room.fault);
    let Some(fault) = fault else { return Err(PtraceError::HelperKilled) };
    match fault {
        // The process may live on, or be another program now.
        InspectError::Gone | InspectError::Executed => Ok(Err(PtraceError::Unstable)),
        // It may have been about to execute one.
        InspectError::NoInstruction => Ok(Err(PtraceError::NoInstruction)),
        fault => Err(explain_error(pid, room.tid, *fault)),
    }
}

/// Why it went wrong.
pub(super) fn explain_error(pid: pid_t, tid: pid_t, fault: InspectError) -> PtraceError {
    match fault {
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

fn to_inspection(room: &SharedResult) -> PtraceInspection {
    let numbered = (1..).zip(&room.actions).filter(|(_, action)| action.is_known == 1);
    let actions = numbered.filter_map(|(number, action)| {
        let mask = SignalSet::from_bits(action.mask.into());
        let (handler, flags, restorer) = (action.handler, action.flags, action.restorer);
        Some((Signal::new(number)?, Sigaction { handler, flags, restorer, mask }))
    });
    let entries = room.owners.iter().zip(&room.queue).take(room.entries as usize);
    let queued = entries.filter_map(|(owner, bytes)| {
        let info = RawSiginfo::from_bytes(bytes).to_siginfo()?;
        Some(QueuedSignal { siginfo: info, tid: u32::try_from(*owner).ok().filter(|tid| *tid != 0) })
    });
    // Whoever was stopped first may have been one with a queue of its own.
    let mut queue: Vec<QueuedSignal> = queued.collect();
    queue.sort_by_key(|each| each.tid);
    PtraceInspection {
        actions: actions.collect(),
        queue,
        truncated: room.truncated != 0,
        longest_stop: Duration::from_nanos(room.longest_stop_ns),
    }
}

// The masks here are those of one word.
const _: () = assert!(Arch::NATIVE.max_signal_number() == 64);

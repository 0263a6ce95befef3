//! One look into a process: the actions of its signals, and its queues.

use std::time::{Duration, Instant};

use libc::pid_t;

use super::credentials::Credentials;
use super::helper::{self, Held, Helper, Shared};
use super::memory::Memory;
use super::patience::{Patience, Word};
use super::plan::Plan;
use super::text::Text;
use super::visit::{Fault, Room, Tools};
use super::why;
use crate::signal::{Arch, Queued, Sigaction, Signal, SignalSet};
use crate::sys::ptrace::{Refusal, Seen, Wanted};
use crate::sys::siginfo::Raw;

/// How often it is tried where threads end, or the program changes, meanwhile;
/// and how long nothing is done before most of it, for that to come to an end.
const TRIES: u32 = 50;
const AT_ONCE: u32 = 5;
const PAUSE: Duration = Duration::from_millis(2);
/// How often a helper that waits asks whether it is to go on.
const TICK: Duration = Duration::from_millis(10);
/// How long after the deadline the helper is waited for: it may have begun to wait
/// for memory just before.
const GRACE: Duration = Duration::from_millis(400);

/// As [`crate::sys::ptrace::look`] says.
pub(in crate::sys::ptrace) fn look(pid: u32, wanted: Wanted, deadline: Duration) -> Result<Seen, Refusal> {
    let pid = pid_t::try_from(pid).ok().filter(|pid| *pid > 0).ok_or(Refusal::Gone)?;
    let end = Instant::now() + deadline;
    let mut last = Refusal::Changing;
    for number in 0..TRIES {
        if number > AT_ONCE {
            std::thread::sleep(PAUSE);
        }
        match try_to_look(pid, wanted, end)? {
            Ok(seen) => return Ok(seen),
            Err(refusal) => last = refusal,
        }
    }
    Err(last)
}

/// The inner refusal may not be one for long.
fn try_to_look(pid: pid_t, wanted: Wanted, end: Instant) -> Result<Result<Seen, Refusal>, Refusal> {
    let plan = Plan::make(pid, !wanted.handlers.is_empty(), wanted.queue)?;
    if plan.visits.is_empty() {
        return Ok(Ok(Seen::default()));
    }
    let mut room = Shared::<Room>::new().map_err(Refusal::Failed)?;
    {
        let text = Text::new();
        // A signal to this process waits until the target is let go.
        let held = Held::all().map_err(Refusal::Failed)?;
        let word = Word::new().map_err(Refusal::Failed)?;
        let (room, patience) = (room.get_mut(), Patience { end, word: &word });
        let (handlers, any_credentials) = (wanted.handlers.bits() as u64, wanted.any_credentials);
        let own_pid = std::process::id() as pid_t;
        let own = Text::new().status(own_pid, own_pid).unwrap_or_default();
        let memory = Memory::new().map_err(Refusal::Failed)?;
        let credentials = Credentials::own();
        let mut tools = Tools {
            plan: &plan,
            wanted: handlers,
            patience,
            text,
            memory,
            credentials,
            own,
            any_credentials,
            room,
        };
        let work = || {
            helper::tick(TICK, TICK);
            tools.visit_all();
        };
        let helper = Helper::start(&held, None, work).map_err(Refusal::Failed)?;
        if !helper.wait(&held, &word, end + GRACE) {
            return Err(refusal(pid, plan.visits[0].tid, Fault::NoAnswer));
        }
        // If it was told to give up, sigtool ends here, with what holds signals
        // back.
    }
    let room = room.get();
    if room.done == 1 {
        return Ok(Ok(seen(room)));
    }
    let fault = Fault::ALL.iter().find(|fault| **fault as u32 == room.fault);
    let Some(fault) = fault else { return Err(Refusal::Helper) };
    match fault {
        // The process may live on, or be another program now.
        Fault::Gone | Fault::Changed => Ok(Err(Refusal::Changing)),
        // It may have been about to execute one.
        Fault::NoInstruction => Ok(Err(Refusal::NoInstruction)),
        fault => Err(refusal(pid, room.tid, *fault)),
    }
}

/// Why it went wrong.
pub(super) fn refusal(pid: pid_t, tid: pid_t, fault: Fault) -> Refusal {
    match fault {
        Fault::Gone => Refusal::Gone,
        Fault::Denied => why::denied(pid, tid),
        Fault::NoAnswer => {
            let state = Text::new().status(pid, tid).map_or(b'?', |status| status.state);
            Refusal::NoAnswer { state }
        }
        Fault::Compat => Refusal::Compat,
        Fault::Seccomp => Refusal::Seccomp,
        Fault::Dispatched => Refusal::Dispatched,
        Fault::Changed => Refusal::Changing,
        Fault::NoInstruction => Refusal::NoInstruction,
        Fault::NoMemory => Refusal::NoMemory,
        Fault::Credentials => Refusal::Credentials,
        Fault::FilteredCredentials => Refusal::FilteredCredentials,
        Fault::OldKernel => Refusal::OldKernel,
        Fault::Tampered => Refusal::Tampered,
        Fault::MemoryTimeout => Refusal::MemoryTimeout,
        Fault::Failed => Refusal::Failed(std::io::Error::other("the thread did not answer as it should")),
    }
}

fn seen(room: &Room) -> Seen {
    let numbered = (1..).zip(&room.actions).filter(|(_, action)| action.got == 1);
    let actions = numbered.filter_map(|(number, action)| {
        let mask = SignalSet::from_bits(action.mask.into());
        let (handler, flags, restorer) = (action.handler, action.flags, action.restorer);
        Some((Signal::new(number)?, Sigaction { handler, flags, restorer, mask }))
    });
    let entries = room.owners.iter().zip(&room.queue).take(room.entries as usize);
    let queued = entries.filter_map(|(owner, bytes)| {
        let info = Raw::from_bytes(bytes).info()?;
        Some(Queued { info, thread: u32::try_from(*owner).ok().filter(|tid| *tid != 0) })
    });
    // Whoever was stopped first may have been one with a queue of its own.
    let mut queue: Vec<Queued> = queued.collect();
    queue.sort_by_key(|each| each.thread);
    Seen {
        actions: actions.collect(),
        queue,
        cut: room.cut != 0,
        stopped: Duration::from_nanos(room.stopped),
    }
}

// The masks here are those of one word.
const _: () = assert!(Arch::NATIVE.last() == 64);

//! What stands around a process: what of others, and of the kernel's other
//! files, explains the state that it is in.

use super::call::Call;
use super::{ProcessName, Root, Situation, State, Status, Wait};
use crate::signal::exit::Ending;
use crate::signal::{Signal, SignalSet};

/// What was found around a process. Only what its state asks for is looked at.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Whether its numbers mean processes of this machine, as they are now: not
    /// those of a text, or of another machine's /proc.
    pub here: bool,
    /// Its parent; of one that has ended, or blocks signals.
    pub parent: Option<Relative>,
    /// The name of its tracer.
    pub tracer: Option<ProcessName>,
    /// Of a zombie: how it ended.
    pub ending: Option<Ending>,
    /// Of a zombie: how many its parent has, this one among them.
    pub zombies: Option<usize>,
    /// Of a stopped process: by which signal, until its parent has asked.
    pub stopped_by: Option<Signal>,
    /// Of one in an uninterruptible sleep: where it sleeps.
    pub sleep: Option<Sleep>,
    /// How many POSIX timers it has, where its user's queue is nearly full.
    pub timers: Option<usize>,
    /// Whoever else holds much of its user's queue, where that is nearly full.
    pub holders: Vec<Holder>,
    /// What may not be read, and would have been of use.
    pub denied: Vec<Denied>,
    /// Whom pending signals say that they are from, where its queue was read.
    pub claims: Vec<Claim>,
}

/// Whom a pending signal says that it is from; anybody may say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The signal.
    pub signal: Signal,
    /// Whom it names.
    pub from: Claimant,
}

/// Whom a pending signal names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimant {
    /// A process.
    Process {
        /// The process, as our pid namespace numbers it, unless it is foreign.
        pid: u32,
        /// Whether the number is one of the target's pid namespace, for which
        /// there is none in ours.
        foreign: bool,
        /// Its real user.
        uid: u32,
        /// Its name; `None` where it lives no more.
        name: Option<ProcessName>,
    },
    /// A POSIX timer of the target itself.
    Timer {
        /// The kernel's number of it.
        id: u32,
    },
    /// A process outside of the target's pid namespace, or the kernel.
    Outside,
    /// The kernel.
    Kernel,
}

/// A related process.
#[derive(Clone, Debug, Default)]
pub struct Relative {
    /// Its number.
    pub pid: u32,
    /// Its name.
    pub name: Option<ProcessName>,
    /// Its state.
    pub state: Option<State>,
    /// What its main thread blocks.
    pub blocked: Option<SignalSet>,
    /// What it ignores.
    pub ignored: Option<SignalSet>,
    /// What it catches.
    pub caught: Option<SignalSet>,
}

/// Where a thread sleeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sleep {
    /// The number of the system call.
    pub call: Option<u64>,
    /// The function of the kernel.
    pub channel: Option<String>,
}

/// Who holds places in the queue of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its number.
    pub pid: u32,
    /// Its name.
    pub name: Option<ProcessName>,
    /// Its POSIX timers: each keeps a place. `None` where they may not be seen.
    pub timers: Option<usize>,
    /// Whether real-time signals are pending for it, of which there may be many.
    pub pending: bool,
}

/// A file that may not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// /proc/PID/task/TID/syscall: whether a thread is in sigwait(3).
    Call,
    /// The same, and wchan: where it sleeps.
    Sleep,
    /// A field of /proc/PID/stat: which signal stopped it.
    StopSignal,
    /// /proc/PID/fd: whether it has a signalfd.
    Descriptors,
}

/// From this much of its limit on a queue is nearly full, in percent.
pub const NEARLY_FULL: u64 = 80;

/// So many holders of a queue are named.
const HOLDERS: usize = 5;

impl Root {
    /// Looks around a process.
    pub fn surroundings(&self, situation: &Situation) -> Surroundings {
        let status = &situation.status;
        let Some(pid) = status.tgid else { return Surroundings::default() };
        let blocks = situation.threads.as_ref().is_some_and(|threads| !threads.blocked_by_any().is_empty());
        let ended = situation.threads.as_ref().is_some_and(|threads| threads.are_ended());
        let parent = status.parent.filter(|parent| *parent != 0 && (ended || blocks));
        let mut around = Surroundings {
            here: self.is_native(),
            parent: parent.and_then(|parent| self.relative(parent)),
            tracer: status.tracer.and_then(|tracer| self.status(tracer).ok()?.name),
            ..Surroundings::default()
        };
        let letter = status.state.map(State::letter);
        match letter {
            Some('Z') if ended => {
                around.ending = self.zombie_status(pid).and_then(Ending::of_wait_status);
                around.zombies = status.parent.and_then(|parent| self.zombies_of(parent));
            }
            Some('T') => around.stopped_by = self.stop_signal(pid),
            _ => {}
        }
        if let Some(tid) = sleeper(situation) {
            around.sleep = Some(self.sleep(pid, tid));
        }
        if status.queue.is_some_and(|queue| queue.used * 100 >= queue.limit.saturating_mul(NEARLY_FULL)) {
            around.timers = self.timers(pid);
            around.holders = self.holders(status);
        }
        // What the main thread waits in tells that it may be read.
        if !ended && situation.wait(pid) == Wait::Unknown && self.denies(&format!("{pid}/task/{pid}/syscall"))
        {
            around.denied.extend(match letter {
                Some('S') => Some(Denied::Call),
                Some('D') => Some(Denied::Sleep),
                Some('T') if around.stopped_by.is_none() => Some(Denied::StopSignal),
                _ => None,
            });
        }
        if !ended && blocks && situation.signalfds.is_none() {
            around.denied.push(Denied::Descriptors);
        }
        around
    }

    fn relative(&self, pid: u32) -> Option<Relative> {
        let Status { name, state, blocked, ignored, caught, .. } = self.status(pid).ok()?;
        Some(Relative { pid, name, state, blocked, ignored, caught })
    }

    /// How many zombies a process has as children.
    fn zombies_of(&self, parent: u32) -> Option<usize> {
        let pids = self.pids().ok()?;
        let stats = pids.iter().filter_map(|pid| self.stat(*pid).ok());
        Some(stats.filter(|stat| stat.parent == parent && stat.state.is_ended()).count())
    }

    /// The signal that stopped a process, as its parent has yet to be told.
    fn stop_signal(&self, pid: u32) -> Option<Signal> {
        let code = self.stat(pid).ok()?.exit_code?;
        Signal::native(u8::try_from(code).ok()?)
    }

    fn sleep(&self, pid: u32, tid: u32) -> Sleep {
        let call = self.file(&format!("{pid}/task/{tid}/syscall")).ok().as_deref().and_then(Call::parse);
        let channel = self.file(&format!("{pid}/task/{tid}/wchan")).unwrap_or_default();
        let channel = String::from_utf8_lossy(&channel).trim().to_owned();
        Sleep {
            call: match call {
                Some(Call::In { number, .. }) => Some(number),
                _ => None,
            },
            channel: Some(channel).filter(|name| !name.is_empty() && name != "0"),
        }
    }

    /// How many POSIX timers a process has.
    fn timers(&self, pid: u32) -> Option<usize> {
        self.posix_timers(pid).ok().map(|timers| timers.len())
    }

    /// Who of the same user holds places in its queue, as far as it shows.
    fn holders(&self, of: &Status) -> Vec<Holder> {
        let real = |status: &Status| status.uids.map(|(real, _)| real);
        let statuses = self.pids().unwrap_or_default().into_iter().filter_map(|pid| {
            let status = self.status(pid).ok()?;
            (real(&status) == real(of) && status.tgid == Some(pid)).then_some((pid, status))
        });
        let mut found: Vec<Holder> = statuses
            .map(|(pid, status)| {
                let pending = status.pending.unwrap_or_default() | status.shared_pending.unwrap_or_default();
                let pending = pending.iter().any(Signal::is_realtime);
                Holder { pid, name: status.name, timers: self.timers(pid), pending }
            })
            .filter(|holder| holder.pending || holder.timers.is_some_and(|timers| timers > 0))
            .collect();
        found.sort_by_key(|holder| (!holder.pending, std::cmp::Reverse(holder.timers)));
        found.truncate(HOLDERS);
        found
    }

    /// Whether a file is there and may not be read.
    fn denies(&self, path: &str) -> bool {
        self.file(path).is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
    }
}

/// A thread in an uninterruptible sleep: one that KILL does not end, if that is
/// known of any.
fn sleeper(situation: &Situation) -> Option<u32> {
    let asleep = situation.threads.as_ref()?.iter().filter(|task| task.is_asleep());
    asleep.min_by_key(|task| task.killable != Some(false)).map(|task| task.tid)
}

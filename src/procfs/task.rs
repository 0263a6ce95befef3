//! The threads of a process, and what they say together.

use super::{ProcStatus, ProcessName, TaskState};
use crate::signal::{Signal, SignalSet};

/// One thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Its thread id.
    pub tid: u32,
    /// Its name, if its status tells it.
    pub name: Option<ProcessName>,
    /// Its state, if its status tells it.
    pub state: Option<TaskState>,
    /// Pending for this thread alone.
    pub pending: SignalSet,
    /// Blocked by this thread.
    pub blocked: SignalSet,
    /// Its tracer, if it has one.
    pub tracer_pid: Option<u32>,
    /// Of an uninterruptible sleep: whether KILL ends it. /proc does not tell.
    pub killable: Option<bool>,
}

impl Thread {
    /// The thread a status file is of; `None` where it lacks the id or a set.
    pub fn from_status(status: &ProcStatus) -> Option<Thread> {
        Some(Thread {
            tid: status.pid?,
            name: status.name.clone(),
            state: status.state,
            pending: status.pending?,
            blocked: status.blocked?,
            tracer_pid: status.tracer_pid,
            killable: None,
        })
    }

    /// Whether it has ended, so that its mask holds nothing back any more.
    pub fn has_exited(&self) -> bool {
        self.state.is_some_and(TaskState::has_exited)
    }

    /// Whether it is in an uninterruptible sleep (D).
    pub fn is_uninterruptible(&self) -> bool {
        self.state.is_some_and(|state| state.letter() == 'D')
    }
}

/// Whether a process has ended, which is when every thread has. A text tells
/// only of one thread: that is enough where it is the only one.
pub fn process_has_exited(status: &ProcStatus, threads: Option<&Threads>) -> bool {
    match threads {
        Some(threads) => threads.all_exited(),
        None => {
            status.state.is_some_and(TaskState::has_exited)
                && status.thread_count.is_none_or(|count| count <= 1)
        }
    }
}

/// The threads of one process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Threads(Vec<Thread>);

impl Threads {
    /// The threads, in any order; they are kept by id.
    pub fn new(mut tasks: Vec<Thread>) -> Threads {
        tasks.sort_by_key(|task| task.tid);
        Threads(tasks)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Thread> {
        self.0.iter()
    }

    /// How many can take a signal: those that have ended are not counted,
    /// unless all have.
    pub fn live_count(&self) -> usize {
        self.live().count()
    }

    /// How many block the signal.
    pub fn count_blocking(&self, signal: Signal) -> usize {
        self.live().filter(|task| task.blocked.contains(signal)).count()
    }

    /// The signals that every thread blocks: only these the process blocks as
    /// a whole.
    pub fn blocked_by_all(&self) -> SignalSet {
        self.live().map(|task| task.blocked).reduce(|all, next| all & next).unwrap_or_default()
    }

    /// The signals that at least one thread blocks.
    pub fn blocked_by_any(&self) -> SignalSet {
        self.live().fold(SignalSet::EMPTY, |any, task| any | task.blocked)
    }

    /// The signals pending for a thread of its own.
    pub fn pending_for_any(&self) -> SignalSet {
        self.0.iter().fold(SignalSet::EMPTY, |any, task| any | task.pending)
    }

    /// The threads for which the signal is pending.
    pub fn tids_with_pending(&self, signal: Signal) -> impl Iterator<Item = u32> {
        self.0.iter().filter(move |task| task.pending.contains(signal)).map(|task| task.tid)
    }

    /// Whether all have ended: the process is a zombie.
    pub fn all_exited(&self) -> bool {
        self.0.iter().all(Thread::has_exited)
    }

    /// Whether KILL ends every uninterruptible sleep among them: not where one is
    /// known that it does not end; `None` where there is none, or one's kind is
    /// not known.
    pub fn all_killable(&self) -> Option<bool> {
        let kinds = || self.0.iter().filter(|task| task.is_uninterruptible()).map(|task| task.killable);
        if kinds().any(|kind| kind == Some(false)) {
            return Some(false);
        }
        kinds().reduce(|all, next| all.and(next)).flatten()
    }

    /// Takes over what another look has told of uninterruptible sleeps: each by
    /// its thread, and whether KILL ends it. Who has slept in only one of the two
    /// looks is left as it was.
    pub fn update_killable(&mut self, sleeps: &[(u32, bool)]) {
        for task in self.0.iter_mut().filter(|task| task.is_uninterruptible()) {
            let told = sleeps.iter().find(|(tid, _)| *tid == task.tid);
            task.killable = told.map(|(_, killable)| *killable).or(task.killable);
        }
    }

    /// Those that have not ended; all of them where all have (a zombie).
    pub fn live(&self) -> impl Iterator<Item = &Thread> {
        let ended = self.0.iter().all(Thread::has_exited);
        self.0.iter().filter(move |task| ended || !task.has_exited())
    }
}

/// A thread made by hand, its sets by their bits.
#[cfg(test)]
pub(crate) fn test_thread(tid: u32, state: u8, pending: u128, blocked: u128) -> Thread {
    Thread {
        tid,
        name: None,
        state: Some(TaskState::from_letter(state)),
        pending: SignalSet::from_bits(pending),
        blocked: SignalSet::from_bits(blocked),
        tracer_pid: None,
        killable: None,
    }
}

#[cfg(test)]
mod tests {
    use super::test_thread as task;
    use super::*;

    fn signal(number: u8) -> Signal {
        Signal::new(number).unwrap()
    }

    #[test]
    fn process_blocks_signals_blocked_by_all_threads() {
        let threads = Threads::new(vec![task(1, b'S', 0, 0b110), task(2, b'R', 0b100, 0b011)]);
        assert_eq!(threads.blocked_by_all().bits(), 0b010);
        assert_eq!(threads.blocked_by_any().bits(), 0b111);
        assert_eq!(threads.count_blocking(signal(1)), 1);
        assert_eq!(threads.count_blocking(signal(2)), 2);
        assert_eq!(threads.live_count(), 2);
        assert_eq!(threads.tids_with_pending(signal(3)).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn exited_leader_is_not_counted() {
        let threads = Threads::new(vec![task(1, b'Z', 0, 0), task(2, b'S', 0, 0b1)]);
        assert_eq!(threads.blocked_by_all().bits(), 0b1);
        assert_eq!((threads.count_blocking(signal(1)), threads.live_count()), (1, 1));
    }

    #[test]
    fn zombie_keeps_mask_of_last_thread() {
        let threads = Threads::new(vec![task(1, b'Z', 0, 0b1)]);
        assert_eq!((threads.count_blocking(signal(1)), threads.live_count()), (1, 1));
    }

    #[test]
    fn update_killable_requires_both_samples() {
        let sleeping = [task(1, b'D', 0, 0), task(2, b'D', 0, 0), task(3, b'S', 0, 0)];
        let told = |sleeps: &[(u32, bool)]| {
            let mut threads = Threads::new(sleeping.to_vec());
            threads.update_killable(sleeps);
            (threads.all_killable(), threads.iter().map(|task| task.killable).collect::<Vec<_>>())
        };
        assert_eq!(told(&[(1, true), (2, true)]), (Some(true), vec![Some(true), Some(true), None]));
        // It is awake at the second look, or at the first.
        assert_eq!(told(&[(1, true), (3, true)]), (None, vec![Some(true), None, None]));
        assert_eq!(told(&[(2, true)]).0, None);
        // One is enough to keep the process.
        assert_eq!(told(&[(2, false)]), (Some(false), vec![None, Some(false), None]));
        assert_eq!(told(&[(1, false), (2, true)]).0, Some(false));
        assert_eq!(told(&[]).0, None);
        assert_eq!(Threads::new(vec![task(1, b'S', 0, 0)]).all_killable(), None);
    }

    #[test]
    fn empty_threads_block_nothing() {
        let none = Threads::default();
        assert!(none.blocked_by_all().is_empty());
        assert_eq!(none.live_count(), 0);
    }
}

//! The threads of a process, and what they say together.

use super::{ProcessName, State, Status};
use crate::signal::{Signal, SignalSet};

/// One thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its thread id.
    pub tid: u32,
    /// Its name, if its status tells it.
    pub name: Option<ProcessName>,
    /// Its state, if its status tells it.
    pub state: Option<State>,
    /// Pending for this thread alone.
    pub pending: SignalSet,
    /// Blocked by this thread.
    pub blocked: SignalSet,
    /// Its tracer, if it has one.
    pub tracer: Option<u32>,
}

impl Task {
    /// The thread a status file is of; `None` where it lacks the id or a set.
    pub fn of(status: &Status) -> Option<Task> {
        Some(Task {
            tid: status.pid?,
            name: status.name.clone(),
            state: status.state,
            pending: status.pending?,
            blocked: status.blocked?,
            tracer: status.tracer,
        })
    }

    /// Whether it has ended, so that its mask holds nothing back any more.
    pub fn is_ended(&self) -> bool {
        self.state.is_some_and(State::is_ended)
    }
}

/// Whether a process has ended, which is when every thread has. A text tells
/// only of one thread: that is enough where it is the only one.
pub fn has_ended(status: &Status, threads: Option<&Threads>) -> bool {
    match threads {
        Some(threads) => threads.are_ended(),
        None => status.state.is_some_and(State::is_ended) && status.threads.is_none_or(|count| count <= 1),
    }
}

/// The threads of one process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Threads(Vec<Task>);

impl Threads {
    /// The threads, in any order; they are kept by id.
    pub fn new(mut tasks: Vec<Task>) -> Threads {
        tasks.sort_by_key(|task| task.tid);
        Threads(tasks)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Task> {
        self.0.iter()
    }

    /// How many can take a signal: those that have ended are not counted,
    /// unless all have.
    pub fn count(&self) -> usize {
        self.live().count()
    }

    /// How many block the signal.
    pub fn blocking(&self, signal: Signal) -> usize {
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
    pub fn pending(&self) -> SignalSet {
        self.0.iter().fold(SignalSet::EMPTY, |any, task| any | task.pending)
    }

    /// The threads for which the signal is pending.
    pub fn pending_for(&self, signal: Signal) -> impl Iterator<Item = u32> {
        self.0.iter().filter(move |task| task.pending.contains(signal)).map(|task| task.tid)
    }

    /// Whether all have ended: the process is a zombie.
    pub fn are_ended(&self) -> bool {
        self.0.iter().all(Task::is_ended)
    }

    /// Those that have not ended; all of them where all have (a zombie).
    pub fn live(&self) -> impl Iterator<Item = &Task> {
        let ended = self.0.iter().all(Task::is_ended);
        self.0.iter().filter(move |task| ended || !task.is_ended())
    }
}

/// A thread made by hand, its sets by their bits.
#[cfg(test)]
pub(crate) fn sample(tid: u32, state: u8, pending: u128, blocked: u128) -> Task {
    Task {
        tid,
        name: None,
        state: Some(State::new(state)),
        pending: SignalSet::from_bits(pending),
        blocked: SignalSet::from_bits(blocked),
        tracer: None,
    }
}

#[cfg(test)]
mod tests {
    use super::sample as task;
    use super::*;

    fn signal(number: u8) -> Signal {
        Signal::new(number).unwrap()
    }

    #[test]
    fn a_process_blocks_what_every_thread_blocks() {
        let threads = Threads::new(vec![task(1, b'S', 0, 0b110), task(2, b'R', 0b100, 0b011)]);
        assert_eq!(threads.blocked_by_all().bits(), 0b010);
        assert_eq!(threads.blocked_by_any().bits(), 0b111);
        assert_eq!(threads.blocking(signal(1)), 1);
        assert_eq!(threads.blocking(signal(2)), 2);
        assert_eq!(threads.count(), 2);
        assert_eq!(threads.pending_for(signal(3)).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn a_leader_that_has_ended_does_not_count() {
        let threads = Threads::new(vec![task(1, b'Z', 0, 0), task(2, b'S', 0, 0b1)]);
        assert_eq!(threads.blocked_by_all().bits(), 0b1);
        assert_eq!((threads.blocking(signal(1)), threads.count()), (1, 1));
    }

    #[test]
    fn a_zombie_is_what_its_last_thread_was() {
        let threads = Threads::new(vec![task(1, b'Z', 0, 0b1)]);
        assert_eq!((threads.blocking(signal(1)), threads.count()), (1, 1));
    }

    #[test]
    fn no_threads_block_nothing() {
        let none = Threads::default();
        assert!(none.blocked_by_all().is_empty());
        assert_eq!(none.count(), 0);
    }
}

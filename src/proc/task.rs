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
    /// Of an uninterruptible sleep: whether KILL ends it. /proc does not tell.
    pub killable: Option<bool>,
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
            killable: None,
        })
    }

    /// Whether it has ended, so that its mask holds nothing back any more.
    pub fn is_ended(&self) -> bool {
        self.state.is_some_and(State::is_ended)
    }

    /// Whether it is in an uninterruptible sleep (D).
    pub fn is_asleep(&self) -> bool {
        self.state.is_some_and(|state| state.letter() == 'D')
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

    /// Whether KILL ends every uninterruptible sleep among them: not where one is
    /// known that it does not end; `None` where there is none, or one's kind is
    /// not known.
    pub fn are_killable(&self) -> Option<bool> {
        let kinds = || self.0.iter().filter(|task| task.is_asleep()).map(|task| task.killable);
        if kinds().any(|kind| kind == Some(false)) {
            return Some(false);
        }
        kinds().reduce(|all, next| all.and(next)).flatten()
    }

    /// Takes over what another look has told of uninterruptible sleeps: each by
    /// its thread, and whether KILL ends it. Who has slept in only one of the two
    /// looks is left as it was.
    pub fn learn(&mut self, sleeps: &[(u32, bool)]) {
        for task in self.0.iter_mut().filter(|task| task.is_asleep()) {
            let told = sleeps.iter().find(|(tid, _)| *tid == task.tid);
            task.killable = told.map(|(_, killable)| *killable).or(task.killable);
        }
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
        killable: None,
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
    fn a_sleep_is_told_where_both_looks_have_seen_it() {
        let sleeping = [task(1, b'D', 0, 0), task(2, b'D', 0, 0), task(3, b'S', 0, 0)];
        let told = |sleeps: &[(u32, bool)]| {
            let mut threads = Threads::new(sleeping.to_vec());
            threads.learn(sleeps);
            (threads.are_killable(), threads.iter().map(|task| task.killable).collect::<Vec<_>>())
        };
        assert_eq!(told(&[(1, true), (2, true)]), (Some(true), vec![Some(true), Some(true), None]));
        // It is awake at the second look, or at the first.
        assert_eq!(told(&[(1, true), (3, true)]), (None, vec![Some(true), None, None]));
        assert_eq!(told(&[(2, true)]).0, None);
        // One is enough to keep the process.
        assert_eq!(told(&[(2, false)]), (Some(false), vec![None, Some(false), None]));
        assert_eq!(told(&[(1, false), (2, true)]).0, Some(false));
        assert_eq!(told(&[]).0, None);
        assert_eq!(Threads::new(vec![task(1, b'S', 0, 0)]).are_killable(), None);
    }

    #[test]
    fn no_threads_block_nothing() {
        let none = Threads::default();
        assert!(none.blocked_by_all().is_empty());
        assert_eq!(none.count(), 0);
    }
}

//! Threads of a process and their combined signal sets.

use super::{ProcStatus, ProcessName, TaskState};
use crate::signal::{Signal, SignalSet};

/// A thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Its TID.
    pub tid: u32,
    /// Its name, if its status contains it.
    pub name: Option<ProcessName>,
    /// Its state, if its status contains it.
    pub state: Option<TaskState>,
    /// The signals pending for this thread alone.
    pub pending: SignalSet,
    /// The signals that this thread blocks.
    pub blocked: SignalSet,
    /// The PID of its tracer, if any.
    pub tracer_pid: Option<u32>,
    /// True if KILL ends its uninterruptible sleep. `None` if unknown, because
    /// /proc does not show it.
    pub killable: Option<bool>,
}

impl Thread {
    /// Returns the thread of a status file; `None` if the file lacks the TID or a
    /// set.
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

    /// Returns true if it has exited. Its signal mask then has no effect.
    pub fn has_exited(&self) -> bool {
        self.state.is_some_and(TaskState::has_exited)
    }

    /// Returns true if it is in an uninterruptible sleep (D).
    pub fn is_uninterruptible(&self) -> bool {
        self.state.is_some_and(|state| state.letter() == 'D')
    }
}

/// Returns true if a process has exited, which means that all of its threads
/// have. A status text describes only one thread, so it is sufficient only if the
/// process has no other.
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
    /// Sorts the threads by TID.
    pub fn new(mut threads: Vec<Thread>) -> Threads {
        threads.sort_by_key(|thread| thread.tid);
        Threads(threads)
    }

    /// Returns the threads sorted by TID.
    pub fn iter(&self) -> impl Iterator<Item = &Thread> {
        self.0.iter()
    }

    /// Returns the number of threads that have not exited, or of all threads if
    /// all have.
    pub fn live_count(&self) -> usize {
        self.live().count()
    }

    /// Returns the number of threads that block the signal.
    pub fn count_blocking(&self, signal: Signal) -> usize {
        self.live().filter(|thread| thread.blocked.contains(signal)).count()
    }

    /// Returns the signals that every thread blocks. The process as a whole
    /// blocks only these.
    pub fn blocked_by_all(&self) -> SignalSet {
        self.live().map(|thread| thread.blocked).reduce(|all, next| all & next).unwrap_or_default()
    }

    /// Returns the signals that at least one thread blocks.
    pub fn blocked_by_any(&self) -> SignalSet {
        self.live().fold(SignalSet::EMPTY, |any, thread| any | thread.blocked)
    }

    /// Returns the signals that are pending for an individual thread.
    pub fn pending_for_any(&self) -> SignalSet {
        self.0.iter().fold(SignalSet::EMPTY, |any, thread| any | thread.pending)
    }

    /// Returns the TIDs of the threads for which the signal is pending.
    pub fn tids_with_pending(&self, signal: Signal) -> impl Iterator<Item = u32> {
        self.0.iter().filter(move |thread| thread.pending.contains(signal)).map(|thread| thread.tid)
    }

    /// Returns true if all threads have exited, so that the process is a zombie.
    pub fn all_exited(&self) -> bool {
        self.0.iter().all(Thread::has_exited)
    }

    /// Returns true if KILL ends every uninterruptible sleep, and false if it
    /// does not end at least one. `None` if no thread is in such a sleep, or if
    /// one cannot be determined.
    pub fn all_killable(&self) -> Option<bool> {
        let kinds =
            || self.0.iter().filter(|thread| thread.is_uninterruptible()).map(|thread| thread.killable);
        if kinds().any(|kind| kind == Some(false)) {
            return Some(false);
        }
        kinds().reduce(|all, next| all.and(next)).flatten()
    }

    /// Adds the results of another sample of the uninterruptible sleeps: TIDs,
    /// and true if KILL ends the sleep. Only threads that sleep in both samples
    /// are changed.
    pub fn update_killable(&mut self, sleeps: &[(u32, bool)]) {
        for thread in self.0.iter_mut().filter(|thread| thread.is_uninterruptible()) {
            let sample = sleeps.iter().find(|(tid, _)| *tid == thread.tid);
            thread.killable = sample.map(|(_, killable)| *killable).or(thread.killable);
        }
    }

    /// Returns the threads that have not exited, or all threads if all have (a
    /// zombie).
    pub fn live(&self) -> impl Iterator<Item = &Thread> {
        let all_exited = self.0.iter().all(Thread::has_exited);
        self.0.iter().filter(move |thread| all_exited || !thread.has_exited())
    }
}

/// Creates a thread from the bits of its sets.
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
    use super::test_thread as thread;
    use super::*;

    fn signal(number: u8) -> Signal {
        Signal::new(number).unwrap()
    }

    #[test]
    fn process_blocks_signals_blocked_by_all_threads() {
        let threads = Threads::new(vec![thread(1, b'S', 0, 0b110), thread(2, b'R', 0b100, 0b011)]);
        assert_eq!(threads.blocked_by_all().bits(), 0b010);
        assert_eq!(threads.blocked_by_any().bits(), 0b111);
        assert_eq!(threads.count_blocking(signal(1)), 1);
        assert_eq!(threads.count_blocking(signal(2)), 2);
        assert_eq!(threads.live_count(), 2);
        assert_eq!(threads.tids_with_pending(signal(3)).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn exited_leader_is_not_counted() {
        let threads = Threads::new(vec![thread(1, b'Z', 0, 0), thread(2, b'S', 0, 0b1)]);
        assert_eq!(threads.blocked_by_all().bits(), 0b1);
        assert_eq!((threads.count_blocking(signal(1)), threads.live_count()), (1, 1));
    }

    #[test]
    fn zombie_keeps_mask_of_last_thread() {
        let threads = Threads::new(vec![thread(1, b'Z', 0, 0b1)]);
        assert_eq!((threads.count_blocking(signal(1)), threads.live_count()), (1, 1));
    }

    #[test]
    fn update_killable_requires_both_samples() {
        let threads_before = [thread(1, b'D', 0, 0), thread(2, b'D', 0, 0), thread(3, b'S', 0, 0)];
        let updated = |sleeps: &[(u32, bool)]| {
            let mut threads = Threads::new(threads_before.to_vec());
            threads.update_killable(sleeps);
            (threads.all_killable(), threads.iter().map(|thread| thread.killable).collect::<Vec<_>>())
        };
        assert_eq!(updated(&[(1, true), (2, true)]), (Some(true), vec![Some(true), Some(true), None]));
        // Thread 2 or thread 3 sleeps in only one of the samples.
        assert_eq!(updated(&[(1, true), (3, true)]), (None, vec![Some(true), None, None]));
        assert_eq!(updated(&[(2, true)]).0, None);
        // One thread that KILL does not end is enough.
        assert_eq!(updated(&[(2, false)]), (Some(false), vec![None, Some(false), None]));
        assert_eq!(updated(&[(1, false), (2, true)]).0, Some(false));
        assert_eq!(updated(&[]).0, None);
        assert_eq!(Threads::new(vec![thread(1, b'S', 0, 0)]).all_killable(), None);
    }

    #[test]
    fn empty_threads_block_nothing() {
        let threads = Threads::default();
        assert!(threads.blocked_by_all().is_empty());
        assert_eq!(threads.live_count(), 0);
    }
}

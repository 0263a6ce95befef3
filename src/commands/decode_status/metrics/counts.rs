//! Counters over many processes. Pure.
//!
//! The number of counters does not depend on the number of processes. Only the
//! selected signals, and the users with the fullest signal queues, have counters
//! of their own.

use std::collections::BTreeMap;

use crate::commands::decode_status::DecodedProcess;
use crate::procfs::status::QueueUsage;
use crate::procfs::{TaskState, process_has_exited};
use crate::signal::{Arch, Signal, SignalSet, name};

/// Names of the counted sets, in the order of
/// [`SignalCounts::processes_per_set`].
pub(super) const SET_NAMES: [&str; 4] = ["pending", "blocked", "ignored", "caught"];

/// Signals that are counted by default: those that stop and control services
/// (HUP, INT, QUIT, TERM, USR1, USR2), and the two whose disposition is most
/// often inherited by mistake (PIPE, CHLD).
pub(super) const DEFAULT_SIGNALS: &str = "HUP,INT,QUIT,PIPE,TERM,CHLD,USR1,USR2";

/// Maximum number of users with their own counters.
const MAX_USERS: usize = 64;

/// The counters of one signal.
#[derive(Clone, Debug)]
pub(super) struct SignalCounts {
    pub(in crate::commands::decode_status) name: String,
    /// The number of processes with the signal in each of the sets of
    /// [`SET_NAMES`].
    pub(super) processes_per_set: [u64; SET_NAMES.len()],
    signal: Signal,
}

/// The counters of all processes.
#[derive(Clone, Debug)]
pub(super) struct ProcessCounts {
    /// Processes that were read.
    pub(super) examined: u64,
    /// Processes that exist but could not be read. They are in no other counter.
    pub(super) unreadable: u64,
    /// Threads of the processes that were read.
    pub(in crate::commands::decode_status) threads: u64,
    /// Processes that have exited and that their parents have not waited for.
    pub(super) zombies: u64,
    /// Processes with a thread in state D.
    pub(super) uninterruptible: u64,
    /// Processes with a thread in state T.
    pub(in crate::commands::decode_status) stopped: u64,
    /// Processes with a thread in state t.
    pub(super) trace_stopped: u64,
    /// Processes with a thread that has a tracer.
    pub(super) traced: u64,
    signals: Vec<SignalCounts>,
    queues: BTreeMap<u32, QueueUsage>,
}

impl ProcessCounts {
    /// Creates counters for these signals.
    pub(in crate::commands::decode_status) fn new(signals: SignalSet) -> ProcessCounts {
        let zero_counts = |signal: Signal| SignalCounts {
            name: Arch::NATIVE.signal_name(signal).to_string(),
            processes_per_set: [0; SET_NAMES.len()],
            signal,
        };
        ProcessCounts {
            examined: 0,
            unreadable: 0,
            threads: 0,
            zombies: 0,
            uninterruptible: 0,
            stopped: 0,
            trace_stopped: 0,
            traced: 0,
            signals: signals.iter().map(zero_counts).collect(),
            queues: BTreeMap::new(),
        }
    }

    /// Counts a process. Unknown values and single threads are not counted.
    pub(super) fn add(&mut self, process: &DecodedProcess) {
        if process.tid.is_some() {
            return;
        }
        let status = &process.status;
        self.examined += 1;
        self.threads += u64::from(status.thread_count.unwrap_or(1));
        if process_has_exited(status, process.threads.as_ref()) {
            // The kernel no longer delivers signals to it, so its sets have no
            // effect.
            self.zombies += 1;
            return;
        }
        let threads = || process.threads.iter().flat_map(|threads| threads.iter());
        let has_state = |letter: u8| {
            let state = Some(TaskState::from_letter(letter));
            u64::from(status.state == state || threads().any(|thread| thread.state == state))
        };
        self.uninterruptible += has_state(b'D');
        self.stopped += has_state(b'T');
        self.trace_stopped += has_state(b't');
        self.traced +=
            u64::from(status.tracer_pid.is_some() || threads().any(|thread| thread.tracer_pid.is_some()));
        let is_conclusive = |set: &SignalSet| set.is_empty() || !process.is_partial();
        let sets =
            [process.pending(), process.blocked().filter(is_conclusive), status.ignored, status.caught];
        for counts in &mut self.signals {
            let Some(signal) = counts.signal_on(status.arch) else { continue };
            for (count, set) in counts.processes_per_set.iter_mut().zip(sets) {
                *count += u64::from(set.is_some_and(|set| set.contains(signal)));
            }
        }
        if let (Some((real, _)), Some(queue)) = (status.uids, status.queue_usage) {
            let usage = self.queues.entry(real).or_insert(queue);
            // The values were read at different times, and each process has its
            // own limit.
            *usage = QueueUsage { used: usage.used.max(queue.used), limit: usage.limit.min(queue.limit) };
        }
    }

    /// Returns the counters of all signals, sorted by signal number.
    pub(in crate::commands::decode_status) fn signals(&self) -> &[SignalCounts] {
        &self.signals
    }

    /// Returns the queues that are closest to their limit, fullest first, and the
    /// number of omitted users.
    pub(super) fn fullest_queues(&self) -> (Vec<(u32, QueueUsage)>, usize) {
        let mut queues: Vec<(u32, QueueUsage)> =
            self.queues.iter().map(|(uid, queue)| (*uid, *queue)).collect();
        // The sort is stable, so equally full queues stay sorted by UID.
        queues.sort_by(|(_, left), (_, right)| {
            fill_ratio(*right).total_cmp(&fill_ratio(*left)).then(right.used.cmp(&left.used))
        });
        let omitted = queues.len().saturating_sub(MAX_USERS);
        queues.truncate(MAX_USERS);
        (queues, omitted)
    }
}

impl SignalCounts {
    /// Returns the signal number on the architecture of a status.
    fn signal_on(&self, arch: Arch) -> Option<Signal> {
        match arch == Arch::NATIVE {
            true => Some(self.signal),
            false => name::parse(&self.name, arch).ok(),
        }
    }
}

/// Returns the used fraction of a queue.
fn fill_ratio(queue: QueueUsage) -> f64 {
    match queue {
        QueueUsage { used: 0, .. } => 0.0,
        QueueUsage { used, limit } => used as f64 / limit as f64,
    }
}

#[cfg(test)]
pub(in crate::commands::decode_status) mod tests {
    use super::*;
    use crate::commands::decode_status::collect;
    use crate::procfs::task::test_thread as thread;
    use crate::procfs::{ProcStatus, Thread, Threads};

    /// Creates a process from a status text. It is live if it has threads.
    pub(in crate::commands::decode_status) fn parse_process(
        text: &str,
        threads: Option<Vec<Thread>>,
    ) -> DecodedProcess {
        let status = ProcStatus::parse(text.as_bytes()).unwrap();
        DecodedProcess { threads: threads.map(Threads::new), ..collect::process_from_status(status, None) }
    }

    pub(in crate::commands::decode_status::metrics) fn count_processes(
        signals: &str,
        processes: &[DecodedProcess],
    ) -> ProcessCounts {
        let mut counts = ProcessCounts::new(SignalSet::parse(signals, Arch::NATIVE).unwrap());
        processes.iter().for_each(|process| counts.add(process));
        counts
    }

    /// Returns the numbers of processes that have pending, block, ignore and
    /// catch a signal.
    fn set_counts(counts: &ProcessCounts, name: &str) -> [u64; 4] {
        counts.signals().iter().find(|counts| counts.name == name).unwrap().processes_per_set
    }

    pub(in crate::commands::decode_status) fn status_text(
        state: char,
        threads: u32,
        uid: u32,
        queue: &str,
    ) -> String {
        format!(
            "State:\t{state}\nTgid:\t7\nPid:\t7\nUid:\t{uid}\t0\t0\t0\nThreads:\t{threads}\nSigQ:\t{queue}\n\
             SigPnd:\t0000000000000000\nShdPnd:\t0000000000004000\nSigBlk:\t0000000000004001\n\
             SigIgn:\t0000000000001000\nSigCgt:\t0000000000000001\n"
        )
    }

    #[test]
    fn counts_sets_only_for_requested_signals() {
        let one = || parse_process(&status_text('S', 1, 5, "1/10"), Some(vec![thread(7, b'S', 0, 0x4001)]));
        let counts = count_processes("HUP,PIPE,TERM,USR1", &[one(), one()]);
        assert_eq!(set_counts(&counts, "HUP"), [0, 2, 0, 2]);
        assert_eq!(set_counts(&counts, "PIPE"), [0, 0, 2, 0]);
        assert_eq!(set_counts(&counts, "TERM"), [2, 2, 0, 0]);
        assert_eq!(set_counts(&counts, "USR1"), [0; 4]);
        assert_eq!((counts.signals().len(), counts.examined, counts.threads), (4, 2, 2));
    }

    #[test]
    fn counts_signal_as_blocked_if_every_thread_blocks_it() {
        let threads = vec![thread(7, b'S', 0, 0x4001), thread(8, b'D', 0x200, 1)];
        let counts = count_processes(
            "HUP,TERM,USR1",
            &[parse_process(&status_text('S', 2, 5, "1/10"), Some(threads))],
        );
        assert_eq!((set_counts(&counts, "HUP")[1], set_counts(&counts, "TERM")[1]), (1, 0));
        assert_eq!(set_counts(&counts, "USR1")[0], 1, "pending for one thread");
        assert_eq!((counts.uninterruptible, counts.threads), (1, 2), "one thread is in D");
    }

    #[test]
    fn counts_zombie_in_no_set_and_no_queue() {
        let zombie = parse_process(&status_text('Z', 1, 5, "0/0"), Some(vec![thread(7, b'Z', 0, 0x4001)]));
        let counts = count_processes("TERM", &[zombie]);
        assert_eq!((counts.examined, counts.zombies, set_counts(&counts, "TERM")), (1, 1, [0; 4]));
        assert_eq!(counts.fullest_queues(), (Vec::new(), 0));
        let threads = vec![thread(7, b'Z', 0, 0), thread(8, b'S', 0, 0x4000)];
        let alive = count_processes("TERM", &[parse_process(&status_text('Z', 2, 5, "1/9"), Some(threads))]);
        assert_eq!((alive.zombies, set_counts(&alive, "TERM")[1]), (0, 1), "its other thread lives");
        assert_eq!(
            count_processes("TERM", &[parse_process(&status_text('Z', 2, 5, "1/9"), None)]).zombies,
            0
        );
    }

    #[test]
    fn counts_states_and_tracers() {
        let tracer = |text: String| parse_process(&format!("TracerPid:\t9\n{text}"), None);
        let counts = count_processes(
            "TERM",
            &[
                parse_process(&status_text('T', 1, 5, "0/9"), None),
                tracer(status_text('t', 1, 5, "0/9")),
                tracer(status_text('S', 1, 5, "0/9")),
                parse_process(&status_text('D', 1, 5, "0/9"), None),
            ],
        );
        assert_eq!((counts.stopped, counts.trace_stopped, counts.traced), (1, 1, 2));
        assert_eq!((counts.uninterruptible, counts.zombies, counts.examined), (1, 0, 4));
    }

    #[test]
    fn skips_values_missing_in_text() {
        let partial = count_processes("HUP,TERM", &[parse_process(&status_text('S', 3, 5, "1/9"), None)]);
        assert_eq!(set_counts(&partial, "HUP"), [0, 0, 0, 1], "what the other threads block is not known");
        assert_eq!(set_counts(&partial, "TERM")[0], 1);
        let bare = count_processes("HUP", &[parse_process("SigCgt:\t0000000000000001\n", None)]);
        assert_eq!((set_counts(&bare, "HUP"), bare.threads), ([0, 0, 0, 1], 1));
    }

    #[test]
    fn skips_single_thread() {
        let one = DecodedProcess { tid: Some(8), ..parse_process(&status_text('S', 2, 5, "1/9"), None) };
        assert_eq!(count_processes("TERM", &[one]).examined, 0);
    }

    #[test]
    fn reads_foreign_sets_with_foreign_signal_numbers() {
        let mips = format!("SigBlk:\t{:032x}\nSigIgn:\t{:032x}\n", 1 << 15, 1 << 17);
        let counts = count_processes("USR1,CHLD", &[parse_process(&mips, None)]);
        assert_eq!((set_counts(&counts, "USR1")[1], set_counts(&counts, "CHLD")[2]), (1, 1));
    }

    #[test]
    fn user_queue_takes_highest_use_and_lowest_limit() {
        let queues =
            ["3/100", "5/50", "4/70"].map(|queue| parse_process(&status_text('S', 1, 5, queue), None));
        assert_eq!(
            count_processes("TERM", &queues).fullest_queues(),
            (vec![(5, QueueUsage { used: 5, limit: 50 })], 0)
        );
    }

    #[test]
    fn keeps_only_fullest_queues() {
        let many: Vec<DecodedProcess> = (0..70)
            .map(|uid| parse_process(&status_text('S', 1, uid, &format!("{uid}/1000")), None))
            .collect();
        let (queues, omitted) = count_processes("TERM", &many).fullest_queues();
        assert_eq!((queues.len(), omitted), (64, 6));
        assert_eq!((queues[0].0, queues[63].0), (69, 6));
        let edges = [(1, "0/0"), (2, "0/9"), (3, "1/0"), (4, "9/9")];
        let edges = edges.map(|(uid, queue)| parse_process(&status_text('S', 1, uid, queue), None));
        let order: Vec<u32> =
            count_processes("TERM", &edges).fullest_queues().0.iter().map(|(uid, _)| *uid).collect();
        assert_eq!(order, [3, 4, 1, 2]);
    }
}

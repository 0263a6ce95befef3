//! Many processes, in a few numbers. Pure.
//!
//! How many numbers there are does not depend on how many processes are
//! counted: only signals that were chosen, and the users whose queue of signals
//! is fullest, have numbers of their own.

use std::collections::BTreeMap;

use super::Process;
use crate::proc::status::Queue;
use crate::proc::{State, has_ended};
use crate::signal::{Arch, Signal, SignalSet, name};

/// The sets that are counted, by name, in the order of [`PerSignal::processes`].
pub(super) const SETS: [&str; 4] = ["pending", "blocked", "ignored", "caught"];

/// The signals that are counted unless others are asked for: those that end and
/// steer services (HUP, INT, QUIT, TERM, USR1, USR2), and the two whose
/// disposition is most often inherited by mistake (PIPE, CHLD).
pub(super) const USUAL: &str = "HUP,INT,QUIT,PIPE,TERM,CHLD,USR1,USR2";

/// So many users have numbers of their own.
const MOST_USERS: usize = 64;

/// What is counted for one signal.
#[derive(Clone, Debug)]
pub(super) struct PerSignal {
    /// Its name.
    pub(super) name: String,
    /// In how many processes' sets it is: see [`SETS`].
    pub(super) processes: [u64; SETS.len()],
    signal: Signal,
}

/// The numbers.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    /// Processes that were looked at.
    pub(super) examined: u64,
    /// Processes that are there and could not be read: in no other number.
    pub(super) unreadable: u64,
    /// Threads of those looked at.
    pub(super) threads: u64,
    /// Ended, and not waited for by their parents.
    pub(super) zombies: u64,
    /// With a thread in state D.
    pub(super) uninterruptible: u64,
    /// With a thread in state T.
    pub(super) stopped: u64,
    /// With a thread in state t.
    pub(super) trace_stopped: u64,
    /// With a thread that has a tracer.
    pub(super) traced: u64,
    signals: Vec<PerSignal>,
    queues: BTreeMap<u32, Queue>,
}

impl Counts {
    /// Nothing counted yet; these signals will be.
    pub(super) fn of(signals: SignalSet) -> Counts {
        let fresh = |signal: Signal| PerSignal {
            name: Arch::NATIVE.name(signal).to_string(),
            processes: [0; SETS.len()],
            signal,
        };
        Counts {
            examined: 0,
            unreadable: 0,
            threads: 0,
            zombies: 0,
            uninterruptible: 0,
            stopped: 0,
            trace_stopped: 0,
            traced: 0,
            signals: signals.iter().map(fresh).collect(),
            queues: BTreeMap::new(),
        }
    }

    /// Counts a process. What is not known of it is not counted; a thread by
    /// itself is no process.
    pub(super) fn add(&mut self, process: &Process) {
        if process.thread.is_some() {
            return;
        }
        let status = &process.status;
        self.examined += 1;
        self.threads += u64::from(status.threads.unwrap_or(1));
        if has_ended(status, process.threads.as_ref()) {
            // Nothing is delivered to it any more, whatever its sets say.
            self.zombies += 1;
            return;
        }
        let tasks = || process.threads.iter().flat_map(|threads| threads.iter());
        let is_in = |letter: u8| {
            let state = Some(State::new(letter));
            u64::from(status.state == state || tasks().any(|task| task.state == state))
        };
        self.uninterruptible += is_in(b'D');
        self.stopped += is_in(b'T');
        self.trace_stopped += is_in(b't');
        self.traced += u64::from(status.tracer.is_some() || tasks().any(|task| task.tracer.is_some()));
        let whole = |set: &SignalSet| set.is_empty() || !process.is_partial();
        let sets = [process.pending(), process.blocked().filter(whole), status.ignored, status.caught];
        for each in &mut self.signals {
            let Some(signal) = each.number(status.arch) else { continue };
            for (count, set) in each.processes.iter_mut().zip(sets) {
                *count += u64::from(set.is_some_and(|set| set.contains(signal)));
            }
        }
        if let (Some((real, _)), Some(queue)) = (status.uids, status.queue) {
            let known = self.queues.entry(real).or_insert(queue);
            // Read at different times; each process has a limit of its own.
            *known = Queue { used: known.used.max(queue.used), limit: known.limit.min(queue.limit) };
        }
    }

    /// What was counted of each signal, by number.
    pub(super) fn signals(&self) -> &[PerSignal] {
        &self.signals
    }

    /// The queues of the users whose are fullest, those first; and how many
    /// users are left out.
    pub(super) fn queues(&self) -> (Vec<(u32, Queue)>, usize) {
        let mut all: Vec<(u32, Queue)> = self.queues.iter().map(|(uid, queue)| (*uid, *queue)).collect();
        // By number where they are as full: the sort is stable.
        all.sort_by(|(_, one), (_, other)| {
            share(*other).total_cmp(&share(*one)).then(other.used.cmp(&one.used))
        });
        let omitted = all.len().saturating_sub(MOST_USERS);
        all.truncate(MOST_USERS);
        (all, omitted)
    }
}

impl PerSignal {
    /// Its number on the machine that a status is of.
    fn number(&self, arch: Arch) -> Option<Signal> {
        match arch == Arch::NATIVE {
            true => Some(self.signal),
            false => name::parse(&self.name, arch).ok(),
        }
    }
}

/// How full a queue is.
fn share(queue: Queue) -> f64 {
    match queue {
        Queue { used: 0, .. } => 0.0,
        Queue { used, limit } => used as f64 / limit as f64,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::decode_status::find;
    use crate::proc::task::sample as task;
    use crate::proc::{Status, Task, Threads};

    /// A process by a text, live if it has tasks.
    pub(in crate::decode_status) fn process(text: &str, tasks: Option<Vec<Task>>) -> Process {
        let status = Status::parse(text.as_bytes()).unwrap();
        Process { threads: tasks.map(Threads::new), ..find::bare(status, None) }
    }

    pub(in crate::decode_status) fn counts(signals: &str, processes: &[Process]) -> Counts {
        let mut counts = Counts::of(SignalSet::parse(signals, Arch::NATIVE).unwrap());
        processes.iter().for_each(|process| counts.add(process));
        counts
    }

    /// pending, blocked, ignored, caught.
    fn of(counts: &Counts, name: &str) -> [u64; 4] {
        counts.signals().iter().find(|each| each.name == name).unwrap().processes
    }

    pub(in crate::decode_status) fn lines(state: char, threads: u32, uid: u32, queue: &str) -> String {
        format!(
            "State:\t{state}\nTgid:\t7\nPid:\t7\nUid:\t{uid}\t0\t0\t0\nThreads:\t{threads}\nSigQ:\t{queue}\n\
             SigPnd:\t0000000000000000\nShdPnd:\t0000000000004000\nSigBlk:\t0000000000004001\n\
             SigIgn:\t0000000000001000\nSigCgt:\t0000000000000001\n"
        )
    }

    #[test]
    fn each_set_is_counted_for_the_chosen_signals_alone() {
        let one = || process(&lines('S', 1, 5, "1/10"), Some(vec![task(7, b'S', 0, 0x4001)]));
        let found = counts("HUP,PIPE,TERM,USR1", &[one(), one()]);
        assert_eq!(of(&found, "HUP"), [0, 2, 0, 2]);
        assert_eq!(of(&found, "PIPE"), [0, 0, 2, 0]);
        assert_eq!(of(&found, "TERM"), [2, 2, 0, 0]);
        assert_eq!(of(&found, "USR1"), [0; 4]);
        assert_eq!((found.signals().len(), found.examined, found.threads), (4, 2, 2));
    }

    #[test]
    fn blocked_is_what_every_thread_blocks() {
        let tasks = vec![task(7, b'S', 0, 0x4001), task(8, b'D', 0x200, 1)];
        let found = counts("HUP,TERM,USR1", &[process(&lines('S', 2, 5, "1/10"), Some(tasks))]);
        assert_eq!((of(&found, "HUP")[1], of(&found, "TERM")[1]), (1, 0));
        assert_eq!(of(&found, "USR1")[0], 1, "pending for one thread");
        assert_eq!((found.uninterruptible, found.threads), (1, 2), "one thread is in D");
    }

    #[test]
    fn a_zombie_is_in_no_set_and_has_no_queue() {
        let dead = process(&lines('Z', 1, 5, "0/0"), Some(vec![task(7, b'Z', 0, 0x4001)]));
        let found = counts("TERM", &[dead]);
        assert_eq!((found.examined, found.zombies, of(&found, "TERM")), (1, 1, [0; 4]));
        assert_eq!(found.queues(), (Vec::new(), 0));
        let tasks = vec![task(7, b'Z', 0, 0), task(8, b'S', 0, 0x4000)];
        let alive = counts("TERM", &[process(&lines('Z', 2, 5, "1/9"), Some(tasks))]);
        assert_eq!((alive.zombies, of(&alive, "TERM")[1]), (0, 1), "its other thread lives");
        assert_eq!(counts("TERM", &[process(&lines('Z', 2, 5, "1/9"), None)]).zombies, 0);
    }

    #[test]
    fn states_and_tracers_are_counted() {
        let tracer = |text: String| process(&format!("TracerPid:\t9\n{text}"), None);
        let found = counts(
            "TERM",
            &[
                process(&lines('T', 1, 5, "0/9"), None),
                tracer(lines('t', 1, 5, "0/9")),
                tracer(lines('S', 1, 5, "0/9")),
                process(&lines('D', 1, 5, "0/9"), None),
            ],
        );
        assert_eq!((found.stopped, found.trace_stopped, found.traced), (1, 1, 2));
        assert_eq!((found.uninterruptible, found.zombies, found.examined), (1, 0, 4));
    }

    #[test]
    fn what_a_text_does_not_tell_is_not_counted() {
        let partial = counts("HUP,TERM", &[process(&lines('S', 3, 5, "1/9"), None)]);
        assert_eq!(of(&partial, "HUP"), [0, 0, 0, 1], "what the other threads block is not known");
        assert_eq!(of(&partial, "TERM")[0], 1);
        let bare = counts("HUP", &[process("SigCgt:\t0000000000000001\n", None)]);
        assert_eq!((of(&bare, "HUP"), bare.threads), ([0, 0, 0, 1], 1));
    }

    #[test]
    fn a_thread_by_itself_is_no_process() {
        let one = Process { thread: Some(8), ..process(&lines('S', 2, 5, "1/9"), None) };
        assert_eq!(counts("TERM", &[one]).examined, 0);
    }

    #[test]
    fn another_machines_sets_are_read_by_its_own_numbers() {
        let mips = format!("SigBlk:\t{:032x}\nSigIgn:\t{:032x}\n", 1 << 15, 1 << 17);
        let found = counts("USR1,CHLD", &[process(&mips, None)]);
        assert_eq!((of(&found, "USR1")[1], of(&found, "CHLD")[2]), (1, 1));
    }

    #[test]
    fn a_users_queue_has_the_most_used_and_the_lowest_limit() {
        let queues = ["3/100", "5/50", "4/70"].map(|queue| process(&lines('S', 1, 5, queue), None));
        assert_eq!(counts("TERM", &queues).queues(), (vec![(5, Queue { used: 5, limit: 50 })], 0));
    }

    #[test]
    fn only_the_fullest_queues_are_kept() {
        let many: Vec<Process> =
            (0..70).map(|uid| process(&lines('S', 1, uid, &format!("{uid}/1000")), None)).collect();
        let (kept, omitted) = counts("TERM", &many).queues();
        assert_eq!((kept.len(), omitted), (64, 6));
        assert_eq!((kept[0].0, kept[63].0), (69, 6));
        let edges = [(1, "0/0"), (2, "0/9"), (3, "1/0"), (4, "9/9")];
        let edges = edges.map(|(uid, queue)| process(&lines('S', 1, uid, queue), None));
        let order: Vec<u32> = counts("TERM", &edges).queues().0.iter().map(|(uid, _)| *uid).collect();
        assert_eq!(order, [3, 4, 1, 2]);
    }
}

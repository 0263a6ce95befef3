//! Two looks at a process, and what is different: pure.

use std::time::{Duration, Instant};

use crate::explain::require::Set;
use crate::proc::{ProcessName, Situation, State, Task, Threads};
use crate::signal::known::KILL;
use crate::signal::{Signal, SignalSet};

/// A change of a process, or of one of its threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Signals came into a set, or left it.
    Set {
        /// The thread; `None` is the process.
        tid: Option<u32>,
        /// Whether they came.
        added: bool,
        /// The set.
        set: Set,
        /// The signals.
        signals: SignalSet,
    },
    /// The state of the process.
    State {
        /// What was told last.
        from: State,
        /// What it is now.
        to: State,
        /// The signal that has stopped it, where its tracer has seen that.
        by: Option<Signal>,
    },
    /// It calls itself something else: after an exec, most of all.
    Name {
        /// What it called itself.
        from: ProcessName,
        /// What it does now.
        to: ProcessName,
    },
    /// A thread that was not there before.
    ThreadStarted(Task),
    /// A thread that is not there any more.
    ThreadEnded(u32),
}

/// What has changed, but for the state. `threads`: of each thread by itself.
pub(super) fn changes(before: &Situation, now: &Situation, threads: bool) -> Vec<Change> {
    let mut found = Vec::new();
    if let (Some(from), Some(to)) = (&before.status.name, &now.status.name)
        && from != to
    {
        found.push(Change::Name { from: from.clone(), to: to.clone() });
    }
    for set in [Set::Pending, Set::Blocked, Set::Ignored, Set::Caught] {
        if let (Some(before), Some(now)) = (members(before, set, threads), members(now, set, threads)) {
            compare(&mut found, None, set, before, now);
        }
    }
    if let (true, Some(before), Some(now)) = (threads, &before.threads, &now.threads) {
        of_threads(&mut found, before, now);
    }
    found
}

/// What a process has in a set. Of each thread by itself, only what waits for
/// the process as a whole is pending for it, and it blocks nothing: the threads
/// do.
pub(super) fn members(situation: &Situation, set: Set, threads: bool) -> Option<SignalSet> {
    match set {
        Set::Pending if threads => situation.status.shared_pending,
        Set::Blocked if threads => None,
        set => set.members(situation),
    }
}

fn compare(found: &mut Vec<Change>, tid: Option<u32>, set: Set, before: SignalSet, now: SignalSet) {
    for (added, signals) in [(false, before - now), (true, now - before)] {
        if !signals.is_empty() {
            found.push(Change::Set { tid, added, set, signals });
        }
    }
}

fn of_threads(found: &mut Vec<Change>, before: &Threads, now: &Threads) {
    let alive = |threads: &Threads, tid: u32| -> Option<Task> {
        threads.iter().find(|task| task.tid == tid && !task.is_ended()).cloned()
    };
    for task in before.iter().filter(|task| !task.is_ended()) {
        match alive(now, task.tid) {
            None => found.push(Change::ThreadEnded(task.tid)),
            Some(same) => {
                let tid = Some(task.tid);
                compare(found, tid, Set::Pending, task.pending, same.pending);
                compare(found, tid, Set::Blocked, task.blocked, same.blocked);
            }
        }
    }
    for task in now.iter().filter(|task| !task.is_ended()) {
        if alive(before, task.tid).is_none() {
            found.push(Change::ThreadStarted(task.clone()));
        }
    }
}

/// So long KILL is pending for a thread until that is news.
const LASTING: Duration = Duration::from_millis(50);

/// A thread that the kernel ends, and since when that is seen.
pub(super) type Dying = (u32, Instant);

/// Holds back that KILL is pending for threads alone, unless that lasts: so the
/// kernel ends the other threads of a process that executes a program, or exits
/// (`zap_other_threads` in kernel/signal.c), which is told by itself. `dying`:
/// those of which it is held back, as of the look before.
pub(super) fn without_dying(threads: Threads, dying: &mut Vec<Dying>, now: Instant) -> Threads {
    let since = |tid: u32| dying.iter().find(|(known, _)| *known == tid).map_or(now, |(_, since)| *since);
    let killed: Vec<Dying> = threads.pending_for(KILL).map(|tid| (tid, since(tid))).collect();
    *dying = killed;
    let held = |tid: u32| dying.iter().any(|(known, since)| *known == tid && now - *since < LASTING);
    if !dying.iter().any(|(tid, _)| held(*tid)) {
        return threads;
    }
    let spared = threads.iter().cloned().map(|task| {
        let kill = if held(task.tid) { SignalSet::from_iter([KILL]) } else { SignalSet::EMPTY };
        Task { pending: task.pending - kill, ..task }
    });
    Threads::new(spared.collect())
}

/// The state of a process: that of its main thread, or, where that alone has
/// ended, of the first of the others.
pub(super) fn state(situation: &Situation) -> Option<State> {
    let own = situation.status.state?;
    let other = || situation.threads.as_ref()?.live().next()?.state;
    if own.is_ended() { other().or(Some(own)) } else { Some(own) }
}

/// Whether a state is news, after the one that was told last and the one of
/// the look before. A process that works is now running and now asleep: neither
/// is news after the other; nor is a wait that no signal ends, unless it lasts
/// from one look to the next.
pub(super) fn is_news(told: State, before: State, now: State) -> bool {
    let works = |state: State| matches!(state.letter(), 'R' | 'S' | 'I');
    let passes = now.letter() == 'D' && before != now;
    now != told && !(works(told) && works(now)) && !passes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proc::Status;
    use crate::proc::task::sample as task;

    fn look(sets: [u128; 3], tasks: Vec<Task>) -> Situation {
        let [shared, ignored, caught] = sets.map(|bits| Some(SignalSet::from_bits(bits)));
        let state = tasks.first().and_then(|task| task.state);
        let status = Status { state, shared_pending: shared, ignored, caught, ..Status::default() };
        Situation { status, threads: Some(Threads::new(tasks)), ..Situation::default() }
    }

    fn set(tid: Option<u32>, added: bool, set: Set, bits: u128) -> Change {
        Change::Set { tid, added, set, signals: SignalSet::from_bits(bits) }
    }

    #[test]
    fn what_comes_into_a_set_or_leaves_it_is_a_change() {
        let before = look([0, 0b1, 0b10], vec![task(1, b'S', 0, 0b100)]);
        let now = look([0b1000, 0b10, 0b1], vec![task(1, b'S', 0b1, 0)]);
        assert_eq!(changes(&before, &before.clone(), false), []);
        assert_eq!(
            changes(&before, &now, false),
            [
                set(None, true, Set::Pending, 0b1001),
                set(None, false, Set::Blocked, 0b100),
                set(None, false, Set::Ignored, 0b1),
                set(None, true, Set::Ignored, 0b10),
                set(None, false, Set::Caught, 0b10),
                set(None, true, Set::Caught, 0b1),
            ]
        );
        assert_eq!(
            changes(&before, &now, true)[..1],
            [set(None, true, Set::Pending, 0b1000)],
            "the thread's own is the thread's"
        );
    }

    #[test]
    fn a_process_blocks_what_all_its_threads_block() {
        let before = look([0; 3], vec![task(1, b'S', 0, 0b11), task(2, b'S', 0, 0b01)]);
        let now = look([0; 3], vec![task(1, b'S', 0, 0b11), task(2, b'S', 0, 0b10)]);
        let expected = [set(None, false, Set::Blocked, 0b01), set(None, true, Set::Blocked, 0b10)];
        assert_eq!(changes(&before, &now, false), expected);
        let expected = [set(Some(2), false, Set::Blocked, 0b01), set(Some(2), true, Set::Blocked, 0b10)];
        assert_eq!(changes(&before, &now, true), expected);
    }

    #[test]
    fn threads_come_and_go() {
        let before = look([0; 3], vec![task(1, b'S', 0, 0), task(2, b'S', 0b1, 0)]);
        let now = look([0; 3], vec![task(1, b'Z', 0, 0), task(3, b'S', 0, 0b1)]);
        let expected =
            [Change::ThreadEnded(1), Change::ThreadEnded(2), Change::ThreadStarted(task(3, b'S', 0, 0b1))];
        assert_eq!(changes(&before, &now, true), expected);
        assert_eq!(state(&now).map(State::letter), Some('S'), "it lives on without its main thread");
        assert_eq!(state(&before).map(State::letter), Some('S'));
    }

    #[test]
    fn threads_that_the_kernel_ends_are_no_news_unless_that_lasts() {
        const KILL: u128 = 1 << 8;
        let threads = |kills: [u128; 3]| {
            Threads::new((1..).zip(kills).map(|(tid, kill)| task(tid, b'S', kill | 1, 0)).collect())
        };
        let pending =
            |threads: &Threads| -> Vec<u128> { threads.iter().map(|task| task.pending.bits()).collect() };
        let (mut dying, start) = (Vec::new(), Instant::now());
        let mut look = |kills, millis| {
            let now = start + Duration::from_millis(millis);
            pending(&without_dying(threads(kills), &mut dying, now))
        };
        assert_eq!(look([0, KILL, 0], 0), [1, 1, 1]);
        assert_eq!(look([0, KILL, KILL], 1), [1, 1, 1], "it takes its time");
        assert_eq!(look([0, KILL, KILL], 50), [1, 1 | KILL, 1]);
        assert_eq!(look([0, KILL, KILL], 51), [1, 1 | KILL, 1 | KILL]);
        assert_eq!(look([0; 3], 52), [1; 3]);
        assert_eq!(look([0, KILL, 0], 99), [1; 3], "as if for the first time");
        look([0; 3], 100);
        assert!(dying.is_empty(), "{dying:?}");
    }

    #[test]
    fn another_name_is_a_change() {
        let named = |name: &str| {
            let status = Status { name: Some(ProcessName::new(name.as_bytes())), ..Status::default() };
            Situation { status, ..Situation::default() }
        };
        let (from, to) = (ProcessName::new(b"bash"), ProcessName::new(b"python3"));
        assert_eq!(changes(&named("bash"), &named("python3"), false), [Change::Name { from, to }]);
        assert_eq!(changes(&named("bash"), &named("bash"), false), []);
    }

    #[test]
    fn what_is_not_known_has_not_changed() {
        let known = look([1, 1, 1], vec![task(1, b'S', 0, 0)]);
        assert_eq!(changes(&Situation::default(), &known, false), []);
        assert_eq!(state(&Situation::default()), None);
    }

    #[test]
    fn working_is_no_news_and_stopping_is() {
        let news = |told, before, now| is_news(State::new(told), State::new(before), State::new(now));
        for (told, before, now, expected) in [
            (b'S', b'S', b'R', false),
            (b'R', b'S', b'R', false),
            (b'S', b'S', b'T', true),
            (b'T', b'T', b'T', false),
            (b'T', b'T', b'R', true),
            (b'S', b'S', b'D', false),
            (b'S', b'D', b'D', true),
            (b'D', b'D', b'S', true),
            (b'D', b'S', b'D', false),
            (b'T', b'T', b't', true),
        ] {
            assert_eq!(news(told, before, now), expected, "{told} {before} {now}");
        }
    }
}

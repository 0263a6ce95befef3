//! Two looks at a process, and what is different: pure.

use std::time::{Duration, Instant};

use crate::explain::requirement::SignalSetKind;
use crate::procfs::{ProcessName, ProcessSnapshot, TaskState, Thread, Threads};
use crate::signal::consts::KILL;
use crate::signal::{Signal, SignalSet};

/// A change of a process, or of one of its threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ProcessChange {
    /// Signals came into a set, or left it.
    SetChanged {
        /// The thread; `None` is the process.
        tid: Option<u32>,
        /// Whether they came.
        is_added: bool,
        /// The set.
        set: SignalSetKind,
        /// The signals.
        signals: SignalSet,
    },
    /// The state of the process.
    StateChanged {
        /// What was told last.
        from: TaskState,
        /// What it is now.
        to: TaskState,
        /// The signal that has stopped it, where its tracer has seen that.
        stop_signal: Option<Signal>,
    },
    /// It calls itself something else: after an exec, most of all.
    NameChanged {
        /// What it called itself.
        from: ProcessName,
        /// What it does now.
        to: ProcessName,
    },
    /// A thread that was not there before.
    ThreadStarted(Thread),
    /// A thread that is not there any more.
    ThreadExited(u32),
}

/// What has changed, but for the state. `threads`: of each thread by itself.
pub(super) fn diff_snapshots(
    before: &ProcessSnapshot,
    now: &ProcessSnapshot,
    threads: bool,
) -> Vec<ProcessChange> {
    let mut found = Vec::new();
    if let (Some(from), Some(to)) = (&before.status.name, &now.status.name)
        && from != to
    {
        found.push(ProcessChange::NameChanged { from: from.clone(), to: to.clone() });
    }
    for set in [SignalSetKind::Pending, SignalSetKind::Blocked, SignalSetKind::Ignored, SignalSetKind::Caught]
    {
        if let (Some(before), Some(now)) = (set_members(before, set, threads), set_members(now, set, threads))
        {
            push_set_changes(&mut found, None, set, before, now);
        }
    }
    if let (true, Some(before), Some(now)) = (threads, &before.threads, &now.threads) {
        push_thread_changes(&mut found, before, now);
    }
    found
}

/// What a process has in a set. Of each thread by itself, only what waits for
/// the process as a whole is pending for it, and it blocks nothing: the threads
/// do.
pub(super) fn set_members(
    situation: &ProcessSnapshot,
    set: SignalSetKind,
    threads: bool,
) -> Option<SignalSet> {
    match set {
        SignalSetKind::Pending if threads => situation.status.shared_pending,
        SignalSetKind::Blocked if threads => None,
        set => set.signals_of(situation),
    }
}

fn push_set_changes(
    found: &mut Vec<ProcessChange>,
    tid: Option<u32>,
    set: SignalSetKind,
    before: SignalSet,
    now: SignalSet,
) {
    for (added, signals) in [(false, before - now), (true, now - before)] {
        if !signals.is_empty() {
            found.push(ProcessChange::SetChanged { tid, is_added: added, set, signals });
        }
    }
}

fn push_thread_changes(found: &mut Vec<ProcessChange>, before: &Threads, now: &Threads) {
    let alive = |threads: &Threads, tid: u32| -> Option<Thread> {
        threads.iter().find(|task| task.tid == tid && !task.has_exited()).cloned()
    };
    for task in before.iter().filter(|task| !task.has_exited()) {
        match alive(now, task.tid) {
            None => found.push(ProcessChange::ThreadExited(task.tid)),
            Some(same) => {
                let tid = Some(task.tid);
                push_set_changes(found, tid, SignalSetKind::Pending, task.pending, same.pending);
                push_set_changes(found, tid, SignalSetKind::Blocked, task.blocked, same.blocked);
            }
        }
    }
    for task in now.iter().filter(|task| !task.has_exited()) {
        if alive(before, task.tid).is_none() {
            found.push(ProcessChange::ThreadStarted(task.clone()));
        }
    }
}

/// So long KILL is pending for a thread until that is news.
const PENDING_KILL_DELAY: Duration = Duration::from_millis(50);

/// A thread that the kernel ends, and since when that is seen.
pub(super) type DyingThread = (u32, Instant);

/// Holds back that KILL is pending for threads alone, unless that lasts: so the
/// kernel ends the other threads of a process that executes a program, or exits
/// (`zap_other_threads` in kernel/signal.c), which is told by itself. `dying`:
/// those of which it is held back, as of the look before.
pub(super) fn hide_dying_threads(threads: Threads, dying: &mut Vec<DyingThread>, now: Instant) -> Threads {
    let since = |tid: u32| dying.iter().find(|(known, _)| *known == tid).map_or(now, |(_, since)| *since);
    let killed: Vec<DyingThread> = threads.tids_with_pending(KILL).map(|tid| (tid, since(tid))).collect();
    *dying = killed;
    let held =
        |tid: u32| dying.iter().any(|(known, since)| *known == tid && now - *since < PENDING_KILL_DELAY);
    if !dying.iter().any(|(tid, _)| held(*tid)) {
        return threads;
    }
    let spared = threads.iter().cloned().map(|task| {
        let kill = if held(task.tid) { SignalSet::from_iter([KILL]) } else { SignalSet::EMPTY };
        Thread { pending: task.pending - kill, ..task }
    });
    Threads::new(spared.collect())
}

/// The state of a process: that of its main thread, or, where that alone has
/// ended, of the first of the others.
pub(super) fn process_state(situation: &ProcessSnapshot) -> Option<TaskState> {
    let own = situation.status.state?;
    let other = || situation.threads.as_ref()?.live().next()?.state;
    if own.has_exited() { other().or(Some(own)) } else { Some(own) }
}

/// Whether a state is news, after the one that was told last and the one of
/// the look before. A process that works is now running and now asleep: neither
/// is news after the other; nor is a wait that no signal ends, unless it lasts
/// from one look to the next.
pub(super) fn is_reportable_state(told: TaskState, before: TaskState, now: TaskState) -> bool {
    let works = |state: TaskState| matches!(state.letter(), 'R' | 'S' | 'I');
    let passes = now.letter() == 'D' && before != now;
    now != told && !(works(told) && works(now)) && !passes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::procfs::ProcStatus;
    use crate::procfs::task::test_thread as task;

    fn snapshot(sets: [u128; 3], tasks: Vec<Thread>) -> ProcessSnapshot {
        let [shared, ignored, caught] = sets.map(|bits| Some(SignalSet::from_bits(bits)));
        let state = tasks.first().and_then(|task| task.state);
        let status = ProcStatus { state, shared_pending: shared, ignored, caught, ..ProcStatus::default() };
        ProcessSnapshot { status, threads: Some(Threads::new(tasks)), ..ProcessSnapshot::default() }
    }

    fn set_changed(tid: Option<u32>, added: bool, set: SignalSetKind, bits: u128) -> ProcessChange {
        ProcessChange::SetChanged { tid, is_added: added, set, signals: SignalSet::from_bits(bits) }
    }

    #[test]
    fn diff_reports_signals_added_to_and_removed_from_sets() {
        let before = snapshot([0, 0b1, 0b10], vec![task(1, b'S', 0, 0b100)]);
        let now = snapshot([0b1000, 0b10, 0b1], vec![task(1, b'S', 0b1, 0)]);
        assert_eq!(diff_snapshots(&before, &before.clone(), false), []);
        assert_eq!(
            diff_snapshots(&before, &now, false),
            [
                set_changed(None, true, SignalSetKind::Pending, 0b1001),
                set_changed(None, false, SignalSetKind::Blocked, 0b100),
                set_changed(None, false, SignalSetKind::Ignored, 0b1),
                set_changed(None, true, SignalSetKind::Ignored, 0b10),
                set_changed(None, false, SignalSetKind::Caught, 0b10),
                set_changed(None, true, SignalSetKind::Caught, 0b1),
            ]
        );
        assert_eq!(
            diff_snapshots(&before, &now, true)[..1],
            [set_changed(None, true, SignalSetKind::Pending, 0b1000)],
            "the thread's own is the thread's"
        );
    }

    #[test]
    fn diff_counts_signal_as_blocked_if_all_threads_block_it() {
        let before = snapshot([0; 3], vec![task(1, b'S', 0, 0b11), task(2, b'S', 0, 0b01)]);
        let now = snapshot([0; 3], vec![task(1, b'S', 0, 0b11), task(2, b'S', 0, 0b10)]);
        let expected = [
            set_changed(None, false, SignalSetKind::Blocked, 0b01),
            set_changed(None, true, SignalSetKind::Blocked, 0b10),
        ];
        assert_eq!(diff_snapshots(&before, &now, false), expected);
        let expected = [
            set_changed(Some(2), false, SignalSetKind::Blocked, 0b01),
            set_changed(Some(2), true, SignalSetKind::Blocked, 0b10),
        ];
        assert_eq!(diff_snapshots(&before, &now, true), expected);
    }

    #[test]
    fn diff_reports_started_and_exited_threads() {
        let before = snapshot([0; 3], vec![task(1, b'S', 0, 0), task(2, b'S', 0b1, 0)]);
        let now = snapshot([0; 3], vec![task(1, b'Z', 0, 0), task(3, b'S', 0, 0b1)]);
        let expected = [
            ProcessChange::ThreadExited(1),
            ProcessChange::ThreadExited(2),
            ProcessChange::ThreadStarted(task(3, b'S', 0, 0b1)),
        ];
        assert_eq!(diff_snapshots(&before, &now, true), expected);
        assert_eq!(
            process_state(&now).map(TaskState::letter),
            Some('S'),
            "it lives on without its main thread"
        );
        assert_eq!(process_state(&before).map(TaskState::letter), Some('S'));
    }

    #[test]
    fn diff_hides_pending_kill_of_threads_unless_it_lasts() {
        const KILL: u128 = 1 << 8;
        let threads = |kills: [u128; 3]| {
            Threads::new((1..).zip(kills).map(|(tid, kill)| task(tid, b'S', kill | 1, 0)).collect())
        };
        let pending =
            |threads: &Threads| -> Vec<u128> { threads.iter().map(|task| task.pending.bits()).collect() };
        let (mut dying, start) = (Vec::new(), Instant::now());
        let mut look = |kills, millis| {
            let now = start + Duration::from_millis(millis);
            pending(&hide_dying_threads(threads(kills), &mut dying, now))
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
    fn diff_reports_new_name() {
        let named = |name: &str| {
            let status =
                ProcStatus { name: Some(ProcessName::new(name.as_bytes())), ..ProcStatus::default() };
            ProcessSnapshot { status, ..ProcessSnapshot::default() }
        };
        let (from, to) = (ProcessName::new(b"bash"), ProcessName::new(b"python3"));
        assert_eq!(
            diff_snapshots(&named("bash"), &named("python3"), false),
            [ProcessChange::NameChanged { from, to }]
        );
        assert_eq!(diff_snapshots(&named("bash"), &named("bash"), false), []);
    }

    #[test]
    fn diff_ignores_unknown_values() {
        let known = snapshot([1, 1, 1], vec![task(1, b'S', 0, 0)]);
        assert_eq!(diff_snapshots(&ProcessSnapshot::default(), &known, false), []);
        assert_eq!(process_state(&ProcessSnapshot::default()), None);
    }

    #[test]
    fn reports_stops_but_not_running_and_sleeping() {
        let news = |told, before, now| {
            is_reportable_state(
                TaskState::from_letter(told),
                TaskState::from_letter(before),
                TaskState::from_letter(now),
            )
        };
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

//! Differences between two snapshots of a process; pure.

use std::time::{Duration, Instant};

use super::event::ProcessChange;
use crate::explain::requirement::SignalSetKind;
use crate::procfs::{ProcessSnapshot, TaskState, Thread, Threads};
use crate::signal::SignalSet;
use crate::signal::consts::KILL;

/// Returns the changes except those of the state. `threads`: each thread is reported
/// separately.
pub(super) fn diff_snapshots(
    before: &ProcessSnapshot,
    now: &ProcessSnapshot,
    threads: bool,
) -> Vec<ProcessChange> {
    let mut changes = Vec::new();
    if let (Some(from), Some(to)) = (&before.status.name, &now.status.name)
        && from != to
    {
        changes.push(ProcessChange::NameChanged { from: from.clone(), to: to.clone() });
    }
    for set in [SignalSetKind::Pending, SignalSetKind::Blocked, SignalSetKind::Ignored, SignalSetKind::Caught]
    {
        if let (Some(before), Some(now)) = (set_members(before, set, threads), set_members(now, set, threads))
        {
            push_set_changes(&mut changes, None, set, before, now);
        }
    }
    if let (true, Some(before), Some(now)) = (threads, &before.threads, &now.threads) {
        push_thread_changes(&mut changes, before, now);
    }
    changes
}

/// Returns the members of a set of a process; `None` if unknown. With `threads` the
/// pending set is the shared one, and there is no blocked set, because each thread
/// has its own mask.
pub(super) fn set_members(
    snapshot: &ProcessSnapshot,
    set: SignalSetKind,
    threads: bool,
) -> Option<SignalSet> {
    match set {
        SignalSetKind::Pending if threads => snapshot.status.shared_pending,
        SignalSetKind::Blocked if threads => None,
        set => set.signals_of(snapshot),
    }
}

fn push_set_changes(
    changes: &mut Vec<ProcessChange>,
    tid: Option<u32>,
    set: SignalSetKind,
    before: SignalSet,
    now: SignalSet,
) {
    for (is_added, signals) in [(false, before - now), (true, now - before)] {
        if !signals.is_empty() {
            changes.push(ProcessChange::SetChanged { tid, is_added, set, signals });
        }
    }
}

fn push_thread_changes(changes: &mut Vec<ProcessChange>, before: &Threads, now: &Threads) {
    let live_thread = |threads: &Threads, tid: u32| -> Option<Thread> {
        threads.iter().find(|task| task.tid == tid && !task.has_exited()).cloned()
    };
    for task in before.iter().filter(|task| !task.has_exited()) {
        match live_thread(now, task.tid) {
            None => changes.push(ProcessChange::ThreadExited(task.tid)),
            Some(current) => {
                let tid = Some(task.tid);
                push_set_changes(changes, tid, SignalSetKind::Pending, task.pending, current.pending);
                push_set_changes(changes, tid, SignalSetKind::Blocked, task.blocked, current.blocked);
            }
        }
    }
    for task in now.iter().filter(|task| !task.has_exited()) {
        if live_thread(before, task.tid).is_none() {
            changes.push(ProcessChange::ThreadStarted(task.clone()));
        }
    }
}

/// Minimum time that KILL must be pending for a thread to be reported.
const PENDING_KILL_DELAY: Duration = Duration::from_millis(50);

/// TID of a thread that the kernel is killing, and the time of the first sample that
/// shows it.
pub(super) type DyingThread = (u32, Instant);

/// Removes KILL from the pending sets of threads, unless it has been pending for
/// [`PENDING_KILL_DELAY`]. The kernel sends it to the other threads of a process that
/// executes a program or exits (`zap_other_threads` in kernel/signal.c), and both are
/// reported separately. `dying`: the threads with a pending KILL; updated.
pub(super) fn hide_dying_threads(threads: Threads, dying: &mut Vec<DyingThread>, now: Instant) -> Threads {
    let since = |tid: u32| dying.iter().find(|(id, _)| *id == tid).map_or(now, |(_, since)| *since);
    let killed: Vec<DyingThread> = threads.tids_with_pending(KILL).map(|tid| (tid, since(tid))).collect();
    *dying = killed;
    let is_hidden =
        |tid: u32| dying.iter().any(|(id, since)| *id == tid && now - *since < PENDING_KILL_DELAY);
    if !dying.iter().any(|(tid, _)| is_hidden(*tid)) {
        return threads;
    }
    let reported = threads.iter().cloned().map(|task| {
        let kill = if is_hidden(task.tid) { SignalSet::from_iter([KILL]) } else { SignalSet::EMPTY };
        Thread { pending: task.pending - kill, ..task }
    });
    Threads::new(reported.collect())
}

/// Returns the state of the main thread or, if only that thread has exited, of the
/// first live thread.
pub(super) fn process_state(snapshot: &ProcessSnapshot) -> Option<TaskState> {
    let main = snapshot.status.state?;
    let live = || snapshot.threads.as_ref()?.live().next()?.state;
    if main.has_exited() { live().or(Some(main)) } else { Some(main) }
}

/// Returns whether a state is reported. Changes between running and sleeping are not,
/// because every working process alternates between them. An uninterruptible sleep is
/// reported if two samples in a row show it. `reported`: the state reported last;
/// `previous`: the state of the previous sample.
pub(super) fn is_reportable_state(reported: TaskState, previous: TaskState, current: TaskState) -> bool {
    let is_working = |state: TaskState| matches!(state.letter(), 'R' | 'S' | 'I');
    let is_short_wait = current.letter() == 'D' && previous != current;
    current != reported && !(is_working(reported) && is_working(current)) && !is_short_wait
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::procfs::task::test_thread as task;
    use crate::procfs::{ProcStatus, ProcessName};

    fn snapshot(sets: [u128; 3], tasks: Vec<Thread>) -> ProcessSnapshot {
        let [shared, ignored, caught] = sets.map(|bits| Some(SignalSet::from_bits(bits)));
        let state = tasks.first().and_then(|task| task.state);
        let status = ProcStatus { state, shared_pending: shared, ignored, caught, ..ProcStatus::default() };
        ProcessSnapshot { status, threads: Some(Threads::new(tasks)), ..ProcessSnapshot::default() }
    }

    fn set_changed(tid: Option<u32>, is_added: bool, set: SignalSetKind, bits: u128) -> ProcessChange {
        ProcessChange::SetChanged { tid, is_added, set, signals: SignalSet::from_bits(bits) }
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
            "the pending set of the thread is not part of that of the process"
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
            "the process has another live thread"
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
        let mut visible_after = |kills, millis| {
            let now = start + Duration::from_millis(millis);
            pending(&hide_dying_threads(threads(kills), &mut dying, now))
        };
        assert_eq!(visible_after([0, KILL, 0], 0), [1, 1, 1]);
        assert_eq!(visible_after([0, KILL, KILL], 1), [1, 1, 1], "KILL is hidden for 50 ms");
        assert_eq!(visible_after([0, KILL, KILL], 50), [1, 1 | KILL, 1]);
        assert_eq!(visible_after([0, KILL, KILL], 51), [1, 1 | KILL, 1 | KILL]);
        assert_eq!(visible_after([0; 3], 52), [1; 3]);
        assert_eq!(visible_after([0, KILL, 0], 99), [1; 3], "the delay starts again");
        visible_after([0; 3], 100);
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
    fn state_change_is_reported_except_between_running_and_sleeping() {
        for (reported, previous, current, expected) in [
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
            let [reported, previous, current] = [reported, previous, current].map(TaskState::from_letter);
            let letters: String = [reported, previous, current].map(TaskState::letter).iter().collect();
            assert_eq!(is_reportable_state(reported, previous, current), expected, "{letters}");
        }
    }
}

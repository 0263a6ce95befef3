//! The rules on situations made by hand; `tests/oracle.rs` holds them against
//! the kernel.

use super::effect::{Dropped, Effect, Held, Nothing, Why};
use super::{Sending, effect, why_alive};
use crate::proc::task::sample;
use crate::proc::{CoreDump, Freezer, Situation, Status, Task, Threads, Wait};
use crate::signal::{Arch, Signal, SignalSet, name};

fn signal(text: &str) -> Signal {
    name::parse(text, Arch::NATIVE).unwrap()
}

fn set(text: &str) -> SignalSet {
    SignalSet::parse(text, Arch::NATIVE).unwrap()
}

fn task(tid: u32, state: u8, blocked: &str) -> Task {
    sample(tid, state, 0, set(blocked).bits())
}

/// A process 7 with these threads, none of them in sigwait(3).
fn process(tasks: Vec<Task>, ignored: &str, caught: &str) -> Situation {
    let status = Status {
        tgid: Some(7),
        pid: Some(7),
        parent: Some(5),
        namespace_pids: vec![7],
        threads: Some(tasks.len() as u32),
        pending: Some(SignalSet::EMPTY),
        shared_pending: Some(SignalSet::EMPTY),
        blocked: Some(SignalSet::EMPTY),
        ignored: Some(set(ignored)),
        caught: Some(set(caught)),
        kernel_thread: Some(false),
        ..Status::default()
    };
    Situation {
        status,
        waits: tasks.iter().map(|task| (task.tid, Wait::Elsewhere)).collect(),
        threads: Some(Threads::new(tasks)),
        signalfds: Some(Vec::new()),
        orphaned: Some(false),
        core: CoreDump::Yes,
        ..Situation::default()
    }
}

fn one(blocked: &str) -> Situation {
    process(vec![task(7, b'S', blocked)], "HUP", "USR1")
}

fn judged(situation: &Situation, of: &str) -> Effect {
    effect(situation, Sending::plain(signal(of)))
}

fn unknown(why: Why, likely: Effect) -> Effect {
    Effect::Unknown { why, likely: Some(Box::new(likely)) }
}

const TERMINATES: Effect = Effect::Terminates { kill: false, core: None };
const KILLS: Effect = Effect::Terminates { kill: true, core: None };

#[test]
fn dispositions_decide_what_is_not_held_back() {
    let plain = one("none");
    for (name, expected) in [
        ("TERM", TERMINATES),
        ("RTMIN+1", TERMINATES),
        ("QUIT", Effect::Terminates { kill: false, core: Some(CoreDump::Yes) }),
        ("HUP", Effect::Ignored { by_default: false }),
        ("USR1", Effect::RunsHandler),
        ("CHLD", Effect::Ignored { by_default: true }),
        ("CONT", Effect::Ignored { by_default: true }),
        ("TSTP", Effect::Stops),
        ("STOP", Effect::Stops),
        ("KILL", KILLS),
    ] {
        assert_eq!(judged(&plain, name), expected, "{name}");
    }
}

#[test]
fn what_every_thread_blocks_stays_pending() {
    let blocked = one("TERM,HUP");
    let pending = |merged| Effect::Pending { held: Held::Blocked { threads: 1 }, merged, then: None };
    assert_eq!(judged(&blocked, "TERM"), pending(false));
    assert_eq!(judged(&blocked, "HUP"), pending(false), "blocked before it is looked at as ignored");
    let mut merged = blocked.clone();
    merged.status.shared_pending = Some(set("TERM"));
    assert_eq!(judged(&merged, "TERM"), pending(true));
    let two = process(vec![task(7, b'S', "TERM"), task(8, b'S', "none")], "none", "none");
    assert_eq!(judged(&two, "TERM"), TERMINATES);
    let thread = Sending { thread: Some(7), ..Sending::plain(signal("TERM")) };
    let held = Held::BlockedByThread;
    assert_eq!(effect(&two, thread), Effect::Pending { held, merged: false, then: None });
    let mut read = blocked.clone();
    read.signalfds = Some(vec![(5, set("TERM"))]);
    assert_eq!(judged(&read, "TERM"), Effect::ReadBySignalfd { descriptor: 5 });
}

/// The main thread's mask decides whether an ignored signal is kept at all.
#[test]
fn an_ignored_signal_is_dropped_at_once_unless_the_main_thread_blocks_it() {
    let other = process(vec![task(7, b'S', "none"), task(8, b'S', "HUP")], "HUP", "none");
    assert_eq!(judged(&other, "HUP"), Effect::Ignored { by_default: false });
    let gone = process(vec![task(7, b'Z', "none"), task(8, b'S', "HUP")], "HUP", "none");
    assert_eq!(judged(&gone, "HUP"), Effect::Ignored { by_default: false });
    let gone = process(vec![task(7, b'Z', "HUP"), task(8, b'S', "HUP")], "HUP", "none");
    assert!(matches!(judged(&gone, "HUP"), Effect::Pending { .. }));
}

#[test]
fn waiting_threads_take_what_they_wait_for() {
    let mut waiting = process(vec![task(7, b'S', "TERM"), task(8, b'S', "none")], "HUP", "none");
    waiting.waits[1].1 = Wait::Sigwait(set("TERM,HUP"));
    assert_eq!(judged(&waiting, "TERM"), Effect::TakenBySigwait { tid: Some(8) });
    assert_eq!(judged(&waiting, "HUP"), Effect::Ignored { by_default: false }, "dropped by the main thread");
    waiting.waits = vec![(8, Wait::Unknown), (7, Wait::Elsewhere)];
    assert_eq!(judged(&waiting, "TERM"), unknown(Why::Sigwait, TERMINATES));
    let mut three =
        process(vec![task(7, b'S', "TERM"), task(8, b'S', "none"), task(9, b'S', "none")], "none", "none");
    three.waits[1].1 = Wait::Sigwait(set("TERM"));
    assert_eq!(judged(&three, "TERM"), unknown(Why::Threads, TERMINATES));
}

#[test]
fn an_init_drops_what_it_has_no_handler_for() {
    let mut init = one("QUIT");
    init.status.namespace_pids = vec![1];
    let dropped = Effect::Dropped(Dropped::Init);
    for name in ["TERM", "INT", "TSTP", "KILL", "STOP", "RTMIN"] {
        assert_eq!(judged(&init, name), dropped, "{name}");
    }
    assert_eq!(judged(&init, "USR1"), Effect::RunsHandler);
    assert!(matches!(judged(&init, "QUIT"), Effect::Pending { .. }));
    init.status.namespace_pids = vec![700, 1];
    assert_eq!((judged(&init, "KILL"), judged(&init, "STOP")), (KILLS, Effect::Stops));
    assert_eq!(judged(&init, "TERM"), dropped, "from outside, too");
}

#[test]
fn who_is_stopped_waits_for_cont() {
    let mut stopped = process(vec![task(7, b'T', "none")], "HUP", "USR1,CONT");
    let then =
        |then: Effect| Effect::Pending { held: Held::Stopped, merged: false, then: Some(Box::new(then)) };
    assert_eq!(judged(&stopped, "TERM"), then(TERMINATES));
    assert_eq!(judged(&stopped, "USR1"), then(Effect::RunsHandler));
    assert_eq!(judged(&stopped, "HUP"), Effect::Ignored { by_default: false });
    assert_eq!(judged(&stopped, "KILL"), KILLS);
    assert_eq!(judged(&stopped, "STOP"), Effect::Nothing(Nothing::Stopped));
    assert_eq!(judged(&stopped, "CONT"), Effect::Continues { handler: true, ended_by: None });
    stopped.status.shared_pending = Some(set("USR1,TERM"));
    let ended_by = Some(signal("TERM"));
    assert_eq!(judged(&stopped, "CONT"), Effect::Continues { handler: true, ended_by });
}

#[test]
fn sleeps_and_freezers_hold_back() {
    let mut asleep = process(vec![task(7, b'D', "none")], "HUP", "USR1");
    assert_eq!(judged(&asleep, "KILL"), unknown(Why::Sleep, KILLS));
    assert_eq!(judged(&asleep, "TERM"), unknown(Why::Sleep, TERMINATES));
    let held = Held::Sleeping { tid: 7 };
    let told = |killable: bool| {
        process(vec![Task { killable: Some(killable), ..task(7, b'D', "none") }], "HUP", "USR1")
    };
    let later = |then: Effect| Effect::Pending { held, merged: false, then: Some(Box::new(then)) };
    assert_eq!((judged(&told(true), "KILL"), judged(&told(true), "TERM")), (KILLS, TERMINATES));
    assert_eq!(
        (judged(&told(false), "KILL"), judged(&told(false), "TERM")),
        (later(KILLS), later(TERMINATES))
    );
    // What dumps core is no KILL before it is taken.
    assert!(matches!(judged(&told(true), "QUIT"), Effect::Pending { .. }));
    let then = Some(Box::new(Effect::RunsHandler));
    assert_eq!(judged(&asleep, "USR1"), Effect::Pending { held, merged: false, then });
    assert_eq!(judged(&asleep, "HUP"), Effect::Ignored { by_default: false });
    asleep = one("none");
    asleep.freezer = Freezer::Two;
    assert_eq!((judged(&asleep, "KILL"), judged(&asleep, "TERM")), (KILLS, TERMINATES));
    assert!(matches!(judged(&asleep, "USR1"), Effect::Pending { held: Held::Frozen, .. }));
    assert!(matches!(judged(&asleep, "QUIT"), Effect::Pending { held: Held::Frozen, .. }));
    asleep.freezer = Freezer::One;
    for name in ["KILL", "TERM", "USR1"] {
        assert!(matches!(judged(&asleep, name), Effect::Pending { held: Held::Frozen, .. }), "{name}");
    }
}

#[test]
fn the_dead_the_dying_and_kernel_threads_take_nothing() {
    let zombie = process(vec![task(7, b'Z', "none")], "none", "none");
    for name in ["TERM", "KILL", "CONT"] {
        assert_eq!(judged(&zombie, name), Effect::Nothing(Nothing::Zombie { parent: 5 }), "{name}");
    }
    let mut dying = process(vec![task(7, b'D', "none")], "none", "none");
    let mut killed = task(7, b'D', "none");
    killed.pending = set("KILL");
    dying.threads = Some(Threads::new(vec![killed]));
    assert_eq!(judged(&dying, "TERM"), Effect::Nothing(Nothing::Dying));
    let mut kernel = process(vec![task(7, b'S', "none")], "all", "none");
    kernel.status.kernel_thread = Some(true);
    assert_eq!(judged(&kernel, "KILL"), Effect::Nothing(Nothing::KernelThread));
    kernel.status.ignored = Some(SignalSet::EMPTY);
    assert_eq!(judged(&kernel, "KILL"), Effect::Unknown { why: Why::KernelThread, likely: None });
}

#[test]
fn orphaned_groups_drop_terminal_stops() {
    let mut orphaned = one("none");
    orphaned.orphaned = Some(true);
    assert_eq!(judged(&orphaned, "TTIN"), Effect::Dropped(Dropped::Orphaned));
    assert_eq!(judged(&orphaned, "STOP"), Effect::Stops);
    orphaned.orphaned = None;
    assert_eq!(judged(&orphaned, "TSTP"), unknown(Why::Group, Effect::Stops));
}

#[test]
fn tracers_and_full_queues_come_before_dispositions() {
    let mut traced = process(vec![Task { tracer: Some(99), ..task(7, b'S', "INT") }], "HUP", "USR1");
    let by = Effect::Traced { tracer: 99 };
    for name in ["TERM", "HUP", "USR1", "STOP"] {
        assert_eq!(judged(&traced, name), by, "{name}");
    }
    assert_eq!(judged(&traced, "KILL"), KILLS);
    assert!(matches!(judged(&traced, "INT"), Effect::Pending { .. }));
    traced = one("none");
    traced.status.queue = Some(crate::proc::status::Queue { used: 9, limit: 9 });
    let queued = Sending { queued: true, ..Sending::plain(signal("RTMIN")) };
    assert_eq!(effect(&traced, queued), Effect::QueueFull);
    assert_eq!(judged(&traced, "RTMIN"), TERMINATES);
    assert_eq!(effect(&traced, Sending { signal: signal("TERM"), ..queued }), TERMINATES);
}

#[test]
fn a_text_tells_no_more_than_it_holds() {
    let text = b"State:\tS (sleeping)\nPid:\t7\nTgid:\t7\nThreads:\t1\nSigPnd:\t0000000000000000\n\
        ShdPnd:\t0000000000004000\nSigBlk:\t0000000000004000\nSigIgn:\t0000000000000000\n\
        SigCgt:\t0000000000000000\n";
    let status = Status::parse(text).unwrap();
    let found = Situation::of_text(&status);
    assert!(matches!(judged(&found, "TERM"), Effect::Pending { merged: true, .. }));
    let several = Situation::of_text(&Status { threads: Some(3), ..status });
    assert!(matches!(judged(&several, "TERM"), Effect::Unknown { why: Why::OtherThreads, .. }));
    let none = Situation::of_text(&Status::parse(b"SigBlk:\t0000000000004000\n").unwrap());
    assert_eq!(judged(&none, "TERM"), Effect::Unknown { why: Why::Lines, likely: None });
}

#[test]
fn why_it_lives_is_said() {
    let mut held = process(vec![task(7, b'S', "TERM"), task(8, b'S', "TERM")], "HUP", "USR1");
    held.status.shared_pending = Some(set("TERM"));
    let why = |situation: &Situation, name: &str| {
        why_alive(situation, Some(Sending::plain(signal(name)))).to_string()
    };
    assert_eq!(why(&held, "TERM"), "TERM is pending: it is blocked by all 2 threads");
    assert_eq!(why(&held, "HUP"), "it ignores HUP");
    assert_eq!(why(&held, "USR1"), "it caught USR1, and lives on or is still at it");
    let stopped = process(vec![task(7, b'T', "none")], "none", "none");
    assert_eq!(why(&stopped, "TERM"), "the process is stopped, until CONT");
    assert_eq!(why_alive(&held, None).id(), "no-signal");
}

#[test]
fn who_reads_a_signalfd_reads_what_is_not_blocked_too() {
    let mut reads = process(vec![task(7, b'S', "none"), task(8, b'S', "none")], "HUP", "USR1");
    reads.waits[0].1 = Wait::Signalfd(5, set("TERM,HUP,USR1,QUIT"));
    let read = Effect::ReadBySignalfd { descriptor: 5 };
    assert_eq!(judged(&reads, "USR1"), read);
    assert_eq!(judged(&reads, "QUIT"), read);
    assert_eq!(judged(&reads, "TERM"), TERMINATES, "as it is sent");
    assert_eq!(judged(&reads, "HUP"), Effect::Ignored { by_default: false });
    reads.waits = vec![(7, Wait::Elsewhere), (8, Wait::Signalfd(5, set("USR1")))];
    assert_eq!(judged(&reads, "USR1"), unknown(Why::Threads, Effect::RunsHandler));
}

#[test]
fn of_several_that_wait_one_takes_it() {
    let tasks = vec![task(7, b'S', "TERM"), task(8, b'S', "none"), task(9, b'S', "none")];
    let mut waiting = process(tasks, "none", "none");
    waiting.waits[1].1 = Wait::Sigwait(set("TERM"));
    waiting.waits[2].1 = Wait::Sigwait(set("TERM"));
    assert_eq!(judged(&waiting, "TERM"), Effect::TakenBySigwait { tid: None });
}

#[test]
fn a_thread_that_has_ended_gets_nothing_while_others_live() {
    let gone = process(vec![task(7, b'Z', "none"), task(8, b'S', "none")], "none", "none");
    for name in ["TERM", "KILL", "STOP"] {
        let sending = Sending { thread: Some(7), ..Sending::plain(signal(name)) };
        assert_eq!(effect(&gone, sending), Effect::Nothing(Nothing::ThreadEnded), "{name}");
    }
    assert_eq!(judged(&gone, "TERM"), TERMINATES);
}

/// tgkill(2) fails where kill(2) goes on without a place in the queue.
#[test]
fn a_full_queue_refuses_what_is_for_a_thread() {
    let mut full = one("none");
    full.status.queue = Some(crate::proc::status::Queue { used: 9, limit: 9 });
    let sending = Sending { thread: Some(7), ..Sending::plain(signal("RTMIN")) };
    assert_eq!(effect(&full, sending), Effect::QueueFull);
    assert_eq!(effect(&full, Sending { signal: signal("TERM"), ..sending }), TERMINATES);
}

#[test]
fn cont_takes_stops_back_and_lets_all_else_through() {
    let mut stopped = process(vec![task(7, b'T', "QUIT"), task(8, b'T', "none")], "none", "CONT,TSTP");
    let then = Some(Box::new(Effect::Dropped(Dropped::Continued)));
    assert_eq!(judged(&stopped, "TSTP"), Effect::Pending { held: Held::Stopped, merged: false, then });
    let ended = |by| Effect::Continues { handler: true, ended_by: by };
    let own = Task { pending: set("QUIT"), ..task(7, b'T', "QUIT") };
    let other = Task { pending: set("QUIT"), ..task(8, b'T', "none") };
    stopped.threads = Some(Threads::new(vec![own, other]));
    assert_eq!(judged(&stopped, "CONT"), ended(Some(signal("QUIT"))), "by the thread that does not block it");
    // Stopped in sigwait(3) and in sigsuspend(2).
    stopped.threads = Some(Threads::new(vec![task(7, b'T', "CONT"), task(8, b'T', "none")]));
    stopped.waits[0].1 = Wait::Sigwait(set("CONT"));
    assert_eq!(judged(&stopped, "CONT"), unknown(Why::Threads, ended(None)));
    stopped.threads = Some(Threads::new(vec![task(7, b'T', "CONT"), task(8, b'T', "CONT")]));
    stopped.waits[0].1 = Wait::Sigsuspend;
    assert_eq!(judged(&stopped, "CONT"), unknown(Why::Mask, ended(None)));
}

/// A thread in state D that has been told of one signal is not asked again.
#[test]
fn who_sleeps_deeply_is_asked_once() {
    let mut asleep = process(vec![task(7, b'D', "none"), task(8, b'S', "none")], "none", "USR1,USR2");
    let held = Held::Sleeping { tid: 7 };
    let pending = |merged, then| Effect::Pending { held, merged, then: Some(Box::new(then)) };
    assert_eq!(judged(&asleep, "USR1"), pending(false, Effect::RunsHandler));
    let dumps = Effect::Terminates { kill: false, core: Some(CoreDump::Yes) };
    assert_eq!(judged(&asleep, "QUIT"), pending(false, dumps), "no KILL until it is taken");
    asleep.status.shared_pending = Some(set("USR1"));
    assert_eq!(judged(&asleep, "USR2"), Effect::RunsHandler);
    assert_eq!(judged(&asleep, "STOP"), Effect::Stops);
    assert_eq!(judged(&asleep, "USR1"), pending(true, Effect::RunsHandler));
    // The others are stopped: so is the process.
    asleep.threads = Some(Threads::new(vec![task(7, b'D', "none"), task(8, b'T', "none")]));
    assert_eq!(judged(&asleep, "STOP"), Effect::Nothing(Nothing::Stopped));
    assert!(matches!(judged(&asleep, "CONT"), Effect::Continues { .. }));
}

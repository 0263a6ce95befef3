//! Tests of the prediction rules on constructed snapshots. `tests/oracle` compares the
//! same rules with the kernel.

use super::effect::{DropReason, Effect, NoEffectReason, PendingReason, UnknownReason};
use super::{SendSpec, predict_effect, survival_reason};
use crate::procfs::task::test_thread;
use crate::procfs::{
    CoreDumpPrediction, FreezerState, ProcStatus, ProcessSnapshot, Thread, Threads, WaitReason,
};
use crate::signal::{Arch, Signal, SignalSet, name};

fn parse_signal(text: &str) -> Signal {
    name::parse(text, Arch::NATIVE).unwrap()
}

fn parse_set(text: &str) -> SignalSet {
    SignalSet::parse(text, Arch::NATIVE).unwrap()
}

fn thread(tid: u32, state: u8, blocked: &str) -> Thread {
    test_thread(tid, state, 0, parse_set(blocked).bits())
}

/// Returns a process 7 with these threads, none of which waits in sigwait(3).
fn process_with_threads(threads: Vec<Thread>, ignored: &str, caught: &str) -> ProcessSnapshot {
    let status = ProcStatus {
        tgid: Some(7),
        pid: Some(7),
        parent_pid: Some(5),
        namespace_pids: vec![7],
        thread_count: Some(threads.len() as u32),
        pending: Some(SignalSet::EMPTY),
        shared_pending: Some(SignalSet::EMPTY),
        blocked: Some(SignalSet::EMPTY),
        ignored: Some(parse_set(ignored)),
        caught: Some(parse_set(caught)),
        is_kernel_thread: Some(false),
        ..ProcStatus::default()
    };
    ProcessSnapshot {
        status,
        wait_reasons: threads.iter().map(|thread| (thread.tid, WaitReason::Other)).collect(),
        threads: Some(Threads::new(threads)),
        signalfds: Some(Vec::new()),
        group_is_orphaned: Some(false),
        core_dump: CoreDumpPrediction::WouldDump,
        ..ProcessSnapshot::default()
    }
}

fn single_threaded_process(blocked: &str) -> ProcessSnapshot {
    process_with_threads(vec![thread(7, b'S', blocked)], "HUP", "USR1")
}

fn predicted(snapshot: &ProcessSnapshot, name: &str) -> Effect {
    predict_effect(snapshot, SendSpec::to_process(parse_signal(name)))
}

fn unknown_effect(reason: UnknownReason, likely: Effect) -> Effect {
    Effect::unknown(reason, Some(likely))
}

const TERMINATES: Effect = Effect::Terminates { by_kill: false, core_dump: None };
const KILLS: Effect = Effect::Terminates { by_kill: true, core_dump: None };

#[test]
fn disposition_decides_effect_of_unblocked_signal() {
    let process = single_threaded_process("none");
    for (name, expected) in [
        ("TERM", TERMINATES),
        ("RTMIN+1", TERMINATES),
        ("QUIT", Effect::Terminates { by_kill: false, core_dump: Some(CoreDumpPrediction::WouldDump) }),
        ("HUP", Effect::Ignored { by_default: false }),
        ("USR1", Effect::RunsHandler),
        ("CHLD", Effect::Ignored { by_default: true }),
        ("CONT", Effect::Ignored { by_default: true }),
        ("TSTP", Effect::Stops),
        ("STOP", Effect::Stops),
        ("KILL", KILLS),
    ] {
        assert_eq!(predicted(&process, name), expected, "{name}");
    }
}

#[test]
fn signal_stays_pending_if_every_thread_blocks_it() {
    let blocked = single_threaded_process("TERM,HUP");
    let pending = |merged| Effect::Pending {
        reason: PendingReason::Blocked { thread_count: 1 },
        merged,
        eventual_effect: None,
    };
    assert_eq!(predicted(&blocked, "TERM"), pending(false));
    assert_eq!(
        predicted(&blocked, "HUP"),
        pending(false),
        "a blocked signal is queued even if it is ignored"
    );
    let mut merged = blocked.clone();
    merged.status.shared_pending = Some(parse_set("TERM"));
    assert_eq!(predicted(&merged, "TERM"), pending(true));
    let two = process_with_threads(vec![thread(7, b'S', "TERM"), thread(8, b'S', "none")], "none", "none");
    assert_eq!(predicted(&two, "TERM"), TERMINATES);
    let to_thread = SendSpec { tid: Some(7), ..SendSpec::to_process(parse_signal("TERM")) };
    let reason = PendingReason::BlockedByThread;
    assert_eq!(
        predict_effect(&two, to_thread),
        Effect::Pending { reason, merged: false, eventual_effect: None }
    );
    let mut reader = blocked.clone();
    reader.signalfds = Some(vec![(5, parse_set("TERM"))]);
    assert_eq!(predicted(&reader, "TERM"), Effect::ReadBySignalfd { descriptor: 5 });
}

/// The mask of the main thread decides if the kernel queues an ignored signal.
#[test]
fn ignored_signal_is_discarded_unless_main_thread_blocks_it() {
    let other = process_with_threads(vec![thread(7, b'S', "none"), thread(8, b'S', "HUP")], "HUP", "none");
    assert_eq!(predicted(&other, "HUP"), Effect::Ignored { by_default: false });
    let leader_exited =
        process_with_threads(vec![thread(7, b'Z', "none"), thread(8, b'S', "HUP")], "HUP", "none");
    assert_eq!(predicted(&leader_exited, "HUP"), Effect::Ignored { by_default: false });
    let leader_exited =
        process_with_threads(vec![thread(7, b'Z', "HUP"), thread(8, b'S', "HUP")], "HUP", "none");
    assert!(matches!(predicted(&leader_exited, "HUP"), Effect::Pending { .. }));
}

#[test]
fn sigwait_takes_signal_it_waits_for() {
    let mut waiting =
        process_with_threads(vec![thread(7, b'S', "TERM"), thread(8, b'S', "none")], "HUP", "none");
    waiting.wait_reasons[1].1 = WaitReason::Sigwait(parse_set("TERM,HUP"));
    assert_eq!(predicted(&waiting, "TERM"), Effect::TakenBySigwait { tid: Some(8) });
    assert_eq!(
        predicted(&waiting, "HUP"),
        Effect::Ignored { by_default: false },
        "the main thread does not block it, so it is dropped"
    );
    waiting.wait_reasons = vec![(8, WaitReason::Unknown), (7, WaitReason::Other)];
    assert_eq!(predicted(&waiting, "TERM"), unknown_effect(UnknownReason::SigwaitUnreadable, TERMINATES));
    let mut three = process_with_threads(
        vec![thread(7, b'S', "TERM"), thread(8, b'S', "none"), thread(9, b'S', "none")],
        "none",
        "none",
    );
    three.wait_reasons[1].1 = WaitReason::Sigwait(parse_set("TERM"));
    assert_eq!(predicted(&three, "TERM"), unknown_effect(UnknownReason::CompetingThreads, TERMINATES));
}

#[test]
fn init_drops_signal_without_handler() {
    let mut init = single_threaded_process("QUIT");
    init.status.namespace_pids = vec![1];
    let dropped = Effect::Dropped(DropReason::InitWithoutHandler);
    for name in ["TERM", "INT", "TSTP", "KILL", "STOP", "RTMIN"] {
        assert_eq!(predicted(&init, name), dropped, "{name}");
    }
    assert_eq!(predicted(&init, "USR1"), Effect::RunsHandler);
    assert!(matches!(predicted(&init, "QUIT"), Effect::Pending { .. }));
    init.status.namespace_pids = vec![700, 1];
    assert_eq!((predicted(&init, "KILL"), predicted(&init, "STOP")), (KILLS, Effect::Stops));
    assert_eq!(predicted(&init, "TERM"), dropped, "also from an outer namespace");
}

#[test]
fn signal_to_stopped_process_waits_for_cont() {
    let mut stopped = process_with_threads(vec![thread(7, b'T', "none")], "HUP", "USR1,CONT");
    let pending_until_cont = |eventual: Effect| Effect::Pending {
        reason: PendingReason::Stopped,
        merged: false,
        eventual_effect: Some(Box::new(eventual)),
    };
    assert_eq!(predicted(&stopped, "TERM"), pending_until_cont(TERMINATES));
    assert_eq!(predicted(&stopped, "USR1"), pending_until_cont(Effect::RunsHandler));
    assert_eq!(predicted(&stopped, "HUP"), Effect::Ignored { by_default: false });
    assert_eq!(predicted(&stopped, "KILL"), KILLS);
    assert_eq!(predicted(&stopped, "STOP"), Effect::NoEffect(NoEffectReason::AlreadyStopped));
    assert_eq!(predicted(&stopped, "CONT"), Effect::Continues { runs_handler: true, terminated_by: None });
    stopped.status.shared_pending = Some(parse_set("USR1,TERM"));
    let terminated_by = Some(parse_signal("TERM"));
    assert_eq!(predicted(&stopped, "CONT"), Effect::Continues { runs_handler: true, terminated_by });
}

#[test]
fn uninterruptible_sleep_and_freezer_delay_signals() {
    let mut asleep = process_with_threads(vec![thread(7, b'D', "none")], "HUP", "USR1");
    assert_eq!(predicted(&asleep, "KILL"), unknown_effect(UnknownReason::SleepKindUnknown, KILLS));
    assert_eq!(predicted(&asleep, "TERM"), unknown_effect(UnknownReason::SleepKindUnknown, TERMINATES));
    let reason = PendingReason::UninterruptibleSleep { tid: 7 };
    let sleeping = |killable: bool| {
        process_with_threads(
            vec![Thread { killable: Some(killable), ..thread(7, b'D', "none") }],
            "HUP",
            "USR1",
        )
    };
    let delayed = |eventual: Effect| Effect::Pending {
        reason,
        merged: false,
        eventual_effect: Some(Box::new(eventual)),
    };
    assert_eq!((predicted(&sleeping(true), "KILL"), predicted(&sleeping(true), "TERM")), (KILLS, TERMINATES));
    assert_eq!(
        (predicted(&sleeping(false), "KILL"), predicted(&sleeping(false), "TERM")),
        (delayed(KILLS), delayed(TERMINATES))
    );
    // A signal that dumps core does not act like KILL until a thread takes it.
    assert!(matches!(predicted(&sleeping(true), "QUIT"), Effect::Pending { .. }));
    let eventual_effect = Some(Box::new(Effect::RunsHandler));
    assert_eq!(predicted(&asleep, "USR1"), Effect::Pending { reason, merged: false, eventual_effect });
    assert_eq!(predicted(&asleep, "HUP"), Effect::Ignored { by_default: false });
    asleep = single_threaded_process("none");
    asleep.freezer_state = FreezerState::V2;
    assert_eq!((predicted(&asleep, "KILL"), predicted(&asleep, "TERM")), (KILLS, TERMINATES));
    assert!(matches!(predicted(&asleep, "USR1"), Effect::Pending { reason: PendingReason::Frozen, .. }));
    assert!(matches!(predicted(&asleep, "QUIT"), Effect::Pending { reason: PendingReason::Frozen, .. }));
    asleep.freezer_state = FreezerState::V1;
    for name in ["KILL", "TERM", "USR1"] {
        assert!(
            matches!(predicted(&asleep, name), Effect::Pending { reason: PendingReason::Frozen, .. }),
            "{name}"
        );
    }
}

#[test]
fn zombie_dying_process_and_kernel_thread_get_no_effect() {
    let zombie = process_with_threads(vec![thread(7, b'Z', "none")], "none", "none");
    for name in ["TERM", "KILL", "CONT"] {
        assert_eq!(
            predicted(&zombie, name),
            Effect::NoEffect(NoEffectReason::Zombie { parent_pid: 5 }),
            "{name}"
        );
    }
    let mut dying = process_with_threads(vec![thread(7, b'D', "none")], "none", "none");
    let mut killed = thread(7, b'D', "none");
    killed.pending = parse_set("KILL");
    dying.threads = Some(Threads::new(vec![killed]));
    assert_eq!(predicted(&dying, "TERM"), Effect::NoEffect(NoEffectReason::Dying));
    let mut kernel_thread = process_with_threads(vec![thread(7, b'S', "none")], "all", "none");
    kernel_thread.status.is_kernel_thread = Some(true);
    assert_eq!(predicted(&kernel_thread, "KILL"), Effect::NoEffect(NoEffectReason::KernelThread));
    kernel_thread.status.ignored = Some(SignalSet::EMPTY);
    assert_eq!(
        predicted(&kernel_thread, "KILL"),
        Effect::Unknown { reason: UnknownReason::KernelThread, likely: None }
    );
}

#[test]
fn orphaned_group_drops_terminal_stop_signals() {
    let mut orphaned = single_threaded_process("none");
    orphaned.group_is_orphaned = Some(true);
    assert_eq!(predicted(&orphaned, "TTIN"), Effect::Dropped(DropReason::OrphanedGroup));
    assert_eq!(predicted(&orphaned, "STOP"), Effect::Stops);
    orphaned.group_is_orphaned = None;
    assert_eq!(
        predicted(&orphaned, "TSTP"),
        unknown_effect(UnknownReason::OrphanedGroupUnknown, Effect::Stops)
    );
}

#[test]
fn tracer_and_full_queue_precede_disposition() {
    let traced =
        process_with_threads(vec![Thread { tracer_pid: Some(99), ..thread(7, b'S', "INT") }], "HUP", "USR1");
    let to_tracer = Effect::Traced { tracer: 99 };
    for name in ["TERM", "HUP", "USR1", "STOP"] {
        assert_eq!(predicted(&traced, name), to_tracer, "{name}");
    }
    assert_eq!(predicted(&traced, "KILL"), KILLS);
    assert!(matches!(predicted(&traced, "INT"), Effect::Pending { .. }));
    let mut full = single_threaded_process("none");
    full.status.queue_usage = Some(crate::procfs::status::QueueUsage { used: 9, limit: 9 });
    let queued = SendSpec { has_value: true, ..SendSpec::to_process(parse_signal("RTMIN")) };
    assert_eq!(predict_effect(&full, queued), Effect::QueueFull);
    assert_eq!(predicted(&full, "RTMIN"), TERMINATES);
    assert_eq!(predict_effect(&full, SendSpec { signal: parse_signal("TERM"), ..queued }), TERMINATES);
}

#[test]
fn effect_is_unknown_if_status_text_lacks_lines() {
    let text = b"State:\tS (sleeping)\nPid:\t7\nTgid:\t7\nThreads:\t1\nSigPnd:\t0000000000000000\n\
        ShdPnd:\t0000000000004000\nSigBlk:\t0000000000004000\nSigIgn:\t0000000000000000\n\
        SigCgt:\t0000000000000000\n";
    let status = ProcStatus::parse(text).unwrap();
    let complete = ProcessSnapshot::from_status(&status);
    assert!(matches!(predicted(&complete, "TERM"), Effect::Pending { merged: true, .. }));
    let multithreaded = ProcessSnapshot::from_status(&ProcStatus { thread_count: Some(3), ..status });
    assert!(matches!(
        predicted(&multithreaded, "TERM"),
        Effect::Unknown { reason: UnknownReason::OtherThreadsUnread, .. }
    ));
    let incomplete =
        ProcessSnapshot::from_status(&ProcStatus::parse(b"SigBlk:\t0000000000004000\n").unwrap());
    assert_eq!(
        predicted(&incomplete, "TERM"),
        Effect::Unknown { reason: UnknownReason::MissingStatusLines, likely: None }
    );
}

#[test]
fn survival_reason_names_cause() {
    let mut blocked =
        process_with_threads(vec![thread(7, b'S', "TERM"), thread(8, b'S', "TERM")], "HUP", "USR1");
    blocked.status.shared_pending = Some(parse_set("TERM"));
    let reason = |snapshot: &ProcessSnapshot, name: &str| {
        survival_reason(snapshot, Some(SendSpec::to_process(parse_signal(name)))).to_string()
    };
    assert_eq!(reason(&blocked, "TERM"), "TERM is pending because all 2 threads block it");
    assert_eq!(reason(&blocked, "HUP"), "it ignores HUP");
    assert_eq!(
        reason(&blocked, "USR1"),
        "it caught USR1; its handler is still running, or the program chose not to exit"
    );
    let stopped = process_with_threads(vec![thread(7, b'T', "none")], "none", "none");
    assert_eq!(reason(&stopped, "TERM"), "the process is stopped");
    assert_eq!(survival_reason(&blocked, None).id(), "no-signal");
}

#[test]
fn signalfd_reader_takes_unblocked_signal() {
    let mut reader =
        process_with_threads(vec![thread(7, b'S', "none"), thread(8, b'S', "none")], "HUP", "USR1");
    reader.wait_reasons[0].1 = WaitReason::Signalfd(5, parse_set("TERM,HUP,USR1,QUIT"));
    let read = Effect::ReadBySignalfd { descriptor: 5 };
    assert_eq!(predicted(&reader, "USR1"), read);
    assert_eq!(predicted(&reader, "QUIT"), read);
    assert_eq!(predicted(&reader, "TERM"), TERMINATES, "it terminates the process when it is sent");
    assert_eq!(predicted(&reader, "HUP"), Effect::Ignored { by_default: false });
    reader.wait_reasons = vec![(7, WaitReason::Other), (8, WaitReason::Signalfd(5, parse_set("USR1")))];
    assert_eq!(
        predicted(&reader, "USR1"),
        unknown_effect(UnknownReason::CompetingThreads, Effect::RunsHandler)
    );
}

#[test]
fn one_of_several_sigwait_threads_takes_signal() {
    let threads = vec![thread(7, b'S', "TERM"), thread(8, b'S', "none"), thread(9, b'S', "none")];
    let mut waiting = process_with_threads(threads, "none", "none");
    waiting.wait_reasons[1].1 = WaitReason::Sigwait(parse_set("TERM"));
    waiting.wait_reasons[2].1 = WaitReason::Sigwait(parse_set("TERM"));
    assert_eq!(predicted(&waiting, "TERM"), Effect::TakenBySigwait { tid: None });
}

#[test]
fn exited_thread_gets_no_effect_while_others_run() {
    let leader_exited =
        process_with_threads(vec![thread(7, b'Z', "none"), thread(8, b'S', "none")], "none", "none");
    for name in ["TERM", "KILL", "STOP"] {
        let send = SendSpec { tid: Some(7), ..SendSpec::to_process(parse_signal(name)) };
        assert_eq!(
            predict_effect(&leader_exited, send),
            Effect::NoEffect(NoEffectReason::ThreadExited),
            "{name}"
        );
    }
    assert_eq!(predicted(&leader_exited, "TERM"), TERMINATES);
}

/// If the queue is full, tgkill(2) fails, but kill(2) sends without a queue entry.
#[test]
fn full_queue_rejects_thread_directed_realtime_signal() {
    let mut full = single_threaded_process("none");
    full.status.queue_usage = Some(crate::procfs::status::QueueUsage { used: 9, limit: 9 });
    let send = SendSpec { tid: Some(7), ..SendSpec::to_process(parse_signal("RTMIN")) };
    assert_eq!(predict_effect(&full, send), Effect::QueueFull);
    assert_eq!(predict_effect(&full, SendSpec { signal: parse_signal("TERM"), ..send }), TERMINATES);
}

#[test]
fn cont_discards_stops_and_releases_other_signals() {
    let mut stopped =
        process_with_threads(vec![thread(7, b'T', "QUIT"), thread(8, b'T', "none")], "none", "CONT,TSTP");
    let eventual_effect = Some(Box::new(Effect::Dropped(DropReason::DiscardedByCont)));
    assert_eq!(
        predicted(&stopped, "TSTP"),
        Effect::Pending { reason: PendingReason::Stopped, merged: false, eventual_effect }
    );
    let continues = |terminated_by| Effect::Continues { runs_handler: true, terminated_by };
    let own = Thread { pending: parse_set("QUIT"), ..thread(7, b'T', "QUIT") };
    let other = Thread { pending: parse_set("QUIT"), ..thread(8, b'T', "none") };
    stopped.threads = Some(Threads::new(vec![own, other]));
    assert_eq!(
        predicted(&stopped, "CONT"),
        continues(Some(parse_signal("QUIT"))),
        "the thread that does not block it takes it"
    );
    // Stopped in sigwait(3) and in sigsuspend(2).
    stopped.threads = Some(Threads::new(vec![thread(7, b'T', "CONT"), thread(8, b'T', "none")]));
    stopped.wait_reasons[0].1 = WaitReason::Sigwait(parse_set("CONT"));
    assert_eq!(predicted(&stopped, "CONT"), unknown_effect(UnknownReason::CompetingThreads, continues(None)));
    stopped.threads = Some(Threads::new(vec![thread(7, b'T', "CONT"), thread(8, b'T', "CONT")]));
    stopped.wait_reasons[0].1 = WaitReason::Sigsuspend;
    assert_eq!(
        predicted(&stopped, "CONT"),
        unknown_effect(UnknownReason::MaskAfterSigsuspend, continues(None))
    );
}

/// The kernel wakes a thread in state D for one signal only.
#[test]
fn sleeping_thread_is_woken_once() {
    let mut asleep =
        process_with_threads(vec![thread(7, b'D', "none"), thread(8, b'S', "none")], "none", "USR1,USR2");
    let reason = PendingReason::UninterruptibleSleep { tid: 7 };
    let pending =
        |merged, effect| Effect::Pending { reason, merged, eventual_effect: Some(Box::new(effect)) };
    assert_eq!(predicted(&asleep, "USR1"), pending(false, Effect::RunsHandler));
    let dumps = Effect::Terminates { by_kill: false, core_dump: Some(CoreDumpPrediction::WouldDump) };
    assert_eq!(
        predicted(&asleep, "QUIT"),
        pending(false, dumps),
        "it does not act like KILL until a thread takes it"
    );
    asleep.status.shared_pending = Some(parse_set("USR1"));
    assert_eq!(predicted(&asleep, "USR2"), Effect::RunsHandler);
    assert_eq!(predicted(&asleep, "STOP"), Effect::Stops);
    assert_eq!(predicted(&asleep, "USR1"), pending(true, Effect::RunsHandler));
    // The process counts as stopped if all other threads are stopped.
    asleep.threads = Some(Threads::new(vec![thread(7, b'D', "none"), thread(8, b'T', "none")]));
    assert_eq!(predicted(&asleep, "STOP"), Effect::NoEffect(NoEffectReason::AlreadyStopped));
    assert!(matches!(predicted(&asleep, "CONT"), Effect::Continues { .. }));
}

//! The tracepoint signal_generate: events, filters, senders and lost events.

#![allow(unsafe_code)]

use std::io::Write;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::process::Command;
use std::time::{Duration, SystemTime};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use sigtool::signal::{Arch, SignalSet};
use sigtool::sys::bpf::signal_generate::{
    GenerateFilter, GenerateResult, GeneratedSignal, SiginfoKind, SignalTracepoint, to_wall_time,
};
use sigtool::sys::signal::send;

use super::{TestProcess, own_tid, permitted_or_skip, signal};

const RT: i32 = 40;

fn filter_for(targets: &[u32]) -> GenerateFilter {
    GenerateFilter { targets: targets.to_vec(), senders: Vec::new(), signals: SignalSet::all(Arch::NATIVE) }
}

/// Reads events until there are enough.
fn read_until(
    tracepoint: &mut SignalTracepoint,
    is_enough: impl Fn(&[GeneratedSignal]) -> bool,
) -> Vec<GeneratedSignal> {
    let mut all = Vec::new();
    while !is_enough(&all) {
        let mut polled = [PollFd::new(tracepoint.as_fd(), PollFlags::POLLIN)];
        let ready = poll(&mut polled, PollTimeout::from(10_000u16)).expect("poll");
        assert_eq!(ready, 1, "{all:?}");
        tracepoint.read_batch(&mut all);
    }
    all
}

fn read_exactly(tracepoint: &mut SignalTracepoint, count: usize) -> Vec<GeneratedSignal> {
    let all = read_until(tracepoint, |all| all.len() >= count);
    assert_eq!(all.len(), count, "{all:?}");
    all
}

fn send_signal(pid: u32, number: i32, value: Option<i32>) {
    send::to_pid(pid, Some(signal(number)), value).expect("sent");
}

#[test]
fn reports_signal_with_sender() {
    let target = TestProcess::spawn_cat(&[libc::SIGUSR1, RT]);
    let Some(mut tracepoint) = permitted_or_skip(SignalTracepoint::attach(&filter_for(&[target.pid()])))
    else {
        return;
    };
    let start = SystemTime::now();
    send_signal(target.pid(), libc::SIGUSR1, None);
    send_signal(target.pid(), libc::SIGUSR1, None);
    send_signal(target.pid(), libc::SIGURG, None);
    send::to_thread(target.pid(), target.pid(), Some(signal(RT)), Some(-5)).expect("queued");
    let events = read_exactly(&mut tracepoint, 4);
    let reported: Vec<_> = events
        .iter()
        .map(|event| (i32::from(event.signal.get()), event.siginfo().code, event.for_process, event.result))
        .collect();
    assert_eq!(
        reported,
        [
            (libc::SIGUSR1, 0, true, GenerateResult::Delivered),
            (libc::SIGUSR1, 0, true, GenerateResult::AlreadyPending),
            (libc::SIGURG, 0, true, GenerateResult::Ignored),
            (RT, -1, false, GenerateResult::Delivered),
        ]
    );
    assert_eq!(events[3].siginfo().value, -5);
    let tid = own_tid();
    let name = std::fs::read("/proc/thread-self/comm").expect("a name");
    for event in &events {
        assert_eq!((event.sender.pid, event.sender.tid), (std::process::id(), tid));
        assert_eq!(event.sender.uid, send::own_uid());
        assert_eq!(event.sender.name.as_bytes(), name.trim_ascii_end());
        assert_eq!((event.target.pid, event.target.tid), (target.pid(), target.pid()));
        assert_eq!(event.target.uid, send::own_uid());
        assert_eq!(event.target.name.as_bytes(), b"cat");
        assert!(!event.is_sender_bystander());
        let wall = to_wall_time(event.time_since_boot);
        // The clocks are not read at the same time.
        assert!(start - Duration::from_secs(1) <= wall && wall <= SystemTime::now() + Duration::from_secs(1));
    }
    assert_eq!(tracepoint.lost_count().expect("a count"), 0);
}

#[test]
fn filter_excludes_other_signals() {
    let (one, two, other) =
        (TestProcess::spawn_cat(&[]), TestProcess::spawn_cat(&[]), TestProcess::spawn_cat(&[]));
    let pids = [one.pid(), two.pid()];
    let Some(mut several) = permitted_or_skip(SignalTracepoint::attach(&filter_for(&pids))) else { return };
    let urg = GenerateFilter {
        signals: SignalSet::from_iter([signal(libc::SIGURG), signal(64)]),
        ..filter_for(&[])
    };
    let from_us = GenerateFilter { senders: vec![std::process::id()], targets: pids.to_vec(), ..urg.clone() };
    let mut from_us = SignalTracepoint::attach(&from_us).expect("attached");
    let from_others = GenerateFilter { senders: vec![other.pid(), one.pid()], targets: pids.to_vec(), ..urg };
    let mut from_others = SignalTracepoint::attach(&from_others).expect("attached");
    for pid in [other.pid(), one.pid(), two.pid()] {
        send_signal(pid, libc::SIGCONT, None);
        send_signal(pid, libc::SIGURG, None);
    }
    let summarize = |events: Vec<GeneratedSignal>| -> Vec<(u32, i32)> {
        events.iter().map(|event| (event.target.pid, event.signal.get().into())).collect()
    };
    let cont_and_urg = |pid| [(pid, libc::SIGCONT), (pid, libc::SIGURG)];
    assert_eq!(
        summarize(read_exactly(&mut several, 4)),
        [cont_and_urg(one.pid()), cont_and_urg(two.pid())].concat()
    );
    assert_eq!(
        summarize(read_exactly(&mut from_us, 2)),
        [(one.pid(), libc::SIGURG), (two.pid(), libc::SIGURG)]
    );
    let mut events = Vec::new();
    from_others.read_batch(&mut events);
    assert_eq!(events, []);
}

#[test]
fn task_running_at_timer_expiry_is_bystander() {
    // timeout(1) now and then ends without an expiry that the tracepoint sees.
    for _ in 0..5 {
        let mut command = Command::new("sh");
        command.args(["-c", "read line; echo $line; read line; exec timeout 0.02 cat"]);
        let mut target = TestProcess::spawn(&mut command, SignalSet::EMPTY);
        let alarm = SignalSet::from_iter([signal(libc::SIGALRM)]);
        let filter = GenerateFilter { signals: alarm, ..filter_for(&[target.pid()]) };
        let Some(mut tracepoint) = permitted_or_skip(SignalTracepoint::attach(&filter)) else { return };
        target.0.stdin.as_mut().expect("a pipe").write_all(b"go\n").expect("written");
        let mut polled = [PollFd::new(tracepoint.as_fd(), PollFlags::POLLIN)];
        if poll(&mut polled, PollTimeout::from(2_000u16)).expect("poll") == 0 {
            continue;
        }
        let event = read_exactly(&mut tracepoint, 1)[0];
        assert_eq!(event.siginfo().code, libc::SI_TIMER);
        assert!(event.is_sender_bystander());
        return;
    }
    panic!("no expiry was reported in five runs");
}

/// A sender may claim any negative code except SI_TKILL.
#[test]
fn forged_timer_code_keeps_sender() {
    let target = TestProcess::spawn_cat(&[libc::SIGALRM]);
    let Some(mut tracepoint) = permitted_or_skip(SignalTracepoint::attach(&filter_for(&[target.pid()])))
    else {
        return;
    };
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: zeroes are a valid siginfo_t, which outlives the call and is only read.
    let result = unsafe {
        (*info.as_mut_ptr()).si_signo = libc::SIGALRM;
        (*info.as_mut_ptr()).si_code = libc::SI_TIMER;
        libc::syscall(libc::SYS_rt_sigqueueinfo, target.pid(), libc::SIGALRM, info.as_ptr())
    };
    assert_eq!(result, 0);
    let event = read_exactly(&mut tracepoint, 1)[0];
    assert_eq!(event.siginfo().code, libc::SI_TIMER);
    assert!(!event.is_sender_bystander());
    assert_eq!(event.sender.pid, std::process::id());
}

#[test]
fn sigchld_comes_from_exited_child() {
    let Some(mut tracepoint) =
        permitted_or_skip(SignalTracepoint::attach(&filter_for(&[std::process::id()])))
    else {
        return;
    };
    let mut child = Command::new("false").spawn().expect("false");
    child.wait().expect("false exits");
    // Other tests have children, too.
    let is_from_child = |event: &&GeneratedSignal| event.sender.pid == child.id();
    let events = read_until(&mut tracepoint, |all| all.iter().any(|event| is_from_child(&event)));
    let event = events.iter().find(is_from_child).expect("the event");
    assert_eq!(event.siginfo().status, 1);
    assert!(matches!(event.siginfo_kind, SiginfoKind::Siginfo(info) if info.pid == child.id()));
    assert!(!event.is_sender_bystander());
}

/// Without a reader, the ring buffer still has space for standard signals and KILL.
#[test]
fn full_ring_reserves_space_for_standard_signals() {
    let target = TestProcess::spawn_cat(&[RT, libc::SIGTERM]);
    let Some(mut tracepoint) =
        permitted_or_skip(SignalTracepoint::attach_with_ring_size(&filter_for(&[target.pid()]), 4096))
    else {
        return;
    };
    let flood = |number| {
        for _ in 0..100 {
            send_signal(target.pid(), number, None);
        }
    };
    // All become pending; all are ignored; all except the first are already
    // pending.
    flood(RT);
    flood(libc::SIGURG);
    flood(libc::SIGTERM);
    send_signal(target.pid(), libc::SIGKILL, None);
    let mut events = Vec::new();
    tracepoint.read_batch(&mut events);
    let count = |number| events.iter().filter(|event| event.signal == signal(number)).count();
    let reported = events.len() as u64;
    assert_eq!((count(libc::SIGURG), count(libc::SIGTERM), count(libc::SIGKILL)), (0, 1, 1), "{events:?}");
    assert!(count(RT) > 10);
    assert!(events.is_sorted_by_key(|event| event.time_since_boot));
    assert_eq!(events.last().map(|event| event.sender.pid), Some(std::process::id()));
    // SIGCHLD at its exit goes to the parent, so it is not counted.
    assert_eq!(reported + tracepoint.lost_count().expect("a count"), 301);
}

/// So many standard signals become pending that their reserved space is full too.
#[test]
fn full_ring_reserves_space_for_kill() {
    let standard = [
        libc::SIGHUP,
        libc::SIGINT,
        libc::SIGQUIT,
        libc::SIGUSR1,
        libc::SIGUSR2,
        libc::SIGALRM,
        libc::SIGTERM,
    ];
    let target = TestProcess::spawn_cat(&[&[RT][..], &standard].concat());
    let Some(mut tracepoint) =
        permitted_or_skip(SignalTracepoint::attach_with_ring_size(&filter_for(&[target.pid()]), 4096))
    else {
        return;
    };
    for number in [RT; 100].into_iter().chain(standard).chain([libc::SIGKILL]) {
        send_signal(target.pid(), number, None);
    }
    let mut events = Vec::new();
    tracepoint.read_batch(&mut events);
    let reported = events.iter().filter(|event| standard.contains(&event.signal.get().into())).count();
    assert!(reported > 0 && reported < standard.len(), "{events:?}");
    let kill = events.last().expect("an event");
    assert_eq!((kill.signal, kill.sender.pid), (signal(libc::SIGKILL), std::process::id()));
}

#[test]
fn full_ring_counts_lost_signals() {
    let target = TestProcess::spawn_cat(&[]);
    let Some(mut tracepoint) =
        permitted_or_skip(SignalTracepoint::attach_with_ring_size(&filter_for(&[target.pid()]), 4096))
    else {
        return;
    };
    let (mut seen, mut sent) = (0, 0);
    for _ in 0..10 {
        for _ in 0..100 {
            send_signal(target.pid(), libc::SIGURG, None);
            sent += 1;
        }
        let mut batch = Vec::new();
        tracepoint.read_batch(&mut batch);
        assert!(batch.len() > 10 && batch.iter().all(|event| event.target.pid == target.pid()));
        seen += batch.len() as u64;
    }
    assert_eq!(seen + tracepoint.lost_count().expect("a count"), sent);
    assert!(seen < sent);
}

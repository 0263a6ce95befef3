use std::io::Write;
use std::os::fd::AsFd;
use std::process::Command;
use std::time::{Duration, SystemTime};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::super::generate::{Filter, Generated, Outcome, Told, Watch, wall_time};
use super::{Target, allowed, signal};
use crate::signal::{Arch, SignalSet};
use crate::sys::deliver;
use crate::sys::siginfo::Raw;

const RT: i32 = 40;

fn filter(targets: &[u32]) -> Filter {
    Filter { targets: targets.to_vec(), senders: Vec::new(), signals: SignalSet::all(Arch::NATIVE) }
}

/// What comes, until it is enough.
fn until(watch: &mut Watch, enough: impl Fn(&[Generated]) -> bool) -> Vec<Generated> {
    let mut all = Vec::new();
    while !enough(&all) {
        let mut waited = [PollFd::new(watch.as_fd(), PollFlags::POLLIN)];
        let ready = poll(&mut waited, PollTimeout::from(10_000u16)).expect("poll");
        assert_eq!(ready, 1, "{all:?}");
        watch.read_batch(&mut all);
    }
    all
}

fn next(watch: &mut Watch, count: usize) -> Vec<Generated> {
    let all = until(watch, |all| all.len() >= count);
    assert_eq!(all.len(), count, "{all:?}");
    all
}

fn send(pid: u32, number: i32, value: Option<i32>) {
    deliver::to_number(pid, Some(signal(number)), value).expect("sent");
}

#[test]
fn a_signal_is_told_with_its_sender() {
    let target = Target::cat(&[libc::SIGUSR1, RT]);
    let Some(mut watch) = allowed(Watch::start(&filter(&[target.pid()]))) else { return };
    let before = SystemTime::now();
    send(target.pid(), libc::SIGUSR1, None);
    send(target.pid(), libc::SIGUSR1, None);
    send(target.pid(), libc::SIGURG, None);
    deliver::to_thread(target.pid(), target.pid(), Some(signal(RT)), Some(-5)).expect("queued");
    let events = next(&mut watch, 4);
    let told: Vec<_> = events
        .iter()
        .map(|event| (i32::from(event.signal.get()), event.info().code, event.for_process, event.outcome))
        .collect();
    assert_eq!(
        told,
        [
            (libc::SIGUSR1, 0, true, Outcome::Delivered),
            (libc::SIGUSR1, 0, true, Outcome::AlreadyPending),
            (libc::SIGURG, 0, true, Outcome::Ignored),
            (RT, -1, false, Outcome::Delivered),
        ]
    );
    assert_eq!(events[3].info().value, -5);
    // SAFETY: gettid(2) takes nothing and cannot fail.
    let tid = unsafe { libc::gettid() }.cast_unsigned();
    let name = std::fs::read("/proc/thread-self/comm").expect("a name");
    for event in &events {
        assert_eq!((event.sender.pid, event.sender.tid), (std::process::id(), tid));
        assert_eq!(event.sender.uid, deliver::own_uid());
        assert_eq!(event.sender.name.as_bytes(), name.trim_ascii_end());
        assert_eq!((event.target.pid, event.target.tid), (target.pid(), target.pid()));
        assert_eq!(event.target.uid, deliver::own_uid());
        assert_eq!(event.target.name.as_bytes(), b"cat");
        assert!(!event.is_bystander());
        let wall = wall_time(event.time);
        // The clocks are not read in one moment.
        assert!(
            before - Duration::from_secs(1) <= wall && wall <= SystemTime::now() + Duration::from_secs(1)
        );
    }
    assert_eq!(watch.lost().expect("a number"), 0);
}

#[test]
fn what_does_not_pass_is_not_told() {
    let (one, two, other) = (Target::cat(&[]), Target::cat(&[]), Target::cat(&[]));
    let pids = [one.pid(), two.pid()];
    let Some(mut several) = allowed(Watch::start(&filter(&pids))) else { return };
    let urg = Filter { signals: SignalSet::from_iter([signal(libc::SIGURG), signal(64)]), ..filter(&[]) };
    let of_us = Filter { senders: vec![std::process::id()], targets: pids.to_vec(), ..urg.clone() };
    let mut of_us = Watch::start(&of_us).expect("as the other");
    let of_others = Filter { senders: vec![other.pid(), one.pid()], targets: pids.to_vec(), ..urg };
    let mut of_others = Watch::start(&of_others).expect("as the other");
    for pid in [other.pid(), one.pid(), two.pid()] {
        send(pid, libc::SIGCONT, None);
        send(pid, libc::SIGURG, None);
    }
    let seen = |events: Vec<Generated>| -> Vec<(u32, i32)> {
        events.iter().map(|event| (event.target.pid, event.signal.get().into())).collect()
    };
    let both = |pid| [(pid, libc::SIGCONT), (pid, libc::SIGURG)];
    assert_eq!(seen(next(&mut several, 4)), [both(one.pid()), both(two.pid())].concat());
    assert_eq!(seen(next(&mut of_us, 2)), [(one.pid(), libc::SIGURG), (two.pid(), libc::SIGURG)]);
    let mut none = Vec::new();
    of_others.read_batch(&mut none);
    assert_eq!(none, []);
}

#[test]
fn who_ran_when_a_timer_expired_is_a_bystander() {
    let mut command = Command::new("sh");
    command.args(["-c", "read line; echo $line; read line; exec timeout 0.02 cat"]);
    let mut target = Target::start(&mut command, SignalSet::EMPTY);
    let alarm = SignalSet::from_iter([signal(libc::SIGALRM)]);
    let filter = Filter { signals: alarm, ..filter(&[target.pid()]) };
    let Some(mut watch) = allowed(Watch::start(&filter)) else { return };
    target.0.stdin.as_mut().expect("a pipe").write_all(b"go\n").expect("written");
    let event = next(&mut watch, 1)[0];
    assert_eq!(event.info().code, libc::SI_TIMER);
    assert!(event.is_bystander());
}

/// Any negative code but SI_TKILL may be claimed.
#[test]
fn who_claims_to_be_a_timer_is_the_sender() {
    let target = Target::cat(&[libc::SIGALRM]);
    let Some(mut watch) = allowed(Watch::start(&filter(&[target.pid()]))) else { return };
    let claim = Raw::new(Some(signal(libc::SIGALRM)), 0, libc::SI_TIMER);
    // SAFETY: the pointer is to a whole siginfo, which is read only.
    let answer =
        unsafe { libc::syscall(libc::SYS_rt_sigqueueinfo, target.pid(), libc::SIGALRM, claim.as_ptr()) };
    assert_eq!(answer, 0);
    let event = next(&mut watch, 1)[0];
    assert_eq!(event.info().code, libc::SI_TIMER);
    assert!(!event.is_bystander());
    assert_eq!(event.sender.pid, std::process::id());
}

#[test]
fn an_end_comes_from_the_child() {
    let Some(mut watch) = allowed(Watch::start(&filter(&[std::process::id()]))) else { return };
    let mut child = Command::new("false").spawn().expect("false");
    child.wait().expect("it ends");
    // Other tests have children, too.
    let is_it = |event: &&Generated| event.sender.pid == child.id();
    let events = until(&mut watch, |all| all.iter().any(|event| is_it(&event)));
    let event = events.iter().find(is_it).expect("it was found");
    assert_eq!(event.info().status, 1);
    assert!(matches!(event.told, Told::Siginfo(info) if info.pid == child.id()));
    assert!(!event.is_bystander());
}

/// Nobody reads; what is told then, of standard signals and of KILL.
#[test]
fn a_place_is_kept_for_what_ends_a_process() {
    let target = Target::cat(&[RT, libc::SIGTERM]);
    let Some(mut watch) = allowed(Watch::start_with(&filter(&[target.pid()]), 4096)) else { return };
    let flood = |number| {
        for _ in 0..100 {
            send(target.pid(), number, None);
        }
    };
    // Pending each; ignored; pending already, but for the first.
    flood(RT);
    flood(libc::SIGURG);
    flood(libc::SIGTERM);
    send(target.pid(), libc::SIGKILL, None);
    let mut events = Vec::new();
    watch.read_batch(&mut events);
    let count = |number| events.iter().filter(|event| event.signal == signal(number)).count();
    let told = events.len() as u64;
    assert_eq!((count(libc::SIGURG), count(libc::SIGTERM), count(libc::SIGKILL)), (0, 1, 1), "{events:?}");
    assert!(count(RT) > 10);
    assert!(events.is_sorted_by_key(|event| event.time));
    assert_eq!(events.last().map(|event| event.sender.pid), Some(std::process::id()));
    // Its end, told to its parent, is not its own signal.
    assert_eq!(told + watch.lost().expect("a number"), 301);
}

/// So many standard signals come to be pending that their room is full as well.
#[test]
fn the_last_place_is_the_killers() {
    let standard = [
        libc::SIGHUP,
        libc::SIGINT,
        libc::SIGQUIT,
        libc::SIGUSR1,
        libc::SIGUSR2,
        libc::SIGALRM,
        libc::SIGTERM,
    ];
    let target = Target::cat(&[&[RT][..], &standard].concat());
    let Some(mut watch) = allowed(Watch::start_with(&filter(&[target.pid()]), 4096)) else { return };
    for number in [RT; 100].into_iter().chain(standard).chain([libc::SIGKILL]) {
        send(target.pid(), number, None);
    }
    let mut events = Vec::new();
    watch.read_batch(&mut events);
    let told = events.iter().filter(|event| standard.contains(&event.signal.get().into())).count();
    assert!(told > 0 && told < standard.len(), "{events:?}");
    let killer = events.last().expect("an event");
    assert_eq!((killer.signal, killer.sender.pid), (signal(libc::SIGKILL), std::process::id()));
}

#[test]
fn what_finds_no_room_is_counted_and_the_ring_turns() {
    let target = Target::cat(&[]);
    let Some(mut watch) = allowed(Watch::start_with(&filter(&[target.pid()]), 4096)) else { return };
    let (mut seen, mut sent) = (0, 0);
    for _ in 0..10 {
        for _ in 0..100 {
            send(target.pid(), libc::SIGURG, None);
            sent += 1;
        }
        let mut batch = Vec::new();
        watch.read_batch(&mut batch);
        assert!(batch.len() > 10 && batch.iter().all(|event| event.target.pid == target.pid()));
        seen += batch.len() as u64;
    }
    assert_eq!(seen + watch.lost().expect("a number"), sent);
    assert!(seen < sent);
}

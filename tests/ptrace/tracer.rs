//! The tracer: it reports signals at delivery and does not disturb the
//! process.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use sigtool::sys::process::pidfd;
use sigtool::sys::ptrace::{PtraceError, Tracer, TracerEvent, TracerEventKind};
use sigtool::sys::signal::send;

use super::{Target, is_ptrace_available, signal, wait_for_state, wait_until};
use crate::support::{Fixture, fixture_path};

/// Returns the next events up to the batch that contains a wanted one.
fn events_until(tracer: &mut Tracer, mut is_wanted: impl FnMut(&TracerEvent) -> bool) -> Vec<TracerEvent> {
    let mut all = Vec::new();
    loop {
        let mut new = Vec::new();
        let is_traced = tracer.read(&mut new).expect("events");
        let found = new.iter().any(&mut is_wanted);
        all.extend(new);
        if found {
            return all;
        }
        assert!(is_traced, "it ended: {all:?}");
        pidfd::wait_readable(tracer.as_fd(), &[], None).expect("it can be waited for");
    }
}

/// Returns signal, code, value and TID of the delivery events.
fn deliveries(events: &[TracerEvent]) -> Vec<(u8, i32, i32, u32)> {
    let delivered = events.iter().filter_map(|event| match event.kind {
        TracerEventKind::Delivered(info) => Some((info.signal.get(), info.code, info.value, event.tid)),
        _ => None,
    });
    delivered.collect()
}

fn send(pid: u32, name: &str, value: Option<i32>) {
    send::to_pid(pid, Some(signal(name)), value).expect("sent");
}

fn is_delivery_of(event: &TracerEvent, name: &str) -> bool {
    matches!(event.kind, TracerEventKind::Delivered(info) if info.signal == signal(name))
}

#[test]
fn tracer_reports_deliveries_with_senders() {
    if !is_ptrace_available() {
        return;
    }
    let fixture = Fixture::start(["--catch", "USR1,RTMIN+1", "--ignore", "HUP", "--block", "USR2"]);
    let before = SystemTime::now();
    let mut tracer = Tracer::attach(fixture.pid).expect("it can be traced");
    send(fixture.pid, "USR1", None);
    events_until(&mut tracer, |event| {
        let own = std::process::id();
        let now = SystemTime::now() + Duration::from_secs(1);
        matches!(event.kind, TracerEventKind::Delivered(info) if info.pid == own)
            && event.time >= before
            && event.time <= now
    });
    send(fixture.pid, "HUP", None);
    send(fixture.pid, "USR2", None);
    send(fixture.pid, "RTMIN+1", Some(-3));
    let events = events_until(&mut tracer, |event| is_delivery_of(event, "RTMIN+1"));
    // Ignored signals are reported, blocked ones are not. A signal with a
    // larger number may come first.
    let mut delivered = deliveries(&events);
    delivered.sort_unstable();
    let pid = fixture.pid;
    if delivered.len() < 2 {
        delivered.extend(deliveries(&events_until(&mut tracer, |event| is_delivery_of(event, "HUP"))));
        delivered.sort_unstable();
    }
    assert_eq!(delivered, [(1, 0, 0, pid), (35, -1, -3, pid)]);
}

#[test]
fn tracer_attaches_to_all_and_new_threads() {
    if !is_ptrace_available() {
        return;
    }
    let fixture = Fixture::start(["--catch", "USR1,USR2", "--thread", "", "--thread", "block=USR1"]);
    let mut tracer = Tracer::attach(fixture.pid).expect("it can be traced");
    let other = fixture.ids[1];
    send::to_thread(fixture.pid, other, Some(signal("USR2")), None).expect("sent");
    let events = events_until(&mut tracer, |event| is_delivery_of(event, "USR2"));
    assert_eq!(deliveries(&events), [(12, -6, 0, other)]);

    let target = Target::start(&["churn"]);
    let mut tracer = Tracer::attach(target.pid).expect("it can be traced");
    let mut new = Vec::new();
    let mut ended = Vec::new();
    while new.len() < 50 || ended.len() < 50 {
        for event in events_until(&mut tracer, |_| true) {
            match event.kind {
                TracerEventKind::ThreadCreated => new.push(event.tid),
                TracerEventKind::Exited(Some(_)) => ended.push(event.tid),
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(new.iter().filter(|tid| ended.contains(tid)).count() > 40, "{new:?} {ended:?}");
}

#[test]
fn tracer_reports_fatal_signal() {
    if !is_ptrace_available() {
        return;
    }
    let mut fixture = Fixture::start(["--thread", ""]);
    let mut tracer = Tracer::attach(fixture.pid).expect("it can be traced");
    send(fixture.pid, "KILL", None);
    let pid = fixture.pid;
    let events = events_until(&mut tracer, |event| event.tid == pid);
    let endings: Vec<String> = events
        .iter()
        .filter_map(|event| match event.kind {
            TracerEventKind::Exited(ending) => Some(format!("{} {}", event.tid == pid, ending?)),
            _ => None,
        })
        .collect();
    assert_eq!(endings, ["false killed by KILL", "true killed by KILL"]);
    let mut rest = Vec::new();
    wait_until(|| !tracer.read(&mut rest).expect("events"));
    assert_eq!(rest, []);
    // Its parent is notified as well.
    assert_eq!(fixture.terminating_signal(), Some(9));
}

#[test]
fn tracer_reports_exec() {
    if !is_ptrace_available() {
        return;
    }
    let target = Target::start(&["again"]);
    let mut tracer = Tracer::attach(target.pid).expect("it can be traced");
    let pid = target.pid;
    for _ in 0..20 {
        events_until(&mut tracer, |event| {
            event.kind == TracerEventKind::Exec { former_tid: pid } && event.tid == pid
        });
    }
}

/// The thread that executes gets the TID of the main thread, which exits.
#[test]
fn tracer_follows_exec_of_another_thread() {
    if !is_ptrace_available() {
        return;
    }
    let target = Target::start(&["again", "thread"]);
    let pid = target.pid;
    let mut tracer = Tracer::attach(pid).expect("it can be traced");
    let mut formers = HashSet::new();
    events_until(&mut tracer, |event| {
        formers.extend(match event.kind {
            TracerEventKind::Exec { former_tid: former } if former != pid => Some(former),
            _ => None,
        });
        formers.len() >= 10
    });
    assert!(tracer.finish().count < 2000, "few stops");
}

#[test]
fn traced_process_stays_stopped_until_cont() {
    if !is_ptrace_available() {
        return;
    }
    let fixture = Fixture::start(["--stop"]);
    let mut tracer = Tracer::attach(fixture.pid).expect("it can be traced");
    // A traced process that stops has the letter t.
    events_until(&mut tracer, |event| event.kind == TracerEventKind::Stopped(signal("STOP")));
    wait_for_state(fixture.pid, 't');
    send(fixture.pid, "CONT", None);
    events_until(&mut tracer, |event| is_delivery_of(event, "CONT"));
    wait_for_state(fixture.pid, 'S');
    send(fixture.pid, "STOP", None);
    let events = events_until(&mut tracer, |event| event.kind == TracerEventKind::Stopped(signal("STOP")));
    assert_eq!(deliveries(&events).len(), 1, "{events:?}");
    wait_for_state(fixture.pid, 't');
    drop(tracer);
    wait_for_state(fixture.pid, 'T');
    send(fixture.pid, "CONT", None);
    wait_for_state(fixture.pid, 'S');
}

#[test]
fn tracer_reports_why_attach_fails() {
    if !is_ptrace_available() {
        return;
    }
    for pid in [0, 4_194_305, u32::MAX] {
        assert!(matches!(Tracer::attach(pid), Err(PtraceError::Gone)), "{pid}");
    }
    let zombie = Fixture::start(["--exit", "7"]);
    let refused = Tracer::attach(zombie.pid);
    assert!(matches!(refused, Err(PtraceError::Zombie | PtraceError::Gone)), "{refused:?}");
    let fixture = Fixture::start(["--thread", "", "--leader-exits"]);
    let tracer = Tracer::attach(fixture.pid).expect("its other thread lives");
    let second = Tracer::attach(fixture.pid);
    assert!(matches!(second, Err(PtraceError::Traced { .. })), "{second:?}");
    drop(tracer);
    Tracer::attach(fixture.pid).expect("it is free again");
}

/// An ignored signal wakes a traced process. The call that it waits in must
/// not return.
#[test]
fn tracer_restarts_calls_interrupted_by_ignored_signals() {
    if !is_ptrace_available() {
        return;
    }
    for name in ["epoll-wait", "epoll-pwait", "semop", "sigtimedwait", "read-pipe"] {
        let mut target = super::blocking_calls::start_blocked(name);
        let mut tracer = Tracer::attach(target.pid).expect("it can be traced");
        for name in ["WINCH", "CHLD", "URG", "CONT"] {
            send(target.pid, name, None);
            events_until(&mut tracer, |event| is_delivery_of(event, name));
        }
        target.write_input("x");
        let line = target.line();
        assert!(!line.starts_with("-1 4 "), "{name}: {line}");
    }
}

/// The tracer may exit at any moment, even during a delivery: every signal is
/// delivered once and in order.
#[test]
fn killed_tracer_loses_no_signal() {
    if !is_ptrace_available() {
        return;
    }
    /// The number of tracers. `EACH` signals are sent per tracer.
    const TRACERS: i32 = 20;
    const EACH: i32 = 1000;
    let count = TRACERS * EACH + 1;
    let mut target = Target::start(&["count", &count.to_string()]);
    let pid = target.pid;
    let (sent, tracers) = (AtomicI32::new(0), AtomicI32::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for value in 0..count {
                // The last signal is sent after the last tracer has exited.
                wait_until(|| value < (tracers.load(Relaxed) + 1) * EACH);
                target.queue(value);
                sent.store(value + 1, Relaxed);
            }
        });
        for number in 0..TRACERS {
            let mut tracer = Tracer::attach(pid).expect("it can be traced");
            let mut events = Vec::new();
            // The tracer is dropped at an arbitrary moment.
            wait_until(|| {
                tracer.read(&mut events).expect("events");
                events.len() > 50 || sent.load(Relaxed) >= (number + 1) * EACH
            });
            drop(tracer);
            tracers.store(number + 1, Relaxed);
        }
    });
    assert_eq!(target.in_order(), count);
}

/// A process stopped by a signal stops by itself, thread by thread. The
/// tracer reports that once.
#[test]
fn tracer_counts_stops_and_reports_group_stop_once() {
    if !is_ptrace_available() {
        return;
    }
    let fixture = Fixture::start(["--ignore", "HUP", "--thread", "", "--thread", ""]);
    let mut tracer = Tracer::attach(fixture.pid).expect("it can be traced");
    for _ in 0..5 {
        send(fixture.pid, "HUP", None);
        events_until(&mut tracer, |event| is_delivery_of(event, "HUP"));
    }
    send(fixture.pid, "STOP", None);
    events_until(&mut tracer, |event| matches!(event.kind, TracerEventKind::Stopped(_)));
    send(fixture.pid, "CONT", None);
    let events = events_until(&mut tracer, |event| is_delivery_of(event, "CONT"));
    assert_eq!(
        events.iter().filter(|event| matches!(event.kind, TracerEventKind::Stopped(_))).count(),
        0,
        "{events:?}"
    );
    wait_for_state(fixture.pid, 'S');
    let stops = tracer.finish();
    // Each signal is one stop, and each thread that had stopped resumes with
    // at least one more.
    assert!((5 + 1 + 1 + 1..30).contains(&stops.count), "{stops:?}");
    assert!(stops.longest > Duration::ZERO && stops.longest <= stops.total, "{stops:?}");
    assert!(stops.total <= stops.longest * u32::try_from(stops.count).expect("few"), "{stops:?}");
    assert_eq!(tracer.finish(), stops);
    drop(tracer);
    wait_for_state(fixture.pid, 'S');
}

/// The target survives when the tracing process is killed or terminated.
#[test]
fn target_survives_end_of_tracer() {
    if !is_ptrace_available() {
        return;
    }
    for end in ["KILL", "INT", "TERM"] {
        let fixture = Fixture::start(["--catch", "USR1"]);
        let mut tracer = Command::new(fixture_path().with_file_name("inspect-target"))
            .args(["trace", &fixture.pid.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let mut line = String::new();
        let stdout = tracer.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("it prints a line");
        assert_eq!(line, "tracing\n");
        send(fixture.pid, "USR1", None);
        send::to_pid(tracer.id(), Some(signal(end)), None).expect("it is a child of this process");
        tracer.wait().expect("it is a child of this process");
        wait_until(|| {
            let status = std::fs::read_to_string(format!("/proc/{}/status", fixture.pid)).expect("it lives");
            status.contains("TracerPid:\t0\n")
        });
        wait_for_state(fixture.pid, 'S');
    }
}

/// Tests that take over 5 s: `--skip slow` leaves them out.
mod slow {
    use super::*;

    /// A process is not delayed while the events are not read.
    #[test]
    fn slow_reader_loses_events_with_count() {
        if !is_ptrace_available() {
            return;
        }
        const COUNT: i32 = 100_000;
        let mut target = Target::start(&["count", &COUNT.to_string()]);
        let mut tracer = Tracer::attach(target.pid).expect("it can be traced");
        for value in 0..COUNT {
            target.queue(value);
        }
        assert_eq!(target.in_order(), COUNT);
        let pid = target.pid;
        let mut events = Vec::new();
        wait_until(|| !tracer.read(&mut events).expect("events"));
        let lost: u64 = events
            .iter()
            .map(|event| if let TracerEventKind::Lost(count) = event.kind { count } else { 0 })
            .sum();
        let ended = u64::from(
            events.iter().any(|event| event.tid == pid && matches!(event.kind, TracerEventKind::Exited(_))),
        );
        let delivered = deliveries(&events).len() as u64;
        assert!(lost > 0 && delivered + lost + ended >= COUNT as u64, "{delivered} reported, {lost} lost");
    }
}

//! The events of `watch --pid --json` describe the state of a process completely.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use super::{Change, Interpreter, Observer, send};
use crate::support::{run, skipped};

/// Signal names by set name.
type Sets = BTreeMap<String, BTreeSet<String>>;

/// The state of a process according to its events.
#[derive(Debug, Default, PartialEq, Eq)]
struct State {
    name: String,
    state: String,
    process: Sets,
    threads: BTreeMap<u32, Sets>,
}

impl State {
    fn apply(&mut self, change: &Change) {
        let sets = [
            ("pending", &change.pending),
            ("blocked", &change.blocked),
            ("ignored", &change.ignored),
            ("caught", &change.caught),
        ];
        let sets = sets.into_iter().filter_map(|(set, signals)| {
            Some((set.to_owned(), signals.as_ref()?.iter().cloned().collect::<BTreeSet<String>>()))
        });
        match (change.event.as_str(), change.tid) {
            ("start", None) => {
                self.name = change.name.clone();
                self.state = change.state.clone().expect("its state");
                self.process = sets.collect();
            }
            ("thread", Some(tid)) => assert_eq!(self.threads.insert(tid, sets.collect()), None),
            ("thread-started", Some(tid)) => assert_eq!(self.threads.insert(tid, sets.collect()), None),
            ("thread-ended", Some(tid)) => assert!(self.threads.remove(&tid).is_some()),
            ("name", None) => {
                assert_eq!(self.name, change.from);
                self.name = change.to.clone();
            }
            ("state", None) => {
                assert_eq!(self.state, change.from, "events chain");
                self.state = change.to.clone();
            }
            ("added" | "removed", tid) => {
                let sets = match tid {
                    None => &mut self.process,
                    Some(tid) => self.threads.get_mut(&tid).expect("a thread that is known"),
                };
                let set = sets.get_mut(&change.set).expect("a set that is known");
                for signal in &change.signals {
                    let changed =
                        if change.event == "added" { set.insert(signal.clone()) } else { set.remove(signal) };
                    assert!(changed, "{change:?} changes nothing");
                }
            }
            _ => panic!("{change:?}"),
        }
        assert_eq!(self.name, change.name);
    }
}

/// A program that changes its signal state as requested by lines on stdin.
const TARGET: &str = "import signal, sys, threading
go = threading.Event()
def work(*blocked):
    signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
    ready.release()
    go.wait()
ready = threading.Semaphore(0)
def start(*blocked):
    threading.Thread(target=work, args=blocked).start()
    ready.acquire()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGRTMIN])
start(signal.SIGUSR1)
print('ready')
for line in sys.stdin:
    line = line.strip()
    if line == 'start': start(signal.SIGUSR1, signal.SIGUSR2)
    elif line == 'end': go.set(); go = threading.Event()
    elif line == 'block': signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2, signal.SIGHUP])
    elif line == 'allow': signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGHUP])
    elif line == 'catch': signal.signal(signal.SIGTERM, lambda *_: None)
    elif line == 'ignore': signal.signal(signal.SIGTERM, signal.SIG_IGN)
    elif line == 'name': open('/proc/self/comm', 'w').write('other')";

#[test]
fn events_reconstruct_final_state() {
    if Command::new("python3").arg("--version").output().is_err() {
        return skipped("python3 is missing");
    }
    for threads in [false, true] {
        let mut process = Interpreter::spawn(Command::new("python3").args(["-uc", TARGET])).ready();
        let pid = process.pid.clone();
        let more: &[&str] = if threads { &["--threads"] } else { &[] };
        let mut watch = Observer::start(&[&["--json", "--interval", "1ms", "--pid", &pid], more].concat());
        let mut reconstructed = State::default();
        reconstructed.apply(&watch.change());
        for line in ["start", "block", "catch", "name", "ignore", "end", "start", "allow", "start"] {
            process.send_line(line);
        }
        send("-USR1", &pid);
        send("-RTMIN", &pid);
        // The last change before the process is stopped.
        process.send_line("catch");
        while !reconstructed.process["caught"].contains("TERM")
            || reconstructed.name != "other"
            || reconstructed.process["pending"].is_empty()
            || reconstructed.process["ignored"].contains("TERM")
        {
            reconstructed.apply(&watch.change());
        }
        send("-STOP", &pid);
        while reconstructed.state != "T" {
            reconstructed.apply(&watch.change());
        }
        // Changes that came together with the stop are reported in the next
        // samples. One of those is complete when this signal is reported.
        send("-RTMAX", &pid);
        while !reconstructed.process["pending"].contains("RTMAX") {
            reconstructed.apply(&watch.change());
        }
        let mut reported = State::default();
        let mut second_watch = Observer::start(&[&["--json", "--pid", &pid], more].concat());
        let start = second_watch.change();
        let count = start.threads;
        reported.apply(&start);
        for _ in 0..count.unwrap_or(0) {
            reported.apply(&second_watch.change());
        }
        assert_eq!(reconstructed, reported, "--threads: {threads}");
        assert_eq!(count.map(|count| count as usize), threads.then_some(reconstructed.threads.len()));
        assert_eq!(run(["send", "-KILL", &pid]).code, Some(0));
    }
}

//! Targets that answer for the memory below a stack pointer themselves, and do
//! not answer.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};

use sigtool::sys::signal::send;

use super::{Program, Scratch, ends, inspect};
use crate::ptrace::{is_possible, signal, until};
use crate::support::skipped;

/// How often a moment is tried to be met.
const TRIES: usize = 30;
const SERVERS: [&str; 2] = ["userfaultfd", "fuse"];

/// The page server. `None` if there is none here, which is reported.
fn start(scratch: &Scratch, server: &str, time: &str) -> Option<Program> {
    let directory = scratch.path("mounted");
    let _ = std::fs::create_dir(&directory);
    let started = Program::start_paused(scratch.command("page_server").args([server, time]).arg(directory));
    match started {
        Ok(program) => Some(program),
        Err(line) if line.starts_with("failed") => {
            skipped(&format!("{server}: {line}"));
            None
        }
        Err(line) => panic!("{server}: {line}"),
    }
}

/// All processes of one sigtool command, found by a variable of their environment.
struct Marked(String);

impl Marked {
    fn new() -> Marked {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        Marked(format!("SIGTOOL_TEST_MARK={}-{number}-", std::process::id()))
    }

    fn spawn(&self, mut command: Command) -> Child {
        let (name, value) = self.0.split_once('=').expect("both");
        command.env(name, value).spawn().expect("sigtool runs")
    }

    /// The PID and the state of each.
    fn find(&self) -> Vec<(u32, char)> {
        let entries = std::fs::read_dir("/proc").expect("proc");
        let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
        let is_ours = |pid: &u32| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.windows(self.0.len()).any(|window| window == self.0.as_bytes())
        };
        pids.filter(is_ours).filter_map(|pid| Some((pid, crate::ptrace::state_of(pid)?))).collect()
    }
}

/// The tracer and the state of each thread.
fn threads(pid: u32) -> Vec<(u32, char)> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/task")).expect("it lives");
    let status = |entry: std::io::Result<std::fs::DirEntry>| {
        let text = std::fs::read_to_string(entry.expect("a thread").path().join("status")).expect("it lives");
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("a line");
            line.trim().to_owned()
        };
        (value("TracerPid:").parse().expect("a PID"), value("State:").chars().next().expect("a letter"))
    };
    entries.map(status).collect()
}

fn is_traced(pid: u32) -> bool {
    threads(pid).iter().any(|(tracer, _)| *tracer != 0)
}

/// Sigtool has gone. Nothing is stopped or traced, and the thread can go on; once
/// the target has ended, no process of sigtool's is left.
fn assert_left_alone(target: Program, marked: &Marked) {
    let threads = threads(target.pid);
    assert!(threads.iter().all(|(tracer, state)| *tracer == 0 && !"tT".contains(*state)), "{threads:?}");
    let rest = marked.find();
    assert!(rest.iter().all(|(_, state)| !"tT".contains(*state)), "{rest:?}");
    target.finish();
    until(|| marked.find().is_empty());
}

#[test]
fn sigtool_ends_if_a_page_never_arrives() {
    if !is_possible() {
        return;
    }
    let Some(scratch) = Scratch::with(&["page_server"]) else { return };
    for server in SERVERS {
        let Some(target) = start(&scratch, server, "never") else { continue };
        let marked = Marked::new();
        let mut sigtool = marked.spawn(inspect(target.pid));
        assert!(ends(&mut sigtool), "{server}: sigtool hangs");
        assert_eq!(sigtool.wait().expect("it is ours").code(), Some(3), "{server}");
        assert_left_alone(target, &marked);
    }
}

#[test]
fn thread_keeps_its_registers_if_a_page_arrives_after_sigtool_has_ended() {
    if !is_possible() {
        return;
    }
    let Some(scratch) = Scratch::with(&["page_server"]) else { return };
    for server in SERVERS {
        // The page may vanish too late, when the calls have been made.
        let is_met = (0..TRIES).any(|_| {
            let Some(mut target) = start(&scratch, server, "late") else { return true };
            let marked = Marked::new();
            let mut sigtool = marked.spawn(inspect(target.pid));
            assert!(ends(&mut sigtool), "{server}: sigtool hangs");
            let status = sigtool.wait().expect("it is ours");
            let is_in_call = is_traced(target.pid);
            assert!(!is_in_call || status.code() == Some(3), "{server}: {status}");
            check(&mut target, server);
            assert_left_alone(target, &marked);
            is_in_call
        });
        assert!(is_met, "{server}: no page vanished between two calls");
    }
}

fn is_ended(child: &mut Child) -> bool {
    child.try_wait().expect("it is ours").is_some()
}

/// Lets the page arrive, and checks the thread.
fn check(target: &mut Program, server: &str) {
    assert_eq!(target.ask("serve"), "served", "{server}");
    until(|| !is_traced(target.pid));
    assert_eq!(target.ask("check"), "kept", "{server}");
}

#[test]
fn sigtool_ends_by_a_signal_while_a_page_is_awaited() {
    if !is_possible() {
        return;
    }
    let Some(scratch) = Scratch::with(&["page_server"]) else { return };
    for (server, time) in [("fuse", "never"), ("fuse", "late"), ("userfaultfd", "late")] {
        for end in ["INT", "TERM", "QUIT"] {
            // Sigtool may have ended before.
            let is_met = (0..TRIES).any(|_| {
                let Some(mut target) = start(&scratch, server, time) else { return true };
                let marked = Marked::new();
                let mut command = inspect(target.pid);
                // QUIT may leave a core file.
                command.current_dir(&scratch.0);
                let mut sigtool = marked.spawn(command);
                match time {
                    "late" => until(|| target.ask("state") == "dropped" || is_ended(&mut sigtool)),
                    _ => until(|| is_traced(target.pid) || is_ended(&mut sigtool)),
                }
                if !is_ended(&mut sigtool) {
                    send::to_pid(sigtool.id(), Some(signal(end)), None).expect("it was not waited for");
                    assert!(ends(&mut sigtool), "{server}, {time}: sigtool ignores {end}");
                }
                let ended_by = sigtool.wait().expect("it is ours").signal();
                match time {
                    "late" => check(&mut target, server),
                    // Its tracer has ended before, or is about to.
                    _ => until(|| !is_traced(target.pid)),
                }
                assert_left_alone(target, &marked);
                ended_by == Some(signal(end).get().into())
            });
            assert!(is_met, "{server}, {time}: {end} does not end sigtool");
        }
    }
}

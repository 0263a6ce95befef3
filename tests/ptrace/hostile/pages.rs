//! Targets that serve the memory below a stack pointer themselves and never
//! provide it.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};

use sigtool::sys::signal::send;

use super::{Program, Scratch, exits_in_time, inspect};
use crate::ptrace::{is_ptrace_available, signal, wait_until};
use crate::support::skipped;

/// The maximum number of attempts to hit the right moment.
const TRIES: usize = 30;
const SERVERS: [&str; 2] = ["userfaultfd", "fuse"];

/// Starts the page server. Prints the reason and returns `None` if it is not
/// available.
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

/// All processes of one sigtool command, found by a variable in their
/// environment.
struct TaggedCommand(String);

impl TaggedCommand {
    fn new() -> TaggedCommand {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        TaggedCommand(format!("SIGTOOL_TEST_MARK={}-{number}-", std::process::id()))
    }

    fn spawn(&self, mut command: Command) -> Child {
        let (name, value) = self.0.split_once('=').expect("both");
        command.env(name, value).spawn().expect("sigtool runs")
    }

    /// Returns the PID and the state letter of each process.
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

/// Returns the tracer PID and the state letter of each thread.
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

/// Asserts that sigtool has left no trace: no thread is stopped or traced,
/// the target can exit, and then no process of sigtool remains.
fn assert_left_alone(target: Program, tagged: &TaggedCommand) {
    let threads = threads(target.pid);
    assert!(threads.iter().all(|(tracer, state)| *tracer == 0 && !"tT".contains(*state)), "{threads:?}");
    let rest = tagged.find();
    assert!(rest.iter().all(|(_, state)| !"tT".contains(*state)), "{rest:?}");
    target.finish();
    wait_until(|| tagged.find().is_empty());
}

#[test]
fn sigtool_ends_if_a_page_never_arrives() {
    if !is_ptrace_available() {
        return;
    }
    let Some(scratch) = Scratch::with(&["page_server"]) else { return };
    for server in SERVERS {
        let Some(target) = start(&scratch, server, "never") else { continue };
        let tagged = TaggedCommand::new();
        let mut sigtool = tagged.spawn(inspect(target.pid));
        assert!(exits_in_time(&mut sigtool), "{server}: sigtool hangs");
        assert_eq!(sigtool.wait().expect("it is a child of this process").code(), Some(3), "{server}");
        assert_left_alone(target, &tagged);
    }
}

#[test]
fn thread_keeps_its_registers_if_a_page_arrives_after_sigtool_has_ended() {
    if !is_ptrace_available() {
        return;
    }
    let Some(scratch) = Scratch::with(&["page_server"]) else { return };
    for server in SERVERS {
        // The page may vanish too late, after the calls.
        let is_met = (0..TRIES).any(|_| {
            let Some(mut target) = start(&scratch, server, "late") else { return true };
            let tagged = TaggedCommand::new();
            let mut sigtool = tagged.spawn(inspect(target.pid));
            assert!(exits_in_time(&mut sigtool), "{server}: sigtool hangs");
            let status = sigtool.wait().expect("it is a child of this process");
            let is_in_call = is_traced(target.pid);
            assert!(!is_in_call || status.code() == Some(3), "{server}: {status}");
            check(&mut target, server);
            assert_left_alone(target, &tagged);
            is_in_call
        });
        assert!(is_met, "{server}: no page vanished between two calls");
    }
}

fn has_exited(child: &mut Child) -> bool {
    child.try_wait().expect("it is a child of this process").is_some()
}

/// Lets the page arrive and checks the thread.
fn check(target: &mut Program, server: &str) {
    assert_eq!(target.ask("serve"), "served", "{server}");
    wait_until(|| !is_traced(target.pid));
    assert_eq!(target.ask("check"), "kept", "{server}");
}

#[test]
fn sigtool_ends_by_a_signal_while_a_page_is_awaited() {
    if !is_ptrace_available() {
        return;
    }
    let Some(scratch) = Scratch::with(&["page_server"]) else { return };
    for (server, time) in [("fuse", "never"), ("fuse", "late"), ("userfaultfd", "late")] {
        for end in ["INT", "TERM", "QUIT"] {
            // Sigtool may exit before the signal.
            let is_met = (0..TRIES).any(|_| {
                let Some(mut target) = start(&scratch, server, time) else { return true };
                let tagged = TaggedCommand::new();
                let mut command = inspect(target.pid);
                // QUIT may write a core file to the working directory.
                command.current_dir(&scratch.0);
                let mut sigtool = tagged.spawn(command);
                match time {
                    "late" => wait_until(|| target.ask("state") == "dropped" || has_exited(&mut sigtool)),
                    _ => wait_until(|| is_traced(target.pid) || has_exited(&mut sigtool)),
                }
                if !has_exited(&mut sigtool) {
                    send::to_pid(sigtool.id(), Some(signal(end)), None).expect("it was not waited for");
                    assert!(exits_in_time(&mut sigtool), "{server}, {time}: sigtool ignores {end}");
                }
                let terminating_signal = sigtool.wait().expect("it is a child of this process").signal();
                match time {
                    "late" => check(&mut target, server),
                    // Its tracer has exited or is about to.
                    _ => wait_until(|| !is_traced(target.pid)),
                }
                assert_left_alone(target, &tagged);
                terminating_signal == Some(signal(end).get().into())
            });
            assert!(is_met, "{server}, {time}: {end} does not end sigtool");
        }
    }
}

//! What BPF programs report about processes that the tests start.

mod signal_generate;
mod task_iter;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use sigtool::signal::{Signal, SignalSet};
use sigtool::sys::bpf::{BpfError, BpfErrorKind};
use sigtool::sys::signal::signalfd;

use crate::support::skipped;

/// Returns the value, or prints that the test is skipped if BPF is not permitted.
fn permitted_or_skip<T>(result: Result<T, BpfError>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => match error.kind {
            BpfErrorKind::NotPermitted(_) | BpfErrorKind::NoBtf(_) | BpfErrorKind::Unsupported => {
                skipped(&error.to_string());
                None
            }
            _ => panic!("{error}\n{}", error.verifier_log.join("\n")),
        },
    }
}

fn signal(number: i32) -> Signal {
    Signal::new(u8::try_from(number).expect("a number")).expect("a signal")
}

/// A command that echoes one line when it is ready, and exits at the end of its
/// input.
struct TestProcess(Child);

impl TestProcess {
    /// Starts the command with these signals blocked.
    fn spawn(command: &mut Command, blocked: SignalSet) -> TestProcess {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        // Only the mask of this thread changes; the child inherits it.
        std::thread::scope(|scope| {
            let start = || {
                signalfd::block(blocked).expect("blocked");
                let mut child = command.spawn().expect("a command");
                child.stdin.as_mut().expect("a pipe").write_all(b"ready\n").expect("written");
                let mut line = String::new();
                let stdout = child.stdout.as_mut().expect("a pipe");
                BufReader::new(stdout).read_line(&mut line).expect("a line");
                assert_eq!(line, "ready\n");
                TestProcess(child)
            };
            scope.spawn(start).join().expect("started")
        })
    }

    /// Starts `cat`, which echoes.
    fn spawn_cat(blocked: &[i32]) -> TestProcess {
        TestProcess::spawn(&mut Command::new("cat"), blocked.iter().map(|number| signal(*number)).collect())
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for TestProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Calls `run` with the TID of another thread of this process, which waits.
fn with_waiting_thread(run: impl FnOnce(u32)) {
    let (tid_sender, tid_receiver) = mpsc::channel();
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    // The pipe is dropped with the closure, even if the test fails.
    std::thread::scope(move |scope| {
        scope.spawn(move || {
            tid_sender.send(own_tid()).expect("the test waits");
            let _ = reader.read(&mut [0]);
        });
        run(tid_receiver.recv().expect("a TID"));
        drop(writer);
    });
}

/// Returns the TID of the calling thread.
fn own_tid() -> u32 {
    let link = std::fs::read_link("/proc/thread-self").expect("a link");
    let tid = link.file_name().and_then(|name| name.to_str()).expect("a TID");
    tid.parse().expect("a TID")
}

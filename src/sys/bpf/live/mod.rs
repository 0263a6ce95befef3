//! What the running kernel answers, where it lets us ask.

mod signal_generate;
mod task_iter;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use super::assembler::Assembler;
use super::error::{BpfError, BpfErrorKind};
use super::syscall::AttachType;
use super::vmlinux::VmlinuxBtf;
use crate::signal::{Signal, SignalSet};
use crate::sys::signal::signalfd;

/// What may be asked; else why the test is skipped.
fn permitted_or_skip<T>(answer: Result<T, BpfError>) -> Option<T> {
    match answer {
        Ok(value) => Some(value),
        Err(BpfError {
            operation: what,
            kind:
                reason @ (BpfErrorKind::NotPermitted(_) | BpfErrorKind::NoBtf(_) | BpfErrorKind::Unsupported),
            ..
        }) => {
            report_skipped(&format!("{what}: {reason}"));
            None
        }
        Err(refused) => panic!("{refused}\n{}", refused.verifier_log.join("\n")),
    }
}

/// Says why a test is skipped.
pub(crate) fn report_skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

fn signal(number: i32) -> Signal {
    Signal::new(u8::try_from(number).expect("a number")).expect("a signal")
}

/// A command that is ready once it has echoed a line, and ends with its input.
struct TestProcess(Child);

impl TestProcess {
    /// It inherits these signals blocked.
    fn spawn(command: &mut Command, blocked: SignalSet) -> TestProcess {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        // Only this thread's mask is changed, and the child inherits it.
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

    /// `cat`, which echoes.
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

/// Runs while another thread of ours waits, whose number it is given.
fn with_waiting_thread(run: impl FnOnce(u32)) {
    let (tell, told) = mpsc::channel();
    let (mut wait, end) = std::io::pipe().expect("a pipe");
    // The pipe's end is dropped with the closure, also where the test fails.
    std::thread::scope(move |scope| {
        scope.spawn(move || {
            // SAFETY: gettid(2) takes nothing and cannot fail.
            tell.send(unsafe { libc::gettid() }.cast_unsigned()).expect("told");
            let _ = wait.read(&mut [0]);
        });
        run(told.recv().expect("a number"));
        drop(end);
    });
}

/// What the kernel's verifier says of a program that it must refuse; else why
/// it was not asked.
pub(crate) fn load_invalid_program() -> Result<BpfError, String> {
    let vmlinux = VmlinuxBtf::open().map_err(|reason| reason.to_string())?;
    let target = (super::btf::BtfKind::Func, "bpf_iter_task");
    let id = vmlinux
        .parse_types(&[target])
        .and_then(|btf| btf.type_id(target))
        .map_err(|reason| reason.to_string())?;
    // R0 has nothing yet.
    let mut asm = Assembler::default();
    asm.exit();
    match super::program::load_or_explain("a broken program", asm, AttachType::Iterator, id) {
        Err(refused @ BpfError { kind: BpfErrorKind::RejectedByVerifier(_), .. }) => Ok(refused),
        answer => {
            Err(permitted_or_skip(answer)
                .map_or("not allowed".to_owned(), |_| panic!("it should be refused")))
        }
    }
}

#[test]
fn load_error_includes_verifier_log() {
    match load_invalid_program() {
        Ok(BpfError { verifier_log: verifier, .. }) => {
            assert!(verifier.iter().any(|line| line.contains("R0 !read_ok")), "{verifier:?}");
        }
        Err(why) => report_skipped(&why),
    }
}

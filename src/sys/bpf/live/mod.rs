//! What the running kernel answers, where it lets us ask.

mod generate;
mod tasks;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use super::call::Attach;
use super::insn::Assembler;
use super::refused::{Reason, Refused};
use super::vmlinux::Vmlinux;
use crate::signal::{Signal, SignalSet};
use crate::sys::signalfd;

/// What may be asked; else why the test is skipped.
fn allowed<T>(answer: Result<T, Refused>) -> Option<T> {
    match answer {
        Ok(value) => Some(value),
        Err(Refused {
            what,
            reason: reason @ (Reason::NoRight(_) | Reason::NoBtf(_) | Reason::Unsupported),
            ..
        }) => {
            skip(&format!("{what}: {reason}"));
            None
        }
        Err(refused) => panic!("{refused}\n{}", refused.verifier.join("\n")),
    }
}

/// Says why a test is skipped.
pub(crate) fn skip(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

fn signal(number: i32) -> Signal {
    Signal::new(u8::try_from(number).expect("a number")).expect("a signal")
}

/// A command that is ready once it has echoed a line, and ends with its input.
struct Target(Child);

impl Target {
    /// It inherits these signals blocked.
    fn start(command: &mut Command, blocked: SignalSet) -> Target {
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
                Target(child)
            };
            scope.spawn(start).join().expect("started")
        })
    }

    /// `cat`, which echoes.
    fn cat(blocked: &[i32]) -> Target {
        Target::start(&mut Command::new("cat"), blocked.iter().map(|number| signal(*number)).collect())
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs while another thread of ours waits, whose number it is given.
fn beside_a_thread(run: impl FnOnce(u32)) {
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
pub(crate) fn broken() -> Result<Refused, String> {
    let vmlinux = Vmlinux::open().map_err(|reason| reason.to_string())?;
    let target = (super::btf::Kind::Func, "bpf_iter_task");
    let id = vmlinux.types(&[target]).and_then(|btf| btf.id(target)).map_err(|reason| reason.to_string())?;
    // R0 has nothing yet.
    let mut asm = Assembler::default();
    asm.exit();
    match super::program::load("a broken program", asm, Attach::Iterator, id) {
        Err(refused @ Refused { reason: Reason::Verifier(_), .. }) => Ok(refused),
        answer => Err(allowed(answer).map_or("not allowed".to_owned(), |_| panic!("it should be refused"))),
    }
}

#[test]
fn the_verifiers_words_are_kept() {
    match broken() {
        Ok(Refused { verifier, .. }) => {
            assert!(verifier.iter().any(|line| line.contains("R0 !read_ok")), "{verifier:?}");
        }
        Err(why) => skip(&why),
    }
}

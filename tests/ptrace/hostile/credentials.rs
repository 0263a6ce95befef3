//! Processes whose credentials differ are inspected by ptrace only if asked for.

use std::process::{Command, Stdio};

use super::Program;
use crate::support::{CommandResult, SIGTOOL, fixture_path, skipped};

const CATCH: &[&str] = &["--catch", "USR1"];
const QUEUE: &[&str] = &["--catch", "USR1", "--block", "USR2", "--queue", "USR2"];

/// Returns a command without the capabilities that BPF needs. It keeps
/// CAP_SYS_PTRACE.
fn without_bpf(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.arg("--bounding-set=-bpf,-perfmon,-sys_admin").arg("--").arg(program).stdin(Stdio::null());
    command
}

fn decode_status(options: &[&str], pid: u32) -> CommandResult {
    let mut command = without_bpf(SIGTOOL);
    let output = command.arg("decode-status").args(options).arg(pid.to_string()).output();
    output.expect("setpriv runs").into()
}

/// The fixture, with the tests' credentials or those of [`without_bpf`].
fn start(mut command: Command, words: &[&str]) -> Option<Program> {
    if sigtool::sys::signal::send::effective_uid() != 0 || !crate::ptrace::is_ptrace_available() {
        skipped("not root");
        return None;
    }
    match Program::start(command.args(words)) {
        Ok(program) => Some(program),
        Err(line) => {
            skipped(&format!("setpriv: {line}"));
            None
        }
    }
}

#[test]
fn auto_does_not_inject_if_credentials_differ() {
    let Some(target) = start(Command::new(fixture_path()), CATCH) else { return };
    let refused = decode_status(&["--handlers"], target.pid);
    let reason = "its credentials differ from yours, and ptrace would make it run system calls; \
        --backend ptrace does so";
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(refused.stderr.contains(reason), "{}", refused.stderr);
    let forced = decode_status(&["--handlers", "--backend", "ptrace"], target.pid);
    assert_eq!(forced.code, Some(0), "{}", forced.stderr);
    assert!(forced.stdout.contains("Seen by  ptrace"), "{}", forced.stdout);
}

#[test]
fn auto_shows_the_queue_if_credentials_differ() {
    let Some(target) = start(Command::new(fixture_path()), QUEUE) else { return };
    let seen = decode_status(&["--queue"], target.pid);
    assert_eq!(seen.code, Some(0), "{}", seen.stderr);
    assert!(seen.stdout.contains("Seen by  ptrace"), "{}", seen.stdout);
    let both = decode_status(&["--queue", "--handlers"], target.pid);
    assert!(both.stdout.contains("its credentials differ from yours"), "{}", both.stdout);
}

#[test]
fn auto_injects_if_credentials_are_equal() {
    let Some(target) = start(without_bpf(fixture_path()), CATCH) else { return };
    let seen = decode_status(&["--handlers"], target.pid);
    assert_eq!(seen.code, Some(0), "{}", seen.stderr);
    assert!(seen.stdout.contains("Seen by  ptrace"), "{}", seen.stdout);
}

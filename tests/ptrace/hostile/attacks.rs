//! Attacks on the injected system calls. Each is tried 60 times, and none may
//! succeed.
//!
//! To see that the attacks are real, name an older binary in `SIGTOOL_BINARY`.

use std::process::Command;

use super::{Program, Scratch, exits_in_time, inspect};
use crate::ptrace::is_ptrace_available;
use crate::support::skipped;

const INSPECTIONS: usize = 60;

/// Inspects a new process of a hostile program each time. Returns how often
/// the program attacked and how often it succeeded.
fn inspect_often(start: impl Fn() -> Command) -> (usize, usize) {
    let (mut attacks, mut hits) = (0, 0);
    for _ in 0..INSPECTIONS {
        let program = Program::start_paused(&mut start()).expect("it starts");
        let mut sigtool = inspect(program.pid).spawn().expect("sigtool runs");
        assert!(exits_in_time(&mut sigtool), "sigtool hangs");
        sigtool.wait().expect("it is a child of this process");
        let text = program.finish();
        attacks += usize::from(text.contains("attacked\n"));
        hits += usize::from(text.lines().any(|line| line.starts_with("hit")));
    }
    eprintln!("{INSPECTIONS} inspections, {attacks} attacks, {hits} hits");
    (attacks, hits)
}

/// Does the same for a program that another user runs against the setuid
/// program.
fn attack_setuid_program(program: &str, words: &[&str]) -> Option<(usize, usize)> {
    if !is_ptrace_available() {
        return None;
    }
    let scratch = Scratch::with_setuid(&[program])?;
    let counts = inspect_often(|| {
        let mut command = scratch.command_of_nobody(program);
        command.args(words).arg(scratch.path("setuid_program"));
        command
    });
    Some(counts)
}

/// Asserts that no attack succeeded. If the programs did not notice the
/// inspector, the test would show nothing.
fn assert_no_hits(counts: Option<(usize, usize)>) {
    let Some((attacks, hits)) = counts else { return };
    assert_eq!(hits, 0, "of {INSPECTIONS} inspections ({attacks} attacks)");
    assert!(attacks >= INSPECTIONS / 6, "{attacks} attacks in {INSPECTIONS} inspections");
}

#[test]
fn setuid_program_keeps_its_memory_if_sibling_thread_executes_it() {
    assert_no_hits(attack_setuid_program("exec_after_gone", &[]));
}

#[test]
fn setuid_program_keeps_its_registers_if_vdso_is_swapped() {
    assert_no_hits(attack_setuid_program("vdso_exec", &["swap"]));
}

#[test]
fn setuid_program_keeps_its_registers_if_vdso_was_replaced_before() {
    assert_no_hits(attack_setuid_program("vdso_exec", &["before"]));
}

#[test]
fn setuid_program_keeps_its_registers_if_call_becomes_int80() {
    assert_no_hits(attack_setuid_program("vdso_exec", &["int80"]));
}

#[test]
fn setuid_program_is_left_alone_if_it_is_executed_again_and_again() {
    let Some((_, hits)) = attack_setuid_program("vdso_exec", &["loop"]) else { return };
    assert_eq!(hits, 0, "of {INSPECTIONS} inspections");
}

#[test]
fn seccomp_filter_holds_if_vdso_is_swapped() {
    if !is_ptrace_available() {
        return;
    }
    let Some(scratch) = Scratch::with(&["seccomp_escape"]) else { return };
    let directory = scratch.path("made");
    std::fs::create_dir(&directory).expect("a directory");
    super::set_mode(&directory, 0o777);
    for is_ours in [true, false] {
        let (attacks, hits) = inspect_often(|| {
            let made = directory.join("escaped");
            let _ = std::fs::remove_dir(&made);
            let start = if is_ours { Scratch::command } else { Scratch::command_of_nobody };
            let mut command = start(&scratch, "seccomp_escape");
            command.arg(made);
            command
        });
        assert_eq!(hits, 0, "of {INSPECTIONS} inspections ({attacks} attacks, our credentials: {is_ours})");
        match is_ours {
            // The inspector suspends its filter, because both have the same
            // credentials.
            true if attacks == 0 => skipped("no right to suspend a filter"),
            true => assert!(attacks >= INSPECTIONS / 6, "{attacks} attacks in {INSPECTIONS} inspections"),
            // The filter of another user's process is never suspended.
            false => assert_eq!(attacks, 0),
        }
    }
}

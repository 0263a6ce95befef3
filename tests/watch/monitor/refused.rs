//! Where pidfds cannot be used, what needs them says so, and starts nothing.

use libc::{ENOSYS, EPERM, SYS_pidfd_open, SYS_pidfd_send_signal};

use crate::support::seccomp::refuse;
use crate::support::{Fixture, Ran, sigtool};

#[test]
fn watching_a_process_needs_pidfds() {
    let fixture = Fixture::start(["--name", "pidfd-watched"]);
    let pid = fixture.pid.to_string();
    let expected = "watching processes needs pidfds: pidfd_open(2) is";
    for error in [EPERM, ENOSYS] {
        for target in [["--pid", &pid], ["--name", "pidfd-watched"]] {
            let mut command = sigtool(["watch", "--timeout", "10ms"].iter().chain(&target));
            let ran: Ran = refuse(&mut command, &[(SYS_pidfd_open, error)]).output().expect("it runs").into();
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(125), ""), "{}", ran.stderr);
            assert!(ran.stderr.starts_with(&format!("sigtool: {expected}")), "{}", ran.stderr);
            assert!(ran.stderr.contains("seccomp filter"), "{}", ran.stderr);
        }
    }
}

#[test]
fn no_command_is_started_without_pidfds() {
    for call in [SYS_pidfd_open, SYS_pidfd_send_signal] {
        for error in [EPERM, ENOSYS] {
            let mut command = sigtool(["watch", "--", "echo", "started"]);
            let ran: Ran = refuse(&mut command, &[(call, error)]).output().expect("it runs").into();
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(125), ""), "{}", ran.stderr);
            assert!(ran.stderr.starts_with("sigtool: cannot run a command: "), "{}", ran.stderr);
        }
    }
}

#[test]
fn a_hook_is_refused_without_pidfds() {
    let mut command =
        sigtool(["watch", "--on", "EXIT=echo started", "--on", "USR1=true", "--timeout", "10ms"]);
    let ran: Ran = refuse(&mut command, &[(SYS_pidfd_open, EPERM)]).output().expect("it runs").into();
    assert!(!ran.stdout.contains("started"), "{}", ran.stdout);
    let expected =
        "cannot run the command of --on EXIT: pidfd_open(2) is refused (probably by a seccomp filter)";
    assert!(ran.stderr.contains(expected), "{}", ran.stderr);
}

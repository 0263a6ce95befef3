//! Systems without pidfds: watching and running commands fail with an error, and
//! nothing is started.

use libc::{ENOSYS, EPERM, SYS_pidfd_open, SYS_pidfd_send_signal};

use crate::support::seccomp::refuse;
use crate::support::{CommandResult, Fixture, sigtool};

#[test]
fn monitoring_a_process_needs_pidfds() {
    let fixture = Fixture::start(["--name", "pidfd-watched"]);
    let pid = fixture.pid.to_string();
    let expected = "watching processes needs pidfds: pidfd_open(2) is";
    for error in [EPERM, ENOSYS] {
        for target in [["--pid", &pid], ["--name", "pidfd-watched"]] {
            let mut command = sigtool(["watch", "--timeout", "10ms"].iter().chain(&target));
            let result: CommandResult =
                refuse(&mut command, &[(SYS_pidfd_open, error)]).output().expect("it runs").into();
            assert_eq!((result.code, result.stdout.as_str()), (Some(125), ""), "{}", result.stderr);
            assert!(result.stderr.starts_with(&format!("sigtool: {expected}")), "{}", result.stderr);
            assert!(result.stderr.contains("seccomp filter"), "{}", result.stderr);
        }
    }
}

#[test]
fn supervise_starts_no_command_without_pidfds() {
    for call in [SYS_pidfd_open, SYS_pidfd_send_signal] {
        for error in [EPERM, ENOSYS] {
            let mut command = sigtool(["watch", "--", "echo", "started"]);
            let result: CommandResult =
                refuse(&mut command, &[(call, error)]).output().expect("it runs").into();
            assert_eq!((result.code, result.stdout.as_str()), (Some(125), ""), "{}", result.stderr);
            assert!(
                result.stderr.starts_with("sigtool: running a command needs pidfds: "),
                "{}",
                result.stderr
            );
        }
    }
}

#[test]
fn hook_is_refused_without_pidfds() {
    let mut command =
        sigtool(["watch", "--on", "EXIT=echo started", "--on", "USR1=true", "--timeout", "10ms"]);
    let result: CommandResult =
        refuse(&mut command, &[(SYS_pidfd_open, EPERM)]).output().expect("it runs").into();
    assert!(!result.stdout.contains("started"), "{}", result.stdout);
    let expected = "EXIT: a command needs pidfds: pidfd_open(2) is refused (probably by a seccomp filter)";
    assert!(result.stderr.contains(expected), "{}", result.stderr);
}

//! Systems where pidfds are unavailable or do not distinguish processes: the
//! signals that are still sent, and those that are refused.

use std::process::Command;

use libc::{ENOSYS, EPERM, SYS_fstatfs, SYS_pidfd_open, SYS_pidfd_send_signal, c_int, c_long};

use super::{fixture, pending, send};
use crate::support::seccomp::refuse;
use crate::support::{CommandResult, Fixture, SIGTOOL, kill_command, sigtool, skipped};

/// The system calls that a filter may refuse, their errors, and sigtool's
/// reports.
const REFUSED: [(c_long, c_int, &str); 4] = [
    (SYS_pidfd_open, EPERM, "pidfd_open(2) is refused (probably by a seccomp filter)"),
    (
        SYS_pidfd_open,
        ENOSYS,
        "pidfd_open(2) is not available (needs Linux 5.3; probably a seccomp filter hides it)",
    ),
    (SYS_pidfd_send_signal, EPERM, "pidfd_send_signal(2) is refused (probably by a seccomp filter)"),
    (
        SYS_pidfd_send_signal,
        ENOSYS,
        "pidfd_send_signal(2) is not available (needs Linux 5.1; probably a seccomp filter hides it)",
    ),
];

fn run_without(command: &mut Command, call: c_long, error: c_int) -> CommandResult {
    refuse(command, &[(call, error)]).output().expect("it runs").into()
}

fn send_without(call: c_long, error: c_int, arguments: &[&str]) -> CommandResult {
    run_without(&mut sigtool(["send"].iter().chain(arguments)), call, error)
}

fn kill_without(call: c_long, error: c_int, arguments: &[&str]) -> CommandResult {
    run_without(kill_command().args(arguments), call, error)
}

/// Returns true if the process got no signal so far and receives one now.
fn is_untouched(mut fixture: Fixture) -> bool {
    pending(fixture.pid, fixture.pid) == (vec![], vec![])
        && send(&["-USR1", &fixture.pid.to_string()]).code == Some(0)
        && fixture.terminating_signal() == Some(10)
}

#[test]
fn pid_is_signalled_by_kill_without_pidfds() {
    for (call, error, _) in REFUSED {
        let value = ["-q", "7"];
        for options in [&[][..], &value, &["--verbose"], &["--json"], &["--require-handler", "-0"]] {
            let mut target = fixture(&[]);
            let pid = target.pid.to_string();
            let signal = if options.contains(&"-0") { &[][..] } else { &["-USR2"] };
            let result = send_without(call, error, &[signal, options, &[&pid]].concat());
            assert_eq!(result.code, Some(0), "{options:?}: {}", result.stderr);
            if !signal.is_empty() {
                assert_eq!(target.terminating_signal(), Some(12), "{options:?}");
            }
        }
        let mut target = fixture(&[]);
        let pid = target.pid.to_string();
        let result = send_without(call, error, &["--dry-run", &pid]);
        assert_eq!(result.code, Some(0), "{}", result.stderr);
        let result = kill_without(call, error, &["-USR2", &pid]);
        assert_eq!((result.code, result.stderr.as_str()), (Some(0), ""));
        assert_eq!(target.terminating_signal(), Some(12));
    }
}

#[test]
fn tid_is_not_accepted_as_pid_without_pidfds() {
    let target = fixture(&["--block", "USR1,USR2", "--thread", ""]);
    let (pid, tid) = (target.pid, target.ids[0]);
    for (call, error, _) in &REFUSED[..2] {
        let result = send_without(*call, *error, &["-USR1", &tid.to_string()]);
        assert_eq!(result.code, Some(1));
        assert!(result.stderr.contains(&format!("it is a thread of process {pid}")), "{}", result.stderr);
        let result = send_without(*call, *error, &["-USR2", &format!("{pid}/{tid}")]);
        assert_eq!((result.code, result.stderr.as_str()), (Some(0), ""));
    }
    assert_eq!(pending(pid, tid), (vec![], vec!["USR2".to_owned()]));
}

#[test]
fn selection_sends_nothing_without_pidfds() {
    let target = fixture(&["--name", "pidfd-refused"]);
    let pid = &target.pid.to_string();
    let inode = &format!("{pid}:1");
    for (call, error, message) in REFUSED {
        for (arguments, needs) in [
            (&["--name", "pidfd-refused"][..], "selecting processes needs pidfds: "),
            (&["--name", "pidfd-refused", "--dry-run"], "selecting processes needs pidfds: "),
            (&["--tree", pid], "selecting processes needs pidfds: "),
            (&["--at-most", "3", pid], "selecting processes needs pidfds: "),
            (&["--wait", "1s", pid], "--wait needs pidfds: "),
            (&["--wait", "1s", "--then", "KILL", pid], "--wait needs pidfds: "),
            (&[pid, inode], inode),
        ] {
            let result = send_without(call, error, &[&["-KILL"], arguments].concat());
            assert_eq!(
                (result.code, result.stdout.as_str()),
                (Some(125), ""),
                "{arguments:?}: {}",
                result.stderr
            );
            assert!(
                result.stderr.starts_with(&format!("sigtool: {needs}")),
                "{arguments:?}: {}",
                result.stderr
            );
            for part in [message, "; nothing was sent\n"] {
                assert!(result.stderr.contains(part), "{arguments:?}: {}", result.stderr);
            }
            assert!(!result.stderr.contains("CAP_KILL"), "{}", result.stderr);
        }
    }
    assert!(is_untouched(target));
}

#[test]
fn kill_sends_only_to_pids_without_pidfds() {
    let target = fixture(&["--name", "pidfd-killed"]);
    let pid = target.pid.to_string();
    for (call, error, message) in REFUSED {
        let result = kill_without(call, error, &["-KILL", "pidfd-killed"]);
        let expected = format!("kill: sending signal to {pid} failed: {message}, and a PID alone");
        assert_eq!(result.code, Some(1));
        assert!(result.stderr.starts_with(&expected), "{}", result.stderr);
        let result = kill_without(call, error, &["-KILL", "--timeout", "1", "KILL", &pid]);
        assert_eq!(result.code, Some(1));
        assert!(
            result.stderr.starts_with(&format!("kill: --timeout needs pidfds: {message}")),
            "{}",
            result.stderr
        );
        // The other targets are still signalled.
        let mut other = fixture(&[]);
        let inode = format!("{pid}:1");
        let result = kill_without(call, error, &["-USR2", &inode, &other.pid.to_string()]);
        assert_eq!((result.code, other.terminating_signal()), (Some(64), Some(12)));
        assert!(!result.stderr.contains("not permitted"), "{}", result.stderr);
    }
    assert!(is_untouched(target));
}

/// Group members are not reported by their own PIDs.
#[test]
fn group_members_receive_nothing_without_pidfds() {
    let target = fixture(&["--new-group"]);
    let group = format!("-{}", target.pid);
    for (call, error, message) in REFUSED {
        for options in [&["-q", "7"][..], &["--verbose"]] {
            let result = send_without(call, error, &[&["-USR2"], options, &["--", &group]].concat());
            assert_eq!(result.code, Some(1), "{}", result.stderr);
            assert!(result.stderr.contains(&format!("USR2 not sent: {message}")), "{}", result.stderr);
        }
    }
    assert!(is_untouched(target));
}

/// If kill(2) fails, the error is that the user may not signal the target.
#[test]
fn permission_error_names_cap_kill_without_pidfds() {
    let target = fixture(&[]);
    let pid = target.pid.to_string();
    for (call, error, _) in REFUSED {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", SIGTOOL]);
        let result = run_without(command.args(["send", "-KILL", &pid]), call, error);
        if !result.stderr.starts_with("sigtool: ") {
            return skipped(&format!("setpriv: {}", result.stderr.trim()));
        }
        assert_eq!(result.code, Some(1));
        assert!(result.stderr.contains("operation not permitted (you are uid 65534)"), "{}", result.stderr);
    }
    assert!(is_untouched(target));
}

/// The filter hides the file system type of pidfds. Their inodes could then be
/// those of kernels before 6.9, which are all the same.
#[test]
fn shared_pidfd_inode_is_refused() {
    let target = fixture(&[]);
    let pid = target.pid.to_string();
    let message = send(&["-0", &format!("{pid}:1")]).stderr;
    let inode = message.trim().rsplit(' ').next().expect("the inode");
    let named = format!("{pid}:{inode}");
    let expected = "PID:INODE needs Linux 6.9 (before, all pidfds share one inode)";
    for error in [0, EPERM, ENOSYS] {
        let other = fixture(&[]);
        let other_pid = other.pid.to_string();
        for options in [&["-KILL"][..], &["-KILL", "--dry-run"], &["-0"]] {
            let arguments = [options, &[&other_pid, &named]].concat();
            let result = send_without(SYS_fstatfs, error, &arguments);
            assert_eq!((result.code, result.stdout.as_str()), (Some(2), ""));
            assert_eq!(result.stderr, format!("sigtool: {named}: {expected}; nothing was sent\n"));
        }
        assert!(is_untouched(other));
    }
    let mut other = fixture(&[]);
    let result = kill_without(SYS_fstatfs, 0, &["-USR2", &named, &other.pid.to_string()]);
    assert_eq!((result.code, other.terminating_signal()), (Some(64), Some(12)));
    assert_eq!(result.stderr, format!("kill: sending signal to {named} failed: {expected}\n"));
    assert!(is_untouched(target));
}

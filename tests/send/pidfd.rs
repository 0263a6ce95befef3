//! Where pidfds cannot be used, or do not distinguish processes: what still is
//! sent, and what is refused.

use std::process::Command;

use libc::{ENOSYS, EPERM, SYS_fstatfs, SYS_pidfd_open, SYS_pidfd_send_signal, c_int, c_long};

use super::{fixture, pending, send};
use crate::support::seccomp::refuse;
use crate::support::{Fixture, Ran, SIGTOOL, kill_command, sigtool, skipped};

/// Each call that a filter may refuse, how, and how sigtool reports that.
const REFUSED: [(c_long, c_int, &str); 4] = [
    (SYS_pidfd_open, EPERM, "pidfd_open(2) is denied (probably by a seccomp filter)"),
    (
        SYS_pidfd_open,
        ENOSYS,
        "pidfd_open(2) is not available (needs Linux 5.3; probably blocked by a seccomp filter)",
    ),
    (SYS_pidfd_send_signal, EPERM, "pidfd_send_signal(2) is denied (probably by a seccomp filter)"),
    (
        SYS_pidfd_send_signal,
        ENOSYS,
        "pidfd_send_signal(2) is not available (needs Linux 5.1; probably blocked by a seccomp filter)",
    ),
];

fn ran(command: &mut Command, call: c_long, error: c_int) -> Ran {
    refuse(command, &[(call, error)]).output().expect("it runs").into()
}

fn send_without(call: c_long, error: c_int, arguments: &[&str]) -> Ran {
    ran(&mut sigtool(["send"].iter().chain(arguments)), call, error)
}

fn kill_without(call: c_long, error: c_int, arguments: &[&str]) -> Ran {
    ran(kill_command().args(arguments), call, error)
}

/// It has got nothing so far, and takes what is meant for it.
fn is_untouched(mut fixture: Fixture) -> bool {
    pending(fixture.pid, fixture.pid) == (vec![], vec![])
        && send(&["-USR1", &fixture.pid.to_string()]).code == Some(0)
        && fixture.ended_by() == Some(10)
}

#[test]
fn a_pid_is_signalled_by_kill_without_pidfds() {
    for (call, error, _) in REFUSED {
        let value = ["-q", "7"];
        for options in [&[][..], &value, &["--verbose"], &["--json"], &["--require-handler", "-0"]] {
            let mut target = fixture(&[]);
            let pid = target.pid.to_string();
            let signal = if options.contains(&"-0") { &[][..] } else { &["-USR2"] };
            let ran = send_without(call, error, &[signal, options, &[&pid]].concat());
            assert_eq!(ran.code, Some(0), "{options:?}: {}", ran.stderr);
            if !signal.is_empty() {
                assert_eq!(target.ended_by(), Some(12), "{options:?}");
            }
        }
        let mut target = fixture(&[]);
        let pid = target.pid.to_string();
        let ran = send_without(call, error, &["--dry-run", &pid]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let ran = kill_without(call, error, &["-USR2", &pid]);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
        assert_eq!(target.ended_by(), Some(12));
    }
}

#[test]
fn a_thread_is_no_process_without_pidfds() {
    let target = fixture(&["--block", "USR1,USR2", "--thread", ""]);
    let (pid, tid) = (target.pid, target.ids[0]);
    for (call, error, _) in &REFUSED[..2] {
        let ran = send_without(*call, *error, &["-USR1", &tid.to_string()]);
        assert_eq!(ran.code, Some(1));
        assert!(ran.stderr.contains(&format!("it is a thread of process {pid}")), "{}", ran.stderr);
        let ran = send_without(*call, *error, &["-USR2", &format!("{pid}/{tid}")]);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    }
    assert_eq!(pending(pid, tid), (vec![], vec!["USR2".to_owned()]));
}

#[test]
fn nothing_is_sent_to_selected_processes_without_pidfds() {
    let target = fixture(&["--name", "pidfd-refused"]);
    let pid = &target.pid.to_string();
    let inode = &format!("{pid}:1");
    for (call, error, said) in REFUSED {
        for (arguments, needs) in [
            (&["--name", "pidfd-refused"][..], "selecting processes needs pidfds, but "),
            (&["--name", "pidfd-refused", "--dry-run"], "selecting processes needs pidfds, but "),
            (&["--tree", pid], "selecting processes needs pidfds, but "),
            (&["--at-most", "3", pid], "selecting processes needs pidfds, but "),
            (&["--wait", "1s", pid], "--wait needs pidfds, but "),
            (&["--wait", "1s", "--then", "KILL", pid], "--wait needs pidfds, but "),
            (&[pid, inode], inode),
        ] {
            let ran = send_without(call, error, &[&["-KILL"], arguments].concat());
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(125), ""), "{arguments:?}: {}", ran.stderr);
            assert!(ran.stderr.starts_with(&format!("sigtool: {needs}")), "{arguments:?}: {}", ran.stderr);
            for part in [said, "; nothing was sent\n"] {
                assert!(ran.stderr.contains(part), "{arguments:?}: {}", ran.stderr);
            }
            assert!(!ran.stderr.contains("CAP_KILL"), "{}", ran.stderr);
        }
    }
    assert!(is_untouched(target));
}

#[test]
fn kill_sends_only_to_pids_without_pidfds() {
    let target = fixture(&["--name", "pidfd-killed"]);
    let pid = target.pid.to_string();
    for (call, error, said) in REFUSED {
        let ran = kill_without(call, error, &["-KILL", "pidfd-killed"]);
        let expected = format!("kill: sending signal to {pid} failed: {said}, and the PID may belong");
        assert_eq!(ran.code, Some(1));
        assert!(ran.stderr.starts_with(&expected), "{}", ran.stderr);
        let ran = kill_without(call, error, &["-KILL", "--timeout", "1", "KILL", &pid]);
        assert_eq!(ran.code, Some(1));
        assert!(
            ran.stderr.starts_with(&format!("kill: --timeout needs pidfds, but {said}")),
            "{}",
            ran.stderr
        );
        // The others are tried.
        let mut other = fixture(&[]);
        let inode = format!("{pid}:1");
        let ran = kill_without(call, error, &["-USR2", &inode, &other.pid.to_string()]);
        assert_eq!((ran.code, other.ended_by()), (Some(64), Some(12)));
        assert!(!ran.stderr.contains("not permitted"), "{}", ran.stderr);
    }
    assert!(is_untouched(target));
}

/// Members are not named by their own numbers.
#[test]
fn nothing_is_sent_to_members_of_a_group_without_pidfds() {
    let target = fixture(&["--new-group"]);
    let group = format!("-{}", target.pid);
    for (call, error, said) in REFUSED {
        for options in [&["-q", "7"][..], &["--verbose"]] {
            let ran = send_without(call, error, &[&["-USR2"], options, &["--", &group]].concat());
            assert_eq!(ran.code, Some(1), "{}", ran.stderr);
            assert!(ran.stderr.contains(&format!("USR2 not sent: {said}")), "{}", ran.stderr);
        }
    }
    assert!(is_untouched(target));
}

/// Then it is the target that is not ours to signal.
#[test]
fn another_users_process_needs_cap_kill_without_pidfds() {
    let target = fixture(&[]);
    let pid = target.pid.to_string();
    for (call, error, _) in REFUSED {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", SIGTOOL]);
        let ran = ran(command.args(["send", "-KILL", &pid]), call, error);
        if !ran.stderr.starts_with("sigtool: ") {
            return skipped(&format!("setpriv: {}", ran.stderr.trim()));
        }
        assert_eq!(ran.code, Some(1));
        assert!(ran.stderr.contains("operation not permitted (you are uid 65534;"), "{}", ran.stderr);
    }
    assert!(is_untouched(target));
}

/// The filter leaves the file system of pidfds untold, so that their inodes may
/// be those of before Linux 6.9: the same for all.
#[test]
fn an_inode_that_all_pidfds_may_share_is_refused() {
    let target = fixture(&[]);
    let pid = target.pid.to_string();
    let told = send(&["-0", &format!("{pid}:1")]).stderr;
    let inode = told.trim().rsplit(' ').next().expect("the inode");
    let named = format!("{pid}:{inode}");
    let expected = "PID:INODE needs Linux 6.9 (on older kernels, all pidfds share one inode)";
    for error in [0, EPERM, ENOSYS] {
        let other = fixture(&[]);
        let other_pid = other.pid.to_string();
        for options in [&["-KILL"][..], &["-KILL", "--dry-run"], &["-0"]] {
            let arguments = [options, &[&other_pid, &named]].concat();
            let ran = send_without(SYS_fstatfs, error, &arguments);
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
            assert_eq!(ran.stderr, format!("sigtool: {named}: {expected}; nothing was sent\n"));
        }
        assert!(is_untouched(other));
    }
    let mut other = fixture(&[]);
    let ran = kill_without(SYS_fstatfs, 0, &["-USR2", &named, &other.pid.to_string()]);
    assert_eq!((ran.code, other.ended_by()), (Some(64), Some(12)));
    assert_eq!(ran.stderr, format!("kill: sending signal to {named} failed: {expected}\n"));
    assert!(is_untouched(target));
}

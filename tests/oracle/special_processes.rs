//! Predictions for processes that the random states do not cover: an init, a
//! frozen process and a traced one.

#![allow(unsafe_code)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use sigtool::explain::effect::{DropReason, Effect, PendingReason};
use sigtool::explain::{SendSpec, predict_effect};
use sigtool::procfs::{FreezerState, ProcRoot};
use sigtool::sys::process::pidfd::PidFd;
use sigtool::sys::signal::send;

use super::observe::{Rest, Target};
use super::parse_signal;
use super::{Verdict, check, try_signal};
use crate::support::{fixture_path, skipped};

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// The init of a PID namespace, with the unshare(1) that started it.
struct Init {
    unshare: Child,
    pid: u32,
}

impl Init {
    /// Prints the reason and returns `None` if namespaces are not available.
    fn start(settings: &[&str]) -> Option<Init> {
        let mut unshare = Command::new("unshare")
            .args(["--pid", "--fork", "--kill-child"])
            .arg(fixture_path())
            .arg("--unwatched")
            .args(settings)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut line = String::new();
        BufReader::new(unshare.stdout.take()?).read_line(&mut line).ok()?;
        if !line.starts_with("made 1") {
            unshare.wait().expect("it failed");
            skipped("no pid namespace here");
            return None;
        }
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", unshare.id()));
        let pid = children.expect("its child").trim().parse().expect("one child");
        Some(Init { unshare, pid })
    }
}

impl Drop for Init {
    fn drop(&mut self) {
        let _ = self.unshare.kill();
        let _ = self.unshare.wait();
    }
}

#[test]
fn predictions_hold_for_init_from_outside() {
    let Some(init) = Init::start(&["--catch", "USR1", "--block", "QUIT"]) else { return };
    let predicted = |name: &str| {
        let snapshot = ProcRoot::default()
            .snapshot(init.pid, Some(parse_signal(name)), sigtool::sys::io::reader::read)
            .expect("it lives");
        (predict_effect(&snapshot, SendSpec::to_process(parse_signal(name))), snapshot)
    };
    let send = |name: &str| {
        send::to_pid(init.pid, Some(parse_signal(name)), None).expect("sent");
    };
    for name in ["TERM", "INT", "SEGV", "TSTP", "RTMIN+3"] {
        let (effect, before) = predicted(name);
        assert_eq!(effect, Effect::Dropped(DropReason::InitWithoutHandler), "{name}");
        send(name);
        let after = predicted(name).1;
        assert_eq!(before.status.shared_pending, after.status.shared_pending, "{name} was dropped");
    }
    assert!(matches!(
        predicted("QUIT").0,
        Effect::Pending { reason: PendingReason::Blocked { .. }, merged: false, .. }
    ));
    send("QUIT");
    assert!(matches!(
        predicted("QUIT").0,
        Effect::Pending { reason: PendingReason::Blocked { .. }, merged: true, .. }
    ));
    assert_eq!(predicted("USR1").0, Effect::RunsHandler);
    assert_eq!(predicted("STOP").0, Effect::Stops);
    send("STOP");
    let stopped = |init: &Init| {
        let status = ProcRoot::default().status(init.pid).expect("it lives");
        status.state.is_some_and(|state| state.letter() == 'T')
    };
    while !stopped(&init) {
        std::thread::yield_now();
    }
    assert_eq!(predicted("CONT").0, Effect::Continues { runs_handler: false, terminated_by: None });
    assert_eq!(predicted("KILL").0, Effect::Terminates { by_kill: true, core_dump: None });
    let pidfd = PidFd::open(init.pid).expect("it lives");
    send("KILL");
    assert!(
        pidfd.wait_for_exit(std::time::Duration::from_secs(60)).expect("poll"),
        "KILL from outside ends it"
    );
}

/// From inside the namespace even KILL and STOP have no effect. The init is
/// the shell, which prints its own status at the end.
#[test]
fn predictions_hold_for_init_from_inside() {
    // bash itself reads the file: it would block TERM for a moment when it
    // forks.
    let script = "for signal in TERM INT TSTP KILL STOP; do kill -s $signal 1 || exit 3; done; \
                  while IFS= read -r line; do echo \"$line\" >&2; done < /proc/1/status";
    let Some(result) = crate::support::in_namespace(script) else { return };
    assert_eq!(result.code, Some(0), "{}", result.stderr);
    let status = sigtool::procfs::ProcStatus::parse(result.stderr.as_bytes()).expect("a status");
    assert_eq!(status.namespace_pids, [1], "as read inside");
    let snapshot = sigtool::procfs::ProcessSnapshot::from_status(&status);
    for name in ["TERM", "TSTP", "KILL", "STOP"] {
        let effect = predict_effect(&snapshot, SendSpec::to_process(parse_signal(name)));
        assert_eq!(effect.most_likely(), &Effect::Dropped(DropReason::InitWithoutHandler), "{name}");
    }
}

/// A version 2 control group. Removed when dropped, once its process is gone.
struct Group(PathBuf);

impl Group {
    fn new() -> Option<Group> {
        let roots = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].map(PathBuf::from);
        let root = roots.into_iter().find(|root| root.join("cgroup.procs").exists())?;
        let path = root.join(format!("sigtool-oracle-{}", std::process::id()));
        fs::create_dir(&path).ok()?;
        Some(Group(path))
    }

    fn write(&self, file: &str, text: &str) -> std::io::Result<()> {
        fs::write(self.0.join(file), text)
    }

    fn freeze(&self, on: bool) {
        self.write("cgroup.freeze", if on { "1" } else { "0" }).expect("freezing");
        let wanted = if on { "frozen 1" } else { "frozen 0" };
        while !fs::read_to_string(self.0.join("cgroup.events")).expect("events").contains(wanted) {
            std::thread::yield_now();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = self.write("cgroup.freeze", "0");
        // The group is empty once its last process is reaped.
        while fs::remove_dir(&self.0).is_err_and(|error| error.raw_os_error() == Some(libc::EBUSY)) {
            std::thread::yield_now();
        }
    }
}

#[test]
fn predictions_hold_for_frozen_process() {
    let Some(group) = Group::new() else { return skipped("no cgroup v2 to write to") };
    let settings =
        "--unwatched --report --core-limit 1 --catch USR1 --ignore HUP --block USR2 --thread block=USR2";
    let cases = [
        ("USR1", "pending"),
        ("QUIT", "pending"),
        ("HUP", "ignored"),
        ("USR2", "pending"),
        ("CHLD", "ignored"),
    ];
    for (name, id) in cases {
        let mut target = Target::start(&words(settings));
        if group.write("cgroup.procs", &target.pid.to_string()).is_err() {
            return skipped("no process may be moved to the cgroup");
        }
        group.freeze(true);
        let spec = SendSpec::to_process(parse_signal(name));
        let (snapshot, predicted, observed) = try_signal(&mut target, spec);
        assert_eq!((snapshot.freezer_state, predicted.id()), (FreezerState::V2, id), "{name}");
        assert!(
            matches!(check::verdict(&snapshot, spec, &predicted, &observed), Verdict::Right),
            "{name}: {predicted:?}, {observed:?}"
        );
        group.freeze(false);
        let rest = target.wait_for_rest();
        match name {
            "USR1" => assert!(target.reports().iter().any(|report| report.event == "handled")),
            "QUIT" => assert_eq!(rest, Rest::Dead),
            _ => assert_eq!(rest, Rest::Asleep, "{name}"),
        }
    }
    for name in ["TERM", "KILL"] {
        let mut target = Target::start(&words(settings));
        group.write("cgroup.procs", &target.pid.to_string()).expect("moved before");
        group.freeze(true);
        let spec = SendSpec::to_process(parse_signal(name));
        let snapshot = ProcRoot::default()
            .snapshot(target.pid, Some(parse_signal(name)), sigtool::sys::io::reader::read)
            .expect("it lives");
        assert_eq!(predict_effect(&snapshot, spec).id(), "terminates", "{name}");
        send::to_pid(target.pid, Some(parse_signal(name)), None).expect("sent");
        // The group is still frozen, but the process exits anyway.
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&target.status()),
            Some(i32::from(parse_signal(name).get()))
        );
        group.freeze(false);
    }
}

/// All signals that are not blocked or dropped go to the tracer, even ignored
/// ones.
#[test]
fn predictions_hold_for_traced_process() {
    let settings = "--unwatched --report --catch USR1 --ignore HUP --block USR2";
    for name in ["TERM", "HUP", "USR1", "CHLD", "STOP", "TSTP", "RTMIN+2", "USR2", "KILL"] {
        let mut target = Target::start(&words(settings));
        let pid = i32::try_from(target.pid).expect("a process id");
        // SAFETY: PTRACE_SEIZE takes plain numbers; the tracer is this thread.
        if unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, 0, 0) } != 0 {
            return skipped("no right to trace");
        }
        let spec = SendSpec::to_process(parse_signal(name));
        let snapshot = ProcRoot::default()
            .snapshot(target.pid, Some(parse_signal(name)), sigtool::sys::io::reader::read)
            .expect("it lives");
        let predicted = predict_effect(&snapshot, spec);
        send::to_pid(target.pid, Some(parse_signal(name)), None).expect("sent");
        if name == "USR2" {
            assert_eq!((predicted.id(), target.wait_for_rest()), ("pending", Rest::Asleep));
            continue;
        }
        let mut status = 0;
        // SAFETY: it is a child of this process, and the status outlives the
        // call.
        assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, libc::WUNTRACED) }, pid);
        if name == "KILL" {
            assert_eq!((predicted.id(), libc::WIFSIGNALED(status)), ("terminates", true));
        } else {
            assert_eq!(predicted.id(), "traced", "{name}");
            assert!(libc::WIFSTOPPED(status), "{name}");
            assert_eq!(libc::WSTOPSIG(status), i32::from(parse_signal(name).get()));
        }
    }
}

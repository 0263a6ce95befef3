//! Refused inspections, and the reported reasons.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};

use sigtool::sys::signal::send;

use super::state_of;
use crate::support::{Fixture, fixture_path, skipped};

/// A UID that neither runs the tests nor is used by another test.
const OTHER: u32 = 54324;

/// Inspects a process with `inspect-target try`, as another user if one is
/// given.
fn try_as(user: Option<u32>, pid: u32) -> Option<String> {
    let mut command = Command::new(fixture_path().with_file_name("inspect-target"));
    command.args(["try", &pid.to_string()]).stdin(Stdio::null());
    if let Some(user) = user {
        command.uid(user).gid(user).current_dir("/");
    }
    match command.output() {
        Ok(Output { stdout, .. }) => Some(String::from_utf8_lossy(&stdout).trim().to_owned()),
        Err(error) => {
            skipped(&format!("as {user:?}: {error}"));
            None
        }
    }
}

#[test]
fn inspect_refuses_process_of_another_user() {
    let own = Fixture::start(["--catch", "HUP"]);
    let Some(refused) = try_as(Some(OTHER), own.pid) else { return };
    assert_eq!(refused, format!("OtherUser {{ uid: {} }}", send::effective_uid()));
    assert!(own.pid != 0 && state_of(own.pid) == Some('S'));
    // The other user's own process. It is dumpable, because that user executed
    // it.
    let mut command = Command::new(fixture_path().with_file_name("inspect-target"));
    command.args(["again"]).stdin(Stdio::null()).stdout(Stdio::null()).uid(OTHER).gid(OTHER).current_dir("/");
    let mut process = match command.spawn() {
        Ok(process) => process,
        Err(error) => return skipped(&format!("as uid {OTHER}: {error}")),
    };
    let seen = try_as(Some(OTHER), process.id());
    let _ = process.kill();
    let _ = process.wait();
    let seen = seen.expect("it ran before");
    assert!(seen == "seen" || seen.starts_with("Yama") || seen == "Unstable", "{seen}");
}

/// A process of another user. Killed when dropped.
struct ForeignProcess(Child);

impl Drop for ForeignProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl ForeignProcess {
    /// Starts a command that prints `ready`.
    fn start(command: &mut Command) -> Option<ForeignProcess> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).current_dir("/").spawn().ok()?;
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line)
            .expect("it prints a line");
        let process = ForeignProcess(child);
        line.starts_with("ready").then_some(process)
    }
}

/// A process is not dumpable if its user may execute but not read the
/// program.
#[test]
fn inspect_reports_undumpable_process() {
    let path = std::env::temp_dir().join(format!("sigtool-unreadable-{}", std::process::id()));
    // Not by fs::copy: if another test forks while the copy is open for writing,
    // execve(2) fails with ETXTBSY.
    let copied = Command::new("cp").arg(fixture_path().with_file_name("inspect-target")).arg(&path).status();
    assert!(copied.expect("cp runs").success());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o711)).expect("chmod");
    let started = ForeignProcess::start(Command::new(&path).args(["call", "pause"]).uid(OTHER).gid(OTHER));
    std::fs::remove_file(&path).expect("the copy");
    let Some(process) = started else { return skipped("cannot become another user here") };
    let Some(refused) = try_as(Some(OTHER), process.0.id()) else { return };
    assert!(refused == "Undumpable" || refused.starts_with("Yama"), "{refused}");
}

#[test]
fn inspect_reports_process_with_more_capabilities() {
    let mut command = Command::new("setpriv");
    let user = ["--reuid=54324", "--regid=54324", "--clear-groups"];
    command.args(user).args(["--inh-caps=+net_raw", "--ambient-caps=+net_raw"]);
    let inside = fixture_path().with_file_name("inspect-target");
    let started = ForeignProcess::start(command.arg(inside).args(["call", "pause"]));
    let Some(process) = started else { return skipped("no capability can be given to another user") };
    let Some(refused) = try_as(Some(OTHER), process.0.id()) else { return };
    assert!(refused == "Capabilities" || refused.starts_with("Yama"), "{refused}");
}

/// Root in a user namespace has no rights outside it.
#[test]
fn root_of_user_namespace_may_not_inspect_outside() {
    let own = Fixture::start(["--catch", "HUP"]);
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "--map-root-user"]).arg(fixture_path().with_file_name("inspect-target"));
    let output = unshare.args(["try", &own.pid.to_string()]).stdin(Stdio::null()).output();
    match output {
        Ok(Output { stdout, status, .. }) if status.success() => {
            let refused = String::from_utf8_lossy(&stdout).trim().to_owned();
            assert!(refused == "UserNamespace" || refused.starts_with("Yama"), "{refused}");
        }
        other => skipped(&format!("no user namespace here: {other:?}")),
    }
}

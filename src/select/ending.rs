//! How a process that is held has ended.

use crate::procfs::ProcRoot;
use crate::signal::exit::Termination;
use crate::sys::errno::EPERM;
use crate::sys::process::pidfd::{PidFd, Unavailable};

/// How a process has ended, by its number and its descriptor: as the kernel
/// keeps it once it is reaped, or as its zombie shows it. `None` where neither
/// tells.
pub fn read_termination(pid: u32, held: &PidFd) -> Option<Termination> {
    let kept = || held.termination().ok().flatten();
    kept().or_else(|| {
        let told = ProcRoot::default().zombie_wait_status(pid);
        // Not reaped even after that, so the zombie was this one. Another user's
        // process gives EPERM.
        let unreaped = held.send(None, None).map_or_else(
            |error| error.raw_os_error() == Some(EPERM) && Unavailable::by_sending(&error).is_none(),
            |()| true,
        );
        told.filter(|_| unreaped).and_then(Termination::from_wait_status).or_else(kept)
    })
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::*;

    #[test]
    fn zombie_reports_termination() {
        let mut child = Command::new("sh").args(["-c", "exit 7"]).spawn().expect("a shell");
        let held = PidFd::open(child.id()).expect("a held child");
        assert!(held.wait_for_exit(Duration::from_secs(60)).expect("poll"));
        assert_eq!(read_termination(child.id(), &held), Some(Termination::Exited(7)));
        child.wait().expect("reaped");
        // Then only the kernel tells, if it is new enough.
        assert!(matches!(read_termination(child.id(), &held), None | Some(Termination::Exited(7))));
    }
}

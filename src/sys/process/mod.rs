//! System calls that start, find and wait for processes, and clocks in the units of
//! /proc.

pub(super) mod capabilities;
pub mod child;
pub(super) mod fork;
pub mod job_control;
pub mod pidfd;
pub mod spawn;

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::kill;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{Pid, SysconfVar, getpgid, getsid, sysconf};

/// Whether a process or thread with this ID exists, according to the null signal.
/// Also finds processes that /proc hides (hidepid, proc(5)).
pub fn exists(id: u32) -> bool {
    // Zero would mean the process group of sigtool.
    positive_pid(id).is_some_and(|id| matches!(kill(id, None), Ok(()) | Err(Errno::EPERM)))
}

/// The process group of a process from getpgid(2), in the PID namespace of sigtool
/// even if /proc shows another one. `None` if the process does not exist.
pub fn process_group_of(pid: u32) -> Option<u32> {
    let group = getpgid(Some(positive_pid(pid)?)).ok()?;
    u32::try_from(group.as_raw()).ok()
}

/// The session of this process from getsid(2). `None` if the session leader is
/// outside the PID namespace.
pub fn own_session_id() -> Option<u32> {
    u32::try_from(getsid(None).ok()?.as_raw()).ok().filter(|session| *session != 0)
}

fn positive_pid(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().filter(|id| *id > 0).map(Pid::from_raw)
}

/// Raises the soft limit of open descriptors to the hard limit, so that sigtool can
/// open many pidfds, and returns the hard limit. The previous limit is not restored,
/// because no command that would inherit it is started.
pub fn raise_open_file_limit() -> u64 {
    let Ok((_, hard_limit)) = getrlimit(Resource::RLIMIT_NOFILE) else { return 0 };
    let _ = setrlimit(Resource::RLIMIT_NOFILE, hard_limit, hard_limit);
    hard_limit
}

/// The number of clock ticks per second (sysconf(3), `_SC_CLK_TCK`).
pub fn ticks_per_second() -> u64 {
    let ticks = sysconf(SysconfVar::CLK_TCK).ok().flatten();
    ticks.and_then(|ticks| u64::try_from(ticks).ok()).unwrap_or(100).max(1)
}

/// The number of clock ticks since boot, which is the unit of the start time of a
/// process in /proc/PID/stat (proc_pid_stat(5), field 22).
pub fn boot_ticks() -> u64 {
    let Ok(time) = clock_gettime(ClockId::CLOCK_BOOTTIME) else { return 0 };
    let ticks_per_second = ticks_per_second();
    let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec()).unwrap_or(0);
    seconds * ticks_per_second + nanos * ticks_per_second / 1_000_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exists_rejects_invalid_pids() {
        assert!(exists(std::process::id()));
        assert!(!exists(0));
        // Above the greatest PID of the kernel (PID_MAX_LIMIT, 2^22).
        assert!(!exists(4_194_305));
        assert!(!exists(u32::MAX));
    }
}

//! Starts, finds and waits for processes.

pub(super) mod capabilities;
pub mod child;
pub(super) mod fork;
pub mod job_control;
pub mod pidfd;
pub mod spawn;

use std::io;
use std::mem::MaybeUninit;

/// Whether a process or thread of this id exists, by the null signal: also
/// where /proc hides it (hidepid, proc(5)).
pub fn exists(id: u32) -> bool {
    let Ok(id) = libc::pid_t::try_from(id) else { return false };
    if id == 0 {
        return false;
    }
    // SAFETY: kill(2) takes plain numbers; signal 0 checks and sends nothing,
    // and id is positive, so no group is meant.
    let answered = unsafe { libc::kill(id, 0) };
    answered == 0 || io::Error::last_os_error().raw_os_error() == Some(libc::EPERM)
}

/// The process group of a process, by getpgid(2): in the numbers that signals
/// are sent by, whatever /proc is mounted. `None` where it is gone.
pub fn process_group_of(pid: u32) -> Option<u32> {
    let pid = libc::pid_t::try_from(pid).ok().filter(|pid| *pid > 0)?;
    // SAFETY: getpgid(2) takes a plain number.
    u32::try_from(unsafe { libc::getpgid(pid) }).ok()
}

/// The session of this process, by getsid(2). `None` where its leader is
/// outside the pid namespace.
pub fn own_session_id() -> Option<u32> {
    // SAFETY: getsid(2) takes a plain number; 0 is the caller.
    u32::try_from(unsafe { libc::getsid(0) }).ok().filter(|session| *session != 0)
}

/// Raises the number of descriptors that may be open as far as is allowed, for
/// the processes that are to be held; gives that number. What it was set to is of no use to us,
/// and nothing is started that would inherit it.
pub fn raise_open_file_limit() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls are given a whole rlimit that outlives them; where the
    // first fails, the second is not made.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
        }
    }
    limit.rlim_max
}

/// Clock ticks a second (sysconf(3), `_SC_CLK_TCK`).
pub fn ticks_per_second() -> u64 {
    // SAFETY: sysconf(3) takes a plain number.
    let hertz = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    u64::try_from(hertz).unwrap_or(100).max(1)
}

/// Clock ticks since boot: the unit of a process's start time in
/// /proc/PID/stat (proc_pid_stat(5), field 22).
pub fn boot_ticks() -> u64 {
    let mut time = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: clock_gettime(2) fills a timespec in, and zeroes are a valid one
    // where it fails.
    let time = unsafe {
        libc::clock_gettime(libc::CLOCK_BOOTTIME, time.as_mut_ptr());
        time.assume_init()
    };
    let hertz = ticks_per_second();
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds * hertz + nanos * hertz / 1_000_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exists_rejects_invalid_pids() {
        assert!(exists(std::process::id()));
        assert!(!exists(0));
        // Above the kernel's greatest pid (PID_MAX_LIMIT, 2^22).
        assert!(!exists(4_194_305));
        assert!(!exists(u32::MAX));
    }
}

//! The time since boot, as /proc counts it.

use std::mem::MaybeUninit;

/// Clock ticks since boot: the unit of a process's start time in
/// /proc/PID/stat (proc_pid_stat(5), field 22).
pub fn boot_ticks() -> u64 {
    let mut time = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: clock_gettime(2) fills a timespec in, and zeroes are a valid one
    // where it fails; sysconf(3) takes a plain number.
    let (time, hertz) = unsafe {
        libc::clock_gettime(libc::CLOCK_BOOTTIME, time.as_mut_ptr());
        (time.assume_init(), libc::sysconf(libc::_SC_CLK_TCK))
    };
    let hertz = u64::try_from(hertz).unwrap_or(100).max(1);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds * hertz + nanos * hertz / 1_000_000_000
}

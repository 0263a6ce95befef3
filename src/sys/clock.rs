//! The time since boot, as /proc counts it.

use std::mem::MaybeUninit;

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

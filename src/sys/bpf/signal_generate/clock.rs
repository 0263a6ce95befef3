//! Conversion of event times to wall-clock time.

use std::fs;
use std::mem::MaybeUninit;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libc::clockid_t;

/// Converts a time since boot, as events have it, to wall-clock time by the current
/// setting of the clock.
pub fn to_wall_time(since_boot: Duration) -> SystemTime {
    static OFFSET: OnceLock<i128> = OnceLock::new();
    // Our clock includes the offset of a time namespace; events do not.
    let boot = clock_nanos(libc::CLOCK_BOOTTIME) - OFFSET.get_or_init(boottime_offset);
    let wall = clock_nanos(libc::CLOCK_REALTIME) - boot + since_boot.as_nanos().cast_signed();
    UNIX_EPOCH + Duration::from_nanos(u64::try_from(wall).unwrap_or(0))
}

fn clock_nanos(clock: clockid_t) -> i128 {
    let mut time = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: clock_gettime(2) fills in a timespec; zeroes are a valid one if it
    // fails.
    let time = unsafe {
        libc::clock_gettime(clock, time.as_mut_ptr());
        time.assume_init()
    };
    i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec)
}

/// Returns the offset of our CLOCK_BOOTTIME in nanoseconds (time_namespaces(7)).
fn boottime_offset() -> i128 {
    parse_boottime_offset(&fs::read_to_string("/proc/self/timens_offsets").unwrap_or_default())
}

fn parse_boottime_offset(text: &str) -> i128 {
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let found = lines.into_iter().find_map(|fields| match fields[..] {
        ["boottime", seconds, nanos] => {
            Some(seconds.parse::<i128>().ok()? * 1_000_000_000 + nanos.parse::<i128>().ok()?)
        }
        _ => None,
    });
    found.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_wall_time_of_now_is_now() {
        let boot = clock_nanos(libc::CLOCK_BOOTTIME) - boottime_offset();
        let wall = to_wall_time(Duration::from_nanos(u64::try_from(boot).expect("after boot")));
        let age = SystemTime::now().duration_since(wall).expect("the time is not in the future");
        assert!(age < Duration::from_secs(1), "{age:?}");
    }

    #[test]
    fn parses_time_namespace_offsets() {
        assert_eq!(
            parse_boottime_offset("monotonic           0         0\nboottime            0         0\n"),
            0
        );
        assert_eq!(parse_boottime_offset("monotonic 5 6\nboottime -7 500000000\n"), -6_500_000_000);
        assert_eq!(parse_boottime_offset(""), 0);
    }
}

//! From the time of an event to that of the calendar.

use std::fs;
use std::mem::MaybeUninit;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libc::clockid_t;

/// When something was, by the calendar as it stands now, that happened at a
/// time since boot as events have it.
pub fn to_wall_time(since_boot: Duration) -> SystemTime {
    static OFFSET: OnceLock<i128> = OnceLock::new();
    // What a time namespace adds to the clock that we read, events lack.
    let boot = clock_nanos(libc::CLOCK_BOOTTIME) - OFFSET.get_or_init(boottime_offset);
    let wall = clock_nanos(libc::CLOCK_REALTIME) - boot + since_boot.as_nanos().cast_signed();
    UNIX_EPOCH + Duration::from_nanos(u64::try_from(wall).unwrap_or(0))
}

fn clock_nanos(clock: clockid_t) -> i128 {
    let mut time = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: clock_gettime(2) fills a timespec in, and zeroes are a valid one
    // where it fails.
    let time = unsafe {
        libc::clock_gettime(clock, time.as_mut_ptr());
        time.assume_init()
    };
    i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec)
}

/// How far our CLOCK_BOOTTIME is ahead (time_namespaces(7)).
fn boottime_offset() -> i128 {
    parse_boottime_offset(&fs::read_to_string("/proc/self/timens_offsets").unwrap_or_default())
}

fn parse_boottime_offset(text: &str) -> i128 {
    let line = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let found = line.into_iter().find_map(|words| match words[..] {
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
        let apart = SystemTime::now().duration_since(wall).expect("not in the future");
        assert!(apart < Duration::from_secs(1), "{apart:?}");
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

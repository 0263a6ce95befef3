//! Counter of the stops of traced threads, in memory that the helper shares with
//! sigtool.
//!
//! The helper may be killed at any moment, so it cannot report its counts at the
//! end. The same memory has the flag that asks the helper to exit.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::helper::PlainData;
use crate::sys::ptrace::StopStats;

/// Counts of stops; times in nanoseconds.
#[repr(C)]
#[derive(Debug)]
pub(super) struct StopCounter {
    count: AtomicU64,
    longest: AtomicU64,
    total: AtomicU64,
    /// 1 once the helper must exit.
    is_cancelled: AtomicU64,
}

// SAFETY: plain numbers only.
unsafe impl PlainData for StopCounter {}

impl StopCounter {
    /// Counts a stop. Only one thread of one process calls this.
    pub(super) fn add(&self, time: Duration) {
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let add = |counter: &AtomicU64, value: u64| {
            counter.store(counter.load(Relaxed).saturating_add(value), Relaxed)
        };
        add(&self.count, 1);
        add(&self.total, time);
        if time > self.longest.load(Relaxed) {
            self.longest.store(time, Relaxed);
        }
    }

    /// Asks the helper to exit.
    pub(super) fn cancel(&self) {
        self.is_cancelled.store(1, Relaxed);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Relaxed) != 0
    }

    pub(super) fn stats(&self) -> StopStats {
        let time = |nanos: &AtomicU64| Duration::from_nanos(nanos.load(Relaxed));
        StopStats { count: self.count.load(Relaxed), longest: time(&self.longest), total: time(&self.total) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::helper::SharedMemory;
    use super::*;

    #[test]
    fn counter_keeps_sum_and_longest() {
        let mut memory = SharedMemory::<StopCounter>::new().expect("memory");
        assert_eq!(memory.get().stats(), StopStats::default());
        for micros in [20, 41, 30] {
            memory.get_mut().add(Duration::from_micros(micros));
        }
        let time = Duration::from_micros;
        assert_eq!(memory.get().stats(), StopStats { count: 3, longest: time(41), total: time(91) });
    }

    #[test]
    fn counter_saturates() {
        let mut memory = SharedMemory::<StopCounter>::new().expect("memory");
        memory.get_mut().add(Duration::MAX);
        memory.get_mut().add(Duration::MAX);
        assert_eq!(memory.get().stats().total, Duration::from_nanos(u64::MAX));
    }
}

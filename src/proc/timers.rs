//! POSIX timers of a process: /proc/PID/timers.

use super::{ReadError, Root};
use crate::signal::Signal;

/// A timer takes a hundred bytes, and a place in its user's signal queue.
const LONGEST_TEXT: u64 = 1 << 24;

/// One timer (proc_pid_timers(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    /// The kernel's number of it, which si_timerid tells.
    pub id: u32,
    /// The signal that it raises; `None` where it raises none.
    pub signal: Option<Signal>,
    /// The clock's number (clock_gettime(2)); negative ones are of the time
    /// that a process or a thread has run.
    pub clock: i32,
}

impl Timer {
    /// Reads the file; what is no timer is left out.
    pub fn parse(text: &[u8]) -> Vec<Timer> {
        let mut timers: Vec<Timer> = Vec::new();
        for line in text.split(|byte| *byte == b'\n') {
            let Some((key, value)) = std::str::from_utf8(line).ok().and_then(|line| line.split_once(": "))
            else {
                continue;
            };
            match (key, timers.last_mut()) {
                ("ID", _) => timers.extend(value.parse().ok().map(|id| Timer { id, signal: None, clock: 0 })),
                // The signal and its value.
                ("signal", Some(timer)) => {
                    let number = value.split('/').next().and_then(|number| number.parse().ok());
                    timer.signal = number.and_then(Signal::native);
                }
                ("ClockID", Some(timer)) => timer.clock = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        timers
    }

    /// The clock's name, as time.h has it without CLOCK_.
    pub fn clock_name(&self) -> Option<&'static str> {
        Some(match self.clock {
            0 => "REALTIME",
            1 => "MONOTONIC",
            2 => "PROCESS_CPUTIME_ID",
            3 => "THREAD_CPUTIME_ID",
            7 => "BOOTTIME",
            8 => "REALTIME_ALARM",
            9 => "BOOTTIME_ALARM",
            11 => "TAI",
            _ => return None,
        })
    }
}

impl Root {
    /// The POSIX timers of a process.
    ///
    /// # Errors
    /// See [`ReadError`]; [`ReadError::Denied`] where it is another user's.
    pub fn posix_timers(&self, pid: u32) -> Result<Vec<Timer>, ReadError> {
        Ok(Timer::parse(&self.list(&format!("{pid}/timers"), LONGEST_TEXT)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_are_read_by_their_numbers() {
        let text = b"ID: 1\nsignal: 60/00007fff86e452a8\nnotify: signal/pid.2634\nClockID: 0\n\
            ID: 0\nsignal: 0/0000000000000000\nnotify: none/pid.2634\nClockID: -6\n";
        let timers = Timer::parse(text);
        assert_eq!(timers.len(), 2);
        assert_eq!((timers[0].id, timers[0].signal.map(Signal::get)), (1, Some(60)));
        assert_eq!(timers[0].clock_name(), Some("REALTIME"));
        assert_eq!((timers[1].id, timers[1].signal, timers[1].clock_name()), (0, None, None));
        assert!(Timer::parse(b"signal: 1\nID\nID: x\n\xff: \n").is_empty());
    }
}

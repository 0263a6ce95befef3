//! POSIX timers of a process: /proc/PID/timers.

use super::{ProcReadError, ProcRoot};
use crate::signal::Signal;

/// A timer takes a hundred bytes, and a place in its user's signal queue.
const MAX_FILE_SIZE: u64 = 1 << 24;

/// One timer (proc_pid_timers(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PosixTimer {
    /// The kernel's number of it, which si_timerid tells.
    pub id: u32,
    /// The signal that it raises; `None` where it raises none.
    pub signal: Option<Signal>,
    /// The clock's number (clock_gettime(2)); negative ones are of the time
    /// that a process or a thread has run.
    pub clock_id: i32,
}

impl PosixTimer {
    /// Reads the file; what is no timer is left out.
    pub fn parse_all(text: &[u8]) -> Vec<PosixTimer> {
        let mut timers: Vec<PosixTimer> = Vec::new();
        for line in text.split(|byte| *byte == b'\n') {
            let Some((key, value)) = std::str::from_utf8(line).ok().and_then(|line| line.split_once(": "))
            else {
                continue;
            };
            match (key, timers.last_mut()) {
                ("ID", _) => {
                    timers.extend(value.parse().ok().map(|id| PosixTimer { id, signal: None, clock_id: 0 }))
                }
                // The signal and its value.
                ("signal", Some(timer)) => {
                    let number = value.split('/').next().and_then(|number| number.parse().ok());
                    timer.signal = number.and_then(Signal::new_native);
                }
                ("ClockID", Some(timer)) => timer.clock_id = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        timers
    }

    /// The clock's name, as time.h has it without CLOCK_.
    pub fn clock_name(&self) -> Option<&'static str> {
        Some(match self.clock_id {
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

impl ProcRoot {
    /// The POSIX timers of a process.
    ///
    /// # Errors
    /// See [`ProcReadError`]; [`ProcReadError::PermissionDenied`] where it is another user's.
    pub fn posix_timers(&self, pid: u32) -> Result<Vec<PosixTimer>, ProcReadError> {
        Ok(PosixTimer::parse_all(&self.read_seq_file(&format!("{pid}/timers"), MAX_FILE_SIZE)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_all_reads_timer_ids() {
        let text = b"ID: 1\nsignal: 60/00007fff86e452a8\nnotify: signal/pid.2634\nClockID: 0\n\
            ID: 0\nsignal: 0/0000000000000000\nnotify: none/pid.2634\nClockID: -6\n";
        let timers = PosixTimer::parse_all(text);
        assert_eq!(timers.len(), 2);
        assert_eq!((timers[0].id, timers[0].signal.map(Signal::get)), (1, Some(60)));
        assert_eq!(timers[0].clock_name(), Some("REALTIME"));
        assert_eq!((timers[1].id, timers[1].signal, timers[1].clock_name()), (0, None, None));
        assert!(PosixTimer::parse_all(b"signal: 1\nID\nID: x\n\xff: \n").is_empty());
    }
}

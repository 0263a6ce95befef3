//! POSIX timers of a process, from /proc/PID/timers.

use super::{ProcReadError, ProcRoot};
use crate::signal::Signal;

/// Upper bound for the file. A timer takes about 100 bytes and an entry in the
/// signal queue of its user.
const MAX_FILE_SIZE: u64 = 1 << 24;

/// A POSIX timer (proc_pid_timers(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PosixTimer {
    /// The kernel's timer ID, which si_timerid contains.
    pub id: u32,
    /// The signal that it sends, if any.
    pub signal: Option<Signal>,
    /// The clock ID (clock_gettime(2)). Negative values are CPU-time clocks of a
    /// process or a thread.
    pub clock_id: i32,
}

impl PosixTimer {
    /// Parses the file. Malformed timers are skipped.
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
                // The value contains the signal number and the signal's value.
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

    /// Returns the name of the clock in time.h without the prefix CLOCK_.
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
    /// Reads the POSIX timers of a process.
    ///
    /// # Errors
    /// See [`ProcReadError`]; [`ProcReadError::PermissionDenied`] if it belongs
    /// to another user.
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

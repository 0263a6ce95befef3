//! How events come through the pipe from the helper: records of one length.

use std::time::{Duration, UNIX_EPOCH};

use crate::signal::exit::Ending;
use crate::signal::{Info, Signal};
use crate::sys::ptrace::{Event, What};

/// A record's kind.
pub(super) const DELIVERED: u32 = 1;
pub(super) const THREAD: u32 = 2;
pub(super) const EXEC: u32 = 3;
pub(super) const ENDED: u32 = 4;
pub(super) const LOST: u32 = 5;
/// The first record: all threads are traced; or the number of a fault.
pub(super) const ATTACHED: u32 = 6;
pub(super) const REFUSED: u32 = 7;
pub(super) const STOPPED: u32 = 8;

/// What comes through the pipe.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) kind: u32,
    pub(super) tid: i32,
    /// A wait status, a number of a thread or of a signal, a count, a fault.
    pub(super) number: u64,
    /// Since 1970.
    pub(super) time: Duration,
    pub(super) info: [u8; 128],
}

/// A record's length.
pub(super) const LENGTH: usize = 28 + 128;

impl Record {
    pub(super) fn bytes(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[..4].copy_from_slice(&self.kind.to_ne_bytes());
        bytes[4..8].copy_from_slice(&self.tid.to_ne_bytes());
        bytes[8..16].copy_from_slice(&self.number.to_ne_bytes());
        bytes[16..24].copy_from_slice(&self.time.as_secs().to_ne_bytes());
        bytes[24..28].copy_from_slice(&self.time.subsec_nanos().to_ne_bytes());
        bytes[28..].copy_from_slice(&self.info);
        bytes
    }

    pub(super) fn of(bytes: &[u8; LENGTH]) -> Record {
        fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
            let mut part = [0; N];
            part.copy_from_slice(&bytes[at..at + N]);
            part
        }
        let nanos = u32::from_ne_bytes(part(bytes, 24));
        Record {
            kind: u32::from_ne_bytes(part(bytes, 0)),
            tid: i32::from_ne_bytes(part(bytes, 4)),
            number: u64::from_ne_bytes(part(bytes, 8)),
            time: Duration::new(u64::from_ne_bytes(part(bytes, 16)), nanos.min(999_999_999)),
            info: part(bytes, 28),
        }
    }

    /// The event; `info` reads a siginfo_t. `None` for what is none.
    pub(super) fn event(&self, info: impl FnOnce(&[u8]) -> Option<Info>) -> Option<Event> {
        let what = match self.kind {
            DELIVERED => What::Delivered(info(&self.info)?),
            THREAD => What::Thread,
            EXEC => What::Exec { former: u32::try_from(self.number).ok()? },
            ENDED => What::Ended(Ending::of_wait_status(self.number as i32)),
            STOPPED => What::Stopped(Signal::new(u8::try_from(self.number).ok()?)?),
            LOST => What::Lost(self.number),
            _ => return None,
        };
        let time = UNIX_EPOCH.checked_add(self.time)?;
        Some(Event { time, tid: u32::try_from(self.tid).ok()?, what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u32, number: u64) -> Record {
        Record { kind, tid: 7, number, time: Duration::new(3, 5), info: [9; 128] }
    }

    #[test]
    fn what_is_written_is_read() {
        let term = Info::bare(Signal::new(15).unwrap());
        for (kind, number, what) in [
            (DELIVERED, 0, What::Delivered(term)),
            (THREAD, 0, What::Thread),
            (EXEC, 9, What::Exec { former: 9 }),
            (ENDED, 9, What::Ended(Ending::of_wait_status(9))),
            (STOPPED, 15, What::Stopped(term.signal)),
            (LOST, 1 << 40, What::Lost(1 << 40)),
        ] {
            let read = Record::of(&record(kind, number).bytes());
            let event = read.event(|bytes| (bytes == [9; 128]).then_some(term)).expect("an event");
            let time = UNIX_EPOCH + Duration::new(3, 5);
            assert_eq!(event, Event { time, tid: 7, what });
        }
        assert_eq!(record(ATTACHED, 0).event(|_| None), None);
        assert_eq!(record(DELIVERED, 0).event(|_| None), None);
        assert_eq!(record(STOPPED, 1 << 40).event(|_| None), None);
    }
}

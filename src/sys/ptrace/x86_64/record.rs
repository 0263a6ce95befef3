//! Records of fixed size that carry events through the pipe from the helper.

use std::time::{Duration, UNIX_EPOCH};

use crate::signal::exit_status::Termination;
use crate::signal::{Siginfo, Signal};
use crate::sys::ptrace::{TracerEvent, TracerEventKind};

/// Kinds of records.
pub(super) const DELIVERED: u32 = 1;
pub(super) const THREAD: u32 = 2;
pub(super) const EXEC: u32 = 3;
pub(super) const ENDED: u32 = 4;
pub(super) const LOST: u32 = 5;
/// The first record: all threads are traced, or the number of an error.
pub(super) const ATTACHED: u32 = 6;
pub(super) const REFUSED: u32 = 7;
pub(super) const STOPPED: u32 = 8;

/// A record, decoded.
#[derive(Clone, Copy, Debug)]
pub(super) struct EventRecord {
    pub(super) kind: u32,
    pub(super) tid: i32,
    /// A wait status, a TID, a signal number, a count or the number of an error.
    pub(super) value: u64,
    /// Time since 1970.
    pub(super) time: Duration,
    pub(super) info: [u8; 128],
}

/// Size of a record in bytes.
pub(super) const RECORD_SIZE: usize = 28 + 128;

impl EventRecord {
    pub(super) fn to_bytes(self) -> [u8; RECORD_SIZE] {
        let mut bytes = [0; RECORD_SIZE];
        bytes[..4].copy_from_slice(&self.kind.to_ne_bytes());
        bytes[4..8].copy_from_slice(&self.tid.to_ne_bytes());
        bytes[8..16].copy_from_slice(&self.value.to_ne_bytes());
        bytes[16..24].copy_from_slice(&self.time.as_secs().to_ne_bytes());
        bytes[24..28].copy_from_slice(&self.time.subsec_nanos().to_ne_bytes());
        bytes[28..].copy_from_slice(&self.info);
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; RECORD_SIZE]) -> EventRecord {
        fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
            let mut part = [0; N];
            part.copy_from_slice(&bytes[at..at + N]);
            part
        }
        let nanos = u32::from_ne_bytes(part(bytes, 24));
        EventRecord {
            kind: u32::from_ne_bytes(part(bytes, 0)),
            tid: i32::from_ne_bytes(part(bytes, 4)),
            value: u64::from_ne_bytes(part(bytes, 8)),
            time: Duration::new(u64::from_ne_bytes(part(bytes, 16)), nanos.min(999_999_999)),
            info: part(bytes, 28),
        }
    }

    /// Converts to an event; `parse_siginfo` parses a siginfo_t. `None` for a
    /// record that is not an event.
    pub(super) fn to_event(
        self,
        parse_siginfo: impl FnOnce(&[u8]) -> Option<Siginfo>,
    ) -> Option<TracerEvent> {
        let kind = match self.kind {
            DELIVERED => TracerEventKind::Delivered(parse_siginfo(&self.info)?),
            THREAD => TracerEventKind::ThreadCreated,
            EXEC => TracerEventKind::Exec { former_tid: u32::try_from(self.value).ok()? },
            ENDED => TracerEventKind::Exited(Termination::from_wait_status(self.value as i32)),
            STOPPED => TracerEventKind::Stopped(Signal::new(u8::try_from(self.value).ok()?)?),
            LOST => TracerEventKind::Lost(self.value),
            _ => return None,
        };
        let time = UNIX_EPOCH.checked_add(self.time)?;
        Some(TracerEvent { time, tid: u32::try_from(self.tid).ok()?, kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u32, value: u64) -> EventRecord {
        EventRecord { kind, tid: 7, value, time: Duration::new(3, 5), info: [9; 128] }
    }

    #[test]
    fn from_bytes_reverses_to_bytes() {
        let term = Siginfo::from_signal(Signal::new(15).unwrap());
        for (kind, value, expected) in [
            (DELIVERED, 0, TracerEventKind::Delivered(term)),
            (THREAD, 0, TracerEventKind::ThreadCreated),
            (EXEC, 9, TracerEventKind::Exec { former_tid: 9 }),
            (ENDED, 9, TracerEventKind::Exited(Termination::from_wait_status(9))),
            (STOPPED, 15, TracerEventKind::Stopped(term.signal)),
            (LOST, 1 << 40, TracerEventKind::Lost(1 << 40)),
        ] {
            let read = EventRecord::from_bytes(&record(kind, value).to_bytes());
            let event = read.to_event(|bytes| (bytes == [9; 128]).then_some(term)).expect("an event");
            let time = UNIX_EPOCH + Duration::new(3, 5);
            assert_eq!(event, TracerEvent { time, tid: 7, kind: expected });
        }
        assert_eq!(record(ATTACHED, 0).to_event(|_| None), None);
        assert_eq!(record(DELIVERED, 0).to_event(|_| None), None);
        assert_eq!(record(STOPPED, 1 << 40).to_event(|_| None), None);
    }
}

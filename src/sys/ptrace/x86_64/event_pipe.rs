//! The helper's end of the event pipe. A buffer of limited size keeps events that
//! were not read, so that a slow reader does not delay the traced process.

use std::ffi::c_int;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libc::pid_t;

use super::helper::{self, PlainData, SharedMemory};
use super::record::{self, EventRecord, RECORD_SIZE};

/// Maximum number of buffered records.
const MAX_RECORDS: usize = 1 << 16;
/// How long an event waits for later events, so that both are written together.
const BATCH_DELAY: Duration = Duration::from_millis(5);
/// Interval between attempts to write buffered records.
pub(super) const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// Buffered records.
#[repr(transparent)]
struct RecordBuffer([u8; MAX_RECORDS * RECORD_SIZE]);

// SAFETY: plain bytes only.
unsafe impl PlainData for RecordBuffer {}

pub(super) struct EventPipe {
    pipe: c_int,
    /// Allocated before the helper is forked; never grows.
    buffer: SharedMemory<RecordBuffer>,
    /// Range of the bytes that are not yet written.
    start: usize,
    end: usize,
    lost: u64,
    last_write: Duration,
    is_timed: bool,
}

impl EventPipe {
    /// Uses a pipe that does not block.
    ///
    /// # Errors
    /// The errors of mmap(2).
    pub(super) fn new(pipe: c_int) -> io::Result<EventPipe> {
        let buffer = SharedMemory::new_on_demand()?;
        Ok(EventPipe { pipe, buffer, start: 0, end: 0, lost: 0, last_write: Duration::ZERO, is_timed: false })
    }

    /// Reports an event: immediately after a pause, otherwise together with the
    /// events that follow within [`BATCH_DELAY`].
    pub(super) fn report(&mut self, kind: u32, tid: pid_t, value: u64, info: &[u8; 128]) {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.store(&EventRecord { kind, tid, value, time, info: *info });
        // If the clock was set back, do not wait.
        if time.checked_sub(self.last_write).is_none_or(|since| since >= BATCH_DELAY) {
            self.write(time);
        } else if !self.is_timed {
            self.is_timed = true;
            helper::set_interrupt_timer(BATCH_DELAY, RETRY_INTERVAL);
        }
    }

    fn store(&mut self, record: &EventRecord) {
        self.report_loss(record.time);
        match self.has_space() && self.lost == 0 {
            true => self.push(record),
            false => self.lost += 1,
        }
    }

    /// Inserts a record with the number of dropped events, if there is space again.
    fn report_loss(&mut self, time: Duration) {
        if self.lost > 0 && self.has_space() {
            self.push(&EventRecord { kind: record::LOST, tid: 0, value: self.lost, time, info: [0; 128] });
            self.lost = 0;
        }
    }

    /// Whether one more record fits.
    fn has_space(&self) -> bool {
        MAX_RECORDS * RECORD_SIZE - self.end >= RECORD_SIZE
    }

    fn push(&mut self, record: &EventRecord) {
        self.buffer.get_mut().0[self.end..self.end + RECORD_SIZE].copy_from_slice(&record.to_bytes());
        self.end += RECORD_SIZE;
    }

    /// Writes buffered records. Must also be called after each timer interrupt.
    pub(super) fn flush(&mut self) {
        self.is_timed = false;
        if self.start < self.end {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.write(now);
            self.report_loss(now);
        }
    }

    fn write(&mut self, now: Duration) {
        self.last_write = now;
        while self.start < self.end {
            let rest = &self.buffer.get().0[self.start..self.end];
            // SAFETY: the pointer and the length are those of a slice.
            let count = unsafe { libc::write(self.pipe, rest.as_ptr().cast(), rest.len()) };
            match usize::try_from(count) {
                Ok(count) => self.start += count,
                Err(_) if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
                // The pipe is full or has no reader.
                Err(_) => break,
            }
        }
        if self.start > 0 {
            self.buffer.get_mut().0.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
    }

    /// Writes all records and blocks until they are read: no thread is stopped any
    /// longer.
    pub(super) fn finish(&mut self) {
        // SAFETY: fcntl(2) takes plain numbers.
        unsafe { libc::fcntl(self.pipe, libc::F_SETFL, 0) };
        self.flush();
        // Writes the number of dropped events, if any.
        self.flush();
    }
}

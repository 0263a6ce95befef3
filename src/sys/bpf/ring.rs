//! A ring buffer that programs write records into, read from mapped memory
//! (Documentation/bpf/ringbuf.rst).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use super::call::{MapKind, create_map};
use super::memory::{Access, Mapping, page};

/// In a record's header, before its length (uapi linux/bpf.h).
const BUSY: u32 = 1 << 31;
const DISCARD: u32 = 1 << 30;
const HEADER: usize = 8;

/// The buffer, and how far it has been read.
#[derive(Debug)]
pub(super) struct Ring {
    map: OwnedFd,
    /// A page with the position up to which we have read.
    consumer: Mapping,
    /// A page with the position up to which there are records, then the records,
    /// twice, so that none is broken at the end.
    producer: Mapping,
    position: usize,
    size: usize,
}

impl Ring {
    /// Makes one of so many bytes: a power of two, and whole pages.
    pub(super) fn new(size: u32) -> io::Result<Ring> {
        let map = create_map(MapKind::Ringbuf, 0, 0, size)?;
        let consumer = Mapping::new(map.as_fd(), 0, page(), Access::Writable)?;
        let length = page() + 2 * size as usize;
        let producer = Mapping::new(map.as_fd(), page(), length, Access::Shared)?;
        Ok(Ring { map, consumer, producer, position: 0, size: size as usize })
    }

    /// The map, by its number, for programs.
    pub(super) fn descriptor(&self) -> i32 {
        self.map.as_raw_fd()
    }

    /// Takes what records there are, in order, `most` at most; gives whether
    /// there may be more.
    pub(super) fn drain(&mut self, most: usize, mut take: impl FnMut(&[u8])) -> bool {
        // SAFETY: the page begins with the position, an unsigned long that the kernel
        // changes atomically, and is mapped as long as the ring is.
        let written = unsafe { AtomicUsize::from_ptr(self.producer.start().cast()) };
        let end = written.load(Ordering::Acquire);
        let mut taken = 0;
        while self.position < end && taken < most {
            let Some(record) = self.record() else { break };
            let (header, data) = record;
            if header & DISCARD == 0 {
                take(data);
                taken += 1;
            }
            // Records begin at multiples of 8.
            let length = HEADER + (header & !(BUSY | DISCARD)) as usize;
            self.position += length.next_multiple_of(8);
        }
        // SAFETY: as above; this page we alone write.
        let read = unsafe { AtomicUsize::from_ptr(self.consumer.start().cast()) };
        read.store(self.position, Ordering::Release);
        taken == most
    }

    /// The next record, and its header; `None` while it is being written.
    fn record(&self) -> Option<(u32, &[u8])> {
        let at = self.position % self.size;
        // SAFETY: the position is within the records, which begin behind the
        // first page and at multiples of 8; the kernel changes headers
        // atomically, and leaves a record alone once it is not busy, until we
        // say that we have read it, which takes the ring mutably. None reaches
        // beyond the second copy: it is no longer than the ring.
        unsafe {
            let start = self.producer.start().add(page() + at);
            let header = AtomicU32::from_ptr(start.cast()).load(Ordering::Acquire);
            if header & BUSY != 0 {
                return None;
            }
            let length = (header & !DISCARD) as usize;
            let data = start.add(HEADER);
            Some((header, std::slice::from_raw_parts(data, length)))
        }
    }
}

impl AsFd for Ring {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.map.as_fd()
    }
}

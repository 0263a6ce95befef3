//! Reader of a BPF ring buffer, through mapped memory
//! (Documentation/bpf/ringbuf.rst).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use super::mmap::{Mmap, MmapAccess, page_size};
use super::syscall::{MapType, create_map};

/// Bits of a record's header, before its length (uapi linux/bpf.h).
const BPF_RINGBUF_BUSY_BIT: u32 = 1 << 31;
const BPF_RINGBUF_DISCARD_BIT: u32 = 1 << 30;
const BPF_RINGBUF_HDR_SZ: usize = 8;

/// A ring buffer and the reader's position in it.
#[derive(Debug)]
pub(super) struct RingBuffer {
    map: OwnedFd,
    /// A page with the position up to which records were read.
    consumer: Mmap,
    /// A page with the position up to which records were written. The records
    /// follow twice, so that each is contiguous even at the end of the buffer.
    producer: Mmap,
    position: usize,
    size: usize,
}

impl RingBuffer {
    /// Creates a buffer of `size` bytes: a power of two, and a multiple of the page
    /// size.
    pub(super) fn new(size: u32) -> io::Result<RingBuffer> {
        let map = create_map(MapType::Ringbuf, 0, 0, size)?;
        let consumer = Mmap::new(map.as_fd(), 0, page_size(), MmapAccess::WriteShared)?;
        let length = page_size() + 2 * size as usize;
        let producer = Mmap::new(map.as_fd(), page_size(), length, MmapAccess::ReadShared)?;
        Ok(RingBuffer { map, consumer, producer, position: 0, size: size as usize })
    }

    /// Returns the descriptor of the map, for programs.
    pub(super) fn map_fd(&self) -> i32 {
        self.map.as_raw_fd()
    }

    /// Reads available records in order, at most `max_records`. Returns whether
    /// there may be more.
    pub(super) fn read_records(&mut self, max_records: usize, mut handle: impl FnMut(&[u8])) -> bool {
        // SAFETY: the page begins with the position, an unsigned long that the
        // kernel changes atomically, and is mapped as long as the ring exists.
        let producer = unsafe { AtomicUsize::from_ptr(self.producer.as_ptr().cast()) };
        let end = producer.load(Ordering::Acquire);
        let mut count = 0;
        while self.position < end && count < max_records {
            let Some((header, data)) = self.next_record() else { break };
            if header & BPF_RINGBUF_DISCARD_BIT == 0 {
                handle(data);
                count += 1;
            }
            // Records begin at multiples of 8.
            let length =
                BPF_RINGBUF_HDR_SZ + (header & !(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT)) as usize;
            self.position += length.next_multiple_of(8);
        }
        // SAFETY: as above; only this process writes this page.
        let consumer = unsafe { AtomicUsize::from_ptr(self.consumer.as_ptr().cast()) };
        consumer.store(self.position, Ordering::Release);
        count == max_records
    }

    /// Returns the next record with its header; `None` while it is being written.
    fn next_record(&self) -> Option<(u32, &[u8])> {
        let offset = self.position % self.size;
        // SAFETY: the position is within the records, which begin after the first
        // page and at multiples of 8. The kernel changes headers atomically. It
        // does not change a record that is no longer busy until the consumer
        // position passes it, which takes the ring mutably. No record reaches
        // beyond the second copy, because it is not longer than the ring.
        unsafe {
            let start = self.producer.as_ptr().add(page_size() + offset);
            let header = AtomicU32::from_ptr(start.cast()).load(Ordering::Acquire);
            if header & BPF_RINGBUF_BUSY_BIT != 0 {
                return None;
            }
            let length = (header & !BPF_RINGBUF_DISCARD_BIT) as usize;
            let data = start.add(BPF_RINGBUF_HDR_SZ);
            Some((header, std::slice::from_raw_parts(data, length)))
        }
    }
}

impl AsFd for RingBuffer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.map.as_fd()
    }
}

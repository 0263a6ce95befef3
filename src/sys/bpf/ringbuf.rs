//! A ring buffer that programs write records into, read from mapped memory
//! (Documentation/bpf/ringbuf.rst).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use super::mmap::{Mmap, MmapAccess, page_size};
use super::syscall::{MapType, create_map};

/// In a record's header, before its length (uapi linux/bpf.h).
const BPF_RINGBUF_BUSY_BIT: u32 = 1 << 31;
const BPF_RINGBUF_DISCARD_BIT: u32 = 1 << 30;
const BPF_RINGBUF_HDR_SZ: usize = 8;

/// The buffer, and how far it has been read.
#[derive(Debug)]
pub(super) struct RingBuffer {
    map: OwnedFd,
    /// A page with the position up to which we have read.
    consumer: Mmap,
    /// A page with the position up to which there are records, then the records,
    /// twice, so that none is broken at the end.
    producer: Mmap,
    position: usize,
    size: usize,
}

impl RingBuffer {
    /// Makes one of so many bytes: a power of two, and whole pages.
    pub(super) fn new(size: u32) -> io::Result<RingBuffer> {
        let map = create_map(MapType::Ringbuf, 0, 0, size)?;
        let consumer = Mmap::new(map.as_fd(), 0, page_size(), MmapAccess::WriteShared)?;
        let length = page_size() + 2 * size as usize;
        let producer = Mmap::new(map.as_fd(), page_size(), length, MmapAccess::ReadShared)?;
        Ok(RingBuffer { map, consumer, producer, position: 0, size: size as usize })
    }

    /// The map, by its number, for programs.
    pub(super) fn map_fd(&self) -> i32 {
        self.map.as_raw_fd()
    }

    /// Takes what records there are, in order, `most` at most; gives whether
    /// there may be more.
    pub(super) fn read_records(&mut self, most: usize, mut take: impl FnMut(&[u8])) -> bool {
        // SAFETY: the page begins with the position, an unsigned long that the kernel
        // changes atomically, and is mapped as long as the ring is.
        let written = unsafe { AtomicUsize::from_ptr(self.producer.as_ptr().cast()) };
        let end = written.load(Ordering::Acquire);
        let mut taken = 0;
        while self.position < end && taken < most {
            let Some(record) = self.next_record() else { break };
            let (header, data) = record;
            if header & BPF_RINGBUF_DISCARD_BIT == 0 {
                take(data);
                taken += 1;
            }
            // Records begin at multiples of 8.
            let length =
                BPF_RINGBUF_HDR_SZ + (header & !(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT)) as usize;
            self.position += length.next_multiple_of(8);
        }
        // SAFETY: as above; this page we alone write.
        let read = unsafe { AtomicUsize::from_ptr(self.consumer.as_ptr().cast()) };
        read.store(self.position, Ordering::Release);
        taken == most
    }

    /// The next record, and its header; `None` while it is being written.
    fn next_record(&self) -> Option<(u32, &[u8])> {
        let at = self.position % self.size;
        // SAFETY: the position is within the records, which begin behind the
        // first page and at multiples of 8; the kernel changes headers
        // atomically, and leaves a record alone once it is not busy, until we
        // say that we have read it, which takes the ring mutably. None reaches
        // beyond the second copy: it is no longer than the ring.
        unsafe {
            let start = self.producer.as_ptr().add(page_size() + at);
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

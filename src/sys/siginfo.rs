//! siginfo_t as the kernel reads and writes it (uapi asm-generic/siginfo.h).

use std::mem::offset_of;

use libc::{c_int, c_void};

use super::deliver::{Sent, number};
use crate::signal::info::Layout;
use crate::signal::{Info, Signal};

/// The 128 bytes (SI_MAX_SIZE): three numbers, padding where pointers have 64
/// bits, then fields that the signal and the code decide on, in words of four.
#[repr(C)]
pub(super) struct Raw {
    pub(super) signo: c_int,
    pub(super) errno: c_int,
    pub(super) code: c_int,
    #[cfg(target_pointer_width = "64")]
    padding: c_int,
    fields: [u32; FIELDS],
}

const FIELDS: usize = if cfg!(target_pointer_width = "64") { 28 } else { 29 };
const _: () = assert!(size_of::<Raw>() == 128);

/// How many words a pointer, or a long, takes.
pub(super) const LONG: usize = size_of::<usize>() / 4;

impl Raw {
    /// Of a signal, or the null signal; every field is 0.
    pub(super) fn new(signal: Sent, errno: i32, code: i32) -> Raw {
        Raw {
            signo: number(signal),
            errno,
            code,
            #[cfg(target_pointer_width = "64")]
            padding: 0,
            fields: [0; FIELDS],
        }
    }

    /// The same with the fields of a sender or a timer: two words, then a value.
    pub(super) fn with(mut self, first: u32, second: u32, value: u64) -> Raw {
        (self.fields[0], self.fields[1]) = (first, second);
        self.put_long(2, value);
        self
    }

    /// The field at a word.
    pub(super) fn word(&self, at: usize) -> u32 {
        self.fields[at]
    }

    /// The long, or pointer, that begins at a word.
    pub(super) fn long(&self, at: usize) -> u64 {
        let mut bytes = [0; size_of::<usize>()];
        for (part, word) in bytes.chunks_mut(4).zip(&self.fields[at..at + LONG]) {
            part.copy_from_slice(&word.to_ne_bytes());
        }
        usize::from_ne_bytes(bytes) as u64
    }

    /// Puts a long, or what of a number fits one, where a word begins.
    pub(super) fn put_long(&mut self, at: usize, value: u64) {
        let bytes = (value as usize).to_ne_bytes();
        for (word, part) in self.fields[at..at + LONG].iter_mut().zip(bytes.chunks(4)) {
            *word = u32::from_ne_bytes([part[0], part[1], part[2], part[3]]);
        }
    }

    /// Puts a word in its place.
    pub(super) fn put_word(&mut self, at: usize, value: u32) {
        self.fields[at] = value;
    }

    /// What the kernel's memory has of one, as it lies there; what is not told
    /// is 0, and what is too much is left out.
    pub(super) fn from_bytes(bytes: &[u8]) -> Raw {
        let number = |at: usize| {
            let word = bytes.get(at..at + 4).and_then(|word| word.try_into().ok());
            u32::from_ne_bytes(word.unwrap_or_default())
        };
        let mut raw = Raw::new(None, number(4).cast_signed(), number(8).cast_signed());
        raw.signo = number(0).cast_signed();
        let fields = offset_of!(Raw, fields);
        for (at, field) in raw.fields.iter_mut().enumerate() {
            *field = number(fields + at * 4);
        }
        raw
    }

    /// What it tells, with the fields that this signal and this code have;
    /// `None` for a number that is no signal.
    pub(super) fn info(&self) -> Option<Info> {
        let signal = Signal::new(u8::try_from(self.signo).ok()?)?;
        let mut info = Info { code: self.code, errno: self.errno, ..Info::bare(signal) };
        let (word, long) = (|at| self.word(at), |at| self.long(at));
        match info.layout() {
            Layout::Sender => {
                (info.pid, info.uid, info.value, info.pointer) = (word(0), word(1), word(2) as i32, long(2));
            }
            Layout::Timer => {
                (info.timer, info.overrun, info.value, info.pointer) =
                    (word(0), word(1), word(2) as i32, long(2));
            }
            Layout::Child => {
                (info.pid, info.uid, info.status) = (word(0), word(1), word(2) as i32);
                let times = 3 + (LONG - 1);
                (info.user_ticks, info.system_ticks) = (long(times), long(times + LONG));
            }
            Layout::Fault => info.address = long(0),
            Layout::Descriptor => (info.band, info.descriptor) = (long(0) as u32, word(LONG) as i32),
            Layout::Syscall => (info.call_address, info.syscall) = (long(0), word(LONG) as i32),
        }
        Some(info)
    }

    pub(super) fn as_ptr(&self) -> *const c_void {
        (&raw const *self).cast()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_there() {
        let mut raw = Raw::new(None, 1, -1).with(7, 1000, 0x0102_0304);
        assert_eq!((raw.signo, raw.errno, raw.code), (0, 1, -1));
        assert_eq!((raw.word(0), raw.word(1), raw.long(2)), (7, 1000, 0x0102_0304));
        raw.put_long(0, 5);
        raw.put_word(LONG, 9);
        assert_eq!((raw.long(0), raw.word(LONG)), (5, 9));
    }

    fn read(signo: i32, code: i32, words: &[u32]) -> Info {
        let signal = Signal::new(u8::try_from(signo).expect("a number"));
        let mut raw = Raw::new(signal, 3, code);
        words.iter().enumerate().for_each(|(at, word)| raw.put_word(at, *word));
        raw.info().expect("a signal")
    }

    #[test]
    fn fields_are_those_of_the_kind() {
        let user = read(15, 0, &[7, 1000]);
        assert_eq!((user.pid, user.uid, user.errno), (7, 1000, 3));
        let queued = read(40, -1, &[7, 1000, u32::MAX]);
        assert_eq!((queued.pid, queued.uid, queued.value), (7, 1000, -1));
        let timer = read(40, -2, &[3, 2, 5]);
        assert_eq!((timer.timer, timer.overrun, timer.value, timer.pid), (3, 2, 5, 0));
        let child = read(17, 1, &[7, 1000, 9]);
        assert_eq!((child.pid, child.uid, child.status), (7, 1000, 9));
        let kernel = read(2, 128, &[0, 0]);
        assert_eq!((kernel.pid, kernel.code), (0, 128));
    }

    #[test]
    fn bytes_of_the_kernel_are_read_as_they_lie() {
        let sent = Raw::new(Signal::new(40), 0, -1).with(7, 1000, 9);
        let mut bytes = Vec::new();
        for word in [sent.signo, sent.errno, sent.code] {
            bytes.extend(word.to_ne_bytes());
        }
        bytes.resize(offset_of!(Raw, fields), 0);
        bytes.extend([7u32, 1000, 9].iter().flat_map(|word| word.to_ne_bytes()));
        assert_eq!(Raw::from_bytes(&bytes).info(), sent.info());
        assert_eq!(Raw::from_bytes(&[]).info(), None);
    }
}

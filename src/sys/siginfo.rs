//! siginfo_t as the kernel reads and writes it (uapi asm-generic/siginfo.h).

use libc::{c_int, c_void};

use super::deliver::{Sent, number};

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
}

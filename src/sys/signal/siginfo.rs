//! siginfo_t in the layout of the kernel (uapi asm-generic/siginfo.h).

use std::mem::offset_of;

use libc::{c_int, c_void};

use crate::signal::siginfo::{SI_MAX_SIZE, SiginfoLayout};
use crate::signal::{Siginfo, Signal};

/// A whole siginfo_t: three numbers, padding if pointers have 64 bits, then fields
/// that depend on signal and code, as words of four bytes.
#[repr(C)]
pub(in crate::sys) struct RawSiginfo {
    pub(in crate::sys) signo: c_int,
    pub(in crate::sys) errno: c_int,
    pub(in crate::sys) code: c_int,
    #[cfg(target_pointer_width = "64")]
    padding: c_int,
    field_words: [u32; FIELD_WORDS],
}

const FIELD_WORDS: usize = if cfg!(target_pointer_width = "64") { 28 } else { 29 };
const _: () = assert!(size_of::<RawSiginfo>() == SI_MAX_SIZE as usize);

/// The number of words of a pointer or a long.
pub(super) const LONG_WORDS: usize = size_of::<usize>() / 4;

/// The signal number for the kernel: 0 for the null signal.
pub(in crate::sys) fn signal_number(signal: Option<Signal>) -> c_int {
    signal.map_or(0, |signal| c_int::from(signal.get()))
}

impl RawSiginfo {
    /// A siginfo of a signal, or of the null signal, with all other fields 0.
    pub(in crate::sys) fn new(signal: Option<Signal>, errno: i32, code: i32) -> RawSiginfo {
        RawSiginfo {
            signo: signal_number(signal),
            errno,
            code,
            #[cfg(target_pointer_width = "64")]
            padding: 0,
            field_words: [0; FIELD_WORDS],
        }
    }

    /// Sets the fields of a sender or a timer: two words, then a value.
    pub(super) fn with_fields(mut self, first: u32, second: u32, value: u64) -> RawSiginfo {
        (self.field_words[0], self.field_words[1]) = (first, second);
        self.set_long(2, value);
        self
    }

    /// The word at an index.
    pub(in crate::sys) fn word(&self, index: usize) -> u32 {
        self.field_words[index]
    }

    /// The long, or pointer, whose first word is at the index.
    pub(in crate::sys) fn long(&self, index: usize) -> u64 {
        let mut bytes = [0; size_of::<usize>()];
        for (part, word) in bytes.chunks_mut(4).zip(&self.field_words[index..index + LONG_WORDS]) {
            part.copy_from_slice(&word.to_ne_bytes());
        }
        usize::from_ne_bytes(bytes) as u64
    }

    /// Sets the long whose first word is at the index, truncated to the size of a long.
    pub(super) fn set_long(&mut self, index: usize, value: u64) {
        let bytes = (value as usize).to_ne_bytes();
        for (word, part) in self.field_words[index..index + LONG_WORDS].iter_mut().zip(bytes.chunks(4)) {
            *word = u32::from_ne_bytes([part[0], part[1], part[2], part[3]]);
        }
    }

    /// Sets the word at an index.
    pub(super) fn set_word(&mut self, index: usize, value: u32) {
        self.field_words[index] = value;
    }

    /// Reads a siginfo from a copy of kernel memory. Missing bytes are 0, and excess
    /// bytes are ignored.
    pub(in crate::sys) fn from_bytes(bytes: &[u8]) -> RawSiginfo {
        let number = |offset: usize| {
            let word = bytes.get(offset..offset + 4).and_then(|word| word.try_into().ok());
            u32::from_ne_bytes(word.unwrap_or_default())
        };
        let mut raw = RawSiginfo::new(None, number(4).cast_signed(), number(8).cast_signed());
        raw.signo = number(0).cast_signed();
        let fields = offset_of!(RawSiginfo, field_words);
        for (index, word) in raw.field_words.iter_mut().enumerate() {
            *word = number(fields + index * 4);
        }
        raw
    }

    /// Decodes the fields that belong to this signal and this code. `None` if the
    /// signal number is invalid.
    pub(in crate::sys) fn to_siginfo(&self) -> Option<Siginfo> {
        let signal = Signal::new(u8::try_from(self.signo).ok()?)?;
        let mut info = Siginfo { code: self.code, errno: self.errno, ..Siginfo::from_signal(signal) };
        let (word, long) = (|index| self.word(index), |index| self.long(index));
        match info.layout() {
            SiginfoLayout::Sender => {
                (info.pid, info.uid, info.value, info.value_pointer) =
                    (word(0), word(1), word(2) as i32, long(2));
            }
            SiginfoLayout::Timer => {
                (info.timer_id, info.overrun, info.value, info.value_pointer) =
                    (word(0), word(1), word(2) as i32, long(2));
            }
            SiginfoLayout::Child => {
                (info.pid, info.uid, info.status) = (word(0), word(1), word(2) as i32);
                let times = 3 + (LONG_WORDS - 1);
                (info.user_ticks, info.system_ticks) = (long(times), long(times + LONG_WORDS));
            }
            SiginfoLayout::Fault => info.address = long(0),
            SiginfoLayout::Descriptor => {
                (info.band, info.descriptor) = (long(0) as u32, word(LONG_WORDS) as i32)
            }
            SiginfoLayout::Syscall => (info.call_address, info.syscall) = (long(0), word(LONG_WORDS) as i32),
        }
        Some(info)
    }

    pub(in crate::sys) fn as_ptr(&self) -> *const c_void {
        (&raw const *self).cast()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_and_long_return_set_fields() {
        let mut raw = RawSiginfo::new(None, 1, -1).with_fields(7, 1000, 0x0102_0304);
        assert_eq!((raw.signo, raw.errno, raw.code), (0, 1, -1));
        assert_eq!((raw.word(0), raw.word(1), raw.long(2)), (7, 1000, 0x0102_0304));
        raw.set_long(0, 5);
        raw.set_word(LONG_WORDS, 9);
        assert_eq!((raw.long(0), raw.word(LONG_WORDS)), (5, 9));
    }

    fn read(signo: i32, code: i32, words: &[u32]) -> Siginfo {
        let signal = Signal::new(u8::try_from(signo).expect("a number"));
        let mut raw = RawSiginfo::new(signal, 3, code);
        words.iter().enumerate().for_each(|(index, word)| raw.set_word(index, *word));
        raw.to_siginfo().expect("a signal")
    }

    #[test]
    fn to_siginfo_reads_fields_of_layout() {
        let user = read(15, 0, &[7, 1000]);
        assert_eq!((user.pid, user.uid, user.errno), (7, 1000, 3));
        let queued = read(40, -1, &[7, 1000, u32::MAX]);
        assert_eq!((queued.pid, queued.uid, queued.value), (7, 1000, -1));
        let timer = read(40, -2, &[3, 2, 5]);
        assert_eq!((timer.timer_id, timer.overrun, timer.value, timer.pid), (3, 2, 5, 0));
        let child = read(17, 1, &[7, 1000, 9]);
        assert_eq!((child.pid, child.uid, child.status), (7, 1000, 9));
        let kernel = read(2, 128, &[0, 0]);
        assert_eq!((kernel.pid, kernel.code), (0, 128));
    }

    #[test]
    fn from_bytes_reads_kernel_layout() {
        let sent = RawSiginfo::new(Signal::new(40), 0, -1).with_fields(7, 1000, 9);
        let mut bytes = Vec::new();
        for word in [sent.signo, sent.errno, sent.code] {
            bytes.extend(word.to_ne_bytes());
        }
        bytes.resize(offset_of!(RawSiginfo, field_words), 0);
        bytes.extend([7u32, 1000, 9].iter().flat_map(|word| word.to_ne_bytes()));
        assert_eq!(RawSiginfo::from_bytes(&bytes).to_siginfo(), sent.to_siginfo());
        assert_eq!(RawSiginfo::from_bytes(&[]).to_siginfo(), None);
    }
}

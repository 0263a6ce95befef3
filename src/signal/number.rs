//! The type for signal numbers.

use std::num::NonZeroU8;

/// A signal number.
///
/// On x86 and arm it is 1 to 64, including real-time signals (signal(7)). The numbers 65
/// to 128 exist only on mips, where `_NSIG` is 128, and in masks from such machines;
/// [`Signal::new_native`] rejects them elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(NonZeroU8);

impl Signal {
    /// The greatest signal number of all architectures (`_NSIG` of mips).
    pub const MAX: u8 = 128;

    /// The signal with this number on any architecture; `None` for 0 and for numbers
    /// above [`Signal::MAX`].
    pub const fn new(number: u8) -> Option<Signal> {
        match NonZeroU8::new(number) {
            Some(value) if number <= Signal::MAX => Some(Signal(value)),
            _ => None,
        }
    }

    /// The signal with this number on the architecture for which sigtool was built.
    pub const fn new_native(number: u8) -> Option<Signal> {
        if number > super::Arch::NATIVE.max_signal_number() {
            return None;
        }
        Signal::new(number)
    }

    /// Parses a number in digits, for the architecture for which sigtool was built.
    /// Returns `Some(None)` for the null signal 0, and `None` if the text is not the number
    /// of a signal.
    pub fn from_digits(text: &str) -> Option<Option<Signal>> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        match text.parse().ok()? {
            0 => Some(None),
            number => Signal::new_native(number).map(Some),
        }
    }

    /// The number, 1 to 128.
    pub const fn get(self) -> u8 {
        self.0.get()
    }

    /// Whether the signal is a real-time signal for the kernel: 32 and above. The C
    /// library reserves the first two (nptl(7)).
    pub const fn is_realtime(self) -> bool {
        self.get() >= KERNEL_RTMIN
    }

    /// Whether the C library reserves this signal: 32 and 33 in glibc (nptl(7): thread
    /// cancellation and the set*id calls).
    pub const fn is_reserved_by_libc(self) -> bool {
        self.get() >= KERNEL_RTMIN && self.get() < RTMIN
    }
}

/// SIGRTMIN of the kernel (uapi asm-generic/signal.h).
pub const KERNEL_RTMIN: u8 = 32;
/// SIGRTMIN of glibc: the value of `RTMIN` in names.
pub const RTMIN: u8 = 34;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_rejects_numbers_out_of_range() {
        assert_eq!(Signal::new(0), None);
        assert_eq!(Signal::new(129), None);
        assert_eq!(Signal::new(255), None);
        assert_eq!(Signal::new(128).map(Signal::get), Some(128));
    }

    #[cfg(not(any(target_arch = "mips", target_arch = "mips64")))]
    #[test]
    fn new_native_rejects_65() {
        assert_eq!(Signal::new_native(64).map(Signal::get), Some(64));
        assert_eq!(Signal::new_native(65), None);
        assert_eq!(Signal::new_native(0), None);
    }

    #[test]
    fn from_digits_accepts_only_digits() {
        let read = |text: &str| Signal::from_digits(text).map(|signal| signal.map_or(0, Signal::get));
        assert_eq!((read("0"), read("15"), read("064")), (Some(0), Some(15), Some(64)));
        for text in ["", "+9", "-9", " 9", "9 ", "0x9", "TERM", "300", "99999999999999999999"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn libc_reserves_32_and_33() {
        let reserved: Vec<u8> = (1..=64)
            .filter_map(Signal::new)
            .filter(|signal| signal.is_reserved_by_libc())
            .map(Signal::get)
            .collect();
        assert_eq!(reserved, [32, 33]);
    }
}

//! The number of a signal, as a type of its own.

use std::num::NonZeroU8;

/// A signal number.
///
/// On the architecture sigtool runs on it is 1 to 64, real-time signals
/// included (signal(7)). Numbers 65 to 128 exist only in masks that come from
/// a mips machine, whose `_NSIG` is 128; [`Signal::new_native`] refuses them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(NonZeroU8);

impl Signal {
    /// The greatest number any architecture has (mips, `_NSIG`).
    pub const MAX: u8 = 128;

    /// The signal of this number on any architecture; `None` for 0 and for
    /// what is above [`Signal::MAX`].
    pub const fn new(number: u8) -> Option<Signal> {
        match NonZeroU8::new(number) {
            Some(value) if number <= Signal::MAX => Some(Signal(value)),
            _ => None,
        }
    }

    /// The signal of this number on the architecture sigtool runs on.
    pub const fn new_native(number: u8) -> Option<Signal> {
        if number > super::Arch::NATIVE.max_signal_number() {
            return None;
        }
        Signal::new(number)
    }

    /// The signal of this number in digits, on the architecture sigtool runs on.
    /// 0 is the null signal, `None` within; `None` without is no signal's number.
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

    /// Whether the signal is a real-time one for the kernel: 32 and above.
    /// The first two are kept by the C library for itself (nptl(7)).
    pub const fn is_realtime(self) -> bool {
        self.get() >= KERNEL_RTMIN
    }

    /// Whether the C library keeps this signal for itself: 32 and 33 in glibc
    /// (nptl(7): thread cancellation and the set*id calls).
    pub const fn is_reserved_by_libc(self) -> bool {
        self.get() >= KERNEL_RTMIN && self.get() < RTMIN
    }
}

/// The kernel's SIGRTMIN (uapi asm-generic/signal.h).
pub const KERNEL_RTMIN: u8 = 32;
/// glibc's SIGRTMIN: what `RTMIN` means in every name sigtool reads or prints.
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
        let own: Vec<u8> = (1..=64)
            .filter_map(Signal::new)
            .filter(|signal| signal.is_reserved_by_libc())
            .map(Signal::get)
            .collect();
        assert_eq!(own, [32, 33]);
    }
}

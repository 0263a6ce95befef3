//! Signal masks as hexadecimal text.

use std::fmt;

use super::{Arch, SignalSet};

/// The number of hexadecimal digits that the kernel prints for a mask. It differs only
/// on mips, which has 128 signals.
pub const fn hex_digits(arch: Arch) -> usize {
    arch.max_signal_number() as usize / 4
}

/// The mask of a set in the format of /proc/PID/status: 16 digits, 32 on mips, without
/// 0x.
pub fn format_hex(set: SignalSet, arch: Arch) -> String {
    format!("{:0width$x}", set.bits(), width = hex_digits(arch))
}

/// The reason why a text is not a mask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseMaskError {
    /// It is empty.
    Empty,
    /// A byte is not a hexadecimal digit.
    InvalidDigit(u8),
    /// The number of digits exceeds that of the widest mask (32).
    TooLong(usize),
    /// The number of digits is not 16 or 32, as in every mask of the kernel.
    WrongLength(usize),
}

impl fmt::Display for ParseMaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParseMaskError::Empty => write!(f, "no hexadecimal digits"),
            ParseMaskError::InvalidDigit(byte) => {
                write!(f, "'{}' is no hexadecimal digit", byte.escape_ascii())
            }
            ParseMaskError::TooLong(count) => {
                write!(f, "{count} hexadecimal digits, but a mask has at most 32")
            }
            ParseMaskError::WrongLength(count) => {
                write!(f, "{count} hexadecimal digits where the kernel prints 16 (32 on mips): cut short?")
            }
        }
    }
}

impl std::error::Error for ParseMaskError {}

/// Parses a mask of 1 to 32 digits without 0x, as people type it. A mask of more than 16
/// digits belongs to mips, a shorter one to `short_arch`.
///
/// # Errors
/// The reason why the text is not a mask.
pub fn parse(text: &[u8], short_arch: Arch) -> Result<(SignalSet, Arch), ParseMaskError> {
    if text.is_empty() {
        return Err(ParseMaskError::Empty);
    }
    let mut bits: u128 = 0;
    for byte in text {
        let digit = char::from(*byte).to_digit(16).ok_or(ParseMaskError::InvalidDigit(*byte))?;
        bits = bits << 4 | u128::from(digit);
    }
    match text.len() {
        0..=16 => Ok((SignalSet::from_bits(bits), short_arch)),
        17..=32 => Ok((SignalSet::from_bits(bits), Arch::Mips)),
        count => Err(ParseMaskError::TooLong(count)),
    }
}

/// Parses a mask in the format of the kernel: exactly 16 digits, or 32 on mips.
///
/// # Errors
/// The reason why the text is not a mask. With another number of digits it was probably
/// cut off.
pub fn parse_full_width(text: &[u8]) -> Result<(SignalSet, Arch), ParseMaskError> {
    let mask = parse(text, Arch::NATIVE)?;
    match text.len() {
        16 | 32 => Ok(mask),
        count => Err(ParseMaskError::WrongLength(count)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parse_full_width_accepts_kernel_masks() {
        let read = |text: &str| parse_full_width(text.as_bytes()).map(|(set, arch)| (set.bits(), arch));
        assert_eq!(read("0000000000004002"), Ok((0x4002, Arch::NATIVE)));
        assert_eq!(read("FFFFFFFFFFFFFFFF"), Ok((u64::MAX.into(), Arch::NATIVE)));
        assert_eq!(read("80000000000000000000000000000001"), Ok((1 << 127 | 1, Arch::Mips)));
        assert_eq!(read("00000000000040"), Err(ParseMaskError::WrongLength(14)));
        assert_eq!(read(""), Err(ParseMaskError::Empty));
        assert_eq!(read("0x00000000004002"), Err(ParseMaskError::InvalidDigit(b'x')));
        assert_eq!(read(&"0".repeat(33)), Err(ParseMaskError::TooLong(33)));
    }

    #[test]
    fn parse_accepts_short_masks() {
        let read = |text: &str| parse(text.as_bytes(), Arch::Common).map(|(set, arch)| (set.bits(), arch));
        assert_eq!(read("4002"), Ok((0x4002, Arch::Common)));
        assert_eq!(read("10000000000000000"), Ok((1 << 64, Arch::Mips)));
        assert_eq!(read("zz"), Err(ParseMaskError::InvalidDigit(b'z')));
    }

    proptest! {
        #[test]
        fn parse_reverses_format(bits: u128, arch_index in 0usize..5) {
            let arch = Arch::ALL[arch_index];
            let set = SignalSet::from_bits(bits) & SignalSet::all(arch);
            let (read, _) = parse_full_width(format_hex(set, arch).as_bytes()).unwrap();
            prop_assert_eq!(read, set);
        }

        #[test]
        fn parse_never_panics(text: Vec<u8>) {
            let _ = parse(&text, Arch::Common);
            let _ = parse_full_width(&text);
        }
    }
}

//! The operands of `list`: text to meaning.

use std::fmt;

use super::Operand;
use crate::signal::exit::Status;
use crate::signal::mask::{self, ParseMaskError};
use crate::signal::{Arch, ParseNameError, name};

/// Why an operand means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum OperandError {
    /// It is no name.
    Name(ParseNameError),
    /// It is a number, but no signal's, and no exit status of one.
    Number { text: String, arch: Arch, nearest: String },
    /// It begins with 0x, but what follows is no mask.
    Mask { text: String, cause: ParseMaskError },
    /// A mask holds signals that the architecture does not have.
    Wide { text: String, arch: Arch },
}

impl fmt::Display for OperandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OperandError::Name(error) => error.fmt(f),
            OperandError::Number { text, arch, nearest } => {
                let last = u32::from(arch.last());
                write!(
                    f,
                    "{text}: not a signal number (1 to {last}; the nearest is {nearest}), nor an exit status \
                     that tells of a signal (129 to {}, 257 to {}, -1 to -{last})",
                    128 + last,
                    256 + last,
                )
            }
            OperandError::Mask { text, cause } => write!(f, "{text}: not a mask: {cause}"),
            OperandError::Wide { text, arch } => {
                write!(f, "{text}: not a mask of {arch}, which has {} signals", arch.last())
            }
        }
    }
}

/// Reads one operand; gives it back beside its meaning.
pub(super) fn parse(text: &str, arch: Arch) -> Result<(String, Operand), OperandError> {
    Ok((text.to_owned(), meaning(text, arch)?))
}

fn meaning(text: &str, arch: Arch) -> Result<Operand, OperandError> {
    let unprefixed = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    if let Some(digits) = unprefixed {
        let (set, of) = mask::parse(digits.as_bytes(), arch)
            .map_err(|cause| OperandError::Mask { text: text.to_owned(), cause })?;
        if of != arch && arch != Arch::NATIVE {
            return Err(OperandError::Wide { text: text.to_owned(), arch });
        }
        return Ok(Operand::Mask(set, of));
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return name::parse(text, arch).map(Operand::Name).map_err(OperandError::Name);
    }
    // A number too long for i64 is like any other that fits nothing.
    let number: i64 = text.parse().unwrap_or(if text.starts_with('-') { i64::MIN } else { i64::MAX });
    if number == 0 {
        return Ok(Operand::Null);
    }
    if let Some(signal) = u8::try_from(number).ok().and_then(|number| arch.signal(number)) {
        return Ok(Operand::Number(signal));
    }
    if let Some(status) = Status::decode(number, arch) {
        return Ok(Operand::Status(status));
    }
    // The greatest signal number is nearest to all that is no signal: 0 and
    // below have been dealt with, or are far below every exit status.
    let nearest = if number > 0 { arch.signals().last() } else { arch.signals().next() };
    let nearest = nearest.map(|signal| format!("{}, {}", arch.name(signal), signal.get()));
    Err(OperandError::Number { text: text.to_owned(), arch, nearest: nearest.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> String {
        match meaning(text, Arch::Common) {
            Ok(Operand::Name(signal)) => format!("name {}", signal.get()),
            Ok(Operand::Number(signal)) => format!("number {}", signal.get()),
            Ok(Operand::Null) => "null".to_owned(),
            Ok(Operand::Status(status)) => format!("status {:?} {}", status.form, status.signal.get()),
            Ok(Operand::Mask(set, arch)) => format!("mask {:x} {arch}", set.bits()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn operands_of_every_kind_are_read() {
        for (text, expected) in [
            ("15", "number 15"),
            ("TERM", "name 15"),
            ("sigterm", "name 15"),
            ("143", "status Plus128 15"),
            ("271", "status Plus256 15"),
            ("-15", "status Negative 15"),
            ("0x4002", "mask 4002 x86/arm"),
            ("0X4002", "mask 4002 x86/arm"),
            ("0x00000000000000010000000000000000", "mask 10000000000000000 mips"),
            ("RTMIN+3", "name 37"),
            ("RTMAX-1", "name 63"),
            ("CLD", "name 17"),
            ("34", "number 34"),
            ("64", "number 64"),
            ("0", "null"),
            ("007", "number 7"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_means_nothing_is_named_with_the_nearest() {
        for (text, part) in [
            ("65", "65: not a signal number (1 to 64; the nearest is RTMAX, 64)"),
            ("FOO", "FOO: unknown signal; the nearest name is"),
            ("TREM", "TREM: unknown signal; the nearest name is TERM"),
            ("0xzz", "0xzz: not a mask: 'z' is no hexadecimal digit"),
            ("0x", "0x: not a mask: no hexadecimal digits"),
            ("", ": unknown signal"),
            ("-", "-: unknown signal"),
            ("1.5", "1.5: unknown signal"),
            ("+15", "+15: unknown signal"),
            (" 15", " 15: unknown signal"),
            ("99999999999999999999", "99999999999999999999: not a signal number"),
            ("-65", "-65: not a signal number (1 to 64; the nearest is HUP, 1)"),
        ] {
            let error = read(text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".*") {
            let _ = meaning(&text, Arch::Common);
        }
    }
}

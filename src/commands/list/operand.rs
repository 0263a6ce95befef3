//! The parser for the operands of `list`.

use std::fmt;

use super::ListOperand;
use crate::signal::exit_status::SignalExitStatus;
use crate::signal::hex_mask::{self, ParseMaskError};
use crate::signal::{Arch, ParseSignalNameError, name};

/// The reason that an operand is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ParseOperandError {
    /// Not a signal name.
    Name(ParseSignalNameError),
    /// A number that is neither a signal nor an exit status that encodes one.
    Number { text: String, arch: Arch, nearest: String },
    /// Text that starts with 0x but is not a mask.
    Mask { text: String, cause: ParseMaskError },
    /// A mask with signals that the architecture does not have.
    TooWide { text: String, arch: Arch },
}

impl fmt::Display for ParseOperandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParseOperandError::Name(error) => error.fmt(f),
            ParseOperandError::Number { text, arch, nearest } => {
                let last = u32::from(arch.max_signal_number());
                write!(
                    f,
                    "{text}: neither a signal number (1 to {last}; the nearest is {nearest}) nor an exit status \
                     caused by a signal (129 to {}, 257 to {}, -1 to -{last})",
                    128 + last,
                    256 + last,
                )
            }
            ParseOperandError::Mask { text, cause } => write!(f, "{text}: invalid mask ({cause})"),
            ParseOperandError::TooWide { text, arch } => {
                write!(f, "{text}: invalid mask ({arch} has only {} signals)", arch.max_signal_number())
            }
        }
    }
}

/// Parses an operand. Returns its text and its meaning.
pub(super) fn parse(text: &str, arch: Arch) -> Result<(String, ListOperand), ParseOperandError> {
    Ok((text.to_owned(), classify(text, arch)?))
}

fn classify(text: &str, arch: Arch) -> Result<ListOperand, ParseOperandError> {
    let unprefixed = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    if let Some(digits) = unprefixed {
        let (set, mask_arch) = hex_mask::parse(digits.as_bytes(), arch)
            .map_err(|cause| ParseOperandError::Mask { text: text.to_owned(), cause })?;
        if mask_arch != arch && arch != Arch::NATIVE {
            return Err(ParseOperandError::TooWide { text: text.to_owned(), arch });
        }
        return Ok(ListOperand::Mask(set, mask_arch));
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return name::parse(text, arch).map(ListOperand::Name).map_err(ParseOperandError::Name);
    }
    // A number too large for i64 is saturated; it is invalid in any case.
    let number: i64 = text.parse().unwrap_or(if text.starts_with('-') { i64::MIN } else { i64::MAX });
    if number == 0 {
        return Ok(ListOperand::NullSignal);
    }
    if let Some(signal) = u8::try_from(number).ok().and_then(|number| arch.signal(number)) {
        return Ok(ListOperand::Number(signal));
    }
    if let Some(status) = SignalExitStatus::decode(number, arch) {
        return Ok(ListOperand::ExitStatus(status));
    }
    // A positive number here is above all signal numbers, and a negative one is
    // below all exit statuses.
    let nearest = if number > 0 { arch.signals().last() } else { arch.signals().next() };
    let nearest = nearest.map(|signal| format!("{}, {}", arch.signal_name(signal), signal.get()));
    Err(ParseOperandError::Number { text: text.to_owned(), arch, nearest: nearest.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn classify_to_text(text: &str) -> String {
        match classify(text, Arch::Common) {
            Ok(ListOperand::Name(signal)) => format!("name {}", signal.get()),
            Ok(ListOperand::Number(signal)) => format!("number {}", signal.get()),
            Ok(ListOperand::NullSignal) => "null".to_owned(),
            Ok(ListOperand::ExitStatus(status)) => {
                format!("status {:?} {}", status.encoding, status.signal.get())
            }
            Ok(ListOperand::Mask(set, arch)) => format!("mask {:x} {arch}", set.bits()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn parses_every_operand_kind() {
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
            assert_eq!(classify_to_text(text), expected, "{text}");
        }
    }

    #[test]
    fn rejects_unknown_operand_and_suggests_nearest() {
        for (text, part) in [
            ("65", "65: neither a signal number (1 to 64; the nearest is RTMAX, 64)"),
            ("FOO", "FOO: unknown signal (the nearest name is"),
            ("TREM", "TREM: unknown signal (the nearest name is TERM"),
            ("0xzz", "0xzz: invalid mask ('z' is not a hexadecimal digit)"),
            ("0x", "0x: invalid mask (no hexadecimal digits)"),
            ("", "'': unknown signal"),
            ("-", "-: unknown signal"),
            ("1.5", "1.5: unknown signal"),
            ("+15", "+15: unknown signal"),
            (" 15", " 15: unknown signal"),
            ("99999999999999999999", "99999999999999999999: neither a signal number"),
            ("-65", "-65: neither a signal number (1 to 64; the nearest is HUP, 1)"),
        ] {
            let error = classify_to_text(text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn classify_never_panics(text in ".*") {
            let _ = classify(&text, Arch::Common);
        }
    }
}

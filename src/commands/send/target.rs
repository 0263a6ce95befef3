//! The target of a signal, and its parser.

use std::fmt;

use crate::procfs::PID_MAX_LIMIT;

/// The target of a signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendTarget {
    /// A process.
    Process(u32),
    /// A process whose pidfd has this inode.
    PidInode(u32, u64),
    /// One thread of a process.
    Thread(u32, u32),
    /// Every process of a group.
    Group(u32),
    /// Every process of sigtool's own group.
    OwnGroup,
    /// Every process that sigtool may signal (-1).
    Broadcast,
    /// Every process of this name; only kill(1) accepts it.
    Name(Vec<u8>),
}

/// The reason that a text is not a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseTargetError {
    /// The text has none of the forms of a target.
    Syntax,
    /// A PID is out of range.
    OutOfRange,
}

impl fmt::Display for ParseTargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParseTargetError::Syntax => {
                f.write_str("invalid target (expected PID, -PGID, 0, PID/TID or PID:INODE)")
            }
            ParseTargetError::OutOfRange => write!(f, "invalid PID (expected 1 to {PID_MAX_LIMIT})"),
        }
    }
}

impl SendTarget {
    /// Parses `PID`, `-PGID`, `0`, `-1`, `PID/TID` and `PID:INODE`. PIDs consist of
    /// digits only: no sign, no whitespace.
    ///
    /// # Errors
    /// See [`ParseTargetError`].
    pub fn parse(text: &[u8]) -> Result<SendTarget, ParseTargetError> {
        if let Some(group) = text.strip_prefix(b"-") {
            return match parse_id(group)? {
                // -01 is rejected because it could be meant as a group.
                1 if group == b"1" => Ok(SendTarget::Broadcast),
                1 => Err(ParseTargetError::OutOfRange),
                group => Ok(SendTarget::Group(group)),
            };
        }
        if let Some(slash) = text.iter().position(|byte| *byte == b'/') {
            return Ok(SendTarget::Thread(parse_id(&text[..slash])?, parse_id(&text[slash + 1..])?));
        }
        if let Some(colon) = text.iter().position(|byte| *byte == b':') {
            return Ok(SendTarget::PidInode(
                parse_id(&text[..colon])?,
                parse_digits(&text[colon + 1..])?.ok_or(ParseTargetError::Syntax)?,
            ));
        }
        if text == b"0" {
            return Ok(SendTarget::OwnGroup);
        }
        parse_id(text).map(SendTarget::Process)
    }
}

fn parse_id(digits: &[u8]) -> Result<u32, ParseTargetError> {
    match parse_digits(digits)?.and_then(|number| u32::try_from(number).ok()) {
        Some(id @ 1..=PID_MAX_LIMIT) => Ok(id),
        _ => Err(ParseTargetError::OutOfRange),
    }
}

/// Parses digits. `None` if the number does not fit.
fn parse_digits(digits: &[u8]) -> Result<Option<u64>, ParseTargetError> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(ParseTargetError::Syntax);
    }
    Ok(std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parses_every_target_form() {
        for (text, target) in [
            ("100", SendTarget::Process(100)),
            ("4194304", SendTarget::Process(4_194_304)),
            ("1", SendTarget::Process(1)),
            ("100/101", SendTarget::Thread(100, 101)),
            ("100:4294967999", SendTarget::PidInode(100, 4_294_967_999)),
            ("-1234", SendTarget::Group(1234)),
            ("-12", SendTarget::Group(12)),
            ("0", SendTarget::OwnGroup),
            ("-1", SendTarget::Broadcast),
        ] {
            assert_eq!(SendTarget::parse(text.as_bytes()), Ok(target), "{text}");
        }
    }

    #[test]
    fn rejects_text_of_other_forms() {
        for (text, error) in [
            ("", ParseTargetError::Syntax),
            ("-", ParseTargetError::Syntax),
            (" 12", ParseTargetError::Syntax),
            ("12 ", ParseTargetError::Syntax),
            ("+12", ParseTargetError::Syntax),
            ("12abc", ParseTargetError::Syntax),
            ("0x10", ParseTargetError::Syntax),
            ("1e3", ParseTargetError::Syntax),
            ("nginx", ParseTargetError::Syntax),
            ("100/", ParseTargetError::Syntax),
            ("/100", ParseTargetError::Syntax),
            ("100:", ParseTargetError::Syntax),
            ("--5", ParseTargetError::Syntax),
            ("4294967297", ParseTargetError::OutOfRange),
            ("99999999999999999999", ParseTargetError::OutOfRange),
            ("-4294967297", ParseTargetError::OutOfRange),
            ("-0", ParseTargetError::OutOfRange),
            ("-01", ParseTargetError::OutOfRange),
            ("00", ParseTargetError::OutOfRange),
            ("100/0", ParseTargetError::OutOfRange),
            ("4194305", ParseTargetError::OutOfRange),
        ] {
            assert_eq!(SendTarget::parse(text.as_bytes()), Err(error), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn parses_process_only_from_plain_digits(text: Vec<u8>) {
            if let Ok(SendTarget::Process(pid)) = SendTarget::parse(&text) {
                prop_assert!(text.iter().all(u8::is_ascii_digit));
                let digits = String::from_utf8(text).unwrap();
                prop_assert_eq!(digits.trim_start_matches('0'), pid.to_string());
            }
        }
    }
}

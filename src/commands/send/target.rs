//! Whom a signal is for: text to target.

use std::fmt;

use crate::procfs::PID_MAX_LIMIT;

/// Whom a signal is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendTarget {
    /// A process.
    Process(u32),
    /// A process whose pidfd has this inode: the number alone does not do.
    PidInode(u32, u64),
    /// One thread of a process.
    Thread(u32, u32),
    /// Every process of a group.
    Group(u32),
    /// Every process of sigtool's own group.
    OwnGroup,
    /// Everybody who may be signalled.
    Broadcast,
    /// Every process of this name (kill(1) alone knows it).
    Name(Vec<u8>),
}

/// Why a text is no target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseTargetError {
    /// It has no form of a target.
    Syntax,
    /// A number outside the range of process ids.
    OutOfRange,
}

impl fmt::Display for ParseTargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParseTargetError::Syntax => {
                f.write_str("not a target: PID, -PGID, 0, PID/TID or PID:INODE is expected")
            }
            ParseTargetError::OutOfRange => write!(f, "not a process id: they go from 1 to {PID_MAX_LIMIT}"),
        }
    }
}

impl SendTarget {
    /// Reads `PID`, `-PGID`, `0`, `-1`, `PID/TID` and `PID:INODE`: digits and
    /// nothing else, so that no other text ever becomes a number.
    ///
    /// # Errors
    /// See [`ParseTargetError`].
    pub fn parse(text: &[u8]) -> Result<SendTarget, ParseTargetError> {
        if let Some(group) = text.strip_prefix(b"-") {
            return match parse_id(group)? {
                // Everybody is meant by this one spelling.
                1 if group == b"1" => Ok(SendTarget::Broadcast),
                1 => Err(ParseTargetError::OutOfRange),
                group => Ok(SendTarget::Group(group)),
            };
        }
        if let Some(at) = text.iter().position(|byte| *byte == b'/') {
            return Ok(SendTarget::Thread(parse_id(&text[..at])?, parse_id(&text[at + 1..])?));
        }
        if let Some(at) = text.iter().position(|byte| *byte == b':') {
            return Ok(SendTarget::PidInode(
                parse_id(&text[..at])?,
                parse_digits(&text[at + 1..])?.ok_or(ParseTargetError::Syntax)?,
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

/// The number that digits stand for; `None` where it is too large.
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
        /// A process is only ever meant by its own digits.
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

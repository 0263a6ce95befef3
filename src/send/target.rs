//! Whom a signal is for: text to target.

use std::fmt;

use crate::proc::PID_MAX;

/// Whom a signal is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A process.
    Process(u32),
    /// A process whose pidfd has this inode: the number alone does not do.
    Inode(u32, u64),
    /// One thread of a process.
    Thread(u32, u32),
    /// Every process of a group.
    Group(u32),
    /// Every process of sigtool's own group.
    OwnGroup,
    /// Everybody who may be signalled.
    All,
    /// Every process of this name (kill(1) alone knows it).
    Name(Vec<u8>),
}

/// Why a text is no target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetError {
    /// It has no form of a target.
    Form,
    /// A number outside the range of process ids.
    Range,
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TargetError::Form => f.write_str("not a target: PID, -PGID, 0, PID/TID or PID:INODE is expected"),
            TargetError::Range => write!(f, "not a process id: they go from 1 to {PID_MAX}"),
        }
    }
}

impl Target {
    /// Reads `PID`, `-PGID`, `0`, `-1`, `PID/TID` and `PID:INODE`: digits and
    /// nothing else, so that no other text ever becomes a number.
    ///
    /// # Errors
    /// See [`TargetError`].
    pub fn parse(text: &[u8]) -> Result<Target, TargetError> {
        if let Some(group) = text.strip_prefix(b"-") {
            return match id(group)? {
                // Everybody is meant by this one spelling.
                1 if group == b"1" => Ok(Target::All),
                1 => Err(TargetError::Range),
                group => Ok(Target::Group(group)),
            };
        }
        if let Some(at) = text.iter().position(|byte| *byte == b'/') {
            return Ok(Target::Thread(id(&text[..at])?, id(&text[at + 1..])?));
        }
        if let Some(at) = text.iter().position(|byte| *byte == b':') {
            return Ok(Target::Inode(id(&text[..at])?, number(&text[at + 1..])?.ok_or(TargetError::Form)?));
        }
        if text == b"0" {
            return Ok(Target::OwnGroup);
        }
        id(text).map(Target::Process)
    }
}

fn id(digits: &[u8]) -> Result<u32, TargetError> {
    match number(digits)?.and_then(|number| u32::try_from(number).ok()) {
        Some(id @ 1..=PID_MAX) => Ok(id),
        _ => Err(TargetError::Range),
    }
}

/// The number that digits stand for; `None` where it is too large.
fn number(digits: &[u8]) -> Result<Option<u64>, TargetError> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(TargetError::Form);
    }
    Ok(std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn targets_of_every_form_are_read() {
        for (text, target) in [
            ("100", Target::Process(100)),
            ("4194304", Target::Process(4_194_304)),
            ("1", Target::Process(1)),
            ("100/101", Target::Thread(100, 101)),
            ("100:4294967999", Target::Inode(100, 4_294_967_999)),
            ("-1234", Target::Group(1234)),
            ("-12", Target::Group(12)),
            ("0", Target::OwnGroup),
            ("-1", Target::All),
        ] {
            assert_eq!(Target::parse(text.as_bytes()), Ok(target), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_a_target() {
        for (text, error) in [
            ("", TargetError::Form),
            ("-", TargetError::Form),
            (" 12", TargetError::Form),
            ("12 ", TargetError::Form),
            ("+12", TargetError::Form),
            ("12abc", TargetError::Form),
            ("0x10", TargetError::Form),
            ("1e3", TargetError::Form),
            ("nginx", TargetError::Form),
            ("100/", TargetError::Form),
            ("/100", TargetError::Form),
            ("100:", TargetError::Form),
            ("--5", TargetError::Form),
            ("4294967297", TargetError::Range),
            ("99999999999999999999", TargetError::Range),
            ("-4294967297", TargetError::Range),
            ("-0", TargetError::Range),
            ("-01", TargetError::Range),
            ("00", TargetError::Range),
            ("100/0", TargetError::Range),
            ("4194305", TargetError::Range),
        ] {
            assert_eq!(Target::parse(text.as_bytes()), Err(error), "{text:?}");
        }
    }

    proptest! {
        /// A process is only ever meant by its own digits.
        #[test]
        fn only_its_digits_mean_a_process(text: Vec<u8>) {
            if let Ok(Target::Process(pid)) = Target::parse(&text) {
                prop_assert!(text.iter().all(u8::is_ascii_digit));
                let digits = String::from_utf8(text).unwrap();
                prop_assert_eq!(digits.trim_start_matches('0'), pid.to_string());
            }
        }
    }
}

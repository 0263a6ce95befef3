//! Exit statuses that tell of a signal.
//!
//! A shell reports a process that a signal ended as 128+N (POSIX 2.8.2), ksh
//! as 256+N, Python and others as -N. A stopped job is reported the same way.

use super::table::{DefaultAction, REALTIME_DEFAULT_ACTION};
use super::{Arch, Signal};

/// How a status encodes the signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusEncoding {
    /// 128+N.
    Plus128,
    /// 256+N.
    Plus256,
    /// -N.
    Negative,
}

impl StatusEncoding {
    /// How it is written: `128+N`, `256+N`, `-N`.
    pub const fn notation(self) -> &'static str {
        match self {
            StatusEncoding::Plus128 => "128+N",
            StatusEncoding::Plus256 => "256+N",
            StatusEncoding::Negative => "-N",
        }
    }

    /// Who writes it so.
    pub const fn used_by(self) -> &'static str {
        match self {
            StatusEncoding::Plus128 => "a shell",
            StatusEncoding::Plus256 => "ksh",
            StatusEncoding::Negative => "Python",
        }
    }
}

/// A status that tells of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalExitStatus {
    /// The signal.
    pub signal: Signal,
    /// How it was encoded.
    pub encoding: StatusEncoding,
}

impl SignalExitStatus {
    /// Reads 128+N, 256+N or -N; `None` for every other number.
    pub fn decode(status: i64, arch: Arch) -> Option<SignalExitStatus> {
        let last = i64::from(arch.max_signal_number());
        let (number, form) = match status {
            _ if (-last..0).contains(&status) => (-status, StatusEncoding::Negative),
            _ if (129..=128 + last).contains(&status) => (status - 128, StatusEncoding::Plus128),
            _ if (257..=256 + last).contains(&status) => (status - 256, StatusEncoding::Plus256),
            _ => return None,
        };
        let signal = arch.signal(u8::try_from(number).ok()?)?;
        Some(SignalExitStatus { signal, encoding: form })
    }

    /// The number that encodes this, as [`SignalExitStatus::decode`] reads it.
    pub const fn encode(self) -> i64 {
        let number = self.signal.get() as i64;
        match self.encoding {
            StatusEncoding::Plus128 => 128 + number,
            StatusEncoding::Plus256 => 256 + number,
            StatusEncoding::Negative => -number,
        }
    }

    /// What such a status tells of, by the signal's default action.
    pub fn meaning(self, arch: Arch) -> StatusMeaning {
        match arch.standard_signal(self.signal).map_or(REALTIME_DEFAULT_ACTION, |facts| facts.action) {
            DefaultAction::Term | DefaultAction::Core => StatusMeaning::Terminated,
            DefaultAction::Stop => StatusMeaning::Stopped,
            DefaultAction::Cont | DefaultAction::Ign => StatusMeaning::Neither,
        }
    }
}

/// What a status that tells of a signal tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusMeaning {
    /// The signal ended the process.
    Terminated,
    /// It stopped the process.
    Stopped,
    /// It does neither by default: the number means something else.
    Neither,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Termination {
    /// By itself, with this status.
    Exited(u8),
    /// By a signal.
    Killed {
        /// The signal.
        signal: Signal,
        /// Whether a core was dumped.
        core_dumped: bool,
    },
}

impl Termination {
    /// Reads a wait status as wait(2) gives it; `None` where it tells of no end.
    pub fn from_wait_status(status: i32) -> Option<Termination> {
        match status & 0x7f {
            0 => Some(Termination::Exited((status >> 8 & 0xff) as u8)),
            // Stopped or continued.
            0x7f => None,
            number => {
                let signal = Signal::new(number as u8)?;
                Some(Termination::Killed { signal, core_dumped: status & 0x80 != 0 })
            }
        }
    }
}

/// `exited with status 3`, `killed by SEGV, core dumped`.
impl std::fmt::Display for Termination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Termination::Exited(status) => write!(f, "exited with status {status}"),
            Termination::Killed { signal, core_dumped: core } => {
                let core = if *core { ", core dumped" } else { "" };
                write!(f, "killed by {}{core}", Arch::NATIVE.signal_name(*signal))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(status: i64) -> Option<(u8, StatusEncoding)> {
        SignalExitStatus::decode(status, Arch::Common).map(|status| (status.signal.get(), status.encoding))
    }

    #[test]
    fn decode_accepts_three_encodings() {
        assert_eq!(decode(143), Some((15, StatusEncoding::Plus128)));
        assert_eq!(decode(271), Some((15, StatusEncoding::Plus256)));
        assert_eq!(decode(-15), Some((15, StatusEncoding::Negative)));
        assert_eq!(decode(192), Some((64, StatusEncoding::Plus128)));
        for none in [0, 1, 64, 65, 127, 128, 193, 255, 256, 321, -65, i64::MIN, i64::MAX] {
            assert_eq!(decode(none), None, "{none}");
        }
    }

    #[test]
    fn meaning_distinguishes_stop_from_termination() {
        let event = |status| {
            SignalExitStatus::decode(status, Arch::Common).map(|status| status.meaning(Arch::Common))
        };
        assert_eq!(event(128 + 19), Some(StatusMeaning::Stopped));
        assert_eq!(event(128 + 20), Some(StatusMeaning::Stopped));
        assert_eq!(event(128 + 15), Some(StatusMeaning::Terminated));
        assert_eq!(event(128 + 34), Some(StatusMeaning::Terminated));
        assert_eq!(event(128 + 17), Some(StatusMeaning::Neither));
        assert_eq!(event(-18), Some(StatusMeaning::Neither));
    }

    #[test]
    fn from_wait_status_reports_termination() {
        let text = |status| Termination::from_wait_status(status).map(|ending| ending.to_string());
        assert_eq!(text(0).as_deref(), Some("exited with status 0"));
        assert_eq!(text(3 << 8).as_deref(), Some("exited with status 3"));
        assert_eq!(text(15).as_deref(), Some("killed by TERM"));
        assert_eq!(text(0x80 | 11).as_deref(), Some("killed by SEGV, core dumped"));
        assert_eq!((text(0x137f), text(0xffff)), (None, None));
    }

    proptest! {
        #[test]
        fn encode_reverses_decode(status in -200i64..500, which in 0usize..5) {
            if let Some(decoded) = SignalExitStatus::decode(status, Arch::ALL[which]) {
                prop_assert_eq!(decoded.encode(), status);
            }
        }
    }
}

//! Exit statuses that encode a signal, and wait statuses.
//!
//! A shell reports a process that was killed by a signal as 128+N (POSIX 2.8.2), ksh as
//! 256+N, Python and others as -N. They report stopped jobs in the same way.

use super::table::{DefaultAction, REALTIME_DEFAULT_ACTION};
use super::{Arch, Signal};

/// The encoding of a signal in an exit status.
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
    /// The formula: `128+N`, `256+N`, `-N`.
    pub const fn notation(self) -> &'static str {
        match self {
            StatusEncoding::Plus128 => "128+N",
            StatusEncoding::Plus256 => "256+N",
            StatusEncoding::Negative => "-N",
        }
    }

    /// The program that uses the encoding.
    pub const fn used_by(self) -> &'static str {
        match self {
            StatusEncoding::Plus128 => "a shell",
            StatusEncoding::Plus256 => "ksh",
            StatusEncoding::Negative => "Python",
        }
    }
}

/// An exit status that encodes a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalExitStatus {
    /// The signal.
    pub signal: Signal,
    /// The encoding.
    pub encoding: StatusEncoding,
}

impl SignalExitStatus {
    /// Decodes 128+N, 256+N or -N; `None` for every other number.
    pub fn decode(status: i64, arch: Arch) -> Option<SignalExitStatus> {
        let last = i64::from(arch.max_signal_number());
        let (number, encoding) = match status {
            _ if (-last..0).contains(&status) => (-status, StatusEncoding::Negative),
            _ if (129..=128 + last).contains(&status) => (status - 128, StatusEncoding::Plus128),
            _ if (257..=256 + last).contains(&status) => (status - 256, StatusEncoding::Plus256),
            _ => return None,
        };
        let signal = arch.signal(u8::try_from(number).ok()?)?;
        Some(SignalExitStatus { signal, encoding })
    }

    /// The number of this status; the inverse of [`SignalExitStatus::decode`].
    pub const fn encode(self) -> i64 {
        let number = self.signal.get() as i64;
        match self.encoding {
            StatusEncoding::Plus128 => 128 + number,
            StatusEncoding::Plus256 => 256 + number,
            StatusEncoding::Negative => -number,
        }
    }

    /// The event that such a status reports, according to the default action of the
    /// signal.
    pub fn meaning(self, arch: Arch) -> StatusMeaning {
        match arch.standard_signal(self.signal).map_or(REALTIME_DEFAULT_ACTION, |facts| facts.action) {
            DefaultAction::Term | DefaultAction::Core => StatusMeaning::Terminated,
            DefaultAction::Stop => StatusMeaning::Stopped,
            DefaultAction::Cont | DefaultAction::Ign => StatusMeaning::Neither,
        }
    }
}

/// The event that an exit status with a signal reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusMeaning {
    /// The signal terminated the process.
    Terminated,
    /// The signal stopped the process.
    Stopped,
    /// The default action does neither, so the number probably does not encode a signal.
    Neither,
}

/// The way in which a process terminated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Termination {
    /// It exited with this status.
    Exited(u8),
    /// A signal killed it.
    Killed {
        /// The signal.
        signal: Signal,
        /// Whether a core was dumped.
        core_dumped: bool,
    },
}

impl Termination {
    /// Decodes a wait status of wait(2); `None` if the process did not terminate.
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
        let meaning = |status| {
            SignalExitStatus::decode(status, Arch::Common).map(|status| status.meaning(Arch::Common))
        };
        assert_eq!(meaning(128 + 19), Some(StatusMeaning::Stopped));
        assert_eq!(meaning(128 + 20), Some(StatusMeaning::Stopped));
        assert_eq!(meaning(128 + 15), Some(StatusMeaning::Terminated));
        assert_eq!(meaning(128 + 34), Some(StatusMeaning::Terminated));
        assert_eq!(meaning(128 + 17), Some(StatusMeaning::Neither));
        assert_eq!(meaning(-18), Some(StatusMeaning::Neither));
    }

    #[test]
    fn from_wait_status_reports_termination() {
        let text = |status| Termination::from_wait_status(status).map(|it| it.to_string());
        assert_eq!(text(0).as_deref(), Some("exited with status 0"));
        assert_eq!(text(3 << 8).as_deref(), Some("exited with status 3"));
        assert_eq!(text(15).as_deref(), Some("killed by TERM"));
        assert_eq!(text(0x80 | 11).as_deref(), Some("killed by SEGV, core dumped"));
        assert_eq!((text(0x137f), text(0xffff)), (None, None));
    }

    proptest! {
        #[test]
        fn encode_reverses_decode(status in -200i64..500, arch_index in 0usize..5) {
            if let Some(decoded) = SignalExitStatus::decode(status, Arch::ALL[arch_index]) {
                prop_assert_eq!(decoded.encode(), status);
            }
        }
    }
}

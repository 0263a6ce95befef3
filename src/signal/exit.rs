//! Exit statuses that tell of a signal.
//!
//! A shell reports a process that a signal ended as 128+N (POSIX 2.8.2), ksh
//! as 256+N, Python and others as -N. A stopped job is reported the same way.

use super::table::{Action, REALTIME_ACTION};
use super::{Arch, Signal};

/// How a status encodes the signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// 128+N.
    Plus128,
    /// 256+N.
    Plus256,
    /// -N.
    Negative,
}

impl Form {
    /// How it is written: `128+N`, `256+N`, `-N`.
    pub const fn notation(self) -> &'static str {
        match self {
            Form::Plus128 => "128+N",
            Form::Plus256 => "256+N",
            Form::Negative => "-N",
        }
    }

    /// Who writes it so.
    pub const fn writer(self) -> &'static str {
        match self {
            Form::Plus128 => "a shell",
            Form::Plus256 => "ksh",
            Form::Negative => "Python",
        }
    }
}

/// A status that tells of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The signal.
    pub signal: Signal,
    /// How it was encoded.
    pub form: Form,
}

impl Status {
    /// Reads 128+N, 256+N or -N; `None` for every other number.
    pub fn decode(status: i64, arch: Arch) -> Option<Status> {
        let last = i64::from(arch.last());
        let (number, form) = match status {
            _ if (-last..0).contains(&status) => (-status, Form::Negative),
            _ if (129..=128 + last).contains(&status) => (status - 128, Form::Plus128),
            _ if (257..=256 + last).contains(&status) => (status - 256, Form::Plus256),
            _ => return None,
        };
        let signal = arch.signal(u8::try_from(number).ok()?)?;
        Some(Status { signal, form })
    }

    /// The number that encodes this, as [`Status::decode`] reads it.
    pub const fn encode(self) -> i64 {
        let number = self.signal.get() as i64;
        match self.form {
            Form::Plus128 => 128 + number,
            Form::Plus256 => 256 + number,
            Form::Negative => -number,
        }
    }

    /// What such a status tells of, by the signal's default action.
    pub fn event(self, arch: Arch) -> Event {
        match arch.facts(self.signal).map_or(REALTIME_ACTION, |facts| facts.action) {
            Action::Term | Action::Core => Event::Ended,
            Action::Stop => Event::Stopped,
            Action::Cont | Action::Ign => Event::Neither,
        }
    }
}

/// What a status that tells of a signal tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The signal ended the process.
    Ended,
    /// It stopped the process.
    Stopped,
    /// It does neither by default: the number means something else.
    Neither,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this status.
    Exited(u8),
    /// By a signal.
    Killed {
        /// The signal.
        signal: Signal,
        /// Whether a core was dumped.
        core: bool,
    },
}

impl Ending {
    /// Reads a wait status as wait(2) gives it; `None` where it tells of no end.
    pub fn of_wait_status(status: i32) -> Option<Ending> {
        match status & 0x7f {
            0 => Some(Ending::Exited((status >> 8 & 0xff) as u8)),
            // Stopped or continued.
            0x7f => None,
            number => {
                let signal = Signal::new(number as u8)?;
                Some(Ending::Killed { signal, core: status & 0x80 != 0 })
            }
        }
    }
}

/// `exited with status 3`, `killed by SEGV, core dumped`.
impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Ending::Exited(status) => write!(f, "exited with status {status}"),
            Ending::Killed { signal, core } => {
                let core = if *core { ", core dumped" } else { "" };
                write!(f, "killed by {}{core}", Arch::NATIVE.name(*signal))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(status: i64) -> Option<(u8, Form)> {
        Status::decode(status, Arch::Common).map(|status| (status.signal.get(), status.form))
    }

    #[test]
    fn the_three_forms_are_read() {
        assert_eq!(decode(143), Some((15, Form::Plus128)));
        assert_eq!(decode(271), Some((15, Form::Plus256)));
        assert_eq!(decode(-15), Some((15, Form::Negative)));
        assert_eq!(decode(192), Some((64, Form::Plus128)));
        for none in [0, 1, 64, 65, 127, 128, 193, 255, 256, 321, -65, i64::MIN, i64::MAX] {
            assert_eq!(decode(none), None, "{none}");
        }
    }

    #[test]
    fn a_stop_is_told_from_an_end() {
        let event = |status| Status::decode(status, Arch::Common).map(|status| status.event(Arch::Common));
        assert_eq!(event(128 + 19), Some(Event::Stopped));
        assert_eq!(event(128 + 20), Some(Event::Stopped));
        assert_eq!(event(128 + 15), Some(Event::Ended));
        assert_eq!(event(128 + 34), Some(Event::Ended));
        assert_eq!(event(128 + 17), Some(Event::Neither));
        assert_eq!(event(-18), Some(Event::Neither));
    }

    #[test]
    fn wait_statuses_tell_how_a_process_ended() {
        let text = |status| Ending::of_wait_status(status).map(|ending| ending.to_string());
        assert_eq!(text(0).as_deref(), Some("exited with status 0"));
        assert_eq!(text(3 << 8).as_deref(), Some("exited with status 3"));
        assert_eq!(text(15).as_deref(), Some("killed by TERM"));
        assert_eq!(text(0x80 | 11).as_deref(), Some("killed by SEGV, core dumped"));
        assert_eq!((text(0x137f), text(0xffff)), (None, None));
    }

    proptest! {
        #[test]
        fn encoding_what_is_decoded_gives_the_status(status in -200i64..500, which in 0usize..5) {
            if let Some(decoded) = Status::decode(status, Arch::ALL[which]) {
                prop_assert_eq!(decoded.encode(), status);
            }
        }
    }
}

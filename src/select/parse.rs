//! Parsers for the values of criteria. They are pure; what must be looked up on
//! this machine is in [`super::lookup`].

use std::time::Duration;

use super::{PortCriterion, SignalSetCriterion};
use crate::duration;
use crate::procfs::net::Protocol;
use crate::procfs::{PID_MAX_LIMIT, TaskState};
use crate::signal::{Arch, Signal, SignalSet};

/// The state letters of current kernels (ps(1)).
const STATE_LETTERS: &str = "RSDTtZXIP";

/// Parses a PID: digits, from 1 to the maximum.
pub(super) fn pid(word: &[u8]) -> Option<u32> {
    pid_or_zero(word).filter(|pid| *pid != 0)
}

/// Parses a PID or 0.
fn pid_or_zero(word: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(word).ok().filter(|word| is_digits(word))?;
    digits.parse().ok().filter(|id| *id <= PID_MAX_LIMIT)
}

/// Whether a word consists of digits only.
pub(super) fn is_digits(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Parses the ID of a process, group or session; 0 is accepted if `least` is 0.
///
/// # Errors
/// A message about the expected form.
pub(super) fn pid_at_least(word: &str, least: u32) -> Result<u32, String> {
    let id = pid_or_zero(word.as_bytes()).filter(|id| *id >= least);
    id.ok_or_else(|| format!("not a process id: they go from {least} to {PID_MAX_LIMIT}"))
}

/// Parses states, one letter each.
///
/// # Errors
/// A message with the first invalid letter.
pub(super) fn states(word: &str) -> Result<Vec<TaskState>, String> {
    if word.is_empty() {
        return Err(format!("no state: letters of {STATE_LETTERS}"));
    }
    word.chars()
        .map(|letter| match u8::try_from(letter) {
            Ok(byte) if STATE_LETTERS.contains(letter) => Ok(TaskState::from_letter(byte)),
            _ => Err(format!("'{letter}' is not a state: letters of {STATE_LETTERS}, as ps(1) prints them")),
        })
        .collect()
}

/// Parses a finite duration.
///
/// # Errors
/// The reason why it is invalid.
pub(super) fn finite_duration(word: &str) -> Result<Duration, String> {
    duration::parse(word)?.ok_or_else(|| "no process is as old as that".to_owned())
}

/// Parses `[tcp:|udp:]N`.
///
/// # Errors
/// A message about the expected form.
pub(super) fn port(word: &str) -> Result<PortCriterion, String> {
    let mut digits = word;
    let mut protocol = None;
    if let Some((name, rest)) = word.split_once(':') {
        protocol = Protocol::ALL.into_iter().find(|protocol| protocol.name() == name);
        if protocol.is_none() {
            return Err(format!("'{name}' is not a protocol: tcp or udp is expected"));
        }
        digits = rest;
    }
    match digits.parse() {
        Ok(number @ 1..) if is_digits(digits) => Ok(PortCriterion { protocol, number }),
        _ => Err("not a port: N, tcp:N or udp:N, from 1 to 65535".to_owned()),
    }
}

/// Parses signals that must all be in a set; or `any`, or `none`. `all` means all
/// signals that a process can control.
///
/// # Errors
/// A message with the first invalid signal, or that none is named.
pub(super) fn signal_set_criterion(words: &[String]) -> Result<Option<SignalSetCriterion>, String> {
    let mut set = SignalSet::EMPTY;
    for word in words {
        let keyword = match word.as_str() {
            "any" => Some(SignalSetCriterion::Any),
            "none" => Some(SignalSetCriterion::None),
            _ => None,
        };
        match keyword {
            Some(keyword) if words.len() == 1 => return Ok(Some(keyword)),
            Some(_) => return Err("it stands alone, without signals".to_owned()),
            None if word == "all" => {
                set = set | Arch::NATIVE.signals().filter(|s| is_controlled_by_program(*s)).collect()
            }
            None => {
                let signals = SignalSet::parse(word, Arch::NATIVE).map_err(|error| error.to_string())?;
                if signals.is_empty() {
                    return Err("no signal is named".to_owned());
                }
                set = set | signals;
            }
        }
    }
    Ok((!words.is_empty()).then_some(SignalSetCriterion::All(set)))
}

/// Whether a program can decide what happens on the signal.
fn is_controlled_by_program(signal: Signal) -> bool {
    !signal.is_reserved_by_libc()
        && Arch::NATIVE.standard_signal(signal).is_none_or(|info| info.is_catchable())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pid_accepts_digits_within_range() {
        for (word, least, expected) in [
            ("1", 1, Some(1)),
            ("4194304", 1, Some(4_194_304)),
            ("0", 0, Some(0)),
            ("0", 1, None),
            ("4194305", 0, None),
            ("4294967297", 0, None),
            ("-1", 0, None),
            ("+1", 0, None),
            ("", 0, None),
            ("1x", 0, None),
        ] {
            assert_eq!(pid_at_least(word, least).ok(), expected, "{word}");
        }
        assert_eq!(pid_at_least("x", 0).unwrap_err(), "not a process id: they go from 0 to 4194304");
    }

    #[test]
    fn states_parse_from_letters() {
        let letters =
            |word| states(word).map(|states| states.into_iter().map(TaskState::letter).collect::<String>());
        assert_eq!(letters("ZT").as_deref(), Ok("ZT"));
        assert_eq!(letters("RSDTtZXIP").as_deref(), Ok("RSDTtZXIP"));
        assert_eq!(
            letters("Zz").unwrap_err(),
            "'z' is not a state: letters of RSDTtZXIP, as ps(1) prints them"
        );
        assert!(letters("").is_err() && letters("ü").is_err() && letters("Z T").is_err());
    }

    #[test]
    fn port_accepts_protocol_prefix() {
        let (tcp, udp) = (Some(Protocol::Tcp), Some(Protocol::Udp));
        for (word, expected) in [
            ("80", Some((None, 80))),
            ("tcp:80", Some((tcp, 80))),
            ("udp:65535", Some((udp, 65535))),
            ("0", None),
            ("65536", None),
            ("+80", None),
            ("sctp:80", None),
            ("tcp:", None),
            ("", None),
            ("tcp:80:1", None),
        ] {
            assert_eq!(port(word).ok().map(|port| (port.protocol, port.number)), expected, "{word}");
        }
    }

    #[test]
    fn finite_duration_rejects_inf() {
        assert_eq!(finite_duration("1m30s"), Ok(Duration::from_secs(90)));
        assert!(
            finite_duration("inf").is_err()
                && finite_duration("").is_err()
                && finite_duration("soon").is_err()
        );
    }

    #[test]
    fn signal_set_criterion_combines_all_words() {
        let parse = |words: &[&str]| {
            signal_set_criterion(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
        };
        let all = |bits| Ok(Some(SignalSetCriterion::All(SignalSet::from_bits(bits))));
        assert_eq!(parse(&[]), Ok(None));
        assert_eq!(parse(&["HUP"]), all(1));
        assert_eq!(parse(&["HUP,sigint", "3"]), all(7));
        assert_eq!(parse(&["any"]), Ok(Some(SignalSetCriterion::Any)));
        assert_eq!(parse(&["none"]), Ok(Some(SignalSetCriterion::None)));
        assert_eq!(parse(&["all"]), all(0xffff_fffe_7ffb_feff));
        assert_eq!(parse(&["any", "HUP"]).unwrap_err(), "it stands alone, without signals");
        for word in ["", ",", "FOO", "~[1..64]", "any,HUP"] {
            assert!(parse(&[word]).is_err(), "{word}");
        }
    }

    proptest! {
        #[test]
        fn criterion_parsers_accept_any_word(word in "\\PC{0,20}", digits in "[a-z0-9:+-]{0,12}") {
            for word in [word, digits] {
                let _ = (pid_at_least(&word, 0), states(&word), finite_duration(&word), port(&word), signal_set_criterion(std::slice::from_ref(&word)));
            }
        }
    }
}

//! Parses signal operands and option values of `watch`.

use std::ffi::OsString;

use super::is_catchable;
use crate::error::Failure;
use crate::out::escape_name;
use crate::signal::{Arch, Signal, SignalSet, name};

/// Escapes an argument for an error message.
pub(super) fn escape_arg(arg: &OsString) -> String {
    escape_name(arg.as_encoded_bytes()).into_owned()
}

/// Parses one signal, by name or number.
pub(super) fn parse_signal(word: &str) -> Result<Signal, Failure> {
    match Signal::from_digits(word) {
        Some(Some(signal)) => return Ok(signal),
        _ if word.bytes().all(|byte| byte.is_ascii_digit()) => {}
        _ => return name::parse(word, Arch::NATIVE).map_err(Failure::usage_error),
    }
    // An empty word or an invalid number: parse_signal_set returns the error.
    parse_signal_set(word)
        .and_then(|set| set.iter().next().ok_or_else(|| Failure::usage_error("0: expected a signal")))
}

/// Parses a set of signals: names and numbers, separated by commas. A set written
/// with `all` or `~[...]` omits signals that cannot be caught; one that is named
/// is an error.
pub(super) fn parse_signal_set(word: &str) -> Result<SignalSet, Failure> {
    if word.trim().is_empty() {
        return Err(Failure::usage_error("'': expected a signal"));
    }
    if word.bytes().all(|byte| byte.is_ascii_digit())
        && word.parse().ok().and_then(Signal::new_native).is_none()
    {
        let last = Arch::NATIVE.max_signal_number();
        return Err(Failure::usage_error(format!("{word}: invalid signal number (expected 1 to {last})")));
    }
    let set = SignalSet::parse(word, Arch::NATIVE).map_err(Failure::usage_error)?;
    let names_each = !word.trim_start().starts_with('~')
        && !word.split([',', ' ', '[', ']']).any(|part| part.eq_ignore_ascii_case("all"));
    match set.iter().find(|signal| !is_catchable(*signal)).filter(|_| names_each) {
        Some(signal) => Err(uncatchable_error(signal)),
        None => Ok(set.iter().filter(|signal| is_catchable(*signal)).collect()),
    }
}

/// Returns the error for a signal that a process cannot catch.
fn uncatchable_error(signal: Signal) -> Failure {
    let name = Arch::NATIVE.signal_name(signal);
    let reason = if signal.is_reserved_by_libc() {
        "reserved by the C library"
    } else {
        "cannot be caught, blocked or ignored"
    };
    Failure::usage_error(format!("{name}: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_signal_sets_without_uncatchable_signals() {
        let bits =
            |word: &str| parse_signal_set(word).map(SignalSet::bits).map_err(|failure| failure.to_string());
        assert_eq!(bits("TERM"), Ok(0x4000));
        assert_eq!(bits("INT,15"), Ok(0x4002));
        assert!(bits("all").is_ok_and(|bits| bits.count_ones() == 60));
        assert_eq!(bits("all,HUP"), bits("ALL"));
        assert!(bits("~[INT]").is_ok_and(|bits| bits.count_ones() == 59));
        for word in ["KILL", "TERM,STOP", "32", "FOO", ""] {
            assert!(bits(word).is_err(), "{word}");
        }
    }
}

//! The words after `send` that no option parser understands: `-9`, `-TERM`,
//! `-1234`. One pure function puts them where they can only mean one thing.
//!
//! A signal before the first target becomes `--signal=WORD`; targets, groups
//! among them, go behind `--`. So a number that fits no signal is never taken
//! for a process, and a second signal is an error before anything is sent.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::select;
use crate::signal::{Arch, name};

/// The options of `send`, and the global ones, whose value is a word of its
/// own. Held against the option parser's own list by a test.
const OPTIONS_WITH_VALUE: [&str; 12] = [
    "-s", "--signal", "-n", "--number", "-q", "--queue", "-w", "--wait", "--then", "--format", "--color",
    "--width",
];

/// The letters of the short options.
pub(super) const SHORT_OPTIONS: &[u8] = b"snqivrwthV";

/// Why the words cannot be put in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArgOrderError {
    /// A second signal.
    DuplicateSignal(OsString),
    /// A signal after a target.
    SignalAfterTarget(OsString),
}

impl fmt::Display for ArgOrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, what) = match self {
            ArgOrderError::DuplicateSignal(word) => (word, "a second signal"),
            ArgOrderError::SignalAfterTarget(word) => (word, "a signal after the targets"),
        };
        let word = word.to_string_lossy();
        write!(f, "{word}: {what}; nothing was sent")?;
        // -1 is no group but everybody, and there is no group 0.
        match word.strip_prefix('-').filter(|digits| digits.parse::<u32>().is_ok_and(|group| group > 1)) {
            Some(group) => write!(f, " (process group {group} is written after --: -- {word})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ArgOrderError {}

/// Puts the words that follow `send` in order: options, then `--`, then
/// targets.
///
/// # Errors
/// A signal where none can be.
pub fn reorder_args(words: Vec<OsString>) -> Result<Vec<OsString>, ArgOrderError> {
    let mut options: Vec<OsString> = Vec::with_capacity(words.len() + 1);
    let mut targets: Vec<OsString> = Vec::with_capacity(words.len());
    let mut signalled = false;
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        match classify_arg(&word) {
            ArgKind::DoubleDash => {
                targets.extend(words.by_ref());
            }
            ArgKind::Group if signalled || !targets.is_empty() => targets.push(word),
            ArgKind::Signal | ArgKind::Group if !targets.is_empty() => {
                return Err(ArgOrderError::SignalAfterTarget(word));
            }
            ArgKind::Signal | ArgKind::Group if signalled => {
                return Err(ArgOrderError::DuplicateSignal(word));
            }
            ArgKind::Signal | ArgKind::Group => {
                signalled = true;
                options.push(to_signal_option(&word));
            }
            ArgKind::Option { sets_signal: signal, takes_value: value } => {
                if signal && !targets.is_empty() {
                    return Err(ArgOrderError::SignalAfterTarget(word));
                }
                if signal && signalled {
                    return Err(ArgOrderError::DuplicateSignal(word));
                }
                signalled |= signal;
                options.push(word);
                if value {
                    options.extend(words.next());
                }
            }
            ArgKind::Target => targets.push(word),
        }
    }
    options.push("--".into());
    options.append(&mut targets);
    Ok(options)
}

/// What a word is, by itself.
#[derive(Debug, PartialEq, Eq)]
enum ArgKind {
    /// `--`.
    DoubleDash,
    /// `-9`, `-TERM`, `-term`: a signal.
    Signal,
    /// `-65` and above: no signal has that number, a group may.
    Group,
    /// An option; whether it gives the signal, and whether the next word is
    /// its value.
    Option { sets_signal: bool, takes_value: bool },
    /// Everything else.
    Target,
}

fn classify_arg(word: &OsStr) -> ArgKind {
    let bytes = word.as_bytes();
    if bytes == b"--" {
        return ArgKind::DoubleDash;
    }
    if bytes.starts_with(b"--") {
        let name = bytes.split(|byte| *byte == b'=').next().unwrap_or(bytes);
        let signal = matches!(name, b"--signal" | b"--number");
        return ArgKind::Option {
            sets_signal: signal,
            takes_value: name.len() == bytes.len() && takes_value(OsStr::from_bytes(name)),
        };
    }
    let Some(rest) = bytes.strip_prefix(b"-").filter(|rest| !rest.is_empty()) else {
        return ArgKind::Target;
    };
    if rest.iter().all(u8::is_ascii_digit) {
        let number: Option<u8> = std::str::from_utf8(rest).ok().and_then(|digits| digits.parse().ok());
        let fits = number.is_some_and(|number| number <= Arch::NATIVE.max_signal_number());
        return if fits { ArgKind::Signal } else { ArgKind::Group };
    }
    if is_signal_arg(rest) {
        return ArgKind::Signal;
    }
    ArgKind::Option { sets_signal: matches!(rest[0], b's' | b'n'), takes_value: takes_value(word) }
}

/// Whether a word after a dash is a signal and not short options: an uppercase
/// word of two or more characters, known or not, what begins with `sig`, or a
/// word of three or more that is a name, or can be no option with its value.
fn is_signal_arg(rest: &[u8]) -> bool {
    let upper = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"+-".contains(byte);
    if rest.len() >= 2 && rest[0].is_ascii_uppercase() && rest.iter().all(upper) {
        return true;
    }
    let known = |text: &str| name::parse(text, Arch::NATIVE).is_ok();
    let sig = rest.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"sig"));
    let no_option = !are_short_options(rest);
    rest.len() >= 3 && (sig || no_option || std::str::from_utf8(rest).is_ok_and(known))
}

/// Whether the letters can be short options, the last of them perhaps with its
/// value behind it.
fn are_short_options(letters: &[u8]) -> bool {
    for letter in letters {
        if takes_value(OsStr::from_bytes(&[b'-', *letter])) {
            return true;
        }
        if !SHORT_OPTIONS.contains(letter) {
            return false;
        }
    }
    true
}

/// Whether an option of `send`, or a global one, takes the next word as its
/// value.
pub fn takes_value(option: &OsStr) -> bool {
    OPTIONS_WITH_VALUE.iter().chain(&select::args::OPTIONS_WITH_VALUE).any(|known| *known == option)
}

/// `-TERM` as `--signal=TERM`.
fn to_signal_option(word: &OsStr) -> OsString {
    let mut option = b"--signal=".to_vec();
    option.extend_from_slice(&word.as_bytes()[1..]);
    OsString::from_vec(option)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reorder_line(line: &str) -> String {
        let words = line.split(' ').filter(|word| !word.is_empty()).map(OsString::from).collect();
        match reorder_args(words) {
            Ok(words) => words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "),
            Err(error) => format!("{error:?}"),
        }
    }

    #[test]
    fn accepts_every_signal_form_before_targets() {
        for (line, expected) in [
            ("100", "-- 100"),
            ("-TERM 100", "--signal=TERM -- 100"),
            ("-SIGTERM 100", "--signal=SIGTERM -- 100"),
            ("-term 100", "--signal=term -- 100"),
            ("-hup 100", "--signal=hup -- 100"),
            ("-Kill 100", "--signal=Kill -- 100"),
            ("-io 100", "-io -- 100"),
            ("-IO 100", "--signal=IO -- 100"),
            ("-15 100", "--signal=15 -- 100"),
            ("-0 100", "--signal=0 -- 100"),
            ("-RTMIN+3 100", "--signal=RTMIN+3 -- 100"),
            ("-rtmax-1 100", "--signal=rtmax-1 -- 100"),
            ("-s TERM 100", "-s TERM -- 100"),
            ("-sTERM 100", "-sTERM -- 100"),
            ("-n 15 100", "-n 15 -- 100"),
            ("--signal TERM 100", "--signal TERM -- 100"),
            ("--signal=TERM 100", "--signal=TERM -- 100"),
            ("-FOO 100", "--signal=FOO -- 100"),
            ("-trem 100", "--signal=trem -- 100"),
            ("-tv 100", "-tv -- 100"),
            ("-tvr 100", "-tvr -- 100"),
            ("-tw5s 100", "-tw5s -- 100"),
            ("-winch 100", "--signal=winch -- 100"),
            ("--name nginx -9", "--name nginx --signal=9 --"),
            ("--wait 5s --then KILL -TERM 100", "--wait 5s --then KILL --signal=TERM -- 100"),
            ("-siglost 100", "--signal=siglost -- 100"),
            ("-0x0f 100", "--signal=0x0f -- 100"),
            ("-s15 100", "-s15 -- 100"),
            ("--json -9 100", "--json --signal=9 -- 100"),
            ("--format json -9 100", "--format json --signal=9 -- 100"),
            ("-9 100 --json", "--signal=9 --json -- 100"),
            ("-q -7 -USR1 100", "-q -7 --signal=USR1 -- 100"),
            ("-q 7 100", "-q 7 -- 100"),
            ("--queue=-7 100", "--queue=-7 -- 100"),
        ] {
            assert_eq!(reorder_line(line), expected, "{line}");
        }
    }

    #[test]
    fn accepts_group_after_signal_or_double_dash() {
        for (line, expected) in [
            ("-TERM -1234", "--signal=TERM -- -1234"),
            ("-TERM 100 -1234", "--signal=TERM -- 100 -1234"),
            ("-s TERM -1234", "-s TERM -- -1234"),
            ("-- -1234", "-- -1234"),
            ("-9 -- -12", "--signal=9 -- -12"),
            ("-TERM --broadcast -- -1", "--signal=TERM --broadcast -- -1"),
            ("-9 100 -- -9", "--signal=9 -- 100 -9"),
            ("100 -1234", "-- 100 -1234"),
        ] {
            assert_eq!(reorder_line(line), expected, "{line}");
        }
    }

    #[test]
    fn passes_out_of_range_number_on_as_signal() {
        // First, so a signal, whatever its number: never a process or a group.
        assert_eq!(reorder_line("-65"), "--signal=65 --");
        assert_eq!(reorder_line("-65 100"), "--signal=65 -- 100");
        assert_eq!(reorder_line("-999999"), "--signal=999999 --");
        assert_eq!(reorder_line("-99999999999999999999 100"), "--signal=99999999999999999999 -- 100");
    }

    #[test]
    fn rejects_second_signal_and_signal_after_target() {
        let second = |word: &str| format!("{:?}", ArgOrderError::DuplicateSignal(word.into()));
        let late = |word: &str| format!("{:?}", ArgOrderError::SignalAfterTarget(word.into()));
        for (line, expected) in [
            ("-TERM -9 100", second("-9")),
            ("-TERM -KILL 100", second("-KILL")),
            ("-TERM -1", second("-1")),
            ("-s TERM -9 100", second("-9")),
            ("-9 -s TERM 100", second("-s")),
            ("-9 --signal=TERM 100", second("--signal=TERM")),
            ("-9 -n 15 100", second("-n")),
            ("100 -9", late("-9")),
            ("100 -TERM", late("-TERM")),
            ("100 -kill", late("-kill")),
            ("100 -s KILL", late("-s")),
            ("100 -sKILL", late("-sKILL")),
            ("100 -n 9", late("-n")),
            ("100 --signal=TERM", late("--signal=TERM")),
            ("-9 100 -12", late("-12")),
        ] {
            assert_eq!(reorder_line(line), expected, "{line}");
        }
        let told = ArgOrderError::SignalAfterTarget("-12".into()).to_string();
        assert_eq!(
            told,
            "-12: a signal after the targets; nothing was sent (process group 12 is written after --: -- -12)"
        );
    }

    #[test]
    fn error_never_suggests_broadcast() {
        for word in ["-1", "-0", "-00", "-01", "-TERM"] {
            let told = ArgOrderError::DuplicateSignal(word.into()).to_string();
            assert_eq!(told, format!("{word}: a second signal; nothing was sent"));
        }
    }

    #[test]
    fn leaves_targets_unchanged() {
        for word in ["", " 12", "+12", "12abc", "0x10", "4294967297", "-"] {
            let words = reorder_args(vec!["-9".into(), word.into()]);
            assert_eq!(words, Ok(vec!["--signal=9".into(), "--".into(), word.into()]), "{word}");
        }
        assert_eq!(reorder_line("--dryrun 100"), "--dryrun -- 100");
        assert_eq!(reorder_line("-q"), "-q --");
    }

    proptest! {
        /// Whatever is typed, no bare -N or -NAME is left before the `--`, and
        /// every target is one of the words.
        #[test]
        fn leaves_no_bare_number_before_double_dash(words in proptest::collection::vec("-{0,2}[0-9A-Za-z+=]{0,6}", 0..6)) {
            let given: Vec<OsString> = words.iter().map(OsString::from).collect();
            let Ok(ordered) = reorder_args(given.clone()) else { return Ok(()) };
            let end = ordered.iter().position(|word| word == "--").unwrap();
            let mut options = ordered[..end].iter();
            while let Some(option) = options.next() {
                let text = option.to_string_lossy();
                prop_assert!(!text[1..].bytes().all(|byte| byte.is_ascii_digit()) || text.len() == 1, "{}", text);
                if takes_value(option) {
                    options.next();
                }
            }
            prop_assert!(ordered[end + 1..].iter().all(|target| given.contains(target)));
        }
    }
}

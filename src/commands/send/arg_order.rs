//! Rewrites arguments that clap cannot parse, such as `-9`, `-TERM` and
//! `-1234`, to an unambiguous form.
//!
//! A signal before the first target becomes `--signal=SIGNAL`. Targets, which
//! include process groups, go behind `--`. Thus an invalid signal number never
//! becomes a process, and a second signal is an error before anything is sent.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::select;
use crate::signal::{Arch, name};

/// The options of `send`, and the global options, that take the next argument as
/// their value. A test compares them with those that clap knows.
const OPTIONS_WITH_VALUE: [&str; 12] = [
    "-s", "--signal", "-n", "--number", "-q", "--queue", "-w", "--wait", "--then", "--format", "--color",
    "--width",
];

/// The letters of the short options.
pub(super) const SHORT_OPTIONS: &[u8] = b"snqivrwthV";

/// A signal at a position where it is not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ArgOrderError {
    /// The second of two signals.
    DuplicateSignal(OsString),
    /// A signal after a target.
    SignalAfterTarget(OsString),
}

impl fmt::Display for ArgOrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (arg, problem) = match self {
            ArgOrderError::DuplicateSignal(arg) => (arg, "only one signal may be given"),
            ArgOrderError::SignalAfterTarget(arg) => (arg, "the signal must precede the targets"),
        };
        let arg = arg.to_string_lossy();
        write!(f, "{arg}: {problem}; nothing was sent")?;
        // -1 means all processes, and -0 is invalid: neither is suggested as a group.
        match arg.strip_prefix('-').filter(|digits| digits.parse::<u32>().is_ok_and(|group| group > 1)) {
            Some(group) => write!(f, " (to signal process group {group}, use -- {arg})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ArgOrderError {}

/// Returns the arguments of `send` as options, then `--`, then targets.
///
/// # Errors
/// A second signal, or a signal after a target.
pub(crate) fn reorder_args(args: Vec<OsString>) -> Result<Vec<OsString>, ArgOrderError> {
    let mut options: Vec<OsString> = Vec::with_capacity(args.len() + 1);
    let mut targets: Vec<OsString> = Vec::with_capacity(args.len());
    let mut has_signal = false;
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        match classify_arg(&arg) {
            ArgKind::DoubleDash => {
                targets.extend(args.by_ref());
            }
            ArgKind::Group if has_signal || !targets.is_empty() => targets.push(arg),
            ArgKind::Signal | ArgKind::Group if !targets.is_empty() => {
                return Err(ArgOrderError::SignalAfterTarget(arg));
            }
            ArgKind::Signal | ArgKind::Group if has_signal => {
                return Err(ArgOrderError::DuplicateSignal(arg));
            }
            ArgKind::Signal | ArgKind::Group => {
                has_signal = true;
                options.push(to_signal_option(&arg));
            }
            ArgKind::Option { sets_signal, takes_value } => {
                if sets_signal && !targets.is_empty() {
                    return Err(ArgOrderError::SignalAfterTarget(arg));
                }
                if sets_signal && has_signal {
                    return Err(ArgOrderError::DuplicateSignal(arg));
                }
                has_signal |= sets_signal;
                options.push(arg);
                if takes_value {
                    options.extend(args.next());
                }
            }
            ArgKind::Target => targets.push(arg),
        }
    }
    options.push("--".into());
    options.append(&mut targets);
    Ok(options)
}

/// The kind of an argument, regardless of its position.
#[derive(Debug, PartialEq, Eq)]
enum ArgKind {
    /// `--`.
    DoubleDash,
    /// A signal such as `-9`, `-TERM` or `-term`.
    Signal,
    /// `-65` and above: a process group or an invalid signal, but not a signal.
    Group,
    /// An option.
    Option {
        /// Whether it is `--signal` or `--number`.
        sets_signal: bool,
        /// Whether the next argument is its value.
        takes_value: bool,
    },
    /// Any other argument.
    Target,
}

fn classify_arg(arg: &OsStr) -> ArgKind {
    let bytes = arg.as_bytes();
    if bytes == b"--" {
        return ArgKind::DoubleDash;
    }
    if bytes.starts_with(b"--") {
        let name = bytes.split(|byte| *byte == b'=').next().unwrap_or(bytes);
        return ArgKind::Option {
            sets_signal: matches!(name, b"--signal" | b"--number"),
            takes_value: name.len() == bytes.len() && takes_value(OsStr::from_bytes(name)),
        };
    }
    let Some(rest) = bytes.strip_prefix(b"-").filter(|rest| !rest.is_empty()) else {
        return ArgKind::Target;
    };
    if rest.iter().all(u8::is_ascii_digit) {
        let number: Option<u8> = std::str::from_utf8(rest).ok().and_then(|digits| digits.parse().ok());
        let is_signal = number.is_some_and(|number| number <= Arch::NATIVE.max_signal_number());
        return if is_signal { ArgKind::Signal } else { ArgKind::Group };
    }
    if is_signal_arg(rest) {
        return ArgKind::Signal;
    }
    ArgKind::Option { sets_signal: matches!(rest[0], b's' | b'n'), takes_value: takes_value(arg) }
}

/// Whether the text after a dash is a signal instead of short options. It is if
/// it has two or more characters and is in capitals, known or not. It is also if
/// it has three or more characters, and starts with `sig`, is a signal name, or
/// cannot be short options.
fn is_signal_arg(rest: &[u8]) -> bool {
    let is_capital = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"+-".contains(byte);
    if rest.len() >= 2 && rest[0].is_ascii_uppercase() && rest.iter().all(is_capital) {
        return true;
    }
    let is_name = |text: &str| name::parse(text, Arch::NATIVE).is_ok();
    let starts_with_sig = rest.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"sig"));
    rest.len() >= 3
        && (starts_with_sig || !may_be_short_options(rest) || std::str::from_utf8(rest).is_ok_and(is_name))
}

/// Whether the letters can be short options, the last of them with its value
/// attached or not.
fn may_be_short_options(letters: &[u8]) -> bool {
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

/// Whether an option of `send`, or a global option, takes the next argument as
/// its value.
pub(crate) fn takes_value(option: &OsStr) -> bool {
    OPTIONS_WITH_VALUE.iter().chain(&select::args::OPTIONS_WITH_VALUE).any(|known| *known == option)
}

/// Converts `-TERM` to `--signal=TERM`.
fn to_signal_option(arg: &OsStr) -> OsString {
    let mut option = b"--signal=".to_vec();
    option.extend_from_slice(&arg.as_bytes()[1..]);
    OsString::from_vec(option)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reorder_line(line: &str) -> String {
        let args = line.split(' ').filter(|arg| !arg.is_empty()).map(OsString::from).collect();
        match reorder_args(args) {
            Ok(args) => args.iter().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join(" "),
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
        // The first number is a signal even if it is too large.
        assert_eq!(reorder_line("-65"), "--signal=65 --");
        assert_eq!(reorder_line("-65 100"), "--signal=65 -- 100");
        assert_eq!(reorder_line("-999999"), "--signal=999999 --");
        assert_eq!(reorder_line("-99999999999999999999 100"), "--signal=99999999999999999999 -- 100");
    }

    #[test]
    fn rejects_second_signal_and_signal_after_target() {
        let duplicate = |arg: &str| format!("{:?}", ArgOrderError::DuplicateSignal(arg.into()));
        let late = |arg: &str| format!("{:?}", ArgOrderError::SignalAfterTarget(arg.into()));
        for (line, expected) in [
            ("-TERM -9 100", duplicate("-9")),
            ("-TERM -KILL 100", duplicate("-KILL")),
            ("-TERM -1", duplicate("-1")),
            ("-s TERM -9 100", duplicate("-9")),
            ("-9 -s TERM 100", duplicate("-s")),
            ("-9 --signal=TERM 100", duplicate("--signal=TERM")),
            ("-9 -n 15 100", duplicate("-n")),
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
        let message = ArgOrderError::SignalAfterTarget("-12".into()).to_string();
        assert_eq!(
            message,
            "-12: the signal must precede the targets; nothing was sent (to signal process group 12, use -- -12)"
        );
    }

    #[test]
    fn error_never_suggests_broadcast() {
        for arg in ["-1", "-0", "-00", "-01", "-TERM"] {
            let message = ArgOrderError::DuplicateSignal(arg.into()).to_string();
            assert_eq!(message, format!("{arg}: only one signal may be given; nothing was sent"));
        }
    }

    #[test]
    fn leaves_targets_unchanged() {
        for target in ["", " 12", "+12", "12abc", "0x10", "4294967297", "-"] {
            let args = reorder_args(vec!["-9".into(), target.into()]);
            assert_eq!(args, Ok(vec!["--signal=9".into(), "--".into(), target.into()]), "{target}");
        }
        assert_eq!(reorder_line("--dryrun 100"), "--dryrun -- 100");
        assert_eq!(reorder_line("-q"), "-q --");
    }

    proptest! {
        /// No -N is left before the `--`, and every target is one of the arguments.
        #[test]
        fn leaves_no_bare_number_before_double_dash(args in proptest::collection::vec("-{0,2}[0-9A-Za-z+=]{0,6}", 0..6)) {
            let args: Vec<OsString> = args.iter().map(OsString::from).collect();
            let Ok(ordered) = reorder_args(args.clone()) else { return Ok(()) };
            let end = ordered.iter().position(|arg| arg == "--").unwrap();
            let mut options = ordered[..end].iter();
            while let Some(option) = options.next() {
                let text = option.to_string_lossy();
                prop_assert!(!text[1..].bytes().all(|byte| byte.is_ascii_digit()) || text.len() == 1, "{}", text);
                if takes_value(option) {
                    options.next();
                }
            }
            prop_assert!(ordered[end + 1..].iter().all(|target| args.contains(target)));
        }
    }
}

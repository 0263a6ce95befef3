//! Names of signals: printing, parsing, and suggestions for unknown names.

use std::fmt;

use super::number::RTMIN;
use super::{Arch, Signal, table};

/// The name of a signal: `TERM`, `RTMIN+3`, `RTMAX-1`, or its number if it has no name
/// (32 and 33, which the C library reserves).
///
/// The lower half of the real-time signals is counted from RTMIN, the upper half down
/// from RTMAX, as in kill(1) and the shells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignalName {
    /// The name of a standard signal, without SIG.
    Standard(&'static str),
    /// RTMIN+n.
    RtminPlus(u8),
    /// RTMAX-n.
    RtmaxMinus(u8),
    /// A number without a name.
    Unnamed(u8),
}

impl SignalName {
    /// The name of a signal on an architecture.
    pub fn from_signal(signal: Signal, arch: Arch) -> SignalName {
        if let Some(facts) = arch.standard_signal(signal) {
            return SignalName::Standard(facts.name);
        }
        let number = signal.get();
        if !(RTMIN..=arch.rtmax()).contains(&number) {
            return SignalName::Unnamed(number);
        }
        let (above, below) = (number - RTMIN, arch.rtmax() - number);
        if above <= below { SignalName::RtminPlus(above) } else { SignalName::RtmaxMinus(below) }
    }
}

impl fmt::Display for SignalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SignalName::Standard(name) => f.pad(name),
            SignalName::RtminPlus(0) => f.pad("RTMIN"),
            SignalName::RtminPlus(n) => f.pad(&format!("RTMIN+{n}")),
            SignalName::RtmaxMinus(0) => f.pad("RTMAX"),
            SignalName::RtmaxMinus(n) => f.pad(&format!("RTMAX-{n}")),
            SignalName::Unnamed(number) => f.pad(&number.to_string()),
        }
    }
}

/// The reason why a text is not the name of a signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseSignalNameError {
    /// No architecture has the name.
    Unknown {
        /// The text.
        text: String,
        /// The most similar name on this architecture.
        nearest: String,
    },
    /// RTMIN+n or RTMAX-n with an n outside the range.
    OutOfRange {
        /// The text.
        text: String,
        /// The name at the end of the range.
        nearest: String,
        /// The greatest n of RTMIN+n.
        max_offset: u8,
    },
    /// Only other architectures have the name.
    OtherArch {
        /// The text.
        text: String,
        /// The architecture that does not have it.
        arch: Arch,
        /// The architectures that have it, with the number of the signal.
        numbers: Vec<(Arch, u8)>,
    },
}

impl fmt::Display for ParseSignalNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParseSignalNameError::Unknown { text, nearest } => {
                write!(f, "{text}: unknown signal; the nearest name is {nearest}")
            }
            ParseSignalNameError::OutOfRange { text, nearest, max_offset } => write!(
                f,
                "{text}: real-time signals are RTMIN+0 to RTMIN+{max_offset}; the nearest is {nearest}"
            ),
            ParseSignalNameError::OtherArch { text, arch, numbers } => {
                write!(f, "{text}: {arch} has no such signal; it is")?;
                for (index, (arch, number)) in numbers.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma} {number} on {arch}")?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for ParseSignalNameError {}

/// Parses a name with or without SIG, in any case. Accepts aliases, `RTMIN+n` and
/// `RTMAX-n`, but no numbers.
///
/// # Errors
/// The nearest name, or the architectures that have a signal with this name.
pub fn parse(text: &str, arch: Arch) -> Result<Signal, ParseSignalNameError> {
    let upper = text.to_ascii_uppercase();
    let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
    if let Some(signal) = find_standard(bare, arch) {
        return Ok(signal);
    }
    if let Some(number) = realtime_number(bare, arch) {
        let lowest = i32::from(RTMIN);
        let highest = i32::from(arch.rtmax());
        let clamped = number.clamp(lowest, highest);
        // The clamped number fits u8 and is not zero.
        let signal = u8::try_from(clamped).ok().and_then(Signal::new);
        return match signal {
            Some(signal) if clamped == number => Ok(signal),
            nearest => Err(ParseSignalNameError::OutOfRange {
                text: text.to_owned(),
                nearest: nearest.map(|signal| arch.signal_name(signal).to_string()).unwrap_or_default(),
                max_offset: arch.rtmax() - RTMIN,
            }),
        };
    }
    let numbers: Vec<(Arch, u8)> =
        Arch::ALL.into_iter().filter_map(|other| Some((other, find_standard(bare, other)?.get()))).collect();
    if !numbers.is_empty() {
        return Err(ParseSignalNameError::OtherArch { text: text.to_owned(), arch, numbers });
    }
    Err(ParseSignalNameError::Unknown { text: text.to_owned(), nearest: nearest_name(bare, arch).to_owned() })
}

/// The standard signal with this name or alias, in upper case and without SIG.
fn find_standard(bare: &str, arch: Arch) -> Option<Signal> {
    table::standard_signals().find(|facts| facts.has_name(bare, arch))?.signal_on(arch)
}

/// The number of `RTMIN`, `RTMIN+n`, `RTMAX` or `RTMAX-n`, which may be out of range;
/// `None` for every other text.
fn realtime_number(bare: &str, arch: Arch) -> Option<i32> {
    let (base, sign, rest) = if let Some(rest) = bare.strip_prefix("RTMIN") {
        (i32::from(RTMIN), '+', rest)
    } else {
        (i32::from(arch.rtmax()), '-', bare.strip_prefix("RTMAX")?)
    };
    if rest.is_empty() {
        return Some(base);
    }
    let digits = rest.strip_prefix(sign)?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // A number that exceeds i32 is out of range like any other large number.
    let n: i32 = digits.parse().unwrap_or(i32::MAX / 2);
    Some(if sign == '+' { base.saturating_add(n) } else { base.saturating_sub(n) })
}

/// The name with the smallest edit distance to the text; of two the first, in numeric
/// order.
fn nearest_name(bare: &str, arch: Arch) -> &'static str {
    let standard = || arch.signals().filter_map(|signal| arch.standard_signal(signal));
    let aliases = standard().flat_map(|facts| facts.aliases_on(arch));
    let names = standard().map(|facts| facts.name);
    names
        .chain(["RTMIN", "RTMAX"])
        .chain(aliases)
        .min_by_key(|name| strsim::damerau_levenshtein(bare, name))
        .unwrap_or("TERM")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> u8 {
        parse(text, Arch::Common).map_or(0, Signal::get)
    }

    #[test]
    fn parse_ignores_case_and_sig_prefix() {
        for text in ["TERM", "SIGTERM", "term", "sigterm", "SigTerm"] {
            assert_eq!(number(text), 15, "{text}");
        }
    }

    #[test]
    fn parse_accepts_aliases_and_realtime_names() {
        for (text, expected) in [
            ("IOT", 6),
            ("CLD", 17),
            ("POLL", 29),
            ("UNUSED", 31),
            ("RTMIN", 34),
            ("SIGRTMIN+3", 37),
            ("rtmax-1", 63),
            ("RTMAX", 64),
            ("RTMIN+30", 64),
            ("RTMAX-30", 34),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
    }

    #[test]
    fn parse_suggests_nearest_name() {
        let nearest = |text: &str| match parse(text, Arch::Common) {
            Err(ParseSignalNameError::Unknown { nearest, .. }) => nearest,
            Err(ParseSignalNameError::OutOfRange { nearest, .. }) => nearest,
            other => format!("{other:?}"),
        };
        assert_eq!(nearest("TREM"), "TERM");
        assert_eq!(nearest("KILLL"), "KILL");
        assert_eq!(nearest("SIGUSR3"), "USR1");
        assert_eq!(nearest("RTMIN+31"), "RTMAX");
        assert_eq!(nearest("RTMAX-99999999999999"), "RTMIN");
        assert_eq!(nearest("RTMIN-1"), "RTMIN");
        assert_eq!(nearest("RTMIN+"), "RTMIN");
        for text in ["", "SIG", "15", "FOO", "TERM ", "SIGSIGTERM", "TÉRM"] {
            assert!(parse(text, Arch::Common).is_err(), "{text:?}");
        }
    }

    #[test]
    fn parse_reports_other_architectures() {
        let error = parse("EMT", Arch::Common).unwrap_err().to_string();
        assert_eq!(error, "EMT: x86/arm has no such signal; it is 7 on alpha, 7 on sparc, 7 on mips");
        assert_eq!(parse("EMT", Arch::Mips).map(Signal::get), Ok(7));
        assert_eq!(parse("LOST", Arch::Sparc).map(Signal::get), Ok(29));
        assert_eq!(parse("INFO", Arch::Alpha).map(Signal::get), Ok(29));
        assert!(parse("INFO", Arch::Common).is_err());
    }

    #[test]
    fn libc_reserved_signals_have_no_name() {
        for number in [32, 33] {
            let name = Arch::Common.signal_name(Signal::new(number).unwrap());
            assert_eq!(name, SignalName::Unnamed(number));
        }
    }

    proptest! {
        #[test]
        fn parse_reverses_display(number in 1u8..=128, arch_index in 0usize..5) {
            let arch = Arch::ALL[arch_index];
            let Some(signal) = arch.signal(number) else { return Ok(()) };
            let name = arch.signal_name(signal);
            prop_assume!(!matches!(name, SignalName::Unnamed(_)));
            prop_assert_eq!(parse(&name.to_string(), arch), Ok(signal));
            prop_assert_eq!(parse(&format!("sig{name}").to_lowercase(), arch), Ok(signal));
        }

        #[test]
        fn parse_never_panics(text in ".*") {
            let _ = parse(&text, Arch::Common);
        }
    }
}

//! Sets of signals.

use std::fmt;
use std::ops::{BitAnd, BitOr, Not, Sub};

use super::number::RTMIN;
use super::{Arch, ParseSignalNameError, Signal, name};

/// A signal set: bit n-1 is signal n, as in sigset_t and in the masks of /proc/PID/status
/// (fs/proc/array.c, `render_sigset_t`).
///
/// It has 128 bits, for the architecture with the most signals. An [`Arch`] defines which
/// of the signals exist, and their names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SignalSet(u128);

impl SignalSet {
    /// The empty set.
    pub const EMPTY: SignalSet = SignalSet(0);

    /// The set with these bits: bit n-1 is signal n.
    pub const fn from_bits(bits: u128) -> SignalSet {
        SignalSet(bits)
    }

    /// The bits: bit n-1 is signal n.
    pub const fn bits(self) -> u128 {
        self.0
    }

    /// All signals of an architecture.
    pub const fn all(arch: Arch) -> SignalSet {
        SignalSet(u128::MAX >> (128 - arch.max_signal_number()))
    }

    /// Whether the signal is a member.
    pub const fn contains(self, signal: Signal) -> bool {
        self.0 >> (signal.get() - 1) & 1 == 1
    }

    /// Adds a signal.
    pub const fn insert(&mut self, signal: Signal) {
        self.0 |= 1 << (signal.get() - 1);
    }

    /// Whether the set has no members.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The number of members.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// The signals of an architecture that are not members.
    pub fn complement(self, arch: Arch) -> SignalSet {
        !self & SignalSet::all(arch)
    }

    /// The members in numeric order.
    pub fn iter(self) -> impl Iterator<Item = Signal> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            if rest == 0 {
                return None;
            }
            // At most 127, so the sum is a valid signal number.
            let number = rest.trailing_zeros() as u8 + 1;
            rest &= rest - 1;
            Signal::new(number)
        })
    }

    /// The names of the members, in numeric order.
    pub fn member_names(self, arch: Arch) -> Vec<String> {
        self.iter().map(|signal| arch.signal_name(signal).to_string()).collect()
    }

    /// The set as text; see [`SignalSetDisplay`].
    pub const fn display(self, arch: Arch) -> SignalSetDisplay {
        SignalSetDisplay { set: self, arch }
    }

    /// Parses the output of [`SignalSetDisplay`], and lists of names and numbers separated
    /// by commas or blanks: `INT,TERM`, `~[KILL STOP]`, `RTMIN..RTMAX`, `15`, `all`,
    /// `none`.
    ///
    /// # Errors
    /// The error of [`name::parse`] for the first member that is not a signal.
    pub fn parse(text: &str, arch: Arch) -> Result<SignalSet, ParseSignalNameError> {
        let text = text.trim();
        match text.to_ascii_lowercase().as_str() {
            "all" => return Ok(SignalSet::all(arch)),
            "none" => return Ok(SignalSet::EMPTY),
            _ => {}
        }
        let (negated, inner) = match text.strip_prefix('~') {
            Some(rest) => (true, rest.trim()),
            None => (false, text),
        };
        let inner = inner.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(inner);
        let mut set = SignalSet::EMPTY;
        for word in inner.split([',', ' ', '\t']).filter(|word| !word.is_empty()) {
            if let Some((first, last)) = word.split_once("..") {
                let (first, last) = (parse_member(first, arch)?, parse_member(last, arch)?);
                (first.get()..=last.get()).filter_map(Signal::new).for_each(|signal| set.insert(signal));
            } else if word.eq_ignore_ascii_case("all") {
                set = SignalSet::all(arch);
            } else {
                set.insert(parse_member(word, arch)?);
            }
        }
        Ok(if negated { set.complement(arch) } else { set })
    }
}

/// Parses one member of a set: a name, or the number of a signal.
fn parse_member(word: &str, arch: Arch) -> Result<Signal, ParseSignalNameError> {
    let number = word.parse().ok().filter(|_| word.bytes().all(|byte| byte.is_ascii_digit()));
    match number.and_then(|number| arch.signal(number)) {
        Some(signal) => Ok(signal),
        None => name::parse(word, arch),
    }
}

impl FromIterator<Signal> for SignalSet {
    fn from_iter<I: IntoIterator<Item = Signal>>(signals: I) -> SignalSet {
        let mut set = SignalSet::EMPTY;
        signals.into_iter().for_each(|signal| set.insert(signal));
        set
    }
}

impl BitAnd for SignalSet {
    type Output = SignalSet;
    fn bitand(self, other: SignalSet) -> SignalSet {
        SignalSet(self.0 & other.0)
    }
}

impl BitOr for SignalSet {
    type Output = SignalSet;
    fn bitor(self, other: SignalSet) -> SignalSet {
        SignalSet(self.0 | other.0)
    }
}

impl Sub for SignalSet {
    type Output = SignalSet;
    fn sub(self, other: SignalSet) -> SignalSet {
        SignalSet(self.0 & !other.0)
    }
}

/// The complement of all 128 bits; [`SignalSet::complement`] contains only the signals of
/// an architecture.
impl Not for SignalSet {
    type Output = SignalSet;
    fn not(self) -> SignalSet {
        SignalSet(!self.0)
    }
}

/// A set as compact text: names separated by blanks, a range of real-time signals as
/// `RTMIN+1..RTMAX`, a set of more than half of the signals as its complement
/// (`~[KILL STOP]`), `all`, `none`.
#[derive(Clone, Copy, Debug)]
pub struct SignalSetDisplay {
    set: SignalSet,
    arch: Arch,
}

impl fmt::Display for SignalSetDisplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let complement = self.set.complement(self.arch);
        if self.set.is_empty() {
            f.write_str("none")
        } else if complement.is_empty() {
            f.write_str("all")
        } else if complement.len() < self.set.len() {
            f.write_str("~[")?;
            self.fmt_members(complement, f)?;
            f.write_str("]")
        } else {
            self.fmt_members(self.set, f)
        }
    }
}

impl SignalSetDisplay {
    fn fmt_members(self, set: SignalSet, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut members = set.iter().peekable();
        let mut separator = "";
        while let Some(first) = members.next() {
            let mut last = first;
            while let Some(next) = members.next_if(|next| are_adjacent_realtime(last, *next, self.arch)) {
                last = next;
            }
            let (from, to) = (self.arch.signal_name(first), self.arch.signal_name(last));
            match last.get() - first.get() {
                0 => write!(f, "{separator}{from}")?,
                1 => write!(f, "{separator}{from} {to}")?,
                _ => write!(f, "{separator}{from}..{to}")?,
            }
            separator = " ";
        }
        Ok(())
    }
}

/// Whether two members are consecutive real-time signals with names.
fn are_adjacent_realtime(last: Signal, next: Signal, arch: Arch) -> bool {
    next.get() == last.get() + 1 && last.get() >= RTMIN && next.get() <= arch.rtmax()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(bits: u128) -> String {
        SignalSet::from_bits(bits).display(Arch::Common).to_string()
    }

    #[test]
    fn display_is_compact() {
        assert_eq!(text(0), "none");
        assert_eq!(text(0x4002), "INT TERM");
        assert_eq!(text(0x1_8000_4007), "HUP INT QUIT TERM 32 33");
        assert_eq!(text(0xffff_ffff_ffff_ffff), "all");
        assert_eq!(text(0xffff_ffff_fffb_feff), "~[KILL STOP]");
        assert_eq!(text(0x7f << 57), "RTMAX-6..RTMAX");
        assert_eq!(text(0b111 << 33), "RTMIN..RTMIN+2");
        assert_eq!(text(0b11 << 33), "RTMIN RTMIN+1");
    }

    #[test]
    fn parse_accepts_lists() {
        let read = |text: &str| SignalSet::parse(text, Arch::Common).map(SignalSet::bits);
        assert_eq!(read("INT,TERM"), Ok(0x4002));
        assert_eq!(read("sigint sigterm"), Ok(0x4002));
        assert_eq!(read("2, 15"), Ok(0x4002));
        assert_eq!(read("~[KILL STOP]"), Ok(0xffff_ffff_fffb_feff));
        assert_eq!(read("~KILL,STOP"), Ok(0xffff_ffff_fffb_feff));
        assert_eq!(read("all"), Ok(u64::MAX.into()));
        assert_eq!(read("none"), Ok(0));
        for bad in ["FOO", "INT,65", "0", "RTMIN..FOO", "+2", "-2"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn operators_follow_set_algebra() {
        let (a, b) = (SignalSet::from_bits(0b1100), SignalSet::from_bits(0b1010));
        assert_eq!((a & b).bits(), 0b1000);
        assert_eq!((a | b).bits(), 0b1110);
        assert_eq!((a - b).bits(), 0b0100);
        assert_eq!(a.complement(Arch::Common).len(), 62);
        assert_eq!(SignalSet::all(Arch::Mips).len(), 128);
        assert_eq!(SignalSet::all(Arch::Common).bits(), u64::MAX.into());
    }

    proptest! {
        #[test]
        fn parse_reverses_display(bits: u128, arch_index in 0usize..5, sparse: bool) {
            let arch = Arch::ALL[arch_index];
            let bits = if sparse { bits & bits.rotate_left(7) & bits.rotate_left(31) } else { bits };
            let set = SignalSet::from_bits(bits) & SignalSet::all(arch);
            prop_assert_eq!(SignalSet::parse(&set.display(arch).to_string(), arch), Ok(set));
        }

        #[test]
        fn iter_returns_inserted_signals(numbers in proptest::collection::btree_set(1u8..=128, 0..40)) {
            let set: SignalSet = numbers.iter().filter_map(|number| Signal::new(*number)).collect();
            let members: Vec<u8> = set.iter().map(Signal::get).collect();
            prop_assert_eq!(members, numbers.into_iter().collect::<Vec<_>>());
        }
    }
}

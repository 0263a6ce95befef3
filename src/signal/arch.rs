//! How architectures number their signals.
//!
//! Most of Linux shares one numbering; alpha, sparc, mips and parisc differ
//! from 7 up (signal(7), and each architecture's uapi asm/signal.h).

use std::fmt;

use super::table::{self, Facts};
use super::{Name, Signal};

/// A numbering of signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arch {
    /// x86, arm, and every architecture that is not one of the others.
    Common,
    /// alpha.
    Alpha,
    /// sparc.
    Sparc,
    /// mips.
    Mips,
    /// parisc.
    Parisc,
}

impl Arch {
    /// All of them, in the order of signal(7).
    pub const ALL: [Arch; 5] = [Arch::Common, Arch::Alpha, Arch::Sparc, Arch::Mips, Arch::Parisc];

    /// The numbering of the architecture sigtool was built for.
    pub const NATIVE: Arch = if cfg!(any(target_arch = "mips", target_arch = "mips64")) {
        Arch::Mips
    } else if cfg!(any(target_arch = "sparc", target_arch = "sparc64")) {
        Arch::Sparc
    } else {
        Arch::Common
    };

    /// Finds the numbering of a machine by the name people or `uname -m` give
    /// it, in any case. `None` if no Linux port has that name.
    pub fn by_name(name: &str) -> Option<Arch> {
        let lower = name.to_ascii_lowercase();
        let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| lower.starts_with(prefix));
        if starts(&["alpha"]) {
            Some(Arch::Alpha)
        } else if starts(&["sparc"]) {
            Some(Arch::Sparc)
        } else if starts(&["mips"]) {
            Some(Arch::Mips)
        } else if starts(&["parisc", "hppa"]) {
            Some(Arch::Parisc)
        } else if starts(&["x86", "amd64", "arm", "aarch64", "riscv", "powerpc", "ppc", "s390"])
            || starts(&["loongarch", "m68k", "sh4", "xtensa", "arc", "csky"])
            || matches!(lower.as_str(), "i386" | "i486" | "i586" | "i686" | "ia64")
        {
            Some(Arch::Common)
        } else {
            None
        }
    }

    /// The greatest signal number: 64, or 128 on mips (`_NSIG`).
    pub const fn last(self) -> u8 {
        match self {
            Arch::Mips => Signal::LIMIT,
            _ => 64,
        }
    }

    /// glibc's SIGRTMAX: 64, or 127 on mips (bits/signum-generic.h and the
    /// mips bits/signum-arch.h).
    pub const fn rtmax(self) -> u8 {
        match self {
            Arch::Mips => 127,
            _ => 64,
        }
    }

    /// The signal of this number, if the architecture has it.
    pub const fn signal(self, number: u8) -> Option<Signal> {
        if number > self.last() {
            return None;
        }
        Signal::new(number)
    }

    /// Every signal the architecture has, in numeric order.
    pub fn signals(self) -> impl Iterator<Item = Signal> {
        (1..=self.last()).filter_map(Signal::new)
    }

    /// The facts of a standard signal; `None` for real-time signals.
    pub fn facts(self, signal: Signal) -> Option<&'static Facts> {
        table::all().find(|facts| facts.number(self) == Some(signal))
    }

    /// The name of a signal, printed without SIG.
    pub fn name(self, signal: Signal) -> Name {
        Name::of(signal, self)
    }

    /// The column this numbering has in [`Facts::numbers`].
    pub(super) const fn column(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Arch::Common => "x86/arm",
            Arch::Alpha => "alpha",
            Arch::Sparc => "sparc",
            Arch::Mips => "mips",
            Arch::Parisc => "parisc",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_found_by_the_names_uname_gives() {
        for (name, arch) in [
            ("x86_64", Arch::Common),
            ("x86", Arch::Common),
            ("ARM", Arch::Common),
            ("aarch64", Arch::Common),
            ("riscv64", Arch::Common),
            ("alpha", Arch::Alpha),
            ("sparc64", Arch::Sparc),
            ("mips64el", Arch::Mips),
            ("parisc", Arch::Parisc),
            ("hppa", Arch::Parisc),
        ] {
            assert_eq!(Arch::by_name(name), Some(arch), "{name}");
        }
        assert_eq!(Arch::by_name("vax"), None);
        assert_eq!(Arch::by_name(""), None);
    }

    #[test]
    fn no_two_signals_share_a_number() {
        for arch in Arch::ALL {
            for signal in arch.signals() {
                let owners = table::all().filter(|facts| facts.number(arch) == Some(signal));
                assert!(owners.count() <= 1, "{} on {arch}", signal.get());
            }
        }
    }

    #[test]
    fn every_number_below_32_has_a_name() {
        for arch in Arch::ALL {
            for signal in arch.signals().take_while(|signal| !signal.is_realtime()) {
                // parisc left 31 to SYS and took 7 for STKFLT; none is empty.
                assert!(arch.facts(signal).is_some(), "{} on {arch}", signal.get());
            }
        }
    }
}

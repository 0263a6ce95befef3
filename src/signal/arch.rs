//! The signal numbers of the architectures.
//!
//! Most architectures share one numbering; those of alpha, sparc, mips and parisc differ
//! from 7 on (signal(7), and uapi asm/signal.h of each architecture).

use std::fmt;

use super::table::{self, StandardSignal};
use super::{Signal, SignalName};

/// A group of architectures with the same signal numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arch {
    /// x86, arm and all other architectures.
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
    /// All values, in the order of signal(7).
    pub const ALL: [Arch; 5] = [Arch::Common, Arch::Alpha, Arch::Sparc, Arch::Mips, Arch::Parisc];

    /// The architecture for which sigtool was built.
    pub const NATIVE: Arch = if cfg!(any(target_arch = "mips", target_arch = "mips64")) {
        Arch::Mips
    } else if cfg!(any(target_arch = "sparc", target_arch = "sparc64")) {
        Arch::Sparc
    } else {
        Arch::Common
    };

    /// The architecture of a machine name, such as those of `uname -m`, in any case.
    /// `None` if no Linux port has that name.
    pub fn from_machine_name(name: &str) -> Option<Arch> {
        let lower = name.to_ascii_lowercase();
        let has_prefix = |prefixes: &[&str]| prefixes.iter().any(|prefix| lower.starts_with(prefix));
        if has_prefix(&["alpha"]) {
            Some(Arch::Alpha)
        } else if has_prefix(&["sparc"]) {
            Some(Arch::Sparc)
        } else if has_prefix(&["mips"]) {
            Some(Arch::Mips)
        } else if has_prefix(&["parisc", "hppa"]) {
            Some(Arch::Parisc)
        } else if has_prefix(&["x86", "amd64", "arm", "aarch64", "riscv", "powerpc", "ppc", "s390"])
            || has_prefix(&["loongarch", "m68k", "sh4", "xtensa", "arc", "csky"])
            || matches!(lower.as_str(), "i386" | "i486" | "i586" | "i686" | "ia64")
        {
            Some(Arch::Common)
        } else {
            None
        }
    }

    /// The greatest signal number: 64, or 128 on mips (`_NSIG`).
    pub const fn max_signal_number(self) -> u8 {
        match self {
            Arch::Mips => Signal::MAX,
            _ => 64,
        }
    }

    /// SIGRTMAX of glibc: 64, or 127 on mips (bits/signum-generic.h and
    /// bits/signum-arch.h of mips).
    pub const fn rtmax(self) -> u8 {
        match self {
            Arch::Mips => 127,
            _ => 64,
        }
    }

    /// The signal with this number; `None` if the architecture does not have it.
    pub const fn signal(self, number: u8) -> Option<Signal> {
        if number > self.max_signal_number() {
            return None;
        }
        Signal::new(number)
    }

    /// All signals of the architecture, in numeric order.
    pub fn signals(self) -> impl Iterator<Item = Signal> {
        (1..=self.max_signal_number()).filter_map(Signal::new)
    }

    /// The facts of a standard signal; `None` for real-time signals.
    pub fn standard_signal(self, signal: Signal) -> Option<&'static StandardSignal> {
        table::standard_signals().find(|facts| facts.signal_on(self) == Some(signal))
    }

    /// The name of a signal, printed without SIG.
    pub fn signal_name(self, signal: Signal) -> SignalName {
        SignalName::from_signal(signal, self)
    }

    /// The index of this architecture in [`StandardSignal::numbers`].
    pub(super) const fn number_index(self) -> usize {
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
    fn from_machine_name_accepts_uname_names() {
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
            assert_eq!(Arch::from_machine_name(name), Some(arch), "{name}");
        }
        assert_eq!(Arch::from_machine_name("vax"), None);
        assert_eq!(Arch::from_machine_name(""), None);
    }

    #[test]
    fn signal_numbers_are_unique_per_arch() {
        for arch in Arch::ALL {
            for signal in arch.signals() {
                let owners = table::standard_signals().filter(|facts| facts.signal_on(arch) == Some(signal));
                assert!(owners.count() <= 1, "{} on {arch}", signal.get());
            }
        }
    }

    #[test]
    fn numbers_below_32_have_names() {
        for arch in Arch::ALL {
            for signal in arch.signals().take_while(|signal| !signal.is_realtime()) {
                // On parisc 31 is SYS and 7 is STKFLT.
                assert!(arch.standard_signal(signal).is_some(), "{} on {arch}", signal.get());
            }
        }
    }
}

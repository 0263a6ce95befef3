//! The facts of every standard signal, as data, split by where signals come
//! from: `faults`, `terminal`, `processes`, `kernel`.
//!
//! Actions and standards follow signal(7); where the kernel does otherwise
//! (EMT dumps core: include/linux/signal.h), the kernel is right. WINCH joined
//! the standard with POSIX.1-2024.

mod faults;
mod kernel;
mod processes;
mod terminal;

use std::fmt;

use super::{Arch, Signal};

/// Everything known of one standard signal.
#[derive(Debug)]
pub struct Facts {
    /// The name, without SIG.
    pub name: &'static str,
    /// Other names of the same signal, each with the numberings that know it.
    pub aliases: &'static [Alias],
    /// Its numbers in the order of [`Arch::ALL`]; 0 where it does not exist.
    pub numbers: [u8; 5],
    /// What happens where no handler is installed.
    pub action: Action,
    /// The standard that brought it.
    pub standard: Standard,
    /// What it says, in a few words.
    pub description: &'static str,
    /// The kinds of source it comes from.
    pub origins: &'static [Origin],
    /// Where it comes from, in words.
    pub source: &'static str,
    /// What programs use it for.
    pub uses: &'static str,
}

/// A second name of a signal.
#[derive(Debug)]
pub struct Alias {
    /// The name, without SIG.
    pub name: &'static str,
    /// The numberings it exists in.
    pub arches: &'static [Arch],
}

/// An alias that every architecture knows.
const fn everywhere(name: &'static str) -> Alias {
    Alias { name, arches: &Arch::ALL }
}

impl Facts {
    /// Its number on an architecture; `None` where it does not exist.
    pub const fn number(&self, arch: Arch) -> Option<Signal> {
        Signal::new(self.numbers[arch.column()])
    }

    /// Its aliases on an architecture.
    pub fn aliases_on(&self, arch: Arch) -> impl Iterator<Item = &'static str> + use<> {
        self.aliases.iter().filter(move |alias| alias.arches.contains(&arch)).map(|alias| alias.name)
    }

    /// Whether this is its name or one of its aliases there.
    pub(super) fn is_called(&self, name: &str, arch: Arch) -> bool {
        self.name == name || self.aliases_on(arch).any(|alias| alias == name)
    }

    /// Whether a process may catch, block or ignore it: all but KILL and STOP.
    pub fn catchable(&self) -> bool {
        !matches!(self.name, "KILL" | "STOP")
    }
}

/// All of them.
pub(super) const TABLES: [&[Facts]; 4] =
    [terminal::SIGNALS, processes::SIGNALS, faults::SIGNALS, kernel::SIGNALS];

/// Every standard signal of any architecture, in no particular order.
pub fn all() -> impl Iterator<Item = &'static Facts> {
    TABLES.into_iter().flatten()
}

/// What every real-time signal does by default (signal(7)).
pub const REALTIME_ACTION: Action = Action::Term;
/// The standard that brought real-time signals: POSIX.1b.
pub const REALTIME_STANDARD: Standard = Standard::P1993;

/// A default action, in the words of signal(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Terminate the process.
    Term,
    /// Terminate the process and dump core.
    Core,
    /// Stop the process.
    Stop,
    /// Continue the process if it is stopped.
    Cont,
    /// Ignore the signal.
    Ign,
}

impl Action {
    /// What the action does, as a verb: "terminate", "dump core", ...
    pub const fn verb(self) -> &'static str {
        match self {
            Action::Term => "terminate",
            Action::Core => "dump core",
            Action::Stop => "stop",
            Action::Cont => "continue",
            Action::Ign => "ignore",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Action::Term => "Term",
            Action::Core => "Core",
            Action::Stop => "Stop",
            Action::Cont => "Cont",
            Action::Ign => "Ign",
        })
    }
}

/// The standard that brought a signal, as signal(7) abbreviates them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standard {
    /// POSIX.1-1990.
    P1990,
    /// POSIX.1b-1993, the real-time extensions.
    P1993,
    /// POSIX.1-2001 and SUSv2.
    P2001,
    /// POSIX.1-2024.
    P2024,
    /// None; the signal is historical or Linux's own.
    Unspecified,
}

impl fmt::Display for Standard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Standard::P1990 => "P1990",
            Standard::P1993 => "P1993",
            Standard::P2001 => "P2001",
            Standard::P2024 => "P2024",
            Standard::Unspecified => "-",
        })
    }
}

/// A kind of source a signal comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// An exception the processor raised for an instruction.
    Hardware,
    /// A key, the size or the loss of the terminal.
    Terminal,
    /// A timer that ran out.
    Timer,
    /// Another event the kernel tells of.
    Kernel,
    /// A process that sent it with kill(2) and its kin.
    Process,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Origin::Hardware => "hardware",
            Origin::Terminal => "terminal",
            Origin::Timer => "timer",
            Origin::Kernel => "kernel",
            Origin::Process => "process",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_one_plain_sentence_part() {
        for facts in all() {
            for text in [facts.description, facts.source, facts.uses] {
                assert!(!text.is_empty() && text.is_ascii(), "{}: {text}", facts.name);
                assert!(!text.contains(['\n', '\t']) && !text.contains("  "), "{}: {text}", facts.name);
                assert!(!text.ends_with('.'), "{}: {text}", facts.name);
            }
            assert!(facts.description.len() <= 46, "{}: {}", facts.name, facts.description);
            assert!(!facts.origins.is_empty(), "{}", facts.name);
        }
    }

    #[test]
    fn only_kill_and_stop_cannot_be_caught() {
        let held: Vec<&str> = all().filter(|facts| !facts.catchable()).map(|facts| facts.name).collect();
        assert_eq!(held, ["KILL", "STOP"]);
    }

    #[test]
    fn names_and_aliases_are_unique_on_each_architecture() {
        for arch in Arch::ALL {
            let mut names: Vec<&str> = all()
                .filter(|facts| facts.number(arch).is_some())
                .flat_map(|facts| std::iter::once(facts.name).chain(facts.aliases_on(arch)))
                .collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{arch}");
        }
    }
}

//! The table of standard signals, split by their main source: `faults`, `terminal`,
//! `processes`, `kernel`.
//!
//! Actions and standards follow signal(7), except where the kernel differs (EMT dumps
//! core: include/linux/signal.h). WINCH is part of the standard since POSIX.1-2024.

mod faults;
mod kernel;
mod processes;
mod terminal;

use std::fmt;

use super::{Arch, Signal};

/// The facts about a standard signal.
#[derive(Debug)]
pub struct StandardSignal {
    /// The name, without SIG.
    pub name: &'static str,
    /// Other names of the signal.
    pub aliases: &'static [Alias],
    /// The numbers in the order of [`Arch::ALL`]; 0 if the architecture does not have it.
    pub numbers: [u8; 5],
    /// The default action.
    pub action: DefaultAction,
    /// The standard that introduced it.
    pub posix_edition: PosixEdition,
    /// A short description.
    pub description: &'static str,
    /// The kinds of its sources.
    pub source_kinds: &'static [SourceKind],
    /// A description of its sources.
    pub sources: &'static str,
    /// A description of its use in programs.
    pub uses: &'static str,
}

/// A second name of a signal.
#[derive(Debug)]
pub struct Alias {
    /// The name, without SIG.
    pub name: &'static str,
    /// The architectures that have it.
    pub arches: &'static [Arch],
}

/// An alias on all architectures.
const fn alias_on_all(name: &'static str) -> Alias {
    Alias { name, arches: &Arch::ALL }
}

impl StandardSignal {
    /// The signal on an architecture; `None` if the architecture does not have it.
    pub const fn signal_on(&self, arch: Arch) -> Option<Signal> {
        Signal::new(self.numbers[arch.number_index()])
    }

    /// The aliases on an architecture.
    pub fn aliases_on(&self, arch: Arch) -> impl Iterator<Item = &'static str> + use<> {
        self.aliases.iter().filter(move |alias| alias.arches.contains(&arch)).map(|alias| alias.name)
    }

    /// Whether `name` is the name or an alias of the signal on an architecture.
    pub(super) fn has_name(&self, name: &str, arch: Arch) -> bool {
        self.name == name || self.aliases_on(arch).any(|alias| alias == name)
    }

    /// Whether a process may catch, block or ignore it: `false` for KILL and STOP.
    pub fn is_catchable(&self) -> bool {
        !matches!(self.name, "KILL" | "STOP")
    }
}

/// The parts of the table.
pub(super) const TABLES: [&[StandardSignal]; 4] =
    [terminal::SIGNALS, processes::SIGNALS, faults::SIGNALS, kernel::SIGNALS];

/// The standard signals of all architectures, in no particular order.
pub fn standard_signals() -> impl Iterator<Item = &'static StandardSignal> {
    TABLES.into_iter().flatten()
}

/// The default action of every real-time signal (signal(7)).
pub const REALTIME_DEFAULT_ACTION: DefaultAction = DefaultAction::Term;
/// The standard that introduced real-time signals: POSIX.1b.
pub const REALTIME_POSIX_EDITION: PosixEdition = PosixEdition::P1993;

/// A default action, with the name of signal(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DefaultAction {
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

impl DefaultAction {
    /// The action as a verb: "terminate", "dump core", ...
    pub const fn verb(self) -> &'static str {
        match self {
            DefaultAction::Term => "terminate",
            DefaultAction::Core => "dump core",
            DefaultAction::Stop => "stop",
            DefaultAction::Cont => "continue",
            DefaultAction::Ign => "ignore",
        }
    }
}

impl fmt::Display for DefaultAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            DefaultAction::Term => "Term",
            DefaultAction::Core => "Core",
            DefaultAction::Stop => "Stop",
            DefaultAction::Cont => "Cont",
            DefaultAction::Ign => "Ign",
        })
    }
}

/// The standard that introduced a signal, with the abbreviations of signal(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PosixEdition {
    /// POSIX.1-1990.
    P1990,
    /// POSIX.1b-1993, the real-time extensions.
    P1993,
    /// POSIX.1-2001 and SUSv2.
    P2001,
    /// POSIX.1-2024.
    P2024,
    /// None; the signal is historical or specific to Linux.
    Unspecified,
}

impl fmt::Display for PosixEdition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            PosixEdition::P1990 => "P1990",
            PosixEdition::P1993 => "P1993",
            PosixEdition::P2001 => "P2001",
            PosixEdition::P2024 => "P2024",
            PosixEdition::Unspecified => "-",
        })
    }
}

/// The kind of the source of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// An exception of the processor for an instruction.
    Hardware,
    /// A key, the window size or the hang-up of the terminal.
    Terminal,
    /// A timer that expired.
    Timer,
    /// Another event in the kernel.
    Kernel,
    /// A process that sent it with kill(2) or a similar call.
    Process,
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            SourceKind::Hardware => "hardware",
            SourceKind::Terminal => "terminal",
            SourceKind::Timer => "timer",
            SourceKind::Kernel => "kernel",
            SourceKind::Process => "process",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_plain_phrases() {
        for facts in standard_signals() {
            for text in [facts.description, facts.sources, facts.uses] {
                assert!(!text.is_empty() && text.is_ascii(), "{}: {text}", facts.name);
                assert!(!text.contains(['\n', '\t']) && !text.contains("  "), "{}: {text}", facts.name);
                assert!(!text.ends_with('.'), "{}: {text}", facts.name);
            }
            assert!(facts.description.len() <= 46, "{}: {}", facts.name, facts.description);
            assert!(!facts.source_kinds.is_empty(), "{}", facts.name);
        }
    }

    #[test]
    fn kill_and_stop_are_not_catchable() {
        let uncatchable: Vec<&str> =
            standard_signals().filter(|facts| !facts.is_catchable()).map(|facts| facts.name).collect();
        assert_eq!(uncatchable, ["KILL", "STOP"]);
    }

    #[test]
    fn names_are_unique_per_arch() {
        for arch in Arch::ALL {
            let mut names: Vec<&str> = standard_signals()
                .filter(|facts| facts.signal_on(arch).is_some())
                .flat_map(|facts| std::iter::once(facts.name).chain(facts.aliases_on(arch)))
                .collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{arch}");
        }
    }
}

//! All that is known of one signal, standard or real-time, on one architecture.

use crate::signal::code::{self, Code};
use crate::signal::number::{KERNEL_RTMIN, RTMIN};
use crate::signal::table::{REALTIME_ACTION, REALTIME_STANDARD};
use crate::signal::{Action, Arch, Name, Origin, Signal, Standard};

/// A signal's card.
#[derive(Clone, Debug)]
pub struct Card {
    /// The signal.
    pub signal: Signal,
    /// Its name.
    pub name: Name,
    /// Its other names.
    pub aliases: Vec<String>,
    /// What happens where no handler is installed.
    pub action: Action,
    /// Whether it can be caught, blocked and ignored.
    pub catchable: bool,
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
    /// Its own si_code values.
    pub codes: Vec<&'static Code>,
    /// Its number on each architecture; `None` where it does not exist.
    pub numbers: Vec<(Arch, Option<u8>)>,
    /// For a real-time signal: its place in both numberings.
    pub realtime: Option<RealTime>,
}

/// The place of a real-time signal.
#[derive(Clone, Copy, Debug)]
pub struct RealTime {
    /// n of the C library's RTMIN+n; `None` for those it keeps for itself.
    pub libc: Option<u8>,
    /// n of the kernel's RTMIN+n, which begins at 32.
    pub kernel: u8,
}

impl Card {
    /// The card of a signal of an architecture.
    pub fn of(signal: Signal, arch: Arch) -> Card {
        match arch.facts(signal) {
            Some(facts) => Card {
                signal,
                name: arch.name(signal),
                aliases: facts.aliases_on(arch).map(str::to_owned).collect(),
                action: facts.action,
                catchable: facts.catchable(),
                standard: facts.standard,
                description: facts.description,
                origins: facts.origins,
                source: facts.source,
                uses: facts.uses,
                codes: code::specific(signal, arch).collect(),
                numbers: Arch::ALL.map(|each| (each, facts.number(each).map(Signal::get))).to_vec(),
                realtime: None,
            },
            None => Card::of_realtime(signal, arch),
        }
    }

    fn of_realtime(signal: Signal, arch: Arch) -> Card {
        let number = signal.get();
        let own = signal.is_of_c_library();
        let libc = (!own && number <= arch.rtmax()).then(|| number - RTMIN);
        let (description, source, uses) = match number {
            32 => (
                "The C library's own: thread cancellation",
                "the C library, to a thread of the same process (glibc; musl: its timers)",
                "pthread_cancel(3)",
            ),
            33 => (
                "The C library's own: set*id for all threads",
                "the C library, to every thread of the same process (glibc; musl: thread cancellation)",
                "setuid(2) and its kin, which must change every thread",
            ),
            _ => (
                "Real-time signal: queued, in order, with a value",
                "sigqueue(3), POSIX timers and message queues, files with F_SETSIG; also plain kill(2)",
                "for the program to give a meaning; systemd and container inits take RTMIN+3 as an order to halt",
            ),
        };
        Card {
            signal,
            name: arch.name(signal),
            aliases: libc.map(|n| aliases(arch, n)).unwrap_or_default(),
            action: REALTIME_ACTION,
            catchable: true,
            standard: if own { Standard::Unspecified } else { REALTIME_STANDARD },
            description,
            origins: if own { &[Origin::Process] } else { &[Origin::Process, Origin::Timer, Origin::Kernel] },
            source,
            uses,
            codes: Vec::new(),
            numbers: Arch::ALL.map(|each| (each, elsewhere(arch.name(signal), each))).to_vec(),
            realtime: Some(RealTime { libc, kernel: number - KERNEL_RTMIN }),
        }
    }
}

/// The number that a real-time name has on another architecture.
fn elsewhere(name: Name, arch: Arch) -> Option<u8> {
    let number = match name {
        Name::AboveMin(n) => RTMIN + n,
        Name::BelowMax(n) => arch.rtmax().checked_sub(n)?,
        Name::Number(number) => number,
        Name::Standard(_) => return None,
    };
    (RTMIN..=arch.rtmax()).contains(&number).then_some(number).or(match name {
        Name::Number(number) if number <= arch.last() => Some(number),
        _ => None,
    })
}

/// The other ways to count to a real-time signal: from RTMIN where it is named
/// from RTMAX, and the other way round.
fn aliases(arch: Arch, n: u8) -> Vec<String> {
    let last = arch.rtmax() - RTMIN;
    let both = [format!("RTMIN+{n}"), format!("RTMAX-{}", last - n)];
    let name = Signal::new(RTMIN + n).map(|signal| arch.name(signal).to_string()).unwrap_or_default();
    both.into_iter().filter(|alias| *alias != name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(number: u8, arch: Arch) -> Card {
        Card::of(Signal::new(number).unwrap(), arch)
    }

    #[test]
    fn both_numberings_of_real_time_signals_are_told() {
        let third = card(37, Arch::Common).realtime.unwrap();
        assert_eq!((third.libc, third.kernel), (Some(3), 5));
        let own = card(33, Arch::Common).realtime.unwrap();
        assert_eq!((own.libc, own.kernel), (None, 1));
        assert!(card(15, Arch::Common).realtime.is_none());
    }

    #[test]
    fn real_time_signals_have_two_ways_to_count() {
        assert_eq!(card(37, Arch::Common).aliases, ["RTMAX-27"]);
        assert_eq!(card(63, Arch::Common).aliases, ["RTMIN+29"]);
        assert_eq!(card(34, Arch::Common).aliases, ["RTMIN+0", "RTMAX-30"]);
        assert!(card(32, Arch::Common).aliases.is_empty());
    }

    #[test]
    fn the_card_of_usr1_knows_its_numbers_elsewhere() {
        let numbers: Vec<_> = card(10, Arch::Common).numbers.into_iter().map(|(_, n)| n).collect();
        assert_eq!(numbers, [Some(10), Some(30), Some(30), Some(16), Some(16)]);
    }

    #[test]
    fn real_time_numbers_elsewhere_are_those_of_the_name() {
        let numbers =
            |number, arch| -> Vec<_> { card(number, arch).numbers.into_iter().map(|(_, n)| n).collect() };
        assert_eq!(numbers(64, Arch::Common), [Some(64), Some(64), Some(64), Some(127), Some(64)]);
        assert_eq!(numbers(35, Arch::Common), [Some(35); 5]);
        assert_eq!(numbers(33, Arch::Common), [Some(33); 5]);
        assert_eq!(numbers(127, Arch::Mips), [Some(64), Some(64), Some(64), Some(127), Some(64)]);
        assert_eq!(numbers(74, Arch::Mips), [None, None, None, Some(74), None]);
        assert_eq!(numbers(128, Arch::Mips), [None, None, None, Some(128), None]);
    }

    #[test]
    fn every_signal_of_every_architecture_has_a_card() {
        for arch in Arch::ALL {
            for signal in arch.signals() {
                let card = Card::of(signal, arch);
                assert!(!card.description.is_empty(), "{} on {arch}", card.name);
            }
        }
    }
}

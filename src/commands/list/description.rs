//! The description of a signal, standard or real-time, on one architecture.

use crate::signal::number::{KERNEL_RTMIN, RTMIN};
use crate::signal::si_code::{self, SiginfoCode};
use crate::signal::table::{REALTIME_DEFAULT_ACTION, REALTIME_POSIX_EDITION};
use crate::signal::{Arch, DefaultAction, PosixEdition, Signal, SignalName, SourceKind};

/// The description of a signal.
#[derive(Clone, Debug)]
pub struct SignalDescription {
    /// The signal.
    pub signal: Signal,
    /// Its name.
    pub name: SignalName,
    /// Its other names.
    pub aliases: Vec<String>,
    /// The default action.
    pub action: DefaultAction,
    /// Whether the signal can be caught, blocked and ignored.
    pub catchable: bool,
    /// The standard that introduced it.
    pub standard: PosixEdition,
    /// A short description.
    pub description: &'static str,
    /// The kinds of sources that generate it.
    pub origins: &'static [SourceKind],
    /// A description of the sources.
    pub sent_by: &'static str,
    /// A description of its uses.
    pub usage: &'static str,
    /// The si_code values that only this signal has.
    pub codes: Vec<&'static SiginfoCode>,
    /// The number on each architecture; `None` if it does not exist there.
    pub numbers_by_arch: Vec<(Arch, Option<u8>)>,
    /// The offsets from RTMIN, for a real-time signal.
    pub realtime_offsets: Option<RealtimeOffsets>,
}

/// The offsets of a real-time signal from RTMIN.
#[derive(Clone, Copy, Debug)]
pub struct RealtimeOffsets {
    /// The offset from RTMIN of the C library (34); `None` for the signals that the C
    /// library reserves.
    pub libc_offset: Option<u8>,
    /// The offset from RTMIN of the kernel (32).
    pub kernel_offset: u8,
}

impl SignalDescription {
    /// Describes a signal of an architecture.
    pub fn new(signal: Signal, arch: Arch) -> SignalDescription {
        match arch.standard_signal(signal) {
            Some(standard) => SignalDescription {
                signal,
                name: arch.signal_name(signal),
                aliases: standard.aliases_on(arch).map(str::to_owned).collect(),
                action: standard.action,
                catchable: standard.is_catchable(),
                standard: standard.posix_edition,
                description: standard.description,
                origins: standard.source_kinds,
                sent_by: standard.sources,
                usage: standard.uses,
                codes: si_code::codes_for_signal(signal, arch).collect(),
                numbers_by_arch: Arch::ALL
                    .map(|arch| (arch, standard.signal_on(arch).map(Signal::get)))
                    .to_vec(),
                realtime_offsets: None,
            },
            None => SignalDescription::new_realtime(signal, arch),
        }
    }

    fn new_realtime(signal: Signal, arch: Arch) -> SignalDescription {
        let number = signal.get();
        let is_reserved = signal.is_reserved_by_libc();
        let libc_offset = (!is_reserved && number <= arch.rtmax()).then(|| number - RTMIN);
        let (description, sent_by, usage) = match number {
            32 => (
                "Reserved by the C library (thread cancellation)",
                "the C library, to a thread of the same process (glibc; musl uses it for timers)",
                "pthread_cancel(3)",
            ),
            33 => (
                "Reserved by the C library (set*id calls)",
                "the C library, to every thread of the same process (glibc; musl uses it for thread cancellation)",
                "setuid(2) and similar calls, which must change every thread",
            ),
            _ => (
                "Real-time signal (queued in order, with a value)",
                "sigqueue(3), POSIX timers and message queues, files with F_SETSIG; also plain kill(2)",
                "defined by the program; RTMIN+3 tells systemd and the init of a container to halt",
            ),
        };
        SignalDescription {
            signal,
            name: arch.signal_name(signal),
            aliases: libc_offset.map(|n| realtime_aliases(arch, n)).unwrap_or_default(),
            action: REALTIME_DEFAULT_ACTION,
            catchable: true,
            standard: if is_reserved { PosixEdition::Unspecified } else { REALTIME_POSIX_EDITION },
            description,
            origins: if is_reserved {
                &[SourceKind::Process]
            } else {
                &[SourceKind::Process, SourceKind::Timer, SourceKind::Kernel]
            },
            sent_by,
            usage,
            codes: Vec::new(),
            numbers_by_arch: Arch::ALL
                .map(|other| (other, realtime_number_on(arch.signal_name(signal), other)))
                .to_vec(),
            realtime_offsets: Some(RealtimeOffsets { libc_offset, kernel_offset: number - KERNEL_RTMIN }),
        }
    }
}

/// The number of a real-time signal name on another architecture.
fn realtime_number_on(name: SignalName, arch: Arch) -> Option<u8> {
    let number = match name {
        SignalName::RtminPlus(n) => RTMIN + n,
        SignalName::RtmaxMinus(n) => arch.rtmax().checked_sub(n)?,
        SignalName::Unnamed(number) => number,
        SignalName::Standard(_) => return None,
    };
    (RTMIN..=arch.rtmax()).contains(&number).then_some(number).or(match name {
        SignalName::Unnamed(number) if number <= arch.max_signal_number() => Some(number),
        _ => None,
    })
}

/// The other names of RTMIN+n: the one relative to RTMAX if its name is relative to
/// RTMIN, and vice versa.
fn realtime_aliases(arch: Arch, n: u8) -> Vec<String> {
    let max_offset = arch.rtmax() - RTMIN;
    let names = [format!("RTMIN+{n}"), format!("RTMAX-{}", max_offset - n)];
    let name = Signal::new(RTMIN + n).map(|signal| arch.signal_name(signal).to_string()).unwrap_or_default();
    names.into_iter().filter(|alias| *alias != name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn describe(number: u8, arch: Arch) -> SignalDescription {
        SignalDescription::new(Signal::new(number).unwrap(), arch)
    }

    #[test]
    fn realtime_signal_has_libc_and_kernel_offsets() {
        let rtmin_plus_3 = describe(37, Arch::Common).realtime_offsets.unwrap();
        assert_eq!((rtmin_plus_3.libc_offset, rtmin_plus_3.kernel_offset), (Some(3), 5));
        let reserved = describe(33, Arch::Common).realtime_offsets.unwrap();
        assert_eq!((reserved.libc_offset, reserved.kernel_offset), (None, 1));
        assert!(describe(15, Arch::Common).realtime_offsets.is_none());
    }

    #[test]
    fn realtime_signal_has_rtmin_and_rtmax_aliases() {
        assert_eq!(describe(37, Arch::Common).aliases, ["RTMAX-27"]);
        assert_eq!(describe(63, Arch::Common).aliases, ["RTMIN+29"]);
        assert_eq!(describe(34, Arch::Common).aliases, ["RTMIN+0", "RTMAX-30"]);
        assert!(describe(32, Arch::Common).aliases.is_empty());
    }

    #[test]
    fn usr1_has_a_number_on_every_architecture() {
        let numbers: Vec<_> =
            describe(10, Arch::Common).numbers_by_arch.into_iter().map(|(_, n)| n).collect();
        assert_eq!(numbers, [Some(10), Some(30), Some(30), Some(16), Some(16)]);
    }

    #[test]
    fn realtime_number_elsewhere_follows_the_name() {
        let numbers = |number, arch| -> Vec<_> {
            describe(number, arch).numbers_by_arch.into_iter().map(|(_, n)| n).collect()
        };
        assert_eq!(numbers(64, Arch::Common), [Some(64), Some(64), Some(64), Some(127), Some(64)]);
        assert_eq!(numbers(35, Arch::Common), [Some(35); 5]);
        assert_eq!(numbers(33, Arch::Common), [Some(33); 5]);
        assert_eq!(numbers(127, Arch::Mips), [Some(64), Some(64), Some(64), Some(127), Some(64)]);
        assert_eq!(numbers(74, Arch::Mips), [None, None, None, Some(74), None]);
        assert_eq!(numbers(128, Arch::Mips), [None, None, None, Some(128), None]);
    }

    #[test]
    fn every_signal_of_every_architecture_has_a_description() {
        for arch in Arch::ALL {
            for signal in arch.signals() {
                let description = SignalDescription::new(signal, arch);
                assert!(!description.description.is_empty(), "{} on {arch}", description.name);
            }
        }
    }
}

//! What is wrong or surprising about the handlers of a process.

use super::dispositions::matches_go_runtime;
use super::finding::{Finding, FindingId, Severity};
use super::{new_finding, signal_names};
use crate::signal::{Sigaction, Signal, SignalSet};

/// A signal that is caught, and by what.
#[derive(Clone, Debug)]
pub struct CaughtSignal {
    /// The signal.
    pub signal: Signal,
    /// Its action.
    pub action: Sigaction,
    /// The handler in words: its function, or its address.
    pub handler: String,
    /// Why it is no code, so that a jump there ends the process; `None` where it
    /// is code, or that is not known.
    pub invalid: Option<InvalidHandler>,
}

/// What is where a handler is to be, and is no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidHandler {
    /// Nothing.
    Unmapped,
    /// Memory that is not executable.
    NotExecutable,
    /// An address of the kernel's.
    KernelAddress,
}

/// The same, as far as the address itself tells more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InvalidHandlerCause {
    /// A number, which somebody has taken for a handler.
    SmallInteger,
    /// Nothing is there, and likely something was.
    Unloaded,
    /// No process ever has memory there.
    OutOfRange,
    /// See [`InvalidHandler`].
    NotExecutable,
    KernelAddress,
}

/// What is found of them.
pub fn handler_findings(caught: &[CaughtSignal]) -> Vec<Finding> {
    let all = [
        InvalidHandlerCause::SmallInteger,
        InvalidHandlerCause::Unloaded,
        InvalidHandlerCause::OutOfRange,
        InvalidHandlerCause::NotExecutable,
        InvalidHandlerCause::KernelAddress,
    ];
    let fatal = all.iter().filter_map(|reason| invalid_handler_finding(caught, *reason));
    fatal.chain(alt_stack_finding(caught)).chain(shared_handler_finding(caught)).collect()
}

/// Handlers, each with the signals that it takes, the most first.
fn group_by_handler<'a>(caught: impl Iterator<Item = &'a CaughtSignal>) -> Vec<(u64, &'a str, SignalSet)> {
    let mut groups: Vec<(u64, &str, SignalSet)> = Vec::new();
    for CaughtSignal { signal, action, handler, .. } in caught {
        match groups.iter_mut().find(|(address, ..)| *address == action.handler) {
            Some((.., signals)) => signals.insert(*signal),
            None => groups.push((action.handler, handler, [*signal].into_iter().collect())),
        }
    }
    groups.sort_by_key(|(.., signals)| std::cmp::Reverse(signals.len()));
    groups
}

/// No memory is below this unless the machine's administrator allows it
/// (vm.mmap_min_addr, 65536 by default).
const MMAP_MIN_ADDR: u64 = 1 << 16;

/// The kernel gives no process memory from here on: x86-64 without being asked,
/// arm64 and riscv likewise (the kernel's documentation,
/// x86/x86_64/5level-paging.rst, arm64/memory.rst, riscv/vm-layout.rst).
const USER_ADDRESS_END: u64 = if cfg!(target_arch = "x86_64") { 1 << 47 } else { 1 << 48 };

impl InvalidHandlerCause {
    /// `None` where it is code.
    fn classify(caught: &CaughtSignal) -> Option<InvalidHandlerCause> {
        let address = caught.action.handler;
        // So small a number, or so small below zero, that no memory is there.
        let is_constant = address.cast_signed().unsigned_abs() < MMAP_MIN_ADDR;
        Some(match caught.invalid? {
            InvalidHandler::NotExecutable => InvalidHandlerCause::NotExecutable,
            _ if is_constant => InvalidHandlerCause::SmallInteger,
            InvalidHandler::KernelAddress => InvalidHandlerCause::KernelAddress,
            InvalidHandler::Unmapped if address >= USER_ADDRESS_END => InvalidHandlerCause::OutOfRange,
            InvalidHandler::Unmapped => InvalidHandlerCause::Unloaded,
        })
    }
}

/// Where numbers are from, as far as they tell: some have names (signal.h).
fn describe_constants(groups: &[(u64, &str, SignalSet)]) -> &'static str {
    match groups {
        [(u64::MAX, ..)] => "no memory is ever there, SIG_ERR was given as a handler",
        [(2, ..)] => {
            "no memory is ever there, likely SIG_HOLD, which is for sigset(3) alone, was given as a handler"
        }
        [_] => "no memory is ever there, likely an integer or a SIG_ constant was given as a handler",
        _ => "no memory is ever there, likely integers or SIG_ constants were given as handlers",
    }
}

fn invalid_handler_finding(caught: &[CaughtSignal], reason: InvalidHandlerCause) -> Option<Finding> {
    let groups = group_by_handler(
        caught.iter().filter(|caught| InvalidHandlerCause::classify(caught) == Some(reason)),
    );
    let is_one = groups.len() == 1;
    let where_it_is = match (reason, is_one) {
        (InvalidHandlerCause::SmallInteger, _) => describe_constants(&groups),
        (InvalidHandlerCause::Unloaded, true) => "likely the library that has set it is unloaded",
        (InvalidHandlerCause::Unloaded, false) => "likely the library that has set them is unloaded",
        (InvalidHandlerCause::OutOfRange, true) => "no memory is ever there, it is no address",
        (InvalidHandlerCause::OutOfRange, false) => "no memory is ever there, they are no addresses",
        (InvalidHandlerCause::NotExecutable, true) => "it is in data: memory that is not executable",
        (InvalidHandlerCause::NotExecutable, false) => "they are in data: memory that is not executable",
        (InvalidHandlerCause::KernelAddress, true) => "it is an address of the kernel",
        (InvalidHandlerCause::KernelAddress, false) => "they are addresses of the kernel",
    };
    let signals = groups.iter().fold(SignalSet::EMPTY, |all, (.., signals)| all | *signals);
    let ends = match signals.len() {
        1 => "the signal ends the process by SEGV when it comes",
        _ => "each of the signals ends the process by SEGV when it comes",
    };
    let each =
        |(_, handler, signals): &(u64, &str, SignalSet)| format!("{} ({handler})", signal_names(*signals));
    let which: Vec<String> = groups.iter().map(each).collect();
    let what = match which.as_slice() {
        [one] => format!("the handler of {one} is no code"),
        several => format!("the handlers of {} are no code", several.join(", ")),
    };
    let why = format!("{ends}; {where_it_is}");
    (!which.is_empty()).then(|| new_finding(FindingId::HandlerNotCode, Severity::Problem, what, why, None))
}

/// Go runs functions on small stacks, and asks of all others to set handlers
/// for the alternate one (os/signal, "Non-Go programs that call Go code").
fn alt_stack_finding(caught: &[CaughtSignal]) -> Option<Finding> {
    let off = |caught: &&CaughtSignal| !caught.action.uses_alternate_stack();
    let signals: SignalSet = caught.iter().filter(off).map(|caught| caught.signal).collect();
    if !is_go_program(caught) || signals.is_empty() {
        return None;
    }
    let what = format!("a Go program, whose handlers of {} run without SA_ONSTACK", signal_names(signals));
    let why = "where one comes while Go code runs, the program crashes: a goroutine's stack is small";
    let todo = "let the library that has set them add SA_ONSTACK to their flags".to_owned();
    Some(new_finding(FindingId::HandlerNotOnAltStack, Severity::Warning, what, why, Some(todo)))
}

/// Whether it is a Go program: by its functions, or, where it has lost their
/// names, by all that it catches.
fn is_go_program(caught: &[CaughtSignal]) -> bool {
    let all: SignalSet = caught.iter().map(|caught| caught.signal).collect();
    caught.iter().any(|caught| is_go_handler(&caught.handler)) || matches_go_runtime(all)
}

/// The functions by which Go's runtime takes signals.
fn is_go_handler(handler: &str) -> bool {
    handler.starts_with("runtime.sigtramp") || handler.starts_with("runtime.cgoSigtramp")
}

fn shared_handler_finding(caught: &[CaughtSignal]) -> Option<Finding> {
    // The C library's own, and a runtime that takes all it can, are no news.
    let groups = group_by_handler(caught.iter().filter(|caught| !is_go_handler(&caught.handler)));
    let several = |signals: SignalSet| {
        let others = signals.iter().filter(|signal| !signal.is_reserved_by_libc());
        others.count() > 1 && !matches_go_runtime(signals)
    };
    let shared = groups.iter().filter(|(.., signals)| several(*signals));
    let each: Vec<String> =
        shared.map(|(_, handler, signals)| format!("{} by {handler}", signal_names(*signals))).collect();
    let what = format!("several signals have one handler: {}", each.join("; "));
    let why = "it tells them apart by its argument";
    (!each.is_empty()).then(|| new_finding(FindingId::HandlerShared, Severity::Note, what, why, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caught_signal(number: u8, handler: u64, flags: u64, name: &str) -> CaughtSignal {
        let action = Sigaction { handler, flags, restorer: 0, mask: SignalSet::EMPTY };
        CaughtSignal {
            signal: Signal::new(number).unwrap(),
            action,
            handler: name.to_owned(),
            invalid: (name == "0x10").then_some(InvalidHandler::Unmapped),
        }
    }

    fn findings_of(all: &[CaughtSignal]) -> Vec<(FindingId, String)> {
        handler_findings(all).into_iter().map(|finding| (finding.id, finding.summary)).collect()
    }

    const SA_ONSTACK: u64 = 0x0800_0000;

    #[test]
    fn invalid_handler_is_a_problem() {
        let all = [caught_signal(10, 0x10, 0, "0x10"), caught_signal(12, 0x20, 0, "f")];
        let expected = "the handler of USR1 (0x10) is no code".to_owned();
        assert_eq!(findings_of(&all), [(FindingId::HandlerNotCode, expected)]);
        assert!(findings_of(&all[1..]).is_empty());
    }

    #[test]
    fn small_integer_is_not_reported_as_unloaded_library() {
        let why = |all: &[CaughtSignal]| handler_findings(all).remove(0).explanation;
        for (handler, word) in [
            (2, "SIG_HOLD"),
            (u64::MAX, "SIG_ERR"),
            (0x10, "an integer"),
            (0xffff, "an integer"),
            (0x1_0000, "unloaded"),
            (0x7fff_f7dd_0000, "unloaded"),
            (0x1122_3344_5566_7788, "it is no address"),
        ] {
            let why = why(&[unmapped_handler(10, handler)]);
            assert!(why.contains(word), "{handler:x}: {why}");
            assert_eq!(why.contains("unloaded"), word == "unloaded", "{handler:x}: {why}");
        }
        assert!(
            why(&[unmapped_handler(10, 2), unmapped_handler(12, 3)])
                .contains("integers or SIG_ constants were")
        );
        let both = handler_findings(&[unmapped_handler(10, 2), unmapped_handler(12, 0x7fff_f7dd_0000)]);
        let said: Vec<_> = both.iter().map(|finding| (finding.id, finding.summary.as_str())).collect();
        let (one, other) = ("the handler of USR1 (x) is no code", "the handler of USR2 (x) is no code");
        assert_eq!(said, [(FindingId::HandlerNotCode, one), (FindingId::HandlerNotCode, other)]);
    }

    fn unmapped_handler(number: u8, handler: u64) -> CaughtSignal {
        CaughtSignal { invalid: Some(InvalidHandler::Unmapped), ..caught_signal(number, handler, 0, "x") }
    }

    #[test]
    fn invalid_handlers_are_distinguished_by_region() {
        let of = |no_code, number, handler| CaughtSignal {
            invalid: Some(no_code),
            ..unmapped_handler(number, handler)
        };
        let gone = unmapped_handler(10, 0x7fff_f7dd_0000);
        let (data, kernel) = (
            of(InvalidHandler::NotExecutable, 12, 0x20_0000),
            of(InvalidHandler::KernelAddress, 15, 0xffff_ffff_8100_0000),
        );
        let why = |all: &[CaughtSignal]| {
            handler_findings(all).into_iter().map(|found| found.explanation).collect::<Vec<_>>()
        };
        let one = "the signal ends the process by SEGV when it comes; ";
        let each = "each of the signals ends the process by SEGV when it comes; ";
        assert_eq!(
            why(&[gone.clone(), data.clone(), kernel.clone()]),
            [
                format!("{one}likely the library that has set it is unloaded"),
                format!("{one}it is in data: memory that is not executable"),
                format!("{one}it is an address of the kernel"),
            ]
        );
        let other = |caught: &CaughtSignal| {
            let handler = caught.action.handler + 8;
            CaughtSignal {
                signal: Signal::new(1).unwrap(),
                action: Sigaction { handler, ..caught.action },
                ..caught.clone()
            }
        };
        for (caught, several) in [
            (&gone, "likely the library that has set them is unloaded"),
            (&data, "they are in data: memory that is not executable"),
            (&kernel, "they are addresses of the kernel"),
        ] {
            assert_eq!(why(&[caught.clone(), other(caught)]), [format!("{each}{several}")]);
        }
        let same = CaughtSignal { signal: Signal::new(1).unwrap(), ..gone.clone() };
        let it = format!("{each}likely the library that has set it is unloaded");
        assert_eq!(handler_findings(&[gone, same])[0].explanation, it, "two signals of one handler");
    }

    #[test]
    fn go_program_warns_about_handler_without_alt_stack() {
        let go = caught_signal(15, 0x100, SA_ONSTACK, "runtime.sigtramp.abi0");
        let all = [go.clone(), caught_signal(10, 0x20, 0, "f"), caught_signal(12, 0x30, SA_ONSTACK, "g")];
        let expected = "a Go program, whose handlers of USR1 run without SA_ONSTACK".to_owned();
        assert_eq!(findings_of(&all), [(FindingId::HandlerNotOnAltStack, expected)]);
        assert!(findings_of(&[go]).is_empty());
        assert!(findings_of(&[caught_signal(10, 0x20, 0, "f")]).is_empty(), "no Go program");
    }

    #[test]
    fn shared_handler_is_one_note() {
        let all = [(2, 1), (15, 2), (3, 2), (1, 2), (10, 1), (12, 3)];
        let all =
            all.map(|(number, handler)| caught_signal(number, 0x100 * handler, 0, &format!("f{handler}")));
        let expected = "several signals have one handler: HUP QUIT TERM by f2; INT USR1 by f1".to_owned();
        assert_eq!(findings_of(&all), [(FindingId::HandlerShared, expected)]);
        let go = [1, 2, 3].map(|number| caught_signal(number, 0x100, SA_ONSTACK, "runtime.sigtramp"));
        assert!(findings_of(&go).is_empty(), "its runtime takes all it can");
    }
}

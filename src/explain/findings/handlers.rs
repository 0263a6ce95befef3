//! Findings about the handlers of a process: invalid addresses, missing SA_ONSTACK, and
//! handlers that several signals share.

use super::finding::{Finding, FindingId, Severity, signal_names};
use super::program::matches_go_runtime;
use crate::signal::{Sigaction, Signal, SignalSet};

/// A caught signal and its handler.
#[derive(Clone, Debug)]
pub struct CaughtSignal {
    /// The signal.
    pub signal: Signal,
    /// The action set by sigaction(2).
    pub action: Sigaction,
    /// The text for the handler: the function, or the address.
    pub handler: String,
    /// The reason why a call of the handler terminates the process. `None` if the handler
    /// is code, or if that is unknown.
    pub invalid: Option<InvalidHandler>,
}

/// The reason why the address of a handler is not executable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidHandler {
    /// No memory is mapped there.
    Unmapped,
    /// The memory is not executable.
    NotExecutable,
    /// The address belongs to the kernel.
    KernelAddress,
}

/// The cause of an [`InvalidHandler`], as far as the address shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InvalidHandlerCause {
    /// An integer or a constant was used as a handler.
    SmallInteger,
    /// The code was probably unmapped after the handler was set.
    Unloaded,
    /// No process can have memory at this address.
    OutOfRange,
    /// The memory is not executable.
    NotExecutable,
    /// The address belongs to the kernel.
    KernelAddress,
}

/// Returns all findings about these handlers.
pub fn handler_findings(caught: &[CaughtSignal]) -> Vec<Finding> {
    let causes = [
        InvalidHandlerCause::SmallInteger,
        InvalidHandlerCause::Unloaded,
        InvalidHandlerCause::OutOfRange,
        InvalidHandlerCause::NotExecutable,
        InvalidHandlerCause::KernelAddress,
    ];
    let invalid = causes.iter().filter_map(|cause| invalid_handler_finding(caught, *cause));
    invalid.chain(alt_stack_finding(caught)).chain(shared_handler_finding(caught)).collect()
}

/// Groups signals by handler address, the handler with the most signals first.
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

/// The lowest address that can be mapped (vm.mmap_min_addr, 65536 by default).
const MMAP_MIN_ADDR: u64 = 1 << 16;

/// The address from which on the kernel maps no memory for a process, unless the process
/// requests such an address (x86/x86_64/5level-paging.rst, arm64/memory.rst and
/// riscv/vm-layout.rst in the kernel's documentation).
const USER_ADDRESS_END: u64 = if cfg!(target_arch = "x86_64") { 1 << 47 } else { 1 << 48 };

impl InvalidHandlerCause {
    /// Returns the cause, or `None` if the handler is valid.
    fn classify(caught: &CaughtSignal) -> Option<InvalidHandlerCause> {
        let address = caught.action.handler;
        // A small positive or negative integer.
        let is_small = address.cast_signed().unsigned_abs() < MMAP_MIN_ADDR;
        Some(match caught.invalid? {
            InvalidHandler::NotExecutable => InvalidHandlerCause::NotExecutable,
            _ if is_small => InvalidHandlerCause::SmallInteger,
            InvalidHandler::KernelAddress => InvalidHandlerCause::KernelAddress,
            InvalidHandler::Unmapped if address >= USER_ADDRESS_END => InvalidHandlerCause::OutOfRange,
            InvalidHandler::Unmapped => InvalidHandlerCause::Unloaded,
        })
    }
}

/// Explains handlers that are small integers. Some have names in signal.h.
fn describe_constants(groups: &[(u64, &str, SignalSet)]) -> &'static str {
    match groups {
        [(u64::MAX, ..)] => "No memory is ever mapped there; SIG_ERR was set as the handler",
        [(2, ..)] => {
            "No memory is ever mapped there; SIG_HOLD, which only sigset(3) accepts, was probably set as the handler"
        }
        [_] => {
            "No memory is ever mapped there; an integer or a SIG_ constant was probably set as the handler"
        }
        _ => "No memory is ever mapped there; integers or SIG_ constants were probably set as handlers",
    }
}

/// Finds the invalid handlers that have this cause.
fn invalid_handler_finding(caught: &[CaughtSignal], cause: InvalidHandlerCause) -> Option<Finding> {
    let groups =
        group_by_handler(caught.iter().filter(|caught| InvalidHandlerCause::classify(caught) == Some(cause)));
    let is_single = groups.len() == 1;
    let cause_text = match (cause, is_single) {
        (InvalidHandlerCause::SmallInteger, _) => describe_constants(&groups),
        (InvalidHandlerCause::Unloaded, true) => "The library that set it was probably unloaded",
        (InvalidHandlerCause::Unloaded, false) => "The library that set them was probably unloaded",
        (InvalidHandlerCause::OutOfRange, true) => "No process can have memory at this address",
        (InvalidHandlerCause::OutOfRange, false) => "No process can have memory at these addresses",
        (InvalidHandlerCause::NotExecutable, true) => "The address is in memory that is not executable",
        (InvalidHandlerCause::NotExecutable, false) => "The addresses are in memory that is not executable",
        (InvalidHandlerCause::KernelAddress, true) => "The address belongs to the kernel",
        (InvalidHandlerCause::KernelAddress, false) => "The addresses belong to the kernel",
    };
    let signals = groups.iter().fold(SignalSet::EMPTY, |all, (.., signals)| all | *signals);
    let consequence = match signals.len() {
        1 => "If the signal is delivered, the process is killed by SEGV",
        _ => "If one of these signals is delivered, the process is killed by SEGV",
    };
    let signals_and_handler =
        |(_, handler, signals): &(u64, &str, SignalSet)| format!("{} ({handler})", signal_names(*signals));
    let handlers: Vec<String> = groups.iter().map(signals_and_handler).collect();
    let summary = match handlers.as_slice() {
        [] => return None,
        [handler] => format!("The handler of {handler} is not executable code"),
        handlers => format!("The handlers of {} are not executable code", handlers.join(", ")),
    };
    let explanation = format!("{consequence}. {cause_text}");
    Some(Finding::new(FindingId::HandlerNotCode, Severity::Problem, summary, explanation, None))
}

/// Finds handlers of a Go program that do not use the alternate stack. Go runs functions
/// on small stacks, so other code must set SA_ONSTACK (os/signal, "Non-Go programs that
/// call Go code").
fn alt_stack_finding(caught: &[CaughtSignal]) -> Option<Finding> {
    let lacks_onstack = |caught: &&CaughtSignal| !caught.action.uses_alternate_stack();
    let signals: SignalSet = caught.iter().filter(lacks_onstack).map(|caught| caught.signal).collect();
    if !is_go_program(caught) || signals.is_empty() {
        return None;
    }
    let summary =
        format!("It is a Go program, but its handlers of {} run without SA_ONSTACK", signal_names(signals));
    let explanation = "If one of them runs while Go code is running, the program crashes because goroutine stacks are small";
    let advice = "Change the library that set them to add SA_ONSTACK".to_owned();
    Some(Finding::new(FindingId::HandlerNotOnAltStack, Severity::Warning, summary, explanation, Some(advice)))
}

/// Returns `true` if this is a Go program. The names of the handlers show it, or the set of
/// caught signals if the symbols are stripped.
fn is_go_program(caught: &[CaughtSignal]) -> bool {
    let signals: SignalSet = caught.iter().map(|caught| caught.signal).collect();
    caught.iter().any(|caught| is_go_handler(&caught.handler)) || matches_go_runtime(signals)
}

/// Returns `true` for the handler functions of the Go runtime.
fn is_go_handler(handler: &str) -> bool {
    handler.starts_with("runtime.sigtramp") || handler.starts_with("runtime.cgoSigtramp")
}

/// Finds handlers that several signals share.
fn shared_handler_finding(caught: &[CaughtSignal]) -> Option<Finding> {
    // The handlers of the C library and of a runtime that catches all signals are normal.
    let groups = group_by_handler(caught.iter().filter(|caught| !is_go_handler(&caught.handler)));
    let is_shared = |signals: SignalSet| {
        signals.iter().filter(|signal| !signal.is_reserved_by_libc()).count() > 1
            && !matches_go_runtime(signals)
    };
    let shared: Vec<String> = groups
        .iter()
        .filter(|(.., signals)| is_shared(*signals))
        .map(|(_, handler, signals)| format!("{} share the handler {handler}", signal_names(*signals)))
        .collect();
    if shared.is_empty() {
        return None;
    }
    let summary = shared.join("; ");
    let explanation = "The handler gets the signal number as its argument";
    Some(Finding::new(FindingId::HandlerShared, Severity::Note, summary, explanation, None))
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

    fn findings_of(caught: &[CaughtSignal]) -> Vec<(FindingId, String)> {
        handler_findings(caught).into_iter().map(|finding| (finding.id, finding.summary)).collect()
    }

    const SA_ONSTACK: u64 = 0x0800_0000;

    #[test]
    fn invalid_handler_is_a_problem() {
        let all = [caught_signal(10, 0x10, 0, "0x10"), caught_signal(12, 0x20, 0, "f")];
        let expected = "The handler of USR1 (0x10) is not executable code".to_owned();
        assert_eq!(findings_of(&all), [(FindingId::HandlerNotCode, expected)]);
        assert!(findings_of(&all[1..]).is_empty());
    }

    #[test]
    fn small_integer_is_not_reported_as_unloaded_library() {
        let explanation = |caught: &[CaughtSignal]| handler_findings(caught).remove(0).explanation;
        for (handler, expected) in [
            (2, "SIG_HOLD"),
            (u64::MAX, "SIG_ERR"),
            (0x10, "an integer"),
            (0xffff, "an integer"),
            (0x1_0000, "unloaded"),
            (0x7fff_f7dd_0000, "unloaded"),
            (0x1122_3344_5566_7788, "at this address"),
        ] {
            let text = explanation(&[unmapped_handler(10, handler)]);
            assert!(text.contains(expected), "{handler:x}: {text}");
            assert_eq!(text.contains("unloaded"), expected == "unloaded", "{handler:x}: {text}");
        }
        assert!(
            explanation(&[unmapped_handler(10, 2), unmapped_handler(12, 3)])
                .contains("integers or SIG_ constants were")
        );
        let both = handler_findings(&[unmapped_handler(10, 2), unmapped_handler(12, 0x7fff_f7dd_0000)]);
        let summaries: Vec<_> = both.iter().map(|finding| (finding.id, finding.summary.as_str())).collect();
        let (one, other) = (
            "The handler of USR1 (x) is not executable code",
            "The handler of USR2 (x) is not executable code",
        );
        assert_eq!(summaries, [(FindingId::HandlerNotCode, one), (FindingId::HandlerNotCode, other)]);
    }

    fn unmapped_handler(number: u8, handler: u64) -> CaughtSignal {
        CaughtSignal { invalid: Some(InvalidHandler::Unmapped), ..caught_signal(number, handler, 0, "x") }
    }

    #[test]
    fn invalid_handlers_are_distinguished_by_region() {
        let invalid_handler = |reason, number, handler| CaughtSignal {
            invalid: Some(reason),
            ..unmapped_handler(number, handler)
        };
        let unloaded = unmapped_handler(10, 0x7fff_f7dd_0000);
        let (data, kernel) = (
            invalid_handler(InvalidHandler::NotExecutable, 12, 0x20_0000),
            invalid_handler(InvalidHandler::KernelAddress, 15, 0xffff_ffff_8100_0000),
        );
        let explanations = |caught: &[CaughtSignal]| {
            handler_findings(caught).into_iter().map(|finding| finding.explanation).collect::<Vec<_>>()
        };
        let single = "If the signal is delivered, the process is killed by SEGV. ";
        let multiple = "If one of these signals is delivered, the process is killed by SEGV. ";
        assert_eq!(
            explanations(&[unloaded.clone(), data.clone(), kernel.clone()]),
            [
                format!("{single}The library that set it was probably unloaded"),
                format!("{single}The address is in memory that is not executable"),
                format!("{single}The address belongs to the kernel"),
            ]
        );
        let with_other_handler = |caught: &CaughtSignal| {
            let handler = caught.action.handler + 8;
            CaughtSignal {
                signal: Signal::new(1).unwrap(),
                action: Sigaction { handler, ..caught.action },
                ..caught.clone()
            }
        };
        for (caught, expected) in [
            (&unloaded, "The library that set them was probably unloaded"),
            (&data, "The addresses are in memory that is not executable"),
            (&kernel, "The addresses belong to the kernel"),
        ] {
            assert_eq!(
                explanations(&[caught.clone(), with_other_handler(caught)]),
                [format!("{multiple}{expected}")]
            );
        }
        let same_handler = CaughtSignal { signal: Signal::new(1).unwrap(), ..unloaded.clone() };
        let expected = format!("{multiple}The library that set it was probably unloaded");
        assert_eq!(
            handler_findings(&[unloaded, same_handler])[0].explanation,
            expected,
            "two signals with one handler"
        );
    }

    #[test]
    fn go_program_warns_about_handler_without_alt_stack() {
        let go = caught_signal(15, 0x100, SA_ONSTACK, "runtime.sigtramp.abi0");
        let all = [go.clone(), caught_signal(10, 0x20, 0, "f"), caught_signal(12, 0x30, SA_ONSTACK, "g")];
        let expected = "It is a Go program, but its handlers of USR1 run without SA_ONSTACK".to_owned();
        assert_eq!(findings_of(&all), [(FindingId::HandlerNotOnAltStack, expected)]);
        assert!(findings_of(&[go]).is_empty());
        assert!(findings_of(&[caught_signal(10, 0x20, 0, "f")]).is_empty(), "no Go program");
    }

    #[test]
    fn shared_handler_is_one_note() {
        let all = [(2, 1), (15, 2), (3, 2), (1, 2), (10, 1), (12, 3)];
        let all =
            all.map(|(number, handler)| caught_signal(number, 0x100 * handler, 0, &format!("f{handler}")));
        let expected =
            "HUP, QUIT and TERM share the handler f2; INT and USR1 share the handler f1".to_owned();
        assert_eq!(findings_of(&all), [(FindingId::HandlerShared, expected)]);
        let go = [1, 2, 3].map(|number| caught_signal(number, 0x100, SA_ONSTACK, "runtime.sigtramp"));
        assert!(findings_of(&go).is_empty(), "its runtime takes all it can");
    }
}

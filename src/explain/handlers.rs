//! What is wrong or surprising about the handlers of a process.

use super::finding::{Finding, Id, Severity};
use super::findings::{finding, names};
use super::habits::is_all_of_go;
use crate::signal::{Sigaction, Signal, SignalSet};

/// A signal that is caught, and by what.
#[derive(Clone, Debug)]
pub struct Caught {
    /// The signal.
    pub signal: Signal,
    /// Its action.
    pub action: Sigaction,
    /// The handler in words: its function, or its address.
    pub handler: String,
    /// Whether a jump there ends the process: nothing is mapped, or it is no
    /// code.
    pub fatal: bool,
}

/// What is found of them.
pub fn of_handlers(caught: &[Caught]) -> Vec<Finding> {
    let fatal = caught.iter().filter(|caught| caught.fatal);
    let (constants, gone): (Vec<_>, Vec<_>) = fatal.partition(|caught| is_constant(caught));
    let gone = no_code(&gone, "likely the library that has set it is unloaded");
    [of_constants(&constants), gone, off_stack(caught), shared(caught)].into_iter().flatten().collect()
}

/// Handlers, each with the signals that it takes, the most first.
fn groups<'a>(caught: impl Iterator<Item = &'a Caught>) -> Vec<(&'a str, SignalSet)> {
    let mut groups: Vec<(u64, &str, SignalSet)> = Vec::new();
    for Caught { signal, action, handler, .. } in caught {
        match groups.iter_mut().find(|(address, ..)| *address == action.handler) {
            Some((.., signals)) => signals.insert(*signal),
            None => groups.push((action.handler, handler, [*signal].into_iter().collect())),
        }
    }
    groups.sort_by_key(|(.., signals)| std::cmp::Reverse(signals.len()));
    groups.into_iter().map(|(_, handler, signals)| (handler, signals)).collect()
}

/// No memory is below this unless the machine's administrator allows it
/// (vm.mmap_min_addr, 65536 by default).
const LOWEST_ADDRESS: u64 = 1 << 16;

/// Whether a handler is so small a number, or so small below zero, that no
/// memory is ever there.
fn is_constant(caught: &Caught) -> bool {
    caught.action.handler.cast_signed().unsigned_abs() < LOWEST_ADDRESS
}

/// Where they are from, as far as they tell: some have names (signal.h).
fn of_constants(caught: &[&Caught]) -> Option<Finding> {
    let all = |number: i64| caught.iter().all(|caught| caught.action.handler.cast_signed() == number);
    let what = match () {
        () if all(-1) => "SIG_ERR",
        () if all(2) => "likely SIG_HOLD, which is for sigset(3) alone,",
        () => "likely an integer or a SIG_ constant",
    };
    no_code(caught, &format!("no memory is ever there, {what} was given as a handler"))
}

fn no_code(caught: &[&Caught], likely: &str) -> Option<Finding> {
    let why = format!("the signal ends the process by SEGV when it comes; {likely}");
    let groups = groups(caught.iter().copied());
    let each = |(handler, signals): &(&str, SignalSet)| format!("{} ({handler})", names(*signals));
    let which: Vec<String> = groups.iter().map(each).collect();
    let what = match which.as_slice() {
        [one] => format!("the handler of {one} is no code"),
        several => format!("the handlers of {} are no code", several.join(", ")),
    };
    (!which.is_empty()).then(|| finding(Id::HandlerUnmapped, Severity::Problem, what, why, None))
}

/// Go runs functions on small stacks, and asks of all others to set handlers
/// for the alternate one (os/signal, "Non-Go programs that call Go code").
fn off_stack(caught: &[Caught]) -> Option<Finding> {
    let off = |caught: &&Caught| !caught.action.is_on_stack();
    let signals: SignalSet = caught.iter().filter(off).map(|caught| caught.signal).collect();
    if !is_go(caught) || signals.is_empty() {
        return None;
    }
    let what = format!("a Go program, whose handlers of {} run without SA_ONSTACK", names(signals));
    let why = "where one comes while Go code runs, the program crashes: a goroutine's stack is small";
    let todo = "let the library that has set them add SA_ONSTACK to their flags".to_owned();
    Some(finding(Id::HandlerOffStack, Severity::Warning, what, why, Some(todo)))
}

/// Whether it is a Go program: by its functions, or, where it has lost their
/// names, by all that it catches.
fn is_go(caught: &[Caught]) -> bool {
    let all: SignalSet = caught.iter().map(|caught| caught.signal).collect();
    caught.iter().any(|caught| is_of_go(&caught.handler)) || is_all_of_go(all)
}

/// The functions by which Go's runtime takes signals.
fn is_of_go(handler: &str) -> bool {
    handler.starts_with("runtime.sigtramp") || handler.starts_with("runtime.cgoSigtramp")
}

fn shared(caught: &[Caught]) -> Option<Finding> {
    // The C library's own, and a runtime that takes all it can, are no news.
    let groups = groups(caught.iter().filter(|caught| !is_of_go(&caught.handler)));
    let several = |signals: SignalSet| {
        let others = signals.iter().filter(|signal| !signal.is_of_c_library());
        others.count() > 1 && !is_all_of_go(signals)
    };
    let shared = groups.iter().filter(|(_, signals)| several(*signals));
    let each: Vec<String> =
        shared.map(|(handler, signals)| format!("{} by {handler}", names(*signals))).collect();
    let what = format!("several signals have one handler: {}", each.join("; "));
    let why = "it tells them apart by its argument";
    (!each.is_empty()).then(|| finding(Id::HandlerShared, Severity::Note, what, why, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caught(number: u8, handler: u64, flags: u64, name: &str) -> Caught {
        let action = Sigaction { handler, flags, restorer: 0, mask: SignalSet::EMPTY };
        Caught {
            signal: Signal::new(number).unwrap(),
            action,
            handler: name.to_owned(),
            fatal: name == "0x10",
        }
    }

    fn found(all: &[Caught]) -> Vec<(Id, String)> {
        of_handlers(all).into_iter().map(|finding| (finding.id, finding.what)).collect()
    }

    const ON_STACK: u64 = 0x0800_0000;

    #[test]
    fn handlers_that_are_no_code_are_a_problem() {
        let all = [caught(10, 0x10, 0, "0x10"), caught(12, 0x20, 0, "f")];
        let expected = "the handler of USR1 (0x10) is no code".to_owned();
        assert_eq!(found(&all), [(Id::HandlerUnmapped, expected)]);
        assert!(found(&all[1..]).is_empty());
    }

    #[test]
    fn a_number_that_is_no_address_is_no_unloaded_library() {
        let fatal = |number, handler| Caught { fatal: true, ..caught(number, handler, 0, "x") };
        let why = |all: &[Caught]| of_handlers(all).remove(0).why;
        for (handler, word) in [
            (2, "SIG_HOLD"),
            (u64::MAX, "SIG_ERR"),
            (0x10, "an integer"),
            (0xffff, "an integer"),
            (0x1_0000, "unloaded"),
            (0x7fff_f7dd_0000, "unloaded"),
        ] {
            assert!(why(&[fatal(10, handler)]).contains(word), "{handler:x}: {}", why(&[fatal(10, handler)]));
        }
        assert!(why(&[fatal(10, 2), fatal(12, 3)]).contains("an integer"));
        let both = of_handlers(&[fatal(10, 2), fatal(12, 0x7fff_f7dd_0000)]);
        let said: Vec<_> = both.iter().map(|finding| (finding.id, finding.what.as_str())).collect();
        let (one, other) = ("the handler of USR1 (x) is no code", "the handler of USR2 (x) is no code");
        assert_eq!(said, [(Id::HandlerUnmapped, one), (Id::HandlerUnmapped, other)]);
    }

    #[test]
    fn go_wants_the_alternate_stack() {
        let go = caught(15, 0x100, ON_STACK, "runtime.sigtramp.abi0");
        let all = [go.clone(), caught(10, 0x20, 0, "f"), caught(12, 0x30, ON_STACK, "g")];
        let expected = "a Go program, whose handlers of USR1 run without SA_ONSTACK".to_owned();
        assert_eq!(found(&all), [(Id::HandlerOffStack, expected)]);
        assert!(found(&[go]).is_empty());
        assert!(found(&[caught(10, 0x20, 0, "f")]).is_empty(), "no Go program");
    }

    #[test]
    fn signals_of_one_handler_are_one_note() {
        let all = [(2, 1), (15, 2), (3, 2), (1, 2), (10, 1), (12, 3)];
        let all = all.map(|(number, handler)| caught(number, 0x100 * handler, 0, &format!("f{handler}")));
        let expected = "several signals have one handler: HUP QUIT TERM by f2; INT USR1 by f1".to_owned();
        assert_eq!(found(&all), [(Id::HandlerShared, expected)]);
        let go = [1, 2, 3].map(|number| caught(number, 0x100, ON_STACK, "runtime.sigtramp"));
        assert!(found(&go).is_empty(), "its runtime takes all it can");
    }
}

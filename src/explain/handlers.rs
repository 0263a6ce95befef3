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
    /// Why it is no code, so that a jump there ends the process; `None` where it
    /// is code, or that is not known.
    pub no_code: Option<NoCode>,
}

/// What is where a handler is to be, and is no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoCode {
    /// Nothing.
    Unmapped,
    /// Memory that is not executable.
    Data,
    /// An address of the kernel's.
    Kernel,
}

/// The same, as far as the address itself tells more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    /// A number, which somebody has taken for a handler.
    Constant,
    /// Nothing is there, and likely something was.
    Gone,
    /// No process ever has memory there.
    Beyond,
    /// See [`NoCode`].
    Data,
    Kernel,
}

/// What is found of them.
pub fn of_handlers(caught: &[Caught]) -> Vec<Finding> {
    let all = [Reason::Constant, Reason::Gone, Reason::Beyond, Reason::Data, Reason::Kernel];
    let fatal = all.iter().filter_map(|reason| no_code(caught, *reason));
    fatal.chain(off_stack(caught)).chain(shared(caught)).collect()
}

/// Handlers, each with the signals that it takes, the most first.
fn groups<'a>(caught: impl Iterator<Item = &'a Caught>) -> Vec<(u64, &'a str, SignalSet)> {
    let mut groups: Vec<(u64, &str, SignalSet)> = Vec::new();
    for Caught { signal, action, handler, .. } in caught {
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
const LOWEST_ADDRESS: u64 = 1 << 16;

/// The kernel gives no process memory from here on: x86-64 without being asked,
/// arm64 and riscv likewise (the kernel's documentation,
/// x86/x86_64/5level-paging.rst, arm64/memory.rst, riscv/vm-layout.rst).
const HIGHEST_ADDRESS: u64 = if cfg!(target_arch = "x86_64") { 1 << 47 } else { 1 << 48 };

impl Reason {
    /// `None` where it is code.
    fn of(caught: &Caught) -> Option<Reason> {
        let address = caught.action.handler;
        // So small a number, or so small below zero, that no memory is there.
        let is_constant = address.cast_signed().unsigned_abs() < LOWEST_ADDRESS;
        Some(match caught.no_code? {
            NoCode::Data => Reason::Data,
            _ if is_constant => Reason::Constant,
            NoCode::Kernel => Reason::Kernel,
            NoCode::Unmapped if address >= HIGHEST_ADDRESS => Reason::Beyond,
            NoCode::Unmapped => Reason::Gone,
        })
    }
}

/// Where numbers are from, as far as they tell: some have names (signal.h).
fn constants(groups: &[(u64, &str, SignalSet)]) -> &'static str {
    match groups {
        [(u64::MAX, ..)] => "no memory is ever there, SIG_ERR was given as a handler",
        [(2, ..)] => {
            "no memory is ever there, likely SIG_HOLD, which is for sigset(3) alone, was given as a handler"
        }
        [_] => "no memory is ever there, likely an integer or a SIG_ constant was given as a handler",
        _ => "no memory is ever there, likely integers or SIG_ constants were given as handlers",
    }
}

fn no_code(caught: &[Caught], reason: Reason) -> Option<Finding> {
    let groups = groups(caught.iter().filter(|caught| Reason::of(caught) == Some(reason)));
    let is_one = groups.len() == 1;
    let where_it_is = match (reason, is_one) {
        (Reason::Constant, _) => constants(&groups),
        (Reason::Gone, true) => "likely the library that has set it is unloaded",
        (Reason::Gone, false) => "likely the library that has set them is unloaded",
        (Reason::Beyond, true) => "no memory is ever there, it is no address",
        (Reason::Beyond, false) => "no memory is ever there, they are no addresses",
        (Reason::Data, true) => "it is in data: memory that is not executable",
        (Reason::Data, false) => "they are in data: memory that is not executable",
        (Reason::Kernel, true) => "it is an address of the kernel",
        (Reason::Kernel, false) => "they are addresses of the kernel",
    };
    let signals = groups.iter().fold(SignalSet::EMPTY, |all, (.., signals)| all | *signals);
    let ends = match signals.len() {
        1 => "the signal ends the process by SEGV when it comes",
        _ => "each of the signals ends the process by SEGV when it comes",
    };
    let each = |(_, handler, signals): &(u64, &str, SignalSet)| format!("{} ({handler})", names(*signals));
    let which: Vec<String> = groups.iter().map(each).collect();
    let what = match which.as_slice() {
        [one] => format!("the handler of {one} is no code"),
        several => format!("the handlers of {} are no code", several.join(", ")),
    };
    let why = format!("{ends}; {where_it_is}");
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
    let shared = groups.iter().filter(|(.., signals)| several(*signals));
    let each: Vec<String> =
        shared.map(|(_, handler, signals)| format!("{} by {handler}", names(*signals))).collect();
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
            no_code: (name == "0x10").then_some(NoCode::Unmapped),
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
        let why = |all: &[Caught]| of_handlers(all).remove(0).why;
        for (handler, word) in [
            (2, "SIG_HOLD"),
            (u64::MAX, "SIG_ERR"),
            (0x10, "an integer"),
            (0xffff, "an integer"),
            (0x1_0000, "unloaded"),
            (0x7fff_f7dd_0000, "unloaded"),
            (0x1122_3344_5566_7788, "it is no address"),
        ] {
            let why = why(&[unmapped(10, handler)]);
            assert!(why.contains(word), "{handler:x}: {why}");
            assert_eq!(why.contains("unloaded"), word == "unloaded", "{handler:x}: {why}");
        }
        assert!(why(&[unmapped(10, 2), unmapped(12, 3)]).contains("integers or SIG_ constants were"));
        let both = of_handlers(&[unmapped(10, 2), unmapped(12, 0x7fff_f7dd_0000)]);
        let said: Vec<_> = both.iter().map(|finding| (finding.id, finding.what.as_str())).collect();
        let (one, other) = ("the handler of USR1 (x) is no code", "the handler of USR2 (x) is no code");
        assert_eq!(said, [(Id::HandlerUnmapped, one), (Id::HandlerUnmapped, other)]);
    }

    fn unmapped(number: u8, handler: u64) -> Caught {
        Caught { no_code: Some(NoCode::Unmapped), ..caught(number, handler, 0, "x") }
    }

    #[test]
    fn each_place_that_is_no_code_is_told_apart() {
        let of = |no_code, number, handler| Caught { no_code: Some(no_code), ..unmapped(number, handler) };
        let gone = unmapped(10, 0x7fff_f7dd_0000);
        let (data, kernel) = (of(NoCode::Data, 12, 0x20_0000), of(NoCode::Kernel, 15, 0xffff_ffff_8100_0000));
        let why = |all: &[Caught]| of_handlers(all).into_iter().map(|found| found.why).collect::<Vec<_>>();
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
        let other = |caught: &Caught| {
            let handler = caught.action.handler + 8;
            Caught {
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
        let same = Caught { signal: Signal::new(1).unwrap(), ..gone.clone() };
        let it = format!("{each}likely the library that has set it is unloaded");
        assert_eq!(of_handlers(&[gone, same])[0].why, it, "two signals of one handler");
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

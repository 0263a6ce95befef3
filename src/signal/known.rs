//! Signals that have a part of their own in what sigtool does, by their numbers
//! on the architecture it runs on.

use super::table::{Facts, TABLES};
use super::{Arch, Signal};

/// A child has ended, stopped or continued.
pub const CHLD: Signal = of("CHLD");
/// Continue.
pub const CONT: Signal = of("CONT");
/// Hang up.
pub const HUP: Signal = of("HUP");
/// Interrupt.
pub const INT: Signal = of("INT");
/// End at once.
pub const KILL: Signal = of("KILL");
/// Nobody reads.
pub const PIPE: Signal = of("PIPE");
/// Quit.
pub const QUIT: Signal = of("QUIT");
/// Stop at once.
pub const STOP: Signal = of("STOP");
/// End.
pub const TERM: Signal = of("TERM");
/// Stop, from the terminal.
pub const TSTP: Signal = of("TSTP");
/// Stop: the background has read the terminal.
pub const TTIN: Signal = of("TTIN");
/// Stop: the background has written to the terminal.
pub const TTOU: Signal = of("TTOU");
/// Something urgent on a socket.
pub const URG: Signal = of("URG");
/// The window has another size.
pub const WINCH: Signal = of("WINCH");
/// A file would grow too long.
pub const XFSZ: Signal = of("XFSZ");

/// The signal of a name, looked up when sigtool is built.
const fn of(name: &str) -> Signal {
    let mut table = 0;
    while table < TABLES.len() {
        if let Some(signal) = find(name, TABLES[table]) {
            return signal;
        }
        table += 1;
    }
    panic!("no signal has the name")
}

const fn find(name: &str, table: &[Facts]) -> Option<Signal> {
    match table {
        [] => None,
        [facts, ..] if same(facts.name.as_bytes(), name.as_bytes()) => facts.number(Arch::NATIVE),
        [_, rest @ ..] => find(name, rest),
    }
}

const fn same(one: &[u8], other: &[u8]) -> bool {
    match (one, other) {
        ([], []) => true,
        ([first, one @ ..], [second, other @ ..]) => *first == *second && same(one, other),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_the_signal_of_its_name() {
        for (signal, name) in [(HUP, "HUP"), (STOP, "STOP"), (CHLD, "CHLD"), (XFSZ, "XFSZ")] {
            assert_eq!(Arch::NATIVE.name(signal).to_string(), name);
        }
    }
}

//! Constants for the signals that sigtool treats specially, with their numbers on the
//! architecture that it runs on.

use super::table::{StandardSignal, TABLES};
use super::{Arch, Signal};

/// A child exited, stopped or continued.
pub const CHLD: Signal = signal_named("CHLD");
/// Continue.
pub const CONT: Signal = signal_named("CONT");
/// Hang up.
pub const HUP: Signal = signal_named("HUP");
/// Interrupt.
pub const INT: Signal = signal_named("INT");
/// Kill.
pub const KILL: Signal = signal_named("KILL");
/// Write to a pipe without a reader.
pub const PIPE: Signal = signal_named("PIPE");
/// Quit.
pub const QUIT: Signal = signal_named("QUIT");
/// Stop; cannot be caught.
pub const STOP: Signal = signal_named("STOP");
/// Terminate.
pub const TERM: Signal = signal_named("TERM");
/// Stop from the terminal.
pub const TSTP: Signal = signal_named("TSTP");
/// A background process read from the terminal.
pub const TTIN: Signal = signal_named("TTIN");
/// A background process wrote to the terminal.
pub const TTOU: Signal = signal_named("TTOU");
/// Urgent data on a socket.
pub const URG: Signal = signal_named("URG");
/// The window size changed.
pub const WINCH: Signal = signal_named("WINCH");
/// The file size limit was exceeded.
pub const XFSZ: Signal = signal_named("XFSZ");

/// The signal with this name, found at compile time.
const fn signal_named(name: &str) -> Signal {
    let mut table = 0;
    while table < TABLES.len() {
        if let Some(signal) = find_in_table(name, TABLES[table]) {
            return signal;
        }
        table += 1;
    }
    panic!("no signal has the name")
}

const fn find_in_table(name: &str, table: &[StandardSignal]) -> Option<Signal> {
    match table {
        [] => None,
        [facts, ..] if bytes_equal(facts.name.as_bytes(), name.as_bytes()) => facts.signal_on(Arch::NATIVE),
        [_, rest @ ..] => find_in_table(name, rest),
    }
}

const fn bytes_equal(one: &[u8], other: &[u8]) -> bool {
    match (one, other) {
        ([], []) => true,
        ([first, one @ ..], [second, other @ ..]) => *first == *second && bytes_equal(one, other),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_match_their_names() {
        for (signal, name) in [(HUP, "HUP"), (STOP, "STOP"), (CHLD, "CHLD"), (XFSZ, "XFSZ")] {
            assert_eq!(Arch::NATIVE.signal_name(signal).to_string(), name);
        }
    }
}

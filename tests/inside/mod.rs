//! Looking into processes by ptrace(2): what is seen, and that it leaves no
//! trace.

mod look;

use std::time::Duration;

use sigtool::signal::{Arch, Signal, SignalSet, name};
use sigtool::sys::ptrace::{self, Refusal, Seen, Wanted};

/// Long enough for a loaded machine; what never answers is told so at last.
pub const DEADLINE: Duration = Duration::from_secs(20);

pub fn set(text: &str) -> SignalSet {
    SignalSet::parse(text, Arch::NATIVE).expect("a signal set")
}

pub fn signal(text: &str) -> Signal {
    name::parse(text, Arch::NATIVE).expect("a signal")
}

/// The actions of these signals.
pub fn handlers(pid: u32, signals: &str) -> Result<Seen, Refusal> {
    ptrace::look(pid, Wanted { handlers: set(signals), queue: false }, DEADLINE)
}

/// What is pending.
pub fn queue(pid: u32) -> Result<Seen, Refusal> {
    ptrace::look(pid, Wanted { handlers: SignalSet::EMPTY, queue: true }, DEADLINE)
}

/// Whether ptrace(2) is to be had here at all; else that is said.
pub fn is_possible() -> bool {
    let fixture = crate::support::Fixture::start(["--catch", "USR1"]);
    match handlers(fixture.pid, "USR1") {
        Ok(_) => true,
        Err(Refusal::Forbidden | Refusal::Yama { .. } | Refusal::Architecture) => {
            crate::support::skipped("no ptrace here");
            false
        }
        // What else is wrong is for the tests to find.
        Err(_) => true,
    }
}

/// Waits until something is so, however long that takes; a test that waits for
/// ever fails by its time limit.
pub fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        std::thread::yield_now();
    }
}

/// Waits until the process is in a state, by its letter.
pub fn settle(pid: u32, state: char) {
    until(|| state_of(pid) == Some(state));
}

/// The letter of its state.
pub fn state_of(pid: u32) -> Option<char> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    stat.get(end + 2).map(|byte| char::from(*byte))
}

//! Signals that have a part of their own in running a command, by the C
//! library's numbers of them.

use libc::c_int;

use crate::signal::Signal;

/// A child has ended, stopped or continued.
pub const CHLD: Signal = of(libc::SIGCHLD);
/// Continue.
pub const CONT: Signal = of(libc::SIGCONT);
/// Hang up.
pub const HUP: Signal = of(libc::SIGHUP);
/// Interrupt.
pub const INT: Signal = of(libc::SIGINT);
/// End at once.
pub const KILL: Signal = of(libc::SIGKILL);
/// Nobody reads.
pub const PIPE: Signal = of(libc::SIGPIPE);
/// Quit.
pub const QUIT: Signal = of(libc::SIGQUIT);
/// Stop; cannot be caught.
pub const STOP: Signal = of(libc::SIGSTOP);
/// End.
pub const TERM: Signal = of(libc::SIGTERM);
/// Stop, from the terminal.
pub const TSTP: Signal = of(libc::SIGTSTP);
/// Stop: the background has read the terminal.
pub const TTIN: Signal = of(libc::SIGTTIN);
/// Stop: the background has written to the terminal.
pub const TTOU: Signal = of(libc::SIGTTOU);
/// The window has another size.
pub const WINCH: Signal = of(libc::SIGWINCH);

const fn of(number: c_int) -> Signal {
    match Signal::new(number as u8) {
        Some(signal) => signal,
        None => panic!("the number of a signal"),
    }
}

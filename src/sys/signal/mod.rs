//! System calls that send, receive, wait for and block signals.

pub mod forward;
pub mod mask;
pub mod send;
pub(super) mod siginfo;
pub mod signalfd;
pub mod sigtimedwait;

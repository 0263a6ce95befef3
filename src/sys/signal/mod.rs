//! System calls that send, receive, wait for and block signals.

pub(crate) mod forward;
pub(crate) mod mask;
pub mod send;
pub(super) mod siginfo;
pub mod signalfd;
pub(crate) mod sigtimedwait;

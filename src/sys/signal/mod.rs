//! Sends, receives and blocks signals.

pub mod forward;
pub mod mask;
pub mod send;
pub(super) mod siginfo;
pub mod signalfd;
pub mod sigtimedwait;

//! The commands: one module each; no command imports another, except kill.

pub mod completions;
pub mod decode_status;
pub mod kill;
pub mod list;
pub mod send;
pub mod watch;

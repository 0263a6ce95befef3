//! The commands, one module each. No command imports another, except `kill`, which
//! builds the requests of `list`, `send` and `decode_status`.

pub mod completions;
pub mod decode_status;
pub(crate) mod kill;
pub mod list;
pub mod send;
pub mod watch;

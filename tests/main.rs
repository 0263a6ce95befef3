//! The end-to-end tests: the real binary, driven as its users drive it.
//!
//! Meaning is tested beside the code; here is the wiring, one module a
//! command, and what must hold of the project as a whole.

#![allow(unreachable_pub, clippy::print_stdout, clippy::print_stderr)]

mod architecture;
mod bpf;
mod completions;
mod decode_status;
mod generated;
mod kill;
mod list;
mod man;
mod oracle;
mod ptrace;
mod readme;
mod schema;
mod send;
mod start;
mod support;
mod tables;
mod terminal;
mod watch;

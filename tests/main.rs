//! End-to-end tests that run the real binary as users do.
//!
//! Unit tests beside the code cover the logic. These tests cover the commands,
//! one module each, and properties of the project as a whole.

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

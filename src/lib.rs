//! sigtool: what the signals are, and what processes do with them.
//!
//! The house, from the ground up. Each floor may name only those below it;
//! `tests/house.rs` holds this plan.
//!
//! | module | what it is | of the crate, it may name |
//! |---|---|---|
//! | [`signal`] | what a signal is: numbers, names, sets, codes, exit statuses; pure | nothing |
//! | [`proc`] | what /proc says of a process: text to values, and a reader | `signal` |
//! | [`sys`] | the system calls: the only `unsafe`, nix and libc | `signal` |
//! | [`explain`] | what a signal does to a process, and why; pure | `signal`, `proc` |
//! | [`observe`] | inside a process: handlers, what is queued; by BPF, else ptrace | `signal`, `proc`, `sys` |
//! | [`out`] | formats: table, plain, JSON; colour by meaning | `signal` |
//! | [`select`] | processes by criteria: whom to signal, whom to show | `signal`, `proc`, `sys` |
//! | [`error`], [`exit`] | failures and exit statuses | |
//! | [`list`], [`send`], [`watch`], [`decode_status`], [`completions`] | a room a subcommand: arguments, request, report, view | every floor, `error`, `exit`; never another room |
//! | [`kill`] | kill(1)'s grammar, for the binary under that name; pure | `signal`, the rooms' requests |
//! | [`cli`] | the top command and its global options | every room's arguments, `kill`, `sys::terminal`, `out` |
//!
//! A room goes from what was typed (`args`) to what it means here (the request,
//! in `mod`), to what was found (the report), to how it is shown (`view`).
//! Floors return values and warnings; only `out` and `main` print.

#[cfg(not(target_os = "linux"))]
compile_error!("sigtool reads Linux's /proc and uses Linux system calls: it builds on Linux only");

pub mod cli;
pub mod completions;
pub mod decode_status;
pub mod error;
pub mod exit;
pub mod explain;
pub mod kill;
pub mod list;
pub mod observe;
pub mod out;
pub mod proc;
pub mod select;
pub mod send;
pub mod signal;
pub mod sys;
pub mod watch;

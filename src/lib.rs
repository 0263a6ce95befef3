//! sigtool: what the signals are, and what processes do with them.
//!
//! The layers, from the ground up. Each imports only layers below it;
//! `tests/architecture.rs` enforces this table.
//!
//! | module | content | imports from the crate |
//! |---|---|---|
//! | [`signal`] | what a signal is: numbers, names, sets, codes, exit statuses; pure | nothing |
//! | [`procfs`] | what /proc says of a process: text to values, and a reader | `signal` |
//! | [`sys`] | the system calls: the only `unsafe`, nix and libc | `signal` |
//! | [`explain`] | what a signal does to a process, and why; pure | `signal`, `procfs` |
//! | [`inspect`] | inside a process: handlers, what is queued; by BPF, else ptrace | `signal`, `procfs`, `sys` |
//! | [`out`] | formats: table, plain, JSON; colour by meaning | `signal` |
//! | `json` | the JSON objects that several commands print | `signal` |
//! | [`select`] | processes by criteria: whom to signal, whom to show | `signal`, `procfs`, `sys`, `duration`, `exit` |
//! | [`duration`], [`error`], [`exit`] | durations, failures and exit statuses | |
//! | [`commands`] (`list`, `send`, `watch`, `decode_status`, `completions`) | one module per command: arguments, request, report, view | every layer, `error`, `exit`; never another command |
//! | `commands::kill` | kill(1)'s grammar, for the binary under that name; pure | `signal`, the requests of the commands |
//! | [`cli`] | the top command and its global options | the arguments of every command, `kill`, `sys::io::terminal`, `out` |
//!
//! A command goes from arguments (`args`) to a request (`mod`), to a report (what
//! was found), to its output (`view` or `wire`). Layers return values and warnings;
//! only `out` and `main` print.

#[cfg(not(target_os = "linux"))]
compile_error!("sigtool reads Linux's /proc and uses Linux system calls: it builds on Linux only");

pub mod cli;
pub mod commands;
pub mod duration;
pub mod error;
pub mod exit;
pub mod explain;
pub mod inspect;
pub(crate) mod json;
pub mod out;
pub mod procfs;
pub mod select;
pub mod signal;
pub mod sys;

//! The library of sigtool, which inspects, sends and receives Linux signals.
//!
//! # Layers
//!
//! Each layer imports only layers below it. `tests/architecture.rs` enforces this table,
//! which starts with the lowest layer.
//!
//! | module | content | imports from the crate |
//! |---|---|---|
//! | [`signal`] | signals: numbers, names, sets, codes, exit statuses; pure | nothing |
//! | `duration`, [`exit`], [`error`] | durations as text, exit statuses, errors of commands | `error`: `exit` |
//! | [`procfs`] | /proc: text to values (pure), and a reader with an injectable root | `signal`, `error` |
//! | [`sys`] | system calls; the only `unsafe` code, nix and libc | `signal`, `error` |
//! | [`out`] | formats: table, plain, JSON; colours by meaning; escaping | `signal` |
//! | `json` | the JSON objects that several commands print | `signal` |
//! | [`explain`] | the effect of a signal on a process, findings, requirements; pure | `signal`, `procfs` |
//! | [`inspect`] | handlers, queues and events of a process, by BPF or ptrace | `signal`, `procfs`, `sys` |
//! | [`select`] | selection of processes by criteria, pinned by pidfds | `signal`, `procfs`, `sys`, `duration`, `error`, `exit` |
//! | [`commands`] (`list`, `send`, `watch`, `decode_status`, `completions`) | one module per command | every layer; never another command |
//! | `commands::kill` | the grammar of kill(1), for the binary under that name; pure | `signal`, the requests of the commands |
//! | [`cli`] | the top-level command and global options | the arguments of every command, `kill`, `sys::io::terminal`, `out` |
//!
//! # Commands
//!
//! A command turns arguments (`args`) into a request (`mod`), the request into a report,
//! and the report into output (`view` for text, `wire` for JSON). Layers return values
//! and warnings; only `main` and `out` print. Parsers take bytes or text, never a PID.
//! Only `cli` and `args` modules use clap, and only `out` uses comfy-table.
//!
//! # Targets
//!
//! A target process is hostile: its memory, its files and its names may be anything and
//! may change at any moment. Nothing that a target chooses may make sigtool write into
//! another program, open a file for effect, block for ever, or use unbounded time or
//! memory. Names from processes are escaped before they reach a terminal.

#[cfg(not(target_os = "linux"))]
compile_error!("sigtool reads Linux's /proc and uses Linux system calls: it builds on Linux only");

pub mod cli;
pub mod commands;
pub(crate) mod duration;
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

//! The system calls: the only place of `unsafe`, nix and libc.
//!
//! Each unsafe block says why it holds. What leaves here is safe, speaks of
//! `signal`'s types and returns `io::Error`; nothing here prints.
//!
//! `entry.rs`, the C `main`, lies here too but is declared by `main.rs`: in
//! the library it would clash with the test harness's own `main`.

#![allow(unsafe_code)]

pub mod bpf;
pub mod child;
pub mod clock;
pub mod database;
pub mod deliver;
pub mod errno;
pub mod file;
mod fork;
pub mod forward;
pub mod hold;
pub mod job;
pub mod pidfd;
pub mod process;
pub mod ptrace;
pub mod reader;
mod rights;
mod siginfo;
pub mod signalfd;
pub mod spawn;
pub mod stdio;
pub mod terminal;
pub mod unwaiting;
pub mod wait;

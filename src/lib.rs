//! sigtool: what the signals are, and what processes do with them.
//!
//! The house, from the ground up. Each floor may name only those below it.
//!
//! | module | what it is | of the crate, it may name |
//! |---|---|---|
//! | [`signal`] | what a signal is: numbers, names, sets, codes, exit statuses; pure | nothing |
//!

#[cfg(not(target_os = "linux"))]
compile_error!("sigtool reads Linux's /proc and uses Linux system calls: it builds on Linux only");

pub mod signal;

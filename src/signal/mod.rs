//! What a signal is: numbers, names, sets, codes and exit statuses.
//!
//! Pure facts and text: nothing here reads a file, makes a system call or
//! prints. Every other floor may use this one, and this one uses no other.
//!
//! Numbers and names depend on the architecture ([`Arch`]); the facts of a
//! signal (default action, standard, origin) do not, so they are kept once, by
//! name, in [`table`].

pub mod arch;
pub mod consts;
pub mod exit_status;
pub mod hex_mask;
pub mod name;
pub mod number;
pub mod set;
pub mod si_code;
pub mod sigaction;
pub mod siginfo;
pub mod siginfo_fields;
pub mod table;

pub use arch::Arch;
pub use name::{ParseSignalNameError, SignalName};
pub use number::Signal;
pub use set::SignalSet;
pub use sigaction::Sigaction;
pub use siginfo::{QueuedSignal, Siginfo};
pub use table::{DefaultAction, PosixEdition, SourceKind, StandardSignal};

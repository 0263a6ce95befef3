//! Signals: numbers, names, sets, codes and exit statuses.
//!
//! Pure data and text: nothing here reads a file, makes a system call or prints. All
//! other layers may import this one, and it imports none of them.
//!
//! Numbers and names depend on the architecture ([`Arch`]). The other facts of a signal
//! (default action, standard, sources) do not; [`table`] contains them once for each
//! signal.

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

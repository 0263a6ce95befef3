//! Inside a process: the handlers behind its caught signals, and what waits in
//! its queues, from whom.
//!
//! /proc tells neither. Two means do: BPF, which reads the kernel's memory and
//! stops nobody, and ptrace(2), which stops a thread for some microseconds. What
//! comes back says which one it was, what it could not see, and what it cost.

mod claimed_sender;
pub mod events;
mod id_map;
mod inspector;
mod queue;
mod report;
pub mod symbols;

pub use claimed_sender::ClaimedSender;
pub use inspector::{BackendChoice, BackendError, InspectionScope, InspectionTarget, Inspector};
pub use report::{Backend, Handler, IncompleteQueue, Inspection, PendingEntry, Provenance, Unavailable};
pub use symbols::location::{CodeLocation, FunctionOffset, Region};

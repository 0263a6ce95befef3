//! Signal state that /proc does not show: handlers, the entries of signal queues with
//! their senders, and signals as they happen.
//!
//! Two backends read it. BPF reads kernel memory and stops no process. ptrace(2) stops a
//! thread for some microseconds. Each result names the backend, the information it could
//! not read, and its cost.

mod backend;
mod claimed_sender;
pub mod events;
mod id_map;
mod inspector;
mod queue;
mod report;
mod symbols;

pub use backend::{Backend, BackendChoice, BackendError};
pub use claimed_sender::ClaimedSender;
pub use inspector::{InspectionScope, InspectionTarget, Inspector};
pub use report::{Handler, IncompleteQueue, Inspection, PendingEntry, Provenance, Unavailable};
pub use symbols::location::{CodeLocation, FunctionOffset, Region};

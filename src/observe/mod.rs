//! Inside a process: the handlers behind its caught signals, and what waits in
//! its queues, from whom.
//!
//! /proc tells neither. Two means do: BPF, which reads the kernel's memory and
//! stops nobody, and ptrace(2), which stops a thread for some microseconds. What
//! comes back says which one it was, what it could not see, and what it cost.

mod demangle;
mod elf;
pub mod events;
mod functions;
mod inside;
mod locate;
mod look;
mod numbers;
pub mod place;
mod queue;
mod sender;

pub use inside::{Backend, Handler, IncompleteQueue, Inspection, PendingEntry, Provenance, Unavailable};
pub use look::{BackendChoice, BackendError, InspectionScope, InspectionTarget, Inspector};
pub use place::{CodeLocation, FunctionOffset, Region};
pub use sender::ClaimedSender;

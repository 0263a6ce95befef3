//! Implementation for x86-64.

mod context;
mod credentials;
mod deadline;
mod event_pipe;
mod helper;
mod inject_sigaction;
mod inspect;
mod inspect_error;
mod inspect_thread;
mod memory;
mod permission;
mod plan;
mod procfs_noalloc;
mod record;
mod stop_stats;
mod syscall_restart;
mod tracee;
mod tracer;
mod tracer_child;

pub(super) use inspect::inspect;
pub(super) use permission::preflight;
pub use tracer::Tracer;

//! All of it, on x86-64.

mod actions;
mod call;
mod credentials;
mod helper;
mod look;
mod memory;
mod outlet;
mod patience;
mod plan;
mod record;
mod stops;
mod text;
mod trace;
mod tracee;
mod tracer;
mod visit;
mod why;

pub(super) use look::inspect;
pub use tracer::Tracer;
pub(super) use why::preflight;

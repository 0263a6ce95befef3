//! Looking into the kernel by programs of ours that it runs: what a process has
//! set up for its signals ([`tasks`]), and every signal that is generated
//! ([`generate`]). Neither stops a process. Needs CAP_BPF and CAP_PERFMON, and
//! a kernel that describes its types.
//!
//! The programs are assembled here (`insn`), with the offsets that the running
//! kernel tells (`btf`), and given to bpf(2) (`call`).

#[cfg(test)]
mod again;
mod btf;
mod call;
pub mod generate;
mod insn;
#[cfg(test)]
pub(crate) mod live;
mod memory;
mod namespace;
mod program;
pub mod refused;
pub mod right;
mod ring;
pub mod tasks;
mod vmlinux;

pub use refused::{BpfError, BpfErrorKind};
pub use right::BpfPermissionError;

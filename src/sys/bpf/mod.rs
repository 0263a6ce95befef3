//! Looking into the kernel by programs of ours that it runs: what a process has
//! set up for its signals ([`task_iter`]), and every signal that is generated
//! ([`signal_generate`]). Neither stops a process. Needs CAP_BPF and CAP_PERFMON, and
//! a kernel that describes its types.
//!
//! The programs are assembled here (`insn`), with the offsets that the running
//! kernel tells (`btf`), and given to bpf(2) (`call`).

#[cfg(test)]
mod again;
mod assembler;
mod btf;
pub mod error;
#[cfg(test)]
pub(crate) mod live;
mod mmap;
mod namespace;
pub mod permission;
mod program;
mod ringbuf;
pub mod signal_generate;
mod syscall;
pub mod task_iter;
mod vmlinux;

pub use error::{BpfError, BpfErrorKind};
pub use permission::BpfPermissionError;

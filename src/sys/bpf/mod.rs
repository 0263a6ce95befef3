//! BPF programs that read signal state from the kernel: the signal setup of
//! processes ([`task_iter`]) and every generated signal ([`signal_generate`]).
//! Neither stops a process. They need CAP_BPF, CAP_PERFMON, and a kernel that
//! describes its types.
//!
//! `assembler` writes the programs, with the offsets that `btf` reads from the
//! running kernel, and `syscall` passes them to bpf(2).

mod assembler;
mod btf;
mod error;
mod mmap;
mod namespace;
mod permission;
mod program;
mod ringbuf;
pub mod signal_generate;
mod syscall;
pub mod task_iter;
mod vmlinux;

pub use error::{BpfError, BpfErrorKind};
pub use permission::BpfPermissionError;
#[cfg(test)]
pub(crate) use program::tests::{load_invalid_program, report_skipped};

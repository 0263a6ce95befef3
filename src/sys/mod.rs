//! System calls: the only code that uses `unsafe`, nix and libc.
//!
//! Each unsafe block has a SAFETY paragraph. The functions that other layers call
//! are safe, take the types of `signal` and return `io::Error`. Nothing here prints.
//!
//! `main.rs` declares `c_main.rs`, the C `main`, because in the library it would
//! clash with the `main` of the test harness.

#![allow(unsafe_code)]

pub mod bpf;
pub mod io;
pub mod nss;
pub mod process;
pub mod ptrace;

pub mod signal;

/// The errors of system calls that other layers distinguish, with the numbers of
/// this architecture (errno(3)).
pub mod errno {
    pub use libc::{EAGAIN, EINVAL, EMFILE, ENFILE, ENOENT, ENOSYS, EPERM, ESRCH};

    /// The errors of pidfd_open(2) for a thread that does not lead its thread group.
    pub const NOT_A_THREAD_GROUP_LEADER: [i32; 2] = [EINVAL, ENOENT];
    /// The errors if this process, or the system, has no descriptor left.
    pub const OUT_OF_DESCRIPTORS: [i32; 2] = [EMFILE, ENFILE];
}

//! The system calls: the only place of `unsafe`, nix and libc.
//!
//! Each unsafe block says why it holds. What leaves here is safe, speaks of
//! `signal`'s types and returns `io::Error`; nothing here prints.
//!
//! `entry.rs`, the C `main`, lies here too but is declared by `main.rs`: in
//! the library it would clash with the test harness's own `main`.

#![allow(unsafe_code)]

pub mod bpf;
pub mod io;
pub mod nss;
pub mod process;
pub mod ptrace;
pub mod reader;
pub mod signal;

/// The errors of system calls that mean something beyond sys, by the numbers
/// that this architecture gives them (errno(3)): some differ.
pub mod errno {
    pub use libc::{EAGAIN, EINVAL, EMFILE, ENFILE, ENOENT, ENOSYS, EPERM, ESRCH};

    /// By which pidfd_open(2) tells that a number is a thread's.
    pub const NOT_A_THREAD_GROUP_LEADER: [i32; 2] = [EINVAL, ENOENT];
    /// No descriptor is left, for this process or for all.
    pub const OUT_OF_DESCRIPTORS: [i32; 2] = [EMFILE, ENFILE];

    /// Returns the message of an error without the errno that std appends.
    pub fn message_without_errno(error: &std::io::Error) -> String {
        let text = error.to_string();
        match (error.raw_os_error(), text.rfind(" (os error ")) {
            (Some(_), Some(end)) => text[..end].to_owned(),
            _ => text,
        }
    }
}

//! The errors of system calls that mean something beyond sys, by the numbers
//! that this architecture gives them (errno(3)): some differ.

pub use libc::{EAGAIN, EINVAL, EMFILE, ENFILE, ENOENT, ENOSYS, EPERM, ESRCH};

/// By which pidfd_open(2) tells that a number is a thread's.
pub const NOT_A_THREAD_GROUP_LEADER: [i32; 2] = [EINVAL, ENOENT];
/// No descriptor is left, for this process or for all.
pub const OUT_OF_DESCRIPTORS: [i32; 2] = [EMFILE, ENFILE];

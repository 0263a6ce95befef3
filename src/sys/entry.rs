//! The C `main`: where the C library hands over.
//!
//! Rust's own start would ignore SIGPIPE and catch SIGSEGV and SIGBUS, so what
//! sigtool says of itself, and what its children inherit, would be wrong.
//! Without it nothing of the inherited signal state is touched; what else it
//! does, checking that descriptors 0 to 2 are open, is done here.

#![allow(unsafe_code)]

use std::ffi::{CStr, OsString, c_char, c_int};
use std::os::unix::ffi::OsStringExt;

// libgcc's unwinder is linked in: loading libgcc_s.so costs more than all else
// that a small command does.
#[cfg(all(target_env = "gnu", not(target_feature = "crt-static")))]
#[link(name = "gcc_eh", kind = "static", modifiers = "-bundle")]
unsafe extern "C" {}

/// Called by the C library with the arguments of execve(2).
///
/// Returns to it, so that exit(3) runs, with the exit status.
// SAFETY: the name is the one the C start-up code looks for, and the signature
// is the one C gives to main, so nothing else can be meant by this symbol.
#[unsafe(no_mangle)]
extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    fill_closed_descriptors();
    let count = usize::try_from(argc).unwrap_or(0);
    let arguments = (0..count).map(|index| {
        // SAFETY: argv has argc entries, each a C string that lives as long as
        // the process (C11 5.1.2.2.1), and index is below argc.
        let argument = unsafe { CStr::from_ptr(*argv.add(index)) };
        OsString::from_vec(argument.to_bytes().to_vec())
    });
    c_int::from(crate::run_main(arguments.collect()))
}

/// Puts something in the place of closed descriptors 0 to 2, so that no file
/// opened later gets their numbers and is written to as if it were stdout.
///
/// Each is opened the wrong way round, as closed as it can be: writing to 1
/// and reading from 0 still fail with EBADF. They close on exec, so a child
/// inherits what we did.
fn fill_closed_descriptors() {
    let mut descriptors = [0, 1, 2].map(|fd| libc::pollfd { fd, events: 0, revents: 0 });
    // SAFETY: the pointer and the count are those of the array, which poll(2)
    // fills in while we wait for it (not at all: the timeout is 0).
    let answered = unsafe { libc::poll(descriptors.as_mut_ptr(), 3, 0) };
    if answered <= 0 {
        return;
    }
    for descriptor in descriptors.iter().filter(|each| each.revents & libc::POLLNVAL != 0) {
        let way = if descriptor.fd == 0 { libc::O_WRONLY } else { libc::O_RDONLY };
        // SAFETY: the path is a C string; open(2) gives the lowest free number,
        // which is this one, as those below it are open by now.
        unsafe { libc::open(c"/dev/null".as_ptr(), way | libc::O_CLOEXEC) };
    }
}

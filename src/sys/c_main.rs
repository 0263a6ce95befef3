//! The C `main`, which the C library calls.
//!
//! Rust's runtime start would ignore SIGPIPE and catch SIGSEGV and SIGBUS. Then
//! sigtool would report a wrong state for itself, and its children would inherit
//! it. Without the runtime start the inherited signal state stays unchanged. The
//! other task of the runtime start, to check that descriptors 0 to 2 are open, is
//! done here.

#![allow(unsafe_code)]

use std::ffi::{CStr, OsString, c_char, c_int};
use std::os::unix::ffi::OsStringExt;

// The unwinder of libgcc is linked statically, because loading libgcc_s.so takes
// longer than everything else that a small command does.
#[cfg(all(target_env = "gnu", not(target_feature = "crt-static")))]
#[link(name = "gcc_eh", kind = "static", modifiers = "-bundle")]
unsafe extern "C" {}

/// Runs sigtool with the arguments of execve(2), and returns the exit status to
/// the C library, which then calls exit(3).
// SAFETY: the C start-up code calls the symbol of this name, and the signature is
// that of main in C. No other definition of the symbol exists in the binary.
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

/// Opens /dev/null for those of the descriptors 0 to 2 that are closed. Otherwise
/// a file that is opened later would get such a number, and output would be
/// written to it.
///
/// Descriptor 0 is opened for writing, and 1 and 2 for reading, so that reading
/// from 0 and writing to 1 still fail with EBADF. They are closed on exec, so that
/// a child inherits closed descriptors, too.
fn fill_closed_descriptors() {
    let mut descriptors = [0, 1, 2].map(|fd| libc::pollfd { fd, events: 0, revents: 0 });
    // SAFETY: the pointer and the count are those of the array, which poll(2)
    // fills in and which outlives the call.
    let closed_count = unsafe { libc::poll(descriptors.as_mut_ptr(), 3, 0) };
    if closed_count <= 0 {
        return;
    }
    for descriptor in descriptors.iter().filter(|each| each.revents & libc::POLLNVAL != 0) {
        let access = if descriptor.fd == 0 { libc::O_WRONLY } else { libc::O_RDONLY };
        // SAFETY: the path is a C string. open(2) returns the lowest free number,
        // which is this one, because those below it are open by now.
        unsafe { libc::open(c"/dev/null".as_ptr(), access | libc::O_CLOEXEC) };
    }
}

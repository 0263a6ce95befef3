//! Seccomp filters that make system calls fail, as sandboxes install them.

#![allow(unsafe_code)]

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use libc::{c_int, c_long, sock_filter};

/// The offset of the system call number in seccomp_data.
const NUMBER_OFFSET: u32 = std::mem::offset_of!(libc::seccomp_data, nr) as u32;

/// Makes these system calls fail with these errors in the command that is
/// executed. With the error 0 a call does nothing and succeeds.
pub fn refuse<'a>(command: &'a mut Command, calls: &[(c_long, c_int)]) -> &'a mut Command {
    let instruction = |code: u32, on_match: u8, on_mismatch: u8, value: u32| sock_filter {
        code: code as u16,
        jt: on_match,
        jf: on_mismatch,
        k: value,
    };
    let mut program = vec![instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, NUMBER_OFFSET)];
    for (call, error) in calls {
        let number = u32::try_from(*call).expect("a system call");
        program.push(instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, number));
        let action = libc::SECCOMP_RET_ERRNO | u32::try_from(*error).expect("an error number");
        program.push(instruction(libc::BPF_RET | libc::BPF_K, 0, 0, action));
    }
    program.push(instruction(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW));
    let install = move || {
        let filter = libc::sock_fprog {
            len: u16::try_from(program.len()).unwrap_or(u16::MAX),
            filter: program.as_ptr().cast_mut(),
        };
        // SAFETY: prctl(2) takes plain numbers, or reads the filter, whose
        // length is set and which outlives the call.
        let failed = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
                || libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter) != 0
        };
        if failed { Err(io::Error::last_os_error()) } else { Ok(()) }
    };
    // SAFETY: after fork(2) the closure makes two system calls and allocates
    // nothing.
    unsafe { command.pre_exec(install) }
}

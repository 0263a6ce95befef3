//! One traced thread: ptrace(2), call by call.

use std::ffi::{c_int, c_long, c_void};
use std::io;
use std::mem::MaybeUninit;

use libc::pid_t;

use crate::sys::signal::send::check_syscall;

pub(super) type Registers = libc::user_regs_struct;

/// A siginfo_t as it lies in memory.
pub(super) type SiginfoBytes = [u8; 128];

/// Requests (uapi linux/ptrace.h; the first five as x86 numbers them).
mod request {
    pub(super) const CONT: i64 = 7;
    pub(super) const GETREGS: i64 = 12;
    pub(super) const SETREGS: i64 = 13;
    pub(super) const DETACH: i64 = 17;
    pub(super) const SYSCALL: i64 = 24;
    pub(super) const GETEVENTMSG: i64 = 0x4201;
    pub(super) const SETOPTIONS: i64 = 0x4200;
    pub(super) const GETSIGINFO: i64 = 0x4202;
    pub(super) const SEIZE: i64 = 0x4206;
    pub(super) const INTERRUPT: i64 = 0x4207;
    pub(super) const LISTEN: i64 = 0x4208;
    pub(super) const PEEKSIGINFO: i64 = 0x4209;
    pub(super) const GETSIGMASK: i64 = 0x420a;
    pub(super) const SETSIGMASK: i64 = 0x420b;
    pub(super) const GET_SYSCALL_INFO: i64 = 0x420e;
    pub(super) const GET_RSEQ_CONFIGURATION: i64 = 0x420f;
    pub(super) const GET_SYSCALL_USER_DISPATCH_CONFIG: i64 = 0x4211;
}

/// Options of SEIZE and SETOPTIONS.
pub(super) mod option {
    pub(crate) const TRACESYSGOOD: u64 = 1;
    pub(crate) const TRACECLONE: u64 = 1 << 3;
    pub(crate) const TRACEEXEC: u64 = 1 << 4;
    pub(crate) const SUSPEND_SECCOMP: u64 = 1 << 21;
}

/// What the status of a stopped thread tells above its signal.
pub(super) mod event {
    pub(crate) const CLONE: i32 = 3;
    pub(crate) const EXEC: i32 = 4;
    pub(crate) const STOP: i32 = 128;
}

/// How a thread stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TraceeStop {
    /// This signal is about to be delivered.
    Delivery(c_int),
    /// It enters a system call, or leaves it.
    Syscall,
    /// It was asked to, it is stopped by this signal, or it is new.
    EventStop(c_int),
    /// Another event of those that were asked for.
    Event(i32),
    /// It has ended.
    Exited,
}

/// What the kernel reports of a system call at a stop, and of the thread at any
/// stop (PTRACE_GET_SYSCALL_INFO in ptrace(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SyscallInfo {
    pub(super) kind: SyscallStop,
    /// AUDIT_ARCH of the system call (uapi linux/audit.h): of `int 0x80`, that of
    /// i386, also in a 64-bit program.
    pub(super) arch: u32,
    pub(super) instruction_pointer: u64,
    pub(super) stack_pointer: u64,
}

/// The kind of a stop, with what the kernel reports at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SyscallStop {
    /// At the entry of a system call; it has not been made.
    Entry { number: u64, arguments: [u64; 6] },
    /// At the exit of one, with its result or the negative error number.
    Exit { result: i64 },
    /// Elsewhere.
    Other,
}

impl SyscallInfo {
    /// struct ptrace_syscall_info (uapi linux/ptrace.h).
    fn from_bytes(bytes: &[u8; 88]) -> SyscallInfo {
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[at..at + 8]);
            u64::from_ne_bytes(word)
        };
        let kind = match bytes[0] {
            1 => SyscallStop::Entry { number: word(24), arguments: [32, 40, 48, 56, 64, 72].map(word) },
            2 => SyscallStop::Exit { result: word(24).cast_signed() },
            _ => SyscallStop::Other,
        };
        let arch = u32::from_ne_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
        SyscallInfo { kind, arch, instruction_pointer: word(8), stack_pointer: word(16) }
    }
}

impl TraceeStop {
    /// From the signal and what stands above it in the status.
    pub(super) fn from_status(signal: c_int, event: i32) -> TraceeStop {
        match (event, signal) {
            (event::STOP, _) => TraceeStop::EventStop(signal),
            (0, signal) if signal == libc::SIGTRAP | 0x80 => TraceeStop::Syscall,
            (0, _) => TraceeStop::Delivery(signal),
            _ => TraceeStop::Event(event),
        }
    }
}

/// A thread by its number; a call on one that this process does not trace, or
/// that runs, fails with ESRCH.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tracee(pub(super) pid_t);

impl Tracee {
    /// ptrace(2) with plain numbers.
    fn request(self, request: c_long, address: u64, data: u64) -> io::Result<c_long> {
        // SAFETY: the requests that come here take plain numbers; those that
        // write to memory of ours go through `fill`.
        let answer = unsafe { libc::syscall(libc::SYS_ptrace, request, self.0, address, data) };
        check_syscall(answer).map(|()| answer)
    }

    /// ptrace(2) where it fills in, or reads, a value at `data`.
    ///
    /// # Safety
    /// The request must write at most the value's size and leave it valid.
    unsafe fn request_with_buffer<T>(
        self,
        request: c_long,
        address: u64,
        value: *mut T,
    ) -> io::Result<c_long> {
        // SAFETY: the pointer is to a value of the caller's that outlives the
        // call; the caller answers for the rest.
        let answer =
            unsafe { libc::syscall(libc::SYS_ptrace, request, self.0, address, value.cast::<c_void>()) };
        check_syscall(answer).map(|()| answer)
    }

    /// Begins to trace the thread, which goes on.
    pub(super) fn seize(self, options: u64) -> io::Result<()> {
        self.request(request::SEIZE, 0, options).map(drop)
    }

    pub(super) fn interrupt(self) -> io::Result<()> {
        self.request(request::INTERRUPT, 0, 0).map(drop)
    }

    /// Replaces the options of [`Tracee::seize`].
    pub(super) fn set_options(self, options: u64) -> io::Result<()> {
        self.request(request::SETOPTIONS, 0, options).map(drop)
    }

    /// What the kernel reports at this stop.
    ///
    /// # Errors
    /// EIO before Linux 5.3.
    pub(super) fn syscall_info(self) -> io::Result<SyscallInfo> {
        let mut bytes = [0u8; 88];
        let address = bytes.len() as u64;
        // SAFETY: GET_SYSCALL_INFO fills in at most as many bytes as the address
        // says.
        unsafe { self.request_with_buffer(request::GET_SYSCALL_INFO, address, bytes.as_mut_ptr()) }?;
        Ok(SyscallInfo::from_bytes(&bytes))
    }

    /// Goes on; at a delivery, with this signal or (0) without.
    pub(super) fn cont(self, signal: c_int) -> io::Result<()> {
        self.request(request::CONT, 0, signal as u64).map(drop)
    }

    /// The same until it enters or leaves a system call.
    pub(super) fn cont_to_syscall(self, signal: c_int) -> io::Result<()> {
        self.request(request::SYSCALL, 0, signal as u64).map(drop)
    }

    /// Stays stopped, as the signal had it, until that ends.
    pub(super) fn listen(self) -> io::Result<()> {
        self.request(request::LISTEN, 0, 0).map(drop)
    }

    pub(super) fn detach(self) -> io::Result<()> {
        self.request(request::DETACH, 0, 0).map(drop)
    }

    pub(super) fn registers(self) -> io::Result<Registers> {
        let mut registers = MaybeUninit::<Registers>::zeroed();
        // SAFETY: GETREGS fills in a whole user_regs_struct of plain numbers.
        unsafe {
            self.request_with_buffer(request::GETREGS, 0, registers.as_mut_ptr())?;
            Ok(registers.assume_init())
        }
    }

    pub(super) fn set_registers(self, registers: &Registers) -> io::Result<()> {
        let mut registers = *registers;
        // SAFETY: SETREGS reads a whole user_regs_struct.
        unsafe { self.request_with_buffer(request::SETREGS, 0, &raw mut registers) }.map(drop)
    }

    /// The signals that it blocks; within sigsuspend(2) and its kind those that
    /// it blocks outside.
    pub(super) fn mask(self) -> io::Result<u64> {
        let mut mask = 0u64;
        // SAFETY: GETSIGMASK fills in as many bytes as the address says.
        unsafe { self.request_with_buffer(request::GETSIGMASK, 8, &raw mut mask) }.map(|_| mask)
    }

    pub(super) fn set_mask(self, mut mask: u64) -> io::Result<()> {
        // SAFETY: SETSIGMASK reads as many bytes as the address says.
        unsafe { self.request_with_buffer(request::SETSIGMASK, 8, &raw mut mask) }.map(drop)
    }

    /// What is told of the signal that is about to be delivered.
    pub(super) fn siginfo(self) -> io::Result<SiginfoBytes> {
        let mut info: SiginfoBytes = [0; 128];
        // SAFETY: GETSIGINFO fills in a siginfo_t, of 128 bytes.
        unsafe { self.request_with_buffer(request::GETSIGINFO, 0, info.as_mut_ptr()) }.map(|_| info)
    }

    /// What goes with an event: the new thread of a clone(2), the former number
    /// of a thread that has executed a program.
    pub(super) fn event_message(self) -> io::Result<u64> {
        let mut message = 0u64;
        // SAFETY: GETEVENTMSG fills in a long.
        unsafe { self.request_with_buffer(request::GETEVENTMSG, 0, &raw mut message) }.map(|_| message)
    }

    /// Copies entries of a queue, the thread's or the process's, from this place
    /// on; gives how many there were.
    pub(super) fn peek_siginfo(
        self,
        shared: bool,
        from: usize,
        into: &mut [SiginfoBytes],
    ) -> io::Result<usize> {
        /// struct ptrace_peeksiginfo_args.
        #[repr(C)]
        struct Arguments {
            offset: u64,
            flags: u32,
            count: i32,
        }
        let count = i32::try_from(into.len()).unwrap_or(i32::MAX);
        let arguments = Arguments { offset: from as u64, flags: u32::from(shared), count };
        let address = (&raw const arguments) as u64;
        // SAFETY: PEEKSIGINFO reads its arguments at the address, and fills in
        // at most that many siginfo_t of 128 bytes each.
        let answer = unsafe { self.request_with_buffer(request::PEEKSIGINFO, address, into.as_mut_ptr()) }?;
        Ok(usize::try_from(answer).unwrap_or(0))
    }

    /// Where the thread registered its rseq(2) area; 0 where it has none, or the
    /// kernel cannot tell (before Linux 5.13).
    pub(super) fn rseq_area(self) -> u64 {
        // struct ptrace_rseq_configuration begins with the pointer.
        let mut configuration = [0u64; 3];
        let address = size_of_val(&configuration) as u64;
        // SAFETY: it fills in as many bytes as the address says.
        let answer = unsafe {
            self.request_with_buffer(request::GET_RSEQ_CONFIGURATION, address, &raw mut configuration)
        };
        answer.map_or(0, |_| configuration[0])
    }

    /// Whether its system calls are dispatched to itself; not to be known before
    /// Linux 6.4.
    pub(super) fn is_dispatched(self) -> bool {
        // struct ptrace_sud_config begins with the mode, 1 for on.
        let mut configuration = [0u64; 4];
        let (request, address) =
            (request::GET_SYSCALL_USER_DISPATCH_CONFIG, size_of_val(&configuration) as u64);
        // SAFETY: it fills in as many bytes as the address says.
        let answer = unsafe { self.request_with_buffer(request, address, &raw mut configuration) };
        answer.is_ok() && configuration[0] == 1
    }

    /// Takes what has already been found to wait for it.
    pub(super) fn consume_wait_status(self) -> io::Result<()> {
        // SAFETY: waitpid(2) may be given a null status.
        check_syscall(
            unsafe { libc::waitpid(self.0, std::ptr::null_mut(), libc::__WALL | libc::WNOHANG) }.into(),
        )
    }

    /// Waits until it stands still.
    ///
    /// # Errors
    /// EINTR where a signal came; ECHILD where it is gone, as the others are of a
    /// process that executes another program.
    pub(super) fn wait(self) -> io::Result<TraceeStop> {
        let mut status: c_int = 0;
        // SAFETY: waitpid(2) fills in the status.
        check_syscall(unsafe { libc::waitpid(self.0, &raw mut status, libc::__WALL) }.into())?;
        if !libc::WIFSTOPPED(status) {
            return Ok(TraceeStop::Exited);
        }
        Ok(TraceeStop::from_status(libc::WSTOPSIG(status), status >> 16))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_is_classified_by_event_and_signal() {
        assert_eq!(TraceeStop::from_status(libc::SIGTRAP | 0x80, 0), TraceeStop::Syscall);
        assert_eq!(TraceeStop::from_status(libc::SIGTRAP, 0), TraceeStop::Delivery(libc::SIGTRAP));
        assert_eq!(TraceeStop::from_status(libc::SIGTRAP, event::STOP), TraceeStop::EventStop(libc::SIGTRAP));
        assert_eq!(TraceeStop::from_status(libc::SIGSTOP, event::STOP), TraceeStop::EventStop(libc::SIGSTOP));
        assert_eq!(TraceeStop::from_status(libc::SIGTRAP, event::EXEC), TraceeStop::Event(event::EXEC));
    }

    #[test]
    fn syscall_info_is_parsed_by_kind() {
        let mut bytes = [0u8; 88];
        (bytes[0], bytes[4]) = (1, 7);
        for (at, value) in [(8, 2), (16, 3), (24, 13), (32, 4), (72, 9)] {
            bytes[at] = value;
        }
        let kind = SyscallStop::Entry { number: 13, arguments: [4, 0, 0, 0, 0, 9] };
        let expected = SyscallInfo { kind, arch: 7, instruction_pointer: 2, stack_pointer: 3 };
        assert_eq!(SyscallInfo::from_bytes(&bytes), expected);
        bytes[0] = 2;
        bytes[24..32].fill(0xff);
        assert_eq!(SyscallInfo::from_bytes(&bytes).kind, SyscallStop::Exit { result: -1 });
        bytes[0] = 0;
        assert_eq!(SyscallInfo::from_bytes(&bytes).kind, SyscallStop::Other);
    }

    #[test]
    fn untraced_thread_is_not_touched() {
        let own = Tracee(pid_t::try_from(std::process::id()).expect("a pid"));
        assert!(own.registers().is_err() && own.cont(0).is_err() && own.detach().is_err());
        assert!(own.mask().is_err() && own.siginfo().is_err() && own.peek_siginfo(true, 0, &mut []).is_err());
        assert_eq!((own.rseq_area(), own.is_dispatched()), (0, false));
    }
}

//! Wrappers for ptrace(2) requests on one traced thread.

use std::ffi::{c_int, c_long, c_void};
use std::io;
use std::mem::MaybeUninit;

use libc::pid_t;

use crate::sys::signal::send::check_syscall;

/// The code segment of 64-bit programs (asm/segment.h, `__USER_CS`).
pub(super) const USER_CS: u64 = 0x33;

pub(super) type Registers = libc::user_regs_struct;

/// Bytes of a siginfo_t.
pub(super) type SiginfoBytes = [u8; 128];

/// Requests (uapi linux/ptrace.h) that libc lacks for musl.
const PTRACE_GET_SYSCALL_INFO: c_long = 0x420e;
const PTRACE_GET_RSEQ_CONFIGURATION: c_long = 0x420f;
const PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG: c_long = 0x4211;

/// Kind of a stop of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TraceeStop {
    /// Signal that is about to be delivered.
    Delivery(c_int),
    /// Entry or exit of a system call.
    Syscall,
    /// PTRACE_EVENT_STOP: an interrupt, a group stop by this signal, or a new
    /// thread.
    EventStop(c_int),
    /// Another event that the options select.
    Event(i32),
    /// The thread exited.
    Exited,
}

/// Report of the kernel about a stop: the system call, if any, and the state of the
/// thread (PTRACE_GET_SYSCALL_INFO in ptrace(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SyscallInfo {
    pub(super) kind: SyscallStop,
    /// AUDIT_ARCH of the system call (uapi linux/audit.h). For `int 0x80` it is
    /// that of i386, even in a 64-bit program.
    pub(super) arch: u32,
    pub(super) instruction_pointer: u64,
    pub(super) stack_pointer: u64,
}

/// Kind of a stop, with the data that the kernel reports about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SyscallStop {
    /// At the entry of a system call, before it is made.
    Entry { number: u64, arguments: [u64; 6] },
    /// At the exit of a system call, with its result or negative error number.
    Exit { result: i64 },
    /// At another stop.
    Other,
}

impl SyscallInfo {
    /// Parses struct ptrace_syscall_info (uapi linux/ptrace.h).
    fn from_bytes(bytes: &[u8; 88]) -> SyscallInfo {
        let read_u64 = |at: usize| {
            let mut field = [0; 8];
            field.copy_from_slice(&bytes[at..at + 8]);
            u64::from_ne_bytes(field)
        };
        let kind = match bytes[0] {
            1 => {
                SyscallStop::Entry { number: read_u64(24), arguments: [32, 40, 48, 56, 64, 72].map(read_u64) }
            }
            2 => SyscallStop::Exit { result: read_u64(24).cast_signed() },
            _ => SyscallStop::Other,
        };
        let arch = u32::from_ne_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
        SyscallInfo { kind, arch, instruction_pointer: read_u64(8), stack_pointer: read_u64(16) }
    }
}

impl TraceeStop {
    /// Classifies a wait status by its signal and the event above the signal.
    pub(super) fn from_status(signal: c_int, event: i32) -> TraceeStop {
        match (event, signal) {
            (libc::PTRACE_EVENT_STOP, _) => TraceeStop::EventStop(signal),
            (0, signal) if signal == libc::SIGTRAP | 0x80 => TraceeStop::Syscall,
            (0, _) => TraceeStop::Delivery(signal),
            _ => TraceeStop::Event(event),
        }
    }
}

/// A thread, by its TID. A request fails with ESRCH if this process does not trace
/// the thread or the thread is running.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tracee(pub(super) pid_t);

impl Tracee {
    /// ptrace(2) with plain numbers.
    fn request(self, request: c_long, address: u64, data: u64) -> io::Result<c_long> {
        // SAFETY: the requests that use this function take plain numbers; those
        // that access memory of this process use `request_with_buffer`.
        let result = unsafe { libc::syscall(libc::SYS_ptrace, request, self.0, address, data) };
        check_syscall(result).map(|()| result)
    }

    /// ptrace(2) with a request that writes or reads a value at `data`.
    ///
    /// # Safety
    /// The request must write at most the size of the value and leave it valid.
    unsafe fn request_with_buffer<T>(
        self,
        request: c_long,
        address: u64,
        value: *mut T,
    ) -> io::Result<c_long> {
        // SAFETY: the pointer refers to a value of the caller that outlives the
        // call; the caller guarantees the rest.
        let result =
            unsafe { libc::syscall(libc::SYS_ptrace, request, self.0, address, value.cast::<c_void>()) };
        check_syscall(result).map(|()| result)
    }

    /// Attaches to the thread without stopping it.
    pub(super) fn seize(self, options: c_int) -> io::Result<()> {
        self.request(libc::PTRACE_SEIZE.into(), 0, options as u64).map(drop)
    }

    pub(super) fn interrupt(self) -> io::Result<()> {
        self.request(libc::PTRACE_INTERRUPT.into(), 0, 0).map(drop)
    }

    /// Replaces the options of [`Tracee::seize`].
    pub(super) fn set_options(self, options: c_int) -> io::Result<()> {
        self.request(libc::PTRACE_SETOPTIONS.into(), 0, options as u64).map(drop)
    }

    /// Returns the report of the kernel about the current stop.
    ///
    /// # Errors
    /// EIO before Linux 5.3.
    pub(super) fn syscall_info(self) -> io::Result<SyscallInfo> {
        let mut bytes = [0u8; 88];
        let address = bytes.len() as u64;
        // SAFETY: GET_SYSCALL_INFO fills in at most as many bytes as `address`
        // states.
        unsafe { self.request_with_buffer(PTRACE_GET_SYSCALL_INFO, address, bytes.as_mut_ptr()) }?;
        Ok(SyscallInfo::from_bytes(&bytes))
    }

    /// Continues the thread. At a delivery, 0 discards the signal.
    pub(super) fn cont(self, signal: c_int) -> io::Result<()> {
        self.request(libc::PTRACE_CONT.into(), 0, signal as u64).map(drop)
    }

    /// Continues the thread until the entry or exit of a system call.
    pub(super) fn cont_to_syscall(self, signal: c_int) -> io::Result<()> {
        self.request(libc::PTRACE_SYSCALL.into(), 0, signal as u64).map(drop)
    }

    /// Keeps the thread in its group stop until that ends.
    pub(super) fn listen(self) -> io::Result<()> {
        self.request(libc::PTRACE_LISTEN.into(), 0, 0).map(drop)
    }

    pub(super) fn detach(self) -> io::Result<()> {
        self.request(libc::PTRACE_DETACH.into(), 0, 0).map(drop)
    }

    pub(super) fn registers(self) -> io::Result<Registers> {
        let mut registers = MaybeUninit::<Registers>::zeroed();
        // SAFETY: GETREGS fills in a whole user_regs_struct of plain numbers.
        unsafe {
            self.request_with_buffer(libc::PTRACE_GETREGS.into(), 0, registers.as_mut_ptr())?;
            Ok(registers.assume_init())
        }
    }

    pub(super) fn set_registers(self, registers: &Registers) -> io::Result<()> {
        let mut registers = *registers;
        // SAFETY: SETREGS reads a whole user_regs_struct.
        unsafe { self.request_with_buffer(libc::PTRACE_SETREGS.into(), 0, &raw mut registers) }.map(drop)
    }

    /// Returns the signal mask of the thread; within sigsuspend(2) and similar
    /// calls, the mask that they restore.
    pub(super) fn mask(self) -> io::Result<u64> {
        let mut mask = 0u64;
        // SAFETY: GETSIGMASK fills in as many bytes as the address argument states.
        unsafe { self.request_with_buffer(libc::PTRACE_GETSIGMASK.into(), 8, &raw mut mask) }.map(|_| mask)
    }

    pub(super) fn set_mask(self, mut mask: u64) -> io::Result<()> {
        // SAFETY: SETSIGMASK reads as many bytes as the address argument states.
        unsafe { self.request_with_buffer(libc::PTRACE_SETSIGMASK.into(), 8, &raw mut mask) }.map(drop)
    }

    /// Returns the siginfo of the signal that is about to be delivered.
    pub(super) fn siginfo(self) -> io::Result<SiginfoBytes> {
        let mut info: SiginfoBytes = [0; 128];
        // SAFETY: GETSIGINFO fills in a siginfo_t of 128 bytes.
        unsafe { self.request_with_buffer(libc::PTRACE_GETSIGINFO.into(), 0, info.as_mut_ptr()) }
            .map(|_| info)
    }

    /// Returns the message of an event: the TID of a new thread, or the former TID
    /// of a thread that executed a program.
    pub(super) fn event_message(self) -> io::Result<u64> {
        let mut message = 0u64;
        // SAFETY: GETEVENTMSG fills in a long.
        unsafe { self.request_with_buffer(libc::PTRACE_GETEVENTMSG.into(), 0, &raw mut message) }
            .map(|_| message)
    }

    /// Copies entries of the queue of the thread or (`shared`) of the process,
    /// beginning with index `from`. Returns the number of copied entries.
    pub(super) fn peek_siginfo(
        self,
        shared: bool,
        from: usize,
        into: &mut [SiginfoBytes],
    ) -> io::Result<usize> {
        /// struct ptrace_peeksiginfo_args, which libc lacks for musl.
        #[repr(C)]
        struct Arguments {
            offset: u64,
            flags: u32,
            count: i32,
        }
        let count = i32::try_from(into.len()).unwrap_or(i32::MAX);
        let arguments = Arguments { offset: from as u64, flags: u32::from(shared), count };
        let address = (&raw const arguments) as u64;
        // SAFETY: PEEKSIGINFO reads its arguments at the address, and fills in at
        // most `count` siginfo_t of 128 bytes each.
        let result =
            unsafe { self.request_with_buffer(libc::PTRACE_PEEKSIGINFO.into(), address, into.as_mut_ptr()) }?;
        Ok(usize::try_from(result).unwrap_or(0))
    }

    /// Returns the address of the rseq(2) area of the thread; 0 if it has none or
    /// the kernel cannot report it (before Linux 5.13).
    pub(super) fn rseq_area(self) -> u64 {
        // struct ptrace_rseq_configuration begins with the pointer.
        let mut configuration = [0u64; 3];
        let address = size_of_val(&configuration) as u64;
        // SAFETY: the request fills in at most as many bytes as `address` states.
        let result = unsafe {
            self.request_with_buffer(PTRACE_GET_RSEQ_CONFIGURATION, address, &raw mut configuration)
        };
        result.map_or(0, |_| configuration[0])
    }

    /// Whether the system calls of the thread are dispatched to itself; false if
    /// the kernel cannot report it (before Linux 6.4).
    pub(super) fn is_dispatched(self) -> bool {
        // struct ptrace_sud_config begins with the mode; 1 means on.
        let mut configuration = [0u64; 4];
        let (request, address) =
            (PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG, size_of_val(&configuration) as u64);
        // SAFETY: the request fills in at most as many bytes as `address` states.
        let result = unsafe { self.request_with_buffer(request, address, &raw mut configuration) };
        result.is_ok() && configuration[0] == 1
    }

    /// Consumes the wait status that WNOWAIT left.
    pub(super) fn consume_wait_status(self) -> io::Result<()> {
        // SAFETY: waitpid(2) accepts a null status.
        check_syscall(
            unsafe { libc::waitpid(self.0, std::ptr::null_mut(), libc::__WALL | libc::WNOHANG) }.into(),
        )
    }

    /// Waits until the thread stops.
    ///
    /// # Errors
    /// EINTR after a signal; ECHILD if the thread is gone, like the other threads
    /// of a process that executes another program.
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
        assert_eq!(
            TraceeStop::from_status(libc::SIGTRAP, libc::PTRACE_EVENT_STOP),
            TraceeStop::EventStop(libc::SIGTRAP)
        );
        assert_eq!(
            TraceeStop::from_status(libc::SIGSTOP, libc::PTRACE_EVENT_STOP),
            TraceeStop::EventStop(libc::SIGSTOP)
        );
        assert_eq!(
            TraceeStop::from_status(libc::SIGTRAP, libc::PTRACE_EVENT_EXEC),
            TraceeStop::Event(libc::PTRACE_EVENT_EXEC)
        );
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

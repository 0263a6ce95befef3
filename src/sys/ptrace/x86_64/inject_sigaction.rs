//! Reading of signal actions by injection: the thread itself calls rt_sigaction(2).
//!
//! From the first change of its registers until they are restored, the thread would
//! not survive the exit of its tracer. So only KILL ends the helper in between, and
//! every refusal happens before.
//!
//! The target may be hostile. Another of its threads can replace the instruction,
//! unmap or share the memory, or execute a program while this thread is stopped. So
//! each call is verified at its entry, where the thread is stopped and the kernel
//! has already read the arguments. A call that is not exactly the requested one is
//! cancelled. After an exec, or once the thread is gone, no memory is written and
//! no register is set.

use std::io;
use std::time::{Duration, Instant};

use super::context::{INSPECT_OPTIONS, InspectContext, RawSigaction, SIGACTION_SIZE};
use super::deadline::Deadline;
use super::inspect_error::InspectError;
use super::plan::SYSCALL_INSTRUCTION;
use super::syscall_restart::{self, bit};
use super::tracee::{Registers, SyscallInfo, SyscallStop, Tracee, TraceeStop};

/// The architecture of 64-bit calls (uapi linux/audit.h, AUDIT_ARCH_X86_64).
const AUDIT_ARCH: u32 = 0xc000_003e;
/// The number of rt_sigaction(2).
const RT_SIGACTION: u64 = libc::SYS_rt_sigaction as u64;
/// Bytes below the stack pointer that x86-64 code may use (System V ABI, 3.2.2).
const RED_ZONE: u64 = 128;
/// The trap flag, set in a program that single-steps itself.
const TRAP_FLAG: u64 = 0x100;
/// Bytes of a vdso that are searched for an instruction.
const VDSO_SEARCH_SIZE: usize = 16 << 10;
/// How long the helper waits for a thread that must be restored and does not stop,
/// because it waits for a page in the injected call.
const RESTORE_TIMEOUT: Duration = Duration::from_secs(60);

/// Size of the buffer for the actions of all signals.
const MAX_BUFFER_SIZE: usize = 64 * SIGACTION_SIZE;

/// Parts of the thread that the calls use, with their original content.
struct BorrowedState {
    /// Address of a `syscall` instruction.
    instruction: u64,
    /// Memory for the results.
    buffers: ActionBuffers,
    /// Address and value of `rseq_cs` in the rseq(2) area of the thread, if it was
    /// set.
    rseq_section: Option<(u64, [u8; 8])>,
    mask: u64,
    /// Whether the thread's filter is suspended during the calls.
    suspend_seccomp: bool,
}

/// Usable memory: addresses with the original bytes.
struct ActionBuffers {
    /// A buffer for one action of each signal; preferred.
    all: Option<(u64, [u8; MAX_BUFFER_SIZE])>,
    /// Buffers for one action.
    one: [Option<(u64, [u8; SIGACTION_SIZE])>; 2],
}

/// Reads all requested actions from a stopped thread, and restores the thread.
/// `suspend_seccomp`: suspend its filter during the calls.
pub(super) fn read_actions(
    tracee: Tracee,
    suspend_seccomp: bool,
    saved: &Registers,
    context: &mut InspectContext<'_>,
) -> Result<(), InspectError> {
    let borrowed = match BorrowedState::read(tracee, suspend_seccomp, saved, context) {
        Ok(borrowed) => borrowed,
        Err(error) => {
            // The stop has interrupted its call all the same.
            syscall_restart::restart(tracee, suspend_seccomp, || context.thread_signals(tracee, None));
            return Err(error);
        }
    };
    tracee.set_mask(u64::MAX).map_err(InspectError::from_io)?;
    let mut injection = Injection { tracee, saved, borrowed: &borrowed, deadline: context.deadline };
    let signals = context.wanted & !(bit(libc::SIGKILL) | bit(libc::SIGSTOP));
    let outcome = injection.read_actions(signals, context);
    // After an exec or a kill there is nothing to restore. The first request fails
    // if the thread is no longer stopped by this process.
    if matches!(outcome, Err(InspectError::Gone | InspectError::Executed)) || tracee.mask().is_err() {
        return outcome.and(Err(InspectError::Gone));
    }
    let restarted = syscall_restart::restarted_registers(saved, suspend_seccomp, || {
        context.thread_signals(tracee, Some(borrowed.mask))
    });
    let _ = tracee.set_registers(&restarted.unwrap_or(*saved));
    let _ = tracee.set_mask(borrowed.mask);
    outcome
}

impl BorrowedState {
    /// Reads everything that is needed, in one request. Changes nothing; every
    /// refusal happens here.
    fn read(
        tracee: Tracee,
        suspend_seccomp: bool,
        saved: &Registers,
        context: &mut InspectContext<'_>,
    ) -> Result<BorrowedState, InspectError> {
        if tracee.is_dispatched() {
            return Err(InspectError::Dispatched);
        }
        // Without this report, entries could not be verified.
        let info = tracee.syscall_info().map_err(|_| InspectError::OldKernel)?;
        if info.arch != AUDIT_ARCH {
            return Err(InspectError::Compat);
        }
        let deadline = Some(context.deadline);
        let count = u64::from((context.wanted & !(bit(libc::SIGKILL) | bit(libc::SIGSTOP))).count_ones());
        let all_size = (count as usize * SIGACTION_SIZE).min(MAX_BUFFER_SIZE);
        // Below the part of the stack in use; otherwise in the red zone, which
        // belongs to the thread.
        let all_address = saved.rsp.wrapping_sub(RED_ZONE + 32 + all_size as u64) & !15;
        let below_address = saved.rsp.wrapping_sub(RED_ZONE + 64) & !15;
        let red_zone_address = saved.rsp.wrapping_sub(64) & !15;
        // A thread within a restartable sequence must be aborted when it continues,
        // but the kernel clears the pointer as soon as the thread runs elsewhere,
        // so it must be restored. There is no sequence within a system call.
        let is_in_call = saved.orig_rax.cast_signed() >= 0;
        // In struct rseq, two 32-bit numbers precede rseq_cs.
        let rseq_area = if is_in_call { 0 } else { tracee.rseq_area() };
        let own_address = saved.rip.wrapping_sub(2);
        let vdso = context.plan.instruction;
        let (mut vdso_code, mut own_code, mut section) = ([0; 2], [0; 2], [0; 8]);
        let (mut all, mut below, mut red_zone) =
            ([0; MAX_BUFFER_SIZE], [0; SIGACTION_SIZE], [0; SIGACTION_SIZE]);
        let pieces = [
            (vdso.unwrap_or(0), &mut vdso_code[..]),
            (own_address, &mut own_code[..]),
            (rseq_area.wrapping_add(8), &mut section[..]),
            (all_address, &mut all[..all_size]),
            (below_address, &mut below[..]),
            (red_zone_address, &mut red_zone[..]),
        ];
        let counts = context.memory.read(pieces, deadline)?;
        let instruction = match vdso {
            Some(address) if counts[0] == 2 && vdso_code == SYSCALL_INSTRUCTION => address,
            // The instruction that the thread is in.
            _ if is_in_call && counts[1] == 2 && own_code == SYSCALL_INSTRUCTION => own_address,
            _ => find_instruction(context)?,
        };
        let buffers = ActionBuffers {
            all: (counts[3] == all_size && all_size > SIGACTION_SIZE).then_some((all_address, all)),
            one: [
                (counts[4] == SIGACTION_SIZE).then_some((below_address, below)),
                (counts[5] == SIGACTION_SIZE).then_some((red_zone_address, red_zone)),
            ],
        };
        if buffers.all.is_none() && buffers.one == [None; 2] {
            return Err(InspectError::NoMemory);
        }
        let section =
            (rseq_area != 0 && counts[2] == 8 && section != [0; 8]).then_some((rseq_area + 8, section));
        let mask = tracee.mask().map_err(InspectError::from_io)?;
        Ok(BorrowedState { instruction, buffers, rseq_section: section, mask, suspend_seccomp })
    }
}

/// Searches the target's vdso for a `syscall` instruction. The vdso differs from
/// that of this process if the target was restored from a checkpoint.
fn find_instruction(context: &mut InspectContext<'_>) -> Result<u64, InspectError> {
    let base = context.plan.vdso.ok_or(InspectError::NoInstruction)?;
    let mut code = [0; VDSO_SEARCH_SIZE];
    let [count] = context.memory.read([(base, &mut code[..])], Some(context.deadline))?;
    let offset = code[..count].windows(2).position(|window| window == SYSCALL_INSTRUCTION);
    match offset {
        Some(offset) => Ok(base + offset as u64),
        // The process executed another program meanwhile.
        None if count == 0 => Err(InspectError::Executed),
        None => Err(InspectError::NoInstruction),
    }
}

/// A stopped thread into which calls are injected.
struct Injection<'a> {
    tracee: Tracee,
    saved: &'a Registers,
    borrowed: &'a BorrowedState,
    deadline: Deadline<'a>,
}

impl Injection<'_> {
    /// Reads the actions of these signals, and restores the memory that the calls
    /// used.
    fn read_actions(&mut self, signals: u64, context: &mut InspectContext<'_>) -> Result<(), InspectError> {
        let borrowed = self.borrowed;
        let outcome = match &borrowed.buffers.all {
            Some((address, bytes)) => {
                let length = signals.count_ones() as usize * SIGACTION_SIZE;
                self.read_together(signals, (*address, &bytes[..length]), context)
            }
            None => Err(InspectError::NoMemory),
        };
        let outcome =
            borrowed.buffers.one.iter().flatten().fold(outcome, |outcome, (address, bytes)| match outcome {
                Err(InspectError::NoMemory) => self.read_one_by_one(signals, (*address, bytes), context),
                outcome => outcome,
            });
        if let Some((address, section)) = &borrowed.rseq_section
            && !matches!(outcome, Err(InspectError::Gone | InspectError::Executed))
            && self.tracee.mask().is_ok()
        {
            let _ = context.memory.write([(*address, &section[..])]);
        }
        outcome
    }

    /// Makes all calls, each with its own buffer.
    fn read_together(
        &mut self,
        signals: u64,
        (address, original): (u64, &[u8]),
        context: &mut InspectContext<'_>,
    ) -> Result<(), InspectError> {
        let (mut succeeded, mut outcome) = (0u64, Ok(()));
        let numbers = || (1..=64).filter(|signal| signals & bit(*signal) != 0);
        for (signal, buffer) in numbers().zip((address..).step_by(SIGACTION_SIZE)) {
            match self.inject_sigaction(signal, buffer) {
                Ok(0) => succeeded |= bit(signal),
                Ok(EFAULT) => outcome = Err(InspectError::NoMemory),
                Ok(_) => {}
                Err(error) => outcome = Err(error),
            }
            if outcome.is_err() {
                break;
            }
        }
        let mut bytes = [0; MAX_BUFFER_SIZE];
        let is_read =
            self.read_and_restore(address, &mut bytes[..original.len()], original, outcome, context);
        for (signal, bytes) in numbers().zip(bytes.as_chunks::<SIGACTION_SIZE>().0) {
            if is_read && succeeded & bit(signal) != 0 {
                context.result.actions[signal as usize - 1] = RawSigaction::from_bytes(bytes);
            }
        }
        outcome?;
        if is_read { Ok(()) } else { Err(InspectError::MemoryTimeout) }
    }

    /// Makes all calls with one buffer, which is read after each call.
    fn read_one_by_one(
        &mut self,
        signals: u64,
        (address, original): (u64, &[u8; SIGACTION_SIZE]),
        context: &mut InspectContext<'_>,
    ) -> Result<(), InspectError> {
        for signal in (1..=64).filter(|signal| signals & bit(*signal) != 0) {
            let result = self.inject_sigaction(signal, address);
            let mut bytes = [0; SIGACTION_SIZE];
            let outcome =
                result.and_then(|result| if result == EFAULT { Err(InspectError::NoMemory) } else { Ok(()) });
            let is_read = self.read_and_restore(address, &mut bytes, original, outcome, context);
            outcome?;
            if !is_read {
                return Err(InspectError::MemoryTimeout);
            }
            if result == Ok(0) {
                context.result.actions[signal as usize - 1] = RawSigaction::from_bytes(&bytes);
            }
        }
        Ok(())
    }

    /// Reads the results of the calls, and restores the original bytes unless the
    /// thread is gone. Returns whether the results were read.
    fn read_and_restore(
        &self,
        address: u64,
        results: &mut [u8],
        original: &[u8],
        outcome: Result<(), InspectError>,
        context: &mut InspectContext<'_>,
    ) -> bool {
        // The thread is still a stopped tracee, so no exec has replaced its memory.
        if matches!(outcome, Err(InspectError::Gone | InspectError::Executed)) || self.tracee.mask().is_err()
        {
            return false;
        }
        let length = results.len();
        let read = context.memory.read([(address, results)], None);
        let written = context.memory.write([(address, original)]);
        read == Ok([length]) && written.is_ok()
    }

    /// Makes one call of rt_sigaction(2). Returns its result or the negative error
    /// number.
    fn inject_sigaction(&mut self, signal: i32, buffer: u64) -> Result<i64, InspectError> {
        let registers = Registers {
            rip: self.borrowed.instruction,
            rax: RT_SIGACTION,
            // The kernel must not restart a call.
            orig_rax: u64::MAX,
            rdi: signal as u64,
            rsi: 0,
            rdx: buffer,
            r10: 8,
            eflags: self.saved.eflags & !TRAP_FLAG,
            ..*self.saved
        };
        self.tracee.set_registers(&registers).map_err(InspectError::from_io)?;
        self.run_to_syscall_stop()?;
        let info = self.tracee.syscall_info().map_err(InspectError::from_io)?;
        if !is_expected(&info, &registers) {
            return Err(self.cancel_call());
        }
        // From here to the exit stop, the thread makes this call and nothing else.
        if self.borrowed.suspend_seccomp
            && self.tracee.set_options(INSPECT_OPTIONS | libc::PTRACE_O_SUSPEND_SECCOMP).is_err()
        {
            self.cancel_call();
            return Err(InspectError::Seccomp);
        }
        let outcome = self.run_to_syscall_stop();
        if self.borrowed.suspend_seccomp {
            let _ = self.tracee.set_options(INSPECT_OPTIONS);
        }
        outcome?;
        match self.tracee.syscall_info().map_err(InspectError::from_io)?.kind {
            SyscallStop::Exit { result } => Ok(result),
            _ => Err(InspectError::Tampered),
        }
    }

    /// Makes the kernel skip the call that the thread is about to make.
    fn cancel_call(&mut self) -> InspectError {
        let is_entry = |info: SyscallInfo| matches!(info.kind, SyscallStop::Entry { .. });
        match self.tracee.syscall_info().map(is_entry) {
            Ok(true) => {}
            // At an exit there is nothing to cancel.
            Ok(false) => return InspectError::Tampered,
            Err(error) => return InspectError::from_io(error),
        }
        let Ok(registers) = self.tracee.registers() else { return InspectError::Gone };
        let cancelled = Registers { orig_rax: u64::MAX, ..registers };
        // Fails only if the thread was killed.
        match self.tracee.set_registers(&cancelled) {
            Ok(()) => self.run_to_syscall_stop().err().unwrap_or(InspectError::Tampered),
            Err(error) => InspectError::from_io(error),
        }
    }

    /// Continues the thread to the next entry or exit of a system call. All signals
    /// are blocked, so only STOP can be delivered in between. It takes effect when
    /// the thread is released.
    fn run_to_syscall_stop(&mut self) -> Result<(), InspectError> {
        let (tracee, mut is_interrupted, mut signal) = (self.tracee, false, 0);
        loop {
            tracee.cont_to_syscall(signal).map_err(InspectError::from_io)?;
            signal = 0;
            let stop = loop {
                match tracee.wait() {
                    Ok(stop) => break stop,
                    Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                        return Err(InspectError::from_io(error));
                    }
                    // The thread is frozen, waits for memory or runs its own code.
                    // It must stop again to be restored.
                    Err(_) if !is_interrupted && self.deadline.is_expired() => {
                        is_interrupted = true;
                        let _ = tracee.interrupt();
                    }
                    Err(_) if is_interrupted && Instant::now() >= self.deadline.end + RESTORE_TIMEOUT => {
                        return Err(InspectError::StopTimeout);
                    }
                    Err(_) => {}
                }
            };
            match stop {
                TraceeStop::Syscall => return Ok(()),
                TraceeStop::Delivery(libc::SIGSTOP) => signal = libc::SIGSTOP,
                TraceeStop::EventStop(_) if is_interrupted => return Err(InspectError::StopTimeout),
                TraceeStop::Event(libc::PTRACE_EVENT_EXEC) => return Err(InspectError::Executed),
                TraceeStop::EventStop(_) | TraceeStop::Event(_) => {}
                TraceeStop::Delivery(_) => return Err(InspectError::Failed),
                TraceeStop::Exited => return Err(InspectError::Gone),
            }
        }
    }
}

/// Result of a system call that fails with EFAULT.
const EFAULT: i64 = -(libc::EFAULT as i64);

/// Whether a thread at the entry of a system call is about to make exactly the call
/// of these registers.
fn is_expected(info: &SyscallInfo, set: &Registers) -> bool {
    let SyscallStop::Entry { number, arguments } = info.kind else { return false };
    info.arch == AUDIT_ARCH
        && number == set.rax
        && arguments == [set.rdi, set.rsi, set.rdx, set.r10, set.r8, set.r9]
        // `syscall` is two bytes long.
        && info.instruction_pointer == set.rip.wrapping_add(2)
        && info.stack_pointer == set.rsp
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_is_rejected_if_anything_differs() {
        // SAFETY: a user_regs_struct is plain numbers.
        let zeroes = unsafe { std::mem::zeroed::<Registers>() };
        let set = Registers {
            rip: 0x1000,
            rsp: 0x2000,
            rax: RT_SIGACTION,
            rdi: 15,
            rdx: 0x3000,
            r10: 8,
            r8: 5,
            r9: 6,
            ..zeroes
        };
        let (number, arguments) = (RT_SIGACTION, [15, 0, 0x3000, 8, 5, 6]);
        let kind = SyscallStop::Entry { number, arguments };
        let expected =
            SyscallInfo { kind, arch: AUDIT_ARCH, instruction_pointer: 0x1002, stack_pointer: 0x2000 };
        assert!(is_expected(&expected, &set));
        // The architecture of i386, as for int 0x80.
        assert!(!is_expected(&SyscallInfo { arch: 0x4000_0003, ..expected }, &set));
        assert!(!is_expected(&SyscallInfo { instruction_pointer: 0x1003, ..expected }, &set));
        assert!(!is_expected(&SyscallInfo { stack_pointer: 0x2008, ..expected }, &set));
        let with_kind = |kind| SyscallInfo { kind, ..expected };
        assert!(!is_expected(&with_kind(SyscallStop::Exit { result: 0 }), &set));
        assert!(!is_expected(&with_kind(SyscallStop::Other), &set));
        // execve(2), and a number of x32.
        for number in [59, RT_SIGACTION | 0x4000_0000] {
            assert!(!is_expected(&with_kind(SyscallStop::Entry { number, arguments }), &set));
        }
        for index in 0..6 {
            let mut arguments = arguments;
            arguments[index] ^= 1;
            assert!(!is_expected(&with_kind(SyscallStop::Entry { number, arguments }), &set), "{index}");
        }
    }
}

//! The actions of signals, asked for from within: the thread makes the calls of
//! rt_sigaction(2) itself.
//!
//! From the first change of its registers until they are what they were, the
//! thread would not survive its tracer; so nothing ends the helper in between
//! but a KILL, and everything that can be refused is refused before.
//!
//! The target may be hostile. Another of its threads can replace the instruction
//! that is used, unmap or share the memory, or execute a program while this one is
//! stopped. So each call is verified at its entry, where the thread is stopped and
//! the kernel has read all that it will use: a call that is not exactly the one
//! asked for is cancelled. After an exec, or once the thread is gone, nothing is
//! written and no register is set.

use std::io;
use std::time::{Duration, Instant};

use super::deadline::Deadline;
use super::inspect_thread::{INSPECT_OPTIONS, InspectError, ThreadInspector};
use super::plan::SYSCALL_INSTRUCTION;
use super::syscall_restart::{self, bit};
use super::tracee::{Registers, SyscallInfo, SyscallStop, Tracee, TraceeStop, event, option};

/// The code segment of 64-bit programs (asm/segment.h, `__USER_CS`).
pub(super) const USER_CS: u64 = 0x33;
/// The architecture of 64-bit calls (uapi linux/audit.h, AUDIT_ARCH_X86_64).
const AUDIT_ARCH: u32 = 0xc000_003e;
/// rt_sigaction(2) of x86-64.
const RT_SIGACTION: u64 = 13;
/// What the code of x86-64 may use below its stack pointer (its ABI, 3.2.2).
const RED_ZONE: u64 = 128;
/// The trap flag: a program that steps through itself.
const TRAP_FLAG: u64 = 0x100;
/// How much of a vdso is searched for an instruction.
const VDSO_SEARCH_SIZE: usize = 16 << 10;
/// How long a thread is waited for that has to be restored and does not stop: in
/// the injected call it waits for a page of its own.
const RESTORE_TIMEOUT: Duration = Duration::from_secs(60);

/// struct sigaction as the kernel of x86-64 has it, after whether it was got.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct RawSigaction {
    pub(super) is_known: u64,
    pub(super) handler: u64,
    pub(super) flags: u64,
    pub(super) restorer: u64,
    pub(super) mask: u64,
}

/// The size of struct sigaction.
const SIGACTION_SIZE: usize = 32;
/// Room for the actions of all signals.
const MAX_BUFFER_SIZE: usize = 64 * SIGACTION_SIZE;

/// What is used of the thread, with what was there.
struct BorrowedState {
    /// A `syscall` instruction.
    instruction: u64,
    /// Memory for actions.
    buffers: ActionBuffers,
    /// The `rseq_cs` of its rseq(2) area, where one was set.
    rseq_section: Option<(u64, [u8; 8])>,
    mask: u64,
    /// Whether the thread's filter is suspended during the calls.
    suspend_seccomp: bool,
}

/// The memory that can be used, with what was there.
struct ActionBuffers {
    /// Where there is room for one action of each signal; first of all.
    all: Option<(u64, [u8; MAX_BUFFER_SIZE])>,
    /// Where there is room for one.
    one: [Option<(u64, [u8; SIGACTION_SIZE])>; 2],
}

/// Asks for all that are wanted, of a thread that is stopped, and leaves it so
/// that it goes on as it was. `suspend`: its filter is suspended.
pub(super) fn read_actions(
    tracee: Tracee,
    suspend: bool,
    was: &Registers,
    tools: &mut ThreadInspector<'_>,
) -> Result<(), InspectError> {
    let loan = BorrowedState::read(tracee, suspend, was, tools)?;
    tracee.set_mask(u64::MAX).map_err(InspectError::from_io)?;
    let mut injection = Injection { tracee, saved: was, borrowed: &loan, patience: tools.deadline };
    let signals = tools.wanted & !(bit(libc::SIGKILL) | bit(libc::SIGSTOP));
    let asked = injection.read_actions(signals, tools);
    // After an exec, or if it was killed, there is nothing to restore. The first
    // call fails if it is not stopped by us any longer.
    if matches!(asked, Err(InspectError::Gone | InspectError::Executed)) || tracee.mask().is_err() {
        return asked.and(Err(InspectError::Gone));
    }
    let again =
        syscall_restart::restarted_registers(was, suspend, || tools.thread_signals(tracee, Some(loan.mask)));
    let _ = tracee.set_registers(&again.unwrap_or(*was));
    let _ = tracee.set_mask(loan.mask);
    asked
}

impl BorrowedState {
    /// Reads all that is needed, in one request. Nothing is changed, and all that
    /// can be refused is refused here.
    fn read(
        tracee: Tracee,
        suspend: bool,
        was: &Registers,
        tools: &mut ThreadInspector<'_>,
    ) -> Result<BorrowedState, InspectError> {
        if tracee.is_dispatched() {
            return Err(InspectError::Dispatched);
        }
        // Without this, entries could not be verified.
        let info = tracee.syscall_info().map_err(|_| InspectError::OldKernel)?;
        if info.arch != AUDIT_ARCH {
            return Err(InspectError::Compat);
        }
        let patience = Some(tools.deadline);
        let count = u64::from((tools.wanted & !(bit(libc::SIGKILL) | bit(libc::SIGSTOP))).count_ones());
        let room = (count as usize * SIGACTION_SIZE).min(MAX_BUFFER_SIZE);
        // Below what is in use; else in the red zone, which is the thread's own.
        let most = was.rsp.wrapping_sub(RED_ZONE + 32 + room as u64) & !15;
        let below = was.rsp.wrapping_sub(RED_ZONE + 64) & !15;
        let within = was.rsp.wrapping_sub(64) & !15;
        // A thread that was amid a restartable sequence must be told so when it
        // goes on: the kernel forgets it as soon as the thread runs elsewhere. In a
        // system call there is none.
        let is_in_call = was.orig_rax.cast_signed() >= 0;
        // struct rseq has rseq_cs after two numbers of 32 bits.
        let area = if is_in_call { 0 } else { tracee.rseq_area() };
        let own = was.rip.wrapping_sub(2);
        let vdso = tools.plan.instruction;
        let (mut code, mut own_code, mut section) = ([0; 2], [0; 2], [0; 8]);
        let (mut all, mut first, mut second) =
            ([0; MAX_BUFFER_SIZE], [0; SIGACTION_SIZE], [0; SIGACTION_SIZE]);
        let pieces = [
            (vdso.unwrap_or(0), &mut code[..]),
            (own, &mut own_code[..]),
            (area.wrapping_add(8), &mut section[..]),
            (most, &mut all[..room]),
            (below, &mut first[..]),
            (within, &mut second[..]),
        ];
        let counts = tools.memory.read(pieces, patience)?;
        let instruction = match vdso {
            Some(address) if counts[0] == 2 && code == SYSCALL_INSTRUCTION => address,
            // The one that the thread is in.
            _ if is_in_call && counts[1] == 2 && own_code == SYSCALL_INSTRUCTION => own,
            _ => find_instruction(tools)?,
        };
        let buffers = ActionBuffers {
            all: (counts[3] == room && room > SIGACTION_SIZE).then_some((most, all)),
            one: [
                (counts[4] == SIGACTION_SIZE).then_some((below, first)),
                (counts[5] == SIGACTION_SIZE).then_some((within, second)),
            ],
        };
        if buffers.all.is_none() && buffers.one == [None; 2] {
            return Err(InspectError::NoMemory);
        }
        let section = (area != 0 && counts[2] == 8 && section != [0; 8]).then_some((area + 8, section));
        let mask = tracee.mask().map_err(InspectError::from_io)?;
        Ok(BorrowedState { instruction, buffers, rseq_section: section, mask, suspend_seccomp: suspend })
    }
}

/// Searches the target's vdso for a `syscall` instruction: it is not the vdso of
/// this kernel, as in a process that was restored from a checkpoint.
fn find_instruction(tools: &mut ThreadInspector<'_>) -> Result<u64, InspectError> {
    let base = tools.plan.vdso.ok_or(InspectError::NoInstruction)?;
    let mut code = [0; VDSO_SEARCH_SIZE];
    let [count] = tools.memory.read([(base, &mut code[..])], Some(tools.deadline))?;
    let found = code[..count].windows(2).position(|window| window == SYSCALL_INSTRUCTION);
    match found {
        Some(at) => Ok(base + at as u64),
        // It has executed another program since.
        None if count == 0 => Err(InspectError::Executed),
        None => Err(InspectError::NoInstruction),
    }
}

/// The calls that a thread is made to make.
struct Injection<'a> {
    tracee: Tracee,
    saved: &'a Registers,
    borrowed: &'a BorrowedState,
    patience: Deadline<'a>,
}

impl Injection<'_> {
    /// Asks for the actions of these signals, and restores the memory that was
    /// used.
    fn read_actions(&mut self, signals: u64, tools: &mut ThreadInspector<'_>) -> Result<(), InspectError> {
        let loan = self.borrowed;
        let asked = match &loan.buffers.all {
            Some((address, bytes)) => {
                let length = signals.count_ones() as usize * SIGACTION_SIZE;
                self.read_together(signals, (*address, &bytes[..length]), tools)
            }
            None => Err(InspectError::NoMemory),
        };
        let asked = loan.buffers.one.iter().flatten().fold(asked, |asked, (address, bytes)| match asked {
            Err(InspectError::NoMemory) => self.read_one_by_one(signals, (*address, bytes), tools),
            asked => asked,
        });
        if let Some((address, section)) = &loan.rseq_section
            && !matches!(asked, Err(InspectError::Gone | InspectError::Executed))
            && self.tracee.mask().is_ok()
        {
            let _ = tools.memory.write([(*address, &section[..])]);
        }
        asked
    }

    /// All calls, each with a buffer of its own.
    fn read_together(
        &mut self,
        signals: u64,
        (address, before): (u64, &[u8]),
        tools: &mut ThreadInspector<'_>,
    ) -> Result<(), InspectError> {
        let (mut got, mut asked) = (0u64, Ok(()));
        let numbers = || (1..=64).filter(|number| signals & bit(*number) != 0);
        for (signal, buffer) in numbers().zip((address..).step_by(SIGACTION_SIZE)) {
            match self.inject_sigaction(signal, buffer) {
                Ok(0) => got |= bit(signal),
                Ok(EFAULT) => asked = Err(InspectError::NoMemory),
                Ok(_) => {}
                Err(fault) => asked = Err(fault),
            }
            if asked.is_err() {
                break;
            }
        }
        let mut bytes = [0; MAX_BUFFER_SIZE];
        let read = self.read_and_restore(address, &mut bytes[..before.len()], before, asked, tools);
        for (signal, bytes) in numbers().zip(bytes.as_chunks::<SIGACTION_SIZE>().0) {
            if read && got & bit(signal) != 0 {
                tools.result.actions[signal as usize - 1] = RawSigaction::from_bytes(bytes);
            }
        }
        asked?;
        if read { Ok(()) } else { Err(InspectError::MemoryTimeout) }
    }

    /// The same with one buffer, which is read after each call.
    fn read_one_by_one(
        &mut self,
        signals: u64,
        (address, before): (u64, &[u8; SIGACTION_SIZE]),
        tools: &mut ThreadInspector<'_>,
    ) -> Result<(), InspectError> {
        for signal in (1..=64).filter(|number| signals & bit(*number) != 0) {
            let answer = self.inject_sigaction(signal, address);
            let mut bytes = [0; SIGACTION_SIZE];
            let asked =
                answer.and_then(|answer| if answer == EFAULT { Err(InspectError::NoMemory) } else { Ok(()) });
            let read = self.read_and_restore(address, &mut bytes, before, asked, tools);
            asked?;
            if !read {
                return Err(InspectError::MemoryTimeout);
            }
            if answer == Ok(0) {
                tools.result.actions[signal as usize - 1] = RawSigaction::from_bytes(&bytes);
            }
        }
        Ok(())
    }

    /// Reads what the calls have written, and writes what was there before, unless
    /// the thread is gone. Returns whether it was read.
    fn read_and_restore(
        &self,
        address: u64,
        into: &mut [u8],
        before: &[u8],
        asked: Result<(), InspectError>,
        tools: &mut ThreadInspector<'_>,
    ) -> bool {
        // That the thread is still ours proves that no exec has taken its place.
        if matches!(asked, Err(InspectError::Gone | InspectError::Executed)) || self.tracee.mask().is_err() {
            return false;
        }
        let length = into.len();
        let read = tools.memory.read([(address, into)], None);
        let written = tools.memory.write([(address, before)]);
        read == Ok([length]) && written.is_ok()
    }

    /// One call of rt_sigaction(2); its result, or the negative error number.
    fn inject_sigaction(&mut self, signal: i32, buffer: u64) -> Result<i64, InspectError> {
        let registers = Registers {
            rip: self.borrowed.instruction,
            rax: RT_SIGACTION,
            // No call that would be begun again.
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
        // From here to the exit stop the thread makes this call and nothing else.
        if self.borrowed.suspend_seccomp
            && self.tracee.set_options(INSPECT_OPTIONS | option::SUSPEND_SECCOMP).is_err()
        {
            self.cancel_call();
            return Err(InspectError::Seccomp);
        }
        let left = self.run_to_syscall_stop();
        if self.borrowed.suspend_seccomp {
            let _ = self.tracee.set_options(INSPECT_OPTIONS);
        }
        left?;
        match self.tracee.syscall_info().map_err(InspectError::from_io)?.kind {
            SyscallStop::Exit { result } => Ok(result),
            _ => Err(InspectError::Tampered),
        }
    }

    /// Has the kernel skip the call that the thread is about to make.
    fn cancel_call(&mut self) -> InspectError {
        let is_entry = |info: SyscallInfo| matches!(info.kind, SyscallStop::Entry { .. });
        match self.tracee.syscall_info().map(is_entry) {
            Ok(true) => {}
            // At an exit there is nothing left to cancel.
            Ok(false) => return InspectError::Tampered,
            Err(error) => return InspectError::from_io(error),
        }
        let Ok(registers) = self.tracee.registers() else { return InspectError::Gone };
        let cancelled = Registers { orig_rax: u64::MAX, ..registers };
        // If this fails the thread was killed.
        match self.tracee.set_registers(&cancelled) {
            Ok(()) => self.run_to_syscall_stop().err().unwrap_or(InspectError::Tampered),
            Err(error) => InspectError::from_io(error),
        }
    }

    /// Has the thread go on to the next entry or exit of a system call. All signals
    /// are blocked, so only STOP can come in between, and is obeyed when the thread
    /// is let go.
    fn run_to_syscall_stop(&mut self) -> Result<(), InspectError> {
        let (tracee, mut is_asked, mut signal) = (self.tracee, false, 0);
        loop {
            tracee.cont_to_syscall(signal).map_err(InspectError::from_io)?;
            signal = 0;
            let stop = loop {
                match tracee.wait() {
                    Ok(stop) => break stop,
                    Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                        return Err(InspectError::from_io(error));
                    }
                    // A freezer holds it, its memory is awaited, or it runs code of
                    // its own: it must stop once more to be restored.
                    Err(_) if !is_asked && self.patience.is_expired() => {
                        is_asked = true;
                        let _ = tracee.interrupt();
                    }
                    Err(_) if is_asked && Instant::now() >= self.patience.end + RESTORE_TIMEOUT => {
                        return Err(InspectError::StopTimeout);
                    }
                    Err(_) => {}
                }
            };
            match stop {
                TraceeStop::Syscall => return Ok(()),
                TraceeStop::Delivery(libc::SIGSTOP) => signal = libc::SIGSTOP,
                TraceeStop::EventStop(_) if is_asked => return Err(InspectError::StopTimeout),
                TraceeStop::Event(event::EXEC) => return Err(InspectError::Executed),
                TraceeStop::EventStop(_) | TraceeStop::Event(_) => {}
                TraceeStop::Delivery(_) => return Err(InspectError::Failed),
                TraceeStop::Exited => return Err(InspectError::Gone),
            }
        }
    }
}

/// -EFAULT as a system call returns it.
const EFAULT: i64 = -(libc::EFAULT as i64);

/// Whether a thread at the entry of a system call is about to make exactly the
/// call that these registers were set for.
fn is_expected(info: &SyscallInfo, set: &Registers) -> bool {
    let SyscallStop::Entry { number, arguments } = info.kind else { return false };
    info.arch == AUDIT_ARCH
        && number == set.rax
        && arguments == [set.rdi, set.rsi, set.rdx, set.r10, set.r8, set.r9]
        // `syscall` is two bytes long.
        && info.instruction_pointer == set.rip.wrapping_add(2)
        && info.stack_pointer == set.rsp
}

impl RawSigaction {
    fn from_bytes(bytes: &[u8; SIGACTION_SIZE]) -> RawSigaction {
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[at..at + 8]);
            u64::from_ne_bytes(word)
        };
        RawSigaction { is_known: 1, handler: word(0), flags: word(8), restorer: word(16), mask: word(24) }
    }
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
        let good = SyscallInfo { kind, arch: AUDIT_ARCH, instruction_pointer: 0x1002, stack_pointer: 0x2000 };
        assert!(is_expected(&good, &set));
        // The architecture of i386, as for int 0x80.
        assert!(!is_expected(&SyscallInfo { arch: 0x4000_0003, ..good }, &set));
        assert!(!is_expected(&SyscallInfo { instruction_pointer: 0x1003, ..good }, &set));
        assert!(!is_expected(&SyscallInfo { stack_pointer: 0x2008, ..good }, &set));
        let other = |kind| SyscallInfo { kind, ..good };
        assert!(!is_expected(&other(SyscallStop::Exit { result: 0 }), &set));
        assert!(!is_expected(&other(SyscallStop::Other), &set));
        // execve(2), and the numbers of x32.
        for number in [59, RT_SIGACTION | 0x4000_0000] {
            assert!(!is_expected(&other(SyscallStop::Entry { number, arguments }), &set));
        }
        for at in 0..6 {
            let mut arguments = arguments;
            arguments[at] ^= 1;
            assert!(!is_expected(&other(SyscallStop::Entry { number, arguments }), &set), "{at}");
        }
    }
}

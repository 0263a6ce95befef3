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

use super::call::{self, bit};
use super::patience::Patience;
use super::plan::SYSCALL;
use super::tracee::{Registers, Stop, SyscallInfo, SyscallStop, Tracee, event, option};
use super::visit::{Fault, OPTIONS, Tools};

/// The code segment of 64-bit programs (asm/segment.h, `__USER_CS`).
pub(super) const CODE_64: u64 = 0x33;
/// The architecture of 64-bit calls (uapi linux/audit.h, AUDIT_ARCH_X86_64).
const ARCH: u32 = 0xc000_003e;
/// rt_sigaction(2) of x86-64.
const RT_SIGACTION: u64 = 13;
/// What the code of x86-64 may use below its stack pointer (its ABI, 3.2.2).
const RED_ZONE: u64 = 128;
/// The trap flag: a program that steps through itself.
const TRAP: u64 = 0x100;
/// How much of a vdso is searched for an instruction.
const VDSO: usize = 16 << 10;
/// How long a thread is waited for that has to be restored and does not stop: in
/// the injected call it waits for a page of its own.
const LINGER: Duration = Duration::from_secs(60);

/// struct sigaction as the kernel of x86-64 has it, after whether it was got.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Action {
    pub(super) got: u64,
    pub(super) handler: u64,
    pub(super) flags: u64,
    pub(super) restorer: u64,
    pub(super) mask: u64,
}

/// The size of struct sigaction.
const BYTES: usize = 32;
/// Room for the actions of all signals.
const MOST: usize = 64 * BYTES;

/// What is used of the thread, with what was there.
struct Loan {
    /// A `syscall` instruction.
    instruction: u64,
    /// Memory for actions.
    buffers: Buffers,
    /// The `rseq_cs` of its rseq(2) area, where one was set.
    section: Option<(u64, [u8; 8])>,
    mask: u64,
    /// Whether the thread's filter is suspended during the calls.
    suspend: bool,
}

/// The memory that can be used, with what was there.
struct Buffers {
    /// Where there is room for one action of each signal; first of all.
    all: Option<(u64, [u8; MOST])>,
    /// Where there is room for one.
    one: [Option<(u64, [u8; BYTES])>; 2],
}

/// Asks for all that are wanted, of a thread that is stopped, and leaves it so
/// that it goes on as it was. `suspend`: its filter is suspended.
pub(super) fn ask_all(
    tracee: Tracee,
    suspend: bool,
    was: &Registers,
    tools: &mut Tools<'_>,
) -> Result<(), Fault> {
    let loan = Loan::take(tracee, suspend, was, tools)?;
    tracee.set_mask(u64::MAX).map_err(Fault::of)?;
    let mut injection = Injection { tracee, was, loan: &loan, patience: tools.patience };
    let signals = tools.wanted & !(bit(libc::SIGKILL) | bit(libc::SIGSTOP));
    let asked = injection.ask_all(signals, tools);
    // After an exec, or if it was killed, there is nothing to restore. The first
    // call fails if it is not stopped by us any longer.
    if matches!(asked, Err(Fault::Gone | Fault::Changed)) || tracee.mask().is_err() {
        return asked.and(Err(Fault::Gone));
    }
    let again = call::begun_again(was, suspend, || tools.signals(tracee, Some(loan.mask)));
    let _ = tracee.set_registers(&again.unwrap_or(*was));
    let _ = tracee.set_mask(loan.mask);
    asked
}

impl Loan {
    /// Reads all that is needed, in one request. Nothing is changed, and all that
    /// can be refused is refused here.
    fn take(tracee: Tracee, suspend: bool, was: &Registers, tools: &mut Tools<'_>) -> Result<Loan, Fault> {
        if tracee.is_dispatched() {
            return Err(Fault::Dispatched);
        }
        // Without this, entries could not be verified.
        let info = tracee.syscall_info().map_err(|_| Fault::OldKernel)?;
        if info.arch != ARCH {
            return Err(Fault::Compat);
        }
        let patience = Some(tools.patience);
        let count = u64::from((tools.wanted & !(bit(libc::SIGKILL) | bit(libc::SIGSTOP))).count_ones());
        let room = (count as usize * BYTES).min(MOST);
        // Below what is in use; else in the red zone, which is the thread's own.
        let most = was.rsp.wrapping_sub(RED_ZONE + 32 + room as u64) & !15;
        let below = was.rsp.wrapping_sub(RED_ZONE + 64) & !15;
        let within = was.rsp.wrapping_sub(64) & !15;
        // A thread that was amid a restartable sequence must be told so when it
        // goes on: the kernel forgets it as soon as the thread runs elsewhere. In a
        // system call there is none.
        let is_in_call = was.orig_rax.cast_signed() >= 0;
        // struct rseq has rseq_cs after two numbers of 32 bits.
        let area = if is_in_call { 0 } else { tracee.rseq() };
        let own = was.rip.wrapping_sub(2);
        let vdso = tools.plan.instruction;
        let (mut code, mut own_code, mut section) = ([0; 2], [0; 2], [0; 8]);
        let (mut all, mut first, mut second) = ([0; MOST], [0; BYTES], [0; BYTES]);
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
            Some(address) if counts[0] == 2 && code == SYSCALL => address,
            // The one that the thread is in.
            _ if is_in_call && counts[1] == 2 && own_code == SYSCALL => own,
            _ => find_instruction(tools)?,
        };
        let buffers = Buffers {
            all: (counts[3] == room && room > BYTES).then_some((most, all)),
            one: [
                (counts[4] == BYTES).then_some((below, first)),
                (counts[5] == BYTES).then_some((within, second)),
            ],
        };
        if buffers.all.is_none() && buffers.one == [None; 2] {
            return Err(Fault::NoMemory);
        }
        let section = (area != 0 && counts[2] == 8 && section != [0; 8]).then_some((area + 8, section));
        let mask = tracee.mask().map_err(Fault::of)?;
        Ok(Loan { instruction, buffers, section, mask, suspend })
    }
}

/// Searches the target's vdso for a `syscall` instruction: it is not the vdso of
/// this kernel, as in a process that was restored from a checkpoint.
fn find_instruction(tools: &mut Tools<'_>) -> Result<u64, Fault> {
    let base = tools.plan.vdso.ok_or(Fault::NoInstruction)?;
    let mut code = [0; VDSO];
    let [count] = tools.memory.read([(base, &mut code[..])], Some(tools.patience))?;
    let found = code[..count].windows(2).position(|window| window == SYSCALL);
    match found {
        Some(at) => Ok(base + at as u64),
        // It has executed another program since.
        None if count == 0 => Err(Fault::Changed),
        None => Err(Fault::NoInstruction),
    }
}

/// The calls that a thread is made to make.
struct Injection<'a> {
    tracee: Tracee,
    was: &'a Registers,
    loan: &'a Loan,
    patience: Patience<'a>,
}

impl Injection<'_> {
    /// Asks for the actions of these signals, and restores the memory that was
    /// used.
    fn ask_all(&mut self, signals: u64, tools: &mut Tools<'_>) -> Result<(), Fault> {
        let loan = self.loan;
        let asked = match &loan.buffers.all {
            Some((address, bytes)) => {
                let length = signals.count_ones() as usize * BYTES;
                self.ask_together(signals, (*address, &bytes[..length]), tools)
            }
            None => Err(Fault::NoMemory),
        };
        let asked = loan.buffers.one.iter().flatten().fold(asked, |asked, (address, bytes)| match asked {
            Err(Fault::NoMemory) => self.ask_singly(signals, (*address, bytes), tools),
            asked => asked,
        });
        if let Some((address, section)) = &loan.section
            && !matches!(asked, Err(Fault::Gone | Fault::Changed))
            && self.tracee.mask().is_ok()
        {
            let _ = tools.memory.write([(*address, &section[..])]);
        }
        asked
    }

    /// All calls, each with a buffer of its own.
    fn ask_together(
        &mut self,
        signals: u64,
        (address, before): (u64, &[u8]),
        tools: &mut Tools<'_>,
    ) -> Result<(), Fault> {
        let (mut got, mut asked) = (0u64, Ok(()));
        let numbers = || (1..=64).filter(|number| signals & bit(*number) != 0);
        for (signal, buffer) in numbers().zip((address..).step_by(BYTES)) {
            match self.call(signal, buffer) {
                Ok(0) => got |= bit(signal),
                Ok(EFAULT) => asked = Err(Fault::NoMemory),
                Ok(_) => {}
                Err(fault) => asked = Err(fault),
            }
            if asked.is_err() {
                break;
            }
        }
        let mut bytes = [0; MOST];
        let read = self.exchange(address, &mut bytes[..before.len()], before, asked, tools);
        for (signal, bytes) in numbers().zip(bytes.as_chunks::<BYTES>().0) {
            if read && got & bit(signal) != 0 {
                tools.room.actions[signal as usize - 1] = Action::from_bytes(bytes);
            }
        }
        asked?;
        if read { Ok(()) } else { Err(Fault::MemoryTimeout) }
    }

    /// The same with one buffer, which is read after each call.
    fn ask_singly(
        &mut self,
        signals: u64,
        (address, before): (u64, &[u8; BYTES]),
        tools: &mut Tools<'_>,
    ) -> Result<(), Fault> {
        for signal in (1..=64).filter(|number| signals & bit(*number) != 0) {
            let answer = self.call(signal, address);
            let mut bytes = [0; BYTES];
            let asked =
                answer.and_then(|answer| if answer == EFAULT { Err(Fault::NoMemory) } else { Ok(()) });
            let read = self.exchange(address, &mut bytes, before, asked, tools);
            asked?;
            if !read {
                return Err(Fault::MemoryTimeout);
            }
            if answer == Ok(0) {
                tools.room.actions[signal as usize - 1] = Action::from_bytes(&bytes);
            }
        }
        Ok(())
    }

    /// Reads what the calls have written, and writes what was there before, unless
    /// the thread is gone. Returns whether it was read.
    fn exchange(
        &self,
        address: u64,
        into: &mut [u8],
        before: &[u8],
        asked: Result<(), Fault>,
        tools: &mut Tools<'_>,
    ) -> bool {
        // That the thread is still ours proves that no exec has taken its place.
        if matches!(asked, Err(Fault::Gone | Fault::Changed)) || self.tracee.mask().is_err() {
            return false;
        }
        let length = into.len();
        let read = tools.memory.read([(address, into)], None);
        let written = tools.memory.write([(address, before)]);
        read == Ok([length]) && written.is_ok()
    }

    /// One call of rt_sigaction(2); its result, or the negative error number.
    fn call(&mut self, signal: i32, buffer: u64) -> Result<i64, Fault> {
        let registers = Registers {
            rip: self.loan.instruction,
            rax: RT_SIGACTION,
            // No call that would be begun again.
            orig_rax: u64::MAX,
            rdi: signal as u64,
            rsi: 0,
            rdx: buffer,
            r10: 8,
            eflags: self.was.eflags & !TRAP,
            ..*self.was
        };
        self.tracee.set_registers(&registers).map_err(Fault::of)?;
        self.run_to_syscall_stop()?;
        let info = self.tracee.syscall_info().map_err(Fault::of)?;
        if !is_expected(&info, &registers) {
            return Err(self.cancel());
        }
        // From here to the exit stop the thread makes this call and nothing else.
        if self.loan.suspend && self.tracee.set_options(OPTIONS | option::SUSPEND_SECCOMP).is_err() {
            self.cancel();
            return Err(Fault::Seccomp);
        }
        let left = self.run_to_syscall_stop();
        if self.loan.suspend {
            let _ = self.tracee.set_options(OPTIONS);
        }
        left?;
        match self.tracee.syscall_info().map_err(Fault::of)?.kind {
            SyscallStop::Exit { result } => Ok(result),
            _ => Err(Fault::Tampered),
        }
    }

    /// Has the kernel skip the call that the thread is about to make.
    fn cancel(&mut self) -> Fault {
        let is_entry = |info: SyscallInfo| matches!(info.kind, SyscallStop::Entry { .. });
        match self.tracee.syscall_info().map(is_entry) {
            Ok(true) => {}
            // At an exit there is nothing left to cancel.
            Ok(false) => return Fault::Tampered,
            Err(error) => return Fault::of(error),
        }
        let Ok(registers) = self.tracee.registers() else { return Fault::Gone };
        let cancelled = Registers { orig_rax: u64::MAX, ..registers };
        // If this fails the thread was killed.
        match self.tracee.set_registers(&cancelled) {
            Ok(()) => self.run_to_syscall_stop().err().unwrap_or(Fault::Tampered),
            Err(error) => Fault::of(error),
        }
    }

    /// Has the thread go on to the next entry or exit of a system call. All signals
    /// are blocked, so only STOP can come in between, and is obeyed when the thread
    /// is let go.
    fn run_to_syscall_stop(&mut self) -> Result<(), Fault> {
        let (tracee, mut is_asked, mut signal) = (self.tracee, false, 0);
        loop {
            tracee.cont_to_call(signal).map_err(Fault::of)?;
            signal = 0;
            let stop = loop {
                match tracee.wait() {
                    Ok(stop) => break stop,
                    Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(Fault::of(error)),
                    // A freezer holds it, its memory is awaited, or it runs code of
                    // its own: it must stop once more to be restored.
                    Err(_) if !is_asked && self.patience.is_over() => {
                        is_asked = true;
                        let _ = tracee.interrupt();
                    }
                    Err(_) if is_asked && Instant::now() >= self.patience.end + LINGER => {
                        return Err(Fault::NoAnswer);
                    }
                    Err(_) => {}
                }
            };
            match stop {
                Stop::Syscall => return Ok(()),
                Stop::Delivery(libc::SIGSTOP) => signal = libc::SIGSTOP,
                Stop::Asked(_) if is_asked => return Err(Fault::NoAnswer),
                Stop::Event(event::EXEC) => return Err(Fault::Changed),
                Stop::Asked(_) | Stop::Event(_) => {}
                Stop::Delivery(_) => return Err(Fault::Failed),
                Stop::Ended => return Err(Fault::Gone),
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
    info.arch == ARCH
        && number == set.rax
        && arguments == [set.rdi, set.rsi, set.rdx, set.r10, set.r8, set.r9]
        // `syscall` is two bytes long.
        && info.instruction_pointer == set.rip.wrapping_add(2)
        && info.stack_pointer == set.rsp
}

impl Action {
    fn from_bytes(bytes: &[u8; BYTES]) -> Action {
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[at..at + 8]);
            u64::from_ne_bytes(word)
        };
        Action { got: 1, handler: word(0), flags: word(8), restorer: word(16), mask: word(24) }
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
        let good = SyscallInfo { kind, arch: ARCH, instruction_pointer: 0x1002, stack_pointer: 0x2000 };
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

//! The actions of signals, asked for from within: the thread makes the calls of
//! rt_sigaction(2) itself.
//!
//! From the first change of its registers until they are what they were, the
//! thread would not survive its tracer; so nothing ends the helper in between
//! but a KILL, and everything that can be refused is refused before.

use std::io;

use super::call::{self, bit};
use super::memory;
use super::patience::Patience;
use super::plan::SYSCALL;
use super::tracee::{Registers, Stop, Tracee};
use super::visit::{Fault, Tools};

/// The code segment of 64-bit programs (asm/segment.h, `__USER_CS`).
pub(super) const CODE_64: u64 = 0x33;
/// rt_sigaction(2) of x86-64.
const RT_SIGACTION: u64 = 13;
/// What the code of x86-64 may use below its stack pointer (its ABI, 3.2.2).
const RED_ZONE: u64 = 128;
/// The trap flag: a program that steps through itself.
const TRAP: u64 = 0x100;

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

const BYTES: usize = 32;

/// What is used of the thread, with what was there.
struct Loan {
    /// A `syscall` instruction.
    instruction: u64,
    /// Memory for an action.
    address: u64,
    memory: [u8; BYTES],
    /// The `rseq_cs` of its rseq(2) area, where one was set.
    section: Option<(u64, [u8; 8])>,
    mask: u64,
}

/// Asks for all that are wanted, of a thread that stands still, and leaves it so
/// that it goes on as it was. `filters`: whether its system calls are filtered.
pub(super) fn ask_all(
    tracee: Tracee,
    filters: bool,
    was: &Registers,
    tools: &mut Tools<'_>,
) -> Result<(), Fault> {
    if tracee.is_dispatched() {
        return Err(Fault::Dispatched);
    }
    let loan = Loan::take(tracee, was, tools.plan.instruction)?;
    tracee.set_mask(u64::MAX).map_err(Fault::of)?;
    let mut asked = Ok(());
    for signal in 1..=64 {
        // The actions of KILL and STOP cannot be asked for.
        if tools.wanted & bit(signal) & !(bit(libc::SIGKILL) | bit(libc::SIGSTOP)) == 0 {
            continue;
        }
        asked = ask(tracee, was, &loan, signal, tools.patience).map(|action| {
            tools.room.actions[signal as usize - 1] = action;
        });
        if asked.is_err() {
            break;
        }
    }
    // Of what has been killed meanwhile nothing is left to be restored.
    let _ = memory::write(tracee.0, loan.address, &loan.memory);
    if let Some((address, section)) = loan.section {
        let _ = memory::write(tracee.0, address, &section);
    }
    let again = call::begun_again(was, filters, || tools.signals(tracee, Some(loan.mask)));
    let _ = tracee.set_registers(&again.unwrap_or(*was));
    let _ = tracee.set_mask(loan.mask);
    asked
}

impl Loan {
    fn take(tracee: Tracee, was: &Registers, vdso: Option<u64>) -> Result<Loan, Fault> {
        let instruction = instruction(tracee, was, vdso)?;
        // Below what is in use; else in the red zone, which is the thread's own.
        let below = was.rsp.wrapping_sub(RED_ZONE + 64) & !15;
        let within = was.rsp.wrapping_sub(64) & !15;
        let usable = |address: u64| {
            let memory = memory::array(tracee.0, address).ok()?;
            memory::write(tracee.0, address, &memory).ok().map(|()| (address, memory))
        };
        let (address, memory) = usable(below).or_else(|| usable(within)).ok_or(Fault::NoMemory)?;
        let section = section(tracee, was);
        let mask = tracee.mask().map_err(Fault::of)?;
        Ok(Loan { instruction, address, memory, section, mask })
    }
}

/// A `syscall` instruction: in the vdso, if the program is still the same; else
/// the one that the thread is in.
fn instruction(tracee: Tracee, was: &Registers, vdso: Option<u64>) -> Result<u64, Fault> {
    let is_one = |address: u64| memory::array(tracee.0, address).is_ok_and(|bytes| bytes == SYSCALL);
    let own = was.rip.wrapping_sub(2);
    match vdso {
        Some(address) if is_one(address) => Ok(address),
        _ if was.orig_rax.cast_signed() >= 0 && is_one(own) => Ok(own),
        Some(_) => Err(Fault::Changed),
        None => Err(Fault::NoInstruction),
    }
}

/// A thread that was amid a restartable sequence must be told so when it goes
/// on: the kernel forgets it as soon as the thread runs elsewhere. In a system
/// call there is none.
fn section(tracee: Tracee, was: &Registers) -> Option<(u64, [u8; 8])> {
    if was.orig_rax.cast_signed() >= 0 {
        return None;
    }
    // struct rseq has rseq_cs after two numbers of 32 bits.
    let address = Some(tracee.rseq()).filter(|area| *area != 0)? + 8;
    let section = memory::array(tracee.0, address).ok()?;
    (section != [0; 8]).then_some((address, section))
}

/// One call.
fn ask(
    tracee: Tracee,
    was: &Registers,
    loan: &Loan,
    signal: i32,
    patience: Patience<'_>,
) -> Result<Action, Fault> {
    let call = Registers {
        rip: loan.instruction,
        rax: RT_SIGACTION,
        // No call that would be begun again.
        orig_rax: u64::MAX,
        rdi: signal as u64,
        rsi: 0,
        rdx: loan.address,
        r10: 8,
        eflags: was.eflags & !TRAP,
        ..*was
    };
    tracee.set_registers(&call).map_err(Fault::of)?;
    run(tracee, patience)?;
    let answer = tracee.registers().map_err(Fault::of)?.rax;
    let bytes = memory::array::<BYTES>(tracee.0, loan.address).map_err(Fault::of)?;
    let word = |at: usize| {
        let mut word = [0; 8];
        word.copy_from_slice(&bytes[at..at + 8]);
        u64::from_ne_bytes(word)
    };
    Ok(Action {
        got: u64::from(answer == 0),
        handler: word(0),
        flags: word(8),
        restorer: word(16),
        mask: word(24),
    })
}

/// Has the thread enter a system call and leave it. All signals are blocked, so
/// only STOP can come in between, and is obeyed when the thread is let go.
fn run(tracee: Tracee, patience: Patience<'_>) -> Result<(), Fault> {
    let (mut stops, mut is_asked) = (0, false);
    let mut signal = 0;
    while stops < 2 {
        tracee.cont_to_call(signal).map_err(Fault::of)?;
        signal = 0;
        let stop = loop {
            match tracee.wait() {
                Ok(stop) => break stop,
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(Fault::of(error)),
                // A freezer holds it, or its memory is awaited: it must stand
                // still once more to be restored, however long that takes.
                Err(_) if !is_asked && patience.is_over() => {
                    is_asked = true;
                    let _ = tracee.interrupt();
                }
                Err(_) => {}
            }
        };
        match stop {
            Stop::Syscall => stops += 1,
            Stop::Delivery(libc::SIGSTOP) => signal = libc::SIGSTOP,
            Stop::Asked(_) if is_asked => return Err(Fault::NoAnswer),
            Stop::Asked(_) | Stop::Event(_) => {}
            Stop::Delivery(_) => return Err(Fault::Failed),
            Stop::Ended => return Err(Fault::Gone),
        }
    }
    Ok(())
}

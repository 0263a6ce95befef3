//! An assembler for BPF instructions (RFC 9669; Documentation/bpf).
//!
//! Jumps lead to the start or the end of an enclosing block, so every target
//! exists. [`Assembler::finish`] reports values that did not fit their fields.

use super::error::BpfErrorKind;

/// A register. A call takes R1 to R5 (three are enough here), clobbers them, and
/// returns R0. R6 to R9 are preserved. R10 is the end of the stack, which has 512
/// bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Register {
    R0,
    R1,
    R2,
    R3,
    R6 = 6,
    R7,
    R8,
    R9,
    R10,
}

/// Width of a load or store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    Word = 0x00,
    DoubleWord = 0x18,
}

/// Kernel functions for programs, numbered as in uapi linux/bpf.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BpfHelper {
    MapLookup = 1,
    CurrentPidTgid = 14,
    CurrentUidGid = 15,
    CurrentComm = 16,
    CurrentTask = 35,
    ProbeReadKernel = 113,
    KtimeBoot = 125,
    SeqWrite = 127,
    RingbufReserve = 131,
    RingbufSubmit = 132,
    RingbufQuery = 134,
}

/// Condition of a jump; comparisons are unsigned, with 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Equal = 0x15,
    AtLeast = 0x35,
    AnyBitSet = 0x45,
    NotEqual = 0x55,
    Below = 0xa5,
}

/// Right operand of a calculation or comparison.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operand {
    Register(Register),
    Immediate(i64),
}

impl From<Register> for Operand {
    fn from(register: Register) -> Operand {
        Operand::Register(register)
    }
}

impl From<i32> for Operand {
    fn from(number: i32) -> Operand {
        Operand::Immediate(number.into())
    }
}

impl From<u32> for Operand {
    fn from(number: u32) -> Operand {
        Operand::Immediate(number.into())
    }
}

/// A sequence of instructions that jumps may leave or restart.
#[derive(Debug)]
pub(super) struct Block {
    start: usize,
    depth: usize,
}

/// Target of a jump.
#[derive(Clone, Copy, Debug)]
pub(super) enum JumpTarget<'a> {
    Start(&'a Block),
    End(&'a Block),
}

impl Block {
    pub(super) fn start(&self) -> JumpTarget<'_> {
        JumpTarget::Start(self)
    }

    pub(super) fn end(&self) -> JumpTarget<'_> {
        JumpTarget::End(self)
    }
}

/// A program under construction.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    instructions: Vec<u64>,
    /// The jumps to the end of each open block.
    open_blocks: Vec<Vec<usize>>,
    too_large: bool,
}

const BPF_X: u8 = 0x08;

impl Assembler {
    fn push_instruction(&mut self, code: u8, to: Register, from: Register, offset: i16, number: i32) {
        let registers = u64::from(to as u8 | (from as u8) << 4);
        let offset = u64::from(offset.cast_unsigned());
        let number = u64::from(number.cast_unsigned());
        self.instructions.push(u64::from(code) | registers << 8 | offset << 16 | number << 32);
    }

    /// Converts to the narrower field of an instruction.
    fn narrow<T: TryFrom<i64> + Default>(&mut self, number: i64) -> T {
        T::try_from(number).unwrap_or_else(|_| {
            self.too_large = true;
            T::default()
        })
    }

    fn push_alu(&mut self, code: u8, to: Register, operand: Operand) {
        match operand {
            Operand::Register(from) => self.push_instruction(code | BPF_X, to, from, 0, 0),
            // The kernel sign-extends the field.
            Operand::Immediate(number) => {
                let number = self.narrow(number);
                self.push_instruction(code, to, Register::R0, 0, number);
            }
        }
    }

    /// `to = operand`
    pub(super) fn set(&mut self, to: Register, operand: impl Into<Operand>) {
        self.push_alu(0xb7, to, operand.into());
    }

    /// `to = number`, 64 bits.
    pub(super) fn set_u64(&mut self, to: Register, number: u64) {
        self.push_wide(to, Register::R0, number);
    }

    /// `to = map`, by its descriptor, which must be open when the program is
    /// loaded.
    pub(super) fn set_map(&mut self, to: Register, descriptor: i32) {
        const BPF_PSEUDO_MAP_FD: Register = Register::R1;
        self.push_wide(to, BPF_PSEUDO_MAP_FD, u64::from(descriptor.cast_unsigned()));
    }

    fn push_wide(&mut self, to: Register, kind: Register, number: u64) {
        let low = (number as u32).cast_signed();
        let high = ((number >> 32) as u32).cast_signed();
        self.push_instruction(0x18, to, kind, 0, low);
        self.push_instruction(0, Register::R0, Register::R0, 0, high);
    }

    /// `to += operand`
    pub(super) fn add(&mut self, to: Register, operand: impl Into<Operand>) {
        self.push_alu(0x07, to, operand.into());
    }

    /// `to -= operand`
    pub(super) fn subtract(&mut self, to: Register, operand: impl Into<Operand>) {
        self.push_alu(0x17, to, operand.into());
    }

    /// `to <<= operand`
    pub(super) fn shift_left(&mut self, to: Register, operand: impl Into<Operand>) {
        self.push_alu(0x67, to, operand.into());
    }

    /// `to >>= operand`, unsigned.
    pub(super) fn shift_right(&mut self, to: Register, operand: impl Into<Operand>) {
        self.push_alu(0x77, to, operand.into());
    }

    /// `to = (i64) (i32) to`
    pub(super) fn sign_extend(&mut self, to: Register) {
        self.shift_left(to, 32);
        self.push_alu(0xc7, to, Operand::Immediate(32));
    }

    /// `to = base[offset]`; a word is zero-extended.
    pub(super) fn load(&mut self, width: Width, to: Register, base: Register, offset: u32) {
        let offset = self.narrow(offset.into());
        self.push_instruction(0x61 | width as u8, to, base, offset, 0);
    }

    /// `to = stack[at]`, at a negative offset from the end of the stack.
    pub(super) fn load_stack(&mut self, width: Width, to: Register, at: i16) {
        self.push_instruction(0x61 | width as u8, to, Register::R10, at, 0);
    }

    /// `base[offset] = operand`
    pub(super) fn store(&mut self, width: Width, base: Register, offset: i16, operand: impl Into<Operand>) {
        match operand.into() {
            Operand::Register(from) => self.push_instruction(0x63 | width as u8, base, from, offset, 0),
            Operand::Immediate(number) => {
                let number = self.narrow(number);
                self.push_instruction(0x62 | width as u8, base, Register::R0, offset, number);
            }
        }
    }

    /// `base[0] += from`, 64 bits, atomic.
    pub(super) fn atomic_add(&mut self, base: Register, from: Register) {
        self.push_instruction(0xdb, base, from, 0, 0);
    }

    /// Calls a kernel function with the arguments in R1 to R5.
    pub(super) fn call(&mut self, helper: BpfHelper) {
        self.push_instruction(0x85, Register::R0, Register::R0, 0, helper as i32);
    }

    /// Ends the program; R0 is its result.
    pub(super) fn exit(&mut self) {
        self.push_instruction(0x95, Register::R0, Register::R0, 0, 0);
    }

    /// Writes a block, which jumps within may leave or restart.
    pub(super) fn block(&mut self, write: impl FnOnce(&mut Assembler, &Block)) {
        let block = Block { start: self.instructions.len(), depth: self.open_blocks.len() };
        self.open_blocks.push(Vec::new());
        write(self, &block);
        let end = self.instructions.len();
        for from in self.open_blocks.pop().unwrap_or_default() {
            let offset = self.jump_offset(from, end);
            self.instructions[from] |= offset;
        }
    }

    /// Jumps to the start or the end of an enclosing block.
    pub(super) fn jump(&mut self, to: JumpTarget<'_>) {
        self.push_jump(0x05, to, Register::R0, Operand::Immediate(0));
    }

    /// Jumps if the condition is true for both operands.
    pub(super) fn jump_if(
        &mut self,
        to: JumpTarget<'_>,
        left: Register,
        condition: Condition,
        right: impl Into<Operand>,
    ) {
        self.push_jump(condition as u8, to, left, right.into());
    }

    fn push_jump(&mut self, code: u8, to: JumpTarget<'_>, left: Register, right: Operand) {
        let from = self.instructions.len();
        self.push_alu(code, left, right);
        match to {
            JumpTarget::Start(block) => {
                let offset = self.jump_offset(from, block.start);
                self.instructions[from] |= offset;
            }
            JumpTarget::End(block) => self.open_blocks[block.depth].push(from),
        }
    }

    /// Jumps after the kernel's limit of loop iterations, so that the verifier
    /// accepts a loop whose end it cannot prove (may_goto, since Linux 6.9).
    pub(super) fn may_goto(&mut self, to: JumpTarget<'_>) {
        self.push_jump(0xe5, to, Register::R0, Operand::Immediate(0));
    }

    /// Returns the distance from the instruction after a jump to its target, in its
    /// field.
    fn jump_offset(&mut self, from: usize, to: usize) -> u64 {
        let distance = to as i64 - from as i64 - 1;
        u64::from(self.narrow::<i16>(distance).cast_unsigned()) << 16
    }

    /// Returns the program, one number per instruction.
    ///
    /// # Errors
    /// [`BpfErrorKind::ProgramTooLarge`] if a value did not fit its field.
    pub(super) fn finish(self) -> Result<Vec<u64>, BpfErrorKind> {
        if self.too_large { Err(BpfErrorKind::ProgramTooLarge) } else { Ok(self.instructions) }
    }
}

#[cfg(test)]
mod tests;

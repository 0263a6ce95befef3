//! An assembler of BPF's instructions (RFC 9669; Documentation/bpf).
//!
//! Jumps go to the beginning or the end of a block that they stand in, so that
//! none can miss; what does not fit its field is told at the end.

use super::error::BpfErrorKind;

/// A register. R0 has what a call gives, R1 to R5 what it is given, and it
/// destroys them (of these, three are enough here); R6 to R9 outlive it; R10 is
/// the end of the stack, which is 512 bytes below it.
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

/// How much is loaded or stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    Word = 0x00,
    DoubleWord = 0x18,
}

/// What the kernel does for a program, by its number in uapi linux/bpf.h.
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

/// When a jump is taken; numbers are unsigned, of 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Equal = 0x15,
    AtLeast = 0x35,
    AnyBitSet = 0x45,
    NotEqual = 0x55,
    Below = 0xa5,
}

/// What is calculated or compared with.
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

/// Instructions that jumps may lead around, or back to the beginning of.
#[derive(Debug)]
pub(super) struct Block {
    start: usize,
    depth: usize,
}

/// Where a jump leads.
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

/// A program that is being written.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    instructions: Vec<u64>,
    /// The jumps to the end of each block that is open.
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

    /// A number that an instruction has a narrower field for.
    fn narrow<T: TryFrom<i64> + Default>(&mut self, number: i64) -> T {
        T::try_from(number).unwrap_or_else(|_| {
            self.too_large = true;
            T::default()
        })
    }

    fn push_alu(&mut self, code: u8, to: Register, operand: Operand) {
        match operand {
            Operand::Register(from) => self.push_instruction(code | BPF_X, to, from, 0, 0),
            // The field is signed, and extended so.
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

    /// `to = number`, of 64 bits.
    pub(super) fn set_u64(&mut self, to: Register, number: u64) {
        self.push_wide(to, Register::R0, number);
    }

    /// `to = the map of this descriptor`, which must be one of ours when the
    /// program is loaded.
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

    /// `to = the lower half of it, with its sign`
    pub(super) fn sign_extend(&mut self, to: Register) {
        self.shift_left(to, 32);
        self.push_alu(0xc7, to, Operand::Immediate(32));
    }

    /// `to = base[offset]`; the upper half of a word is 0.
    pub(super) fn load(&mut self, width: Width, to: Register, base: Register, offset: u32) {
        let offset = self.narrow(offset.into());
        self.push_instruction(0x61 | width as u8, to, base, offset, 0);
    }

    /// The same, from the stack: `at` counts from its end and is negative.
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

    /// `base[0] += from`, of 64 bits, at once.
    pub(super) fn atomic_add(&mut self, base: Register, from: Register) {
        self.push_instruction(0xdb, base, from, 0, 0);
    }

    /// Calls, with what R1 to R5 have.
    pub(super) fn call(&mut self, helper: BpfHelper) {
        self.push_instruction(0x85, Register::R0, Register::R0, 0, helper as i32);
    }

    /// Ends the program; R0 is what it gives.
    pub(super) fn exit(&mut self) {
        self.push_instruction(0x95, Register::R0, Register::R0, 0, 0);
    }

    /// Writes a block, which jumps within may leave or begin anew.
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

    /// Jumps to an end or a beginning of a block that this stands in.
    pub(super) fn jump(&mut self, to: JumpTarget<'_>) {
        self.push_jump(0x05, to, Register::R0, Operand::Immediate(0));
    }

    /// The same, when what is said is true of the two.
    pub(super) fn jump_if(
        &mut self,
        to: JumpTarget<'_>,
        left: Register,
        when: Condition,
        right: impl Into<Operand>,
    ) {
        self.push_jump(when as u8, to, left, right.into());
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

    /// Jumps where the kernel has enough of a loop, which by this need not end for
    /// all that the verifier knows (may_goto, since Linux 6.9).
    pub(super) fn may_goto(&mut self, to: JumpTarget<'_>) {
        self.push_jump(0xe5, to, Register::R0, Operand::Immediate(0));
    }

    /// How far it is from behind a jump to its target, in its field.
    fn jump_offset(&mut self, from: usize, to: usize) -> u64 {
        let far = to as i64 - from as i64 - 1;
        u64::from(self.narrow::<i16>(far).cast_unsigned()) << 16
    }

    /// The program, an instruction a number.
    ///
    /// # Errors
    /// [`BpfErrorKind::ProgramTooLarge`] where something did not fit.
    pub(super) fn finish(self) -> Result<Vec<u64>, BpfErrorKind> {
        if self.too_large { Err(BpfErrorKind::ProgramTooLarge) } else { Ok(self.instructions) }
    }
}

#[cfg(test)]
mod tests;

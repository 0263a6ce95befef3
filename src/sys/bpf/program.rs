//! Programs that the kernel has accepted, and what is common to writing them.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};

use super::assembler::Register::{self, R1, R2, R3, R6, R7, R9, R10};
use super::assembler::{Assembler, Block, BpfHelper, Condition, Width};
use super::error::BpfError;
use super::syscall::{self, AttachType, TaskScope};

/// As much as the kernel keeps of what an iterator writes (PAGE_SIZE << 3 in
/// kernel/bpf/bpf_iter.c).
const ITERATOR_BUFFER_SIZE: usize = 8 * 4096;

/// Loads a program onto a type of the kernel's. Where it is refused, it is
/// loaded again to learn what the verifier says of it.
///
/// # Errors
/// What the kernel says, in `what`.
pub(super) fn load_or_explain(
    what: &'static str,
    program: Assembler,
    attach: AttachType,
    id: u32,
) -> Result<OwnedFd, BpfError> {
    let code = program.finish().map_err(|reason| reason.during(what))?;
    syscall::load_program(&code, attach, id, None).map_err(|error| {
        let log = syscall::verifier_log(&code, attach, id);
        BpfError::from_verifier(what, error, &log)
    })
}

/// Runs an iterator's program over tasks; gives what it has written. A kernel
/// that cannot choose goes through all of them.
///
/// # Errors
/// What the kernel says.
pub(super) fn run_iterator(program: &OwnedFd, which: TaskScope) -> Result<Vec<u8>, BpfError> {
    let refused = |error| BpfError::from_os_error("running the task iterator", error);
    let link = match syscall::link_iterator(program.as_fd(), which) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) && which != TaskScope::All => {
            syscall::link_iterator(program.as_fd(), TaskScope::All)
        }
        answer => answer,
    };
    let link = link.map_err(refused)?;
    let iterator = syscall::create_iterator(link.as_fd()).map_err(refused)?;
    let mut written = Vec::with_capacity(ITERATOR_BUFFER_SIZE);
    read_to_end(File::from(iterator), &mut written).map_err(refused)?;
    Ok(written)
}

/// Reads to the end; an iterator that had to pause says EAGAIN.
fn read_to_end(mut file: File, written: &mut Vec<u8>) -> io::Result<()> {
    loop {
        match file.read_to_end(written) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            answer => return answer.map(drop),
        }
    }
}

/// The beginning of an iterator's program, which is given a pointer to struct
/// bpf_iter__task (kernel/bpf/task_iter.c): leaves the block when there is no
/// more task. R6 is then the task, R7 the file that is written, and R9 how many
/// tasks have come before.
pub(super) fn emit_iterator_prologue(asm: &mut Assembler, end: &Block) {
    const META: u32 = 0;
    const TASK: u32 = 8;
    // struct bpf_iter_meta, whose members programs are promised.
    const SEQ: u32 = 0;
    const SEQ_NUM: u32 = 16;
    asm.load(Width::DoubleWord, R2, R1, META);
    asm.load(Width::DoubleWord, R6, R1, TASK);
    asm.jump_if(end.end(), R6, Condition::Equal, 0);
    asm.load(Width::DoubleWord, R7, R2, SEQ);
    asm.load(Width::DoubleWord, R9, R2, SEQ_NUM);
}

/// Memory of the kernel's that a program reads: so many bytes from a pointer.
#[derive(Clone, Copy, Debug)]
pub(super) struct KernelMemory {
    pub(super) base: Register,
    pub(super) offset: u32,
    pub(super) size: u32,
}

/// Copies kernel memory onto the stack, which `to` counts down into from its
/// end. What cannot be read is 0. R0 to R5 are lost; R0 is 0 if it was read.
pub(super) fn emit_copy_to_stack(asm: &mut Assembler, to: i16, from: KernelMemory) {
    emit_copy(asm, R10, to, from);
}

/// The same, to an offset from a pointer.
pub(super) fn emit_copy(asm: &mut Assembler, base: Register, offset: i16, from: KernelMemory) {
    asm.set(R3, from.base);
    asm.add(R3, from.offset);
    asm.set(R1, base);
    asm.add(R1, i32::from(offset));
    asm.set(R2, from.size);
    asm.call(BpfHelper::ProbeReadKernel);
}

/// Writes so many bytes of the stack, from `at` on, into the iterator's file,
/// whose struct seq_file `file` points to. R0 to R5 are lost.
pub(super) fn emit_seq_write(asm: &mut Assembler, file: Register, at: i16, size: u32) {
    asm.set(R1, file);
    asm.set(R2, R10);
    asm.add(R2, i32::from(at));
    asm.set(R3, size);
    asm.call(BpfHelper::SeqWrite);
}

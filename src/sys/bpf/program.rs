//! Loading and running of BPF programs, and instruction sequences that several
//! programs use.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};

use super::assembler::Register::{self, R1, R2, R3, R6, R7, R9, R10};
use super::assembler::{Assembler, Block, BpfHelper, Condition, Width};
use super::error::BpfError;
use super::syscall::{self, AttachType, TaskScope};

/// Size of the kernel's buffer for the output of an iterator (PAGE_SIZE << 3 in
/// kernel/bpf/bpf_iter.c).
const ITERATOR_BUFFER_SIZE: usize = 8 * 4096;

/// Loads a program and attaches it to a kernel type. If the kernel rejects it,
/// loads it again to get the verifier's log.
///
/// # Errors
/// The kernel's error, for `operation`.
pub(super) fn load_or_explain(
    operation: &'static str,
    program: Assembler,
    attach: AttachType,
    id: u32,
) -> Result<OwnedFd, BpfError> {
    let code = program.finish().map_err(|kind| kind.during(operation))?;
    syscall::load_program(&code, attach, id, None).map_err(|error| {
        let log = syscall::verifier_log(&code, attach, id);
        BpfError::from_verifier(operation, error, &log)
    })
}

/// Runs an iterator program over tasks, and returns its output. A kernel that
/// cannot select tasks runs it over all of them.
///
/// # Errors
/// The kernel's error.
pub(super) fn run_iterator(program: &OwnedFd, scope: TaskScope) -> Result<Vec<u8>, BpfError> {
    let to_error = |error| BpfError::from_os_error("running the task iterator", error);
    let link = match syscall::link_iterator(program.as_fd(), scope) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) && scope != TaskScope::All => {
            syscall::link_iterator(program.as_fd(), TaskScope::All)
        }
        result => result,
    };
    let link = link.map_err(to_error)?;
    let iterator = syscall::create_iterator(link.as_fd()).map_err(to_error)?;
    let mut output = Vec::with_capacity(ITERATOR_BUFFER_SIZE);
    read_to_end(File::from(iterator), &mut output).map_err(to_error)?;
    Ok(output)
}

/// Reads to the end; an iterator that had to pause fails with EAGAIN.
fn read_to_end(mut file: File, output: &mut Vec<u8>) -> io::Result<()> {
    loop {
        match file.read_to_end(output) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => return result.map(drop),
        }
    }
}

/// Emits the beginning of an iterator program, whose argument is a pointer to
/// struct bpf_iter__task (kernel/bpf/task_iter.c). Leaves the block after the last
/// task. Then R6 is the task, R7 the output file, and R9 the number of previous
/// tasks.
pub(super) fn emit_iterator_prologue(asm: &mut Assembler, end: &Block) {
    const META: u32 = 0;
    const TASK: u32 = 8;
    // struct bpf_iter_meta, a stable interface for programs.
    const SEQ: u32 = 0;
    const SEQ_NUM: u32 = 16;
    asm.load(Width::DoubleWord, R2, R1, META);
    asm.load(Width::DoubleWord, R6, R1, TASK);
    asm.jump_if(end.end(), R6, Condition::Equal, 0);
    asm.load(Width::DoubleWord, R7, R2, SEQ);
    asm.load(Width::DoubleWord, R9, R2, SEQ_NUM);
}

/// Kernel memory that a program reads: `size` bytes at an offset from a pointer.
#[derive(Clone, Copy, Debug)]
pub(super) struct KernelMemory {
    pub(super) base: Register,
    pub(super) offset: u32,
    pub(super) size: u32,
}

/// Emits a copy of kernel memory to the stack, at offset `to` from its end. Memory
/// that is not readable becomes 0. Clobbers R1 to R5; R0 is 0 if the read
/// succeeded.
pub(super) fn emit_copy_to_stack(asm: &mut Assembler, to: i16, from: KernelMemory) {
    emit_copy(asm, R10, to, from);
}

/// Emits a copy of kernel memory to an offset from a pointer.
pub(super) fn emit_copy(asm: &mut Assembler, base: Register, offset: i16, from: KernelMemory) {
    asm.set(R3, from.base);
    asm.add(R3, from.offset);
    asm.set(R1, base);
    asm.add(R1, i32::from(offset));
    asm.set(R2, from.size);
    asm.call(BpfHelper::ProbeReadKernel);
}

/// Emits a write of `size` bytes of the stack, from `at` on, to the iterator's
/// output file (a pointer to struct seq_file). Clobbers R0 to R5.
pub(super) fn emit_seq_write(asm: &mut Assembler, file: Register, at: i16, size: u32) {
    asm.set(R1, file);
    asm.set(R2, R10);
    asm.add(R2, i32::from(at));
    asm.set(R3, size);
    asm.call(BpfHelper::SeqWrite);
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;

    use super::super::btf::BtfKind;
    use super::super::error::BpfErrorKind;
    use super::super::vmlinux::VmlinuxBtf;
    use super::*;

    pub(crate) fn report_skipped(reason: &str) {
        let _ = writeln!(io::stderr(), "skipped: {reason}");
    }

    /// Returns the verifier's error for an invalid program, or the reason why BPF
    /// cannot be used here.
    pub(crate) fn load_invalid_program() -> Result<BpfError, String> {
        let vmlinux = VmlinuxBtf::open().map_err(|kind| kind.to_string())?;
        let target = (BtfKind::Func, "bpf_iter_task");
        let btf = vmlinux.parse_types(&[target]).map_err(|kind| kind.to_string())?;
        let id = btf.type_id(target).map_err(|kind| kind.to_string())?;
        // R0 is not initialized.
        let mut asm = Assembler::default();
        asm.exit();
        match load_or_explain("an invalid program", asm, AttachType::Iterator, id) {
            Err(error) => match error.kind {
                BpfErrorKind::RejectedByVerifier(_) => Ok(error),
                BpfErrorKind::NotPermitted(_) | BpfErrorKind::Unsupported => Err(error.to_string()),
                _ => panic!("{error}\n{}", error.verifier_log.join("\n")),
            },
            Ok(_) => panic!("the verifier accepted an invalid program"),
        }
    }

    #[test]
    fn load_error_includes_verifier_log() {
        match load_invalid_program() {
            Ok(BpfError { verifier_log, .. }) => {
                assert!(verifier_log.iter().any(|line| line.contains("R0 !read_ok")), "{verifier_log:?}");
            }
            Err(reason) => report_skipped(&reason),
        }
    }
}

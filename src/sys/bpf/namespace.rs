//! PIDs and TIDs in sigtool's own PID namespace.
//!
//! The kernel keeps a PID of each task for every namespace that contains it, from
//! the initial one (level 0) to its own (struct pid in include/linux/pid.h). The
//! fields in struct task_struct belong to the initial namespace.

use std::fs;
use std::os::unix::fs::MetadataExt;

use super::assembler::Register::{self, R0, R1, R7, R8, R9, R10};
use super::assembler::{Assembler, BpfHelper, Condition, Width};
use super::btf::{Btf, BtfKind, BtfTypeName};
use super::error::{BpfError, BpfErrorKind};
use super::program::{self, KernelMemory, emit_copy_to_stack, emit_seq_write};
use super::syscall::{AttachType, TaskScope};
use super::vmlinux::VmlinuxBtf;

/// Inode of the initial namespace (PROC_PID_INIT_INO in include/linux/proc_ns.h).
const INITIAL_PID_NAMESPACE: u64 = 0xefff_fffc;
/// The deepest level (MAX_PID_NS_LEVEL in include/linux/pid_namespace.h).
const MAX_PID_NS_LEVEL: u32 = 32;

/// BTF types that are needed to find the PID of a task.
pub(super) const REQUIRED_TYPES: &[BtfTypeName] = &[
    (BtfKind::Struct, "task_struct"),
    (BtfKind::Struct, "pid"),
    (BtfKind::Struct, "upid"),
    (BtfKind::Struct, "pid_namespace"),
    (BtfKind::Struct, "ns_common"),
];

/// sigtool's PID namespace, and how a program finds the PID of a task in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PidNamespace {
    /// The initial namespace: the task itself has the PID.
    Initial {
        /// Offset of the process's PID.
        tgid: u32,
        /// Offset of the TID.
        pid: u32,
    },
    /// A namespace within others.
    Nested {
        /// Depth; the initial namespace has level 0.
        level: u32,
        /// Inode, which distinguishes it from others of the same level.
        inode: u32,
        offsets: PidOffsets,
    },
}

/// Offsets on the path from a task to its PIDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PidOffsets {
    group_leader: u32,
    thread_pid: u32,
    level: u32,
    upids: u32,
    upid_size: u32,
    upid_nr: u32,
    upid_ns: u32,
    ns_inum: u32,
}

/// Selects an ID of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TaskIdKind {
    Tid,
    Tgid,
}

/// Bytes of stack that finding an ID needs.
pub(super) const SCRATCH_SIZE: i16 = 16;

impl PidNamespace {
    /// Puts the PID of the current process in our namespace into R0. Stores both
    /// IDs on the stack: the TID at `to`, the PID 4 bytes later. Clobbers R1 to R5,
    /// R9 and the stack from `scratch` on.
    pub(super) fn emit_current_ids(&self, asm: &mut Assembler, to: i16, scratch: i16) {
        if let PidNamespace::Initial { .. } = self {
            asm.call(BpfHelper::CurrentPidTgid);
            asm.store(Width::DoubleWord, R10, to, R0);
            asm.shift_right(R0, 32);
        } else {
            asm.call(BpfHelper::CurrentTask);
            asm.set(R9, R0);
            self.emit_task_id(asm, R9, TaskIdKind::Tid, scratch);
            asm.store(Width::Word, R10, to, R0);
            self.emit_task_id(asm, R9, TaskIdKind::Tgid, scratch);
            asm.store(Width::Word, R10, to + 4, R0);
        }
    }

    /// Detects our own namespace. If it is not the initial one, an iterator finds
    /// its level.
    ///
    /// # Errors
    /// [`BpfError`], also without /proc.
    pub(super) fn detect(vmlinux: &VmlinuxBtf, btf: &Btf<'_>) -> Result<PidNamespace, BpfError> {
        const OPERATION: &str = "finding the PID namespace";
        let inode = fs::metadata("/proc/self/ns/pid")
            .map_err(|error| BpfError::from_os_error(OPERATION, error))?
            .ino();
        let to_error = |kind: BpfErrorKind| kind.during(OPERATION);
        if inode == INITIAL_PID_NAMESPACE {
            let offset = |name| btf.member_offset("task_struct", name, 4).map_err(to_error);
            return Ok(PidNamespace::Initial { tgid: offset("tgid")?, pid: offset("pid")? });
        }
        let offsets = PidOffsets::from_btf(btf).map_err(to_error)?;
        let target = (BtfKind::Func, "bpf_iter_task");
        let id = vmlinux.parse_types(&[target]).and_then(|btf| btf.type_id(target)).map_err(to_error)?;
        let level = detect_level(&offsets, id)?;
        let inode = u32::try_from(inode)
            .map_err(|_| to_error(BpfErrorKind::MissingType("the PID namespace inode".into())))?;
        Ok(PidNamespace::Nested { level, inode, offsets })
    }

    /// Puts an ID of a task into R0; 0 if it has none in our namespace. `task` is
    /// one of R6 to R9 and must be a task pointer for the verifier. Clobbers R1 to
    /// R5 and [`SCRATCH_SIZE`] bytes of the stack from `scratch` on.
    pub(super) fn emit_task_id(&self, asm: &mut Assembler, task: Register, id: TaskIdKind, scratch: i16) {
        match *self {
            PidNamespace::Initial { tgid, pid } => {
                let offset = if id == TaskIdKind::Tid { pid } else { tgid };
                asm.load(Width::Word, R0, task, offset);
            }
            PidNamespace::Nested { level, inode, offsets } => {
                asm.block(|asm, found| {
                    asm.block(|asm, none| {
                        let mut base = task;
                        if id == TaskIdKind::Tgid {
                            emit_read(
                                asm,
                                scratch,
                                KernelMemory { base, offset: offsets.group_leader, size: 8 },
                            );
                            base = R0;
                        }
                        emit_read(asm, scratch, KernelMemory { base, offset: offsets.thread_pid, size: 8 });
                        asm.jump_if(none.end(), R0, Condition::Equal, 0);
                        // Saved for the second read from it.
                        asm.store(Width::DoubleWord, R10, scratch + 8, R0);
                        emit_read(asm, scratch, KernelMemory { base: R0, offset: offsets.level, size: 4 });
                        asm.jump_if(none.end(), R0, Condition::Below, level);
                        asm.load_stack(Width::DoubleWord, R0, scratch + 8);
                        let upid = offsets.upids + level * offsets.upid_size;
                        emit_read(
                            asm,
                            scratch,
                            KernelMemory { base: R0, offset: upid + offsets.upid_ns, size: 8 },
                        );
                        emit_read(asm, scratch, KernelMemory { base: R0, offset: offsets.ns_inum, size: 4 });
                        asm.set_u64(R1, inode.into());
                        asm.jump_if(none.end(), R0, Condition::NotEqual, R1);
                        asm.load_stack(Width::DoubleWord, R0, scratch + 8);
                        emit_read(
                            asm,
                            scratch,
                            KernelMemory { base: R0, offset: upid + offsets.upid_nr, size: 4 },
                        );
                        asm.jump(found.end());
                    });
                    asm.set(R0, 0);
                });
            }
        }
    }
}

/// Reads a pointer or a word into R0. Clobbers R1 to R5.
fn emit_read(asm: &mut Assembler, scratch: i16, from: KernelMemory) {
    emit_copy_to_stack(asm, scratch, from);
    let width = if from.size == 8 { Width::DoubleWord } else { Width::Word };
    asm.load_stack(width, R0, scratch);
}

impl PidOffsets {
    fn from_btf(btf: &Btf<'_>) -> Result<PidOffsets, BpfErrorKind> {
        let namespace = btf.member("pid_namespace", "ns")?.offset;
        Ok(PidOffsets {
            group_leader: btf.member_offset("task_struct", "group_leader", 8)?,
            thread_pid: btf.member_offset("task_struct", "thread_pid", 8)?,
            level: btf.member_offset("pid", "level", 4)?,
            upids: btf.member("pid", "numbers")?.offset,
            upid_size: btf.struct_size("upid")?,
            upid_nr: btf.member_offset("upid", "nr", 4)?,
            upid_ns: btf.member_offset("upid", "ns", 8)?,
            ns_inum: namespace + btf.member_offset("ns_common", "inum", 4)?,
        })
    }
}

/// Finds the level of our own PID namespace, with an iterator that reads the
/// current task.
fn detect_level(offsets: &PidOffsets, id: u32) -> Result<u32, BpfError> {
    const OPERATION: &str = "finding the level of the PID namespace";
    const FOUND: i16 = -8;
    let mut asm = Assembler::default();
    asm.block(|asm, end| {
        program::emit_iterator_prologue(asm, end);
        // One task is enough.
        asm.jump_if(end.end(), R9, Condition::NotEqual, 0);
        asm.call(BpfHelper::CurrentTask);
        asm.set(R8, R0);
        emit_read(asm, FOUND, KernelMemory { base: R8, offset: offsets.thread_pid, size: 8 });
        emit_read(asm, FOUND, KernelMemory { base: R0, offset: offsets.level, size: 4 });
        emit_seq_write(asm, R7, FOUND, 4);
    });
    asm.set(R0, 0);
    asm.exit();
    let program = program::load_or_explain(OPERATION, asm, AttachType::Iterator, id)?;
    let output = program::run_iterator(&program, TaskScope::Process(std::process::id()))?;
    let level = output.first_chunk().map(|word| u32::from_le_bytes(*word));
    let valid = level.filter(|level| (1..=MAX_PID_NS_LEVEL).contains(level));
    valid.ok_or_else(|| BpfErrorKind::MissingType("the PID namespace level".into()).during(OPERATION))
}

//! Process numbers as we see them: those of our own pid namespace.
//!
//! The kernel keeps a number of each task for every namespace that it is in,
//! from the first (level 0) to its own (struct pid in include/linux/pid.h);
//! what lies in struct task_struct itself is that of the first.

use std::fs;
use std::os::unix::fs::MetadataExt;

use super::assembler::Register::{self, R0, R1, R7, R8, R9, R10};
use super::assembler::{Assembler, BpfHelper, Condition, Width};
use super::btf::{Btf, BtfKind, BtfTypeName};
use super::error::{BpfError, BpfErrorKind};
use super::program::{self, KernelMemory, emit_copy_to_stack, emit_seq_write};
use super::syscall::{AttachType, TaskScope};
use super::vmlinux::VmlinuxBtf;

/// The first namespace's inode (PROC_PID_INIT_INO in include/linux/proc_ns.h).
const INITIAL_PID_NAMESPACE: u64 = 0xefff_fffc;
/// The deepest level (MAX_PID_NS_LEVEL in include/linux/pid_namespace.h).
const MAX_PID_NS_LEVEL: u32 = 32;

/// What must be known of the kernel to find a task's number.
pub(super) const REQUIRED_TYPES: &[BtfTypeName] = &[
    (BtfKind::Struct, "task_struct"),
    (BtfKind::Struct, "pid"),
    (BtfKind::Struct, "upid"),
    (BtfKind::Struct, "pid_namespace"),
    (BtfKind::Struct, "ns_common"),
];

/// How a program finds a task's number in our namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PidNamespace {
    /// Ours is the first: the number lies in the task.
    Initial {
        /// Where its process's does.
        tgid: u32,
        /// Where its own does.
        pid: u32,
    },
    /// Ours lies within others.
    Nested {
        /// How deep; the first's is 0.
        level: u32,
        /// What tells it from the others of this depth.
        inode: u32,
        /// Where everything lies.
        offsets: PidOffsets,
    },
}

/// Where everything lies on the way from a task to its numbers.
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

/// Which number of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TaskIdKind {
    Tid,
    Tgid,
}

/// How much of the stack finding a number takes.
pub(super) const SCRATCH_SIZE: i16 = 16;

impl PidNamespace {
    /// Leaves the number of the process that runs, in our namespace, in R0, and
    /// stores both its numbers into the stack: the thread's at `to`, its own 4
    /// bytes after. R1 to R5 and R9 are lost, and the stack as of `number`.
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

    /// Our own. Where it is not the first one, the kernel is asked how deep it
    /// lies, by an iterator.
    ///
    /// # Errors
    /// [`BpfError`], also where there is no /proc.
    pub(super) fn detect(vmlinux: &VmlinuxBtf, btf: &Btf<'_>) -> Result<PidNamespace, BpfError> {
        const WHAT: &str = "finding the PID namespace";
        let inode =
            fs::metadata("/proc/self/ns/pid").map_err(|error| BpfError::from_os_error(WHAT, error))?.ino();
        let of = |reason: BpfErrorKind| reason.during(WHAT);
        if inode == INITIAL_PID_NAMESPACE {
            let offset = |name| btf.member_offset("task_struct", name, 4).map_err(of);
            return Ok(PidNamespace::Initial { tgid: offset("tgid")?, pid: offset("pid")? });
        }
        let places = PidOffsets::from_btf(btf).map_err(of)?;
        let target = (BtfKind::Func, "bpf_iter_task");
        let id = vmlinux.parse_types(&[target]).and_then(|btf| btf.type_id(target)).map_err(of)?;
        let level = detect_level(&places, id)?;
        let inode = u32::try_from(inode)
            .map_err(|_| of(BpfErrorKind::MissingType("the PID namespace inode".into())))?;
        Ok(PidNamespace::Nested { level, inode, offsets: places })
    }

    /// Puts a task's number into R0: 0 where it has none in our namespace. The
    /// pointer, which the verifier must know as a task's, lies in a register of
    /// R6 to R9; R1 to R5 are lost, and the stack from `scratch` on, [`SCRATCH_SIZE`]
    /// bytes of it.
    pub(super) fn emit_task_id(&self, asm: &mut Assembler, task: Register, id: TaskIdKind, scratch: i16) {
        match *self {
            PidNamespace::Initial { tgid, pid } => {
                let offset = if id == TaskIdKind::Tid { pid } else { tgid };
                asm.load(Width::Word, R0, task, offset);
            }
            PidNamespace::Nested { level, inode, offsets: places } => {
                asm.block(|asm, found| {
                    asm.block(|asm, none| {
                        let mut from = task;
                        if id == TaskIdKind::Tgid {
                            emit_read(
                                asm,
                                scratch,
                                KernelMemory { base: from, offset: places.group_leader, size: 8 },
                            );
                            from = R0;
                        }
                        emit_read(
                            asm,
                            scratch,
                            KernelMemory { base: from, offset: places.thread_pid, size: 8 },
                        );
                        asm.jump_if(none.end(), R0, Condition::Equal, 0);
                        // Kept, for the second step from it.
                        asm.store(Width::DoubleWord, R10, scratch + 8, R0);
                        emit_read(asm, scratch, KernelMemory { base: R0, offset: places.level, size: 4 });
                        asm.jump_if(none.end(), R0, Condition::Below, level);
                        asm.load_stack(Width::DoubleWord, R0, scratch + 8);
                        let own = places.upids + level * places.upid_size;
                        emit_read(
                            asm,
                            scratch,
                            KernelMemory { base: R0, offset: own + places.upid_ns, size: 8 },
                        );
                        emit_read(asm, scratch, KernelMemory { base: R0, offset: places.ns_inum, size: 4 });
                        asm.set_u64(R1, inode.into());
                        asm.jump_if(none.end(), R0, Condition::NotEqual, R1);
                        asm.load_stack(Width::DoubleWord, R0, scratch + 8);
                        emit_read(
                            asm,
                            scratch,
                            KernelMemory { base: R0, offset: own + places.upid_nr, size: 4 },
                        );
                        asm.jump(found.end());
                    });
                    asm.set(R0, 0);
                });
            }
        }
    }
}

/// Reads a pointer or a word into R0. R1 to R5 are lost.
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

/// How deep our own pid namespace lies: what an iterator finds of the task that
/// reads it, which is us.
fn detect_level(places: &PidOffsets, id: u32) -> Result<u32, BpfError> {
    const WHAT: &str = "finding the level of the PID namespace";
    const FOUND: i16 = -8;
    let mut asm = Assembler::default();
    asm.block(|asm, end| {
        program::emit_iterator_prologue(asm, end);
        // Once is enough.
        asm.jump_if(end.end(), R9, Condition::NotEqual, 0);
        asm.call(BpfHelper::CurrentTask);
        asm.set(R8, R0);
        emit_read(asm, FOUND, KernelMemory { base: R8, offset: places.thread_pid, size: 8 });
        emit_read(asm, FOUND, KernelMemory { base: R0, offset: places.level, size: 4 });
        emit_seq_write(asm, R7, FOUND, 4);
    });
    asm.set(R0, 0);
    asm.exit();
    let program = program::load_or_explain(WHAT, asm, AttachType::Iterator, id)?;
    let written = program::run_iterator(&program, TaskScope::Process(std::process::id()))?;
    let level = written.first_chunk().map(|word| u32::from_le_bytes(*word));
    let known = level.filter(|level| (1..=MAX_PID_NS_LEVEL).contains(level));
    known.ok_or_else(|| BpfErrorKind::MissingType("the PID namespace level".into()).during(WHAT))
}

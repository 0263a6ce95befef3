//! Process numbers as we see them: those of our own pid namespace.
//!
//! The kernel keeps a number of each task for every namespace that it is in,
//! from the first (level 0) to its own (struct pid in include/linux/pid.h);
//! what lies in struct task_struct itself is that of the first.

use std::fs;
use std::os::unix::fs::MetadataExt;

use super::btf::{Btf, Kind, Wanted};
use super::call::{Attach, Which};
use super::insn::Register::{R0, R1, R7, R8, R9, R10};
use super::insn::{Assembler, Helper, Register, When, Width};
use super::program::{self, Source, copy, emit};
use super::refused::{Reason, Refused};
use super::vmlinux::Vmlinux;

/// The first namespace's inode (PROC_PID_INIT_INO in include/linux/proc_ns.h).
const FIRST: u64 = 0xefff_fffc;
/// The deepest level (MAX_PID_NS_LEVEL in include/linux/pid_namespace.h).
const DEEPEST: u32 = 32;

/// What must be known of the kernel to find a task's number.
pub(super) const TYPES: &[Wanted] = &[
    (Kind::Struct, "task_struct"),
    (Kind::Struct, "pid"),
    (Kind::Struct, "upid"),
    (Kind::Struct, "pid_namespace"),
    (Kind::Struct, "ns_common"),
];

/// How a program finds a task's number in our namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Namespace {
    /// Ours is the first: the number lies in the task.
    First {
        /// Where its process's does.
        tgid: u32,
        /// Where its own does.
        pid: u32,
    },
    /// Ours lies within others.
    Within {
        /// How deep; the first's is 0.
        level: u32,
        /// What tells it from the others of this depth.
        inode: u32,
        /// Where everything lies.
        places: Places,
    },
}

/// Where everything lies on the way from a task to its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Places {
    group_leader: u32,
    thread_pid: u32,
    level: u32,
    numbers: u32,
    number_size: u32,
    number: u32,
    namespace: u32,
    inode: u32,
}

/// Which number of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Id {
    Thread,
    Process,
}

/// How much of the stack finding a number takes.
pub(super) const SCRATCH: i16 = 16;

impl Namespace {
    /// Leaves the number of the process that runs, in our namespace, in R0, and
    /// stores both its numbers into the stack: the thread's at `to`, its own 4
    /// bytes after. R1 to R5 and R9 are lost, and the stack as of `number`.
    pub(super) fn current(&self, asm: &mut Assembler, to: i16, scratch: i16) {
        if let Namespace::First { .. } = self {
            asm.call(Helper::CurrentPidTgid);
            asm.store(Width::Double, R10, to, R0);
            asm.shift_right(R0, 32);
        } else {
            asm.call(Helper::CurrentTask);
            asm.set(R9, R0);
            self.number(asm, R9, Id::Thread, scratch);
            asm.store(Width::Word, R10, to, R0);
            self.number(asm, R9, Id::Process, scratch);
            asm.store(Width::Word, R10, to + 4, R0);
        }
    }

    /// Our own. Where it is not the first one, the kernel is asked how deep it
    /// lies, by an iterator.
    ///
    /// # Errors
    /// [`Refused`], also where there is no /proc.
    pub(super) fn own(vmlinux: &Vmlinux, btf: &Btf<'_>) -> Result<Namespace, Refused> {
        const WHAT: &str = "finding our pid namespace";
        let inode = fs::metadata("/proc/self/ns/pid").map_err(|error| Refused::by_kernel(WHAT, error))?.ino();
        let of = |reason: Reason| reason.of(WHAT);
        if inode == FIRST {
            let offset = |name| btf.offset("task_struct", name, 4).map_err(of);
            return Ok(Namespace::First { tgid: offset("tgid")?, pid: offset("pid")? });
        }
        let places = Places::find(btf).map_err(of)?;
        let target = (Kind::Func, "bpf_iter_task");
        let id = vmlinux.types(&[target]).and_then(|btf| btf.id(target)).map_err(of)?;
        let level = own_level(&places, id)?;
        let inode = u32::try_from(inode).map_err(|_| of(Reason::Missing("pid namespace's inode".into())))?;
        Ok(Namespace::Within { level, inode, places })
    }

    /// Puts a task's number into R0: 0 where it has none in our namespace. The
    /// pointer, which the verifier must know as a task's, lies in a register of
    /// R6 to R9; R1 to R5 are lost, and the stack from `scratch` on, [`SCRATCH`]
    /// bytes of it.
    pub(super) fn number(&self, asm: &mut Assembler, task: Register, id: Id, scratch: i16) {
        match *self {
            Namespace::First { tgid, pid } => {
                let offset = if id == Id::Thread { pid } else { tgid };
                asm.load(Width::Word, R0, task, offset);
            }
            Namespace::Within { level, inode, places } => {
                asm.block(|asm, found| {
                    asm.block(|asm, none| {
                        let mut from = task;
                        if id == Id::Process {
                            follow(asm, scratch, Source { base: from, offset: places.group_leader, size: 8 });
                            from = R0;
                        }
                        follow(asm, scratch, Source { base: from, offset: places.thread_pid, size: 8 });
                        asm.jump_if(none.end(), R0, When::Equal, 0);
                        // Kept, for the second step from it.
                        asm.store(Width::Double, R10, scratch + 8, R0);
                        follow(asm, scratch, Source { base: R0, offset: places.level, size: 4 });
                        asm.jump_if(none.end(), R0, When::Below, level);
                        asm.load_stack(Width::Double, R0, scratch + 8);
                        let own = places.numbers + level * places.number_size;
                        follow(asm, scratch, Source { base: R0, offset: own + places.namespace, size: 8 });
                        follow(asm, scratch, Source { base: R0, offset: places.inode, size: 4 });
                        asm.set_wide(R1, inode.into());
                        asm.jump_if(none.end(), R0, When::NotEqual, R1);
                        asm.load_stack(Width::Double, R0, scratch + 8);
                        follow(asm, scratch, Source { base: R0, offset: own + places.number, size: 4 });
                        asm.jump(found.end());
                    });
                    asm.set(R0, 0);
                });
            }
        }
    }
}

/// Reads a pointer or a word into R0. R1 to R5 are lost.
fn follow(asm: &mut Assembler, scratch: i16, from: Source) {
    copy(asm, scratch, from);
    let width = if from.size == 8 { Width::Double } else { Width::Word };
    asm.load_stack(width, R0, scratch);
}

impl Places {
    fn find(btf: &Btf<'_>) -> Result<Places, Reason> {
        let namespace = btf.member("pid_namespace", "ns")?.offset;
        Ok(Places {
            group_leader: btf.offset("task_struct", "group_leader", 8)?,
            thread_pid: btf.offset("task_struct", "thread_pid", 8)?,
            level: btf.offset("pid", "level", 4)?,
            numbers: btf.member("pid", "numbers")?.offset,
            number_size: btf.size("upid")?,
            number: btf.offset("upid", "nr", 4)?,
            namespace: btf.offset("upid", "ns", 8)?,
            inode: namespace + btf.offset("ns_common", "inum", 4)?,
        })
    }
}

/// How deep our own pid namespace lies: what an iterator finds of the task that
/// reads it, which is us.
fn own_level(places: &Places, id: u32) -> Result<u32, Refused> {
    const WHAT: &str = "finding our pid namespace's level";
    const FOUND: i16 = -8;
    let mut asm = Assembler::default();
    asm.block(|asm, end| {
        program::begin(asm, end);
        // Once is enough.
        asm.jump_if(end.end(), R9, When::NotEqual, 0);
        asm.call(Helper::CurrentTask);
        asm.set(R8, R0);
        follow(asm, FOUND, Source { base: R8, offset: places.thread_pid, size: 8 });
        follow(asm, FOUND, Source { base: R0, offset: places.level, size: 4 });
        emit(asm, R7, FOUND, 4);
    });
    asm.set(R0, 0);
    asm.exit();
    let program = program::load(WHAT, asm, Attach::Iterator, id)?;
    let written = program::iterate(&program, Which::Process(std::process::id()))?;
    let level = written.first_chunk().map(|word| u32::from_le_bytes(*word));
    let known = level.filter(|level| (1..=DEEPEST).contains(level));
    known.ok_or_else(|| Reason::Missing("level of our pid namespace".into()).of(WHAT))
}

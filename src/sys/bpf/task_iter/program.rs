//! The program that the kernel runs for each task: what it writes of one.
//!
//! First a header of [`HEADER_FIELDS`]; then, once a process, its actions; then its
//! queue, and that of the thread, each as entries and an end.

use super::super::assembler::Register::{R0, R1, R2, R6, R7, R8, R9, R10};
use super::super::assembler::{Assembler, Block, Condition, Width};
use super::super::namespace::{self, PidNamespace, TaskIdKind};
use super::super::program::{KernelMemory, emit_copy_to_stack, emit_iterator_prologue, emit_seq_write};
use super::TaskFields;
use super::layout::TaskLayout;

/// How many entries of a queue are read at most, but for standard signals, which
/// have one each. Two such queues and all actions fit into what the kernel keeps
/// of one task's (32 KB).
pub const MAX_QUEUED: u32 = 240;
/// How many are looked at, in search of those: that takes some milliseconds.
const MAX_WALKED: u32 = 1 << 16;
/// The first real-time signal (SIGRTMIN in the kernel's asm/signal.h).
const KERNEL_RTMIN: i32 = 32;

/// What the words of a header are, each of 64 bits.
#[derive(Clone, Copy, Debug)]
pub(super) enum HeaderField {
    Tgid,
    Tid,
    /// Whether what is the whole process's follows.
    HasProcessData,
    State,
    Jobctl,
    Blocked,
    RealBlocked,
    SavedMask,
    Pending,
    Flags,
    ExitCode,
    SharedPending,
}

/// How many words a header has.
pub(super) const HEADER_FIELDS: u32 = HeaderField::SharedPending as u32 + 1;

/// What a word before an entry of a queue says: that it follows, or why none.
pub(super) const QUEUE_END: u32 = 0;
pub(super) const QUEUE_ENTRY: u32 = 1;
pub(super) const QUEUE_TOO_LONG: u32 = 2;
pub(super) const QUEUE_CHANGED: u32 = 3;

// The stack, from its end down.
const STACK_HEADER: i16 = -(HEADER_FIELDS as i16) * 8;
const STACK_SCRATCH: i16 = STACK_HEADER - namespace::SCRATCH_SIZE;
/// The place in the list: two pointers.
const STACK_LINK: i16 = STACK_SCRATCH - 16;
const STACK_EXPECTED_PREVIOUS: i16 = STACK_LINK - 8;
const STACK_COUNT: i16 = STACK_EXPECTED_PREVIOUS - 8;
const STACK_END: i16 = STACK_COUNT - 8;
/// What the end of the list says.
const STACK_LAST_WORD: i16 = STACK_END - 8;
/// An entry: a word, and up to 128 bytes of siginfo.
const STACK_ENTRY: i16 = STACK_LAST_WORD - 8 - 128;
/// The actions are copied in pieces.
const COPY_CHUNK: u32 = 128;

fn header_slot(word: HeaderField) -> i16 {
    STACK_HEADER + word as i16 * 8
}

/// How the verifier is told that a queue's loop ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum LoopKind {
    /// It need not know (since Linux 6.9).
    MayGoto,
    /// It goes through the loop itself, as often as it may be run, which takes
    /// it some 10 ms.
    Bounded,
}

/// Writes the program.
pub(super) fn assemble(
    layout: &TaskLayout,
    namespace: &PidNamespace,
    want: TaskFields,
    how: LoopKind,
) -> Assembler {
    let mut asm = Assembler::default();
    asm.block(|asm, end| {
        emit_iterator_prologue(asm, end);
        namespace.emit_task_id(asm, R6, TaskIdKind::Tgid, STACK_SCRATCH);
        asm.jump_if(end.end(), R0, Condition::Equal, 0);
        asm.set(R8, R0);
        asm.store(Width::DoubleWord, R10, header_slot(HeaderField::Tgid), R0);
        namespace.emit_task_id(asm, R6, TaskIdKind::Tid, STACK_SCRATCH);
        asm.store(Width::DoubleWord, R10, header_slot(HeaderField::Tid), R0);
        emit_process_data_flag(asm, layout);
        emit_header(asm, layout);
        asm.block(|asm, part| {
            asm.load_stack(Width::DoubleWord, R1, header_slot(HeaderField::HasProcessData));
            asm.jump_if(part.end(), R1, Condition::Equal, 0);
            if want.actions {
                emit_actions(asm, layout);
            }
            if want.queue {
                asm.set(R9, R8);
                asm.add(R9, layout.shared_pending.list);
                emit_queue(asm, layout, how);
            }
        });
        if want.queue {
            asm.set(R9, R6);
            asm.add(R9, layout.pending.list);
            emit_queue(asm, layout, how);
        }
    });
    asm.set(R0, 0);
    asm.exit();
    asm
}

/// What belongs to the whole process is written with its leader, or with the
/// thread that alone is asked for; not where it is gone already. R8 is the
/// process's number, R0 the thread's, R9 how many tasks have come before;
/// leaves struct sighand_struct in R9.
fn emit_process_data_flag(asm: &mut Assembler, layout: &TaskLayout) {
    asm.store(Width::DoubleWord, R10, header_slot(HeaderField::HasProcessData), 0);
    asm.block(|asm, decided| {
        asm.block(|asm, whole| {
            asm.jump_if(whole.end(), R0, Condition::Equal, R8);
            asm.jump_if(decided.end(), R9, Condition::NotEqual, 0);
        });
        emit_copy_to_stack(
            asm,
            STACK_SCRATCH,
            KernelMemory { base: R6, offset: layout.sighand_struct, size: 8 },
        );
        asm.load_stack(Width::DoubleWord, R9, STACK_SCRATCH);
        asm.jump_if(decided.end(), R9, Condition::Equal, 0);
        asm.store(Width::DoubleWord, R10, header_slot(HeaderField::HasProcessData), 1);
    });
}

/// Writes the header; leaves struct signal_struct in R8.
fn emit_header(asm: &mut Assembler, layout: &TaskLayout) {
    asm.store(Width::DoubleWord, R10, header_slot(HeaderField::State), 0);
    let state = layout.state.map(|offset| (HeaderField::State, Width::Word, offset));
    let rest = [
        (HeaderField::Jobctl, Width::DoubleWord, layout.jobctl),
        (HeaderField::Blocked, Width::DoubleWord, layout.blocked),
        (HeaderField::RealBlocked, Width::DoubleWord, layout.real_blocked),
        (HeaderField::SavedMask, Width::DoubleWord, layout.saved_sigmask),
        (HeaderField::Pending, Width::DoubleWord, layout.pending.set),
    ];
    for (word, width, offset) in state.into_iter().chain(rest) {
        asm.load(width, R1, R6, offset);
        asm.store(Width::DoubleWord, R10, header_slot(word), R1);
    }
    emit_copy_to_stack(asm, STACK_SCRATCH, KernelMemory { base: R6, offset: layout.signal_struct, size: 8 });
    asm.load_stack(Width::DoubleWord, R8, STACK_SCRATCH);
    for (word, offset, size) in [
        (HeaderField::Flags, layout.group_flags, 4),
        (HeaderField::ExitCode, layout.group_exit_code, 4),
        (HeaderField::SharedPending, layout.shared_pending.set, 8),
    ] {
        asm.store(Width::DoubleWord, R10, header_slot(word), 0);
        emit_copy_to_stack(asm, header_slot(word), KernelMemory { base: R8, offset, size });
    }
    emit_seq_write(asm, R7, STACK_HEADER, HEADER_FIELDS * 8);
}

/// Writes all actions; R9 is struct sighand_struct.
fn emit_actions(asm: &mut Assembler, layout: &TaskLayout) {
    let mut done = 0;
    while done < layout.actions_size {
        let size = COPY_CHUNK.min(layout.actions_size - done);
        emit_copy_to_stack(asm, STACK_ENTRY, KernelMemory { base: R9, offset: layout.actions + done, size });
        emit_seq_write(asm, R7, STACK_ENTRY, size);
        done += size;
    }
}

/// Writes a queue's entries and its end; R9 is the list's head. It is read
/// without its lock: each entry must lead back to the one before, else the list
/// has changed meanwhile. R8 is lost.
fn emit_queue(asm: &mut Assembler, layout: &TaskLayout, how: LoopKind) {
    let queued = layout.sigqueue;
    let (next, previous) = (queued.next as i16, queued.previous as i16);
    asm.store(Width::DoubleWord, R10, STACK_ENTRY, QUEUE_ENTRY);
    asm.store(Width::DoubleWord, R10, STACK_EXPECTED_PREVIOUS, R9);
    emit_copy_to_stack(asm, STACK_LINK, KernelMemory { base: R9, offset: 0, size: 16 });
    match how {
        // 0, which the verifier does not know: so it need not count, either.
        LoopKind::MayGoto => asm.store(Width::DoubleWord, R10, STACK_COUNT, R0),
        LoopKind::Bounded => asm.store(Width::DoubleWord, R10, STACK_COUNT, 0),
    }
    let most = match how {
        LoopKind::MayGoto => MAX_WALKED,
        LoopKind::Bounded => MAX_QUEUED,
    };
    asm.store(Width::DoubleWord, R10, STACK_LAST_WORD, QUEUE_END);
    asm.load_stack(Width::DoubleWord, R8, STACK_LINK + next);
    asm.block(|asm, list| {
        asm.load_stack(Width::DoubleWord, R1, STACK_LAST_WORD);
        asm.store(Width::DoubleWord, R10, STACK_END, R1);
        asm.jump_if(list.end(), R8, Condition::Equal, R9);
        asm.store(Width::DoubleWord, R10, STACK_END, QUEUE_TOO_LONG);
        asm.load_stack(Width::DoubleWord, R1, STACK_COUNT);
        asm.jump_if(list.end(), R1, Condition::AtLeast, most);
        if how == LoopKind::MayGoto {
            asm.may_goto(list.end());
        }
        asm.add(R1, 1);
        asm.store(Width::DoubleWord, R10, STACK_COUNT, R1);
        asm.store(Width::DoubleWord, R10, STACK_END, QUEUE_CHANGED);
        emit_copy_to_stack(asm, STACK_LINK, KernelMemory { base: R8, offset: 0, size: 16 });
        asm.load_stack(Width::DoubleWord, R1, STACK_LINK + previous);
        asm.load_stack(Width::DoubleWord, R2, STACK_EXPECTED_PREVIOUS);
        asm.jump_if(list.end(), R1, Condition::NotEqual, R2);
        asm.store(Width::DoubleWord, R10, STACK_EXPECTED_PREVIOUS, R8);
        emit_copy_to_stack(
            asm,
            STACK_ENTRY + 8,
            KernelMemory { base: R8, offset: queued.siginfo, size: queued.siginfo_size },
        );
        asm.block(|asm, entry| {
            if how == LoopKind::MayGoto {
                emit_skip_excess_realtime(asm, entry);
            }
            emit_seq_write(asm, R7, STACK_ENTRY, 8 + queued.siginfo_size);
        });
        asm.load_stack(Width::DoubleWord, R8, STACK_LINK + next);
        asm.jump(list.start());
    });
    asm.load_stack(Width::DoubleWord, R1, STACK_END);
    asm.store(Width::DoubleWord, R10, STACK_ENTRY, R1);
    emit_seq_write(asm, R7, STACK_ENTRY, 8);
}

/// Leaves the block where an entry beyond the most is of a real-time signal:
/// what repeats must not hide a standard one behind it.
fn emit_skip_excess_realtime(asm: &mut Assembler, entry: &Block) {
    asm.block(|asm, wanted| {
        asm.load_stack(Width::DoubleWord, R1, STACK_COUNT);
        asm.jump_if(wanted.end(), R1, Condition::Below, MAX_QUEUED + 1);
        // si_signo comes first.
        asm.load_stack(Width::Word, R1, STACK_ENTRY + 8);
        asm.jump_if(wanted.end(), R1, Condition::Below, KERNEL_RTMIN);
        asm.store(Width::DoubleWord, R10, STACK_LAST_WORD, QUEUE_TOO_LONG);
        asm.jump(entry.end());
    });
}

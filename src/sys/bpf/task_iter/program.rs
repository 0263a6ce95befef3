//! The program that the kernel runs for each task, and the format of its output.
//!
//! The output is a header of [`HEADER_FIELDS`]; then, once per process, its actions
//! and its queue; then the queue of the thread. A queue is a list of entries and an
//! end.

use super::super::assembler::Register::{R0, R1, R2, R6, R7, R8, R9, R10};
use super::super::assembler::{Assembler, Block, Condition, Width};
use super::super::namespace::{self, PidNamespace, TaskIdKind};
use super::super::program::{KernelMemory, emit_copy_to_stack, emit_iterator_prologue, emit_seq_write};
use super::TaskFields;
use super::layout::TaskLayout;
use crate::signal::number::KERNEL_RTMIN;

/// Maximum number of entries that are read from a queue, without the standard
/// signals, which have one entry each. Two such queues and all actions fit into the
/// kernel's output buffer for one task (32 KB).
pub const MAX_QUEUED: u32 = 240;
/// Maximum number of entries that are visited to find standard signals; that takes
/// a few milliseconds.
const MAX_WALKED: u32 = 1 << 16;

/// Fields of a header, each of 64 bits.
#[derive(Clone, Copy, Debug)]
pub(super) enum HeaderField {
    Tgid,
    Tid,
    /// Whether the data of the whole process follows.
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

/// Number of fields of a header.
pub(super) const HEADER_FIELDS: u32 = HeaderField::SharedPending as u32 + 1;

/// Values of the word before an entry of a queue: an entry follows, or the reason
/// of the end.
pub(super) const QUEUE_END: u32 = 0;
pub(super) const QUEUE_ENTRY: u32 = 1;
pub(super) const QUEUE_TOO_LONG: u32 = 2;
pub(super) const QUEUE_CHANGED: u32 = 3;

// Stack offsets from its end.
const STACK_HEADER: i16 = -(HEADER_FIELDS as i16) * 8;
const STACK_SCRATCH: i16 = STACK_HEADER - namespace::SCRATCH_SIZE;
/// The list member of an entry: two pointers.
const STACK_LINK: i16 = STACK_SCRATCH - 16;
const STACK_EXPECTED_PREVIOUS: i16 = STACK_LINK - 8;
const STACK_COUNT: i16 = STACK_EXPECTED_PREVIOUS - 8;
const STACK_RESULT: i16 = STACK_COUNT - 8;
/// The word to write after the last entry.
const STACK_END_WORD: i16 = STACK_RESULT - 8;
/// An entry: a word, and up to 128 bytes of siginfo.
const STACK_ENTRY: i16 = STACK_END_WORD - 8 - 128;
/// Size of the pieces in which the actions are copied.
const COPY_CHUNK: u32 = 128;

fn header_slot(field: HeaderField) -> i16 {
    STACK_HEADER + field as i16 * 8
}

/// How the verifier is convinced that the loop over a queue ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoopKind {
    /// With may_goto, the kernel limits the loop (since Linux 6.9).
    MayGoto,
    /// The verifier simulates every iteration, which takes about 10 ms.
    Bounded,
}

/// Assembles the program.
pub(super) fn assemble(
    layout: &TaskLayout,
    namespace: &PidNamespace,
    fields: TaskFields,
    loop_kind: LoopKind,
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
        asm.block(|asm, process_data| {
            asm.load_stack(Width::DoubleWord, R1, header_slot(HeaderField::HasProcessData));
            asm.jump_if(process_data.end(), R1, Condition::Equal, 0);
            if fields.actions {
                emit_actions(asm, layout);
            }
            if fields.queue {
                asm.set(R9, R8);
                asm.add(R9, layout.shared_pending.list);
                emit_queue(asm, layout, loop_kind);
            }
        });
        if fields.queue {
            asm.set(R9, R6);
            asm.add(R9, layout.pending.list);
            emit_queue(asm, layout, loop_kind);
        }
    });
    asm.set(R0, 0);
    asm.exit();
    asm
}

/// Decides whether to write the data of the whole process: with its leader, or with
/// the only requested thread, but not if the data is already freed. Expects the PID
/// in R8, the TID in R0 and the number of previous tasks in R9; leaves struct
/// sighand_struct in R9.
fn emit_process_data_flag(asm: &mut Assembler, layout: &TaskLayout) {
    asm.store(Width::DoubleWord, R10, header_slot(HeaderField::HasProcessData), 0);
    asm.block(|asm, decided| {
        asm.block(|asm, included| {
            asm.jump_if(included.end(), R0, Condition::Equal, R8);
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
    let others = [
        (HeaderField::Jobctl, Width::DoubleWord, layout.jobctl),
        (HeaderField::Blocked, Width::DoubleWord, layout.blocked),
        (HeaderField::RealBlocked, Width::DoubleWord, layout.real_blocked),
        (HeaderField::SavedMask, Width::DoubleWord, layout.saved_sigmask),
        (HeaderField::Pending, Width::DoubleWord, layout.pending.set),
    ];
    for (field, width, offset) in state.into_iter().chain(others) {
        asm.load(width, R1, R6, offset);
        asm.store(Width::DoubleWord, R10, header_slot(field), R1);
    }
    emit_copy_to_stack(asm, STACK_SCRATCH, KernelMemory { base: R6, offset: layout.signal_struct, size: 8 });
    asm.load_stack(Width::DoubleWord, R8, STACK_SCRATCH);
    for (field, offset, size) in [
        (HeaderField::Flags, layout.group_flags, 4),
        (HeaderField::ExitCode, layout.group_exit_code, 4),
        (HeaderField::SharedPending, layout.shared_pending.set, 8),
    ] {
        asm.store(Width::DoubleWord, R10, header_slot(field), 0);
        emit_copy_to_stack(asm, header_slot(field), KernelMemory { base: R8, offset, size });
    }
    emit_seq_write(asm, R7, STACK_HEADER, HEADER_FIELDS * 8);
}

/// Writes all actions from struct sighand_struct in R9.
fn emit_actions(asm: &mut Assembler, layout: &TaskLayout) {
    let mut offset = 0;
    while offset < layout.actions_size {
        let size = COPY_CHUNK.min(layout.actions_size - offset);
        emit_copy_to_stack(
            asm,
            STACK_ENTRY,
            KernelMemory { base: R9, offset: layout.actions + offset, size },
        );
        emit_seq_write(asm, R7, STACK_ENTRY, size);
        offset += size;
    }
}

/// Writes the entries of a queue and its end; R9 is the head of the list. The list
/// is read without its lock: if an entry does not point back to the previous one,
/// the list has changed. Clobbers R8.
fn emit_queue(asm: &mut Assembler, layout: &TaskLayout, loop_kind: LoopKind) {
    let offsets = layout.sigqueue;
    let (next, previous) = (offsets.next as i16, offsets.previous as i16);
    asm.store(Width::DoubleWord, R10, STACK_ENTRY, QUEUE_ENTRY);
    asm.store(Width::DoubleWord, R10, STACK_EXPECTED_PREVIOUS, R9);
    emit_copy_to_stack(asm, STACK_LINK, KernelMemory { base: R9, offset: 0, size: 16 });
    match loop_kind {
        // R0 is 0, which the verifier does not know, so it does not count
        // iterations.
        LoopKind::MayGoto => asm.store(Width::DoubleWord, R10, STACK_COUNT, R0),
        LoopKind::Bounded => asm.store(Width::DoubleWord, R10, STACK_COUNT, 0),
    }
    let max_entries = match loop_kind {
        LoopKind::MayGoto => MAX_WALKED,
        LoopKind::Bounded => MAX_QUEUED,
    };
    asm.store(Width::DoubleWord, R10, STACK_END_WORD, QUEUE_END);
    asm.load_stack(Width::DoubleWord, R8, STACK_LINK + next);
    asm.block(|asm, list| {
        asm.load_stack(Width::DoubleWord, R1, STACK_END_WORD);
        asm.store(Width::DoubleWord, R10, STACK_RESULT, R1);
        asm.jump_if(list.end(), R8, Condition::Equal, R9);
        asm.store(Width::DoubleWord, R10, STACK_RESULT, QUEUE_TOO_LONG);
        asm.load_stack(Width::DoubleWord, R1, STACK_COUNT);
        asm.jump_if(list.end(), R1, Condition::AtLeast, max_entries);
        if loop_kind == LoopKind::MayGoto {
            asm.may_goto(list.end());
        }
        asm.add(R1, 1);
        asm.store(Width::DoubleWord, R10, STACK_COUNT, R1);
        asm.store(Width::DoubleWord, R10, STACK_RESULT, QUEUE_CHANGED);
        emit_copy_to_stack(asm, STACK_LINK, KernelMemory { base: R8, offset: 0, size: 16 });
        asm.load_stack(Width::DoubleWord, R1, STACK_LINK + previous);
        asm.load_stack(Width::DoubleWord, R2, STACK_EXPECTED_PREVIOUS);
        asm.jump_if(list.end(), R1, Condition::NotEqual, R2);
        asm.store(Width::DoubleWord, R10, STACK_EXPECTED_PREVIOUS, R8);
        emit_copy_to_stack(
            asm,
            STACK_ENTRY + 8,
            KernelMemory { base: R8, offset: offsets.siginfo, size: offsets.siginfo_size },
        );
        asm.block(|asm, entry| {
            if loop_kind == LoopKind::MayGoto {
                emit_skip_excess_realtime(asm, entry);
            }
            emit_seq_write(asm, R7, STACK_ENTRY, 8 + offsets.siginfo_size);
        });
        asm.load_stack(Width::DoubleWord, R8, STACK_LINK + next);
        asm.jump(list.start());
    });
    asm.load_stack(Width::DoubleWord, R1, STACK_RESULT);
    asm.store(Width::DoubleWord, R10, STACK_ENTRY, R1);
    emit_seq_write(asm, R7, STACK_ENTRY, 8);
}

/// Leaves the block if an entry beyond the maximum has a real-time signal. Repeated
/// signals must not hide a standard signal after them.
fn emit_skip_excess_realtime(asm: &mut Assembler, entry: &Block) {
    asm.block(|asm, kept| {
        asm.load_stack(Width::DoubleWord, R1, STACK_COUNT);
        asm.jump_if(kept.end(), R1, Condition::Below, MAX_QUEUED + 1);
        // si_signo is the first field.
        asm.load_stack(Width::Word, R1, STACK_ENTRY + 8);
        asm.jump_if(kept.end(), R1, Condition::Below, i32::from(KERNEL_RTMIN));
        asm.store(Width::DoubleWord, R10, STACK_END_WORD, QUEUE_TOO_LONG);
        asm.jump(entry.end());
    });
}

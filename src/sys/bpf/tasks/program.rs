//! The program that the kernel runs for each task: what it writes of one.
//!
//! First a header of [`WORDS`]; then, once a process, its actions; then its
//! queue, and that of the thread, each as entries and an end.

use super::super::insn::Register::{R0, R1, R2, R6, R7, R8, R9, R10};
use super::super::insn::{Assembler, Block, When, Width};
use super::super::namespace::{self, Id, Namespace};
use super::super::program::{Source, begin, copy, emit};
use super::Want;
use super::layout::Layout;

/// How many entries of a queue are read at most, but for standard signals, which
/// have one each. Two such queues and all actions fit into what the kernel keeps
/// of one task's (32 KB).
pub const MOST_QUEUED: u32 = 240;
/// How many are looked at, in search of those: that takes some milliseconds.
const MOST_SEEN: u32 = 1 << 16;
/// The first real-time signal (SIGRTMIN in the kernel's asm/signal.h).
const REALTIME: i32 = 32;

/// What the words of a header are, each of 64 bits.
#[derive(Clone, Copy, Debug)]
pub(super) enum Word {
    Process,
    Thread,
    /// Whether what is the whole process's follows.
    Whole,
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
pub(super) const WORDS: u32 = Word::SharedPending as u32 + 1;

/// What a word before an entry of a queue says: that it follows, or why none.
pub(super) const DONE: u32 = 0;
pub(super) const ENTRY: u32 = 1;
pub(super) const LIMIT: u32 = 2;
pub(super) const CHANGED: u32 = 3;

// The stack, from its end down.
const HEADER: i16 = -(WORDS as i16) * 8;
const SCRATCH: i16 = HEADER - namespace::SCRATCH;
/// The place in the list: two pointers.
const LINK: i16 = SCRATCH - 16;
const EXPECTED: i16 = LINK - 8;
const COUNT: i16 = EXPECTED - 8;
const END: i16 = COUNT - 8;
/// What the end of the list says.
const LAST: i16 = END - 8;
/// An entry: a word, and up to 128 bytes of siginfo.
const QUEUED: i16 = LAST - 8 - 128;
/// The actions are copied in pieces.
const PIECE: u32 = 128;

fn slot(word: Word) -> i16 {
    HEADER + word as i16 * 8
}

/// How the verifier is told that a queue's loop ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Loop {
    /// It need not know (since Linux 6.9).
    Tiring,
    /// It goes through the loop itself, as often as it may be run, which takes
    /// it some 10 ms.
    Counted,
}

/// Writes the program.
pub(super) fn write(layout: &Layout, namespace: &Namespace, want: Want, how: Loop) -> Assembler {
    let mut asm = Assembler::default();
    asm.block(|asm, end| {
        begin(asm, end);
        namespace.number(asm, R6, Id::Process, SCRATCH);
        asm.jump_if(end.end(), R0, When::Equal, 0);
        asm.set(R8, R0);
        asm.store(Width::Double, R10, slot(Word::Process), R0);
        namespace.number(asm, R6, Id::Thread, SCRATCH);
        asm.store(Width::Double, R10, slot(Word::Thread), R0);
        decide_whole(asm, layout);
        header(asm, layout);
        asm.block(|asm, part| {
            asm.load_stack(Width::Double, R1, slot(Word::Whole));
            asm.jump_if(part.end(), R1, When::Equal, 0);
            if want.handlers {
                actions(asm, layout);
            }
            if want.queue {
                asm.set(R9, R8);
                asm.add(R9, layout.shared.list);
                queue(asm, layout, how);
            }
        });
        if want.queue {
            asm.set(R9, R6);
            asm.add(R9, layout.pending.list);
            queue(asm, layout, how);
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
fn decide_whole(asm: &mut Assembler, layout: &Layout) {
    asm.store(Width::Double, R10, slot(Word::Whole), 0);
    asm.block(|asm, decided| {
        asm.block(|asm, whole| {
            asm.jump_if(whole.end(), R0, When::Equal, R8);
            asm.jump_if(decided.end(), R9, When::NotEqual, 0);
        });
        copy(asm, SCRATCH, Source { base: R6, offset: layout.sighand, size: 8 });
        asm.load_stack(Width::Double, R9, SCRATCH);
        asm.jump_if(decided.end(), R9, When::Equal, 0);
        asm.store(Width::Double, R10, slot(Word::Whole), 1);
    });
}

/// Writes the header; leaves struct signal_struct in R8.
fn header(asm: &mut Assembler, layout: &Layout) {
    asm.store(Width::Double, R10, slot(Word::State), 0);
    let state = layout.state.map(|offset| (Word::State, Width::Word, offset));
    let rest = [
        (Word::Jobctl, Width::Double, layout.jobctl),
        (Word::Blocked, Width::Double, layout.blocked),
        (Word::RealBlocked, Width::Double, layout.real_blocked),
        (Word::SavedMask, Width::Double, layout.saved_mask),
        (Word::Pending, Width::Double, layout.pending.set),
    ];
    for (word, width, offset) in state.into_iter().chain(rest) {
        asm.load(width, R1, R6, offset);
        asm.store(Width::Double, R10, slot(word), R1);
    }
    copy(asm, SCRATCH, Source { base: R6, offset: layout.signal, size: 8 });
    asm.load_stack(Width::Double, R8, SCRATCH);
    for (word, offset, size) in [
        (Word::Flags, layout.flags, 4),
        (Word::ExitCode, layout.exit_code, 4),
        (Word::SharedPending, layout.shared.set, 8),
    ] {
        asm.store(Width::Double, R10, slot(word), 0);
        copy(asm, slot(word), Source { base: R8, offset, size });
    }
    emit(asm, R7, HEADER, WORDS * 8);
}

/// Writes all actions; R9 is struct sighand_struct.
fn actions(asm: &mut Assembler, layout: &Layout) {
    let mut done = 0;
    while done < layout.actions_size {
        let size = PIECE.min(layout.actions_size - done);
        copy(asm, QUEUED, Source { base: R9, offset: layout.actions + done, size });
        emit(asm, R7, QUEUED, size);
        done += size;
    }
}

/// Writes a queue's entries and its end; R9 is the list's head. It is read
/// without its lock: each entry must lead back to the one before, else the list
/// has changed meanwhile. R8 is lost.
fn queue(asm: &mut Assembler, layout: &Layout, how: Loop) {
    let queued = layout.queued;
    let (next, previous) = (queued.next as i16, queued.previous as i16);
    asm.store(Width::Double, R10, QUEUED, ENTRY);
    asm.store(Width::Double, R10, EXPECTED, R9);
    copy(asm, LINK, Source { base: R9, offset: 0, size: 16 });
    match how {
        // 0, which the verifier does not know: so it need not count, either.
        Loop::Tiring => asm.store(Width::Double, R10, COUNT, R0),
        Loop::Counted => asm.store(Width::Double, R10, COUNT, 0),
    }
    let most = match how {
        Loop::Tiring => MOST_SEEN,
        Loop::Counted => MOST_QUEUED,
    };
    asm.store(Width::Double, R10, LAST, DONE);
    asm.load_stack(Width::Double, R8, LINK + next);
    asm.block(|asm, list| {
        asm.load_stack(Width::Double, R1, LAST);
        asm.store(Width::Double, R10, END, R1);
        asm.jump_if(list.end(), R8, When::Equal, R9);
        asm.store(Width::Double, R10, END, LIMIT);
        asm.load_stack(Width::Double, R1, COUNT);
        asm.jump_if(list.end(), R1, When::AtLeast, most);
        if how == Loop::Tiring {
            asm.jump_if_tired(list.end());
        }
        asm.add(R1, 1);
        asm.store(Width::Double, R10, COUNT, R1);
        asm.store(Width::Double, R10, END, CHANGED);
        copy(asm, LINK, Source { base: R8, offset: 0, size: 16 });
        asm.load_stack(Width::Double, R1, LINK + previous);
        asm.load_stack(Width::Double, R2, EXPECTED);
        asm.jump_if(list.end(), R1, When::NotEqual, R2);
        asm.store(Width::Double, R10, EXPECTED, R8);
        copy(asm, QUEUED + 8, Source { base: R8, offset: queued.info, size: queued.info_size });
        asm.block(|asm, entry| {
            if how == Loop::Tiring {
                leave_out(asm, entry);
            }
            emit(asm, R7, QUEUED, 8 + queued.info_size);
        });
        asm.load_stack(Width::Double, R8, LINK + next);
        asm.jump(list.start());
    });
    asm.load_stack(Width::Double, R1, END);
    asm.store(Width::Double, R10, QUEUED, R1);
    emit(asm, R7, QUEUED, 8);
}

/// Leaves the block where an entry beyond the most is of a real-time signal:
/// what repeats must not hide a standard one behind it.
fn leave_out(asm: &mut Assembler, entry: &Block) {
    asm.block(|asm, wanted| {
        asm.load_stack(Width::Double, R1, COUNT);
        asm.jump_if(wanted.end(), R1, When::Below, MOST_QUEUED + 1);
        // si_signo comes first.
        asm.load_stack(Width::Word, R1, QUEUED + 8);
        asm.jump_if(wanted.end(), R1, When::Below, REALTIME);
        asm.store(Width::Double, R10, LAST, LIMIT);
        asm.jump(entry.end());
    });
}

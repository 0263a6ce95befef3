//! The program that the kernel runs where a signal is generated: what it lets
//! pass, and what it writes of it.

use super::super::btf::{Btf, Kind, Wanted};
use super::super::insn::Register::{R0, R1, R2, R3, R6, R7, R8, R9, R10};
use super::super::insn::{Assembler, Block, Helper, When, Width};
use super::super::namespace::{self, Id, Namespace};
use super::super::program::{Source, copy, copy_to};
use super::super::refused::Reason;
use crate::signal::SignalSet;

/// What the program is attached to.
pub(super) const TARGET: Wanted = (Kind::Typedef, "btf_trace_signal_generate");

/// The types that the offsets are those of, beside those of the namespace.
pub(super) const TYPES: &[Wanted] = &[(Kind::Struct, "kernel_siginfo"), (Kind::Struct, "cred"), TARGET];

/// How large a kernel stack is at least (THREAD_SIZE of x86 and arm64).
const STACK: u32 = 16 << 10;
/// Where a siginfo has its code.
const SI_CODE: u32 = 8;
/// The largest siginfo that there is (SI_MAX_SIZE).
const LARGEST_INFO: u32 = 128;

/// What a record begins with; behind it lies the siginfo.
pub(super) mod record {
    pub(in super::super) const TIME: i16 = 0;
    pub(in super::super) const SENDER_TID: i16 = 8;
    pub(in super::super) const SENDER_PID: i16 = 12;
    pub(in super::super) const SENDER_UID: i16 = 16;
    pub(in super::super) const SIGNAL: i16 = 20;
    pub(in super::super) const GROUP: i16 = 24;
    pub(in super::super) const RESULT: i16 = 28;
    pub(in super::super) const TARGET_PID: i16 = 32;
    pub(in super::super) const TARGET_TID: i16 = 36;
    pub(in super::super) const TARGET_UID: i16 = 40;
    /// [`NO_INFO`](super::NO_INFO), [`PRIVILEGED`](super::PRIVILEGED) or [`INFO`](super::INFO).
    pub(in super::super) const TOLD: i16 = 44;
    pub(in super::super) const SENDER_NAME: i16 = 48;
    pub(in super::super) const TARGET_NAME: i16 = 64;
    pub(in super::super) const ON_STACK: i16 = 80;
    pub(in super::super) const SIGINFO: i16 = 88;
}

/// What stands in the place of a pointer to a siginfo (include/linux/signal.h):
/// SEND_SIG_NOINFO, SEND_SIG_PRIV, and that it is a pointer.
pub(super) const NO_INFO: u32 = 0;
pub(super) const PRIVILEGED: u32 = 1;
pub(super) const INFO: u32 = 2;

/// TASK_COMM_LEN.
pub(super) const NAME: u32 = 16;

// What the tracepoint gives, each of 64 bits (include/trace/events/signal.h).
const SIGNAL: u32 = 0;
const POINTER: u32 = 8;
const TASK: u32 = 16;
const GROUP: u32 = 24;
const RESULT: u32 = 32;

/// The kernel's SIGRTMIN.
const FIRST_REALTIME: u32 = 32;
/// Results by which a signal is pending now: TRACE_SIGNAL_DELIVERED and
/// TRACE_SIGNAL_LOSE_INFO.
const DELIVERED: u32 = 0;
const INFO_LOST: u32 = 4;

// The stack, from its end down.
const SENDER: i16 = -8;
const RECEIVER: i16 = -16;
const KEY: i16 = -24;
const SCRATCH: i16 = KEY - namespace::SCRATCH;

/// Where what is read lies in this kernel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    name: u32,
    cred: u32,
    uid: u32,
    stack: u32,
    /// How large a siginfo is.
    pub(super) info: u32,
}

impl Layout {
    /// # Errors
    /// [`Reason::Missing`] where something is not there, or not as it is known.
    pub(super) fn find(btf: &Btf<'_>) -> Result<Layout, Reason> {
        let info = btf.size("kernel_siginfo")?;
        if info > LARGEST_INFO {
            return Err(Reason::Missing("struct kernel_siginfo".to_owned()));
        }
        Ok(Layout {
            name: btf.offset("task_struct", "comm", NAME)?,
            cred: btf.offset("task_struct", "real_cred", 8)?,
            uid: btf.offset("cred", "uid", 4)?,
            stack: btf.offset("task_struct", "stack", 8)?,
            info,
        })
    }

    /// How long a record is.
    pub(super) fn length(&self) -> u32 {
        record::SIGINFO.cast_unsigned() as u32 + self.info
    }
}

/// Which processes pass, by their numbers in our namespace.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pass {
    All,
    One(u32),
    /// Those that are keys of a map.
    Keys(i32),
}

/// What the program lets pass, and where it writes to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) targets: Pass,
    pub(super) senders: Pass,
    pub(super) signals: SignalSet,
    /// The ring's map, and how many bytes it has.
    pub(super) ring: i32,
    pub(super) size: u32,
    /// The map in which lost records are counted.
    pub(super) lost: i32,
}

/// Writes the program.
pub(super) fn write(layout: &Layout, namespace: &Namespace, plan: &Plan) -> Assembler {
    let mut asm = Assembler::default();
    asm.block(|asm, end| {
        asm.set(R6, R1);
        asm.load(Width::Double, R8, R6, TASK);
        only_signals(asm, plan.signals, end);
        namespace.number(asm, R8, Id::Process, SCRATCH);
        asm.store(Width::Double, R10, RECEIVER, R0);
        only(asm, plan.targets, end);
        namespace.current(asm, SENDER, SCRATCH);
        only(asm, plan.senders, end);
        asm.block(|asm, lost| {
            only_with_room(asm, plan, lost);
            asm.set_map(R1, plan.ring);
            asm.set(R2, layout.length());
            asm.set(R3, 0);
            asm.call(Helper::RingbufReserve);
            asm.jump_if(lost.end(), R0, When::Equal, 0);
            asm.set(R7, R0);
            fill(asm, layout, namespace);
            asm.set(R1, R7);
            asm.set(R2, 0);
            asm.call(Helper::RingbufSubmit);
            asm.jump(end.end());
        });
        count(asm, plan.lost, end);
    });
    asm.set(R0, 0);
    asm.exit();
    asm
}

/// Leaves the block unless the signal is one of these.
fn only_signals(asm: &mut Assembler, signals: SignalSet, end: &Block) {
    let bits = signals.bits() as u64;
    if bits == u64::MAX {
        return;
    }
    asm.load(Width::Double, R1, R6, SIGNAL);
    asm.add(R1, -1);
    asm.set(R2, 1);
    asm.shift_left(R2, R1);
    asm.set_wide(R1, bits);
    asm.block(|asm, pass| {
        asm.jump_if(pass.end(), R2, When::AnyBit, R1);
        asm.jump(end.end());
    });
}

/// Leaves the block where the ring is so full that what is left of it is kept
/// for what matters more: the last quarter for standard signals that come to be
/// pending, and of that the second half for KILL alone. A flood of any others
/// does not take the place of who ended a process.
fn only_with_room(asm: &mut Assembler, plan: &Plan, lost: &Block) {
    /// BPF_RB_AVAIL_DATA (uapi linux/bpf.h): how many bytes wait to be read.
    const WAITING: u32 = 0;
    let (most, most_standard) = (plan.size / 4 * 3, plan.size / 8 * 7);
    asm.set_map(R1, plan.ring);
    asm.set(R2, WAITING);
    asm.call(Helper::RingbufQuery);
    asm.block(|asm, room| {
        asm.jump_if(room.end(), R0, When::Below, most);
        asm.load(Width::Double, R1, R6, SIGNAL);
        asm.jump_if(room.end(), R1, When::Equal, libc::SIGKILL);
        asm.jump_if(lost.end(), R1, When::AtLeast, FIRST_REALTIME);
        asm.load(Width::Double, R1, R6, RESULT);
        asm.block(|asm, pending| {
            for result in [DELIVERED, INFO_LOST] {
                asm.jump_if(pending.end(), R1, When::Equal, result);
            }
            asm.jump(lost.end());
        });
        asm.jump_if(lost.end(), R0, When::AtLeast, most_standard);
    });
}

/// Leaves the block unless R0 is one of the processes.
fn only(asm: &mut Assembler, pass: Pass, end: &Block) {
    match pass {
        Pass::All => {}
        Pass::One(pid) => asm.jump_if(end.end(), R0, When::NotEqual, pid),
        Pass::Keys(map) => {
            asm.store(Width::Word, R10, KEY, R0);
            look_up(asm, map);
            asm.jump_if(end.end(), R0, When::Equal, 0);
        }
    }
}

/// Leaves a pointer to the element of [`KEY`] in R0, or 0.
fn look_up(asm: &mut Assembler, map: i32) {
    asm.set_map(R1, map);
    asm.set(R2, R10);
    asm.add(R2, i32::from(KEY));
    asm.call(Helper::MapLookup);
}

/// Fills a record in, which R7 points to.
fn fill(asm: &mut Assembler, layout: &Layout, namespace: &Namespace) {
    asm.call(Helper::KtimeBoot);
    asm.store(Width::Double, R7, record::TIME, R0);
    for (from, to) in [(SIGNAL, record::SIGNAL), (GROUP, record::GROUP), (RESULT, record::RESULT)] {
        asm.load(Width::Double, R1, R6, from);
        asm.store(Width::Word, R7, to, R1);
    }
    // Thread and process, side by side.
    asm.load_stack(Width::Double, R1, SENDER);
    asm.store(Width::Double, R7, record::SENDER_TID, R1);
    asm.call(Helper::CurrentUidGid);
    asm.store(Width::Word, R7, record::SENDER_UID, R0);
    asm.set(R1, R7);
    asm.add(R1, i32::from(record::SENDER_NAME));
    asm.set(R2, NAME);
    asm.call(Helper::CurrentComm);

    asm.load_stack(Width::Double, R1, RECEIVER);
    asm.store(Width::Word, R7, record::TARGET_PID, R1);
    namespace.number(asm, R8, Id::Thread, SCRATCH);
    asm.store(Width::Word, R7, record::TARGET_TID, R0);
    asm.store(Width::Word, R7, record::TARGET_UID, 0);
    asm.block(|asm, uid| {
        asm.load(Width::Double, R1, R8, layout.cred);
        asm.jump_if(uid.end(), R1, When::Equal, 0);
        asm.load(Width::Word, R1, R1, layout.uid);
        asm.store(Width::Word, R7, record::TARGET_UID, R1);
    });
    copy_to(asm, R7, record::TARGET_NAME, Source { base: R8, offset: layout.name, size: NAME });

    asm.store(Width::Word, R7, record::ON_STACK, 1);
    asm.load(Width::Double, R9, R6, POINTER);
    asm.block(|asm, told| {
        for special in [NO_INFO, PRIVILEGED] {
            asm.store(Width::Word, R7, record::TOLD, special);
            asm.jump_if(told.end(), R9, When::Equal, special);
        }
        asm.store(Width::Word, R7, record::TOLD, INFO);
        // By way of memory the verifier forgets that it is a pointer, with which
        // it would not let us calculate.
        asm.store(Width::Double, R7, record::SIGINFO, R9);
        asm.load(Width::Double, R8, R7, record::SIGINFO.cast_unsigned().into());
        copy_to(asm, R7, record::SIGINFO, Source { base: R9, offset: 0, size: layout.info });
        // These come from who runs, wherever they lie.
        asm.load(Width::Word, R1, R7, u32::from(record::SIGINFO.cast_unsigned()) + SI_CODE);
        asm.extend_sign(R1);
        for code in [libc::SI_USER, libc::SI_QUEUE, libc::SI_TKILL] {
            asm.jump_if(told.end(), R1, When::Equal, code);
        }
        asm.call(Helper::CurrentTask);
        copy(asm, SCRATCH, Source { base: R0, offset: layout.stack, size: 8 });
        asm.load_stack(Width::Double, R1, SCRATCH);
        asm.subtract(R8, R1);
        asm.jump_if(told.end(), R8, When::Below, STACK);
        asm.store(Width::Word, R7, record::ON_STACK, 0);
    });
}

/// Counts a record for which there was no room.
fn count(asm: &mut Assembler, map: i32, end: &Block) {
    asm.store(Width::Word, R10, KEY, 0);
    look_up(asm, map);
    asm.jump_if(end.end(), R0, When::Equal, 0);
    asm.set(R1, 1);
    asm.add_atomically(R0, R1);
}

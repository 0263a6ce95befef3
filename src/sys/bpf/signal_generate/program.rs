//! The program that the kernel runs where a signal is generated: what it lets
//! pass, and what it writes of it.

use super::super::assembler::Register::{R0, R1, R2, R3, R6, R7, R8, R9, R10};
use super::super::assembler::{Assembler, Block, BpfHelper, Condition, Width};
use super::super::btf::{Btf, BtfKind, BtfTypeName};
use super::super::error::BpfErrorKind;
use super::super::namespace::{self, PidNamespace, TaskIdKind};
use super::super::program::{KernelMemory, emit_copy, emit_copy_to_stack};
use crate::signal::SignalSet;

/// What the program is attached to.
pub(super) const TRACEPOINT: BtfTypeName = (BtfKind::Typedef, "btf_trace_signal_generate");

/// The types that the offsets are those of, beside those of the namespace.
pub(super) const REQUIRED_TYPES: &[BtfTypeName] =
    &[(BtfKind::Struct, "kernel_siginfo"), (BtfKind::Struct, "cred"), TRACEPOINT];

/// How large a kernel stack is at least (THREAD_SIZE of x86 and arm64).
const KERNEL_STACK_SIZE: u32 = 16 << 10;
/// Where a siginfo has its code.
const SI_CODE_OFFSET: u32 = 8;
/// The largest siginfo that there is (SI_MAX_SIZE).
const MAX_SIGINFO_SIZE: u32 = 128;

/// What a record begins with; behind it lies the siginfo.
pub(super) mod record {
    pub(in super::super) const TIME: i16 = 0;
    pub(in super::super) const SENDER_TID: i16 = 8;
    pub(in super::super) const SENDER_PID: i16 = 12;
    pub(in super::super) const SENDER_UID: i16 = 16;
    pub(in super::super) const SIGNAL: i16 = 20;
    pub(in super::super) const FOR_PROCESS: i16 = 24;
    pub(in super::super) const RESULT: i16 = 28;
    pub(in super::super) const TARGET_PID: i16 = 32;
    pub(in super::super) const TARGET_TID: i16 = 36;
    pub(in super::super) const TARGET_UID: i16 = 40;
    /// [`NO_INFO`](super::KIND_NO_INFO), [`PRIVILEGED`](super::KIND_KERNEL) or [`INFO`](super::KIND_SIGINFO).
    pub(in super::super) const SIGINFO_KIND: i16 = 44;
    pub(in super::super) const SENDER_NAME: i16 = 48;
    pub(in super::super) const TARGET_NAME: i16 = 64;
    pub(in super::super) const SIGINFO_ON_STACK: i16 = 80;
    pub(in super::super) const SIGINFO: i16 = 88;
}

/// What stands in the place of a pointer to a siginfo (include/linux/signal.h):
/// SEND_SIG_NOINFO, SEND_SIG_PRIV, and that it is a pointer.
pub(super) const KIND_NO_INFO: u32 = 0;
pub(super) const KIND_KERNEL: u32 = 1;
pub(super) const KIND_SIGINFO: u32 = 2;

/// TASK_COMM_LEN.
pub(super) const TASK_COMM_LEN: u32 = 16;

// What the tracepoint gives, each of 64 bits (include/trace/events/signal.h).
const ARG_SIGNAL: u32 = 0;
const ARG_SIGINFO: u32 = 8;
const ARG_TASK: u32 = 16;
const ARG_GROUP: u32 = 24;
const ARG_RESULT: u32 = 32;

/// The kernel's SIGRTMIN.
const KERNEL_RTMIN: u32 = 32;
/// Results by which a signal is pending now: TRACE_SIGNAL_DELIVERED and
/// TRACE_SIGNAL_LOSE_INFO.
const TRACE_SIGNAL_DELIVERED: u32 = 0;
const TRACE_SIGNAL_LOSE_INFO: u32 = 4;

// The stack, from its end down.
const STACK_SENDER_IDS: i16 = -8;
const STACK_TARGET_PID: i16 = -16;
const STACK_KEY: i16 = -24;
const STACK_SCRATCH: i16 = STACK_KEY - namespace::SCRATCH_SIZE;

/// Where what is read lies in this kernel.
#[derive(Clone, Copy, Debug)]
pub(super) struct TracepointLayout {
    comm: u32,
    cred: u32,
    uid: u32,
    stack: u32,
    /// How large a siginfo is.
    pub(super) siginfo_size: u32,
}

impl TracepointLayout {
    /// # Errors
    /// [`BpfErrorKind::MissingType`] where something is not there, or not as it is known.
    pub(super) fn from_btf(btf: &Btf<'_>) -> Result<TracepointLayout, BpfErrorKind> {
        let info = btf.struct_size("kernel_siginfo")?;
        if info > MAX_SIGINFO_SIZE {
            return Err(BpfErrorKind::MissingType("struct kernel_siginfo".to_owned()));
        }
        Ok(TracepointLayout {
            comm: btf.member_offset("task_struct", "comm", TASK_COMM_LEN)?,
            cred: btf.member_offset("task_struct", "real_cred", 8)?,
            uid: btf.member_offset("cred", "uid", 4)?,
            stack: btf.member_offset("task_struct", "stack", 8)?,
            siginfo_size: info,
        })
    }

    /// How long a record is.
    pub(super) fn record_size(&self) -> u32 {
        record::SIGINFO.cast_unsigned() as u32 + self.siginfo_size
    }
}

/// Which processes pass, by their numbers in our namespace.
#[derive(Clone, Copy, Debug)]
pub(super) enum PidFilter {
    Any,
    Single(u32),
    /// Those that are keys of a map.
    MapKeys(i32),
}

/// What the program lets pass, and where it writes to.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProgramConfig {
    pub(super) targets: PidFilter,
    pub(super) senders: PidFilter,
    pub(super) signals: SignalSet,
    /// The ring's map, and how many bytes it has.
    pub(super) ring_map: i32,
    pub(super) ring_size: u32,
    /// The map in which lost records are counted.
    pub(super) lost_map: i32,
}

/// Writes the program.
pub(super) fn assemble(
    layout: &TracepointLayout,
    namespace: &PidNamespace,
    plan: &ProgramConfig,
) -> Assembler {
    let mut asm = Assembler::default();
    asm.block(|asm, end| {
        asm.set(R6, R1);
        asm.load(Width::DoubleWord, R8, R6, ARG_TASK);
        emit_signal_filter(asm, plan.signals, end);
        namespace.emit_task_id(asm, R8, TaskIdKind::Tgid, STACK_SCRATCH);
        asm.store(Width::DoubleWord, R10, STACK_TARGET_PID, R0);
        emit_pid_filter(asm, plan.targets, end);
        namespace.emit_current_ids(asm, STACK_SENDER_IDS, STACK_SCRATCH);
        emit_pid_filter(asm, plan.senders, end);
        asm.block(|asm, lost| {
            emit_room_check(asm, plan, lost);
            asm.set_map(R1, plan.ring_map);
            asm.set(R2, layout.record_size());
            asm.set(R3, 0);
            asm.call(BpfHelper::RingbufReserve);
            asm.jump_if(lost.end(), R0, Condition::Equal, 0);
            asm.set(R7, R0);
            emit_record(asm, layout, namespace);
            asm.set(R1, R7);
            asm.set(R2, 0);
            asm.call(BpfHelper::RingbufSubmit);
            asm.jump(end.end());
        });
        emit_lost_count(asm, plan.lost_map, end);
    });
    asm.set(R0, 0);
    asm.exit();
    asm
}

/// Leaves the block unless the signal is one of these.
fn emit_signal_filter(asm: &mut Assembler, signals: SignalSet, end: &Block) {
    let bits = signals.bits() as u64;
    if bits == u64::MAX {
        return;
    }
    asm.load(Width::DoubleWord, R1, R6, ARG_SIGNAL);
    asm.add(R1, -1);
    asm.set(R2, 1);
    asm.shift_left(R2, R1);
    asm.set_u64(R1, bits);
    asm.block(|asm, pass| {
        asm.jump_if(pass.end(), R2, Condition::AnyBitSet, R1);
        asm.jump(end.end());
    });
}

/// Leaves the block where the ring is so full that what is left of it is kept
/// for what matters more: the last quarter for standard signals that come to be
/// pending, and of that the second half for KILL alone. A flood of any others
/// does not take the place of who ended a process.
fn emit_room_check(asm: &mut Assembler, plan: &ProgramConfig, lost: &Block) {
    /// BPF_RB_AVAIL_DATA (uapi linux/bpf.h): how many bytes wait to be read.
    const WAITING: u32 = 0;
    let (most, most_standard) = (plan.ring_size / 4 * 3, plan.ring_size / 8 * 7);
    asm.set_map(R1, plan.ring_map);
    asm.set(R2, WAITING);
    asm.call(BpfHelper::RingbufQuery);
    asm.block(|asm, room| {
        asm.jump_if(room.end(), R0, Condition::Below, most);
        asm.load(Width::DoubleWord, R1, R6, ARG_SIGNAL);
        asm.jump_if(room.end(), R1, Condition::Equal, libc::SIGKILL);
        asm.jump_if(lost.end(), R1, Condition::AtLeast, KERNEL_RTMIN);
        asm.load(Width::DoubleWord, R1, R6, ARG_RESULT);
        asm.block(|asm, pending| {
            for result in [TRACE_SIGNAL_DELIVERED, TRACE_SIGNAL_LOSE_INFO] {
                asm.jump_if(pending.end(), R1, Condition::Equal, result);
            }
            asm.jump(lost.end());
        });
        asm.jump_if(lost.end(), R0, Condition::AtLeast, most_standard);
    });
}

/// Leaves the block unless R0 is one of the processes.
fn emit_pid_filter(asm: &mut Assembler, pass: PidFilter, end: &Block) {
    match pass {
        PidFilter::Any => {}
        PidFilter::Single(pid) => asm.jump_if(end.end(), R0, Condition::NotEqual, pid),
        PidFilter::MapKeys(map) => {
            asm.store(Width::Word, R10, STACK_KEY, R0);
            emit_map_lookup(asm, map);
            asm.jump_if(end.end(), R0, Condition::Equal, 0);
        }
    }
}

/// Leaves a pointer to the element of [`STACK_KEY`] in R0, or 0.
fn emit_map_lookup(asm: &mut Assembler, map: i32) {
    asm.set_map(R1, map);
    asm.set(R2, R10);
    asm.add(R2, i32::from(STACK_KEY));
    asm.call(BpfHelper::MapLookup);
}

/// Fills a record in, which R7 points to.
fn emit_record(asm: &mut Assembler, layout: &TracepointLayout, namespace: &PidNamespace) {
    asm.call(BpfHelper::KtimeBoot);
    asm.store(Width::DoubleWord, R7, record::TIME, R0);
    for (from, to) in
        [(ARG_SIGNAL, record::SIGNAL), (ARG_GROUP, record::FOR_PROCESS), (ARG_RESULT, record::RESULT)]
    {
        asm.load(Width::DoubleWord, R1, R6, from);
        asm.store(Width::Word, R7, to, R1);
    }
    // Thread and process, side by side.
    asm.load_stack(Width::DoubleWord, R1, STACK_SENDER_IDS);
    asm.store(Width::DoubleWord, R7, record::SENDER_TID, R1);
    asm.call(BpfHelper::CurrentUidGid);
    asm.store(Width::Word, R7, record::SENDER_UID, R0);
    asm.set(R1, R7);
    asm.add(R1, i32::from(record::SENDER_NAME));
    asm.set(R2, TASK_COMM_LEN);
    asm.call(BpfHelper::CurrentComm);

    asm.load_stack(Width::DoubleWord, R1, STACK_TARGET_PID);
    asm.store(Width::Word, R7, record::TARGET_PID, R1);
    namespace.emit_task_id(asm, R8, TaskIdKind::Tid, STACK_SCRATCH);
    asm.store(Width::Word, R7, record::TARGET_TID, R0);
    asm.store(Width::Word, R7, record::TARGET_UID, 0);
    asm.block(|asm, uid| {
        asm.load(Width::DoubleWord, R1, R8, layout.cred);
        asm.jump_if(uid.end(), R1, Condition::Equal, 0);
        asm.load(Width::Word, R1, R1, layout.uid);
        asm.store(Width::Word, R7, record::TARGET_UID, R1);
    });
    emit_copy(
        asm,
        R7,
        record::TARGET_NAME,
        KernelMemory { base: R8, offset: layout.comm, size: TASK_COMM_LEN },
    );

    asm.store(Width::Word, R7, record::SIGINFO_ON_STACK, 1);
    asm.load(Width::DoubleWord, R9, R6, ARG_SIGINFO);
    asm.block(|asm, told| {
        for special in [KIND_NO_INFO, KIND_KERNEL] {
            asm.store(Width::Word, R7, record::SIGINFO_KIND, special);
            asm.jump_if(told.end(), R9, Condition::Equal, special);
        }
        asm.store(Width::Word, R7, record::SIGINFO_KIND, KIND_SIGINFO);
        // By way of memory the verifier forgets that it is a pointer, with which
        // it would not let us calculate.
        asm.store(Width::DoubleWord, R7, record::SIGINFO, R9);
        asm.load(Width::DoubleWord, R8, R7, record::SIGINFO.cast_unsigned().into());
        emit_copy(asm, R7, record::SIGINFO, KernelMemory { base: R9, offset: 0, size: layout.siginfo_size });
        // These come from who runs, wherever they lie.
        asm.load(Width::Word, R1, R7, u32::from(record::SIGINFO.cast_unsigned()) + SI_CODE_OFFSET);
        asm.sign_extend(R1);
        for code in [libc::SI_USER, libc::SI_QUEUE, libc::SI_TKILL] {
            asm.jump_if(told.end(), R1, Condition::Equal, code);
        }
        asm.call(BpfHelper::CurrentTask);
        emit_copy_to_stack(asm, STACK_SCRATCH, KernelMemory { base: R0, offset: layout.stack, size: 8 });
        asm.load_stack(Width::DoubleWord, R1, STACK_SCRATCH);
        asm.subtract(R8, R1);
        asm.jump_if(told.end(), R8, Condition::Below, KERNEL_STACK_SIZE);
        asm.store(Width::Word, R7, record::SIGINFO_ON_STACK, 0);
    });
}

/// Counts a record for which there was no room.
fn emit_lost_count(asm: &mut Assembler, map: i32, end: &Block) {
    asm.store(Width::Word, R10, STACK_KEY, 0);
    emit_map_lookup(asm, map);
    asm.jump_if(end.end(), R0, Condition::Equal, 0);
    asm.set(R1, 1);
    asm.atomic_add(R0, R1);
}

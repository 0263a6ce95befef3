//! The program that the kernel runs when a signal is generated: its filter and its
//! records.

use super::super::assembler::Register::{R0, R1, R2, R3, R6, R7, R8, R9, R10};
use super::super::assembler::{Assembler, Block, BpfHelper, Condition, Width};
use super::super::btf::{Btf, BtfKind, BtfTypeName};
use super::super::error::BpfErrorKind;
use super::super::namespace::{self, PidNamespace, TaskIdKind};
use super::super::program::{KernelMemory, emit_copy, emit_copy_to_stack};
use crate::signal::SignalSet;
use crate::signal::number::KERNEL_RTMIN;
use crate::signal::siginfo::SI_MAX_SIZE;

/// The tracepoint.
pub(super) const TRACEPOINT: BtfTypeName = (BtfKind::Typedef, "btf_trace_signal_generate");

/// BTF types that the offsets need, besides those of the namespace.
pub(super) const REQUIRED_TYPES: &[BtfTypeName] =
    &[(BtfKind::Struct, "kernel_siginfo"), (BtfKind::Struct, "cred"), TRACEPOINT];

/// Minimum size of a kernel stack (THREAD_SIZE of x86 and arm64).
const KERNEL_STACK_SIZE: u32 = 16 << 10;
/// Offset of si_code in a siginfo.
const SI_CODE_OFFSET: u32 = 8;

/// Offsets of the fields of a record; the siginfo is the last one.
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
    /// [`KIND_NO_INFO`](super::KIND_NO_INFO), [`KIND_KERNEL`](super::KIND_KERNEL)
    /// or [`KIND_SIGINFO`](super::KIND_SIGINFO).
    pub(in super::super) const SIGINFO_KIND: i16 = 44;
    pub(in super::super) const SENDER_NAME: i16 = 48;
    pub(in super::super) const TARGET_NAME: i16 = 64;
    pub(in super::super) const SIGINFO_ON_STACK: i16 = 80;
    pub(in super::super) const SIGINFO: i16 = 88;
}

/// Values of the siginfo pointer (include/linux/signal.h): SEND_SIG_NOINFO,
/// SEND_SIG_PRIV, or 2 for a pointer.
pub(super) const KIND_NO_INFO: u32 = 0;
pub(super) const KIND_KERNEL: u32 = 1;
pub(super) const KIND_SIGINFO: u32 = 2;

/// Size of a thread's name in the kernel.
pub(super) const TASK_COMM_LEN: u32 = 16;

// Arguments of the tracepoint, each of 64 bits (include/trace/events/signal.h).
const ARG_SIGNAL: u32 = 0;
const ARG_SIGINFO: u32 = 8;
const ARG_TASK: u32 = 16;
const ARG_GROUP: u32 = 24;
const ARG_RESULT: u32 = 32;

/// Results after which the signal is pending.
const TRACE_SIGNAL_DELIVERED: u32 = 0;
const TRACE_SIGNAL_LOSE_INFO: u32 = 4;

// Stack offsets from its end.
const STACK_SENDER_IDS: i16 = -8;
const STACK_TARGET_PID: i16 = -16;
const STACK_KEY: i16 = -24;
const STACK_SCRATCH: i16 = STACK_KEY - namespace::SCRATCH_SIZE;

/// Offsets and sizes in this kernel.
#[derive(Clone, Copy, Debug)]
pub(super) struct TracepointLayout {
    comm: u32,
    cred: u32,
    uid: u32,
    stack: u32,
    /// Size of a siginfo.
    pub(super) siginfo_size: u32,
}

impl TracepointLayout {
    /// Reads the offsets.
    ///
    /// # Errors
    /// [`BpfErrorKind::MissingType`] if something is missing or has an unknown
    /// form.
    pub(super) fn from_btf(btf: &Btf<'_>) -> Result<TracepointLayout, BpfErrorKind> {
        let siginfo_size = btf.struct_size("kernel_siginfo")?;
        if siginfo_size > SI_MAX_SIZE {
            return Err(BpfErrorKind::MissingType("struct kernel_siginfo".to_owned()));
        }
        Ok(TracepointLayout {
            comm: btf.member_offset("task_struct", "comm", TASK_COMM_LEN)?,
            cred: btf.member_offset("task_struct", "real_cred", 8)?,
            uid: btf.member_offset("cred", "uid", 4)?,
            stack: btf.member_offset("task_struct", "stack", 8)?,
            siginfo_size,
        })
    }

    /// Returns the size of a record.
    pub(super) fn record_size(&self) -> u32 {
        record::SIGINFO.cast_unsigned() as u32 + self.siginfo_size
    }
}

/// Filter for PIDs in our namespace.
#[derive(Clone, Copy, Debug)]
pub(super) enum PidFilter {
    Any,
    Single(u32),
    /// The keys of a map.
    MapKeys(i32),
}

/// Filters and maps of the program.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProgramConfig {
    pub(super) targets: PidFilter,
    pub(super) senders: PidFilter,
    pub(super) signals: SignalSet,
    /// The map of the ring buffer, and its size in bytes.
    pub(super) ring_map: i32,
    pub(super) ring_size: u32,
    /// The map that counts lost records.
    pub(super) lost_map: i32,
}

/// Assembles the program.
pub(super) fn assemble(
    layout: &TracepointLayout,
    namespace: &PidNamespace,
    config: &ProgramConfig,
) -> Assembler {
    let mut asm = Assembler::default();
    asm.block(|asm, end| {
        asm.set(R6, R1);
        asm.load(Width::DoubleWord, R8, R6, ARG_TASK);
        emit_signal_filter(asm, config.signals, end);
        namespace.emit_task_id(asm, R8, TaskIdKind::Tgid, STACK_SCRATCH);
        asm.store(Width::DoubleWord, R10, STACK_TARGET_PID, R0);
        emit_pid_filter(asm, config.targets, end);
        namespace.emit_current_ids(asm, STACK_SENDER_IDS, STACK_SCRATCH);
        emit_pid_filter(asm, config.senders, end);
        asm.block(|asm, lost| {
            emit_space_check(asm, config, lost);
            asm.set_map(R1, config.ring_map);
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
        emit_lost_count(asm, config.lost_map, end);
    });
    asm.set(R0, 0);
    asm.exit();
    asm
}

/// Leaves the block unless the signal is in the set.
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

/// Leaves the block if the remaining space of the ring buffer is reserved for more
/// important signals. The last quarter is reserved for standard signals that become
/// pending, and its second half for KILL. So a flood of other signals cannot hide
/// the sender of a fatal one.
fn emit_space_check(asm: &mut Assembler, config: &ProgramConfig, lost: &Block) {
    /// BPF_RB_AVAIL_DATA (uapi linux/bpf.h): the number of unread bytes.
    const UNREAD: u32 = 0;
    let (limit, standard_limit) = (config.ring_size / 4 * 3, config.ring_size / 8 * 7);
    asm.set_map(R1, config.ring_map);
    asm.set(R2, UNREAD);
    asm.call(BpfHelper::RingbufQuery);
    asm.block(|asm, allowed| {
        asm.jump_if(allowed.end(), R0, Condition::Below, limit);
        asm.load(Width::DoubleWord, R1, R6, ARG_SIGNAL);
        asm.jump_if(allowed.end(), R1, Condition::Equal, libc::SIGKILL);
        asm.jump_if(lost.end(), R1, Condition::AtLeast, u32::from(KERNEL_RTMIN));
        asm.load(Width::DoubleWord, R1, R6, ARG_RESULT);
        asm.block(|asm, pending| {
            for result in [TRACE_SIGNAL_DELIVERED, TRACE_SIGNAL_LOSE_INFO] {
                asm.jump_if(pending.end(), R1, Condition::Equal, result);
            }
            asm.jump(lost.end());
        });
        asm.jump_if(lost.end(), R0, Condition::AtLeast, standard_limit);
    });
}

/// Leaves the block unless the PID in R0 passes the filter.
fn emit_pid_filter(asm: &mut Assembler, filter: PidFilter, end: &Block) {
    match filter {
        PidFilter::Any => {}
        PidFilter::Single(pid) => asm.jump_if(end.end(), R0, Condition::NotEqual, pid),
        PidFilter::MapKeys(map) => {
            asm.store(Width::Word, R10, STACK_KEY, R0);
            emit_map_lookup(asm, map);
            asm.jump_if(end.end(), R0, Condition::Equal, 0);
        }
    }
}

/// Puts a pointer to the element with the key in [`STACK_KEY`] into R0, or 0.
fn emit_map_lookup(asm: &mut Assembler, map: i32) {
    asm.set_map(R1, map);
    asm.set(R2, R10);
    asm.add(R2, i32::from(STACK_KEY));
    asm.call(BpfHelper::MapLookup);
}

/// Fills in the record at R7.
fn emit_record(asm: &mut Assembler, layout: &TracepointLayout, namespace: &PidNamespace) {
    asm.call(BpfHelper::KtimeBoot);
    asm.store(Width::DoubleWord, R7, record::TIME, R0);
    for (from, to) in
        [(ARG_SIGNAL, record::SIGNAL), (ARG_GROUP, record::FOR_PROCESS), (ARG_RESULT, record::RESULT)]
    {
        asm.load(Width::DoubleWord, R1, R6, from);
        asm.store(Width::Word, R7, to, R1);
    }
    // TID and PID are adjacent.
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
    asm.block(|asm, done| {
        for special in [KIND_NO_INFO, KIND_KERNEL] {
            asm.store(Width::Word, R7, record::SIGINFO_KIND, special);
            asm.jump_if(done.end(), R9, Condition::Equal, special);
        }
        asm.store(Width::Word, R7, record::SIGINFO_KIND, KIND_SIGINFO);
        // After a detour through memory, the verifier no longer treats the value as
        // a pointer, so it allows arithmetic on it.
        asm.store(Width::DoubleWord, R7, record::SIGINFO, R9);
        asm.load(Width::DoubleWord, R8, R7, record::SIGINFO.cast_unsigned().into());
        emit_copy(asm, R7, record::SIGINFO, KernelMemory { base: R9, offset: 0, size: layout.siginfo_size });
        // Signals with these codes come from the running thread, wherever the
        // siginfo is.
        asm.load(Width::Word, R1, R7, u32::from(record::SIGINFO.cast_unsigned()) + SI_CODE_OFFSET);
        asm.sign_extend(R1);
        for code in [libc::SI_USER, libc::SI_QUEUE, libc::SI_TKILL] {
            asm.jump_if(done.end(), R1, Condition::Equal, code);
        }
        asm.call(BpfHelper::CurrentTask);
        emit_copy_to_stack(asm, STACK_SCRATCH, KernelMemory { base: R0, offset: layout.stack, size: 8 });
        asm.load_stack(Width::DoubleWord, R1, STACK_SCRATCH);
        asm.subtract(R8, R1);
        asm.jump_if(done.end(), R8, Condition::Below, KERNEL_STACK_SIZE);
        asm.store(Width::Word, R7, record::SIGINFO_ON_STACK, 0);
    });
}

/// Counts a record that did not fit.
fn emit_lost_count(asm: &mut Assembler, map: i32, end: &Block) {
    asm.store(Width::Word, R10, STACK_KEY, 0);
    emit_map_lookup(asm, map);
    asm.jump_if(end.end(), R0, Condition::Equal, 0);
    asm.set(R1, 1);
    asm.atomic_add(R0, R1);
}

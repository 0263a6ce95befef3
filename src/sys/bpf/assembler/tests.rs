use super::Register::{R0, R1, R2, R6, R10};
use super::*;

fn assemble(write: impl FnOnce(&mut Assembler)) -> Vec<u64> {
    let mut asm = Assembler::default();
    write(&mut asm);
    asm.finish().expect("it fits")
}

/// Encodes an instruction as in RFC 9669: code, registers, offset, immediate.
fn encode(code: u8, to: u8, from: u8, offset: i16, number: i32) -> u64 {
    let mut bytes = [code, from << 4 | to, 0, 0, 0, 0, 0, 0];
    bytes[2..4].copy_from_slice(&offset.to_le_bytes());
    bytes[4..].copy_from_slice(&number.to_le_bytes());
    u64::from_le_bytes(bytes)
}

#[test]
fn instructions_match_rfc_9669() {
    let code = assemble(|asm| {
        asm.set(R6, R1);
        asm.set(R0, -1);
        asm.add(R2, R6);
        asm.add(R2, -8);
        asm.subtract(R1, R2);
        asm.shift_left(R1, R2);
        asm.shift_right(R0, 32);
        asm.sign_extend(R1);
        asm.load(Width::DoubleWord, R1, R6, 16);
        asm.load_stack(Width::Word, R2, -8);
        asm.store(Width::Word, R10, -4, R2);
        asm.store(Width::DoubleWord, R10, -16, 7);
        asm.atomic_add(R0, R1);
        asm.call(BpfHelper::SeqWrite);
        asm.exit();
    });
    let expected = [
        encode(0xbf, 6, 1, 0, 0),
        encode(0xb7, 0, 0, 0, -1),
        encode(0x0f, 2, 6, 0, 0),
        encode(0x07, 2, 0, 0, -8),
        encode(0x1f, 1, 2, 0, 0),
        encode(0x6f, 1, 2, 0, 0),
        encode(0x77, 0, 0, 0, 32),
        encode(0x67, 1, 0, 0, 32),
        encode(0xc7, 1, 0, 0, 32),
        encode(0x79, 1, 6, 16, 0),
        encode(0x61, 2, 10, -8, 0),
        encode(0x63, 10, 2, -4, 0),
        encode(0x7a, 10, 0, -16, 7),
        encode(0xdb, 0, 1, 0, 0),
        encode(0x85, 0, 0, 0, 127),
        encode(0x95, 0, 0, 0, 0),
    ];
    assert_eq!(code, expected);
}

#[test]
fn wide_immediates_take_two_slots() {
    let code = assemble(|asm| {
        asm.set_u64(R1, 0x0123_4567_89ab_cdef);
        asm.set_map(R2, 5);
    });
    let low = 0x89ab_cdef_u32.cast_signed();
    let expected = [
        encode(0x18, 1, 0, 0, low),
        encode(0, 0, 0, 0, 0x0123_4567),
        encode(0x18, 2, 1, 0, 5),
        encode(0, 0, 0, 0, 0),
    ];
    assert_eq!(code, expected);
}

#[test]
fn jumps_target_their_block() {
    let code = assemble(|asm| {
        asm.block(|asm, outer| {
            asm.block(|asm, inner| {
                asm.jump_if(outer.end(), R1, Condition::Equal, 0);
                asm.jump_if(inner.end(), R1, Condition::AtLeast, R2);
                asm.jump_if(inner.start(), R1, Condition::NotEqual, 3);
            });
            asm.jump(outer.start());
        });
        asm.exit();
    });
    let expected = [
        encode(0x15, 1, 0, 3, 0),
        encode(0x3d, 1, 2, 1, 0),
        encode(0x55, 1, 0, -3, 3),
        encode(0x05, 0, 0, -4, 0),
        encode(0x95, 0, 0, 0, 0),
    ];
    assert_eq!(code, expected);
}

#[test]
fn finish_reports_overflow() {
    let mut asm = Assembler::default();
    asm.load(Width::Word, R1, R2, 0x8000);
    assert!(matches!(asm.finish(), Err(BpfErrorKind::ProgramTooLarge)));
    let mut asm = Assembler::default();
    asm.block(|asm, block| {
        asm.jump(block.end());
        (0..0x8000).for_each(|_| asm.exit());
    });
    assert!(matches!(asm.finish(), Err(BpfErrorKind::ProgramTooLarge)));
}

use super::Register::{R0, R1, R2, R6, R10};
use super::*;

fn assembled(write: impl FnOnce(&mut Assembler)) -> Vec<u64> {
    let mut asm = Assembler::default();
    write(&mut asm);
    asm.finish().expect("it fits")
}

/// What RFC 9669 says of each: code, registers, offset, number.
fn insn(code: u8, to: u8, from: u8, offset: i16, number: i32) -> u64 {
    let mut bytes = [code, from << 4 | to, 0, 0, 0, 0, 0, 0];
    bytes[2..4].copy_from_slice(&offset.to_le_bytes());
    bytes[4..].copy_from_slice(&number.to_le_bytes());
    u64::from_le_bytes(bytes)
}

#[test]
fn each_instruction_is_as_the_standard_has_it() {
    let code = assembled(|asm| {
        asm.set(R6, R1);
        asm.set(R0, -1);
        asm.add(R2, R6);
        asm.add(R2, -8);
        asm.subtract(R1, R2);
        asm.shift_left(R1, R2);
        asm.shift_right(R0, 32);
        asm.extend_sign(R1);
        asm.load(Width::Double, R1, R6, 16);
        asm.load_stack(Width::Word, R2, -8);
        asm.store(Width::Word, R10, -4, R2);
        asm.store(Width::Double, R10, -16, 7);
        asm.add_atomically(R0, R1);
        asm.call(Helper::SeqWrite);
        asm.exit();
    });
    let expected = [
        insn(0xbf, 6, 1, 0, 0),
        insn(0xb7, 0, 0, 0, -1),
        insn(0x0f, 2, 6, 0, 0),
        insn(0x07, 2, 0, 0, -8),
        insn(0x1f, 1, 2, 0, 0),
        insn(0x6f, 1, 2, 0, 0),
        insn(0x77, 0, 0, 0, 32),
        insn(0x67, 1, 0, 0, 32),
        insn(0xc7, 1, 0, 0, 32),
        insn(0x79, 1, 6, 16, 0),
        insn(0x61, 2, 10, -8, 0),
        insn(0x63, 10, 2, -4, 0),
        insn(0x7a, 10, 0, -16, 7),
        insn(0xdb, 0, 1, 0, 0),
        insn(0x85, 0, 0, 0, 127),
        insn(0x95, 0, 0, 0, 0),
    ];
    assert_eq!(code, expected);
}

#[test]
fn wide_numbers_and_maps_take_two() {
    let code = assembled(|asm| {
        asm.set_wide(R1, 0x0123_4567_89ab_cdef);
        asm.set_map(R2, 5);
    });
    let low = 0x89ab_cdef_u32.cast_signed();
    let expected = [
        insn(0x18, 1, 0, 0, low),
        insn(0, 0, 0, 0, 0x0123_4567),
        insn(0x18, 2, 1, 0, 5),
        insn(0, 0, 0, 0, 0),
    ];
    assert_eq!(code, expected);
}

#[test]
fn jumps_lead_to_their_block() {
    let code = assembled(|asm| {
        asm.block(|asm, outer| {
            asm.block(|asm, inner| {
                asm.jump_if(outer.end(), R1, When::Equal, 0);
                asm.jump_if(inner.end(), R1, When::AtLeast, R2);
                asm.jump_if(inner.start(), R1, When::NotEqual, 3);
            });
            asm.jump(outer.start());
        });
        asm.exit();
    });
    let expected = [
        insn(0x15, 1, 0, 3, 0),
        insn(0x3d, 1, 2, 1, 0),
        insn(0x55, 1, 0, -3, 3),
        insn(0x05, 0, 0, -4, 0),
        insn(0x95, 0, 0, 0, 0),
    ];
    assert_eq!(code, expected);
}

#[test]
fn what_does_not_fit_is_told() {
    let mut asm = Assembler::default();
    asm.load(Width::Word, R1, R2, 0x8000);
    assert!(matches!(asm.finish(), Err(Reason::TooLarge)));
    let mut asm = Assembler::default();
    asm.block(|asm, block| {
        asm.jump(block.end());
        (0..0x8000).for_each(|_| asm.exit());
    });
    assert!(matches!(asm.finish(), Err(Reason::TooLarge)));
}

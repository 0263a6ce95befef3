use proptest::prelude::*;

use super::super::report_skipped;
use super::super::vmlinux::VmlinuxBtf;
use super::*;

/// Writes BTF, one type after the other; IDs start at 1.
struct BtfWriter {
    types: Vec<u8>,
    strings: Vec<u8>,
}

impl BtfWriter {
    fn new() -> BtfWriter {
        BtfWriter { types: Vec::new(), strings: vec![0] }
    }

    fn push_name(&mut self, name: &str) -> u32 {
        if name.is_empty() {
            return 0;
        }
        let offset = u32::try_from(self.strings.len()).unwrap();
        self.strings.extend(name.as_bytes());
        self.strings.push(0);
        offset
    }

    fn push_type(&mut self, name: &str, kind: u32, count: u32, size_or_type: u32, extra: &[u32]) {
        let name = self.push_name(name);
        for word in [name, kind << 24 | count, size_or_type].iter().chain(extra) {
            self.types.extend(word.to_le_bytes());
        }
    }

    /// Each member is a name, a type ID and the encoded offset.
    fn push_struct(&mut self, name: &str, kind: u32, size: u32, members: &[(&str, u32, u32)]) {
        let extra: Vec<u32> = members
            .iter()
            .flat_map(|(name, id, encoded_offset)| [self.push_name(name), *id, *encoded_offset])
            .collect();
        self.push_type(name, kind, u32::try_from(members.len()).unwrap(), size, &extra);
    }

    fn finish(&self) -> Vec<u8> {
        let (types, strings) = (self.types.len() as u32, self.strings.len() as u32);
        let mut bytes = vec![0x9f, 0xeb, 1, 0];
        for word in [24, 0, types, types, strings] {
            bytes.extend(u32::to_le_bytes(word));
        }
        bytes.extend(&self.types);
        bytes.extend(&self.strings);
        bytes
    }
}

const KIND_FLAG: u32 = 1 << 7;
const TASK_STRUCT: BtfTypeName = (BtfKind::Struct, "task");

/// Returns types with one structure that has members of all kinds.
fn sample_types() -> BtfWriter {
    let mut writer = BtfWriter::new();
    writer.push_type("int", BTF_KIND_INT, 0, 4, &[32]); // 1
    writer.push_type("long", BTF_KIND_INT, 0, 8, &[64]); // 2
    writer.push_type("", BTF_KIND_PTR, 0, 1, &[]); // 3
    writer.push_type("", BTF_KIND_ARRAY, 0, 0, &[2, 1, 5]); // 4: long[5]
    writer.push_type("pid_t", BTF_KIND_TYPEDEF, 0, 1, &[]); // 5
    writer.push_type("", BTF_KIND_CONST, 0, 5, &[]); // 6: const pid_t
    writer.push_struct("", BTF_KIND_UNION, 8, &[("inner", 2, 0), ("other", 1, 32)]); // 7
    writer.push_type("", BTF_KIND_ENUM, 2, 4, &[0, 0, 0, 1]); // 8
    writer.push_type("", 13, 1, 1, &[0, 1]); // 9: a prototype
    writer.push_struct(
        "task",
        BTF_KIND_STRUCT | KIND_FLAG,
        96,
        &[("pid", 6, 0), ("bits", 1, 3 << 24 | 32), ("", 7, 64), ("pointer", 3, 128), ("array", 4, 192)],
    ); // 10
    writer.push_type("trace", BtfKind::Typedef as u32, 0, 3, &[]); // 11
    writer.push_type("task", BtfKind::Func as u32, 0, 9, &[]); // 12
    writer
}

#[test]
fn member_offset_finds_members() {
    let bytes = sample_types().finish();
    let btf = Btf::parse(&bytes, &[TASK_STRUCT]).expect("types");
    let offset = |name, size| btf.member_offset("task", name, size).ok();
    assert_eq!(offset("pid", 4), Some(0));
    assert_eq!(offset("inner", 8), Some(8));
    assert_eq!(offset("other", 4), Some(12));
    assert_eq!(offset("pointer", 8), Some(16));
    assert_eq!(offset("array", 40), Some(24));
    assert_eq!(btf.struct_size("task").ok(), Some(96));
    assert_eq!(btf.member("task", "array").ok().and_then(|member| btf.array_length(member.type_id)), Some(5));
}

#[test]
fn reports_missing_members() {
    let bytes = sample_types().finish();
    let btf = Btf::parse(&bytes, &[TASK_STRUCT]).expect("types");
    let missing = |answer: Result<u32, BpfErrorKind>| match answer {
        Err(BpfErrorKind::MissingType(name)) => name,
        other => panic!("{other:?}"),
    };
    assert_eq!(missing(btf.member_offset("task", "none", 4)), "none in struct task");
    // A prefix of a name, a bitfield, another size.
    assert_eq!(missing(btf.member_offset("task", "pi", 4)), "pi in struct task");
    assert_eq!(missing(btf.member_offset("task", "bits", 4)), "bits in struct task");
    assert_eq!(missing(btf.member_offset("task", "pid", 8)), "pid (8 bytes) in struct task");
    assert_eq!(missing(btf.struct_size("signal")), "signal");
    assert!(btf.array_length(1).is_none());
}

#[test]
fn type_id_depends_on_kind() {
    let bytes = sample_types().finish();
    let wanted =
        [TASK_STRUCT, (BtfKind::Typedef, "trace"), (BtfKind::Func, "task"), (BtfKind::Func, "pid_t")];
    let btf = Btf::parse(&bytes, &wanted).expect("types");
    let found: Vec<Option<u32>> = wanted.into_iter().map(|each| btf.type_id(each).ok()).collect();
    assert_eq!(found, [Some(10), Some(11), Some(12), None]);
}

#[test]
fn resolves_types_after_last_wanted() {
    let mut writer = BtfWriter::new();
    writer.push_struct("task", BTF_KIND_STRUCT, 8, &[("far", 300, 0)]);
    (2..300).for_each(|_| writer.push_type("", BTF_KIND_CONST, 0, 300, &[]));
    writer.push_type("int", BTF_KIND_INT, 0, 4, &[32]);
    let bytes = writer.finish();
    let btf = Btf::parse(&bytes, &[TASK_STRUCT]).expect("types");
    assert_eq!(btf.member_offset("task", "far", 4).ok(), Some(0));
    assert_eq!(btf.index.len(), 1);
}

#[test]
fn resolves_no_cycles() {
    let mut writer = BtfWriter::new();
    writer.push_struct("task", BTF_KIND_STRUCT, 8, &[("", 1, 0), ("", 1, 0), ("x", 2, 0)]);
    writer.push_type("", BTF_KIND_CONST, 0, 2, &[]);
    let bytes = writer.finish();
    let btf = Btf::parse(&bytes, &[TASK_STRUCT]).expect("types");
    assert!(matches!(btf.member("task", "none"), Err(BpfErrorKind::MissingType(_))));
    assert!(matches!(btf.member("task", "x"), Err(BpfErrorKind::MissingType(_))));
}

#[test]
fn parse_rejects_invalid_bytes() {
    let fault = |bytes: &[u8]| match Btf::parse(bytes, &[TASK_STRUCT]) {
        Err(BpfErrorKind::InvalidBtf(fault)) => fault,
        other => panic!("{other:?}"),
    };
    assert_eq!(fault(b""), "too short");
    assert_eq!(fault(b"\x7fELF"), "wrong magic number");
    let bytes = sample_types().finish();
    assert_eq!(fault(&bytes[..40]), "section beyond the end");
    let mut unknown = BtfWriter::new();
    unknown.push_type("", 31, 0, 0, &[]);
    assert_eq!(fault(&unknown.finish()), "unknown kind of type");
    let mut cut = BtfWriter::new();
    cut.push_struct("other", BTF_KIND_STRUCT, 8, &[]);
    cut.types.truncate(8);
    assert_eq!(fault(&cut.finish()), "truncated type");
}

/// Skipped if the running kernel has no BTF.
#[test]
fn parses_btf_of_running_kernel() {
    let vmlinux = match VmlinuxBtf::open() {
        Ok(vmlinux) => vmlinux,
        Err(reason) => return report_skipped(&reason.to_string()),
    };
    let typedef = (BtfKind::Typedef, "btf_trace_signal_generate");
    let btf = vmlinux.parse_types(&[(BtfKind::Struct, "task_struct"), typedef]).expect("types");
    assert!(btf.type_id(typedef).is_ok());
    assert_eq!(btf.member("task_struct", "pid").expect("a member").size, 4);
    assert_eq!(btf.member("task_struct", "comm").expect("a member").size, 16);
    assert!(btf.struct_size("task_struct").expect("a size") > 1000);
}

proptest! {
    #[test]
    fn parse_never_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        length in any::<prop::sample::Index>(),
    ) {
        let mut bytes = sample_types().finish();
        for (index, byte) in changes {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        for bytes in [&bytes[..], &bytes[..length.index(bytes.len())]] {
            if let Ok(btf) = Btf::parse(bytes, &[TASK_STRUCT, (BtfKind::Func, "task")]) {
                for name in ["pid", "inner", "array", "bits", "none"] {
                    let _ = btf.member("task", name).map(|member| btf.array_length(member.type_id));
                }
            }
        }
    }
}

use proptest::prelude::*;

use super::super::live::skip;
use super::super::vmlinux::Vmlinux;
use super::*;

/// Writes BTF, a type after the other; their numbers count from 1.
struct Writer {
    types: Vec<u8>,
    strings: Vec<u8>,
}

impl Writer {
    fn new() -> Writer {
        Writer { types: Vec::new(), strings: vec![0] }
    }

    fn name(&mut self, name: &str) -> u32 {
        if name.is_empty() {
            return 0;
        }
        let at = u32::try_from(self.strings.len()).unwrap();
        self.strings.extend(name.as_bytes());
        self.strings.push(0);
        at
    }

    fn put(&mut self, name: &str, kind: u32, count: u32, size_or_type: u32, own: &[u32]) {
        let name = self.name(name);
        for word in [name, kind << 24 | count, size_or_type].iter().chain(own) {
            self.types.extend(word.to_le_bytes());
        }
    }

    /// Members are a name, a type, and the word that their place is.
    fn structure(&mut self, name: &str, kind: u32, size: u32, members: &[(&str, u32, u32)]) {
        let own: Vec<u32> =
            members.iter().flat_map(|(name, id, place)| [self.name(name), *id, *place]).collect();
        self.put(name, kind, u32::try_from(members.len()).unwrap(), size, &own);
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

const FLAG: u32 = 1 << 7;
const TASK: Wanted = (Kind::Struct, "task");

/// A kernel with one structure that is worth looking at.
fn kernel() -> Writer {
    let mut writer = Writer::new();
    writer.put("int", INT, 0, 4, &[32]); // 1
    writer.put("long", INT, 0, 8, &[64]); // 2
    writer.put("", PTR, 0, 1, &[]); // 3
    writer.put("", ARRAY, 0, 0, &[2, 1, 5]); // 4: long[5]
    writer.put("pid_t", TYPEDEF, 0, 1, &[]); // 5
    writer.put("", CONST, 0, 5, &[]); // 6: const pid_t
    writer.structure("", UNION, 8, &[("inner", 2, 0), ("other", 1, 32)]); // 7
    writer.put("", ENUM, 2, 4, &[0, 0, 0, 1]); // 8
    writer.put("", 13, 1, 1, &[0, 1]); // 9: a prototype
    writer.structure(
        "task",
        STRUCT | FLAG,
        96,
        &[("pid", 6, 0), ("bits", 1, 3 << 24 | 32), ("", 7, 64), ("pointer", 3, 128), ("array", 4, 192)],
    ); // 10
    writer.put("trace", Kind::Typedef as u32, 0, 3, &[]); // 11
    writer.put("task", Kind::Func as u32, 0, 9, &[]); // 12
    writer
}

#[test]
fn members_are_found_where_they_lie() {
    let bytes = kernel().finish();
    let btf = Btf::parse(&bytes, &[TASK]).expect("types");
    let offset = |name, size| btf.offset("task", name, size).ok();
    assert_eq!(offset("pid", 4), Some(0));
    assert_eq!(offset("inner", 8), Some(8));
    assert_eq!(offset("other", 4), Some(12));
    assert_eq!(offset("pointer", 8), Some(16));
    assert_eq!(offset("array", 40), Some(24));
    assert_eq!(btf.size("task").ok(), Some(96));
    assert_eq!(btf.member("task", "array").ok().and_then(|member| btf.length(member.id)), Some(5));
}

#[test]
fn what_is_not_as_it_is_known_is_missing() {
    let bytes = kernel().finish();
    let btf = Btf::parse(&bytes, &[TASK]).expect("types");
    let missing = |answer: Result<u32, Reason>| match answer {
        Err(Reason::Missing(what)) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(missing(btf.offset("task", "none", 4)), "none in struct task");
    // Part of a name, a bitfield, another size.
    assert_eq!(missing(btf.offset("task", "pi", 4)), "pi in struct task");
    assert_eq!(missing(btf.offset("task", "bits", 4)), "bits in struct task");
    assert_eq!(missing(btf.offset("task", "pid", 8)), "pid of 8 bytes in struct task");
    assert_eq!(missing(btf.size("signal")), "signal");
    assert!(btf.length(1).is_none());
}

#[test]
fn types_have_their_numbers_by_kind() {
    let bytes = kernel().finish();
    let wanted = [TASK, (Kind::Typedef, "trace"), (Kind::Func, "task"), (Kind::Func, "pid_t")];
    let btf = Btf::parse(&bytes, &wanted).expect("types");
    let found: Vec<Option<u32>> = wanted.into_iter().map(|each| btf.id(each).ok()).collect();
    assert_eq!(found, [Some(10), Some(11), Some(12), None]);
}

#[test]
fn types_far_behind_the_wanted_are_reached() {
    let mut writer = Writer::new();
    writer.structure("task", STRUCT, 8, &[("far", 300, 0)]);
    (2..300).for_each(|_| writer.put("", CONST, 0, 300, &[]));
    writer.put("int", INT, 0, 4, &[32]);
    let bytes = writer.finish();
    let btf = Btf::parse(&bytes, &[TASK]).expect("types");
    assert_eq!(btf.offset("task", "far", 4).ok(), Some(0));
    assert_eq!(btf.places.len(), 1);
}

#[test]
fn circles_end() {
    let mut writer = Writer::new();
    writer.structure("task", STRUCT, 8, &[("", 1, 0), ("", 1, 0), ("x", 2, 0)]);
    writer.put("", CONST, 0, 2, &[]);
    let bytes = writer.finish();
    let btf = Btf::parse(&bytes, &[TASK]).expect("types");
    assert!(matches!(btf.member("task", "none"), Err(Reason::Missing(_))));
    assert!(matches!(btf.member("task", "x"), Err(Reason::Missing(_))));
}

#[test]
fn other_bytes_are_refused() {
    let fault = |bytes: &[u8]| match Btf::parse(bytes, &[TASK]) {
        Err(Reason::BadBtf(fault)) => fault,
        other => panic!("{other:?}"),
    };
    assert_eq!(fault(b""), "it is too short");
    assert_eq!(fault(b"\x7fELF"), "its magic number is another one");
    let bytes = kernel().finish();
    assert_eq!(fault(&bytes[..40]), "its sections lie outside of it");
    let mut unknown = Writer::new();
    unknown.put("", 31, 0, 0, &[]);
    assert_eq!(fault(&unknown.finish()), "a kind of type is not known");
    let mut cut = Writer::new();
    cut.structure("other", STRUCT, 8, &[]);
    cut.types.truncate(8);
    assert_eq!(fault(&cut.finish()), "a type is cut short");
}

/// The running kernel's, where it has any.
#[test]
fn the_running_kernel_is_understood() {
    let vmlinux = match Vmlinux::open() {
        Ok(vmlinux) => vmlinux,
        Err(reason) => return skip(&reason.to_string()),
    };
    let typedef = (Kind::Typedef, "btf_trace_signal_generate");
    let btf = vmlinux.types(&[(Kind::Struct, "task_struct"), typedef]).expect("types");
    assert!(btf.id(typedef).is_ok());
    assert_eq!(btf.member("task_struct", "pid").expect("a member").size, 4);
    assert_eq!(btf.member("task_struct", "comm").expect("a member").size, 16);
    assert!(btf.size("task_struct").expect("a size") > 1000);
}

proptest! {
    #[test]
    fn broken_bytes_are_no_reason_to_panic(
        breaks in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        length in any::<prop::sample::Index>(),
    ) {
        let mut bytes = kernel().finish();
        for (at, byte) in breaks {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        for bytes in [&bytes[..], &bytes[..length.index(bytes.len())]] {
            if let Ok(btf) = Btf::parse(bytes, &[TASK, (Kind::Func, "task")]) {
                for name in ["pid", "inner", "array", "bits", "none"] {
                    let _ = btf.member("task", name).map(|member| btf.length(member.id));
                }
            }
        }
    }
}

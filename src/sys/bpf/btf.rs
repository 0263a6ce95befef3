//! BTF, in which the kernel describes its own types: where a member lies in a
//! structure, how large it is, which number a type has
//! (Documentation/bpf/btf.rst, uapi linux/btf.h).
//!
//! The kernel has 130,000 types in 5 MB; they are walked once, as far as the
//! last one that is wanted, and nothing of them is copied.

use super::error::BpfErrorKind;

const MAGIC: u16 = 0xeb9f;
const HEADER_SIZE: usize = 24;
/// The words before what a kind has of its own: name, info, and size or type.
const COMMON_SIZE: usize = 12;
/// Every so many types their place is remembered.
const INDEX_STRIDE: u32 = 64;
/// How many types may stand between a member and its size: typedefs, const.
const MAX_TYPE_CHAIN: usize = 32;
/// How deep an unnamed structure may lie in others.
const MAX_MEMBER_DEPTH: u32 = 16;
/// How many members are looked at for one, those of unnamed ones too: the
/// longest of the kernel's have a few hundred.
const MAX_MEMBERS: usize = 100_000;
/// A pointer, on the machines that are known.
const POINTER_SIZE: u32 = 8;

/// Kinds of types, as uapi linux/btf.h numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BtfKind {
    Struct = 4,
    Typedef = 8,
    Func = 12,
}

const BTF_KIND_INT: u32 = 1;
const BTF_KIND_PTR: u32 = 2;
const BTF_KIND_ARRAY: u32 = 3;
const BTF_KIND_STRUCT: u32 = 4;
const BTF_KIND_UNION: u32 = 5;
const BTF_KIND_ENUM: u32 = 6;
const BTF_KIND_TYPEDEF: u32 = 8;
const BTF_KIND_VOLATILE: u32 = 9;
const BTF_KIND_CONST: u32 = 10;
const BTF_KIND_RESTRICT: u32 = 11;
const BTF_KIND_FLOAT: u32 = 16;
const BTF_KIND_TYPE_TAG: u32 = 18;
const BTF_KIND_ENUM64: u32 = 19;

/// A type that is looked for.
pub(super) type BtfTypeName = (BtfKind, &'static str);

/// Where a member lies in its structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BtfMember {
    /// Bytes from the structure's beginning.
    pub(super) offset: u32,
    /// Its bytes.
    pub(super) size: u32,
    /// The number of its type.
    pub(super) type_id: u32,
}

/// The types of a kernel, as far as they were looked for.
#[derive(Debug)]
pub(super) struct Btf<'a> {
    types: &'a [u8],
    strings: &'a [u8],
    /// Where the types numbered `STRIDE * n + 1` begin.
    index: Vec<usize>,
    found_ids: Vec<(BtfTypeName, u32)>,
}

/// One type.
#[derive(Clone, Copy, Debug)]
struct BtfType {
    /// Where it begins.
    offset: usize,
    name_offset: usize,
    kind: u32,
    /// How many members it has.
    member_count: usize,
    /// Whether members' offsets have the size of a bitfield in their highest byte.
    kind_flag: bool,
    /// The size, or the type that it refers to.
    size_or_type: u32,
}

impl BtfType {
    /// Where the next one begins; `None` after a kind that is not known.
    fn end_offset(&self) -> Option<usize> {
        // Beside the common words; from PTR to TYPE_TAG, what is 0 has no more.
        let own = match self.kind {
            BTF_KIND_INT => 4,
            BTF_KIND_ARRAY => 12,
            BTF_KIND_STRUCT | BTF_KIND_UNION | BTF_KIND_ENUM64 => self.member_count * 12,
            BTF_KIND_ENUM => self.member_count * 8,
            // A function's parameters, variables and sections of them, tags.
            13 => self.member_count * 8,
            14 | 17 => 4,
            15 => self.member_count * 12,
            2 | 7..=12 | 16 | 18 => 0,
            _ => return None,
        };
        Some(self.offset + COMMON_SIZE + own)
    }
}

impl<'a> Btf<'a> {
    /// Finds the wanted types; walks no further than it must. What is not there
    /// is missed only when it is asked for.
    ///
    /// # Errors
    /// [`BpfErrorKind::InvalidBtf`] where the bytes do not follow the format.
    pub(super) fn parse(bytes: &'a [u8], wanted: &[BtfTypeName]) -> Result<Btf<'a>, BpfErrorKind> {
        let magic = bytes.get(..2).ok_or(BpfErrorKind::InvalidBtf("too short"))?;
        if magic != MAGIC.to_le_bytes() {
            return Err(BpfErrorKind::InvalidBtf("wrong magic number"));
        }
        // The sections' offsets count from the header's end.
        let header = read_u32(bytes, 4).filter(|length| *length as usize >= HEADER_SIZE);
        let section = |at: usize| {
            let start = (header? as usize).checked_add(read_u32(bytes, at)? as usize)?;
            bytes.get(start..start.checked_add(read_u32(bytes, at + 4)? as usize)?)
        };
        let (Some(types), Some(strings)) = (section(8), section(16)) else {
            return Err(BpfErrorKind::InvalidBtf("section beyond the end"));
        };
        let mut btf = Btf { types, strings, index: Vec::new(), found_ids: Vec::new() };
        btf.index_types(wanted)?;
        Ok(btf)
    }

    fn index_types(&mut self, wanted: &[BtfTypeName]) -> Result<(), BpfErrorKind> {
        let mut left: Vec<BtfTypeName> = wanted.to_vec();
        let (mut id, mut at) = (1, 0);
        while at < self.types.len() && !left.is_empty() {
            if id % INDEX_STRIDE == 1 {
                self.index.push(at);
            }
            let each = self.type_at(at).ok_or(BpfErrorKind::InvalidBtf("truncated type"))?;
            let is_wanted = |(kind, name): &BtfTypeName| {
                *kind as u32 == each.kind && self.string_equals(each.name_offset, name)
            };
            if let Some(index) = left.iter().position(is_wanted) {
                self.found_ids.push((left.swap_remove(index), id));
            }
            at = each.end_offset().ok_or(BpfErrorKind::InvalidBtf("unknown kind of type"))?;
            id += 1;
        }
        Ok(())
    }

    fn type_at(&self, at: usize) -> Option<BtfType> {
        let common = self.types.get(at..at + COMMON_SIZE)?;
        let info = read_u32(common, 4)?;
        Some(BtfType {
            offset: at,
            name_offset: read_u32(common, 0)? as usize,
            kind: info >> 24 & 0x1f,
            member_count: (info & 0xffff) as usize,
            kind_flag: info >> 31 == 1,
            size_or_type: read_u32(common, 8)?,
        })
    }

    fn string_equals(&self, at: usize, name: &str) -> bool {
        let found = self.strings.get(at..).unwrap_or_default();
        found.starts_with(name.as_bytes()) && found.get(name.len()) == Some(&0)
    }

    fn type_by_id(&self, id: u32) -> Option<BtfType> {
        let index = id.checked_sub(1)?;
        // What lies behind the wanted types has not been walked over yet.
        let known = (index / INDEX_STRIDE).min(u32::try_from(self.index.len()).ok()?.checked_sub(1)?);
        let mut each = self.type_at(*self.index.get(known as usize)?)?;
        for _ in known * INDEX_STRIDE..index {
            each = self.type_at(each.end_offset()?)?;
        }
        Some(each)
    }

    /// The number of a wanted type.
    ///
    /// # Errors
    /// [`BpfErrorKind::MissingType`] where the kernel has none of this name.
    pub(super) fn type_id(&self, wanted: BtfTypeName) -> Result<u32, BpfErrorKind> {
        let found = self.found_ids.iter().find(|(each, _)| *each == wanted);
        found.map(|(_, id)| *id).ok_or_else(|| BpfErrorKind::MissingType(wanted.1.to_owned()))
    }

    /// How large a wanted structure is.
    ///
    /// # Errors
    /// [`BpfErrorKind::MissingType`] where the kernel has none of this name.
    pub(super) fn struct_size(&self, of: &'static str) -> Result<u32, BpfErrorKind> {
        self.struct_type(of).map(|structure| structure.size_or_type)
    }

    fn struct_type(&self, of: &'static str) -> Result<BtfType, BpfErrorKind> {
        let id = self.type_id((BtfKind::Struct, of))?;
        self.type_by_id(id).ok_or(BpfErrorKind::InvalidBtf("type not found"))
    }

    /// A member of a wanted structure, also of an unnamed one within it.
    ///
    /// # Errors
    /// [`BpfErrorKind::MissingType`] where there is none, or it is a bitfield.
    pub(super) fn member(&self, of: &'static str, name: &str) -> Result<BtfMember, BpfErrorKind> {
        let mut budget = MAX_MEMBERS;
        let found = self.find_member(&self.struct_type(of)?, name, MAX_MEMBER_DEPTH, &mut budget);
        found.ok_or_else(|| BpfErrorKind::MissingType(format!("{name} in struct {of}")))
    }

    /// The same, of which the size is known.
    ///
    /// # Errors
    /// As [`Btf::member`]; [`BpfErrorKind::MissingType`] where it has another size, too.
    pub(super) fn member_offset(&self, of: &'static str, name: &str, size: u32) -> Result<u32, BpfErrorKind> {
        let member = self.member(of, name)?;
        if member.size != size {
            return Err(BpfErrorKind::MissingType(format!("{name} ({size} bytes) in struct {of}")));
        }
        Ok(member.offset)
    }

    fn find_member(&self, of: &BtfType, name: &str, deeper: u32, budget: &mut usize) -> Option<BtfMember> {
        for index in 0..of.member_count {
            *budget = budget.checked_sub(1)?;
            let at = of.offset + COMMON_SIZE + index * 12;
            let member = self.types.get(at..at + 12)?;
            let (member_name, id, place) =
                (read_u32(member, 0)? as usize, read_u32(member, 4)?, read_u32(member, 8)?);
            let bits = if of.kind_flag { place & 0x00ff_ffff } else { place };
            let is_bitfield = bits % 8 != 0 || (of.kind_flag && place >> 24 != 0);
            let offset = bits / 8;
            if self.string_equals(member_name, name) {
                return (!is_bitfield).then_some(BtfMember {
                    offset,
                    size: self.type_size(id)?,
                    type_id: id,
                });
            }
            if self.string_equals(member_name, "") && deeper > 0 {
                let inner = self.type_by_id(id)?;
                if matches!(inner.kind, BTF_KIND_STRUCT | BTF_KIND_UNION)
                    && let Some(found) = self.find_member(&inner, name, deeper - 1, budget)
                {
                    return Some(BtfMember { offset: found.offset.checked_add(offset)?, ..found });
                }
            }
        }
        None
    }

    /// How many elements an array has.
    pub(super) fn array_length(&self, array: u32) -> Option<u32> {
        let each = self.type_by_id(array).filter(|each| each.kind == BTF_KIND_ARRAY)?;
        read_u32(self.types, each.offset + COMMON_SIZE + 8)
    }

    fn type_size(&self, id: u32) -> Option<u32> {
        let (mut id, mut times) = (id, 1u32);
        for _ in 0..MAX_TYPE_CHAIN {
            let each = self.type_by_id(id)?;
            match each.kind {
                BTF_KIND_INT | BTF_KIND_STRUCT | BTF_KIND_UNION | BTF_KIND_ENUM | BTF_KIND_FLOAT
                | BTF_KIND_ENUM64 => return each.size_or_type.checked_mul(times),
                BTF_KIND_PTR => return POINTER_SIZE.checked_mul(times),
                BTF_KIND_TYPEDEF | BTF_KIND_VOLATILE | BTF_KIND_CONST | BTF_KIND_RESTRICT
                | BTF_KIND_TYPE_TAG => id = each.size_or_type,
                BTF_KIND_ARRAY => {
                    id = read_u32(self.types, each.offset + COMMON_SIZE)?;
                    times = times.checked_mul(read_u32(self.types, each.offset + COMMON_SIZE + 8)?)?;
                }
                _ => return None,
            }
        }
        None
    }
}

fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(word.try_into().ok()?))
}

#[cfg(test)]
mod tests;

//! Parser of BTF, the kernel's description of its own types: offsets and sizes of
//! structure members, and type IDs (Documentation/bpf/btf.rst, uapi linux/btf.h).
//!
//! The kernel has 130,000 types in 5 MB. They are walked once, up to the last
//! wanted type, and not copied.

use super::error::BpfErrorKind;

const MAGIC: u16 = 0xeb9f;
const HEADER_SIZE: usize = 24;
/// Size of the fields that all kinds have: name, info, and size or type.
const COMMON_SIZE: usize = 12;
/// Number of types between two entries of the index.
const INDEX_STRIDE: u32 = 64;
/// Maximum number of types (typedef, const) between a member and a type with a
/// size.
const MAX_TYPE_CHAIN: usize = 32;
/// Maximum nesting of unnamed structures.
const MAX_MEMBER_DEPTH: u32 = 16;
/// Maximum number of members that are visited to find one, including those of
/// unnamed structures. The kernel's longest structures have a few hundred.
const MAX_MEMBERS: usize = 100_000;
/// Size of a pointer on the supported machines.
const POINTER_SIZE: u32 = 8;

/// Kinds of types, numbered as in uapi linux/btf.h.
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

/// Kind and name of a wanted type.
pub(super) type BtfTypeName = (BtfKind, &'static str);

/// Location of a member in its structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BtfMember {
    /// Bytes from the start of the structure.
    pub(super) offset: u32,
    /// Size in bytes.
    pub(super) size: u32,
    pub(super) type_id: u32,
}

/// The types of a kernel, up to the last wanted one.
#[derive(Debug)]
pub(super) struct Btf<'a> {
    types: &'a [u8],
    strings: &'a [u8],
    /// Offset of each type with the ID `INDEX_STRIDE * n + 1`.
    index: Vec<usize>,
    found_ids: Vec<(BtfTypeName, u32)>,
}

/// One type.
#[derive(Clone, Copy, Debug)]
struct BtfType {
    /// Offset in the type section.
    offset: usize,
    name_offset: usize,
    kind: u32,
    /// Number of members.
    member_count: usize,
    /// Whether the offsets of members have a bitfield size in their highest byte.
    kind_flag: bool,
    /// The size, or the ID of another type.
    size_or_type: u32,
}

impl BtfType {
    /// Returns the offset of the next type; `None` after an unknown kind.
    fn end_offset(&self) -> Option<usize> {
        // Size after the common fields. Of the kinds from PTR to TYPE_TAG, those
        // with 0 have nothing more.
        let extra_size = match self.kind {
            BTF_KIND_INT => 4,
            BTF_KIND_ARRAY => 12,
            BTF_KIND_STRUCT | BTF_KIND_UNION | BTF_KIND_ENUM64 => self.member_count * 12,
            BTF_KIND_ENUM => self.member_count * 8,
            // Function prototypes, variables and data sections, tags.
            13 => self.member_count * 8,
            14 | 17 => 4,
            15 => self.member_count * 12,
            2 | 7..=12 | 16 | 18 => 0,
            _ => return None,
        };
        Some(self.offset + COMMON_SIZE + extra_size)
    }
}

impl<'a> Btf<'a> {
    /// Finds the wanted types, and walks no further than necessary. A missing type
    /// is an error only when it is used.
    ///
    /// # Errors
    /// [`BpfErrorKind::InvalidBtf`] if the bytes do not follow the format.
    pub(super) fn parse(bytes: &'a [u8], wanted: &[BtfTypeName]) -> Result<Btf<'a>, BpfErrorKind> {
        let magic = bytes.get(..2).ok_or(BpfErrorKind::InvalidBtf("too short"))?;
        if magic != MAGIC.to_le_bytes() {
            return Err(BpfErrorKind::InvalidBtf("wrong magic number"));
        }
        // Offsets of sections count from the end of the header.
        let header = read_u32(bytes, 4).filter(|length| *length as usize >= HEADER_SIZE);
        let section = |field: usize| {
            let start = (header? as usize).checked_add(read_u32(bytes, field)? as usize)?;
            bytes.get(start..start.checked_add(read_u32(bytes, field + 4)? as usize)?)
        };
        let (Some(types), Some(strings)) = (section(8), section(16)) else {
            return Err(BpfErrorKind::InvalidBtf("section beyond the end"));
        };
        let mut btf = Btf { types, strings, index: Vec::new(), found_ids: Vec::new() };
        btf.index_types(wanted)?;
        Ok(btf)
    }

    fn index_types(&mut self, wanted: &[BtfTypeName]) -> Result<(), BpfErrorKind> {
        let mut remaining: Vec<BtfTypeName> = wanted.to_vec();
        let (mut id, mut offset) = (1, 0);
        while offset < self.types.len() && !remaining.is_empty() {
            if id % INDEX_STRIDE == 1 {
                self.index.push(offset);
            }
            let btf_type = self.type_at(offset).ok_or(BpfErrorKind::InvalidBtf("truncated type"))?;
            let is_wanted = |(kind, name): &BtfTypeName| {
                *kind as u32 == btf_type.kind && self.string_equals(btf_type.name_offset, name)
            };
            if let Some(index) = remaining.iter().position(is_wanted) {
                self.found_ids.push((remaining.swap_remove(index), id));
            }
            offset = btf_type.end_offset().ok_or(BpfErrorKind::InvalidBtf("unknown kind of type"))?;
            id += 1;
        }
        Ok(())
    }

    fn type_at(&self, offset: usize) -> Option<BtfType> {
        let common = self.types.get(offset..offset + COMMON_SIZE)?;
        let info = read_u32(common, 4)?;
        Some(BtfType {
            offset,
            name_offset: read_u32(common, 0)? as usize,
            kind: info >> 24 & 0x1f,
            member_count: (info & 0xffff) as usize,
            kind_flag: info >> 31 == 1,
            size_or_type: read_u32(common, 8)?,
        })
    }

    fn string_equals(&self, offset: usize, name: &str) -> bool {
        let found = self.strings.get(offset..).unwrap_or_default();
        found.starts_with(name.as_bytes()) && found.get(name.len()) == Some(&0)
    }

    fn type_by_id(&self, id: u32) -> Option<BtfType> {
        let index = id.checked_sub(1)?;
        // Types after the wanted ones are not in the index.
        let known = (index / INDEX_STRIDE).min(u32::try_from(self.index.len()).ok()?.checked_sub(1)?);
        let mut btf_type = self.type_at(*self.index.get(known as usize)?)?;
        for _ in known * INDEX_STRIDE..index {
            btf_type = self.type_at(btf_type.end_offset()?)?;
        }
        Some(btf_type)
    }

    /// Returns the ID of a wanted type.
    ///
    /// # Errors
    /// [`BpfErrorKind::MissingType`] if the kernel has no type of this name.
    pub(super) fn type_id(&self, wanted: BtfTypeName) -> Result<u32, BpfErrorKind> {
        let found = self.found_ids.iter().find(|(each, _)| *each == wanted);
        found.map(|(_, id)| *id).ok_or_else(|| BpfErrorKind::MissingType(wanted.1.to_owned()))
    }

    /// Returns the size of a wanted structure.
    ///
    /// # Errors
    /// [`BpfErrorKind::MissingType`] if the kernel has no type of this name.
    pub(super) fn struct_size(&self, struct_name: &'static str) -> Result<u32, BpfErrorKind> {
        self.struct_type(struct_name).map(|structure| structure.size_or_type)
    }

    fn struct_type(&self, struct_name: &'static str) -> Result<BtfType, BpfErrorKind> {
        let id = self.type_id((BtfKind::Struct, struct_name))?;
        self.type_by_id(id).ok_or(BpfErrorKind::InvalidBtf("type not found"))
    }

    /// Returns a member of a wanted structure, also from unnamed structures in it.
    ///
    /// # Errors
    /// [`BpfErrorKind::MissingType`] if there is none, or it is a bitfield.
    pub(super) fn member(&self, struct_name: &'static str, name: &str) -> Result<BtfMember, BpfErrorKind> {
        let mut budget = MAX_MEMBERS;
        let found = self.find_member(&self.struct_type(struct_name)?, name, MAX_MEMBER_DEPTH, &mut budget);
        found.ok_or_else(|| BpfErrorKind::MissingType(format!("{name} in struct {struct_name}")))
    }

    /// Returns the offset of a member whose size is known.
    ///
    /// # Errors
    /// The errors of [`Btf::member`], and [`BpfErrorKind::MissingType`] if the size
    /// differs.
    pub(super) fn member_offset(
        &self,
        struct_name: &'static str,
        name: &str,
        size: u32,
    ) -> Result<u32, BpfErrorKind> {
        let member = self.member(struct_name, name)?;
        if member.size != size {
            return Err(BpfErrorKind::MissingType(format!("{name} ({size} bytes) in struct {struct_name}")));
        }
        Ok(member.offset)
    }

    fn find_member(&self, outer: &BtfType, name: &str, depth: u32, budget: &mut usize) -> Option<BtfMember> {
        for index in 0..outer.member_count {
            *budget = budget.checked_sub(1)?;
            let start = outer.offset + COMMON_SIZE + index * 12;
            let member = self.types.get(start..start + 12)?;
            let (member_name, id, encoded_offset) =
                (read_u32(member, 0)? as usize, read_u32(member, 4)?, read_u32(member, 8)?);
            let bits = if outer.kind_flag { encoded_offset & 0x00ff_ffff } else { encoded_offset };
            let is_bitfield = bits % 8 != 0 || (outer.kind_flag && encoded_offset >> 24 != 0);
            let offset = bits / 8;
            if self.string_equals(member_name, name) {
                return (!is_bitfield).then_some(BtfMember {
                    offset,
                    size: self.type_size(id)?,
                    type_id: id,
                });
            }
            if self.string_equals(member_name, "") && depth > 0 {
                let inner = self.type_by_id(id)?;
                if matches!(inner.kind, BTF_KIND_STRUCT | BTF_KIND_UNION)
                    && let Some(found) = self.find_member(&inner, name, depth - 1, budget)
                {
                    return Some(BtfMember { offset: found.offset.checked_add(offset)?, ..found });
                }
            }
        }
        None
    }

    /// Returns the number of elements of an array.
    pub(super) fn array_length(&self, array_id: u32) -> Option<u32> {
        let array = self.type_by_id(array_id).filter(|array| array.kind == BTF_KIND_ARRAY)?;
        read_u32(self.types, array.offset + COMMON_SIZE + 8)
    }

    fn type_size(&self, id: u32) -> Option<u32> {
        let (mut id, mut count) = (id, 1u32);
        for _ in 0..MAX_TYPE_CHAIN {
            let btf_type = self.type_by_id(id)?;
            match btf_type.kind {
                BTF_KIND_INT | BTF_KIND_STRUCT | BTF_KIND_UNION | BTF_KIND_ENUM | BTF_KIND_FLOAT
                | BTF_KIND_ENUM64 => return btf_type.size_or_type.checked_mul(count),
                BTF_KIND_PTR => return POINTER_SIZE.checked_mul(count),
                BTF_KIND_TYPEDEF | BTF_KIND_VOLATILE | BTF_KIND_CONST | BTF_KIND_RESTRICT
                | BTF_KIND_TYPE_TAG => id = btf_type.size_or_type,
                BTF_KIND_ARRAY => {
                    id = read_u32(self.types, btf_type.offset + COMMON_SIZE)?;
                    count = count.checked_mul(read_u32(self.types, btf_type.offset + COMMON_SIZE + 8)?)?;
                }
                _ => return None,
            }
        }
        None
    }
}

fn read_u32(bytes: &[u8], offset: usize) -> Option<u32> {
    let word = bytes.get(offset..offset.checked_add(4)?)?;
    Some(u32::from_le_bytes(word.try_into().ok()?))
}

#[cfg(test)]
mod tests;

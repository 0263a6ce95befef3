//! BTF, in which the kernel describes its own types: where a member lies in a
//! structure, how large it is, which number a type has
//! (Documentation/bpf/btf.rst, uapi linux/btf.h).
//!
//! The kernel has 130,000 types in 5 MB; they are walked once, as far as the
//! last one that is wanted, and nothing of them is copied.

use super::refused::Reason;

const MAGIC: u16 = 0xeb9f;
const HEADER: usize = 24;
/// The words before what a kind has of its own: name, info, and size or type.
const COMMON: usize = 12;
/// Every so many types their place is remembered.
const STRIDE: u32 = 64;
/// How many types may stand between a member and its size: typedefs, const.
const DEEPEST: usize = 32;
/// How deep an unnamed structure may lie in others.
const DEEPEST_MEMBER: u32 = 16;
/// How many members are looked at for one, those of unnamed ones too: the
/// longest of the kernel's have a few hundred.
const MOST_MEMBERS: usize = 100_000;
/// A pointer, on the machines that are known.
const POINTER: u32 = 8;

/// Kinds of types, as uapi linux/btf.h numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Struct = 4,
    Typedef = 8,
    Func = 12,
}

const INT: u32 = 1;
const PTR: u32 = 2;
const ARRAY: u32 = 3;
const STRUCT: u32 = 4;
const UNION: u32 = 5;
const ENUM: u32 = 6;
const TYPEDEF: u32 = 8;
const VOLATILE: u32 = 9;
const CONST: u32 = 10;
const RESTRICT: u32 = 11;
const FLOAT: u32 = 16;
const TYPE_TAG: u32 = 18;
const ENUM64: u32 = 19;

/// A type that is looked for.
pub(super) type Wanted = (Kind, &'static str);

/// Where a member lies in its structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// Bytes from the structure's beginning.
    pub(super) offset: u32,
    /// Its bytes.
    pub(super) size: u32,
    /// The number of its type.
    pub(super) id: u32,
}

/// The types of a kernel, as far as they were looked for.
#[derive(Debug)]
pub(super) struct Btf<'a> {
    types: &'a [u8],
    strings: &'a [u8],
    /// Where the types numbered `STRIDE * n + 1` begin.
    places: Vec<usize>,
    found: Vec<(Wanted, u32)>,
}

/// One type.
#[derive(Clone, Copy, Debug)]
struct Type {
    /// Where it begins.
    at: usize,
    name: usize,
    kind: u32,
    /// How many members it has.
    count: usize,
    /// Whether members' offsets have the size of a bitfield in their highest byte.
    flag: bool,
    /// The size, or the type that it refers to.
    size_or_type: u32,
}

impl Type {
    /// Where the next one begins; `None` after a kind that is not known.
    fn end(&self) -> Option<usize> {
        // Beside the common words; from PTR to TYPE_TAG, what is 0 has no more.
        let own = match self.kind {
            INT => 4,
            ARRAY => 12,
            STRUCT | UNION | ENUM64 => self.count * 12,
            ENUM => self.count * 8,
            // A function's parameters, variables and sections of them, tags.
            13 => self.count * 8,
            14 | 17 => 4,
            15 => self.count * 12,
            2 | 7..=12 | 16 | 18 => 0,
            _ => return None,
        };
        Some(self.at + COMMON + own)
    }
}

impl<'a> Btf<'a> {
    /// Finds the wanted types; walks no further than it must. What is not there
    /// is missed only when it is asked for.
    ///
    /// # Errors
    /// [`Reason::BadBtf`] where the bytes do not follow the format.
    pub(super) fn parse(bytes: &'a [u8], wanted: &[Wanted]) -> Result<Btf<'a>, Reason> {
        let magic = bytes.get(..2).ok_or(Reason::BadBtf("it is too short"))?;
        if magic != MAGIC.to_le_bytes() {
            return Err(Reason::BadBtf("its magic number is another one"));
        }
        // The sections' offsets count from the header's end.
        let header = word(bytes, 4).filter(|length| *length as usize >= HEADER);
        let section = |at: usize| {
            let start = (header? as usize).checked_add(word(bytes, at)? as usize)?;
            bytes.get(start..start.checked_add(word(bytes, at + 4)? as usize)?)
        };
        let (Some(types), Some(strings)) = (section(8), section(16)) else {
            return Err(Reason::BadBtf("its sections lie outside of it"));
        };
        let mut btf = Btf { types, strings, places: Vec::new(), found: Vec::new() };
        btf.walk(wanted)?;
        Ok(btf)
    }

    fn walk(&mut self, wanted: &[Wanted]) -> Result<(), Reason> {
        let mut left: Vec<Wanted> = wanted.to_vec();
        let (mut id, mut at) = (1, 0);
        while at < self.types.len() && !left.is_empty() {
            if id % STRIDE == 1 {
                self.places.push(at);
            }
            let each = self.read(at).ok_or(Reason::BadBtf("a type is cut short"))?;
            let is_wanted =
                |(kind, name): &Wanted| *kind as u32 == each.kind && self.has_name(each.name, name);
            if let Some(index) = left.iter().position(is_wanted) {
                self.found.push((left.swap_remove(index), id));
            }
            at = each.end().ok_or(Reason::BadBtf("a kind of type is not known"))?;
            id += 1;
        }
        Ok(())
    }

    fn read(&self, at: usize) -> Option<Type> {
        let common = self.types.get(at..at + COMMON)?;
        let info = word(common, 4)?;
        Some(Type {
            at,
            name: word(common, 0)? as usize,
            kind: info >> 24 & 0x1f,
            count: (info & 0xffff) as usize,
            flag: info >> 31 == 1,
            size_or_type: word(common, 8)?,
        })
    }

    fn has_name(&self, at: usize, name: &str) -> bool {
        let found = self.strings.get(at..).unwrap_or_default();
        found.starts_with(name.as_bytes()) && found.get(name.len()) == Some(&0)
    }

    fn by_id(&self, id: u32) -> Option<Type> {
        let index = id.checked_sub(1)?;
        // What lies behind the wanted types has not been walked over yet.
        let known = (index / STRIDE).min(u32::try_from(self.places.len()).ok()?.checked_sub(1)?);
        let mut each = self.read(*self.places.get(known as usize)?)?;
        for _ in known * STRIDE..index {
            each = self.read(each.end()?)?;
        }
        Some(each)
    }

    /// The number of a wanted type.
    ///
    /// # Errors
    /// [`Reason::Missing`] where the kernel has none of this name.
    pub(super) fn id(&self, wanted: Wanted) -> Result<u32, Reason> {
        let found = self.found.iter().find(|(each, _)| *each == wanted);
        found.map(|(_, id)| *id).ok_or_else(|| Reason::Missing(wanted.1.to_owned()))
    }

    /// How large a wanted structure is.
    ///
    /// # Errors
    /// [`Reason::Missing`] where the kernel has none of this name.
    pub(super) fn size(&self, of: &'static str) -> Result<u32, Reason> {
        self.structure(of).map(|structure| structure.size_or_type)
    }

    fn structure(&self, of: &'static str) -> Result<Type, Reason> {
        let id = self.id((Kind::Struct, of))?;
        self.by_id(id).ok_or(Reason::BadBtf("a type is not where it was"))
    }

    /// A member of a wanted structure, also of an unnamed one within it.
    ///
    /// # Errors
    /// [`Reason::Missing`] where there is none, or it is a bitfield.
    pub(super) fn member(&self, of: &'static str, name: &str) -> Result<Member, Reason> {
        let mut budget = MOST_MEMBERS;
        let found = self.search(&self.structure(of)?, name, DEEPEST_MEMBER, &mut budget);
        found.ok_or_else(|| Reason::Missing(format!("{name} in struct {of}")))
    }

    /// The same, of which the size is known.
    ///
    /// # Errors
    /// As [`Btf::member`]; [`Reason::Missing`] where it has another size, too.
    pub(super) fn offset(&self, of: &'static str, name: &str, size: u32) -> Result<u32, Reason> {
        let member = self.member(of, name)?;
        if member.size != size {
            return Err(Reason::Missing(format!("{name} of {size} bytes in struct {of}")));
        }
        Ok(member.offset)
    }

    fn search(&self, of: &Type, name: &str, deeper: u32, budget: &mut usize) -> Option<Member> {
        for index in 0..of.count {
            *budget = budget.checked_sub(1)?;
            let at = of.at + COMMON + index * 12;
            let member = self.types.get(at..at + 12)?;
            let (member_name, id, place) = (word(member, 0)? as usize, word(member, 4)?, word(member, 8)?);
            let bits = if of.flag { place & 0x00ff_ffff } else { place };
            let is_bitfield = bits % 8 != 0 || (of.flag && place >> 24 != 0);
            let offset = bits / 8;
            if self.has_name(member_name, name) {
                return (!is_bitfield).then_some(Member { offset, size: self.size_of(id)?, id });
            }
            if self.has_name(member_name, "") && deeper > 0 {
                let inner = self.by_id(id)?;
                if matches!(inner.kind, STRUCT | UNION)
                    && let Some(found) = self.search(&inner, name, deeper - 1, budget)
                {
                    return Some(Member { offset: found.offset.checked_add(offset)?, ..found });
                }
            }
        }
        None
    }

    /// How many elements an array has.
    pub(super) fn length(&self, array: u32) -> Option<u32> {
        let each = self.by_id(array).filter(|each| each.kind == ARRAY)?;
        word(self.types, each.at + COMMON + 8)
    }

    fn size_of(&self, id: u32) -> Option<u32> {
        let (mut id, mut times) = (id, 1u32);
        for _ in 0..DEEPEST {
            let each = self.by_id(id)?;
            match each.kind {
                INT | STRUCT | UNION | ENUM | FLOAT | ENUM64 => return each.size_or_type.checked_mul(times),
                PTR => return POINTER.checked_mul(times),
                TYPEDEF | VOLATILE | CONST | RESTRICT | TYPE_TAG => id = each.size_or_type,
                ARRAY => {
                    id = word(self.types, each.at + COMMON)?;
                    times = times.checked_mul(word(self.types, each.at + COMMON + 8)?)?;
                }
                _ => return None,
            }
        }
        None
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(word.try_into().ok()?))
}

#[cfg(test)]
mod tests;

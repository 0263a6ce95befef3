//! Functions by their addresses, from the symbol tables of an ELF file.
//!
//! The file is the target's, which may have written anything into it: every
//! number in it is a claim. What is read has a limit, tables pass through a
//! buffer, and nothing is trusted to be in order.

use std::fs::File;
use std::os::unix::fs::FileExt;

use object::Endianness;
use object::elf::{self, FileHeader32, FileHeader64};
use object::pod::{Pod, slice_from_all_bytes};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};

use super::table::{FunctionSearch, SymbolTable};

/// No more sections are looked at: files with one for each function have some
/// ten thousand.
const MAX_SECTIONS: u64 = 1 << 16;
const MAX_NOTE_BYTES: u64 = 1 << 16;

/// A place of a file that is asked for, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SymbolQuery {
    /// Where in the file.
    pub(super) file_offset: u64,
    /// Its address, in the file's own numbers.
    pub(super) virtual_address: Option<u64>,
    /// The function there: its name as it stands in the file, and how many bytes
    /// behind its beginning.
    pub(super) symbol: Option<(Vec<u8>, u64)>,
}

impl SymbolQuery {
    /// One that nothing is known of.
    pub(super) fn at_offset(offset: u64) -> SymbolQuery {
        SymbolQuery { file_offset: offset, ..SymbolQuery::default() }
    }
}

/// What a file is, besides its functions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ElfInfo {
    /// Its build id, which files of debug symbols are found by.
    pub(super) build_id: Option<Vec<u8>>,
    /// Whether it has the table of all symbols, and not of exported ones alone.
    pub(super) has_symtab: bool,
}

/// Looks for the addresses of spots that have none, and for functions at them.
/// `None` where it is no ELF file, or its headers make no sense.
pub(super) fn resolve_symbols(file: &File, spots: &mut [SymbolQuery]) -> Option<ElfInfo> {
    let mut head = [0; size_of::<FileHeader64<Endianness>>()];
    let length = file.read_at(&mut head, 0).ok()?;
    let head = &head[..length];
    // The class is the fifth byte (elf(5)).
    match head.get(4) {
        Some(1) => ElfImage::<FileHeader32<Endianness>>::new(file, head)?.resolve_symbols(spots),
        Some(2) => ElfImage::<FileHeader64<Endianness>>::new(file, head)?.resolve_symbols(spots),
        _ => None,
    }
}

/// An ELF file of one class.
pub(super) struct ElfImage<'a, Elf: FileHeader<Endian = Endianness>> {
    pub(super) file: &'a File,
    pub(super) endian: Endianness,
    header: Elf,
}

impl<'a, Elf: FileHeader<Endian = Endianness>> ElfImage<'a, Elf> {
    fn new(file: &'a File, head: &[u8]) -> Option<ElfImage<'a, Elf>> {
        let header = *Elf::parse(head).ok()?;
        Some(ElfImage { file, endian: header.endian().ok()?, header })
    }

    fn resolve_symbols(&self, spots: &mut [SymbolQuery]) -> Option<ElfInfo> {
        let segments = self.program_headers()?;
        for spot in spots.iter_mut().filter(|spot| spot.virtual_address.is_none()) {
            spot.virtual_address = self.virtual_address(&segments, spot.file_offset);
        }
        let tables = self.symbol_tables();
        // The complete table first; the other has only what it lacks.
        for kind in [elf::SHT_SYMTAB, elf::SHT_DYNSYM] {
            let mut missing: Vec<&mut SymbolQuery> = spots
                .iter_mut()
                .filter(|spot| spot.virtual_address.is_some() && spot.symbol.is_none())
                .collect();
            let mut functions = FunctionSearch::new(missing.iter().filter_map(|spot| spot.virtual_address));
            // A file has one of each (elf(5)).
            if let Some((_, table)) = tables.iter().find(|(of, _)| *of == kind) {
                functions.scan_table(self, table);
            }
            for (spot, symbol) in missing.iter_mut().zip(functions.into_symbols(self.file)) {
                spot.symbol = symbol;
            }
        }
        let is_complete = tables.iter().any(|(kind, _)| *kind == elf::SHT_SYMTAB);
        Some(ElfInfo { build_id: self.build_id(&segments), has_symtab: is_complete })
    }

    fn program_headers(&self) -> Option<Vec<Elf::ProgramHeader>> {
        let header = &self.header;
        // More than 65534 have their number elsewhere; nobody has.
        let count = u64::from(header.e_phnum(self.endian));
        if usize::from(header.e_phentsize(self.endian)) != size_of::<Elf::ProgramHeader>() {
            return None;
        }
        self.read_array(header.e_phoff(self.endian).into(), count)
    }

    /// The address that a place of the file is loaded to, in its own numbers.
    fn virtual_address(&self, segments: &[Elf::ProgramHeader], offset: u64) -> Option<u64> {
        let endian = self.endian;
        let holds = |segment: &&Elf::ProgramHeader| {
            let (start, length): (u64, u64) =
                (segment.p_offset(endian).into(), segment.p_filesz(endian).into());
            segment.p_type(endian) == elf::PT_LOAD && offset.checked_sub(start).is_some_and(|at| at < length)
        };
        let code = |segment: &&Elf::ProgramHeader| segment.p_flags(endian).contains(elf::PF_X);
        let mut all = segments.iter().filter(holds);
        let segment = all.clone().find(code).or_else(|| all.next())?;
        let at = offset - segment.p_offset(endian).into();
        at.checked_add(segment.p_vaddr(endian).into())
    }

    /// Its symbol tables.
    fn symbol_tables(&self) -> Vec<(elf::SectionType, SymbolTable)> {
        let sections = self.section_headers().unwrap_or_default();
        let range = |section: &Elf::SectionHeader| {
            let (start, length) =
                (section.sh_offset(self.endian).into(), section.sh_size(self.endian).into());
            (start, length)
        };
        let table = |section: &Elf::SectionHeader| {
            let kind = section.sh_type(self.endian);
            let symbols = matches!(kind, elf::SHT_SYMTAB | elf::SHT_DYNSYM).then(|| range(section))?;
            let names = range(sections.get(usize::try_from(section.sh_link(self.endian)).ok()?)?);
            Some((kind, SymbolTable { symbol_range: symbols, name_range: names }))
        };
        sections.iter().filter_map(table).collect()
    }

    fn section_headers(&self) -> Option<Vec<Elf::SectionHeader>> {
        let (header, endian) = (&self.header, self.endian);
        let start: u64 = header.e_shoff(endian).into();
        if usize::from(header.e_shentsize(endian)) != size_of::<Elf::SectionHeader>() || start == 0 {
            return None;
        }
        let count = match u64::from(header.e_shnum(endian)) {
            // Too many for the header: the first section tells.
            0 => self.read_array::<Elf::SectionHeader>(start, 1)?.first()?.sh_size(endian).into(),
            count => count,
        };
        if count > MAX_SECTIONS { None } else { self.read_array(start, count) }
    }

    /// The note of the linker that names this build (ld(1), --build-id).
    fn build_id(&self, segments: &[Elf::ProgramHeader]) -> Option<Vec<u8>> {
        let endian = self.endian;
        segments.iter().filter(|segment| segment.p_type(endian) == elf::PT_NOTE).find_map(|segment| {
            let length = Into::<u64>::into(segment.p_filesz(endian)).min(MAX_NOTE_BYTES);
            let text = read_exact_bytes(self.file, segment.p_offset(endian).into(), length)?;
            let word = |at: usize| {
                let bytes = <[u8; 4]>::try_from(text.get(at..at.checked_add(4)?)?).ok()?;
                let little = endian == Endianness::Little;
                usize::try_from(if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
                    .ok()
            };
            let mut at = 0usize;
            // Lengths of name and text, a kind, then both, each padded to four.
            loop {
                let (name, length, kind) = (word(at)?, word(at + 4)?, word(at + 8)?);
                let start = (at + 12).checked_add(name.checked_next_multiple_of(4)?)?;
                let found = text.get(start..start.checked_add(length)?)?;
                if kind == NT_GNU_BUILD_ID && text.get(at + 12..)?.starts_with(b"GNU\0") {
                    return Some(found.to_vec());
                }
                at = start.checked_add(length.checked_next_multiple_of(4)?)?;
            }
        })
    }

    fn read_array<T: Pod>(&self, start: u64, count: u64) -> Option<Vec<T>> {
        let bytes = read_exact_bytes(self.file, start, count.checked_mul(size_of::<T>() as u64)?)?;
        slice_from_all_bytes(&bytes).ok().map(<[T]>::to_vec)
    }
}

/// n_type of a build id (uapi linux/elf.h has no word for it; elf(5)).
const NT_GNU_BUILD_ID: usize = 3;

/// Bytes of a file, whose number the caller has a limit for; all or nothing.
fn read_exact_bytes(file: &File, start: u64, length: u64) -> Option<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(length).ok()?];
    file.read_exact_at(&mut bytes, start).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::*;

    /// A file of one segment, whose code is loaded to 0x401000, with functions
    /// of these names, addresses, sizes and bindings.
    fn build_elf_image(functions: &[(&str, u64, u64, u8)]) -> Vec<u8> {
        let mut names = vec![0];
        let mut symbols = vec![0; 24];
        for (name, value, size, bind) in functions {
            symbols.extend((names.len() as u32).to_le_bytes());
            symbols.extend([bind << 4 | 2, 0, 1, 0]);
            symbols.extend(value.to_le_bytes());
            symbols.extend(size.to_le_bytes());
            names.extend(name.bytes().chain([0]));
        }
        let note: Vec<u8> = [4u32, 3, 3].iter().flat_map(|word| word.to_le_bytes()).collect();
        let note = [&note[..], b"GNU\0", &[0xab, 0xcd, 0xef, 0]].concat();
        let (at_note, at_symbols) = (64 + 2 * 56, 64 + 2 * 56 + note.len());
        let at_names = at_symbols + symbols.len();
        let at_sections = at_names + names.len();
        let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        file.extend([2, 0, 62, 0, 1, 0, 0, 0]);
        for word in [0, 64, at_sections as u64] {
            file.extend(word.to_le_bytes());
        }
        file.extend([0; 4]);
        file.extend([64u16, 56, 2, 64, 3, 0].iter().flat_map(|word| word.to_le_bytes()));
        let mut segment = |kind: u32, flags: u32, words: [u64; 6]| {
            file.extend(kind.to_le_bytes().into_iter().chain(flags.to_le_bytes()));
            file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        };
        segment(1, 5, [0x1000, 0x40_1000, 0, 0x2000, 0x2000, 0x1000]);
        segment(4, 4, [at_note as u64, 0, 0, note.len() as u64, 0, 4]);
        file.extend([note, symbols.clone(), names.clone()].concat());
        let mut section = |kind: u32, at: usize, length: usize, link: u32| {
            file.extend([0u32, kind].iter().flat_map(|word| word.to_le_bytes()));
            file.extend([0, 0, at as u64, length as u64].iter().flat_map(|word| word.to_le_bytes()));
            file.extend([link, 0].iter().flat_map(|word| word.to_le_bytes()));
            file.extend([0; 16]);
        };
        section(0, 0, 0, 0);
        section(2, at_symbols, symbols.len(), 2);
        section(3, at_names, names.len(), 0);
        file
    }

    /// A file of these bytes that has no name any more.
    fn open_unlinked(bytes: &[u8]) -> File {
        let id = format!("sigtool-elf-{}-{:?}", std::process::id(), std::thread::current().id());
        let path: PathBuf = std::env::temp_dir().join(id.replace(['(', ')'], ""));
        std::fs::write(&path, bytes).unwrap();
        let file = File::open(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        file
    }

    fn symbol_at(functions: &[(&str, u64, u64, u8)], offset: u64) -> Option<String> {
        let mut spots = [SymbolQuery::at_offset(offset)];
        resolve_symbols(&open_unlinked(&build_elf_image(functions)), &mut spots).unwrap();
        let (name, distance) = spots[0].symbol.clone()?;
        Some(format!("{}+{distance}", String::from_utf8(name).unwrap()))
    }

    #[test]
    fn function_is_found_by_file_offset() {
        let mut spots =
            [SymbolQuery::at_offset(0x1234), SymbolQuery::at_offset(0x10), SymbolQuery::at_offset(0x3000)];
        let found =
            resolve_symbols(&open_unlinked(&build_elf_image(&[("f", 0x40_1230, 8, 1)])), &mut spots).unwrap();
        assert_eq!(found, ElfInfo { build_id: Some(vec![0xab, 0xcd, 0xef]), has_symtab: true });
        assert_eq!(
            (spots[0].virtual_address, spots[0].symbol.clone()),
            (Some(0x40_1234), Some((b"f".to_vec(), 4)))
        );
        assert_eq!(
            (spots[1].virtual_address, spots[2].virtual_address),
            (None, None),
            "nothing is loaded from there"
        );
    }

    #[test]
    fn best_symbol_is_chosen() {
        let (local, global, weak) = (0, 1, 2);
        for (functions, expected) in [
            (&[("__f", 0x40_1000, 16, global), ("f", 0x40_1000, 16, global)][..], Some("f+8")),
            (&[("f", 0x40_1000, 16, weak), ("long_f", 0x40_1000, 16, global)], Some("long_f+8")),
            (&[("f", 0x40_1000, 16, local), ("g", 0x40_1004, 16, local)], Some("g+4")),
            (&[("f", 0x40_1000, 4, global)], None),
            (&[("label", 0x40_1000, 0, local)], Some("label+8")),
            (&[("label", 0x40_1000, 0, local), ("g", 0x40_1004, 2, local)], None),
            (&[("label", 0x40_1000, 0, local), ("f", 0x40_1000, 16, local)], Some("f+8")),
            (&[("after", 0x40_1010, 16, global)], None),
            (&[], None),
        ] {
            assert_eq!(symbol_at(functions, 0x1008).as_deref(), expected, "{functions:?}");
        }
    }

    #[test]
    fn own_executable_is_resolved() {
        let own = File::open("/proc/self/exe").unwrap();
        let maps = crate::procfs::ProcRoot::default()
            .maps(std::process::id(), [], crate::sys::io::reader::read)
            .unwrap();
        let address = own_executable_is_resolved as fn() as usize as u64;
        let mapping = maps.find(address).unwrap();
        let mut spots = [SymbolQuery::at_offset(mapping.offset + (address - mapping.start))];
        assert!(resolve_symbols(&own, &mut spots).unwrap().has_symtab);
        let name = super::super::demangle::demangle(&spots[0].symbol.clone().unwrap().0);
        let name = String::from_utf8(name).unwrap();
        assert!(name.ends_with("tests::own_executable_is_resolved") || name.contains("call_once"), "{name}");
    }

    proptest! {
        #[test]
        fn corrupt_elf_file_does_not_panic(changes in prop::collection::vec((0usize..700, any::<u8>()), 1..12)) {
            let mut bytes = build_elf_image(&[("f", 0x40_1000, 16, 1), ("g", 0x40_1010, 0, 0)]);
            for (at, byte) in changes {
                let at = at % bytes.len();
                bytes[at] = byte;
            }
            resolve_symbols(&open_unlinked(&bytes), &mut [SymbolQuery::at_offset(0x1004), SymbolQuery::at_offset(0)]);
        }

        #[test]
        fn random_bytes_do_not_panic(bytes: Vec<u8>) {
            resolve_symbols(&open_unlinked(&[b"\x7fELF\x02\x01\x01".to_vec(), bytes].concat()), &mut [SymbolQuery::at_offset(0)]);
        }
    }
}

//! Functions by address, from the symbol tables of an ELF file.
//!
//! The target controls the file, so no value in it is trusted. Reads have a size limit,
//! symbol tables are read in chunks, and no order of their entries is assumed.

use std::fs::File;
use std::os::unix::fs::FileExt;

use object::Endianness;
use object::elf::{self, FileHeader32, FileHeader64};
use object::pod::{Pod, slice_from_all_bytes};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};

use super::table::{FunctionSearch, SymbolTable};

/// The maximum number of sections that are read. Files with a section for each function have
/// some ten thousand.
const MAX_SECTIONS: u64 = 1 << 16;
const MAX_NOTE_BYTES: u64 = 1 << 16;

/// A file offset to resolve, and the result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SymbolQuery {
    /// The offset in the file.
    pub(super) file_offset: u64,
    /// The virtual address to which the file is linked at this offset.
    pub(super) virtual_address: Option<u64>,
    /// The function at this address: its name as in the file, and the offset from its start
    /// in bytes.
    pub(super) symbol: Option<(Vec<u8>, u64)>,
}

impl SymbolQuery {
    /// Returns an unresolved query.
    pub(super) fn at_offset(offset: u64) -> SymbolQuery {
        SymbolQuery { file_offset: offset, ..SymbolQuery::default() }
    }
}

/// Properties of an ELF file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ElfInfo {
    /// The build ID, by which files with debug symbols are found.
    pub(super) build_id: Option<Vec<u8>>,
    /// `true` if the file has a table of all symbols, not only of exported ones.
    pub(super) has_symtab: bool,
}

/// Resolves the missing addresses and functions of the queries. Returns `None` if the file is
/// not an ELF file or has invalid headers.
pub(super) fn resolve_symbols(file: &File, queries: &mut [SymbolQuery]) -> Option<ElfInfo> {
    let mut header_bytes = [0; size_of::<FileHeader64<Endianness>>()];
    let length = file.read_at(&mut header_bytes, 0).ok()?;
    let header_bytes = &header_bytes[..length];
    // The class is the fifth byte (elf(5)).
    match header_bytes.get(4) {
        Some(1) => ElfImage::<FileHeader32<Endianness>>::new(file, header_bytes)?.resolve_symbols(queries),
        Some(2) => ElfImage::<FileHeader64<Endianness>>::new(file, header_bytes)?.resolve_symbols(queries),
        _ => None,
    }
}

/// An ELF file of one class.
struct ElfImage<'a, Elf: FileHeader<Endian = Endianness>> {
    file: &'a File,
    endian: Endianness,
    header: Elf,
}

impl<'a, Elf: FileHeader<Endian = Endianness>> ElfImage<'a, Elf> {
    fn new(file: &'a File, header_bytes: &[u8]) -> Option<ElfImage<'a, Elf>> {
        let header = *Elf::parse(header_bytes).ok()?;
        Some(ElfImage { file, endian: header.endian().ok()?, header })
    }

    fn resolve_symbols(&self, queries: &mut [SymbolQuery]) -> Option<ElfInfo> {
        let segments = self.program_headers()?;
        for query in queries.iter_mut().filter(|query| query.virtual_address.is_none()) {
            query.virtual_address = self.virtual_address(&segments, query.file_offset);
        }
        let tables = self.symbol_tables();
        // The complete table comes first. The other is searched only for what is missing.
        for kind in [elf::SHT_SYMTAB, elf::SHT_DYNSYM] {
            let mut unresolved: Vec<&mut SymbolQuery> = queries
                .iter_mut()
                .filter(|query| query.virtual_address.is_some() && query.symbol.is_none())
                .collect();
            let mut search = FunctionSearch::new(unresolved.iter().filter_map(|query| query.virtual_address));
            // A file has at most one table of each kind (elf(5)).
            if let Some((_, table)) = tables.iter().find(|(table_kind, _)| *table_kind == kind) {
                search.scan_table::<Elf::Sym>(self.file, self.endian, table);
            }
            for (query, symbol) in unresolved.iter_mut().zip(search.into_symbols(self.file)) {
                query.symbol = symbol;
            }
        }
        let has_symtab = tables.iter().any(|(kind, _)| *kind == elf::SHT_SYMTAB);
        Some(ElfInfo { build_id: self.build_id(&segments), has_symtab })
    }

    fn program_headers(&self) -> Option<Vec<Elf::ProgramHeader>> {
        let header = &self.header;
        // A count over 65534 would be stored elsewhere. No real file has so many.
        let count = u64::from(header.e_phnum(self.endian));
        if usize::from(header.e_phentsize(self.endian)) != size_of::<Elf::ProgramHeader>() {
            return None;
        }
        self.read_array(header.e_phoff(self.endian).into(), count)
    }

    /// Returns the virtual address to which the file is linked at this offset.
    fn virtual_address(&self, segments: &[Elf::ProgramHeader], file_offset: u64) -> Option<u64> {
        let endian = self.endian;
        let contains_offset = |segment: &&Elf::ProgramHeader| {
            let (start, length): (u64, u64) =
                (segment.p_offset(endian).into(), segment.p_filesz(endian).into());
            segment.p_type(endian) == elf::PT_LOAD
                && file_offset.checked_sub(start).is_some_and(|offset| offset < length)
        };
        let is_code = |segment: &&Elf::ProgramHeader| segment.p_flags(endian).contains(elf::PF_X);
        let mut matching = segments.iter().filter(contains_offset);
        let segment = matching.clone().find(is_code).or_else(|| matching.next())?;
        let segment_offset = file_offset - segment.p_offset(endian).into();
        segment_offset.checked_add(segment.p_vaddr(endian).into())
    }

    fn symbol_tables(&self) -> Vec<(elf::SectionType, SymbolTable)> {
        let sections = self.section_headers().unwrap_or_default();
        let range = |section: &Elf::SectionHeader| {
            (section.sh_offset(self.endian).into(), section.sh_size(self.endian).into())
        };
        let table = |section: &Elf::SectionHeader| {
            let kind = section.sh_type(self.endian);
            if !matches!(kind, elf::SHT_SYMTAB | elf::SHT_DYNSYM) {
                return None;
            }
            let name_section = sections.get(usize::try_from(section.sh_link(self.endian)).ok()?)?;
            Some((kind, SymbolTable { symbol_range: range(section), name_range: range(name_section) }))
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
            // The count does not fit in the header, so the first section contains it.
            0 => self.read_array::<Elf::SectionHeader>(start, 1)?.first()?.sh_size(endian).into(),
            count => count,
        };
        if count > MAX_SECTIONS { None } else { self.read_array(start, count) }
    }

    /// Returns the build ID from the note that the linker writes (ld(1), --build-id).
    fn build_id(&self, segments: &[Elf::ProgramHeader]) -> Option<Vec<u8>> {
        let endian = self.endian;
        segments.iter().filter(|segment| segment.p_type(endian) == elf::PT_NOTE).find_map(|segment| {
            let length = Into::<u64>::into(segment.p_filesz(endian)).min(MAX_NOTE_BYTES);
            let notes = read_exact_bytes(self.file, segment.p_offset(endian).into(), length)?;
            let word = |at: usize| {
                let bytes = <[u8; 4]>::try_from(notes.get(at..at.checked_add(4)?)?).ok()?;
                let is_little = endian == Endianness::Little;
                let value = if is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) };
                usize::try_from(value).ok()
            };
            let mut at = 0usize;
            // A note has the lengths of name and data, a type, then the name and the data, each
            // padded to four bytes.
            loop {
                let (name_length, data_length, note_type) = (word(at)?, word(at + 4)?, word(at + 8)?);
                let data_start = (at + 12).checked_add(name_length.checked_next_multiple_of(4)?)?;
                let data = notes.get(data_start..data_start.checked_add(data_length)?)?;
                if note_type == NT_GNU_BUILD_ID && notes.get(at + 12..)?.starts_with(b"GNU\0") {
                    return Some(data.to_vec());
                }
                at = data_start.checked_add(data_length.checked_next_multiple_of(4)?)?;
            }
        })
    }

    fn read_array<T: Pod>(&self, start: u64, count: u64) -> Option<Vec<T>> {
        let bytes = read_exact_bytes(self.file, start, count.checked_mul(size_of::<T>() as u64)?)?;
        slice_from_all_bytes(&bytes).ok().map(<[T]>::to_vec)
    }
}

/// The n_type of a build ID (elf(5)). linux/elf.h does not define it.
const NT_GNU_BUILD_ID: usize = 3;

/// Reads exactly `length` bytes of a file. The caller limits the length.
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

    /// Returns an ELF file with one code segment at 0x401000 and functions with these names,
    /// addresses, sizes and bindings.
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
        let (note_offset, symbols_offset) = (64 + 2 * 56, 64 + 2 * 56 + note.len());
        let names_offset = symbols_offset + symbols.len();
        let sections_offset = names_offset + names.len();
        let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        file.extend([2, 0, 62, 0, 1, 0, 0, 0]);
        for word in [0, 64, sections_offset as u64] {
            file.extend(word.to_le_bytes());
        }
        file.extend([0; 4]);
        file.extend([64u16, 56, 2, 64, 3, 0].iter().flat_map(|word| word.to_le_bytes()));
        let mut segment = |kind: u32, flags: u32, words: [u64; 6]| {
            file.extend(kind.to_le_bytes().into_iter().chain(flags.to_le_bytes()));
            file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        };
        segment(1, 5, [0x1000, 0x40_1000, 0, 0x2000, 0x2000, 0x1000]);
        segment(4, 4, [note_offset as u64, 0, 0, note.len() as u64, 0, 4]);
        file.extend([note, symbols.clone(), names.clone()].concat());
        let mut section = |kind: u32, offset: usize, length: usize, link: u32| {
            file.extend([0u32, kind].iter().flat_map(|word| word.to_le_bytes()));
            file.extend([0, 0, offset as u64, length as u64].iter().flat_map(|word| word.to_le_bytes()));
            file.extend([link, 0].iter().flat_map(|word| word.to_le_bytes()));
            file.extend([0; 16]);
        };
        section(0, 0, 0, 0);
        section(2, symbols_offset, symbols.len(), 2);
        section(3, names_offset, names.len(), 0);
        file
    }

    /// Returns an open file with these bytes whose name is removed.
    fn open_unlinked(bytes: &[u8]) -> File {
        let name = format!("sigtool-elf-{}-{:?}", std::process::id(), std::thread::current().id());
        let path: PathBuf = std::env::temp_dir().join(name.replace(['(', ')'], ""));
        std::fs::write(&path, bytes).unwrap();
        let file = File::open(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        file
    }

    fn symbol_at(functions: &[(&str, u64, u64, u8)], offset: u64) -> Option<String> {
        let mut queries = [SymbolQuery::at_offset(offset)];
        resolve_symbols(&open_unlinked(&build_elf_image(functions)), &mut queries).unwrap();
        let (name, distance) = queries[0].symbol.clone()?;
        Some(format!("{}+{distance}", String::from_utf8(name).unwrap()))
    }

    #[test]
    fn function_is_found_by_file_offset() {
        let mut queries =
            [SymbolQuery::at_offset(0x1234), SymbolQuery::at_offset(0x10), SymbolQuery::at_offset(0x3000)];
        let info = resolve_symbols(&open_unlinked(&build_elf_image(&[("f", 0x40_1230, 8, 1)])), &mut queries)
            .unwrap();
        assert_eq!(info, ElfInfo { build_id: Some(vec![0xab, 0xcd, 0xef]), has_symtab: true });
        assert_eq!(
            (queries[0].virtual_address, queries[0].symbol.clone()),
            (Some(0x40_1234), Some((b"f".to_vec(), 4)))
        );
        assert_eq!(
            (queries[1].virtual_address, queries[2].virtual_address),
            (None, None),
            "no segment contains these offsets"
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
        let mut queries = [SymbolQuery::at_offset(mapping.offset + (address - mapping.start))];
        assert!(resolve_symbols(&own, &mut queries).unwrap().has_symtab);
        let name = super::super::demangle::demangle(&queries[0].symbol.clone().unwrap().0);
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

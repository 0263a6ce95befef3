//! Which function an address lies in: one way through a symbol table.

use std::fs::File;
use std::os::unix::fs::FileExt;

use object::Endianness;
use object::elf;
use object::pod::slice_from_all_bytes;
use object::read::elf::{FileHeader, Sym};

use super::elf::ElfImage;

/// No longer tables are read to their end: those of the largest programs that
/// there are have a quarter of it.
const MAX_TABLE_BYTES: u64 = 1 << 28;
/// So many symbols are read at once.
const SYMBOLS_PER_READ: u64 = 4096;
/// Longer names are cut.
const MAX_NAME_BYTES: u64 = 1 << 13;
/// So many names of one function are compared.
const MAX_ALIASES: usize = 16;

/// Where a symbol table and its names lie in a file: start and length.
#[derive(Clone, Copy, Debug)]
pub(super) struct SymbolTable {
    pub(super) symbol_range: (u64, u64),
    pub(super) name_range: (u64, u64),
}

/// Addresses, and the best function for each.
pub(super) struct FunctionSearch(Vec<AddressSearch>);

struct AddressSearch {
    address: u64,
    /// Where the nearest function before it begins.
    nearest_start: u64,
    best_match: Option<BestMatch>,
}

/// A function that an address lies in, or, of unknown length, the last before it.
struct BestMatch {
    start: u64,
    size: u64,
    binding_rank: u8,
    /// Where its names begin in the file, and how many bytes follow there.
    name_ranges: Vec<(u64, u64)>,
}

impl FunctionSearch {
    pub(in crate::inspect) fn new(addresses: impl Iterator<Item = u64>) -> FunctionSearch {
        FunctionSearch(
            addresses.map(|address| AddressSearch { address, nearest_start: 0, best_match: None }).collect(),
        )
    }

    /// Goes through a table, as far as it makes sense.
    pub(super) fn scan_table<Elf: FileHeader<Endian = Endianness>>(
        &mut self,
        image: &ElfImage<'_, Elf>,
        table: &SymbolTable,
    ) {
        let size = size_of::<Elf::Sym>() as u64;
        let (start, length) = (table.symbol_range.0, table.symbol_range.1.min(MAX_TABLE_BYTES));
        let mut buffer = Vec::new();
        let mut at = 0;
        while !self.0.is_empty() && at < length / size {
            let count = SYMBOLS_PER_READ.min(length / size - at);
            // No more than a chunk, which is a small number.
            buffer.resize(usize::try_from(count * size).unwrap_or(0), 0);
            let Some(from) = start.checked_add(at * size) else { return };
            if image.file.read_exact_at(&mut buffer, from).is_err() {
                return;
            }
            for symbol in slice_from_all_bytes::<Elf::Sym>(&buffer).unwrap_or_default() {
                self.consider_symbol(symbol, image.endian, table);
            }
            at += count;
        }
    }

    fn consider_symbol<S: Sym<Endian = Endianness>>(
        &mut self,
        symbol: &S,
        endian: Endianness,
        table: &SymbolTable,
    ) {
        if !matches!(symbol.st_type(), elf::STT_FUNC | elf::STT_GNU_IFUNC) || symbol.is_undefined(endian) {
            return;
        }
        let (start, size): (u64, u64) = (symbol.st_value(endian).into(), symbol.st_size(endian).into());
        let name = u64::from(symbol.st_name(endian));
        let Some(left) = table.name_range.1.checked_sub(name).filter(|left| *left > 0 && name > 0) else {
            return;
        };
        let Some(name) = table.name_range.0.checked_add(name) else { return };
        let rank = match symbol.st_bind() {
            elf::STB_GLOBAL => 0,
            elf::STB_WEAK => 1,
            _ => 2,
        };
        for AddressSearch { address, nearest_start: nearest, best_match: best } in &mut self.0 {
            let Some(at) = address.checked_sub(start) else { continue };
            *nearest = start.max(*nearest);
            if size != 0 && at >= size {
                continue;
            }
            // The nearest beginning, then one whose end is known, the shorter
            // of those, then who is known the widest.
            let of = |start: u64, size: u64, rank: u8| (u64::MAX - start, size == 0, size, rank);
            let new = of(start, size, rank);
            match best {
                Some(best) if of(best.start, best.size, best.binding_rank) < new => {}
                Some(best) if of(best.start, best.size, best.binding_rank) == new => {
                    if best.name_ranges.len() < MAX_ALIASES {
                        best.name_ranges.push((name, left));
                    }
                }
                _ => {
                    *best =
                        Some(BestMatch { start, size, binding_rank: rank, name_ranges: vec![(name, left)] })
                }
            }
        }
    }

    /// What was found for each address: name, and distance from the beginning.
    pub(super) fn into_symbols(self, file: &File) -> Vec<Option<(Vec<u8>, u64)>> {
        let found = |AddressSearch { address, nearest_start: nearest, best_match: best }| {
            // Where one ends is not told: not beyond the next.
            let best: BestMatch = best.filter(|best: &BestMatch| best.size != 0 || best.start == nearest)?;
            let names = best.name_ranges.iter().filter_map(|(start, left)| read_name(file, *start, *left));
            // Of several the plainest: `signal`, not `__sysv_signal`.
            let plain = |name: &Vec<u8>| {
                (name.iter().take_while(|byte| **byte == b'_').count(), name.len(), name.clone())
            };
            Some((names.min_by_key(plain)?, address - best.start))
        };
        self.0.into_iter().map(found).collect()
    }
}

/// A name that ends with a NUL.
fn read_name(file: &File, start: u64, left: u64) -> Option<Vec<u8>> {
    let mut name = vec![0; usize::try_from(left.min(MAX_NAME_BYTES)).ok()?];
    let length = file.read_at(&mut name, start).ok()?;
    name.truncate(length);
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(length);
    name.truncate(end);
    (!name.is_empty()).then_some(name)
}

//! Search for the functions that contain given addresses, in one pass through a symbol
//! table.

use std::fs::File;
use std::os::unix::fs::FileExt;

use object::Endianness;
use object::elf;
use object::pod::{Pod, slice_from_all_bytes};
use object::read::elf::Sym;

/// The number of bytes of a table that are read. The tables of the largest known programs have
/// a quarter of this size.
const MAX_TABLE_BYTES: u64 = 1 << 28;
/// The number of symbols in a chunk.
const SYMBOLS_PER_READ: u64 = 4096;
/// The maximum length of a name. The rest is cut off.
const MAX_NAME_BYTES: u64 = 1 << 13;
/// The maximum number of names of one function that are compared.
const MAX_ALIASES: usize = 16;

/// The file ranges of a symbol table and of its names: start and length.
#[derive(Clone, Copy, Debug)]
pub(super) struct SymbolTable {
    pub(super) symbol_range: (u64, u64),
    pub(super) name_range: (u64, u64),
}

/// A search for the functions that contain addresses.
pub(super) struct FunctionSearch(Vec<AddressSearch>);

struct AddressSearch {
    address: u64,
    /// The start of the nearest function at or before the address.
    nearest_start: u64,
    best_match: Option<BestMatch>,
}

/// The best function so far: it contains the address, or it has an unknown size and starts
/// before the address.
struct BestMatch {
    start: u64,
    size: u64,
    /// 0 for a global symbol, 1 for a weak one, 2 for a local one.
    binding_rank: u8,
    /// The names of the function: the offset in the file, and the number of bytes from there
    /// to the end of the name section.
    name_ranges: Vec<(u64, u64)>,
}

impl FunctionSearch {
    pub(super) fn new(addresses: impl Iterator<Item = u64>) -> FunctionSearch {
        FunctionSearch(
            addresses.map(|address| AddressSearch { address, nearest_start: 0, best_match: None }).collect(),
        )
    }

    /// Searches a table, up to [`MAX_TABLE_BYTES`] or to the first part that cannot be read.
    pub(super) fn scan_table<Symbol: Sym<Endian = Endianness> + Pod>(
        &mut self,
        file: &File,
        endian: Endianness,
        table: &SymbolTable,
    ) {
        let size = size_of::<Symbol>() as u64;
        let (start, length) = (table.symbol_range.0, table.symbol_range.1.min(MAX_TABLE_BYTES));
        let mut buffer = Vec::new();
        let mut index = 0;
        while !self.0.is_empty() && index < length / size {
            let count = SYMBOLS_PER_READ.min(length / size - index);
            // A chunk is small, so its size fits.
            buffer.resize(usize::try_from(count * size).unwrap_or(0), 0);
            let Some(offset) = start.checked_add(index * size) else { return };
            if file.read_exact_at(&mut buffer, offset).is_err() {
                return;
            }
            for symbol in slice_from_all_bytes::<Symbol>(&buffer).unwrap_or_default() {
                self.consider_symbol(symbol, endian, table);
            }
            index += count;
        }
    }

    /// Updates the best function of each address with a symbol.
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
        let Some(remaining) = table.name_range.1.checked_sub(name).filter(|left| *left > 0 && name > 0)
        else {
            return;
        };
        let Some(name_offset) = table.name_range.0.checked_add(name) else { return };
        let binding_rank = match symbol.st_bind() {
            elf::STB_GLOBAL => 0,
            elf::STB_WEAK => 1,
            _ => 2,
        };
        for AddressSearch { address, nearest_start, best_match } in &mut self.0 {
            let Some(offset) = address.checked_sub(start) else { continue };
            *nearest_start = start.max(*nearest_start);
            if size != 0 && offset >= size {
                continue;
            }
            // The nearest start is best, then a known size, then the smaller size, then the
            // wider binding.
            let rank =
                |start: u64, size: u64, binding_rank: u8| (u64::MAX - start, size == 0, size, binding_rank);
            let new_rank = rank(start, size, binding_rank);
            match best_match {
                Some(best) if rank(best.start, best.size, best.binding_rank) < new_rank => {}
                Some(best) if rank(best.start, best.size, best.binding_rank) == new_rank => {
                    if best.name_ranges.len() < MAX_ALIASES {
                        best.name_ranges.push((name_offset, remaining));
                    }
                }
                _ => {
                    let name_ranges = vec![(name_offset, remaining)];
                    *best_match = Some(BestMatch { start, size, binding_rank, name_ranges });
                }
            }
        }
    }

    /// Returns the function of each address: its name, and the offset from its start.
    pub(super) fn into_symbols(self, file: &File) -> Vec<Option<(Vec<u8>, u64)>> {
        let symbol = |AddressSearch { address, nearest_start, best_match }| {
            // A function of unknown size ends at the start of the next function.
            let best = best_match.filter(|best: &BestMatch| best.size != 0 || best.start == nearest_start)?;
            let names = best.name_ranges.iter().filter_map(|(start, left)| read_name(file, *start, *left));
            // The plainest name is chosen: `signal`, not `__sysv_signal`.
            let plainness = |name: &Vec<u8>| {
                (name.iter().take_while(|byte| **byte == b'_').count(), name.len(), name.clone())
            };
            Some((names.min_by_key(plainness)?, address - best.start))
        };
        self.0.into_iter().map(symbol).collect()
    }
}

/// Reads a name that ends with a NUL byte. `max_length` is the number of bytes to the end of
/// the name section.
fn read_name(file: &File, offset: u64, max_length: u64) -> Option<Vec<u8>> {
    let mut name = vec![0; usize::try_from(max_length.min(MAX_NAME_BYTES)).ok()?];
    let length = file.read_at(&mut name, offset).ok()?;
    name.truncate(length);
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(length);
    name.truncate(end);
    (!name.is_empty()).then_some(name)
}

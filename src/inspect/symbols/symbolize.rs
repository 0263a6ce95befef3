//! Translation of the addresses of a process to functions, by the files that it has
//! mapped.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::demangle::demangle;
use super::elf::{self, SymbolQuery};
use super::location::{CodeLocation, FunctionOffset, Region};
use crate::procfs::{Mapping, Maps, ProcRoot};
use crate::sys::io::file::{RegularFile, RootDirectory};

/// The directory in which distributions install debug symbols (gdb's documentation, "Separate
/// Debug Files").
const BUILD_ID_DIR: &str = "/usr/lib/debug/.build-id";

/// The lowest kernel address on every 64-bit architecture (x86/x86_64/mm.rst, arm64/memory.rst
/// and riscv/vm-layout.rst in the kernel's documentation).
const KERNEL_START: u64 = 1 << 63;

/// A file whose symbols could not be read.
#[derive(Debug)]
pub(in crate::inspect) struct UnreadableSymbols {
    /// The file name, without directories.
    pub(in crate::inspect) file_name: Vec<u8>,
    /// The reason, as a phrase.
    pub(in crate::inspect) reason: &'static str,
}

/// Finds the locations of addresses of a process. Also returns the files whose symbols could
/// not be read. Their locations have no function names.
pub(in crate::inspect) fn symbolize(
    root: &ProcRoot,
    pid: u32,
    maps: &Maps,
    addresses: &[u64],
) -> (Vec<CodeLocation>, Vec<UnreadableSymbols>) {
    let mut unreadable = Vec::new();
    let mut locations: Vec<CodeLocation> =
        addresses.iter().map(|address| locate_in_maps(maps, *address)).collect();
    let mapped_file =
        |location: &CodeLocation| maps.find(location.address).filter(|mapping| mapping.is_file());
    let mut resolved: Vec<&Mapping> = Vec::new();
    for index in 0..locations.len() {
        let Some(file) = mapped_file(&locations[index])
            .filter(|file| !resolved.iter().any(|mapping| mapping.is_same_file(file)))
        else {
            continue;
        };
        resolved.push(file);
        let is_in_file = |location: &&mut CodeLocation| {
            mapped_file(location).is_some_and(|mapping| mapping.is_same_file(file))
        };
        let (path, is_deleted) = mapped_path(root, pid, file);
        let region = Region::File { path: path.to_vec(), is_deleted };
        let file_name = region.name().unwrap_or_default().to_vec();
        let mut in_file: Vec<&mut CodeLocation> = locations.iter_mut().filter(is_in_file).collect();
        in_file.iter_mut().for_each(|location| location.region = region.clone());
        if let Err(reason) = resolve_file_symbols(root, pid, file, maps, in_file) {
            unreadable.push(UnreadableSymbols { file_name, reason });
        }
    }
    (locations, unreadable)
}

/// Returns the location of an address as the memory map shows it, without a function.
fn locate_in_maps(maps: &Maps, address: u64) -> CodeLocation {
    let Some(mapping) = maps.find(address) else {
        let region = if address >= KERNEL_START { Region::Kernel } else { Region::Unmapped };
        return CodeLocation { region, ..CodeLocation::unknown(address) };
    };
    let file_start = maps.first_of_same_file(mapping).map_or(mapping.start, |first| first.start);
    let (region, region_offset) = if mapping.is_file() {
        let (path, is_deleted) = mapping.path_and_deleted();
        (Region::File { path: path.to_vec(), is_deleted }, Some(address - file_start))
    } else if mapping.name.is_empty() {
        (Region::Anonymous, None)
    } else {
        (Region::KernelNamed(mapping.name.clone()), Some(address - mapping.start))
    };
    CodeLocation { address, region, is_executable: mapping.executable, region_offset, symbol: None }
}

/// Sets the virtual addresses and functions of locations in one file.
///
/// # Errors
/// Returns the reason why the file cannot be read, as a phrase.
fn resolve_file_symbols(
    root: &ProcRoot,
    pid: u32,
    mapping: &Mapping,
    maps: &Maps,
    mut locations: Vec<&mut CodeLocation>,
) -> Result<(), &'static str> {
    let file = open_mapped_file(root, pid, mapping)?;
    let query = |location: &&mut CodeLocation| {
        let mapping = maps.find(location.address).unwrap_or(mapping);
        SymbolQuery::at_offset(mapping.offset.saturating_add(location.address - mapping.start))
    };
    let mut queries: Vec<SymbolQuery> = locations.iter().map(query).collect();
    let Some(elf_info) = elf::resolve_symbols(&file, &mut queries) else { return Ok(()) };
    if let Some(build_id) = elf_info.build_id.filter(|_| !elf_info.has_symtab)
        && queries.iter().any(|query| query.symbol.is_none())
        && let Some(debug_file) = open_debug_file(root, pid, &build_id)
    {
        elf::resolve_symbols(&debug_file, &mut queries);
    }
    for (location, query) in locations.iter_mut().zip(queries) {
        location.region_offset = query.virtual_address.or(location.region_offset);
        location.symbol = query.symbol.map(|(name, offset)| FunctionOffset { name: demangle(&name), offset });
    }
    Ok(())
}

/// Returns the path of a mapped file, and `true` if the file was deleted. The kernel appends
/// " (deleted)" to the name of a deleted file, but a file can have such a name. Then a file
/// with this name exists, and it is the mapped one.
fn mapped_path<'a>(root: &ProcRoot, pid: u32, mapping: &'a Mapping) -> (&'a [u8], bool) {
    let (path, is_deleted) = mapping.path_and_deleted();
    let exists_below = |root: &Path| {
        let found = RootDirectory::find(root).and_then(|root| root.find_file(as_path(&mapping.name)));
        found.is_ok_and(|found| found.inode() == mapping.inode)
    };
    let target_root = root.directory().join(format!("{pid}/root"));
    match is_deleted && (exists_below(&target_root) || exists_below(Path::new("/"))) {
        true => (&mapping.name, false),
        false => (path, is_deleted),
    }
}

/// Opens the mapped file. The target controls the files at its paths, so a file is opened only
/// if it is the mapped one.
///
/// # Errors
/// Returns the reason why the file cannot be opened, as a phrase.
fn open_mapped_file(root: &ProcRoot, pid: u32, mapping: &Mapping) -> Result<File, &'static str> {
    let proc_path = |name: &str| root.directory().join(format!("{pid}/{name}"));
    let mut is_denied = false;
    let mut note = |error: io::Error| is_denied |= error.kind() == io::ErrorKind::PermissionDenied;
    // The link in map_files leads to the mapped file even if it was renamed or deleted. It
    // needs CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE.
    let link = proc_path(&format!("map_files/{:x}-{:x}", mapping.start, mapping.end));
    match RegularFile::find(&link).and_then(|found| found.open()) {
        Ok(file) => return Ok(file),
        Err(error) => note(error),
    }
    // Next: the path in the target's root, also in another mount namespace, and the link to
    // the executable. After a chroot(2) of the target the path belongs to our own root, unless
    // our root differs, too.
    let find_below = |root: &Path| -> Vec<io::Result<RegularFile>> {
        match RootDirectory::find(root) {
            Ok(root) => mapping.candidate_paths().iter().map(|path| root.find_file(as_path(path))).collect(),
            Err(error) => vec![Err(error)],
        }
    };
    let candidates = find_below(&proc_path("root")).into_iter().chain([RegularFile::find(&proc_path("exe"))]);
    let candidates: Vec<RegularFile> = candidates.filter_map(|found| found.map_err(&mut note).ok()).collect();
    let own_candidates = || find_below(Path::new("/")).into_iter().filter_map(Result::ok);
    let has_same_inode = |found: &&RegularFile| found.inode() == mapping.inode;
    let is_mapped_file = |found: &RegularFile| has_same_inode(&found) && found.device() == mapping.device;
    let opened = candidates.iter().find(|found| is_mapped_file(found)).map(RegularFile::open);
    let opened = opened.or_else(|| own_candidates().find(is_mapped_file).map(|found| found.open()));
    // The same inode number on another device is another file, and opening it may have side
    // effects. The inode number is enough only if the devices cannot be compared. Then a wrong
    // file can give wrong names at worst.
    let may_be_mapped_file = |found: &&RegularFile| has_same_inode(found) && found.is_device_unreliable();
    let opened = opened.or_else(|| candidates.iter().find(may_be_mapped_file).map(RegularFile::open));
    match opened {
        Some(Ok(file)) => return Ok(file),
        Some(Err(error)) => note(error),
        None => {}
    }
    Err(if is_denied { "permission denied" } else { "its file is not found" })
}

/// Opens the file with the debug symbols of a build: below the target's root, else below our
/// own.
fn open_debug_file(root: &ProcRoot, pid: u32, build_id: &[u8]) -> Option<File> {
    let (first, rest) = build_id.split_first()?;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let path = format!("{BUILD_ID_DIR}/{first:02x}/{}.debug", hex(rest));
    let roots = [root.directory().join(format!("{pid}/root")), PathBuf::from("/")];
    roots.iter().find_map(|root| {
        // No mapping exists to compare this file with. It must have the same build ID, and it
        // must not be a file of a kernel file system, because reading such a file can have
        // side effects.
        let found = RootDirectory::find(root).ok()?.find_file(Path::new(&path)).ok()?;
        let file = found.is_stored().then(|| found.open().ok()).flatten()?;
        let is_same_build = elf::resolve_symbols(&file, &mut [])?.build_id.as_deref() == Some(build_id);
        is_same_build.then_some(file)
    })
}

fn as_path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_addresses_are_symbolized() {
        let root = ProcRoot::default();
        let pid = std::process::id();
        let maps = root.maps(pid, [], crate::sys::io::reader::read).unwrap();
        let function = own_addresses_are_symbolized as fn() as usize as u64;
        let stack = &raw const maps as u64;
        let (locations, unreadable) = symbolize(&root, pid, &maps, &[function, stack, 0x10, function + 1]);
        assert!(unreadable.is_empty(), "{unreadable:?}");
        assert!(matches!(&locations[0].region, Region::File { is_deleted: false, .. }), "{locations:?}");
        let symbol = locations[0].symbol.as_ref().unwrap();
        assert_eq!(symbol.offset + 1, locations[3].symbol.as_ref().unwrap().offset);
        assert!(
            !locations[0].faults_when_called()
                && locations[1].faults_when_called()
                && locations[2].faults_when_called()
        );
        assert_eq!(locations[2].region, Region::Unmapped);
        let (high, _) = symbolize(&root, pid, &maps, &[KERNEL_START - 1, KERNEL_START, u64::MAX]);
        let regions: Vec<_> =
            high.iter().map(|location| (location.region.clone(), location.faults_when_called())).collect();
        assert_eq!(regions, [(Region::Unmapped, true), (Region::Kernel, true), (Region::Kernel, true)]);
        assert!(locations[0].region_name().unwrap().starts_with(b"sigtool"));
    }
}

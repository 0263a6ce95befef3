//! From addresses of a process to functions, by what it has mapped.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::demangle::demangle;
use super::elf::{self, SymbolQuery};
use super::location::{CodeLocation, FunctionOffset, Region};
use crate::inspect::report::Unavailable;
use crate::procfs::{Mapping, Maps, ProcRoot};
use crate::sys::io::file::{RegularFile, RootDirectory};

/// Where distributions put symbols that they strip from programs (gdb's
/// documentation, "Separate Debug Files").
const BUILD_ID_DIR: &str = "/usr/lib/debug/.build-id";

/// From here on, addresses are the kernel's, on every architecture that has so
/// many (x86/x86_64/mm.rst, arm64/memory.rst and riscv/vm-layout.rst in the
/// kernel's documentation).
const KERNEL_START: u64 = 1 << 63;

/// Finds where addresses of a process lie. Files whose symbols may not be read
/// are told: then there are fewer names, but no error.
pub(in crate::inspect) fn symbolize(
    root: &ProcRoot,
    pid: u32,
    maps: &Maps,
    addresses: &[u64],
) -> (Vec<CodeLocation>, Vec<Unavailable>) {
    let mut unseen = Vec::new();
    let mut places: Vec<CodeLocation> =
        addresses.iter().map(|address| locate_in_maps(maps, *address)).collect();
    let mapping = |place: &CodeLocation| maps.find(place.address).filter(|mapping| mapping.is_file());
    let mut done: Vec<&Mapping> = Vec::new();
    for index in 0..places.len() {
        let Some(file) = mapping(&places[index]).filter(|file| !done.iter().any(|of| of.is_same_file(file)))
        else {
            continue;
        };
        done.push(file);
        let within =
            |place: &&mut CodeLocation| mapping(place).is_some_and(|mapping| mapping.is_same_file(file));
        let (path, deleted) = mapped_path(root, pid, file);
        let area = Region::File { path: path.to_vec(), is_deleted: deleted };
        let library = area.name().unwrap_or_default().to_vec();
        let mut within: Vec<&mut CodeLocation> = places.iter_mut().filter(within).collect();
        within.iter_mut().for_each(|place| place.region = area.clone());
        if let Err(why) = resolve_file_symbols(root, pid, file, maps, within) {
            unseen.push(Unavailable::Symbols { file_name: library, reason: why });
        }
    }
    (places, unseen)
}

/// What the mappings tell of an address.
fn locate_in_maps(maps: &Maps, address: u64) -> CodeLocation {
    let Some(mapping) = maps.find(address) else {
        let area = if address >= KERNEL_START { Region::Kernel } else { Region::Unmapped };
        return CodeLocation { region: area, ..CodeLocation::unknown(address) };
    };
    let lowest = maps.first_of_same_file(mapping).map_or(mapping.start, |lowest| lowest.start);
    let (area, offset) = if mapping.is_file() {
        let (path, deleted) = mapping.path_and_deleted();
        (Region::File { path: path.to_vec(), is_deleted: deleted }, Some(address - lowest))
    } else if mapping.name.is_empty() {
        (Region::Anonymous, None)
    } else {
        (Region::KernelNamed(mapping.name.clone()), Some(address - mapping.start))
    };
    CodeLocation {
        address,
        region: area,
        is_executable: mapping.executable,
        region_offset: offset,
        symbol: None,
    }
}

/// Gives places of one file their addresses in it and their functions.
///
/// # Errors
/// Why the file may not be read, in words.
fn resolve_file_symbols(
    root: &ProcRoot,
    pid: u32,
    file: &Mapping,
    maps: &Maps,
    mut places: Vec<&mut CodeLocation>,
) -> Result<(), &'static str> {
    let opened = open_mapped_file(root, pid, file)?;
    let spot = |place: &&mut CodeLocation| {
        let mapping = maps.find(place.address).unwrap_or(file);
        SymbolQuery::at_offset(mapping.offset.saturating_add(place.address - mapping.start))
    };
    let mut spots: Vec<SymbolQuery> = places.iter().map(spot).collect();
    let Some(identity) = elf::resolve_symbols(&opened, &mut spots) else { return Ok(()) };
    if let Some(id) = identity.build_id.filter(|_| !identity.has_symtab)
        && spots.iter().any(|spot| spot.symbol.is_none())
        && let Some(symbols) = open_debug_file(root, pid, &id)
    {
        elf::resolve_symbols(&symbols, &mut spots);
    }
    for (place, spot) in places.iter_mut().zip(spots) {
        place.region_offset = spot.virtual_address.or(place.region_offset);
        place.symbol = spot.symbol.map(|(name, offset)| FunctionOffset { name: demangle(&name), offset });
    }
    Ok(())
}

/// The path of a file that is mapped, and whether it has been deleted. The
/// kernel marks a deleted file by the end of its name, but a file may be named
/// so: then a file of this name is there, and it is the one that is mapped.
fn mapped_path<'a>(root: &ProcRoot, pid: u32, mapping: &'a Mapping) -> (&'a [u8], bool) {
    let (path, deleted) = mapping.path_and_deleted();
    let is_there = |root: &Path| {
        let found = RootDirectory::find(root).and_then(|root| root.find_file(as_path(&mapping.name)));
        found.is_ok_and(|found| found.inode() == mapping.inode)
    };
    let inside = root.directory().join(format!("{pid}/root"));
    match deleted && (is_there(&inside) || is_there(Path::new("/"))) {
        true => (&mapping.name, false),
        false => (path, deleted),
    }
}

/// Opens the file that is mapped. The target chooses what lies at its paths, so
/// that nothing but this file is opened.
///
/// # Errors
/// Why it cannot be opened, in words.
fn open_mapped_file(root: &ProcRoot, pid: u32, mapping: &Mapping) -> Result<File, &'static str> {
    let of = |what: &str| root.directory().join(format!("{pid}/{what}"));
    let mut denied = false;
    let mut note = |error: io::Error| denied |= error.kind() == io::ErrorKind::PermissionDenied;
    // The kernel's own link means the file that is mapped there, whatever has
    // become of its name. It needs CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE.
    let link = of(&format!("map_files/{:x}-{:x}", mapping.start, mapping.end));
    match RegularFile::find(&link).and_then(|found| found.open()) {
        Ok(file) => return Ok(file),
        Err(error) => note(error),
    }
    // By its path in the target's root, also in another mount namespace; by the
    // kernel's link to the program. After a chroot(2) the path is that of our
    // own root, unless ours is another, too.
    let below = |root: &Path| -> Vec<io::Result<RegularFile>> {
        match RootDirectory::find(root) {
            Ok(root) => mapping.candidate_paths().iter().map(|path| root.find_file(as_path(path))).collect(),
            Err(error) => vec![Err(error)],
        }
    };
    let inside = below(&of("root")).into_iter().chain([RegularFile::find(&of("exe"))]);
    let inside: Vec<RegularFile> = inside.filter_map(|found| found.map_err(&mut note).ok()).collect();
    let outside = || below(Path::new("/")).into_iter().filter_map(Result::ok);
    let same_inode = |found: &&RegularFile| found.inode() == mapping.inode;
    let same = |found: &RegularFile| same_inode(&found) && found.device() == mapping.device;
    let found = inside.iter().find(|found| same(found)).map(RegularFile::open);
    let found = found.or_else(|| outside().find(same).map(|found| found.open()));
    // The same inode of another device is another file, and may be one whose
    // opening has effects. Only where the devices cannot be compared, the inode
    // has to do: then a wrong file gives wrong names at worst.
    let has_device_of_its_own = |found: &&RegularFile| same_inode(found) && found.is_device_unreliable();
    let found = found.or_else(|| inside.iter().find(has_device_of_its_own).map(RegularFile::open));
    match found {
        Some(Ok(file)) => return Ok(file),
        Some(Err(error)) => note(error),
        None => {}
    }
    Err(if denied { "permission denied" } else { "file not found" })
}

/// The file of symbols for a build: the target's, else our own.
fn open_debug_file(root: &ProcRoot, pid: u32, id: &[u8]) -> Option<File> {
    let (first, rest) = id.split_first()?;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let path = format!("{BUILD_ID_DIR}/{first:02x}/{}.debug", hex(rest));
    let roots = [root.directory().join(format!("{pid}/root")), PathBuf::from("/")];
    roots.iter().find_map(|root| {
        // Nothing is mapped that this file could be compared with. Its build id
        // must be the same, and it must not be one of the kernel's, which reading
        // may change.
        let found = RootDirectory::find(root).ok()?.find_file(Path::new(&path)).ok()?;
        let file = found.is_stored().then(|| found.open().ok()).flatten()?;
        let same = elf::resolve_symbols(&file, &mut [])?.build_id.as_deref() == Some(id);
        same.then_some(file)
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
        let maps = root.maps(pid, [], crate::sys::reader::read).unwrap();
        let function = own_addresses_are_symbolized as fn() as usize as u64;
        let stack = &raw const maps as u64;
        let (places, unseen) = symbolize(&root, pid, &maps, &[function, stack, 0x10, function + 1]);
        assert!(unseen.is_empty(), "{unseen:?}");
        assert!(matches!(&places[0].region, Region::File { is_deleted: false, .. }), "{places:?}");
        let symbol = places[0].symbol.as_ref().unwrap();
        assert_eq!(symbol.offset + 1, places[3].symbol.as_ref().unwrap().offset);
        assert!(
            !places[0].faults_when_called()
                && places[1].faults_when_called()
                && places[2].faults_when_called()
        );
        assert_eq!(places[2].region, Region::Unmapped);
        let (beyond, _) = symbolize(&root, pid, &maps, &[KERNEL_START - 1, KERNEL_START, u64::MAX]);
        let areas: Vec<_> =
            beyond.iter().map(|place| (place.region.clone(), place.faults_when_called())).collect();
        assert_eq!(areas, [(Region::Unmapped, true), (Region::Kernel, true), (Region::Kernel, true)]);
        assert!(places[0].region_name().unwrap().starts_with(b"sigtool"));
    }
}

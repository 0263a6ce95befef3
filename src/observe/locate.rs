//! From addresses of a process to functions, by what it has mapped.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::demangle::demangle;
use super::elf::{self, Spot};
use super::inside::Unseen;
use super::place::{Area, Place, Symbol};
use crate::proc::{Mapping, Maps, Root};
use crate::sys::file::{RegularFile, RootDirectory};

/// Where distributions put symbols that they strip from programs (gdb's
/// documentation, "Separate Debug Files").
const DEBUG_FILES: &str = "/usr/lib/debug/.build-id";

/// From here on, addresses are the kernel's, on every architecture that has so
/// many (x86/x86_64/mm.rst, arm64/memory.rst and riscv/vm-layout.rst in the
/// kernel's documentation).
const KERNEL: u64 = 1 << 63;

/// Finds where addresses of a process lie. Files whose symbols may not be read
/// are told: then there are fewer names, but no error.
pub(super) fn locate(root: &Root, pid: u32, maps: &Maps, addresses: &[u64]) -> (Vec<Place>, Vec<Unseen>) {
    let mut unseen = Vec::new();
    let mut places: Vec<Place> = addresses.iter().map(|address| place(maps, *address)).collect();
    let mapping = |place: &Place| maps.find(place.address).filter(|mapping| mapping.is_file());
    let mut done: Vec<&Mapping> = Vec::new();
    for index in 0..places.len() {
        let Some(file) = mapping(&places[index]).filter(|file| !done.iter().any(|of| of.is_same_file(file)))
        else {
            continue;
        };
        done.push(file);
        let within = |place: &&mut Place| mapping(place).is_some_and(|mapping| mapping.is_same_file(file));
        let (path, deleted) = named(root, pid, file);
        let area = Area::File { path: path.to_vec(), deleted };
        let library = area.name().unwrap_or_default().to_vec();
        let mut within: Vec<&mut Place> = places.iter_mut().filter(within).collect();
        within.iter_mut().for_each(|place| place.area = area.clone());
        if let Err(why) = name(root, pid, file, maps, within) {
            unseen.push(Unseen::Symbols { library, why });
        }
    }
    (places, unseen)
}

/// What the mappings tell of an address.
fn place(maps: &Maps, address: u64) -> Place {
    let Some(mapping) = maps.find(address) else {
        let area = if address >= KERNEL { Area::Kernel } else { Area::Unmapped };
        return Place { area, ..Place::unknown(address) };
    };
    let lowest = maps.lowest(mapping).map_or(mapping.start, |lowest| lowest.start);
    let (area, offset) = if mapping.is_file() {
        let (path, deleted) = mapping.path();
        (Area::File { path: path.to_vec(), deleted }, Some(address - lowest))
    } else if mapping.name.is_empty() {
        (Area::Anonymous, None)
    } else {
        (Area::Named(mapping.name.clone()), Some(address - mapping.start))
    };
    Place { address, area, executable: mapping.executable, offset, symbol: None }
}

/// Gives places of one file their addresses in it and their functions.
///
/// # Errors
/// Why the file may not be read, in words.
fn name(
    root: &Root,
    pid: u32,
    file: &Mapping,
    maps: &Maps,
    mut places: Vec<&mut Place>,
) -> Result<(), &'static str> {
    let opened = open(root, pid, file)?;
    let spot = |place: &&mut Place| {
        let mapping = maps.find(place.address).unwrap_or(file);
        Spot::at(mapping.offset.saturating_add(place.address - mapping.start))
    };
    let mut spots: Vec<Spot> = places.iter().map(spot).collect();
    let Some(identity) = elf::look_up(&opened, &mut spots) else { return Ok(()) };
    if let Some(id) = identity.build_id.filter(|_| !identity.is_complete)
        && spots.iter().any(|spot| spot.symbol.is_none())
        && let Some(symbols) = debug_file(root, pid, &id)
    {
        elf::look_up(&symbols, &mut spots);
    }
    for (place, spot) in places.iter_mut().zip(spots) {
        place.offset = spot.address.or(place.offset);
        place.symbol = spot.symbol.map(|(name, offset)| Symbol { name: demangle(&name), offset });
    }
    Ok(())
}

/// The path of a file that is mapped, and whether it has been deleted. The
/// kernel marks a deleted file by the end of its name, but a file may be named
/// so: then a file of this name is there, and it is the one that is mapped.
fn named<'a>(root: &Root, pid: u32, mapping: &'a Mapping) -> (&'a [u8], bool) {
    let (path, deleted) = mapping.path();
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
fn open(root: &Root, pid: u32, mapping: &Mapping) -> Result<File, &'static str> {
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
            Ok(root) => mapping.paths().iter().map(|path| root.find_file(as_path(path))).collect(),
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
    let has_device_of_its_own = |found: &&RegularFile| same_inode(found) && found.has_device_of_its_own();
    let found = found.or_else(|| inside.iter().find(has_device_of_its_own).map(RegularFile::open));
    match found {
        Some(Ok(file)) => return Ok(file),
        Some(Err(error)) => note(error),
        None => {}
    }
    Err(if denied { "permission denied" } else { "its file is not found" })
}

/// The file of symbols for a build: the target's, else our own.
fn debug_file(root: &Root, pid: u32, id: &[u8]) -> Option<File> {
    let (first, rest) = id.split_first()?;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let path = format!("{DEBUG_FILES}/{first:02x}/{}.debug", hex(rest));
    let roots = [root.directory().join(format!("{pid}/root")), PathBuf::from("/")];
    roots.iter().find_map(|root| {
        // Nothing is mapped that this file could be compared with. Its build id
        // must be the same, and it must not be one of the kernel's, which reading
        // may change.
        let found = RootDirectory::find(root).ok()?.find_file(Path::new(&path)).ok()?;
        let file = found.is_stored().then(|| found.open().ok()).flatten()?;
        let same = elf::look_up(&file, &mut [])?.build_id.as_deref() == Some(id);
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
    fn places_of_this_program_are_found() {
        let root = Root::default();
        let pid = std::process::id();
        let maps = root.maps(pid, [], crate::sys::reader::read).unwrap();
        let function = places_of_this_program_are_found as fn() as usize as u64;
        let stack = &raw const maps as u64;
        let (places, unseen) = locate(&root, pid, &maps, &[function, stack, 0x10, function + 1]);
        assert!(unseen.is_empty(), "{unseen:?}");
        assert!(matches!(&places[0].area, Area::File { deleted: false, .. }), "{places:?}");
        let symbol = places[0].symbol.as_ref().unwrap();
        assert_eq!(symbol.offset + 1, places[3].symbol.as_ref().unwrap().offset);
        assert!(!places[0].is_fatal() && places[1].is_fatal() && places[2].is_fatal());
        assert_eq!(places[2].area, Area::Unmapped);
        let (beyond, _) = locate(&root, pid, &maps, &[KERNEL - 1, KERNEL, u64::MAX]);
        let areas: Vec<_> = beyond.iter().map(|place| (place.area.clone(), place.is_fatal())).collect();
        assert_eq!(areas, [(Area::Unmapped, true), (Area::Kernel, true), (Area::Kernel, true)]);
        assert!(places[0].library().unwrap().starts_with(b"sigtool"));
    }
}

//! From addresses of a process to functions, by what it has mapped.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::demangle::demangle;
use super::elf::{self, Spot};
use super::inside::Unseen;
use super::place::{Area, Place, Symbol};
use crate::proc::{Mapping, Maps, Root};
use crate::sys::file::{Plain, open_plain};

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
    let Some(plain) = open(root, pid, file) else { return Err(refused(root, pid, file)) };
    let spot = |place: &&mut Place| {
        let mapping = maps.find(place.address).unwrap_or(file);
        Spot::at(mapping.offset.saturating_add(place.address - mapping.start))
    };
    let mut spots: Vec<Spot> = places.iter().map(spot).collect();
    let Some(identity) = elf::look_up(&plain.file, &mut spots) else { return Ok(()) };
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

/// The path of a file that is mapped, and whether it is there no more. Who is
/// called as the kernel calls what is gone is told by the inode that is there.
fn named<'a>(root: &Root, pid: u32, mapping: &'a Mapping) -> (&'a [u8], bool) {
    let (path, deleted) = mapping.path();
    let inside = root.directory().join(format!("{pid}/root"));
    let outside = Path::new(OsStr::from_bytes(&mapping.name)).to_owned();
    let is_there = |path: PathBuf| std::fs::metadata(path).is_ok_and(|there| there.ino() == mapping.inode);
    match deleted && [below(&inside, &mapping.name), outside].into_iter().any(is_there) {
        true => (&mapping.name, false),
        false => (path, deleted),
    }
}

/// Why no way leads to the file that is mapped.
fn refused(root: &Root, pid: u32, mapping: &Mapping) -> &'static str {
    let inside = root.directory().join(format!("{pid}/root"));
    let paths = mapping.paths();
    // What is no more has its way by map_files alone, which takes rights, too.
    let link = root.directory().join(format!("{pid}/map_files/{:x}-{:x}", mapping.start, mapping.end));
    let mut paths = paths.iter().map(|path| below(&inside, path)).chain([link]);
    let denied = |path: PathBuf| {
        open_plain(&path).is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
    };
    if paths.any(denied) { "permission denied" } else { "its file is not found" }
}

/// Opens the file that is mapped: by its path in the target's mount namespace,
/// if that is still the same one, else by the kernel's own link to it.
fn open(root: &Root, pid: u32, mapping: &Mapping) -> Option<Plain> {
    let of = |what: &str| root.directory().join(format!("{pid}/{what}"));
    let inside = |path: Vec<u8>| below(&of("root"), &path);
    let paths: Vec<PathBuf> = mapping.paths().into_iter().map(inside).collect();
    let same_inode = |plain: &Plain| plain.inode == mapping.inode;
    let same = |plain: &Plain| same_inode(plain) && plain.device == mapping.device;
    let try_open = |path: &Path| open_plain(path).ok();
    let by_path = || paths.iter().filter_map(|path| try_open(path));
    // In a chroot(2) paths are told from outside of it.
    let outside =
        || mapping.paths().into_iter().filter_map(|path| try_open(Path::new(OsStr::from_bytes(&path))));
    let link = of(&format!("map_files/{:x}-{:x}", mapping.start, mapping.end));
    by_path()
        .chain(try_open(&of("exe")))
        .find(same)
        .or_else(|| try_open(&link))
        .or_else(|| outside().find(same))
        // Some file systems (btrfs) tell stat(2) another device.
        .or_else(|| by_path().find(same_inode))
}

/// The file of symbols for a build.
fn debug_file(root: &Root, pid: u32, id: &[u8]) -> Option<File> {
    let (first, rest) = id.split_first()?;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let path = format!("{DEBUG_FILES}/{first:02x}/{}.debug", hex(rest));
    let inside = below(&root.directory().join(format!("{pid}/root")), path.as_bytes());
    let plain = [inside, PathBuf::from(path)].iter().find_map(|path| open_plain(path).ok())?;
    let same = elf::look_up(&plain.file, &mut [])?.build_id.as_deref() == Some(id);
    same.then_some(plain.file)
}

/// A path that begins with a slash, below a folder.
fn below(folder: &Path, path: &[u8]) -> PathBuf {
    let slashes = path.iter().take_while(|byte| **byte == b'/').count();
    folder.join(OsStr::from_bytes(&path[slashes..]))
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

    #[test]
    fn a_path_stays_below_its_folder() {
        let folder = Path::new("/proc/1/root");
        assert_eq!(below(folder, b"/usr/bin/x"), Path::new("/proc/1/root/usr/bin/x"));
        assert_eq!(below(folder, b"//x"), Path::new("/proc/1/root/x"));
    }
}

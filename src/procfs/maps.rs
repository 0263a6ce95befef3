//! Memory mappings of a process, from /proc/PID/maps.

use super::{ProcReadError, ProcRoot, ReadMemory};

/// Upper bound for the file: the kernel allows 65530 mappings by default
/// (/proc/sys/vm/max_map_count), about 100 bytes each.
const MAX_FILE_SIZE: usize = 1 << 26;

/// Suffix that the kernel appends to the path of a deleted file.
const DELETED_SUFFIX: &[u8] = b" (deleted)";

/// The mappings of a process, sorted by address.
#[derive(Clone, Debug, Default)]
pub struct Maps(Vec<Mapping>);

/// A memory mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Its first address.
    pub start: u64,
    /// The first address after it.
    pub end: u64,
    /// True if its memory is executable.
    pub executable: bool,
    /// Its offset in the file, in bytes.
    pub offset: u64,
    /// The major and minor number of the device that contains the file.
    pub device: (u32, u32),
    /// The inode of the file on that device; 0 if no file is mapped.
    pub inode: u64,
    /// The path of the file, or the kernel's name for it (`[heap]`). Empty for
    /// anonymous memory.
    pub name: Vec<u8>,
}

impl Maps {
    /// Parses the file (proc_pid_maps(5)). Malformed lines are skipped.
    pub fn parse(text: &[u8]) -> Maps {
        let mut maps: Vec<Mapping> = text.split(|byte| *byte == b'\n').filter_map(Mapping::parse).collect();
        maps.sort_by_key(|mapping| mapping.start);
        Maps(maps)
    }

    /// Returns the mapping that contains an address.
    pub fn find(&self, address: u64) -> Option<&Mapping> {
        let count = self.0.partition_point(|mapping| mapping.start <= address);
        self.0[..count].last().filter(|mapping| address < mapping.end)
    }

    /// Returns the lowest mapping of the same file, which is its load address.
    pub fn first_of_same_file(&self, mapping: &Mapping) -> Option<&Mapping> {
        self.0.iter().find(|other| other.is_same_file(mapping))
    }

    /// Returns true if nothing is mapped, as for a zombie, a kernel thread, or a
    /// file that could not be read to its end.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Mapping {
    fn parse(line: &[u8]) -> Option<Mapping> {
        let mut rest = line;
        let mut next_field = || {
            let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
            let (field, remaining) = rest.split_at(end);
            rest = remaining.get(1..).unwrap_or_default();
            std::str::from_utf8(field).ok()
        };
        let hex = |digits: &str| u64::from_str_radix(digits, 16).ok();
        let (start, end) = next_field()?.split_once('-')?;
        let executable = next_field()?.as_bytes().get(2) == Some(&b'x');
        let offset = hex(next_field()?)?;
        let (major, minor) = next_field()?.split_once(':')?;
        let device = (u32::from_str_radix(major, 16).ok()?, u32::from_str_radix(minor, 16).ok()?);
        let inode = next_field()?.parse().ok()?;
        let blank_count = rest.iter().take_while(|byte| **byte == b' ').count();
        // The kernel escapes only the line feed (`seq_path` in
        // fs/proc/task_mmu.c).
        let name = replace_bytes(&rest[blank_count..], b"\\012", b"\n");
        Some(Mapping { start: hex(start)?, end: hex(end)?, executable, offset, device, inode, name })
    }

    /// Returns true if it maps a file that has a path.
    pub fn is_file(&self) -> bool {
        self.inode != 0 && self.name.starts_with(b"/")
    }

    /// Returns true if both map the same file.
    pub fn is_same_file(&self, other: &Mapping) -> bool {
        (self.device, self.inode, &self.name) == (other.device, other.inode, &other.name)
    }

    /// Returns the path without the kernel's mark for a deleted file, and true if
    /// the mark was present. The real name of a file can also end in this mark.
    pub fn path_and_deleted(&self) -> (&[u8], bool) {
        match self.name.strip_suffix(DELETED_SUFFIX) {
            Some(path) => (path, true),
            None => (&self.name, false),
        }
    }

    /// Returns the possible paths of the file. There are several because the
    /// kernel does not escape backslashes, and because the real name of a file
    /// can end in the mark for deleted files.
    pub fn candidate_paths(&self) -> Vec<Vec<u8>> {
        let mut paths = vec![self.name.clone()];
        if self.name.contains(&b'\n') {
            paths.push(replace_bytes(&self.name, b"\n", b"\\012"));
        }
        paths
    }

    /// Returns the last component of the path, or the whole name of a mapping
    /// without a file.
    pub fn file_name(&self) -> &[u8] {
        let (path, _) = self.path_and_deleted();
        let start = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
        if path.starts_with(b"/") { &path[start..] } else { path }
    }
}

/// Replaces each occurrence of some bytes in a text.
fn replace_bytes(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(index) = rest.windows(from.len()).position(|window| window == from) {
        replaced.extend_from_slice(&rest[..index]);
        replaced.extend_from_slice(to);
        rest = &rest[index + from.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}

impl ProcRoot {
    /// Reads the mappings of a process. If its main thread has exited, the file
    /// of the process is empty and the file of one of the `threads` is read
    /// instead.
    ///
    /// # Errors
    /// See [`ProcReadError`]; [`ProcReadError::PermissionDenied`] if it belongs
    /// to another user.
    pub fn maps(
        &self,
        pid: u32,
        threads: impl IntoIterator<Item = u32>,
        read: ReadMemory,
    ) -> Result<Maps, ProcReadError> {
        let mut maps = self.read_maps(&format!("{pid}/maps"), read)?;
        for tid in threads {
            if !maps.is_empty() {
                break;
            }
            // A thread that has exited in the meantime has no mappings.
            maps = self.read_maps(&format!("{pid}/task/{tid}/maps"), read).unwrap_or_default();
        }
        Ok(maps)
    }

    /// Reads a maps file within a deadline: the kernel takes the memory lock of
    /// the process, which a thread that waits for a page or changes the mappings
    /// can keep.
    fn read_maps(&self, path: &str, read: ReadMemory) -> Result<Maps, ProcReadError> {
        let mut text = Vec::new();
        let length = read(&self.directory().join(path), 0, &mut text, MAX_FILE_SIZE)?;
        if length == MAX_FILE_SIZE {
            return Err(std::io::Error::other("too large for a file in /proc").into());
        }
        Ok(Maps::parse(&text[..length]))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PYTHON: &[u8] = include_bytes!("../../tests/data/maps/python3");

    #[test]
    fn find_returns_mapping_of_address() {
        let maps = Maps::parse(PYTHON);
        let code = maps.find(0x7fef_a7a4_4000).unwrap();
        assert_eq!((code.start, code.end), (0x7fef_a7a4_4000, 0x7fef_a7b9_a000));
        assert_eq!((code.offset, code.device, code.inode), (0x26000, (0xfe, 0), 326_279));
        assert!(code.executable && code.is_file());
        assert_eq!(code.file_name(), b"libc.so.6");
        assert_eq!(maps.first_of_same_file(code).map(|lowest| lowest.start), Some(0x7fef_a7a1_e000));
        assert_eq!(maps.find(0x7fef_a7b9_9fff), Some(code));
        assert_ne!(maps.find(0x7fef_a7b9_a000), Some(code));
        for address in [0, 1, 0x1000, 0x562c_a82e_dfff, u64::MAX] {
            assert_eq!(maps.find(address), None, "{address:x}");
        }
        let anonymous = maps.find(0x7fef_a750_9000).unwrap();
        assert!(anonymous.name.is_empty() && !anonymous.is_file());
        let vdso = maps.find(0x7fef_a835_c010).unwrap();
        assert!(!vdso.is_file() && vdso.file_name() == b"[vdso]");
    }

    #[test]
    fn parse_keeps_arbitrary_name_bytes() {
        let maps = Maps::parse(PYTHON);
        for (start, name, paths) in [
            (0x7fef_a76f_6000, &b"br\xffoken"[..], 1),
            (0x7fef_a834_b000, b"sp ace", 1),
            (0x7fef_a834_c000, b"two\nlines", 2),
            (0x7fef_a763_f000, b"back\nslash", 2),
            (0x7fef_a76f_5000, b"gone", 1),
            (0x7fef_a763_e000, b"memfd:jit", 1),
        ] {
            let mapping = maps.find(start).unwrap();
            assert_eq!((mapping.file_name(), mapping.candidate_paths().len()), (name, paths));
        }
        let backslash = maps.find(0x7fef_a763_f000).unwrap();
        assert!(backslash.candidate_paths().contains(&b"/srv/app/back\\012slash".to_vec()));
        let deleted = maps.find(0x7fef_a76f_5000).unwrap();
        assert_eq!(deleted.path_and_deleted(), (&b"/srv/app/gone"[..], true));
    }

    /// Reads without a deadline, because the memory of this process is available.
    fn read_without_deadline(
        path: &std::path::Path,
        _: u64,
        buffer: &mut Vec<u8>,
        _: usize,
    ) -> std::io::Result<usize> {
        *buffer = std::fs::read(path)?;
        Ok(buffer.len())
    }

    #[test]
    fn reads_own_maps() {
        let address = reads_own_maps as fn() as usize as u64;
        let maps = ProcRoot::default().maps(std::process::id(), [], read_without_deadline).unwrap();
        assert!(maps.find(address).is_some_and(|mapping| mapping.executable && mapping.is_file()));
        let stack = &raw const maps as u64;
        assert!(maps.find(stack).is_some_and(|mapping| !mapping.executable));
        assert!(matches!(
            ProcRoot::default().maps(4_194_305, [], read_without_deadline),
            Err(ProcReadError::Gone)
        ));
    }

    proptest! {
        #[test]
        fn parse_maps_never_panics(text: Vec<u8>, address: u64) {
            Maps::parse(&text).find(address);
        }

        #[test]
        fn parse_mapping_never_panics(tail in "[-0-9a-f: rwxps\\\\]{0,60}") {
            let maps = Maps::parse(format!("1000-2000 r-xp 0 0:0 {tail}\n{tail}").as_bytes());
            maps.find(0x1000);
        }
    }
}

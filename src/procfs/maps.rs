//! What memory of a process is mapped, and from where: /proc/PID/maps.

use super::{ProcReadError, ProcRoot, ReadMemory};

/// Longer than the longest: the kernel allows 65530 mappings
/// (/proc/sys/vm/max_map_count), a hundred bytes each, unless it is told to
/// allow more.
const MAX_FILE_SIZE: usize = 1 << 26;

/// What the kernel writes behind the name of a file that is no more.
const DELETED_SUFFIX: &[u8] = b" (deleted)";

/// The mappings of a process, by their addresses.
#[derive(Clone, Debug, Default)]
pub struct Maps(Vec<Mapping>);

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Its first address.
    pub start: u64,
    /// The first one behind it.
    pub end: u64,
    /// Whether what lies there may be executed.
    pub executable: bool,
    /// Where in the file it begins.
    pub offset: u64,
    /// The file's device: major and minor number.
    pub device: (u32, u32),
    /// The file's inode on it; 0 where no file is mapped.
    pub inode: u64,
    /// The file's path, or what the kernel calls it (`[heap]`); empty for
    /// anonymous memory.
    pub name: Vec<u8>,
}

impl Maps {
    /// Reads the file (proc_pid_maps(5)). Lines that are none of its are left
    /// out.
    pub fn parse(text: &[u8]) -> Maps {
        let mut maps: Vec<Mapping> = text.split(|byte| *byte == b'\n').filter_map(Mapping::parse).collect();
        maps.sort_by_key(|mapping| mapping.start);
        Maps(maps)
    }

    /// The mapping that an address lies in.
    pub fn find(&self, address: u64) -> Option<&Mapping> {
        let after = self.0.partition_point(|mapping| mapping.start <= address);
        self.0[..after].last().filter(|mapping| address < mapping.end)
    }

    /// The lowest mapping of the same file: where it was loaded.
    pub fn first_of_same_file(&self, of: &Mapping) -> Option<&Mapping> {
        self.0.iter().find(|mapping| mapping.is_same_file(of))
    }

    /// Whether nothing is mapped: of a zombie, a kernel thread, or in a text
    /// that could not be read to its end.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Mapping {
    fn parse(line: &[u8]) -> Option<Mapping> {
        let mut rest = line;
        let mut word = || {
            let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            rest = after.get(1..).unwrap_or_default();
            std::str::from_utf8(word).ok()
        };
        let hex = |digits: &str| u64::from_str_radix(digits, 16).ok();
        let (start, end) = word()?.split_once('-')?;
        let executable = word()?.as_bytes().get(2) == Some(&b'x');
        let offset = hex(word()?)?;
        let (major, minor) = word()?.split_once(':')?;
        let device = (u32::from_str_radix(major, 16).ok()?, u32::from_str_radix(minor, 16).ok()?);
        let inode = word()?.parse().ok()?;
        let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
        // Of all bytes only the line feed is escaped (`seq_path` in
        // fs/proc/task_mmu.c).
        let name = replace_bytes(&rest[blanks..], b"\\012", b"\n");
        Some(Mapping { start: hex(start)?, end: hex(end)?, executable, offset, device, inode, name })
    }

    /// Whether a file is mapped that has a path.
    pub fn is_file(&self) -> bool {
        self.inode != 0 && self.name.starts_with(b"/")
    }

    /// Whether both are of one file.
    pub fn is_same_file(&self, other: &Mapping) -> bool {
        (self.device, self.inode, &self.name) == (other.device, other.inode, &other.name)
    }

    /// The path without the mark of a file that is no more, and whether it bears
    /// that mark; a file may be called so, too.
    pub fn path_and_deleted(&self) -> (&[u8], bool) {
        match self.name.strip_suffix(DELETED_SUFFIX) {
            Some(path) => (path, true),
            None => (&self.name, false),
        }
    }

    /// The paths under which the file may lie: a backslash is not escaped, and
    /// a file may be named as if it were deleted.
    pub fn candidate_paths(&self) -> Vec<Vec<u8>> {
        let mut paths = vec![self.name.clone()];
        if self.name.contains(&b'\n') {
            paths.push(replace_bytes(&self.name, b"\n", b"\\012"));
        }
        paths
    }

    /// The last part of the path; what else is mapped, by its whole name.
    pub fn file_name(&self) -> &[u8] {
        let (path, _) = self.path_and_deleted();
        let after = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
        if path.starts_with(b"/") { &path[after..] } else { path }
    }
}

/// A text with each of these bytes replaced.
fn replace_bytes(text: &[u8], what: &[u8], by: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.windows(what.len()).position(|window| window == what) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(by);
        rest = &rest[at + what.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}

impl ProcRoot {
    /// The mappings of a process; those of one of its threads where the main
    /// thread has ended, whose own file is empty then.
    ///
    /// # Errors
    /// See [`ProcReadError`]; [`ProcReadError::PermissionDenied`] where it is another user's.
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
            // One that has ended meanwhile tells nothing.
            maps = self.read_maps(&format!("{pid}/task/{tid}/maps"), read).unwrap_or_default();
        }
        Ok(maps)
    }

    /// The kernel locks the memory for the text: whoever waits for a page of it, or
    /// changes it, may keep the lock.
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
        for nowhere in [0, 1, 0x1000, 0x562c_a82e_dfff, u64::MAX] {
            assert_eq!(maps.find(nowhere), None, "{nowhere:x}");
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
        let slash = maps.find(0x7fef_a763_f000).unwrap();
        assert!(slash.candidate_paths().contains(&b"/srv/app/back\\012slash".to_vec()));
        let gone = maps.find(0x7fef_a76f_5000).unwrap();
        assert_eq!(gone.path_and_deleted(), (&b"/srv/app/gone"[..], true));
    }

    /// Of this process, whose memory arrives.
    fn at_once(path: &std::path::Path, _: u64, buffer: &mut Vec<u8>, _: usize) -> std::io::Result<usize> {
        *buffer = std::fs::read(path)?;
        Ok(buffer.len())
    }

    #[test]
    fn reads_own_maps() {
        let address = reads_own_maps as fn() as usize as u64;
        let maps = ProcRoot::default().maps(std::process::id(), [], at_once).unwrap();
        assert!(maps.find(address).is_some_and(|mapping| mapping.executable && mapping.is_file()));
        let stack = &raw const maps as u64;
        assert!(maps.find(stack).is_some_and(|mapping| !mapping.executable));
        assert!(matches!(ProcRoot::default().maps(4_194_305, [], at_once), Err(ProcReadError::Gone)));
    }

    proptest! {
        #[test]
        fn parse_never_panics(text: Vec<u8>, address: u64) {
            Maps::parse(&text).find(address);
        }

        #[test]
        fn parse_line_never_panics(tail in "[-0-9a-f: rwxps\\\\]{0,60}") {
            let maps = Maps::parse(format!("1000-2000 r-xp 0 0:0 {tail}\n{tail}").as_bytes());
            maps.find(0x1000);
        }
    }
}

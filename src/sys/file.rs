//! Opening files whose names others have chosen.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// A plain file, open for reading, and which one it is.
#[derive(Debug)]
pub struct Plain {
    /// The file.
    pub file: File,
    /// The device it lies on: major and minor number.
    pub device: (u32, u32),
    /// Its inode there.
    pub inode: u64,
    /// Its length in bytes.
    pub length: u64,
}

/// Opens a plain file. A pipe or a device in its place neither holds us up nor
/// is read.
///
/// # Errors
/// What open(2) says, and that it is no plain file.
pub fn open_plain(path: &Path) -> io::Result<Plain> {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("not a plain file"));
    }
    let device = (libc::major(metadata.dev()), libc::minor(metadata.dev()));
    Ok(Plain { file, device, inode: metadata.ino(), length: metadata.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_files_are_opened() {
        let own = open_plain(Path::new("/proc/self/exe")).unwrap();
        assert!(own.inode > 0 && own.length > 1000);
        for other in ["/dev/null", "/", "/nowhere"] {
            assert!(open_plain(Path::new(other)).is_err(), "{other}");
        }
    }
}

//! Safe opening of files whose names another process chooses.
//!
//! That process can replace the file at any moment: by a FIFO that blocks the
//! open, by a device that acts when it is opened, by a symbolic link to either.
//! Therefore a file is first found with O_PATH, which has no effect on it. Only a
//! regular file is then opened, through the descriptor that was checked and not by
//! its name.

use std::ffi::CString;
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path};

use libc::{c_int, c_long};

/// The links to this process's own descriptors.
const OWN_DESCRIPTORS: &str = "/proc/self/fd";

/// The flags for finding a file. They need no permission to read the file, and have
/// no effect on it.
const FIND_FLAGS: c_int = libc::O_PATH | libc::O_CLOEXEC;
/// The flags for opening a regular file. With O_NONBLOCK the open fails, instead of
/// waiting, if another process has leased the file (fcntl(2)).
const READ_FLAGS: c_int = libc::O_RDONLY | libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;

/// A regular file that was found, but not opened.
#[derive(Debug)]
pub struct RegularFile {
    handle: File,
    /// The result of stat(2).
    pub metadata: Metadata,
}

impl RegularFile {
    /// Finds a regular file by its path. Follows symbolic links, also the magic
    /// links of the kernel in /proc/PID.
    ///
    /// # Errors
    /// The errors of open(2); an error if the file is not a regular file.
    pub fn find(path: &Path) -> io::Result<RegularFile> {
        RegularFile::from_handle(OpenOptions::new().read(true).custom_flags(FIND_FLAGS).open(path)?)
    }

    fn from_handle(handle: File) -> io::Result<RegularFile> {
        let metadata = handle.metadata()?;
        match metadata.is_file() {
            true => Ok(RegularFile { handle, metadata }),
            false => Err(io::Error::other("not a regular file")),
        }
    }

    /// Opens it for reading.
    ///
    /// # Errors
    /// The errors of open(2); an error if /proc, which leads from the descriptor to
    /// the file, is not mounted.
    pub fn open(&self) -> io::Result<File> {
        let flags = FIND_FLAGS | libc::O_DIRECTORY;
        let own = OpenOptions::new().read(true).custom_flags(flags).open(OWN_DESCRIPTORS)?;
        if file_system_magic(own.as_fd())? != libc::PROC_SUPER_MAGIC as u32 {
            return Err(io::Error::other("/proc is not mounted"));
        }
        open_below(own.as_fd(), self.handle.as_raw_fd().to_string().as_bytes(), READ_FLAGS)
    }

    /// The major and minor number of its device.
    pub fn device(&self) -> (u32, u32) {
        (libc::major(self.metadata.dev()), libc::minor(self.metadata.dev()))
    }

    /// The inode number of the file.
    pub fn inode(&self) -> u64 {
        self.metadata.ino()
    }

    /// Whether it is on btrfs or overlayfs. There stat(2) reports the device of the
    /// subvolume, or of no real file system, while /proc/PID/maps shows another one.
    pub fn is_device_unreliable(&self) -> bool {
        let unreliable = [libc::BTRFS_SUPER_MAGIC, libc::OVERLAYFS_SUPER_MAGIC].map(|magic| magic as u32);
        file_system_magic(self.handle.as_fd()).is_ok_and(|magic| unreliable.contains(&magic))
    }

    /// Whether its contents are stored. Files of /proc, sysfs and tracefs are
    /// regular, but the kernel generates their contents when they are read, which
    /// can have effects (/proc/kmsg).
    pub fn is_stored(&self) -> bool {
        self.metadata.len() > 0 && self.metadata.blocks() > 0
    }
}

/// A directory that is the root for paths, as after chroot(2): neither an absolute
/// symbolic link nor `..` leads out of it.
#[derive(Debug)]
pub struct RootDirectory(File);

impl RootDirectory {
    /// Finds the directory by its path.
    ///
    /// # Errors
    /// The errors of open(2).
    pub fn find(path: &Path) -> io::Result<RootDirectory> {
        let flags = FIND_FLAGS | libc::O_DIRECTORY;
        OpenOptions::new().read(true).custom_flags(flags).open(path).map(RootDirectory)
    }

    /// Finds a regular file below it. Does not follow the magic links of the kernel,
    /// such as /proc/PID/fd/N.
    ///
    /// # Errors
    /// The errors of openat2(2); an error if the file is not a regular file.
    pub fn find_file(&self, path: &Path) -> io::Result<RegularFile> {
        let handle = match self.resolve(path) {
            // Linux before 5.6, and seccomp filters that do not know openat2(2).
            // openat2(2) itself does not fail with EPERM for these flags.
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => self.walk(path),
            found => found,
        };
        RegularFile::from_handle(handle?)
    }

    fn resolve(&self, path: &Path) -> io::Result<File> {
        let path = CString::new(path.as_os_str().as_bytes())?;
        // SAFETY: zeroes are a valid open_how, without flags.
        let mut how: libc::open_how = unsafe { MaybeUninit::zeroed().assume_init() };
        how.flags = FIND_FLAGS as u64;
        how.resolve = libc::RESOLVE_IN_ROOT;
        // SAFETY: the path ends with a NUL, and the size is that of the structure.
        // Both outlive the call, which only reads them.
        to_file(unsafe {
            libc::syscall(
                libc::SYS_openat2,
                self.0.as_raw_fd(),
                path.as_ptr(),
                &raw const how,
                size_of::<libc::open_how>(),
            )
        })
    }

    /// Opens the components of the path one by one. Fails at a symbolic link, because
    /// its target below this directory is not known.
    fn walk(&self, path: &Path) -> io::Result<File> {
        let mut found = self.0.try_clone()?;
        for part in path.components() {
            match part {
                Component::RootDir | Component::CurDir => {}
                Component::Normal(name) => {
                    found = open_below(found.as_fd(), name.as_bytes(), FIND_FLAGS | libc::O_NOFOLLOW)?;
                }
                Component::ParentDir | Component::Prefix(_) => {
                    return Err(io::ErrorKind::InvalidInput.into());
                }
            }
        }
        Ok(found)
    }
}

/// Opens a file below a directory with openat(2).
fn open_below(directory: BorrowedFd<'_>, name: &[u8], flags: c_int) -> io::Result<File> {
    let name = CString::new(name)?;
    // SAFETY: the name ends with a NUL and outlives the call, which only reads it.
    to_file(unsafe { libc::openat(directory.as_raw_fd(), name.as_ptr(), flags) }.into())
}

/// The file that a system call has just opened, from the result of the call.
fn to_file(result: c_long) -> io::Result<File> {
    crate::sys::signal::send::check_syscall(result)?;
    let descriptor = c_int::try_from(result).map_err(io::Error::other)?;
    // SAFETY: the kernel has just opened this descriptor, and nothing else owns it.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(descriptor) }))
}

/// The magic number of the file system of an open file (statfs(2)).
pub(in crate::sys) fn file_system_magic(descriptor: BorrowedFd<'_>) -> io::Result<u32> {
    // Zeroes, in case a seccomp filter returns 0 in place of the kernel. No file
    // system has the magic number 0.
    let mut stat = MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: fstatfs(2) writes at most one statfs, which outlives the call.
    let result = unsafe { libc::fstatfs(descriptor.as_raw_fd(), stat.as_mut_ptr()) };
    crate::sys::signal::send::check_syscall(result.into())?;
    // SAFETY: zeroes are a valid statfs, and so is the result of the kernel.
    Ok(unsafe { stat.assume_init() }.f_type as u32)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use super::*;

    /// A temporary directory for one test, with a directory `etc`; removed when dropped.
    struct TempDir(PathBuf);

    impl TempDir {
        fn new(name: &str) -> TempDir {
            let path = std::env::temp_dir().join(format!("sigtool-{name}-{}", std::process::id()));
            std::fs::create_dir_all(path.join("etc")).unwrap();
            TempDir(path)
        }
    }

    impl Drop for TempDir {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn find_accepts_only_regular_files() {
        let own = RegularFile::find(Path::new("/proc/self/exe")).unwrap();
        assert!(own.is_stored());
        let opened = own.open().unwrap().metadata().unwrap();
        assert_eq!((opened.ino(), opened.dev()), (own.inode(), own.metadata.dev()));
        let directory = TempDir::new("socket");
        let socket = directory.0.join("socket");
        std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for other in [Path::new("/dev/null"), Path::new("/dev/ptmx"), Path::new("/"), &socket] {
            let error = RegularFile::find(other).unwrap_err();
            assert_eq!(error.to_string(), "not a regular file", "{other:?}");
        }
        assert!(RegularFile::find(Path::new("/nowhere")).is_err());
    }

    #[test]
    fn open_ignores_replacement_of_found_file() {
        let directory = TempDir::new("swapped");
        let (path, other) = (directory.0.join("file"), directory.0.join("other"));
        std::fs::write(&path, "found").unwrap();
        std::fs::write(&other, "other").unwrap();
        let found = RegularFile::find(&path).unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert_eq!(io::read_to_string(found.open().unwrap()).unwrap(), "found");
    }

    #[test]
    fn generated_files_are_not_stored() {
        for path in ["/proc/self/status", "/sys/kernel/notes", "/proc/kmsg"] {
            // Not every system has all of them.
            if let Ok(file) = RegularFile::find(Path::new(path)) {
                assert!(!file.is_stored(), "{path}");
            }
        }
    }

    #[test]
    fn paths_stay_inside_root_directory() {
        let directory = TempDir::new("root");
        let inside = directory.0.join("etc/passwd");
        std::fs::write(&inside, "inside").unwrap();
        symlink("/etc/passwd", directory.0.join("absolute")).unwrap();
        symlink("../../../../../../etc/passwd", directory.0.join("upwards")).unwrap();
        symlink("/etc", directory.0.join("folder")).unwrap();
        symlink("/proc/self/exe", directory.0.join("exe")).unwrap();
        let root = RootDirectory::find(&directory.0).unwrap();
        let inode = std::fs::metadata(&inside).unwrap().ino();
        let is_inside = |found: io::Result<File>| found.is_ok_and(|it| it.metadata().unwrap().ino() == inode);
        for path in ["/etc/passwd", "//etc/./passwd", "etc/passwd"] {
            assert!(is_inside(root.resolve(Path::new(path))), "{path}");
            assert!(is_inside(root.walk(Path::new(path))), "{path}");
        }
        for link in ["/absolute", "/upwards", "/folder/passwd", "/../etc/passwd"] {
            assert!(is_inside(root.resolve(Path::new(link))), "{link}");
            let walked = root.walk(Path::new(link)).and_then(RegularFile::from_handle);
            assert!(walked.is_err(), "{link}: walk follows no links");
        }
        assert!(root.find_file(Path::new("/exe")).is_err());
        assert!(root.find_file(Path::new("/etc")).is_err());
        let own = RootDirectory::find(Path::new("/")).unwrap();
        assert!(own.find_file(Path::new("/proc/self/exe")).is_err(), "a magic link");
    }
}

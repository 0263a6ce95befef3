//! Opening files whose names others choose.
//!
//! Whoever chooses a name can put anything in its place at any moment: a FIFO
//! that a writer waits for, a device that acts when it is opened, a symbolic
//! link to either. So every such file is found first, by O_PATH, which has no
//! effect on it. Only if it is a regular file is it opened, and through the
//! descriptor that was checked, not by its name again.

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

/// What finding needs: no right to read the file, and no effect on it.
const FIND_FLAGS: c_int = libc::O_PATH | libc::O_CLOEXEC;
/// What opening a regular file needs. It never waits: O_NONBLOCK makes a file
/// that another process has leased (fcntl(2)) an error.
const READ_FLAGS: c_int = libc::O_RDONLY | libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;

/// A regular file that was found, but not opened.
#[derive(Debug)]
pub struct RegularFile {
    handle: File,
    /// What stat(2) reports of it.
    pub metadata: Metadata,
}

impl RegularFile {
    /// Finds a regular file by its path. Symbolic links are followed, also the
    /// kernel's own in /proc/PID.
    ///
    /// # Errors
    /// What open(2) says, and that it is not a regular file.
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
    /// What open(2) says; and that /proc, which leads from the descriptor to
    /// the file, is not mounted.
    pub fn open(&self) -> io::Result<File> {
        let flags = FIND_FLAGS | libc::O_DIRECTORY;
        let own = OpenOptions::new().read(true).custom_flags(flags).open(OWN_DESCRIPTORS)?;
        if file_system_magic(own.as_fd())? != libc::PROC_SUPER_MAGIC as u32 {
            return Err(io::Error::other("/proc is not mounted"));
        }
        open_below(own.as_fd(), self.handle.as_raw_fd().to_string().as_bytes(), READ_FLAGS)
    }

    /// Its device: major and minor number.
    pub fn device(&self) -> (u32, u32) {
        (libc::major(self.metadata.dev()), libc::minor(self.metadata.dev()))
    }

    /// Its inode on the device.
    pub fn inode(&self) -> u64 {
        self.metadata.ino()
    }

    /// Whether it lies on btrfs or overlayfs. There stat(2) reports a device that
    /// /proc/PID/maps does not: that of the subvolume, or of no real file system.
    pub fn is_device_unreliable(&self) -> bool {
        let those = [libc::BTRFS_SUPER_MAGIC, libc::OVERLAYFS_SUPER_MAGIC].map(|magic| magic as u32);
        file_system_magic(self.handle.as_fd()).is_ok_and(|found| those.contains(&found))
    }

    /// Whether its contents are stored. Files of /proc, sysfs and tracefs are
    /// regular, but the kernel makes their contents when they are read, which can
    /// have effects (/proc/kmsg).
    pub fn is_stored(&self) -> bool {
        self.metadata.len() > 0 && self.metadata.blocks() > 0
    }
}

/// A directory that is the root for the paths below it, as chroot(2) makes one:
/// neither an absolute symbolic link nor `..` leads out of it.
#[derive(Debug)]
pub struct RootDirectory(File);

impl RootDirectory {
    /// Finds the directory.
    ///
    /// # Errors
    /// What open(2) says.
    pub fn find(path: &Path) -> io::Result<RootDirectory> {
        let flags = FIND_FLAGS | libc::O_DIRECTORY;
        OpenOptions::new().read(true).custom_flags(flags).open(path).map(RootDirectory)
    }

    /// Finds a regular file below it. The kernel's own links, such as
    /// /proc/PID/fd/N, are not followed.
    ///
    /// # Errors
    /// What openat2(2) says, and that it is not a regular file.
    pub fn find_file(&self, path: &Path) -> io::Result<RegularFile> {
        let handle = match self.resolve(path) {
            // Before Linux 5.6, and under seccomp filters that do not know
            // openat2(2). Finding gives no EPERM of its own.
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => self.walk(path),
            found => found,
        };
        RegularFile::from_handle(handle?)
    }

    fn resolve(&self, path: &Path) -> io::Result<File> {
        let path = CString::new(path.as_os_str().as_bytes())?;
        // SAFETY: zeroes are a valid open_how: no flags.
        let mut how: libc::open_how = unsafe { MaybeUninit::zeroed().assume_init() };
        how.flags = FIND_FLAGS as u64;
        how.resolve = libc::RESOLVE_IN_ROOT;
        // SAFETY: the path ends with a NUL, and the size is that of the structure;
        // both outlive the call, which only reads them.
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

    /// Goes down the path step by step. Symbolic links are errors: what they
    /// mean below this directory is not known.
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

/// openat(2).
fn open_below(directory: BorrowedFd<'_>, name: &[u8], flags: c_int) -> io::Result<File> {
    let name = CString::new(name)?;
    // SAFETY: the name ends with a NUL and outlives the call, which only reads it.
    to_file(unsafe { libc::openat(directory.as_raw_fd(), name.as_ptr(), flags) }.into())
}

/// The file that a system call has just opened.
fn to_file(answer: c_long) -> io::Result<File> {
    crate::sys::signal::send::check_syscall(answer)?;
    let descriptor = c_int::try_from(answer).map_err(io::Error::other)?;
    // SAFETY: the kernel has just given this descriptor to us alone.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(descriptor) }))
}

/// The magic number of the file system that a descriptor is on (statfs(2)).
pub(in crate::sys) fn file_system_magic(descriptor: BorrowedFd<'_>) -> io::Result<u32> {
    // Zeroes, which are no file system's number, in case a seccomp filter answers
    // 0 instead of the kernel.
    let mut found = MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: fstatfs(2) writes at most one statfs, which outlives the call.
    crate::sys::signal::send::check_syscall(
        unsafe { libc::fstatfs(descriptor.as_raw_fd(), found.as_mut_ptr()) }.into(),
    )?;
    // SAFETY: zeroes are a valid statfs, and so is what the kernel writes.
    Ok(unsafe { found.assume_init() }.f_type as u32)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use super::*;

    /// A folder of a test's own; removed when dropped.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let folder = std::env::temp_dir().join(format!("sigtool-{name}-{}", std::process::id()));
            std::fs::create_dir_all(folder.join("etc")).unwrap();
            Folder(folder)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn finds_only_regular_files() {
        let own = RegularFile::find(Path::new("/proc/self/exe")).unwrap();
        assert!(own.is_stored());
        let opened = own.open().unwrap().metadata().unwrap();
        assert_eq!((opened.ino(), opened.dev()), (own.inode(), own.metadata.dev()));
        let folder = Folder::new("socket");
        let socket = folder.0.join("socket");
        std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for other in [Path::new("/dev/null"), Path::new("/dev/ptmx"), Path::new("/"), &socket] {
            let error = RegularFile::find(other).unwrap_err();
            assert_eq!(error.to_string(), "not a regular file", "{other:?}");
        }
        assert!(RegularFile::find(Path::new("/nowhere")).is_err());
    }

    #[test]
    fn opens_the_file_that_was_found_after_its_name_means_another() {
        let folder = Folder::new("swapped");
        let (path, other) = (folder.0.join("file"), folder.0.join("other"));
        std::fs::write(&path, "found").unwrap();
        std::fs::write(&other, "other").unwrap();
        let found = RegularFile::find(&path).unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert_eq!(io::read_to_string(found.open().unwrap()).unwrap(), "found");
    }

    #[test]
    fn contents_made_by_the_kernel_are_not_stored() {
        for made in ["/proc/self/status", "/sys/kernel/notes", "/proc/kmsg"] {
            // Not every system has all of them.
            if let Ok(found) = RegularFile::find(Path::new(made)) {
                assert!(!found.is_stored(), "{made}");
            }
        }
    }

    #[test]
    fn no_path_leads_out_of_a_root_directory() {
        let folder = Folder::new("root");
        let inside = folder.0.join("etc/passwd");
        std::fs::write(&inside, "inside").unwrap();
        symlink("/etc/passwd", folder.0.join("absolute")).unwrap();
        symlink("../../../../../../etc/passwd", folder.0.join("upwards")).unwrap();
        symlink("/etc", folder.0.join("folder")).unwrap();
        symlink("/proc/self/exe", folder.0.join("exe")).unwrap();
        let root = RootDirectory::find(&folder.0).unwrap();
        let inode = std::fs::metadata(&inside).unwrap().ino();
        let is_inside = |found: io::Result<File>| found.is_ok_and(|it| it.metadata().unwrap().ino() == inode);
        for path in ["/etc/passwd", "//etc/./passwd", "etc/passwd"] {
            assert!(is_inside(root.resolve(Path::new(path))), "{path}");
            assert!(is_inside(root.walk(Path::new(path))), "{path}");
        }
        for link in ["/absolute", "/upwards", "/folder/passwd", "/../etc/passwd"] {
            assert!(is_inside(root.resolve(Path::new(link))), "{link}");
            let walked = root.walk(Path::new(link)).and_then(RegularFile::from_handle);
            assert!(walked.is_err(), "{link}: a step at a time, links are not followed");
        }
        assert!(root.find_file(Path::new("/exe")).is_err());
        assert!(root.find_file(Path::new("/etc")).is_err());
        let own = RootDirectory::find(Path::new("/")).unwrap();
        assert!(own.find_file(Path::new("/proc/self/exe")).is_err(), "one of the kernel's own links");
    }
}

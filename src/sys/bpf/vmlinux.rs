//! The kernel's description of its own types: /sys/kernel/btf/vmlinux.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;

use super::btf::{Btf, Wanted};
use super::memory::{Access, Mapping};
use super::refused::Reason;

const PATH: &str = "/sys/kernel/btf/vmlinux";

/// Its bytes.
#[derive(Debug)]
pub(super) enum Vmlinux {
    Mapped(Mapping),
    Read(Vec<u8>),
}

impl Vmlinux {
    /// Maps it, which copies nothing (since Linux 6.16), or reads it.
    ///
    /// # Errors
    /// [`Reason::Unsupported`] on a machine of 32 bits or of the other byte
    /// order, [`Reason::NoBtf`].
    pub(super) fn open() -> Result<Vmlinux, Reason> {
        if cfg!(not(all(target_pointer_width = "64", target_endian = "little"))) {
            return Err(Reason::Unsupported);
        }
        Vmlinux::from(File::open(PATH)).map_err(Reason::NoBtf)
    }

    fn from(file: io::Result<File>) -> io::Result<Vmlinux> {
        let mut file = file?;
        let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        if let Ok(mapping) = Mapping::new(file.as_fd(), 0, length, Access::Private) {
            return Ok(Vmlinux::Mapped(mapping));
        }
        let mut bytes = Vec::with_capacity(length);
        file.read_to_end(&mut bytes)?;
        Ok(Vmlinux::Read(bytes))
    }

    /// The types that are wanted.
    ///
    /// # Errors
    /// As [`Btf::parse`].
    pub(super) fn types(&self, wanted: &[Wanted]) -> Result<Btf<'_>, Reason> {
        Btf::parse(self.bytes(), wanted)
    }

    fn bytes(&self) -> &[u8] {
        match self {
            // SAFETY: the mapping is so long, lives as long as the slice, and
            // is of what was linked into the kernel, which nobody changes.
            Vmlinux::Mapped(mapping) => unsafe {
                std::slice::from_raw_parts(mapping.start(), mapping.length())
            },
            Vmlinux::Read(bytes) => bytes,
        }
    }
}

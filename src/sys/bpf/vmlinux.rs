//! The kernel's description of its own types: /sys/kernel/btf/vmlinux.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;

use super::btf::{Btf, BtfTypeName};
use super::error::BpfErrorKind;
use super::mmap::{Mmap, MmapAccess};

const VMLINUX_BTF_PATH: &str = "/sys/kernel/btf/vmlinux";

/// The bytes of the description.
#[derive(Debug)]
pub(super) enum VmlinuxBtf {
    Mapped(Mmap),
    Read(Vec<u8>),
}

impl VmlinuxBtf {
    /// Maps the file, which copies nothing (since Linux 6.16), or else reads it.
    ///
    /// # Errors
    /// [`BpfErrorKind::Unsupported`] on a 32-bit or big-endian machine,
    /// [`BpfErrorKind::NoBtf`].
    pub(super) fn open() -> Result<VmlinuxBtf, BpfErrorKind> {
        if cfg!(not(all(target_pointer_width = "64", target_endian = "little"))) {
            return Err(BpfErrorKind::Unsupported);
        }
        VmlinuxBtf::map_or_read(File::open(VMLINUX_BTF_PATH)).map_err(BpfErrorKind::NoBtf)
    }

    fn map_or_read(file: io::Result<File>) -> io::Result<VmlinuxBtf> {
        let mut file = file?;
        let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        if let Ok(mapping) = Mmap::new(file.as_fd(), 0, length, MmapAccess::ReadPrivate) {
            return Ok(VmlinuxBtf::Mapped(mapping));
        }
        let mut bytes = Vec::with_capacity(length);
        file.read_to_end(&mut bytes)?;
        Ok(VmlinuxBtf::Read(bytes))
    }

    /// Finds the wanted types.
    ///
    /// # Errors
    /// The errors of [`Btf::parse`].
    pub(super) fn parse_types(&self, wanted: &[BtfTypeName]) -> Result<Btf<'_>, BpfErrorKind> {
        Btf::parse(self.bytes(), wanted)
    }

    fn bytes(&self) -> &[u8] {
        match self {
            // SAFETY: the mapping has this length and lives as long as the slice.
            // Its content is a part of the kernel image, which does not change.
            VmlinuxBtf::Mapped(mapping) => unsafe {
                std::slice::from_raw_parts(mapping.as_ptr(), mapping.len())
            },
            VmlinuxBtf::Read(bytes) => bytes,
        }
    }
}

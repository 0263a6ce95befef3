//! The location of an address in the memory of a process.

/// An address, and the region and function that contain it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeLocation {
    /// The address in the memory of the process.
    pub address: u64,
    /// The region that contains the address.
    pub region: Region,
    /// `true` if the memory is executable.
    pub is_executable: bool,
    /// The offset in the region. In a file it is the virtual address of the ELF file, which
    /// addr2line(1) and debuggers accept.
    pub region_offset: Option<u64>,
    /// The function that contains the address.
    pub symbol: Option<FunctionOffset>,
}

/// The content of a memory region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Region {
    /// A file.
    File {
        /// The path in the mount namespace of the process.
        path: Vec<u8>,
        /// `true` if the file was removed or replaced since it was mapped.
        is_deleted: bool,
    },
    /// A region that the kernel names: `[vdso]`, `[heap]`, `[anon:jit]`.
    KernelNamed(Vec<u8>),
    /// Memory without a name, such as code generated at run time.
    Anonymous,
    /// No memory. A jump there terminates the process with SEGV.
    Unmapped,
    /// Kernel memory. It contains the code of kernel threads. A jump from user space
    /// terminates the process with SEGV.
    Kernel,
    /// The memory map could not be read.
    Unknown,
}

/// A position in a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionOffset {
    /// The demangled name of the function. It can contain any bytes.
    pub name: Vec<u8>,
    /// The offset from the start of the function, in bytes.
    pub offset: u64,
}

impl CodeLocation {
    /// Returns the location of an address of which nothing else is known.
    pub fn unknown(address: u64) -> CodeLocation {
        CodeLocation {
            address,
            region: Region::Unknown,
            is_executable: false,
            region_offset: None,
            symbol: None,
        }
    }

    /// Returns `true` if a jump to the address terminates the process, because no executable
    /// memory is mapped there.
    pub fn faults_when_called(&self) -> bool {
        match self.region {
            Region::Unmapped => true,
            Region::Unknown => false,
            _ => !self.is_executable,
        }
    }

    /// Returns the name of the region, see [`Region::name`].
    pub fn region_name(&self) -> Option<&[u8]> {
        self.region.name()
    }
}

impl Region {
    /// Returns the name of the region: of a file, the file name without directories.
    pub fn name(&self) -> Option<&[u8]> {
        match self {
            Region::File { path, .. } => path.rsplit(|byte| *byte == b'/').next(),
            Region::KernelNamed(name) => Some(name),
            _ => None,
        }
    }
}

//! Where an address of a process lies.

/// An address, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeLocation {
    /// The address, in the process's own memory.
    pub address: u64,
    /// What lies there.
    pub region: Region,
    /// Whether it may be executed.
    pub is_executable: bool,
    /// How far into the area; of a file it is the address in the file's own
    /// numbers, which addr2line(1) and debuggers take.
    pub region_offset: Option<u64>,
    /// The function it lies in.
    pub symbol: Option<FunctionOffset>,
}

/// What memory is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Region {
    /// A file.
    File {
        /// Its path in the process's own mount namespace.
        path: Vec<u8>,
        /// Whether it has been removed, or replaced, since.
        is_deleted: bool,
    },
    /// What the kernel gives a name: `[vdso]`, `[heap]`, `[anon:jit]`.
    KernelNamed(Vec<u8>),
    /// Memory without a name, such as code that was made while running.
    Anonymous,
    /// Nothing: whoever jumps there ends by SEGV.
    Unmapped,
    /// The kernel's own: a kernel thread takes the signal in its own code; any
    /// other process that jumps there ends by SEGV.
    Kernel,
    /// The mappings may not be read.
    Unknown,
}

/// A function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionOffset {
    /// Its name, demangled; any bytes where it is of no such language.
    pub name: Vec<u8>,
    /// How many bytes behind its beginning.
    pub offset: u64,
}

impl CodeLocation {
    /// An address of which nothing else is known.
    pub fn unknown(address: u64) -> CodeLocation {
        CodeLocation {
            address,
            region: Region::Unknown,
            is_executable: false,
            region_offset: None,
            symbol: None,
        }
    }

    /// Whether a jump there ends the process: nothing is mapped, or it is no
    /// code.
    pub fn faults_when_called(&self) -> bool {
        match self.region {
            Region::Unmapped => true,
            Region::Unknown => false,
            _ => !self.is_executable,
        }
    }

    /// The name of what it lies in, see [`Region::name`].
    pub fn region_name(&self) -> Option<&[u8]> {
        self.region.name()
    }
}

impl Region {
    /// Its name: of a file without its folders. `None` for memory that has none.
    pub fn name(&self) -> Option<&[u8]> {
        match self {
            Region::File { path, .. } => path.rsplit(|byte| *byte == b'/').next(),
            Region::KernelNamed(name) => Some(name),
            _ => None,
        }
    }
}

//! Where an address of a process lies.

/// An address, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The address, in the process's own memory.
    pub address: u64,
    /// What lies there.
    pub area: Area,
    /// Whether it may be executed.
    pub executable: bool,
    /// How far into the area; of a file it is the address in the file's own
    /// numbers, which addr2line(1) and debuggers take.
    pub offset: Option<u64>,
    /// The function it lies in.
    pub symbol: Option<Symbol>,
}

/// What memory is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Area {
    /// A file.
    File {
        /// Its path in the process's own mount namespace.
        path: Vec<u8>,
        /// Whether it has been removed, or replaced, since.
        deleted: bool,
    },
    /// What the kernel gives a name: `[vdso]`, `[heap]`, `[anon:jit]`.
    Named(Vec<u8>),
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
pub struct Symbol {
    /// Its name, demangled; any bytes where it is of no such language.
    pub name: Vec<u8>,
    /// How many bytes behind its beginning.
    pub offset: u64,
}

impl Place {
    /// An address of which nothing else is known.
    pub fn unknown(address: u64) -> Place {
        Place { address, area: Area::Unknown, executable: false, offset: None, symbol: None }
    }

    /// Whether a jump there ends the process: nothing is mapped, or it is no
    /// code.
    pub fn is_fatal(&self) -> bool {
        match self.area {
            Area::Unmapped => true,
            Area::Unknown => false,
            _ => !self.executable,
        }
    }

    /// The name of what it lies in, see [`Area::name`].
    pub fn library(&self) -> Option<&[u8]> {
        self.area.name()
    }
}

impl Area {
    /// Its name: of a file without its folders. `None` for memory that has none.
    pub fn name(&self) -> Option<&[u8]> {
        match self {
            Area::File { path, .. } => path.rsplit(|byte| *byte == b'/').next(),
            Area::Named(name) => Some(name),
            _ => None,
        }
    }
}

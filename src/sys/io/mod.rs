//! Files, standard streams, terminals, and reads and writes that do not block sigtool.

pub(crate) mod file;
pub(crate) mod nonblocking;
pub mod reader;
pub mod stdio;
pub(crate) mod terminal;

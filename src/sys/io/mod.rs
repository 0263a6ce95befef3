//! Files, standard streams, terminals, and reads and writes that do not block sigtool.

pub mod file;
pub mod nonblocking;
pub mod reader;
pub mod stdio;
pub mod terminal;

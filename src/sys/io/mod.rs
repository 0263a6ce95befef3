//! Files, standard streams, terminals and writes that do not block.

pub mod file;
pub mod nonblocking;
pub mod stdio;
pub mod terminal;

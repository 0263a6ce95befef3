//! Translation of addresses to functions and libraries.

mod demangle;
mod elf;
pub(super) mod location;
pub(super) mod symbolize;
mod table;

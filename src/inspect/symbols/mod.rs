//! Translation of addresses to functions and libraries.

mod demangle;
mod elf;
pub mod location;
pub(super) mod symbolize;
mod table;

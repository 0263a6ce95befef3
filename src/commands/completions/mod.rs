//! `sigtool completions`: scripts for shells, generated from the command line's
//! own definition and checked in; a test fails when they drift.

pub mod args;

use crate::error::{CommandOutcome, Failure};
use crate::out::ReportWriter;

/// A shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// bash.
    Bash,
    /// zsh.
    Zsh,
    /// fish.
    Fish,
    /// nushell.
    Nushell,
}

impl Shell {
    /// The script.
    pub const fn script(self) -> &'static str {
        match self {
            Shell::Bash => include_str!("sigtool.bash"),
            Shell::Zsh => include_str!("sigtool.zsh"),
            Shell::Fish => include_str!("sigtool.fish"),
            Shell::Nushell => include_str!("sigtool.nu"),
        }
    }
}

/// Prints the script.
///
/// # Errors
/// Output that cannot be written.
pub fn run(request: Shell, out: &mut ReportWriter<'_>) -> Result<CommandOutcome, Failure> {
    out.write_line(request.script().trim_end())?;
    Ok(CommandOutcome::default())
}

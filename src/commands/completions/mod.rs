//! `sigtool completions`: prints completion scripts for shells. The scripts are
//! generated from the clap definition and checked in; a test fails if they differ.

pub(crate) mod args;

use crate::error::{CommandOutcome, Failure};
use crate::out::ReportWriter;

/// A shell with a completion script.
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
    /// The completion script.
    pub const fn script(self) -> &'static str {
        match self {
            Shell::Bash => include_str!("sigtool.bash"),
            Shell::Zsh => include_str!("sigtool.zsh"),
            Shell::Fish => include_str!("sigtool.fish"),
            Shell::Nushell => include_str!("sigtool.nu"),
        }
    }
}

/// Prints the completion script of a shell.
///
/// # Errors
/// Output that cannot be written.
pub fn run(shell: Shell, out: &mut ReportWriter<'_>) -> Result<CommandOutcome, Failure> {
    out.write_line(shell.script().trim_end())?;
    Ok(CommandOutcome::default())
}

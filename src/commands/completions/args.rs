//! The command-line arguments of `sigtool completions`.

use clap::{Args, ValueEnum};

use super::Shell;

const EXAMPLES: &str = "\
Examples:
  source <(sigtool completions bash)       in ~/.bashrc
  source <(sigtool completions zsh)        in ~/.zshrc, after compinit
  sigtool completions fish | source        in config.fish
  sigtool completions nushell | save -f sigtool.nu";

/// Print the completion script for a shell.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, before_help = EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// bash, zsh, fish or nushell
    #[arg(value_enum, value_name = "SHELL", hide_possible_values = true)]
    shell: ShellArg,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ShellArg {
    Bash,
    Zsh,
    Fish,
    Nushell,
}

impl CompletionsArgs {
    /// The shell of the arguments.
    pub(crate) fn to_shell(&self) -> Shell {
        match self.shell {
            ShellArg::Bash => Shell::Bash,
            ShellArg::Zsh => Shell::Zsh,
            ShellArg::Fish => Shell::Fish,
            ShellArg::Nushell => Shell::Nushell,
        }
    }
}

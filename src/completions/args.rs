//! What is typed after `sigtool completions`.

use clap::{Args, ValueEnum};

use super::Shell;

const EXAMPLES: &str = "\
Examples:
  source <(sigtool completions bash)       in ~/.bashrc
  source <(sigtool completions zsh)        in ~/.zshrc, after compinit
  sigtool completions fish | source        in config.fish
  sigtool completions nushell | save -f sigtool.nu";

/// Print completions for a shell, signal names among them.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, after_long_help = EXAMPLES)]
pub struct CompletionsArgs {
    /// bash, zsh, fish or nushell
    #[arg(value_enum, value_name = "SHELL", hide_possible_values = true)]
    shell: ShellName,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ShellName {
    Bash,
    Zsh,
    Fish,
    Nushell,
}

impl CompletionsArgs {
    /// What the arguments mean.
    pub fn request(&self) -> Shell {
        match self.shell {
            ShellName::Bash => Shell::Bash,
            ShellName::Zsh => Shell::Zsh,
            ShellName::Fish => Shell::Fish,
            ShellName::Nushell => Shell::Nushell,
        }
    }
}

//! The options that look inside of a process.

use clap::{Args, ValueEnum};

use super::{Asked, Backend};
use crate::error::Failure;

/// What is to be seen inside, and by what.
#[derive(Debug, Default, Args)]
pub(in crate::decode_status) struct InsideArgs {
    /// Which function handles each caught signal
    #[arg(long)]
    handlers: bool,
    /// What is pending, from whom, with which value
    #[arg(long)]
    queue: bool,
    /// Look inside by: auto, bpf or ptrace
    #[arg(long, value_enum, value_name = "MEANS", hide_possible_values = true, hide_short_help = true)]
    backend: Option<BackendName>,
    /// Also why the kernel refused a BPF program
    #[arg(short, long, hide_short_help = true)]
    verbose: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum BackendName {
    Auto,
    Bpf,
    Ptrace,
}

impl InsideArgs {
    /// What is asked; nothing, most of the time.
    ///
    /// # Errors
    /// An option that goes with these alone, by name.
    pub(in crate::decode_status) fn asked(&self) -> Result<Option<Asked>, Failure> {
        let InsideArgs { handlers, queue, verbose, .. } = *self;
        let backend = match self.backend {
            None | Some(BackendName::Auto) => Backend::Auto,
            Some(BackendName::Bpf) => Backend::Bpf,
            Some(BackendName::Ptrace) => Backend::Ptrace,
        };
        if handlers || queue {
            return Ok(Some(Asked { handlers, queue, backend, verbose }));
        }
        match [(self.backend.is_some(), "--backend"), (verbose, "--verbose")].iter().find(|(given, _)| *given)
        {
            Some((_, option)) => Err(Failure::usage(format!("{option}: goes with --handlers or --queue"))),
            None => Ok(None),
        }
    }
}

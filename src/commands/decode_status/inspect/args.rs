//! Command-line options of `--handlers` and `--queue`.

use clap::{Args, ValueEnum};

use super::{BackendChoice, InspectOptions};
use crate::error::Failure;

/// What is to be seen inside, and by what.
#[derive(Debug, Default, Args)]
pub(in crate::commands::decode_status) struct InspectArgs {
    /// Which function handles each caught signal
    #[arg(long)]
    handlers: bool,
    /// What is pending, from whom, with which value
    #[arg(long)]
    queue: bool,
    /// Look inside by: auto, bpf or ptrace
    #[arg(long, value_enum, value_name = "MEANS", hide_possible_values = true, hide_short_help = true)]
    backend: Option<InspectBackendArg>,
    /// Also why the kernel refused a BPF program
    #[arg(short, long, hide_short_help = true)]
    verbose: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum InspectBackendArg {
    Auto,
    Bpf,
    Ptrace,
}

impl InspectArgs {
    /// Converts the options; `None` if neither `--handlers` nor `--queue` is
    /// present.
    ///
    /// # Errors
    /// A usage error for an option that requires one of the two.
    pub(in crate::commands::decode_status) fn to_options(&self) -> Result<Option<InspectOptions>, Failure> {
        let InspectArgs { handlers, queue, verbose, .. } = *self;
        let backend = match self.backend {
            None | Some(InspectBackendArg::Auto) => BackendChoice::Auto,
            Some(InspectBackendArg::Bpf) => BackendChoice::Bpf,
            Some(InspectBackendArg::Ptrace) => BackendChoice::Ptrace,
        };
        if handlers || queue {
            return Ok(Some(InspectOptions { handlers, queue, backend, verbose }));
        }
        match [(self.backend.is_some(), "--backend"), (verbose, "--verbose")]
            .iter()
            .find(|(is_present, _)| *is_present)
        {
            Some((_, option)) => {
                Err(Failure::usage_error(format!("{option}: goes with --handlers or --queue")))
            }
            None => Ok(None),
        }
    }
}

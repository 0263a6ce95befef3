//! Command-line options of `--handlers` and `--queue`.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::{BackendChoice, InspectOptions};
use crate::error::Failure;

/// What is to be seen inside, and by what.
#[derive(Debug, Default, Args)]
pub(in crate::commands::decode_status) struct InspectArgs {
    /// Show the handler function of each caught signal
    #[arg(long)]
    handlers: bool,
    /// Show pending signals with senders and values
    #[arg(long)]
    queue: bool,
    /// Read handlers and queues with auto, bpf or ptrace
    #[arg(long, value_parser = backend_parser(), value_name = "BACKEND", hide_possible_values = true, hide_short_help = true)]
    backend: Option<BackendChoice>,
    /// Show why the kernel rejected a BPF program
    #[arg(short, long, hide_short_help = true)]
    verbose: bool,
}

/// Returns the parser of the backends that can inspect a process.
fn backend_parser() -> impl TypedValueParser<Value = BackendChoice> {
    let choices = [BackendChoice::Auto, BackendChoice::Bpf, BackendChoice::Ptrace];
    PossibleValuesParser::new(choices.map(BackendChoice::as_str))
        .map(|name| BackendChoice::from_name(&name).unwrap_or_default())
}

impl InspectArgs {
    /// Converts the options; `None` if neither `--handlers` nor `--queue` is
    /// present.
    ///
    /// # Errors
    /// A usage error for an option that requires one of the two.
    pub(in crate::commands::decode_status) fn to_options(&self) -> Result<Option<InspectOptions>, Failure> {
        let InspectArgs { handlers, queue, verbose, .. } = *self;
        let backend = self.backend.unwrap_or_default();
        if handlers || queue {
            return Ok(Some(InspectOptions { handlers, queue, backend, verbose }));
        }
        match [(self.backend.is_some(), "--backend"), (verbose, "--verbose")]
            .iter()
            .find(|(is_present, _)| *is_present)
        {
            Some((_, option)) => {
                Err(Failure::usage_error(format!("{option} requires --handlers or --queue")))
            }
            None => Ok(None),
        }
    }
}

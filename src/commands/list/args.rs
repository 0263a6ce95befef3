//! The command-line arguments of `sigtool list`.

use std::ffi::OsString;

use clap::Args;

use super::{ListOperand, ListQuery, ListRequest, operand};
use crate::error::Failure;
use crate::out::escape_name;
use crate::signal::{Arch, Signal, SignalSet};

const EXAMPLES: &str = "\
Examples:
  sigtool list                     list all signals
  sigtool list TERM                describe TERM
  sigtool list 143                 explain exit status 143
  sigtool list 0x4002              list the signals in a mask
  sigtool list --names 143         print only the name, for scripts
  sigtool list --encode INT,TERM   print the mask of INT and TERM
  sigtool list --codes SEGV        list the si_code values of SEGV
  sigtool list --arch mips         list the signal numbers of mips";

const SHORT_EXAMPLES: &str = "\
Examples:
  sigtool list TERM      describe TERM
  sigtool list 143       explain exit status 143
  sigtool list 0x4002    list the signals in a mask";

/// List signals, and explain numbers, exit statuses and signal masks.
///
/// Without an operand, list all signals of this architecture. Operands:
/// a name (TERM) gives a full description, a number (15) gives the name.
/// An exit status gives the signal that terminated or stopped the process:
/// 128+N from a shell, 256+N from ksh, -N from Python. A mask such as 0x4002
/// gives the signals in it.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, before_help = SHORT_EXAMPLES, before_long_help = EXAMPLES)]
#[command(
    override_usage = "sigtool list [--realtime] [--names] [--codes] [--arch NAME] [OPERAND]...\n       sigtool list --encode SIGNAL,... [--arch NAME]"
)]
pub(crate) struct ListArgs {
    /// Signal name or number, exit status, or mask
    #[arg(value_name = "SIGNAL|NUMBER|STATUS|0xMASK", allow_negative_numbers = true)]
    operands: Vec<OsString>,
    /// List each real-time signal
    #[arg(long, conflicts_with_all = ["operands", "names"])]
    realtime: bool,
    /// Print only names, one per line
    #[arg(long)]
    names: bool,
    /// List si_code values, all or of these signals
    #[arg(short, long, conflicts_with = "names")]
    codes: bool,
    /// Numbers of x86, arm, alpha, sparc, mips or parisc
    #[arg(short, long, value_name = "NAME")]
    arch: Option<OsString>,
    /// Print the mask of these signals
    #[arg(short, long, value_name = "SIGNAL,...", conflicts_with_all = ["operands", "names", "codes", "realtime"])]
    encode: Option<OsString>,
}

impl ListArgs {
    /// Converts the arguments to a request.
    ///
    /// # Errors
    /// A usage error that names the first invalid argument.
    pub(crate) fn to_request(&self) -> Result<ListRequest, Failure> {
        let arch = match &self.arch {
            Some(name) => parse_arch(&escape_arg(name))?,
            None => Arch::NATIVE,
        };
        let operands = self.operands.iter().map(escape_arg);
        let query = if let Some(list) = &self.encode {
            if escape_arg(list).trim().is_empty() {
                return Err(Failure::usage_error("--encode: no signal given (use none for the empty set)"));
            }
            ListQuery::Encode(SignalSet::parse(&escape_arg(list), arch).map_err(Failure::usage_error)?)
        } else if self.codes {
            let signals = operands.map(|operand| parse_signal_operand(&operand, arch));
            ListQuery::Codes(signals.collect::<Result<_, _>>()?)
        } else if self.operands.is_empty() {
            ListQuery::AllSignals { list_realtime: self.realtime }
        } else {
            let parsed = operands.map(|operand| operand::parse(&operand, arch));
            ListQuery::Operands(parsed.collect::<Result<_, _>>().map_err(Failure::usage_error)?)
        };
        Ok(ListRequest { arch, query, names_only: self.names })
    }
}

/// Converts an argument to text. Bytes that are not UTF-8 are escaped, so that an
/// error message can contain the argument.
fn escape_arg(arg: &OsString) -> String {
    escape_name(arg.as_encoded_bytes()).into_owned()
}

fn parse_arch(name: &str) -> Result<Arch, Failure> {
    Arch::from_machine_name(name).ok_or_else(|| {
        Failure::usage_error(format!(
            "{name}: unknown architecture (expected x86, arm, alpha, sparc, mips, parisc, or a name that uname -m \
             prints)"
        ))
    })
}

fn parse_signal_operand(text: &str, arch: Arch) -> Result<Signal, Failure> {
    match operand::parse(text, arch).map_err(Failure::usage_error)?.1 {
        ListOperand::Name(signal) | ListOperand::Number(signal) => Ok(signal),
        _ => Err(Failure::usage_error(format!(
            "{text}: invalid operand of --codes (expected a signal name or number)"
        ))),
    }
}

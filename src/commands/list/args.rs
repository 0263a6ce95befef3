//! The command-line arguments of `sigtool list`.

use std::ffi::OsString;

use clap::Args;

use super::{ListOperand, ListQuery, ListRequest, operand};
use crate::error::Failure;
use crate::out::escape_name;
use crate::signal::{Arch, Signal, SignalSet};

const EXAMPLES: &str = "\
Examples:
  sigtool list                     every signal, a row each
  sigtool list TERM                what TERM is for, and where it comes from
  sigtool list --names 143         which signal ended a process with status 143
  sigtool list 0x4002              the names in a mask
  sigtool list --encode INT,TERM   the mask of names
  sigtool list --codes SEGV        why a SEGV was generated, by si_code
  sigtool list --arch mips         how mips numbers its signals";

/// Which signals there are; what a number, name, exit status or mask means.
///
/// Without an operand: every signal of this architecture. A name gives its
/// card; a number its name; 128+N, 256+N and -N (exit statuses as shells, ksh
/// and Python report them) the signal that ended or stopped the process; a
/// mask, written 0x..., its names.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, after_long_help = EXAMPLES)]
#[command(
    override_usage = "sigtool list [--realtime] [--names] [--codes] [--arch NAME] [OPERAND]...\n       sigtool list --encode SIGNAL,... [--arch NAME]"
)]
pub(crate) struct ListArgs {
    /// A name, number, exit status or mask
    #[arg(value_name = "SIGNAL|NUMBER|STATUS|0xMASK", allow_negative_numbers = true)]
    operands: Vec<OsString>,
    /// A row for each real-time signal
    #[arg(long, conflicts_with_all = ["operands", "names"])]
    realtime: bool,
    /// Bare names, one a line, for scripts
    #[arg(long)]
    names: bool,
    /// The si_code values, of all or those named
    #[arg(short, long, conflicts_with = "names")]
    codes: bool,
    /// Numbers on x86, arm, alpha, sparc, mips or parisc
    #[arg(short, long, value_name = "NAME")]
    arch: Option<OsString>,
    /// The mask of these signals
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
                return Err(Failure::usage_error("--encode: no signals given; `none` is the empty set"));
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
            "{name}: unknown architecture; known are x86, arm, alpha, sparc, mips, parisc, and machines by \
             the name uname -m gives"
        ))
    })
}

fn parse_signal_operand(text: &str, arch: Arch) -> Result<Signal, Failure> {
    match operand::parse(text, arch).map_err(Failure::usage_error)?.1 {
        ListOperand::Name(signal) | ListOperand::Number(signal) => Ok(signal),
        _ => Err(Failure::usage_error(format!("{text}: --codes takes names and numbers of signals"))),
    }
}

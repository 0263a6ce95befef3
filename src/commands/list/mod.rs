//! `sigtool list`: lists signals, and explains names, numbers, exit statuses and
//! signal masks.

pub(crate) mod args;
mod description;
mod operand;
mod view;
mod wire;

pub use description::SignalDescription;

use crate::error::{CommandOutcome, Failure};
use crate::exit::ExitStatus;
use crate::out::ReportWriter;
use crate::signal::exit_status::{SignalExitStatus, StatusMeaning};
use crate::signal::si_code::{self, SiginfoCode};
use crate::signal::{Arch, Signal, SignalSet};

/// The parsed command line of `list`, or of `kill -l`.
#[derive(Debug)]
pub struct ListRequest {
    /// The architecture whose signal numbers apply.
    pub arch: Arch,
    /// The query.
    pub query: ListQuery,
    /// Whether to print only names.
    pub names_only: bool,
}

/// What to list.
#[derive(Debug)]
pub enum ListQuery {
    /// Every signal.
    AllSignals {
        /// Whether each real-time signal has a row of its own.
        list_realtime: bool,
    },
    /// The meaning of each operand, with its text.
    Operands(Vec<(String, ListOperand)>),
    /// The si_code values of these signals; of all signals if empty.
    Codes(Vec<Signal>),
    /// The signal mask of a set.
    Encode(SignalSet),
    /// The translation of `kill -l`: names to numbers, and numbers to names.
    TranslateKillArgs(Vec<String>),
}

/// A parsed operand.
#[derive(Debug)]
pub enum ListOperand {
    /// The name of a signal, which is described in full.
    Name(Signal),
    /// The number of a signal.
    Number(Signal),
    /// 0, the null signal.
    NullSignal,
    /// An exit status that encodes a signal.
    ExitStatus(SignalExitStatus),
    /// A signal mask, and the architecture of its numbers.
    Mask(SignalSet, Arch),
}

/// The result of a query.
#[derive(Debug)]
pub enum ListReport {
    /// Every signal of an architecture; whether each real-time signal has a row.
    AllSignals(Arch, Vec<SignalDescription>, bool),
    /// The answer to each operand, with its text.
    Answers(Arch, Vec<(String, OperandAnswer)>),
    /// si_code values.
    Codes(Vec<&'static SiginfoCode>),
    /// A set of signals, to be printed as a mask.
    Mask(Arch, SignalSet),
    /// Lines of names or numbers.
    Names(Vec<String>),
}

/// The answer to an operand.
#[derive(Debug)]
pub enum OperandAnswer {
    /// The full description of a signal.
    Description(Box<SignalDescription>),
    /// The signal of a number.
    Number(Box<SignalDescription>),
    /// The null signal.
    NullSignal,
    /// The signal of an exit status.
    ExitStatus {
        /// The decoded exit status.
        status: SignalExitStatus,
        /// The signal.
        description: Box<SignalDescription>,
        /// Whether the signal terminated or stopped the process.
        meaning: StatusMeaning,
    },
    /// The signals of a mask, and the architecture of its numbers.
    Mask(SignalSet, Arch),
}

/// Answers the query and prints the report.
///
/// # Errors
/// Output that cannot be written.
pub fn run(request: &ListRequest, out: &mut ReportWriter<'_>) -> Result<CommandOutcome, Failure> {
    let (report, error_messages) = build_report(request);
    view::print_report(&report, out)?;
    let exit_status = if error_messages.is_empty() { ExitStatus::Success } else { ExitStatus::Failure };
    Ok(CommandOutcome { exit_status, error_messages })
}

/// Returns the report, and an error message for each invalid argument of `kill -l`.
fn build_report(request: &ListRequest) -> (ListReport, Vec<String>) {
    let arch = request.arch;
    let report = match &request.query {
        ListQuery::TranslateKillArgs(args) => {
            let (translations, error_messages) = translate_kill_args(args, arch);
            return (ListReport::Names(translations), error_messages);
        }
        ListQuery::AllSignals { .. } if request.names_only => {
            let signals = arch.signals().filter(|signal| !signal.is_reserved_by_libc());
            ListReport::Names(signals.map(|signal| arch.signal_name(signal).to_string()).collect())
        }
        ListQuery::AllSignals { list_realtime } => {
            let signals = arch.signals().map(|signal| SignalDescription::new(signal, arch)).collect();
            ListReport::AllSignals(arch, signals, *list_realtime)
        }
        ListQuery::Operands(operands) if request.names_only => {
            ListReport::Names(operands.iter().flat_map(|(_, operand)| operand_names(operand, arch)).collect())
        }
        ListQuery::Operands(operands) => {
            let answers =
                operands.iter().map(|(text, operand)| (text.clone(), answer_operand(operand, arch)));
            ListReport::Answers(arch, answers.collect())
        }
        ListQuery::Codes(signals) if signals.is_empty() => ListReport::Codes(si_code::CODES.iter().collect()),
        ListQuery::Codes(signals) => {
            let codes = signals.iter().flat_map(|signal| si_code::codes_for_signal(*signal, arch));
            ListReport::Codes(codes.chain(si_code::codes_for_any_signal()).collect())
        }
        ListQuery::Encode(set) => ListReport::Mask(arch, *set),
    };
    (report, Vec::new())
}

/// Returns the translation of each valid argument of `kill -l`, and an error message
/// for each invalid one.
fn translate_kill_args(args: &[String], arch: Arch) -> (Vec<String>, Vec<String>) {
    let (mut translations, mut error_messages) = (Vec::new(), Vec::new());
    for arg in args {
        match operand::parse(arg, arch) {
            Ok((_, ListOperand::Name(signal))) => translations.push(signal.get().to_string()),
            // Shells call signal 0 EXIT, as in `trap ... EXIT`.
            Ok((_, ListOperand::NullSignal)) => translations.push("EXIT".to_owned()),
            // A mask of more than 64 bits belongs to another architecture.
            Ok((_, ListOperand::Mask(_, mask_arch))) if mask_arch != arch => {
                error_messages.push(format!("'{arg}': invalid signal"))
            }
            Ok((_, operand)) => translations.extend(operand_names(&operand, arch)),
            Err(_) if arg.eq_ignore_ascii_case("EXIT") => translations.push("0".to_owned()),
            Err(_) => error_messages.push(format!("'{arg}': invalid signal")),
        }
    }
    (translations, error_messages)
}

fn answer_operand(operand: &ListOperand, arch: Arch) -> OperandAnswer {
    let describe = |signal: &Signal| Box::new(SignalDescription::new(*signal, arch));
    match operand {
        ListOperand::Name(signal) => OperandAnswer::Description(describe(signal)),
        ListOperand::Number(signal) => OperandAnswer::Number(describe(signal)),
        ListOperand::NullSignal => OperandAnswer::NullSignal,
        ListOperand::ExitStatus(status) => OperandAnswer::ExitStatus {
            status: *status,
            description: describe(&status.signal),
            meaning: status.meaning(arch),
        },
        ListOperand::Mask(set, mask_arch) => OperandAnswer::Mask(*set, *mask_arch),
    }
}

/// The names of the signals that an operand contains.
fn operand_names(operand: &ListOperand, arch: Arch) -> Vec<String> {
    match operand {
        ListOperand::Name(signal) | ListOperand::Number(signal) => {
            vec![arch.signal_name(*signal).to_string()]
        }
        ListOperand::ExitStatus(status) => vec![arch.signal_name(status.signal).to_string()],
        ListOperand::NullSignal => vec!["0".to_owned()],
        ListOperand::Mask(set, mask_arch) => set.member_names(*mask_arch),
    }
}

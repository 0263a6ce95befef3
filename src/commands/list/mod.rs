//! `sigtool list`: which signals there are, and what a number, a name, an exit
//! status or a mask means.

pub mod args;
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

/// What is asked.
#[derive(Debug)]
pub struct ListRequest {
    /// Whose numbers are meant.
    pub arch: Arch,
    /// The question.
    pub query: ListQuery,
    /// Whether bare names are wanted.
    pub names_only: bool,
}

/// The question.
#[derive(Debug)]
pub enum ListQuery {
    /// Every signal; real-time ones each or as one row.
    AllSignals {
        /// Whether real-time signals get a row each.
        list_realtime: bool,
    },
    /// What each operand means.
    Operands(Vec<(String, ListOperand)>),
    /// The si_code values of these signals; of all where none is named.
    Codes(Vec<Signal>),
    /// The mask of a set.
    Encode(SignalSet),
    /// What kill -l says of each word: a name's number, a number's name.
    TranslateKillArgs(Vec<String>),
}

/// What an operand means.
#[derive(Debug)]
pub enum ListOperand {
    /// A name: its card is wanted.
    Name(Signal),
    /// The number of a signal.
    Number(Signal),
    /// 0, the null signal.
    NullSignal,
    /// An exit status that tells of a signal.
    ExitStatus(SignalExitStatus),
    /// A mask, and the numbering it is in.
    Mask(SignalSet, Arch),
}

/// The answer.
#[derive(Debug)]
pub enum ListReport {
    /// Every signal of an architecture; whether real-time ones get a row each.
    AllSignals(Arch, Vec<SignalDescription>, bool),
    /// What each operand means.
    Answers(Arch, Vec<(String, OperandAnswer)>),
    /// si_code values.
    Codes(Vec<&'static SiginfoCode>),
    /// A set and its mask.
    Mask(Arch, SignalSet),
    /// Bare names.
    Names(Vec<String>),
}

/// What one operand means.
#[derive(Debug)]
pub enum OperandAnswer {
    /// All that is known of a signal.
    Description(Box<SignalDescription>),
    /// A signal by its number.
    Number(Box<SignalDescription>),
    /// The null signal.
    NullSignal,
    /// The signal an exit status tells of, and whether it stopped the process.
    ExitStatus {
        /// The status, taken apart.
        status: SignalExitStatus,
        /// The signal.
        description: Box<SignalDescription>,
        /// What it tells of.
        meaning: StatusMeaning,
    },
    /// A mask's members, in the numbering given.
    Mask(SignalSet, Arch),
}

/// Answers and prints.
///
/// # Errors
/// Output that cannot be written.
pub fn run(request: &ListRequest, out: &mut ReportWriter<'_>) -> Result<CommandOutcome, Failure> {
    let (report, complaints) = build_report(request);
    view::print_report(&report, out)?;
    let exit = if complaints.is_empty() { ExitStatus::Success } else { ExitStatus::Failure };
    Ok(CommandOutcome { exit_status: exit, error_messages: complaints })
}

/// Answers; beside it, a complaint for each word that kill -l does not know.
fn build_report(request: &ListRequest) -> (ListReport, Vec<String>) {
    let arch = request.arch;
    let report = match &request.query {
        ListQuery::TranslateKillArgs(words) => {
            let (known, unknown) = translate_kill_args(words, arch);
            return (ListReport::Names(known), unknown);
        }
        ListQuery::AllSignals { .. } if request.names_only => {
            let named = arch.signals().filter(|signal| !signal.is_reserved_by_libc());
            ListReport::Names(named.map(|signal| arch.signal_name(signal).to_string()).collect())
        }
        ListQuery::AllSignals { list_realtime: realtime } => {
            let cards = arch.signals().map(|signal| SignalDescription::new(signal, arch)).collect();
            ListReport::AllSignals(arch, cards, *realtime)
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
            let own = signals.iter().flat_map(|signal| si_code::codes_for_signal(*signal, arch));
            ListReport::Codes(own.chain(si_code::codes_for_any_signal()).collect())
        }
        ListQuery::Encode(set) => ListReport::Mask(arch, *set),
    };
    (report, Vec::new())
}

/// What kill -l says of each word that it knows, and its complaint of each
/// that it does not.
fn translate_kill_args(words: &[String], arch: Arch) -> (Vec<String>, Vec<String>) {
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for word in words {
        match operand::parse(word, arch) {
            Ok((_, ListOperand::Name(signal))) => known.push(signal.get().to_string()),
            // Shells call the null signal so: `trap ... EXIT`.
            Ok((_, ListOperand::NullSignal)) => known.push("EXIT".to_owned()),
            // More than 64 bits are no mask of this machine.
            Ok((_, ListOperand::Mask(_, of))) if of != arch => {
                unknown.push(format!("'{word}': invalid signal"))
            }
            Ok((_, operand)) => known.extend(operand_names(&operand, arch)),
            Err(_) if word.eq_ignore_ascii_case("EXIT") => known.push("0".to_owned()),
            Err(_) => unknown.push(format!("'{word}': invalid signal")),
        }
    }
    (known, unknown)
}

fn answer_operand(operand: &ListOperand, arch: Arch) -> OperandAnswer {
    let card = |signal: &Signal| Box::new(SignalDescription::new(*signal, arch));
    match operand {
        ListOperand::Name(signal) => OperandAnswer::Description(card(signal)),
        ListOperand::Number(signal) => OperandAnswer::Number(card(signal)),
        ListOperand::NullSignal => OperandAnswer::NullSignal,
        ListOperand::ExitStatus(status) => OperandAnswer::ExitStatus {
            status: *status,
            description: card(&status.signal),
            meaning: status.meaning(arch),
        },
        ListOperand::Mask(set, of) => OperandAnswer::Mask(*set, *of),
    }
}

/// The bare names an operand stands for.
fn operand_names(operand: &ListOperand, arch: Arch) -> Vec<String> {
    match operand {
        ListOperand::Name(signal) | ListOperand::Number(signal) => {
            vec![arch.signal_name(*signal).to_string()]
        }
        ListOperand::ExitStatus(status) => vec![arch.signal_name(status.signal).to_string()],
        ListOperand::NullSignal => vec!["0".to_owned()],
        ListOperand::Mask(set, of) => set.member_names(*of),
    }
}

//! `sigtool list`: which signals there are, and what a number, a name, an exit
//! status or a mask means.

pub mod args;
mod card;
mod operand;
mod view;
mod wire;

pub use card::Card;

use crate::error::{Failure, Outcome};
use crate::exit::Exit;
use crate::out::Out;
use crate::signal::code::{self, Code};
use crate::signal::exit::{Event, Status};
use crate::signal::{Arch, Signal, SignalSet};

/// What is asked.
#[derive(Debug)]
pub struct Request {
    /// Whose numbers are meant.
    pub arch: Arch,
    /// The question.
    pub what: What,
    /// Whether bare names are wanted.
    pub names: bool,
}

/// The question.
#[derive(Debug)]
pub enum What {
    /// Every signal; real-time ones each or as one row.
    All {
        /// Whether real-time signals get a row each.
        realtime: bool,
    },
    /// What each operand means.
    Operands(Vec<(String, Operand)>),
    /// The si_code values of these signals; of all where none is named.
    Codes(Vec<Signal>),
    /// The mask of a set.
    Encode(SignalSet),
    /// What kill -l says of each word: a name's number, a number's name.
    Translate(Vec<String>),
}

/// What an operand means.
#[derive(Debug)]
pub enum Operand {
    /// A name: its card is wanted.
    Name(Signal),
    /// The number of a signal.
    Number(Signal),
    /// 0, the null signal.
    Null,
    /// An exit status that tells of a signal.
    Status(Status),
    /// A mask, and the numbering it is in.
    Mask(SignalSet, Arch),
}

/// The answer.
#[derive(Debug)]
pub enum Report {
    /// Every signal of an architecture; whether real-time ones get a row each.
    All(Arch, Vec<Card>, bool),
    /// What each operand means.
    Answers(Arch, Vec<(String, Answer)>),
    /// si_code values.
    Codes(Vec<&'static Code>),
    /// A set and its mask.
    Mask(Arch, SignalSet),
    /// Bare names.
    Names(Vec<String>),
}

/// What one operand means.
#[derive(Debug)]
pub enum Answer {
    /// All that is known of a signal.
    Card(Box<Card>),
    /// A signal by its number.
    Number(Box<Card>),
    /// The null signal.
    Null,
    /// The signal an exit status tells of, and whether it stopped the process.
    Status {
        /// The status, taken apart.
        status: Status,
        /// The signal.
        card: Box<Card>,
        /// What it tells of.
        event: Event,
    },
    /// A mask's members, in the numbering given.
    Mask(SignalSet, Arch),
}

/// Answers and prints.
///
/// # Errors
/// Output that cannot be written.
pub fn run(request: &Request, out: &mut Out<'_>) -> Result<Outcome, Failure> {
    let (report, complaints) = report(request);
    view::show(&report, out)?;
    let exit = if complaints.is_empty() { Exit::Done } else { Exit::No };
    Ok(Outcome { exit, complaints })
}

/// Answers; beside it, a complaint for each word that kill -l does not know.
fn report(request: &Request) -> (Report, Vec<String>) {
    let arch = request.arch;
    let report = match &request.what {
        What::Translate(words) => {
            let (known, unknown) = translate(words, arch);
            return (Report::Names(known), unknown);
        }
        What::All { .. } if request.names => {
            let named = arch.signals().filter(|signal| !signal.is_of_c_library());
            Report::Names(named.map(|signal| arch.name(signal).to_string()).collect())
        }
        What::All { realtime } => {
            let cards = arch.signals().map(|signal| Card::of(signal, arch)).collect();
            Report::All(arch, cards, *realtime)
        }
        What::Operands(operands) if request.names => {
            Report::Names(operands.iter().flat_map(|(_, operand)| names(operand, arch)).collect())
        }
        What::Operands(operands) => {
            let answers = operands.iter().map(|(text, operand)| (text.clone(), answer(operand, arch)));
            Report::Answers(arch, answers.collect())
        }
        What::Codes(signals) if signals.is_empty() => Report::Codes(code::CODES.iter().collect()),
        What::Codes(signals) => {
            let own = signals.iter().flat_map(|signal| code::specific(*signal, arch));
            Report::Codes(own.chain(code::general()).collect())
        }
        What::Encode(set) => Report::Mask(arch, *set),
    };
    (report, Vec::new())
}

/// What kill -l says of each word that it knows, and its complaint of each
/// that it does not.
fn translate(words: &[String], arch: Arch) -> (Vec<String>, Vec<String>) {
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for word in words {
        match operand::parse(word, arch) {
            Ok((_, Operand::Name(signal))) => known.push(signal.get().to_string()),
            // Shells call the null signal so: `trap ... EXIT`.
            Ok((_, Operand::Null)) => known.push("EXIT".to_owned()),
            // More than 64 bits are no mask of this machine.
            Ok((_, Operand::Mask(_, of))) if of != arch => unknown.push(format!("'{word}': invalid signal")),
            Ok((_, operand)) => known.extend(names(&operand, arch)),
            Err(_) if word.eq_ignore_ascii_case("EXIT") => known.push("0".to_owned()),
            Err(_) => unknown.push(format!("'{word}': invalid signal")),
        }
    }
    (known, unknown)
}

fn answer(operand: &Operand, arch: Arch) -> Answer {
    let card = |signal: &Signal| Box::new(Card::of(*signal, arch));
    match operand {
        Operand::Name(signal) => Answer::Card(card(signal)),
        Operand::Number(signal) => Answer::Number(card(signal)),
        Operand::Null => Answer::Null,
        Operand::Status(status) => {
            Answer::Status { status: *status, card: card(&status.signal), event: status.event(arch) }
        }
        Operand::Mask(set, of) => Answer::Mask(*set, *of),
    }
}

/// The bare names an operand stands for.
fn names(operand: &Operand, arch: Arch) -> Vec<String> {
    match operand {
        Operand::Name(signal) | Operand::Number(signal) => vec![arch.name(*signal).to_string()],
        Operand::Status(status) => vec![arch.name(status.signal).to_string()],
        Operand::Null => vec!["0".to_owned()],
        Operand::Mask(set, of) => set.names(*of),
    }
}

//! kill(1)'s grammar, for the binary under the name `kill`: words to requests.
//! Pure.
//!
//! It is POSIX's, with what util-linux, procps, GNU and the shells added, where
//! they agree; where they do not, no number that is not plainly a target is
//! ever taken for one.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use crate::commands::{decode_status, list, send};
use crate::signal::consts::TERM;
use crate::signal::{Arch, Signal, name};

/// What kill is asked for.
#[derive(Debug)]
pub enum KillCommand {
    /// The help.
    Help,
    /// The version.
    Version,
    /// Signals: all, some, or a table.
    List(list::ListRequest),
    /// To send, or to print whom to.
    Send(Box<send::SendRequest>),
    /// The signals of processes.
    DecodeStatus(Box<decode_status::DecodeRequest>),
}

/// The help; a screen of 80 columns and 24 lines holds it.
pub const HELP: &str = "\
Usage: kill [-s SIGNAL | -n NUMBER | -SIGNAL] [OPTION]... PID|NAME...
       kill -l [SIGNAL | NUMBER | STATUS | 0xMASK]...
       kill -L
       kill -d PID...

A PID may be a process, -PGID, 0 (the own group), PID/TID or PID:INODE; -1 is
everybody, after a signal or --. A NAME means the own processes of that name.

Options:
  -s, --signal SIGNAL       the signal, by name or number
  -n NUMBER                 the signal, by number
  -q, --queue VALUE         queue it with a value, as sigqueue(3) does
      --timeout MS SIGNAL   MS milliseconds later, SIGNAL to those still alive
  -r, --require-handler     only to processes that catch the signal
  -a, --all                 names mean processes of every user
  -p, --pid                 print the PIDs and send nothing
      --verbose             say what is sent to whom
  -l, --list                list signals, or translate names, numbers, statuses
  -L, -t, --table           a table of signals
  -d, --show-process-state  decode the signals of processes
  -h, --help                this help
  -V, --version             the version
";

/// The line that is printed where nothing is named.
const NO_PID_MESSAGE: &str =
    "no process ID specified; usage: kill [-s SIGNAL | -SIGNAL] PID..., kill -l [STATUS]";

/// Reads the words after `kill`.
///
/// # Errors
/// One line that names what is wrong; nothing is to be done then.
pub fn parse(words: &[OsString]) -> Result<KillCommand, String> {
    let mut grammar = KillParser::default();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if grammar.options_ended {
            grammar.operands.push(word.clone());
        } else if let Some(asked) = grammar.parse_word(word, &mut rest)? {
            return Ok(asked);
        }
    }
    grammar.into_command()
}

#[derive(Default)]
struct KillParser {
    /// Whether `--` has been seen.
    options_ended: bool,
    /// The signal, once one is given; the null signal within.
    signal: Option<Option<Signal>>,
    value: Option<i32>,
    operands: Vec<OsString>,
    is_decode: bool,
    extras: send::KillOptions,
    require_handler: bool,
}

type ArgIter<'a> = std::slice::Iter<'a, OsString>;

impl KillParser {
    /// Takes one word in, with those that belong to it; gives what is asked
    /// for where that is settled now.
    fn parse_word(&mut self, word: &OsStr, rest: &mut ArgIter<'_>) -> Result<Option<KillCommand>, String> {
        let text = word.to_string_lossy();
        if let Some(long) = text.strip_prefix("--") {
            return self.parse_long_option(long, rest);
        }
        let Some(short) = text.strip_prefix('-').filter(|short| !short.is_empty()) else {
            self.operands.push(word.to_owned());
            return Ok(None);
        };
        if short.bytes().all(|byte| byte.is_ascii_digit()) {
            return self.parse_dash_number(word, short, rest).map(|()| None);
        }
        let joined = short.get(1..).filter(|joined| !joined.is_empty());
        match (short.chars().next().unwrap_or_default(), joined) {
            _ if name::parse(short, Arch::NATIVE).is_ok() => self.set_signal(word, parse_signal(short)?)?,
            ('s', _) => self.set_signal(word, parse_signal(&option_value("-s", joined, rest)?)?)?,
            ('n', _) => self.set_signal(word, parse_signal_number(&option_value("-n", joined, rest)?)?)?,
            ('q', _) => self.set_value(&option_value("-q", joined, rest)?)?,
            ('l', _) => {
                let joined = joined.map(|joined| joined.strip_prefix('=').unwrap_or(joined));
                return Ok(Some(list_command(joined, rest)));
            }
            ('L' | 't', None) => return Ok(Some(table_command())),
            ('h', None) => return Ok(Some(KillCommand::Help)),
            ('V', None) => return Ok(Some(KillCommand::Version)),
            ('a', None) => self.extras.any_user = true,
            ('d', None) => self.is_decode = true,
            ('p', None) => self.extras.print_pids = true,
            ('r', None) => self.require_handler = true,
            _ => return Err(format!("'{short}': invalid signal")),
        }
        Ok(None)
    }

    fn parse_long_option(
        &mut self,
        long: &str,
        rest: &mut ArgIter<'_>,
    ) -> Result<Option<KillCommand>, String> {
        let (option, joined) = match long.split_once('=') {
            Some((option, joined)) => (option, Some(joined)),
            None => (long, None),
        };
        match (option, joined) {
            ("", None) => self.options_ended = true,
            ("signal", _) => {
                let given = parse_signal(&option_value("--signal", joined, rest)?)?;
                self.set_signal(OsStr::new("--signal"), given)?;
            }
            ("queue", _) => self.set_value(&option_value("--queue", joined, rest)?)?,
            ("timeout", None) => self.add_timeout(rest)?,
            ("list", _) => return Ok(Some(list_command(joined, rest))),
            ("table", None) => return Ok(Some(table_command())),
            ("help", None) => return Ok(Some(KillCommand::Help)),
            ("version", None) => return Ok(Some(KillCommand::Version)),
            ("all", None) => self.extras.any_user = true,
            ("pid", None) => self.extras.print_pids = true,
            ("require-handler", None) => self.require_handler = true,
            ("show-process-state", joined) => {
                self.is_decode = true;
                self.operands.extend(joined.map(OsString::from));
            }
            ("verbose", None) => self.extras.verbose = true,
            _ => return Err(format!("unrecognized option '--{long}'")),
        }
        Ok(None)
    }

    /// `-N`: a signal where it is the first word of its kind, else a group.
    fn parse_dash_number(&mut self, word: &OsStr, digits: &str, rest: &ArgIter<'_>) -> Result<(), String> {
        if self.signal.is_none() && self.operands.is_empty() {
            return self.set_signal(word, parse_signal_number(digits)?);
        }
        let fits = parse_signal_number(digits).is_ok();
        // A second signal before a process looks like a small group; where
        // nothing but groups follows, it is one.
        let before_process = || rest.clone().any(|next| !next.as_bytes().starts_with(b"-"));
        let after_process = self.operands.iter().any(|operand| !operand.as_bytes().starts_with(b"-"));
        if fits && after_process {
            return Err(signal_after_pid_error(word));
        }
        if fits && before_process() {
            return Err(second_signal_error(word));
        }
        self.operands.push(word.to_owned());
        Ok(())
    }

    fn set_signal(&mut self, word: &OsStr, signal: Option<Signal>) -> Result<(), String> {
        if !self.operands.is_empty() {
            return Err(signal_after_pid_error(word));
        }
        match self.signal.replace(signal) {
            Some(_) => Err(second_signal_error(word)),
            None => Ok(()),
        }
    }

    fn set_value(&mut self, word: &str) -> Result<(), String> {
        let value = word.parse().map_err(|_| format!("'{word}': invalid value to queue"))?;
        self.value = Some(value);
        Ok(())
    }

    fn add_timeout(&mut self, rest: &mut ArgIter<'_>) -> Result<(), String> {
        let missing = "option '--timeout' needs two words: milliseconds and a signal";
        let millis = rest.next().ok_or(missing)?.to_string_lossy();
        let word = rest.next().ok_or(missing)?.to_string_lossy();
        let number: Result<u32, _> = millis.parse();
        let millis = number
            .ok()
            .filter(|_| millis.bytes().all(|byte| byte.is_ascii_digit()))
            .ok_or_else(|| format!("'{millis}': invalid number of milliseconds"))?;
        let after = Duration::from_millis(millis.into());
        self.extras.timeouts.push(send::KillTimeout { delay: after, signal: parse_signal(&word)? });
        Ok(())
    }

    fn into_command(self) -> Result<KillCommand, String> {
        if self.operands.is_empty() {
            return Err(NO_PID_MESSAGE.to_owned());
        }
        if self.is_decode {
            return self.into_decode_command();
        }
        if self.extras.print_pids && (self.signal.is_some() || self.value.is_some()) {
            return Err("options '-p' and a signal or '-q' exclude each other".to_owned());
        }
        let mut extras = send::KillOptions { kill_compatible: true, ..self.extras };
        let mut targets = Vec::with_capacity(self.operands.len());
        for operand in &self.operands {
            let written = operand.to_string_lossy().into_owned();
            match send::SendTarget::parse(operand.as_bytes()) {
                Ok(target) => targets.push((written, target)),
                Err(_) if may_be_process_name(operand.as_bytes()) => {
                    targets.push((written, send::SendTarget::Name(operand.as_bytes().to_vec())));
                }
                Err(_) => extras.invalid_operands.push(written),
            }
        }
        let is_process = |target: &send::SendTarget| {
            matches!(
                target,
                send::SendTarget::Process(_) | send::SendTarget::PidInode(..) | send::SendTarget::Name(_)
            )
        };
        if let Some((written, _)) = targets.iter().find(|(_, target)| !is_process(target))
            && !extras.timeouts.is_empty()
        {
            return Err(format!("'{written}': option '--timeout' follows processes only; nothing was sent"));
        }
        if self.value.is_some() && targets.iter().any(|(_, target)| *target == send::SendTarget::Broadcast) {
            return Err("-1: a value can be queued to a process, a thread or a group only".to_owned());
        }
        let signal = self.signal.unwrap_or(Some(TERM));
        let options =
            send::SendOptions { require_handler: self.require_handler, ..send::SendOptions::default() };
        let request = send::SendRequest {
            signal,
            value: self.value,
            targets,
            options,
            kill_options: extras,
            ..send::SendRequest::default()
        };
        Ok(KillCommand::Send(Box::new(request)))
    }

    fn into_decode_command(self) -> Result<KillCommand, String> {
        let targets = self.operands.iter().map(|operand| match send::SendTarget::parse(operand.as_bytes()) {
            Ok(send::SendTarget::Process(pid)) => Ok(decode_status::DecodeTarget::Process(pid)),
            Ok(send::SendTarget::Thread(pid, tid)) => Ok(decode_status::DecodeTarget::Thread(pid, tid)),
            _ => Err(format!("'{}': invalid process ID", operand.to_string_lossy())),
        });
        let request = decode_status::DecodeRequest::new(targets.collect::<Result<_, _>>()?);
        Ok(KillCommand::DecodeStatus(Box::new(request)))
    }
}

fn second_signal_error(word: &OsStr) -> String {
    format!("'{}': a second signal; nothing was sent", word.to_string_lossy())
}

fn signal_after_pid_error(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let group =
        word.strip_prefix('-').and_then(|digits| digits.parse::<u32>().ok()).filter(|group| *group > 1);
    let hint = group.map(|group| format!(" (process group {group} is written after --: -- {word})"));
    format!("'{word}': a signal after a process ID; nothing was sent{}", hint.unwrap_or_default())
}

/// The value of an option: joined to it, or the next word.
fn option_value(option: &str, joined: Option<&str>, rest: &mut ArgIter<'_>) -> Result<String, String> {
    match joined {
        Some(joined) => Ok(joined.to_owned()),
        None => rest
            .next()
            .map(|word| word.to_string_lossy().into_owned())
            .ok_or_else(|| format!("option '{option}' needs a value")),
    }
}

/// A signal by name or number; `None` is the null signal.
fn parse_signal(word: &str) -> Result<Option<Signal>, String> {
    parse_signal_number(word).or_else(|_| {
        name::parse(word, Arch::NATIVE).map(Some).map_err(|_| format!("'{word}': invalid signal"))
    })
}

fn parse_signal_number(word: &str) -> Result<Option<Signal>, String> {
    Signal::from_digits(word).ok_or_else(|| format!("'{word}': invalid signal"))
}

/// Whether an operand that is no number is a name: it does not begin like a
/// number gone wrong.
fn may_be_process_name(operand: &[u8]) -> bool {
    let first = operand.first().copied().unwrap_or(b' ');
    !first.is_ascii_whitespace() && !first.is_ascii_digit() && first != b'+' && first != b'-'
}

/// `-l`: all names, or each word's translation.
fn list_command(joined: Option<&str>, rest: &mut ArgIter<'_>) -> KillCommand {
    let rest = rest.map(|word| word.to_string_lossy().into_owned()).filter(|word| word != "--");
    let words: Vec<String> = joined.map(str::to_owned).into_iter().chain(rest).collect();
    let what = if words.is_empty() {
        list::ListQuery::AllSignals { list_realtime: false }
    } else {
        list::ListQuery::TranslateKillArgs(words)
    };
    KillCommand::List(list::ListRequest { arch: Arch::NATIVE, query: what, names_only: true })
}

/// `-L`: every signal, a row each.
fn table_command() -> KillCommand {
    let what = list::ListQuery::AllSignals { list_realtime: true };
    KillCommand::List(list::ListRequest { arch: Arch::NATIVE, query: what, names_only: false })
}

#[cfg(test)]
mod tests;

//! The command line of kill(1), for the binary under the name `kill`. Pure: it
//! converts arguments to requests.
//!
//! The syntax is that of POSIX, with the extensions on which util-linux, procps,
//! GNU and the shells agree. Where they disagree, an ambiguous number is an error
//! and never a target.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use crate::commands::{decode_status, list, send};
use crate::signal::consts::TERM;
use crate::signal::{Arch, Signal, name};

/// A parsed command line of kill(1).
#[derive(Debug)]
pub(crate) enum KillCommand {
    /// Print the help.
    Help,
    /// Print the version.
    Version,
    /// List or translate signals.
    List(list::ListRequest),
    /// Send a signal, or print the PIDs of the targets.
    Send(Box<send::SendRequest>),
    /// Decode the signal state of processes.
    DecodeStatus(Box<decode_status::DecodeRequest>),
}

/// The help. It fits 80 columns and 24 lines.
pub(crate) const HELP: &str = "\
Usage: kill [-s SIGNAL | -n NUMBER | -SIGNAL] [OPTION]... PID|NAME...
       kill -l [SIGNAL | NUMBER | STATUS | 0xMASK]...
       kill -L
       kill -d PID...

PID: a process, -PGID, 0 (own process group), PID/TID or PID:INODE. After a
signal or --, -1 means every process. NAME: your processes of that name.

Options:
  -s, --signal SIGNAL       signal to send, as a name or number
  -n NUMBER                 signal to send, as a number
  -q, --queue VALUE         queue the signal with a value (sigqueue(3))
      --timeout MS SIGNAL   after MS ms, send SIGNAL to processes still alive
  -r, --require-handler     send only to processes that catch the signal
  -a, --all                 match names of processes of all users
  -p, --pid                 print the PIDs and send nothing
      --verbose             report each signal that is sent
  -l, --list                list signals, or translate names, numbers, statuses
  -L, -t, --table           print a table of signals
  -d, --show-process-state  show how processes handle signals
  -h, --help                print this help
  -V, --version             print the version
";

/// The error message if there is no target.
const NO_PID_MESSAGE: &str =
    "no process ID specified; usage: kill [-s SIGNAL | -SIGNAL] PID..., kill -l [STATUS]";

/// Parses the arguments of `kill`.
///
/// # Errors
/// A one-line error message; nothing must be done then.
pub(crate) fn parse(args: &[OsString]) -> Result<KillCommand, String> {
    let mut parser = KillParser::default();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if parser.options_ended {
            parser.operands.push(arg.clone());
        } else if let Some(command) = parser.parse_arg(arg, &mut rest)? {
            return Ok(command);
        }
    }
    parser.into_command()
}

#[derive(Default)]
struct KillParser {
    /// Whether `--` has been seen.
    options_ended: bool,
    /// The signal, if one has been parsed; `Some(None)` is the null signal.
    signal: Option<Option<Signal>>,
    value: Option<i32>,
    operands: Vec<OsString>,
    is_decode: bool,
    kill_options: send::KillOptions,
    require_handler: bool,
}

type ArgIter<'a> = std::slice::Iter<'a, OsString>;

impl KillParser {
    /// Parses one argument, and the following ones that belong to it. Returns a
    /// command if the remaining arguments do not matter.
    fn parse_arg(&mut self, arg: &OsStr, rest: &mut ArgIter<'_>) -> Result<Option<KillCommand>, String> {
        let text = arg.to_string_lossy();
        if let Some(long) = text.strip_prefix("--") {
            return self.parse_long_option(long, rest);
        }
        let Some(short) = text.strip_prefix('-').filter(|short| !short.is_empty()) else {
            self.operands.push(arg.to_owned());
            return Ok(None);
        };
        if short.bytes().all(|byte| byte.is_ascii_digit()) {
            return self.parse_dash_number(arg, short, rest).map(|()| None);
        }
        let joined = short.get(1..).filter(|joined| !joined.is_empty());
        match (short.chars().next().unwrap_or_default(), joined) {
            _ if name::parse(short, Arch::NATIVE).is_ok() => self.set_signal(arg, parse_signal(short)?)?,
            ('s', _) => self.set_signal(arg, parse_signal(&option_value("-s", joined, rest)?)?)?,
            ('n', _) => self.set_signal(arg, parse_signal_number(&option_value("-n", joined, rest)?)?)?,
            ('q', _) => self.set_value(&option_value("-q", joined, rest)?)?,
            ('l', _) => {
                let joined = joined.map(|joined| joined.strip_prefix('=').unwrap_or(joined));
                return Ok(Some(list_command(joined, rest)));
            }
            ('L' | 't', None) => return Ok(Some(table_command())),
            ('h', None) => return Ok(Some(KillCommand::Help)),
            ('V', None) => return Ok(Some(KillCommand::Version)),
            ('a', None) => self.kill_options.any_user = true,
            ('d', None) => self.is_decode = true,
            ('p', None) => self.kill_options.print_pids = true,
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
                let signal = parse_signal(&option_value("--signal", joined, rest)?)?;
                self.set_signal(OsStr::new("--signal"), signal)?;
            }
            ("queue", _) => self.set_value(&option_value("--queue", joined, rest)?)?,
            ("timeout", None) => self.add_timeout(rest)?,
            ("list", _) => return Ok(Some(list_command(joined, rest))),
            ("table", None) => return Ok(Some(table_command())),
            ("help", None) => return Ok(Some(KillCommand::Help)),
            ("version", None) => return Ok(Some(KillCommand::Version)),
            ("all", None) => self.kill_options.any_user = true,
            ("pid", None) => self.kill_options.print_pids = true,
            ("require-handler", None) => self.require_handler = true,
            ("show-process-state", joined) => {
                self.is_decode = true;
                self.operands.extend(joined.map(OsString::from));
            }
            ("verbose", None) => self.kill_options.verbose = true,
            _ => return Err(format!("unrecognized option '--{long}'")),
        }
        Ok(None)
    }

    /// Parses `-N`: a signal if it comes before any other signal or target, else a
    /// process group.
    fn parse_dash_number(&mut self, arg: &OsStr, digits: &str, rest: &ArgIter<'_>) -> Result<(), String> {
        if self.signal.is_none() && self.operands.is_empty() {
            return self.set_signal(arg, parse_signal_number(digits)?);
        }
        let may_be_signal = parse_signal_number(digits).is_ok();
        // A small group next to a process is probably a second signal. If there
        // are no other targets than groups, it is a group.
        let before_process = || rest.clone().any(|next| !next.as_bytes().starts_with(b"-"));
        let after_process = self.operands.iter().any(|operand| !operand.as_bytes().starts_with(b"-"));
        if may_be_signal && after_process {
            return Err(signal_after_pid_error(arg));
        }
        if may_be_signal && before_process() {
            return Err(second_signal_error(arg));
        }
        self.operands.push(arg.to_owned());
        Ok(())
    }

    fn set_signal(&mut self, arg: &OsStr, signal: Option<Signal>) -> Result<(), String> {
        if !self.operands.is_empty() {
            return Err(signal_after_pid_error(arg));
        }
        match self.signal.replace(signal) {
            Some(_) => Err(second_signal_error(arg)),
            None => Ok(()),
        }
    }

    fn set_value(&mut self, text: &str) -> Result<(), String> {
        let value = text.parse().map_err(|_| format!("'{text}': invalid value to queue"))?;
        self.value = Some(value);
        Ok(())
    }

    fn add_timeout(&mut self, rest: &mut ArgIter<'_>) -> Result<(), String> {
        let missing = "option '--timeout' requires two arguments, milliseconds and a signal";
        let millis_text = rest.next().ok_or(missing)?.to_string_lossy();
        let signal_text = rest.next().ok_or(missing)?.to_string_lossy();
        let millis: Result<u32, _> = millis_text.parse();
        let millis = millis
            .ok()
            .filter(|_| millis_text.bytes().all(|byte| byte.is_ascii_digit()))
            .ok_or_else(|| format!("'{millis_text}': invalid number of milliseconds"))?;
        let delay = Duration::from_millis(millis.into());
        let signal = parse_signal(&signal_text)?;
        self.kill_options.timeouts.push(send::KillTimeout { delay, signal });
        Ok(())
    }

    fn into_command(self) -> Result<KillCommand, String> {
        if self.operands.is_empty() {
            return Err(NO_PID_MESSAGE.to_owned());
        }
        if self.is_decode {
            return self.into_decode_command();
        }
        if self.kill_options.print_pids && (self.signal.is_some() || self.value.is_some()) {
            return Err("option '-p' cannot be combined with a signal or '-q'".to_owned());
        }
        let mut kill_options = send::KillOptions { kill_compatible: true, ..self.kill_options };
        let mut targets = Vec::with_capacity(self.operands.len());
        for operand in &self.operands {
            let text = operand.to_string_lossy().into_owned();
            match send::SendTarget::parse(operand.as_bytes()) {
                Ok(target) => targets.push((text, target)),
                Err(_) if may_be_process_name(operand.as_bytes()) => {
                    targets.push((text, send::SendTarget::Name(operand.as_bytes().to_vec())));
                }
                Err(_) => kill_options.invalid_operands.push(text),
            }
        }
        let is_process = |target: &send::SendTarget| {
            matches!(
                target,
                send::SendTarget::Process(_) | send::SendTarget::PidInode(..) | send::SendTarget::Name(_)
            )
        };
        if let Some((operand, _)) = targets.iter().find(|(_, target)| !is_process(target))
            && !kill_options.timeouts.is_empty()
        {
            return Err(format!(
                "'{operand}': option '--timeout' works only with processes; nothing was sent"
            ));
        }
        if self.value.is_some() && targets.iter().any(|(_, target)| *target == send::SendTarget::Broadcast) {
            return Err(
                "-1: cannot queue a value to every process (name a process, a thread or a group)".to_owned()
            );
        }
        let signal = self.signal.unwrap_or(Some(TERM));
        let options =
            send::SendOptions { require_handler: self.require_handler, ..send::SendOptions::default() };
        let request = send::SendRequest {
            signal,
            value: self.value,
            targets,
            options,
            kill_options,
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

fn second_signal_error(arg: &OsStr) -> String {
    format!("'{}': only one signal may be given; nothing was sent", arg.to_string_lossy())
}

fn signal_after_pid_error(arg: &OsStr) -> String {
    let arg = arg.to_string_lossy();
    let group =
        arg.strip_prefix('-').and_then(|digits| digits.parse::<u32>().ok()).filter(|group| *group > 1);
    let hint = group.map(|group| format!(" (to signal process group {group}, use -- {arg})"));
    format!("'{arg}': the signal must precede the process IDs; nothing was sent{}", hint.unwrap_or_default())
}

/// The value of an option: attached to it, or the next argument.
fn option_value(option: &str, joined: Option<&str>, rest: &mut ArgIter<'_>) -> Result<String, String> {
    match joined {
        Some(joined) => Ok(joined.to_owned()),
        None => rest
            .next()
            .map(|arg| arg.to_string_lossy().into_owned())
            .ok_or_else(|| format!("option '{option}' requires a value")),
    }
}

/// Parses a signal name or number. `None` is the null signal.
fn parse_signal(text: &str) -> Result<Option<Signal>, String> {
    parse_signal_number(text).or_else(|_| {
        name::parse(text, Arch::NATIVE).map(Some).map_err(|_| format!("'{text}': invalid signal"))
    })
}

fn parse_signal_number(text: &str) -> Result<Option<Signal>, String> {
    Signal::from_digits(text).ok_or_else(|| format!("'{text}': invalid signal"))
}

/// Whether an operand that is not a number is a process name. Text that starts like
/// a malformed number is not.
fn may_be_process_name(operand: &[u8]) -> bool {
    let first = operand.first().copied().unwrap_or(b' ');
    !first.is_ascii_whitespace() && !first.is_ascii_digit() && first != b'+' && first != b'-'
}

/// The command of `-l`: list all names, or translate each argument.
fn list_command(joined: Option<&str>, rest: &mut ArgIter<'_>) -> KillCommand {
    let rest = rest.map(|arg| arg.to_string_lossy().into_owned()).filter(|arg| arg != "--");
    let args: Vec<String> = joined.map(str::to_owned).into_iter().chain(rest).collect();
    let query = if args.is_empty() {
        list::ListQuery::AllSignals { list_realtime: false }
    } else {
        list::ListQuery::TranslateKillArgs(args)
    };
    KillCommand::List(list::ListRequest { arch: Arch::NATIVE, query, names_only: true })
}

/// The command of `-L`: list every signal, one row each.
fn table_command() -> KillCommand {
    let query = list::ListQuery::AllSignals { list_realtime: true };
    KillCommand::List(list::ListRequest { arch: Arch::NATIVE, query, names_only: false })
}

#[cfg(test)]
mod tests;

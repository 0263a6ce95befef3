//! The command-line arguments of `sigtool send`.

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;

pub(crate) use super::arg_order::{ArgOrderError, reorder_args, takes_value};
use super::{Escalation, KillOptions, SendOptions, SendRequest, SendTarget, WaitOptions};
use crate::duration;
use crate::error::Failure;
use crate::out::escape_name;
use crate::procfs::PID_MAX_LIMIT;
use crate::select::args::SelectArgs;
use crate::signal::consts::TERM;
use crate::signal::{Arch, Signal, name};

const EXAMPLES: &str = "\
Examples:
  sigtool send 1234              send TERM to process 1234
  sigtool send -KILL 1234 1240   send KILL to two processes (-9 is the same)
  sigtool send -HUP -- -1234     send HUP to process group 1234
  sigtool send -USR1 1234/1240   send USR1 to thread 1240 of process 1234
  sigtool send -q 7 -s RTMIN+1 1234
                                 send a real-time signal with a value
  sigtool send -0 1234           check whether a signal could be sent
  sigtool send --dry-run --name nginx
                                 show the effect of TERM on each nginx
  sigtool send --wait 5s --then KILL --pidfile /run/x.pid
                                 send TERM; after 5 s, KILL if still alive
  sigtool send --tree --verbose 1234
                                 send TERM to a process and its descendants
  sigtool send -HUP --name nginx --user root --catches HUP
                                 send HUP only to processes that handle it
  sigtool send --name nginx 1234
                                 send TERM to 1234 only if it is nginx";

const SHORT_EXAMPLES: &str = "\
Examples:
  sigtool send 1234             send TERM to process 1234
  sigtool send -KILL -- -1234   send KILL to process group 1234
  sigtool send --wait 5s --then KILL --name nginx
                                send TERM; after 5 s, KILL if still alive";

/// Send a signal to exactly the processes you name.
///
/// The signal is TERM by default. Give another one before the targets, as
/// -KILL, -9, -s KILL or -n 9. Targets are PIDs, process groups (-PGID), 0 (the
/// process group of sigtool), threads (PID/TID), and PID:INODE, a process whose
/// pidfd has this inode. All arguments are checked before any signal is sent.
///
/// After a signal, -N is a process group. -1 to -64 could also be signals, so
/// they are process groups only after --. -1 means every process and requires
/// --broadcast.
///
/// Selection options select processes by their properties. With PIDs, they
/// limit the PIDs to those that match. sigtool opens a pidfd of each process
/// and checks it again before it sends, so it never signals a process that
/// reused a PID. It never selects itself, its ancestors or kernel threads.
#[derive(Debug, Default, Args)]
#[command(verbatim_doc_comment, before_help = SHORT_EXAMPLES, before_long_help = EXAMPLES)]
#[command(override_usage = "sigtool send [-SIGNAL | -s SIGNAL | -n NUMBER] [OPTIONS] TARGET...")]
pub(crate) struct SendArgs {
    /// PID, -PGID, 0 (own process group), PID/TID or PID:INODE
    #[arg(value_name = "TARGET", hide_short_help = true)]
    targets: Vec<OsString>,
    /// Signal to send (default TERM; 0 only checks)
    #[arg(short, long, value_name = "SIGNAL", conflicts_with = "number")]
    signal: Option<OsString>,
    /// Signal to send, as a number
    #[arg(short, long, value_name = "NUMBER", hide_short_help = true)]
    number: Option<OsString>,
    /// Queue the signal with a value (sigqueue(3))
    #[arg(short, long, value_name = "VALUE", allow_hyphen_values = true)]
    queue: Option<OsString>,
    /// Print the effect on each target; send nothing
    #[arg(long)]
    dry_run: bool,
    /// Ask before signalling each target
    #[arg(short, long)]
    interactive: bool,
    /// Report each signal, its effect and each exit
    #[arg(short, long)]
    verbose: bool,
    /// Send only to processes that catch the signal
    #[arg(short, long)]
    require_handler: bool,
    /// Wait for all to exit (exit status 124 if not)
    #[arg(short, long, value_name = "DURATION")]
    wait: Option<OsString>,
    /// Send SIGNAL to survivors, then wait again
    #[arg(long, value_name = "SIGNAL[:DURATION]", requires = "wait")]
    then: Vec<OsString>,
    /// Allow -1 (every process except init and sigtool)
    #[arg(long, hide_short_help = true)]
    broadcast: bool,
    #[command(flatten)]
    selection_args: SelectArgs,
}

impl SendArgs {
    /// Parses arguments, ordered by [`reorder_args`], that are only a signal and
    /// targets. Returns `None` if there are other options. The most frequent
    /// command lines are parsed here because clap takes a quarter of the run time.
    pub(crate) fn parse_without_clap(args: &[OsString]) -> Option<SendArgs> {
        let (options, targets) = args.split_at(args.iter().position(|arg| arg == "--")?);
        let signal = match options {
            [] => None,
            [signal] => Some(signal.to_str()?.strip_prefix("--signal=")?.into()),
            _ => return None,
        };
        Some(SendArgs { targets: targets[1..].to_vec(), signal, ..SendArgs::default() })
    }

    /// Converts the arguments to a request.
    ///
    /// # Errors
    /// A usage error that names the first invalid argument.
    pub(crate) fn to_request(&self) -> Result<SendRequest, Failure> {
        let signal = match (&self.signal, &self.number) {
            (Some(arg), _) => {
                let text = escape_arg(arg);
                parse_signal(&text).map_err(|error| self.signal_error(&text, &error))?
            }
            (None, Some(arg)) => parse_signal_number(&escape_arg(arg)).map_err(Failure::usage_error)?,
            (None, None) => Some(TERM),
        };
        let value = self
            .queue
            .as_ref()
            .map(|arg| parse_queue_value(&escape_arg(arg)))
            .transpose()
            .map_err(Failure::usage_error)?;
        let targets = self.targets.iter().map(|arg| {
            let parsed = SendTarget::parse(arg.as_encoded_bytes());
            parsed.map(|target| (escape_arg(arg), target)).map_err(|error| {
                let operand = if arg.is_empty() { "''".to_owned() } else { escape_arg(arg) };
                if is_process_name(&operand) {
                    return Failure::usage_error(format!(
                        "{operand}: invalid target (to signal processes by name, use --name {operand})"
                    ));
                }
                Failure::usage_error(format!("{operand}: {error}"))
            })
        });
        let targets = targets.collect::<Result<Vec<_>, _>>()?;
        let selection = self.selection_args.to_selection().map_err(Failure::usage_error)?;
        if targets.is_empty() && selection.is_empty() {
            return Err(Failure::usage_error(
                "no target given (expected PID, -PGID, 0 or PID/TID, or a selection option such as --name; see \
                 sigtool send --help)",
            ));
        }
        let options = SendOptions {
            dry_run: self.dry_run,
            interactive: self.interactive,
            verbose: self.verbose,
            require_handler: self.require_handler,
            wait: self.wait_options()?,
        };
        if targets.iter().any(|(_, target)| *target == SendTarget::Broadcast) {
            self.check_broadcast(&options, value.is_some())?;
        }
        Ok(SendRequest { signal, value, targets, selection, options, kill_options: KillOptions::default() })
    }

    /// The error of an invalid signal. `send -1234` was probably meant as a process
    /// group.
    fn signal_error(&self, text: &str, error: &str) -> Failure {
        match text.parse::<u32>() {
            Ok(group) if self.targets.is_empty() && group <= PID_MAX_LIMIT => Failure::usage_error(format!(
                "{text}: invalid signal number (to signal process group {group}, use -- -{group})"
            )),
            _ => Failure::usage_error(error),
        }
    }

    /// Rejects -1 without --broadcast, and options that do not work with -1.
    fn check_broadcast(&self, options: &SendOptions, has_value: bool) -> Result<(), Failure> {
        Err(Failure::usage_error(if !self.broadcast && !options.dry_run {
            "-1 means every process you may signal (add --broadcast to confirm)"
        } else if has_value {
            "-1: cannot queue a value to every process (name a process, a thread or a group)"
        } else if options.wait.is_some() {
            "-1: cannot wait for every process (omit --wait)"
        } else {
            return Ok(());
        }))
    }

    fn wait_options(&self) -> Result<Option<WaitOptions>, Failure> {
        let Some(arg) = &self.wait else { return Ok(None) };
        let text = escape_arg(arg);
        let timeout = duration::parse(&text)
            .map_err(|error| Failure::usage_error(format!("--wait {text}: {error}")))?;
        let escalations = self.then.iter().map(|arg| parse_escalation(&escape_arg(arg), timeout));
        Ok(Some(WaitOptions {
            timeout,
            escalations: escalations.collect::<Result<Vec<_>, _>>().map_err(Failure::usage_error)?,
        }))
    }
}

/// Parses `KILL` or `KILL:5s`. Without a timeout, the previous one applies.
fn parse_escalation(text: &str, previous_timeout: Option<Duration>) -> Result<Escalation, String> {
    let (signal, timeout) = match text.split_once(':') {
        Some((signal, timeout)) => {
            (signal, duration::parse(timeout).map_err(|error| format!("--then {text}: {error}"))?)
        }
        None => (text, previous_timeout),
    };
    match parse_signal(signal) {
        Ok(Some(signal)) => Ok(Escalation { signal, timeout }),
        Ok(None) => Err(format!("--then {text}: 0 is not a signal")),
        Err(error) => Err(format!("--then {error}")),
    }
}

/// Whether an operand was probably meant as the name of a process.
fn is_process_name(operand: &str) -> bool {
    operand.starts_with(|first: char| first.is_ascii_alphabetic())
        && operand.chars().all(|char| char.is_ascii_alphanumeric() || "-_.".contains(char))
}

fn escape_arg(arg: &OsString) -> String {
    escape_name(arg.as_encoded_bytes()).into_owned()
}

/// Parses a signal name or number. `None` is the null signal, 0.
///
/// # Errors
/// The text, and the nearest signal name.
pub(super) fn parse_signal(text: &str) -> Result<Option<Signal>, String> {
    if text.is_empty() {
        return Err("'': invalid signal (expected a name or a number)".to_owned());
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return parse_signal_number(text);
    }
    name::parse(text, Arch::NATIVE).map(Some).map_err(|error| error.to_string())
}

fn parse_signal_number(text: &str) -> Result<Option<Signal>, String> {
    let last = Arch::NATIVE.max_signal_number();
    Signal::from_digits(text).ok_or_else(|| format!("{text}: invalid signal number (expected 0 to {last})"))
}

/// Parses the value of sigqueue(3), a C int.
fn parse_queue_value(text: &str) -> Result<i32, String> {
    text.parse().map_err(|_| {
        format!("--queue '{text}': invalid value (expected an integer from {} to {})", i32::MIN, i32::MAX)
    })
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::super::arg_order::SHORT_OPTIONS;
    use super::*;

    #[derive(clap::Parser)]
    struct SendTestCli {
        #[command(flatten)]
        args: SendArgs,
    }

    #[test]
    fn lists_every_option_with_a_value() {
        let command = SendTestCli::command();
        for option in command.get_arguments().filter(|argument| !argument.is_positional()) {
            let expected = option.get_action().takes_values();
            let names = option
                .get_long()
                .map(|long| format!("--{long}"))
                .into_iter()
                .chain(option.get_short().map(|short| format!("-{short}")));
            for name in names {
                assert_eq!(takes_value(name.as_ref()), expected, "{name}");
            }
        }
    }

    #[test]
    fn lists_every_short_option() {
        for option in SendTestCli::command().get_arguments() {
            assert!(
                option.get_short().is_none_or(|short| SHORT_OPTIONS.contains(&(short as u8))),
                "{option}"
            );
        }
    }

    #[test]
    fn parse_without_clap_agrees_with_clap() {
        for line in ["-- 1 2", "--signal=KILL -- 1 -- -7", "--signal= -- 1", "-- ", "--"] {
            let args: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
            let without_clap = SendArgs::parse_without_clap(&args).unwrap();
            let with_clap =
                SendTestCli::try_parse_from([OsString::from("send")].into_iter().chain(args)).unwrap();
            assert_eq!(format!("{without_clap:?}"), format!("{:?}", with_clap.args), "{line}");
        }
        for line in ["--json -- 1", "-s 9 -- 1", "--signal=9 --json -- 1", "1", "--signal 9 -- 1"] {
            let args: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
            assert!(SendArgs::parse_without_clap(&args).is_none(), "{line}");
        }
    }

    #[test]
    fn then_takes_signal_and_optional_timeout() {
        let parse = |text: &str| {
            let escalation = parse_escalation(text, Some(Duration::from_secs(2)))?;
            Ok((escalation.signal.get(), escalation.timeout.map(|timeout| timeout.as_millis())))
        };
        assert_eq!(parse("KILL"), Ok((9, Some(2000))));
        assert_eq!(parse("INT:500ms"), Ok((2, Some(500))));
        assert_eq!(parse("9:inf"), Ok((9, None)));
        for text in ["", "FOO", "0", "KILL:", "KILL:x", ":5s"] {
            let error: String = parse(text).unwrap_err();
            assert!(error.starts_with("--then "), "{error}");
        }
    }

    #[test]
    fn parses_signal_by_name_or_number() {
        let parse = |text: &str| parse_signal(text).map(|signal| signal.map_or(0, Signal::get));
        assert_eq!(parse("TERM"), Ok(15));
        assert_eq!(parse("sigrtmin+1"), Ok(35));
        assert_eq!(parse("0"), Ok(0));
        assert_eq!(parse("64"), Ok(64));
        for text in ["65", "999999", "99999999999999999999"] {
            assert_eq!(parse(text), Err(format!("{text}: invalid signal number (expected 0 to 64)")));
        }
        assert!(parse("").is_err() && parse("+9").is_err() && parse("FOO").is_err());
        assert!(
            parse_signal_number("TERM").is_err()
                && parse_signal_number("").is_err()
                && parse_signal_number("+9").is_err()
        );
    }

    #[test]
    fn rejects_queue_value_beyond_c_int() {
        assert_eq!(parse_queue_value("-7"), Ok(-7));
        assert_eq!(parse_queue_value("2147483647"), Ok(i32::MAX));
        for text in ["2147483648", "", "x", "1.5"] {
            assert!(parse_queue_value(text).is_err(), "{text}");
        }
    }
}

//! Command-line arguments of `sigtool watch`.

use std::ffi::OsString;

use clap::{Args, ValueEnum};

use super::monitor::args::MonitorArgs;
use super::parse::{escape_arg, parse_signal_set};
use super::supervise::args::SuperviseArgs;
use super::{BurstPolicy, Hook, WatchRequest};
use crate::duration;
use crate::error::Failure;
use crate::signal::SignalSet;

/// The start of the long help. It repeats the summary, so that the examples come
/// directly after it.
const EXAMPLES: &str = "\
Show signals and their senders; supervise a command; monitor processes.

Examples:
  sigtool watch                              show each signal and its sender
  sigtool watch --count 1 --timeout 30s USR1 wait up to 30 s for one USR1
  sigtool watch --on HUP='nginx -s reload'   run a command on each HUP
  sigtool watch --on EXIT='rm -f lock'       run a command at exit
  sigtool watch --json | jq .sender          print only the senders
  sigtool watch -- nginx -g 'daemon off;'    run nginx, forward signals to it
  sigtool watch --map TERM=INT -- ./server   forward TERM as INT
  sigtool watch --pid 1234                   show how process 1234 changes
  sigtool watch --pid 1234 --until caught=TERM --timeout 10s
                                             wait until 1234 catches TERM
  sigtool watch --all                        show all signals of the system";

const DESCRIPTION: &str = "\
Receive signals (the default): sigtool prints one line for each signal that it
receives. It is ready when \"watch: ready, pid N\" appears on stderr. INT and
TERM end it, unless you name them. INT and HUP that were ignored on entry do
not end it. A sender with \"claims\" is unverified, because a process can put
any PID into a queued signal. Commands of --on find the signal and its sender
in SIGTOOL_SIGNAL, SIGTOOL_SENDER_PID and other environment variables, which
sigtool-watch(1) lists. With --json, the output of these commands goes to
stderr.

Supervise a command (after --): sigtool runs COMMAND and forwards each signal
to it with its sender and value. It logs the signals to stderr and exits with
the status of COMMAND. It can be PID 1 of a container. KILL and STOP cannot be
forwarded. --on, --burst and --timeout work here too; when the time is up,
COMMAND gets TERM.

Monitor processes (--pid or a selection option): sigtool reads /proc every
100 ms. It prints each change of the blocked, ignored, caught and pending
signals, of the name and of the state, and how the processes exit. This needs
no privileges. With CAP_BPF and CAP_PERFMON it also prints the signals that
are sent to them. A process blocks a signal if all of its threads block it.";

/// Show signals and their senders; supervise a command; monitor processes.
#[derive(Debug, Args)]
#[command(before_long_help = EXAMPLES, long_about = DESCRIPTION)]
#[command(
    override_usage = "sigtool watch [OPTIONS] [SIGNAL]...\n       sigtool watch [OPTIONS] {-- COMMAND [ARG]... | --pid PID...}"
)]
pub(crate) struct WatchArgs {
    /// Signals to report (default: all that can be caught)
    #[arg(
        value_name = "SIGNAL",
        display_order = 0,
        help_heading = "Receive signals",
        hide_short_help = true
    )]
    signals: Vec<OsString>,
    /// Run COMMAND on SIGNAL[,...], or at exit (EXIT)
    #[arg(long, value_name = "SIGNAL=COMMAND", display_order = 1, help_heading = "Receive signals")]
    on: Vec<OsString>,
    /// If COMMAND is still running: queue (default), drop or parallel
    #[arg(
        long,
        value_enum,
        value_name = "HOW",
        display_order = 2,
        help_heading = "Receive signals",
        hide_short_help = true,
        hide_possible_values = true
    )]
    burst: Option<BurstArg>,
    /// Exit after N signals (with --pid: N changes)
    #[arg(long, value_name = "N", value_parser = parse_positive_count, allow_negative_numbers = true)]
    count: Option<u64>,
    /// Exit with status 124 after this time (30s, 1m30s)
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    timeout: Option<OsString>,
    #[command(flatten, next_help_heading = "Supervise a command")]
    supervise: SuperviseArgs,
    #[command(flatten, next_help_heading = "Monitor processes")]
    monitor: MonitorArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum BurstArg {
    Queue,
    Drop,
    Parallel,
}

impl WatchArgs {
    /// Converts the arguments to a request.
    ///
    /// # Errors
    /// A usage error for the first invalid argument.
    pub(crate) fn to_request(&self) -> Result<WatchRequest, Failure> {
        let (signals, pids) = match self.monitor.operands_are_pids() {
            true => (&[][..], &self.signals[..]),
            false => (&self.signals[..], &[][..]),
        };
        let mut named_signals = SignalSet::EMPTY;
        for operand in signals {
            for signal in parse_signal_set(&escape_arg(operand))?.iter() {
                named_signals.insert(signal);
            }
        }
        let hooks = self.on.iter().map(parse_hooks).collect::<Result<Vec<_>, _>>()?.concat();
        hooks.iter().filter_map(|hook| hook.trigger).for_each(|signal| named_signals.insert(signal));
        let timeout = match &self.timeout {
            Some(word) => {
                let word = escape_arg(word);
                duration::parse(&word)
                    .map_err(|error| Failure::usage_error(format!("--timeout {word}: {error}")))?
            }
            None => None,
        };
        let burst = match self.burst {
            Some(BurstArg::Drop) => BurstPolicy::Drop,
            Some(BurstArg::Parallel) => BurstPolicy::Parallel,
            Some(BurstArg::Queue) | None => BurstPolicy::Queue,
        };
        let supervise = self.supervise.to_options(timeout.is_some())?;
        // 0 means no timeout for a command, as with timeout(1).
        let timeout = timeout.filter(|timeout| supervise.is_none() || !timeout.is_zero());
        if supervise.is_some() {
            self.reject_receive_options()?;
        }
        let receive_option = match (signals.first(), &self.on[..], self.burst) {
            (Some(word), _, _) => Some(escape_arg(word)),
            (None, [_, ..], _) => Some("--on".to_owned()),
            (None, [], burst) => burst.map(|_| "--burst".to_owned()),
        };
        let other_mode = receive_option.or_else(|| supervise.as_ref().map(|_| "-- COMMAND".to_owned()));
        let monitor =
            self.monitor.to_request(pids, other_mode.as_deref(), self.count, timeout)?.map(Box::new);
        Ok(WatchRequest {
            named_signals,
            all_signals: signals.is_empty(),
            hooks,
            burst,
            count: self.count,
            timeout,
            supervise,
            monitor,
        })
    }

    /// Rejects options of receiving together with a command.
    fn reject_receive_options(&self) -> Result<(), Failure> {
        if let Some(word) = self.signals.first() {
            let word = escape_arg(word);
            return Err(Failure::usage_error(format!(
                "{word}: a command receives all signals (to change that, use --drop or --map)"
            )));
        }
        match self.count {
            Some(_) => Err(Failure::usage_error("--count cannot be used with a command")),
            None => Ok(()),
        }
    }
}

fn parse_positive_count(word: &str) -> Result<u64, String> {
    word.parse().ok().filter(|count| *count > 0).ok_or_else(|| "expected a number of at least 1".to_owned())
}

/// Parses `SIGNAL[,...]=COMMAND` or `EXIT=COMMAND` to one hook per signal.
fn parse_hooks(word: &OsString) -> Result<Vec<Hook>, Failure> {
    let escaped = escape_arg(word);
    let Some(word) = word.to_str() else {
        return Err(Failure::usage_error(format!("--on {escaped}: the command is not valid UTF-8")));
    };
    let Some((triggers, command)) = word.split_once('=') else {
        return Err(Failure::usage_error(format!("--on {escaped}: expected SIGNAL=COMMAND")));
    };
    let hook = |trigger| Hook { trigger, command: command.to_owned() };
    let (exits, signals): (Vec<&str>, Vec<&str>) =
        triggers.split(',').partition(|name| name.eq_ignore_ascii_case("EXIT"));
    let signals = match signals.join(",") {
        names if names.is_empty() && !exits.is_empty() => SignalSet::EMPTY,
        names => parse_signal_set(&names).map_err(|error| Failure::usage_error(format!("--on {error}")))?,
    };
    let exit_hook = (!exits.is_empty()).then(|| hook(None));
    Ok(signals.iter().map(|signal| hook(Some(signal))).chain(exit_hook).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Signal;

    #[test]
    fn parses_hooks_and_names_invalid_ones() {
        let parse = |word: &str| {
            let hooks = parse_hooks(&OsString::from(word))?;
            Ok(hooks.into_iter().map(|hook| (hook.trigger.map_or(0, Signal::get), hook.command)).collect())
        };
        let check = |word, signals: &[u8], command: &str| {
            let expected: Vec<_> = signals.iter().map(|signal| (*signal, command.to_owned())).collect();
            assert_eq!(parse(word).map_err(|error: Failure| error.to_string()), Ok(expected));
        };
        check("HUP=echo a=b", &[1], "echo a=b");
        check("sigterm=", &[15], "");
        check("10=x", &[10], "x");
        check("EXIT=x", &[0], "x");
        check("exit=x", &[0], "x");
        check("exit,TERM,2=x", &[2, 15, 0], "x");
        for (word, message) in [
            ("HUP", "--on HUP: expected SIGNAL=COMMAND"),
            ("FOO=x", "--on FOO: unknown signal (the nearest name is FPE)"),
            ("65=x", "--on 65: invalid signal number (expected 1 to 64)"),
            ("=x", "--on '': expected a signal"),
            ("KILL=x", "--on KILL: cannot be caught, blocked or ignored"),
            ("33=x", "--on 33: reserved by the C library"),
        ] {
            assert_eq!(parse(word).unwrap_err().to_string(), message, "{word}");
        }
    }
}

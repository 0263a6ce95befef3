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

const EXAMPLES: &str = "\
Examples:
  sigtool watch                            whatever arrives, until INT or TERM
  sigtool watch --count 1 USR1             wait for one USR1
  sigtool watch --timeout 30s --count 1 USR1 || echo no signal
  sigtool watch --on HUP='nginx -s reload' run a command on each HUP
  sigtool watch --on EXIT='rm -f lock'     and one at the end
  sigtool watch --json | jq .sender        who sends them
  sigtool watch -- nginx -g 'daemon off;'  forward all to a command
  sigtool watch --map TERM=INT -- ./server in the words that it understands
  sigtool watch --pid 1234                 what changes in another process
  sigtool watch --pid 1234 --until caught=TERM --timeout 10s
                                           until it has its handler";

/// Receive signals, tell who sent them, run commands on them; observe others.
///
/// The signals are blocked before anything else, then read one after another:
/// none is lost, and real-time ones keep their order and their values. A line
/// `watch: ready, pid N` on stderr says when. Without operands everything that
/// can be caught is watched. INT or TERM ends it, unless named; not INT where it
/// was ignored on entry, as in the background of a script.
///
/// The sender is verified where the kernel vouches for it; one that a queued
/// signal names could be forged, and is said to be claimed.
///
/// A command of --on finds SIGTOOL_SIGNAL, SIGTOOL_NUMBER, SIGTOOL_CODE,
/// SIGTOOL_SENDER_PID, SIGTOOL_SENDER_UID and SIGTOOL_VALUE in its environment,
/// as far as they are known, and more: see sigtool-watch(1). Receiving goes on
/// meanwhile. With --json, what commands print goes to stderr.
///
/// With -- COMMAND, a command is run under it, in the signal state that sigtool
/// was started with, and every signal goes on to it with its sender and value
/// (KILL and STOP cannot be caught, nor forwarded). What was received and what
/// was done with it is told on stderr, or in a file (--log), or not (--quiet).
/// Fit to be PID 1. Its status is passed on.
///
/// With --pid, or a criterion, other processes are looked at again and again,
/// and each change of what they block, ignore and catch, of what is pending, of
/// their name and their state is told, and how they end. That takes no special
/// rights. A process blocks what all of its threads block, and what is pending
/// for one of them is pending for it; --threads tells of each. Between running
/// and sleeping it changes all the time: that is not told, and uninterruptible
/// sleep only where two looks in a row find it.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, after_long_help = EXAMPLES)]
#[command(
    override_usage = "sigtool watch [--on SIGNAL=COMMAND]... [--burst HOW] [--count N]\n                     [--timeout DURATION] [OPTIONS] [SIGNAL]...\n       sigtool watch [OPTIONS] -- COMMAND [ARG]...\n       sigtool watch --pid PID... [--until SET=SIGNALS] [OPTIONS]"
)]
pub(crate) struct WatchArgs {
    /// The signals to watch; all if none is given
    #[arg(value_name = "SIGNAL")]
    signals: Vec<OsString>,
    /// Run COMMAND on SIGNAL[,...], or at the end (EXIT)
    #[arg(long, value_name = "SIGNAL=COMMAND")]
    on: Vec<OsString>,
    /// While one runs: queue (default), drop or parallel
    #[arg(long, value_enum, value_name = "HOW", hide_short_help = true, hide_possible_values = true)]
    burst: Option<BurstArg>,
    /// End after N signals, or N changes
    #[arg(long, value_name = "N", value_parser = parse_positive_count, allow_negative_numbers = true)]
    count: Option<u64>,
    /// End after this time, with status 124
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    timeout: Option<OsString>,
    #[command(flatten)]
    supervise: SuperviseArgs,
    #[command(flatten)]
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
                "{word}: a command gets every signal; --drop, --map and --on name some"
            )));
        }
        match self.count {
            Some(_) => Err(Failure::usage_error("--count is for receiving: a command is run to its end")),
            None => Ok(()),
        }
    }
}

fn parse_positive_count(word: &str) -> Result<u64, String> {
    word.parse().ok().filter(|count| *count > 0).ok_or_else(|| "a number is expected, at least 1".to_owned())
}

/// Parses `SIGNAL[,...]=COMMAND` or `EXIT=COMMAND` to one hook per signal.
fn parse_hooks(word: &OsString) -> Result<Vec<Hook>, Failure> {
    let escaped = escape_arg(word);
    let Some(word) = word.to_str() else {
        return Err(Failure::usage_error(format!("--on {escaped}: a command must be UTF-8")));
    };
    let Some((triggers, command)) = word.split_once('=') else {
        return Err(Failure::usage_error(format!("--on {escaped}: SIGNAL=COMMAND is expected")));
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
            ("HUP", "--on HUP: SIGNAL=COMMAND is expected"),
            ("FOO=x", "--on FOO: unknown signal (the nearest name is FPE)"),
            ("65=x", "--on 65: not a signal number: they go from 1 to 64"),
            ("=x", "--on '': not a signal"),
            ("KILL=x", "--on KILL: the kernel lets nobody catch, block or ignore it"),
            ("33=x", "--on 33: it is the C library's own"),
        ] {
            assert_eq!(parse(word).unwrap_err().to_string(), message, "{word}");
        }
    }
}

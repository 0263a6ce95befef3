//! What is typed after `sigtool watch`.

use std::ffi::OsString;

use clap::{Args, ValueEnum};

use super::command::args::CommandArgs;
use super::poll::args::PollArgs;
use super::{Burst, Hook, Request, is_catchable};
use crate::error::Failure;
use crate::out::escape;
use crate::proc::duration;
use crate::signal::{Arch, Signal, SignalSet, name};

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
pub struct WatchArgs {
    /// The signals to watch; all if none is given
    #[arg(value_name = "SIGNAL")]
    signals: Vec<OsString>,
    /// Run COMMAND on SIGNAL[,...], or at the end (EXIT)
    #[arg(long, value_name = "SIGNAL=COMMAND")]
    on: Vec<OsString>,
    /// While one runs: queue (default), drop or parallel
    #[arg(long, value_enum, value_name = "HOW", hide_short_help = true, hide_possible_values = true)]
    burst: Option<BurstName>,
    /// End after N signals, or N changes
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    count: Option<u64>,
    /// End after this time, with status 124
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    timeout: Option<OsString>,
    #[command(flatten)]
    under: CommandArgs,
    #[command(flatten)]
    poll: PollArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum BurstName {
    Queue,
    Drop,
    Parallel,
}

impl WatchArgs {
    /// What the arguments mean.
    ///
    /// # Errors
    /// A usage failure naming the first word that means nothing.
    pub fn request(&self) -> Result<Request, Failure> {
        let (signals, pids) = match self.poll.takes_operands() {
            true => (&[][..], &self.signals[..]),
            false => (&self.signals[..], &[][..]),
        };
        let mut named = SignalSet::EMPTY;
        for word in signals {
            for signal in set(&text(word))?.iter() {
                named.insert(signal);
            }
        }
        let hooks = self.on.iter().map(hooks).collect::<Result<Vec<_>, _>>()?.concat();
        hooks.iter().filter_map(|hook| hook.on).for_each(|signal| named.insert(signal));
        let timeout = match &self.timeout {
            Some(word) => {
                let word = text(word);
                duration::parse(&word)
                    .map_err(|error| Failure::usage(format!("--timeout {word}: {error}")))?
            }
            None => None,
        };
        let burst = match self.burst {
            Some(BurstName::Drop) => Burst::Drop,
            Some(BurstName::Parallel) => Burst::Parallel,
            Some(BurstName::Queue) | None => Burst::Queue,
        };
        let command = self.under.plan(timeout.is_some())?;
        // As timeout(1) has it: 0 is no limit for a command.
        let timeout = timeout.filter(|time| command.is_none() || !time.is_zero());
        if command.is_some() {
            self.fits_command()?;
        }
        let all = signals.is_empty();
        let receives = match (signals.first(), &self.on[..], self.burst) {
            (Some(word), _, _) => Some(text(word)),
            (None, [_, ..], _) => Some("--on".to_owned()),
            (None, [], burst) => burst.map(|_| "--burst".to_owned()),
        };
        let receives = receives.or_else(|| command.as_ref().map(|_| "-- COMMAND".to_owned()));
        let observe = self.poll.request(pids, receives.as_deref(), self.count, timeout)?.map(Box::new);
        Ok(Request { named, all, hooks, burst, count: self.count, timeout, command, observe })
    }

    /// What is for receiving alone is not for a command, too.
    fn fits_command(&self) -> Result<(), Failure> {
        if let Some(word) = self.signals.first() {
            let word = text(word);
            return Err(Failure::usage(format!(
                "{word}: a command gets every signal; --drop, --map and --on name some"
            )));
        }
        match self.count {
            Some(_) => Err(Failure::usage("--count is for receiving: a command is run to its end")),
            None => Ok(()),
        }
    }
}

/// A number of signals, or changes.
fn at_least_one(word: &str) -> Result<u64, String> {
    word.parse().ok().filter(|count| *count > 0).ok_or_else(|| "a number is expected, at least 1".to_owned())
}

pub(super) fn text(word: &OsString) -> String {
    escape(word.as_encoded_bytes()).into_owned()
}

/// A name or a number.
pub(super) fn one(word: &str) -> Result<Signal, Failure> {
    match Signal::from_digits(word) {
        Some(Some(signal)) => return Ok(signal),
        _ if word.bytes().all(|byte| byte.is_ascii_digit()) => {}
        _ => return name::parse(word, Arch::NATIVE).map_err(Failure::usage),
    }
    // Nothing, or a number that is none of a signal.
    set(word).and_then(|set| set.iter().next().ok_or_else(|| Failure::usage("0: not a signal")))
}

/// A name, a number, or several of them separated by commas.
pub(super) fn set(word: &str) -> Result<SignalSet, Failure> {
    if word.trim().is_empty() {
        return Err(Failure::usage("'': not a signal"));
    }
    if word.bytes().all(|byte| byte.is_ascii_digit()) && word.parse().ok().and_then(Signal::native).is_none()
    {
        let last = Arch::NATIVE.last();
        return Err(Failure::usage(format!("{word}: not a signal number: they go from 1 to {last}")));
    }
    let set = SignalSet::parse(word, Arch::NATIVE).map_err(Failure::usage)?;
    // Who says `all`, or names the others, means what there can be.
    let names_each = !word.trim_start().starts_with('~')
        && !word.split([',', ' ', '[', ']']).any(|part| part.eq_ignore_ascii_case("all"));
    match set.iter().find(|signal| !is_catchable(*signal)).filter(|_| names_each) {
        Some(signal) => Err(uncatchable(signal)),
        None => Ok(set.iter().filter(|signal| is_catchable(*signal)).collect()),
    }
}

/// Why a signal cannot be named here.
pub(super) fn uncatchable(signal: Signal) -> Failure {
    let name = Arch::NATIVE.name(signal);
    let why = if signal.is_of_c_library() {
        "it is the C library's own"
    } else {
        "the kernel lets nobody catch, block or ignore it"
    };
    Failure::usage(format!("{name}: {why}"))
}

/// `SIGNAL[,...]=COMMAND`, or `EXIT=COMMAND`: a hook each.
fn hooks(word: &OsString) -> Result<Vec<Hook>, Failure> {
    let shown = text(word);
    let Some(word) = word.to_str() else {
        return Err(Failure::usage(format!("--on {shown}: a command must be UTF-8")));
    };
    let Some((on, command)) = word.split_once('=') else {
        return Err(Failure::usage(format!("--on {shown}: SIGNAL=COMMAND is expected")));
    };
    let hook = |on| Hook { on, command: command.to_owned() };
    let (ends, signals): (Vec<&str>, Vec<&str>) =
        on.split(',').partition(|name| name.eq_ignore_ascii_case("EXIT"));
    let signals = match signals.join(",") {
        none if none.is_empty() && !ends.is_empty() => SignalSet::EMPTY,
        names => set(&names).map_err(|error| Failure::usage(format!("--on {error}")))?,
    };
    let at_end = (!ends.is_empty()).then(|| hook(None));
    Ok(signals.iter().map(|signal| hook(Some(signal))).chain(at_end).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_are_read() {
        let read = |word: &str| {
            let hooks = hooks(&OsString::from(word))?;
            Ok(hooks.into_iter().map(|hook| (hook.on.map_or(0, Signal::get), hook.command)).collect())
        };
        let are = |word, on: &[u8], command: &str| {
            let expected: Vec<_> = on.iter().map(|on| (*on, command.to_owned())).collect();
            assert_eq!(read(word).map_err(|error: Failure| error.to_string()), Ok(expected));
        };
        are("HUP=echo a=b", &[1], "echo a=b");
        are("sigterm=", &[15], "");
        are("10=x", &[10], "x");
        are("EXIT=x", &[0], "x");
        are("exit=x", &[0], "x");
        are("exit,TERM,2=x", &[2, 15, 0], "x");
        for (word, said) in [
            ("HUP", "--on HUP: SIGNAL=COMMAND is expected"),
            ("FOO=x", "--on FOO: unknown signal; the nearest name is FPE"),
            ("65=x", "--on 65: not a signal number: they go from 1 to 64"),
            ("=x", "--on '': not a signal"),
            ("KILL=x", "--on KILL: the kernel lets nobody catch, block or ignore it"),
            ("33=x", "--on 33: it is the C library's own"),
        ] {
            assert_eq!(read(word).unwrap_err().to_string(), said, "{word}");
        }
    }

    #[test]
    fn signals_are_read_one_by_one_or_together() {
        let bits = |word: &str| set(word).map(SignalSet::bits).map_err(|failure| failure.to_string());
        assert_eq!(bits("TERM"), Ok(0x4000));
        assert_eq!(bits("INT,15"), Ok(0x4002));
        assert!(bits("all").is_ok_and(|bits| bits.count_ones() == 60));
        assert_eq!(bits("all,HUP"), bits("ALL"));
        assert!(bits("~[INT]").is_ok_and(|bits| bits.count_ones() == 59));
        for word in ["KILL", "TERM,STOP", "32", "FOO", ""] {
            assert!(bits(word).is_err(), "{word}");
        }
    }
}

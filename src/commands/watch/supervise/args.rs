//! Command-line arguments of `sigtool watch -- COMMAND`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::{LogDestination, SuperviseOptions};
use crate::commands::watch::parse::{escape_arg, parse_signal, parse_signal_set};
use crate::duration;
use crate::error::Failure;
use crate::signal::{Arch, Signal, SignalSet};

/// The options that belong to a command.
#[derive(Debug, Args)]
pub(in crate::commands::watch) struct SuperviseArgs {
    /// Command to run, with its arguments (after --)
    #[arg(last = true, value_name = "COMMAND", display_order = 0, hide_short_help = true)]
    command: Vec<OsString>,
    /// Forward SIGNAL[,...] as another signal
    #[arg(long, value_name = "SIGNAL=SIGNAL")]
    map: Vec<OsString>,
    /// Do not forward these signals
    #[arg(long, value_name = "SIGNAL[,...]")]
    drop: Vec<OsString>,
    /// Run COMMAND in its own process group and forward to the whole group
    #[arg(long, hide_short_help = true)]
    group: bool,
    /// Start COMMAND with these signals ignored (or all)
    #[arg(long, value_name = "SIGNAL[,...]", hide_short_help = true)]
    ignore: Vec<OsString>,
    /// Start COMMAND with these signals also blocked (or all)
    #[arg(long, value_name = "SIGNAL[,...]", hide_short_help = true)]
    block: Vec<OsString>,
    /// Start COMMAND with the default action for these signals (or all)
    #[arg(long, value_name = "SIGNAL[,...]", hide_short_help = true)]
    default: Vec<OsString>,
    /// Adopt and reap orphaned descendants (PID 1 always does)
    #[arg(long, hide_short_help = true)]
    reap: bool,
    /// Wait for all descendants of COMMAND too, and reap orphans
    #[arg(long, hide_short_help = true)]
    wait_all: bool,
    /// With --timeout: send KILL this long after TERM
    #[arg(long, value_name = "DURATION", hide_short_help = true)]
    kill_after: Option<OsString>,
    /// Append the signal log to FILE (- is stderr, the default)
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    log: Option<PathBuf>,
    /// Do not log signals
    #[arg(long, hide_short_help = true, conflicts_with = "log")]
    quiet: bool,
}

impl SuperviseArgs {
    /// Converts the arguments to options, or returns `None` if there is no command.
    ///
    /// # Errors
    /// A usage error for the first invalid argument, or for an option that needs a
    /// command.
    pub(in crate::commands::watch) fn to_options(
        &self,
        has_timeout: bool,
    ) -> Result<Option<SuperviseOptions>, Failure> {
        if self.command.is_empty() {
            let first_given = self.given_options().into_iter().find(|(given, _)| *given);
            return match first_given {
                Some((_, option)) => Err(Failure::usage_error(format!(
                    "{option} requires a command (sigtool watch {option} ... -- COMMAND)"
                ))),
                None => Ok(None),
            };
        }
        if self.kill_after.is_some() && !has_timeout {
            return Err(Failure::usage_error("--kill-after requires a finite --timeout"));
        }
        let mappings = self.map.iter().map(parse_mappings).collect::<Result<Vec<_>, _>>()?.concat();
        let dropped = parse_signal_sets("--drop", &self.drop)?;
        for (index, (from, _)) in mappings.iter().enumerate() {
            let name = Arch::NATIVE.signal_name(*from);
            if dropped.contains(*from) {
                return Err(Failure::usage_error(format!(
                    "{name}: cannot be given to both --map and --drop"
                )));
            }
            if mappings[..index].iter().any(|(earlier, _)| earlier == from) {
                return Err(Failure::usage_error(format!("{name}: --map cannot map it to two signals")));
            }
        }
        let kill_after = match &self.kill_after {
            Some(word) => {
                let word = escape_arg(word);
                duration::parse(&word)
                    .map_err(|error| Failure::usage_error(format!("--kill-after {word}: {error}")))?
            }
            None => None,
        };
        let log = match &self.log {
            Some(path) if path.as_os_str() == "-" => LogDestination::Stderr,
            Some(path) => LogDestination::File(path.clone()),
            None if self.quiet => LogDestination::Disabled,
            None => LogDestination::Stderr,
        };
        Ok(Some(SuperviseOptions {
            argv: self.command.clone(),
            mappings,
            dropped,
            ignored: parse_signal_sets("--ignore", &self.ignore)?,
            blocked: parse_signal_sets("--block", &self.block)?,
            defaulted: parse_signal_sets("--default", &self.default)?,
            own_group: self.group,
            adopts_orphans: self.reap || self.wait_all,
            waits_for_all: self.wait_all,
            kill_after,
            log,
        }))
    }

    /// Returns each option with whether it is given.
    fn given_options(&self) -> [(bool, &'static str); 11] {
        [
            (!self.map.is_empty(), "--map"),
            (!self.drop.is_empty(), "--drop"),
            (self.group, "--group"),
            (!self.ignore.is_empty(), "--ignore"),
            (!self.block.is_empty(), "--block"),
            (!self.default.is_empty(), "--default"),
            (self.reap, "--reap"),
            (self.wait_all, "--wait-all"),
            (self.kill_after.is_some(), "--kill-after"),
            (self.log.is_some(), "--log"),
            (self.quiet, "--quiet"),
        ]
    }
}

/// Parses the signal sets of an option and returns their union. `all` includes the
/// signals that the C library reserves, because a child may inherit them ignored.
fn parse_signal_sets(option: &str, words: &[OsString]) -> Result<SignalSet, Failure> {
    let add_option = |failure: Failure| Failure::usage_error(format!("{option} {failure}"));
    words.iter().try_fold(SignalSet::EMPTY, |union, word| {
        let word = escape_arg(word);
        let parsed = parse_signal_set(&word).map_err(add_option)?;
        let reserved = SignalSet::all(Arch::NATIVE).iter().filter(|signal| signal.is_reserved_by_libc());
        let contains_all = word.split(',').any(|part| part.trim().eq_ignore_ascii_case("all"));
        Ok(union | parsed | reserved.filter(|_| contains_all).collect())
    })
}

/// Parses `TERM=INT` or `TERM,HUP=INT` to pairs of a received and a forwarded signal.
fn parse_mappings(word: &OsString) -> Result<Vec<(Signal, Signal)>, Failure> {
    let word = escape_arg(word);
    let add_option = |failure: Failure| Failure::usage_error(format!("--map {failure}"));
    let Some((from, to)) = word.split_once('=') else {
        return Err(Failure::usage_error(format!("--map {word}: expected SIGNAL=SIGNAL")));
    };
    let (from, to) = (parse_signal_set(from).map_err(add_option)?, parse_signal(to).map_err(add_option)?);
    Ok(from.iter().map(|from| (from, to)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_mappings_and_names_invalid_ones() {
        let parse = |word: &str| {
            let mappings = parse_mappings(&OsString::from(word)).map_err(|failure| failure.to_string())?;
            Ok(mappings.into_iter().map(|(from, to)| (from.get(), to.get())).collect())
        };
        assert_eq!(parse("TERM=INT"), Ok(vec![(15, 2)]));
        assert_eq!(parse("sigrtmin+1=10"), Ok(vec![(35, 10)]));
        assert_eq!(parse("TERM,HUP=KILL"), Ok(vec![(1, 9), (15, 9)]));
        for (word, message) in [
            ("TERM", "--map TERM: expected SIGNAL=SIGNAL"),
            ("FOO=INT", "--map FOO: unknown signal (the nearest name is FPE)"),
            ("TERM=", "--map '': expected a signal"),
            ("TERM=65", "--map 65: invalid signal number (expected 1 to 64)"),
            ("KILL=TERM", "--map KILL: cannot be caught, blocked or ignored"),
        ] {
            assert_eq!(parse(word), Err(message.to_owned()), "{word}");
        }
    }
}

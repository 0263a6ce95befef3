//! What is typed after `sigtool watch` to observe others.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::time::Duration;

use clap::Args;

use super::MonitorRequest;
use super::events::args::EventArgs;
use crate::duration;
use crate::error::Failure;
use crate::explain::Requirement;
use crate::out::escape_name;
use crate::procfs::PID_MAX_LIMIT;
use crate::select::Selection;
use crate::select::args::SelectArgs;
use crate::signal::{Arch, SignalSet, name};

/// From one look to the next, where it is not given.
const DEFAULT_INTERVAL: Duration = Duration::from_millis(100);

/// The longest time from one look to the next.
const MAX_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// Which processes, and how often.
#[derive(Debug, Default, Args)]
pub struct MonitorArgs {
    /// Observe processes (or by --name, ...: see --help)
    ///
    /// Several: commas, blanks, operands; with criteria, those that match
    #[arg(long, value_name = "PID", allow_negative_numbers = true)]
    pid: Vec<OsString>,
    /// With --pid: end once all have them: caught=TERM
    ///
    /// As in decode-status --require; exit 1 if one ends before
    #[arg(long, value_name = "SET=SIGNALS")]
    until: Vec<OsString>,
    /// With --pid: from one look to the next (100ms)
    ///
    /// A millisecond at least, a day at most
    #[arg(long, value_name = "DURATION", hide_short_help = true, allow_hyphen_values = true)]
    interval: Option<OsString>,
    /// With --pid: each thread by itself
    #[arg(long, hide_short_help = true)]
    threads: bool,
    #[command(flatten)]
    events: EventArgs,
    #[command(flatten)]
    selection_args: SelectArgs,
}

impl MonitorArgs {
    /// Whether operands are processes: some are given by --pid.
    pub fn operands_are_pids(&self) -> bool {
        !self.pid.is_empty()
    }

    /// What is to be observed; `None` where nothing of it is given. `operands`:
    /// more processes. `receives`: what else was given, that is for receiving.
    ///
    /// # Errors
    /// A usage failure naming the first word that means nothing, or does not go
    /// with the others.
    pub fn to_request(
        &self,
        operands: &[OsString],
        receives: Option<&str>,
        count: Option<u64>,
        timeout: Option<Duration>,
    ) -> Result<Option<MonitorRequest>, Failure> {
        let selection = self.selection_args.to_selection().map_err(Failure::usage_error)?;
        let whom = self.pid.is_empty() && selection.is_empty();
        if whom {
            let alone = [
                (!self.until.is_empty(), "--until"),
                (self.interval.is_some(), "--interval"),
                (self.threads, "--threads"),
                (
                    !self.events.all && self.events.given_option().is_some(),
                    self.events.given_option().unwrap_or_default(),
                ),
                (!selection.is_noop(), "--oldest, --newest, --tree, --at-most"),
            ];
            return match alone.iter().find(|(given, _)| *given) {
                Some((_, option)) => Err(Failure::usage_error(format!(
                    "{option}: whom to observe is missing: --pid PID, or a criterion (--name NAME, ...){}",
                    if self.events.given_option() == Some(*option) { ", or --all" } else { "" }
                ))),
                None if !self.events.all => Ok(None),
                None => self.build_request(receives, Vec::new(), selection, count, timeout),
            };
        }
        if self.events.all {
            return Err(Failure::usage_error("--all: it is every process; criteria and --pid choose some"));
        }
        let mut chosen = Vec::new();
        for words in &self.pid {
            chosen.extend(parse_pids(words, "--pid ")?);
        }
        for words in operands {
            chosen.extend(parse_pids(words, "")?);
        }
        reject_own_pid(&chosen, "--pid")?;
        let mut seen = HashSet::new();
        chosen.retain(|pid| seen.insert(*pid));
        self.build_request(receives, chosen, selection, count, timeout)
    }

    fn build_request(
        &self,
        receives: Option<&str>,
        pids: Vec<u32>,
        selection: Selection,
        count: Option<u64>,
        timeout: Option<Duration>,
    ) -> Result<Option<MonitorRequest>, Failure> {
        if let Some(word) = receives {
            let is_signal = SignalSet::parse(word, Arch::NATIVE).is_ok();
            if self.events.all && is_signal {
                return Err(Failure::usage_error(format!(
                    "{word}: with --all every operand would be received: --signal {word} tells of that alone"
                )));
            }
            return Err(Failure::usage_error(format!(
                "{word}: it is for receiving signals; --pid and criteria observe other processes"
            )));
        }
        let until = self.until.iter().map(|word| {
            let word = escape_name(word.as_encoded_bytes());
            Requirement::parse(&word, true)
                .map_err(|error| Failure::usage_error(format!("--until {word}: {error}")))
        });
        let until = until.collect::<Result<Vec<_>, _>>()?;
        let interval = self.interval.as_ref().map_or(Ok(DEFAULT_INTERVAL), parse_interval)?;
        let (threads, live) = (self.threads, self.events.to_filter()?);
        Ok(Some(MonitorRequest { pids, selection, interval, threads, until, events: live, count, timeout }))
    }
}

/// That none of them is sigtool itself.
pub(super) fn reject_own_pid(pids: &[u32], option: &str) -> Result<(), Failure> {
    let own = std::process::id();
    match pids.contains(&own) {
        true => Err(Failure::usage_error(format!("{option} {own}: that is sigtool itself"))),
        false => Ok(()),
    }
}

/// The processes in a word, separated by commas, blanks and newlines. `option`:
/// what stands before it, in messages.
pub(super) fn parse_pids(words: &OsStr, option: &str) -> Result<Vec<u32>, Failure> {
    let text = String::from_utf8_lossy(words.as_encoded_bytes());
    let mut found = Vec::new();
    for part in text.split(',') {
        if part.trim().is_empty() {
            found.push(parse_pid("", option)?);
        }
        for word in part.split_whitespace() {
            found.push(parse_pid(word, option)?);
        }
    }
    Ok(found)
}

fn parse_pid(word: &str, option: &str) -> Result<u32, Failure> {
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let shown = if word.is_empty() { "''".into() } else { escape_name(word.as_bytes()) };
    match word.parse() {
        Ok(pid @ 1..=PID_MAX_LIMIT) if digits => Ok(pid),
        _ if digits => {
            Err(Failure::usage_error(format!("{option}{shown}: process ids go from 1 to {PID_MAX_LIMIT}")))
        }
        _ if option.is_empty() && name::parse(word, Arch::NATIVE).is_ok() => Err(Failure::usage_error(
            format!("{shown}: a signal, where --pid makes every operand a process: all that changes is told"),
        )),
        _ => Err(Failure::usage_error(format!(
            "{option}{shown}: not a process id (--name NAME finds by name)"
        ))),
    }
}

/// Not none at all, which would be a busy loop, nor longer than anybody waits.
fn parse_interval(word: &OsString) -> Result<Duration, Failure> {
    let word = escape_name(word.as_encoded_bytes());
    let refused = |error: &str| Failure::usage_error(format!("--interval {word}: {error}"));
    match duration::parse(&word).map_err(|error| refused(&error))? {
        Some(time) if time > MAX_INTERVAL => Err(refused("a day at most")),
        Some(time) if time >= Duration::from_millis(1) => Ok(time),
        Some(_) => Err(refused("a millisecond at least")),
        None => Err(refused("nobody would look a second time")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_pids_or_names_the_bad_one() {
        let read = |word: &str, option: &str| {
            parse_pids(OsStr::new(word), option).map_err(|failure| failure.to_string())
        };
        assert_eq!(read("1234", "--pid "), Ok(vec![1234]));
        assert_eq!(read("1, 2\n3\t4 5,6\n", "--pid "), Ok(vec![1, 2, 3, 4, 5, 6]));
        for (word, option, said) in [
            ("", "--pid ", "--pid '': not a process id (--name NAME finds by name)"),
            ("1,,2", "--pid ", "--pid '': not a process id (--name NAME finds by name)"),
            ("nginx", "--pid ", "--pid nginx: not a process id (--name NAME finds by name)"),
            ("+5", "--pid ", "--pid +5: not a process id (--name NAME finds by name)"),
            ("-1", "--pid ", "--pid -1: not a process id (--name NAME finds by name)"),
            ("0", "--pid ", "--pid 0: process ids go from 1 to 4194304"),
            ("4294967297", "", "4294967297: process ids go from 1 to 4194304"),
            (
                "term",
                "",
                "term: a signal, where --pid makes every operand a process: all that changes is told",
            ),
        ] {
            assert_eq!(read(word, option), Err(said.to_owned()));
        }
    }

    #[test]
    fn rejects_zero_and_infinite_interval() {
        let read = |word: &str| parse_interval(&OsString::from(word)).map_err(|failure| failure.to_string());
        assert_eq!(read("1ms"), Ok(Duration::from_millis(1)));
        assert_eq!(read("2"), Ok(Duration::from_secs(2)));
        assert_eq!(read("1d"), Ok(MAX_INTERVAL));
        for word in ["0", "1us", "inf", "soon", "", "-1s", "25h", "99999999999999d"] {
            assert!(read(word).is_err(), "{word}");
        }
    }
}

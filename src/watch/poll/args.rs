//! What is typed after `sigtool watch` to observe others.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::time::Duration;

use clap::Args;

use super::Request;
use super::live::args::LiveArgs;
use crate::error::Failure;
use crate::explain::Requirement;
use crate::out::escape;
use crate::proc::{PID_MAX, duration};
use crate::select::Selection;
use crate::select::args::SelectArgs;
use crate::signal::{Arch, SignalSet, name};

/// From one look to the next, where it is not given.
const INTERVAL: Duration = Duration::from_millis(100);

/// The longest time from one look to the next.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Which processes, and how often.
#[derive(Debug, Default, Args)]
pub struct PollArgs {
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
    live: LiveArgs,
    #[command(flatten)]
    select: SelectArgs,
}

impl PollArgs {
    /// Whether operands are processes: some are given by --pid.
    pub fn takes_operands(&self) -> bool {
        !self.pid.is_empty()
    }

    /// What is to be observed; `None` where nothing of it is given. `operands`:
    /// more processes. `receives`: what else was given, that is for receiving.
    ///
    /// # Errors
    /// A usage failure naming the first word that means nothing, or does not go
    /// with the others.
    pub fn request(
        &self,
        operands: &[OsString],
        receives: Option<&str>,
        count: Option<u64>,
        timeout: Option<Duration>,
    ) -> Result<Option<Request>, Failure> {
        let selection = self.select.selection().map_err(Failure::usage)?;
        let whom = self.pid.is_empty() && selection.is_empty();
        if whom {
            let alone = [
                (!self.until.is_empty(), "--until"),
                (self.interval.is_some(), "--interval"),
                (self.threads, "--threads"),
                (!self.live.all && self.live.given().is_some(), self.live.given().unwrap_or_default()),
                (!selection.is_whole(), "--oldest, --newest, --tree, --at-most"),
            ];
            return match alone.iter().find(|(given, _)| *given) {
                Some((_, option)) => Err(Failure::usage(format!(
                    "{option}: whom to observe is missing: --pid PID, or a criterion (--name NAME, ...){}",
                    if self.live.given() == Some(*option) { ", or --all" } else { "" }
                ))),
                None if !self.live.all => Ok(None),
                None => self.request_for(receives, Vec::new(), selection, count, timeout),
            };
        }
        if self.live.all {
            return Err(Failure::usage("--all: it is every process; criteria and --pid choose some"));
        }
        let mut chosen = Vec::new();
        for words in &self.pid {
            chosen.extend(pids(words, "--pid ")?);
        }
        for words in operands {
            chosen.extend(pids(words, "")?);
        }
        refuse_own(&chosen, "--pid")?;
        let mut seen = HashSet::new();
        chosen.retain(|pid| seen.insert(*pid));
        self.request_for(receives, chosen, selection, count, timeout)
    }

    fn request_for(
        &self,
        receives: Option<&str>,
        pids: Vec<u32>,
        selection: Selection,
        count: Option<u64>,
        timeout: Option<Duration>,
    ) -> Result<Option<Request>, Failure> {
        if let Some(word) = receives {
            let is_signal = SignalSet::parse(word, Arch::NATIVE).is_ok();
            if self.live.all && is_signal {
                return Err(Failure::usage(format!(
                    "{word}: with --all every operand would be received: --signal {word} tells of that alone"
                )));
            }
            return Err(Failure::usage(format!(
                "{word}: it is for receiving signals; --pid and criteria observe other processes"
            )));
        }
        let until = self.until.iter().map(|word| {
            let word = escape(word.as_encoded_bytes());
            Requirement::parse(&word, true)
                .map_err(|error| Failure::usage(format!("--until {word}: {error}")))
        });
        let until = until.collect::<Result<Vec<_>, _>>()?;
        let interval = self.interval.as_ref().map_or(Ok(INTERVAL), interval)?;
        let (threads, live) = (self.threads, self.live.asked()?);
        Ok(Some(Request { pids, selection, interval, threads, until, live, count, timeout }))
    }
}

/// That none of them is sigtool itself.
pub(super) fn refuse_own(pids: &[u32], option: &str) -> Result<(), Failure> {
    let own = std::process::id();
    match pids.contains(&own) {
        true => Err(Failure::usage(format!("{option} {own}: that is sigtool itself"))),
        false => Ok(()),
    }
}

/// The processes in a word, separated by commas, blanks and newlines. `option`:
/// what stands before it, in messages.
pub(super) fn pids(words: &OsStr, option: &str) -> Result<Vec<u32>, Failure> {
    let text = String::from_utf8_lossy(words.as_encoded_bytes());
    let mut found = Vec::new();
    for part in text.split(',') {
        if part.trim().is_empty() {
            found.push(pid("", option)?);
        }
        for word in part.split_whitespace() {
            found.push(pid(word, option)?);
        }
    }
    Ok(found)
}

fn pid(word: &str, option: &str) -> Result<u32, Failure> {
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let shown = if word.is_empty() { "''".into() } else { escape(word.as_bytes()) };
    match word.parse() {
        Ok(pid @ 1..=PID_MAX) if digits => Ok(pid),
        _ if digits => Err(Failure::usage(format!("{option}{shown}: process ids go from 1 to {PID_MAX}"))),
        _ if option.is_empty() && name::parse(word, Arch::NATIVE).is_ok() => Err(Failure::usage(format!(
            "{shown}: a signal, where --pid makes every operand a process: all that changes is told"
        ))),
        _ => Err(Failure::usage(format!("{option}{shown}: not a process id (--name NAME finds by name)"))),
    }
}

/// Not none at all, which would be a busy loop, nor longer than anybody waits.
fn interval(word: &OsString) -> Result<Duration, Failure> {
    let word = escape(word.as_encoded_bytes());
    let refused = |error: &str| Failure::usage(format!("--interval {word}: {error}"));
    match duration::parse(&word).map_err(|error| refused(&error))? {
        Some(time) if time > LONGEST => Err(refused("a day at most")),
        Some(time) if time >= Duration::from_millis(1) => Ok(time),
        Some(_) => Err(refused("a millisecond at least")),
        None => Err(refused("nobody would look a second time")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_or_named() {
        let read =
            |word: &str, option: &str| pids(OsStr::new(word), option).map_err(|failure| failure.to_string());
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
    fn an_interval_is_neither_nothing_nor_for_ever() {
        let read = |word: &str| interval(&OsString::from(word)).map_err(|failure| failure.to_string());
        assert_eq!(read("1ms"), Ok(Duration::from_millis(1)));
        assert_eq!(read("2"), Ok(Duration::from_secs(2)));
        assert_eq!(read("1d"), Ok(LONGEST));
        for word in ["0", "1us", "inf", "soon", "", "-1s", "25h", "99999999999999d"] {
            assert!(read(word).is_err(), "{word}");
        }
    }
}

//! Options of `sigtool watch` that monitor other processes.

use std::collections::HashSet;
use std::ffi::OsString;
use std::time::Duration;

use clap::Args;

use super::MonitorRequest;
use super::events::args::EventArgs;
use super::pid_list::{parse_pids, reject_own_pid};
use crate::duration;
use crate::error::Failure;
use crate::explain::Requirement;
use crate::out::escape_name;
use crate::select::Selection;
use crate::select::args::SelectArgs;
use crate::signal::{Arch, SignalSet};

/// Default time between two samples.
const DEFAULT_INTERVAL: Duration = Duration::from_millis(100);

/// Maximum time between two samples.
const MAX_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// Options that select the processes to monitor and control the sampling.
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
    /// Returns whether --pid is given; the operands are PIDs then.
    pub fn operands_are_pids(&self) -> bool {
        !self.pid.is_empty()
    }

    /// Converts the options; returns `None` if none of them is given. `operands`:
    /// further PIDs. `receive_arg`: a given argument that applies only to receiving
    /// signals.
    ///
    /// # Errors
    /// A usage failure for the first value that is invalid, or that cannot be
    /// combined with the others.
    pub fn to_request(
        &self,
        operands: &[OsString],
        receive_arg: Option<&str>,
        count: Option<u64>,
        timeout: Option<Duration>,
    ) -> Result<Option<MonitorRequest>, Failure> {
        let selection = self.selection_args.to_selection().map_err(Failure::usage_error)?;
        if self.pid.is_empty() && selection.is_empty() {
            let dependent_options = [
                (!self.until.is_empty(), "--until"),
                (self.interval.is_some(), "--interval"),
                (self.threads, "--threads"),
                (
                    !self.events.all && self.events.given_option().is_some(),
                    self.events.given_option().unwrap_or_default(),
                ),
                (!selection.is_noop(), "--oldest, --newest, --tree, --at-most"),
            ];
            return match dependent_options.iter().find(|(is_given, _)| *is_given) {
                Some((_, option)) => Err(Failure::usage_error(format!(
                    "{option}: whom to observe is missing: --pid PID, or a criterion (--name NAME, ...){}",
                    if self.events.given_option() == Some(*option) { ", or --all" } else { "" }
                ))),
                None if !self.events.all => Ok(None),
                None => self.build_request(receive_arg, Vec::new(), selection, count, timeout),
            };
        }
        if self.events.all {
            return Err(Failure::usage_error("--all: it is every process; criteria and --pid choose some"));
        }
        let mut pids = Vec::new();
        for arg in &self.pid {
            pids.extend(parse_pids(arg, "--pid ")?);
        }
        for arg in operands {
            pids.extend(parse_pids(arg, "")?);
        }
        reject_own_pid(&pids, "--pid")?;
        let mut seen = HashSet::new();
        pids.retain(|pid| seen.insert(*pid));
        self.build_request(receive_arg, pids, selection, count, timeout)
    }

    fn build_request(
        &self,
        receive_arg: Option<&str>,
        pids: Vec<u32>,
        selection: Selection,
        count: Option<u64>,
        timeout: Option<Duration>,
    ) -> Result<Option<MonitorRequest>, Failure> {
        if let Some(word) = receive_arg {
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
        let (threads, events) = (self.threads, self.events.to_filter()?);
        Ok(Some(MonitorRequest { pids, selection, interval, threads, until, events, count, timeout }))
    }
}

/// Parses the time between two samples: at least 1 ms, so that it is no busy loop.
fn parse_interval(word: &OsString) -> Result<Duration, Failure> {
    let word = escape_name(word.as_encoded_bytes());
    let invalid = |error: &str| Failure::usage_error(format!("--interval {word}: {error}"));
    match duration::parse(&word).map_err(|error| invalid(&error))? {
        Some(time) if time > MAX_INTERVAL => Err(invalid("a day at most")),
        Some(time) if time >= Duration::from_millis(1) => Ok(time),
        Some(_) => Err(invalid("a millisecond at least")),
        None => Err(invalid("nobody would look a second time")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_zero_and_infinite_interval() {
        let parse = |word: &str| parse_interval(&OsString::from(word)).map_err(|failure| failure.to_string());
        assert_eq!(parse("1ms"), Ok(Duration::from_millis(1)));
        assert_eq!(parse("2"), Ok(Duration::from_secs(2)));
        assert_eq!(parse("1d"), Ok(MAX_INTERVAL));
        for word in ["0", "1us", "inf", "soon", "", "-1s", "25h", "99999999999999d"] {
            assert!(parse(word).is_err(), "{word}");
        }
    }
}

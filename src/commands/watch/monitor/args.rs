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
#[command(next_help_heading = "Watch other processes")]
pub struct MonitorArgs {
    /// Watch these processes (PIDs separated by commas)
    #[arg(long, value_name = "PID", allow_negative_numbers = true)]
    pid: Vec<OsString>,
    /// Exit once every process matches, as in caught=TERM
    #[arg(long, value_name = "SET=SIGNALS")]
    until: Vec<OsString>,
    /// Time between two samples, 1ms to 1d (default: 100ms)
    #[arg(long, value_name = "DURATION", hide_short_help = true, allow_hyphen_values = true)]
    interval: Option<OsString>,
    /// Report each thread separately
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
            ];
            const PID_OR_CRITERION: &str = "--pid PID or a criterion such as --name NAME";
            return match dependent_options.iter().find(|(is_given, _)| *is_given) {
                Some((_, option)) if self.events.given_option() == Some(*option) => {
                    Err(Failure::usage_error(format!("{option} requires --all, {PID_OR_CRITERION}")))
                }
                Some((_, option)) => {
                    Err(Failure::usage_error(format!("{option} requires {PID_OR_CRITERION}")))
                }
                None if !selection.is_noop() => Err(Failure::usage_error(format!(
                    "--oldest, --newest, --tree and --at-most require {PID_OR_CRITERION}"
                ))),
                None if !self.events.all => Ok(None),
                None => self.build_request(receive_arg, Vec::new(), selection, count, timeout),
            };
        }
        if self.events.all {
            return Err(Failure::usage_error(
                "--all cannot be combined with --pid or criteria (it includes every process)",
            ));
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
            return Err(Failure::usage_error(if is_signal {
                format!(
                    "{word}: unexpected operand with --all or criteria (use --signal {word} to report only this signal)"
                )
            } else {
                format!("{word} cannot be combined with --pid, criteria or --all")
            }));
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
        Some(time) if time > MAX_INTERVAL => Err(invalid("must be at most 1 day")),
        Some(time) if time >= Duration::from_millis(1) => Ok(time),
        Some(_) => Err(invalid("must be at least 1 ms")),
        None => Err(invalid("must be finite")),
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

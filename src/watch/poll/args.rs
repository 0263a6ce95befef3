//! What is typed after `sigtool watch` to observe others.

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;

use super::Request;
use crate::error::Failure;
use crate::explain::Requirement;
use crate::out::escape;
use crate::proc::{PID_MAX, duration};
use crate::select::args::SelectArgs;

/// From one look to the next, where it is not given.
const INTERVAL: Duration = Duration::from_millis(100);

/// Which processes, and how often.
#[derive(Debug, Default, Args)]
pub struct PollArgs {
    /// Observe processes (or by --name, ...: see --help)
    ///
    /// Several are separated by commas; with criteria, those that match
    #[arg(long, value_name = "PID", value_delimiter = ',')]
    pid: Vec<OsString>,
    /// With --pid: end once all have them: caught=TERM
    ///
    /// As in decode-status --require; exit 1 if one ends before
    #[arg(long, value_name = "SET=SIGNALS")]
    until: Vec<OsString>,
    /// With --pid: from one look to the next (100ms)
    #[arg(long, value_name = "DURATION", hide_short_help = true)]
    interval: Option<OsString>,
    /// With --pid: each thread by itself
    #[arg(long, hide_short_help = true)]
    threads: bool,
    #[command(flatten)]
    select: SelectArgs,
}

impl PollArgs {
    /// What is to be observed; `None` where nothing of it is given. `receives`:
    /// what else was given, that is for receiving.
    ///
    /// # Errors
    /// A usage failure naming the first word that means nothing, or does not go
    /// with the others.
    pub fn request(
        &self,
        receives: Option<&str>,
        count: Option<u64>,
        timeout: Option<Duration>,
    ) -> Result<Option<Request>, Failure> {
        let selection = self.select.selection().map_err(Failure::usage)?;
        if self.pid.is_empty() && selection.is_empty() {
            let alone = [
                (!self.until.is_empty(), "--until"),
                (self.interval.is_some(), "--interval"),
                (self.threads, "--threads"),
                (!selection.is_whole(), "--oldest, --newest, --tree, --at-most"),
            ];
            return match alone.iter().find(|(given, _)| *given) {
                Some((_, option)) => Err(Failure::usage(format!(
                    "{option}: whom to observe is missing: --pid PID, or a criterion (--name NAME, ...)"
                ))),
                None => Ok(None),
            };
        }
        if let Some(word) = receives {
            return Err(Failure::usage(format!(
                "{word}: it is for receiving signals; --pid and criteria observe other processes"
            )));
        }
        let mut pids = Vec::new();
        for pid in self.pid.iter().map(pid) {
            let pid = pid?;
            if !pids.contains(&pid) {
                pids.push(pid);
            }
        }
        let until = self.until.iter().map(|word| {
            let word = escape(word.as_encoded_bytes());
            Requirement::parse(&word, true)
                .map_err(|error| Failure::usage(format!("--until {word}: {error}")))
        });
        let until = until.collect::<Result<Vec<_>, _>>()?;
        let interval = self.interval.as_ref().map_or(Ok(INTERVAL), interval)?;
        Ok(Some(Request { pids, selection, interval, threads: self.threads, until, count, timeout }))
    }
}

fn pid(word: &OsString) -> Result<u32, Failure> {
    let word = escape(word.as_encoded_bytes());
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    match word.parse() {
        Ok(pid @ 1..=PID_MAX) if digits => Ok(pid),
        _ if digits => Err(Failure::usage(format!("--pid {word}: process ids go from 1 to {PID_MAX}"))),
        _ => {
            let shown = if word.is_empty() { "''" } else { &word };
            Err(Failure::usage(format!("--pid {shown}: not a process id (--name NAME finds by name)")))
        }
    }
}

/// Not none at all, which would be a busy loop.
fn interval(word: &OsString) -> Result<Duration, Failure> {
    let word = escape(word.as_encoded_bytes());
    let refused = |error: &str| Failure::usage(format!("--interval {word}: {error}"));
    match duration::parse(&word).map_err(|error| refused(&error))? {
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
        let read = |word: &str| pid(&OsString::from(word)).map_err(|failure| failure.to_string());
        assert_eq!(read("1234"), Ok(1234));
        for (word, said) in [
            ("", "--pid '': not a process id (--name NAME finds by name)"),
            ("nginx", "--pid nginx: not a process id (--name NAME finds by name)"),
            ("+5", "--pid +5: not a process id (--name NAME finds by name)"),
            ("0", "--pid 0: process ids go from 1 to 4194304"),
            ("4294967297", "--pid 4294967297: process ids go from 1 to 4194304"),
        ] {
            assert_eq!(read(word), Err(said.to_owned()));
        }
    }

    #[test]
    fn an_interval_is_neither_nothing_nor_for_ever() {
        let read = |word: &str| interval(&OsString::from(word)).map_err(|failure| failure.to_string());
        assert_eq!(read("1ms"), Ok(Duration::from_millis(1)));
        assert_eq!(read("2"), Ok(Duration::from_secs(2)));
        for word in ["0", "1us", "inf", "soon", ""] {
            assert!(read(word).is_err(), "{word}");
        }
    }
}

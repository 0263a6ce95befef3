//! What is typed to be told of signals as they happen.

use std::ffi::OsString;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::{EventFilter, ProcessMatcher};
use crate::commands::watch::monitor::args::{parse_pids, reject_own_pid};
use crate::error::Failure;
use crate::inspect::BackendChoice;
use crate::out::escape_name;
use crate::signal::{Arch, SignalSet};

/// Which signals, by what.
#[derive(Debug, Default, Args)]
pub(in crate::commands::watch::monitor) struct EventArgs {
    /// Every signal of the whole system, as it is sent
    ///
    /// That is BPF's to see: it takes CAP_BPF and CAP_PERFMON
    #[arg(long, conflicts_with = "pid", hide_short_help = true)]
    pub(in crate::commands::watch::monitor) all: bool,
    /// Of what is sent to others, only these
    #[arg(long, value_name = "SIGNAL[,...]", hide_short_help = true)]
    signal: Vec<OsString>,
    /// Only what these send (numbers, or names)
    #[arg(long, value_name = "PROCESS[,...]", value_delimiter = ',', hide_short_help = true)]
    sender: Vec<OsString>,
    /// With --all: only what is sent to these (numbers, or names)
    #[arg(long, value_name = "PROCESS[,...]", value_delimiter = ',', hide_short_help = true)]
    target: Vec<OsString>,
    /// Tell only how processes end, and who ended them
    #[arg(long, hide_short_help = true)]
    until_exit: bool,
    /// See signals by: auto, bpf, ptrace or proc
    ///
    /// auto: BPF if it may be used, else proc; ptrace stops at each signal
    #[arg(long, value_parser = backend_parser(), value_name = "MEANS", hide_possible_values = true, hide_short_help = true)]
    backend: Option<BackendChoice>,
    /// Also why the kernel refused a BPF program
    #[arg(short, long, hide_short_help = true)]
    verbose: bool,
}

/// Returns the parser of the backends for events.
fn backend_parser() -> impl TypedValueParser<Value = BackendChoice> {
    PossibleValuesParser::new(BackendChoice::ALL.map(BackendChoice::as_str))
        .map(|name| BackendChoice::from_name(&name).unwrap_or_default())
}

impl EventArgs {
    /// The options that are given, the first of which needs somebody to look at.
    pub(in crate::commands::watch::monitor) fn given_option(&self) -> Option<&'static str> {
        let given = [
            (!self.signal.is_empty(), "--signal"),
            (!self.sender.is_empty(), "--sender"),
            (!self.target.is_empty(), "--target"),
            (self.until_exit, "--until-exit"),
            (self.backend.is_some(), "--backend"),
            (self.verbose, "--verbose"),
        ];
        given.iter().find(|(given, _)| *given).map(|(_, option)| *option)
    }

    /// What is asked.
    ///
    /// # Errors
    /// A usage failure naming the first word that means nothing, or does not go
    /// with the others.
    pub(in crate::commands::watch::monitor) fn to_filter(&self) -> Result<EventFilter, Failure> {
        let backend = match self.backend.unwrap_or_default() {
            BackendChoice::Auto if self.all => BackendChoice::Bpf,
            backend => backend,
        };
        let refused = |text: &str| Err(Failure::usage_error(text));
        if self.all && backend != BackendChoice::Bpf {
            return refused("--all: only BPF sees the whole system: --backend bpf");
        }
        if self.all && self.until_exit {
            return refused("--until-exit: it is for processes: --pid PID, or a criterion");
        }
        if !self.all && !self.target.is_empty() {
            return refused("--target: it goes with --all; --pid, or a criterion, names the targets");
        }
        let chooses = !self.signal.is_empty() || !self.sender.is_empty();
        if backend == BackendChoice::Proc && chooses {
            return refused(
                "--signal, --sender: /proc does not tell who sends what: --backend bpf or ptrace",
            );
        }
        Ok(EventFilter {
            backend,
            all_processes: self.all,
            signals: self.parse_signals()?,
            senders: parse_process_matchers("--sender", &self.sender)?,
            targets: parse_process_matchers("--target", &self.target)?,
            until_exit: self.until_exit,
            verbose: self.verbose,
        })
    }

    fn parse_signals(&self) -> Result<SignalSet, Failure> {
        let all = SignalSet::all(Arch::NATIVE);
        let sets = self.signal.iter().map(|word| {
            let word = escape_name(word.as_encoded_bytes());
            if word.trim().is_empty() {
                return Err(Failure::usage_error("--signal '': not a signal"));
            }
            // A number that is none, as such; those of a mask are read as one.
            if let Some(number) = word.split(',').find(|word| is_invalid_signal_number(word.trim())) {
                let last = Arch::NATIVE.max_signal_number();
                let text = format!("--signal {number}: not a signal number: they go from 1 to {last}");
                return Err(Failure::usage_error(text));
            }
            SignalSet::parse(&word, Arch::NATIVE)
                .map_err(|error| Failure::usage_error(format!("--signal {error}")))
        });
        let named = sets.reduce(|all, set| Ok(all? | set?)).transpose()?;
        Ok(named.unwrap_or(all))
    }
}

/// Whether this is a number, and of no signal.
fn is_invalid_signal_number(word: &str) -> bool {
    let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    is_number && word.parse().ok().and_then(|number| Arch::NATIVE.signal(number)).is_none()
}

fn parse_process_matchers(option: &str, words: &[OsString]) -> Result<Vec<ProcessMatcher>, Failure> {
    let party = |word: &OsString| {
        let bytes = word.as_encoded_bytes();
        if bytes.is_empty() {
            return Err(Failure::usage_error(format!("{option} '': not a process")));
        }
        if !bytes.iter().all(u8::is_ascii_digit) {
            // As much as the kernel keeps (TASK_COMM_LEN, less the zero).
            return Ok(ProcessMatcher::Name(bytes[..bytes.len().min(15)].to_vec()));
        }
        let pids = parse_pids(word, &format!("{option} "))?;
        reject_own_pid(&pids, option)?;
        Ok(ProcessMatcher::Pid(pids[0]))
    };
    words.iter().map(party).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::consts::{INT, TERM};

    fn args(signal: &[&str], sender: &[&str]) -> EventArgs {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect();
        EventArgs { signal: words(signal), sender: words(sender), ..EventArgs::default() }
    }

    #[test]
    fn parses_signals_and_senders() {
        let asked =
            args(&["TERM,2"], &["77", "deploy.sh", "a-very-long-name.sh"]).to_filter().expect("it is right");
        assert_eq!(asked.signals, [INT, TERM].into_iter().collect());
        let name = |name: &[u8]| ProcessMatcher::Name(name.to_vec());
        assert_eq!(asked.senders, [ProcessMatcher::Pid(77), name(b"deploy.sh"), name(b"a-very-long-nam")]);
        assert!(asked.is_selective() && asked.backend == BackendChoice::Auto);
        assert!(!args(&[], &[]).to_filter().expect("it is right").is_selective());
    }

    #[test]
    fn rejects_invalid_signals_senders_and_backends() {
        let said = |args: EventArgs| args.to_filter().expect_err("it is wrong").to_string();
        assert_eq!(said(args(&["FOO"], &[])), "--signal FOO: unknown signal; the nearest name is FPE");
        assert_eq!(said(args(&[""], &[])), "--signal '': not a signal");
        let number = |number| format!("--signal {number}: not a signal number: they go from 1 to 64");
        assert_eq!(said(args(&["TERM,65"], &[])), number("65"));
        assert_eq!(said(args(&["0"], &[])), number("0"));
        assert_eq!(said(args(&[], &["0"])), "--sender 0: process ids go from 1 to 4194304");
        assert_eq!(said(args(&[], &[""])), "--sender '': not a process");
        let proc = EventArgs { backend: Some(BackendChoice::Proc), ..args(&["TERM"], &[]) };
        assert!(said(proc).starts_with("--signal, --sender: /proc does not tell"));
        let ptrace = EventArgs { backend: Some(BackendChoice::Ptrace), all: true, ..EventArgs::default() };
        assert!(said(ptrace).starts_with("--all: only BPF"));
    }
}

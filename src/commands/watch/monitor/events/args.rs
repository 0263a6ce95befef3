//! Options that select events and their backend.

use std::ffi::OsString;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::filter::{EventFilter, ProcessMatcher};
use crate::commands::watch::monitor::pid_list::{parse_pids, reject_own_pid};
use crate::error::Failure;
use crate::inspect::BackendChoice;
use crate::out::escape_name;
use crate::signal::{Arch, SignalSet};

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
    /// Returns the first given option that requires processes to monitor or --all.
    pub(in crate::commands::watch::monitor) fn given_option(&self) -> Option<&'static str> {
        let options = [
            (!self.signal.is_empty(), "--signal"),
            (!self.sender.is_empty(), "--sender"),
            (!self.target.is_empty(), "--target"),
            (self.until_exit, "--until-exit"),
            (self.backend.is_some(), "--backend"),
            (self.verbose, "--verbose"),
        ];
        options.iter().find(|(is_given, _)| *is_given).map(|(_, option)| *option)
    }

    /// Converts the options.
    ///
    /// # Errors
    /// A usage failure for the first value that is invalid, or that cannot be
    /// combined with the others.
    pub(in crate::commands::watch::monitor) fn to_filter(&self) -> Result<EventFilter, Failure> {
        let backend = match self.backend.unwrap_or_default() {
            BackendChoice::Auto if self.all => BackendChoice::Bpf,
            backend => backend,
        };
        let usage_error = |text: &str| Err(Failure::usage_error(text));
        if self.all && backend != BackendChoice::Bpf {
            return usage_error("--all: only BPF sees the whole system: --backend bpf");
        }
        if self.all && self.until_exit {
            return usage_error("--until-exit: it is for processes: --pid PID, or a criterion");
        }
        if !self.all && !self.target.is_empty() {
            return usage_error("--target: it goes with --all; --pid, or a criterion, names the targets");
        }
        let selects_signals = !self.signal.is_empty() || !self.sender.is_empty();
        if backend == BackendChoice::Proc && selects_signals {
            return usage_error(
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
            // Without this check, SignalSet::parse could read the number as a mask.
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

/// Returns whether the word is a number that is not a signal number.
fn is_invalid_signal_number(word: &str) -> bool {
    let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    is_number && word.parse().ok().and_then(|number| Arch::NATIVE.signal(number)).is_none()
}

fn parse_process_matchers(option: &str, words: &[OsString]) -> Result<Vec<ProcessMatcher>, Failure> {
    let parse = |word: &OsString| {
        let bytes = word.as_encoded_bytes();
        if bytes.is_empty() {
            return Err(Failure::usage_error(format!("{option} '': not a process")));
        }
        if !bytes.iter().all(u8::is_ascii_digit) {
            // The kernel keeps 15 bytes of a name (TASK_COMM_LEN includes a NUL byte).
            return Ok(ProcessMatcher::Name(bytes[..bytes.len().min(15)].to_vec()));
        }
        let pids = parse_pids(word, &format!("{option} "))?;
        reject_own_pid(&pids, option)?;
        Ok(ProcessMatcher::Pid(pids[0]))
    };
    words.iter().map(parse).collect()
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
        let filter = args(&["TERM,2"], &["77", "deploy.sh", "a-very-long-name.sh"])
            .to_filter()
            .expect("valid options");
        assert_eq!(filter.signals, [INT, TERM].into_iter().collect());
        let name = |name: &[u8]| ProcessMatcher::Name(name.to_vec());
        assert_eq!(filter.senders, [ProcessMatcher::Pid(77), name(b"deploy.sh"), name(b"a-very-long-nam")]);
        assert!(filter.is_selective() && filter.backend == BackendChoice::Auto);
        assert!(!args(&[], &[]).to_filter().expect("valid options").is_selective());
    }

    #[test]
    fn rejects_invalid_signals_senders_and_backends() {
        let error_of = |args: EventArgs| args.to_filter().expect_err("invalid options").to_string();
        assert_eq!(error_of(args(&["FOO"], &[])), "--signal FOO: unknown signal; the nearest name is FPE");
        assert_eq!(error_of(args(&[""], &[])), "--signal '': not a signal");
        let invalid_number = |number| format!("--signal {number}: not a signal number: they go from 1 to 64");
        assert_eq!(error_of(args(&["TERM,65"], &[])), invalid_number("65"));
        assert_eq!(error_of(args(&["0"], &[])), invalid_number("0"));
        assert_eq!(error_of(args(&[], &["0"])), "--sender 0: process ids go from 1 to 4194304");
        assert_eq!(error_of(args(&[], &[""])), "--sender '': not a process");
        let proc = EventArgs { backend: Some(BackendChoice::Proc), ..args(&["TERM"], &[]) };
        assert!(error_of(proc).starts_with("--signal, --sender: /proc does not tell"));
        let ptrace = EventArgs { backend: Some(BackendChoice::Ptrace), all: true, ..EventArgs::default() };
        assert!(error_of(ptrace).starts_with("--all: only BPF"));
    }
}

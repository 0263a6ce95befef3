//! What is typed after `sigtool decode-status`.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::inspect::args::InspectArgs;
use super::{BareMask, DecodeRequest, DecodeTarget, SortOrder};
use crate::error::Failure;
use crate::explain::Requirement;
use crate::out::{OutputFormat, escape_name};
use crate::procfs::status::SignalSetLine;
use crate::procfs::{PID_MAX_LIMIT, ProcRoot, ProcStatus};
use crate::select::args::SelectArgs;
use crate::signal::{Arch, Signal, SignalSet, hex_mask, name};

const EXAMPLES: &str = "\
Examples:
  sigtool decode-status 1234              header and signal table of a process
  sigtool decode-status 1234/1240         one of its threads
  sigtool decode-status 1 1234 self       several processes, one row each
  sigtool decode-status --threads 1234    also the mask of each thread
  sigtool decode-status --file bug.txt    a status file from a bug report
  grep Sig /proc/*/status | sigtool decode -
                                          all processes, as printed by grep
  sigtool decode-status --mask SigCgt=180004007
  sigtool decode-status --blocks TERM     processes that block TERM
  sigtool decode-status --signal TERM --user www-data
                                          the effect that TERM would have
  sigtool decode-status --all --sort -caught
                                          most caught signals first
  sigtool decode-status --handlers 1234   the function that handles each signal
  sigtool decode-status --queue 1234      pending signals and their senders
  sigtool decode-status --pids --name nginx
  sigtool decode-status -q --require caught=TERM --forbid pending=any 1234
                                          health check by exit status
  sigtool decode-status --all --format prometheus
                                          metrics for Prometheus
  sigtool decode-status --json 1234 | jq '.processes[0].caught'";

const HELP_END: &str = "\
Select processes with --all, --name, --match, --user, --blocks (see --help).";

/// Show the signals that a process blocks, ignores, catches and has pending.
///
/// One process is shown with a header and a row for each signal in any of its
/// sets. Several processes are shown in one row each. A signal counts as blocked
/// for a process only if every thread blocks it. The C library reserves 32 and 33.
#[derive(Debug, Default, Args)]
#[command(verbatim_doc_comment, after_help = HELP_END, after_long_help = EXAMPLES)]
#[command(
    override_usage = "sigtool decode-status [OPTIONS] [PID|PID/TID|self|-]...\n       sigtool decode-status --mask [NAME=]HEX... [OPTIONS]"
)]
pub struct DecodeStatusArgs {
    /// Process, thread, sigtool itself, or stdin
    #[arg(value_name = "PID|PID/TID|self|-")]
    operands: Vec<OsString>,
    /// Read copies of /proc/PID/status from FILE
    #[arg(short, long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// Decode a hex mask; NAME is SigPnd, SigBlk, ...
    #[arg(short, long, value_name = "[NAME=]HEX", conflicts_with_all = ["operands", "file", "threads", "proc"])]
    mask: Vec<OsString>,
    /// Also show the mask and pending set of each thread
    #[arg(long)]
    threads: bool,
    /// Show all signals, and each process in full
    #[arg(long)]
    full: bool,
    /// Read the /proc mounted at DIR, such as the host's
    #[arg(long, value_name = "DIR", hide_short_help = true)]
    proc: Option<PathBuf>,
    /// Exit 1 unless all SIGNALS are in SET
    #[arg(long, value_name = "SET=SIGNALS", hide_short_help = true)]
    require: Vec<OsString>,
    /// Exit 1 if any is in SET (--forbid pending=any)
    #[arg(long, value_name = "SET=SIGNALS", hide_short_help = true)]
    forbid: Vec<OsString>,
    /// Print only errors
    #[arg(short, long, hide_short_help = true)]
    quiet: bool,
    /// Show the effect that SIGNAL would have
    #[arg(long, value_name = "SIGNAL")]
    signal: Option<OsString>,
    /// All except sigtool, its ancestors, kernel threads
    #[arg(long, conflicts_with_all = ["operands", "file", "mask"])]
    all: bool,
    /// Print only PIDs, one per line
    #[arg(long, conflicts_with_all = ["file", "mask", "signal", "threads", "full"], hide_short_help = true)]
    pids: bool,
    /// Signals to count with --format prometheus
    #[arg(long, value_name = "SET", hide_short_help = true)]
    signals: Option<OsString>,
    /// Sort by pid, name, state, threads, uid, queue, or
    /// the size of pending, blocked, ignored, caught
    /// (-KEY: largest first)
    #[arg(long, value_name = "KEY", allow_hyphen_values = true, hide_short_help = true)]
    #[arg(verbatim_doc_comment, conflicts_with = "pids")]
    sort: Option<String>,
    #[command(flatten)]
    inspect: InspectArgs,
    #[command(flatten)]
    selection_args: SelectArgs,
}

impl DecodeStatusArgs {
    /// The arguments where they are but operands, which need no parser of
    /// options.
    pub fn parse_without_clap(words: &[OsString]) -> Option<DecodeStatusArgs> {
        let is_option = |word: &OsString| word.len() > 1 && word.as_encoded_bytes().starts_with(b"-");
        let plain = !words.is_empty() && !words.iter().any(is_option);
        plain.then(|| DecodeStatusArgs { operands: words.to_vec(), ..DecodeStatusArgs::default() })
    }

    /// What the arguments mean.
    ///
    /// # Errors
    /// A usage failure naming the first word that means nothing.
    pub fn to_request(&self) -> Result<DecodeRequest, Failure> {
        let operands = self.operands.iter().map(parse_operand);
        let mut targets = operands.collect::<Result<Vec<_>, _>>()?;
        // Who is named twice is shown once.
        let mut known = HashSet::new();
        targets.retain(|target| target.ids().is_none_or(|numbers| known.insert(numbers)));
        targets.extend(self.file.iter().cloned().map(DecodeTarget::File));
        let (masks, given) = parse_masks(&self.mask)?;
        targets.extend(given.map(|status| DecodeTarget::MaskStatus(Box::new(status))));
        if targets.iter().filter(|target| matches!(target, DecodeTarget::Stdin)).count() > 1 {
            return Err(Failure::usage_error("-: standard input can be read only once"));
        }
        let selection = self.selection_args.to_selection().map_err(Failure::usage_error)?;
        if targets.is_empty() && masks.is_empty() && selection.is_empty() && !self.all {
            return Err(Failure::usage_error(
                "nothing to decode (give a PID, PID/TID, self, -, --file FILE or --mask HEX, or select processes \
                 with options such as --all, --name NAME or --blocks TERM)",
            ));
        }
        let other = |target: &&DecodeTarget| !matches!(target, DecodeTarget::Process(_));
        if let Some(target) = targets.iter().find(other).filter(|_| !selection.is_noop() || self.pids) {
            return Err(Failure::usage_error(format!(
                "{target}: selection options and --pids can only be combined with PIDs"
            )));
        }
        let selection = (self.all || self.pids || !selection.is_noop()).then_some(selection);
        let root = self.proc.as_ref().map_or_else(ProcRoot::default, ProcRoot::new);
        let signal = self.signal.as_ref().map(parse_effect_signal).transpose()?;
        let required = self.require.iter().map(|word| parse_requirement("--require", word, true));
        let forbidden = self.forbid.iter().map(|word| parse_requirement("--forbid", word, false));
        let requirements = required.chain(forbidden).collect::<Result<Vec<_>, _>>()?;
        if !requirements.is_empty() && !masks.is_empty() {
            return Err(Failure::usage_error(
                "--mask HEX: --require and --forbid need to know the set (write --mask SigCgt=HEX)",
            ));
        }
        let sort =
            self.sort.as_deref().map(|word| SortOrder::parse(&escape_name(word.as_bytes()))).transpose();
        let sort = sort.map_err(Failure::usage_error)?;
        let quiet = self.quiet;
        let (threads, full, pids) = (self.threads, self.full, self.pids);
        let inside = self.inspect.to_options()?;
        let request = DecodeRequest {
            inspect: inside,
            masks,
            proc_root: root,
            selection,
            threads,
            full,
            pids_only: pids,
            effect_signal: signal,
            counted_signals: self.signals.as_ref().map(parse_counted_signals).transpose()?,
            requirements,
            quiet,
            order: sort,
            ..DecodeRequest::new(targets)
        };
        super::inspect::check_request(&request)?;
        Ok(request)
    }

    /// The same, for output of this format.
    ///
    /// # Errors
    /// Also an option that makes no sense in it, by name.
    pub fn to_request_for_format(&self, format: OutputFormat) -> Result<DecodeRequest, Failure> {
        let request = self.to_request()?;
        if format != OutputFormat::Prometheus {
            return match self.signals {
                None => Ok(request),
                Some(_) => Err(Failure::usage_error(
                    "--signals requires --format prometheus (to see the effect of a signal, use --signal)",
                )),
            };
        }
        let selection = request.selection.as_ref();
        let of_thread = request.targets.iter().any(|target| matches!(target, DecodeTarget::Thread(..)));
        let without = [
            (!self.mask.is_empty(), "--mask"),
            (self.threads, "--threads"),
            (self.full, "--full"),
            (self.pids, "--pids"),
            (self.signal.is_some(), "--signal"),
            (!self.require.is_empty(), "--require"),
            (!self.forbid.is_empty(), "--forbid"),
            (self.quiet, "--quiet"),
            (self.sort.is_some(), "--sort"),
            (request.inspect.is_some(), "--handlers and --queue"),
            (of_thread, "PID/TID"),
            (selection.is_some_and(|selection| selection.criteria.pick.is_some()), "--oldest and --newest"),
            (selection.is_some_and(|selection| selection.at_most.is_some()), "--at-most"),
        ];
        match without.iter().find(|(given, _)| *given) {
            Some((_, option)) => {
                Err(Failure::usage_error(format!("{option} cannot be combined with --format prometheus")))
            }
            None => Ok(request),
        }
    }
}

/// `caught=TERM,HUP`.
fn parse_requirement(option: &str, word: &OsString, wanted: bool) -> Result<Requirement, Failure> {
    let word = escape_name(word.as_encoded_bytes());
    Requirement::parse(&word, wanted)
        .map_err(|error| Failure::usage_error(format!("{option} {word}: {error}")))
}

/// The signal whose effect is asked for.
fn parse_effect_signal(word: &OsString) -> Result<Signal, Failure> {
    let word = escape_name(word.as_encoded_bytes());
    match Signal::from_digits(&word) {
        Some(Some(signal)) => Ok(signal),
        Some(None) => {
            Err(Failure::usage_error("--signal 0: the null signal has no effect (expected another signal)"))
        }
        None if word.bytes().all(|byte| byte.is_ascii_digit()) => {
            let last = Arch::NATIVE.max_signal_number();
            Err(Failure::usage_error(format!(
                "--signal {word}: invalid signal number (expected 1 to {last})"
            )))
        }
        None => name::parse(&word, Arch::NATIVE)
            .map_err(|error| Failure::usage_error(format!("--signal {error}"))),
    }
}

/// The signals that are counted.
fn parse_counted_signals(word: &OsString) -> Result<SignalSet, Failure> {
    let word = escape_name(word.as_encoded_bytes());
    match SignalSet::parse(&word, Arch::NATIVE) {
        Ok(set) if set.is_empty() => {
            Err(Failure::usage_error(format!("--signals {word}: contains no signal")))
        }
        Ok(set) => Ok(set),
        Err(error) => Err(Failure::usage_error(format!("--signals {error}"))),
    }
}

fn parse_operand(word: &OsString) -> Result<DecodeTarget, Failure> {
    let bytes = word.as_encoded_bytes();
    match bytes {
        b"-" => return Ok(DecodeTarget::Stdin),
        b"self" => return Ok(DecodeTarget::OwnProcess),
        _ => {}
    }
    let read = match bytes.iter().position(|byte| *byte == b'/') {
        Some(slash) => parse_id(&bytes[..slash])
            .and_then(|pid| Ok(DecodeTarget::Thread(pid, parse_id(&bytes[slash + 1..])?))),
        None => parse_id(bytes).map(DecodeTarget::Process),
    };
    read.map_err(|reason| {
        let word = escape_name(bytes);
        Failure::usage_error(match is_plain_name(bytes) {
            true => {
                format!("{word}: not a PID (to select by name, run 'sigtool decode-status --name {word}')")
            }
            false => format!("{word}: {reason}"),
        })
    })
}

/// Whether a word is probably the name of a program, which needs no quotes in a shell.
fn is_plain_name(word: &[u8]) -> bool {
    word.first().is_some_and(u8::is_ascii_alphabetic)
        && word.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

const NOT_A_PID: &str = "not a PID (expected PID, PID/TID, self or -)";

/// A process or thread id.
fn parse_id(digits: &[u8]) -> Result<u32, String> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(NOT_A_PID.to_owned());
    }
    let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
    match number {
        Some(id @ 1..=PID_MAX_LIMIT) => Ok(id),
        _ => Err(format!("invalid PID (expected 1 to {PID_MAX_LIMIT})")),
    }
}

/// The masks without a name, each by itself, and those with one, together as
/// one process's status.
fn parse_masks(words: &[OsString]) -> Result<(Vec<BareMask>, Option<ProcStatus>), Failure> {
    let mut bare = Vec::new();
    let mut given: Option<ProcStatus> = None;
    for word in words {
        let text = escape_name(word.as_encoded_bytes());
        let (line, hex) = match text.split_once('=') {
            Some((key, hex)) => (Some(parse_set_line(key)?), hex),
            None => (None, &*text),
        };
        let digits = hex.strip_prefix("0x").or_else(|| hex.strip_prefix("0X")).unwrap_or(hex);
        let (set, arch) = hex_mask::parse(digits.as_bytes(), Arch::NATIVE)
            .map_err(|error| Failure::usage_error(format!("--mask {text}: {error}")))?;
        let Some(line) = line else {
            bare.push(BareMask { set, arch });
            continue;
        };
        let status = given.get_or_insert_default();
        if status.signal_set(line).is_some() {
            return Err(Failure::usage_error(format!("--mask {text}: {} is given twice", line.key())));
        }
        // One mask of 32 digits makes the status mips's; short ones join it.
        if arch != Arch::NATIVE {
            status.arch = arch;
        }
        status.insert_signal_set(line, set);
    }
    Ok((bare, given))
}

fn parse_set_line(key: &str) -> Result<SignalSetLine, Failure> {
    SignalSetLine::from_key(key).ok_or_else(|| {
        Failure::usage_error(format!(
            "--mask {key}=: unknown set (expected SigPnd, ShdPnd, SigBlk, SigIgn or SigCgt)"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_to_text(word: &str) -> String {
        match parse_operand(&OsString::from(word)) {
            Ok(target) => format!("{target:?}"),
            Err(failure) => failure.to_string(),
        }
    }

    #[test]
    fn parses_operands_or_names_the_bad_one() {
        for (word, expected) in [
            ("1234", "Process(1234)"),
            ("4194304", "Process(4194304)"),
            ("007", "Process(7)"),
            ("1234/1240", "Thread(1234, 1240)"),
            ("self", "OwnProcess"),
            ("-", "Stdin"),
            ("0", "0: invalid PID (expected 1 to 4194304)"),
            ("4194305", "4194305: invalid PID (expected 1 to 4194304)"),
            ("4294967297", "4294967297: invalid PID (expected 1 to 4194304)"),
            ("99999999999999999999", "99999999999999999999: invalid PID (expected 1 to 4194304)"),
            ("1/0", "1/0: invalid PID (expected 1 to 4194304)"),
            ("", ": not a PID (expected PID, PID/TID, self or -)"),
            (" 12", " 12: not a PID (expected PID, PID/TID, self or -)"),
            ("+12", "+12: not a PID (expected PID, PID/TID, self or -)"),
            ("12abc", "12abc: not a PID (expected PID, PID/TID, self or -)"),
            ("1/", "1/: not a PID (expected PID, PID/TID, self or -)"),
            ("/1", "/1: not a PID (expected PID, PID/TID, self or -)"),
            ("1/2/3", "1/2/3: not a PID (expected PID, PID/TID, self or -)"),
            ("nginx", "nginx: not a PID (to select by name, run 'sigtool decode-status --name nginx')"),
        ] {
            assert_eq!(parse_to_text(word), expected);
        }
    }

    #[test]
    fn parses_bare_and_named_masks() {
        let words = ["4002", "0x1", "SigBlk=10000", "sigcgt=0x4007"].map(OsString::from);
        let (bare, given) = parse_masks(&words).unwrap();
        assert_eq!(bare.iter().map(|mask| mask.set.bits()).collect::<Vec<_>>(), [0x4002, 1]);
        let given = given.unwrap();
        assert_eq!(given.blocked.map(|set| set.bits()), Some(0x10000));
        assert_eq!(given.caught.map(|set| set.bits()), Some(0x4007));
        assert_eq!(given.ignored, None);
    }

    #[test]
    fn rejects_invalid_masks() {
        let refused = |word: &str| parse_masks(&[OsString::from(word)]).unwrap_err().to_string();
        assert_eq!(refused("zz"), "--mask zz: 'z' is no hexadecimal digit");
        assert_eq!(refused(""), "--mask : no hexadecimal digits");
        assert_eq!(
            refused("SigFoo=1"),
            "--mask SigFoo=: unknown set (expected SigPnd, ShdPnd, SigBlk, SigIgn or SigCgt)"
        );
        let twice = parse_masks(&["SigBlk=1", "SigBlk=2"].map(OsString::from)).unwrap_err().to_string();
        assert_eq!(twice, "--mask SigBlk=2: SigBlk is given twice");
    }
}

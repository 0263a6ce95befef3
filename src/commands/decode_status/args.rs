//! Command-line arguments of `sigtool decode-status`.

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
    /// Returns the arguments if all words are operands, so that clap is not
    /// needed.
    pub fn parse_without_clap(words: &[OsString]) -> Option<DecodeStatusArgs> {
        let is_option = |word: &OsString| word.len() > 1 && word.as_encoded_bytes().starts_with(b"-");
        let has_only_operands = !words.is_empty() && !words.iter().any(is_option);
        has_only_operands
            .then(|| DecodeStatusArgs { operands: words.to_vec(), ..DecodeStatusArgs::default() })
    }

    /// Converts the arguments to a request.
    ///
    /// # Errors
    /// A usage error that names the first invalid word.
    pub fn to_request(&self) -> Result<DecodeRequest, Failure> {
        let operands = self.operands.iter().map(parse_operand);
        let mut targets = operands.collect::<Result<Vec<_>, _>>()?;
        // A target that is named twice is shown once.
        let mut seen = HashSet::new();
        targets.retain(|target| target.ids().is_none_or(|ids| seen.insert(ids)));
        targets.extend(self.file.iter().cloned().map(DecodeTarget::File));
        let (masks, mask_status) = parse_masks(&self.mask)?;
        targets.extend(mask_status.map(|status| DecodeTarget::MaskStatus(Box::new(status))));
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
        let is_not_process = |target: &&DecodeTarget| !matches!(target, DecodeTarget::Process(_));
        if let Some(target) =
            targets.iter().find(is_not_process).filter(|_| !selection.is_noop() || self.pids)
        {
            return Err(Failure::usage_error(format!(
                "{target}: selection options and --pids can only be combined with PIDs"
            )));
        }
        let selection = (self.all || self.pids || !selection.is_noop()).then_some(selection);
        let proc_root = self.proc.as_ref().map_or_else(ProcRoot::default, ProcRoot::new);
        let effect_signal = self.signal.as_ref().map(parse_effect_signal).transpose()?;
        let required = self.require.iter().map(|word| parse_requirement("--require", word, true));
        let forbidden = self.forbid.iter().map(|word| parse_requirement("--forbid", word, false));
        let requirements = required.chain(forbidden).collect::<Result<Vec<_>, _>>()?;
        if !requirements.is_empty() && !masks.is_empty() {
            return Err(Failure::usage_error(
                "--mask HEX: --require and --forbid need to know the set (write --mask SigCgt=HEX)",
            ));
        }
        let order =
            self.sort.as_deref().map(|word| SortOrder::parse(&escape_name(word.as_bytes()))).transpose();
        let order = order.map_err(Failure::usage_error)?;
        let quiet = self.quiet;
        let (threads, full, pids_only) = (self.threads, self.full, self.pids);
        let inspect = self.inspect.to_options()?;
        let request = DecodeRequest {
            inspect,
            masks,
            proc_root,
            selection,
            threads,
            full,
            pids_only,
            effect_signal,
            counted_signals: self.signals.as_ref().map(parse_counted_signals).transpose()?,
            requirements,
            quiet,
            order,
            ..DecodeRequest::new(targets)
        };
        super::inspect::check_request(&request)?;
        Ok(request)
    }

    /// Converts the arguments to a request for output in this format.
    ///
    /// # Errors
    /// Like [`Self::to_request`], and a usage error for an option that cannot be
    /// combined with the format.
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
        let has_thread = request.targets.iter().any(|target| matches!(target, DecodeTarget::Thread(..)));
        let conflicts = [
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
            (has_thread, "PID/TID"),
            (selection.is_some_and(|selection| selection.criteria.pick.is_some()), "--oldest and --newest"),
            (selection.is_some_and(|selection| selection.at_most.is_some()), "--at-most"),
        ];
        match conflicts.iter().find(|(is_present, _)| *is_present) {
            Some((_, option)) => {
                Err(Failure::usage_error(format!("{option} cannot be combined with --format prometheus")))
            }
            None => Ok(request),
        }
    }
}

/// Parses a requirement such as `caught=TERM,HUP`.
fn parse_requirement(option: &str, word: &OsString, is_required: bool) -> Result<Requirement, Failure> {
    let word = escape_name(word.as_encoded_bytes());
    Requirement::parse(&word, is_required)
        .map_err(|error| Failure::usage_error(format!("{option} {word}: {error}")))
}

/// Parses the signal whose effect is predicted.
fn parse_effect_signal(word: &OsString) -> Result<Signal, Failure> {
    let word = escape_name(word.as_encoded_bytes());
    match Signal::from_digits(&word) {
        Some(Some(signal)) => Ok(signal),
        Some(None) => {
            Err(Failure::usage_error("--signal 0: the null signal has no effect (expected another signal)"))
        }
        None if word.bytes().all(|byte| byte.is_ascii_digit()) => {
            let max_number = Arch::NATIVE.max_signal_number();
            Err(Failure::usage_error(format!(
                "--signal {word}: invalid signal number (expected 1 to {max_number})"
            )))
        }
        None => name::parse(&word, Arch::NATIVE)
            .map_err(|error| Failure::usage_error(format!("--signal {error}"))),
    }
}

/// Parses the set of signals to count.
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
    let target = match bytes.iter().position(|byte| *byte == b'/') {
        Some(slash) => parse_id(&bytes[..slash])
            .and_then(|pid| Ok(DecodeTarget::Thread(pid, parse_id(&bytes[slash + 1..])?))),
        None => parse_id(bytes).map(DecodeTarget::Process),
    };
    target.map_err(|reason| {
        let word = escape_name(bytes);
        Failure::usage_error(match is_plain_name(bytes) {
            true => {
                format!("{word}: not a PID (to select by name, run 'sigtool decode-status --name {word}')")
            }
            false => format!("{word}: {reason}"),
        })
    })
}

/// Returns whether a word is probably the name of a program, which needs no quotes in a shell.
fn is_plain_name(word: &[u8]) -> bool {
    word.first().is_some_and(u8::is_ascii_alphabetic)
        && word.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

const NOT_A_PID: &str = "not a PID (expected PID, PID/TID, self or -)";

/// Parses a PID or TID.
fn parse_id(digits: &[u8]) -> Result<u32, String> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(NOT_A_PID.to_owned());
    }
    let id = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
    match id {
        Some(id @ 1..=PID_MAX_LIMIT) => Ok(id),
        _ => Err(format!("invalid PID (expected 1 to {PID_MAX_LIMIT})")),
    }
}

/// Parses masks. A mask without a name stays separate; all masks with a name form
/// the status of one process.
fn parse_masks(words: &[OsString]) -> Result<(Vec<BareMask>, Option<ProcStatus>), Failure> {
    let mut bare_masks = Vec::new();
    let mut named_masks: Option<ProcStatus> = None;
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
            bare_masks.push(BareMask { set, arch });
            continue;
        };
        let status = named_masks.get_or_insert_default();
        if status.signal_set(line).is_some() {
            return Err(Failure::usage_error(format!("--mask {text}: {} is given twice", line.key())));
        }
        // A mask of 32 digits makes the whole status one of mips, also its
        // shorter masks.
        if arch != Arch::NATIVE {
            status.arch = arch;
        }
        status.insert_signal_set(line, set);
    }
    Ok((bare_masks, named_masks))
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
    fn parses_operands_and_reports_invalid_one() {
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
        let (bare, status) = parse_masks(&words).unwrap();
        assert_eq!(bare.iter().map(|mask| mask.set.bits()).collect::<Vec<_>>(), [0x4002, 1]);
        let status = status.unwrap();
        assert_eq!(status.blocked.map(|set| set.bits()), Some(0x10000));
        assert_eq!(status.caught.map(|set| set.bits()), Some(0x4007));
        assert_eq!(status.ignored, None);
    }

    #[test]
    fn rejects_invalid_masks() {
        let parse_error = |word: &str| parse_masks(&[OsString::from(word)]).unwrap_err().to_string();
        assert_eq!(parse_error("zz"), "--mask zz: 'z' is not a hexadecimal digit");
        assert_eq!(parse_error(""), "--mask : no hexadecimal digits");
        assert_eq!(
            parse_error("SigFoo=1"),
            "--mask SigFoo=: unknown set (expected SigPnd, ShdPnd, SigBlk, SigIgn or SigCgt)"
        );
        let duplicate_error =
            parse_masks(&["SigBlk=1", "SigBlk=2"].map(OsString::from)).unwrap_err().to_string();
        assert_eq!(duplicate_error, "--mask SigBlk=2: SigBlk is given twice");
    }
}

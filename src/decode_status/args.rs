//! What is typed after `sigtool decode-status`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::{BareMask, Request, Target};
use crate::error::Failure;
use crate::out::escape;
use crate::proc::status::SetLine;
use crate::proc::{PID_MAX, Root, Status};
use crate::select::args::SelectArgs;
use crate::signal::{Arch, Signal, mask, name};

const EXAMPLES: &str = "\
Examples:
  sigtool decode-status 1234              header and signal table of a process
  sigtool decode-status 1234/1240         one thread of it
  sigtool decode-status 1 1234 self       several: a row each
  sigtool decode-status --threads 1234    also every thread's mask
  sigtool decode-status --file bug.txt    a status file from a bug report
  grep Sig /proc/*/status | sigtool decode -
                                          every process, as grep prints them
  sigtool decode-status --mask SigCgt=180004007
  sigtool decode-status --blocks TERM     whom TERM cannot reach
  sigtool decode-status --signal TERM --user www-data
                                          what TERM would do to each
  sigtool decode-status --pids --name nginx
  sigtool decode-status --json 1234 | jq '.processes[0].caught'";

const HELP_END: &str = "\
Instead of processes: --all, --name, --match, --user, --blocks, ...: see --help.";

/// Which signals a process blocks, ignores, catches, and has pending.
///
/// One process gets a header and a row for each signal that is in any of its
/// sets; several get a row each. A signal counts as blocked for a process only
/// where every thread blocks it. 32 and 33 are the C library's own.
#[derive(Debug, Default, Args)]
#[command(verbatim_doc_comment, after_help = HELP_END, after_long_help = EXAMPLES)]
#[command(
    override_usage = "sigtool decode-status [OPTIONS] [PID|PID/TID|self|-]...\n       sigtool decode-status --mask [NAME=]HEX... [OPTIONS]"
)]
pub struct DecodeStatusArgs {
    /// A process, a thread, sigtool itself, or stdin
    #[arg(value_name = "PID|PID/TID|self|-")]
    operands: Vec<OsString>,
    /// Read the text of one or several /proc/PID/status
    #[arg(short, long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// Decode a mask; NAME is SigPnd, ShdPnd, SigBlk, ...
    #[arg(short, long, value_name = "[NAME=]HEX", conflicts_with_all = ["operands", "file", "threads", "proc"])]
    mask: Vec<OsString>,
    /// Also what each thread blocks and has pending
    #[arg(long)]
    threads: bool,
    /// All signals; several processes one after another
    #[arg(long)]
    full: bool,
    /// Read the /proc mounted at DIR, such as the host's
    #[arg(long, value_name = "DIR")]
    proc: Option<PathBuf>,
    /// What this signal would do to each
    #[arg(long, value_name = "SIGNAL")]
    signal: Option<OsString>,
    /// All but sigtool, its ancestors and kernel threads
    #[arg(long, conflicts_with_all = ["operands", "file", "mask"])]
    all: bool,
    /// Only the process ids, a line each
    #[arg(long, conflicts_with_all = ["file", "mask", "signal", "threads", "full"])]
    pids: bool,
    #[command(flatten)]
    select: SelectArgs,
}

impl DecodeStatusArgs {
    /// The arguments where they are but operands, which need no parser of
    /// options.
    pub fn plain(words: &[OsString]) -> Option<DecodeStatusArgs> {
        let is_option = |word: &OsString| word.len() > 1 && word.as_encoded_bytes().starts_with(b"-");
        let plain = !words.is_empty() && !words.iter().any(is_option);
        plain.then(|| DecodeStatusArgs { operands: words.to_vec(), ..DecodeStatusArgs::default() })
    }

    /// What the arguments mean.
    ///
    /// # Errors
    /// A usage failure naming the first word that means nothing.
    pub fn request(&self) -> Result<Request, Failure> {
        let operands = self.operands.iter().map(operand);
        let mut targets = operands.collect::<Result<Vec<_>, _>>()?;
        targets.extend(self.file.iter().cloned().map(Target::File));
        let (masks, given) = masks(&self.mask)?;
        targets.extend(given.map(|status| Target::Given(Box::new(status))));
        if targets.iter().filter(|target| matches!(target, Target::Stdin)).count() > 1 {
            return Err(Failure::usage("-: standard input can be read only once"));
        }
        let selection = self.select.selection().map_err(Failure::usage)?;
        if targets.is_empty() && masks.is_empty() && selection.is_empty() && !self.all {
            return Err(Failure::usage(
                "nothing to decode: name a process (1234, 1234/1240, self), a text (-, --file FILE) or a mask \
                 (--mask HEX), or choose processes (--all, --name NAME, --blocks TERM, ...)",
            ));
        }
        let other = |target: &&Target| !matches!(target, Target::Process(_));
        if let Some(target) = targets.iter().find(other).filter(|_| !selection.is_whole() || self.pids) {
            return Err(Failure::usage(format!(
                "{target}: the options that select, and --pids, go with a PID, or without any"
            )));
        }
        let selection = (self.all || self.pids || !selection.is_whole()).then_some(selection);
        let root = self.proc.as_ref().map_or_else(Root::default, Root::at);
        let signal = self.signal.as_ref().map(signal).transpose()?;
        let (threads, full, pids) = (self.threads, self.full, self.pids);
        Ok(Request { masks, root, selection, threads, full, pids, signal, ..Request::of(targets) })
    }
}

/// The signal whose effect is asked for.
fn signal(word: &OsString) -> Result<Signal, Failure> {
    let word = escape(word.as_encoded_bytes());
    match Signal::from_digits(&word) {
        Some(Some(signal)) => Ok(signal),
        Some(None) => Err(Failure::usage("--signal 0: the null signal does nothing to anybody")),
        None if word.bytes().all(|byte| byte.is_ascii_digit()) => {
            let last = Arch::NATIVE.last();
            Err(Failure::usage(format!("--signal {word}: not a signal number: they go from 1 to {last}")))
        }
        None => name::parse(&word, Arch::NATIVE).map_err(|error| Failure::usage(format!("--signal {error}"))),
    }
}

fn operand(word: &OsString) -> Result<Target, Failure> {
    let bytes = word.as_encoded_bytes();
    match bytes {
        b"-" => return Ok(Target::Stdin),
        b"self" => return Ok(Target::Own),
        _ => {}
    }
    let read = match bytes.iter().position(|byte| *byte == b'/') {
        Some(slash) => id(&bytes[..slash]).and_then(|pid| Ok(Target::Thread(pid, id(&bytes[slash + 1..])?))),
        None => id(bytes).map(Target::Process),
    };
    read.map_err(|reason| Failure::usage(format!("{}: {reason}", escape(bytes))))
}

/// A process or thread id.
fn id(digits: &[u8]) -> Result<u32, String> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err("not a process: a PID, PID/TID, self or - is expected".to_owned());
    }
    let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
    match number {
        Some(id @ 1..=PID_MAX) => Ok(id),
        _ => Err(format!("not a process id: they go from 1 to {PID_MAX}")),
    }
}

/// The masks without a name, each by itself, and those with one, together as
/// one process's status.
fn masks(words: &[OsString]) -> Result<(Vec<BareMask>, Option<Status>), Failure> {
    let mut bare = Vec::new();
    let mut given: Option<Status> = None;
    for word in words {
        let text = escape(word.as_encoded_bytes());
        let (line, hex) = match text.split_once('=') {
            Some((key, hex)) => (Some(set_line(key)?), hex),
            None => (None, &*text),
        };
        let digits = hex.strip_prefix("0x").or_else(|| hex.strip_prefix("0X")).unwrap_or(hex);
        let (set, arch) = mask::parse(digits.as_bytes(), Arch::NATIVE)
            .map_err(|error| Failure::usage(format!("--mask {text}: {error}")))?;
        let Some(line) = line else {
            bare.push(BareMask { set, arch });
            continue;
        };
        let status = given.get_or_insert_default();
        if status.set(line).is_some() {
            return Err(Failure::usage(format!("--mask {text}: {} is given twice", line.key())));
        }
        // One mask of 32 digits makes the status mips's; short ones join it.
        if arch != Arch::NATIVE {
            status.arch = arch;
        }
        status.put(line, set);
    }
    Ok((bare, given))
}

fn set_line(key: &str) -> Result<SetLine, Failure> {
    SetLine::by_key(key).ok_or_else(|| {
        Failure::usage(format!(
            "--mask {key}=: not a line of signals: SigPnd, ShdPnd, SigBlk, SigIgn, SigCgt"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(word: &str) -> String {
        match operand(&OsString::from(word)) {
            Ok(target) => format!("{target:?}"),
            Err(failure) => failure.to_string(),
        }
    }

    #[test]
    fn operands_are_read_or_named() {
        for (word, expected) in [
            ("1234", "Process(1234)"),
            ("4194304", "Process(4194304)"),
            ("007", "Process(7)"),
            ("1234/1240", "Thread(1234, 1240)"),
            ("self", "Own"),
            ("-", "Stdin"),
            ("0", "0: not a process id: they go from 1 to 4194304"),
            ("4194305", "4194305: not a process id: they go from 1 to 4194304"),
            ("4294967297", "4294967297: not a process id: they go from 1 to 4194304"),
            ("99999999999999999999", "99999999999999999999: not a process id: they go from 1 to 4194304"),
            ("1/0", "1/0: not a process id: they go from 1 to 4194304"),
            ("", ": not a process: a PID, PID/TID, self or - is expected"),
            (" 12", " 12: not a process: a PID, PID/TID, self or - is expected"),
            ("+12", "+12: not a process: a PID, PID/TID, self or - is expected"),
            ("12abc", "12abc: not a process: a PID, PID/TID, self or - is expected"),
            ("1/", "1/: not a process: a PID, PID/TID, self or - is expected"),
            ("/1", "/1: not a process: a PID, PID/TID, self or - is expected"),
            ("1/2/3", "1/2/3: not a process: a PID, PID/TID, self or - is expected"),
            ("nginx", "nginx: not a process: a PID, PID/TID, self or - is expected"),
        ] {
            assert_eq!(read(word), expected);
        }
    }

    #[test]
    fn masks_are_read_alone_or_as_lines() {
        let words = ["4002", "0x1", "SigBlk=10000", "sigcgt=0x4007"].map(OsString::from);
        let (bare, given) = masks(&words).unwrap();
        assert_eq!(bare.iter().map(|mask| mask.set.bits()).collect::<Vec<_>>(), [0x4002, 1]);
        let given = given.unwrap();
        assert_eq!(given.blocked.map(|set| set.bits()), Some(0x10000));
        assert_eq!(given.caught.map(|set| set.bits()), Some(0x4007));
        assert_eq!(given.ignored, None);
    }

    #[test]
    fn what_is_no_mask_is_named() {
        let refused = |word: &str| masks(&[OsString::from(word)]).unwrap_err().to_string();
        assert_eq!(refused("zz"), "--mask zz: 'z' is no hexadecimal digit");
        assert_eq!(refused(""), "--mask : no hexadecimal digits");
        assert_eq!(
            refused("SigFoo=1"),
            "--mask SigFoo=: not a line of signals: SigPnd, ShdPnd, SigBlk, SigIgn, SigCgt"
        );
        let twice = masks(&["SigBlk=1", "SigBlk=2"].map(OsString::from)).unwrap_err().to_string();
        assert_eq!(twice, "--mask SigBlk=2: SigBlk is given twice");
    }
}

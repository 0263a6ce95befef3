//! What is typed after `sigtool send`.

use std::ffi::OsString;

use clap::Args;

pub use super::argv::{ArgvError, rewrite, takes_value};
use super::{Extras, Request, Target};
use crate::error::Failure;
use crate::out::escape;
use crate::signal::{Arch, Signal, name};

const EXAMPLES: &str = "\
Examples:
  sigtool send 1234              TERM to a process
  sigtool send -KILL 1234 1240   KILL to two; -9, -s KILL and -n 9 are the same
  sigtool send -HUP -- -1234     HUP to a process group
  sigtool send -USR1 1234/1240   USR1 to one thread
  sigtool send -q 7 -s RTMIN+1 1234
                                 a real-time signal with a value
  sigtool send -0 1234           only checks that it could be sent";

/// Send a signal, to what was named and to nothing else.
///
/// The signal is TERM unless given, as -9, -TERM, -s TERM or -n 9, before the
/// targets. A target is a PID, a process group (-PGID), 0 (sigtool's own
/// group), a thread (PID/TID), or PID:INODE, the process whose pidfd has that
/// inode. Everything is checked before anything is sent. After a signal -N is
/// a group, but -1 to -64 only after --; -1, everybody, needs --broadcast.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, after_long_help = EXAMPLES)]
#[command(override_usage = "sigtool send [-SIGNAL | -s SIGNAL | -n NUMBER] [OPTIONS] TARGET...")]
pub struct SendArgs {
    /// PID, -PGID, 0, PID/TID or PID:INODE
    #[arg(value_name = "TARGET", required = true)]
    targets: Vec<OsString>,
    /// The signal: a name or a number; 0 only checks
    #[arg(short, long, value_name = "SIGNAL", conflicts_with = "number")]
    signal: Option<OsString>,
    /// The signal, by its number
    #[arg(short, long, value_name = "NUMBER")]
    number: Option<OsString>,
    /// Queue it with a value, as sigqueue(3) does
    #[arg(short, long, value_name = "VALUE", allow_hyphen_values = true)]
    queue: Option<OsString>,
    /// Allow -1, everybody but init and sigtool itself
    #[arg(long)]
    broadcast: bool,
}

impl SendArgs {
    /// What the arguments mean.
    ///
    /// # Errors
    /// A usage failure naming the first word that means nothing.
    pub fn request(&self) -> Result<Request, Failure> {
        let signal = match (&self.signal, &self.number) {
            (Some(word), _) => signal(&text(word)).map_err(Failure::usage)?,
            (None, Some(word)) => by_number(&text(word)).map_err(Failure::usage)?,
            (None, None) => name::parse("TERM", Arch::NATIVE).ok(),
        };
        let value = self.queue.as_ref().map(|word| value(&text(word))).transpose().map_err(Failure::usage)?;
        let targets = self.targets.iter().map(|word| {
            let parsed = Target::parse(word.as_encoded_bytes());
            parsed.map(|target| (text(word), target)).map_err(|error| {
                let shown = if word.is_empty() { "''".to_owned() } else { text(word) };
                Failure::usage(format!("{shown}: {error}"))
            })
        });
        let targets = targets.collect::<Result<Vec<_>, _>>()?;
        if targets.iter().any(|(_, target)| *target == Target::All) {
            if !self.broadcast {
                return Err(Failure::usage(
                    "-1: that is every process you may signal; --broadcast says that it is meant",
                ));
            }
            if value.is_some() {
                return Err(Failure::usage(
                    "-1: a value can be queued to a process, a thread or a group only",
                ));
            }
        }
        Ok(Request { signal, value, targets, extras: Extras::default() })
    }
}

fn text(word: &OsString) -> String {
    escape(word.as_encoded_bytes()).into_owned()
}

/// A signal by name or number; `None` is the null signal, 0.
///
/// # Errors
/// The word and what is nearest to it.
pub(super) fn signal(word: &str) -> Result<Option<Signal>, String> {
    if word.is_empty() {
        return Err("'': not a signal".to_owned());
    }
    if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()) {
        return by_number(word);
    }
    name::parse(word, Arch::NATIVE).map(Some).map_err(|error| error.to_string())
}

fn by_number(word: &str) -> Result<Option<Signal>, String> {
    let last = Arch::NATIVE.last();
    Signal::from_digits(word).ok_or_else(|| format!("{word}: not a signal number: they go from 0 to {last}"))
}

/// The value of sigqueue(3): a C int.
fn value(word: &str) -> Result<i32, String> {
    word.parse()
        .map_err(|_| format!("'{word}': not a value: whole numbers from {} to {}", i32::MIN, i32::MAX))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::super::argv::WITH_VALUE;
    use super::*;

    #[derive(clap::Parser)]
    struct Alone {
        #[command(flatten)]
        args: SendArgs,
    }

    /// The function that orders the words knows which options take a value.
    #[test]
    fn the_options_with_a_value_are_known() {
        let command = Alone::command();
        for option in command.get_arguments().filter(|argument| !argument.is_positional()) {
            let takes = option.get_action().takes_values();
            let names = option
                .get_long()
                .map(|long| format!("--{long}"))
                .into_iter()
                .chain(option.get_short().map(|short| format!("-{short}")));
            for name in names {
                assert_eq!(WITH_VALUE.contains(&name.as_str()), takes, "{name}");
            }
        }
    }

    #[test]
    fn signals_are_read_by_name_or_number() {
        let read = |word: &str| signal(word).map(|signal| signal.map_or(0, Signal::get));
        assert_eq!(read("TERM"), Ok(15));
        assert_eq!(read("sigrtmin+1"), Ok(35));
        assert_eq!(read("0"), Ok(0));
        assert_eq!(read("64"), Ok(64));
        for word in ["65", "999999", "99999999999999999999"] {
            assert_eq!(read(word), Err(format!("{word}: not a signal number: they go from 0 to 64")));
        }
        assert!(read("").is_err() && read("+9").is_err() && read("FOO").is_err());
        assert!(by_number("TERM").is_err() && by_number("").is_err() && by_number("+9").is_err());
    }

    #[test]
    fn values_are_c_ints() {
        assert_eq!(value("-7"), Ok(-7));
        assert_eq!(value("2147483647"), Ok(i32::MAX));
        for word in ["2147483648", "", "x", "1.5"] {
            assert!(value(word).is_err(), "{word}");
        }
    }
}

//! Parsing of PID lists: `--pid`, operands, `--sender` and `--target`.

use std::ffi::OsStr;

use crate::error::Failure;
use crate::out::escape_name;
use crate::procfs::PID_MAX_LIMIT;
use crate::signal::{Arch, name};

/// Parses PIDs separated by commas, blanks and newlines. `option`: the text before
/// the PID in error messages.
///
/// # Errors
/// A usage failure that names the first invalid PID.
pub(super) fn parse_pids(arg: &OsStr, option: &str) -> Result<Vec<u32>, Failure> {
    let text = String::from_utf8_lossy(arg.as_encoded_bytes());
    let mut pids = Vec::new();
    for part in text.split(',') {
        if part.trim().is_empty() {
            pids.push(parse_pid("", option)?);
        }
        for word in part.split_whitespace() {
            pids.push(parse_pid(word, option)?);
        }
    }
    Ok(pids)
}

fn parse_pid(word: &str, option: &str) -> Result<u32, Failure> {
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let shown = if word.is_empty() { "''".into() } else { escape_name(word.as_bytes()) };
    match word.parse() {
        Ok(pid @ 1..=PID_MAX_LIMIT) if digits => Ok(pid),
        _ if option.is_empty() && !digits && name::parse(word, Arch::NATIVE).is_ok() => {
            Err(Failure::usage_error(format!(
                "{shown}: invalid PID (with --pid, use --signal {shown} to report only this signal)"
            )))
        }
        _ if word.starts_with(|first: char| first.is_ascii_alphabetic()) => Err(Failure::usage_error(
            format!("{option}{shown}: invalid PID (use --name NAME to select processes by name)"),
        )),
        _ => {
            Err(Failure::usage_error(format!("{option}{shown}: invalid PID (expected 1 to {PID_MAX_LIMIT})")))
        }
    }
}

/// Rejects a list that contains the PID of sigtool itself.
///
/// # Errors
/// A usage failure.
pub(super) fn reject_own_pid(pids: &[u32], option: &str) -> Result<(), Failure> {
    let own = std::process::id();
    if pids.contains(&own) {
        return Err(Failure::usage_error(format!("{option} {own}: this is the PID of sigtool itself")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_pid_lists_and_names_invalid_pids() {
        let parse = |word: &str, option: &str| {
            parse_pids(OsStr::new(word), option).map_err(|failure| failure.to_string())
        };
        assert_eq!(parse("1234", "--pid "), Ok(vec![1234]));
        assert_eq!(parse("1, 2\n3\t4 5,6\n", "--pid "), Ok(vec![1, 2, 3, 4, 5, 6]));
        for (word, option, message) in [
            ("", "--pid ", "--pid '': invalid PID (expected 1 to 4194304)"),
            ("1,,2", "--pid ", "--pid '': invalid PID (expected 1 to 4194304)"),
            ("nginx", "--pid ", "--pid nginx: invalid PID (use --name NAME to select processes by name)"),
            ("+5", "--pid ", "--pid +5: invalid PID (expected 1 to 4194304)"),
            ("-1", "--pid ", "--pid -1: invalid PID (expected 1 to 4194304)"),
            ("0", "--pid ", "--pid 0: invalid PID (expected 1 to 4194304)"),
            ("4294967297", "", "4294967297: invalid PID (expected 1 to 4194304)"),
            ("term", "", "term: invalid PID (with --pid, use --signal term to report only this signal)"),
        ] {
            assert_eq!(parse(word, option), Err(message.to_owned()));
        }
    }
}

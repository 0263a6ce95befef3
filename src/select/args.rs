//! The selection options, which several commands share.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use regex_lite::{Regex, RegexBuilder};

use super::lookup::{self, AccountDatabase};
use super::{AgePick, Criteria, Selection, parse};
use crate::procfs::cgroup;
use crate::sys::process;

/// The options that take a value, for code that reads the arguments before clap.
pub const OPTIONS_WITH_VALUE: [&str; 20] = [
    "--name",
    "--match",
    "--user",
    "--gid",
    "--pgrp",
    "--parent",
    "--session",
    "--tty",
    "--cgroup",
    "--ns",
    "--state",
    "--older",
    "--newer",
    "--pidfile",
    "--port",
    "--catches",
    "--ignores",
    "--blocks",
    "--pending",
    "--at-most",
];

/// Which processes: every option that is given must hold, of several values of
/// one any does (but for signals: all of them).
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Select processes (all must hold)")]
pub struct SelectArgs {
    /// The whole name, exactly; however long
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    name: Vec<OsString>,
    /// A regular expression, in the command line
    #[arg(long = "match", value_name = "REGEX", hide_short_help = true)]
    pattern: Vec<String>,
    /// Effective user, name or number
    #[arg(long, value_name = "USER", value_delimiter = ',', hide_short_help = true)]
    user: Vec<String>,
    /// Effective group, name or number
    #[arg(long, value_name = "GROUP", value_delimiter = ',', hide_short_help = true)]
    gid: Vec<String>,
    /// Process group; 0 is sigtool's own
    #[arg(long, value_name = "PGID", value_delimiter = ',', hide_short_help = true)]
    pgrp: Vec<String>,
    /// Parent process
    #[arg(long, value_name = "PID", value_delimiter = ',', hide_short_help = true)]
    parent: Vec<String>,
    /// Session; 0 is sigtool's own
    #[arg(long, value_name = "SID", value_delimiter = ',', hide_short_help = true)]
    session: Vec<String>,
    /// Terminal: pts/3, tty1; none for without one
    #[arg(long, value_name = "TTY", value_delimiter = ',', hide_short_help = true)]
    tty: Vec<String>,
    /// In this control group or one below it
    #[arg(long, value_name = "PATH", hide_short_help = true)]
    cgroup: Vec<OsString>,
    /// In the pid namespace of this process
    #[arg(long, value_name = "PID", value_delimiter = ',', hide_short_help = true)]
    ns: Vec<String>,
    /// State: letters of RSDTtZXIP, as ps(1) prints
    #[arg(long, value_name = "LETTERS", value_delimiter = ',', hide_short_help = true)]
    state: Vec<String>,
    /// Started at least so long ago: 5s, 1m30s, 2h
    #[arg(long, value_name = "DURATION", hide_short_help = true)]
    older: Option<String>,
    /// Started less than so long ago
    #[arg(long, value_name = "DURATION", hide_short_help = true)]
    newer: Option<String>,
    /// Only the one of them that started first
    #[arg(long, conflicts_with = "newest", hide_short_help = true)]
    oldest: bool,
    /// Only the one of them that started last
    #[arg(long, hide_short_help = true)]
    newest: bool,
    /// Its number is in this file; refused if stale
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pidfile: Vec<PathBuf>,
    /// Listening (TCP) or bound (UDP) at this port
    #[arg(long, value_name = "[tcp:|udp:]N", value_delimiter = ',', hide_short_help = true)]
    port: Vec<String>,
    /// It catches these signals; any; none
    #[arg(long, value_name = "SIGNAL", hide_short_help = true)]
    catches: Vec<String>,
    /// It ignores these
    #[arg(long, value_name = "SIGNAL", hide_short_help = true)]
    ignores: Vec<String>,
    /// Each of its threads blocks these
    #[arg(long, value_name = "SIGNAL", hide_short_help = true)]
    blocks: Vec<String>,
    /// Pending for it or one of its threads
    #[arg(long, value_name = "SIGNAL", hide_short_help = true)]
    pending: Vec<String>,
    /// Also every descendant of what was found
    #[arg(short, long, hide_short_help = true)]
    tree: bool,
    /// Refuse if more than N were found
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), hide_short_help = true)]
    at_most: Option<u32>,
}

impl SelectArgs {
    /// Resolves the options on this machine: looks up the names of users, groups
    /// and terminals.
    ///
    /// # Errors
    /// The first option with an invalid value, and the reason.
    pub fn to_selection(&self) -> Result<Selection, String> {
        let group = |word: &str| match parse::pid_at_least(word, 0)? {
            0 => process::process_group_of(std::process::id())
                .ok_or_else(|| "sigtool has none here".to_owned()),
            group => Ok(group),
        };
        let session = |word: &str| match parse::pid_at_least(word, 0)? {
            0 => process::own_session_id().ok_or_else(|| "sigtool has none here".to_owned()),
            session => Ok(session),
        };
        let criteria = Criteria {
            names: parse_bytes_each("--name", &self.name, |name| Some(name.to_vec()))?,
            patterns: parse_each("--match", &self.pattern, parse_pattern)?,
            users: parse_each("--user", &self.user, |word| AccountDatabase::Users.lookup_id(word))?,
            gids: parse_each("--gid", &self.gid, |word| AccountDatabase::Groups.lookup_id(word))?,
            process_groups: parse_each("--pgrp", &self.pgrp, group)?,
            parents: parse_each("--parent", &self.parent, |word| parse::pid_at_least(word, 0))?,
            sessions: parse_each("--session", &self.session, session)?,
            terminals: parse_each("--tty", &self.tty, lookup::terminal_device)?,
            cgroups: parse_bytes_each("--cgroup", &self.cgroup, cgroup::normalize)?,
            pid_namespaces_of: parse_each("--ns", &self.ns, |word| parse::pid_at_least(word, 1))?,
            states: parse_each("--state", &self.state, parse::states)?.concat(),
            min_age: parse_duration("--older", self.older.as_deref())?,
            max_age: parse_duration("--newer", self.newer.as_deref())?,
            pick: match (self.oldest, self.newest) {
                (true, _) => Some(AgePick::Oldest),
                (_, true) => Some(AgePick::Newest),
                _ => None,
            },
            pidfiles: self.pidfile.clone(),
            ports: parse_each("--port", &self.port, parse::port)?,
            catches: parse_signal_set("--catches", &self.catches)?,
            ignores: parse_signal_set("--ignores", &self.ignores)?,
            blocks: parse_signal_set("--blocks", &self.blocks)?,
            pending: parse_signal_set("--pending", &self.pending)?,
        };
        // On Linux, usize has at least 32 bits.
        let at_most = self.at_most.and_then(|limit| usize::try_from(limit).ok());
        Ok(Selection { criteria, includes_descendants: self.tree, at_most })
    }
}

/// Compiles an expression. Some command lines contain line feeds, so a dot
/// matches them, too.
fn parse_pattern(word: &str) -> Result<Regex, String> {
    let regex = RegexBuilder::new(word).dot_matches_new_line(true).build();
    let regex = regex.map_err(|error| format!("not a regular expression: {error}"))?;
    match regex.is_match("") {
        true => Err("it matches nothing at all, and so everything; if that is meant, write .".to_owned()),
        false => Ok(regex),
    }
}

/// Parses each value of an option.
fn parse_each<T>(
    option: &str,
    words: &[String],
    mut parse: impl FnMut(&str) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    words.iter().map(|word| parse(word).map_err(|error| option_error(option, word, &error))).collect()
}

/// The same for values that may contain any bytes but may not be empty.
fn parse_bytes_each(
    option: &str,
    words: &[OsString],
    parse: impl Fn(&[u8]) -> Option<Vec<u8>>,
) -> Result<Vec<Vec<u8>>, String> {
    let parse =
        |word: &OsString| Some(word.as_encoded_bytes()).filter(|word| !word.is_empty()).and_then(&parse);
    words.iter().map(|word| parse(word).ok_or_else(|| option_error(option, "", "nothing is named"))).collect()
}

fn parse_duration(option: &str, word: Option<&str>) -> Result<Option<std::time::Duration>, String> {
    word.map(|word| parse::finite_duration(word).map_err(|error| option_error(option, word, &error)))
        .transpose()
}

fn parse_signal_set(option: &str, words: &[String]) -> Result<Option<super::SignalSetCriterion>, String> {
    parse::signal_set_criterion(words).map_err(|error| option_error(option, &words.join(" "), &error))
}

/// An error message: the option, the value and the reason.
fn option_error(option: &str, word: &str, error: &str) -> String {
    let value = if word.is_empty() { "''" } else { word };
    format!("{option} {value}: {error}")
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Parser)]
    struct SelectTestCli {
        #[command(flatten)]
        args: SelectArgs,
    }

    fn parse_selection(words: &[&str]) -> Result<Selection, String> {
        let arguments = ["sigtool"].iter().chain(words);
        SelectTestCli::try_parse_from(arguments).map_err(|error| error.to_string())?.args.to_selection()
    }

    #[test]
    fn options_with_value_are_complete() {
        let command = SelectTestCli::command();
        let options = command.get_arguments().filter(|option| option.get_action().takes_values());
        let option_names: Vec<String> = options
            .flat_map(|option| {
                let short = option.get_short().map(|short| format!("-{short}"));
                option.get_long().map(|long| format!("--{long}")).into_iter().chain(short)
            })
            .collect();
        let listed: Vec<&String> =
            option_names.iter().filter(|name| OPTIONS_WITH_VALUE.contains(&name.as_str())).collect();
        assert_eq!(
            (listed.len(), option_names.len()),
            (OPTIONS_WITH_VALUE.len(), OPTIONS_WITH_VALUE.len()),
            "{option_names:?}"
        );
    }

    #[test]
    fn option_sets_its_criterion() {
        for (words, field) in [
            (&["--name", "a,b", "--name", "c"][..], "names: [[97, 44, 98], [99]]"),
            (&["--match", "x{1,2}"], "patterns: [Regex(\"x{1,2}\")]"),
            (&["--user", "root,7"], "users: [0, 7]"),
            (&["--gid", "root", "--gid", "8"], "gids: [0, 8]"),
            (&["--pgrp", "5,6"], "process_groups: [5, 6]"),
            (&["--parent", "0"], "parents: [0]"),
            (&["--session", "5"], "sessions: [5]"),
            (&["--tty", "none"], "terminals: [0]"),
            (&["--cgroup", "a/b"], "cgroups: [[47, 97, 47, 98]]"),
            (&["--ns", "1"], "pid_namespaces_of: [1]"),
            (&["--state", "Z,T"], "states: [TaskState(90), TaskState(84)]"),
            (&["--older", "5"], "min_age: Some(5s)"),
            (&["--newer", "200ms"], "max_age: Some(200ms)"),
            (&["--oldest"], "pick: Some(Oldest)"),
            (&["--newest"], "pick: Some(Newest)"),
            (&["--pidfile", "/run/x.pid"], "pidfiles: [\"/run/x.pid\"]"),
            (&["--port", "udp:53"], "ports: [PortCriterion { protocol: Some(Udp), number: 53 }]"),
            (&["--catches", "HUP,INT"], "catches: Some(All("),
            (&["--ignores", "HUP"], "ignores: Some(All("),
            (&["--blocks", "any"], "blocks: Some(Any)"),
            (&["--pending", "none"], "pending: Some(None)"),
        ] {
            let selection = parse_selection(words).unwrap();
            let text = format!("{:?}", selection.criteria);
            assert!(text.contains(field), "{words:?}: {text}");
            let is_pick = words[0].ends_with("est");
            assert_eq!(selection.is_empty(), is_pick, "{words:?}");
            assert!(!selection.is_noop());
        }
        let selection = parse_selection(&["--tree", "--at-most", "3"]).unwrap();
        assert!(selection.is_empty() && selection.includes_descendants);
        assert_eq!(selection.at_most, Some(3));
        assert!(
            parse_selection(&[]).unwrap().is_empty()
                && parse_selection(&["-t"]).unwrap().includes_descendants
        );
        let own_groups = parse_selection(&["--pgrp", "0"]).unwrap().criteria.process_groups;
        assert_eq!(own_groups, [process::process_group_of(std::process::id()).unwrap()]);
    }

    #[test]
    fn rejects_invalid_option_values() {
        for (words, error) in [
            (["--name", ""], "--name '': nothing is named"),
            (["--user", "no-such-user"], "--user no-such-user: there is no such user"),
            (["--gid", "no-such-group"], "--gid no-such-group: there is no such group"),
            (["--pgrp", "-5x"], "unexpected argument '-5' found"),
            (["--parent", "x"], "--parent x: not a process id: they go from 0 to 4194304"),
            (["--ns", "0"], "--ns 0: not a process id: they go from 1 to 4194304"),
            (["--tty", "pts/99999"], "--tty pts/99999: there is no terminal /dev/pts/99999"),
            (["--state", "X,Q"], "--state Q: 'Q' is not a state: letters of RSDTtZXIP"),
            (["--older", "soon"], "--older soon: not a duration"),
            (["--newer", "inf"], "--newer inf: no process is as old as that"),
            (["--port", "http"], "--port http: not a port: N, tcp:N or udp:N, from 1 to 65535"),
            (["--catches", "FOO"], "--catches FOO: "),
            (["--pending", ""], "--pending '': no signal is named"),
            (["--at-most", "0"], "invalid value '0' for '--at-most <N>'"),
            (["--match", "a("], "--match a(: not a regular expression: "),
            (["--match", ""], "--match '': it matches nothing at all, and so everything"),
            (["--match", "a|"], "--match a|: it matches nothing at all, and so everything"),
            (["--cgroup", ""], "--cgroup '': nothing is named"),
            (["--user", "root,"], "--user '': there is no such user"),
        ] {
            let message = parse_selection(&words).unwrap_err();
            assert!(message.contains(error), "{words:?}: {message}");
        }
        assert!(parse_selection(&["--oldest", "--newest"]).is_err());
        assert!(parse_selection(&["--older", "1s", "--older", "2s"]).is_err());
    }
}

//! The top command: what was typed becomes a room's arguments and the settings
//! of the output.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::builder::PossibleValuesParser;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::commands::completions::args::CompletionsArgs;
use crate::commands::decode_status::args::DecodeStatusArgs;
use crate::commands::list::args::ListArgs;
use crate::commands::send::args::SendArgs;
use crate::commands::watch::args::WatchArgs;
use crate::commands::{completions, decode_status, kill, list, send, watch};
use crate::error::Failure;
use crate::exit::ExitStatus;
use crate::out::{OutputFormat, OutputSettings};
use crate::signal::Arch;
use crate::sys::io::terminal::TerminalInfo;

/// The width of a table where no terminal tells one.
const DEFAULT_WIDTH: u16 = 80;

/// A help text with examples before the options. The arguments of a command set
/// the examples as `before_help`.
const HELP_TEMPLATE: &str = "\
{about-with-newline}
{before-help}{usage-heading} {usage}

{all-args}{after-help}";

const EXAMPLES: &str = "\
Examples:
  sigtool decode-status 1234   show why process 1234 does not exit
  sigtool send -TERM 1234      send TERM to process 1234
  sigtool watch                show received signals and their senders
  sigtool list 143             explain exit status 143";

/// Inspect, send and receive Linux signals.
///
/// Signal names are accepted with or without SIG and in any case: TERM,
/// sigterm, RTMIN+3. For more examples, see sigtool COMMAND --help.
#[derive(Debug, Parser)]
#[command(
    name = "sigtool",
    version,
    verbatim_doc_comment,
    before_help = EXAMPLES,
    help_template = HELP_TEMPLATE,
    override_usage = "sigtool [OPTIONS] COMMAND [ARGUMENT]...",
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(flatten)]
    output_options: OutputOptions,
    /// The subcommand.
    #[command(subcommand)]
    command: CliCommand,
}

/// The subcommands, each built only when it is the one chosen.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
enum CliCommand {
    /// List signals; explain numbers, exit statuses and masks
    #[command(help_template = HELP_TEMPLATE)]
    List(ListArgs),
    /// Send a signal to exactly the processes you name
    #[command(help_template = HELP_TEMPLATE)]
    Send(Box<SendArgs>),
    /// Show signals and their senders; supervise a command
    Watch(Box<WatchArgs>),
    /// Show how a process handles signals
    #[command(visible_alias = "decode")]
    DecodeStatus(Box<DecodeStatusArgs>),
    /// Print the completion script for a shell
    #[command(help_template = HELP_TEMPLATE)]
    Completions(CompletionsArgs),
}

/// What every subcommand takes.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Output options")]
struct OutputOptions {
    /// table (default on a terminal), plain or json
    ///
    /// decode-status also supports prometheus, which counts processes
    #[arg(long, value_enum, global = true, value_name = "FORMAT", hide_possible_values = true)]
    format: Option<FormatArg>,
    /// Same as --format json
    #[arg(long, global = true, conflicts_with = "format")]
    json: bool,
    /// Use color: auto, always or never (overrides NO_COLOR)
    #[arg(long, value_enum, global = true, value_name = "WHEN", default_value_t = ColorArg::Auto, hide_default_value = true, hide_possible_values = true, hide_short_help = true)]
    color: ColorArg,
    /// Limit tables to N columns
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), hide_short_help = true)]
    width: Option<u16>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormatArg {
    Table,
    Plain,
    Json,
    Prometheus,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum ColorArg {
    #[default]
    Auto,
    Always,
    Never,
}

/// The whole definition, every subcommand built: what man pages and
/// completions are generated from. Signals have their names as values, which
/// the parser itself does not insist on.
pub fn full_command() -> clap::Command {
    // Leaked: the definition is made once, and lives as long as its maker.
    let names = || -> Vec<&'static str> {
        let named = Arch::NATIVE.signals().filter(|signal| !signal.is_reserved_by_libc());
        named.map(|signal| &*Arch::NATIVE.signal_name(signal).to_string().leak()).collect()
    };
    let mut command = Cli::command();
    command.build();
    let catchable = || names().into_iter().filter(|name| !["KILL", "STOP"].contains(name)).collect();
    let hooks = || -> Vec<&'static str> {
        let on: Vec<&str> = catchable();
        on.into_iter().chain(["EXIT"]).map(|name| &*format!("{name}=").leak()).collect()
    };
    for (room, argument, values) in [
        ("list", "operands", names()),
        ("list", "encode", names()),
        ("send", "signal", names()),
        ("watch", "signals", catchable()),
        ("watch", "on", hooks()),
        ("watch", "drop", catchable()),
        ("watch", "ignore", catchable()),
        ("watch", "block", catchable()),
        ("watch", "default", catchable()),
    ] {
        command = command.mut_subcommand(room, |room| {
            room.mut_arg(argument, |argument| {
                argument.value_parser(PossibleValuesParser::new(values)).hide_possible_values(true)
            })
        });
    }
    // An argument that is changed goes to the end, where this one belongs.
    command.mut_subcommand("watch", |watch| watch.mut_arg("command", |last| last))
}

/// The name that the binary is called by, which decides its grammar, the
/// wording of its messages and its exit statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramName {
    /// sigtool, under any name but `kill`.
    Sigtool,
    /// kill(1).
    Kill,
}

impl ProgramName {
    /// The program that the first argument names.
    pub fn from_arguments(arguments: &[OsString]) -> ProgramName {
        let name = arguments.first().map(Path::new).and_then(Path::file_name);
        if name == Some(OsStr::new("kill")) { ProgramName::Kill } else { ProgramName::Sigtool }
    }

    /// The name that messages begin with.
    pub const fn name(self) -> &'static str {
        match self {
            ProgramName::Sigtool => "sigtool",
            ProgramName::Kill => "kill",
        }
    }

    /// The number that an exit status has here.
    pub const fn exit_code(self, exit: ExitStatus) -> u8 {
        match self {
            ProgramName::Sigtool => exit.code(),
            ProgramName::Kill => exit.kill_code(),
        }
    }
}

/// What the command line asks for.
#[derive(Debug)]
pub enum ParsedCli {
    /// To run a room, with the output settled.
    Run(CommandRequest, OutputSettings),
    /// To print this text: the help or the version.
    Print(String),
}

/// A room's request.
#[derive(Debug)]
pub enum CommandRequest {
    /// Which signals there are.
    List(list::ListRequest),
    /// To send.
    Send(Box<send::SendRequest>),
    /// To receive.
    Watch(Box<watch::WatchRequest>),
    /// What processes do with signals.
    DecodeStatus(Box<decode_status::DecodeRequest>),
    /// A script for a shell.
    Completions(completions::Shell),
}

/// Reads the command line, the name of the program first.
///
/// # Errors
/// A usage failure that names what is wrong.
pub fn parse(arguments: Vec<OsString>) -> Result<ParsedCli, Failure> {
    let screen = TerminalInfo::detect();
    if ProgramName::from_arguments(&arguments) == ProgramName::Kill {
        return parse_kill_arguments(&arguments[1..], OutputOptions::default().to_settings(screen));
    }
    let ordered = rewrite_send_arguments(arguments).map_err(Failure::usage_error)?;
    if let Some(request) = parse_without_clap(&ordered) {
        return Ok(ParsedCli::Run(request?, OutputOptions::default().to_settings(screen)));
    }
    // For the parser no command is the same as none at all: it would receive.
    if supervised_command(&ordered).is_some_and(<[OsString]>::is_empty) {
        return Err(Failure::usage_error("expected a command after --"));
    }
    let cli = match Cli::try_parse_from(&ordered) {
        Ok(cli) => cli,
        Err(error) => {
            return help_or_failure(&error, color_from_arguments(&ordered).unwrap_or(screen.use_color));
        }
    };
    let settings = cli.output_options.to_settings(screen);
    let request = match cli.command {
        CliCommand::DecodeStatus(args) => {
            CommandRequest::DecodeStatus(Box::new(args.to_request_for_format(settings.format)?))
        }
        _ if settings.format == OutputFormat::Prometheus => {
            return Err(Failure::usage_error("--format prometheus is only supported by decode-status"));
        }
        CliCommand::List(args) => CommandRequest::List(args.to_request()?),
        CliCommand::Send(args) => CommandRequest::Send(Box::new(args.to_request()?)),
        CliCommand::Watch(args) => CommandRequest::Watch(Box::new(args.to_request()?)),
        CliCommand::Completions(args) => CommandRequest::Completions(args.to_shell()),
    };
    Ok(ParsedCli::Run(request, settings))
}

fn parse_kill_arguments(words: &[OsString], settings: OutputSettings) -> Result<ParsedCli, Failure> {
    Ok(match kill::parse(words).map_err(Failure::usage_error)? {
        kill::KillCommand::Help => ParsedCli::Print(kill::HELP.to_owned()),
        kill::KillCommand::Version => {
            ParsedCli::Print(format!("kill (sigtool {})\n", env!("CARGO_PKG_VERSION")))
        }
        kill::KillCommand::List(request) => ParsedCli::Run(CommandRequest::List(request), settings),
        kill::KillCommand::Send(request) => ParsedCli::Run(CommandRequest::Send(request), settings),
        kill::KillCommand::DecodeStatus(request) => {
            ParsedCli::Run(CommandRequest::DecodeStatus(request), settings)
        }
    })
}

/// The words of the command that `watch` is to run, those behind its `--`;
/// `None` where there is no `--`, or another subcommand.
pub fn supervised_command(arguments: &[OsString]) -> Option<&[OsString]> {
    if ProgramName::from_arguments(arguments) == ProgramName::Kill {
        return None;
    }
    let room = subcommand_index(arguments);
    let after = arguments.get(room..)?.split_first().filter(|(room, _)| *room == "watch")?.1;
    let dashes = after.iter().position(|word| word == "--")?;
    Some(&after[dashes + 1..])
}

/// Puts the words after `send` in order, so that the parser of options never
/// sees a bare -N or -NAME; other subcommands are left as they are.
fn rewrite_send_arguments(mut arguments: Vec<OsString>) -> Result<Vec<OsString>, send::args::ArgOrderError> {
    let at = subcommand_index(&arguments);
    if arguments.get(at).is_some_and(|word| word == "send") {
        let after = arguments.split_off(at + 1);
        arguments.extend(send::args::reorder_args(after)?);
    }
    Ok(arguments)
}

/// Where the subcommand stands, behind the global options; beyond the end where
/// there is none.
fn subcommand_index(arguments: &[OsString]) -> usize {
    let mut at = 1;
    while let Some(word) = arguments.get(at) {
        if send::args::takes_value(word) {
            at += 2;
        } else if word.as_encoded_bytes().starts_with(b"-") {
            at += 1;
        } else {
            break;
        }
    }
    at
}

/// The request, where nothing but the operands that everybody types is given:
/// no parser of options is built for it.
fn parse_without_clap(ordered: &[OsString]) -> Option<Result<CommandRequest, Failure>> {
    let [_, room, words @ ..] = ordered else { return None };
    match room.to_str()? {
        "send" => Some(
            SendArgs::parse_without_clap(words)?
                .to_request()
                .map(|request| CommandRequest::Send(Box::new(request))),
        ),
        "decode-status" | "decode" => {
            let request = DecodeStatusArgs::parse_without_clap(words)?.to_request();
            Some(request.map(|request| CommandRequest::DecodeStatus(Box::new(request))))
        }
        _ => None,
    }
}

/// What --color says, where the help is asked for before the options are read.
fn color_from_arguments(arguments: &[OsString]) -> Option<bool> {
    let joined = |word: &OsString| word.to_str()?.strip_prefix("--color=").map(str::to_owned);
    let next = |pair: &[OsString]| pair[1].to_str().filter(|_| pair[0] == "--color").map(str::to_owned);
    match arguments.iter().find_map(joined).or_else(|| arguments.windows(2).find_map(next))?.as_str() {
        "always" => Some(true),
        "never" => Some(false),
        _ => None,
    }
}

fn help_or_failure(error: &clap::Error, color: bool) -> Result<ParsedCli, Failure> {
    let text = error.render();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return Ok(ParsedCli::Print(if color { text.ansi().to_string() } else { text.to_string() }));
    }
    // A tip to pass a word behind -- is bad advice where that means a group.
    let text = text.to_string();
    let lines = text.split("\n\n").filter(|paragraph| !paragraph.starts_with("  tip: to pass"));
    let text = lines.collect::<Vec<_>>().join("\n\n");
    Err(Failure::usage_error(text.strip_prefix("error: ").unwrap_or(&text).trim_end()))
}

impl OutputOptions {
    /// Decides format, width and colour, once for the whole run.
    fn to_settings(&self, screen: TerminalInfo) -> OutputSettings {
        let format = match self.format {
            _ if self.json => OutputFormat::Json,
            Some(FormatArg::Json) => OutputFormat::Json,
            Some(FormatArg::Table) => OutputFormat::Table,
            Some(FormatArg::Plain) => OutputFormat::Plain,
            Some(FormatArg::Prometheus) => OutputFormat::Prometheus,
            None if screen.is_terminal => OutputFormat::Table,
            None => OutputFormat::Plain,
        };
        let color = match self.color {
            ColorArg::Auto => screen.use_color,
            ColorArg::Always => true,
            ColorArg::Never => false,
        };
        let width = self.width.or(screen.width).unwrap_or(DEFAULT_WIDTH);
        OutputSettings { format, width, color, indent_json: screen.is_terminal }
    }
}

#[cfg(test)]
mod tests;

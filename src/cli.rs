//! The command line: parses arguments into the request of a command and the settings of
//! the output.

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
use crate::out::{OutputFormat, OutputSettings, escape_message};
use crate::signal::Arch;
use crate::sys::io::terminal::TerminalInfo;

/// The width of tables if no terminal reports one.
const DEFAULT_WIDTH: u16 = 80;

const EXAMPLES: &str = "\
Examples:
  sigtool list 143                  which signal is this exit status
  sigtool decode-status 1234        why does it not end
  sigtool send -TERM 1234           ask it to end
  sigtool watch                     who sends signals here
Each subcommand has more: sigtool send --help; and there are man pages.";

/// Which signals there are, and what a process does with them.
///
/// sigtool answers what people and scripts ask about Linux signals. Signals
/// are written with or without SIG, in any case: TERM, sigterm, RTMIN+3.
#[derive(Debug, Parser)]
#[command(
    name = "sigtool",
    version,
    verbatim_doc_comment,
    after_long_help = EXAMPLES,
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

/// The commands. clap builds the definition of a command only when it is used.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
enum CliCommand {
    /// Which signals there are; what a number or a mask means
    List(ListArgs),
    /// Send a signal, to what was named and to nothing else
    Send(Box<SendArgs>),
    /// Receive signals, tell who sent them, run commands on them
    Watch(Box<WatchArgs>),
    /// What a process blocks, ignores and catches
    #[command(visible_alias = "decode")]
    DecodeStatus(Box<DecodeStatusArgs>),
    /// Print completions for a shell
    Completions(CompletionsArgs),
}

/// The options of all commands.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Output options")]
struct OutputOptions {
    /// table (on a terminal), plain (else) or json
    ///
    /// decode-status alone has prometheus, too, which counts processes
    #[arg(long, value_enum, global = true, value_name = "FORMAT", hide_possible_values = true)]
    format: Option<FormatArg>,
    /// The same as --format json
    #[arg(long, global = true, conflicts_with = "format")]
    json: bool,
    /// Colour tables: auto, always or never; beats NO_COLOR
    #[arg(long, value_enum, global = true, value_name = "WHEN", default_value_t = ColorArg::Auto, hide_default_value = true, hide_possible_values = true, hide_short_help = true)]
    color: ColorArg,
    /// Fit tables to N columns
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

/// The clap definition of all commands, from which man pages and completions are
/// generated. Arguments for signals have the signal names as possible values; the parser
/// of the command line accepts more.
pub fn full_command() -> clap::Command {
    // Leaked, because clap needs static names and the definition is built only once.
    let names = || -> Vec<&'static str> {
        let named = Arch::NATIVE.signals().filter(|signal| !signal.is_reserved_by_libc());
        named.map(|signal| &*Arch::NATIVE.signal_name(signal).to_string().leak()).collect()
    };
    let mut command = Cli::command();
    command.build();
    let catchable = || names().into_iter().filter(|name| !["KILL", "STOP"].contains(name)).collect();
    let hooks = || -> Vec<&'static str> {
        let triggers: Vec<&str> = catchable();
        triggers.into_iter().chain(["EXIT"]).map(|name| &*format!("{name}=").leak()).collect()
    };
    for (subcommand, argument, values) in [
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
        command = command.mut_subcommand(subcommand, |subcommand| {
            subcommand.mut_arg(argument, |argument| {
                argument.value_parser(PossibleValuesParser::new(values)).hide_possible_values(true)
            })
        });
    }
    // mut_arg moves an argument to the end, which is the position of this one.
    command.mut_subcommand("watch", |watch| watch.mut_arg("command", |command| command))
}

/// The name under which the binary was called. It selects the grammar, the prefix of
/// messages and the exit statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramName {
    /// sigtool: any name except `kill`.
    Sigtool,
    /// kill(1).
    Kill,
}

impl ProgramName {
    /// The name in the first argument.
    pub fn from_arguments(arguments: &[OsString]) -> ProgramName {
        let name = arguments.first().map(Path::new).and_then(Path::file_name);
        if name == Some(OsStr::new("kill")) { ProgramName::Kill } else { ProgramName::Sigtool }
    }

    /// The text for stderr: each message on a line, escaped, after the name of the program.
    pub fn format_messages(self, messages: &[String]) -> String {
        messages.iter().map(|text| format!("{}: {}\n", self.name(), escape_message(text))).collect()
    }

    /// The prefix of messages.
    const fn name(self) -> &'static str {
        match self {
            ProgramName::Sigtool => "sigtool",
            ProgramName::Kill => "kill",
        }
    }

    /// The number of an exit status under this name.
    pub const fn exit_code(self, status: ExitStatus) -> u8 {
        match self {
            ProgramName::Sigtool => status.code(),
            ProgramName::Kill => status.kill_code(),
        }
    }
}

/// The result of parsing the command line.
#[derive(Debug)]
pub enum ParsedCli {
    /// A command to run, with the settings of the output.
    Run(CommandRequest, OutputSettings),
    /// A text to print: the help or the version.
    Print(String),
}

/// The request of a command.
#[derive(Debug)]
pub enum CommandRequest {
    /// `sigtool list`.
    List(list::ListRequest),
    /// `sigtool send`.
    Send(Box<send::SendRequest>),
    /// `sigtool watch`.
    Watch(Box<watch::WatchRequest>),
    /// `sigtool decode-status`.
    DecodeStatus(Box<decode_status::DecodeRequest>),
    /// `sigtool completions`.
    Completions(completions::Shell),
}

/// Parses the command line, which starts with the name of the program.
///
/// # Errors
/// A usage error with the argument and the reason.
pub fn parse(arguments: Vec<OsString>) -> Result<ParsedCli, Failure> {
    let terminal = TerminalInfo::detect();
    if ProgramName::from_arguments(&arguments) == ProgramName::Kill {
        return parse_kill_arguments(&arguments[1..], OutputOptions::default().to_settings(terminal));
    }
    let ordered = rewrite_send_arguments(arguments).map_err(Failure::usage_error)?;
    if let Some(request) = parse_without_clap(&ordered) {
        return Ok(ParsedCli::Run(request?, OutputOptions::default().to_settings(terminal)));
    }
    // For clap an empty command is the same as none, with which watch receives signals.
    if supervised_command(&ordered).is_some_and(<[OsString]>::is_empty) {
        return Err(Failure::usage_error("--: a command is missing after it"));
    }
    let cli = match Cli::try_parse_from(&ordered) {
        Ok(cli) => cli,
        Err(error) => {
            return help_or_failure(&error, color_from_arguments(&ordered).unwrap_or(terminal.use_color));
        }
    };
    let settings = cli.output_options.to_settings(terminal);
    let request = match cli.command {
        CliCommand::DecodeStatus(args) => {
            CommandRequest::DecodeStatus(Box::new(args.to_request_for_format(settings.format)?))
        }
        _ if settings.format == OutputFormat::Prometheus => {
            return Err(Failure::usage_error("--format prometheus: decode-status alone has this format"));
        }
        CliCommand::List(args) => CommandRequest::List(args.to_request()?),
        CliCommand::Send(args) => CommandRequest::Send(Box::new(args.to_request()?)),
        CliCommand::Watch(args) => CommandRequest::Watch(Box::new(args.to_request()?)),
        CliCommand::Completions(args) => CommandRequest::Completions(args.to_shell()),
    };
    Ok(ParsedCli::Run(request, settings))
}

fn parse_kill_arguments(arguments: &[OsString], settings: OutputSettings) -> Result<ParsedCli, Failure> {
    Ok(match kill::parse(arguments).map_err(Failure::usage_error)? {
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

/// The command that `watch` runs: the arguments after `--`. `None` if there is no `--`, or
/// for other subcommands.
pub fn supervised_command(arguments: &[OsString]) -> Option<&[OsString]> {
    if ProgramName::from_arguments(arguments) == ProgramName::Kill {
        return None;
    }
    let index = subcommand_index(arguments);
    let (subcommand, rest) = arguments.get(index..)?.split_first()?;
    if subcommand != "watch" {
        return None;
    }
    let dashes = rest.iter().position(|argument| argument == "--")?;
    Some(&rest[dashes + 1..])
}

/// Reorders the arguments after `send`, so that clap never parses an argument -N or -NAME.
/// Does not change the arguments of other subcommands.
fn rewrite_send_arguments(mut arguments: Vec<OsString>) -> Result<Vec<OsString>, send::args::ArgOrderError> {
    let index = subcommand_index(&arguments);
    if arguments.get(index).is_some_and(|subcommand| subcommand == "send") {
        let rest = arguments.split_off(index + 1);
        arguments.extend(send::args::reorder_args(rest)?);
    }
    Ok(arguments)
}

/// The index of the subcommand, after the global options. It is out of bounds if there is
/// no subcommand.
fn subcommand_index(arguments: &[OsString]) -> usize {
    let mut index = 1;
    while let Some(argument) = arguments.get(index) {
        if send::args::takes_value(argument) {
            index += 2;
        } else if argument.as_encoded_bytes().starts_with(b"-") {
            index += 1;
        } else {
            break;
        }
    }
    index
}

/// Parses command lines with common operands only, without building the parser of clap,
/// which takes time. `None` for all other command lines.
fn parse_without_clap(ordered: &[OsString]) -> Option<Result<CommandRequest, Failure>> {
    let [_, subcommand, arguments @ ..] = ordered else { return None };
    match subcommand.to_str()? {
        "send" => Some(
            SendArgs::parse_without_clap(arguments)?
                .to_request()
                .map(|request| CommandRequest::Send(Box::new(request))),
        ),
        "decode-status" | "decode" => {
            let request = DecodeStatusArgs::parse_without_clap(arguments)?.to_request();
            Some(request.map(|request| CommandRequest::DecodeStatus(Box::new(request))))
        }
        _ => None,
    }
}

/// The value of --color for the help, which clap prints without parsing other options.
fn color_from_arguments(arguments: &[OsString]) -> Option<bool> {
    let joined = |argument: &OsString| argument.to_str()?.strip_prefix("--color=").map(str::to_owned);
    let separate = |pair: &[OsString]| pair[1].to_str().filter(|_| pair[0] == "--color").map(str::to_owned);
    match arguments.iter().find_map(joined).or_else(|| arguments.windows(2).find_map(separate))?.as_str() {
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
    // The tip to pass an argument after -- is wrong, because there it can mean a group.
    let text = text.to_string();
    let paragraphs = text.split("\n\n").filter(|paragraph| !paragraph.starts_with("  tip: to pass"));
    let text = paragraphs.collect::<Vec<_>>().join("\n\n");
    Err(Failure::usage_error(text.strip_prefix("error: ").unwrap_or(&text).trim_end()))
}

impl OutputOptions {
    /// The format, width and colour of the output.
    fn to_settings(&self, terminal: TerminalInfo) -> OutputSettings {
        let format = match self.format {
            _ if self.json => OutputFormat::Json,
            Some(FormatArg::Json) => OutputFormat::Json,
            Some(FormatArg::Table) => OutputFormat::Table,
            Some(FormatArg::Plain) => OutputFormat::Plain,
            Some(FormatArg::Prometheus) => OutputFormat::Prometheus,
            None if terminal.is_terminal => OutputFormat::Table,
            None => OutputFormat::Plain,
        };
        let color = match self.color {
            ColorArg::Auto => terminal.use_color,
            ColorArg::Always => true,
            ColorArg::Never => false,
        };
        let width = self.width.or(terminal.width).unwrap_or(DEFAULT_WIDTH);
        OutputSettings { format, width, color, indent_json: terminal.is_terminal }
    }
}

#[cfg(test)]
mod tests;

//! The top command: what was typed becomes a room's arguments and the settings
//! of the output.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::decode_status::args::DecodeStatusArgs;
use crate::error::Failure;
use crate::list::args::ListArgs;
use crate::out::{Format, Settings};
use crate::sys::terminal::Screen;

/// The width of a table where no terminal tells one.
const DEFAULT_WIDTH: u16 = 80;

/// Which signals there are, and what a process does with them.
///
/// sigtool answers what people and scripts ask about Linux signals. Signals
/// are written with or without SIG, in any case: TERM, sigterm, RTMIN+3.
#[derive(Debug, Parser)]
#[command(
    name = "sigtool",
    version,
    verbatim_doc_comment,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    /// The subcommand.
    #[command(subcommand)]
    room: Room,
}

/// The subcommands, each built only when it is the one chosen.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum Room {
    /// Which signals there are; what a number or a mask means
    List(ListArgs),
    /// What a process blocks, ignores and catches
    #[command(visible_alias = "decode")]
    DecodeStatus(DecodeStatusArgs),
}

/// What every subcommand takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
struct Global {
    /// table (on a terminal), plain (else) or json
    #[arg(long, value_enum, global = true, value_name = "FORMAT", hide_possible_values = true)]
    format: Option<FormatName>,
    /// The same as --format json
    #[arg(long, global = true, conflicts_with = "format")]
    json: bool,
    /// Colour tables: auto, always or never; beats NO_COLOR
    #[arg(long, value_enum, global = true, value_name = "WHEN", default_value_t = ColorWhen::Auto, hide_default_value = true, hide_possible_values = true)]
    color: ColorWhen,
    /// Fit tables to N columns
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    width: Option<u16>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormatName {
    Table,
    Plain,
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ColorWhen {
    Auto,
    Always,
    Never,
}

/// What the command line asks for.
#[derive(Debug)]
pub enum Asked {
    /// To run a room, with the output settled.
    Run(Box<Room>, Settings),
    /// To print this text: the help or the version.
    Print(String),
}

/// Reads the command line, the name of the program first.
///
/// # Errors
/// A usage failure that names what is wrong.
pub fn parse(arguments: Vec<OsString>) -> Result<Asked, Failure> {
    let screen = Screen::look();
    match Cli::try_parse_from(arguments) {
        Ok(cli) => Ok(Asked::Run(Box::new(cli.room), cli.global.settle(screen))),
        Err(error) => {
            let text = error.render();
            if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
                let text = if screen.color { text.ansi().to_string() } else { text.to_string() };
                return Ok(Asked::Print(text));
            }
            let text = text.to_string();
            Err(Failure::usage(text.strip_prefix("error: ").unwrap_or(&text).trim_end()))
        }
    }
}

impl Global {
    /// Decides format, width and colour, once for the whole run.
    fn settle(&self, screen: Screen) -> Settings {
        let format = match self.format {
            _ if self.json => Format::Json,
            Some(FormatName::Json) => Format::Json,
            Some(FormatName::Table) => Format::Table,
            Some(FormatName::Plain) => Format::Plain,
            None if screen.terminal => Format::Table,
            None => Format::Plain,
        };
        let color = match self.color {
            ColorWhen::Auto => screen.color,
            ColorWhen::Always => true,
            ColorWhen::Never => false,
        };
        let width = self.width.or(screen.width).unwrap_or(DEFAULT_WIDTH);
        Settings { format, width, color, indent: screen.terminal }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_holds() {
        Cli::command().debug_assert();
    }

    fn settle(arguments: &[&str], terminal: bool, color: bool) -> Settings {
        let cli = Cli::try_parse_from(arguments).unwrap();
        cli.global.settle(Screen { terminal, width: Some(120).filter(|_| terminal), color })
    }

    #[test]
    fn the_format_follows_the_terminal_unless_given() {
        assert_eq!(settle(&["sigtool", "list"], true, true).format, Format::Table);
        assert_eq!(settle(&["sigtool", "list"], false, false).format, Format::Plain);
        assert_eq!(settle(&["sigtool", "--json", "list"], true, true).format, Format::Json);
        assert_eq!(settle(&["sigtool", "list", "--format", "table"], false, false).format, Format::Table);
    }

    #[test]
    fn width_and_colour_can_be_given() {
        let given = settle(&["sigtool", "list", "--width", "60", "--color", "always"], true, false);
        assert_eq!((given.width, given.color), (60, true));
        let never = settle(&["sigtool", "list", "--color=never"], true, true);
        assert_eq!((never.width, never.color), (120, false));
        assert_eq!(settle(&["sigtool", "list"], false, false).width, DEFAULT_WIDTH);
    }

    #[test]
    fn decode_is_decode_status() {
        let cli = Cli::try_parse_from(["sigtool", "decode", "self"]).unwrap();
        assert!(matches!(cli.room, Room::DecodeStatus(_)));
    }
}

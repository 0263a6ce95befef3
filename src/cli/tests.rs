//! What the top command makes of words.

use super::*;

#[test]
fn clap_definition_is_valid() {
    Cli::command().debug_assert();
}

fn settings_for(arguments: &[&str], terminal: bool, color: bool) -> OutputSettings {
    let cli = Cli::try_parse_from(arguments).unwrap();
    cli.output_options.to_settings(TerminalInfo {
        is_terminal: terminal,
        width: Some(120).filter(|_| terminal),
        use_color: color,
    })
}

#[test]
fn format_follows_terminal_by_default() {
    assert_eq!(settings_for(&["sigtool", "list"], true, true).format, OutputFormat::Table);
    assert_eq!(settings_for(&["sigtool", "list"], false, false).format, OutputFormat::Plain);
    assert_eq!(settings_for(&["sigtool", "--json", "list"], true, true).format, OutputFormat::Json);
    assert_eq!(
        settings_for(&["sigtool", "list", "--format", "table"], false, false).format,
        OutputFormat::Table
    );
}

#[test]
fn options_set_width_and_color() {
    let given = settings_for(&["sigtool", "list", "--width", "60", "--color", "always"], true, false);
    assert_eq!((given.width, given.color), (60, true));
    let never = settings_for(&["sigtool", "list", "--color=never"], true, true);
    assert_eq!((never.width, never.color), (120, false));
    assert_eq!(settings_for(&["sigtool", "list"], false, false).width, DEFAULT_WIDTH);
}

#[test]
fn decode_is_alias_of_decode_status() {
    let cli = Cli::try_parse_from(["sigtool", "decode", "self"]).unwrap();
    assert!(matches!(cli.command, CliCommand::DecodeStatus(_)));
}

fn parse_words(words: &[&str]) -> Result<ParsedCli, Failure> {
    parse(words.iter().map(OsString::from).collect())
}

#[test]
fn parse_finds_send_after_global_options() {
    for words in [
        &["sigtool", "send", "-9", "100"][..],
        &["sigtool", "--json", "send", "-9", "100"],
        &["sigtool", "--format", "json", "--width", "100", "send", "-9", "100"],
        &["sigtool", "--color=never", "send", "100"],
    ] {
        assert!(matches!(parse_words(words), Ok(ParsedCli::Run(CommandRequest::Send(_), _))), "{words:?}");
    }
    assert!(matches!(
        parse_words(&["sigtool", "list", "-9"]),
        Ok(ParsedCli::Run(CommandRequest::List(_), _))
    ));
    assert!(parse_words(&["sigtool", "-9", "send", "100"]).is_err());
    assert!(parse_words(&["sigtool", "--format", "send", "-9", "100"]).is_err());
}

/// The function that orders the words knows which global options take a
/// value.
#[test]
fn takes_value_knows_global_options() {
    for option in Cli::command().get_arguments().filter(|option| option.is_global_set()) {
        let long = format!("--{}", option.get_long().unwrap());
        let takes = option.get_action().takes_values();
        assert_eq!(crate::commands::send::args::takes_value(OsStr::new(&long)), takes, "{long}");
    }
}

#[test]
fn program_name_selects_grammar() {
    let called = |name: &str| ProgramName::from_arguments(&[OsString::from(name)]);
    assert_eq!(called("kill"), ProgramName::Kill);
    assert_eq!(called("/usr/local/bin/kill"), ProgramName::Kill);
    for name in ["sigtool", "killall", "/kill/sigtool", "./skill", ""] {
        assert_eq!(called(name), ProgramName::Sigtool, "{name}");
    }
    assert_eq!(ProgramName::from_arguments(&[]), ProgramName::Sigtool);
    assert!(matches!(parse_words(&["/bin/kill", "-l"]), Ok(ParsedCli::Run(CommandRequest::List(_), _))));
    assert!(matches!(parse_words(&["kill", "100"]), Ok(ParsedCli::Run(CommandRequest::Send(_), _))));
}

/// Only then may signals be held back before anything is understood.
#[test]
fn supervised_command_follows_double_dash() {
    let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
    for (line, expected) in [
        ("sigtool watch -- sleep 5", Some("sleep 5")),
        ("sigtool --json watch --log x -- git log --", Some("git log --")),
        ("sigtool --width 80 watch --", Some("")),
        ("sigtool watch TERM", None),
        ("sigtool send --name watch -- 100", None),
        ("sigtool --format watch -- x", None),
        ("sigtool -- watch", None),
        ("kill watch -- 100", None),
        ("sigtool", None),
    ] {
        let arguments = words(line);
        let command = supervised_command(&arguments).map(|words| words.join(std::ffi::OsStr::new(" ")));
        assert_eq!(command.as_deref(), expected.map(std::ffi::OsStr::new), "{line}");
    }
}

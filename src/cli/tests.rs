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
    let always = settings_for(&["sigtool", "list", "--width", "60", "--color", "always"], true, false);
    assert_eq!((always.width, always.color), (60, true));
    let never = settings_for(&["sigtool", "list", "--color=never"], true, true);
    assert_eq!((never.width, never.color), (120, false));
    assert_eq!(settings_for(&["sigtool", "list"], false, false).width, DEFAULT_WIDTH);
}

#[test]
fn decode_is_alias_of_decode_status() {
    let cli = Cli::try_parse_from(["sigtool", "decode", "self"]).unwrap();
    assert!(matches!(cli.command, CliCommand::DecodeStatus(_)));
}

fn parse_arguments(arguments: &[&str]) -> Result<ParsedCli, Failure> {
    parse(arguments.iter().map(OsString::from).collect())
}

#[test]
fn parse_finds_send_after_global_options() {
    for arguments in [
        &["sigtool", "send", "-9", "100"][..],
        &["sigtool", "--json", "send", "-9", "100"],
        &["sigtool", "--format", "json", "--width", "100", "send", "-9", "100"],
        &["sigtool", "--color=never", "send", "100"],
    ] {
        let parsed = parse_arguments(arguments);
        assert!(matches!(parsed, Ok(ParsedCli::Run(CommandRequest::Send(_), _))), "{arguments:?}");
    }
    assert!(matches!(
        parse_arguments(&["sigtool", "list", "-9"]),
        Ok(ParsedCli::Run(CommandRequest::List(_), _))
    ));
    assert!(parse_arguments(&["sigtool", "-9", "send", "100"]).is_err());
    assert!(parse_arguments(&["sigtool", "--format", "send", "-9", "100"]).is_err());
}

/// `takes_value` duplicates facts of the clap definition.
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
    let program = |name: &str| ProgramName::from_arguments(&[OsString::from(name)]);
    assert_eq!(program("kill"), ProgramName::Kill);
    assert_eq!(program("/usr/local/bin/kill"), ProgramName::Kill);
    for name in ["sigtool", "killall", "/kill/sigtool", "./skill", ""] {
        assert_eq!(program(name), ProgramName::Sigtool, "{name}");
    }
    assert_eq!(ProgramName::from_arguments(&[]), ProgramName::Sigtool);
    assert!(matches!(parse_arguments(&["/bin/kill", "-l"]), Ok(ParsedCli::Run(CommandRequest::List(_), _))));
    assert!(matches!(parse_arguments(&["kill", "100"]), Ok(ParsedCli::Run(CommandRequest::Send(_), _))));
}

/// `main` blocks signals before it parses the command line, but only for such a command.
#[test]
fn supervised_command_follows_double_dash() {
    let split = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
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
        let arguments = split(line);
        let command = supervised_command(&arguments).map(|command| command.join(std::ffi::OsStr::new(" ")));
        assert_eq!(command.as_deref(), expected.map(std::ffi::OsStr::new), "{line}");
    }
}

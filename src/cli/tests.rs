//! What the top command makes of words.

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

fn asked(words: &[&str]) -> Result<Asked, Failure> {
    parse(words.iter().map(OsString::from).collect())
}

#[test]
fn send_is_found_behind_global_options_and_nowhere_else() {
    for words in [
        &["sigtool", "send", "-9", "100"][..],
        &["sigtool", "--json", "send", "-9", "100"],
        &["sigtool", "--format", "json", "--width", "100", "send", "-9", "100"],
        &["sigtool", "--color=never", "send", "100"],
    ] {
        assert!(matches!(asked(words), Ok(Asked::Run(Request::Send(_), _))), "{words:?}");
    }
    assert!(matches!(asked(&["sigtool", "list", "-9"]), Ok(Asked::Run(Request::List(_), _))));
    assert!(asked(&["sigtool", "-9", "send", "100"]).is_err());
    assert!(asked(&["sigtool", "--format", "send", "-9", "100"]).is_err());
}

/// The function that orders the words knows which global options take a
/// value.
#[test]
fn global_options_with_a_value_are_known() {
    for option in Cli::command().get_arguments().filter(|option| option.is_global_set()) {
        let long = format!("--{}", option.get_long().unwrap());
        let takes = option.get_action().takes_values();
        assert_eq!(send::args::takes_value(OsStr::new(&long)), takes, "{long}");
    }
}

#[test]
fn the_name_decides_the_grammar() {
    let called = |name: &str| Program::called(&[OsString::from(name)]);
    assert_eq!(called("kill"), Program::Kill);
    assert_eq!(called("/usr/local/bin/kill"), Program::Kill);
    for name in ["sigtool", "killall", "/kill/sigtool", "./skill", ""] {
        assert_eq!(called(name), Program::Sigtool, "{name}");
    }
    assert_eq!(Program::called(&[]), Program::Sigtool);
    assert!(matches!(asked(&["/bin/kill", "-l"]), Ok(Asked::Run(Request::List(_), _))));
    assert!(matches!(asked(&["kill", "100"]), Ok(Asked::Run(Request::Send(_), _))));
}

/// Only then may signals be held back before anything is understood.
#[test]
fn a_command_is_what_stands_behind_the_dashes_of_watch() {
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
        let command = command(&arguments).map(|words| words.join(std::ffi::OsStr::new(" ")));
        assert_eq!(command.as_deref(), expected.map(std::ffi::OsStr::new), "{line}");
    }
}

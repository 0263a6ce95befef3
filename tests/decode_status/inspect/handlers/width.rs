//! Tables of handlers and queues in terminals of several widths.

use super::*;

/// On a terminal no line is longer than its width: names are shortened, or each
/// handler is printed as a card. With --full and in a pipe, names are not
/// shortened.
#[test]
fn handler_table_fits_width() {
    let name = "a-program-of-a-name-that-is-long-but-not-longer-than-a-line";
    let folder = Folder::new();
    let (mut child, pid) = start_renamed(&folder, name.as_bytes(), false);
    let shown = |options: &[&str]| {
        let result = sigtool(["decode-status", "--handlers", &pid].iter().chain(options)).output();
        CommandResult::from(result.expect("sigtool runs"))
    };
    let plain = shown(&[]);
    let on_terminal = ["40", "80", "120"].map(|width| {
        let options = ["--format", "table", "--width", width];
        (width, shown(&options).stdout, shown(&[&options[..], &["--full"]].concat()).stdout)
    });
    child.kill().expect("our own child");
    child.wait().expect("it ends");
    if plain.code != Some(0) {
        return skipped(plain.stderr.trim());
    }
    let function = format!("{name}::state::handler").replace('-', "_");
    assert!(plain.stdout.contains("fixture::state::handler") || plain.stdout.contains(&function));
    assert!(plain.stdout.contains(name), "{}", plain.stdout);
    for (width, text, full) in on_terminal {
        for text in [&text, &full] {
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(widest <= width.parse().ok(), "{width}: {text}");
        }
        assert!(text.contains("USR1") && !full.contains('…'), "{full}");
        // In 40 columns there are cards, which break lines instead.
        let (is_table, is_whole) = (text.contains('│'), text.contains(name));
        match width {
            "40" => assert!(!is_table && text.contains("\nSIGNAL   USR1\n"), "{text}"),
            "80" => assert!(is_table && !is_whole && text.contains('…'), "{text}"),
            _ => assert!(is_table, "{text}"),
        }
    }
}

#[test]
fn queue_table_fits_width() {
    let name = "a\u{202e}\u{202e}\u{202e}\u{202e}";
    let settings = ["--name", name, "--block", "TERM,RTMIN", "--queue", "TERM=7", "--queue", "RTMIN=8"];
    let fixture = fixture(&[&CLEAN[..], &settings].concat());
    for (width, is_table) in [("40", false), ("80", true), ("120", true)] {
        let mut command = sigtool(["decode-status", "--queue", "--format", "table", "--width", width]);
        let result =
            CommandResult::from(command.arg(fixture.pid.to_string()).output().expect("sigtool runs"));
        if result.code != Some(0) {
            return skipped(result.stderr.trim());
        }
        let widest = result.stdout.lines().map(|line| line.chars().count()).max();
        assert!(widest <= width.parse().ok(), "{width}: {}", result.stdout);
        assert_eq!(result.stdout.contains('│'), is_table, "{width}: {}", result.stdout);
        assert!(result.stdout.contains("TERM"), "{}", result.stdout);
    }
}

#[test]
fn inspection_table_fits_width() {
    let fixture = fixture(&[&CLEAN[..], &["--catch", "TERM,HUP"]].concat());
    for width in ["80", "120"] {
        let mut command = sigtool(["decode-status", "--handlers", "--format", "table", "--width", width]);
        let result =
            CommandResult::from(command.arg(fixture.pid.to_string()).output().expect("sigtool runs"));
        if result.code != Some(0) {
            return skipped(result.stderr.trim());
        }
        let widest = result.stdout.lines().map(|line| line.chars().count()).max();
        assert!(
            result.stdout.contains('│') && widest.is_some_and(|widest| widest <= width.parse().expect("80"))
        );
    }
}

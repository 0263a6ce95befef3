//! Output on a pseudo-terminal of 80 and 120 columns, with and without colour.

use std::process::{Command, Stdio};

use crate::support::{SIGTOOL, skipped};

/// Returns the output of a command on a terminal of this width. Prints the reason
/// and returns `None` if script(1) cannot provide one.
fn on_terminal(columns: u16, environment: &[(&str, &str)], arguments: &str) -> Option<String> {
    let line = format!("stty cols {columns} rows 50; exec '{SIGTOOL}' {arguments}");
    let output = Command::new("script")
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        // On a CI service colour is the default, even on a dumb terminal.
        .env_remove("CI")
        .env("TERM", "xterm")
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(output) if output.status.success() => {
            Some(String::from_utf8(output.stdout).expect("UTF-8").replace("\r\n", "\n"))
        }
        Ok(output) => {
            skipped(&format!("script: {output:?}"));
            None
        }
        Err(error) => {
            skipped(&format!("script: {error}"));
            None
        }
    }
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn tables_fit_terminal_width() {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/status");
    let several = format!("decode-status -f {data}/bash -f {data}/java -f {data}/stopped");
    let one = format!("decode-status -f {data}/java");
    for arguments in ["list", "list --codes", "list BUS", "list 143 0x4002", &several, &one] {
        for columns in [80, 120] {
            let Some(text) = on_terminal(columns, &[], arguments) else { return };
            let widest = plain(&text).lines().map(|line| line.chars().count()).max();
            // A long path is one word, which cannot be broken.
            let fits = plain(&text)
                .lines()
                .all(|line| line.chars().count() <= usize::from(columns) || line.contains(data));
            assert!(fits, "{arguments}: {widest:?} of {columns}\n{text}");
            let table = text.contains('│') || arguments == "list BUS";
            assert!(table, "{arguments} in {columns} columns\n{text}");
        }
    }
}

#[test]
fn colour_depends_on_terminal_and_environment() {
    for (environment, options, colored) in [
        (&[][..], "", true),
        (&[("NO_COLOR", "1")], "", false),
        (&[("NO_COLOR", "")], "", true),
        (&[("NO_COLOR", "1")], "--color always", true),
        (&[("TERM", "dumb")], "", false),
        (&[], "--color never", false),
        (&[], "--format plain", false),
        (&[], "--json", false),
    ] {
        let Some(text) = on_terminal(80, environment, &format!("list TERM {options}")) else { return };
        assert_eq!(text.contains('\u{1b}'), colored, "{environment:?} {options}: {text}");
        assert!(text.contains("TERM"), "{text}");
    }
    let Some(help) = on_terminal(80, &[], "list --help --color never") else { return };
    assert!(!help.contains('\u{1b}'), "{help}");
}

#[test]
fn colour_adds_no_information() {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/status/stopped");
    let arguments = format!("decode-status -f {data}");
    let Some(colored) = on_terminal(80, &[], &arguments) else { return };
    let Some(bare) = on_terminal(80, &[("NO_COLOR", "1")], &arguments) else { return };
    assert!(colored.contains('\u{1b}'));
    assert_eq!(plain(&colored), bare);
}

/// JSON is indented on a terminal; the content is the same.
#[test]
fn json_is_indented_on_terminal() {
    let Some(text) = on_terminal(80, &[], "list --json 15") else { return };
    assert!(text.starts_with("{\n  \"arch\": "), "{text}");
    let indented: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let piped = crate::support::run(["list", "--json", "15"]);
    assert_eq!(indented, serde_json::from_str::<serde_json::Value>(&piped.stdout).expect("JSON"));
}

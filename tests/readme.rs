//! Runs every command in the `console` blocks of the README and compares the
//! output.

use std::path::Path;
use std::process::Command;

use crate::support::{SIGTOOL, in_namespace, schema, searchable_path};

/// A command and its output lines.
struct Shown {
    command: String,
    output: String,
}

fn shown(readme: &str) -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    let mut inside = false;
    for line in readme.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if let (true, Some(command)) = (inside, line.strip_prefix("$ ")) {
            found.push(Shown { command: command.to_owned(), output: String::new() });
        } else if inside {
            let last = found.last_mut().expect("output follows a command");
            last.output.push_str(line);
            last.output.push('\n');
        }
    }
    found
}

#[test]
fn readme_examples_match_actual_output() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).expect("the README");
    let shown = shown(&readme);
    assert!(shown.len() >= 10, "the README shows its commands");
    let binaries = Path::new(SIGTOOL).parent().expect("a folder").to_str().expect("UTF-8");
    let path = format!("{binaries}:{}", searchable_path().to_str().expect("UTF-8"));
    for Shown { command, output } in shown {
        let script = format!("PATH='{path}'; cd '{}'; exec 2>&1; {command}", root.display());
        let printed = if command.contains("send") {
            // Commands that send signals run in a PID namespace.
            let Some(ran) = in_namespace(&script) else { continue };
            ran.stdout
        } else {
            let ran = Command::new("sh").args(["-c", &script]).output();
            String::from_utf8(ran.expect("sh runs").stdout).expect("UTF-8")
        };
        assert_eq!(printed, output, "$ {command}");
        // Messages are printed between the documents.
        let documents: Vec<&str> = printed.lines().filter(|line| line.starts_with('{')).collect();
        let words: Vec<&str> = command.split_whitespace().collect();
        schema::check_run(&words, &documents.join("\n"));
    }
}

#[test]
fn readme_contains_first_commands() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).expect("the README");
    for command in ["cargo run --release -- decode-status $$", "cargo test"] {
        assert!(readme.contains(&format!("```sh\n{command}\n```")), "{command}");
    }
    let ci = std::fs::read_to_string(root.join(".ci/run")).expect(".ci/run");
    assert!(ci.ends_with("\ncargo test\n"), ".ci/run ends with the README's test command");
}

//! Runs every command in the `console` blocks of the README and compares the
//! output.

use std::path::Path;
use std::process::Command;

use crate::support::{SIGTOOL, in_namespace, schema, searchable_path};

/// A command and its output lines.
struct Example {
    command: String,
    output: String,
}

fn examples(readme: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut inside = false;
    for line in readme.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if let (true, Some(command)) = (inside, line.strip_prefix("$ ")) {
            examples.push(Example { command: command.to_owned(), output: String::new() });
        } else if inside {
            let last = examples.last_mut().expect("output follows a command");
            last.output.push_str(line);
            last.output.push('\n');
        }
    }
    examples
}

#[test]
fn readme_examples_match_actual_output() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).expect("the README");
    let examples = examples(&readme);
    assert!(examples.len() >= 10, "the README shows its commands");
    let binaries = Path::new(SIGTOOL).parent().expect("a folder").to_str().expect("UTF-8");
    let path = format!("{binaries}:{}", searchable_path().to_str().expect("UTF-8"));
    for Example { command, output } in examples {
        let script = format!("PATH='{path}'; cd '{}'; exec 2>&1; {command}", root.display());
        let printed = if command.contains("send") {
            // Commands that send signals run in a PID namespace.
            let Some(result) = in_namespace(&script) else { continue };
            result.stdout
        } else {
            let result = Command::new("sh").args(["-c", &script]).output();
            String::from_utf8(result.expect("sh runs").stdout).expect("UTF-8")
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

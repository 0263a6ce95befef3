//! The README: each `console` block is a session. A shell runs its commands,
//! and they print the lines below them. `SNAPSHOTS=overwrite` updates the lines.
//!
//! A block `console terminal` shows tables as a terminal of 90 columns does.
//! A comment `<!-- deploy.sh: COMMANDS -->` before a block runs the commands in
//! a process of that name, as soon as `watch` has started to report on the
//! last process in the background, `$worker`. Such a block needs BPF.

use std::path::Path;
use std::process::Command;

use crate::support::{SIGTOOL, in_namespace, schema, searchable_path, skipped};

/// Separates the outputs of two commands.
const SEPARATOR: &str = "\u{1e}";

/// Waits until the process in the background has executed its program and sleeps. bash
/// does not report the end of a disowned process.
const AWAIT_PROGRAM: &str = "worker=$!; disown; \
while read -r _ name state _ </proc/$worker/stat; \
    [[ $name =~ ^.(bash|env).$ || $state != S ]]; do :; done";

/// Runs the commands of `deploy.sh` when the output shows the first state. The
/// subshell keeps `$!`.
const DEPLOY: &str = "( (exec -a deploy.sh bash -c 'printf deploy.sh >/proc/self/comm; \
    until read -r -d \"\" shown <\"$OUT\"; [[ $shown == *\"(sleeping)\"* ]]; do :; done; COMMANDS') & )";

/// A `console` block.
struct Session {
    terminal: bool,
    deploy: Option<String>,
    commands: Vec<Example>,
}

/// A command, and the lines that follow it.
struct Example {
    command: String,
    output: String,
}

impl Session {
    /// Returns the sessions, and the lines between them: one text before each
    /// session and one after the last.
    fn all(readme: &str) -> (Vec<Self>, Vec<String>) {
        let (mut sessions, mut texts) = (Vec::<Self>::new(), vec![String::new()]);
        let mut inside = false;
        let mut deploy = None;
        for line in readme.lines() {
            if !inside {
                let text = texts.last_mut().expect("a text");
                text.push_str(line);
                text.push('\n');
                if let Some(commands) = line.strip_prefix("<!-- deploy.sh: ") {
                    deploy = Some(commands.trim_end_matches(" -->").to_owned());
                } else if line.starts_with("```console") {
                    inside = true;
                    let terminal = line.ends_with(" terminal");
                    sessions.push(Self { terminal, deploy: deploy.take(), commands: Vec::new() });
                }
            } else if line == "```" {
                inside = false;
                texts.push("```\n".to_owned());
            } else if let Some(command) = line.strip_prefix("$ ") {
                let commands = &mut sessions.last_mut().expect("a session").commands;
                commands.push(Example { command: command.to_owned(), output: String::new() });
            } else {
                let commands = &mut sessions.last_mut().expect("a session").commands;
                let last = commands.last_mut().expect("output follows a command");
                last.output.push_str(line);
                last.output.push('\n');
            }
        }
        (sessions, texts)
    }

    fn has_background(&self) -> bool {
        self.commands.iter().any(|shown| shown.command.ends_with('&'))
    }

    /// The script of the session. It prints all output at its end.
    fn script(&self, root: &Path) -> String {
        let binaries = Path::new(SIGTOOL).parent().expect("a directory").to_str().expect("UTF-8");
        let path = format!("{binaries}:{}", searchable_path().to_str().expect("UTF-8"));
        // With job control, processes in the background do not ignore INT and QUIT.
        let mut script = format!(
            "PATH='{path}'; cd '{}'; set -m; OUT=$(mktemp); export OUT; exec >>\"$OUT\" 2>&1\n",
            root.display()
        );
        if self.terminal {
            script.push_str("sigtool() { command sigtool --format table --width 90 \"$@\"; }\n");
        }
        for (index, Example { command, .. }) in self.commands.iter().enumerate() {
            if index > 0 {
                script.push_str(&format!("printf '%s' '{SEPARATOR}'\n"));
            }
            if let (Some(deploy), true) = (&self.deploy, command.contains("watch")) {
                script.push_str("export worker\n");
                script.push_str(&DEPLOY.replace("COMMANDS", deploy));
                script.push('\n');
            }
            script.push_str(command);
            script.push('\n');
            if command.ends_with('&') {
                script.push_str(AWAIT_PROGRAM);
                script.push('\n');
            }
        }
        script + "cat \"$OUT\" >&3; rm \"$OUT\"\n"
    }

    /// Runs the session and returns what each command prints. `None` if this
    /// machine cannot run it.
    fn run(&self, root: &Path) -> Option<Vec<String>> {
        let sends = self.commands.iter().any(|shown| shown.command.contains("send"));
        let script = self.script(root);
        if self.deploy.is_some() && !has_bpf() {
            skipped("no BPF here");
            return None;
        }
        let printed = if sends || self.has_background() {
            // Signals reach no process outside the namespace.
            in_namespace(&with_default_signals(&script))?.stdout
        } else {
            let ran = Command::new("bash").args(["-c", &format!("exec 3>&1; {script}")]).output();
            String::from_utf8(ran.expect("bash runs").stdout).expect("UTF-8")
        };
        Some(printed.split(SEPARATOR).map(str::to_owned).collect())
    }
}

/// Runs the script in a bash that ignores no signal, because the test runner's
/// dispositions are inherited.
fn with_default_signals(script: &str) -> String {
    format!(
        "read -r -d '' session <<'SESSION'\n{script}\nSESSION\n\
        exec 3>&1; exec \"$FIXTURE\" --unwatched --default '~[KILL STOP]' -- bash -c \"$session\" >/dev/null"
    )
}

fn has_bpf() -> bool {
    let inspected = Command::new(SIGTOOL)
        .args(["decode-status", "--handlers", "--backend", "bpf"])
        .arg(std::process::id().to_string())
        .output();
    inspected.is_ok_and(|output| output.status.success())
}

/// Replaces what differs from run to run: the numbers and the padding in a line
/// with a time, a duration or the length of the queue.
fn normalise(output: &str) -> String {
    let mut normal = String::new();
    for line in output.split_inclusive('\n') {
        let varies = line.starts_with("Queue ")
            || line.contains(" ms")
            || line.get(10..11) == Some("T") && line.contains("Z ");
        for c in line.chars() {
            let c = if varies && c.is_ascii_digit() { 'N' } else { c };
            if !(varies && matches!(c, 'N' | ' ') && normal.ends_with(c)) {
                normal.push(c);
            }
        }
    }
    normal
}

#[test]
fn readme_examples_match_actual_output() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = root.join("README.md");
    let readme = std::fs::read_to_string(&file).expect("the README");
    let (mut sessions, texts) = Session::all(&readme);
    assert!(sessions.iter().map(|session| session.commands.len()).sum::<usize>() >= 10);
    let overwrite = std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite");
    for session in &mut sessions {
        let Some(printed) = session.run(root) else { continue };
        assert_eq!(printed.len(), session.commands.len(), "{printed:?}");
        for (shown, printed) in session.commands.iter_mut().zip(printed) {
            if normalise(&printed) != normalise(&shown.output) {
                assert!(overwrite, "$ {}\n{printed}\nREADME.md has:\n{}", shown.command, shown.output);
                shown.output.clone_from(&printed);
            }
            // Errors are next to the documents.
            let documents: Vec<&str> = printed.lines().filter(|line| line.starts_with('{')).collect();
            let words: Vec<&str> = shown.command.split_whitespace().collect();
            schema::check_run(&words, &documents.join("\n"));
        }
    }
    if overwrite {
        let mut text = texts[0].clone();
        for (session, after) in sessions.iter().zip(&texts[1..]) {
            for Example { command, output } in &session.commands {
                text.push_str(&format!("$ {command}\n{output}"));
            }
            text.push_str(after);
        }
        std::fs::write(file, text).expect("the README can be written");
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

#[test]
fn readme_has_at_most_350_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).expect("the README");
    assert!(readme.lines().count() <= 350, "replace text, do not append");
}

//! `sigtool completions`, end to end: the checked-in scripts are up to date, and
//! bash and zsh complete with them.

use std::process::Command;

use clap_complete::{Generator, Shell};

use crate::generated::hold;
use crate::support::{Ran, SIGTOOL, run, searchable_path, skipped};

fn generated(generator: impl Generator) -> String {
    let mut command = sigtool::cli::full_command();
    let mut text = Vec::new();
    clap_complete::generate(generator, &mut command, "sigtool", &mut text);
    String::from_utf8(text).expect("UTF-8")
}

/// Returns the fish completions with the values of operands, which clap's
/// generator does not support.
fn fish() -> String {
    let mut text = generated(Shell::Fish);
    let definition = sigtool::cli::full_command();
    for (room, operand) in [("list", "operands"), ("watch", "signals")] {
        let room_definition = definition.find_subcommand(room).expect("a subcommand");
        let argument =
            room_definition.get_arguments().find(|each| each.get_id() == operand).expect("operands");
        let values = argument.get_possible_values();
        let names: Vec<&str> = values.iter().map(|value| value.get_name()).collect();
        let using = format!("__fish_sigtool_using_subcommand {room}");
        text += &format!("complete -c sigtool -n \"{using}\" -f -a \"{}\"\n", names.join(" "));
    }
    text
}

#[test]
fn completion_scripts_match_generated_ones() {
    hold("src/commands/completions/sigtool.bash", &generated(Shell::Bash));
    hold("src/commands/completions/sigtool.zsh", &generated(Shell::Zsh));
    hold("src/commands/completions/sigtool.fish", &fish());
    hold("src/commands/completions/sigtool.nu", &generated(clap_complete_nushell::Nushell));
}

#[test]
fn completions_prints_script_of_each_shell() {
    for (shell, part) in [
        ("bash", "complete -F _sigtool"),
        ("zsh", "#compdef sigtool"),
        ("fish", "complete -c sigtool"),
        ("nushell", "export extern \"sigtool send\""),
    ] {
        let ran = run(["completions", shell]);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
        assert!(ran.stdout.contains(part) && ran.stdout.contains("VTALRM"), "{shell}");
    }
    let unknown = run(["completions", "tcsh"]);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (Some(2), ""));
}

/// Returns the candidates that bash offers for the last of these words.
fn bash(words: &[&str]) -> Option<String> {
    let script = format!(
        "source <(\"$0\" completions bash); COMP_WORDS=({}); COMP_CWORD={}; \
         _sigtool sigtool \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; echo \"${{COMPREPLY[*]}}\"",
        words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" "),
        words.len() - 1,
    );
    match Command::new("bash").args(["--norc", "-c", &script, SIGTOOL]).output().map(Ran::from) {
        Ok(ran) => Some(ran.stdout.trim().to_owned()),
        Err(error) => {
            skipped(&format!("bash: {error}"));
            None
        }
    }
}

#[test]
fn bash_completes_subcommands_options_and_signals() {
    for (words, offered) in [
        (&["sigtool", "dec"][..], "decode-status decode"),
        (&["sigtool", "send", "--broad"], "--broadcast"),
        (&["sigtool", "send", "-s", "TER"], "TERM"),
        (&["sigtool", "send", "--signal", "XF"], "XFSZ"),
        (&["sigtool", "watch", "USR"], "USR1 USR2"),
        (&["sigtool", "list", "VT"], "VTALRM"),
        (&["sigtool", "list", "--encode", "VT"], "VTALRM"),
        (&["sigtool", "watch", "KI"], ""),
        (&["sigtool", "watch", "--on", "EX"], "EXIT="),
        (&["sigtool", "completions", "fi"], "fish"),
    ] {
        let Some(found) = bash(words) else { return };
        assert_eq!(found, offered, "{words:?}");
    }
}

/// Types a line and Tab in an interactive zsh.
#[test]
fn zsh_completes_subcommands_options_and_signals() {
    // The line is typed only after the prompt is shown.
    let script = r#"
        zmodload zsh/zpty
        zpty inner zsh -f -i
        zpty -w inner "PS1='> '; autoload -Uz compinit; compinit -u -D; source <($0 completions zsh)
compdef _sigtool sigtool; bindkey '^I' complete-word; stty columns 200 -echo; echo rea''dy"
        zpty -r inner out $'*\nready*'
        zpty -r inner out '*> *'
        zpty -w -n inner "sigtool $1"$'\t'
        zpty -r inner out "*sigtool $2*" && echo found
    "#;
    for (line, completed) in [
        ("decode-", "decode-status"),
        ("send -s TER", "send -s TERM"),
        ("watch VTA", "watch VTALRM"),
        ("send --broad", "send --broadcast"),
    ] {
        let ran = Command::new("timeout")
            .args(["30", "zsh", "-fc", script, SIGTOOL, line, completed])
            .env("PATH", searchable_path())
            .output();
        match ran.map(Ran::from) {
            Ok(ran) if ran.code == Some(127) => return skipped("zsh is missing"),
            Ok(ran) => assert_eq!(ran.stdout, "found\n", "{line}: {}", ran.stderr),
            Err(error) => return skipped(&format!("timeout: {error}")),
        }
    }
}

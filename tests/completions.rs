//! `sigtool completions`, end to end: the checked-in scripts are up to date, and
//! bash and zsh complete with them.

use std::process::Command;

use clap_complete::{Generator, Shell};

use crate::generated::assert_up_to_date;
use crate::support::{CommandResult, SIGTOOL, run, searchable_path, skipped};

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
    for (subcommand, operand) in [("list", "operands"), ("watch", "signals")] {
        let subcommand_definition = definition.find_subcommand(subcommand).expect("a subcommand");
        let argument =
            subcommand_definition.get_arguments().find(|each| each.get_id() == operand).expect("operands");
        let values = argument.get_possible_values();
        let names: Vec<&str> = values.iter().map(|value| value.get_name()).collect();
        let using = format!("__fish_sigtool_using_subcommand {subcommand}");
        text += &format!("complete -c sigtool -n \"{using}\" -f -a \"{}\"\n", names.join(" "));
    }
    text
}

#[test]
fn completion_scripts_match_generated_ones() {
    assert_up_to_date("src/commands/completions/sigtool.bash", &generated(Shell::Bash));
    assert_up_to_date("src/commands/completions/sigtool.zsh", &generated(Shell::Zsh));
    assert_up_to_date("src/commands/completions/sigtool.fish", &fish());
    assert_up_to_date("src/commands/completions/sigtool.nu", &generated(clap_complete_nushell::Nushell));
}

#[test]
fn completions_prints_script_of_each_shell() {
    for (shell, part) in [
        ("bash", "complete -F _sigtool"),
        ("zsh", "#compdef sigtool"),
        ("fish", "complete -c sigtool"),
        ("nushell", "export extern \"sigtool send\""),
    ] {
        let result = run(["completions", shell]);
        assert_eq!((result.code, result.stderr.as_str()), (Some(0), ""));
        assert!(result.stdout.contains(part) && result.stdout.contains("VTALRM"), "{shell}");
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
    match Command::new("bash").args(["--norc", "-c", &script, SIGTOOL]).output().map(CommandResult::from) {
        Ok(result) => Some(result.stdout.trim().to_owned()),
        Err(error) => {
            skipped(&format!("bash: {error}"));
            None
        }
    }
}

#[test]
fn bash_completes_subcommands_options_and_signals() {
    for (words, expected) in [
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
        assert_eq!(found, expected, "{words:?}");
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
        let result = Command::new("timeout")
            .args(["30", "zsh", "-fc", script, SIGTOOL, line, completed])
            .env("PATH", searchable_path())
            .output();
        match result.map(CommandResult::from) {
            Ok(result) if result.code == Some(127) => return skipped("zsh is missing"),
            Ok(result) => assert_eq!(result.stdout, "found\n", "{line}: {}", result.stderr),
            Err(error) => return skipped(&format!("timeout: {error}")),
        }
    }
}

//! The man pages: generated from the command line definition and the prose in
//! tests/man/, and checked in.

use std::path::Path;

use clap_mangen::Man;

use crate::generated::assert_up_to_date;

/// The date on all pages: the last change of their prose.
const DATE: &str = "2026-11-29";

/// The line of the prose that the generated options replace.
const OPTIONS: &str = ".\\\" options\n";

/// Returns the page of a command: its definition and its prose. The prose has
/// the examples before the options.
fn page(command: &clap::Command, name: &str, prose: &str) -> String {
    let title = name.to_uppercase();
    let source = format!("sigtool {}", env!("CARGO_PKG_VERSION"));
    // Subcommands with separate pages and the built-in help are left out of the
    // synopsis.
    let command = command.clone().name(&*name.to_owned().leak()).bin_name(name.replacen('-', " ", 1));
    let man = Man::new(
        command
            .mut_args(|argument| argument.hide_short_help(false))
            .disable_help_subcommand(true)
            .version(env!("CARGO_PKG_VERSION")),
    )
    .title(title)
    .section("1")
    .date(DATE)
    .source(source)
    .manual("User Commands");
    let mut text = Vec::new();
    man.render_title(&mut text).expect("a title");
    man.render_name_section(&mut text).expect("a name");
    man.render_synopsis_section(&mut text).expect("a synopsis");
    man.render_description_section(&mut text).expect("a description");
    let mut options = Vec::new();
    man.render_options_section(&mut options).expect("options");
    let options = String::from_utf8(options).expect("UTF-8");
    assert!(prose.contains(OPTIONS), "{name}: the prose has a place for the options");
    String::from_utf8(text).expect("UTF-8") + &prose.replace(OPTIONS, &options)
}

/// Returns the name and the text of every page.
fn pages() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let prose = |name: &str| {
        let own =
            std::fs::read_to_string(root.join("tests/man").join(format!("{name}.roff"))).expect("prose");
        let shared = std::fs::read_to_string(root.join("tests/man/shared.roff")).expect("prose");
        own.replace(".\\\" shared\n", &shared)
    };
    let definition = sigtool::cli::full_command();
    let mut pages = vec![("sigtool".to_owned(), page(&definition, "sigtool", &prose("sigtool")))];
    for subcommand in definition
        .get_subcommands()
        .filter(|subcommand| !["help", "completions"].contains(&subcommand.get_name()))
    {
        let name = format!("sigtool-{}", subcommand.get_name());
        pages.push((name.clone(), page(subcommand, &name, &prose(&name))));
    }
    pages
}

#[test]
fn man_pages_match_generated_ones() {
    for (name, text) in pages() {
        assert_up_to_date(&format!("man/{name}.1"), &text);
    }
}

#[test]
fn every_man_page_has_required_sections() {
    for (name, text) in pages() {
        for section in [
            "NAME",
            "SYNOPSIS",
            "DESCRIPTION",
            "OPTIONS",
            "\"EXIT STATUS\"",
            "ENVIRONMENT",
            "EXAMPLES",
            "\"SEE ALSO\"",
        ] {
            assert!(text.contains(&format!(".SH {section}\n")), "{name} lacks {section}");
        }
        assert!(name == "sigtool" || text.contains(".SH JSON\n"), "{name} lacks JSON");
        let start = |section: &str| text.find(&format!(".SH {section}\n"));
        assert!(start("EXAMPLES") < start("OPTIONS"), "{name}: the examples come before the options");
    }
}

#[test]
fn man_pages_pass_mandoc_lint() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, _) in pages() {
        let output = std::process::Command::new("mandoc")
            .args(["-Tlint", "-W", "warning"])
            .arg(root.join(format!("man/{name}.1")))
            .output();
        let Ok(output) = output else { return crate::support::skipped("mandoc is missing") };
        let message = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && message.is_empty(), "{name}: {message}");
    }
}

/// The pages and the schemas contain the same JSON fields and exit statuses.
#[test]
fn man_pages_describe_every_schema_field() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, text) in pages().into_iter().filter(|(name, _)| name != "sigtool") {
        let schema = root.join(format!("tests/schema/{}.json", name.trim_start_matches("sigtool-")));
        let schema = std::fs::read_to_string(schema).expect("the schema");
        let schema: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
        let mut fields = Vec::new();
        collect(&schema, &mut fields);
        for field in fields {
            assert!(text.contains(&field.replace('-', "\\-")), "{name} lacks {field}");
        }
    }
}

fn collect(schema: &serde_json::Value, fields: &mut Vec<String>) {
    match schema {
        serde_json::Value::Object(object) => {
            if let Some(serde_json::Value::Object(properties)) = object.get("properties") {
                fields.extend(properties.keys().cloned());
            }
            object.values().for_each(|value| collect(value, fields));
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| collect(value, fields)),
        _ => {}
    }
}

/// Every finding identifier has a sentence in the page and a value in the schema.
#[test]
fn man_page_describes_every_finding() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).expect("a text");
    let (page, schema) = (read("man/sigtool-decode-status.1"), read("tests/schema/decode-status.json"));
    for id in sigtool::explain::findings::finding::FindingId::ALL {
        let word = id.as_str().replace('-', "\\-");
        assert!(page.contains(&format!("\n.TP\n\\fB{word}\\fR\n")), "{id}: in the man page");
        assert!(schema.contains(&format!("\"{id}\"")), "{id}: in the schema");
    }
}

//! Enforces the architecture of src/lib.rs: which modules each layer imports, and
//! where system calls and libraries are used.
//!
//! Each rule is a function from a file to its violations, so that a test can show
//! that the rule fails.

use std::fs;
use std::path::{Path, PathBuf};

/// The layers, and the modules of the crate that each may import.
const LAYERS: [(&str, &[&str]); 11] = [
    ("signal", &[]),
    ("procfs", &["signal", "error"]),
    ("sys", &["signal"]),
    ("explain", &["signal", "procfs"]),
    ("out", &["signal"]),
    ("json", &["signal"]),
    ("inspect", &["signal", "procfs", "sys"]),
    ("select", &["signal", "procfs", "sys", "duration", "exit", "error"]),
    ("duration", &[]),
    ("exit", &[]),
    ("error", &["exit"]),
];
/// The commands: one module each.
const COMMANDS: [&str; 5] = ["list", "send", "watch", "decode_status", "completions"];
/// The modules that every command may import besides itself.
const BELOW_COMMANDS: [&str; 11] =
    ["signal", "procfs", "sys", "explain", "inspect", "select", "out", "json", "duration", "exit", "error"];
/// The agreed entries of the top level, besides names that begin with a dot.
const TOP_LEVEL: [&str; 8] =
    ["Cargo.toml", "Cargo.lock", "src", "tests", "man", "README.md", "LICENSE", "target"];
const LONGEST_MAIN: usize = 40;

/// A source file: its path below src, its text, and its text without comments
/// and literals.
struct Source {
    path: String,
    lines: usize,
    code: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), lines: text.lines().count(), code: strip(text) }
    }

    /// The layer or command that the file belongs to.
    fn module(&self) -> &str {
        let below = self.path.strip_prefix("commands/").filter(|below| *below != "mod.rs");
        let first = below.unwrap_or(&self.path).split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// How many steps the file's module lies below the crate.
    fn depth(&self) -> usize {
        let steps = self.path.split('/').count();
        if self.path.ends_with("/mod.rs") { steps - 1 } else { steps }
    }

    fn is(&self, name: &str) -> bool {
        self.path == name || self.path.ends_with(&format!("/{name}"))
    }

    /// Whether the code has the word by itself.
    fn has_word(&self, word: &str) -> bool {
        words(&self.code).any(|found| found == word)
    }

    /// Whether the code names the crate: `x::`, or `use x`.
    fn uses(&self, krate: &str) -> bool {
        let paths = format!("{krate}::");
        let named = self.code.match_indices(&paths).any(|(at, _)| {
            let before = self.code[..at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
        });
        named || self.code.contains(&format!("use {krate};")) || self.code.contains(&format!("use {krate} "))
    }

    /// The layers and commands that the code names, as `crate::x`, or as `super::x`
    /// from far enough up.
    fn names(&self) -> Vec<String> {
        let (code, tests) = match self.code.find("mod tests {") {
            Some(start) => self.code.split_at(start),
            None => (self.code.as_str(), ""),
        };
        let mut names = Vec::new();
        for (code, depth) in [(code, self.depth()), (tests, self.depth() + 1)] {
            names.extend(after(code, "crate"));
            names.extend(after(code, &"super::".repeat(depth)));
            if self.path.starts_with("commands/") && depth > 1 {
                names.extend(after(code, &"super::".repeat(depth - 1)));
            }
        }
        names
    }
}

/// The identifiers that follow `path::` in the code; those of a list in braces
/// too.
fn after(code: &str, path: &str) -> Vec<String> {
    let path = path.trim_end_matches("::");
    let mut found = Vec::new();
    let marker = format!("{path}::");
    for (start, _) in code.match_indices(&marker) {
        let before = code[..start].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        found.extend(heads(&code[start + marker.len()..]));
    }
    found.retain(|name| name != "super" && name.starts_with(char::is_lowercase));
    found
}

/// The first identifiers of a path or of a list of paths in braces. A path that
/// begins with `commands::` stands for the command that follows.
fn heads(rest: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(list) = rest.strip_prefix('{') {
        let mut depth = 0;
        let mut head = true;
        for (index, character) in list.char_indices() {
            match character {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => head = true,
                c if head && (c.is_alphabetic() || c == '_') => {
                    found.extend(heads(&list[index..]));
                    head = false;
                }
                _ => {}
            }
        }
    } else if let Some(command) = rest.strip_prefix("commands::") {
        found.extend(heads(command));
    } else {
        found.extend(words(rest).next().filter(|word| rest.starts_with(word)).map(str::to_owned));
    }
    found
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// Rust text without comments and without what stands in literals.
fn strip(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let skip = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("r\"") || rest.starts_with("r#") {
            let hashes = rest[1..].chars().take_while(|c| *c == '#').count();
            let end = format!("\"{}", "#".repeat(hashes));
            let open = 1 + hashes + 1;
            if rest.as_bytes().get(open - 1) == Some(&b'"') {
                rest[open..].find(&end).map_or(rest.len(), |at| open + at + end.len())
            } else {
                0
            }
        } else if character == '"' {
            quoted(rest, '"')
        } else if character == '\'' {
            // A lifetime has no closing quote two or more characters on.
            let escaped = rest[1..].starts_with('\\');
            let one = rest.char_indices().nth(2).is_some_and(|(_, c)| c == '\'');
            if escaped || one { quoted(rest, '\'') } else { 0 }
        } else {
            0
        };
        if skip > 0 {
            code.push(' ');
            rest = &rest[skip..];
        } else {
            code.push(character);
            rest = &rest[character.len_utf8()..];
        }
    }
    code
}

/// The length of a literal that begins with this quote.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (index, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return index + 1,
            _ => {}
        }
    }
    text.len()
}

/// The file's imports that its layer forbids.
fn imports(source: &Source) -> Vec<String> {
    let module = source.module();
    let layer = LAYERS.iter().find(|(name, _)| *name == module).map(|(_, allowed)| *allowed);
    let allowed: Vec<&str> = match layer {
        Some(allowed) => allowed.to_vec(),
        None if COMMANDS.contains(&module) => BELOW_COMMANDS.to_vec(),
        None if module == "cli" => {
            [&COMMANDS[..], &["kill", "signal", "sys", "out", "error", "exit"]].concat()
        }
        None if module == "kill" => [&COMMANDS[..], &["signal"]].concat(),
        None => return Vec::new(),
    };
    let mut faults: Vec<String> = source
        .names()
        .into_iter()
        // c_main.rs is a module of the binary, and calls main.rs.
        .filter(|name| !(source.path == "sys/c_main.rs" && name == "run_main"))
        .filter(|name| name != module && !allowed.contains(&name.as_str()))
        .map(|name| format!("{}: {module} may not import {name}", source.path))
        .collect();
    // cli uses only the terminal, and only the arguments of commands.
    if module == "cli" {
        let code = &source.code;
        let other = |marker: &str, allowed: &[&str]| {
            let mut after = code.match_indices(marker).map(|(at, _)| &code[at + marker.len()..]);
            after.any(|rest| !allowed.iter().any(|word| rest.starts_with(word)))
        };
        let requests =
            ["args", "ListRequest", "SendRequest", "WatchRequest", "DecodeRequest", "Shell"].as_slice();
        let commands = COMMANDS.map(|command| (command, requests));
        for (module, allowed) in commands.into_iter().chain([("sys", ["io::terminal"].as_slice())]) {
            let marker = format!("{module}::");
            if other(&marker, allowed) {
                faults.push(format!("{}: of {marker} only {allowed:?}", source.path));
            }
        }
    }
    faults
}

/// The file's uses of libraries and of `unsafe` in the wrong place.
fn places(source: &Source) -> Vec<String> {
    let in_sys = source.module() == "sys";
    let arguments = source.path == "cli.rs" || source.is("args.rs");
    let view = ["view.rs", "wire.rs", "verdict.rs"].iter().any(|name| source.is(name));
    let pure = matches!(source.module(), "signal" | "explain")
        || source.is("status.rs")
        || source.is("status_dump.rs");
    let mut faults = Vec::new();
    let mut only = |used: bool, what: &str, allowed: bool, place: &str| {
        if used && !allowed {
            faults.push(format!("{}: {what} belongs in {place}", source.path));
        }
    };
    only(source.has_word("unsafe"), "unsafe", in_sys, "sys/");
    for krate in ["libc", "nix"] {
        only(source.uses(krate), krate, in_sys, "sys/");
    }
    only(source.uses("clap"), "clap", arguments, "cli.rs and args.rs");
    only(source.uses("comfy_table"), "comfy_table", source.path == "out/table.rs", "out/table.rs");
    only(source.has_word("fs"), "fs", !view && !pure, "what reads: a view shows, a parser takes text");
    // Others choose names, and what is there. procfs/, id_map.rs and inputs.rs open
    // what the kernel puts below /proc; collect.rs the operands.
    let opens = in_sys
        || source.module() == "procfs"
        || ["id_map.rs", "inputs.rs", "collect.rs"].iter().any(|name| source.is(name));
    let code = source.code.split("mod tests {").next().unwrap_or_default();
    for call in ["File::open", "OpenOptions", "fs::read(", "fs::read_to_string("] {
        let mut found = code.match_indices(call).map(|(at, _)| &code[..at]);
        // RegularFile::open is the way.
        only(found.any(|before| !before.ends_with(char::is_alphanumeric)), call, opens, "sys/io/file.rs");
    }
    for printer in ["println!", "print!", "eprintln!", "eprint!", "dbg!"] {
        only(source.code.contains(printer), printer, false, "out and main, by their streams");
    }
    if view && source.names().iter().any(|name| name == "sys") {
        faults.push(format!("{}: a view makes no system calls", source.path));
    }
    faults
}

/// The length of main.rs, if it is too long.
fn length(source: &Source) -> Vec<String> {
    if source.path != "main.rs" || source.lines <= LONGEST_MAIN {
        return Vec::new();
    }
    vec![format!("{}: {} lines (at most {LONGEST_MAIN})", source.path, source.lines)]
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below a folder, with its path from there.
fn sources(folder: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let below = path.strip_prefix(folder).expect("below the folder").to_string_lossy();
                found.push(Source::new(&below, &fs::read_to_string(&path).expect("a text")));
            }
        }
    }
    assert!(!found.is_empty(), "nothing below {}", folder.display());
    found
}

fn hold(rule: fn(&Source) -> Vec<String>) {
    let faults: Vec<String> = sources(&root().join("src")).iter().flat_map(rule).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn layers_import_only_lower_layers() {
    hold(imports);
}

#[test]
fn libraries_and_system_calls_are_used_only_in_their_places() {
    hold(places);
}

#[test]
fn main_stays_short() {
    hold(length);
}

#[test]
fn top_level_has_only_agreed_entries() {
    for entry in fs::read_dir(root()).expect("the project") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        assert!(name.starts_with('.') || TOP_LEVEL.contains(&name.as_str()), "{name} is not agreed on");
    }
}

#[test]
fn every_module_has_its_rule() {
    for source in sources(&root().join("src")) {
        let module = source.module().to_owned();
        let known = LAYERS.iter().any(|(name, _)| *name == module)
            || COMMANDS.contains(&module.as_str())
            || ["lib", "main", "commands", "cli", "kill"].contains(&module.as_str());
        assert!(known, "{}: say in tests/architecture.rs what {module} may import", source.path);
    }
}

#[test]
fn tests_do_not_sleep() {
    for source in sources(&root().join("tests")) {
        let sleeps = source.code.contains("thread::sleep");
        assert!(!sleeps, "{}: wait for what is awaited instead", source.path);
    }
}

/// Shows that each rule fails.
#[test]
fn every_rule_can_fail() {
    type Case = (fn(&Source) -> Vec<String>, &'static str, &'static str);
    let broken: &[Case] = &[
        (imports, "signal/set.rs", "use crate::procfs::Status;"),
        (imports, "signal/mod.rs", "use super::out;"),
        (imports, "signal/set.rs", "use super::super::out;"),
        (imports, "signal/set.rs", "mod tests { use super::super::super::out; }"),
        (imports, "procfs/root.rs", "fn f() { crate::sys::process::exists(1); }"),
        (imports, "out/table.rs", "use crate::{signal::Arch, commands::{list}};"),
        (imports, "commands/list/mod.rs", "use crate::commands::decode_status::Report;"),
        (imports, "commands/list/mod.rs", "use super::decode_status::Report;"),
        (imports, "commands/list/view.rs", "use super::super::send;"),
        (imports, "commands/decode_status/view.rs", "use crate::cli;"),
        (imports, "cli.rs", "use crate::sys::process;"),
        (imports, "cli.rs", "use crate::commands::list::Report;"),
        (imports, "commands/kill/mod.rs", "use crate::sys::signal::send;"),
        (imports, "select/mod.rs", "use crate::out::escape;"),
        (places, "procfs/root.rs", "fn f() { unsafe {} }"),
        (places, "commands/list/mod.rs", "use libc::c_int;"),
        (places, "cli.rs", "use nix::unistd;"),
        (places, "commands/list/mod.rs", "use clap::Args;"),
        (places, "out/plain.rs", "use comfy_table::Table;"),
        (places, "commands/list/view.rs", "use std::fs;"),
        (places, "signal/name.rs", "use std::{fs, io};"),
        (places, "procfs/status.rs", "std::fs::read(path)"),
        (places, "inspect/symbols/symbolize.rs", "fn f() { File::open(path); }"),
        (places, "select/pidfile.rs", "fn f() { std::fs::read(path); }"),
        (places, "procfs/passwd.rs", "fn f() { println!() }"),
        (places, "commands/list/wire.rs", "use crate::sys::process;"),
        (
            length,
            "main.rs",
            "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n",
        ),
    ];
    for &(rule, path, text) in broken {
        assert!(!rule(&Source::new(path, text)).is_empty(), "{path}: {text:?} should be refused");
    }
}

#[test]
fn rules_ignore_words_in_comments_and_literals() {
    for text in [
        "// unsafe, libc and clap",
        "/// uses `crate::out`\nfn f() {}",
        "const T: &str = \"unsafe { println!() } \\\" crate::out\";",
        "const C: char = '\"'; fn f<'a>(x: &'a str) {} // unsafe",
        "const R: &str = r#\"libc \" nix\"#;",
        "struct S { libc: u8 } fn f(s: S) { s.libc; }",
        "use super::Arch; use crate::signal::Name; use super::super::table;",
    ] {
        let source = Source::new("signal/table/terminal.rs", text);
        assert!(places(&source).is_empty(), "{text}: {:?}", places(&source));
        assert!(imports(&source).is_empty(), "{text}: {:?}", imports(&source));
    }
}

//! The plan of the house (src/lib.rs), held: who may name whom, where system
//! calls and libraries may be used, how long a file may get.
//!
//! Each rule is a function from a file to what is wrong with it, so that each
//! can be shown to fail.

use std::fs;
use std::path::{Path, PathBuf};

/// The floors, and what of the crate each may name.
const FLOORS: [(&str, &[&str]); 9] = [
    ("signal", &[]),
    ("proc", &["signal"]),
    ("sys", &["signal"]),
    ("explain", &["signal", "proc"]),
    ("out", &["signal"]),
    ("observe", &["signal", "proc", "sys"]),
    ("select", &["signal", "proc", "sys"]),
    ("exit", &[]),
    ("error", &["exit"]),
];
/// The rooms: a subcommand each.
const ROOMS: [&str; 5] = ["list", "send", "watch", "decode_status", "completions"];
/// What every room may name besides itself.
const BELOW_ROOMS: [&str; 9] =
    ["signal", "proc", "sys", "explain", "observe", "select", "out", "exit", "error"];
/// What the user fixed at the top level, beside names that begin with a dot.
const TOP_LEVEL: [&str; 8] =
    ["Cargo.toml", "Cargo.lock", "src", "tests", "man", "README.md", "LICENSE", "target"];
const LONGEST_FILE: usize = 400;
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

    /// The top-level module that the file belongs to.
    fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
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

    /// The top-level modules that the code names, as `crate::x`, or as
    /// `super::x` from far enough up.
    fn names(&self) -> Vec<String> {
        let (code, tests) = match self.code.find("mod tests {") {
            Some(start) => self.code.split_at(start),
            None => (self.code.as_str(), ""),
        };
        let mut names = after(code, "crate");
        names.extend(after(tests, "crate"));
        names.extend(after(code, &"super::".repeat(self.depth())));
        names.extend(after(tests, &"super::".repeat(self.depth() + 1)));
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
        let rest = &code[start + marker.len()..];
        if let Some(list) = rest.strip_prefix('{') {
            // Only the heads of the list's entries are modules.
            let mut depth = 0;
            let mut head = true;
            for (index, character) in list.char_indices() {
                match character {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => head = true,
                    c if head && (c.is_alphabetic() || c == '_') => {
                        found.extend(words(&list[index..]).next().map(str::to_owned));
                        head = false;
                    }
                    _ => {}
                }
            }
        } else {
            found.extend(words(rest).next().filter(|word| rest.starts_with(word)).map(str::to_owned));
        }
    }
    found.retain(|name| name != "super" && name.starts_with(char::is_lowercase));
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

/// What is wrong with whom the file names.
fn naming(source: &Source) -> Vec<String> {
    let module = source.module();
    let floor = FLOORS.iter().find(|(name, _)| *name == module).map(|(_, allowed)| *allowed);
    let allowed: Vec<&str> = match floor {
        Some(allowed) => allowed.to_vec(),
        None if ROOMS.contains(&module) => BELOW_ROOMS.to_vec(),
        None if module == "cli" => [&ROOMS[..], &["kill", "signal", "sys", "out", "error", "exit"]].concat(),
        None if module == "kill" => [&ROOMS[..], &["signal"]].concat(),
        None => return Vec::new(),
    };
    let mut faults: Vec<String> = source
        .names()
        .into_iter()
        // The entry is the binary's: it hands over to main.rs.
        .filter(|name| !(source.path == "sys/entry.rs" && name == "start"))
        .filter(|name| name != module && !allowed.contains(&name.as_str()))
        .map(|name| format!("{}: {module} may not name {name}", source.path))
        .collect();
    // cli asks only the terminal, and only the rooms' arguments.
    if module == "cli" {
        let code = &source.code;
        let other = |marker: &str, allowed: &[&str]| {
            let mut after = code.match_indices(marker).map(|(at, _)| &code[at + marker.len()..]);
            after.any(|rest| !allowed.iter().any(|word| rest.starts_with(word)))
        };
        let rooms = ROOMS.map(|room| (room, ["args", "Request", "Shell"].as_slice()));
        for (module, allowed) in rooms.into_iter().chain([("sys", ["terminal"].as_slice())]) {
            let marker = format!("{module}::");
            if other(&marker, allowed) {
                faults.push(format!("{}: of {marker} only {allowed:?}", source.path));
            }
        }
    }
    faults
}

/// What is wrong with where libraries and the language's dark corners are used.
fn places(source: &Source) -> Vec<String> {
    let in_sys = source.module() == "sys";
    let arguments = source.path == "cli.rs" || source.is("args.rs");
    let view = ["view.rs", "wire.rs", "verdict.rs"].iter().any(|name| source.is(name));
    let pure =
        matches!(source.module(), "signal" | "explain") || source.is("status.rs") || source.is("records.rs");
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
    // Others choose names, and what is there. proc/, numbers.rs and given.rs open
    // what the kernel puts below /proc; find.rs the operands.
    let opens = in_sys
        || source.module() == "proc"
        || ["numbers.rs", "given.rs", "find.rs"].iter().any(|name| source.is(name));
    let code = source.code.split("mod tests {").next().unwrap_or_default();
    for call in ["File::open", "OpenOptions", "fs::read(", "fs::read_to_string("] {
        let mut found = code.match_indices(call).map(|(at, _)| &code[..at]);
        // RegularFile::open is the way.
        only(found.any(|before| !before.ends_with(char::is_alphanumeric)), call, opens, "sys/file.rs");
    }
    for printer in ["println!", "print!", "eprintln!", "eprint!", "dbg!"] {
        only(source.code.contains(printer), printer, false, "out and main, by their streams");
    }
    if view && source.names().iter().any(|name| name == "sys") {
        faults.push(format!("{}: a view makes no system calls", source.path));
    }
    faults
}

/// What is wrong with the file's length.
fn length(source: &Source) -> Vec<String> {
    let most = if source.path == "main.rs" { LONGEST_MAIN } else { LONGEST_FILE };
    if source.lines <= most {
        return Vec::new();
    }
    vec![format!("{}: {} lines, {most} at most", source.path, source.lines)]
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
fn floors_and_rooms_name_only_whom_they_may() {
    hold(naming);
}

#[test]
fn libraries_and_system_calls_stay_in_their_places() {
    hold(places);
}

#[test]
fn no_file_grows_too_long() {
    hold(length);
    let long: Vec<String> = sources(&root().join("tests")).iter().flat_map(length).collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn the_top_level_is_what_was_agreed() {
    for entry in fs::read_dir(root()).expect("the project") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        assert!(name.starts_with('.') || TOP_LEVEL.contains(&name.as_str()), "{name} is not agreed on");
    }
}

#[test]
fn every_module_has_its_rule() {
    for source in sources(&root().join("src")) {
        let module = source.module().to_owned();
        let known = FLOORS.iter().any(|(name, _)| *name == module)
            || ROOMS.contains(&module.as_str())
            || ["lib", "main", "cli", "kill"].contains(&module.as_str());
        assert!(known, "{}: say in tests/house.rs whom {module} may name", source.path);
    }
}

#[test]
fn tests_do_not_sleep() {
    for source in sources(&root().join("tests")) {
        let sleeps = source.code.contains("thread::sleep");
        assert!(!sleeps, "{}: wait for what is awaited instead", source.path);
    }
}

/// Each rule, shown to fail.
#[test]
fn every_rule_can_fail() {
    type Case = (fn(&Source) -> Vec<String>, &'static str, &'static str);
    let broken: [Case; 25] = [
        (naming, "signal/set.rs", "use crate::proc::Status;"),
        (naming, "signal/mod.rs", "use super::out;"),
        (naming, "signal/set.rs", "use super::super::out;"),
        (naming, "signal/set.rs", "mod tests { use super::super::super::out; }"),
        (naming, "proc/reader.rs", "fn f() { crate::sys::process::exists(1); }"),
        (naming, "out/table.rs", "use crate::{signal::Arch, list};"),
        (naming, "list/mod.rs", "use crate::decode_status::Report;"),
        (naming, "decode_status/view.rs", "use crate::cli;"),
        (naming, "cli.rs", "use crate::sys::process;"),
        (naming, "cli.rs", "use crate::list::Report;"),
        (naming, "kill/mod.rs", "use crate::sys::deliver;"),
        (naming, "select/mod.rs", "use crate::out::escape;"),
        (places, "proc/reader.rs", "fn f() { unsafe {} }"),
        (places, "list/mod.rs", "use libc::c_int;"),
        (places, "cli.rs", "use nix::unistd;"),
        (places, "list/mod.rs", "use clap::Args;"),
        (places, "out/plain.rs", "use comfy_table::Table;"),
        (places, "list/view.rs", "use std::fs;"),
        (places, "signal/name.rs", "use std::{fs, io};"),
        (places, "proc/status.rs", "std::fs::read(path)"),
        (places, "observe/locate.rs", "fn f() { File::open(path); }"),
        (places, "select/pidfile.rs", "fn f() { std::fs::read(path); }"),
        (places, "proc/users.rs", "fn f() { println!() }"),
        (places, "list/wire.rs", "use crate::sys::process;"),
        (
            length,
            "main.rs",
            "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n",
        ),
    ];
    for (rule, path, text) in broken {
        assert!(!rule(&Source::new(path, text)).is_empty(), "{path}: {text:?} should be refused");
    }
    assert!(!length(&Source::new("list/mod.rs", &"\n".repeat(401))).is_empty());
}

/// What looks like a fault and is none.
#[test]
fn words_in_comments_and_literals_are_no_faults() {
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
        assert!(naming(&source).is_empty(), "{text}: {:?}", naming(&source));
    }
}

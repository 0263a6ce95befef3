//! The schemas are valid, and each rejects wrong documents. Every test that runs
//! sigtool checks its output against them.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::schema::{self, SCHEMAS};
use crate::support::{Fixture, SIGTOOL, fixture_path, run, skipped};

/// A value of a type that no field has.
const WRONG: f64 = 1.5;

/// Fields that may be missing.
const OPTIONAL: [&str; 2] = ["/processes/0/tasks", "/processes/0/handlers"];

#[test]
fn schemas_are_valid() {
    for schema in &SCHEMAS {
        let text: Value = serde_json::from_str(schema.text).expect("JSON");
        assert_eq!(text["$schema"], "https://json-schema.org/draft/2020-12/schema");
        jsonschema::meta::validate(&text).unwrap_or_else(|error| panic!("{}: {error}", text["title"]));
    }
    assert!(jsonschema::meta::validate(&serde_json::json!({ "type": WRONG })).is_err());
}

/// Returns all documents with one change, each with a description of the change.
fn spoiled(document: &Value) -> Vec<(String, Value)> {
    let mut places = vec![String::new()];
    let mut found = Vec::new();
    while let Some(place) = places.pop() {
        let mut change = |what: String, with: &mut dyn FnMut(&mut Value)| {
            let mut changed = document.clone();
            with(changed.pointer_mut(&place).expect("the place"));
            found.push((what, changed));
        };
        change(format!("{place} of another type"), &mut |value| *value = WRONG.into());
        match document.pointer(&place).expect("the place") {
            Value::Object(fields) => {
                change(format!("{place}/more added"), &mut |value| value["more"] = Value::Null);
                for field in fields.keys() {
                    let path = format!("{place}/{field}");
                    if !OPTIONAL.contains(&path.as_str()) {
                        change(format!("{path} removed"), &mut |value| {
                            value.as_object_mut().expect("an object").remove(field);
                        });
                    }
                    places.push(path);
                }
            }
            // The first elements represent all others.
            Value::Array(values) => places.extend((0..values.len().min(6)).map(|at| format!("{place}/{at}"))),
            _ => {}
        }
    }
    found
}

fn refuses_what_is_spoiled(subcommand: &str, text: &str) {
    let schema = schema::of(subcommand).expect("a schema");
    let document: Value = serde_json::from_str(text).expect("JSON");
    assert!(schema.accepts(&document), "{subcommand}: {text}");
    let all = spoiled(&document);
    assert!(all.len() >= 5, "{subcommand}");
    for (what, changed) in all {
        assert!(!schema.accepts(&changed), "{subcommand}: accepted with {what}: {changed}");
    }
}

#[test]
fn schema_rejects_spoiled_listings() {
    for arguments in [
        &[][..],
        &["TERM", "CHLD", "RTMIN+3", "15", "0", "143"],
        &["0x4002"],
        &["--codes", "SYS"],
        &["--encode", "INT,TERM"],
        &["--names", "INT"],
    ] {
        let ran = run(["list", "--json"].iter().chain(arguments));
        refuses_what_is_spoiled("list", &ran.stdout);
    }
}

#[test]
fn listings_of_every_architecture_match_schema() {
    for arch in ["x86", "alpha", "sparc", "mips", "parisc"] {
        // run() checks the output against the schema.
        for what in [&[][..], &["--codes"], &["--names"], &["0x1", "TERM", "-9", "RTMAX"]] {
            let ran = run(["list", "--json", "--arch", arch].iter().chain(what));
            assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{arch} {what:?}");
        }
    }
}

#[test]
fn decoded_captured_texts_match_schema() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/status");
    for entry in std::fs::read_dir(folder).expect("the texts") {
        let path = entry.expect("an entry").path();
        let file = path.to_str().expect("UTF-8");
        let ran = run(["decode-status", "--json", "--threads", "--full", "--file", file]);
        assert!(!ran.stdout.is_empty(), "{file}: {}", ran.stderr);
    }
}

#[test]
fn schema_rejects_spoiled_send_documents() {
    let fixture = Fixture::start(["--block", "USR1"]);
    let ran = run(["send", "--json", "-USR1", "-q", "7", &fixture.pid.to_string(), "4194304"]);
    refuses_what_is_spoiled("send", &ran.stdout);
}

#[test]
fn schema_rejects_spoiled_decode_documents() {
    let fixture = Fixture::start(["--block", "USR1", "--queue", "USR1", "--ignore", "HUP", "--own", "USR1"]);
    let pid = fixture.pid.to_string();
    let ran = run(["decode-status", "--json", "--threads", &pid, "4194304"]);
    refuses_what_is_spoiled("decode-status", &ran.stdout);
    let fixture = Fixture::start(["--catch", "HUP", "--block", "RTMIN", "--queue", "RTMIN=7"]);
    let pid = fixture.pid.to_string();
    let ran = run(["decode-status", "--json", "--handlers", "--queue", &pid]);
    if ran.code == Some(0) {
        refuses_what_is_spoiled("decode-status", &ran.stdout);
    } else {
        skipped(&ran.stderr);
    }
    let ran = run(["decode", "--format", "json", "--mask", "4002"]);
    refuses_what_is_spoiled("decode-status", &ran.stdout);
}

#[test]
fn schema_rejects_spoiled_receive_events() {
    // A pending signal is received at once: the fixture queued it to itself.
    let output = Command::new(fixture_path())
        .args(["--block", "RTMIN", "--queue", "RTMIN=7", "--"])
        .args([SIGTOOL, "watch", "--json", "--count", "1", "RTMIN"])
        .stdin(Stdio::null())
        .output()
        .expect("the fixture runs");
    let text = String::from_utf8(output.stdout).expect("JSON");
    // The fixture's watcher prints `ready` to the same pipe.
    let line = text.lines().find(|line| line.starts_with('{')).expect("an event");
    refuses_what_is_spoiled("watch", line);
    let output = Command::new(fixture_path())
        .args(["--block", "RTMIN", "--queue", "RTMIN=7", "--"])
        .args([SIGTOOL, "watch", "--json", "--drop", "RTMIN", "--"])
        // The command is killed by the signal that it sends to sigtool, which
        // forwards it.
        .args(["sh", "-c", "kill -USR1 $PPID; while :; do :; done"])
        .output()
        .expect("the fixture runs");
    let text = String::from_utf8(output.stderr).expect("JSON");
    let dropped = text.lines().find(|line| line.contains("\"forwarded\":null"));
    refuses_what_is_spoiled("watch", dropped.expect("an event that was dropped"));
}

#[test]
fn schema_rejects_spoiled_monitor_events() {
    let fixture = Fixture::start(["--block", "USR1", "--queue", "USR1", "--ignore", "HUP"]);
    let pid = fixture.pid.to_string();
    let ran = run(["watch", "--json", "--threads", "--pid", &pid, "--timeout", "1ms"]);
    assert_eq!(ran.stdout.lines().count(), 2, "{}", ran.stderr);
    ran.stdout.lines().for_each(|line| refuses_what_is_spoiled("watch", line));
    let known = "\"time\":\"2026-11-22T02:54:58.707473Z\",\"pid\":5046,\"tid\":null,\"name\":\"sleep\"";
    for kind in [
        "\"event\":\"added\",\"set\":\"blocked\",\"signals\":[\"USR1\",\"RTMIN+3\"]",
        "\"event\":\"state\",\"from\":\"S\",\"to\":\"T\"",
        "\"event\":\"stood-still\",\"backend\":\"ptrace\",\"stops\":17,\"longest_us\":41,\"total_us\":400",
        "\"event\":\"ended\",\"status\":null,\"killed_by\":\"SEGV\",\"core\":true",
    ] {
        refuses_what_is_spoiled("watch", &format!("{{{known},{kind}}}"));
    }
}

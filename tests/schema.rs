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
fn with_one_change(document: &Value) -> Vec<(String, Value)> {
    let mut pointers = vec![String::new()];
    let mut documents = Vec::new();
    while let Some(pointer) = pointers.pop() {
        let mut change = |description: String, modify: &mut dyn FnMut(&mut Value)| {
            let mut changed = document.clone();
            modify(changed.pointer_mut(&pointer).expect("the place"));
            documents.push((description, changed));
        };
        change(format!("{pointer} of another type"), &mut |value| *value = WRONG.into());
        match document.pointer(&pointer).expect("the place") {
            Value::Object(fields) => {
                change(format!("{pointer}/more added"), &mut |value| value["more"] = Value::Null);
                for field in fields.keys() {
                    let path = format!("{pointer}/{field}");
                    if !OPTIONAL.contains(&path.as_str()) {
                        change(format!("{path} removed"), &mut |value| {
                            value.as_object_mut().expect("an object").remove(field);
                        });
                    }
                    pointers.push(path);
                }
            }
            // The first elements represent all others.
            Value::Array(values) => {
                pointers.extend((0..values.len().min(6)).map(|index| format!("{pointer}/{index}")))
            }
            _ => {}
        }
    }
    documents
}

fn assert_rejects_changes(subcommand: &str, text: &str) {
    let schema = schema::find_schema(subcommand).expect("a schema");
    let document: Value = serde_json::from_str(text).expect("JSON");
    assert!(schema.accepts(&document), "{subcommand}: {text}");
    let changes = with_one_change(&document);
    assert!(changes.len() >= 5, "{subcommand}");
    for (description, changed) in changes {
        assert!(!schema.accepts(&changed), "{subcommand}: accepted with {description}: {changed}");
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
        let result = run(["list", "--json"].iter().chain(arguments));
        assert_rejects_changes("list", &result.stdout);
    }
}

#[test]
fn listings_of_every_architecture_match_schema() {
    for arch in ["x86", "alpha", "sparc", "mips", "parisc"] {
        // run() checks the output against the schema.
        for description in [&[][..], &["--codes"], &["--names"], &["0x1", "TERM", "-9", "RTMAX"]] {
            let result = run(["list", "--json", "--arch", arch].iter().chain(description));
            assert_eq!((result.code, result.stderr.as_str()), (Some(0), ""), "{arch} {description:?}");
        }
    }
}

#[test]
fn decoded_captured_texts_match_schema() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/status");
    for entry in std::fs::read_dir(folder).expect("the texts") {
        let path = entry.expect("an entry").path();
        let file = path.to_str().expect("UTF-8");
        let result = run(["decode-status", "--json", "--threads", "--full", "--file", file]);
        assert!(!result.stdout.is_empty(), "{file}: {}", result.stderr);
    }
}

#[test]
fn schema_rejects_spoiled_send_documents() {
    let fixture = Fixture::start(["--block", "USR1"]);
    let result = run(["send", "--json", "-USR1", "-q", "7", &fixture.pid.to_string(), "4194304"]);
    assert_rejects_changes("send", &result.stdout);
}

#[test]
fn schema_rejects_spoiled_decode_documents() {
    let fixture = Fixture::start(["--block", "USR1", "--queue", "USR1", "--ignore", "HUP", "--own", "USR1"]);
    let pid = fixture.pid.to_string();
    let result = run(["decode-status", "--json", "--threads", &pid, "4194304"]);
    assert_rejects_changes("decode-status", &result.stdout);
    let fixture = Fixture::start(["--catch", "HUP", "--block", "RTMIN", "--queue", "RTMIN=7"]);
    let pid = fixture.pid.to_string();
    let result = run(["decode-status", "--json", "--handlers", "--queue", &pid]);
    if result.code == Some(0) {
        assert_rejects_changes("decode-status", &result.stdout);
    } else {
        skipped(&result.stderr);
    }
    let result = run(["decode", "--format", "json", "--mask", "4002"]);
    assert_rejects_changes("decode-status", &result.stdout);
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
    assert_rejects_changes("watch", line);
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
    assert_rejects_changes("watch", dropped.expect("an event that was dropped"));
}

#[test]
fn schema_rejects_spoiled_monitor_events() {
    let fixture = Fixture::start(["--block", "USR1", "--queue", "USR1", "--ignore", "HUP"]);
    let pid = fixture.pid.to_string();
    let result = run(["watch", "--json", "--threads", "--pid", &pid, "--timeout", "1ms"]);
    assert_eq!(result.stdout.lines().count(), 2, "{}", result.stderr);
    result.stdout.lines().for_each(|line| assert_rejects_changes("watch", line));
    let known = "\"time\":\"2026-11-22T02:54:58.707473Z\",\"pid\":5046,\"tid\":null,\"name\":\"sleep\"";
    for kind in [
        "\"event\":\"added\",\"set\":\"blocked\",\"signals\":[\"USR1\",\"RTMIN+3\"]",
        "\"event\":\"state\",\"from\":\"S\",\"to\":\"T\"",
        "\"event\":\"stood-still\",\"backend\":\"ptrace\",\"stops\":17,\"longest_us\":41,\"total_us\":400",
        "\"event\":\"ended\",\"status\":null,\"killed_by\":\"SEGV\",\"core\":true",
    ] {
        assert_rejects_changes("watch", &format!("{{{known},{kind}}}"));
    }
}

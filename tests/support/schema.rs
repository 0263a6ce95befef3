//! The schemas of sigtool's JSON output, and checks of output against them.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

/// A schema of tests/schema, as text and compiled.
pub struct Schema {
    subcommand: &'static str,
    pub text: &'static str,
    validator: LazyLock<Validator>,
}

macro_rules! schema {
    ($subcommand:literal) => {{
        const TEXT: &str = include_str!(concat!("../schema/", $subcommand, ".json"));
        Schema { subcommand: $subcommand, text: TEXT, validator: LazyLock::new(|| compile(TEXT)) }
    }};
}

/// One schema per subcommand. Each is compiled when it is first used.
pub static SCHEMAS: [Schema; 4] =
    [schema!("decode-status"), schema!("list"), schema!("send"), schema!("watch")];

fn compile(text: &str) -> Validator {
    let schema: Value = serde_json::from_str(text).expect("a schema is JSON");
    jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the schema of a subcommand, which may be named by its alias.
pub fn find_schema(subcommand: &str) -> Option<&'static Schema> {
    let name = if subcommand == "decode" { "decode-status" } else { subcommand };
    SCHEMAS.iter().find(|schema| schema.subcommand == name)
}

impl Schema {
    /// Returns true if a document conforms to the schema.
    pub fn accepts(&self, document: &Value) -> bool {
        self.validator.is_valid(document)
    }

    /// Returns the schema violations of a document.
    fn violations(&self, document: &Value) -> Vec<String> {
        let errors = self.validator.iter_errors(document);
        errors.map(|error| format!("{}: {error}", error.instance_path())).collect()
    }
}

/// Panics if a subcommand's JSON violates its schema. `watch` prints one
/// document per line, the others a single document.
pub fn check(subcommand: &str, text: &str) {
    let schema = find_schema(subcommand).unwrap_or_else(|| panic!("{subcommand} has no schema"));
    let documents: Vec<&str> = if subcommand == "watch" { text.lines().collect() } else { vec![text] };
    for document in documents {
        let value = serde_json::from_str(document).unwrap_or_else(|error| panic!("{error}: {document}"));
        // Collecting the errors is slow, so it is done only if there are any.
        assert!(schema.accepts(&value), "{subcommand}: {}\n{document}", schema.violations(&value).join("\n"));
    }
}

/// Checks the output of a sigtool command line, if it is JSON.
pub fn check_run(arguments: &[&str], stdout: &str) {
    let is_json = arguments.iter().any(|argument| matches!(*argument, "--json" | "--format=json"))
        || arguments.windows(2).any(|pair| pair == ["--format", "json"]);
    let subcommand = arguments.iter().find(|argument| find_schema(argument).is_some());
    if let (true, Some(subcommand), false) = (is_json, subcommand, stdout.is_empty()) {
        check(subcommand, stdout);
    }
}

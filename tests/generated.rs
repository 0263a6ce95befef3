//! What is generated from the definition of the command line and checked in:
//! completions and man pages. A test fails when one drifts; with
//! `SNAPSHOTS=overwrite` it is written anew.

use std::path::Path;

/// Holds a generated text against the file below the project.
pub fn hold(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("SNAPSHOTS").is_some_and(|asked| asked == "overwrite") {
        std::fs::write(&path, text).expect("the file can be written");
        return;
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == text, "{file} is not what is generated: run the tests with SNAPSHOTS=overwrite");
}

//! Checked-in files that are generated from the command line definition:
//! completions and man pages. A test fails when one is out of date;
//! `SNAPSHOTS=overwrite` rewrites it.

use std::path::Path;

/// Compares a generated text with a file of the project.
pub fn assert_up_to_date(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("SNAPSHOTS").is_some_and(|mode| mode == "overwrite") {
        std::fs::write(&path, text).expect("the file can be written");
        return;
    }
    let current = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(current == text, "{file} is not what is generated: run the tests with SNAPSHOTS=overwrite");
}

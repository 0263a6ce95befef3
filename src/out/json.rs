//! The JSON format.

use std::io::{self, Write};

/// Writes a document and a newline.
pub(super) fn write_document(
    sink: &mut impl Write,
    document: &impl serde::Serialize,
    indent: bool,
) -> io::Result<()> {
    if indent {
        serde_json::to_writer_pretty(&mut *sink, document)?;
    } else {
        serde_json::to_writer(&mut *sink, document)?;
    }
    writeln!(sink)
}

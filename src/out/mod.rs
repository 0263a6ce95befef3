//! How reports are shown: as a table on a terminal, as plain aligned columns in
//! a pipe, as one JSON document for programs.
//!
//! A view describes what to show ([`Grid`], [`Fields`], lines); here it becomes
//! text, once format, width and colour are decided. Data knows nothing of it.

mod escape;
mod grid;
mod json;
mod plain;
mod style;
mod table;

use std::io::{self, Write};

pub use escape::{escape, escape_line};
pub use grid::{Align, Cell, Column, Fields, Grid, GridCell, StreamColumn};
pub use style::Meaning;

/// The form of all output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Fitted to the width, with borders.
    Table,
    /// Aligned columns, a header line, nothing cut, wrapped or coloured.
    Plain,
    /// One JSON document.
    Json,
    /// Prometheus's text format, of a room that counts.
    Prometheus,
}

/// What was decided of the output, once.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The form.
    pub format: Format,
    /// The width that tables are fitted to, in columns.
    pub width: u16,
    /// Whether tables are coloured.
    pub color: bool,
    /// Whether a person reads JSON: it is indented then.
    pub indent: bool,
}

/// Standard output, or what stands for it in a test.
pub struct Out<'a> {
    sink: Buffer<'a>,
    settings: Settings,
    blocks: usize,
}

impl<'a> Out<'a> {
    /// Output to a sink, each of whose writes may be a system call.
    pub fn new(sink: &'a mut dyn Write, settings: Settings) -> Out<'a> {
        Out { sink: Buffer { sink, text: Vec::new() }, settings, blocks: 0 }
    }

    /// The settings that hold for all of it.
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// The form that was asked for.
    pub fn format(&self) -> Format {
        self.settings.format
    }

    /// A table, or plain columns, also where the width is too small for a
    /// table; an empty line before it if it is not first.
    ///
    /// # Errors
    /// What the sink says, as for every method here.
    pub fn grid(&mut self, grid: &Grid) -> io::Result<()> {
        self.separate()?;
        match self.settings.format {
            Format::Table if table::fits(grid, self.settings.width) => {
                table::grid(&mut self.sink, grid, self.settings)
            }
            _ => plain::grid(&mut self.sink, grid),
        }
    }

    /// A block of fields, a line each: what it is, and its value.
    ///
    /// # Errors
    /// What the sink says.
    pub fn fields(&mut self, fields: &Fields) -> io::Result<()> {
        self.separate()?;
        match self.settings.format {
            Format::Table => table::fields(&mut self.sink, fields, self.settings),
            Format::Plain | Format::Json | Format::Prometheus => plain::fields(&mut self.sink, fields),
        }
    }

    /// A sentence in the place of a block that would be empty.
    ///
    /// # Errors
    /// What the sink says.
    pub fn sentence(&mut self, text: &str) -> io::Result<()> {
        self.separate()?;
        self.line(text)
    }

    /// One line of text, nothing before or after it.
    ///
    /// # Errors
    /// What the sink says.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.sink, "{text}")
    }

    /// A JSON document and a newline: indented for a person, else on one line.
    ///
    /// # Errors
    /// What the sink says.
    pub fn json(&mut self, document: &impl serde::Serialize) -> io::Result<()> {
        json::document(&mut self.sink, document, self.settings.indent)
    }

    /// The header line of a stream of rows; JSON has none.
    ///
    /// # Errors
    /// What the sink says.
    pub fn stream_header(&mut self, columns: &[StreamColumn]) -> io::Result<()> {
        if self.settings.format == Format::Json {
            return Ok(());
        }
        let titles = columns.iter().map(|column| Cell::new(column.title, Meaning::Title));
        self.stream_row(columns, titles)
    }

    /// A row of a stream: as wide as its columns say, for those to come are not
    /// known. Coloured on a terminal.
    ///
    /// # Errors
    /// What the sink says.
    pub fn stream_row(
        &mut self,
        columns: &[StreamColumn],
        cells: impl IntoIterator<Item = Cell>,
    ) -> io::Result<()> {
        let table = self.settings.format == Format::Table;
        let color = self.settings.color && table;
        let width = if table { usize::from(self.settings.width) } else { usize::MAX };
        plain::stream_row(&mut self.sink, columns, cells, color, width)
    }

    /// Hands over what has been written so far.
    ///
    /// # Errors
    /// What the sink says.
    pub fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }

    /// A JSON document on a line of its own, as JSON Lines has them.
    ///
    /// # Errors
    /// What the sink says.
    pub fn json_line(&mut self, document: &impl serde::Serialize) -> io::Result<()> {
        json::document(&mut self.sink, document, false)
    }

    /// Hands everything over; to be called once, at the end.
    ///
    /// # Errors
    /// What the sink says.
    pub fn finish(mut self) -> io::Result<()> {
        self.sink.flush()
    }

    fn separate(&mut self) -> io::Result<()> {
        self.blocks += 1;
        if self.blocks > 1 { writeln!(self.sink) } else { Ok(()) }
    }
}

/// So much is gathered before it is handed over.
const GATHERED: usize = 64 * 1024;

/// What is still to be handed to the sink. Unlike std's, it takes no memory
/// before something is written: a command that says nothing starts sooner.
struct Buffer<'a> {
    sink: &'a mut dyn Write,
    text: Vec<u8>,
}

impl Write for Buffer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        if self.text.len() >= GATHERED {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let written = self.sink.write_all(&self.text);
        self.text.clear();
        written?;
        self.sink.flush()
    }
}

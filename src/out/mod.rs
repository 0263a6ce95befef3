//! How reports are shown: as a table on a terminal, as plain aligned columns in
//! a pipe, as one JSON document for programs.
//!
//! A view describes what to show ([`Grid`], [`Fields`], lines); here it becomes
//! text, once format, width and colour are decided. Data knows nothing of it.

mod escape;
mod grid;
mod json;
mod plain;
mod short;
mod style;
mod table;

use std::io::{self, Write};

pub use escape::{escape, escape_line};
pub use grid::{Align, Cell, Column, Fields, Grid, GridCell, StreamColumn};
pub use short::{LEFT_OUT, shorten};
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

    /// A table whose names may be shortened, made by a function that is told in
    /// how many columns each has to fit. On a terminal it is shortened where that
    /// spares lines; where none fits, or cards take fewer, a card a row.
    ///
    /// # Errors
    /// What the sink says.
    pub fn grid_or_cards(&mut self, make: impl Fn(usize) -> Grid) -> io::Result<()> {
        if self.settings.format != Format::Table {
            return self.grid(&make(usize::MAX));
        }
        self.separate()?;
        let mut best: Option<Vec<u8>> = None;
        let mut grids: Vec<Grid> = NAMES.iter().map(|most| make(*most)).collect();
        grids.dedup();
        for grid in grids.iter().filter(|grid| table::fits(grid, self.settings.width)) {
            let mut text = Vec::new();
            table::grid(&mut text, grid, self.settings)?;
            // A line or two are no reason to shorten more.
            if best.as_ref().is_none_or(|best| lines(&text) * 8 < lines(best) * 7) {
                best = Some(text);
            }
        }
        let mut cards = Vec::new();
        let width = usize::from(self.settings.width);
        table::cards(&mut cards, &make(width.saturating_sub(LABEL)), self.settings)?;
        let best = best.filter(|best| lines(best) <= lines(&cards) + FRAME);
        self.sink.write_all(best.as_ref().unwrap_or(&cards))
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

/// In so many columns a name may have to fit.
const NAMES: [usize; 5] = [usize::MAX, 32, 24, 20, 16];
/// The lines of a table that are no row's.
const FRAME: usize = 4;
/// Of a card, so many are the label's.
const LABEL: usize = 10;

fn lines(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\n').count()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(format: Format, width: u16, make: impl Fn(usize) -> Grid) -> String {
        let mut text = Vec::new();
        let mut out = Out::new(&mut text, Settings { format, width, color: false, indent: false });
        out.grid_or_cards(make).unwrap();
        out.finish().unwrap();
        String::from_utf8(text).unwrap()
    }

    /// Two rows of a name of 40 columns, and of ten words.
    fn sample(most: usize) -> Grid {
        let mut grid = Grid::new(vec![Column::left("NAME"), Column::left("WORDS")]);
        for _ in 0..2 {
            grid.row(
                [shorten(&"x".repeat(40), most), "words ".repeat(10).trim_end().to_owned()].map(Cell::plain),
            );
        }
        grid
    }

    #[test]
    fn names_are_shortened_only_where_that_spares_lines() {
        let name = "x".repeat(40);
        assert!(shown(Format::Plain, 60, sample).contains(&name), "a pipe takes any line");
        let text = shown(Format::Table, 120, sample);
        assert!(text.contains(&format!("│ {name} │")), "{text}");
        let text = shown(Format::Table, 60, sample);
        assert!(!text.contains(&name) && text.contains("x…x"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
        // Each row would take ten lines of one word.
        let text = shown(Format::Table, 28, sample);
        assert!(text.starts_with("NAME   xxx") && text.contains("\n\nNAME   "), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 28), "{text}");
    }
}

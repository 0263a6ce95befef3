//! How reports are shown: as a table on a terminal, as plain aligned columns in
//! a pipe, as one JSON document for programs.
//!
//! A view describes what to show ([`Grid`], [`Fields`], lines); here it becomes
//! text, once format, width and colour are decided. Data knows nothing of it.

mod escape;
mod grid;
mod json;
mod plain;
mod shorten;
mod style;
mod table;

use std::io::{self, Write};

pub use escape::{escape_message, escape_name};
pub use grid::{Align, Cell, Column, Fields, Grid, GridCell, StreamColumn};
pub use shorten::{ELLIPSIS, shorten_middle};
pub use style::Meaning;

/// The form of all output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFormat {
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
pub struct OutputSettings {
    /// The form.
    pub format: OutputFormat,
    /// The width that tables are fitted to, in columns.
    pub width: u16,
    /// Whether tables are coloured.
    pub color: bool,
    /// Whether a person reads JSON: it is indented then.
    pub indent_json: bool,
}

/// Standard output, or what stands for it in a test.
pub struct ReportWriter<'a> {
    sink: OutputBuffer<'a>,
    settings: OutputSettings,
    block_count: usize,
}

impl<'a> ReportWriter<'a> {
    /// Output to a sink, each of whose writes may be a system call.
    pub fn new(sink: &'a mut dyn Write, settings: OutputSettings) -> ReportWriter<'a> {
        ReportWriter { sink: OutputBuffer { sink, bytes: Vec::new() }, settings, block_count: 0 }
    }

    /// The settings that hold for all of it.
    pub fn settings(&self) -> OutputSettings {
        self.settings
    }

    /// The form that was asked for.
    pub fn format(&self) -> OutputFormat {
        self.settings.format
    }

    /// A table, or plain columns, also where the width is too small for a
    /// table; an empty line before it if it is not first.
    ///
    /// # Errors
    /// What the sink says, as for every method here.
    pub fn write_grid(&mut self, grid: &Grid) -> io::Result<()> {
        self.begin_block()?;
        match self.settings.format {
            OutputFormat::Table if table::fits_width(grid, self.settings.width) => {
                table::write_grid(&mut self.sink, grid, self.settings)
            }
            _ => plain::write_grid(&mut self.sink, grid),
        }
    }

    /// A table whose names may be shortened, made by a function that is told in
    /// how many columns each has to fit. On a terminal it is shortened where that
    /// spares lines; where none fits, or cards take fewer, a card a row.
    ///
    /// # Errors
    /// What the sink says.
    pub fn write_grid_or_cards(&mut self, make: impl Fn(usize) -> Grid) -> io::Result<()> {
        if self.settings.format != OutputFormat::Table {
            return self.write_grid(&make(usize::MAX));
        }
        self.begin_block()?;
        let mut best: Option<Vec<u8>> = None;
        let mut grids: Vec<Grid> = NAME_WIDTHS.iter().map(|most| make(*most)).collect();
        grids.dedup();
        for grid in grids.iter().filter(|grid| table::fits_width(grid, self.settings.width)) {
            let mut text = Vec::new();
            table::write_grid(&mut text, grid, self.settings)?;
            // A line or two are no reason to shorten more.
            if best.as_ref().is_none_or(|best| count_lines(&text) * 8 < count_lines(best) * 7) {
                best = Some(text);
            }
        }
        let mut cards = Vec::new();
        let width = usize::from(self.settings.width);
        table::write_cards(&mut cards, &make(width.saturating_sub(CARD_LABEL_WIDTH)), self.settings)?;
        let best = best.filter(|best| count_lines(best) <= count_lines(&cards) + TABLE_FRAME_LINES);
        self.sink.write_all(best.as_ref().unwrap_or(&cards))
    }

    /// A block of fields, a line each: what it is, and its value.
    ///
    /// # Errors
    /// What the sink says.
    pub fn write_fields(&mut self, fields: &Fields) -> io::Result<()> {
        self.begin_block()?;
        match self.settings.format {
            OutputFormat::Table => table::write_fields(&mut self.sink, fields, self.settings),
            OutputFormat::Plain | OutputFormat::Json | OutputFormat::Prometheus => {
                plain::write_fields(&mut self.sink, fields)
            }
        }
    }

    /// A sentence in the place of a block that would be empty.
    ///
    /// # Errors
    /// What the sink says.
    pub fn write_sentence(&mut self, text: &str) -> io::Result<()> {
        self.begin_block()?;
        self.write_line(text)
    }

    /// One line of text, nothing before or after it.
    ///
    /// # Errors
    /// What the sink says.
    pub fn write_line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.sink, "{text}")
    }

    /// A JSON document and a newline: indented for a person, else on one line.
    ///
    /// # Errors
    /// What the sink says.
    pub fn write_json(&mut self, document: &impl serde::Serialize) -> io::Result<()> {
        json::write_document(&mut self.sink, document, self.settings.indent_json)
    }

    /// The header line of a stream of rows; JSON has none.
    ///
    /// # Errors
    /// What the sink says.
    pub fn write_stream_header(&mut self, columns: &[StreamColumn]) -> io::Result<()> {
        if self.settings.format == OutputFormat::Json {
            return Ok(());
        }
        let titles = columns.iter().map(|column| Cell::new(column.title, Meaning::Title));
        self.write_stream_row(columns, titles)
    }

    /// A row of a stream: as wide as its columns say, for those to come are not
    /// known. Coloured on a terminal.
    ///
    /// # Errors
    /// What the sink says.
    pub fn write_stream_row(
        &mut self,
        columns: &[StreamColumn],
        cells: impl IntoIterator<Item = Cell>,
    ) -> io::Result<()> {
        let table = self.settings.format == OutputFormat::Table;
        let color = self.settings.color && table;
        let width = if table { usize::from(self.settings.width) } else { usize::MAX };
        plain::write_stream_row(&mut self.sink, columns, cells, color, width)
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
    pub fn write_json_line(&mut self, document: &impl serde::Serialize) -> io::Result<()> {
        json::write_document(&mut self.sink, document, false)
    }

    /// Hands everything over; to be called once, at the end.
    ///
    /// # Errors
    /// What the sink says.
    pub fn finish(mut self) -> io::Result<()> {
        self.sink.flush()
    }

    fn begin_block(&mut self) -> io::Result<()> {
        self.block_count += 1;
        if self.block_count > 1 { writeln!(self.sink) } else { Ok(()) }
    }
}

/// In so many columns a name may have to fit.
const NAME_WIDTHS: [usize; 5] = [usize::MAX, 32, 24, 20, 16];
/// The lines of a table that are no row's.
const TABLE_FRAME_LINES: usize = 4;
/// Of a card, so many are the label's.
const CARD_LABEL_WIDTH: usize = 10;

fn count_lines(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\n').count()
}

/// So much is gathered before it is handed over.
const FLUSH_THRESHOLD: usize = 64 * 1024;

/// What is still to be handed to the sink. Unlike std's, it takes no memory
/// before something is written: a command that says nothing starts sooner.
struct OutputBuffer<'a> {
    sink: &'a mut dyn Write,
    bytes: Vec<u8>,
}

impl Write for OutputBuffer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() >= FLUSH_THRESHOLD {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let written = self.sink.write_all(&self.bytes);
        self.bytes.clear();
        written?;
        self.sink.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(format: OutputFormat, width: u16, make: impl Fn(usize) -> Grid) -> String {
        let mut text = Vec::new();
        let mut out =
            ReportWriter::new(&mut text, OutputSettings { format, width, color: false, indent_json: false });
        out.write_grid_or_cards(make).unwrap();
        out.finish().unwrap();
        String::from_utf8(text).unwrap()
    }

    /// Two rows of a name of 40 columns, and of ten words.
    fn sample_grid(most: usize) -> Grid {
        let mut grid = Grid::new(vec![Column::left("NAME"), Column::left("WORDS")]);
        for _ in 0..2 {
            grid.push_row(
                [shorten_middle(&"x".repeat(40), most), "words ".repeat(10).trim_end().to_owned()]
                    .map(Cell::plain),
            );
        }
        grid
    }

    #[test]
    fn names_are_shortened_only_if_fewer_lines_result() {
        let name = "x".repeat(40);
        assert!(render(OutputFormat::Plain, 60, sample_grid).contains(&name), "a pipe takes any line");
        let text = render(OutputFormat::Table, 120, sample_grid);
        assert!(text.contains(&format!("│ {name} │")), "{text}");
        let text = render(OutputFormat::Table, 60, sample_grid);
        assert!(!text.contains(&name) && text.contains("x…x"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
        // Each row would take ten lines of one word.
        let text = render(OutputFormat::Table, 28, sample_grid);
        assert!(text.starts_with("NAME   xxx") && text.contains("\n\nNAME   "), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 28), "{text}");
    }
}

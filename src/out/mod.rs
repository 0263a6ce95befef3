//! Output formats: tables for a terminal, plain aligned columns for a pipe, and
//! JSON for programs.
//!
//! A view describes its content as a [`Grid`], as [`Fields`] or as lines.
//! [`ReportWriter`] formats it according to the [`OutputSettings`].

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

/// The format of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFormat {
    /// Tables with borders, fitted to the width.
    Table,
    /// A header line and aligned columns, without wrapping and colour.
    Plain,
    /// One JSON document.
    Json,
    /// The Prometheus text format, for a command that has metrics.
    Prometheus,
}

/// The settings of the output.
#[derive(Clone, Copy, Debug)]
pub struct OutputSettings {
    /// The format.
    pub format: OutputFormat,
    /// The width of tables, in terminal columns.
    pub width: u16,
    /// Whether tables are coloured.
    pub color: bool,
    /// Whether JSON documents are indented, for a person.
    pub indent_json: bool,
}

/// Formats reports and writes them to a sink, such as stdout.
pub struct ReportWriter<'a> {
    sink: OutputBuffer<'a>,
    settings: OutputSettings,
    block_count: usize,
}

impl<'a> ReportWriter<'a> {
    /// A writer to a sink. It buffers, because each write to the sink may be a system
    /// call.
    pub fn new(sink: &'a mut dyn Write, settings: OutputSettings) -> ReportWriter<'a> {
        ReportWriter { sink: OutputBuffer { sink, bytes: Vec::new() }, settings, block_count: 0 }
    }

    /// The settings of the output.
    pub fn settings(&self) -> OutputSettings {
        self.settings
    }

    /// The format of the output.
    pub fn format(&self) -> OutputFormat {
        self.settings.format
    }

    /// Writes a table, or plain columns if the width is too small for a table. An empty
    /// line separates it from the previous block.
    ///
    /// # Errors
    /// The error of the sink.
    pub fn write_grid(&mut self, grid: &Grid) -> io::Result<()> {
        self.begin_block()?;
        match self.settings.format {
            OutputFormat::Table if table::fits_width(grid, self.settings.width) => {
                table::write_grid(&mut self.sink, grid, self.settings)
            }
            _ => plain::write_grid(&mut self.sink, grid),
        }
    }

    /// Writes a grid whose names may be shortened. `make` builds it for a maximum
    /// width of names. On a terminal, names are shortened if that saves lines. If no
    /// table fits, or cards need fewer lines, each row becomes a card: a block of
    /// labels and values.
    ///
    /// # Errors
    /// The error of the sink.
    pub fn write_grid_or_cards(&mut self, make: impl Fn(usize) -> Grid) -> io::Result<()> {
        if self.settings.format != OutputFormat::Table {
            return self.write_grid(&make(usize::MAX));
        }
        self.begin_block()?;
        let mut best: Option<Vec<u8>> = None;
        let mut grids: Vec<Grid> = NAME_WIDTHS.iter().map(|max_width| make(*max_width)).collect();
        grids.dedup();
        for grid in grids.iter().filter(|grid| table::fits_width(grid, self.settings.width)) {
            let mut text = Vec::new();
            table::write_grid(&mut text, grid, self.settings)?;
            // Shorten further only if that saves more than an eighth of the lines.
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

    /// Writes a block of fields, one line each: a label and a value.
    ///
    /// # Errors
    /// The error of the sink.
    pub fn write_fields(&mut self, fields: &Fields) -> io::Result<()> {
        self.begin_block()?;
        match self.settings.format {
            OutputFormat::Table => table::write_fields(&mut self.sink, fields, self.settings),
            OutputFormat::Plain | OutputFormat::Json | OutputFormat::Prometheus => {
                plain::write_fields(&mut self.sink, fields)
            }
        }
    }

    /// Writes a sentence as a block, instead of an empty block.
    ///
    /// # Errors
    /// The error of the sink.
    pub fn write_sentence(&mut self, text: &str) -> io::Result<()> {
        self.begin_block()?;
        self.write_line(text)
    }

    /// Writes one line of text, without an empty line before it.
    ///
    /// # Errors
    /// The error of the sink.
    pub fn write_line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.sink, "{text}")
    }

    /// Writes a JSON document, indented if the settings say so, and a newline.
    ///
    /// # Errors
    /// The error of the sink.
    pub fn write_json(&mut self, document: &impl serde::Serialize) -> io::Result<()> {
        json::write_document(&mut self.sink, document, self.settings.indent_json)
    }

    /// Writes the header line of a stream of rows, except in JSON.
    ///
    /// # Errors
    /// The error of the sink.
    pub fn write_stream_header(&mut self, columns: &[StreamColumn]) -> io::Result<()> {
        if self.settings.format == OutputFormat::Json {
            return Ok(());
        }
        let titles = columns.iter().map(|column| Cell::new(column.title, Meaning::Title));
        self.write_stream_row(columns, titles)
    }

    /// Writes a row of a stream. The columns have fixed widths, because later rows are
    /// not known yet. The cells are coloured on a terminal.
    ///
    /// # Errors
    /// The error of the sink.
    pub fn write_stream_row(
        &mut self,
        columns: &[StreamColumn],
        cells: impl IntoIterator<Item = Cell>,
    ) -> io::Result<()> {
        let is_table = self.settings.format == OutputFormat::Table;
        let color = self.settings.color && is_table;
        let width = if is_table { usize::from(self.settings.width) } else { usize::MAX };
        plain::write_stream_row(&mut self.sink, columns, cells, color, width)
    }

    /// Writes the buffered output to the sink.
    ///
    /// # Errors
    /// The error of the sink.
    pub fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }

    /// Writes a JSON document on one line, as in JSON Lines.
    ///
    /// # Errors
    /// The error of the sink.
    pub fn write_json_line(&mut self, document: &impl serde::Serialize) -> io::Result<()> {
        json::write_document(&mut self.sink, document, false)
    }

    /// Writes the remaining output to the sink.
    ///
    /// # Errors
    /// The error of the sink.
    pub fn finish(mut self) -> io::Result<()> {
        self.sink.flush()
    }

    fn begin_block(&mut self) -> io::Result<()> {
        self.block_count += 1;
        if self.block_count > 1 { writeln!(self.sink) } else { Ok(()) }
    }
}

/// The maximum widths of names that are tried, in terminal columns.
const NAME_WIDTHS: [usize; 5] = [usize::MAX, 32, 24, 20, 16];
/// The lines of a table that do not belong to a row.
const TABLE_FRAME_LINES: usize = 4;
/// The width of the labels of a card, in terminal columns.
const CARD_LABEL_WIDTH: usize = 10;

fn count_lines(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\n').count()
}

/// The size in bytes at which the buffer is written to the sink.
const FLUSH_THRESHOLD: usize = 64 * 1024;

/// A buffered writer. Unlike [`std::io::BufWriter`], it allocates on the first
/// write, so that a command without output starts faster.
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
        let result = self.sink.write_all(&self.bytes);
        self.bytes.clear();
        result?;
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

    /// Two rows, each with a name of 40 columns and a text of ten words.
    fn sample_grid(max_width: usize) -> Grid {
        let mut grid = Grid::new(vec![Column::left("NAME"), Column::left("WORDS")]);
        for _ in 0..2 {
            grid.push_row(
                [shorten_middle(&"x".repeat(40), max_width), "words ".repeat(10).trim_end().to_owned()]
                    .map(Cell::plain),
            );
        }
        grid
    }

    #[test]
    fn names_are_shortened_only_if_fewer_lines_result() {
        let name = "x".repeat(40);
        assert!(
            render(OutputFormat::Plain, 60, sample_grid).contains(&name),
            "plain output is not shortened"
        );
        let text = render(OutputFormat::Table, 120, sample_grid);
        assert!(text.contains(&format!("│ {name} │")), "{text}");
        let text = render(OutputFormat::Table, 60, sample_grid);
        assert!(!text.contains(&name) && text.contains("x…x"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
        // In a table, each row would take ten lines of one word.
        let text = render(OutputFormat::Table, 28, sample_grid);
        assert!(text.starts_with("NAME   xxx") && text.contains("\n\nNAME   "), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 28), "{text}");
    }
}

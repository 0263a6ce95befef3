//! Plain text for pipes: aligned columns, two blanks apart, nothing cut,
//! wrapped or coloured, no blanks at the end of a line.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::{Align, Cell, Fields, Grid, Meaning, StreamColumn};

/// The gap between two columns.
const GAP: &str = "  ";

/// Writes a header line and the rows.
pub(super) fn grid(sink: &mut impl Write, grid: &Grid) -> io::Result<()> {
    let mut widths: Vec<usize> = grid.columns().iter().map(|column| column.title.width()).collect();
    for row in grid.rows() {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.text.width());
        }
    }
    line(sink, grid, &widths, grid.columns().iter().map(|column| column.title))?;
    for row in grid.rows() {
        line(sink, grid, &widths, row.iter().map(|cell| cell.text.as_ref()))?;
    }
    Ok(())
}

fn line<'a>(
    sink: &mut impl Write,
    grid: &Grid,
    widths: &[usize],
    cells: impl Iterator<Item = &'a str>,
) -> io::Result<()> {
    // Blanks are owed until a text follows them, so that none end a line.
    let mut owed = 0;
    for ((cell, column), width) in cells.zip(grid.columns()).zip(widths) {
        let space = width.saturating_sub(cell.width());
        let (before, after) = match column.align {
            Align::Left => (owed, space),
            Align::Right => (owed + space, 0),
        };
        write!(sink, "{:before$}{cell}", "")?;
        owed = after + GAP.len();
    }
    writeln!(sink)
}

/// Writes a row of a stream.
pub(super) fn stream_row(
    sink: &mut impl Write,
    columns: &[StreamColumn],
    cells: impl IntoIterator<Item = Cell>,
    color: bool,
) -> io::Result<()> {
    let mut owed = 0;
    for (cell, column) in cells.into_iter().zip(columns) {
        write_blanks(sink, owed)?;
        if color && cell.meaning != Meaning::Plain {
            let style = cell.meaning.style();
            write!(sink, "{style}{}{style:#}", cell.text)?;
        } else {
            sink.write_all(cell.text.as_bytes())?;
        }
        owed = column.width.saturating_sub(cell.text.width()) + GAP.len();
    }
    sink.write_all(b"\n")
}

fn write_blanks(sink: &mut impl Write, count: usize) -> io::Result<()> {
    const BLANKS: [u8; 64] = [b' '; 64];
    let mut left = count;
    while left > 0 {
        let now = left.min(BLANKS.len());
        sink.write_all(&BLANKS[..now])?;
        left -= now;
    }
    Ok(())
}

/// Writes a line a field.
pub(super) fn fields(sink: &mut impl Write, fields: &Fields) -> io::Result<()> {
    let width = fields.iter().map(|(label, _)| label.width()).max().unwrap_or(0);
    for (label, value) in fields.iter() {
        writeln!(sink, "{label:width$}{GAP}{}", value.text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Column;
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_in_text() {
        let mut table =
            Grid::new(vec![Column::right("NUM"), Column::left("SIGNAL"), Column::left("MEANING")]);
        table.row(["1", "HUP", "a"].map(Cell::plain));
        table.row(["64", "größe日", "longer than the rest"].map(Cell::plain));
        let mut text = Vec::new();
        grid(&mut text, &table).unwrap();
        let expected = "\
NUM  SIGNAL   MEANING
  1  HUP      a
 64  größe日  longer than the rest
";
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }

    #[test]
    fn fields_share_one_edge() {
        let mut block = Fields::default();
        block.add("Name", Cell::plain("bash"));
        block.add("Threads", Cell::plain("1"));
        let mut text = Vec::new();
        fields(&mut text, &block).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "Name     bash\nThreads  1\n");
    }
}

//! Plain text for pipes: aligned columns, separated by two spaces, without
//! trailing spaces.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::{Align, Cell, Fields, Grid, Meaning, StreamColumn};

/// The gap between two columns.
const COLUMN_GAP: &str = "  ";

/// Writes a header line and the rows.
pub(super) fn write_grid(sink: &mut impl Write, grid: &Grid) -> io::Result<()> {
    let mut widths: Vec<usize> = grid.columns().iter().map(|column| column.title.width()).collect();
    for row in grid.rows() {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width);
        }
    }
    write_row(sink, grid, &widths, grid.columns().iter().map(|column| (column.title, column.title.width())))?;
    for row in grid.rows() {
        write_row(sink, grid, &widths, row.map(|cell| (cell.text, cell.width)))?;
    }
    Ok(())
}

fn write_row<'a>(
    sink: &mut impl Write,
    grid: &Grid,
    widths: &[usize],
    cells: impl Iterator<Item = (&'a str, usize)>,
) -> io::Result<()> {
    // Spaces are written only before the next text, so that none end a line.
    let mut pending_spaces = 0;
    for (((text, text_width), column), width) in cells.zip(grid.columns()).zip(widths) {
        let padding = width.saturating_sub(text_width);
        let (before, after) = match column.align {
            Align::Left => (pending_spaces, padding),
            Align::Right => (pending_spaces + padding, 0),
        };
        write_spaces(sink, before)?;
        sink.write_all(text.as_bytes())?;
        pending_spaces = after + COLUMN_GAP.len();
    }
    sink.write_all(b"\n")
}

/// Writes a row of a stream. The last column wraps at `width`, with its start as the
/// indentation.
pub(super) fn write_stream_row(
    sink: &mut impl Write,
    columns: &[StreamColumn],
    cells: impl IntoIterator<Item = Cell>,
    color: bool,
    width: usize,
) -> io::Result<()> {
    let mut pending_spaces = 0;
    let mut position = 0;
    for (cell, column) in cells.into_iter().zip(columns) {
        write_spaces(sink, pending_spaces)?;
        position += pending_spaces;
        let meaning = if color { cell.meaning } else { Meaning::Plain };
        let mut text: &str = &cell.text;
        // A width of 0 marks the last column.
        while column.width == 0 && text.width() > width.saturating_sub(position) {
            let Some(end) = wrap_position(text, width.saturating_sub(position)) else { break };
            write_styled(sink, &text[..end], meaning)?;
            sink.write_all(b"\n")?;
            write_spaces(sink, position)?;
            text = text[end..].trim_start();
        }
        write_styled(sink, text, meaning)?;
        position += text.width();
        pending_spaces = column.width.saturating_sub(text.width()) + COLUMN_GAP.len();
    }
    sink.write_all(b"\n")
}

fn write_styled(sink: &mut impl Write, text: &str, meaning: Meaning) -> io::Result<()> {
    if meaning == Meaning::Plain {
        return sink.write_all(text.as_bytes());
    }
    let style = meaning.style();
    write!(sink, "{style}{text}{style:#}")
}

/// The index of the last space at which the line fits the width, or of the first
/// space if it does not fit. `None` if there is no space.
fn wrap_position(text: &str, width: usize) -> Option<usize> {
    let spaces = text.match_indices(' ').map(|(index, _)| index).filter(|index| *index > 0);
    let last_fitting = spaces.clone().rfind(|index| text[..*index].width() <= width);
    last_fitting.or_else(|| spaces.clone().next())
}

fn write_spaces(sink: &mut impl Write, count: usize) -> io::Result<()> {
    const SPACES: [u8; 64] = [b' '; 64];
    let mut remaining = count;
    while remaining > 0 {
        let length = remaining.min(SPACES.len());
        sink.write_all(&SPACES[..length])?;
        remaining -= length;
    }
    Ok(())
}

/// Writes one line per field.
pub(super) fn write_fields(sink: &mut impl Write, fields: &Fields) -> io::Result<()> {
    let width = fields.iter().map(|(label, _)| label.width()).max().unwrap_or(0);
    for (label, value) in fields.iter() {
        writeln!(sink, "{label:width$}{COLUMN_GAP}{}", value.text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Column;
    use super::*;

    #[test]
    fn columns_are_aligned_without_trailing_spaces() {
        let mut grid = Grid::new(vec![Column::right("NUM"), Column::left("SIGNAL"), Column::left("MEANING")]);
        grid.push_row(["1", "HUP", "a"].map(Cell::plain));
        grid.push_row(["64", "größe日", "longer than the rest"].map(Cell::plain));
        let mut text = Vec::new();
        write_grid(&mut text, &grid).unwrap();
        let expected = "\
NUM  SIGNAL   MEANING
  1  HUP      a
 64  größe日  longer than the rest
";
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }

    #[test]
    fn stream_row_wraps_last_column_at_width() {
        let columns = [StreamColumn { title: "A", width: 3 }, StreamColumn { title: "B", width: 0 }];
        let cells = ["x", "one two three"].map(Cell::plain);
        let mut text = Vec::new();
        write_stream_row(&mut text, &columns, cells.clone(), false, 13).unwrap();
        write_stream_row(&mut text, &columns, cells, false, usize::MAX).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "x    one two\n     three\nx    one two three\n");
    }

    #[test]
    fn plain_fields_are_aligned() {
        let mut fields = Fields::default();
        fields.push("Name", Cell::plain("bash"));
        fields.push("Threads", Cell::plain("1"));
        let mut text = Vec::new();
        write_fields(&mut text, &fields).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "Name     bash\nThreads  1\n");
    }
}

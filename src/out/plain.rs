//! Plain text for pipes: aligned columns, two blanks apart, nothing cut,
//! wrapped or coloured, no blanks at the end of a line.

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
    // Blanks are owed until a text follows them, so that none end a line.
    let mut owed = 0;
    for (((cell, taken), column), width) in cells.zip(grid.columns()).zip(widths) {
        let space = width.saturating_sub(taken);
        let (before, after) = match column.align {
            Align::Left => (owed, space),
            Align::Right => (owed + space, 0),
        };
        write_blanks(sink, before)?;
        sink.write_all(cell.as_bytes())?;
        owed = after + COLUMN_GAP.len();
    }
    sink.write_all(b"\n")
}

/// Writes a row of a stream; what the width has no room for in the last column
/// goes on below, in that column.
pub(super) fn write_stream_row(
    sink: &mut impl Write,
    columns: &[StreamColumn],
    cells: impl IntoIterator<Item = Cell>,
    color: bool,
    width: usize,
) -> io::Result<()> {
    let mut owed = 0;
    let mut column = 0;
    for (cell, place) in cells.into_iter().zip(columns) {
        write_blanks(sink, owed)?;
        column += owed;
        let meaning = if color { cell.meaning } else { Meaning::Plain };
        let mut text: &str = &cell.text;
        // Only the last column is as wide as what is left.
        while place.width == 0 && text.width() > width.saturating_sub(column) {
            let Some(end) = wrap_position(text, width.saturating_sub(column)) else { break };
            write_styled(sink, &text[..end], meaning)?;
            sink.write_all(b"\n")?;
            write_blanks(sink, column)?;
            text = text[end..].trim_start();
        }
        write_styled(sink, text, meaning)?;
        column += text.width();
        owed = place.width.saturating_sub(text.width()) + COLUMN_GAP.len();
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

/// Where a line of at most this width ends: at a blank; the first one, where
/// none comes in time. `None` where there is no blank left.
fn wrap_position(text: &str, width: usize) -> Option<usize> {
    let blanks = text.match_indices(' ').map(|(at, _)| at).filter(|at| *at > 0);
    let fitting = blanks.clone().rfind(|at| text[..*at].width() <= width);
    fitting.or_else(|| blanks.clone().next())
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
        let mut table =
            Grid::new(vec![Column::right("NUM"), Column::left("SIGNAL"), Column::left("MEANING")]);
        table.push_row(["1", "HUP", "a"].map(Cell::plain));
        table.push_row(["64", "größe日", "longer than the rest"].map(Cell::plain));
        let mut text = Vec::new();
        write_grid(&mut text, &table).unwrap();
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
        let mut block = Fields::default();
        block.push("Name", Cell::plain("bash"));
        block.push("Threads", Cell::plain("1"));
        let mut text = Vec::new();
        write_fields(&mut text, &block).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "Name     bash\nThreads  1\n");
    }
}

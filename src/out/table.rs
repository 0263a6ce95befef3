//! Tables for a terminal.
//!
//! The layout library counts escape codes as width. Therefore it lays out plain
//! text, which is coloured afterwards. The top border yields the positions of the
//! columns.

use std::io::{self, Write};
use std::ops::Range;

use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, ContentLineStyle, LineStyle, Table, TableStyle,
    Width,
};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Align, Fields, Grid, Meaning, OutputSettings};

const BORDERED_STYLE: TableStyle = TableStyle::new()
    .top_border(LineStyle::new('┌', '─', '┬', '┐'))
    .header_lines(ContentLineStyle::new('│', '│', '│'))
    .header_separator(LineStyle::new('├', '─', '┼', '┤'))
    .content_lines(ContentLineStyle::new('│', '│', '│'))
    .bottom_border(LineStyle::new('└', '─', '┴', '┘'));

/// The style for fields: only a top border, which yields the positions of the columns
/// and is not printed.
const BORDERLESS_STYLE: TableStyle = TableStyle::new().top_border(LineStyle::none().fill('─').junction('┬'));

/// Writes a table with borders. The width must be large enough; see [`fits_width`].
pub(super) fn write_grid(sink: &mut dyn Write, grid: &Grid, settings: OutputSettings) -> io::Result<()> {
    let mut table = new_table(BORDERED_STYLE, settings.width);
    table.set_header(grid.columns().iter().map(|column| column.title));
    for row in grid.rows() {
        table.add_row(row.map(|cell| cell.text));
    }
    for (index, column) in grid.columns().iter().enumerate() {
        if let (Align::Right, Some(table_column)) = (column.align, table.column_mut(index)) {
            table_column.set_cell_alignment(CellAlignment::Right);
        }
    }
    keep_words_whole(&mut table, grid);
    keep_first_column_whole(&mut table);

    let mut lines = table.lines();
    let top = lines.next().unwrap_or_default();
    let spans = column_spans(&top);
    writeln!(sink, "{top}")?;
    let mut meanings = vec![Meaning::Title; grid.columns().len()];
    let mut rows = None;
    for line in lines {
        if !line.starts_with('│') {
            // The line below the titles; rows follow.
            rows.get_or_insert_with(|| grid.rows());
            writeln!(sink, "{line}")?;
            continue;
        }
        // A wrapped row has several lines. Only the first one has text in the first
        // column, because that column never wraps.
        let starts_row = spans.first().is_some_and(|span| !slice_columns(&line, span).trim().is_empty());
        let next = rows.as_mut().filter(|_| starts_row).and_then(Iterator::next);
        if let Some(row) = next {
            meanings = row.map(|cell| cell.meaning).collect();
        }
        write_styled_line(sink, &line, &spans, &meanings, settings.color)?;
    }
    Ok(())
}

/// Writes labels and values. Values wrap at the width.
pub(super) fn write_fields(
    sink: &mut dyn Write,
    fields: &Fields,
    settings: OutputSettings,
) -> io::Result<()> {
    let lines = fields.iter().map(|(label, value)| Some((*label, value.text.as_ref(), value.meaning)));
    write_labelled_lines(sink, &lines.collect::<Vec<_>>(), settings)
}

/// Writes each row as a block of labels and values. Absent values are left out.
pub(super) fn write_cards(sink: &mut dyn Write, grid: &Grid, settings: OutputSettings) -> io::Result<()> {
    let mut lines = Vec::new();
    for row in grid.rows() {
        lines.extend((!lines.is_empty()).then_some(None));
        let cells = grid.columns().iter().zip(row).filter(|(_, cell)| cell.meaning != Meaning::Absent);
        lines.extend(cells.map(|(column, cell)| Some((column.title, cell.text, cell.meaning))));
    }
    write_labelled_lines(sink, &lines, settings)
}

/// A label and a value; `None` is an empty line.
type LabelledLine<'a> = Option<(&'a str, &'a str, Meaning)>;

fn write_labelled_lines(
    sink: &mut dyn Write,
    rows: &[LabelledLine<'_>],
    settings: OutputSettings,
) -> io::Result<()> {
    let mut table = new_table(BORDERLESS_STYLE, settings.width);
    for row in rows {
        table.add_row(row.map_or(["", ""], |(label, value, _)| [label, value]));
    }
    for (index, padding) in [(0, (0, 1)), (1, (0, 0))] {
        if let Some(column) = table.column_mut(index) {
            column.set_padding(padding);
        }
    }
    keep_first_column_whole(&mut table);

    let mut lines = table.lines();
    let spans = column_spans(&lines.next().unwrap_or_default());
    let mut values = rows.iter().flatten();
    let mut meaning = Meaning::Plain;
    for line in lines {
        if !line.starts_with(' ') {
            meaning = values.next().map_or(Meaning::Plain, |(.., meaning)| *meaning);
        }
        write_styled_line(sink, line.trim_end(), &spans, &[Meaning::Title, meaning], settings.color)?;
    }
    Ok(())
}

fn new_table(style: TableStyle, width: u16) -> Table {
    let mut table = Table::new();
    table.load_style(style).set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    table
}

/// The minimum width of each column: that of its longest word if it wraps, else that
/// of its longest cell.
fn min_widths(grid: &Grid) -> Vec<usize> {
    let mut min_widths: Vec<usize> = grid.columns().iter().map(|column| column.title.width()).collect();
    for row in grid.rows() {
        for ((min_width, column), cell) in min_widths.iter_mut().zip(grid.columns()).zip(row) {
            let width = match column.wraps {
                true => cell.text.split(' ').map(UnicodeWidthStr::width).max().unwrap_or(0),
                false => cell.width,
            };
            *min_width = (*min_width).max(width);
        }
    }
    min_widths
}

/// Whether the table fits the width without breaking words.
pub(super) fn fits_width(grid: &Grid, width: u16) -> bool {
    let border_width = grid.columns().len() * 3 + 1;
    min_widths(grid).iter().sum::<usize>() + border_width <= usize::from(width)
}

/// Prevents the layout library from breaking words, and from wrapping columns that
/// do not wrap.
fn keep_words_whole(table: &mut Table, grid: &Grid) {
    for ((index, column), min_width) in grid.columns().iter().enumerate().zip(min_widths(grid)) {
        let Some(table_column) = table.column_mut(index) else { continue };
        // The constraint includes the space on each side of the text.
        let min_width = u16::try_from(min_width + 2).unwrap_or(u16::MAX);
        table_column.set_constraint(match column.wraps {
            true => ColumnConstraint::LowerBoundary(Width::Fixed(min_width)),
            false => ColumnConstraint::ContentWidth,
        });
    }
}

/// Keeps the first column from wrapping, because its text marks the start of a row.
fn keep_first_column_whole(table: &mut Table) {
    if let Some(column) = table.column_mut(0) {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
}

/// The positions of the columns, in terminal columns: the runs of `─` in the top
/// border.
fn column_spans(border: &str) -> Vec<Range<usize>> {
    let mut spans: Vec<Range<usize>> = Vec::new();
    for (index, character) in border.chars().enumerate() {
        match spans.last_mut() {
            Some(span) if character == '─' && span.end == index => span.end += 1,
            _ if character == '─' => spans.push(index..index + 1),
            _ => {}
        }
    }
    spans
}

/// The text of a line within a span of terminal columns.
fn slice_columns<'a>(line: &'a str, span: &Range<usize>) -> &'a str {
    &line[byte_offset(line, span.start)..byte_offset(line, span.end)]
}

/// The byte index of a terminal column.
fn byte_offset(line: &str, column: usize) -> usize {
    let mut position = 0;
    for (index, character) in line.char_indices() {
        if position >= column {
            return index;
        }
        position += character.width().unwrap_or(0);
    }
    line.len()
}

fn write_styled_line(
    sink: &mut dyn Write,
    line: &str,
    spans: &[Range<usize>],
    meanings: &[Meaning],
    color: bool,
) -> io::Result<()> {
    if !color {
        return writeln!(sink, "{line}");
    }
    let mut written = 0;
    for (span, meaning) in spans.iter().zip(meanings) {
        let cell = slice_columns(line, span);
        let text = cell.trim();
        if text.is_empty() || *meaning == Meaning::Plain {
            continue;
        }
        let leading_spaces = cell.width() - cell.trim_start().width();
        let start = byte_offset(line, span.start + leading_spaces);
        let style = meaning.style();
        write!(sink, "{}{style}{text}{style:#}", &line[written..start])?;
        written = start + text.len();
    }
    writeln!(sink, "{}", &line[written..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Cell, Column, OutputFormat};
    use super::*;

    fn settings(width: u16, color: bool) -> OutputSettings {
        OutputSettings { format: OutputFormat::Table, width, color, indent_json: false }
    }

    fn sample_grid() -> Grid {
        let mut grid = Grid::new(vec![Column::right("NUM"), Column::left("SIGNAL"), Column::left("WHY")]);
        grid.push_row([
            Cell::plain("1"),
            Cell::new("HUP", Meaning::Subject),
            Cell::new("a reason that is long enough to wrap", Meaning::Pending),
        ]);
        grid.push_row([Cell::plain("15"), Cell::new("TERM", Meaning::Subject), Cell::absent()]);
        grid
    }

    fn render(grid: &Grid, width: u16, color: bool) -> String {
        let mut text = Vec::new();
        write_grid(&mut text, grid, settings(width, color)).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn table_wraps_cells_at_width() {
        let expected = "\
┌─────┬────────┬─────────────────┐
│ NUM │ SIGNAL │ WHY             │
├─────┼────────┼─────────────────┤
│   1 │ HUP    │ a reason that   │
│     │        │ is long enough  │
│     │        │ to wrap         │
│  15 │ TERM   │ -               │
└─────┴────────┴─────────────────┘
";
        assert_eq!(render(&sample_grid(), 34, false), expected);
    }

    #[test]
    fn table_does_not_break_words() {
        assert!(fits_width(&sample_grid(), 25));
        assert!(!fits_width(&sample_grid(), 24), "NUM, SIGNAL and `reason` need 25 with their borders");
        let text = render(&sample_grid(), 25, false);
        assert!(text.contains("│ reason │") && text.lines().all(|line| line.width() == 25), "{text}");
    }

    #[test]
    fn each_line_of_wrapped_cell_is_coloured() {
        let text = render(&sample_grid(), 34, true);
        assert!(text.contains("│ \x1b[33mis long enough\x1b[0m  │"), "{text}");
        assert!(text.contains("│  15 │ \x1b[1mTERM\x1b[0m   │ \x1b[2m-\x1b[0m "), "{text}");
        assert!(text.contains("│ \x1b[1mNUM\x1b[0m │"), "{text}");
    }

    #[test]
    fn field_value_wraps_at_label_width() {
        let mut fields = Fields::default();
        fields.push("Name", Cell::new("bash", Meaning::Subject));
        fields.push("Purpose", Cell::plain("to read commands and to run them"));
        let mut text = Vec::new();
        write_fields(&mut text, &fields, settings(26, false)).unwrap();
        let expected = "\
Name     bash
Purpose  to read commands
         and to run them
";
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }

    #[test]
    fn card_has_one_line_per_value() {
        let mut text = Vec::new();
        write_cards(&mut text, &sample_grid(), settings(24, false)).unwrap();
        let expected = "\
NUM     1
SIGNAL  HUP
WHY     a reason that is
        long enough to
        wrap

NUM     15
SIGNAL  TERM
";
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }

    proptest! {
        #[test]
        fn colour_does_not_change_layout(
            rows in proptest::collection::vec(("[a-z0-9]{1,4}", "\\PC{1,40}", "\\PC{1,20}"), 0..5),
            width in 1u16..130,
        ) {
            let mut grid = Grid::new(vec![Column::left("A"), Column::left("B"), Column::right("C")]);
            for (first, second, third) in rows {
                grid.push_row([
                    Cell::new(first, Meaning::Danger),
                    Cell::new(second, Meaning::Pending),
                    Cell::new(third, Meaning::Handled),
                ]);
            }
            let colored = render(&grid, width, true);
            prop_assert_eq!(anstream::adapter::strip_str(&colored).to_string(), render(&grid, width, false));
        }
    }
}

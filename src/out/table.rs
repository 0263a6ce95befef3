//! Tables for a terminal: laid out as plain text, then coloured line by line.
//!
//! The layout library would count escape codes as width, so colour comes
//! last: the border above the columns tells where each of them lies.

use std::io::{self, Write};
use std::ops::Range;

use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, ContentLineStyle, LineStyle, Table, TableStyle,
    Width,
};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Align, Fields, Grid, Meaning, Settings};

const FRAME: TableStyle = TableStyle::new()
    .top_border(LineStyle::new('┌', '─', '┬', '┐'))
    .header_lines(ContentLineStyle::new('│', '│', '│'))
    .header_separator(LineStyle::new('├', '─', '┼', '┤'))
    .content_lines(ContentLineStyle::new('│', '│', '│'))
    .bottom_border(LineStyle::new('└', '─', '┴', '┘'));

/// For fields: nothing drawn but the line above, which is dropped once it has
/// told where the columns lie.
const BARE: TableStyle = TableStyle::new().top_border(LineStyle::none().fill('─').junction('┬'));

/// Writes a bordered table fitted to the width, where it [`fits`].
pub(super) fn grid(sink: &mut dyn Write, grid: &Grid, settings: Settings) -> io::Result<()> {
    let mut table = new_table(FRAME, settings.width);
    table.set_header(grid.columns().iter().map(|column| column.title));
    for row in grid.rows() {
        table.add_row(row.map(|cell| cell.text));
    }
    for (index, column) in grid.columns().iter().enumerate() {
        if let (Align::Right, Some(laid)) = (column.align, table.column_mut(index)) {
            laid.set_cell_alignment(CellAlignment::Right);
        }
    }
    hold(&mut table, grid);
    hold_first(&mut table);

    let mut lines = table.lines();
    let top = lines.next().unwrap_or_default();
    let spans = spans(&top);
    writeln!(sink, "{top}")?;
    let mut meanings = vec![Meaning::Title; grid.columns().len()];
    let mut rows = None;
    for line in lines {
        if !line.starts_with('│') {
            // The line below the titles: what follows are rows.
            rows.get_or_insert_with(|| grid.rows());
            writeln!(sink, "{line}")?;
            continue;
        }
        // A wrapped row goes on over several lines; only its first one has
        // text in the first column, which never wraps.
        let begins = spans.first().is_some_and(|span| !within(&line, span).trim().is_empty());
        let next = rows.as_mut().filter(|_| begins).and_then(Iterator::next);
        if let Some(row) = next {
            meanings = row.map(|cell| cell.meaning).collect();
        }
        write_line(sink, &line, &spans, &meanings, settings.color)?;
    }
    Ok(())
}

/// Writes labels and values, the values wrapped at the width.
pub(super) fn fields(sink: &mut dyn Write, fields: &Fields, settings: Settings) -> io::Result<()> {
    let lines = fields.iter().map(|(label, value)| Some((*label, value.text.as_ref(), value.meaning)));
    labelled(sink, &lines.collect::<Vec<_>>(), settings)
}

/// Writes the rows, each as a block of labels and values; what has no value is
/// left out.
pub(super) fn cards(sink: &mut dyn Write, grid: &Grid, settings: Settings) -> io::Result<()> {
    let mut lines = Vec::new();
    for row in grid.rows() {
        lines.extend((!lines.is_empty()).then_some(None));
        let cells = grid.columns().iter().zip(row).filter(|(_, cell)| cell.meaning != Meaning::Nothing);
        lines.extend(cells.map(|(column, cell)| Some((column.title, cell.text, cell.meaning))));
    }
    labelled(sink, &lines, settings)
}

/// Lines of a label and a value; `None` is an empty line.
type Labelled<'a> = Option<(&'a str, &'a str, Meaning)>;

fn labelled(sink: &mut dyn Write, rows: &[Labelled<'_>], settings: Settings) -> io::Result<()> {
    let mut table = new_table(BARE, settings.width);
    for row in rows {
        table.add_row(row.map_or(["", ""], |(label, value, _)| [label, value]));
    }
    for (index, padding) in [(0, (0, 1)), (1, (0, 0))] {
        if let Some(column) = table.column_mut(index) {
            column.set_padding(padding);
        }
    }
    hold_first(&mut table);

    let mut lines = table.lines();
    let spans = spans(&lines.next().unwrap_or_default());
    let mut values = rows.iter().flatten();
    let mut meaning = Meaning::Plain;
    for line in lines {
        if !line.starts_with(' ') {
            meaning = values.next().map_or(Meaning::Plain, |(.., meaning)| *meaning);
        }
        write_line(sink, line.trim_end(), &spans, &[Meaning::Title, meaning], settings.color)?;
    }
    Ok(())
}

fn new_table(style: TableStyle, width: u16) -> Table {
    let mut table = Table::new();
    table.load_style(style).set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    table
}

/// The least width of each column: its content where it is kept whole, else
/// its longest word.
fn least(grid: &Grid) -> Vec<usize> {
    let mut least: Vec<usize> = grid.columns().iter().map(|column| column.title.width()).collect();
    for row in grid.rows() {
        for ((least, column), cell) in least.iter_mut().zip(grid.columns()).zip(row) {
            let needed = match column.wraps {
                true => cell.text.split(' ').map(UnicodeWidthStr::width).max().unwrap_or(0),
                false => cell.width,
            };
            *least = (*least).max(needed);
        }
    }
    least
}

/// Whether the width is enough to break no word: a table of single letters is
/// worse than none.
pub(super) fn fits(grid: &Grid, width: u16) -> bool {
    let frame = grid.columns().len() * 3 + 1;
    least(grid).iter().sum::<usize>() + frame <= usize::from(width)
}

/// Keeps words, and columns of words, whole.
fn hold(table: &mut Table, grid: &Grid) {
    for ((index, column), least) in grid.columns().iter().enumerate().zip(least(grid)) {
        let Some(laid) = table.column_mut(index) else { continue };
        // The boundary counts the blanks beside the text too.
        let least = u16::try_from(least + 2).unwrap_or(u16::MAX);
        laid.set_constraint(match column.wraps {
            true => ColumnConstraint::LowerBoundary(Width::Fixed(least)),
            false => ColumnConstraint::ContentWidth,
        });
    }
}

/// Keeps the first column from wrapping: it tells where a row begins.
fn hold_first(table: &mut Table) {
    if let Some(column) = table.column_mut(0) {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
}

/// Where the columns lie, in display columns: the runs of the border above.
fn spans(border: &str) -> Vec<Range<usize>> {
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

/// The text that a line has in a span of display columns.
fn within<'a>(line: &'a str, span: &Range<usize>) -> &'a str {
    &line[offset(line, span.start)..offset(line, span.end)]
}

/// The byte at which a display column begins.
fn offset(line: &str, column: usize) -> usize {
    let mut at = 0;
    for (index, character) in line.char_indices() {
        if at >= column {
            return index;
        }
        at += character.width().unwrap_or(0);
    }
    line.len()
}

fn write_line(
    sink: &mut dyn Write,
    line: &str,
    spans: &[Range<usize>],
    meanings: &[Meaning],
    color: bool,
) -> io::Result<()> {
    if !color {
        return writeln!(sink, "{line}");
    }
    let mut done = 0;
    for (span, meaning) in spans.iter().zip(meanings) {
        let cell = within(line, span);
        let text = cell.trim();
        if text.is_empty() || *meaning == Meaning::Plain {
            continue;
        }
        let lead = cell.width() - cell.trim_start().width();
        let start = offset(line, span.start + lead);
        let style = meaning.style();
        write!(sink, "{}{style}{text}{style:#}", &line[done..start])?;
        done = start + text.len();
    }
    writeln!(sink, "{}", &line[done..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Cell, Column, Format};
    use super::*;

    fn settings(width: u16, color: bool) -> Settings {
        Settings { format: Format::Table, width, color, indent: false }
    }

    fn sample() -> Grid {
        let mut sample = Grid::new(vec![Column::right("NUM"), Column::left("SIGNAL"), Column::left("WHY")]);
        sample.row([
            Cell::plain("1"),
            Cell::new("HUP", Meaning::Subject),
            Cell::new("a reason that is long enough to wrap", Meaning::Held),
        ]);
        sample.row([Cell::plain("15"), Cell::new("TERM", Meaning::Subject), Cell::nothing()]);
        sample
    }

    fn drawn(table: &Grid, width: u16, color: bool) -> String {
        let mut text = Vec::new();
        grid(&mut text, table, settings(width, color)).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_table_fits_its_width() {
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
        assert_eq!(drawn(&sample(), 34, false), expected);
    }

    #[test]
    fn words_are_kept_whole() {
        assert!(fits(&sample(), 25));
        assert!(!fits(&sample(), 24), "NUM, SIGNAL and `reason` need 25 with their frame");
        let text = drawn(&sample(), 25, false);
        assert!(text.contains("│ reason │") && text.lines().all(|line| line.width() == 25), "{text}");
    }

    #[test]
    fn every_line_of_a_cell_has_its_colour() {
        let text = drawn(&sample(), 34, true);
        assert!(text.contains("│ \x1b[33mis long enough\x1b[0m  │"), "{text}");
        assert!(text.contains("│  15 │ \x1b[1mTERM\x1b[0m   │ \x1b[2m-\x1b[0m "), "{text}");
        assert!(text.contains("│ \x1b[1mNUM\x1b[0m │"), "{text}");
    }

    #[test]
    fn fields_wrap_beside_their_label() {
        let mut block = Fields::default();
        block.add("Name", Cell::new("bash", Meaning::Subject));
        block.add("Purpose", Cell::plain("to read commands and to run them"));
        let mut text = Vec::new();
        fields(&mut text, &block, settings(26, false)).unwrap();
        let expected = "\
Name     bash
Purpose  to read commands
         and to run them
";
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }

    #[test]
    fn a_card_has_a_line_a_value() {
        let mut text = Vec::new();
        cards(&mut text, &sample(), settings(24, false)).unwrap();
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
        fn colour_changes_nothing_but_colour(
            rows in proptest::collection::vec(("[a-z0-9]{1,4}", "\\PC{1,40}", "\\PC{1,20}"), 0..5),
            width in 1u16..130,
        ) {
            let mut table = Grid::new(vec![Column::left("A"), Column::left("B"), Column::right("C")]);
            for (first, second, third) in rows {
                table.row([
                    Cell::new(first, Meaning::Grave),
                    Cell::new(second, Meaning::Held),
                    Cell::new(third, Meaning::Handled),
                ]);
            }
            let colored = drawn(&table, width, true);
            prop_assert_eq!(anstream::adapter::strip_str(&colored).to_string(), drawn(&table, width, false));
        }
    }
}

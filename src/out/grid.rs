//! The content of a report, independent of the output format.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr;

use super::Meaning;

/// The alignment of the cells of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// To the left, for text.
    Left,
    /// To the right, for numbers.
    Right,
}

/// A column of a [`Grid`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// The title, in capitals.
    pub title: &'static str,
    /// The alignment of its cells.
    pub align: Align,
    /// Whether a table may wrap its cells.
    pub wraps: bool,
}

impl Column {
    /// A column of text that may wrap.
    pub const fn left(title: &'static str) -> Column {
        Column { title, align: Align::Left, wraps: true }
    }

    /// A column of text that does not wrap.
    pub const fn no_wrap(title: &'static str) -> Column {
        Column { title, align: Align::Left, wraps: false }
    }

    /// A column of numbers.
    pub const fn right(title: &'static str) -> Column {
        Column { title, align: Align::Right, wraps: false }
    }
}

/// A column of a stream of rows.
#[derive(Clone, Copy, Debug)]
pub struct StreamColumn {
    /// The title, in capitals.
    pub title: &'static str,
    /// The width that its cells are padded to; longer cells are not truncated.
    pub width: usize,
}

/// A cell: one line of printable text, and its meaning.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The text. It is never empty, so that a script can split the columns.
    pub text: Cow<'static, str>,
    /// The meaning, which determines the colour.
    pub meaning: Meaning,
}

impl Cell {
    /// A cell with a meaning.
    pub fn new(text: impl Into<Cow<'static, str>>, meaning: Meaning) -> Cell {
        Cell { text: text.into(), meaning }
    }

    /// A cell without a special meaning.
    pub fn plain(text: impl Into<Cow<'static, str>>) -> Cell {
        Cell::new(text, Meaning::Plain)
    }

    /// The cell for an absent value: `-`.
    pub const fn absent() -> Cell {
        Cell { text: Cow::Borrowed("-"), meaning: Meaning::Absent }
    }
}

/// Rows of cells under column titles. One string contains the text of all cells, to
/// save memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    columns: Vec<Column>,
    text: String,
    cells: Vec<CellSpan>,
}

/// The end of the text of a cell in the text of the grid, and its other properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CellSpan {
    text_end: usize,
    width: u32,
    meaning: Meaning,
}

/// A cell of a [`Grid`].
#[derive(Clone, Copy, Debug)]
pub struct GridCell<'a> {
    /// The text.
    pub text: &'a str,
    /// The width, in terminal columns.
    pub width: usize,
    /// The meaning.
    pub meaning: Meaning,
}

/// The width of a text, in terminal columns.
pub(super) fn display_width(text: &str) -> usize {
    // Control characters have been escaped, so each ASCII character is one column.
    if text.is_ascii() { text.len() } else { text.width() }
}

impl Grid {
    /// A grid without rows.
    pub fn new(columns: Vec<Column>) -> Grid {
        Grid { columns, text: String::new(), cells: Vec::new() }
    }

    /// Adds a row with one cell per column.
    pub fn push_row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        for Cell { text, meaning } in cells {
            self.text.push_str(&text);
            let width = u32::try_from(display_width(&text)).unwrap_or(u32::MAX);
            self.cells.push(CellSpan { text_end: self.text.len(), width, meaning });
        }
        debug_assert_eq!(self.cells.len() % self.columns.len(), 0, "one cell per column");
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The rows in insertion order, each as its cells.
    pub fn rows(&self) -> impl Iterator<Item = impl Iterator<Item = GridCell<'_>>> {
        let mut start = 0;
        self.cells.chunks(self.columns.len()).map(move |row| {
            let mut from = start;
            start = row.last().map_or(start, |cell| cell.text_end);
            row.iter().map(move |cell| {
                let text = self.text.get(from..cell.text_end).unwrap_or_default();
                from = cell.text_end;
                GridCell {
                    text,
                    width: usize::try_from(cell.width).unwrap_or(usize::MAX),
                    meaning: cell.meaning,
                }
            })
        })
    }
}

/// A block of fields, each a label and a value.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(&'static str, Cell)>);

impl Fields {
    /// Adds a field.
    pub fn push(&mut self, label: &'static str, value: Cell) {
        self.0.push((label, value));
    }

    /// Whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fields in insertion order.
    pub fn iter(&self) -> impl Iterator<Item = &(&'static str, Cell)> {
        self.0.iter()
    }
}

//! What a view wants shown, before any format is chosen.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr;

use super::Meaning;

/// On which side of its column a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A column of a [`Grid`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its title, in capitals.
    pub title: &'static str,
    /// Where its cells stand.
    pub align: Align,
    /// Whether a table may break its cells over several lines.
    pub wraps: bool,
}

impl Column {
    /// A column of text.
    pub const fn left(title: &'static str) -> Column {
        Column { title, align: Align::Left, wraps: true }
    }

    /// A column of words that are kept whole.
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
    /// Its title, in capitals.
    pub title: &'static str,
    /// The width that its cells are filled up to; a longer one is not cut.
    pub width: usize,
}

/// One cell: printable text on one line, and what it means.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The text; never empty, so that a reader can tell the columns apart.
    pub text: Cow<'static, str>,
    /// What it means, which a colour may show.
    pub meaning: Meaning,
}

impl Cell {
    /// A cell with a meaning.
    pub fn new(text: impl Into<Cow<'static, str>>, meaning: Meaning) -> Cell {
        Cell { text: text.into(), meaning }
    }

    /// A cell of no special meaning.
    pub fn plain(text: impl Into<Cow<'static, str>>) -> Cell {
        Cell::new(text, Meaning::Plain)
    }

    /// The cell that stands for nothing: `-`.
    pub const fn absent() -> Cell {
        Cell { text: Cow::Borrowed("-"), meaning: Meaning::Absent }
    }
}

/// Rows under titled columns. All of their text is in one piece, so that many
/// rows take little memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    columns: Vec<Column>,
    text: String,
    cells: Vec<CellSpan>,
}

/// Where a cell's text ends in that of the grid, and how it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CellSpan {
    text_end: usize,
    width: u32,
    meaning: Meaning,
}

/// A cell of a [`Grid`].
#[derive(Clone, Copy, Debug)]
pub struct GridCell<'a> {
    /// Its text.
    pub text: &'a str,
    /// How many columns of a terminal that takes.
    pub width: usize,
    /// What it means.
    pub meaning: Meaning,
}

/// How many columns of a terminal a text takes.
pub(super) fn display_width(text: &str) -> usize {
    // Control characters are not ASCII text here: they have been escaped.
    if text.is_ascii() { text.len() } else { text.width() }
}

impl Grid {
    /// A grid without rows.
    pub fn new(columns: Vec<Column>) -> Grid {
        Grid { columns, text: String::new(), cells: Vec::new() }
    }

    /// Adds a row: one cell a column.
    pub fn push_row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        for Cell { text, meaning } in cells {
            self.text.push_str(&text);
            let width = u32::try_from(display_width(&text)).unwrap_or(u32::MAX);
            self.cells.push(CellSpan { text_end: self.text.len(), width, meaning });
        }
        debug_assert_eq!(self.cells.len() % self.columns.len(), 0, "one cell a column");
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The rows, in the order they were added, each as its cells.
    pub fn rows(&self) -> impl Iterator<Item = impl Iterator<Item = GridCell<'_>>> {
        let mut start = 0;
        self.cells.chunks(self.columns.len()).map(move |row| {
            let mut from = start;
            start = row.last().map_or(start, |place| place.text_end);
            row.iter().map(move |place| {
                let text = self.text.get(from..place.text_end).unwrap_or_default();
                from = place.text_end;
                GridCell {
                    text,
                    width: usize::try_from(place.width).unwrap_or(usize::MAX),
                    meaning: place.meaning,
                }
            })
        })
    }
}

/// A block of lines, each a label and a value.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(&'static str, Cell)>);

impl Fields {
    /// Adds a line.
    pub fn push(&mut self, label: &'static str, value: Cell) {
        self.0.push((label, value));
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The lines.
    pub fn iter(&self) -> impl Iterator<Item = &(&'static str, Cell)> {
        self.0.iter()
    }
}

//! Colour by meaning: a view names what a cell means, this table names the
//! colour. Everything is readable without it.

use anstyle::{AnsiColor, Style};

/// What a piece of text means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Meaning {
    /// Nothing special.
    #[default]
    Plain,
    /// There is nothing here.
    Absent,
    /// A title or a label.
    Title,
    /// What is looked at: a process, a signal.
    Subject,
    /// A handler or a program deals with it.
    Handled,
    /// It has no effect.
    Ignored,
    /// It is held back.
    Pending,
    /// It ends or endangers something.
    Danger,
    /// It could not be found out.
    Unknown,
}

impl Meaning {
    /// What an effect means, by its identifier: what ends or stops, what is
    /// held back, what does nothing.
    pub fn from_effect_id(id: &str) -> Meaning {
        match id {
            "terminates" | "stops" => Meaning::Danger,
            "runs-handler" | "continues" | "taken-by-sigwait" => Meaning::Handled,
            "pending" | "merged" | "read-by-signalfd" | "traced" => Meaning::Pending,
            "ignored" | "dropped" | "nothing" => Meaning::Ignored,
            "unknown" | "queue-full" => Meaning::Unknown,
            _ => Meaning::Plain,
        }
    }

    /// Its colour, of the terminal's own sixteen.
    pub(super) const fn style(self) -> Style {
        let style = Style::new();
        match self {
            Meaning::Plain => style,
            Meaning::Absent | Meaning::Ignored => style.dimmed(),
            Meaning::Title | Meaning::Subject => style.bold(),
            Meaning::Handled => style.fg_color(Some(anstyle::Color::Ansi(AnsiColor::Green))),
            Meaning::Pending => style.fg_color(Some(anstyle::Color::Ansi(AnsiColor::Yellow))),
            Meaning::Danger => style.fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red))).bold(),
            Meaning::Unknown => style.fg_color(Some(anstyle::Color::Ansi(AnsiColor::Magenta))),
        }
    }
}

//! Maps the meaning of a text to its colour. Output is complete without colour.

use anstyle::{AnsiColor, Style};

/// The meaning of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Meaning {
    /// No special meaning.
    #[default]
    Plain,
    /// An absent value.
    Absent,
    /// A title or a label.
    Title,
    /// The subject of a row: a process, a signal.
    Subject,
    /// A handler or the program handles the signal.
    Handled,
    /// The signal has no effect.
    Ignored,
    /// The signal is pending.
    Pending,
    /// A termination, a stop, or another danger.
    Danger,
    /// An unknown value.
    Unknown,
}

impl Meaning {
    /// The meaning of the effect with an identifier
    /// (`explain::Effect::id`).
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

    /// The style, with one of the 16 colours of the terminal.
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

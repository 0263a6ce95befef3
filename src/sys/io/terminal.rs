//! Properties of standard output: terminal or not, width, colour.

use std::io::IsTerminal;

use anstream::{AutoStream, ColorChoice};

/// The properties of standard output.
#[derive(Clone, Copy, Debug)]
pub struct TerminalInfo {
    /// Whether it is a terminal.
    pub is_terminal: bool,
    /// The width of the terminal in columns, if the terminal reports it.
    pub width: Option<u16>,
    /// Whether output is coloured: on a terminal that supports colour, unless
    /// `NO_COLOR` is set; elsewhere if `CLICOLOR_FORCE` is set.
    pub use_color: bool,
}

impl TerminalInfo {
    /// Reads the properties from the terminal and the environment.
    pub fn detect() -> TerminalInfo {
        let stdout = std::io::stdout();
        let terminal = stdout.is_terminal();
        let choice = AutoStream::choice(&stdout);
        let color = matches!(choice, ColorChoice::Always | ColorChoice::AlwaysAnsi);
        TerminalInfo {
            is_terminal: terminal,
            width: if terminal { terminal_width() } else { None },
            use_color: color,
        }
    }
}

/// The width of the terminal on standard output, in columns.
fn terminal_width() -> Option<u16> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ fills in one winsize (ioctl_tty(2)), and `size` is one.
    let result = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) };
    (result == 0 && size.ws_col > 0).then_some(size.ws_col)
}

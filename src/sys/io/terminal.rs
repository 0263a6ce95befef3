//! What standard output is: a terminal or not, how wide, and with colour.

use std::io::IsTerminal;

use anstream::{AutoStream, ColorChoice};

/// What is known of standard output.
#[derive(Clone, Copy, Debug)]
pub struct TerminalInfo {
    /// Whether it is a terminal.
    pub is_terminal: bool,
    /// The terminal's width in columns, where it tells one.
    pub width: Option<u16>,
    /// Whether colour is wanted: a terminal that can show it, unless `NO_COLOR`
    /// is set; `CLICOLOR_FORCE` wants it elsewhere too.
    pub use_color: bool,
}

impl TerminalInfo {
    /// Asks the terminal and the environment.
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

/// The width of the terminal at standard output, in columns.
fn terminal_width() -> Option<u16> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ fills in one winsize (ioctl_tty(2)), and `size` is one.
    let answered = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) };
    (answered == 0 && size.ws_col > 0).then_some(size.ws_col)
}

//! Making text safe for a terminal.
//!
//! A process chooses its own name: it may hold escape sequences, line feeds,
//! text that reverses the reading direction, or bytes that are no UTF-8.

use std::borrow::Cow;
use std::fmt::Write;

/// A name as printable text: control characters and bytes that are no UTF-8
/// become `\x1b` or `\n`, what is invisible or turns the direction `\u{202e}`, a backslash two of them, so
/// that what is printed stands for exactly one name.
pub fn escape(name: &[u8]) -> Cow<'_, str> {
    if name.iter().all(|byte| (b' '..=b'~').contains(byte) && *byte != b'\\') {
        // Printable ASCII is UTF-8; lossy conversion borrows it.
        return String::from_utf8_lossy(name);
    }
    let mut text = String::with_capacity(name.len() + 8);
    for chunk in name.utf8_chunks() {
        chunk.valid().chars().for_each(|character| push(&mut text, character, true));
        for byte in chunk.invalid() {
            push_byte(&mut text, *byte);
        }
    }
    Cow::Owned(text)
}

/// A message for stderr as printable text: like [`escape`], but line feeds and
/// backslashes stay as they are.
pub fn escape_line(message: &str) -> String {
    let mut text = String::with_capacity(message.len());
    message.chars().for_each(|character| match character {
        '\n' => text.push('\n'),
        _ => push(&mut text, character, false),
    });
    text
}

fn push(text: &mut String, character: char, backslash: bool) {
    match character {
        '\\' if backslash => text.push_str("\\\\"),
        '\n' => text.push_str("\\n"),
        '\t' => text.push_str("\\t"),
        '\r' => text.push_str("\\r"),
        '\0'..='\x1f' | '\x7f' => push_byte(text, character as u8),
        '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => push_code(text, character),
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' => push_code(text, character),
        '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' => push_code(text, character),
        '\u{e0000}'..='\u{e007f}' => push_code(text, character),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => push_code(text, character),
        _ => text.push(character),
    }
}

// Writing to a String cannot fail, so the results are of no interest.
fn push_byte(text: &mut String, byte: u8) {
    let _ = write!(text, "\\x{byte:02x}");
}

fn push_code(text: &mut String, character: char) {
    let _ = write!(text, "\\u{{{:x}}}", u32::from(character));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hostile_names_are_escaped() {
        for (name, text) in [
            (&b"bash"[..], "bash"),
            (b"a b):c", "a b):c"),
            (b"\x1b[31mred", "\\x1b[31mred"),
            (b"two\nlines", "two\\nlines"),
            (b"back\\slash", "back\\\\slash"),
            (b"cut\xe2\x82", "cut\\xe2\\x82"),
            ("größe".as_bytes(), "größe"),
            ("\u{202e}evil".as_bytes(), "\\u{202e}evil"),
            ("\u{9b}31m".as_bytes(), "\\u{9b}31m"),
            (b"", ""),
        ] {
            assert_eq!(escape(name), text);
        }
    }

    #[test]
    fn messages_keep_their_lines() {
        assert_eq!(escape_line("one\ntwo\x1b \\"), "one\ntwo\\x1b \\");
    }

    proptest! {
        #[test]
        fn nothing_reaches_the_terminal_unescaped(name: Vec<u8>) {
            let text = escape(&name);
            prop_assert!(!text.chars().any(char::is_control));
        }

        #[test]
        fn two_names_never_look_the_same(one: Vec<u8>, other: Vec<u8>) {
            prop_assert_eq!(one == other, escape(&one) == escape(&other));
        }
    }
}

//! Escapes text for a terminal.
//!
//! A process chooses its own name. The name can contain escape sequences, line
//! feeds, bidirectional control characters, and bytes that are not UTF-8.

use std::borrow::Cow;
use std::fmt::Write;

/// Escapes a name to printable text. Control characters and bytes that are not UTF-8
/// become `\x1b` or `\n`, invisible and bidirectional characters `\u{202e}`, and a
/// backslash is doubled. Different names yield different texts.
pub fn escape_name(name: &[u8]) -> Cow<'_, str> {
    if name.iter().all(|byte| (b' '..=b'~').contains(byte) && *byte != b'\\') {
        // Printable ASCII is UTF-8; lossy conversion borrows it.
        return String::from_utf8_lossy(name);
    }
    let mut text = String::with_capacity(name.len() + 8);
    for chunk in name.utf8_chunks() {
        chunk.valid().chars().for_each(|character| push_escaped(&mut text, character, true));
        for byte in chunk.invalid() {
            push_hex_escape(&mut text, *byte);
        }
    }
    Cow::Owned(text)
}

/// Escapes a message for stderr like [`escape_name`], except line feeds and
/// backslashes.
pub fn escape_message(message: &str) -> String {
    let mut text = String::with_capacity(message.len());
    message.chars().for_each(|character| match character {
        '\n' => text.push('\n'),
        _ => push_escaped(&mut text, character, false),
    });
    text
}

fn push_escaped(text: &mut String, character: char, escapes_backslash: bool) {
    match character {
        '\\' if escapes_backslash => text.push_str("\\\\"),
        '\n' => text.push_str("\\n"),
        '\t' => text.push_str("\\t"),
        '\r' => text.push_str("\\r"),
        '\0'..='\x1f' | '\x7f' => push_hex_escape(text, character as u8),
        '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => push_unicode_escape(text, character),
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' => push_unicode_escape(text, character),
        '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' => {
            push_unicode_escape(text, character)
        }
        '\u{e0000}'..='\u{e007f}' => push_unicode_escape(text, character),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => push_unicode_escape(text, character),
        _ => text.push(character),
    }
}

// Writing to a String cannot fail, so the result is ignored.
fn push_hex_escape(text: &mut String, byte: u8) {
    let _ = write!(text, "\\x{byte:02x}");
}

fn push_unicode_escape(text: &mut String, character: char) {
    let _ = write!(text, "\\u{{{:x}}}", u32::from(character));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn control_and_bidi_characters_are_escaped() {
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
            assert_eq!(escape_name(name), text);
        }
    }

    #[test]
    fn message_keeps_line_feeds_and_backslashes() {
        assert_eq!(escape_message("one\ntwo\x1b \\"), "one\ntwo\\x1b \\");
    }

    proptest! {
        #[test]
        fn escaped_name_has_no_control_characters(name: Vec<u8>) {
            let text = escape_name(&name);
            prop_assert!(!text.chars().any(char::is_control));
        }

        #[test]
        fn escaping_is_injective(one: Vec<u8>, other: Vec<u8>) {
            prop_assert_eq!(one == other, escape_name(&one) == escape_name(&other));
        }
    }
}
